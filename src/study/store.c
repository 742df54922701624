/* SPDX-License-Identifier: Apache-2.0
 * Units of work on disk.
 * Includes: study/store.h, base. Called by: study. */
#include "study/store.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_UNIT "clock.json"

char *tb_store_path(const tb_store *store, const char *file, tb_error *err)
{
    return tb_path_join(store->folder.partial, file, err);
}

char *tb_store_work_path(const tb_store *store, const char *file, tb_error *err)
{
    return tb_path_join(store->work, file, err);
}

double tb_store_seconds(const tb_store *store)
{
    return store->earlier_s + (tb_now_ms() - store->begin_ms) / 1000;
}

/* {seconds, resumed}: written beside every unit. */
static timbang_status put_clock(const tb_store *store, tb_error *err)
{
    json_t *clock = json_pack("{s:f, s:I}", "seconds", tb_store_seconds(store), "resumed", (json_int_t)store->resumed);
    char *path = tb_store_work_path(store, CLOCK_UNIT, err);
    timbang_status status = !clock ? tb_no_memory(err, 0) : path ? tb_json_write_file(path, clock, err) : err->status;
    free(path);
    json_decref(clock);
    return status;
}

static timbang_status get_clock(tb_store *store, tb_error *err)
{
    if (!tb_store_has(store, CLOCK_UNIT))
        return TIMBANG_OK;
    json_t *clock = NULL;
    TB_TRY(tb_store_get_json(store, CLOCK_UNIT, &clock, err));
    timbang_status status = tb_json_get_double(clock, CLOCK_UNIT, "seconds", true, &store->earlier_s, err);
    if (status == TIMBANG_OK)
        status = tb_json_get_u64(clock, CLOCK_UNIT, "resumed", true, 0, UINT32_MAX, &store->resumed, err);
    json_decref(clock);
    return status;
}

timbang_status tb_store_open(const char *out, bool force, bool resume, tb_store *store, tb_error *err)
{
    tb_store made = {.begin_ms = tb_now_ms(), .has_units = resume};
    TB_TRY(tb_kept_begin(out, force, resume, &made.folder, err));
    made.work = tb_path_join(made.folder.partial, "work", err);
    timbang_status status = made.work ? tb_make_dirs(made.work, err) : err->status;
    if (status == TIMBANG_OK && resume)
        status = get_clock(&made, err);
    made.resumed += resume;
    if (status == TIMBANG_OK && resume)
        status = put_clock(&made, err);
    if (status != TIMBANG_OK) {
        tb_store_close(&made);
        return status;
    }
    *store = made;
    return TIMBANG_OK;
}

/* Under another name first: a kill amid the removal must not leave logits without the records that guard them. */
static timbang_status remove_work(const tb_store *store, tb_error *err)
{
    char *old = tb_path_join(store->folder.partial, "work.old", err);
    if (!old)
        return err->status;
    timbang_status status = tb_remove_tree(old, err); /* of such a kill */
    if (status == TIMBANG_OK && rename(store->work, old) != 0)
        status = tb_fail(err, TIMBANG_IO, "%s: cannot be removed: %s", store->work, strerror(errno));
    if (status == TIMBANG_OK)
        status = tb_remove_tree(old, err);
    free(old);
    return status;
}

timbang_status tb_store_commit(tb_store *store, tb_error *err)
{
    timbang_status status = tb_target_check(store->folder.target, store->folder.force, err);
    if (status == TIMBANG_OK)
        status = remove_work(store, err);
    if (status != TIMBANG_OK) {
        tb_store_close(store);
        return status;
    }
    status = tb_kept_commit(&store->folder, err);
    free(store->work);
    memset(store, 0, sizeof *store);
    return status;
}

void tb_store_close(tb_store *store)
{
    if (store->folder.partial)
        tb_kept_end(&store->folder, store->has_units);
    free(store->work);
    memset(store, 0, sizeof *store);
}

