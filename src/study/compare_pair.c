/* SPDX-License-Identifier: Apache-2.0
 * Rows of two entries joined by the numbers of their texts.
 * Includes: study/compare_pair.h, data/columns.h. Called by: study/compare. */
#include "study/compare_pair.h"

#include "base/text.h"
#include "data/columns.h"

#include <stdlib.h>
#include <string.h>

/* Without texts the truth is the only witness that two files have the same order. */
#define MOST_CONFLICTS_BY_ORDER 0.2
enum { NEAR = 64 }; /* so many repetitions of a text are searched for one of equal truth */

/* ---- Rows ---- */

/* Unmatched rows of the baseline by text: chains in the order of the rows. */
typedef struct chains {
    uint32_t *head; /* [texts] row, or TB_NO_ROW */
    uint32_t *next; /* [rows] */
} chains;

static void chains_free(chains *c)
{
    free(c->head);
    free(c->next);
}

/* loose: the texts' other numbers, or NULL. */
static uint32_t key_of(const tb_entry *e, size_t row, const uint32_t *loose)
{
    return loose ? loose[e->text[row]] : e->text[row];
}

static timbang_status chains_make(const tb_entry *base, const uint32_t *match, size_t n_keys, const uint32_t *loose,
                                  chains *out, tb_error *err)
{
    out->head = tb_calloc(n_keys, sizeof *out->head, err);
    out->next = out->head ? tb_calloc(base->n, sizeof *out->next, err) : NULL;
    if (!out->next)
        return TIMBANG_NO_MEMORY;
    memset(out->head, 0xff, n_keys * sizeof *out->head);
    for (size_t row = base->n; row-- > 0;) {
        if (match[row] != TB_NO_ROW)
            continue;
        uint32_t key = key_of(base, row, loose);
        out->next[row] = out->head[key];
        out->head[key] = (uint32_t)row;
    }
    return TIMBANG_OK;
}

/* Takes the first row of the chain, or with a truth the first that has it. */
static uint32_t take(chains *c, uint32_t key, const int16_t *truths, int truth)
{
    uint32_t *at = &c->head[key];
    for (int i = 0; truths && i < NEAR && *at != TB_NO_ROW && truths[*at] != truth; i++)
        at = &c->next[*at];
    uint32_t row = *at;
    if (row == TB_NO_ROW || (truths && truths[row] != truth))
        return TB_NO_ROW;
    *at = c->next[row];
    return row;
}

/* One pass over the rows of the member that have no partner. */
static timbang_status join(const tb_entry *base, tb_member *m, bool *taken, size_t n_keys, const uint32_t *loose,
                           tb_error *err)
{
    const tb_entry *e = m->entry;
    bool same_truth = base->truth && e->truth;
    for (int pass = same_truth ? 0 : 1; pass < 2; pass++) {
        chains c = {0};
        if (chains_make(base, m->match, n_keys, loose, &c, err) != TIMBANG_OK) {
            chains_free(&c);
            return err->status;
        }
        for (size_t row = 0; row < e->n; row++) {
            if (taken[row])
                continue;
            uint32_t partner =
                take(&c, key_of(e, row, loose), pass == 0 ? base->truth : NULL, pass == 0 ? e->truth[row] : 0);
            if (partner == TB_NO_ROW)
                continue;
            m->match[partner] = (uint32_t)row;
            taken[row] = true;
            m->matched++;
            m->loosely += loose != NULL;
        }
        chains_free(&c);
    }
    return TIMBANG_OK;
}

static timbang_status match_by_text(const tb_entry *base, tb_member *m, const tb_texts *texts, const tb_blocks *blocks,
                                    tb_error *err)
{
    bool *taken = tb_calloc(m->entry->n, sizeof *taken, err);
    timbang_status status = taken ? join(base, m, taken, texts->n, NULL, err) : TIMBANG_NO_MEMORY;
    if (status == TIMBANG_OK && m->matched < base->n && m->matched < m->entry->n)
        status = join(base, m, taken, blocks->n_loose, blocks->loose, err);
    free(taken);
    return status;
}

