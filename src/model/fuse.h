/* Query, key and value as one product. Includes: formats/weights.h. Called by: model/load.c, model/trainee.c. */
#ifndef TB_MODEL_FUSE_H
#define TB_MODEL_FUSE_H

#include "formats/weights.h"

/* Whether the three can be one product: same kind, activations and group. */
bool tb_weights_fusible(const tb_weight parts[3]);
/* The rows of all three, one after the other, in a new weight. The parts are kept. */
timbang_status tb_weights_fuse(const tb_weight parts[3], tb_weight *whole, tb_error *err);

#endif
