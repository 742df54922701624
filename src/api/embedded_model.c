/* The model inside the library, as the assembly file that the build made presents it.
 * Includes: api/embedded.h. Called by: src/api. */
#include "api/embedded.h"

/* From scripts/embed.py. */
extern const tb_memory_file tb_embedded_table[];
extern const uint64_t tb_embedded_count;

const tb_memory_file *tb_embedded_files(size_t *n)
{
    *n = (size_t)tb_embedded_count;
    return tb_embedded_table;
}
