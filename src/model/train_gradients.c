/* Gradients of weights: sums over the rows of a part, each one chain of fused multiply-adds over the rows, ascending,
 * that goes on from part to part. Threads split outputs and inputs, never rows.
 *
 *   dW = dYᵀ X,  db = sum of dY,  dgamma = sum of dY xhat,  dbeta = sum of dY
 *
 * X is what the product saw: quantized layers multiply rounded inputs, and the straight-through estimator keeps to
 * them. Includes: model/train_parts.h. Called by: train_backward.c, train_head.c,
 * train_layer.c. */
#include "model/train_parts.h"

enum { OUTPUTS = 48, INPUT_PANELS = 4, COLUMNS = 64 };

struct train_gradients {
    const tb_trained_linear *linear;
    const float *x, *dy; /* [rows][in], [rows][out] */
    size_t rows, ld;     /* ld: of turned */
    bool bf16;
    /* vectors */
    const float *a, *b; /* [rows][n]; b NULL: the sum of a */
    float *sum;
    size_t n;
};

static bool is_frozen(const struct train_pass *p, size_t parameter)
{
    return p->t->parameters->items[parameter].frozen;
}

static size_t pieces(size_t n, size_t each)
{
    return (n + each - 1) / each;
}

static size_t piece(size_t n, size_t each, size_t i)
{
    return n - i * each < each ? n - i * each : each;
}

/* ---- Inputs as the product saw them ---- */

static void expand_row(const struct train_pass *p, const int8_t *a, float scale, float *y, size_t n)
{
    int8_t flip = (int8_t)p->kernels->a_xor;
    for (size_t j = 0; j < n; j++)
        y[j] = (float)(int8_t)(a[j] ^ flip) * scale;
}

static void stage_round(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    const struct train_gradients *g = p->gradients;
    const tb_linear *linear = g->linear->packed;
    tb_input input = p->t->input;
    bool by_text = linear->act == TB_ACT_U8_TEXT_7BIT;
    input.x = g->x;
    input.ldx = linear->in;
    (void)thread, (void)n_threads;
    for (size_t i; tb_train_next(p, by_text ? p->part.n_texts : pieces(g->rows, OUTPUTS), &i);) {
        size_t begin = by_text ? p->seqlens[i] : i * OUTPUTS;
        size_t end = by_text ? p->seqlens[i + 1] : begin + piece(g->rows, OUTPUTS, i);
        tb_input_prepare(&input, linear->act, begin, end, linear->in, p->kernels);
        for (size_t row = begin; row < end; row++)
            expand_row(p, input.a + row * input.lda, input.row_scale[row], p->t->rounded + row * linear->in,
                       linear->in);
    }
}

const float *tb_train_seen_inputs(struct train_pass *p, const tb_trained_linear *linear, const float *x, size_t rows)
{
    if (linear->packed->act != TB_ACT_S8_TOKEN && linear->packed->act != TB_ACT_U8_TEXT_7BIT)
        return x;
    struct train_gradients g = {.linear = linear, .x = x, .rows = rows};
    p->gradients = &g;
    tb_train_stage(p, stage_round);
    return p->t->rounded;
}

/* ---- Operands ---- */

static void turn(const struct train_pass *p, size_t i)
{
    const struct train_gradients *g = p->gradients;
    tb_trainee *t = p->t;
    size_t out = g->linear->out, first = i * COLUMNS, n = piece(out, COLUMNS, i);
    p->kernels->transpose(g->dy + first, out, g->rows, n, t->turned + first * g->ld, g->ld);
    if (g->bf16)
        p->kernels->round_bf16(t->turned + first * g->ld, g->ld, n, g->rows, t->turned_half + first * g->ld, g->ld);
}

static void pack_input(const struct train_pass *p, size_t i)
{
    const struct train_gradients *g = p->gradients;
    const tb_kernels *k = p->kernels;
    size_t in = g->linear->in, nr = g->bf16 ? k->bf16_nr : k->f32_nr, first = i * nr;
    size_t bytes = g->bf16 ? k->bf16_panel_bytes(g->rows) : k->f32_panel_bytes(g->rows);
    void *panel = p->t->input_panels + i * bytes;
    if (g->bf16)
        k->pack_bf16_kn(panel, g->x + first, in, piece(in, nr, i), g->rows);
    else
        k->pack_f32_kn(panel, g->x + first, in, piece(in, nr, i), g->rows);
}

static size_t input_panels(const struct train_pass *p)
{
    const struct train_gradients *g = p->gradients;
    return pieces(g->linear->in, g->bf16 ? p->kernels->bf16_nr : p->kernels->f32_nr);
}

static void stage_operands(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    size_t turns = pieces(p->gradients->linear->out, COLUMNS), packs = input_panels(p);
    (void)thread, (void)n_threads;
    for (size_t i; tb_train_next(p, turns + packs, &i);) {
        if (i < turns)
            turn(p, i);
        else
            pack_input(p, i - turns);
    }
}

