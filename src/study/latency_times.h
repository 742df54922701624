/* What a measurement of latency has taken down, turn by turn, and the figures that follow from it.
 * Includes: base. Called by: study/latency, study/timings. */
#ifndef TB_STUDY_LATENCY_TIMES_H
#define TB_STUDY_LATENCY_TIMES_H

#include "base/json.h"

/* Kinds of a text's time. */
enum { TB_TIME_TOKENIZE, TB_TIME_FORWARD, TB_TIME_TOTAL, TB_TIME_KINDS };

/* One turn of one model: all texts, passes times. */
typedef struct tb_latency_turn {
    size_t texts, passes;
    double joules;  /* NAN: not measured */
    double *values; /* [TB_TIME_KINDS][texts] ms, each the median of the passes; then [passes] ms, of each pass */
} tb_latency_turn;
timbang_status tb_latency_turn_make(size_t texts, size_t passes, tb_latency_turn *turn, tb_error *err);
void tb_latency_turn_free(tb_latency_turn *turn); /* a zeroed one is fine */

/* The turns of one model so far, in the order of time. A zeroed one is empty. */
typedef struct tb_latency_times {
    tb_latency_turn *turns;
    size_t n, room;
} tb_latency_times;
/* Takes the turn over, also on failure. It has as many texts as those before. */
timbang_status tb_latency_times_add(tb_latency_times *times, tb_latency_turn *turn, tb_error *err);
double tb_latency_times_ms(const tb_latency_times *times); /* the sum of all passes */
void tb_latency_times_free(tb_latency_times *times);

/* The members of docs/results.md, "measured.latency", but ratio, ratio_interval and ratio_to where baseline is NULL.
 * baseline was timed in the same turns; it may be times itself. span_s: from the first turn to the last. At least two
 * turns are needed. */
timbang_status tb_latency_figures(const tb_latency_times *times, const tb_latency_times *baseline,
                                  const char *baseline_name, double span_s, json_t **out, tb_error *err);
/* The distance of the interval's ends from total.mean, as a part of it. */
timbang_status tb_latency_uncertainty(const tb_latency_times *times, double span_s, double *out, tb_error *err);

#endif
