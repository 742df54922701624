/* SPDX-License-Identifier: Apache-2.0
 * BF16 compute: rounding by bits on every level; the reference against plain loops; every level within the error of a
 * float sum of the exact product of rounded inputs; rows, neighbours and splits that do not matter, by bits. */
#include "support.h"

typedef struct problem {
    size_t m, n, k, ldx, lda, ldo, ldr;
    float *x, *w, *bias, *residual; /* [m][ldx], [n][k], [n], [m][ldr] */
} problem;

static void *block(size_t count, size_t size)
{
    void *p = calloc(count + 1, size);
    assert_non_null(p);
    return p;
}

static problem problem_new(tb_rng *rng, flavour kind, size_t m, size_t n, size_t k)
{
    problem p = {.m = m, .n = n, .k = k, .ldx = k + 3, .lda = tb_round_up(k, 32), .ldo = n + 5, .ldr = n + 2};
    p.lda += tb_rng_u32(rng) % 2 * 32;
    p.x = block(m * p.ldx, sizeof(float));
    p.w = block(n * k, sizeof(float));
    p.bias = block(n, sizeof(float));
    p.residual = block(m * p.ldr, sizeof(float));
    random_values(rng, kind, p.x, m * p.ldx);
    random_values(rng, kind, p.w, n * k);
    random_values(rng, PLAIN, p.bias, n);
    random_values(rng, PLAIN, p.residual, m * p.ldr);
    return p;
}

static void problem_free(problem *p)
{
    free(p->x);
    free(p->w);
    free(p->bias);
    free(p->residual);
}

static tb_epilogue epilogue_of(const problem *p, tb_activation act, bool bias, bool residual)
{
    return (tb_epilogue){bias ? p->bias : NULL, act, residual ? p->residual : NULL, p->ldr};
}

/* Columns from `first` on, a multiple of the level's panel width. */
static tb_gemm_bf16 from_column(const tb_kernels *level, tb_gemm_bf16 g, size_t first)
{
    g.n -= first;
    g.panels += first / level->bf16_nr * level->bf16_panel_bytes(g.k) / sizeof(uint16_t);
    g.out += first;
    g.epilogue.bias = g.epilogue.bias != NULL ? g.epilogue.bias + first : NULL;
    g.epilogue.residual = g.epilogue.residual != NULL ? g.epilogue.residual + first : NULL;
    return g;
}

static tb_gemm_bf16 from_row(tb_gemm_bf16 g, size_t first)
{
    g.m -= first;
    g.a += first * g.lda;
    g.out += first * g.ldo;
    if (g.epilogue.residual != NULL)
        g.epilogue.residual += first * g.epilogue.ld_residual;
    return g;
}

enum split { WHOLE, BY_COLUMNS, BY_ROWS };

/* out[m][ldo] of a level; what lies behind column n must stay as it was. */
static void run(const tb_kernels *level, const problem *p, tb_epilogue e, enum split split, float *out)
{
    size_t panel = level->bf16_panel_bytes(p->k), nr = level->bf16_nr;
    assert_int_equal(panel % 64, 0);
    guarded packed = guarded_new((p->n + nr - 1) / nr * panel, 0);
    guarded result = guarded_new(((p->m - 1) * p->ldo + p->n) * sizeof(float), sizeof(float));
    guarded a = guarded_new(p->m * p->lda * sizeof(uint16_t), split == BY_ROWS ? 2 : 0);
    level->pack_bf16(guarded_at(packed), p->w, p->k, p->n, p->k);
    guarded_check(packed);
    level->round_bf16(p->x, p->ldx, p->m, p->k, guarded_at(a), p->lda);
    guarded_check(a);
    tb_gemm_bf16 g = {.a = guarded_at(a),
                      .lda = p->lda,
                      .panels = guarded_at(packed),
                      .m = p->m,
                      .n = p->n,
                      .k = p->k,
                      .out = guarded_at(result),
                      .ldo = p->ldo,
                      .epilogue = e};
    size_t column = (p->n / nr / 2 + 1) * nr, row = p->m / 3 + 1;
    if (split == BY_COLUMNS && column < p->n) {
        tb_gemm_bf16 right = from_column(level, g, column);
        level->gemm_bf16(&right);
        g.n = column;
    } else if (split == BY_ROWS && row < p->m) {
        tb_gemm_bf16 rest = from_row(g, row);
        level->gemm_bf16(&rest);
        g.m = row;
    }
    level->gemm_bf16(&g);
    guarded_free(packed);
    guarded_free(a);
    memset(out, GUARD_BYTE, p->m * p->ldo * sizeof(float));
    memcpy(out, guarded_at(result), result.bytes);
    guarded_free(result);
}

