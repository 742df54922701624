/* Standard error as people see it. Includes: terminal.h, output.h. Called by: cli. */
#include "terminal.h"
#include "output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool has_escapes(int fd)
{
    const char *name = getenv("TERM");
    return isatty(fd) && name && *name && strcmp(name, "dumb") != 0;
}

static bool wants_color(const char *color, int fd)
{
    if (strcmp(color, "auto") != 0)
        return strcmp(color, "always") == 0;
    const char *no = getenv("NO_COLOR");
    return has_escapes(fd) && !(no && *no);
}

void terminal_start(terminal *term, const char *color, bool quiet, bool no_progress)
{
    *term = (terminal){
        .quiet = quiet,
        .progress = !quiet && !no_progress && has_escapes(STDERR_FILENO),
        .color_error = wants_color(color, STDERR_FILENO),
        .color_output = wants_color(color, STDOUT_FILENO),
        .started_ms = now_ms(),
    };
}

static int columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int output_width(void)
{
    return isatty(STDOUT_FILENO) ? columns(STDOUT_FILENO) : 0;
}

void terminal_clear_line(terminal *term)
{
    if (!term->line_shown)
        return;
    fputs("\r\x1b[K", stderr);
    fflush(stderr);
    term->line_shown = false;
}

/* One line on standard error; file names and data in it must not move the cursor. */
static void print_line(const char *style, const char *head, const char *text)
{
    buffer line = {0};
    put(&line, style);
    put(&line, head);
    put(&line, *style ? "\x1b[0m" : "");
    put_clipped(&line, text, 0);
    put(&line, "\n");
    if (!line.failed)
        fputs(line.data, stderr);
    buffer_free(&line);
}

void print_error(const terminal *term, const char *sentence, const char *hint)
{
    print_line(term->color_error ? "\x1b[1;31m" : "", "timbang: ", sentence);
    if (hint)
        print_line(term->color_error ? "\x1b[36m" : "", "hint: ", hint);
}

void terminal_log(void *user, timbang_log_level level, const char *text)
{
    terminal *term = user;
    if (term->quiet || level == TIMBANG_LOG_DEBUG)
        return;
    terminal_clear_line(term);
    if (level == TIMBANG_LOG_WARNING)
        print_line(term->color_error ? "\x1b[33m" : "", "timbang: warning: ", text);
    else
        print_line("", "timbang: note: ", text);
}

void terminal_part(terminal *term, uint64_t done, uint64_t total)
{
    term->part_done = done;
    term->part_total = total;
}

/* "classifying: 1200 of 5000, 24 %, 12 s left"; figures: what follows the stage, such as "loss 0.312", or NULL. */
static void draw(terminal *term, double now, uint64_t done, uint64_t total, const char *figures)
{
    buffer line = {0};
    put(&line, term->stage);
    if (total > 0) {
        put_format(&line, ": %llu of %llu, %d %%", (unsigned long long)done, (unsigned long long)total,
                   (int)(100.0 * (double)done / (double)total));
        double elapsed = now - term->stage_ms;
        if (done > term->stage_done && done < total && elapsed > 500) {
            double left = elapsed * (double)(total - done) / (double)(done - term->stage_done) / 1e3;
            if (left < 90)
                put_format(&line, ", %.0f s left", ceil(left));
            else if (left < 5400)
                put_format(&line, ", %.0f min left", ceil(left / 60));
            else
                put_format(&line, ", %.1f h left", left / 3600);
        }
    }
    if (figures && *figures)
        put_format(&line, ", %s", figures);
    buffer shown = {0};
    put(&shown, "\r");
    put_clipped(&shown, line.data ? line.data : "", (size_t)columns(STDERR_FILENO) - 1);
    put(&shown, "\x1b[K");
    if (!line.failed && !shown.failed) {
        fputs(shown.data, stderr);
        fflush(stderr);
        term->line_shown = true;
    }
    buffer_free(&line);
    buffer_free(&shown);
}

void terminal_progress(void *user, const char *stage, uint64_t done, uint64_t total)
{
    enum { SILENT_MS = 2000, REDRAW_MS = 100 };
    terminal *term = user;
    if (!term->progress)
        return;
    double now = now_ms();
    const bool part = term->part_total > total;
    const uint64_t at = part ? term->part_done + done : done;
    const char *tab = strchr(stage, '\t');
    char name[sizeof term->stage];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(stage, "\t"), stage);
    if (strcmp(name, term->stage) != 0) {
        snprintf(term->stage, sizeof term->stage, "%s", name);
        term->stage_ms = now;
        term->stage_done = at;
        term->drawn_ms = 0;
    }
    if (now - term->started_ms < SILENT_MS || now - term->drawn_ms < REDRAW_MS)
        return;
    term->drawn_ms = now;
    draw(term, now, at, part ? term->part_total : total, tab ? tab + 1 : NULL);
}
