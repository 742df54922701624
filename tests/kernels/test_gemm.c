/* SPDX-License-Identifier: Apache-2.0
 * Products: the reference against plain loops on unpacked matrices, every other level against the reference by bits,
 * at sizes around all tile edges, with every epilogue, and split at panel boundaries. */
#include "support.h"

/* One product on unpacked data, kept for all levels. */
typedef struct problem {
    size_t m, n, k, lda, ldo, ldr;
    float *a, *w; /* [m][lda], [n][k] */
    int8_t *w8;   /* [n][k] */
    int32_t *colsum, *zero_point;
    float *row_scale, *col_scale, *bias, *residual;
    bool affine, minus128;
} problem;

static void *block(size_t count, size_t size)
{
    void *p = calloc(count + 1, size);
    assert_non_null(p);
    return p;
}

static problem problem_new(tb_rng *rng, flavour kind, size_t m, size_t n, size_t k)
{
    problem p = {.m = m, .n = n, .k = k, .lda = k + 3, .ldo = n + 5, .ldr = n + 2};
    p.a = block(m * p.lda, sizeof(float));
    p.w = block(n * k, sizeof(float));
    p.w8 = block(n * k, 1);
    p.colsum = block(n, sizeof(int32_t));
    p.zero_point = block(m, sizeof(int32_t));
    p.row_scale = block(m, sizeof(float));
    p.col_scale = block(n, sizeof(float));
    p.bias = block(n, sizeof(float));
    p.residual = block(m * p.ldr, sizeof(float));
    random_values(rng, kind, p.a, m * p.lda);
    random_values(rng, kind, p.w, n * k);
    random_values(rng, PLAIN, p.bias, n);
    random_values(rng, PLAIN, p.residual, m * p.ldr);
    p.minus128 = tb_rng_u32(rng) % 2 != 0;
    p.affine = tb_rng_u32(rng) % 2 != 0;
    for (size_t j = 0; j < n; j++) {
        for (size_t kk = 0; kk < k; kk++) {
            uint32_t r = tb_rng_u32(rng);
            int low = p.minus128 ? -128 : -127;
            int v = r % 4 == 0 ? (r & 16 ? 127 : low) : (int)(r >> 8) % 128 - (int)(r >> 20) % 128;
            p.w8[j * k + kk] = (int8_t)v;
            p.colsum[j] += v;
        }
        p.col_scale[j] = 0x1p-9f * (1.0f + (float)tb_rng_unit(rng));
    }
    for (size_t i = 0; i < m; i++)
        p.zero_point[i] = (int32_t)(tb_rng_u32(rng) % 128);
    return p;
}

static void problem_free(problem *p)
{
    void *blocks[] = {p->a, p->w, p->w8, p->colsum, p->zero_point, p->row_scale, p->col_scale, p->bias, p->residual};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
}

static tb_epilogue epilogue_of(const problem *p, tb_activation act, bool bias, bool residual)
{
    return (tb_epilogue){bias ? p->bias : NULL, act, residual ? p->residual : NULL, p->ldr};
}

/* out[m][ldo] of a level; the columns behind n must stay as they were. Splits n at a panel boundary if asked. */
static void run_f32(const tb_kernels *level, const problem *p, tb_epilogue e, bool split, float *out)
{
    size_t panel = level->f32_panel_bytes(p->k), nr = level->f32_nr;
    guarded packed = guarded_new((p->n + nr - 1) / nr * panel, 0);
    guarded result = guarded_new(((p->m - 1) * p->ldo + p->n) * sizeof(float), sizeof(float));
    level->pack_f32(guarded_at(packed), p->w, p->k, p->n, p->k);
    guarded_check(packed);
    tb_gemm_f32 g = {.a = p->a,
                     .lda = p->lda,
                     .panels = guarded_at(packed),
                     .m = p->m,
                     .n = p->n,
                     .k = p->k,
                     .out = guarded_at(result),
                     .ldo = p->ldo,
                     .epilogue = e};
    size_t first = (p->n / nr / 2 + 1) * nr;
    if (split && first < p->n) {
        tb_gemm_f32 left = g, right = g;
        left.n = first;
        right.n = p->n - first;
        right.panels += first / nr * panel / sizeof(float);
        right.out += first;
        right.epilogue.bias = e.bias != NULL ? e.bias + first : NULL;
        right.epilogue.residual = e.residual != NULL ? e.residual + first : NULL;
        level->gemm_f32(&right);
        level->gemm_f32(&left);
    } else {
        level->gemm_f32(&g);
    }
    guarded_free(packed);
    memset(out, GUARD_BYTE, p->m * p->ldo * sizeof(float));
    memcpy(out, guarded_at(result), result.bytes);
    guarded_free(result);
}

