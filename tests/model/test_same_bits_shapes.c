/* "The same bits" on random models: odd widths and heads, one to three layers, texts of 1 to 512 tokens, every scheme
 * and mixtures; by memcmp over CPU levels, threads and batches, and on both sides of each number of tokens where a pass
 * changes its way. The reference is the plain C level, one thread, one text at a time.
 * An argument is the number of random shapes, instead of a few: test_model_same_bits_shapes 500. */
#include "../kernels/every_level.h"
#include "base/rng.h"
#include "fixture.h"
#include "model/pass.h"
#include "quant/quantize.h"
#include "random_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_THREADS = 4, MAX_TEXTS = 24, N_KINDS = 4 };
static const int thread_counts[N_THREADS] = {1, 2, 3, 7};

/* What lies behind all cases. Workspaces go from model to model and from level to level, as far as they fit. */
struct bits {
    char root[40];
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels;
    tb_pool *pools[N_THREADS];
    tb_workspace *workspaces[N_THREADS], *reference;
    bool emulated;  /* the CPU is: everything takes many times as long */
    size_t longest; /* of the powers of two among the lengths */
    size_t cases, random_shapes;
    /* What was met: batches by the way of the pass, by kind of weights and threads; and so on. */
    size_t below[N_KINDS][N_THREADS], at[N_KINDS][N_THREADS]; /* one token short of being split by rows, and just so */
    size_t cut;                                               /* batches that go through in parts */
    size_t queries_skipped[MAX_LEVELS], queries_whole[MAX_LEVELS], queries_apart;
};

struct texts {
    size_t n, lengths[MAX_TEXTS], begin[MAX_TEXTS];
    int32_t *ids, *type_ids;
};

/* One level with one number of threads. */
struct run {
    struct bits *bits;
    const tb_classifier *model;
    tb_workspace *workspace;
    size_t threads; /* index */
    const struct texts *texts;
    float *logits; /* [texts][labels]: written if `reference`, else compared */
    bool reference;
    const char *what; /* for messages */
};

/* ---- Texts ---- */

/* Powers of two, so that any number of tokens can be put together of different texts, and sizes around those of blocks
 * and panels. */
static void make_texts(const struct bits *bits, bool with_longest, uint64_t seed, struct texts *t)
{
    static const size_t longest[] = {256, 512, 511, 512, 257, 512};
    tb_rng rng = tb_rng_make(seed, 1);
    t->n = 0;
    for (size_t length = 1; length <= bits->longest; length *= 2)
        t->lengths[t->n++] = length;
    t->lengths[t->n++] = 3;
    t->lengths[t->n++] = 5 + (size_t)tb_rng_below(&rng, 26);
    t->lengths[t->n++] = bits->longest < 64 ? 7 : 33 + (size_t)tb_rng_below(&rng, 80);
    size_t n_longest = bits->emulated ? 2 : sizeof longest / sizeof *longest;
    for (size_t i = 0; with_longest && i < n_longest; i++)
        t->lengths[t->n++] = longest[i];
    size_t total = 0;
    for (size_t i = 0; i < t->n; i++) {
        t->begin[i] = total;
        total += t->lengths[i];
    }
    t->ids = calloc(total, sizeof *t->ids);
    t->type_ids = calloc(total, sizeof *t->type_ids);
    assert_non_null(t->ids);
    assert_non_null(t->type_ids);
    for (size_t i = 0; i < total; i++) {
        t->ids[i] = (int32_t)tb_rng_below(&rng, RANDOM_VOCAB);
        t->type_ids[i] = (int32_t)tb_rng_below(&rng, RANDOM_TYPES);
    }
}

static void free_texts(struct texts *t)
{
    free(t->ids);
    free(t->type_ids);
}

/* ---- Batches ---- */

static bool goes_by_rows(const struct run *r, size_t n_tokens)
{
    tb_batch batch = {.n_texts = 1, .n_tokens = n_tokens};
    struct pass p = {.model = r->model, .kernels = r->model->kernels, .ws = r->workspace, .batch = &batch};
    return tb_rows_suit(&p);
}

