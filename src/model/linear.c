/* Linear layers: packing, input quantization, products. Includes: kernels, formats/weights.h.
 * Called by: model/encoder.c, model/load.c. */
#include "model/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Packing ---- */

struct pack_job {
    const tb_weight *weight;
    const tb_kernels *kernels;
    tb_linear *linear;
};

/* Eight bytes at a time, as unsigned values in four 16-bit lanes, 100 times before a lane could overflow. */
static int32_t sum_s8(const int8_t *q, size_t n)
{
    enum { STEP = 8, STEPS = 100 };
    const uint64_t low = UINT64_C(0x00ff00ff00ff00ff), flip = UINT64_C(0x8080808080808080);
    int32_t sum = 0;
    size_t i = 0;
    while (i + STEP <= n) {
        uint64_t lanes = 0;
        for (size_t step = 0; step < STEPS && i + STEP <= n; step++, i += STEP, sum -= STEP * 128) {
            uint64_t bytes;
            memcpy(&bytes, q + i, STEP);
            bytes ^= flip;
            lanes += (bytes & low) + (bytes >> 8 & low);
        }
        for (int lane = 0; lane < 64; lane += 16)
            sum += (int32_t)(lanes >> lane & 0xffff);
    }
    for (; i < n; i++)
        sum += q[i];
    return sum;
}

static int32_t row_sum(const tb_weight *w, size_t row)
{
    const int8_t *q = w->q + row * w->columns;
    if (w->kind != TB_WEIGHT_S4)
        return sum_s8(q, w->columns);
    int32_t sum = 0;
    size_t groups = w->columns / w->group;
    for (size_t g = 0; g < groups; g++)
        sum += w->multiplier[row * groups + g] * sum_s8(q + g * w->group, w->group);
    return sum;
}

/* Panels are independent: each thread packs its own. */
static void pack_share(void *arg, int thread, int n_threads)
{
    struct pack_job *job = arg;
    const tb_weight *w = job->weight;
    const tb_kernels *kernels = job->kernels;
    tb_linear *linear = job->linear;
    size_t k = w->columns, nr = tb_linear_grain(linear, kernels), begin, end;
    tb_share(w->rows, nr, thread, n_threads, &begin, &end);
    if (begin == end)
        return;
    size_t n = end - begin, panel = begin / nr;
    if (linear->kind == TB_WEIGHT_BF16) {
        uint16_t *to = linear->panels_bf16 + panel * (kernels->bf16_panel_bytes(k) / sizeof(uint16_t));
        kernels->pack_bf16(to, w->values + begin * k, k, n, k);
        return;
    }
    if (linear->kind == TB_WEIGHT_F32) {
        float *to = linear->panels_f32 + panel * (kernels->f32_panel_bytes(k) / sizeof(float));
        kernels->pack_f32(to, w->values + begin * k, k, n, k);
        return;
    }
    if (linear->kind == TB_WEIGHT_S8)
        kernels->pack_s8(linear->panels_s8 + panel * kernels->s8_panel_bytes(k), w->q + begin * k, k, n, k);
    else {
        size_t groups = k / w->group;
        kernels->pack_s4(linear->panels_s4 + panel * kernels->s4_panel_bytes(k, w->group), w->q + begin * k, k,
                         w->multiplier + begin * groups, groups, n, k, w->group);
    }
    for (size_t j = begin; j < end; j++)
        linear->colsum[j] = row_sum(w, j);
}

static timbang_status allocate(const tb_weight *w, const tb_kernels *kernels, tb_arena *arena, tb_linear *linear,
                               tb_error *err)
{
    size_t nr = tb_linear_grain(linear, kernels);
    size_t panels = (w->rows + nr - 1) / nr, bytes, each;
    void *block;
    if (linear->kind == TB_WEIGHT_BF16) {
        each = kernels->bf16_panel_bytes(w->columns);
        block = linear->panels_bf16 = tb_arena_alloc(arena, panels, each, err);
    } else if (linear->kind == TB_WEIGHT_F32) {
        each = kernels->f32_panel_bytes(w->columns);
        block = linear->panels_f32 = tb_arena_alloc(arena, panels, each, err);
    } else if (linear->kind == TB_WEIGHT_S8) {
        each = kernels->s8_panel_bytes(w->columns);
        block = linear->panels_s8 = tb_arena_alloc(arena, panels, each, err);
    } else {
        each = kernels->s4_panel_bytes(w->columns, w->group);
        block = linear->panels_s4 = tb_arena_alloc(arena, panels, each, err);
    }
    if (!block)
        return err->status;
    bytes = panels * each + w->rows * sizeof(float);
    if (linear->kind == TB_WEIGHT_S8 || linear->kind == TB_WEIGHT_S4) {
        linear->colsum = tb_arena_alloc(arena, w->rows, sizeof *linear->colsum, err);
        linear->col_scale = linear->colsum ? tb_arena_alloc(arena, w->rows, sizeof *linear->col_scale, err) : NULL;
        if (!linear->col_scale)
            return err->status;
        bytes += w->rows * (sizeof(int32_t) + sizeof(float));
    }
    linear->resident_bytes = bytes;
    return TIMBANG_OK;
}

