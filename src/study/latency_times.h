/* What a measurement of latency has taken down, and the figures that follow from it.
 * Includes: base. Called by: study/latency. */
#ifndef TB_STUDY_LATENCY_TIMES_H
#define TB_STUDY_LATENCY_TIMES_H

#include "base/json.h"

/* Times in milliseconds, [round][text]: the rounds of turn t are passes * t to passes * (t + 1) - 1. */
typedef struct tb_latency_times {
    size_t texts, turns, passes;
    double *tokenize, *forward;
    double joules; /* of all turns; NAN: not measured */
} tb_latency_times;

/* The members of docs/results.md, "measured.latency", but ratio, ratio_interval and ratio_to where baseline is NULL.
 * baseline was timed in the same turns; it may be times itself. */
timbang_status tb_latency_figures(const tb_latency_times *times, const tb_latency_times *baseline,
                                  const char *baseline_name, json_t **out, tb_error *err);
/* The larger distance of the interval's ends from total.mean, as a part of it. */
timbang_status tb_latency_uncertainty(const tb_latency_times *times, double *out, tb_error *err);

#endif