static void note(const struct run *r, size_t n_tokens)
{
    struct bits *bits = r->bits;
    tb_weight_kind kind = r->model->layers[0].intermediate.kind;
    size_t index = kind == TB_WEIGHT_S8 ? 1 : kind == TB_WEIGHT_S4 ? 2 : kind == TB_WEIGHT_BF16 ? 3 : 0;
    if (n_tokens > tb_workspace_tokens_together(r->workspace))
        bits->cut++;
    else if (goes_by_rows(r, n_tokens))
        bits->at[index][r->threads] += n_tokens > 0 && !goes_by_rows(r, n_tokens - 1);
    else
        bits->below[index][r->threads] += goes_by_rows(r, n_tokens + 1);
}

static void run_batch(const struct run *r, const size_t *which, size_t n)
{
    const struct texts *t = r->texts;
    tb_error err;
    size_t cu_seqlens[MAX_TEXTS + 1] = {0}, labels = tb_classifier_config(r->model)->n_labels;
    for (size_t i = 0; i < n; i++)
        cu_seqlens[i + 1] = cu_seqlens[i] + t->lengths[which[i]];
    int32_t *ids = calloc(cu_seqlens[n], sizeof *ids), *type_ids = calloc(cu_seqlens[n], sizeof *type_ids);
    float *logits = calloc(n * labels, sizeof *logits);
    for (size_t i = 0; i < n; i++) {
        memcpy(ids + cu_seqlens[i], t->ids + t->begin[which[i]], t->lengths[which[i]] * sizeof *ids);
        memcpy(type_ids + cu_seqlens[i], t->type_ids + t->begin[which[i]], t->lengths[which[i]] * sizeof *type_ids);
    }
    const tb_batch batch = {n, cu_seqlens[n], ids, type_ids, cu_seqlens};
    if (tb_classifier_forward(r->model, r->workspace, &batch, logits, &err) != TIMBANG_OK)
        fail_msg("%s: %s", r->what, err.text);
    if (!r->reference)
        note(r, batch.n_tokens);
    for (size_t i = 0; i < n; i++) {
        float *place = r->logits + which[i] * labels;
        if (r->reference)
            memcpy(place, logits + i * labels, labels * sizeof *place);
        else if (memcmp(place, logits + i * labels, labels * sizeof *place) != 0)
            fail_msg("%s: other bits on level %s, %d threads: text of %zu tokens, number %zu of %zu, %zu tokens "
                     "together",
                     r->what, r->model->kernels->name, thread_counts[r->threads], t->lengths[which[i]], i + 1, n,
                     batch.n_tokens);
    }
    free(logits);
    free(type_ids);
    free(ids);
}

/* Different texts of `tokens` tokens in all, if there are such. */
static void run_tokens(const struct run *r, size_t tokens)
{
    const struct texts *t = r->texts;
    size_t which[MAX_TEXTS], n = 0;
    bool taken[MAX_TEXTS] = {false};
    while (tokens > 0) {
        size_t best = MAX_TEXTS;
        for (size_t i = 0; i < t->n; i++)
            if (!taken[i] && t->lengths[i] <= tokens && (best == MAX_TEXTS || t->lengths[i] > t->lengths[best]))
                best = i;
        if (best == MAX_TEXTS)
            return;
        taken[best] = true;
        which[n++] = best;
        tokens -= t->lengths[best];
    }
    run_batch(r, which, n);
}

static void alone(const struct run *r)
{
    for (size_t i = 0; i < r->texts->n; i++)
        run_batch(r, &i, 1);
}

static void together(const struct run *r)
{
    size_t which[MAX_TEXTS], n = r->texts->n;
    for (size_t i = 0; i < n; i++)
        which[i] = i;
    run_batch(r, which, n);
}

static void reversed(const struct run *r)
{
    size_t which[MAX_TEXTS], n = r->texts->n;
    for (size_t i = 0; i < n; i++)
        which[i] = n - 1 - i;
    run_batch(r, which, n);
}

static void mixed(const struct run *r)
{
    size_t which[MAX_TEXTS], n = r->texts->n;
    tb_rng rng = tb_rng_make(r->bits->cases, r->threads);
    for (size_t i = 0; i < n; i++)
        which[i] = i;
    tb_rng_shuffle(&rng, which, n);
    for (size_t at = 0, size; at < n; at += size) {
        size = 1 + (size_t)tb_rng_below(&rng, 5);
        size = n - at < size ? n - at : size;
        run_batch(r, which + at, size);
    }
}

/* Where a part of a batch is full, and where a thread's rows fill one block. */
static void full(const struct run *r)
{
    size_t part = tb_workspace_tokens_together(r->workspace);
    size_t block = (size_t)TB_ROW_BLOCK * (size_t)thread_counts[r->threads];
    const size_t tokens[] = {block, block + 1, part, part + 1};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        run_tokens(r, tokens[i]);
}

