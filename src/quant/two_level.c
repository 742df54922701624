/* Four bits with scales chosen by squared error: two levels (a channel scale times a multiplier for each group, as in
 * progressive group quantization, QServe, arXiv 2405.04532), and one scale a row.
 * Includes: base, kernels, quant/four_bits.h. Called by: quant/round_module.c, quant/jitter.c.
 *
 * A row is searched in float, then rounded from the values themselves in double (quant/four_bits.h). No step depends on
 * the machine, on the compiler, or on the number of threads. */
#include "base/rng.h"
#include "quant/four_bits.h"

#include <stdlib.h>
#include <string.h>

enum { LANES = TB_S4_LANES, MAX_MULTIPLIER = TB_S4_MAX_MULTIPLIER, REFINEMENTS = 3 };

/* The search, in parts of the scale that clips nothing. The tables of candidates are wide enough for both small models
 * of a study's kind: neither lower ends nor finer steps lower the error by more than one part in a thousand. */
enum { CHANNEL_CANDIDATES = TB_S4_CANDIDATES, ROW_CANDIDATES = 37 };
static const double channel_first = 0.80, channel_step = 0.025; /* of the channel scale at multiplier 15 */
static const double row_first = 0.30, row_step = 0.02;          /* of a row's scale */
static const float clip_limit = 0.66f;                          /* of a group's scale */
/* At random: a channel's scale as above, and what a part's may be of the one that clips nothing. */
static const double random_first = 0.80, random_width = 0.45;
static const float random_lowest = 0.6f, random_highest = 1.8f;

/* ---- Two levels ---- */

/* The best multipliers m and errors of every group for `count` (scaled) channel scales. */
static void search_row(const tb_s4_row *r, const float *s, size_t count, const float *bound, float *least, uint8_t *m)
{
    const tb_search_s4 search = {.x = r->x,
                                 .h = r->h,
                                 .n = r->group,
                                 .groups = r->groups,
                                 .clip = clip_limit,
                                 .cover = r->cover,
                                 .tip = r->tip,
                                 .weight = r->tip_weight,
                                 .bound = bound,
                                 .s = s,
                                 .count = count,
                                 .least = least,
                                 .m = m};
    r->kernels->search_s4(&search);
}

/* The candidate with the least error, the first of equals; its multipliers and errors in r->best and r->error. */
static double best_candidate(tb_s4_row *r, double unit, double *error)
{
    enum { N = CHANNEL_CANDIDATES };
    double stored[N], sum[N] = {0};
    float s[N];
    for (int i = 0; i < N; i++) {
        stored[i] = tb_storable_scale(unit * (channel_first + channel_step * i));
        s[i] = tb_s4_scaled(r, stored[i]);
    }
    search_row(r, s, N, NULL, r->tried_error, r->tried);
    for (size_t g = 0; g < r->groups; g++) {
        for (size_t i = 0; i < N; i++)
            sum[i] += (double)r->tried_error[g * N + i];
    }
    int best = 0;
    for (int i = 1; i < N; i++)
        best = sum[i] < sum[best] ? i : best;
    for (size_t g = 0; g < r->groups; g++) {
        r->best[g] = r->tried[g * N + (size_t)best];
        r->error[g] = r->tried_error[g * N + (size_t)best];
    }
    *error = sum[best];
    return stored[best];
}

/* A group's error at another channel scale is at most that of the integers it has, a step of their length away.
 * Infinity where the multiplier may be out of the range that is searched there. */
static void bound_errors(tb_s4_row *r, float from, float to)
{
    for (size_t g = 0; g < r->groups; g++) {
        float k = r->best[g], t = to * k, step = t - from * k;
        bool out = t < r->cover[g] * (clip_limit + 0.001f) || t - to > r->cover[g] * 0.999f;
        float root = __builtin_sqrtf(r->error[g]) + (step < 0 ? -step : step) * __builtin_sqrtf(r->square[g]);
        r->bound[g] = out ? __builtin_inff() : root * root * 1.0001f;
    }
}