/* ---- Products ---- */

/* Outputs [first, first + m) of one weight by inputs [column, column + n). */
static void multiply(const struct train_pass *p, float *gradient, size_t first, size_t m, size_t panel, size_t n)
{
    const struct train_gradients *g = p->gradients;
    const tb_kernels *k = p->kernels;
    const tb_trainee *t = p->t;
    size_t in = g->linear->in, nr = g->bf16 ? k->bf16_nr : k->f32_nr;
    float *out = gradient + panel * nr;
    if (g->bf16) {
        tb_gemm_bf16 product = {
            .a = t->turned_half + first * g->ld,
            .lda = g->ld,
            .panels = (const uint16_t *)(const void *)(t->input_panels + panel * k->bf16_panel_bytes(g->rows)),
            .m = m,
            .n = n,
            .k = g->rows,
            .out = out,
            .ldo = in,
            .continues = p->continues};
        k->gemm_bf16(&product);
        return;
    }
    tb_gemm_f32 product = {.a = t->turned + first * g->ld,
                           .lda = g->ld,
                           .panels =
                               (const float *)(const void *)(t->input_panels + panel * k->f32_panel_bytes(g->rows)),
                           .m = m,
                           .n = n,
                           .k = g->rows,
                           .out = out,
                           .ldo = in,
                           .continues = p->continues};
    k->gemm_f32(&product);
}

/* Consecutive pieces share a few panels of inputs, which stay near. */
static void stage_products(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    const tb_trained_linear *linear = p->gradients->linear;
    size_t nr = p->gradients->bf16 ? p->kernels->bf16_nr : p->kernels->f32_nr, each = linear->out / linear->n_parts;
    size_t rows = pieces(each, OUTPUTS), groups = pieces(linear->in, INPUT_PANELS * nr);
    size_t in_group = rows * linear->n_parts;
    (void)thread, (void)n_threads;
    for (size_t i; tb_train_next(p, groups * in_group, &i);) {
        size_t group = i / in_group, part = i % in_group / rows, chunk = i % rows;
        if (is_frozen(p, linear->weight[part]))
            continue;
        multiply(p, tb_gradient(p->t, linear->weight[part]) + chunk * OUTPUTS * linear->in,
                 part * each + chunk * OUTPUTS, piece(each, OUTPUTS, chunk), group * INPUT_PANELS,
                 piece(linear->in, INPUT_PANELS * nr, group));
    }
}

/* ---- Sums of columns ---- */

static void stage_columns(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    const struct train_gradients *g = p->gradients;
    (void)thread, (void)n_threads;
    for (size_t i; tb_train_next(p, pieces(g->n, COLUMNS), &i);) {
        size_t first = i * COLUMNS;
        p->kernels->add_columns(g->a + first, g->ld, g->b ? g->b + first : NULL, g->ld, g->rows,
                                piece(g->n, COLUMNS, i), g->sum + first);
    }
}

/* sum[n] goes on over rows of a (times b), columns [first, first + n) of ld. */
static void add_columns(struct train_pass *p, size_t parameter, const float *a, const float *b, size_t ld, size_t n,
                        size_t rows)
{
    if (is_frozen(p, parameter))
        return;
    struct train_gradients g = {.a = a, .b = b, .ld = ld, .n = n, .rows = rows, .sum = tb_gradient(p->t, parameter)};
    p->gradients = &g;
    tb_train_stage(p, stage_columns);
}

void tb_train_linear_gradients(struct train_pass *p, const tb_trained_linear *linear, const float *x, const float *dy,
                               size_t rows)
{
    size_t each = linear->out / linear->n_parts;
    bool frozen = true;
    for (size_t i = 0; i < linear->n_parts; i++) {
        add_columns(p, linear->bias[i], dy + i * each, NULL, linear->out, each, rows);
        frozen = frozen && is_frozen(p, linear->weight[i]);
    }
    if (frozen)
        return;
    struct train_gradients g = {.linear = linear,
                                .x = tb_train_seen_inputs(p, linear, x, rows),
                                .dy = dy,
                                .rows = rows,
                                .ld = tb_input_half_stride(rows),
                                .bf16 = tb_train_half(p->t)};
    p->gradients = &g;
    tb_train_stage(p, stage_operands);
    tb_train_stage(p, stage_products);
}

void tb_train_norm_gradients(struct train_pass *p, const tb_trained_norm *norm, const float *xhat, const float *dy,
                             size_t rows)
{
    size_t n = p->t->model->config.hidden_size;
    add_columns(p, norm->gamma, dy, xhat, n, n, rows);
    add_columns(p, norm->beta, dy, NULL, n, n, rows);
}
