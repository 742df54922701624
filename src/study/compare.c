/* SPDX-License-Identifier: Apache-2.0
 * The way of a comparison: inputs to entries, entries to blocks of the same texts, blocks to figures.
 * Includes: study/compare.h and the other files of compare, study/plan.h, study/record.h. Called by: api. */
#include "study/compare.h"

#include "data/columns.h"
#include "study/compare_figures.h"
#include "study/plan.h"
#include "study/record.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_TEXTS = 500, DEFAULT_REPLICATES = 2000, MAX_REPLICATES = 1000000 };

typedef struct comparison {
    const tb_compare_job *job;
    tb_compare_plan plan;
    tb_texts texts;
    tb_classes classes;
    tb_entries entries;
    tb_blocks blocks;
    char **names; /* [n_inputs] */
    bool *study;  /* [n_inputs] */
    tb_notes notes;
    json_t *out;
} comparison;

/* ---- Options ---- */

static timbang_status make_plan(const timbang_compare_options *o, tb_compare_plan *plan, tb_error *err)
{
    const char *primary = o->primary ? o->primary : "accuracy";
    *plan = (tb_compare_plan){
        .primary_macro_f1 = strcmp(primary, "macro_f1") == 0,
        .alpha = o->alpha == 0 ? 0.05 : o->alpha,
        .power = o->power == 0 ? 0.8 : o->power,
        .margin = o->margin == 0 ? 0.01 : o->margin,
        .replicates = o->bootstrap_replicates == UINT64_MAX ? 0
                      : o->bootstrap_replicates == 0        ? DEFAULT_REPLICATES
                                                            : o->bootstrap_replicates,
        .seed = o->seed,
    };
    if (!plan->primary_macro_f1 && strcmp(primary, "accuracy") != 0)
        return tb_fail(err, TIMBANG_USAGE, "the primary figure is 'accuracy' or 'macro_f1', not '%s'", primary);
    if (!(plan->alpha > 0 && plan->alpha < 0.5))
        return tb_fail(err, TIMBANG_USAGE, "alpha is out of range; above 0 and below 0.5");
    if (!(plan->power > 0 && plan->power < 1))
        return tb_fail(err, TIMBANG_USAGE, "power is out of range; above 0 and below 1");
    if (!(plan->margin > 0 && plan->margin < 1))
        return tb_fail(err, TIMBANG_USAGE, "the margin is out of range; above 0 and below 1");
    if (plan->replicates > MAX_REPLICATES)
        return tb_fail(err, TIMBANG_USAGE, "%llu bootstrap replicates; at most %d are possible",
                       (unsigned long long)plan->replicates, (int)MAX_REPLICATES);
    if (plan->primary_macro_f1 && plan->replicates == 0)
        return tb_fail(err, TIMBANG_USAGE, "macro_f1 as the primary figure is tested by the bootstrap, which is off");
    return TIMBANG_OK;
}

/* ---- Inputs ---- */

/* results.json and predictions.jsonl go by the name of their folder. */
static char *path_for_name(const char *path, bool study, tb_error *err)
{
    size_t length = strlen(path);
    const char *slash = strrchr(path, '/');
    if (study && slash && slash != path && !tb_is_directory(path))
        length = (size_t)(slash - path);
    return tb_strndup(path, length, err);
}

static timbang_status name_inputs(comparison *c, tb_error *err)
{
    const timbang_compare_options *o = c->job->options;
    c->names = tb_calloc(o->n_inputs, sizeof *c->names, err);
    c->study = c->names ? tb_calloc(o->n_inputs, sizeof *c->study, err) : NULL;
    if (!c->study)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < o->n_inputs; i++) {
        const timbang_named_path *input = &o->inputs[i];
        if (!input->path || !*input->path)
            return tb_fail(err, TIMBANG_USAGE, "input %zu has no path", i + 1);
        c->study[i] = tb_compare_is_study(input->path);
        char *path = path_for_name(input->path, c->study[i], err);
        if (!path)
            return TIMBANG_NO_MEMORY;
        timbang_status status = tb_plan_name(input->name, path, !c->study[i], c->names, i, &c->names[i], err);
        free(path);
        TB_TRY(status);
    }
    return TIMBANG_OK;
}