static float rounded(float x)
{
    return tb_bf16_to_f32(tb_f32_to_bf16(x));
}

/* What a float sum of row i and column j may be off by, in any order, with denormals taken for zeros. */
static double tolerance(const problem *p, size_t i, size_t j)
{
    double size = 0.0;
    for (size_t kk = 0; kk < p->k; kk++)
        size += fabs((double)rounded(p->x[i * p->ldx + kk]) * (double)rounded(p->w[j * p->k + kk]));
    return size * (double)(p->k + 4) * 0x1p-23 + (double)p->k * 0x1p-120;
}

static void rounds_half_to_even(void **state)
{
    (void)state;
    static const uint32_t in[] = {0x3f808000, 0x3f818000, 0x3f808001, 0x3f80ffff, 0xbf818000,
                                  0x7f7fffff, 0x00018000, 0x7f800001, 0xff800000, 0x80000000};
    static const uint16_t out[] = {0x3f80, 0x3f82, 0x3f81, 0x3f81, 0xbf82, 0x7f80, 0x0002, 0x7fc0, 0xff80, 0x8000};
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    float x[10];
    memcpy(x, in, sizeof x);
    for (size_t l = 0; l < n_levels; l++) {
        uint16_t a[64];
        memset(a, GUARD_BYTE, sizeof a);
        levels[l]->round_bf16(x, 10, 1, 10, a, 32);
        assert_memory_equal(a, out, sizeof out);
        for (size_t i = 10; i < 32; i++)
            assert_int_equal(a[i], 0);
        assert_int_equal(a[32], 0xa5a5);
    }
}

static void rounding_equals_reference(void **state)
{
    (void)state;
    enum { ROWS = 3 };
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels);
    tb_rng rng = tb_rng_make(1, 50);
    for (int kind = 0; kind < N_FLAVOURS; kind++) {
        for (size_t k = 1; k <= 130; k++) {
            size_t ldx = k + 1, lda = tb_round_up(k, 32) + k % 3 * 32, bytes = ROWS * lda * sizeof(uint16_t);
            float *x = block(ROWS * ldx, sizeof(float));
            random_values(&rng, (flavour)kind, x, ROWS * ldx);
            guarded expected = guarded_new(bytes, 0), got = guarded_new(bytes, 2);
            tb_kernels_ref.round_bf16(x, ldx, ROWS, k, guarded_at(expected), lda);
            for (size_t l = 0; l < n_levels; l++) {
                memset(guarded_at(got), GUARD_BYTE, bytes);
                levels[l]->round_bf16(x, ldx, ROWS, k, guarded_at(got), lda);
                guarded_check(got);
                assert_memory_equal(guarded_at(expected), guarded_at(got), bytes);
            }
            guarded_free(expected);
            guarded_free(got);
            free(x);
        }
    }
}

