/* SPDX-License-Identifier: Apache-2.0
 * Logits of a model as rows over the classes of a task, one at a time, so that nothing of the size of a data set is
 * made. Includes: study/figures_parts.h, eval. Called by: study/figures*. */
#include "study/figures_parts.h"

#include <string.h>

static void read_row(const tb_logit_rows *rows, size_t row, float *view)
{
    const tb_task *task = rows->task;
    const float *logits = rows->logits + row * task->n_labels;
    for (size_t c = 0; c < task->n_classes; c++)
        view[c] = logits[task->classes[c]];
}

size_t tb_logit_rows_probs(const void *arg, size_t row, double *probs)
{
    const tb_logit_rows *rows = arg;
    float view[TB_MAX_CLASSES];
    size_t k = rows->task->n_classes;
    read_row(rows, row, view);
    for (size_t c = 0; c < k; c++)
        probs[c] = (double)view[c] / rows->temperature;
    tb_softmax(probs, k, probs);
    return tb_argmax_f32(view, k);
}

void tb_logit_rows_logits(const void *arg, size_t row, double *logits)
{
    const tb_logit_rows *rows = arg;
    float view[TB_MAX_CLASSES];
    read_row(rows, row, view);
    for (size_t c = 0; c < rows->task->n_classes; c++)
        logits[c] = (double)view[c];
}

const float *tb_logit_rows_view(const tb_logit_rows *rows, size_t begin, size_t end, float *block)
{
    if (!rows->task->restricted)
        return rows->logits + begin * rows->task->n_labels;
    for (size_t i = begin; i < end; i++)
        read_row(rows, i, block + (i - begin) * rows->task->n_classes);
    return block;
}

timbang_status tb_figures_of_logits(const tb_task *task, const float *logits, tb_figures *figures,
                                    tb_outcomes *outcomes, tb_error *err)
{
    const tb_logit_rows rows = {task, logits, 1};
    return tb_figures_stream(tb_logit_rows_probs, &rows, task->truth, task->n, task->n_classes, figures, outcomes, err);
}