/* A table goes by its input's name; a study's entries by model and variant, after the input where that is needed. */
static timbang_status name_entry(const comparison *c, tb_entry *e, size_t n_studies, tb_error *err)
{
    const char *input = c->names[e->input];
    if (!e->model) {
        e->name = tb_strdup(input, err);
        return e->name ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    }
    bool prefix = n_studies > 1 || c->job->options->inputs[e->input].name;
    tb_text name = {0};
    tb_text_printf(&name, "%s%s%s/%s", prefix ? input : "", prefix ? ":" : "", e->model, e->variant);
    timbang_status status = tb_text_finish(&name, err);
    e->name = name.data;
    return status;
}

static timbang_status read_inputs(comparison *c, tb_error *err)
{
    const timbang_compare_options *o = c->job->options;
    const tb_compare_reader reader = {
        .columns = &o->columns,
        .pred_column = o->pred_column,
        .labels_only = o->labels_only != 0,
        .only = o->only,
        .n_only = o->n_only,
        .texts = &c->texts,
        .classes = &c->classes,
        .notes = &c->notes,
        .hooks = c->job->hooks,
    };
    size_t n_studies = 0;
    for (size_t i = 0; i < o->n_inputs; i++) {
        n_studies += c->study[i];
        timbang_status status =
            c->study[i] ? tb_compare_read_study(&reader, o->inputs[i].path, i, &c->entries, err)
                        : tb_compare_read_table(&reader, o->inputs[i].path, c->names[i], i, &c->entries, err);
        TB_TRY(status);
    }
    for (size_t i = 0; i < c->entries.n; i++)
        TB_TRY(name_entry(c, &c->entries.list[i], n_studies, err));
    if (c->entries.n >= 2)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_USAGE, "%s is the only set of predictions; a comparison needs two or more",
                   c->entries.list[0].name);
}

