/* What float layers compute in: FP32, the default, or BF16, which changes bits and is asked for by name.
 * Includes: base. Called by: model, study, api. */
#ifndef TB_MODEL_COMPUTE_H
#define TB_MODEL_COMPUTE_H

#include "base/status.h"

typedef enum tb_compute { TB_COMPUTE_FP32, TB_COMPUTE_BF16 } tb_compute;

/* "fp32", "bf16". */
const char *tb_compute_name(tb_compute compute);
/* NULL is FP32; another name than the two is TIMBANG_USAGE. */
timbang_status tb_compute_parse(const char *name, tb_compute *compute, tb_error *err);

#endif
