/* The model inside the library: files that the build put into the binary.
 * Includes: base/io.h. Called by: src/api. */
#ifndef TB_API_EMBEDDED_H
#define TB_API_EMBEDDED_H

#include "base/io.h"

/* The files of the model's folder, 64-byte aligned, alive as long as the process. *n = 0: this build has none. */
const tb_memory_file *tb_embedded_files(size_t *n);

#endif
