/* Shared by the tests of this room: cmocka, paths, golden files, folders in memory. */
#ifndef TB_TESTS_TEXT_HELP_H
#define TB_TESTS_TEXT_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/text.h"
#include "text/tokenizer.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of an environment variable followed by /path, in a static buffer; NULL where it is not set. */
static inline const char *help_path(const char *variable, const char *path)
{
    static char text[4096];
    const char *root = getenv(variable);
    if (!root)
        return NULL;
    snprintf(text, sizeof text, "%s/%s", root, path);
    return text;
}

static inline json_t *help_golden(const char *file)
{
    char path[256];
    tb_error err = {0};
    json_t *value = NULL;
    snprintf(path, sizeof path, "tests/golden/text/%s", file);
    const char *full = help_path("TIMBANG_SOURCE", path);
    assert_non_null(full);
    if (tb_json_load_file(full, &value, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return value;
}

static inline tb_tokenizer *help_load(const char *path)
{
    tb_error err = {0};
    tb_folder *folder = NULL;
    tb_tokenizer *tokenizer = NULL;
    if (tb_folder_open(path, &folder, &err) != TIMBANG_OK || tb_tokenizer_load(folder, &tokenizer, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_folder_close(folder);
    return tokenizer;
}

/* A folder in memory, from pairs of name and content up to a NULL. */
static inline timbang_status help_load_memory(const char *const *files, tb_tokenizer **tokenizer, tb_error *err)
{
    tb_memory_file list[8];
    size_t n = 0;
    tb_folder *folder = NULL;
    for (; files[2 * n]; n++)
        list[n] = (tb_memory_file){files[2 * n], files[2 * n + 1], strlen(files[2 * n + 1])};
    timbang_status status = tb_folder_memory("memory", list, n, &folder, err);
    if (status == TIMBANG_OK)
        status = tb_tokenizer_load(folder, tokenizer, err);
    tb_folder_close(folder);
    return status;
}

#endif