bool tb_store_has(const tb_store *store, const char *unit)
{
    tb_error ignored;
    char *path = tb_store_work_path(store, unit, &ignored);
    bool found = path && tb_is_file(path);
    free(path);
    return found;
}

timbang_status tb_store_put(tb_store *store, const char *unit, const void *bytes, size_t size, tb_error *err)
{
    char *path = tb_store_work_path(store, unit, err);
    timbang_status status = path ? tb_write_file(path, bytes, size, err) : err->status;
    free(path);
    TB_TRY(status);
    store->has_units = true;
    return put_clock(store, err);
}

timbang_status tb_store_get(const tb_store *store, const char *unit, char **bytes, size_t *size, tb_error *err)
{
    char *path = tb_store_work_path(store, unit, err);
    timbang_status status = path ? tb_read_file(path, 0, bytes, size, err) : err->status;
    free(path);
    return status;
}

timbang_status tb_store_put_json(tb_store *store, const char *unit, const json_t *value, tb_error *err)
{
    char *text = NULL;
    TB_TRY(tb_json_text(value, &text, err));
    timbang_status status = tb_store_put(store, unit, text, strlen(text), err);
    free(text);
    return status;
}

timbang_status tb_store_get_json(const tb_store *store, const char *unit, json_t **value, tb_error *err)
{
    char *path = tb_store_work_path(store, unit, err);
    timbang_status status = path ? tb_json_load_file(path, value, err) : err->status;
    free(path);
    return status;
}

/* The first member in which two objects differ, or NULL. */
static const char *difference(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        if (!json_equal(value, json_object_get(b, key)))
            return key;
    }
    json_object_foreach((json_t *)(uintptr_t)b, key, value)
    {
        if (!json_object_get(a, key))
            return key;
    }
    return NULL;
}

static timbang_status differs(const tb_store *store, const char *what, const char *key, const json_t *before,
                              const json_t *now, tb_error *err)
{
    char *old_text = NULL, *new_text = NULL;
    const json_t *old_value = json_object_get(before, key), *new_value = json_object_get(now, key);
    timbang_status status = old_value ? tb_json_compact(old_value, &old_text, err) : TIMBANG_OK;
    if (status == TIMBANG_OK && new_value)
        status = tb_json_compact(new_value, &new_text, err);
    if (status == TIMBANG_OK)
        status =
            tb_fail(err, TIMBANG_USAGE,
                    "%s: the %s of the interrupted study %s another: '%s' was %.200s and is %.200s now; repeat its "
                    "command, or start anew with --force",
                    store->folder.partial, what, strcmp(what, "plan") == 0 ? "is" : "are", key,
                    old_text ? old_text : "absent", new_text ? new_text : "absent");
    free(old_text);
    free(new_text);
    return status;
}

timbang_status tb_store_same(tb_store *store, const char *unit, const json_t *value, const char *what, tb_error *err)
{
    if (!tb_store_has(store, unit)) {
        bool before = store->has_units; /* a record alone is nothing finished */
        TB_TRY(tb_store_put_json(store, unit, value, err));
        store->has_units = before;
        return TIMBANG_OK;
    }
    json_t *stored = NULL, *fresh = NULL;
    char *text = NULL;
    TB_TRY(tb_store_get_json(store, unit, &stored, err));
    timbang_status status = tb_json_text(value, &text, err); /* through text, so that numbers compare as stored */
    if (status == TIMBANG_OK)
        status = tb_json_parse(unit, text, strlen(text), 0, &fresh, err);
    const json_t *before = stored, *now = fresh;
    const char *key = status == TIMBANG_OK ? difference(before, now) : NULL;
    while (key && json_is_object(json_object_get(before, key)) && json_is_object(json_object_get(now, key))) {
        before = json_object_get(before, key); /* the innermost member says most */
        now = json_object_get(now, key);
        key = difference(before, now);
    }
    if (key)
        status = differs(store, what, key, before, now, err);
    free(text);
    json_decref(stored);
    json_decref(fresh);
    return status;
}
