/* A small program for oracle scripts (no test): the passes and the optimizer on batches that a script wrote.
 *   train_tool gradients MODEL BATCHES OUT.safetensors [options]   gradients of all batches as one step, loss, logits
 *   train_tool steps MODEL BATCHES N [options]                     N steps of AdamW, a loss a line; batch i mod n
 * BATCHES is JSON: [{"ids": [[..], ..], "labels": [..]}, ..], and for --task mlm instead of labels "places" (of masked
 * tokens in the batch, ascending) and "targets". Options, each with a value: --scheme, --compute, --labels a,b,c,
 * --seed, --threads, --dropout (hidden and attention), --lr, --weight-decay, --clip, --warmup (steps), --total (steps
 * of the schedule), --smoothing, --class-weights a,b,c, --task, --save OUT.safetensors (the masters after the last
 * step). Includes: base, formats, model, quant, train. Called by: tests/oracle/train_*.py, tests/oracle/qat_*.py. */
#include "base/fp.h"
#include "formats/safetensors.h"
#include "model/loss.h"
#include "model/trainee.h"
#include "train/optimizer.h"
#include "train/rounding.h"
#include "train/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LABELS = 64 };

typedef struct options {
    const char *scheme, *compute, *save;
    const char *labels[MOST_LABELS];
    float class_weights[MOST_LABELS];
    size_t n_labels, n_weights;
    uint64_t seed, warmup, total;
    int threads;
    double dropout, rate, weight_decay, clip, smoothing;
    bool mlm;
} options;

/* One batch of the file. */
typedef struct batch {
    tb_batch tokens;
    int32_t *ids, *types, *truth;
    size_t *seqlens, *places;
    size_t n_truth;
} batch;

typedef struct tool {
    options o;
    tb_folder *folder;
    tb_pool *pool;
    tb_qat *qat;
    tb_trainee *trainee;
    tb_adamw *adamw;
    batch *batches;
    size_t n_batches;
    float *logits;
} tool;

/* ---- Reading ---- */

static bool take_value(options *o, const char *name, char *value)
{
    if (strcmp(name, "--scheme") == 0)
        o->scheme = value;
    else if (strcmp(name, "--compute") == 0)
        o->compute = value;
    else if (strcmp(name, "--save") == 0)
        o->save = value;
    else if (strcmp(name, "--seed") == 0)
        o->seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--warmup") == 0)
        o->warmup = strtoull(value, NULL, 10);
    else if (strcmp(name, "--total") == 0)
        o->total = strtoull(value, NULL, 10);
    else if (strcmp(name, "--threads") == 0)
        o->threads = atoi(value);
    else if (strcmp(name, "--dropout") == 0)
        o->dropout = strtod(value, NULL);
    else if (strcmp(name, "--lr") == 0)
        o->rate = strtod(value, NULL);
    else if (strcmp(name, "--weight-decay") == 0)
        o->weight_decay = strtod(value, NULL);
    else if (strcmp(name, "--clip") == 0)
        o->clip = strtod(value, NULL);
    else if (strcmp(name, "--smoothing") == 0)
        o->smoothing = strtod(value, NULL);
    else if (strcmp(name, "--task") == 0)
        o->mlm = strcmp(value, "mlm") == 0;
    else if (strcmp(name, "--labels") == 0)
        for (char *at = strtok(value, ","); at && o->n_labels < MOST_LABELS; at = strtok(NULL, ","))
            o->labels[o->n_labels++] = at;
    else if (strcmp(name, "--class-weights") == 0)
        for (char *at = strtok(value, ","); at && o->n_weights < MOST_LABELS; at = strtok(NULL, ","))
            o->class_weights[o->n_weights++] = strtof(at, NULL);
    else
        return false;
    return true;
}

static timbang_status read_ids(const json_t *texts, batch *b, tb_error *err)
{
    size_t n_texts = json_array_size(texts), n = 0;
    for (size_t i = 0; i < n_texts; i++)
        n += json_array_size(json_array_get(texts, i));
    b->ids = tb_calloc(n, sizeof *b->ids, err);
    b->types = b->ids ? tb_calloc(n, sizeof *b->types, err) : NULL;
    b->seqlens = b->types ? tb_calloc(n_texts + 1, sizeof *b->seqlens, err) : NULL;
    if (!b->seqlens)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0, at = 0; i < n_texts; i++) {
        const json_t *text = json_array_get(texts, i);
        for (size_t k = 0; k < json_array_size(text); k++)
            b->ids[at++] = (int32_t)json_integer_value(json_array_get(text, k));
        b->seqlens[i + 1] = at;
    }
    b->tokens = (tb_batch){n_texts, n, b->ids, b->types, b->seqlens};
    return TIMBANG_OK;
}

