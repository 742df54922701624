/* Repeated texts, within a set or between two: hash tables of rows, texts compared where hashes meet.
 * Includes: base, text/unicode.h. Called by: eval, study, api. SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "data/columns.h"
#include "data/dataset.h"
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

/* What a row is compared by: its text, and its pair after a byte that no UTF-8 text holds. */
static void append_exact(const tb_row *row, tb_text *key)
{
    tb_text_append(key, row->text, row->text_length);
    if (row->pair != NULL) {
        tb_text_putc(key, '\xFF');
        tb_text_puts(key, row->pair);
    }
}

static void append_normalized(const char *text, size_t length, tb_text *key)
{
    bool space = false;
    size_t begin = key->length;
    uint32_t code_point;
    for (int step; (step = tb_utf8_decode(text, length, &code_point)) > 0; text += step, length -= (size_t)step) {
        uint8_t flags = tb_unicode_of(code_point)->flags;
        if ((flags & TB_UNICODE_WORD) == 0 || (flags & TB_UNICODE_PUNCTUATION) != 0) {
            space = true;
            continue;
        }
        if (space && key->length > begin)
            tb_text_putc(key, ' ');
        space = false;
        uint32_t low[TB_UNICODE_DECOMPOSED_MAX];
        int n = tb_unicode_lower(code_point, low);
        for (int i = 0; i < n; i++) {
            char bytes[4];
            tb_text_append(key, bytes, (size_t)tb_utf8_encode(low[i], bytes));
        }
    }
}

/* A row without any letter or digit (":)") is compared as it is: else all of these would be one text. */
static timbang_status make_key(const tb_row *row, bool normalized, tb_text *key, tb_error *err)
{
    key->length = 0;
    if (normalized) {
        append_normalized(row->text, row->text_length, key);
        size_t length = key->length;
        if (row->pair != NULL) {
            tb_text_putc(key, '\xFF');
            append_normalized(row->pair, strlen(row->pair), key);
            length = key->length - 1;
        }
        if (length == 0) {
            key->length = 0;
            tb_text_putc(key, '\xFE');
            append_exact(row, key);
        }
    } else {
        append_exact(row, key);
    }
    return tb_text_finish(key, err);
}

/* Texts that were seen: open addressing, at most half full. */
typedef struct entry {
    uint64_t hash;
    size_t row; /* index + 1 of the first row; 0: free */
    bool mixed; /* rows of this text have different labels */
} entry;

typedef struct table {
    const tb_dataset *dataset;
    bool normalized;
    entry *entries;
    size_t mask;
    tb_text probe, other; /* keys in use */
} table;

static timbang_status table_open(table *t, const tb_dataset *dataset, bool normalized, tb_error *err)
{
    size_t slots = 16;
    while (slots / 2 < dataset->n)
        slots *= 2;
    *t = (table){.dataset = dataset, .normalized = normalized, .mask = slots - 1};
    t->entries = tb_calloc(slots, sizeof *t->entries, err);
    return t->entries == NULL ? TIMBANG_NO_MEMORY : TIMBANG_OK;
}

static void table_close(table *t)
{
    free(t->entries);
    tb_text_free(&t->probe);
    tb_text_free(&t->other);
}

/* The entry of a row's text, or the free one where it belongs. */
static timbang_status table_find(table *t, const tb_row *row, entry **found, uint64_t *hash, tb_error *err)
{
    TB_TRY(make_key(row, t->normalized, &t->probe, err));
    *hash = tb_hash64(t->probe.data == NULL ? "" : t->probe.data, t->probe.length);
    for (size_t slot = (size_t)*hash & t->mask;; slot = (slot + 1) & t->mask) {
        entry *e = &t->entries[slot];
        *found = e;
        if (e->row == 0)
            return TIMBANG_OK;
        if (e->hash != *hash)
            continue;
        TB_TRY(make_key(&t->dataset->rows[e->row - 1], t->normalized, &t->other, err));
        if (t->probe.length == t->other.length &&
            (t->probe.length == 0 || memcmp(t->probe.data, t->other.data, t->probe.length) == 0))
            return TIMBANG_OK;
    }
}

static bool same_label(const char *a, const char *b)
{
    if (a == NULL || b == NULL) /* unlabelled rows contradict nobody */
        return true;
    return a == b || tb_same_name(a, strlen(a), b, strlen(b));
}

static void table_add(table *t, entry *e, uint64_t hash, size_t row)
{
    if (e->row == 0)
        *e = (entry){.hash = hash, .row = row + 1};
    else if (!same_label(t->dataset->rows[e->row - 1].label, t->dataset->rows[row].label))
        e->mixed = true;
}

/* A row whose text is in the table. */
static void note(const table *t, const entry *e, const tb_row *row, tb_duplicates *found)
{
    const tb_row *first = &t->dataset->rows[e->row - 1];
    if (!t->normalized) {
        found->exact++;
        return;
    }
    found->normalized++;
    found->conflicting += e->mixed || !same_label(first->label, row->label);
    if (found->first_line == 0) {
        found->first_line = row->line;
        found->first_other_line = first->line;
    }
}

static timbang_status fill(table *t, tb_error *err)
{
    for (size_t i = 0; i < t->dataset->n; i++) {
        entry *e;
        uint64_t hash;
        TB_TRY(table_find(t, &t->dataset->rows[i], &e, &hash, err));
        table_add(t, e, hash, i);
    }
    return TIMBANG_OK;
}

static timbang_status count_rows(const tb_dataset *dataset, table *t, bool within, tb_duplicates *found, tb_error *err)
{
    for (size_t i = 0; i < dataset->n; i++) {
        entry *e;
        uint64_t hash;
        TB_TRY(table_find(t, &dataset->rows[i], &e, &hash, err));
        if (e->row != 0)
            note(t, e, &dataset->rows[i], found);
        if (within)
            table_add(t, e, hash, i);
    }
    return TIMBANG_OK;
}

timbang_status tb_dataset_duplicates(const tb_dataset *dataset, const tb_dataset *other, tb_duplicates *found,
                                     tb_error *err)
{
    tb_duplicates counted = {0};
    timbang_status status = TIMBANG_OK;
    for (int normalized = 0; normalized < 2 && status == TIMBANG_OK; normalized++) {
        table t;
        TB_TRY(table_open(&t, other == NULL ? dataset : other, normalized == 1, err));
        if (other != NULL)
            status = fill(&t, err);
        if (status == TIMBANG_OK)
            status = count_rows(dataset, &t, other == NULL, &counted, err);
        table_close(&t);
    }
    if (status == TIMBANG_OK)
        *found = counted;
    return status;
}
