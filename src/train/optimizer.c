/* AdamW and the norm of the gradients. Threads take pieces of the flat arrays; within a piece, parameters follow each
 * other. Includes: train/optimizer.h. Called by: train/run.c. */
#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>

enum {
    LANES = 16,  /* of a sum, by index mod 16: a tensor begins at a multiple of 16 */
    PIECES = 256 /* of the flat arrays: the shape of the norm's sum, whatever the number of threads */
};

tb_adamw_options tb_adamw_defaults(void)
{
    return (tb_adamw_options){.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.01, .layer_decay = 1};
}

static timbang_status check(const tb_adamw_options *o, tb_error *err)
{
    if (!(o->beta1 >= 0 && o->beta1 < 1 && o->beta2 >= 0 && o->beta2 < 1))
        return tb_fail(err, TIMBANG_USAGE, "AdamW's betas %g and %g are not both at least 0 and below 1", o->beta1,
                       o->beta2);
    if (!(o->epsilon > 0 && o->epsilon <= 1))
        return tb_fail(err, TIMBANG_USAGE, "AdamW's epsilon %g is not above 0 and at most 1", o->epsilon);
    if (!(o->weight_decay >= 0 && o->weight_decay <= 100))
        return tb_fail(err, TIMBANG_USAGE, "the weight decay %g is not between 0 and 100", o->weight_decay);
    if (!(o->layer_decay > 0 && o->layer_decay <= 1))
        return tb_fail(err, TIMBANG_USAGE, "the layer decay %g is not above 0 and at most 1", o->layer_decay);
    return TIMBANG_OK;
}

timbang_status tb_adamw_create(const tb_parameters *parameters, const tb_adamw_options *options, tb_adamw **adamw,
                               tb_error *err)
{
    TB_TRY(check(options, err));
    size_t n = parameters->n;
    tb_adamw *a = tb_calloc(1, sizeof *a, err);
    if (!a)
        return err->status;
    *a = (tb_adamw){.options = *options, .n = n};
    a->m = tb_alloc_pages(n * sizeof *a->m, err); /* as many bytes as the values, which were allocated */
    a->v = a->m ? tb_alloc_pages(n * sizeof *a->v, err) : NULL;
    if (!a->v) {
        tb_adamw_free(a);
        return err->status;
    }
    *adamw = a;
    return TIMBANG_OK;
}

void tb_adamw_free(tb_adamw *adamw)
{
    if (!adamw)
        return;
    if (adamw->m)
        tb_free_pages(adamw->m, adamw->n * sizeof *adamw->m);
    if (adamw->v)
        tb_free_pages(adamw->v, adamw->n * sizeof *adamw->v);
    free(adamw);
}

/* ---- The norm ---- */

struct norm {
    const tb_parameters *parameters;
    double sums[PIECES];
};

/* The parameters that begin below end and end above begin: the first of them, by bisection. */
static size_t first_item(const tb_parameters *parameters, size_t begin)
{
    size_t low = 0, high = parameters->n_items;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (parameters->items[middle].begin + parameters->items[middle].n <= begin)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Adds the squares of g, exact in double before they are added. */
static void add_squares(const float *g, size_t n, double lane[LANES])
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lane[j] += (double)g[i + j] * (double)g[i + j];
    for (size_t j = 0; i + j < n; j++)
        lane[j] += (double)g[i + j] * (double)g[i + j];
}

static double piece_sum(const tb_parameters *parameters, size_t begin, size_t end)
{
    double lane[LANES] = {0};
    for (size_t i = first_item(parameters, begin); i < parameters->n_items; i++) {
        const tb_parameter *item = &parameters->items[i];
        if (item->begin >= end)
            break;
        size_t from = item->begin > begin ? item->begin : begin;
        size_t to = item->begin + item->n < end ? item->begin + item->n : end;
        if (!item->frozen)
            add_squares(parameters->gradients + from, to - from, lane);
    }
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lane[j] = lane[j] + lane[j + half];
    return lane[0];
}

static void norm_share(void *arg, int thread, int n_threads)
{
    struct norm *norm = arg;
    size_t begin, end, n = norm->parameters->n;
    tb_share(PIECES, 1, thread, n_threads, &begin, &end);
    for (size_t piece = begin; piece < end; piece++) {
        size_t from, to;
        tb_share(n, LANES, (int)piece, PIECES, &from, &to);
        norm->sums[piece] = piece_sum(norm->parameters, from, to);
    }
}

