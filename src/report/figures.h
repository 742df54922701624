/* Figures as SVG: the same drawing stands in report.html and, with its own style, in figures/NAME.svg and NAME.pdf.
 * Includes: base, report/data.h. Called by: report/html, report/write. */
#ifndef TB_REPORT_FIGURES_H
#define TB_REPORT_FIGURES_H

#include "base/text.h"
#include "report/data.h"

/* Appends one <svg> element with viewBox, role="img", <title> and <desc>; real text; colors through the classes of
 * tb_figure_style only, so that light and dark both work. set: index of the data set; ignored by figures of the whole
 * study. */
typedef void (*tb_figure_draw)(tb_text *out, const tb_report *report, size_t set);

typedef struct tb_figure {
    const char *name;                                    /* of the file: "forest", "summary", ... */
    bool per_set;                                        /* drawn once a set, file NAME-SET.svg; else once, NAME.svg */
    bool (*wanted)(const tb_report *report, size_t set); /* NULL: always; such as "null models were run" */
    tb_figure_draw draw;
    const char *caption_en, *caption_id; /* one or two sentences */
} tb_figure;

/* NULL-name-terminated: pipeline, summary, accuracy, forest, tradeoff, reliability, latency, labels, sizes, null,
 * seeds. */
extern const tb_figure tb_figures[];
const tb_figure *tb_figure_find(const char *name); /* NULL: unknown */

/* The rules that the drawings' classes need, for the page's own <style> (it brings the color variables for both
 * modes); NULL-terminated pieces. */
extern const char *const tb_figure_style[];

/* folder/figures/NAME[-SET].svg, and .pdf where librsvg is installed; set names are made safe and unique. */
timbang_status tb_figures_write(const tb_report *report, const char *folder, tb_error *err);
/* True where PDF is written: librsvg and cairo can be loaded. */
bool tb_figures_pdf(void);

#endif
