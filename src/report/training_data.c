/* SPDX-License-Identifier: Apache-2.0
 * log.jsonl and run.json as plain structs. Includes: report/training.h, report/fields.h. Called by: report/training. */
#include "report/fields.h"
#include "report/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30 };

static void read_run(tb_fields *f, tb_training *t)
{
    const json_t *run = t->run;
    t->version = tb_field_string(f, run, "", "timbang");
    t->role = tb_field_string(f, run, "", "role");
    t->scheme = tb_field_string(f, run, "", "scheme");
    t->recipe_hash = tb_field_string(f, run, "", "recipe_hash");
    t->parent_sha256 = tb_field_string(f, run, "", "parent_sha256");
    t->model = tb_field_string_or_null(f, run, "", "model");
    t->seed = tb_field_count(f, run, "", "seed");
    t->parameters = tb_field_count(f, run, "", "parameters");
    t->steps = tb_field_count(f, run, "", "steps");
    t->steps_per_epoch = tb_field_count(f, run, "", "steps_per_epoch");
    t->total_steps = tb_field_count(f, run, "", "total_steps");
    t->stopped_early = tb_field_bool(f, run, "", "stopped_early");
    t->recipe = tb_field_object(f, run, "", "recipe");
    t->data = tb_field_object(f, run, "", "data");
    t->mlm = strcmp(tb_field_string(f, t->recipe, "recipe", "task"), "mlm") == 0;
    t->has_best = !tb_field_null(f, run, "", "best");
    if (!t->has_best)
        return;
    const json_t *best = tb_field_object(f, run, "", "best");
    t->best_step = tb_field_count(f, best, "best", "step");
    t->best_epoch = tb_field_count(f, best, "best", "epoch");
}

static double real_or_none(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static timbang_status read_line(tb_training *t, const json_t *line, const char *where, tb_error *err)
{
    uint64_t step = 0, epoch = 0;
    TB_TRY(tb_json_get_u64(line, where, "step", true, 0, INT64_MAX, &step, err));
    TB_TRY(tb_json_get_u64(line, where, "epoch", true, 0, INT64_MAX, &epoch, err));
    if (json_object_get(line, "valid_loss")) {
        t->evaluation[t->n_evaluations++] = (tb_training_evaluation){
            .step = step,
            .epoch = epoch,
            .loss = real_or_none(line, "valid_loss"),
            .accuracy = real_or_none(line, "accuracy"),
            .macro_f1 = real_or_none(line, "macro_f1"),
            .best = json_is_true(json_object_get(line, "best")),
        };
        return TIMBANG_OK;
    }
    if (!json_object_get(line, "loss"))
        return tb_fail(err, TIMBANG_FORMAT, "%s: is neither a step nor an evaluation", where);
    t->step[t->n_steps++] = (tb_training_step){
        .step = step,
        .epoch = epoch,
        .loss = real_or_none(line, "loss"),
        .rate = real_or_none(line, "learning_rate"),
        .norm = real_or_none(line, "gradient_norm"),
    };
    return TIMBANG_OK;
}

static timbang_status read_lines(tb_training *t, const char *path, const char *text, size_t size, tb_error *err)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    t->step = tb_calloc(lines, sizeof *t->step, err);
    t->evaluation = t->step ? tb_calloc(lines, sizeof *t->evaluation, err) : NULL;
    if (!t->evaluation)
        return err->status;
    size_t number = 0;
    for (const char *at = text, *end = text + size; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t length = stop ? (size_t)(stop - at) : (size_t)(end - at);
        char where[64];
        json_t *line = NULL;
        snprintf(where, sizeof where, "log.jsonl, line %zu", ++number);
        timbang_status status = length ? tb_json_parse(where, at, length, 0, &line, err) : TIMBANG_OK;
        if (status == TIMBANG_OK && line)
            status = read_line(t, line, where, err);
        json_decref(line);
        if (status != TIMBANG_OK)
            return tb_fail_prefix(err, "%s", path);
        at += length + 1;
    }
    return TIMBANG_OK;
}

static timbang_status read_log(const char *folder, tb_training *t, tb_error *err)
{
    char *path = tb_path_join(folder, "log.jsonl", err), *text = NULL;
    size_t size = 0;
    timbang_status status = path ? tb_read_file(path, MAX_FILE, &text, &size, err) : err->status;
    if (status == TIMBANG_OK)
        status = read_lines(t, path, text, size, err);
    free(text);
    free(path);
    return status;
}

static timbang_status read_all(const char *folder, const char *lang, tb_training *t, tb_error *err)
{
    char *path = tb_path_join(folder, "run.json", err);
    timbang_status status = path ? tb_json_load_file(path, &t->run, err) : err->status;
    if (status == TIMBANG_OK) {
        tb_fields fields = {.err = err};
        read_run(&fields, t);
        status = fields.status;
        if (status != TIMBANG_OK)
            tb_fail_prefix(err, "%s", path);
    }
    free(path);
    TB_TRY(status);
    const char *asked = lang ? lang : json_string_value(json_object_get(t->run, "lang"));
    t->view.lang = asked && strcmp(asked, "id") == 0 ? TB_LANG_ID : TB_LANG_EN;
    return read_log(folder, t, err);
}

timbang_status tb_training_read(const char *folder, const char *lang, tb_training *training, tb_error *err)
{
    tb_training made = {0};
    timbang_status status = read_all(folder, lang, &made, err);
    if (status != TIMBANG_OK) {
        tb_training_free(&made);
        return status;
    }
    *training = made;
    return TIMBANG_OK;
}

void tb_training_free(tb_training *t)
{
    free(t->step);
    free(t->evaluation);
    json_decref(t->run);
    *t = (tb_training){0};
}
