/* Cross-entropy against PyTorch's, against finite differences of itself, and the same bits in any pieces and on every
 * level. */
#include "model/loss.h"

#include "../train/golden.h"

#include <string.h>

enum { MOST = 4096 };

struct inputs {
    tb_cross_entropy loss;
    size_t rows;
    float logits[MOST], soft[MOST], weights[MOST];
    int32_t truth[64];
};

static void make_inputs(const json_t *c, struct inputs *in)
{
    uint32_t state = 11;
    double scale = golden_number(c, "scale");
    size_t rows = (size_t)golden_number(c, "rows"), classes = (size_t)golden_number(c, "classes");
    const json_t *soft = json_object_get(c, "soft_weight");
    memset(in, 0, sizeof *in);
    in->rows = rows;
    in->loss = (tb_cross_entropy){.n_classes = classes,
                                  .label_smoothing = golden_number(c, "smoothing"),
                                  .temperature = golden_number(c, "temperature"),
                                  .n_rows = rows};
    golden_take(&state, in->logits, rows * classes, scale);
    for (size_t i = 0; i < rows; i++)
        in->truth[i] = (int32_t)((5 * i + 1) % classes);
    if (json_is_true(json_object_get(c, "weighted"))) {
        golden_take(&state, in->weights, classes, 1);
        for (size_t j = 0; j < classes; j++)
            in->weights[j] += 1;
        in->loss.class_weights = in->weights;
    }
    if (json_is_number(soft)) {
        golden_take(&state, in->soft, rows * classes, scale);
        tb_softened(in->soft, rows, classes, in->loss.temperature, in->soft);
        in->loss.soft = in->soft;
        in->loss.soft_weight = json_number_value(soft);
    }
    in->loss.denominator = tb_cross_entropy_denominator(&in->loss, in->truth, rows);
}

static void test_golden(void **state)
{
    (void)state;
    json_t *golden = golden_load(), *cases = json_object_get(golden, "cross_entropy"), *c;
    size_t i;
    assert_true(json_array_size(cases) >= 10);
    json_array_foreach(cases, i, c)
    {
        static struct inputs in;
        static float d[MOST];
        char name[32];
        double value = 0, expected = golden_number(c, "loss");
        make_inputs(c, &in);
        tb_cross_entropy_rows(&in.loss, in.truth, 0, in.rows, in.logits, d, &value);
        snprintf(name, sizeof name, "case %zu", i);
        golden_close(d, json_object_get(c, "gradient"), 1e-6, name);
        if (fabs(value - expected) > 1e-6 * fabs(expected))
            fail_msg("%s: loss %.9g is not %.9g", name, value, expected);
    }
    json_decref(golden);
}

/* Rows one by one, on top of the logits, from any level: the same bits; soft rows by index. */
static void test_pieces(void **state)
{
    (void)state;
    json_t *golden = golden_load(), *cases = json_object_get(golden, "cross_entropy"), *c;
    const tb_kernels *tables[16];
    size_t i, n_tables = tb_kernels_usable(tables, 16);
    json_array_foreach(cases, i, c)
    {
        static struct inputs in;
        static float whole[MOST], piece[MOST], turned[MOST];
        size_t rows, classes, places[64];
        double all = 0;
        make_inputs(c, &in);
        rows = in.rows;
        classes = in.loss.n_classes;
        tb_cross_entropy_rows(&in.loss, in.truth, 0, rows, in.logits, whole, &all);
        for (size_t r = 0; r < rows; r++) { /* soft targets in the opposite order */
            places[r] = rows - 1 - r;
            memcpy(turned + places[r] * classes, in.soft + r * classes, classes * sizeof(float));
        }
        if (in.loss.soft) {
            in.loss.soft = turned;
            in.loss.soft_rows = places;
        }
        for (size_t t = 0; t < n_tables; t++) {
            double sum = 0;
            in.loss.kernels = tables[t];
            memcpy(piece, in.logits, rows * classes * sizeof *piece);
            for (size_t r = rows; r-- > 0;)
                tb_cross_entropy_rows(&in.loss, in.truth, r, 1, piece + r * classes, piece + r * classes, &sum);
            assert_memory_equal(whole, piece, rows * classes * sizeof *piece);
            assert_true(fabs(sum - all) <= 1e-12 * fabs(all));
        }
    }
    json_decref(golden);
}

