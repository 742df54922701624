/* log.jsonl: one object a line, the same bytes for the same training, however often it was interrupted. Times are in
 * run.json. Includes: base. Called by: train. */
#ifndef TB_TRAIN_LOG_H
#define TB_TRAIN_LOG_H

#include "base/json.h"
#include "base/text.h"

/* Figures on the validation data. */
typedef struct tb_valid_figures {
    double loss;     /* mean negative log-likelihood of a text; MLM: of a hidden token */
    double accuracy; /* MLM: of hidden tokens */
    double macro_f1; /* MLM: NAN */
} tb_valid_figures;

/* {"step", "epoch", "loss", "learning_rate", "gradient_norm"}; steps and epochs count from 1. */
void tb_log_step(tb_text *log, uint64_t step, uint64_t epoch, double loss, double rate, double gradient_norm);
/* {"step", "epoch", "valid_loss", "accuracy", "macro_f1" (MLM: none), "best": true where nothing before was as good} */
void tb_log_evaluation(tb_text *log, uint64_t step, uint64_t epoch, const tb_valid_figures *figures, bool best);
/* The same figures as members of an object. */
int tb_log_put_figures(json_t *into, const char *loss_key, const tb_valid_figures *figures);

/* The file, made from the text at first, then grown line by line, so that people can look at it while it grows. */
typedef struct tb_log_file {
    char *path;
    size_t written; /* bytes of the text that are in the file */
} tb_log_file;
timbang_status tb_log_open(const char *folder, const tb_text *log, tb_log_file *file, tb_error *err);
timbang_status tb_log_append(tb_log_file *file, const tb_text *log, tb_error *err);
/* The whole text once more, written atomically and synced. */
timbang_status tb_log_finish(tb_log_file *file, const tb_text *log, tb_error *err);
void tb_log_close(tb_log_file *file); /* a zeroed struct is fine */

#endif