static timbang_status match_by_order(const tb_entry *base, tb_member *m, tb_error *err)
{
    if (base->n != m->entry->n)
        return tb_fail(err, TIMBANG_DATA,
                       "%s has %zu rows and %s has %zu, and there are no texts to match them by (--text-column)",
                       base->name, base->n, m->entry->name, m->entry->n);
    for (size_t row = 0; row < base->n; row++)
        m->match[row] = (uint32_t)row;
    m->matched = base->n;
    m->by_order = true;
    return TIMBANG_OK;
}

/* Whether two truths have a class in common at all. */
static bool share_a_label(const tb_entry *a, const tb_entry *b)
{
    bool used[TB_MAX_CLASSES] = {false};
    for (size_t row = 0; row < a->n; row++)
        used[a->truth[row]] = true;
    for (size_t row = 0; row < b->n; row++)
        if (used[b->truth[row]])
            return true;
    return false;
}

static timbang_status count_conflicts(const tb_entry *base, tb_member *m, tb_error *err)
{
    const tb_entry *e = m->entry;
    if (!base->truth || !e->truth)
        return TIMBANG_OK;
    for (size_t row = 0; row < base->n; row++) {
        uint32_t partner = m->match[row];
        if (partner == TB_NO_ROW || base->truth[row] == e->truth[partner])
            continue;
        m->conflicting_line = m->conflicting++ ? m->conflicting_line : e->line[partner];
    }
    if (!share_a_label(base, e))
        return tb_fail(err, TIMBANG_DATA,
                       "the true labels of %s and %s have no name in common (--label-map gives them the same names)",
                       base->name, e->name);
    if (!m->by_order || (double)m->conflicting < MOST_CONFLICTS_BY_ORDER * (double)m->matched)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_DATA,
                   "%s and %s are matched by their order, as there are no texts in both, and %zu of %zu true labels "
                   "differ: the rows are not the same, or the labels have other names (--label-map)",
                   base->name, e->name, m->conflicting, m->matched);
}

/* ---- The truth ---- */

/* The truth of the baseline's rows: its own, else that of the first member that knows it. */
static timbang_status truth_of_baseline(tb_block *block, tb_error *err)
{
    tb_member *base = &block->members[0];
    if (base->entry->truth) {
        base->truth = base->entry->truth;
        return TIMBANG_OK;
    }
    size_t n = base->entry->n;
    base->own_truth = base->truth = tb_calloc(n, sizeof *base->truth, err);
    if (!base->truth)
        return TIMBANG_NO_MEMORY;
    for (size_t row = 0; row < n; row++)
        base->truth[row] = TB_NO_CLASS;
    for (size_t i = 1; i < block->n; i++) {
        const tb_member *m = &block->members[i];
        for (size_t row = 0; m->entry->truth && row < n; row++)
            if (base->truth[row] == TB_NO_CLASS && m->match[row] != TB_NO_ROW)
                base->truth[row] = m->entry->truth[m->match[row]];
    }
    return TIMBANG_OK;
}

static timbang_status truth_of_member(const tb_member *base, tb_member *m, tb_error *err)
{
    if (m->entry->truth) {
        m->truth = m->entry->truth;
        return TIMBANG_OK;
    }
    m->own_truth = m->truth = tb_calloc(m->entry->n, sizeof *m->truth, err);
    if (!m->truth)
        return TIMBANG_NO_MEMORY;
    for (size_t row = 0; row < m->entry->n; row++)
        m->truth[row] = TB_NO_CLASS;
    for (size_t row = 0; row < base->entry->n; row++)
        if (m->match[row] != TB_NO_ROW)
            m->truth[m->match[row]] = base->truth[row];
    return TIMBANG_OK;
}

static timbang_status find_truth(tb_block *block, tb_error *err)
{
    TB_TRY(truth_of_baseline(block, err));
    const tb_member *base = &block->members[0];
    bool any = false;
    for (size_t row = 0; row < base->entry->n; row++)
        any = any || base->truth[row] != TB_NO_CLASS;
    if (!any)
        return tb_fail(err, TIMBANG_DATA, "%s: no input has a column of true labels for these texts (--label-column)",
                       base->entry->name);
    for (size_t i = 1; i < block->n; i++)
        TB_TRY(truth_of_member(base, &block->members[i], err));
    return TIMBANG_OK;
}

