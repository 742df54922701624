/* SPDX-License-Identifier: Apache-2.0
 * Everything that is drawn from a record, into one folder. It is drawn into a hidden folder there first; when all of it
 * is complete, each file takes its place. So a failure leaves older files as they were, and files of others stay.
 * Includes: report/report.h, report/figures.h, report/tables.h. Called by: api, study (through its job). */
#include "base/io.h"
#include "report/figures.h"
#include "report/report.h"
#include "report/tables.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char staging_name[] = ".report.new";

static timbang_status check_language(const char *lang, tb_error *err)
{
    if (!lang || strcmp(lang, "en") == 0 || strcmp(lang, "id") == 0)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_USAGE, "'%s' is no language of a report: en, id", lang);
}

/* The record as asked for in that language; json_decref. */
static json_t *in_language(const json_t *results, const char *lang)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)results);
    json_t *options = json_copy(json_object_get(results, "options"));
    int bad = json_object_set_new(options, "lang", json_string(lang));
    bad |= json_object_set_new(copy, "options", options);
    if (bad) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

static timbang_status draw(const json_t *results, const char *folder, tb_error *err)
{
    tb_report report;
    TB_TRY(tb_report_read(results, &report, err));
    timbang_status status = tb_tables_write(&report, folder, err);
    if (status == TIMBANG_OK)
        status = tb_figures_write(&report, folder, err);
    if (status == TIMBANG_OK)
        status = tb_methods_write(&report, folder, err);
    tb_report_free(&report);
    char *page = status == TIMBANG_OK ? tb_path_join(folder, "report.html", err) : NULL;
    if (status == TIMBANG_OK)
        status = page ? tb_report_html_file(results, page, err) : err->status;
    free(page);
    return status;
}

/* ---- Into their places ---- */

static timbang_status place_folder(const char *from, const char *to, tb_error *err);

static timbang_status place(const char *from_folder, const char *to_folder, const char *name, tb_error *err)
{
    char *from = tb_path_join(from_folder, name, err);
    char *to = from ? tb_path_join(to_folder, name, err) : NULL;
    timbang_status status = to ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK && tb_is_directory(from))
        status = place_folder(from, to, err);
    else if (status == TIMBANG_OK && rename(from, to) != 0)
        status = tb_fail(err, TIMBANG_IO, "%s cannot be replaced: %s", to, strerror(errno));
    free(from);
    free(to);
    return status;
}

static timbang_status place_folder(const char *from, const char *to, tb_error *err)
{
    TB_TRY(tb_make_dirs(to, err));
    DIR *folder = opendir(from);
    if (!folder)
        return tb_fail(err, TIMBANG_IO, "%s cannot be read: %s", from, strerror(errno));
    timbang_status status = TIMBANG_OK;
    for (const struct dirent *entry; status == TIMBANG_OK && (entry = readdir(folder)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = place(from, to, entry->d_name, err);
    closedir(folder);
    return status;
}

static timbang_status draw_and_place(const json_t *results, const char *folder, const char *staging, tb_error *err)
{
    TB_TRY(tb_remove_tree(staging, err)); /* of a run that was killed */
    TB_TRY(tb_make_dirs(staging, err));
    timbang_status status = draw(results, staging, err);
    if (status == TIMBANG_OK)
        status = place_folder(staging, folder, err);
    tb_error ignored = {0};
    timbang_status removed = tb_remove_tree(staging, status == TIMBANG_OK ? err : &ignored);
    return status == TIMBANG_OK ? removed : status;
}

timbang_status tb_report_write(const json_t *results, const char *lang, const char *folder, tb_error *err)
{
    TB_TRY(check_language(lang, err));
    const char *asked = json_string_value(json_object_get(json_object_get(results, "options"), "lang"));
    json_t *copy = NULL;
    if (lang && asked && strcmp(lang, asked) != 0) {
        copy = in_language(results, lang);
        if (!copy)
            return tb_no_memory(err, 0);
    }
    char *staging = tb_path_join(folder, staging_name, err);
    timbang_status status = staging ? draw_and_place(copy ? copy : results, folder, staging, err) : err->status;
    free(staging);
    json_decref(copy);
    return status;
}
