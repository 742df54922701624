/* Latency of single texts, several models interleaved in one run, so that drift of the machine hits all alike.
 * Includes: base, model, study/task.h. Called by: study. */
#ifndef TB_STUDY_LATENCY_H
#define TB_STUDY_LATENCY_H

#include "study/task.h"

enum { TB_LATENCY_TEXTS = 100, TB_LATENCY_ROUNDS = 3, TB_LATENCY_MAX_ROUNDS = 101 };

typedef struct tb_latency_job {
    const tb_classifier *const *models; /* [n_models] */
    size_t n_models;
    tb_workspace *workspace;
    const tb_task *task;
    size_t texts, rounds; /* at most so many texts, spread evenly over the set; 0: the defaults above */
    tb_run_options run;   /* max_length, clean, hooks; batch is 1 */
} tb_latency_job;

/* Warms every model up, then in each round sends the same texts one by one through every model in turn (the first
 * model of a round rotates). A text's time is the median of its rounds. out[m], to be decref'd by the caller:
 * {texts, rounds, tokenize, forward, total: {mean, sd, ...}, ratio}; ratio is the median over the texts of
 * total / total of models[0], paired. */
timbang_status tb_latency_measure(const tb_latency_job *job, json_t **out, tb_error *err);

#endif