/* The reference is the fma chain over rounded values, and near the exact product of them. */
static void reference_is_the_definition(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(2, 50);
    for (size_t round = 0; round < 12; round++) {
        problem p = problem_new(&rng, PLAIN, 5, 37, 1 + round * 7);
        float *out = block(p.m * p.ldo, sizeof(float));
        run(&tb_kernels_ref, &p, epilogue_of(&p, TB_ACT_RELU, true, true), WHOLE, out);
        for (size_t i = 0; i < p.m; i++) {
            for (size_t j = 0; j < p.n; j++) {
                float acc = 0.0f;
                double exact = 0.0;
                for (size_t kk = 0; kk < p.k; kk++) {
                    float x = rounded(p.x[i * p.ldx + kk]), w = rounded(p.w[j * p.k + kk]);
                    acc = fmaf(x, w, acc);
                    exact += (double)x * (double)w;
                }
                assert_true(fabs((double)acc - exact) <= tolerance(&p, i, j));
                float v = acc + p.bias[j];
                v = v < 0.0f ? 0.0f : v;
                v = v + p.residual[i * p.ldr + j];
                assert_int_equal(float_bits(out[i * p.ldo + j]), float_bits(v));
            }
        }
        free(out);
        problem_free(&p);
    }
}

/* Levels without a bfloat16 instruction run the reference's chain. */
static bool is_chain(const tb_kernels *level)
{
    return level->bf16_nr == tb_kernels_ref.bf16_nr && level->bf16_panel_bytes(3) == tb_kernels_ref.bf16_panel_bytes(3);
}

static void compare(const problem *p, tb_epilogue e)
{
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels), size = p->m * p->ldo;
    float *expected = block(size, sizeof(float)), *got = block(size, sizeof(float)),
          *split = block(size, sizeof(float));
    char what[96];
    snprintf(what, sizeof what, "bf16 m=%zu n=%zu k=%zu act=%d", p->m, p->n, p->k, (int)e.act);
    run(&tb_kernels_ref, p, e, WHOLE, expected);
    for (size_t l = 0; l < n_levels; l++) {
        run(levels[l], p, e, WHOLE, got);
        run(levels[l], p, e, BY_COLUMNS, split);
        assert_same_floats(what, levels[l], got, split, size);
        run(levels[l], p, e, BY_ROWS, split);
        assert_same_floats(what, levels[l], got, split, size);
        if (is_chain(levels[l]))
            assert_same_floats(what, levels[l], expected, got, size);
        for (size_t i = 0; i < p->m; i++) {
            for (size_t j = 0; j < p->n; j++) {
                double a = (double)expected[i * p->ldo + j], b = (double)got[i * p->ldo + j];
                /* No activation is steeper than 1.2; what follows the sum rounds a few times more. */
                if (!(fabs(a - b) <= 2.4 * tolerance(p, i, j) + fabs(a) * 0x1p-20 + 0x1p-20))
                    fail_msg("%s, %s: row %zu, column %zu is %a, not %a", levels[l]->name, what, i, j, b, a);
            }
        }
    }
    free(expected);
    free(got);
    free(split);
}

static void compare_size(tb_rng *rng, flavour kind, size_t m, size_t n, size_t k)
{
    problem p = problem_new(rng, kind, m, n, k);
    uint32_t r = tb_rng_u32(rng);
    compare(&p, epilogue_of(&p, (tb_activation)(r % 5), r & 0x100, r & 0x200));
    problem_free(&p);
}

static void every_k(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(3, 50);
    for (size_t k = 1; k <= 130; k++)
        compare_size(&rng, k % 10 == 0 ? SUBNORMAL : PLAIN, 1 + k % 7, 17 + k % 50, k);
}

static void every_tile_edge(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 12, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65};
    static const size_t columns[] = {1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 97, 129};
    tb_rng rng = tb_rng_make(4, 50);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof columns / sizeof columns[0]; j++)
            compare_size(&rng, PLAIN, rows[i], columns[j], 9 + (i + j) % 4);
}

/* Blocks of rows and of k that continue a sum. */
static void large_sizes(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{7, 65, 768}, {49, 33, 255}, {97, 16, 257},  {13, 64, 1025},
                                      {3, 66, 513}, {1, 20, 2100}, {34, 65, 1024}, {130, 33, 1030}};
    tb_rng rng = tb_rng_make(5, 50);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        compare_size(&rng, PLAIN, sizes[i][0], sizes[i][1], sizes[i][2]);
}

