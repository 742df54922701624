/* What the report's tables are made of: a table is data (its columns, its captions) and a function that lists its rows;
 * the CSV and the LaTeX writer turn any of them into a file.
 * Includes: base, report/data.h. Called by: report/tables*. */
#ifndef TB_REPORT_TABLES_PARTS_H
#define TB_REPORT_TABLES_PARTS_H

#include "base/text.h"
#include "report/data.h"

/* How a figure is read from its struct, and written. In CSV every number has its full precision. */
typedef enum tb_cell_kind {
    TB_CELL_TEXT,           /* const char *; NULL: empty */
    TB_CELL_COUNT,          /* uint64_t */
    TB_CELL_SIZE,           /* size_t */
    TB_CELL_SIGNED,         /* int64_t; with its sign */
    TB_CELL_FLIPS,          /* int64_t; -1: never */
    TB_CELL_PROPORTION,     /* double, as the other reals: 0.123; NaN: empty */
    TB_CELL_DELTA,          /* +0.123 */
    TB_CELL_P,              /* 0.012, < 0.001 */
    TB_CELL_REAL,           /* 1.234 */
    TB_CELL_MS,             /* 1.23, 123.4 */
    TB_CELL_RATIO,          /* 0.25 */
    TB_CELL_KL,             /* 0.0123, 2e-5; negative: infinite */
    TB_CELL_SMALL,          /* four decimals, 2e-5 */
    TB_CELL_BYTES,          /* uint64_t; in LaTeX megabytes (10^6) */
    TB_CELL_YES,            /* bool */
    TB_CELL_EQUIVALENT,     /* bool, of tests: yes; no: shown to differ by more than the margin; else: not shown */
    TB_CELL_INTERVAL,       /* two doubles: [0.1, 0.2]; in CSV two columns, KEY_low and KEY_high */
    TB_CELL_INTERVAL_DELTA, /* [-0.1, +0.2] */
    TB_CELL_INTERVAL_RATIO,
    TB_CELL_INTERVAL_MS
} tb_cell_kind;

/* The structs that a row's cells are read from. One that a row lacks leaves its cells empty. */
typedef enum tb_row_base {
    TB_BASE_SET,
    TB_BASE_MODEL,
    TB_BASE_VARIANT,
    TB_BASE_PEAK, /* the variant, where its peak memory is known */
    TB_BASE_RESULT,
    TB_BASE_COMPARED, /* the result, where it was compared with FP32 */
    TB_BASE_TESTS,    /* its tests */
    TB_BASE_BOOT,     /* the result, where there are bootstrap intervals */
    TB_BASE_TESTS_BOOT,
    TB_BASE_FITTED, /* the result, where a temperature was fitted */
    TB_BASE_CLASS,
    TB_BASE_OTHER, /* what else a table reads from */
    TB_BASE_MORE,
    TB_BASES
} tb_row_base;

typedef struct tb_row {
    const void *base[TB_BASES];
    const char *group; /* LaTeX puts it above the rows that share it; NULL: none */
} tb_row;

enum { TB_PANELS = 3, TB_PANEL_A = 1, TB_PANEL_B = 2, TB_PANEL_C = 4, TB_PANEL_ALL = 7, TB_CSV_ONLY = 0 };

typedef struct tb_column {
    const char *key;     /* in CSV */
    const char *en, *id; /* heads in LaTeX, '|' for a new line */
    tb_cell_kind kind;
    tb_row_base base;
    size_t offset;
    unsigned panels; /* a LaTeX table that is too wide for a page stands as panels, one below the other */
} tb_column;

/* Rows in the order of the table: by set, by model. */
typedef struct tb_rows {
    tb_row *items;
    size_t n, capacity;
    tb_error *err;
    timbang_status status; /* the first failure; later rows are dropped */
} tb_rows;

typedef struct tb_table {
    const char *name;                    /* of the files */
    const char *caption_en, *caption_id; /* LaTeX */
    const tb_column *columns;
    size_t n_columns;
    void (*list)(const tb_report *report, tb_rows *rows);
    /* Instead of columns, where the two files are not of one shape. */
    void (*csv)(tb_text *out, const tb_report *report);
    void (*latex)(tb_text *out, const tb_report *report);
} tb_table;

/* ---- Rows (tables_rows.c) ---- */
void tb_rows_put(tb_rows *rows, const tb_row *row);
/* What stands above the rows of a model: its name where there are several. */
const char *tb_rows_group(const tb_report *report, const tb_report_model *model);
/* The bases of a result. */
tb_row tb_row_of_result(const tb_report *report, const tb_report_result *result);
/* One row a result, by set and model. */
void tb_rows_of_results(const tb_report *report, tb_rows *rows);
/* As above, without FP32 and what was not compared with it. */
void tb_rows_of_compared(const tb_report *report, tb_rows *rows);

/* ---- CSV, RFC 4180 (tables_csv.c) ---- */
void tb_csv_text(tb_text *out, const char *text); /* quoted where needed; no comma */
void tb_csv_real(tb_text *out, double value);     /* the shortest text that reads back as the same; nothing for NaN */
void tb_csv_table(tb_text *out, const tb_table *table, const tb_rows *rows);

/* ---- LaTeX (tables_latex.c, tables_latex_cells.c) ---- */
enum { TB_LATEX_NAME = 24, TB_LATEX_TITLE = 60 };
void tb_latex_text(tb_text *out, const char *text);             /* escaped, for pdfLaTeX with no package */
void tb_latex_cut(tb_text *out, const char *text, size_t most); /* at most so many characters */
void tb_latex_prose(tb_text *out, const char *text);            /* the same as text, long words may break */
void tb_latex_p(tb_text *out, double p);                        /* "0.023", "$<$0.001" */
void tb_latex_delta(tb_text *out, double value, int decimals);  /* "$+$0.002" */
void tb_latex_head(tb_text *out, const tb_report *report, const char *name); /* the comment a file begins with */
void tb_latex_columns_head(tb_text *out, const char *head, char align);      /* '|' breaks the line */
/* What stands above a tabular. */
typedef struct tb_latex_title {
    const char *set, *model; /* NULL: of none */
    size_t set_index;
    size_t number; /* of the tables of one set, for their labels */
    bool continued;
} tb_latex_title;
/* \begin{table} with caption and label. */
void tb_latex_begin(tb_text *out, const tb_report *report, const tb_table *table, const tb_latex_title *title);
void tb_latex_end(tb_text *out);
void tb_latex_table(tb_text *out, const tb_report *report, const tb_table *table, const tb_rows *rows);
/* One cell of a row. */
void tb_latex_cell(tb_text *out, const tb_report *report, const tb_column *column, const tb_row *row);

/* ---- The tables ---- */
extern const tb_table tb_table_main, tb_table_tests, tb_table_calibration, tb_table_latency; /* tables_results.c */
extern const tb_table tb_table_per_class, tb_table_confusion, tb_table_labels;               /* tables_classes.c */
extern const tb_table tb_table_sizes, tb_table_null, tb_table_seeds;                         /* tables_study.c */
extern const tb_table tb_table_flips;                                                        /* tables_flips.c */
extern const tb_table tb_table_roadmap_rows, tb_table_roadmap_tests, tb_table_roadmap_seeds; /* tables_roadmap.c */
extern const tb_table tb_table_claims;                                                       /* tables_claims.c */

/* The figure of a column in a row; NULL where the row has none. */
static inline const void *tb_cell_at(const tb_column *column, const tb_row *row)
{
    const char *base = row->base[column->base];
    return base ? base + column->offset : NULL;
}

#endif
