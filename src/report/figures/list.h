/* The drawings, one file each. Includes: report/figures/svg.h. Called by: report/figures/list.c. */
#ifndef TB_REPORT_FIGURES_LIST_H
#define TB_REPORT_FIGURES_LIST_H

#include "report/figures/svg.h"

void tb_figure_pipeline(tb_text *out, const tb_report *report, size_t set);
void tb_figure_summary(tb_text *out, const tb_report *report, size_t set);
void tb_figure_accuracy(tb_text *out, const tb_report *report, size_t set);
void tb_figure_forest(tb_text *out, const tb_report *report, size_t set);
void tb_figure_tradeoff(tb_text *out, const tb_report *report, size_t set);
void tb_figure_reliability(tb_text *out, const tb_report *report, size_t set);
void tb_figure_latency(tb_text *out, const tb_report *report, size_t set);
void tb_figure_labels(tb_text *out, const tb_report *report, size_t set);
void tb_figure_sizes(tb_text *out, const tb_report *report, size_t set);
void tb_figure_null(tb_text *out, const tb_report *report, size_t set);
void tb_figure_seeds(tb_text *out, const tb_report *report, size_t set);

/* Whether there is anything to draw. */
bool tb_figure_wants_forest(const tb_report *report, size_t set);
bool tb_figure_wants_tradeoff(const tb_report *report, size_t set);
bool tb_figure_wants_null(const tb_report *report, size_t set);
bool tb_figure_wants_seeds(const tb_report *report, size_t set);
bool tb_figure_wants_latency(const tb_report *report, size_t set);
bool tb_figure_wants_results(const tb_report *report, size_t set);

#endif
