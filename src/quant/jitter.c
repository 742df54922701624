/* Random rounding to nearest for null models, matched in error to the scheme's own rounding.
 * Includes: base, quant/jitter.h, quant/rows.h. Called by: quant/quantize.c.
 *
 * Attempt after attempt draws new scales, ever closer to the scheme's own, until the squared error is within the bound;
 * if none is, the nearest one is taken. Every number follows from seed, model, name, attempt and row. */
#include "quant/jitter.h"

#include "base/rng.h"
#include "quant/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 12, CENTRINGS = 8 };
static const double bound = 0.045, aim = 0.041, most_shrink = 0.95; /* of the error; of the distance of scales */

/* How the factor of a row's scale is drawn: evenly in [low, high], or (finer) so that its inverse is even.
 * The scale never goes below `cover` of the one at which the row's largest magnitude just is not clipped. */
typedef struct recipe {
    double low, high, cover;
    bool finer, centred; /* centred: all factors are then multiplied by one number, so that the error matches */
    float q_low, q_high;
} recipe;

typedef struct matrix {
    const float *w;
    tb_weight *out;
    const float *own; /* [rows], the scheme's own scales */
    double *rows;     /* [rows], squared errors */
    uint64_t seed, stream;
    recipe recipe;
    uint64_t attempt;
    double amplitude, centre;
    size_t part; /* four bits: columns that share a scale; 0: rows do */
    double handicap, least_handicap, most_handicap;
    const tb_kernels *kernels;
} matrix;

/* ---- One scale a row ---- */

static recipe recipe_for(const tb_weight *weight)
{
    double n = (double)weight->columns;
    if (weight->kind == TB_WEIGHT_S8 && weight->per_tensor)
        return (recipe){.low = 0.5, .high = 1.4, .cover = 1, .centred = true, .q_low = -128, .q_high = 127};
    if (weight->kind == TB_WEIGHT_S8) {
        /* Clipping the largest of n values by c adds k c^2 to the row's error, finer steps take 2 c from it. At the
         * lower end the sum is 7 %, at the upper one the steps add 9 %. */
        double k = 12 * 127 * 127 / n, clip = (1 + __builtin_sqrt(1 + 0.07 * k)) / k;
        clip = clip < 0.06 ? clip : 0.06;
        return (recipe){.low = 1 - clip, .high = 1.046, .cover = 1 - clip, .q_low = -127, .q_high = 127};
    }
    if (weight->per_tensor)
        return (recipe){
            .low = 0.45, .high = 2.2, .cover = 0.7, .finer = true, .centred = true, .q_low = -7, .q_high = 7};
    return (recipe){.low = 0.8, .high = 1.2, .q_low = -8, .q_high = 7};
}

static double unit(const matrix *m, size_t row)
{
    uint32_t word[4];
    tb_philox(m->seed, m->stream, m->attempt << 32 | row, word);
    return ((double)word[0] + 0.5) / 4294967296.0;
}

static float row_scale(const matrix *m, size_t row)
{
    const recipe *c = &m->recipe;
    double own = (double)m->own[row], u = unit(m, row), n = (double)c->q_high;
    double most = (double)tb_row_absmax(m->w + row * m->out->columns, m->out->columns);
    double least = c->cover * most / (n * own), low = c->low > least ? c->low : least;
    double high = c->high > low ? c->high : low;
    double factor = c->finer ? low * high / (high - (high - low) * u) : low + (high - low) * u;
    factor = (1 + m->amplitude * (factor - 1)) * m->centre;
    factor = factor > least ? factor : least;
    float scale = (float)(own * factor);
    return scale > 0 ? scale : TB_SMALLEST_FLOAT;
}

static void round_rows(void *arg, int thread, int n_threads)
{
    matrix *m = arg;
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    const float q_low = m->recipe.q_low, q_high = m->recipe.q_high;
    size_t begin, end, n = m->out->columns;
    tb_share(m->out->rows, 1, thread, n_threads, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const float *w = m->w + r * n;
        int8_t *q = m->out->q + r * n;
        float scale = row_scale(m, r);
        for (size_t i = 0; i < n; i++) {
            float x = w[i] / scale;
            x = x < q_low ? q_low : x > q_high ? q_high : x;
            q[i] = (int8_t)((x + shift) - shift);
        }
        m->out->scale[r] = scale;
        m->rows[r] = tb_rounding_of_row(w, q, n, (double)scale).error;
    }
}

static double round_matrix(matrix *m, tb_pool *pool)
{
    double sum = 0;
    tb_pool_run(pool, round_rows, m);
    for (size_t r = 0; r < m->out->rows; r++)
        sum += m->rows[r];
    return sum;
}

static double deviation(double error, double own_error)
{
    double d = error / own_error - 1;
    return d < 0 ? -d : d;
}

