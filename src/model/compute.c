/* The names of what float layers compute in. Includes: model/compute.h. Called by: study, api. */
#include "model/compute.h"

#include <string.h>

static const char *const names[] = {[TB_COMPUTE_FP32] = "fp32", [TB_COMPUTE_BF16] = "bf16"};

const char *tb_compute_name(tb_compute compute)
{
    return names[compute];
}

timbang_status tb_compute_parse(const char *name, tb_compute *compute, tb_error *err)
{
    *compute = TB_COMPUTE_FP32;
    if (!name || strcmp(name, names[TB_COMPUTE_FP32]) == 0)
        return TIMBANG_OK;
    if (strcmp(name, names[TB_COMPUTE_BF16]) != 0)
        return tb_fail(err, TIMBANG_USAGE, "compute: '%s' is not known; fp32 (the default) or bf16", name);
    *compute = TB_COMPUTE_BF16;
    return TIMBANG_OK;
}