/* Least squares and multipliers in turn, from r->best and r->error. Whether r->r holds the integers of the result. */
static bool refine(tb_s4_row *r, double *channel, double *error)
{
    for (int i = 0; i < REFINEMENTS; i++) {
        double stored = tb_s4_least_squares(r, *channel, r->best, tb_storable_scale), sum = 0;
        if (stored == *channel)
            return true;
        float s = tb_s4_scaled(r, stored);
        bound_errors(r, tb_s4_scaled(r, *channel), s);
        search_row(r, &s, 1, r->bound, r->m_error, r->m);
        for (size_t g = 0; g < r->groups; g++)
            sum += (double)r->m_error[g];
        if (!(sum < *error))
            return true;
        *error = sum;
        *channel = stored;
        memcpy(r->best, r->m, r->groups);
        memcpy(r->error, r->m_error, r->groups * sizeof *r->error);
    }
    return false;
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
static double covering_channel(const tb_s4_row *r)
{
    float cover = 0;
    for (size_t g = 0; g < r->groups; g++)
        cover = r->cover[g] > cover ? r->cover[g] : cover;
    return (double)cover * tb_power_of_two(r->exponent) / MAX_MULTIPLIER;
}

/* Rounds a row with a channel scale and the multipliers in r->best. rounded: their integers are in r->r. */
static void write_two_levels(tb_s4_row *r, double channel, bool rounded, int8_t *q, uint8_t *m, float *scale)
{
    unsigned common = greatest_common_divisor(r->best, r->groups);
    if (common > 1) /* the product may need more than 20 bits: rounded again, by less than a part in a million */
        channel = tb_storable_scale(channel * common);
    for (size_t g = 0; g < r->groups; g++)
        m[g] = (uint8_t)(r->best[g] / common);
    if (!rounded || common > 1)
        tb_s4_round(r, channel, m);
    tb_s4_write(r, q);
    *scale = (float)channel;
}

static void two_level_row(tb_s4_row *r, const float *w, int8_t *q, uint8_t *m, float *scale)
{
    if (!tb_s4_row_take(r, w, scale)) {
        memset(m, 1, r->groups);
        return;
    }
    double error, channel = best_candidate(r, covering_channel(r), &error);
    bool rounded = refine(r, &channel, &error);
    write_two_levels(r, channel, rounded, q, m, scale);
}

/* ---- Four bits at random ---- */

static float unit_float(tb_rng *rng)
{
    return (float)(tb_rng_u32(rng) >> 8) * 0x1p-24f;
}

/* Multipliers for the (scaled) channel scale s, each with the smallest sum of error and handicap. */
static void draw_multipliers(const tb_s4_row *r, float s, float handicap, tb_rng *rng, uint8_t *m)
{
    for (size_t g = 0; g < r->groups; g++) {
        float ratio = r->cover[g] / s, low = ratio * random_lowest, high = ratio * random_highest + 1, least = -1;
        int first = low >= MAX_MULTIPLIER ? MAX_MULTIPLIER : low < 1 ? 1 : (int)low;
        int last = high >= MAX_MULTIPLIER ? MAX_MULTIPLIER : (int)high;
        float t[MAX_MULTIPLIER], errors[MAX_MULTIPLIER];
        size_t at = g * r->group, n = (size_t)(last - first + 1);
        for (size_t i = 0; i < n; i++)
            t[i] = s * (float)(first + (int)i);
        r->kernels->rounding_errors_s4(r->x + at, r->h + at, r->group, t, n, errors);
        for (size_t i = 0; i < n; i++) {
            float error = errors[i] + handicap * unit_float(rng);
            if (least < 0 || error < least) {
                least = error;
                m[g] = (uint8_t)(first + (int)i);
            }
        }
    }
}

/* q: values times multipliers. */
static void random_row(tb_s4_row *r, const tb_four_bit_draw *draw, uint64_t number, const float *w, int8_t *q,
                       float *scale)
{
    if (!tb_s4_row_take(r, w, scale))
        return;
    tb_rng rng = tb_rng_make(draw->seed, draw->stream);
    rng.counter = number << 20; /* more numbers than a row takes */
    double factor = random_first + random_width * tb_rng_unit(&rng);
    double channel = tb_storable_scale(covering_channel(r) * factor);
    float s = tb_s4_scaled(r, channel);
    double sum = 0;
    search_row(r, &s, 1, NULL, r->error, r->m);
    for (size_t g = 0; g < r->groups; g++)
        sum += (double)r->error[g];
    double mean = sum / (double)r->groups;
    draw_multipliers(r, s, draw->handicap * (float)mean, &rng, r->m);
    tb_s4_round(r, channel, r->m);
    tb_s4_write(r, q);
    for (size_t i = 0; i < r->n; i++)
        q[i] = (int8_t)(q[i] * r->m[i / r->group]);
    *scale = (float)channel;
}

/* ---- One scale a row ---- */

static double storable_row_scale(double scale)
{
    float stored = (float)scale;
    return (double)(stored == 0 ? TB_SMALLEST_FLOAT : stored);
}

static void try_row_scale(const tb_s4_row *r, double stored, double *scale, double *error)
{
    float t = tb_s4_scaled(r, stored), sum;
    r->kernels->rounding_errors_s4(r->x, r->h, r->padded, &t, 1, &sum);
    if ((double)sum < *error) {
        *error = (double)sum;
        *scale = stored;
    }
}

static void one_scale_row(tb_s4_row *r, const float *w, int8_t *q, float *scale)
{
    if (!tb_s4_row_take(r, w, scale))
        return;
    double unit = (double)r->cover[0] * tb_power_of_two(r->exponent), best = 0, error = 1e300;
    for (int i = 0; i < ROW_CANDIDATES; i++)
        try_row_scale(r, storable_row_scale(unit * (row_first + row_step * i)), &best, &error);
    for (int i = 0; i < REFINEMENTS; i++) {
        double before = best;
        try_row_scale(r, tb_s4_least_squares(r, best, NULL, storable_row_scale), &best, &error);
        if (best == before)
            break;
    }
    tb_s4_round(r, best, NULL);
    tb_s4_write(r, q);
    *scale = (float)best;
}

/* ---- Matrices ---- */

typedef struct job {
    const float *w;
    tb_weight *out;
    tb_s4_row *rows;              /* one a thread */
    const tb_four_bit_draw *draw; /* NULL: the best scales */
} job;

static void run_share(void *arg, int thread, int n_threads)
{
    const job *j = arg;
    tb_weight *out = j->out;
    tb_s4_row *r = &j->rows[thread];
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
                          const tb_kernels *kernels, tb_pool *pool, tb_weight *out, tb_error *err)
{
    size_t threads = (size_t)tb_pool_threads(pool), n = out->columns;
    job j = {w, out, tb_calloc(threads, sizeof(tb_s4_row), err), draw};
    float *h = j.rows ? tb_calloc(tb_round_up(n, LANES), sizeof *h, err) : NULL;
    timbang_status status = h ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < n && h; i++)
        h[i] = importance ? importance[i] : 1;
    for (size_t i = 0; i < threads && status == TIMBANG_OK; i++)
        status = tb_s4_row_alloc(&j.rows[i], kernels, n, group, h, err);
    if (status == TIMBANG_OK)
        tb_pool_run(pool, run_share, &j);
    for (size_t i = 0; i < threads && j.rows; i++)
        tb_s4_row_free(&j.rows[i]);
    free(j.rows);
    free(h);
    return status;
}