timbang_status tb_linear_pack(const tb_weight *weight, float *bias, tb_compute compute, const tb_kernels *kernels,
                              tb_pool *pool, tb_arena *arena, tb_linear *linear, tb_error *err)
{
    bool bf16 = compute == TB_COMPUTE_BF16 && weight->kind == TB_WEIGHT_F32 && weight->act == TB_ACT_FLOAT;
    tb_linear made = {.in = weight->columns,
                      .out = weight->rows,
                      .kind = bf16 ? TB_WEIGHT_BF16 : weight->kind,
                      .act = bf16 ? TB_ACT_BF16 : weight->act,
                      .group = weight->group,
                      .bias = bias};
    if (weight->kind != TB_WEIGHT_F32 && weight->kind != TB_WEIGHT_S8 && weight->kind != TB_WEIGHT_S4) {
        free(bias);
        return tb_fail(err, TIMBANG_INTERNAL, "a linear layer of weight kind %d cannot be packed", (int)weight->kind);
    }
    if (allocate(weight, kernels, arena, &made, err) != TIMBANG_OK) {
        tb_linear_free(&made);
        return err->status;
    }
    tb_linear_repack(&made, weight, kernels, pool);
    *linear = made;
    return TIMBANG_OK;
}

void tb_linear_repack(tb_linear *linear, const tb_weight *weight, const tb_kernels *kernels, tb_pool *pool)
{
    if (linear->col_scale)
        memcpy(linear->col_scale, weight->scale, weight->rows * sizeof *linear->col_scale);
    if (linear->kind == TB_WEIGHT_S8)
        linear->has_minus128 = memchr(weight->q, 0x80, weight->rows * weight->columns) != NULL;
    struct pack_job job = {weight, kernels, linear};
    tb_pool_run(pool, pack_share, &job);
}

void tb_linear_free(tb_linear *linear)
{
    free(linear->bias);
    memset(linear, 0, sizeof *linear);
}

size_t tb_linear_scratch(const tb_linear *linear, const tb_kernels *kernels)
{
    return linear->kind == TB_WEIGHT_S4 ? kernels->s8_panel_bytes(linear->in) : 0;
}

/* ---- Input ---- */

/* fbgemm's ChooseQuantizationParams for 0..127, as torch.ao's dynamic linear calls it: double arithmetic, the zero
 * point from the end with the smaller error. min <= 0 <= max. */
static void affine_parameters(float min, float max, float *scale, int32_t *zero_point)
{
    const double smallest = 6.1e-5f;
    if (!isfinite(min) || !isfinite(max)) { /* the logits will not be finite, and the pass reports that */
        *scale = NAN;
        *zero_point = 0;
        return;
    }
    double low = min, high = max, s = (high - low) / 127;
    if ((float)s == 0.0f || isinf(1.0f / (float)s))
        s = 0.1;
    if (s < smallest) {
        float amplifier = (float)smallest / (float)s;
        if (min == 0)
            high = (float)smallest * 127;
        else if (max == 0)
            low = -(float)smallest * 127;
        else {
            low = min * amplifier;
            high = max * amplifier;
        }
        s = smallest;
    }
    double from_min = 0 - low / s, from_max = 127 - high / s;
    double error_min = 0 - fabs(low / s), error_max = 127 - fabs(high / s);
    double zero = error_min < error_max ? from_min : from_max;
    *scale = (float)s;
    *zero_point = zero < 0 ? 0 : zero > 127 ? 127 : (int32_t)__builtin_nearbyint(zero);
}

static void prepare_text(tb_input *input, size_t begin, size_t end, size_t k, const tb_kernels *kernels)
{
    float min, max, scale;
    int32_t zero;
    const float *x = input->x + begin * input->ldx;
    kernels->range(x, input->ldx, end - begin, k, &min, &max);
    affine_parameters(min, max, &scale, &zero);
    kernels->quantize_affine(x, input->ldx, end - begin, k, 1.0f / scale, zero, input->a + begin * input->lda,
                             input->lda);
    for (size_t i = begin; i < end; i++)
        input->row_scale[i] = scale;
}

