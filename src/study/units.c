/* SPDX-License-Identifier: Apache-2.0
 * Logits as units of work.
 * Includes: study/units.h, base. Called by: study/run, study/collect, study/verify. */
#include "study/units.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 512 };
#define MAGIC UINT64_C(0x3153544947474e54) /* of this machine alone: a unit never leaves it */

typedef struct header {
    uint64_t magic, n, n_labels;
    tb_lengths lengths;
} header;

/* ---- Files ---- */

static timbang_status put_unit(tb_store *store, const char *name, const header *head, const float *logits,
                               tb_error *err)
{
    size_t values = head->n * head->n_labels * sizeof *logits;
    char *bytes = tb_calloc(sizeof *head + values, 1, err);
    if (!bytes)
        return err->status;
    memcpy(bytes, head, sizeof *head);
    memcpy(bytes + sizeof *head, logits, values);
    timbang_status status = tb_store_put(store, name, bytes, sizeof *head + values, err);
    free(bytes);
    return status;
}

static timbang_status get_unit(const tb_store *store, const char *name, size_t n, size_t n_labels, header *head,
                               float *logits, tb_error *err)
{
    char *bytes = NULL;
    size_t size = 0, values = n * n_labels * sizeof *logits;
    TB_TRY(tb_store_get(store, name, &bytes, &size, err));
    timbang_status status = TIMBANG_OK;
    if (size >= sizeof *head)
        memcpy(head, bytes, sizeof *head);
    if (size != sizeof *head + values || head->magic != MAGIC || head->n != n || head->n_labels != n_labels)
        status =
            tb_fail(err, TIMBANG_FORMAT, "%s/%s: is damaged; start the study anew with --force", store->work, name);
    else
        memcpy(logits, bytes + sizeof *head, values);
    free(bytes);
    return status;
}

/* ---- A model on a set, in chunks of rows ---- */

static timbang_status unit_name(const tb_unit *u, size_t chunk, tb_text *name, tb_error *err)
{
    const char *slug = u->plan->models[u->model].slug;
    name->length = 0;
    if (u->null_model > 0)
        tb_text_printf(name, "null-%s-%s-%zu-%zu-%zu.bin", slug, u->variant, u->null_model, u->set, chunk);
    else
        tb_text_printf(name, "logits-%s-%s-%zu-%zu.bin", slug, u->variant, u->set, chunk);
    return tb_text_finish(name, err);
}

static const tb_task *task_of(const tb_unit *u)
{
    return &u->plan->models[u->model].tasks[u->set];
}

static size_t chunk_rows(const tb_task *task, size_t chunk)
{
    size_t left = task->n - chunk * CHUNK_ROWS;
    return left < CHUNK_ROWS ? left : CHUNK_ROWS;
}

static size_t chunks_of(const tb_task *task)
{
    return (task->n + CHUNK_ROWS - 1) / CHUNK_ROWS;
}

bool tb_unit_done(const tb_store *store, const tb_unit *unit)
{
    tb_error ignored;
    tb_text name = {0};
    bool done = true;
    for (size_t c = 0; done && c < chunks_of(task_of(unit)); c++)
        done = unit_name(unit, c, &name, &ignored) == TIMBANG_OK && tb_store_has(store, name.data);
    tb_text_free(&name);
    return done;
}

/* Progress over all chunks instead of over one. */
typedef struct shifted_progress {
    const tb_hooks *hooks;
    uint64_t before, total;
} shifted_progress;

static void shift_progress(void *user, const char *stage, uint64_t done, uint64_t total)
{
    const shifted_progress *p = user;
    (void)total;
    tb_progress(p->hooks, stage, p->before + done, p->total);
}

static int shift_cancel(void *user)
{
    const shifted_progress *p = user;
    return p->hooks->cancel ? p->hooks->cancel(p->hooks->user) : 0;
}

static timbang_status run_chunk(tb_store *store, const tb_unit *unit, size_t chunk, const tb_classifier *classifier,
                                tb_workspace *workspace, const tb_run_options *run, float *logits, const char *name,
                                tb_error *err)
{
    const tb_task *task = task_of(unit);
    shifted_progress shifted = {run->hooks, chunk * CHUNK_ROWS, task->n};
    tb_hooks hooks = {.progress = shift_progress, .cancel = shift_cancel, .user = &shifted};
    tb_run_options shifted_run = *run;
    if (run->hooks)
        shifted_run.hooks = &hooks;
    header head = {.magic = MAGIC, .n = chunk_rows(task, chunk), .n_labels = task->n_labels};
    TB_TRY(tb_run_rows(classifier, workspace, task, chunk * CHUNK_ROWS, chunk_rows(task, chunk), &shifted_run, logits,
                       &head.lengths, err));
    return put_unit(store, name, &head, logits, err);
}

