/* SPDX-License-Identifier: Apache-2.0
 * Training steps for bench/peers/train_steps.py: forward, back, norm, AdamW, packing anew, on random ids of given
 * lengths, with the dropout of the model's config. One process answers one line of JSON a command. Includes: base,
 * model, quant, train. Usage: bench_train FOLDER PLAN SHAPE THREADS fp32|bf16|SCHEME PLAN is JSON, {SHAPE: [[lengths of
 * the texts of a batch], ..]}. On standard input: "step" takes the next batch,
 *   {"seconds", "texts", "tokens", "pass"}; "peak" answers with {"bytes"}. */
#include "base/clock.h"
#include "base/fp.h"
#include "base/rng.h"
#include "model/loss.h"
#include "model/trainee.h"
#include "train/optimizer.h"
#include "train/rounding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ID = 5, LINE = 64 };
static const double rate = 2e-5, clip = 1.0;

typedef struct bench {
    tb_folder *folder;
    tb_pool *pool;
    tb_qat *qat;
    tb_trainee *trainee;
    tb_adamw *adamw;
    json_t *plan, *batches;
    double hidden_dropout, attention_dropout, classifier_dropout;
    /* the batch at hand, room for the largest */
    tb_batch batch;
    int32_t *ids, *types, *truth;
    size_t *seqlens;
    tb_cross_entropy loss;
    uint64_t step;
} bench;

