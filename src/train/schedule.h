/* The learning rate of a step. Includes: base. Called by: train/run.c. */
#ifndef TB_TRAIN_SCHEDULE_H
#define TB_TRAIN_SCHEDULE_H

#include "base/status.h"

#include <stdint.h>

typedef enum tb_schedule { TB_SCHEDULE_LINEAR, TB_SCHEDULE_COSINE, TB_SCHEDULE_CONSTANT } tb_schedule;

/* "linear", "cosine", "constant"; another name is TIMBANG_USAGE. */
timbang_status tb_schedule_parse(const char *name, tb_schedule *schedule, tb_error *err);
const char *tb_schedule_name(tb_schedule schedule);

/* What the learning rate is multiplied with in step `step` of `total`, counted from 0: up from 0 over the first
 * `warmup` steps, then down to 0 in a line or half a cosine, or staying. As get_linear_schedule_with_warmup,
 * get_cosine_schedule_with_warmup and get_constant_schedule_with_warmup of Hugging Face, whose first step with a
 * warm-up has rate 0. The same bits everywhere. */
double tb_schedule_factor(tb_schedule schedule, uint64_t step, uint64_t warmup, uint64_t total);

#endif