timbang_status tb_unit_run(tb_store *store, const tb_unit *unit, const tb_classifier *classifier,
                           tb_workspace *workspace, const tb_run_options *run, tb_error *err)
{
    const tb_task *task = task_of(unit);
    float *logits = tb_calloc(chunk_rows(task, 0) * task->n_labels, sizeof *logits, err);
    timbang_status status = logits ? TIMBANG_OK : err->status;
    tb_text name = {0};
    for (size_t c = 0; status == TIMBANG_OK && c < chunks_of(task); c++) {
        status = unit_name(unit, c, &name, err);
        if (status == TIMBANG_OK && !tb_store_has(store, name.data))
            status = run_chunk(store, unit, c, classifier, workspace, run, logits, name.data, err);
    }
    tb_text_free(&name);
    free(logits);
    return status;
}

timbang_status tb_unit_read(const tb_store *store, const tb_unit *unit, float *logits, tb_lengths *lengths,
                            tb_error *err)
{
    const tb_task *task = task_of(unit);
    timbang_status status = TIMBANG_OK;
    tb_lengths sum = {0};
    tb_text name = {0};
    for (size_t c = 0; status == TIMBANG_OK && c < chunks_of(task); c++) {
        header head;
        status = unit_name(unit, c, &name, err);
        if (status == TIMBANG_OK)
            status = get_unit(store, name.data, chunk_rows(task, c), task->n_labels, &head,
                              logits + c * CHUNK_ROWS * task->n_labels, err);
        if (status != TIMBANG_OK)
            break;
        sum.tokens += head.lengths.tokens;
        sum.max_tokens = head.lengths.max_tokens > sum.max_tokens ? head.lengths.max_tokens : sum.max_tokens;
        sum.truncated += head.lengths.truncated;
        sum.empty += head.lengths.empty;
        sum.seconds += head.lengths.seconds;
    }
    tb_text_free(&name);
    if (status == TIMBANG_OK && lengths)
        *lengths = sum;
    return status;
}

timbang_status tb_unit_load(const tb_store *store, const tb_unit *unit, float **logits, tb_lengths *lengths,
                            tb_error *err)
{
    const tb_task *task = task_of(unit);
    float *made = tb_calloc(task->n * task->n_labels, sizeof *made, err);
    timbang_status status = made ? tb_unit_read(store, unit, made, lengths, err) : err->status;
    if (status != TIMBANG_OK) {
        free(made);
        return status;
    }
    *logits = made;
    return TIMBANG_OK;
}

timbang_status tb_unit_seconds(const tb_store *store, const tb_unit *unit, double *seconds, tb_error *err)
{
    float *logits = NULL;
    tb_lengths lengths = {0};
    TB_TRY(tb_unit_load(store, unit, &logits, &lengths, err));
    free(logits);
    *seconds = lengths.seconds;
    return TIMBANG_OK;
}

/* ---- Null models: the record of one is written when its logits on all sets are there ---- */

static timbang_status null_name(const tb_unit *u, tb_text *name, tb_error *err)
{
    tb_text_printf(name, "null-%s-%s-%zu.json", u->plan->models[u->model].slug, u->variant, u->null_model);
    return tb_text_finish(name, err);
}

bool tb_null_done(const tb_store *store, const tb_unit *unit)
{
    tb_error ignored;
    tb_text name = {0};
    bool done = null_name(unit, &name, &ignored) == TIMBANG_OK && tb_store_has(store, name.data);
    tb_text_free(&name);
    return done;
}

timbang_status tb_null_finish(tb_store *store, const tb_unit *unit, double weight_error, tb_error *err)
{
    tb_text name = {0};
    json_t *record = json_pack("{s:f}", "weight_error", weight_error);
    timbang_status status = record ? null_name(unit, &name, err) : tb_no_memory(err, 0);
    if (status == TIMBANG_OK)
        status = tb_store_put_json(store, name.data, record, err);
    tb_text_free(&name);
    json_decref(record);
    return status;
}

timbang_status tb_null_weight_error(const tb_store *store, const tb_unit *unit, double *weight_error, tb_error *err)
{
    tb_text name = {0};
    json_t *record = NULL;
    timbang_status status = null_name(unit, &name, err);
    if (status == TIMBANG_OK)
        status = tb_store_get_json(store, name.data, &record, err);
    if (status == TIMBANG_OK)
        status = tb_json_get_double(record, name.data, "weight_error", true, weight_error, err);
    tb_text_free(&name);
    json_decref(record);
    return status;
}
