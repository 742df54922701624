/* Four bits with scales chosen by squared error: two levels (a channel scale times a multiplier for each group, as in
 * progressive group quantization, QServe, arXiv 2405.04532), and one scale a row.
 * Includes: base, quant/rows.h. Called by: quant/quantize.c.
 *
 * A row is searched in float on values scaled by a power of two, so that its largest magnitude is in [1, 2); sums run
 * in 16 lanes and a fixed tree. The result is then rounded from the values themselves in double. No step depends on the
 * machine, on the compiler, or on the number of threads. */
#include "base/rng.h"
#include "quant/rows.h"

#include <stdlib.h>
#include <string.h>

enum { LANES = 16, MAX_MULTIPLIER = 15, REFINEMENTS = 3 };

/* The search, in parts of the scale that clips nothing. The tables of candidates are wide enough for both small models
 * of a study's kind: neither lower ends nor finer steps lower the error by more than one part in a thousand. */
enum { CHANNEL_CANDIDATES = 20, ROW_CANDIDATES = 37 };
static const double channel_first = 0.80, channel_step = 0.025; /* of the channel scale at multiplier 15 */
static const double row_first = 0.30, row_step = 0.02;          /* of a row's scale */
static const float clip_limit = 0.66f;                          /* of a group's scale */
/* At random: a channel's scale as above, and what a part's may be of the one that clips nothing. */
static const double random_first = 0.80, random_width = 0.45;
static const float random_lowest = 0.6f, random_highest = 1.8f;

/* ---- Scaling by powers of two ---- */

static double power_of_two(int exponent) /* of a normal double */
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

/* The nearest channel scale that can be stored: at most 20 significant bits, so that its product with a multiplier is
 * exact, and a multiple of the smallest float. */
static double storable_scale(double scale)
{
    if (scale <= TB_SMALLEST_FLOAT)
        return TB_SMALLEST_FLOAT;
    int exponent = exponent_of(scale) - 19;
    double step = power_of_two(exponent > -149 ? exponent : -149);
    return round_even(scale / step) * step;
}

/* ---- Squared error ---- */

/* sum over n (a multiple of 16) of (x - t * clamp(rint(x / t), -8, 7))^2 * h */
static float squared_error(const float *x, const float *h, size_t n, float t)
{
    const float shift = 12582912.0f, inverse = 1.0f / t; /* 1.5 * 2^23: adding it rounds to an integer */
    float lane[LANES] = {0};
    for (size_t i = 0; i < n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            float r = x[i + j] * inverse;
            r = r < -8.0f ? -8.0f : r;
            r = r > 7.0f ? 7.0f : r;
            r = (r + shift) - shift;
            float d = x[i + j] - r * t;
            lane[j] += d * d * h[i + j];
        }
    }
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t j = 0; j < half; j++)
            lane[j] += lane[j + half];
    }
    return lane[0];
}

/* The smallest scale at which no value of x is clipped. */
static float covering_scale(const float *x, size_t n)
{
    float high = 0, low = 0;
    for (size_t i = 0; i < n; i++) {
        high = x[i] > high ? x[i] : high;
        low = x[i] < low ? x[i] : low;
    }
    high /= 7.0f;
    low /= -8.0f;
    return high > low ? high : low;
}

/* ---- A row and the memory to search it ---- */

typedef struct row {
    const float *w; /* the values */
    const float *h; /* importance of each column; like x, up to a multiple of 16 */
    float *x;       /* the values times 2^-exponent; zeros up to a multiple of 16 */
    size_t n, padded, group, groups;
    int exponent;
    float *cover;      /* [groups] */
    uint8_t *m, *best; /* [groups] */
} row;

static void row_free(row *r)
{
    free(r->x);
    free(r->cover);
    free(r->m);
    free(r->best);
}