double tb_gradient_norm(const tb_parameters *parameters, tb_pool *pool)
{
    struct norm norm = {.parameters = parameters};
    double sum = 0;
    tb_pool_run(pool, norm_share, &norm);
    for (size_t piece = 0; piece < PIECES; piece++)
        sum += norm.sums[piece];
    return __builtin_sqrt(sum);
}

size_t tb_gradient_first_not_finite(const tb_parameters *parameters)
{
    for (size_t i = 0; i < parameters->n_items; i++) {
        const tb_parameter *item = &parameters->items[i];
        for (size_t j = 0; j < item->n && !item->frozen; j++)
            if (!isfinite(parameters->gradients[item->begin + j]))
                return i;
    }
    return SIZE_MAX;
}

double tb_gradient_factor(double norm, double max_norm)
{
    double factor = max_norm / (norm + 1e-6);
    return max_norm > 0 && factor < 1 ? factor : 1;
}

/* ---- The step ---- */

/* What torch.optim.AdamW computes once a step in double and rounds to float where it meets a tensor. */
struct constants {
    float shrink; /* 1 - rate * weight decay */
    float toward; /* 1 - beta1 */
    float beta2, rest2;
    float correction2; /* sqrt(1 - beta2^step) */
    float epsilon;
    float step_size; /* -rate / (1 - beta1^step) */
    float gradient;  /* of clipping */
};

struct step {
    tb_adamw *adamw;
    tb_parameters *parameters;
    double rate, gradient, bias1, bias2;
    size_t last_depth;
};

static double power(double base, uint64_t exponent)
{
    double result = 1;
    for (; exponent > 0; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

static struct constants constants_of(const struct step *step, const tb_parameter *item)
{
    const tb_adamw_options *o = &step->adamw->options;
    bool decays = item->kind == TB_PARAMETER_LINEAR || item->kind == TB_PARAMETER_EMBEDDING;
    double rate = step->rate * power(o->layer_decay, step->last_depth - item->depth);
    return (struct constants){.shrink = decays ? (float)(1 - rate * o->weight_decay) : 1,
                              .toward = (float)(1 - o->beta1),
                              .beta2 = (float)o->beta2,
                              .rest2 = (float)(1 - o->beta2),
                              .correction2 = (float)__builtin_sqrt(step->bias2),
                              .epsilon = (float)o->epsilon,
                              .step_size = (float)(-(rate / step->bias1)),
                              .gradient = (float)step->gradient};
}

/* One pass over p, g, m and v, each rounding where PyTorch's single-tensor loop has it. */
static void update(const struct constants *constants, float *restrict p, const float *restrict g, float *restrict m,
                   float *restrict v, size_t n)
{
    const struct constants c = *constants;
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] * c.gradient;
        float mean = m[i] + c.toward * (gradient - m[i]);
        float square = v[i] * c.beta2 + c.rest2 * gradient * gradient;
        float root = __builtin_sqrtf(square) / c.correction2 + c.epsilon;
        m[i] = mean;
        v[i] = square;
        p[i] = p[i] * c.shrink + c.step_size * mean / root;
    }
}

static void step_share(void *arg, int thread, int n_threads)
{
    struct step *step = arg;
    tb_parameters *parameters = step->parameters;
    size_t begin, end;
    tb_share(parameters->n, LANES, thread, n_threads, &begin, &end);
    for (size_t i = first_item(parameters, begin); i < parameters->n_items; i++) {
        const tb_parameter *item = &parameters->items[i];
        if (item->begin >= end)
            break;
        size_t from = item->begin > begin ? item->begin : begin;
        size_t to = item->begin + item->n < end ? item->begin + item->n : end;
        struct constants c = constants_of(step, item);
        if (!item->frozen)
            update(&c, parameters->values + from, parameters->gradients + from, step->adamw->m + from,
                   step->adamw->v + from, to - from);
    }
}

void tb_adamw_step(tb_adamw *adamw, tb_parameters *parameters, double rate, double gradient_factor, tb_pool *pool)
{
    uint64_t number = ++adamw->step;
    struct step step = {.adamw = adamw,
                        .parameters = parameters,
                        .rate = rate,
                        .gradient = gradient_factor,
                        .bias1 = 1 - power(adamw->options.beta1, number),
                        .bias2 = 1 - power(adamw->options.beta2, number)};
    for (size_t i = 0; i < parameters->n_items; i++)
        step.last_depth = parameters->items[i].depth > step.last_depth ? parameters->items[i].depth : step.last_depth;
    tb_pool_run(pool, step_share, &step);
}