/* An example of both sides: people see at once what differs. */
static timbang_status nothing_matched(const tb_entry *a, const tb_entry *b, const tb_texts *texts, tb_error *err)
{
    char shown_a[72], shown_b[72];
    const char *text_a = texts->text[a->text[0]], *text_b = texts->text[b->text[0]];
    return tb_fail(err, TIMBANG_DATA, "%s and %s have no text in common: the first of %s is '%s', of %s '%s'", a->name,
                   b->name, a->name, tb_data_shown(text_a, strlen(text_a), shown_a), b->name,
                   tb_data_shown(text_b, strlen(text_b), shown_b));
}

timbang_status tb_blocks_pair(tb_blocks *blocks, const tb_texts *texts, const tb_hooks *hooks, tb_error *err)
{
    timbang_status status = TIMBANG_OK;
    for (size_t b = 0; b < blocks->n && status == TIMBANG_OK; b++) {
        tb_block *block = &blocks->list[b];
        const tb_entry *base = block->members[0].entry;
        for (size_t i = 1; i < block->n && status == TIMBANG_OK; i++) {
            tb_member *m = &block->members[i];
            status = tb_check_cancel(hooks, err);
            m->match = status == TIMBANG_OK ? tb_calloc(base->n, sizeof *m->match, err) : NULL;
            if (!m->match) {
                status = err->status;
                break;
            }
            memset(m->match, 0xff, base->n * sizeof *m->match);
            status = base->text && m->entry->text ? match_by_text(base, m, texts, blocks, err)
                                                  : match_by_order(base, m, err);
            if (status == TIMBANG_OK && m->matched == 0)
                status = nothing_matched(base, m->entry, texts, err);
            if (status == TIMBANG_OK)
                status = count_conflicts(base, m, err);
        }
        if (status == TIMBANG_OK)
            status = find_truth(block, err);
    }
    return status;
}

/* ---- Blocks ---- */

static timbang_status add_member(tb_block *block, tb_entry *entry, tb_error *err)
{
    void *grown = block->members;
    TB_TRY(tb_grow(&grown, block->n + 1, sizeof *block->members, err));
    block->members = grown;
    block->members[block->n++] = (tb_member){.entry = entry};
    if (!block->set)
        block->set = entry->set;
    return TIMBANG_OK;
}

/* Rows of e whose text the block's first entry has. mark [keys] is scratch. */
static size_t shared(const tb_block *block, const tb_entry *e, const uint32_t *loose, bool *mark, size_t n_keys)
{
    const tb_entry *first = block->members[0].entry;
    size_t n = 0;
    memset(mark, 0, n_keys * sizeof *mark);
    for (size_t row = 0; row < first->n; row++)
        mark[key_of(first, row, loose)] = true;
    for (size_t row = 0; row < e->n; row++)
        n += mark[key_of(e, row, loose)];
    return n;
}

/* The block that shares most texts with e, and how many; without texts, one with as many rows. */
static tb_block *closest_block(const tb_blocks *blocks, const tb_entry *e, const uint32_t *loose, bool *mark,
                               size_t n_keys, size_t *most)
{
    tb_block *best = NULL;
    *most = 0;
    for (size_t b = 0; b < blocks->n; b++) {
        tb_block *block = &blocks->list[b];
        const tb_entry *first = block->members[0].entry;
        size_t n = e->text && first->text ? shared(block, e, loose, mark, n_keys) : first->n == e->n ? e->n : 0;
        if (n > *most) {
            best = block;
            *most = n;
        }
    }
    return best;
}

/* NULL: none yet. A named set needs half of its texts to count as a known one under another name. */
static tb_block *block_of(const tb_blocks *blocks, const tb_entry *e, const uint32_t *loose, bool *mark, size_t n_keys)
{
    size_t most;
    for (size_t b = 0; e->set && b < blocks->n; b++)
        if (blocks->list[b].set && strcmp(blocks->list[b].set, e->set) == 0)
            return &blocks->list[b];
    tb_block *best = closest_block(blocks, e, loose, mark, n_keys, &most);
    if (!best)
        return NULL;
    size_t fewer = best->members[0].entry->n < e->n ? best->members[0].entry->n : e->n;
    bool texts = e->text && best->members[0].entry->text;
    return e->set && (!texts || 2 * most < fewer) ? NULL : best;
}

