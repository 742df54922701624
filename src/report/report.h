/* What can be drawn from a results.json, and from nothing else.
 * Includes: base. Called by: api. */
#ifndef TB_REPORT_REPORT_H
#define TB_REPORT_REPORT_H

#include "base/json.h"

/* results is the parsed results.json (docs/results.md). Every field that is drawn is required: a missing or odd one is
 * TIMBANG_FORMAT naming it ("results[3].accuracy is missing"). */

/* A table for a terminal, at most `width` characters wide where the columns allow it (0: no limit); free(*text). */
timbang_status tb_report_table(const json_t *results, int width, bool color, char **text, tb_error *err);

/* One HTML file that needs nothing beside it; free(*text). */
timbang_status tb_report_html(const json_t *results, char **text, tb_error *err);
/* The same, written to path as a whole or not at all. */
timbang_status tb_report_html_file(const json_t *results, const char *path, tb_error *err);
/* report.html, tables/, figures/, methods.tex and references.bib, into a folder that exists. lang: "en", "id"; NULL: as
 * the study was asked. Fits tb_study_job.draw. */
timbang_status tb_report_write(const json_t *results, const char *lang, const char *folder, tb_error *err);

#endif
