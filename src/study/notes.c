/* SPDX-License-Identifier: Apache-2.0
 * Warnings for the log and the record.
 * Includes: study/notes.h, study/record.h, base. Called by: study/evaluate, study/run, study/plan. */
#include "study/notes.h"

#include "base/text.h"
#include "study/record.h"

#include <stdarg.h>
#include <stdio.h>

timbang_status tb_note(const tb_notes *notes, const char *model, const char *data, const char *kind, tb_error *err,
                       const char *format, ...)
{
    char text[TB_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tb_log(notes->hooks, TIMBANG_LOG_WARNING, "%s%s%s%s%s", model ? model : "", model && data ? ", " : "",
           data ? data : "", model || data ? ": " : "", text);
    json_t *note = json_pack("{s:o, s:o, s:s, s:o}", "model", tb_json_utf8(model), "data", tb_json_utf8(data), "kind",
                             kind, "text", tb_json_utf8(text));
    return tb_json_done(json_array_append_new(notes->list, note) != 0, err);
}

static unsigned long long member(const json_t *object, const char *key)
{
    return (unsigned long long)json_integer_value(json_object_get(object, key));
}

static const char *plural(unsigned long long n)
{
    return n == 1 ? "" : "s";
}

timbang_status tb_note_duplicates(const tb_notes *notes, const char *data, const json_t *within, const json_t *train,
                                  const char *train_name, tb_error *err)
{
    unsigned long long exact = member(within, "exact"), all = member(within, "normalized");
    all = all > exact ? all : exact;
    if (all > 0)
        TB_TRY(tb_note(notes, NULL, data, "duplicates", err,
                       "%llu row%s repeat%s an earlier row (%llu exactly; the first in line %llu repeats line %llu)",
                       all, plural(all), all == 1 ? "s" : "", exact, member(within, "first_line"),
                       member(within, "first_other_line")));
    if (member(within, "conflicting") > 0)
        TB_TRY(tb_note(notes, NULL, data, "conflicting", err, "%llu of the repeated rows ha%s another label",
                       member(within, "conflicting"), member(within, "conflicting") == 1 ? "s" : "ve"));
    if (!train)
        return TIMBANG_OK;
    exact = member(train, "exact");
    all = member(train, "normalized");
    all = all > exact ? all : exact;
    if (all == 0)
        return TIMBANG_OK;
    return tb_note(notes, NULL, data, "train_overlap", err,
                   "%llu row%s also stand%s in %s (%llu exactly; the first in line %llu, there line %llu)", all,
                   plural(all), all == 1 ? "s" : "", train_name, exact, member(train, "first_line"),
                   member(train, "first_other_line"));
}

static timbang_status note_order(const tb_notes *notes, const char *model, const char *data, const tb_task *task,
                                 const json_t *result, tb_error *err)
{
    const json_t *order = json_object_get(result, "label_order");
    if (!json_is_object(order))
        return TIMBANG_OK;
    const json_t *labels = json_object_get(order, "labels");
    tb_text text = {0};
    tb_text_puts(&text, "another order of the labels would fit far better: as ");
    for (size_t c = 0; c < task->n_classes; c++)
        tb_text_printf(&text, "%s%s", c ? "," : "", json_string_value(json_array_get(labels, c)));
    tb_text_printf(&text, " the accuracy would be %.3f, as ", json_number_value(json_object_get(order, "accuracy")));
    for (size_t c = 0; c < task->n_classes; c++)
        tb_text_printf(&text, "%s%s", c ? "," : "", tb_task_class(task, c));
    tb_text_printf(&text, " it is %.3f; nothing was changed (look at the id2label of the model's config.json)",
                   json_number_value(json_object_get(result, "accuracy")));
    timbang_status status = tb_text_finish(&text, err);
    if (status == TIMBANG_OK)
        status = tb_note(notes, model, data, "label_order", err, "%s", text.data);
    tb_text_free(&text);
    return status;
}

timbang_status tb_note_result(const tb_notes *notes, const char *model, const char *data, const tb_task *task,
                              const json_t *result, size_t max_length, tb_error *err)
{
    unsigned long long truncated = member(result, "truncated"), empty = member(result, "empty");
    if (truncated > 0)
        TB_TRY(tb_note(notes, model, data, "truncated", err, "%llu of %zu texts %s longer than %zu tokens and %s cut",
                       truncated, task->n, truncated == 1 ? "is" : "are", max_length, truncated == 1 ? "was" : "were"));
    if (empty > 0)
        TB_TRY(tb_note(notes, model, data, "empty", err,
                       "%llu text%s hold%s no token, so only the special tokens were scored", empty, plural(empty),
                       empty == 1 ? "s" : ""));
    return note_order(notes, model, data, task, result, err);
}
