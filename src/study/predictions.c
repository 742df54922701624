/* SPDX-License-Identifier: Apache-2.0
 * Running a classifier over a data set, and predictions.jsonl.
 * Includes: study/predictions.h, base, eval. Called by: study/evaluate, study/run. */
#include "study/predictions.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "eval/metrics.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX_LENGTH = 512 };

timbang_status tb_run_rows(const tb_classifier *model, tb_workspace *workspace, const tb_task *task, size_t first,
                           size_t n, const tb_run_options *run, float *logits, tb_lengths *lengths, tb_error *err)
{
    tb_run_facts facts = {0};
    facts.tokens = tb_calloc(n, sizeof *facts.tokens, err);
    facts.truncated = facts.tokens ? tb_calloc(n, sizeof *facts.truncated, err) : NULL;
    facts.empty = facts.truncated ? tb_calloc(n, sizeof *facts.empty, err) : NULL;
    timbang_status status = facts.empty ? TIMBANG_OK : err->status;
    double begin = tb_now_ms();
    if (status == TIMBANG_OK)
        status = tb_classifier_run(model, workspace, task->texts + first, n, run, logits, &facts, err);
    lengths->seconds += (tb_now_ms() - begin) / 1000;
    for (size_t i = 0; status == TIMBANG_OK && i < n; i++) {
        lengths->tokens += facts.tokens[i];
        lengths->max_tokens = facts.tokens[i] > lengths->max_tokens ? facts.tokens[i] : lengths->max_tokens;
        lengths->truncated += facts.truncated[i] != 0;
        lengths->empty += facts.empty[i] != 0;
    }
    free(facts.tokens);
    free(facts.truncated);
    free(facts.empty);
    return status;
}

size_t tb_max_length(size_t positions, size_t wanted)
{
    size_t most = wanted ? wanted : DEFAULT_MAX_LENGTH;
    return most < positions ? most : positions;
}

size_t tb_run_max_length(const tb_classifier *model, const tb_run_options *run)
{
    return tb_max_length(tb_classifier_config(model)->max_position_embeddings, run->max_length);
}

/* The JSON spelling of a string, quotes included; NULL has been reported. */
static char *quoted(const char *text, tb_error *err)
{
    char *json = NULL;
    json_t *value = json_string(text);
    if (!value) {
        tb_no_memory(err, 0);
        return NULL;
    }
    (void)tb_json_compact(value, &json, err);
    json_decref(value);
    return json;
}

/* What all lines of one block share, ready to be printed. */
typedef struct line_parts {
    char *model, *variant, *data;
    char *labels[TB_MAX_CLASSES];
} line_parts;

static void parts_free(line_parts *parts)
{
    free(parts->model);
    free(parts->variant);
    free(parts->data);
    for (size_t l = 0; l < TB_MAX_CLASSES; l++)
        free(parts->labels[l]);
}

/* A member with a text of the data, and ", ". */
static timbang_status put_text(tb_text *line, const char *key, const char *text, tb_error *err)
{
    char *json = quoted(text, err);
    if (!json)
        return err->status;
    tb_text_printf(line, "\"%s\": ", key);
    tb_text_puts(line, json);
    tb_text_puts(line, ", ");
    free(json);
    return TIMBANG_OK;
}

static timbang_status put_line(tb_text *line, const line_parts *parts, const tb_task *task, size_t i,
                               const float *logits, bool untrained_head, tb_error *err)
{
    float view[TB_MAX_CLASSES];
    double among[TB_MAX_CLASSES], probs[TB_MAX_CLASSES] = {0};
    for (size_t c = 0; c < task->n_classes; c++)
        view[c] = logits[task->classes[c]];
    tb_softmax_double(view, task->n_classes, among);
    for (size_t c = 0; c < task->n_classes; c++)
        probs[task->classes[c]] = among[c];
    size_t truth = task->classes[task->truth[i]], predicted = task->classes[tb_argmax_f32(view, task->n_classes)];

    tb_text_printf(line, "{\"model\": %s, \"variant\": %s, \"data\": %s, \"row\": %llu, ", parts->model, parts->variant,
                   parts->data, (unsigned long long)task->dataset->rows[i].line);
    TB_TRY(put_text(line, "text", task->dataset->rows[i].text, err));
    if (task->dataset->rows[i].pair)
        TB_TRY(put_text(line, "pair", task->dataset->rows[i].pair, err));
    tb_text_printf(line, "\"truth\": %s, \"pred\": %s, \"logits\": [", parts->labels[truth], parts->labels[predicted]);
    for (size_t l = 0; l < task->n_labels; l++)
        tb_text_printf(line, "%s%.9g", l ? ", " : "", (double)logits[l]);
    tb_text_puts(line, "], \"probs\": [");
    for (size_t l = 0; l < task->n_labels; l++)
        tb_text_printf(line, "%s%.9g", l ? ", " : "", probs[l]);
    tb_text_puts(line, untrained_head ? "], \"untrained_head\": true}\n" : "]}\n");
    return tb_text_finish(line, err);
}

timbang_status tb_predictions_write(tb_writer *writer, const char *model, const char *variant, const char *data,
                                    const tb_task *task, const float *logits, bool untrained_head, tb_error *err)
{
    line_parts parts = {0};
    bool ready = (parts.model = quoted(model, err)) && (parts.variant = quoted(variant, err)) &&
                 (parts.data = quoted(data, err));
    for (size_t l = 0; ready && l < task->n_labels; l++)
        ready = (parts.labels[l] = quoted(task->labels[l], err)) != NULL;
    timbang_status status = ready ? TIMBANG_OK : err->status;
    tb_text line = {0};
    for (size_t i = 0; status == TIMBANG_OK && i < task->n; i++) {
        line.length = 0;
        status = put_line(&line, &parts, task, i, logits + i * task->n_labels, untrained_head, err);
        if (status == TIMBANG_OK)
            status = tb_writer_write(writer, line.data, line.length, err);
    }
    tb_text_free(&line);
    parts_free(&parts);
    return status;
}
