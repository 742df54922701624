/* The sections of report.html: each appends to one text. Everything that comes from data or models goes through
 * tb_html_text. Includes: base, report/data.h. Called by: report. */
#ifndef TB_REPORT_HTML_H
#define TB_REPORT_HTML_H

#include "base/text.h"
#include "report/data.h"

/* ---- Pieces (html_text.c) ---- */
void tb_html_text(tb_text *out, const char *text); /* escaped, control characters replaced */
void tb_html_name(tb_text *out, const char *text); /* the same, its writing direction kept to itself */
void tb_html_p(tb_text *out, double p);            /* "0.023", "&lt; 0.001" */
void tb_html_megabytes(tb_text *out, uint64_t bytes);
void tb_html_kl(tb_text *out, double kl);
/* JSON that may stand in a script element: no '<' is left. */
timbang_status tb_html_json(tb_text *out, const json_t *value, tb_error *err);
/* "MODEL variant" of a result. */
void tb_html_row_name(tb_text *out, const tb_report *report, const tb_report_result *result);
/* In the rows of a figure: the model's name above its first result (nothing where the study has one model only), then
 * the variant's name. */
void tb_html_figure_name(tb_text *out, const tb_report *report, size_t result);
/* A position on a strip, in percent, kept between 0 and 100. */
double tb_html_percent(double value, double low, double high);
/* The class of label number i: one of eight colors, "k0".."k7". */
size_t tb_html_color(size_t i);

/* ---- Sections ---- */
extern const char *const tb_html_style[];                                   /* html_style.c; NULL-terminated */
void tb_html_summary(tb_text *out, const tb_report *report);                /* html_summary.c */
void tb_html_main_table(tb_text *out, const tb_report *report, size_t set); /* html_tables.c */
void tb_html_class_table(tb_text *out, const tb_report *report, size_t set);
void tb_html_calibration_table(tb_text *out, const tb_report *report, size_t set);
void tb_html_latency_table(tb_text *out, const tb_report *report, size_t set);
void tb_html_sentences(tb_text *out, const tb_report *report, size_t set);
void tb_html_confusions(tb_text *out, const tb_report *report, size_t set);    /* html_confusion.c */
void tb_html_fig_accuracy(tb_text *out, const tb_report *report, size_t set);  /* fig_accuracy.c */
void tb_html_fig_counts(tb_text *out, const tb_report *report, size_t set);    /* fig_counts.c */
void tb_html_fig_sizes(tb_text *out, const tb_report *report);                 /* fig_sizes.c */
void tb_html_warnings(tb_text *out, const tb_report *report, const char *set); /* html_facts.c; NULL: of no set */
void tb_html_facts(tb_text *out, const tb_report *report);

#endif
