/* What the tests of formats share: golden files, temporary folders, checks of a refusal's status and sentence. */
#ifndef TB_TEST_FORMATS_HELP_H
#define TB_TEST_FORMATS_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/json.h"

static inline char *env_path(const char *variable, const char *file)
{
    tb_error err;
    const char *root = getenv(variable);
    return root ? tb_path_join(root, file, &err) : NULL;
}

/* tests/golden/formats/FILE of the source tree. */
static inline char *golden_path(const char *file)
{
    char name[200];
    snprintf(name, sizeof name, "tests/golden/formats/%s", file);
    char *path = env_path("TIMBANG_SOURCE", name);
    assert_non_null(path);
    return path;
}

static inline json_t *golden_json(const char *file)
{
    tb_error err = {0};
    json_t *json = NULL;
    char *path = golden_path(file);
    if (tb_json_load_file(path, &json, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    free(path);
    return json;
}

static inline void golden_bytes(const char *file, char **bytes, size_t *size)
{
    tb_error err = {0};
    char *path = golden_path(file);
    if (tb_read_file(path, 0, bytes, size, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    free(path);
}

static inline char *make_temp(void)
{
    const char *base = getenv("TMPDIR");
    char template[512];
    tb_error err;
    snprintf(template, sizeof template, "%s/timbang-formats-XXXXXX", base && strlen(base) < 400 ? base : "/tmp");
    char *made = mkdtemp(template);
    assert_non_null(made);
    return tb_strdup(made, &err);
}

static inline void drop_temp(char *dir)
{
    tb_error err = {0};
    assert_int_equal(tb_remove_tree(dir, &err), TIMBANG_OK);
    free(dir);
}

#define assert_ok(call, err)                                                                                           \
    do {                                                                                                               \
        timbang_status assert_ok_status_ = (call);                                                                     \
        if (assert_ok_status_ != TIMBANG_OK)                                                                           \
            fail_msg("%s: %s", #call, (err)->text);                                                                    \
    } while (0)

/* A refusal has the status, one sentence that holds the text, and no line break. */
static inline void assert_refused(const char *what, timbang_status status, const tb_error *err, timbang_status expected,
                                  const char *text)
{
    if (status != expected || err->status != expected || !strstr(err->text, text) || strchr(err->text, '\n'))
        fail_msg("%s: expected %s with '%s', got %s: '%s'", what, timbang_status_name(expected), text,
                 timbang_status_name(status), status ? err->text : "");
}

#endif