static json_t *inputs_json(const comparison *c)
{
    const timbang_compare_options *o = c->job->options;
    json_t *list = json_array();
    int bad = list == NULL;
    for (size_t i = 0; i < o->n_inputs; i++) {
        json_t *parts = json_array();
        for (size_t e = 0; e < c->entries.n; e++)
            if (c->entries.list[e].input == i)
                bad |= json_array_append(parts, c->entries.list[e].facts);
        bad |= json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:o}", "name", c->names[i], "path",
                                                     tb_json_utf8(o->inputs[i].path), "kind",
                                                     c->study[i] ? "study" : "table", "predictions", parts));
    }
    if (bad) {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* ---- Warnings ---- */

static timbang_status note_match(const comparison *c, const tb_block *block, const tb_member *m, tb_error *err)
{
    const tb_entry *base = block->members[0].entry, *e = m->entry;
    if (m->by_order)
        TB_TRY(tb_note(&c->notes, e->name, block->set, "by_order", err,
                       "rows are matched with those of %s by their order, as there are no texts in both", base->name));
    if (m->matched < base->n || m->matched < e->n)
        TB_TRY(tb_note(&c->notes, e->name, block->set, "unmatched", err,
                       "%zu of its %zu rows have a partner among the %zu of %s; the others take no part in the tests",
                       m->matched, e->n, base->n, base->name));
    if (m->loosely > 0)
        TB_TRY(tb_note(&c->notes, e->name, block->set, "loosely", err,
                       "%zu texts are those of %s only in lower case with single spaces: they were prepared "
                       "differently, so not the model alone differs",
                       m->loosely, base->name));
    if (m->conflicting > 0)
        TB_TRY(
            tb_note(&c->notes, e->name, block->set, "conflicting", err,
                    "%zu of %zu rows have another true label than in %s (the first in line %llu), whose labels count "
                    "in the tests",
                    m->conflicting, m->matched, base->name, (unsigned long long)m->conflicting_line));
    return TIMBANG_OK;
}

static timbang_status no_label_known(const tb_side *side, tb_error *err)
{
    tb_text own = {0}, truth = {0};
    for (size_t l = 0; l < side->labels->n; l++) {
        const tb_class_figures *f = &side->figures.per_class[l];
        if (f->predicted > 0 && own.length < 200)
            tb_text_printf(&own, "%s%s", own.length ? ", " : "", side->labels->names[l]);
        if (f->support > 0 && truth.length < 200)
            tb_text_printf(&truth, "%s%s", truth.length ? ", " : "", side->labels->names[l]);
    }
    timbang_status status = tb_text_finish(&own, err);
    if (status == TIMBANG_OK)
        status = tb_text_finish(&truth, err);
    if (status == TIMBANG_OK)
        status = tb_fail(err, TIMBANG_DATA,
                         "%s: no prediction is a label of the truth: it predicts %s, and the truth says %s (map them "
                         "with --label-map %.*s=...)",
                         side->entry->name, own.data, truth.data, (int)strcspn(own.data, ","), own.data);
    tb_text_free(&own);
    tb_text_free(&truth);
    return status;
}

/* Labels that the truth never has: right for a model of more classes, wrong for one whose labels have other names. */
static timbang_status note_labels(const comparison *c, const tb_block *block, const tb_side *side, tb_error *err)
{
    tb_text list = {0};
    size_t rows = 0, true_labels = 0;
    for (size_t l = 0; l < side->labels->n; l++) {
        const tb_class_figures *f = &side->figures.per_class[l];
        true_labels += f->support > 0;
        if (f->support > 0 || f->predicted == 0)
            continue;
        if (list.length < 200)
            tb_text_printf(&list, "%s'%s'", rows ? ", " : "", side->labels->names[l]);
        rows += f->predicted;
    }
    timbang_status status = TIMBANG_OK;
    if (rows == side->n && true_labels > 1) {
        status = no_label_known(side, err);
    } else if (rows > 0) {
        status = tb_text_finish(&list, err);
        if (status == TIMBANG_OK)
            status = tb_note(&c->notes, side->entry->name, block->set, "unknown_label", err,
                             "%zu prediction%s say%s %s, which the truth never does; they count as wrong (--label-map "
                             "renames labels)",
                             rows, rows == 1 ? "" : "s", rows == 1 ? "s" : "", list.data);
    }
    tb_text_free(&list);
    if (status == TIMBANG_OK && side->entry->untrained_head)
        status = tb_note(&c->notes, side->entry->name, block->set, "untrained_head", err,
                         "the head is untrained: its accuracy means nothing");
    return status;
}

/* ---- Figures of a block ---- */

/* All members of a block at work. */
typedef struct figures {
    tb_block_labels labels;
    tb_side *own;           /* [members] all rows */
    tb_against *against;    /* [members - 1] */
    tb_replicate **own_run; /* [members] bootstrap of own; NULL without */
} figures;

static timbang_status run_bootstrap(const comparison *c, const tb_side *const *sides, size_t n, tb_replicate **out,
                                    tb_error *err)
{
    tb_outcomes *outcomes = tb_calloc(n, sizeof *outcomes, err);
    if (!outcomes)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        outcomes[i] = sides[i]->outcomes;
    const tb_bootstrap_job job = {
        .n = sides[0]->n,
        .n_classes = sides[0]->labels->n,
        .n_classifiers = n,
        .truth = sides[0]->truth,
        .classifiers = outcomes,
        .replicates = c->plan.replicates,
        .seed = c->plan.seed,
        .pool = c->job->pool,
        .hooks = c->job->hooks,
    };
    timbang_status status = tb_bootstrap_run(&job, out, err);
    free(outcomes);
    return status;
}

/* The member's own rows are the baseline's, in its order, with its truth: one bootstrap serves both purposes. */
static bool same_rows(const tb_side *own, const tb_side *shared, const tb_side *base_own)
{
    size_t n = own->n;
    return n == shared->n && n == base_own->n && memcmp(own->rows, shared->rows, n * sizeof *own->rows) == 0 &&
           memcmp(own->truth, shared->truth, n * sizeof *own->truth) == 0 &&
           memcmp(base_own->truth, shared->truth, n * sizeof *own->truth) == 0;
}

static timbang_status bootstrap_pair(const comparison *c, figures *f, size_t i, const tb_side *base,
                                     const tb_side *shared, tb_error *err)
{
    const tb_side *pair[] = {base, shared}, *alone = &f->own[i];
    size_t b = (size_t)c->plan.replicates;
    tb_replicate *run = NULL;
    TB_TRY(run_bootstrap(c, pair, 2, &run, err));
    timbang_status status = tb_against_bootstrap(run, run + b, b, &f->against[i - 1], err);
    if (status == TIMBANG_OK && same_rows(&f->own[i], shared, &f->own[0])) {
        f->own_run[i] = tb_calloc(b, sizeof *run, err);
        if (f->own_run[i])
            memcpy(f->own_run[i], run + b, b * sizeof *run);
        else
            status = TIMBANG_NO_MEMORY;
    } else if (status == TIMBANG_OK) {
        status = run_bootstrap(c, &alone, 1, &f->own_run[i], err);
    }
    free(run);
    return status;
}

static timbang_status against_baseline(const comparison *c, const tb_block *block, figures *f, size_t i, tb_error *err)
{
    tb_side base = {0}, shared = {0};
    const tb_member *first = &block->members[0], *m = &block->members[i];
    timbang_status status = tb_side_shared(first, m, true, &f->labels, &base, err);
    if (status == TIMBANG_OK)
        status = tb_side_shared(first, m, false, &f->labels, &shared, err);
    if (status == TIMBANG_OK)
        status = tb_against_make(&base, &shared, &c->plan, &f->against[i - 1], err);
    f->against[i - 1].partly = base.n < first->entry->n || shared.n < m->entry->n;
    if (status == TIMBANG_OK && c->plan.replicates > 0)
        status = bootstrap_pair(c, f, i, &base, &shared, err);
    tb_side_free(&base);
    tb_side_free(&shared);
    return status;
}

static timbang_status figures_make(const comparison *c, const tb_block *block, figures *f, tb_error *err)
{
    tb_block_labels_make(block, &c->classes, &f->labels);
    f->own = tb_calloc(block->n, sizeof *f->own, err);
    f->against = f->own ? tb_calloc(block->n, sizeof *f->against, err) : NULL;
    f->own_run = f->against ? tb_calloc(block->n, sizeof *f->own_run, err) : NULL;
    if (!f->own_run)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < block->n; i++) {
        TB_TRY(tb_side_all(&block->members[i], &f->labels, &f->own[i], err));
        TB_TRY(note_labels(c, block, &f->own[i], err));
    }
    const tb_side *first = &f->own[0];
    if (c->plan.replicates > 0)
        TB_TRY(run_bootstrap(c, &first, 1, &f->own_run[0], err));
    for (size_t i = 1; i < block->n; i++) {
        TB_TRY(tb_check_cancel(c->job->hooks, err));
        TB_TRY(note_match(c, block, &block->members[i], err));
        TB_TRY(against_baseline(c, block, f, i, err));
    }
    return tb_against_holm(f->against, block->n - 1, err);
}

