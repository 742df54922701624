/* Status and error text: the table's names, the error buffer, the callbacks.
 * Includes: base/status.h. Called by: everything. */
#include "base/status.h"

#include <stdio.h>
#include <string.h>

struct status_row {
    const char *name, *text;
    int exit_code;
};

static const struct status_row status_rows[] = {
#define STATUS_ROW(name, value, text, exit_code) [value] = {#name, text, exit_code},
    TIMBANG_STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

static const struct status_row *status_row(timbang_status status)
{
    size_t i = (size_t)status, n = sizeof status_rows / sizeof status_rows[0];
    return &status_rows[i < n ? i : (size_t)TIMBANG_INTERNAL];
}

const char *timbang_status_name(timbang_status status)
{
    return status_row(status)->name;
}

const char *timbang_status_text(timbang_status status)
{
    return status_row(status)->text;
}

int timbang_status_exit_code(timbang_status status)
{
    return status_row(status)->exit_code;
}

timbang_status tb_fail(tb_error *err, timbang_status status, const char *format, ...)
{
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

timbang_status tb_no_memory(tb_error *err, size_t bytes)
{
    return tb_fail(err, TIMBANG_NO_MEMORY, "out of memory: %zu bytes were asked for", bytes);
}

timbang_status tb_fail_prefix(tb_error *err, const char *format, ...)
{
    char prefix[TB_ERROR_TEXT], old[TB_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    memcpy(old, err->text, sizeof old);
    size_t room = sizeof err->text - 3;
    size_t n = strlen(prefix) < room ? strlen(prefix) : room;
    memcpy(err->text, prefix, n);
    memcpy(err->text + n, ": ", 2);
    size_t rest = sizeof err->text - 1 - (n + 2), m = strlen(old) < rest ? strlen(old) : rest;
    memcpy(err->text + n + 2, old, m);
    err->text[n + 2 + m] = '\0';
    return err->status;
}

void tb_error_clear(tb_error *err)
{
    err->status = TIMBANG_OK;
    err->text[0] = '\0';
}

void tb_log(const tb_hooks *hooks, timbang_log_level level, const char *format, ...)
{
    if (!hooks || !hooks->log)
        return;
    char text[TB_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hooks->log(hooks->user, level, text);
}

void tb_progress(const tb_hooks *hooks, const char *stage, uint64_t done, uint64_t total)
{
    if (hooks && hooks->progress)
        hooks->progress(hooks->user, stage, done, total);
}

timbang_status tb_check_cancel(const tb_hooks *hooks, tb_error *err)
{
    if (hooks && hooks->cancel && hooks->cancel(hooks->user))
        return tb_fail(err, TIMBANG_CANCELLED, "cancelled");
    return TIMBANG_OK;
}
