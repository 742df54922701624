/* A build without an embedded model: the bootstrap tool, and tests.
 * Includes: api/embedded.h. Called by: src/api. */
#include "api/embedded.h"

const tb_memory_file *tb_embedded_files(size_t *n)
{
    *n = 0;
    return NULL;
}