/* Rows of a larger step: denominator and n_rows are the step's, not what is at hand. */
static void test_finite_differences(void **state)
{
    (void)state;
    enum { ROWS = 3, CLASSES = 40 };
    static float logits[ROWS * CLASSES], soft[ROWS * CLASSES], weights[CLASSES], d[ROWS * CLASSES], none[CLASSES];
    int32_t truth[ROWS] = {3, 39, 0};
    uint32_t seed = 5;
    golden_take(&seed, logits, ROWS * CLASSES, 4);
    for (size_t i = 0; i < ROWS * CLASSES; i++)
        logits[i] -= 9; /* no logit above 0 */
    golden_take(&seed, soft, ROWS * CLASSES, 4);
    golden_take(&seed, weights, CLASSES, 1);
    for (size_t c = 0; c < CLASSES; c++)
        weights[c] += 1;
    tb_softened(soft, ROWS, CLASSES, 3, soft);
    for (int with_soft = 0; with_soft < 2; with_soft++) {
        tb_cross_entropy loss = {.n_classes = CLASSES,
                                 .class_weights = weights,
                                 .label_smoothing = 0.1,
                                 .soft = with_soft ? soft : NULL,
                                 .soft_weight = 0.6,
                                 .temperature = 3,
                                 .denominator = 11,
                                 .n_rows = 8};
        double value = 0;
        tb_cross_entropy_rows(&loss, truth, 0, ROWS, logits, d, &value);
        for (size_t i = 0; i < ROWS * CLASSES; i += 7) {
            double up = 0, down = 0, kept = (double)logits[i];
            size_t row = i / CLASSES;
            logits[i] = (float)(kept + 0x1p-8);
            tb_cross_entropy_rows(&loss, truth, row, 1, logits + row * CLASSES, none, &up);
            logits[i] = (float)(kept - 0x1p-8);
            tb_cross_entropy_rows(&loss, truth, row, 1, logits + row * CLASSES, none, &down);
            logits[i] = (float)kept;
            double slope = (up - down) / 0x1p-7;
            if (fabs(slope - (double)d[i]) > 2e-5)
                fail_msg("logit %zu: slope %.8g, derivative %.8g", i, slope, (double)d[i]);
        }
    }
}

/* Far logits: no infinity, no NaN, and the loss is their distance. */
static void test_far(void **state)
{
    (void)state;
    float logits[6] = {1000, -1000, 0, -3e4F, 2e4F, 0}, d[6];
    int32_t truth[2] = {1, 0};
    double value = 0;
    tb_cross_entropy loss = {.n_classes = 3, .denominator = 2};
    tb_cross_entropy_rows(&loss, truth, 0, 2, logits, d, &value);
    assert_true(fabs(value - (2000.0 + 5e4) / 2) < 1e-6);
    const float expected[6] = {0.5F, -0.5F, 0, -0.5F, 0.5F, 0};
    assert_memory_equal(d, expected, sizeof d);
    loss.denominator = 0; /* every row of a class without weight */
    value = 0;
    tb_cross_entropy_rows(&loss, truth, 0, 2, logits, d, &value);
    assert_true(value == 0);
    for (size_t i = 0; i < 6; i++)
        assert_true(d[i] == 0);
}

static void test_balanced(void **state)
{
    (void)state;
    const int32_t truth[] = {0, 0, 0, 2, 2, 0, 0, 2};
    float weights[4];
    tb_balanced_weights(truth, 8, 4, weights); /* compute_class_weight("balanced") gives n / (classes * rows) */
    const float expected[4] = {8.0F / 20, 0, 8.0F / 12, 0};
    assert_memory_equal(weights, expected, sizeof weights);
    tb_cross_entropy loss = {.n_classes = 4, .class_weights = weights};
    assert_true(fabs(tb_cross_entropy_denominator(&loss, truth, 8) - 4) < 1e-6);
    loss.class_weights = NULL;
    assert_true(tb_cross_entropy_denominator(&loss, truth, 8) == 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_pieces),   cmocka_unit_test(test_finite_differences),
        cmocka_unit_test(test_far),    cmocka_unit_test(test_balanced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
