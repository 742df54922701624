/* What the methods text is made of: sentences in two languages that name their sources.
 * Includes: base, report/data.h. Called by: report/methods*, report/bibliography. */
#ifndef TB_REPORT_METHODS_PARTS_H
#define TB_REPORT_METHODS_PARTS_H

#include "base/text.h"
#include "report/data.h"

enum { TB_SOURCES_MOST = 32 };

typedef struct tb_methods {
    const tb_report *report;
    tb_text *out;
    bool used[TB_SOURCES_MOST]; /* by the text so far */
} tb_methods;

/* ---- bibliography.c ---- */
/* Writes \cite{keys}; keys: names with commas. */
void tb_methods_cite(tb_methods *methods, const char *keys, size_t length);
/* references.bib: what the text has used, in the order of the keys. */
void tb_methods_sources(tb_text *out, const tb_methods *methods);

/* ---- methods.c ---- */
/* The sentence of the report's language; "@holm1979@" becomes a citation. The rest is LaTeX. */
void tb_methods_say(tb_methods *methods, const char *en, const char *id);
void tb_methods_paragraph(tb_methods *methods, const char *en, const char *id);

/* ---- methods_tests.c ---- */
void tb_methods_plan(tb_methods *methods);
void tb_methods_figures(tb_methods *methods);
void tb_methods_tests(tb_methods *methods);
void tb_methods_null(tb_methods *methods);
void tb_methods_seeds(tb_methods *methods);
void tb_methods_roadmap(tb_methods *methods);

#endif