static void figures_free(const tb_block *block, figures *f)
{
    for (size_t i = 0; i < block->n; i++) {
        if (f->own)
            tb_side_free(&f->own[i]);
        if (f->against)
            tb_against_free(&f->against[i]);
        if (f->own_run)
            free(f->own_run[i]);
    }
    free(f->own);
    free(f->against);
    free(f->own_run);
}

/* ---- Texts whose label changes ---- */

static bool changes(const tb_block *block, size_t row)
{
    for (size_t i = 1; i < block->n; i++) {
        const tb_member *m = &block->members[i];
        if (m->match[row] != TB_NO_ROW && m->entry->pred[m->match[row]] != block->members[0].entry->pred[row])
            return true;
    }
    return false;
}

static json_t *text_json(const comparison *c, const tb_block *block, size_t row)
{
    const tb_member *base = &block->members[0];
    const char *text = base->entry->text ? c->texts.text[base->entry->text[row]] : NULL;
    const char *pair = text ? strchr(text, '\x1f') : NULL;
    json_t *labels = json_object();
    int bad = labels == NULL;
    for (size_t i = 0; i < block->n; i++) {
        const tb_member *m = &block->members[i];
        size_t own = i == 0 ? row : m->match[row];
        bad |= json_object_set_new(labels, m->entry->name,
                                   own == TB_NO_ROW ? json_null() : json_string(c->classes.names[m->entry->pred[own]]));
    }
    if (bad) {
        json_decref(labels);
        return NULL;
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "line", tb_json_count(base->entry->line[row]), "text",
                     pair   ? json_stringn(text, (size_t)(pair - text))
                     : text ? json_string(text)
                            : json_null(),
                     "pair", pair ? json_string(pair + 1) : json_null(), "truth",
                     base->truth[row] == TB_NO_CLASS ? json_null() : json_string(c->classes.names[base->truth[row]]),
                     "labels", labels);
}

