/* AdamW and gradient norms against torch.optim.AdamW and clip_grad_norm_; the same bits for any number of threads. */
#include "train/optimizer.h"
#include "train/schedule.h"

#include "golden.h"

#include <string.h>

enum { MOST_ITEMS = 16 };

/* Parameters of given sizes, each at a multiple of 16. */
struct set {
    tb_parameters parameters;
    tb_parameter items[MOST_ITEMS];
};

static void put(struct set *set, tb_parameter item)
{
    item.n = item.rows * item.columns;
    item.begin = set->parameters.n;
    set->items[set->parameters.n_items++] = item;
    set->parameters.n = tb_round_up(item.begin + item.n, 16);
}

static void allocate(struct set *set)
{
    tb_error err;
    set->parameters.items = set->items;
    set->parameters.values = tb_alloc_aligned(set->parameters.n, sizeof(float), &err);
    set->parameters.gradients = tb_alloc_aligned(set->parameters.n, sizeof(float), &err);
    assert_non_null(set->parameters.values);
    assert_non_null(set->parameters.gradients);
}

static void release(struct set *set)
{
    tb_free_aligned(set->parameters.values);
    tb_free_aligned(set->parameters.gradients);
}

static tb_adamw *make(const struct set *set, const tb_adamw_options *options)
{
    tb_error err;
    tb_adamw *adamw = NULL;
    if (tb_adamw_create(&set->parameters, options, &adamw, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return adamw;
}

static tb_parameter_kind kind_of(const char *name)
{
    return strcmp(name, "embedding") == 0 ? TB_PARAMETER_EMBEDDING
           : strcmp(name, "norm") == 0    ? TB_PARAMETER_NORM
           : strcmp(name, "bias") == 0    ? TB_PARAMETER_BIAS
                                          : TB_PARAMETER_LINEAR;
}

static void run_golden(const json_t *c)
{
    struct set set = {0};
    uint32_t state = 7;
    json_t *tensors = json_object_get(c, "tensors"), *t;
    size_t i;
    json_array_foreach(tensors, i, t)
        put(&set, (tb_parameter){.name = json_string_value(json_object_get(t, "name")),
                                 .kind = kind_of(json_string_value(json_object_get(t, "kind"))),
                                 .rows = (size_t)golden_number(t, "rows"),
                                 .columns = (size_t)golden_number(t, "columns"),
                                 .depth = (size_t)golden_number(t, "depth"),
                                 .frozen = json_is_true(json_object_get(t, "frozen"))});
    allocate(&set);
    tb_parameters *p = &set.parameters;
    for (i = 0; i < p->n_items; i++)
        golden_take(&state, p->values + p->items[i].begin, p->items[i].n, 1);
    tb_adamw_options options = tb_adamw_defaults();
    options.weight_decay = golden_number(c, "weight_decay");
    options.layer_decay = golden_number(c, "layer_decay");
    options.beta2 = golden_number(c, "beta2");
    tb_adamw *adamw = make(&set, &options);
    uint64_t steps = (uint64_t)golden_number(c, "steps"), warmup = (uint64_t)golden_number(c, "warmup");
    size_t clipped = 0;
    for (uint64_t step = 0; step < steps; step++) {
        for (i = 0; i < p->n_items; i++)
            golden_take(&state, p->gradients + p->items[i].begin, p->items[i].n, 0.05 * (double)(step % 5 + 1));
        double norm = tb_gradient_norm(p, NULL);
        double expected = json_number_value(json_array_get(json_object_get(c, "norms"), (size_t)step));
        if (fabs(norm - expected) > 1e-6 * expected)
            fail_msg("step %d: norm %.9g is not %.9g", (int)step, norm, expected);
        double factor = tb_gradient_factor(norm, golden_number(c, "max_norm"));
        clipped += factor < 1;
        tb_adamw_step(adamw, p, golden_number(c, "rate") * tb_schedule_factor(TB_SCHEDULE_LINEAR, step, warmup, steps),
                      factor, NULL);
    }
    assert_true(clipped > 0 && clipped < steps);
    size_t trained = 0;
    for (i = 0; i < p->n_items; i++) {
        const tb_parameter *item = &p->items[i];
        golden_close(p->values + item->begin, json_object_get(json_array_get(tensors, i), "values"), 1e-6, item->name);
        if (item->frozen)
            continue;
        golden_close(adamw->m + item->begin, json_array_get(json_object_get(c, "m"), trained), 1e-6, "mean");
        golden_close(adamw->v + item->begin, json_array_get(json_object_get(c, "v"), trained++), 1e-6, "square");
    }
    assert_true(trained + 1 == p->n_items && adamw->step == steps);
    for (i = 0; i + 1 < p->n_items; i++)
        for (size_t at = p->items[i].begin + p->items[i].n; at < p->items[i + 1].begin; at++)
            assert_true(p->values[at] == 0);
    tb_adamw_free(adamw);
    release(&set);
}

static void test_golden(void **state)
{
    (void)state;
    json_t *golden = golden_load(), *c;
    size_t i;
    assert_true(json_array_size(json_object_get(golden, "adamw")) == 2);
    json_array_foreach(json_object_get(golden, "adamw"), i, c) run_golden(c);
    json_decref(golden);
}

static void make_large(struct set *set)
{
    put(set, (tb_parameter){.kind = TB_PARAMETER_EMBEDDING, .rows = 211, .columns = 37});
    put(set, (tb_parameter){.kind = TB_PARAMETER_NORM, .rows = 37, .columns = 1});
    put(set, (tb_parameter){.kind = TB_PARAMETER_LINEAR, .rows = 53, .columns = 37, .depth = 1});
    put(set, (tb_parameter){.kind = TB_PARAMETER_BIAS, .rows = 53, .columns = 1, .depth = 1, .frozen = true});
    put(set, (tb_parameter){.kind = TB_PARAMETER_LINEAR, .rows = 3, .columns = 53, .depth = 2});
    put(set, (tb_parameter){.kind = TB_PARAMETER_BIAS, .rows = 3, .columns = 1, .depth = 2});
    allocate(set);
}

static void test_threads(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 7};
    float *values = NULL, *m = NULL, *v = NULL;
    double norms[4];
    size_t n = 0;
    for (size_t t = 0; t < 4; t++) {
        struct set set = {0};
        tb_error err;
        tb_pool *pool = NULL;
        uint32_t seed = 3;
        make_large(&set);
        tb_parameters *p = &set.parameters;
        tb_adamw_options options = tb_adamw_defaults();
        options.layer_decay = 0.9;
        tb_adamw *adamw = make(&set, &options);
        assert_int_equal(tb_pool_create(threads[t], &pool, &err), TIMBANG_OK);
        for (size_t i = 0; i < p->n_items; i++)
            golden_take(&seed, p->values + p->items[i].begin, p->items[i].n, 1);
        for (int step = 0; step < 3; step++) {
            for (size_t i = 0; i < p->n_items; i++)
                golden_take(&seed, p->gradients + p->items[i].begin, p->items[i].n, 1e-3);
            norms[t] = tb_gradient_norm(p, pool);
            tb_adamw_step(adamw, p, 1e-3, tb_gradient_factor(norms[t], 0.01), pool);
        }
        if (t == 0) {
            n = p->n * sizeof(float);
            values = malloc(n);
            m = malloc(n);
            v = malloc(n);
            memcpy(values, p->values, n);
            memcpy(m, adamw->m, n);
            memcpy(v, adamw->v, n);
        }
        assert_memory_equal(values, p->values, n);
        assert_memory_equal(m, adamw->m, n);
        assert_memory_equal(v, adamw->v, n);
        assert_true(memcmp(&norms[0], &norms[t], sizeof norms[0]) == 0);
        tb_pool_free(pool);
        tb_adamw_free(adamw);
        release(&set);
    }
    free(values);
    free(m);
    free(v);
}

/* The sum of all squares, but for the frozen ones, from a plain loop. */
static void test_norm(void **state)
{
    (void)state;
    struct set set = {0};
    uint32_t seed = 9;
    double sum = 0;
    make_large(&set);
    tb_parameters *p = &set.parameters;
    for (size_t i = 0; i < p->n_items; i++) {
        golden_take(&seed, p->gradients + p->items[i].begin, p->items[i].n, 1);
        for (size_t j = 0; j < p->items[i].n && !p->items[i].frozen; j++)
            sum += (double)p->gradients[p->items[i].begin + j] * (double)p->gradients[p->items[i].begin + j];
    }
    assert_true(fabs(tb_gradient_norm(p, NULL) - sqrt(sum)) <= 1e-13 * sqrt(sum));
    assert_true(tb_gradient_first_not_finite(p) == SIZE_MAX);
    p->gradients[p->items[3].begin + 7] = NAN; /* frozen */
    assert_true(tb_gradient_first_not_finite(p) == SIZE_MAX && isfinite(tb_gradient_norm(p, NULL)));
    p->gradients[p->items[5].begin + 2] = INFINITY;
    assert_true(tb_gradient_first_not_finite(p) == 5 && isinf(tb_gradient_norm(p, NULL)));
    p->gradients[p->items[2].begin] = NAN;
    assert_true(tb_gradient_first_not_finite(p) == 2 && isnan(tb_gradient_norm(p, NULL)));
    for (size_t i = 0; i < p->n; i++)
        p->gradients[i] = 3e38F;
    assert_true(isfinite(tb_gradient_norm(p, NULL)) && tb_gradient_norm(p, NULL) > 1e40);
    release(&set);
}

static void test_factor(void **state)
{
    (void)state;
    assert_true(tb_gradient_factor(2, 1) == 1 / (2 + 1e-6));
    assert_true(tb_gradient_factor(0.5, 1) == 1 && tb_gradient_factor(0, 1) == 1);
    assert_true(tb_gradient_factor(100, 0) == 1);
}

static void test_options(void **state)
{
    (void)state;
    struct set set = {0};
    make_large(&set);
    static const struct {
        size_t member;
        double value;
        const char *says;
    } bad[] = {{offsetof(tb_adamw_options, beta1), 1, "betas 1 "},
               {offsetof(tb_adamw_options, beta2), -0.1, "-0.1"},
               {offsetof(tb_adamw_options, epsilon), 0, "epsilon 0 "},
               {offsetof(tb_adamw_options, weight_decay), -1, "weight decay -1 "},
               {offsetof(tb_adamw_options, layer_decay), 1.5, "layer decay 1.5 "},
               {offsetof(tb_adamw_options, layer_decay), NAN, "layer decay"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tb_error err = {0};
        tb_adamw *adamw = NULL;
        tb_adamw_options options = tb_adamw_defaults();
        memcpy((char *)&options + bad[i].member, &bad[i].value, sizeof bad[i].value);
        assert_int_equal(tb_adamw_create(&set.parameters, &options, &adamw, &err), TIMBANG_USAGE);
        if (!strstr(err.text, bad[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i].says);
    }
    release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_threads), cmocka_unit_test(test_norm),
        cmocka_unit_test(test_factor), cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