/* A table that fits nowhere: the texts, or without them the numbers of rows, are the reason. */
static timbang_status fits_nowhere(const tb_blocks *blocks, tb_entry *e, const tb_texts *texts, tb_error *err)
{
    const tb_entry *first = blocks->list[0].members[0].entry;
    if (first->text && e->text)
        return nothing_matched(first, e, texts, err);
    tb_member m = {.entry = e};
    return match_by_order(first, &m, err);
}

static timbang_status group(const tb_entries *entries, const tb_texts *texts, bool *mark, tb_blocks *blocks,
                            tb_error *err)
{
    for (size_t i = 0; i < entries->n; i++) {
        tb_entry *e = &entries->list[i];
        tb_block *block = block_of(blocks, e, blocks->loose, mark, blocks->n_loose);
        if (!block && i > 0 && !e->set)
            return fits_nowhere(blocks, e, texts, err);
        TB_TRY(add_member(block ? block : &blocks->list[blocks->n++], e, err));
    }
    return TIMBANG_OK;
}

/* ---- The baseline ---- */

static bool is_baseline(const tb_entry *e, const char *baseline)
{
    return tb_glob(baseline, e->name) || (e->variant && tb_glob(baseline, e->variant)) ||
           (e->model && tb_glob(baseline, e->model));
}

static timbang_status choose_baselines(tb_blocks *blocks, const char *baseline, tb_error *err)
{
    bool found = false;
    for (size_t b = 0; b < blocks->n; b++) {
        tb_block *block = &blocks->list[b];
        size_t at = block->n;
        for (size_t i = 0; i < block->n && at == block->n; i++)
            at = strcmp(block->members[i].entry->name, baseline) == 0 ? i : at;
        for (size_t i = 0; i < block->n && at == block->n; i++)
            at = is_baseline(block->members[i].entry, baseline) ? i : at;
        if (at == block->n)
            continue;
        found = true;
        tb_member first = block->members[at];
        memmove(block->members + 1, block->members, at * sizeof *block->members);
        block->members[0] = first;
    }
    if (found)
        return TIMBANG_OK;
    tb_text names = {0};
    for (size_t b = 0; b < blocks->n; b++)
        for (size_t i = 0; i < blocks->list[b].n && names.length < 400; i++)
            tb_text_printf(&names, "%s%s", names.length ? ", " : "", blocks->list[b].members[i].entry->name);
    TB_TRY(tb_text_finish(&names, err));
    tb_fail(err, TIMBANG_USAGE, "--baseline %s: no input is called so; there are %s", baseline, names.data);
    tb_text_free(&names);
    return TIMBANG_USAGE;
}

timbang_status tb_blocks_make(const tb_entries *entries, const tb_texts *texts, const char *baseline, tb_blocks *blocks,
                              tb_error *err)
{
    *blocks = (tb_blocks){.list = tb_calloc(entries->n, sizeof *blocks->list, err)};
    timbang_status status =
        blocks->list ? tb_texts_loosen(texts, &blocks->loose, &blocks->n_loose, err) : TIMBANG_NO_MEMORY;
    bool *mark = status == TIMBANG_OK ? tb_calloc(blocks->n_loose, sizeof *mark, err) : NULL;
    if (!mark)
        status = err->status;
    if (status == TIMBANG_OK)
        status = group(entries, texts, mark, blocks, err);
    if (status == TIMBANG_OK && baseline)
        status = choose_baselines(blocks, baseline, err);
    free(mark);
    if (status != TIMBANG_OK)
        tb_blocks_free(blocks);
    return status;
}

void tb_blocks_free(tb_blocks *blocks)
{
    for (size_t b = 0; b < blocks->n; b++) {
        for (size_t i = 0; i < blocks->list[b].n; i++) {
            free(blocks->list[b].members[i].match);
            free(blocks->list[b].members[i].own_truth);
        }
        free(blocks->list[b].members);
    }
    free(blocks->list);
    free(blocks->loose);
    memset(blocks, 0, sizeof *blocks);
}
