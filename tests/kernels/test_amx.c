/* SPDX-License-Identifier: Apache-2.0
 * The AMX level against the reference, by bits, at all sizes around the edges of its tiles, blocks and slices: the
 * build with emulated tiles, and the level itself, on the CPU's tiles or, where it has none, by trapping its
 * instructions. */
#include "amx_traps.h"
#include "support.h"

#if defined(__x86_64__)

#include <sys/mman.h>
#include <unistd.h>

/* Memory that ends where nothing is mapped, so that reading one byte more shows. bytes is a multiple of 64. */
typedef struct fenced {
    uint8_t *pages;
    size_t bytes, page_bytes;
} fenced;

static fenced fenced_new(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    fenced f = {NULL, bytes, tb_round_up(bytes, page) + page};
    f.pages = mmap(NULL, f.page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(f.pages != MAP_FAILED);
    assert_int_equal(mprotect(f.pages + f.page_bytes - page, page, PROT_NONE), 0);
    return f;
}

static void *fenced_at(fenced f)
{
    return f.pages + f.page_bytes - (size_t)sysconf(_SC_PAGESIZE) - f.bytes;
}

static void fenced_free(fenced f)
{
    munmap(f.pages, f.page_bytes);
}

static bool wide_registers(void)
{
    const tb_kernels *levels[MAX_LEVELS];
    size_t n = every_level(levels);
    for (size_t i = 0; i < n; i++)
        if (levels[i] == &tb_kernels_amx_shim)
            return true;
    return false;
}

static bool real_tiles(void)
{
    return strcmp(tb_kernels_find("amx", NULL)->name, "amx") == 0;
}

typedef struct problem {
    size_t m, n, k, lda, ldo;
    fenced rows;
    int8_t *a, *w;
    int32_t *colsum;
    float *row_scale, *col_scale, *bias, *residual;
} problem;

static void *block(size_t bytes)
{
    void *p = aligned_alloc(64, tb_round_up(bytes + 64, 64));
    assert_non_null(p);
    memset(p, 0, tb_round_up(bytes + 64, 64));
    return p;
}

static problem problem_new(tb_rng *rng, size_t m, size_t n, size_t k)
{
    problem p = {.m = m, .n = n, .k = k, .lda = tb_round_up(k, 64) + tb_rng_u32(rng) % 2 * 64, .ldo = n + 3};
    p.rows = fenced_new(m * p.lda);
    p.a = fenced_at(p.rows);
    p.w = block(n * k);
    p.colsum = block(n * sizeof(int32_t));
    p.row_scale = block(m * sizeof(float));
    p.col_scale = block(n * sizeof(float));
    p.bias = block(n * sizeof(float));
    p.residual = block(m * p.ldo * sizeof(float));
    random_values(rng, PLAIN, p.row_scale, m);
    random_values(rng, PLAIN, p.col_scale, n);
    random_values(rng, PLAIN, p.bias, n);
    random_values(rng, PLAIN, p.residual, m * p.ldo);
    for (size_t i = 0; i < m; i++)
        for (size_t kk = 0; kk < k; kk++)
            p.a[i * p.lda + kk] = (int8_t)((int)(tb_rng_u32(rng) >> 8) % 255 - 127);
    for (size_t j = 0; j < n; j++) {
        for (size_t kk = 0; kk < k; kk++) {
            p.w[j * k + kk] = (int8_t)((int)(tb_rng_u32(rng) >> 8) % 256 - 128);
            p.colsum[j] += p.w[j * k + kk];
        }
    }
    return p;
}

static void problem_free(problem *p)
{
    void *blocks[] = {p->w, p->colsum, p->row_scale, p->col_scale, p->bias, p->residual};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
    fenced_free(p->rows);
}

/* out[m][ldo], with the residual in it beforehand. */
static void run(const tb_kernels *level, const problem *p, tb_activation act, float *out)
{
    size_t panel = level->s8_panel_bytes(p->k), nr = level->s8_nr;
    fenced packed = fenced_new((p->n + nr - 1) / nr * panel);
    level->pack_s8(fenced_at(packed), p->w, p->k, p->n, p->k);
    assert_int_equal(level->a_xor, 0);
    memcpy(out, p->residual, p->m * p->ldo * sizeof(float));
    tb_gemm_s8 g = {.a = p->a,
                    .lda = p->lda,
                    .panels = fenced_at(packed),
                    .colsum = p->colsum,
                    .row_scale = p->row_scale,
                    .col_scale = p->col_scale,
                    .has_minus128 = true,
                    .m = p->m,
                    .n = p->n,
                    .k = p->k,
                    .out = out,
                    .ldo = p->ldo,
                    .epilogue = {p->bias, act, out, p->ldo}};
    level->gemm_s8(&g);
    fenced_free(packed);
}

static void compare(const tb_kernels *level, tb_rng *rng, size_t m, size_t n, size_t k)
{
    problem p = problem_new(rng, m, n, k);
    tb_activation act = (tb_activation)(tb_rng_u32(rng) % 5);
    size_t size = m * p.ldo;
    float *expected = block(size * sizeof(float)), *got = block(size * sizeof(float));
    char what[64];
    snprintf(what, sizeof what, "m=%zu n=%zu k=%zu", m, n, k);
    run(&tb_kernels_ref, &p, act, expected);
    run(level, &p, act, got);
    assert_same_floats(what, level, expected, got, size);
    free(expected);
    free(got);
    problem_free(&p);
}

static void every_number_of_rows(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(1, 60);
    for (size_t m = 1; m <= 70; m++)
        for (size_t n = 15; n <= 66; n += 17)
            compare(&tb_kernels_amx_shim, &rng, m, n, 60 + m % 9);
    for (size_t m = 120; m <= 300; m += 1 + m % 7)
        compare(&tb_kernels_amx_shim, &rng, m, 40, 65);
}

static void every_number_of_columns(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(2, 60);
    static const size_t rows[] = {1, 16, 17, 33, 52};
    for (size_t n = 1; n <= 130; n++)
        compare(&tb_kernels_amx_shim, &rng, rows[n % 5], n, 64 + n % 3);
}

static void every_k(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(3, 60);
    for (size_t k = 1; k <= 300; k++)
        compare(&tb_kernels_amx_shim, &rng, 1 + k % 37, 20 + k % 30, k);
}

/* Slices of k whose sums wait, and more rows than one round of blocks. */
static void slices_and_rounds(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{1, 33, 1024},   {16, 65, 1025},  {33, 64, 2048},  {40, 64, 1088},
                                      {128, 70, 1100}, {129, 33, 2049}, {145, 64, 2112}, {161, 96, 1500},
                                      {257, 64, 1028}, {97, 96, 3072}};
    tb_rng rng = tb_rng_make(4, 60);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        compare(&tb_kernels_amx_shim, &rng, sizes[i][0], sizes[i][1], sizes[i][2]);
}