/* The error grows with the square of the scale while few values are rounded to zero, and slower beyond. */
static double round_centred(matrix *m, double own_error, tb_pool *pool)
{
    m->centre = 1;
    double error = round_matrix(m, pool);
    for (int i = 0; i < CENTRINGS && m->recipe.centred && deviation(error, own_error) > bound / 4; i++) {
        double centre = m->centre * __builtin_sqrt(own_error / error);
        m->centre = centre < 0.5 ? 0.5 : centre > 2 ? 2 : centre;
        error = round_matrix(m, pool);
    }
    return error;
}

/* ---- Attempts ---- */

static timbang_status try_once(matrix *m, const float *importance, uint64_t attempt, double own_error, tb_pool *pool,
                               double *error, tb_error *err)
{
    m->attempt = attempt;
    if (m->part > 0) {
        tb_four_bit_draw draw = {m->seed, m->stream, attempt, m->part, (float)m->handicap};
        tb_rounding rounding = {0};
        TB_TRY(tb_redraw_s4(m->w, importance, &draw, m->kernels, pool, m->out, err));
        TB_TRY(tb_rounding_error(m->w, m->out, pool, &rounding, err));
        *error = rounding.error;
    } else {
        *error = round_centred(m, own_error, pool);
    }
    return TIMBANG_OK;
}

/* The scales of rows come nearer to the scheme's own, because what the error has in excess grows with their distance.
 * Parts get a handicap between those known to be too small and too large. */
static void adjust(matrix *m, bool too_large, double excess)
{
    double wanted = aim / excess;
    m->amplitude *= m->recipe.centred || wanted > most_shrink ? most_shrink : wanted < 0.5 ? 0.5 : wanted;
    if (too_large)
        m->most_handicap = m->handicap;
    else
        m->least_handicap = m->handicap;
    m->handicap = m->most_handicap > 0 ? (m->least_handicap + m->most_handicap) / 2 : 2 * m->least_handicap;
}

static timbang_status try_all(matrix *m, const float *importance, double own_error, tb_pool *pool, tb_error *err)
{
    double least = 1e300, error = 0, amplitude = 1, handicap = 0;
    uint64_t best = 0;
    for (uint64_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        TB_TRY(try_once(m, importance, attempt, own_error, pool, &error, err));
        double d = deviation(error, own_error);
        if (d <= bound)
            return TIMBANG_OK;
        if (d < least) {
            least = d;
            best = attempt;
            amplitude = m->amplitude;
            handicap = m->handicap;
        }
        adjust(m, error > own_error, d);
    }
    m->amplitude = amplitude;
    m->handicap = handicap;
    return try_once(m, importance, best, own_error, pool, &error, err);
}

/* Columns that share a scale: fewer than in the scheme, so that scales may be far from the best ones at the same error;
 * 0: the scheme's scales of rows are jittered. */
static size_t part_of(const tb_weight *scheme)
{
    if (scheme->kind == TB_WEIGHT_S4)
        return scheme->group == 128 ? 32 : 16;
    if (scheme->kind != TB_WEIGHT_S4_ROW || scheme->per_tensor)
        return 0;
    return scheme->columns % 64 == 0 ? 64 : scheme->columns % 32 == 0 ? 32 : 0;
}

/* The handicap that usually gives the scheme's error. */
static double usual_handicap(const tb_weight *scheme)
{
    if (scheme->kind == TB_WEIGHT_S4)
        return scheme->group == 32 ? 2.5 : scheme->group == 64 ? 8 : 5.5;
    return 3.2;
}

bool tb_jitter_needs_own(const tb_weight *scheme)
{
    return part_of(scheme) == 0;
}

timbang_status tb_jitter_weight(const tb_jitter *jitter, const char *name, const float *w, const float *importance,
                                const tb_weight *scheme, const tb_kernels *kernels, tb_pool *pool, double *own_error,
                                tb_weight *weight, tb_error *err)
{
    char stream[256];
    tb_rounding own = {.error = *own_error};
    if (*own_error < 0)
        TB_TRY(tb_rounding_error(w, weight, pool, &own, err));
    *own_error = own.error;
    if (own.error == 0) /* nothing is rounded */
        return TIMBANG_OK;
    matrix m = {.w = w, .out = weight, .seed = jitter->seed, .recipe = recipe_for(scheme), .amplitude = 1};
    m.kernels = kernels;
    m.part = part_of(scheme);
    m.handicap = usual_handicap(scheme);
    int length = snprintf(stream, sizeof stream, "jitter %llu %s", (unsigned long long)jitter->model, name);
    m.stream = tb_hash64(stream, (size_t)length < sizeof stream ? (size_t)length : sizeof stream - 1);
    m.rows = tb_calloc(weight->rows, sizeof *m.rows, err);
    float *scales = m.rows ? tb_calloc(weight->rows, sizeof *scales, err) : NULL;
    timbang_status status = TIMBANG_NO_MEMORY;
    if (scales) {
        memcpy(scales, weight->scale, weight->rows * sizeof *scales);
        m.own = scales;
        weight->per_tensor = false;
        status = try_all(&m, importance, own.error, pool, err);
    }
    free(scales);
    free(m.rows);
    return status;
}
