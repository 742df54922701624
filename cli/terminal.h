/* What people see on standard error: errors, warnings, notes, the progress line; colours and widths.
 * Includes: timbang.h. Called by: cli. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "timbang.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct terminal {
    bool quiet;
    bool progress;     /* standard error is a terminal that can redraw a line */
    bool color_error;  /* colours on standard error */
    bool color_output; /* and on standard output */
    double started_ms, stage_ms, drawn_ms;
    char stage[64];                 /* without the figures of the moment */
    uint64_t stage_done;            /* steps that were done when it was first seen: of a run that was resumed */
    uint64_t part_done, part_total; /* where one call of the library is a part of the work; 0: it is the whole */
    bool line_shown;
} terminal;

/* color: "auto", "always", "never". */
void terminal_start(terminal *term, const char *color, bool quiet, bool no_progress);
void terminal_clear_line(terminal *term);
/* "timbang: sentence", and "hint: ..." below it where hint is not NULL. */
void print_error(const terminal *term, const char *sentence, const char *hint);
/* The callbacks of a context; user is the terminal. */
void terminal_log(void *user, timbang_log_level level, const char *text);
void terminal_progress(void *user, const char *stage, uint64_t done, uint64_t total);
/* The next calls of the library do steps done.. of total. */
void terminal_part(terminal *term, uint64_t done, uint64_t total);
/* Columns of standard output; 0 where it is no terminal. */
int output_width(void);

#endif