static void run_s8(const tb_kernels *level, const problem *p, tb_epilogue e, bool split, float *out)
{
    size_t panel = level->s8_panel_bytes(p->k), nr = level->s8_nr, lda = tb_round_up(p->k, 64);
    guarded packed = guarded_new((p->n + nr - 1) / nr * panel, 0);
    guarded result = guarded_new(((p->m - 1) * p->ldo + p->n) * sizeof(float), sizeof(float));
    guarded a = guarded_new(p->m * lda, 0);
    level->pack_s8(guarded_at(packed), p->w8, p->k, p->n, p->k);
    guarded_check(packed);
    if (p->affine) {
        for (size_t i = 0; i < p->m; i++) {
            p->row_scale[i] = 0.02f;
            level->quantize_affine(p->a + i * p->lda, p->lda, 1, p->k, 50.0f, p->zero_point[i],
                                   (int8_t *)guarded_at(a) + i * lda, lda);
        }
    } else {
        level->quantize_rows(p->a, p->lda, p->m, p->k, guarded_at(a), lda, p->row_scale);
    }
    tb_gemm_s8 g = {.a = guarded_at(a),
                    .lda = lda,
                    .panels = guarded_at(packed),
                    .colsum = p->colsum,
                    .row_scale = p->row_scale,
                    .col_scale = p->col_scale,
                    .has_minus128 = p->minus128,
                    .ahead = split ? p->w8 : NULL, /* changes no result */
                    .ahead_bytes = panel / 2,
                    .m = p->m,
                    .n = p->n,
                    .k = p->k,
                    .out = guarded_at(result),
                    .ldo = p->ldo,
                    .epilogue = e};
    size_t first = (p->n / nr / 2 + 1) * nr;
    if (split && first < p->n) {
        tb_gemm_s8 left = g, right = g;
        left.n = first;
        right.n = p->n - first;
        right.panels += first / nr * panel;
        right.colsum += first;
        right.col_scale += first;
        right.out += first;
        right.epilogue.bias = e.bias != NULL ? e.bias + first : NULL;
        right.epilogue.residual = e.residual != NULL ? e.residual + first : NULL;
        level->gemm_s8(&right);
        level->gemm_s8(&left);
    } else {
        level->gemm_s8(&g);
    }
    guarded_free(packed);
    guarded_free(a);
    memset(out, GUARD_BYTE, p->m * p->ldo * sizeof(float));
    memcpy(out, guarded_at(result), result.bytes);
    guarded_free(result);
}

/* All levels on one problem. */
static void compare(const problem *p, tb_epilogue e)
{
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels), size = p->m * p->ldo;
    float *expected = block(size, sizeof(float)), *got = block(size, sizeof(float));
    char what[96];
    snprintf(what, sizeof what, "m=%zu n=%zu k=%zu act=%d%s%s", p->m, p->n, p->k, (int)e.act,
             p->affine ? " affine" : "", p->minus128 ? " -128" : "");
    run_f32(&tb_kernels_ref, p, e, false, expected);
    for (size_t l = 0; l < n_levels; l++) {
        run_f32(levels[l], p, e, false, got);
        assert_same_floats(what, levels[l], expected, got, size);
        run_f32(levels[l], p, e, true, got);
        assert_same_floats(what, levels[l], expected, got, size);
    }
    run_s8(&tb_kernels_ref, p, e, false, expected);
    for (size_t l = 0; l < n_levels; l++) {
        run_s8(levels[l], p, e, false, got);
        assert_same_floats(what, levels[l], expected, got, size);
        run_s8(levels[l], p, e, true, got);
        assert_same_floats(what, levels[l], expected, got, size);
    }
    free(expected);
    free(got);
}

