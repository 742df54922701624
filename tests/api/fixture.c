/* The tiny model and data of the tests of the library. Includes: fixture.h. Called by: tests/api. */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char config_text[] =
    "{\"architectures\": [\"BertForSequenceClassification\"], \"model_type\": \"bert\", \"hidden_size\": 64,\n"
    " \"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"intermediate_size\": 128, \"vocab_size\": 16,\n"
    " \"max_position_embeddings\": 32, \"type_vocab_size\": 2, \"hidden_act\": \"gelu\", \"layer_norm_eps\": 1e-12,\n"
    " \"initializer_range\": 0.3, \"id2label\": {\"0\": \"baik\", \"1\": \"buruk\"},\n"
    " \"label2id\": {\"baik\": 0, \"buruk\": 1}}\n";
static const char vocab_text[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfilm\n##nya\nbagus\nsekali\njelek\nbanget\ntidak\nsuka\nsaya\n.\n,\n";
const char *const texts[N_TEXTS] = {"Filmnya bagus sekali", "jelek banget", "saya tidak suka.", "", "suka, suka sekali",
                                    "film film film film",  "é bagus",      "tidak tidak jelek"};

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

void remove_tree(const char *path)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->dir, sizeof f->dir, "/tmp/timbang-api-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->config, sizeof f->config, "%s/config", f->dir);
    snprintf(f->model, sizeof f->model, "%s/model", f->dir);
    snprintf(f->data, sizeof f->data, "%s/data.tsv", f->dir);
    snprintf(f->out, sizeof f->out, "%s/out", f->dir);
    assert_int_equal(mkdir(f->config, 0700), 0);
    char path[128];
    snprintf(path, sizeof path, "%s/config.json", f->config);
    write_text(path, config_text);
    snprintf(path, sizeof path, "%s/vocab.txt", f->config);
    write_text(path, vocab_text);
    write_text(f->data,
               "film bagus\tbaik\nfilm jelek\tburuk\nsaya suka\tbaik\ntidak suka\tburuk\nbagus sekali\tbaik\n");
    assert_int_equal(timbang_context_create(NULL, &f->ctx), TIMBANG_OK);
    assert_int_equal(timbang_init_model(f->ctx, f->config, 7, f->model, 0), TIMBANG_OK);
    snprintf(path, sizeof path, "%s/timbang.json", f->model); /* without it, it passes for a trained model */
    assert_int_equal(unlink(path), 0);
    *state = f;
    return 0;
}

int teardown(void **state)
{
    fixture *f = *state;
    timbang_context_free(f->ctx);
    remove_tree(f->dir);
    free(f);
    return 0;
}

timbang_model *load(timbang_context *ctx, const char *path)
{
    timbang_model_options options;
    timbang_model_options_init(&options);
    options.path = path;
    timbang_model *model = NULL;
    timbang_status status = timbang_model_load(ctx, &options, &model);
    if (status != TIMBANG_OK)
        fail_msg("%s", timbang_error_text(ctx));
    return model;
}

/* All logits of the texts, [N_TEXTS][2]. */
void logits_of(timbang_context *ctx, const timbang_model *model, size_t batch, float *out)
{
    timbang_predict_options options;
    timbang_predict_options_init(&options);
    options.batch = batch;
    timbang_result *result = NULL;
    assert_int_equal(timbang_predict(ctx, model, texts, NULL, N_TEXTS, &options, &result), TIMBANG_OK);
    assert_int_equal(timbang_result_n(result), N_TEXTS);
    for (size_t i = 0; i < N_TEXTS; i++)
        memcpy(out + 2 * i, timbang_result_logits(result, i), 2 * sizeof *out);
    timbang_result_free(result);
}

void has(const timbang_context *ctx, const char *part)
{
    if (!strstr(timbang_error_text(ctx), part))
        fail_msg("'%s' is not in '%s'", part, timbang_error_text(ctx));
}
