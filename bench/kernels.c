/* SPDX-License-Identifier: Apache-2.0
 * Speed of each usable kernel level on one core: products at BERT-base's shapes, attention, and row operations.
 * Includes: base, kernels. Usage: bench_kernels [level]. The last column is the speed against the first level shown. */
#include "kernels/kernels.h"
#include "base/clock.h"
#include "base/fp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3072, K = 768, MAX_M = 128, MAX_LEVELS = 8, MAX_LINES = 32 };

typedef struct bench {
    const tb_kernels *kernels;
    float *x, *w, *panels, *out, *vector, *scale;
    int8_t *a, *w8, *panels8;
    int32_t *colsum;
    size_t m, n, k;
    tb_activation act;
    bool has_minus128;
} bench;

static double base_rate[MAX_LINES];

static void run_f32(bench *b)
{
    tb_gemm_f32 g = {.a = b->x,
                     .lda = b->k,
                     .panels = b->panels,
                     .m = b->m,
                     .n = b->n,
                     .k = b->k,
                     .out = b->out,
                     .ldo = b->n,
                     .epilogue = {.bias = b->vector, .act = b->act}};
    b->kernels->gemm_f32(&g);
}

static void run_s8(bench *b)
{
    tb_gemm_s8 g = {.a = b->a,
                    .lda = b->k,
                    .panels = b->panels8,
                    .colsum = b->colsum,
                    .row_scale = b->scale,
                    .col_scale = b->scale,
                    .has_minus128 = b->has_minus128,
                    .m = b->m,
                    .n = b->n,
                    .k = b->k,
                    .out = b->out,
                    .ldo = b->n,
                    .epilogue = {.bias = b->vector, .act = b->act}};
    b->kernels->gemm_s8(&g);
}

/* One head of 64: scores, softmax, values, over m tokens. */
static void run_attention(bench *b)
{
    const tb_kernels *kernels = b->kernels;
    enum { HEAD = 64 };
    tb_gemm_f32 scores = {
        .a = b->x, .lda = K, .panels = b->panels, .m = b->m, .n = b->m, .k = HEAD, .out = b->out, .ldo = b->m};
    tb_gemm_f32 values = {.a = b->out,
                          .lda = b->m,
                          .panels = b->panels,
                          .m = b->m,
                          .n = HEAD,
                          .k = b->m,
                          .out = b->out + b->m * b->m,
                          .ldo = HEAD};
    kernels->pack_f32(b->panels, b->w, K, b->m, HEAD);
    kernels->gemm_f32(&scores);
    kernels->softmax(b->out, b->m, b->m, b->m, 0.125f);
    kernels->pack_f32_kn(b->panels, b->w, K, HEAD, b->m);
    kernels->gemm_f32(&values);
}

static void run_quantize(bench *b)
{
    b->kernels->quantize_rows(b->x, b->k, b->m, b->k, b->a, b->k, b->scale);
}

static void run_layernorm(bench *b)
{
    b->kernels->layernorm(b->x, b->k, b->m, b->k, b->vector, b->vector, 1e-12f, b->out, b->k);
}

static void run_softmax(bench *b)
{
    memcpy(b->out, b->x, b->m * b->k * sizeof(float));
    b->kernels->softmax(b->out, b->k, b->m, b->k, 1.0f);
}

static void run_gelu(bench *b)
{
    b->kernels->activation(TB_ACT_GELU, b->x, b->out, b->m * b->k);
}

static void run_pack_f32(bench *b)
{
    b->kernels->pack_f32(b->panels, b->w, b->k, b->n, b->k);
}

static void run_pack_s8(bench *b)
{
    b->kernels->pack_s8(b->panels8, b->w8, b->k, b->n, b->k);
}

static void measure(int line, const char *what, bench *b, void (*run)(bench *), double work, const char *unit)
{
    double best = 1e300, start = tb_now_ms();
    run(b);
    for (int i = 0; i < 1000 && (i < 5 || tb_now_ms() - start < 250); i++) {
        double t = tb_now_ms();
        run(b);
        t = tb_now_ms() - t;
        best = t < best ? t : best;
    }
    double rate = work / best * 1e-6;
    if (base_rate[line] == 0)
        base_rate[line] = rate;
    printf("  %-26s m=%-4zu %9.2f %-8s %8.1fx\n", what, b->m, rate, unit, rate / base_rate[line]);
}