static void compare_size(tb_rng *rng, flavour kind, size_t m, size_t n, size_t k)
{
    problem p = problem_new(rng, kind, m, n, k);
    uint32_t r = tb_rng_u32(rng);
    tb_activation act = (tb_activation)(r % 5);
    compare(&p, epilogue_of(&p, act, r & 0x100, r & 0x200));
    problem_free(&p);
}

/* The reference against loops that know nothing of panels. */
static void reference_is_the_definition(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(1, 10);
    for (int round = 0; round < 12; round++) {
        problem p = problem_new(&rng, PLAIN, 5, 37, (size_t)(1 + round * 7));
        float *out = block(p.m * p.ldo, sizeof(float));
        run_f32(&tb_kernels_ref, &p, epilogue_of(&p, TB_ACT_RELU, true, true), false, out);
        for (size_t i = 0; i < p.m; i++) {
            for (size_t j = 0; j < p.n; j++) {
                float acc = 0.0f;
                double exact = 0.0, size = 0.0;
                for (size_t kk = 0; kk < p.k; kk++) {
                    double product = (double)p.a[i * p.lda + kk] * (double)p.w[j * p.k + kk];
                    acc = fmaf(p.a[i * p.lda + kk], p.w[j * p.k + kk], acc);
                    exact += product;
                    size += fabs(product);
                }
                assert_true(fabs((double)acc - exact) <= size * (double)p.k * 0x1p-24);
                float v = acc + p.bias[j];
                v = v < 0.0f ? 0.0f : v;
                v = v + p.residual[i * p.ldr + j];
                assert_int_equal(float_bits(out[i * p.ldo + j]), float_bits(v));
            }
        }
        run_s8(&tb_kernels_ref, &p, epilogue_of(&p, TB_ACT_NONE, true, false), false, out);
        int8_t q[128];
        for (size_t i = 0; i < p.m; i++) {
            float scale = 0.02f;
            if (p.affine)
                tb_kernels_ref.quantize_affine(p.a + i * p.lda, p.lda, 1, p.k, 50.0f, p.zero_point[i], q, 128);
            else
                tb_kernels_ref.quantize_rows(p.a + i * p.lda, p.lda, 1, p.k, q, 128, &scale);
            for (size_t j = 0; j < p.n; j++) {
                int64_t acc = 0;
                for (size_t kk = 0; kk < p.k; kk++)
                    acc += q[kk] * p.w8[j * p.k + kk];
                float v = (float)acc * scale;
                v = v * p.col_scale[j];
                v = v + p.bias[j];
                assert_int_equal(float_bits(out[i * p.ldo + j]), float_bits(v));
            }
        }
        free(out);
        problem_free(&p);
    }
}

static void every_k(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(2, 10);
    for (size_t k = 1; k <= 130; k++)
        compare_size(&rng, PLAIN, 1 + k % 7, 17 + k % 50, k);
}

static void every_tile_edge(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 33};
    static const size_t columns[] = {1, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 80, 127, 128, 129};
    tb_rng rng = tb_rng_make(3, 10);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof columns / sizeof columns[0]; j++)
            compare_size(&rng, PLAIN, rows[i], columns[j], 9 + (i + j) % 4);
}

/* Blocks of rows and of k that continue a chain. */
static void large_sizes(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{7, 65, 768},   {49, 33, 255}, {48, 17, 256}, {97, 16, 257}, {2, 70, 511},
                                      {13, 64, 512},  {3, 66, 513},  {1, 20, 1100}, {6, 65, 1025}, {33, 150, 900},
                                      {24, 129, 384}, {28, 17, 385}, {20, 140, 700}};
    tb_rng rng = tb_rng_make(4, 10);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        compare_size(&rng, PLAIN, sizes[i][0], sizes[i][1], sizes[i][2]);
}

static void extreme_values(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(5, 10);
    for (int kind = 0; kind < N_FLAVOURS; kind++)
        for (size_t i = 0; i < 12; i++)
            compare_size(&rng, (flavour)kind, 1 + i, 5 + 13 * i, 1 + 17 * i);
}