static timbang_status row_alloc(row *r, size_t n, size_t group, const float *h, tb_error *err)
{
    *r = (row){.h = h, .n = n, .padded = tb_round_up(n, LANES), .group = group, .groups = n / group};
    r->x = tb_calloc(r->padded, sizeof *r->x, err);
    r->cover = r->x ? tb_calloc(r->groups, sizeof *r->cover, err) : NULL;
    r->m = r->cover ? tb_calloc(r->groups, 1, err) : NULL;
    r->best = r->m ? tb_calloc(r->groups, 1, err) : NULL;
    return r->best ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

/* False for a row of zeros. */
static bool row_take(row *r, const float *w)
{
    float most = tb_row_absmax(w, r->n);
    if (most == 0)
        return false;
    r->w = w;
    r->exponent = exponent_of(most);
    double factor = power_of_two(-r->exponent);
    for (size_t i = 0; i < r->n; i++)
        r->x[i] = (float)((double)w[i] * factor);
    for (size_t g = 0; g < r->groups; g++)
        r->cover[g] = covering_scale(r->x + g * r->group, r->group);
    return true;
}

static int8_t quantize_value(float w, double step)
{
    double x = (double)w / step;
    return (int8_t)round_even(x < -8 ? -8 : x > 7 ? 7 : x);
}

/* The channel scale with the least squared error for the integers that scale and m give. */
static double least_squares_scale(const row *r, double scale, const uint8_t *m)
{
    double cross = 0, square = 0;
    for (size_t i = 0; i < r->n; i++) {
        int k = m[i / r->group];
        double p = quantize_value(r->w[i], scale * k) * k, h = (double)r->h[i];
        cross += (double)r->w[i] * p * h;
        square += p * p * h;
    }
    return square > 0 && cross > 0 ? cross / square : scale;
}

/* ---- Two levels ---- */

/* Best multipliers for the (scaled) channel scale s; gives up, with a larger sum, once the sum reaches limit. */
static double choose_multipliers(const row *r, float s, double limit, uint8_t *m)
{
    double sum = 0;
    for (size_t g = 0; g < r->groups && sum < limit; g++) {
        float ratio = r->cover[g] / s, low = ratio * clip_limit, least = -1;
        int first = low >= MAX_MULTIPLIER ? MAX_MULTIPLIER : low < 1 ? 1 : (int)low;
        int last = ratio >= MAX_MULTIPLIER ? MAX_MULTIPLIER : (int)ratio + 1;
        for (int k = first; k <= last; k++) {
            size_t at = g * r->group;
            float error = squared_error(r->x + at, r->h + at, r->group, s * (float)k);
            if (least < 0 || error < least) {
                least = error;
                m[g] = (uint8_t)k;
            }
        }
        sum += (double)least;
    }
    return sum;
}

static void try_channel_scale(const row *r, double candidate, double *scale, double *error)
{
    double stored = storable_scale(candidate);
    double sum = choose_multipliers(r, (float)(stored * power_of_two(-r->exponent)), *error, r->m);
    if (sum < *error) {
        *error = sum;
        *scale = stored;
        memcpy(r->best, r->m, r->groups);
    }
}

static unsigned greatest_common_divisor(const uint8_t *m, size_t n)
{
    unsigned common = 0;
    for (size_t g = 0; g < n; g++) {
        unsigned a = m[g];
        while (a != 0) {
            unsigned rest = common % a;
            common = a;
            a = rest;
        }
    }
    return common;
}

/* The channel scale at which multiplier 15 clips nothing. */
static double covering_channel(const row *r)
{
    float cover = 0;
    for (size_t g = 0; g < r->groups; g++)
        cover = r->cover[g] > cover ? r->cover[g] : cover;
    return (double)cover * power_of_two(r->exponent) / MAX_MULTIPLIER;
}

/* Rounds a row with a channel scale and the multipliers in r->best. */
static void write_two_levels(const row *r, double channel, int8_t *q, uint8_t *m, float *scale)
{
    unsigned common = greatest_common_divisor(r->best, r->groups);
    if (common > 1) /* the product may need more than 20 bits: rounded again, by less than a part in a million */
        channel = storable_scale(channel * common);
    for (size_t g = 0; g < r->groups; g++)
        m[g] = (uint8_t)(r->best[g] / common);
    for (size_t i = 0; i < r->n; i++)
        q[i] = quantize_value(r->w[i], channel * m[i / r->group]);
    *scale = (float)channel;
}

static void two_level_row(row *r, const float *w, int8_t *q, uint8_t *m, float *scale)
{
    if (!row_take(r, w)) {
        memset(m, 1, r->groups);
        *scale = 1;
        return;
    }
    double unit = covering_channel(r), channel = 0, error = 1e300;
    for (int i = 0; i < CHANNEL_CANDIDATES; i++)
        try_channel_scale(r, unit * (channel_first + channel_step * i), &channel, &error);
    for (int i = 0; i < REFINEMENTS; i++) {
        double before = channel;
        try_channel_scale(r, least_squares_scale(r, channel, r->best), &channel, &error);
        if (channel == before)
            break;
    }
    write_two_levels(r, channel, q, m, scale);
}

/* ---- Four bits at random ---- */

static float unit_float(tb_rng *rng)
{
    return (float)(tb_rng_u32(rng) >> 8) * 0x1p-24f;
}

/* Multipliers for the (scaled) channel scale s, each with the smallest sum of error and handicap. */
static void draw_multipliers(const row *r, float s, float handicap, tb_rng *rng, uint8_t *m)
{
    for (size_t g = 0; g < r->groups; g++) {
        float ratio = r->cover[g] / s, low = ratio * random_lowest, high = ratio * random_highest + 1, least = -1;
        int first = low >= MAX_MULTIPLIER ? MAX_MULTIPLIER : low < 1 ? 1 : (int)low;
        int last = high >= MAX_MULTIPLIER ? MAX_MULTIPLIER : (int)high;
        for (int k = first; k <= last; k++) {
            size_t at = g * r->group;
            float error = squared_error(r->x + at, r->h + at, r->group, s * (float)k) + handicap * unit_float(rng);
            if (least < 0 || error < least) {
                least = error;
                m[g] = (uint8_t)k;
            }
        }
    }
}

/* q: values times multipliers. */
static void random_row(row *r, const tb_four_bit_draw *draw, uint64_t number, const float *w, int8_t *q, float *scale)
{
    if (!row_take(r, w)) {
        *scale = 1;
        return;
    }
    tb_rng rng = tb_rng_make(draw->seed, draw->stream);
    rng.counter = number << 20; /* more numbers than a row takes */
    double factor = random_first + random_width * tb_rng_unit(&rng);
    double channel = storable_scale(covering_channel(r) * factor);
    float s = (float)(channel * power_of_two(-r->exponent));
    double mean = choose_multipliers(r, s, 1e300, r->m) / (double)r->groups;
    draw_multipliers(r, s, draw->handicap * (float)mean, &rng, r->m);
    for (size_t i = 0; i < r->n; i++) {
        int m = r->m[i / r->group];
        q[i] = (int8_t)(quantize_value(w[i], channel * m) * m);
    }
    *scale = (float)channel;
}

/* ---- One scale a row ---- */

static void try_row_scale(const row *r, double candidate, double *scale, double *error)
{
    float stored = (float)candidate;
    if (stored == 0)
        stored = TB_SMALLEST_FLOAT;
    float t = (float)((double)stored * power_of_two(-r->exponent));
    double sum = (double)squared_error(r->x, r->h, r->padded, t);
    if (sum < *error) {
        *error = sum;
        *scale = (double)stored;
    }
}

static void one_scale_row(row *r, const float *w, int8_t *q, float *scale)
{
    if (!row_take(r, w)) {
        *scale = 1;
        return;
    }
    const uint8_t one[1] = {1};
    double unit = (double)r->cover[0] * power_of_two(r->exponent), best = 0, error = 1e300;
    for (int i = 0; i < ROW_CANDIDATES; i++)
        try_row_scale(r, unit * (row_first + row_step * i), &best, &error);
    for (int i = 0; i < REFINEMENTS; i++) {
        double before = best;
        try_row_scale(r, least_squares_scale(r, best, one), &best, &error);
        if (best == before)
            break;
    }
    for (size_t i = 0; i < r->n; i++)
        q[i] = quantize_value(w[i], best);
    *scale = (float)best;
}

/* ---- Matrices ---- */

typedef struct job {
    const float *w;
    tb_weight *out;
    row *rows;                    /* one a thread */
    const tb_four_bit_draw *draw; /* NULL: the best scales */
} job;

static void run_share(void *arg, int thread, int n_threads)
{
    const job *j = arg;
    tb_weight *out = j->out;
    row *r = &j->rows[thread];
    size_t begin, end, n = out->columns;
    tb_share(out->rows, 1, thread, n_threads, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        if (j->draw)
            random_row(r, j->draw, j->draw->attempt * out->rows + i, j->w + i * n, out->q + i * n, &out->scale[i]);
        else if (out->kind == TB_WEIGHT_S4)
            two_level_row(r, j->w + i * n, out->q + i * n, out->multiplier + i * r->groups, &out->scale[i]);
        else
            one_scale_row(r, j->w + i * n, out->q + i * n, &out->scale[i]);
    }
}

static timbang_status run(const float *w, size_t group, const float *importance, const tb_four_bit_draw *draw,
                          tb_pool *pool, tb_weight *out, tb_error *err)
{
    size_t threads = (size_t)tb_pool_threads(pool), n = out->columns;
    job j = {w, out, tb_calloc(threads, sizeof(row), err), draw};
    float *h = j.rows ? tb_calloc(tb_round_up(n, LANES), sizeof *h, err) : NULL;
    timbang_status status = h ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < n && h; i++)
        h[i] = importance ? importance[i] : 1;
    for (size_t i = 0; i < threads && status == TIMBANG_OK; i++)
        status = row_alloc(&j.rows[i], n, group, h, err);
    if (status == TIMBANG_OK)
        tb_pool_run(pool, run_share, &j);
    for (size_t i = 0; i < threads && j.rows; i++)
        row_free(&j.rows[i]);
    free(j.rows);
    free(h);
    return status;
}