static timbang_status run_fresh(const float *w, size_t group, const float *importance, const tb_kernels *kernels,
                                tb_pool *pool, tb_weight *out, tb_error *err)
{
    timbang_status status = run(w, group, importance, NULL, kernels, pool, out, err);
    if (status != TIMBANG_OK) {
        tb_weight_free(out);
        return status;
    }
    return tb_quantized_check(w, out, err);
}

timbang_status tb_quantize_s4_two_level(const float *w, size_t rows, size_t columns, size_t group,
                                        const float *importance, const tb_kernels *kernels, tb_pool *pool,
                                        tb_weight *out, tb_error *err)
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
    TB_TRY(tb_quantized_alloc(rows, columns, TB_WEIGHT_S4, out, err));
    out->group = group;
    out->multiplier = tb_calloc(rows, columns / group, err);
    if (!out->multiplier) {
        tb_weight_free(out);
        return TIMBANG_NO_MEMORY;
    }
    return run_fresh(w, group, importance, kernels, pool, out, err);
}

timbang_status tb_quantize_s4_row(const float *w, size_t rows, size_t columns, const tb_kernels *kernels, tb_pool *pool,
                                  tb_weight *out, tb_error *err)
{
    TB_TRY(tb_quantized_alloc(rows, columns, TB_WEIGHT_S4_ROW, out, err));
    return run_fresh(w, columns, NULL, kernels, pool, out, err);
}

timbang_status tb_redraw_s4(const float *w, const float *importance, const tb_four_bit_draw *draw,
                            const tb_kernels *kernels, tb_pool *pool, tb_weight *out, tb_error *err)
{
    out->kind = TB_WEIGHT_S8;
    out->group = 0;
    free(out->multiplier);
    out->multiplier = NULL;
    return run(w, draw->part, importance, draw, kernels, pool, out, err);
}
