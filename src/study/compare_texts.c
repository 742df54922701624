/* SPDX-License-Identifier: Apache-2.0
 * Texts and labels of all inputs in one numbering, and the list of entries.
 * Includes: study/compare_parts.h, text/clean.h, base. Called by: study/compare*. */
#include "data/columns.h"
#include "study/compare_parts.h"
#include "text/clean.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

/* ---- Texts ---- */

static timbang_status rehash(tb_texts *texts, size_t n_slots, tb_error *err)
{
    uint32_t *slots = tb_calloc(n_slots, sizeof *slots, err);
    if (!slots)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < texts->n; i++) {
        size_t at = (size_t)texts->hashes[i] & (n_slots - 1);
        while (slots[at])
            at = (at + 1) & (n_slots - 1);
        slots[at] = (uint32_t)i + 1;
    }
    free(texts->slots);
    texts->slots = slots;
    texts->n_slots = n_slots;
    return TIMBANG_OK;
}

static timbang_status make_room(tb_texts *texts, tb_error *err)
{
    if (!texts->arena)
        TB_TRY(tb_arena_create(1 << 16, &texts->arena, err));
    if (texts->n == UINT32_MAX - 1)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "there are more than %u different texts", UINT32_MAX - 1);
    if (2 * (texts->n + 1) > texts->n_slots)
        TB_TRY(rehash(texts, texts->n_slots ? 2 * texts->n_slots : 1024, err));
    if (texts->n < texts->capacity)
        return TIMBANG_OK;
    size_t capacity = texts->capacity ? 2 * texts->capacity : 512;
    void *block = texts->text;
    TB_TRY(tb_grow(&block, capacity, sizeof *texts->text, err));
    texts->text = block;
    block = texts->hashes;
    TB_TRY(tb_grow(&block, capacity, sizeof *texts->hashes, err));
    texts->hashes = block;
    texts->capacity = capacity;
    return TIMBANG_OK;
}

timbang_status tb_texts_add(tb_texts *texts, const char *text, size_t length, uint32_t *number, tb_error *err)
{
    TB_TRY(make_room(texts, err));
    uint64_t hash = tb_hash64(text, length);
    hash ^= hash >> 29; /* FNV's low bits are its weak ones */
    size_t at = (size_t)hash & (texts->n_slots - 1);
    for (; texts->slots[at]; at = (at + 1) & (texts->n_slots - 1)) {
        uint32_t i = texts->slots[at] - 1;
        if (texts->hashes[i] == hash && strncmp(texts->text[i], text, length) == 0 && texts->text[i][length] == '\0') {
            *number = i;
            return TIMBANG_OK;
        }
    }
    const char *copy = tb_arena_strndup(texts->arena, text, length, err);
    if (!copy)
        return TIMBANG_NO_MEMORY;
    *number = (uint32_t)texts->n;
    texts->text[texts->n] = copy;
    texts->hashes[texts->n++] = hash;
    texts->slots[at] = *number + 1;
    return TIMBANG_OK;
}

void tb_texts_free(tb_texts *texts)
{
    tb_arena_free(texts->arena);
    free(texts->text);
    free(texts->hashes);
    free(texts->slots);
    memset(texts, 0, sizeof *texts);
}

timbang_status tb_texts_loosen(const tb_texts *texts, uint32_t **of, size_t *n, tb_error *err)
{
    tb_texts loose = {0};
    tb_text scratch = {0};
    uint32_t *made = tb_calloc(texts->n, sizeof *made, err);
    timbang_status status = made ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < texts->n && status == TIMBANG_OK; i++) {
        scratch.length = 0;
        status =
            tb_clean(TIMBANG_CLEAN_LOWER | TIMBANG_CLEAN_SPACES, texts->text[i], strlen(texts->text[i]), &scratch, err);
        if (status == TIMBANG_OK)
            status = tb_text_finish(&scratch, err);
        if (status == TIMBANG_OK)
            status = tb_texts_add(&loose, scratch.data ? scratch.data : "", scratch.length, &made[i], err);
    }
    *n = loose.n;
    tb_text_free(&scratch);
    tb_texts_free(&loose);
    if (status != TIMBANG_OK) {
        free(made);
        return status;
    }
    *of = made;
    return TIMBANG_OK;
}

/* ---- Entries ---- */

timbang_status tb_entries_add(tb_entries *entries, tb_entry **entry, tb_error *err)
{
    if (entries->n == TB_MAX_ENTRIES)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "there are more than %d sets of predictions (--only chooses some)",
                       (int)TB_MAX_ENTRIES);
    if (entries->n == entries->capacity) {
        size_t capacity = entries->capacity ? 2 * entries->capacity : 16;
        void *block = entries->list;
        TB_TRY(tb_grow(&block, capacity, sizeof *entries->list, err));
        entries->list = block;
        entries->capacity = capacity;
    }
    *entry = &entries->list[entries->n++];
    memset(*entry, 0, sizeof **entry);
    return TIMBANG_OK;
}

void tb_entries_free(tb_entries *entries)
{
    for (size_t i = 0; i < entries->n; i++) {
        tb_entry *e = &entries->list[i];
        free(e->name);
        free(e->model);
        free(e->variant);
        free(e->set);
        free(e->text);
        free(e->line);
        free(e->truth);
        free(e->pred);
        free(e->values);
        json_decref(e->facts);
    }
    free(entries->list);
    memset(entries, 0, sizeof *entries);
}

static timbang_status grow_to(void *field, size_t capacity, size_t size, tb_error *err)
{
    void *block;
    memcpy(&block, field, sizeof block);
    TB_TRY(tb_grow(&block, capacity, size, err));
    memcpy(field, &block, sizeof block);
    return TIMBANG_OK;
}

timbang_status tb_entry_reserve(tb_entry *entry, bool has_text, bool has_truth, tb_error *err)
{
    if (entry->n < entry->capacity)
        return TIMBANG_OK;
    if (entry->n >= TB_NO_ROW / 2)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "there are more than %u rows", TB_NO_ROW / 2);
    size_t capacity = entry->capacity ? entry->capacity + entry->capacity / 2 : 256, cells = 0;
    if (!tb_mul_size(capacity, entry->n_columns, &cells))
        return tb_no_memory(err, SIZE_MAX);
    TB_TRY(grow_to(&entry->line, capacity, sizeof *entry->line, err));
    TB_TRY(grow_to(&entry->pred, capacity, sizeof *entry->pred, err));
    if (has_text)
        TB_TRY(grow_to(&entry->text, capacity, sizeof *entry->text, err));
    if (has_truth)
        TB_TRY(grow_to(&entry->truth, capacity, sizeof *entry->truth, err));
    if (cells > 0)
        TB_TRY(grow_to(&entry->values, cells, sizeof *entry->values, err));
    entry->capacity = capacity;
    return TIMBANG_OK;
}

bool tb_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *mark = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            mark = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++mark;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
