/* One product out of three. Includes: model/fuse.h. Called by: model/load.c, model/trainee.c. */
#include "model/fuse.h"

#include <string.h>

static bool same_scheme(const tb_weight *a, const tb_weight *b)
{
    return a->kind == b->kind && a->act == b->act && a->group == b->group;
}

bool tb_weights_fusible(const tb_weight parts[3])
{
    return same_scheme(&parts[0], &parts[1]) && same_scheme(&parts[0], &parts[2]);
}

static void append(void *to, size_t *at, const void *from, size_t bytes)
{
    if (from)
        memcpy((char *)to + *at, from, bytes);
    *at += bytes;
}

timbang_status tb_weights_fuse(const tb_weight parts[3], tb_weight *whole, tb_error *err)
{
    size_t rows = parts[0].rows, columns = parts[0].columns, values = rows * columns;
    size_t groups = parts[0].group ? columns / parts[0].group : 0;
    tb_weight made = {
        .kind = parts[0].kind, .act = parts[0].act, .rows = 3 * rows, .columns = columns, .group = parts[0].group};
    bool ok = true;
    if (parts[0].values)
        ok = (made.values = tb_calloc(3 * values, sizeof(float), err)) != NULL;
    if (ok && parts[0].q)
        ok = (made.q = tb_calloc(3 * values, 1, err)) != NULL;
    if (ok && parts[0].scale)
        ok = (made.scale = tb_calloc(3 * rows, sizeof(float), err)) != NULL;
    if (ok && parts[0].multiplier)
        ok = (made.multiplier = tb_calloc(3 * rows * groups, 1, err)) != NULL;
    if (!ok) {
        tb_weight_free(&made);
        return err->status;
    }
    size_t at_values = 0, at_q = 0, at_scale = 0, at_multiplier = 0;
    for (size_t i = 0; i < 3; i++) {
        append(made.values, &at_values, parts[i].values, values * sizeof(float));
        append(made.q, &at_q, parts[i].q, values);
        append(made.scale, &at_scale, parts[i].scale, rows * sizeof(float));
        append(made.multiplier, &at_multiplier, parts[i].multiplier, rows * groups);
    }
    *whole = made;
    return TIMBANG_OK;
}