static json_t *changed_json(const comparison *c, const tb_block *block)
{
    json_t *list = json_array();
    size_t total = 0;
    int bad = list == NULL;
    for (size_t row = 0; row < block->members[0].entry->n; row++) {
        if (!changes(block, row))
            continue;
        if (total++ < LISTED_TEXTS)
            bad |= json_array_append_new(list, text_json(c, block, row));
    }
    if (bad) {
        json_decref(list);
        return NULL;
    }
    return json_pack("{s:o, s:o, s:o}", "total", tb_json_count(total), "listed", tb_json_count(json_array_size(list)),
                     "texts", list);
}

/* ---- The document ---- */

static timbang_status entry_json(const comparison *c, const tb_block *block, const figures *f, size_t i, json_t **out,
                                 tb_error *err)
{
    const tb_entry *e = block->members[i].entry;
    json_t *object = json_pack("{s:s, s:s, s:o, s:o, s:o, s:b}", "name", e->name, "input", c->names[e->input], "model",
                               tb_json_utf8(e->model), "variant", tb_json_utf8(e->variant), "data",
                               tb_json_utf8(e->set), "untrained_head", (int)e->untrained_head);
    if (!object)
        return tb_no_memory(err, 0);
    timbang_status status = tb_side_json(&f->own[i], f->own_run[i], (size_t)c->plan.replicates, object, err);
    json_t *against = NULL;
    if (status == TIMBANG_OK && i > 0) {
        status =
            tb_against_json(&f->against[i - 1], &f->labels, &c->plan, block->members[0].entry->name, &against, err);
    }
    if (status == TIMBANG_OK)
        status =
            tb_json_done(json_object_set_new(object, "against_baseline", against ? against : json_null()) != 0, err);
    if (status != TIMBANG_OK) {
        json_decref(object);
        return status;
    }
    *out = object;
    return TIMBANG_OK;
}

static timbang_status block_json(const comparison *c, const tb_block *block, const figures *f, json_t **out,
                                 tb_error *err)
{
    json_t *entries = json_array(), *labels = json_array();
    int bad = !entries || !labels;
    timbang_status status = TIMBANG_OK;
    for (size_t l = 0; l < f->labels.n; l++)
        bad |= json_array_append_new(labels, json_string(f->labels.names[l]));
    for (size_t i = 0; i < block->n && status == TIMBANG_OK; i++) {
        json_t *entry = NULL;
        status = entry_json(c, block, f, i, &entry, err);
        if (status == TIMBANG_OK)
            bad |= json_array_append_new(entries, entry);
    }
    if (status == TIMBANG_OK)
        status = tb_json_done(bad != 0, err);
    if (status != TIMBANG_OK) {
        json_decref(entries);
        json_decref(labels);
        return status;
    }
    *out = json_pack("{s:o, s:s, s:o, s:o, s:o}", "data", tb_json_utf8(block->set), "baseline",
                     block->members[0].entry->name, "labels", labels, "entries", entries, "changed",
                     changed_json(c, block));
    return tb_json_done(*out == NULL, err);
}

static timbang_status add_blocks(comparison *c, json_t *sets, tb_error *err)
{
    for (size_t b = 0; b < c->blocks.n; b++) {
        const tb_block *block = &c->blocks.list[b];
        figures f = {0};
        json_t *set = NULL;
        timbang_status status = figures_make(c, block, &f, err);
        if (status == TIMBANG_OK)
            status = block_json(c, block, &f, &set, err);
        figures_free(block, &f);
        TB_TRY(status);
        TB_TRY(tb_json_done(json_array_append_new(sets, set) != 0, err));
        if (block->n == 1)
            TB_TRY(tb_note(&c->notes, block->members[0].entry->name, block->set, "alone", err,
                           "no other input is about these texts"));
    }
    return TIMBANG_OK;
}

static json_t *options_json(const comparison *c)
{
    const timbang_compare_options *o = c->job->options;
    json_t *only = json_array();
    int bad = only == NULL;
    for (size_t i = 0; i < o->n_only; i++)
        bad |= json_array_append_new(only, tb_json_utf8(o->only[i]));
    if (bad) {
        json_decref(only);
        return NULL;
    }
    return json_pack("{s:o, s:o, s:s, s:f, s:f, s:f, s:{s:o, s:o}, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "baseline",
                     tb_json_utf8(o->baseline), "only", only, "primary",
                     c->plan.primary_macro_f1 ? "macro_f1" : "accuracy", "alpha", c->plan.alpha, "power", c->plan.power,
                     "margin", c->plan.margin, "bootstrap", "replicates", tb_json_count(c->plan.replicates), "seed",
                     tb_json_count(c->plan.seed), "ece_bins", (int)TB_ECE_BINS, "text_column",
                     tb_json_utf8(o->columns.text_column), "label_column", tb_json_utf8(o->columns.label_column),
                     "pair_column", tb_json_utf8(o->columns.pair_column), "pred_column", tb_json_utf8(o->pred_column),
                     "label_map", tb_json_utf8(o->columns.label_map), "drop_labels",
                     tb_json_utf8(o->columns.drop_labels), "labels_only", o->labels_only != 0);
}

