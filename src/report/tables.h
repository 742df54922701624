/* The report's tables as files: CSV for machines, LaTeX (booktabs) for papers; and the methods text with its sources.
 * Includes: base, report/data.h. Called by: report/write, report/html. */
#ifndef TB_REPORT_TABLES_H
#define TB_REPORT_TABLES_H

#include "report/data.h"

/* folder/tables/NAME.csv and NAME.tex of all tables. A table of which this study has no rows is a head in CSV and a
 * comment in LaTeX, so that a document can read all of them. */
timbang_status tb_tables_write(const tb_report *report, const char *folder, tb_error *err);
/* folder/methods.tex and folder/references.bib. */
timbang_status tb_methods_write(const tb_report *report, const char *folder, tb_error *err);

/* What the literature claims and what was measured here: arXiv 2411.06084, and a study of a fine-tuned IndoBERT with
 * per-tensor schemes in Python, whose tables state sizes, mean latencies and accuracies on SmSA and on tweets.
 * measured NaN: not available, and why. */
typedef struct tb_claim {
    const char *source, *what, *claimed; /* "arXiv:2411.06084", "INT8 throughput against FP32", "2.4" */
    double measured;
    const char *why_not; /* NULL where measured */
    const char *variant; /* of this run; NULL where not measured */
    char from[256];      /* "MODEL VARIANT on SET": where the measured one comes from; "" where there is none */
} tb_claim;
enum { TB_CLAIMS_MOST = 48 }; /* room that is always enough */
/* At most `most` claims for one model on one set, in the report's language; returns how many (0 where the model was not
 * run on the set). Strings live as long as the report. */
size_t tb_claims(const tb_report *report, size_t model, size_t set, tb_claim *claims, size_t most);

#endif
