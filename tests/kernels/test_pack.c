/* SPDX-License-Identifier: Apache-2.0
 * Packing: panels of every level hold the weights they should, packing by rows and by columns agree, s4 unpacks to s8's
 * bytes. */
#include "support.h"

static size_t panels_bytes(size_t n, size_t nr, size_t panel_bytes)
{
    return (n + nr - 1) / nr * panel_bytes;
}

static void both_forms_agree(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_rng rng = tb_rng_make(1, 20);
    enum { LD = 150 };
    float *w = calloc((size_t)LD * LD, sizeof(float)), *transposed = calloc((size_t)LD * LD, sizeof(float));
    assert_true(w != NULL && transposed != NULL);
    random_values(&rng, ALL_EXTREMES, w, (size_t)LD * LD);
    for (size_t j = 0; j < LD; j++)
        for (size_t kk = 0; kk < LD; kk++)
            transposed[kk * LD + j] = w[j * LD + kk];
    static const size_t columns[] = {1, 7, 8, 9, 16, 17, 32, 63, 64, 65, 130};
    for (size_t l = 0; l < n_levels; l++) {
        const tb_kernels *level = levels[l];
        for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
            for (size_t k = 1; k <= 70; k += k < 20 ? 1 : 11) {
                size_t n = columns[c], bytes = panels_bytes(n, level->f32_nr, level->f32_panel_bytes(k));
                assert_int_equal(level->f32_panel_bytes(k) % 64, 0);
                guarded a = guarded_new(bytes, 0), b = guarded_new(bytes, 0);
                level->pack_f32(guarded_at(a), w, LD, n, k);
                level->pack_f32_kn(guarded_at(b), transposed, LD, n, k);
                assert_memory_equal(guarded_at(a), guarded_at(b), bytes);
                guarded_free(a);
                guarded_free(b);
                bytes = panels_bytes(n, level->bf16_nr, level->bf16_panel_bytes(k));
                a = guarded_new(bytes, 0);
                b = guarded_new(bytes, 0);
                level->pack_bf16(guarded_at(a), w, LD, n, k);
                level->pack_bf16_kn(guarded_at(b), transposed, LD, n, k);
                assert_memory_equal(guarded_at(a), guarded_at(b), bytes);
                guarded_free(a);
                guarded_free(b);
            }
        }
    }
    free(w);
    free(transposed);
}

/* Every weight is somewhere in its own panel, and what is left over is zeros. */
static void panels_hold_their_columns(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    for (size_t l = 0; l < n_levels; l++) {
        const tb_kernels *level = levels[l];
        size_t nr = level->s8_nr, n = 2 * nr + 3, k = 13, panel = level->s8_panel_bytes(k);
        int8_t *w = calloc(n * k, 1);
        assert_non_null(w);
        guarded packed = guarded_new(panels_bytes(n, nr, panel), 0);
        for (size_t j = 0; j < n; j++) {
            memset(w, 0, n * k);
            memset(w + j * k, -7, k);
            level->pack_s8(guarded_at(packed), w, k, n, k);
            const int8_t *bytes = guarded_at(packed);
            size_t inside = 0;
            for (size_t i = 0; i < packed.bytes; i++) {
                assert_true(bytes[i] == 0 || (bytes[i] == -7 && i / panel == j / nr));
                inside += bytes[i] == -7;
            }
            assert_int_equal(inside, k);
        }
        guarded_free(packed);
        free(w);
    }
}

static void s4_unpacks_to_s8(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    static const size_t groups[] = {32, 64, 128, 96};
    tb_rng rng = tb_rng_make(2, 20);
    for (size_t l = 0; l < n_levels; l++) {
        const tb_kernels *level = levels[l];
        size_t nr = level->s8_nr;
        for (size_t gi = 0; gi < sizeof groups / sizeof groups[0]; gi++) {
            for (size_t round = 0; round < 6; round++) {
                size_t group = groups[gi], n_groups = 1 + round, k = group * n_groups;
                size_t n = 1 + tb_rng_below(&rng, 2 * nr + 5), ldq = k + 3, ldm = n_groups + 2;
                int8_t *q = calloc(n * ldq, 1), *product = calloc(n * k, 1);
                uint8_t *m = calloc(n * ldm, 1);
                assert_true(q != NULL && product != NULL && m != NULL);
                for (size_t j = 0; j < n; j++) {
                    for (size_t b = 0; b < n_groups; b++)
                        m[j * ldm + b] = (uint8_t)(1 + tb_rng_below(&rng, 15));
                    for (size_t kk = 0; kk < k; kk++) {
                        q[j * ldq + kk] = (int8_t)((int)tb_rng_below(&rng, 16) - 8);
                        product[j * k + kk] = (int8_t)(q[j * ldq + kk] * m[j * ldm + kk / group]);
                    }
                }
                size_t s8_bytes = level->s8_panel_bytes(k), s4_bytes = level->s4_panel_bytes(k, group);
                assert_int_equal(s4_bytes % 64, 0);
                assert_true(s4_bytes <= s8_bytes / 2 + nr * n_groups + 63);
                guarded s8 = guarded_new(panels_bytes(n, nr, s8_bytes), 0);
                guarded s4 = guarded_new(panels_bytes(n, nr, s4_bytes), 0);
                guarded panel = guarded_new(s8_bytes, 0);
                level->pack_s8(guarded_at(s8), product, k, n, k);
                level->pack_s4(guarded_at(s4), q, ldq, m, ldm, n, k, group);
                for (size_t p = 0; p * nr < n; p++) {
                    level->unpack_s4(guarded_at(panel), (uint8_t *)guarded_at(s4) + p * s4_bytes, k, group);
                    assert_memory_equal(guarded_at(panel), (int8_t *)guarded_at(s8) + p * s8_bytes, s8_bytes);
                }
                guarded_free(s8);
                guarded_free(s4);
                guarded_free(panel);
                free(q);
                free(product);
                free(m);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_agree),
        cmocka_unit_test(panels_hold_their_columns),
        cmocka_unit_test(s4_unpacks_to_s8),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