static timbang_status run_fresh(const float *w, size_t group, const float *importance, tb_pool *pool, tb_weight *out,
                                tb_error *err)
{
    timbang_status status = run(w, group, importance, NULL, pool, out, err);
    if (status != TIMBANG_OK)
        tb_weight_free(out);
    return status;
}

timbang_status tb_quantize_s4_two_level(const float *w, size_t rows, size_t columns, size_t group,
                                        const float *importance, tb_pool *pool, tb_weight *out, tb_error *err)
{
    if (group != 32 && group != 64 && group != 128)
        return tb_fail(err, TIMBANG_USAGE, "group %zu: must be 32, 64 or 128", group);
    if (columns % group != 0) {
        size_t fits = columns % 64 == 0 ? 64 : columns % 32 == 0 ? 32 : 0;
        if (fits > 0)
            return tb_fail(err, TIMBANG_USAGE, "%zu columns are no multiple of the group %zu; group %zu fits", columns,
                           group, fits);
        return tb_fail(err, TIMBANG_USAGE, "%zu columns are no multiple of 32, 64 or 128; int8 fits any number",
                       columns);
    }
    TB_TRY(tb_quantized_alloc(w, rows, columns, TB_WEIGHT_S4, out, err));
    out->group = group;
    out->multiplier = tb_calloc(rows, columns / group, err);
    if (!out->multiplier) {
        tb_weight_free(out);
        return TIMBANG_NO_MEMORY;
    }
    return run_fresh(w, group, importance, pool, out, err);
}

timbang_status tb_quantize_s4_row(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                  tb_error *err)
{
    TB_TRY(tb_quantized_alloc(w, rows, columns, TB_WEIGHT_S4_ROW, out, err));
    return run_fresh(w, columns, NULL, pool, out, err);
}

timbang_status tb_redraw_s4(const float *w, const float *importance, const tb_four_bit_draw *draw, tb_pool *pool,
                            tb_weight *out, tb_error *err)
{
    out->kind = TB_WEIGHT_S8;
    out->group = 0;
    free(out->multiplier);
    out->multiplier = NULL;
    return run(w, draw->part, importance, draw, pool, out, err);
}