static void measure_level(const tb_kernels *kernels, bench *b)
{
    static const size_t sizes[] = {1, 16, 128};
    printf("%s\n", kernels->name);
    b->kernels = kernels;
    int line = 0;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        b->m = sizes[s];
        for (int up = 1; up >= 0; up--) {
            b->n = up ? N : K;
            b->k = up ? K : N;
            double work = 2.0 * (double)b->m * N * K;
            kernels->quantize_rows(b->x, b->k, b->m, b->k, b->a, b->k, b->scale);
            kernels->pack_f32(b->panels, b->w, b->k, b->n, b->k);
            b->act = TB_ACT_NONE;
            measure(line++, up ? "f32 768 -> 3072" : "f32 3072 -> 768", b, run_f32, work, "GFLOPS");
            kernels->pack_s8(b->panels8, b->w8, b->k, b->n, b->k);
            measure(line++, up ? "s8  768 -> 3072" : "s8  3072 -> 768", b, run_s8, work, "GOPS");
            b->has_minus128 = true;
            if (up)
                measure(line++, "s8  768 -> 3072, with -128", b, run_s8, work, "GOPS");
            b->has_minus128 = false;
            b->act = TB_ACT_GELU;
            if (up)
                measure(line++, "s8  768 -> 3072, GELU", b, run_s8, work, "GOPS");
        }
        if (b->m > 1)
            measure(line++, "attention, head of 64", b, run_attention, 4.0 * (double)(b->m * b->m) * 64, "GFLOPS");
    }
    b->n = N;
    b->k = K;
    double values = (double)b->m * K;
    measure(line++, "quantize_rows, 768", b, run_quantize, values, "G/s");
    measure(line++, "layernorm, 768", b, run_layernorm, values, "G/s");
    measure(line++, "softmax (and copy), 768", b, run_softmax, values, "G/s");
    measure(line++, "gelu", b, run_gelu, values, "G/s");
    measure(line++, "pack_f32, 3072 x 768", b, run_pack_f32, (double)N * K, "G/s");
    measure(line++, "pack_s8, 3072 x 768", b, run_pack_s8, (double)N * K, "G/s");
}

int main(int argc, char **argv)
{
    tb_fp_state saved = tb_fp_enter();
    bench b = {0};
    size_t weights = (size_t)N * K;
    b.x = tb_alloc_aligned((size_t)MAX_M * N, sizeof(float), NULL);
    b.w = tb_alloc_aligned(weights, sizeof(float), NULL);
    b.panels = tb_alloc_aligned(weights, sizeof(float), NULL);
    b.out = tb_alloc_aligned((size_t)MAX_M * N, sizeof(float), NULL);
    b.vector = tb_alloc_aligned(N, sizeof(float), NULL);
    b.scale = tb_alloc_aligned(N, sizeof(float), NULL);
    b.a = tb_alloc_aligned((size_t)MAX_M * N, 1, NULL);
    b.w8 = tb_alloc_aligned(weights, 1, NULL);
    b.panels8 = tb_alloc_aligned(weights, 1, NULL);
    b.colsum = tb_alloc_aligned(N, sizeof(int32_t), NULL);
    if (!b.x || !b.w || !b.panels || !b.out || !b.vector || !b.scale || !b.a || !b.w8 || !b.panels8 || !b.colsum)
        return 3;
    uint32_t state = 1;
    for (size_t i = 0; i < weights; i++) {
        state = state * UINT32_C(1664525) + UINT32_C(1013904223);
        b.w8[i] = (int8_t)((int)(state >> 24) % 127);
        b.w[i] = (float)b.w8[i] * 0x1p-8f;
        if (i < (size_t)MAX_M * N)
            b.x[i] = (float)(state >> 8) * 0x1p-22f - 2.0f;
    }

    const tb_kernels *levels[MAX_LEVELS];
    size_t n = tb_kernels_usable(levels, MAX_LEVELS);
    for (size_t i = 0; i < n; i++)
        if (argc < 2 ? i > 0 : strcmp(argv[1], levels[i]->name) == 0)
            measure_level(levels[i], &b);

    void *blocks[] = {b.x, b.w, b.panels, b.out, b.vector, b.scale, b.a, b.w8, b.panels8, b.colsum};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        tb_free_aligned(blocks[i]);
    tb_fp_leave(saved);
    return 0;
}