/* Around the number of tokens from which rows are split. */
static void edges(const struct run *r)
{
    enum { MOST = 1024 };
    size_t edge = 1;
    while (edge < MOST && !goes_by_rows(r, edge))
        edge++;
    if (edge == 1 || edge == MOST)
        return;
    run_tokens(r, edge - 1);
    run_tokens(r, edge);
}

/* ---- Levels ---- */

typedef void composition(const struct run *r);
static composition *const compositions[] = {alone, together, reversed, mixed, full};
enum { N_COMPOSITIONS = sizeof compositions / sizeof *compositions };

static tb_classifier *load(const char *path, const tb_kernels *kernels, tb_compute compute, tb_pool *pool)
{
    if (compute == TB_COMPUTE_FP32)
        return load_model(path, kernels, pool);
    tb_error err;
    tb_folder *folder = NULL;
    tb_classifier *model = NULL;
    assert_int_equal(tb_folder_open(path, &folder, &err), TIMBANG_OK);
    tb_load_options options = {.folder = folder, .kernels = kernels, .compute = compute, .pool = pool};
    if (tb_classifier_load(&options, &model, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_folder_close(folder);
    return model;
}

static void make_reference(struct run r, const char *path, const tb_kernels *kernels, tb_compute compute)
{
    tb_classifier *model = load(path, kernels, compute, NULL);
    r.model = model;
    r.workspace = r.bits->reference;
    r.reference = true;
    alone(&r);
    size_t labels = tb_classifier_config(model)->n_labels, different = 0;
    for (size_t i = 1; i < r.texts->n; i++)
        different += memcmp(r.logits, r.logits + i * labels, labels * sizeof *r.logits) != 0;
    if (2 * different < r.texts->n)
        fail_msg("%s: most texts have the logits of the first one, so this shows nothing", r.what);
    tb_classifier_free(model);
}

static void note_queries(struct bits *bits, size_t level, const tb_classifier *model)
{
    const tb_layer *last = &model->layers[model->config.num_hidden_layers - 1];
    if (model->whole_last_layer)
        return;
    if (last->n_qkv == 3)
        bits->queries_apart++;
    else if (model->config.hidden_size % tb_linear_grain(&last->qkv[0], model->kernels) == 0)
        bits->queries_skipped[level]++;
    else
        bits->queries_whole[level]++;
}

/* Every level with every number of threads; from case to case each goes through all compositions. */
static void check_level(struct run r, size_t level, const char *path, tb_compute compute)
{
    struct bits *bits = r.bits;
    const tb_kernels *kernels = bits->levels[level];
    bool slow = kernels == &tb_kernels_ref;
    for (size_t i = 0; i < N_THREADS; i++) {
        if (slow && bits->cases % 12 != 3 * i) /* the reference is the same code with one thread */
            continue;
        tb_classifier *model = load(path, kernels, compute, bits->pools[i]);
        r.model = model;
        r.workspace = bits->workspaces[i];
        r.threads = i;
        note_queries(bits, level, model);
        compositions[(bits->cases + level + i) % N_COMPOSITIONS](&r);
        edges(&r);
        tb_classifier_free(model);
    }
}

static void check_everywhere(struct bits *bits, const char *path, tb_compute compute, bool with_longest,
                             const char *what)
{
    struct texts texts;
    make_texts(bits, with_longest, bits->cases, &texts);
    tb_error err;
    tb_config config = {0};
    tb_folder *folder = NULL;
    assert_int_equal(tb_folder_open(path, &folder, &err), TIMBANG_OK);
    assert_int_equal(tb_config_load(folder, &config, &err), TIMBANG_OK);
    tb_folder_close(folder);
    struct run r = {.bits = bits, .texts = &texts, .what = what};
    r.logits = calloc(texts.n * config.n_labels, sizeof *r.logits);
    tb_config_free(&config);
    if (compute == TB_COMPUTE_FP32)
        make_reference(r, path, &tb_kernels_ref, compute);
    for (size_t level = 0; level < bits->n_levels; level++) {
        if (compute != TB_COMPUTE_FP32) /* the levels may differ there */
            make_reference(r, path, bits->levels[level], compute);
        check_level(r, level, path, compute);
    }
    bits->cases++;
    free(r.logits);
    free_texts(&texts);
}

/* ---- Schemes ---- */

static void remove_folder(char *path)
{
    tb_error err;
    assert_int_equal(tb_remove_tree(path, &err), TIMBANG_OK);
    free(path);
}

static char *quantized(const struct bits *bits, const char *from, const char *scheme)
{
    tb_error err;
    tb_folder *folder = NULL;
    char *to = tb_path_join(bits->root, "quantized", &err);
    tb_quantize_job job = {.out = to, .force = true, .pool = bits->pools[1]};
    assert_int_equal(tb_folder_open(from, &folder, &err), TIMBANG_OK);
    assert_int_equal(tb_scheme_parse(scheme, 0, NULL, &job.scheme, &err), TIMBANG_OK);
    job.folder = folder;
    if (tb_quantize_folder(&job, &err) != TIMBANG_OK)
        fail_msg("%s: %s", scheme, err.text);
    tb_folder_close(folder);
    return to;
}

/* A scheme's name, "bf16-compute", or "mixed" and "mixed-text" of random_model.h. */
static void check_scheme(struct bits *bits, const random_shape *s, const char *float_model, const char *scheme,
                         bool with_longest)
{
    tb_error err;
    char what[160], *path = NULL;
    bool mix = strncmp(scheme, "mixed", 5) == 0;
    snprintf(what, sizeof what, "%s, %zu wide, %zu heads, %zu inside, %zu layers, %s, case %zu", scheme, s->hidden,
             s->heads, s->intermediate, s->layers, s->act, bits->cases);
    if (strcmp(scheme, "fp32") == 0 || strcmp(scheme, "bf16-compute") == 0) {
        check_everywhere(bits, float_model, scheme[0] == 'b' ? TB_COMPUTE_BF16 : TB_COMPUTE_FP32, with_longest, what);
        return;
    }
    if (mix) {
        path = tb_path_join(bits->root, "mixed", &err);
        random_model_write(path, s, strcmp(scheme, "mixed") == 0 ? MIX_TOKEN : MIX_TEXT, bits->cases);
    } else {
        path = quantized(bits, float_model, scheme);
    }
    check_everywhere(bits, path, TB_COMPUTE_FP32, with_longest, what);
    remove_folder(path);
}

static void check_shape(struct bits *bits, const random_shape *shape, const char *const *schemes, size_t n,
                        bool with_longest)
{
    tb_error err;
    char *path = tb_path_join(bits->root, "float", &err);
    random_model_write(path, shape, MIX_NONE, bits->cases);
    for (size_t i = 0; i < n && schemes[i]; i++)
        check_scheme(bits, shape, path, schemes[i], with_longest);
    remove_folder(path);
}

/* ---- The tests ---- */

enum { MAX_SCHEMES = 10 };

static void odd_and_even_shapes(void **state)
{
    struct bits *bits = *state;
    static const struct {
        random_shape shape; /* hidden, heads, intermediate, layers, labels, activation */
        const char *schemes[MAX_SCHEMES];
    } plan[] = {
        {{36, 3, 70, 1, 2, "gelu"}, {"fp32", "int8", "int8-pertensor", "mixed", "mixed-text"}},
        {{64, 1, 96, 1, 3, "gelu"}, {"int8", "int4", "int4-e4", "fp16", "mixed", "bf16-compute"}},
        {{60, 5, 130, 2, 3, "gelu_new"}, {"fp32", "int8", "int4-pertensor", "bf16", "mixed", "bf16-compute"}},
        {{64, 1, 128, 3, 4, "gelu"}, {"fp32", "int8", "int4", "int4-g64", "mixed", "mixed-text"}},
        {{128, 2, 96, 2, 2, "relu"}, {"fp32", "int8", "int4", "mixed"}},
        {{100, 4, 70, 2, 5, "gelu"}, {"int8", "bf16", "int8-pertensor", "mixed-text"}},
        {{96, 3, 160, 1, 3, "gelu_new"}, {"fp16", "int8", "int4-e4", "mixed"}},
        {{128, 4, 128, 1, 2, "gelu"}, {"int4-g128", "int4-pertensor"}},
    };
    for (size_t i = 0; i < sizeof plan / sizeof *plan; i++)
        check_shape(bits, &plan[i].shape, plan[i].schemes, MAX_SCHEMES, false);
}

/* Texts of 511 and 512 tokens, and batches that go through in parts. */
static void longest_texts(void **state)
{
    struct bits *bits = *state;
    static const random_shape narrow = {36, 3, 50, 1, 2, "gelu"}, fused = {64, 4, 64, 1, 2, "relu"};
    static const char *const of_narrow[] = {"fp32", "int8", "int8-pertensor"}, *const of_fused[] = {"int4", "int8",
                                                                                                    "mixed"};
    check_shape(bits, &narrow, of_narrow, bits->emulated ? 2 : 3, true);
    check_shape(bits, &fused, of_fused, bits->emulated ? 1 : 3, true);
    assert_true(bits->cut > 0);
}

static void random_shapes(void **state)
{
    struct bits *bits = *state;
    static const char *const acts[] = {"gelu", "gelu_new", "relu"};
    static const char *const any[] = {"fp32", "int8",           "bf16-compute",   "fp16",
                                      "bf16", "int8-pertensor", "int4-pertensor", "mixed"};
    for (size_t i = 0; i < bits->random_shapes; i++) {
        tb_rng rng = tb_rng_make(i, 2);
        size_t heads = 1 + (size_t)tb_rng_below(&rng, 6);
        const random_shape shape = {.hidden = heads * (3 + (size_t)tb_rng_below(&rng, 22)),
                                    .heads = heads,
                                    .intermediate = 1 + (size_t)tb_rng_below(&rng, 200),
                                    .layers = 1 + (size_t)tb_rng_below(&rng, 3),
                                    .labels = 2 + (size_t)tb_rng_below(&rng, 20),
                                    .act = acts[tb_rng_below(&rng, 3)]};
        const char *schemes[] = {any[i % 8], any[tb_rng_below(&rng, 8)]};
        check_shape(bits, &shape, schemes, 2, false);
    }
}

/* The cases above are of use only while they meet both ways of a pass, at the very edge between them. */
static void all_ways_were_met(void **state)
{
    const struct bits *bits = *state;
    static const char *const kinds[N_KINDS] = {"float", "s8", "s4", "bf16"};
    for (size_t k = 0; k < N_KINDS; k++)
        for (size_t i = 0; i < N_THREADS; i++)
            if ((!bits->emulated || i < 2) && (bits->below[k][i] == 0 || bits->at[k][i] == 0))
                fail_msg("%s weights, %d threads: no batch at the edge between columns and rows", kinds[k],
                         thread_counts[i]);
    for (size_t level = 0; level < bits->n_levels; level++)
        if (bits->queries_skipped[level] == 0 || bits->queries_whole[level] == 0)
            fail_msg("level %s: the last layer's queries were never %s", bits->levels[level]->name,
                     bits->queries_skipped[level] == 0 ? "skipped" : "computed");
    assert_true(bits->queries_apart > 0);
}

static size_t wanted_random_shapes = 6;

static int setup(void **state)
{
    tb_error err;
    struct bits *bits = calloc(1, sizeof *bits);
    assert_non_null(bits);
    *state = bits;
    strcpy(bits->root, "/tmp/timbang-shapes-XXXXXX");
    assert_non_null(mkdtemp(bits->root));
    bits->n_levels = every_level(bits->levels);
    bits->emulated = getenv("TIMBANG_EXE_WRAPPER") != NULL;
    bits->longest = bits->emulated ? 32 : 128;
    bits->random_shapes = wanted_random_shapes;
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(tb_pool_create(thread_counts[i], &bits->pools[i], &err), TIMBANG_OK);
        assert_int_equal(tb_workspace_create(bits->pools[i], &bits->workspaces[i], &err), TIMBANG_OK);
    }
    assert_int_equal(tb_workspace_create(NULL, &bits->reference, &err), TIMBANG_OK);
    return 0;
}

static int teardown(void **state)
{
    struct bits *bits = *state;
    tb_error err;
    for (size_t i = 0; i < N_THREADS; i++) {
        tb_workspace_free(bits->workspaces[i]);
        tb_pool_free(bits->pools[i]);
    }
    tb_workspace_free(bits->reference);
    timbang_status status = tb_remove_tree(bits->root, &err);
    free(bits);
    return status == TIMBANG_OK ? 0 : -1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_and_even_shapes), cmocka_unit_test(longest_texts),
                                       cmocka_unit_test(random_shapes), cmocka_unit_test(all_ways_were_met)};
    if (argc > 1)
        wanted_random_shapes = (size_t)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests_name("model/same_bits_shapes", tests, setup, teardown);
}
