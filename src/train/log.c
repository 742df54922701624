/* The lines of log.jsonl, and the file. Includes: train/log.h. Called by: train. */
#include "train/log.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers as the rest of the JSON has them. */
static void put_line(tb_text *log, json_t *line)
{
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (text) {
        tb_text_puts(log, text);
        tb_text_putc(log, '\n');
    } else {
        log->failed = true;
    }
    free(text);
    json_decref(line);
}

void tb_log_step(tb_text *log, uint64_t step, uint64_t epoch, double loss, double rate, double gradient_norm)
{
    put_line(log, json_pack("{s:I, s:I, s:o, s:o, s:o}", "step", (json_int_t)step, "epoch", (json_int_t)epoch, "loss",
                            tb_json_real(loss), "learning_rate", tb_json_real(rate), "gradient_norm",
                            tb_json_real(gradient_norm)));
}

int tb_log_put_figures(json_t *into, const char *loss_key, const tb_valid_figures *figures)
{
    int bad = json_object_set_new(into, loss_key, tb_json_real(figures->loss));
    bad |= json_object_set_new(into, "accuracy", tb_json_real(figures->accuracy));
    if (!isnan(figures->macro_f1))
        bad |= json_object_set_new(into, "macro_f1", tb_json_real(figures->macro_f1));
    return bad;
}

void tb_log_evaluation(tb_text *log, uint64_t step, uint64_t epoch, const tb_valid_figures *figures, bool best)
{
    json_t *line = json_pack("{s:I, s:I}", "step", (json_int_t)step, "epoch", (json_int_t)epoch);
    if (!line || tb_log_put_figures(line, "valid_loss", figures) ||
        json_object_set_new(line, "best", json_boolean(best))) {
        json_decref(line);
        line = NULL;
    }
    put_line(log, line);
}

/* ---- The file ---- */

static timbang_status write_tail(tb_log_file *file, const tb_text *log, const char *mode, tb_error *err)
{
    FILE *stream = fopen(file->path, mode);
    size_t n = log->length - file->written;
    bool good = stream && (n == 0 || fwrite(log->data + file->written, 1, n, stream) == n);
    int reason = errno;
    if (stream && fclose(stream) != 0 && good) {
        good = false;
        reason = errno;
    }
    if (!good)
        return tb_fail(err, TIMBANG_IO, "%s: cannot be written: %s", file->path, strerror(reason));
    file->written = log->length;
    return TIMBANG_OK;
}

timbang_status tb_log_open(const char *folder, const tb_text *log, tb_log_file *file, tb_error *err)
{
    *file = (tb_log_file){.path = tb_path_join(folder, "log.jsonl", err)};
    return file->path ? write_tail(file, log, "wb", err) : err->status;
}

timbang_status tb_log_append(tb_log_file *file, const tb_text *log, tb_error *err)
{
    TB_TRY(tb_text_finish(log, err));
    return write_tail(file, log, "ab", err);
}

timbang_status tb_log_finish(tb_log_file *file, const tb_text *log, tb_error *err)
{
    return tb_write_file(file->path, log->data ? log->data : "", log->length, err);
}

void tb_log_close(tb_log_file *file)
{
    free(file->path);
    *file = (tb_log_file){0};
}