/* Where every block has one member, nothing can be compared. */
static timbang_status check_blocks(const comparison *c, tb_error *err)
{
    for (size_t b = 0; b < c->blocks.n; b++)
        if (c->blocks.list[b].n > 1)
            return TIMBANG_OK;
    const tb_entry *first = c->blocks.list[0].members[0].entry, *second = c->blocks.list[1].members[0].entry;
    char shown_a[72], shown_b[72];
    const char *a = first->text ? c->texts.text[first->text[0]] : "",
               *b = second->text ? c->texts.text[second->text[0]] : "";
    return tb_fail(err, TIMBANG_DATA,
                   "no two inputs are about the same texts: the first of %s on %s is '%s', of %s on %s '%s'",
                   first->name, first->set ? first->set : "-", tb_data_shown(a, strlen(a), shown_a), second->name,
                   second->set ? second->set : "-", tb_data_shown(b, strlen(b), shown_b));
}

static timbang_status compare(comparison *c, tb_error *err)
{
    char version[48];
    snprintf(version, sizeof version, "%d.%d.%d", TIMBANG_VERSION_MAJOR, TIMBANG_VERSION_MINOR, TIMBANG_VERSION_PATCH);
    TB_TRY(tb_json_done(
        json_object_set_new(c->out, "timbang", json_pack("{s:s, s:i}", "version", version, "schema", 1)) != 0 ||
            json_object_set_new(c->out, "kind", json_string("compare")) != 0 ||
            json_object_set_new(c->out, "options", options_json(c)) != 0,
        err));
    TB_TRY(name_inputs(c, err));
    TB_TRY(read_inputs(c, err));
    TB_TRY(tb_blocks_make(&c->entries, &c->texts, c->job->options->baseline, &c->blocks, err));
    TB_TRY(check_blocks(c, err));
    TB_TRY(tb_blocks_pair(&c->blocks, &c->texts, c->job->hooks, err));
    TB_TRY(tb_json_done(json_object_set_new(c->out, "inputs", inputs_json(c)) != 0, err));
    json_t *sets = json_array();
    TB_TRY(tb_json_done(json_object_set_new(c->out, "sets", sets) != 0, err));
    TB_TRY(add_blocks(c, sets, err));
    return tb_json_done(json_object_set(c->out, "warnings", c->notes.list) != 0, err);
}

timbang_status tb_compare_run(const tb_compare_job *job, json_t **out, tb_error *err)
{
    const timbang_compare_options *o = job->options;
    if (o->n_inputs == 0)
        return tb_fail(err, TIMBANG_USAGE, "no input was named; a comparison needs two or more");
    if (o->columns.limit > 0)
        return tb_fail(err, TIMBANG_USAGE, "a comparison uses all rows; it knows no limit");
    comparison c = {.job = job, .notes = {.list = json_array(), .hooks = job->hooks}, .out = json_object()};
    timbang_status status = make_plan(o, &c.plan, err);
    if (status == TIMBANG_OK)
        status = tb_json_done(!c.notes.list || !c.out, err);
    if (status == TIMBANG_OK)
        status = tb_classes_open(&c.classes, o->columns.label_map, o->columns.drop_labels, err);
    if (status == TIMBANG_OK)
        status = compare(&c, err);
    for (size_t i = 0; c.names && i < o->n_inputs; i++)
        free(c.names[i]);
    free(c.names);
    free(c.study);
    tb_blocks_free(&c.blocks);
    tb_entries_free(&c.entries);
    tb_classes_close(&c.classes);
    tb_texts_free(&c.texts);
    json_decref(c.notes.list);
    if (status != TIMBANG_OK) {
        json_decref(c.out);
        return status;
    }
    *out = c.out;
    return TIMBANG_OK;
}