static timbang_status read_plan(bench *b, const char *path, const char *shape, tb_error *err)
{
    size_t most_texts = 0, most_tokens = 0;
    TB_TRY(tb_json_load_file(path, &b->plan, err));
    b->batches = json_object_get(b->plan, shape);
    if (json_array_size(b->batches) == 0)
        return tb_fail(err, TIMBANG_USAGE, "%s has no batches of %s", path, shape);
    for (size_t i = 0; i < json_array_size(b->batches); i++) {
        const json_t *lengths = json_array_get(b->batches, i);
        size_t tokens = 0;
        for (size_t k = 0; k < json_array_size(lengths); k++)
            tokens += (size_t)json_integer_value(json_array_get(lengths, k));
        most_tokens = tokens > most_tokens ? tokens : most_tokens;
        most_texts = json_array_size(lengths) > most_texts ? json_array_size(lengths) : most_texts;
    }
    b->ids = tb_calloc(most_tokens, sizeof *b->ids, err);
    b->types = b->ids ? tb_calloc(most_tokens, sizeof *b->types, err) : NULL;
    b->truth = b->types ? tb_calloc(most_texts, sizeof *b->truth, err) : NULL;
    b->seqlens = b->truth ? tb_calloc(most_texts + 1, sizeof *b->seqlens, err) : NULL;
    return b->seqlens ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

static timbang_status read_dropout(bench *b, tb_error *err)
{
    const json_t *raw = tb_trainee_config(b->trainee)->raw;
    b->hidden_dropout = b->attention_dropout = 0.1; /* as Hugging Face where the file says nothing */
    TB_TRY(tb_json_get_double(raw, "config.json", "hidden_dropout_prob", false, &b->hidden_dropout, err));
    TB_TRY(tb_json_get_double(raw, "config.json", "attention_probs_dropout_prob", false, &b->attention_dropout, err));
    b->classifier_dropout = b->hidden_dropout;
    return tb_json_get_double(raw, "config.json", "classifier_dropout", false, &b->classifier_dropout, err);
}

static timbang_status prepare(bench *b, char **argv, tb_error *err)
{
    tb_trainee_options options = {.seed = 1};
    const char *precision = argv[5];
    bool known;
    TB_TRY(read_plan(b, argv[2], argv[3], err));
    TB_TRY(tb_folder_open(argv[1], &b->folder, err));
    TB_TRY(tb_pool_create(atoi(argv[4]), &b->pool, err));
    options.folder = b->folder;
    options.pool = b->pool;
    options.kernels = tb_kernels_find(getenv("TIMBANG_CPU"), &known);
    if (strcmp(precision, "bf16") == 0) {
        options.compute = TB_COMPUTE_BF16;
    } else if (strcmp(precision, "fp32") != 0) {
        tb_scheme scheme;
        TB_TRY(tb_scheme_parse(precision, 0, NULL, &scheme, err));
        TB_TRY(tb_qat_create(&scheme, options.kernels, b->pool, &b->qat, err));
        options.scheme = precision;
        options.round = tb_qat_round;
        options.round_user = b->qat;
    }
    TB_TRY(tb_trainee_create(&options, &b->trainee, err));
    TB_TRY(read_dropout(b, err));
    tb_adamw_options adamw = tb_adamw_defaults();
    return tb_adamw_create(tb_trainee_parameters(b->trainee), &adamw, &b->adamw, err);
}

static void fill(bench *b)
{
    const json_t *lengths = json_array_get(b->batches, (size_t)(b->step % json_array_size(b->batches)));
    const tb_config *config = tb_trainee_config(b->trainee);
    size_t n = json_array_size(lengths);
    tb_rng rng = tb_rng_make(b->step, 1);
    for (size_t i = 0; i < n; i++) {
        b->seqlens[i + 1] = b->seqlens[i] + (size_t)json_integer_value(json_array_get(lengths, i));
        b->truth[i] = (int32_t)(tb_rng_u32(&rng) % config->n_labels);
    }
    for (size_t i = 0; i < b->seqlens[n]; i++)
        b->ids[i] = (int32_t)(FIRST_ID + tb_rng_u32(&rng) % (config->vocab_size - FIRST_ID));
    b->batch = (tb_batch){n, b->seqlens[n], b->ids, b->types, b->seqlens};
}

static void rows_loss(void *user, size_t first, size_t n, const float *logits, float *dlogits, double *loss)
{
    const bench *b = user;
    tb_cross_entropy_rows(&b->loss, b->truth, first, n, logits, dlogits, loss);
}

static timbang_status take_step(bench *b, tb_error *err)
{
    tb_parameters *parameters = tb_trainee_parameters(b->trainee);
    fill(b);
    b->loss = (tb_cross_entropy){.n_classes = tb_trainee_config(b->trainee)->n_labels,
                                 .denominator = (double)b->batch.n_texts};
    tb_train_pass pass = {.batch = &b->batch,
                          .loss = rows_loss,
                          .user = b,
                          .seed = 1,
                          .step = b->step,
                          .hidden_dropout = b->hidden_dropout,
                          .attention_dropout = b->attention_dropout,
                          .classifier_dropout = b->classifier_dropout};
    double loss = 0, begin = tb_now_ms();
    TB_TRY(tb_trainee_pass(b->trainee, &pass, &loss, err));
    double passed = tb_now_ms();
    double factor = tb_gradient_factor(tb_gradient_norm(parameters, b->pool), clip);
    tb_adamw_step(b->adamw, parameters, rate, factor, b->pool);
    TB_TRY(tb_trainee_refresh(b->trainee, err));
    double end = tb_now_ms();
    b->step++;
    printf("{\"seconds\": %.6f, \"texts\": %zu, \"tokens\": %zu, \"pass\": %.6f}\n", (end - begin) / 1e3,
           b->batch.n_texts, b->batch.n_tokens, (passed - begin) / 1e3);
    return TIMBANG_OK;
}

static timbang_status answer(bench *b, tb_error *err)
{
    char line[LINE];
    puts("{\"ready\": true}");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (strncmp(line, "peak", 4) == 0)
            printf("{\"bytes\": %llu}\n", (unsigned long long)tb_peak_resident_bytes());
        else
            TB_TRY(take_step(b, err));
        fflush(stdout);
    }
    return TIMBANG_OK;
}

int main(int argc, char **argv)
{
    tb_error err = {0};
    bench b = {0};
    if (argc != 6) {
        fputs("bench_train FOLDER PLAN SHAPE THREADS fp32|bf16|SCHEME\n", stderr);
        return 2;
    }
    tb_fp_enter();
    timbang_status status = prepare(&b, argv, &err);
    if (status == TIMBANG_OK)
        status = answer(&b, &err);
    if (status != TIMBANG_OK)
        fprintf(stderr, "bench_train: %s\n", err.text);
    tb_adamw_free(b.adamw);
    tb_trainee_free(b.trainee);
    tb_qat_free(b.qat);
    tb_pool_free(b.pool);
    tb_folder_close(b.folder);
    json_decref(b.plan);
    free(b.ids);
    free(b.types);
    free(b.truth);
    free(b.seqlens);
    return status == TIMBANG_OK ? 0 : 2;
}
