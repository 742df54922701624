/* SPDX-License-Identifier: Apache-2.0
 * Products in parts of k that continue from their output: the bits of one product, on every level, float and BF16. */
#include "support.h"

/* a [m][k], b [k][n] (rows are summed, as gradients are); what lies behind a row of out stays. */
typedef struct problem {
    size_t m, n, k, lda, ldb, ldo;
    float *a, *b;
} problem;

static problem problem_new(tb_rng *rng, flavour kind, size_t m, size_t n, size_t k)
{
    problem p = {.m = m, .n = n, .k = k, .lda = k + 3, .ldb = n + 1, .ldo = n + 5};
    p.a = calloc(m * p.lda, sizeof(float));
    p.b = calloc(k * p.ldb, sizeof(float));
    assert_true(p.a != NULL && p.b != NULL);
    random_values(rng, kind, p.a, m * p.lda);
    random_values(rng, kind, p.b, k * p.ldb);
    return p;
}

static void problem_free(problem *p)
{
    free(p->a);
    free(p->b);
}

/* Columns [from, from + n) of k. */
static void part_f32(const tb_kernels *level, const problem *p, size_t from, size_t k, bool continues, float *out)
{
    guarded panels = guarded_new((p->n + level->f32_nr - 1) / level->f32_nr * level->f32_panel_bytes(k), 0);
    level->pack_f32_kn(guarded_at(panels), p->b + from * p->ldb, p->ldb, p->n, k);
    tb_gemm_f32 g = {.a = p->a + from,
                     .lda = p->lda,
                     .panels = guarded_at(panels),
                     .m = p->m,
                     .n = p->n,
                     .k = k,
                     .out = out,
                     .ldo = p->ldo,
                     .continues = continues};
    level->gemm_f32(&g);
    guarded_free(panels);
}

static void part_bf16(const tb_kernels *level, const problem *p, size_t from, size_t k, bool continues, float *out)
{
    size_t lda = tb_round_up(k, 32);
    guarded panels = guarded_new((p->n + level->bf16_nr - 1) / level->bf16_nr * level->bf16_panel_bytes(k), 0);
    guarded a = guarded_new(p->m * lda * sizeof(uint16_t), 2);
    level->pack_bf16_kn(guarded_at(panels), p->b + from * p->ldb, p->ldb, p->n, k);
    level->round_bf16(p->a + from, p->lda, p->m, k, guarded_at(a), lda);
    tb_gemm_bf16 g = {.a = guarded_at(a),
                      .lda = lda,
                      .panels = guarded_at(panels),
                      .m = p->m,
                      .n = p->n,
                      .k = k,
                      .out = out,
                      .ldo = p->ldo,
                      .continues = continues};
    level->gemm_bf16(&g);
    guarded_free(panels);
    guarded_free(a);
}

typedef void part_fn(const tb_kernels *level, const problem *p, size_t from, size_t k, bool continues, float *out);

static void compare(part_fn *part, const char *what, const problem *p, const size_t *parts, size_t n_parts)
{
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels), size = (p->m - 1) * p->ldo + p->n;
    guarded expected = guarded_new(size * sizeof(float), 4), got = guarded_new(size * sizeof(float), 4);
    char text[96];
    snprintf(text, sizeof text, "%s m=%zu n=%zu k=%zu", what, p->m, p->n, p->k);
    for (size_t l = 0; l < n_levels; l++) {
        memset(guarded_at(expected), GUARD_BYTE, size * sizeof(float));
        memset(guarded_at(got), GUARD_BYTE, size * sizeof(float));
        part(levels[l], p, 0, p->k, false, guarded_at(expected));
        size_t from = 0;
        for (size_t i = 0; i <= n_parts && from < p->k; i++) {
            size_t k = i < n_parts && parts[i] < p->k - from ? parts[i] : p->k - from;
            part(levels[l], p, from, k, i > 0, guarded_at(got));
            from += k;
        }
        guarded_check(got);
        assert_same_floats(text, levels[l], guarded_at(expected), guarded_at(got), size);
    }
    guarded_free(expected);
    guarded_free(got);
}

static void compare_sizes(tb_rng *rng, flavour kind, size_t m, size_t n, size_t k)
{
    problem p = problem_new(rng, kind, m, n, k);
    size_t any[] = {1 + tb_rng_below(rng, k), 1 + tb_rng_below(rng, k)};
    size_t steps[] = {32 * (1 + tb_rng_below(rng, k / 32 + 1)), 32 * (1 + tb_rng_below(rng, k / 32 + 1))};
    compare(part_f32, "float", &p, any, 2);
    compare(part_bf16, "bf16", &p, steps, 2);
    problem_free(&p);
}

static void every_tile_edge(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 2, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 130};
    static const size_t columns[] = {1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 80, 96, 97, 128, 129};
    tb_rng rng = tb_rng_make(1, 100);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof columns / sizeof columns[0]; j++)
            compare_sizes(&rng, (i + j) % 5 == 0 ? FINITE_EXTREMES : PLAIN, rows[i], columns[j], 2 + (7 * i + j) % 90);
}

/* Blocks of k within a part. */
static void large_sizes(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{7, 65, 768},  {49, 33, 600},   {97, 64, 1300}, {13, 64, 2050},
                                      {64, 16, 513}, {34, 128, 1024}, {130, 70, 1100}};
    tb_rng rng = tb_rng_make(2, 100);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        compare_sizes(&rng, PLAIN, sizes[i][0], sizes[i][1], sizes[i][2]);
}

/* A float product that goes on is the chain of the contract, from what was there. */
static void continues_the_chain(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_rng rng = tb_rng_make(3, 100);
    for (size_t m = 1; m <= 60; m += 13) {
        problem p = problem_new(&rng, PLAIN, m, 64 + m % 3, 20);
        size_t size = (p.m - 1) * p.ldo + p.n;
        float *start = calloc(size, sizeof(float)), *expected = calloc(size, sizeof(float)),
              *got = calloc(size, sizeof(float));
        assert_true(start != NULL && expected != NULL && got != NULL);
        random_values(&rng, PLAIN, start, size);
        memcpy(expected, start, size * sizeof(float));
        for (size_t i = 0; i < p.m; i++)
            for (size_t j = 0; j < p.n; j++)
                for (size_t kk = 0; kk < p.k; kk++)
                    expected[i * p.ldo + j] = fmaf(p.a[i * p.lda + kk], p.b[kk * p.ldb + j], expected[i * p.ldo + j]);
        for (size_t l = 0; l < n_levels; l++) {
            memcpy(got, start, size * sizeof(float));
            part_f32(levels[l], &p, 0, p.k, true, got);
            assert_same_floats("chain", levels[l], expected, got, size);
        }
        free(start);
        free(expected);
        free(got);
        problem_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tile_edge),
        cmocka_unit_test(large_sizes),
        cmocka_unit_test(continues_the_chain),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