static timbang_status read_batch(const json_t *object, bool mlm, batch *b, tb_error *err)
{
    TB_TRY(read_ids(json_object_get(object, "ids"), b, err));
    const json_t *truth = json_object_get(object, mlm ? "targets" : "labels");
    const json_t *places = json_object_get(object, "places");
    b->n_truth = json_array_size(truth);
    if (b->n_truth != (mlm ? json_array_size(places) : b->tokens.n_texts))
        return tb_fail(err, TIMBANG_DATA, "%zu labels or targets do not fit the batch", b->n_truth);
    b->truth = tb_calloc(b->n_truth, sizeof *b->truth, err);
    b->places = b->truth ? tb_calloc(b->n_truth, sizeof *b->places, err) : NULL;
    if (!b->places)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < b->n_truth; i++) {
        b->truth[i] = (int32_t)json_integer_value(json_array_get(truth, i));
        b->places[i] = (size_t)json_integer_value(json_array_get(places, i));
    }
    return TIMBANG_OK;
}

static timbang_status read_batches(tool *t, const char *path, tb_error *err)
{
    json_t *root;
    TB_TRY(tb_json_load_file(path, &root, err));
    t->n_batches = json_array_size(root);
    t->batches = tb_calloc(t->n_batches, sizeof *t->batches, err);
    timbang_status status = t->batches ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    size_t texts = 0;
    for (size_t i = 0; i < t->n_batches && status == TIMBANG_OK; i++) {
        status = read_batch(json_array_get(root, i), t->o.mlm, &t->batches[i], err);
        texts += t->batches[i].tokens.n_texts;
    }
    json_decref(root);
    TB_TRY(status);
    t->logits = tb_calloc(texts, MOST_LABELS * sizeof *t->logits, err);
    return t->logits ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

/* ---- Training ---- */

static timbang_status create(tool *t, const char *model, tb_error *err)
{
    const options *o = &t->o;
    bool known;
    tb_trainee_options made = {.labels = o->n_labels ? o->labels : NULL, .n_labels = o->n_labels, .seed = o->seed};
    TB_TRY(tb_folder_open(model, &t->folder, err));
    TB_TRY(tb_pool_create(o->threads, &t->pool, err));
    made.folder = t->folder;
    made.pool = t->pool;
    made.kernels = tb_kernels_find(getenv("TIMBANG_CPU"), &known);
    made.task = o->mlm ? TB_TASK_MLM : TB_TASK_CLASSIFY;
    TB_TRY(tb_compute_parse(o->compute, &made.compute, err));
    if (o->scheme) {
        tb_scheme scheme;
        TB_TRY(tb_scheme_parse(o->scheme, 0, NULL, &scheme, err));
        TB_TRY(tb_qat_create(&scheme, made.kernels, t->pool, &t->qat, err));
        made.scheme = o->scheme;
        made.round = tb_qat_round;
        made.round_user = t->qat;
    }
    TB_TRY(tb_trainee_create(&made, &t->trainee, err));
    tb_adamw_options adamw = tb_adamw_defaults();
    adamw.weight_decay = o->weight_decay;
    return tb_adamw_create(tb_trainee_parameters(t->trainee), &adamw, &t->adamw, err);
}

typedef struct pass_loss {
    tb_cross_entropy loss;
    const int32_t *truth;
} pass_loss;

static void rows_loss(void *user, size_t first, size_t n, const float *logits, float *dlogits, double *loss)
{
    const pass_loss *p = user;
    tb_cross_entropy_rows(&p->loss, p->truth, first, n, logits, dlogits, loss);
}

/* All batches [first, first + n) as one step. */
static timbang_status step_gradients(tool *t, size_t first, size_t n, uint64_t step, double *loss, tb_error *err)
{
    const options *o = &t->o;
    const tb_config *config = tb_trainee_config(t->trainee);
    pass_loss p = {.loss = {.n_classes = o->mlm ? config->vocab_size : config->n_labels,
                            .class_weights = o->n_weights ? o->class_weights : NULL,
                            .label_smoothing = o->smoothing}};
    for (size_t i = first; i < first + n; i++)
        p.loss.denominator += tb_cross_entropy_denominator(&p.loss, t->batches[i].truth, t->batches[i].n_truth);
    float *logits = t->logits;
    size_t tokens = 0;
    *loss = 0;
    for (size_t i = first; i < first + n; i++) {
        const batch *b = &t->batches[i];
        p.truth = b->truth;
        tb_train_pass pass = {.batch = &b->tokens,
                              .loss = rows_loss,
                              .user = &p,
                              .seed = o->seed,
                              .step = step,
                              .first_token = tokens,
                              .continues = i > first,
                              .hidden_dropout = o->dropout,
                              .attention_dropout = o->dropout,
                              .classifier_dropout = o->dropout,
                              .masked = o->mlm ? b->places : NULL,
                              .n_masked = o->mlm ? b->n_truth : 0,
                              .logits = o->mlm ? NULL : logits};
        TB_TRY(tb_trainee_pass(t->trainee, &pass, loss, err));
        logits += b->tokens.n_texts * config->n_labels;
        tokens += b->tokens.n_tokens;
    }
    return TIMBANG_OK;
}

static timbang_status update(tool *t, uint64_t step, tb_error *err)
{
    const options *o = &t->o;
    tb_parameters *parameters = tb_trainee_parameters(t->trainee);
    double rate = o->rate;
    if (o->total)
        rate *= tb_schedule_factor(TB_SCHEDULE_LINEAR, step, o->warmup, o->total);
    double factor = tb_gradient_factor(tb_gradient_norm(parameters, t->pool), o->clip);
    tb_adamw_step(t->adamw, parameters, rate, factor, t->pool);
    return tb_trainee_refresh(t->trainee, err);
}

/* ---- Writing ---- */

static tb_tensor tensor_of(const char *name, tb_dtype dtype, size_t rows, size_t columns)
{
    tb_tensor tensor = {.name = name,
                        .dtype = dtype,
                        .rank = columns > 1 ? 2 : 1,
                        .shape = {rows, columns},
                        .elements = rows * columns,
                        .bytes = rows * columns * tb_dtype_bytes(dtype)};
    return tensor;
}

/* values: parameters->values or gradients. loss NULL: neither loss nor logits. */
static timbang_status write_tensors(const tool *t, const char *path, const float *values, const double *loss,
                                    tb_error *err)
{
    const tb_parameters *parameters = tb_trainee_parameters(t->trainee);
    size_t n = parameters->n_items, texts = 0, classes = tb_trainee_config(t->trainee)->n_labels;
    for (size_t i = 0; i < t->n_batches; i++)
        texts += t->batches[i].tokens.n_texts;
    tb_tensor *tensors = tb_calloc(n + 2, sizeof *tensors, err);
    if (!tensors)
        return TIMBANG_NO_MEMORY;
    size_t extra = !loss ? 0 : t->o.mlm ? 1 : 2;
    tensors[0] = tensor_of("loss", TB_F64, 1, 1);
    tensors[1] = tensor_of("logits", TB_F32, texts, classes);
    for (size_t i = 0; i < n; i++) {
        const tb_parameter *p = &parameters->items[i];
        tensors[extra + i] = tensor_of(p->file_name, TB_F32, p->rows, p->columns);
    }
    tb_safetensors_writer *writer;
    timbang_status status = tb_safetensors_create(path, tensors, extra + n, &writer, err);
    free(tensors);
    TB_TRY(status);
    if (extra > 0)
        TB_TRY(tb_safetensors_write(writer, loss, sizeof *loss, err));
    if (extra > 1)
        TB_TRY(tb_safetensors_write(writer, t->logits, texts * classes * sizeof *t->logits, err));
    for (size_t i = 0; i < n; i++) {
        const tb_parameter *p = &parameters->items[i];
        TB_TRY(tb_safetensors_write(writer, values + p->begin, p->n * sizeof *values, err));
    }
    return tb_safetensors_commit(writer, err);
}

/* ---- Commands ---- */

static timbang_status gradients(tool *t, const char *out, tb_error *err)
{
    double loss;
    TB_TRY(step_gradients(t, 0, t->n_batches, 0, &loss, err));
    TB_TRY(write_tensors(t, out, tb_trainee_parameters(t->trainee)->gradients, &loss, err));
    printf("%.17g\n", loss);
    return TIMBANG_OK;
}

static timbang_status steps(tool *t, size_t n, tb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        double loss;
        TB_TRY(step_gradients(t, i % t->n_batches, 1, i, &loss, err));
        TB_TRY(update(t, i, err));
        printf("%.17g\n", loss);
    }
    return t->o.save ? write_tensors(t, t->o.save, tb_trainee_parameters(t->trainee)->values, NULL, err) : TIMBANG_OK;
}

