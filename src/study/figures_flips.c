/* SPDX-License-Identifier: Apache-2.0
 * flips: the texts on which some variant's label differs from FP32's.
 * Includes: study/figures_parts.h, study/record.h. Called by: study/figures. */
#include "study/figures_parts.h"
#include "study/record.h"

enum { MOST_LISTED = 500 };

static const char *kind_of(size_t truth, size_t fp32, size_t variant)
{
    if (fp32 == variant)
        return "same";
    return fp32 == truth ? "right_to_wrong" : variant == truth ? "wrong_to_right" : "wrong_to_other";
}

static json_t *variant_object(const tb_set_figures *set, size_t v, size_t i)
{
    const tb_task *task = set->job->task;
    const tb_logit_rows rows = {task, set->job->logits[v], 1};
    size_t predicted = set->outcomes[v].predicted[i];
    double probs[TB_MAX_CLASSES];
    (void)tb_logit_rows_probs(&rows, i, probs);
    return json_pack("{s:o, s:s, s:s, s:o}", "variant", tb_json_utf8(set->job->variants[v]), "pred",
                     tb_task_class(task, predicted), "kind",
                     kind_of((size_t)task->truth[i], set->outcomes[0].predicted[i], predicted), "probs",
                     tb_json_reals(probs, task->n_classes));
}

static json_t *flip_object(const tb_set_figures *set, size_t i)
{
    const tb_task *task = set->job->task;
    const tb_row *row = &task->dataset->rows[i];
    json_t *variants = json_array();
    int bad = 0;
    for (size_t v = 0; v < set->job->n_variants; v++)
        bad |= json_array_append_new(variants, variant_object(set, v, i));
    json_t *object = json_pack("{s:o, s:o, s:o, s:s, s:o}", "row", tb_json_count(row->line), "text",
                               tb_json_utf8n(row->text, row->text_length), "pair", tb_json_utf8(row->pair), "truth",
                               tb_task_class(task, (size_t)task->truth[i]), "variants", variants);
    if (bad) {
        json_decref(object);
        return NULL;
    }
    return object;
}

timbang_status tb_flips_make(const tb_set_figures *set, json_t **out, tb_error *err)
{
    json_t *texts = json_array();
    size_t total = 0, listed = 0;
    int bad = 0;
    for (size_t i = 0; i < set->job->task->n && set->has_fp32; i++) {
        bool flipped = false;
        for (size_t v = 1; v < set->job->n_variants; v++)
            flipped = flipped || set->outcomes[v].predicted[i] != set->outcomes[0].predicted[i];
        total += flipped;
        if (!flipped || listed == MOST_LISTED)
            continue;
        listed++;
        bad |= json_array_append_new(texts, flip_object(set, i));
    }
    json_t *object =
        json_pack("{s:o, s:o, s:o}", "total", tb_json_count(total), "listed", tb_json_count(listed), "texts", texts);
    if (bad || !object) {
        json_decref(object);
        return tb_json_done(true, err);
    }
    *out = object;
    return TIMBANG_OK;
}
