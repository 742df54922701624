/* SPDX-License-Identifier: Apache-2.0
 * Tables by label: per_class, confusion, labels (how often each was said). In CSV one row a label; in LaTeX the last
 * two have a column a label, which stops at MOST_COLUMNS. Includes: report/tables_parts.h. Called by: report/tables. */
#include "report/tables_parts.h"

#include <stdlib.h>

enum { MOST_COLUMNS = 10, HEAD_CHARACTERS = 60, LINES_OF_A_PAGE = 40 };

#define CLASS(field) TB_BASE_CLASS, offsetof(tb_report_class, field)

/* ---- Figures by label ---- */

static const tb_column per_class_columns[] = {
    {"data", "", "", TB_CELL_TEXT, TB_BASE_SET, offsetof(tb_report_set, name), TB_CSV_ONLY},
    {"model", "", "", TB_CELL_TEXT, TB_BASE_MODEL, offsetof(tb_report_model, name), TB_CSV_ONLY},
    {"variant", "Variant", "Varian", TB_CELL_TEXT, TB_BASE_VARIANT, offsetof(tb_report_variant, name), TB_PANEL_A},
    {"label", "Label", "Label", TB_CELL_TEXT, CLASS(label), TB_PANEL_A},
    {"precision", "Precision", "Presisi", TB_CELL_PROPORTION, CLASS(precision), TB_PANEL_A},
    {"recall", "Recall", "Recall", TB_CELL_PROPORTION, CLASS(recall), TB_PANEL_A},
    {"f1", "F1", "F1", TB_CELL_PROPORTION, CLASS(f1), TB_PANEL_A},
    {"support", "Truth", "Benar", TB_CELL_COUNT, CLASS(truth), TB_PANEL_A},
    {"predicted", "Predicted", "Prediksi", TB_CELL_COUNT, CLASS(predicted), TB_PANEL_A},
};

static void list_classes(const tb_report *report, tb_rows *rows)
{
    tb_rows results = {.err = rows->err};
    tb_rows_of_results(report, &results);
    rows->status = results.status;
    for (size_t i = 0; i < results.n; i++) {
        const tb_report_result *result = results.items[i].base[TB_BASE_RESULT];
        for (size_t c = 0; c < result->n_classes; c++) {
            tb_row row = results.items[i];
            row.base[TB_BASE_CLASS] = &result->classes[c];
            tb_rows_put(rows, &row);
        }
    }
    free(results.items);
}

const tb_table tb_table_per_class = {
    .name = "per_class",
    .caption_en = "Precision, recall and F1 by label; texts with the label in the truth and as predicted.",
    .caption_id = "Presisi, recall, dan F1 per label; banyaknya teks berlabel itu sebenarnya dan menurut prediksi.",
    .columns = per_class_columns,
    .n_columns = sizeof per_class_columns / sizeof per_class_columns[0],
    .list = list_classes,
};

/* ---- A column a label ---- */

static void put_names_csv(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    tb_csv_text(out, report->sets[r->set].name);
    tb_text_putc(out, ',');
    tb_csv_text(out, report->models[r->model].name);
    tb_text_putc(out, ',');
    tb_csv_text(out, report->variants[r->variant].name);
    tb_text_putc(out, ',');
}

/* The first result of a model on a set, in the order of the record. */
static const tb_report_result *first_of(const tb_report *report, size_t set, size_t model)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i].set == set && report->results[i].model == model)
            return &report->results[i];
    return NULL;
}

static void put_label_heads(tb_text *out, const tb_report_result *r, const char *first, const char *second,
                            const char *last)
{
    size_t most = HEAD_CHARACTERS / r->n_classes, lead = second ? 2 : 1;
    tb_text_puts(out, "\\begin{tabular}{@{}");
    for (size_t c = 0; c < r->n_classes + lead + (last ? 1 : 0); c++)
        tb_text_putc(out, c < lead ? 'l' : 'r');
    tb_text_puts(out, "@{}}\n\\toprule\n");
    tb_text_puts(out, first);
    if (second)
        tb_text_printf(out, " & %s", second);
    for (size_t c = 0; c < r->n_classes; c++) {
        tb_text_puts(out, " & ");
        tb_latex_cut(out, r->classes[c].label, most < 16 ? most : 16);
    }
    if (last) {
        tb_text_puts(out, " & ");
        tb_latex_columns_head(out, last, 'r');
    }
    tb_text_puts(out, " \\\\\n\\midrule\n");
}

static void put_variant(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    tb_latex_cut(out, report->variants[r->variant].name, TB_LATEX_NAME);
}

/* Draws the results of one model on one set, of which `first` is the first; returns how many tables that took. number:
 * of the first of them among the set's. */
typedef size_t (*block_draw)(tb_text *out, const tb_report *report, const tb_report_result *first, size_t number);

/* Calls for every set and model that has results; those with too many labels get a remark. */
static void each_block(tb_text *out, const tb_report *report, const tb_table *table, block_draw put)
{
    tb_latex_head(out, report, table->name);
    for (size_t s = 0; s < report->n_sets; s++)
        for (size_t m = 0, number = 0; m < report->n_models; m++) {
            const tb_report_result *first = first_of(report, s, m);
            if (first && first->n_classes <= MOST_COLUMNS)
                number += put(out, report, first, number);
            else if (first)
                tb_text_printf(out, "%% %zu labels are more than a page is wide: see %s.csv.\n", first->n_classes,
                               table->name);
        }
}