static void free_all(tool *t)
{
    tb_adamw_free(t->adamw);
    tb_trainee_free(t->trainee);
    tb_qat_free(t->qat);
    tb_pool_free(t->pool);
    tb_folder_close(t->folder);
    for (size_t i = 0; t->batches && i < t->n_batches; i++) {
        batch *b = &t->batches[i];
        free(b->ids);
        free(b->types);
        free(b->truth);
        free(b->seqlens);
        free(b->places);
    }
    free(t->batches);
    free(t->logits);
}

static timbang_status run(tool *t, int argc, char **argv, tb_error *err)
{
    t->o = (options){.rate = 2e-4, .weight_decay = 0.01, .clip = 1, .threads = 1, .seed = 1};
    for (int i = 5; i + 1 < argc; i += 2)
        if (!take_value(&t->o, argv[i], argv[i + 1]))
            return tb_fail(err, TIMBANG_USAGE, "%s is no option", argv[i]);
    TB_TRY(read_batches(t, argv[3], err));
    TB_TRY(create(t, argv[2], err));
    if (strcmp(argv[1], "gradients") == 0)
        return gradients(t, argv[4], err);
    return steps(t, (size_t)strtoull(argv[4], NULL, 10), err);
}

int main(int argc, char **argv)
{
    tb_error err = {0};
    tool t = {0};
    if (argc < 5 || argc % 2 == 0) {
        fputs("train_tool gradients|steps MODEL BATCHES OUT|N [--option value]...\n", stderr);
        return 2;
    }
    tb_fp_enter();
    timbang_status status = run(&t, argc, argv, &err);
    if (status != TIMBANG_OK)
        fprintf(stderr, "train_tool: %s\n", err.text);
    free_all(&t);
    return status == TIMBANG_OK ? 0 : 2;
}