/* The same machine code that runs on AMX. */
static void the_level_itself(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{1, 3, 5},     {3, 40, 64},   {15, 33, 70},  {16, 64, 128},  {17, 32, 65},
                                      {31, 35, 40},  {32, 65, 100}, {33, 30, 64},  {47, 34, 64},   {48, 20, 129},
                                      {49, 64, 70},  {64, 32, 64},  {70, 70, 260}, {33, 64, 1100}, {129, 33, 1025},
                                      {161, 40, 64}, {2, 2, 2049}};
    tb_rng rng = tb_rng_make(5, 60);
    size_t before = amx_traps_count();
    assert_true(real_tiles() || amx_traps_install()); /* here, because the test library sets its own handler first */
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        compare(&tb_kernels_amx, &rng, sizes[i][0], sizes[i][1], sizes[i][2]);
        if (amx_traps_error() != NULL)
            fail_msg("a processor would refuse: %s", amx_traps_error());
        assert_false(amx_traps_configured());
    }
    assert_true(real_tiles() || amx_traps_count() - before > 1000);
}

/* The BF16 product's own code and the emulated one do the same. */
static void bf16_of_the_level_itself(void **state)
{
    (void)state;
    if (real_tiles()) /* test_bf16 compares what the CPU computes */
        skip();
    static const size_t sizes[][3] = {{1, 3, 5},     {16, 64, 33},   {17, 33, 64},
                                      {50, 40, 100}, {129, 33, 520}, {48, 70, 31}};
    tb_rng rng = tb_rng_make(6, 60);
    assert_true(amx_traps_install());
    const tb_kernels *both[] = {&tb_kernels_amx, &tb_kernels_amx_shim};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2], lda = tb_round_up(k, 32);
        float *x = block(m * k * sizeof(float)), *w = block(n * k * sizeof(float));
        float *out[] = {block(m * n * sizeof(float)), block(m * n * sizeof(float))};
        uint16_t *a = block(m * lda * sizeof(uint16_t));
        random_values(&rng, PLAIN, x, m * k);
        random_values(&rng, PLAIN, w, n * k);
        for (size_t l = 0; l < 2; l++) {
            guarded packed =
                guarded_new((n + both[l]->bf16_nr - 1) / both[l]->bf16_nr * both[l]->bf16_panel_bytes(k), 0);
            both[l]->pack_bf16(guarded_at(packed), w, k, n, k);
            both[l]->round_bf16(x, k, m, k, a, lda);
            tb_gemm_bf16 g = {
                .a = a, .lda = lda, .panels = guarded_at(packed), .m = m, .n = n, .k = k, .out = out[l], .ldo = n};
            both[l]->gemm_bf16(&g);
            g.continues = true;
            both[l]->gemm_bf16(&g);
            guarded_free(packed);
            if (amx_traps_error() != NULL)
                fail_msg("a processor would refuse: %s", amx_traps_error());
            assert_false(amx_traps_configured());
        }
        assert_same_floats("bf16", both[0], out[1], out[0], m * n);
        free(x);
        free(w);
        free(out[0]);
        free(out[1]);
        free(a);
    }
}

int main(void)
{
    if (!wide_registers()) {
        puts("skipped: no AVX-512 here");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_rows),
        cmocka_unit_test(every_number_of_columns),
        cmocka_unit_test(every_k),
        cmocka_unit_test(slices_and_rounds),
        cmocka_unit_test(the_level_itself),
        cmocka_unit_test(bf16_of_the_level_itself),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}

#else

int main(void)
{
    puts("skipped: no x86");
    return 77;
}

#endif