/* The rounded values themselves, for layers whose product is in float. */
static void prepare_fake(tb_input *input, size_t begin, size_t end, size_t k, const tb_kernels *kernels)
{
    for (size_t i = begin; i < end; i++) {
        int8_t *a = input->a + i * input->lda;
        float *y = input->fake + i * k;
        kernels->quantize_rows(input->x + i * input->ldx, input->ldx, 1, k, a, input->lda, &input->row_scale[i]);
        for (size_t j = 0; j < k; j++)
            y[j] = (float)(int8_t)((uint8_t)a[j] ^ kernels->a_xor) * input->row_scale[i];
    }
}

void tb_input_prepare(tb_input *input, tb_act_kind act, size_t begin, size_t end, size_t k, const tb_kernels *kernels)
{
    if (begin == end)
        return;
    switch (act) {
    case TB_ACT_FLOAT:
        return;
    case TB_ACT_S8_TOKEN:
        kernels->quantize_rows(input->x + begin * input->ldx, input->ldx, end - begin, k, input->a + begin * input->lda,
                               input->lda, input->row_scale + begin);
        return;
    case TB_ACT_U8_TEXT_7BIT:
        prepare_text(input, begin, end, k, kernels);
        return;
    case TB_ACT_S8_TOKEN_FAKE:
        prepare_fake(input, begin, end, k, kernels);
        return;
    case TB_ACT_BF16:
        kernels->round_bf16(input->x + begin * input->ldx, input->ldx, end - begin, k,
                            input->half + begin * tb_input_half_stride(k), tb_input_half_stride(k));
        return;
    }
}

/* ---- Product ---- */

size_t tb_linear_grain(const tb_linear *linear, const tb_kernels *kernels)
{
    return linear->kind == TB_WEIGHT_F32    ? kernels->f32_nr
           : linear->kind == TB_WEIGHT_BF16 ? kernels->bf16_nr
                                            : kernels->s8_nr;
}

void tb_linear_forward(const tb_linear *linear, const tb_input *input, size_t m, size_t begin, size_t end, float *out,
                       size_t ldo, tb_activation act, const float *residual, size_t ld_residual,
                       const tb_kernels *kernels, void *scratch)
{
    size_t nr = tb_linear_grain(linear, kernels), k = linear->in;
    if (begin == end || m == 0)
        return;
    tb_epilogue epilogue = {linear->bias + begin, act, residual ? residual + begin : NULL, ld_residual};
    if (linear->kind == TB_WEIGHT_F32) {
        bool fake = linear->act == TB_ACT_S8_TOKEN_FAKE;
        tb_gemm_f32 g = {.a = fake ? input->fake : input->x,
                         .lda = fake ? k : input->ldx,
                         .panels = linear->panels_f32 + begin / nr * (kernels->f32_panel_bytes(k) / sizeof(float)),
                         .m = m,
                         .n = end - begin,
                         .k = k,
                         .out = out + begin,
                         .ldo = ldo,
                         .epilogue = epilogue};
        kernels->gemm_f32(&g);
        return;
    }
    if (linear->kind == TB_WEIGHT_BF16) {
        tb_gemm_bf16 g = {.a = input->half,
                          .lda = tb_input_half_stride(k),
                          .panels =
                              linear->panels_bf16 + begin / nr * (kernels->bf16_panel_bytes(k) / sizeof(uint16_t)),
                          .m = m,
                          .n = end - begin,
                          .k = k,
                          .out = out + begin,
                          .ldo = ldo,
                          .epilogue = epilogue};
        kernels->gemm_bf16(&g);
        return;
    }
    tb_gemm_s8 g = {.a = input->a,
                    .lda = input->lda,
                    .colsum = linear->colsum + begin,
                    .row_scale = input->row_scale,
                    .col_scale = linear->col_scale + begin,
                    .has_minus128 = linear->has_minus128,
                    .m = m,
                    .n = end - begin,
                    .k = k,
                    .out = out + begin,
                    .ldo = ldo,
                    .epilogue = epilogue};
    if (linear->kind == TB_WEIGHT_S8) {
        g.panels = linear->panels_s8 + begin / nr * kernels->s8_panel_bytes(k);
        kernels->gemm_s8(&g);
        return;
    }
    /* Four bits: unpack one panel into scratch, multiply all rows with it while it is hot. */
    size_t panel_bytes = kernels->s4_panel_bytes(k, linear->group);
    g.ahead_bytes = panel_bytes;
    for (size_t at = begin; at < end; at += nr) {
        kernels->unpack_s4(scratch, linear->panels_s4 + at / nr * panel_bytes, k, linear->group);
        g.ahead = linear->panels_s4 + (at / nr + 1) * panel_bytes;
        g.panels = scratch;
        g.colsum = linear->colsum + at;
        g.col_scale = linear->col_scale + at;
        g.n = end - at < nr ? end - at : nr;
        g.out = out + at;
        g.epilogue.bias = linear->bias + at;
        g.epilogue.residual = residual ? residual + at : NULL;
        kernels->gemm_s8(&g);
    }
}