static void begin_block(tb_text *out, const tb_report *report, const tb_table *table, const tb_report_result *r,
                        size_t number, bool continued)
{
    const tb_latex_title title = {
        .set = report->sets[r->set].name,
        .set_index = r->set,
        .model = report->models[r->model].name,
        .number = number,
        .continued = continued,
    };
    tb_latex_begin(out, report, table, &title);
}

/* ---- Confusion ---- */

static void confusion_csv(tb_text *out, const tb_report *report)
{
    tb_text_puts(out, "data,model,variant,truth,predicted,n\r\n");
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        for (size_t t = 0; t < r->n_classes; t++)
            for (size_t p = 0; p < r->n_classes; p++) {
                put_names_csv(out, report, r);
                tb_csv_text(out, r->classes[t].label);
                tb_text_putc(out, ',');
                tb_csv_text(out, r->classes[p].label);
                tb_text_printf(out, ",%llu\r\n", (unsigned long long)r->confusion[t * r->n_classes + p]);
            }
    }
}

static void put_confusion_rows(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    for (size_t t = 0; t < r->n_classes; t++) {
        if (t == 0)
            put_variant(out, report, r);
        tb_text_puts(out, " & ");
        tb_latex_cut(out, r->classes[t].label, TB_LATEX_NAME);
        for (size_t p = 0; p < r->n_classes; p++)
            tb_text_printf(out, " & %llu", (unsigned long long)r->confusion[t * r->n_classes + p]);
        tb_text_puts(out, " \\\\\n");
    }
}

static void end_block(tb_text *out)
{
    tb_text_puts(out, "\\bottomrule\n\\end{tabular}\n");
    tb_latex_end(out);
}

static size_t put_confusions(tb_text *out, const tb_report *report, const tb_report_result *first, size_t number)
{
    size_t lines = 0, part = 0;
    for (const tb_report_result *r = first; r < report->results + report->n_results; r++) {
        if (r->set != first->set || r->model != first->model)
            continue;
        if (lines > 0 && lines + r->n_classes > LINES_OF_A_PAGE) {
            end_block(out);
            lines = 0;
            part++;
        }
        if (lines == 0) {
            begin_block(out, report, &tb_table_confusion, r, number + part, part > 0);
            put_label_heads(out, r, tb_report_say(report, "Variant", "Varian"),
                            tb_report_say(report, "Truth", "Label benar"), NULL);
        } else
            tb_text_puts(out, "\\addlinespace\n");
        put_confusion_rows(out, report, r);
        lines += r->n_classes;
    }
    end_block(out);
    return part + 1;
}

static void confusion_latex(tb_text *out, const tb_report *report)
{
    each_block(out, report, &tb_table_confusion, put_confusions);
}

const tb_table tb_table_confusion = {
    .name = "confusion",
    .caption_en = "Confusion matrices: texts by true label (rows) and predicted label (columns).",
    .caption_id = "Matriks konfusi: banyaknya teks menurut label benar (baris) dan label prediksi (kolom).",
    .csv = confusion_csv,
    .latex = confusion_latex,
};

/* ---- Labels said ---- */

static void labels_csv(tb_text *out, const tb_report *report)
{
    tb_text_puts(out, "data,model,variant,label,truth,predicted,shift\r\n");
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        for (size_t c = 0; c < r->n_classes; c++) {
            put_names_csv(out, report, r);
            tb_csv_text(out, r->classes[c].label);
            tb_text_printf(out, ",%llu,%llu,", (unsigned long long)r->classes[c].truth,
                           (unsigned long long)r->classes[c].predicted);
            if (r->compared)
                tb_text_printf(out, "%lld", (long long)r->tests.shifts[c]);
            tb_text_puts(out, "\r\n");
        }
    }
}

static size_t put_labels(tb_text *out, const tb_report *report, const tb_report_result *first, size_t number)
{
    begin_block(out, report, &tb_table_labels, first, number, false);
    put_label_heads(out, first, "", NULL, tb_report_say(report, "Marginal|Holm $p$", "Marginal|$p$ Holm"));
    tb_text_puts(out, tb_report_say(report, "\\emph{truth}", "\\emph{label benar}"));
    for (size_t c = 0; c < first->n_classes; c++)
        tb_text_printf(out, " & %llu", (unsigned long long)first->classes[c].truth);
    tb_text_puts(out, " & \\\\\n");
    for (const tb_report_result *r = first; r < report->results + report->n_results; r++) {
        if (r->set != first->set || r->model != first->model)
            continue;
        put_variant(out, report, r);
        for (size_t c = 0; c < r->n_classes; c++)
            tb_text_printf(out, " & %llu", (unsigned long long)r->classes[c].predicted);
        tb_text_puts(out, " & ");
        if (r->compared)
            tb_latex_p(out, r->tests.marginal_p_holm);
        else
            tb_text_puts(out, "--");
        tb_text_puts(out, " \\\\\n");
    }
    end_block(out);
    return 1;
}

static void labels_latex(tb_text *out, const tb_report *report)
{
    each_block(out, report, &tb_table_labels, put_labels);
}

const tb_table tb_table_labels = {
    .name = "labels",
    .caption_en = "How often each label is said: texts in the truth and as predicted. Marginal: Stuart--Maxwell test "
                  "against FP32, Holm over the variants.",
    .caption_id = "Seberapa sering setiap label dipilih: banyaknya teks sebenarnya dan menurut prediksi. Marginal: uji "
                  "Stuart--Maxwell terhadap FP32, Holm atas varian.",
    .csv = labels_csv,
    .latex = labels_latex,
};
