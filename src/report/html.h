/* The sections of report.html: each appends to one text. Everything that comes from data or models goes through
 * tb_html_text. Words stand where they are used, in both languages: tb_report_say.
 * Includes: base, report/data.h. Called by: report. */
#ifndef TB_REPORT_HTML_H
#define TB_REPORT_HTML_H

#include "base/text.h"
#include "report/data.h"

/* ---- Pieces (html_text.c) ---- */
void tb_html_text(tb_text *out, const char *text);             /* escaped, control characters replaced */
void tb_html_name(tb_text *out, const char *text);             /* the same, its writing direction kept to itself */
void tb_html_p(tb_text *out, double p);                        /* "0.023", "&lt; 0.001"; a dash for NaN */
void tb_html_p_equals(tb_text *out, double p);                 /* "p = 0.023", "p < 0.001" */
void tb_html_signed(tb_text *out, double value, int decimals); /* "+0.002", "0.000", with a true minus */
void tb_html_shift(tb_text *out, int64_t texts);               /* "+12" */
void tb_html_megabytes(tb_text *out, uint64_t bytes);
void tb_html_kl(tb_text *out, double kl);
void tb_html_ms(tb_text *out, double ms);                       /* three digits */
void tb_html_count(tb_text *out, uint64_t count);               /* thin spaces between thousands */
void tb_html_margin(tb_text *out, double margin);               /* "±0.01" */
const char *tb_html_texts(const tb_report *report, uint64_t n); /* "text" for one, "texts" for others */
const char *tb_html_energy(const tb_report *report);            /* the meter, or why there is none */
/* JSON that may stand in a script element: no '<' is left. */
timbang_status tb_html_json(tb_text *out, const json_t *value, tb_error *err);
/* "MODEL variant" of a result. */
void tb_html_row_name(tb_text *out, const tb_report *report, const tb_report_result *result);
/* "MODEL on SET". */
void tb_html_where(tb_text *out, const tb_report *report, size_t model, size_t set);
/* Texts with which equivalence within the margin is shown with the plan's power where the true difference is 0 and that
 * proportion of texts changes sides; of a rate of 0, with which it can be shown at all. Normal approximation. */
double tb_html_texts_needed(const tb_report *report, double margin, double rate); /* html_next.c */
/* A position on a strip, in percent, kept between 0 and 100. */
double tb_html_percent(double value, double low, double high);
const char *tb_html_say(tb_text *out, const tb_report *report, const char *en, const char *id); /* appended as it is */
void tb_html_begin_details(tb_text *out, const tb_report *report, const char *en, const char *id, bool open);
void tb_html_end_details(tb_text *out);
/* h2 to h4 with an id to link to, or NULL. */
void tb_html_heading(tb_text *out, const tb_report *report, int level, const char *en, const char *id);

/* ---- Tables (html_table.c): each scrolls in its own box; the first column stays ---- */
typedef struct tb_html_column {
    const char *en, *id; /* markup */
} tb_html_column;
/* Opens box and table with its caption, markup; the caption names the box. */
void tb_html_open_table(tb_text *out, const tb_report *report, const char *caption_en, const char *caption_id);
void tb_html_begin_table(tb_text *out, const tb_report *report, const char *caption_en, const char *caption_id,
                         const tb_html_column *columns, size_t n_columns); /* and the row of heads */
void tb_html_end_table(tb_text *out);
/* A row for the model's name above its first result of the set (none where the study has one model), then the row's
 * own head. n_columns: all of them. */
void tb_html_begin_row(tb_text *out, const tb_report *report, size_t result, size_t n_columns);
void tb_html_cell(tb_text *out, double value, int decimals); /* a dash for NaN */
void tb_html_cell_signed(tb_text *out, double value, int decimals);
void tb_html_cell_count(tb_text *out, uint64_t count);
void tb_html_cell_p(tb_text *out, double p, bool marked);
void tb_html_cell_interval(tb_text *out, tb_interval interval, int decimals, bool with_sign);
/* Is the whole interval beyond the margin of equivalence? */
bool tb_html_beyond_margin(const tb_report_tests *tests);
void tb_html_cell_equivalent(tb_text *out, const tb_report *report,
                             const tb_report_tests *tests); /* yes, not shown, no */
void tb_html_cell_dashes(tb_text *out, size_t n);

/* ---- Sections ---- */
extern const char *const tb_html_style[];                    /* html_style.c; NULL-terminated */
void tb_html_answers(tb_text *out, const tb_report *report); /* html_answers.c */
/* What one variant did on one set against FP32, a list item. */
void tb_html_answer(tb_text *out, const tb_report *report, const tb_report_result *result); /* html_answer.c */
void tb_html_next(tb_text *out, const tb_report *report);                                   /* html_next.c */
void tb_html_main_table(tb_text *out, const tb_report *report, size_t set);                 /* html_main.c */
void tb_html_tests_table(tb_text *out, const tb_report *report, size_t set);                /* html_tests.c */
void tb_html_tests_key(tb_text *out, const tb_report *report);
void tb_html_labels_table(tb_text *out, const tb_report *report, size_t set); /* html_labels.c */
void tb_html_class_table(tb_text *out, const tb_report *report, size_t set);
void tb_html_confusions(tb_text *out, const tb_report *report, size_t set);        /* html_confusion.c */
void tb_html_calibration_table(tb_text *out, const tb_report *report, size_t set); /* html_measures.c */
void tb_html_latency_table(tb_text *out, const tb_report *report, size_t set);
void tb_html_size_table(tb_text *out, const tb_report *report);
void tb_html_null_table(tb_text *out, const tb_report *report, size_t set); /* html_luck.c */
void tb_html_groups(tb_text *out, const tb_report *report, size_t set);
void tb_html_roadmap(tb_text *out, const tb_report *report); /* html_roadmap.c */
/* "QAT int8, seed 42"; false, and nothing, where the record does not tell. */
bool tb_html_role(tb_text *out, const tb_report *report, const tb_report_model *model);
void tb_html_flips(tb_text *out, const tb_report *report, size_t set);         /* html_flips.c */
void tb_html_claims(tb_text *out, const tb_report *report);                    /* html_claims.c */
void tb_html_warnings(tb_text *out, const tb_report *report, const char *set); /* html_notes.c; NULL: of no set */
void tb_html_transfer_note(tb_text *out, const tb_report *report);
void tb_html_facts(tb_text *out, const tb_report *report); /* html_facts.c */

#endif
