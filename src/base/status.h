/* Status and error text: every fallible function takes a tb_error * and returns a timbang_status.
 * Includes: timbang.h. Called by: everything. */
#ifndef TB_BASE_STATUS_H
#define TB_BASE_STATUS_H

#include "timbang.h"

#include <stdarg.h>

#define TB_ERROR_TEXT 1024

/* The caller's error buffer. text is one sentence without a final newline. */
typedef struct tb_error {
    timbang_status status;
    char text[TB_ERROR_TEXT];
} tb_error;

#define TB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Writes the text and returns status, for `return tb_fail(err, TIMBANG_FORMAT, "%s: ...", name);`. */
timbang_status tb_fail(tb_error *err, timbang_status status, const char *format, ...) TB_PRINTF(3, 4);
timbang_status tb_no_memory(tb_error *err, size_t bytes);
/* Puts "prefix: " before the text that is there; returns err->status. */
timbang_status tb_fail_prefix(tb_error *err, const char *format, ...) TB_PRINTF(2, 3);
void tb_error_clear(tb_error *err);

/* Forwards a failure. Use where nothing has to be freed; else `status = f(); if (status) goto done;`. */
#define TB_TRY(call)                                                                                                   \
    do {                                                                                                               \
        timbang_status tb_try_status_ = (call);                                                                        \
        if (tb_try_status_ != TIMBANG_OK)                                                                              \
            return tb_try_status_;                                                                                     \
    } while (0)

/* The callbacks of a context, handed down to whatever may run long. NULL members are allowed. */
typedef struct tb_hooks {
    timbang_log_fn log;
    timbang_progress_fn progress;
    timbang_cancel_fn cancel;
    void *user;
} tb_hooks;

void tb_log(const tb_hooks *hooks, timbang_log_level level, const char *format, ...) TB_PRINTF(3, 4);
void tb_progress(const tb_hooks *hooks, const char *stage, uint64_t done, uint64_t total);
/* TIMBANG_CANCELLED when the caller wants to stop. */
timbang_status tb_check_cancel(const tb_hooks *hooks, tb_error *err);

#endif