/* A value that is not finite spoils its own row or column, and nothing else. */
static void not_finite_stays_in_its_row(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_rng rng = tb_rng_make(6, 50);
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    problem p = problem_new(&rng, PLAIN, 37, 70, 67);
    for (size_t i = 0; i < p.n * p.k; i++) /* infinity times zero would be NaN */
        p.w[i] += p.w[i] == 0.0f ? 1.0f : 0.0f;
    float *clean = block(p.m * p.ldo, sizeof(float)), *got = block(p.m * p.ldo, sizeof(float));
    for (size_t l = 0; l < n_levels; l++) {
        run(levels[l], &p, epilogue_of(&p, TB_ACT_NONE, true, false), WHOLE, clean);
        for (size_t b = 0; b < 3; b++) {
            float *x = p.x + 20 * p.ldx + 66 - b, saved = *x;
            *x = bad[b];
            run(levels[l], &p, epilogue_of(&p, TB_ACT_NONE, true, false), WHOLE, got);
            *x = saved;
            for (size_t i = 0; i < p.m; i++)
                for (size_t j = 0; j < p.n; j++)
                    if (i == 20)
                        assert_true(isnan(bad[b]) ? isnan(got[i * p.ldo + j]) : isinf(got[i * p.ldo + j]));
                    else
                        assert_int_equal(float_bits(got[i * p.ldo + j]), float_bits(clean[i * p.ldo + j]));
            float *w = p.w + 33 * p.k + 5 + b;
            saved = *w;
            *w = bad[b];
            run(levels[l], &p, epilogue_of(&p, TB_ACT_NONE, true, false), WHOLE, got);
            *w = saved;
            for (size_t i = 0; i < p.m; i++)
                for (size_t j = 0; j < p.n; j++)
                    if (j == 33)
                        assert_true(!isfinite(got[i * p.ldo + j]));
                    else
                        assert_int_equal(float_bits(got[i * p.ldo + j]), float_bits(clean[i * p.ldo + j]));
        }
    }
    free(clean);
    free(got);
    problem_free(&p);
}

/* The residual may be the output itself. */
static void residual_in_place(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_rng rng = tb_rng_make(7, 50);
    for (size_t m = 1; m <= 70; m += 9) {
        problem p = problem_new(&rng, PLAIN, m, 70, 1100);
        for (size_t l = 0; l < n_levels; l++) {
            const tb_kernels *level = levels[l];
            float *expected = block(p.m * p.ldo, sizeof(float)), *out = block(p.m * p.ldo, sizeof(float));
            uint16_t *a = block(p.m * p.lda, sizeof(uint16_t));
            uint16_t *panels = aligned_alloc(64, (p.n / level->bf16_nr + 1) * level->bf16_panel_bytes(p.k));
            assert_non_null(panels);
            run(level, &p, epilogue_of(&p, TB_ACT_GELU, true, true), WHOLE, expected);
            for (size_t i = 0; i < p.m; i++)
                memcpy(out + i * p.ldo, p.residual + i * p.ldr, p.n * sizeof(float));
            level->pack_bf16(panels, p.w, p.k, p.n, p.k);
            level->round_bf16(p.x, p.ldx, p.m, p.k, a, p.lda);
            tb_gemm_bf16 g = {.a = a,
                              .lda = p.lda,
                              .panels = panels,
                              .m = p.m,
                              .n = p.n,
                              .k = p.k,
                              .out = out,
                              .ldo = p.ldo,
                              .epilogue = {p.bias, TB_ACT_GELU, out, p.ldo}};
            level->gemm_bf16(&g);
            for (size_t i = 0; i < p.m; i++)
                assert_same_floats("bf16 in place", level, expected + i * p.ldo, out + i * p.ldo, p.n);
            free(expected);
            free(out);
            free(a);
            free(panels);
        }
        problem_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_half_to_even),
        cmocka_unit_test(rounding_equals_reference),
        cmocka_unit_test(reference_is_the_definition),
        cmocka_unit_test(every_k),
        cmocka_unit_test(every_tile_edge),
        cmocka_unit_test(large_sizes),
        cmocka_unit_test(not_finite_stays_in_its_row),
        cmocka_unit_test(residual_in_place),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
