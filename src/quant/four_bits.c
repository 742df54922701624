/* A row on its way to four bits. Includes: base, quant/four_bits.h. Called by: quant/two_level.c. */
#include "quant/four_bits.h"

#include <stdlib.h>
#include <string.h>

enum { LANES = TB_S4_LANES };

/* ---- Scaling by powers of two ---- */

double tb_power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int exponent_of(double positive) /* of a normal double: 2^e <= positive < 2^(e+1) */
{
    uint64_t bits;
    memcpy(&bits, &positive, sizeof bits);
    return (int)(bits >> 52) - 1023;
}

static double round_even(double x) /* |x| < 2^51 */
{
    const double shift = 6755399441055744.0; /* 1.5 * 2^52 */
    return (x + shift) - shift;
}

double tb_storable_scale(double scale)
{
    if (scale <= TB_SMALLEST_FLOAT)
        return TB_SMALLEST_FLOAT;
    int exponent = exponent_of(scale) - 19;
    double step = tb_power_of_two(exponent > -149 ? exponent : -149);
    return round_even(scale / step) * step;
}

float tb_s4_scaled(const tb_s4_row *row, double scale)
{
    return (float)(scale * tb_power_of_two(-row->exponent));
}

/* ---- A row and its memory ---- */

timbang_status tb_s4_row_alloc(tb_s4_row *row, const tb_kernels *kernels, size_t n, size_t group, const float *h,
                               tb_error *err)
{
    *row = (tb_s4_row){.kernels = kernels ? kernels : &tb_kernels_ref,
                       .h = h,
                       .n = n,
                       .padded = tb_round_up(n, LANES),
                       .group = group,
                       .groups = n / group};
    size_t groups = row->groups, tried = groups * TB_S4_CANDIDATES;
    TB_TRY(tb_arena_create(row->padded * 16 + groups * 160, &row->arena, err));
    const struct {
        void **to;
        size_t count, size;
    } blocks[] = {
        {(void **)&row->x, row->padded, sizeof *row->x},
        {(void **)&row->r, row->padded, sizeof *row->r},
        {(void **)&row->cover, groups, sizeof *row->cover},
        {(void **)&row->tip, groups, sizeof *row->tip},
        {(void **)&row->tip_weight, groups, sizeof *row->tip_weight},
        {(void **)&row->m, groups, sizeof *row->m},
        {(void **)&row->best, groups, sizeof *row->best},
        {(void **)&row->m_error, groups, sizeof *row->m_error},
        {(void **)&row->error, groups, sizeof *row->error},
        {(void **)&row->bound, groups, sizeof *row->bound},
        {(void **)&row->square, groups, sizeof *row->square},
        {(void **)&row->t, groups, sizeof *row->t},
        {(void **)&row->sums, groups, 2 * sizeof *row->sums},
        {(void **)&row->near, groups, sizeof *row->near},
        {(void **)&row->tried, tried, sizeof *row->tried},
        {(void **)&row->tried_error, tried, sizeof *row->tried_error},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        *blocks[i].to = tb_arena_alloc(row->arena, blocks[i].count, blocks[i].size, err);
        if (!*blocks[i].to)
            return err->status;
    }
    return TIMBANG_OK;
}

void tb_s4_row_free(tb_s4_row *row)
{
    tb_arena_free(row->arena);
}

/* x = w * 2^-exponent. One rounding at most (into denormals), in float as in double. */
static void scale_values(tb_s4_row *row)
{
    const float *w = row->w;
    float *x = row->x;
    size_t n = row->n;
    double factor = tb_power_of_two(-row->exponent);
    if (row->exponent >= -126 && row->exponent <= 126) {
        const float single = (float)factor;
        for (size_t i = 0; i < n; i++)
            x[i] = w[i] * single;
        return;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)w[i] * factor);
}

bool tb_s4_row_take(tb_s4_row *row, const float *w, float *scale)
{
    float most = tb_row_absmax(w, row->n);
    if (!(most > 0)) {
        *scale = most == 0 ? 1 : most;
        return false;
    }
    row->w = w;
    row->exponent = exponent_of((double)most);
    scale_values(row);
    size_t n = row->groups == 1 ? row->padded : row->group;
    row->kernels->cover_s4(row->x, row->h, n, row->groups, row->cover, row->tip, row->tip_weight);
    return true;
}

/* ---- Integers ---- */

static float exact_integer(float w, double step)
{
    double x = (double)w / step;
    return (float)round_even(x < -8 ? -8 : x > 7 ? 7 : x);
}

/* By the level's kernel, and again in double where a quotient is near to a tie; and the sums of x r h and r r h of each
 * group, in some order. */
void tb_s4_round(tb_s4_row *row, double scale, const uint8_t *m)
{
    const float s = tb_s4_scaled(row, scale);
    size_t n = row->groups == 1 ? row->padded : row->group;
    for (size_t g = 0; g < row->groups; g++)
        row->t[g] = s * (m ? (float)m[g] : 1.0f);
    row->kernels->round_s4(row->x, row->h, n, row->groups, row->t, row->r, row->sums, row->near);
    for (size_t g = 0; g < row->groups; g++) {
        if (!row->near[g])
            continue;
        double step = scale * (m ? m[g] : 1), cross = 0, square = 0;
        for (size_t i = g * row->group; i < (g + 1) * row->group; i++) {
            double r = row->r[i] = exact_integer(row->w[i], step);
            cross += (double)row->x[i] * (r * (double)row->h[i]);
            square += r * (r * (double)row->h[i]);
        }
        row->sums[2 * g] = cross;
        row->sums[2 * g + 1] = square;
    }
}

void tb_s4_write(const tb_s4_row *row, int8_t *q)
{
    for (size_t i = 0; i < row->n; i++)
        q[i] = (int8_t)(int32_t)row->r[i];
}

/* ---- Least squares ---- */

/* One value after the other: the definition. */
static double ratio_in_order(const tb_s4_row *row, const uint8_t *m, double scale)
{
    double cross = 0, square = 0;
    for (size_t i = 0; i < row->n; i++) {
        int k = m ? m[i / row->group] : 1;
        double p = (double)row->r[i] * k, h = (double)row->h[i];
        cross += (double)row->w[i] * p * h;
        square += p * p * h;
    }
    return square > 0 && cross > 0 ? cross / square : scale;
}

/* Every term of both sums is positive, so that n additions in any order are within n + 8 roundings of the exact sum:
 * where the two ends of that range are stored as the same scale, the order does not matter. */
double tb_s4_least_squares(tb_s4_row *row, double scale, const uint8_t *m, tb_s4_store *store)
{
    double cross = 0, square = 0, margin = (double)(row->n + 16) * 0x1p-51;
    tb_s4_round(row, scale, m);
    for (size_t g = 0; g < row->groups; g++) {
        int k = m ? m[g] : 1;
        row->square[g] = (float)row->sums[2 * g + 1];
        cross += row->sums[2 * g] * k;
        square += row->sums[2 * g + 1] * (k * k);
    }
    if (square > 0 && cross > 0) {
        double ratio = cross * tb_power_of_two(row->exponent) / square, low = store(ratio * (1 - margin));
        if (low == store(ratio * (1 + margin)))
            return low;
    }
    return store(ratio_in_order(row, m, scale));
}