static void every_epilogue(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(6, 10);
    for (int act = TB_ACT_NONE; act <= TB_ACT_TANH; act++) {
        for (int parts = 0; parts < 4; parts++) {
            for (int round = 0; round < 3; round++) {
                problem p = problem_new(&rng, round == 2 ? ALL_EXTREMES : PLAIN, 7, 70, 19);
                compare(&p, epilogue_of(&p, (tb_activation)act, parts & 1, parts & 2));
                problem_free(&p);
            }
        }
    }
}

/* The residual may be the output itself. */
static void residual_in_place(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_rng rng = tb_rng_make(7, 10);
    problem p = problem_new(&rng, PLAIN, 50, 70, 600);
    p.ldr = p.ldo;
    free(p.residual);
    p.residual = block(p.m * p.ldr, sizeof(float));
    random_values(&rng, PLAIN, p.residual, p.m * p.ldr);
    float *expected = block(p.m * p.ldo, sizeof(float));
    run_f32(&tb_kernels_ref, &p, epilogue_of(&p, TB_ACT_GELU, true, true), false, expected);
    for (size_t l = 0; l < n_levels; l++) {
        const tb_kernels *level = levels[l];
        float *panels = aligned_alloc(64, (p.n / level->f32_nr + 1) * level->f32_panel_bytes(p.k));
        float *out = block(p.m * p.ldo, sizeof(float));
        assert_non_null(panels);
        level->pack_f32(panels, p.w, p.k, p.n, p.k);
        memcpy(out, p.residual, p.m * p.ldo * sizeof(float));
        tb_gemm_f32 g = {.a = p.a,
                         .lda = p.lda,
                         .panels = panels,
                         .m = p.m,
                         .n = p.n,
                         .k = p.k,
                         .out = out,
                         .ldo = p.ldo,
                         .epilogue = {p.bias, TB_ACT_GELU, out, p.ldo}};
        level->gemm_f32(&g);
        for (size_t i = 0; i < p.m; i++)
            assert_same_floats("in place", level, expected + i * p.ldo, out + i * p.ldo, p.n);
        free(panels);
        free(out);
    }
    free(expected);
    problem_free(&p);
}

/* The largest sums that the contract allows: TB_MAX_K products of 127 and -128, and a zero point on top. */
static void largest_sums(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    enum { COLUMNS = 2 };
    int8_t *w = block((size_t)COLUMNS * TB_MAX_K, 1);
    for (size_t l = 0; l < n_levels; l++) {
        const tb_kernels *level = levels[l];
        for (int minus128 = 0; minus128 <= 1; minus128++) {
            memset(w, minus128 ? -128 : -127, TB_MAX_K);
            memset(w + TB_MAX_K, 127, TB_MAX_K);
            const int32_t colsum[COLUMNS] = {(minus128 ? -128 : -127) * TB_MAX_K, 127 * TB_MAX_K};
            const float one[COLUMNS] = {1.0f, 1.0f};
            int8_t *panels = aligned_alloc(64, level->s8_panel_bytes(TB_MAX_K));
            int8_t *a = aligned_alloc(64, TB_MAX_K);
            assert_true(panels != NULL && a != NULL);
            level->pack_s8(panels, w, TB_MAX_K, COLUMNS, TB_MAX_K);
            for (int q = -127; q <= 127; q += 254) {
                float out[COLUMNS];
                memset(a, (q & 0xff) ^ level->a_xor, TB_MAX_K);
                tb_gemm_s8 g = {.a = a,
                                .lda = TB_MAX_K,
                                .panels = panels,
                                .colsum = colsum,
                                .row_scale = one,
                                .col_scale = one,
                                .has_minus128 = minus128 != 0,
                                .m = 1,
                                .n = COLUMNS,
                                .k = TB_MAX_K,
                                .out = out,
                                .ldo = COLUMNS};
                level->gemm_s8(&g);
                for (int j = 0; j < COLUMNS; j++)
                    assert_true(out[j] == (float)(q * colsum[j]));
            }
            free(panels);
            free(a);
        }
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_is_the_definition),
        cmocka_unit_test(every_k),
        cmocka_unit_test(every_tile_edge),
        cmocka_unit_test(large_sizes),
        cmocka_unit_test(extreme_values),
        cmocka_unit_test(every_epilogue),
        cmocka_unit_test(residual_in_place),
        cmocka_unit_test(largest_sums),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
