/* SPDX-License-Identifier: Apache-2.0
 * Tables of the roadmap: rows and schemes; the paired tests over seeds, and seed by seed.
 * Includes: report/tables_parts.h. Called by: report/tables. */
#include "report/tables_parts.h"

#include <math.h>
#include <string.h>

static const char *stage_of(const tb_report *report, const char *stage)
{
    if (strcmp(stage, "qat") == 0)
        return "QAT";
    if (strcmp(stage, "base") == 0)
        return tb_report_say(report, "base", "dasar");
    if (strcmp(stage, "control") == 0)
        return tb_report_say(report, "control", "kontrol");
    return "fine-tuned";
}

/* ---- Rows and schemes: in CSV a row a cell, in LaTeX a row a row ---- */

/* A cell with what its row and column are called. */
typedef struct cell_line {
    const char *row, *stage, *scheme, *variant;
    size_t seeds;
    bool trained;
} cell_line;

#define LINE(field) TB_BASE_OTHER, offsetof(cell_line, field)
#define CELL(field) TB_BASE_MORE, offsetof(tb_report_cell, field)
#define SET_NAME    TB_BASE_SET, offsetof(tb_report_set, name)

static const tb_column roadmap_columns[] = {
    {"data", "", "", TB_CELL_TEXT, SET_NAME, TB_CSV_ONLY},
    {"row", "", "", TB_CELL_TEXT, LINE(row), TB_CSV_ONLY},
    {"stage", "", "", TB_CELL_TEXT, LINE(stage), TB_CSV_ONLY},
    {"trained_scheme", "", "", TB_CELL_TEXT, LINE(scheme), TB_CSV_ONLY},
    {"seeds", "", "", TB_CELL_SIZE, LINE(seeds), TB_CSV_ONLY},
    {"variant", "", "", TB_CELL_TEXT, LINE(variant), TB_CSV_ONLY},
    {"trained", "", "", TB_CELL_YES, LINE(trained), TB_CSV_ONLY},
    {"macro_f1_mean", "", "", TB_CELL_PROPORTION, CELL(macro_f1.mean), TB_CSV_ONLY},
    {"macro_f1_sd", "", "", TB_CELL_PROPORTION, CELL(macro_f1.sd), TB_CSV_ONLY},
    {"accuracy_mean", "", "", TB_CELL_PROPORTION, CELL(accuracy.mean), TB_CSV_ONLY},
    {"accuracy_sd", "", "", TB_CELL_PROPORTION, CELL(accuracy.sd), TB_CSV_ONLY},
};

static void put_cells(const tb_report *report, const tb_report_road_row *from, size_t set, tb_rows *rows)
{
    cell_line *lines = tb_arena_alloc(report->arena, from->n_cells + 1, sizeof *lines, rows->err);
    if (!lines) {
        rows->status = rows->err->status;
        return;
    }
    for (size_t c = 0; c < from->n_cells; c++) {
        const tb_report_cell *cell = &from->cells[c];
        if (cell->set != set)
            continue;
        lines[c] = (cell_line){.row = from->name,
                               .stage = from->stage,
                               .scheme = from->scheme,
                               .variant = report->roadmap.variants[cell->variant],
                               .seeds = from->n_models,
                               .trained = cell->trained};
        tb_row row = {0};
        row.base[TB_BASE_SET] = &report->sets[set];
        row.base[TB_BASE_OTHER] = &lines[c];
        row.base[TB_BASE_MORE] = cell;
        tb_rows_put(rows, &row);
    }
}

static void list_roadmap(const tb_report *report, tb_rows *rows)
{
    for (size_t s = 0; s < report->n_sets; s++)
        for (size_t r = 0; r < report->roadmap.n_rows && rows->status == TIMBANG_OK; r++)
            put_cells(report, &report->roadmap.rows[r], s, rows);
}

static void put_latex_cell(tb_text *out, const tb_report_road_row *row, size_t set, size_t variant)
{
    for (size_t c = 0; c < row->n_cells; c++) {
        const tb_report_cell *cell = &row->cells[c];
        if (cell->set != set || cell->variant != variant)
            continue;
        tb_text_puts(out, cell->trained ? "\\textbf{" : "");
        tb_text_printf(out, "%.3f", cell->macro_f1.mean);
        tb_text_puts(out, cell->trained ? "}" : "");
        if (row->n_models > 1)
            tb_text_printf(out, "{\\scriptsize\\,$\\pm$\\,%.3f}", cell->macro_f1.sd);
        return;
    }
    tb_text_puts(out, "--");
}

static void put_latex_rows(tb_text *out, const tb_report *report, size_t set, size_t begin, size_t end)
{
    const tb_report_roadmap *road = &report->roadmap;
    for (size_t r = 0; r < road->n_rows; r++) {
        const tb_report_road_row *row = &road->rows[r];
        tb_latex_cut(out, row->name, TB_LATEX_NAME);
        tb_text_printf(out, " & %s", stage_of(report, row->stage));
        if (row->scheme) {
            tb_text_putc(out, ' ');
            tb_latex_cut(out, row->scheme, TB_LATEX_NAME);
        }
        if (row->untrained_head)
            tb_text_puts(out, tb_report_say(report, ", untrained", ", belum dilatih"));
        tb_text_printf(out, " & %zu", row->n_models);
        for (size_t v = begin; v < end; v++) {
            tb_text_puts(out, " & ");
            put_latex_cell(out, row, set, v);
        }
        tb_text_puts(out, " \\\\\n");
    }
}

/* So many schemes as fit the width of a page; the others follow below. */
static void put_latex_panel(tb_text *out, const tb_report *report, size_t set, size_t begin, size_t end)
{
    tb_text_puts(out, "\\begin{tabular}{@{}llr");
    for (size_t v = begin; v < end; v++)
        tb_text_putc(out, 'r');
    tb_text_puts(out, "@{}}\n\\toprule\n");
    tb_text_puts(out, tb_report_say(report, "Model & Training & Seeds", "Model & Pelatihan & \\emph{Seed}"));
    for (size_t v = begin; v < end; v++) {
        tb_text_puts(out, " & ");
        tb_latex_cut(out, report->roadmap.variants[v], TB_LATEX_NAME);
    }
    tb_text_puts(out, " \\\\\n\\midrule\n");
    put_latex_rows(out, report, set, begin, end);
    tb_text_puts(out, "\\bottomrule\n\\end{tabular}\n");
}

static void roadmap_latex(tb_text *out, const tb_report *report)
{
    enum { SCHEMES_OF_A_LINE = 5 };
    size_t n = report->roadmap.n_variants;
    tb_latex_head(out, report, tb_table_roadmap_rows.name);
    for (size_t s = 0; s < report->n_sets && n > 0; s++) {
        const tb_latex_title title = {.set = report->sets[s].name, .set_index = s};
        tb_latex_begin(out, report, &tb_table_roadmap_rows, &title);
        for (size_t v = 0; v < n; v += SCHEMES_OF_A_LINE) {
            tb_text_puts(out, v > 0 ? "\n\\medskip\n" : "");
            put_latex_panel(out, report, s, v, n - v < SCHEMES_OF_A_LINE ? n : v + SCHEMES_OF_A_LINE);
        }
        tb_latex_end(out);
    }
}

const tb_table tb_table_roadmap_rows = {
    .name = "roadmap",
    .caption_en =
        "Macro F1 from the base model to quantization-aware training (QAT), each model under every scheme; over "
        "seeds mean and standard deviation. Bold: the scheme that QAT trained for; its other cells, and all of "
        "other rows but FP32, are quantized after training. Control: trained on in FP32 for as long as QAT.",
    .caption_id = "F1 makro dari model dasar sampai pelatihan sadar kuantisasi (QAT), tiap model dalam setiap skema; "
                  "antar-\\emph{seed} rerata dan simpangan baku. Tebal: skema tujuan QAT; sel lainnya, dan semua pada "
                  "baris lain selain FP32, dikuantisasi setelah pelatihan. Kontrol: dilatih lanjut dalam FP32 selama "
                  "QAT.",
    .columns = roadmap_columns,
    .n_columns = sizeof roadmap_columns / sizeof roadmap_columns[0],
    .list = list_roadmap,
    .latex = roadmap_latex,
};

/* ---- Paired tests ---- */

/* A pair with what its rows are called; group: above its rows in LaTeX. */
typedef struct pair_line {
    const char *kind, *row, *baseline, *variant;
    char group[2 * TB_LATEX_TITLE + 8];
} pair_line;

#define NAMES(field) TB_BASE_OTHER, offsetof(pair_line, field)
#define PAIR(field)  TB_BASE_MORE, offsetof(tb_report_pair, field)
#define SEED(field)  TB_BASE_CLASS, offsetof(tb_report_pair_seed, field)

static const tb_column tests_columns[] = {
    {"data", "", "", TB_CELL_TEXT, SET_NAME, TB_CSV_ONLY},
    {"kind", "", "", TB_CELL_TEXT, NAMES(kind), TB_CSV_ONLY},
    {"row", "", "", TB_CELL_TEXT, NAMES(row), TB_CSV_ONLY},
    {"baseline", "", "", TB_CELL_TEXT, NAMES(baseline), TB_CSV_ONLY},
    {"variant", "Variant", "Varian", TB_CELL_TEXT, NAMES(variant), TB_PANEL_ALL},
    {"seeds", "Seeds", "\\emph{Seed}", TB_CELL_SIZE, PAIR(n_seeds), TB_PANEL_A},
    {"delta_macro_f1_mean", "$\\Delta$F1", "$\\Delta$F1", TB_CELL_DELTA, PAIR(delta_macro_f1.mean), TB_PANEL_A},
    {"delta_macro_f1_sd", "", "", TB_CELL_PROPORTION, PAIR(delta_macro_f1.sd), TB_CSV_ONLY},
    {"delta_macro_f1_interval", "95\\%", "95\\%", TB_CELL_INTERVAL_DELTA, PAIR(delta_macro_f1.interval), TB_PANEL_A},
    {"p", "$p$", "$p$", TB_CELL_P, PAIR(p), TB_PANEL_A},
    {"p_holm", "Holm", "Holm", TB_CELL_P, PAIR(p_holm), TB_PANEL_A},
    {"delta_accuracy_mean", "$\\Delta$Accuracy", "$\\Delta$Akurasi", TB_CELL_DELTA, PAIR(delta_accuracy.mean),
     TB_PANEL_A},
    {"delta_accuracy_sd", "", "", TB_CELL_PROPORTION, PAIR(delta_accuracy.sd), TB_CSV_ONLY},
    {"delta_accuracy_interval", "95\\%", "95\\%", TB_CELL_INTERVAL_DELTA, PAIR(delta_accuracy.interval), TB_PANEL_A},
};

static const tb_column seeds_columns[] = {
    {"data", "", "", TB_CELL_TEXT, SET_NAME, TB_CSV_ONLY},
    {"kind", "", "", TB_CELL_TEXT, NAMES(kind), TB_CSV_ONLY},
    {"row", "", "", TB_CELL_TEXT, NAMES(row), TB_CSV_ONLY},
    {"baseline", "", "", TB_CELL_TEXT, NAMES(baseline), TB_CSV_ONLY},
    {"variant", "Variant", "Varian", TB_CELL_TEXT, NAMES(variant), TB_PANEL_A},
    {"model", "QAT", "QAT", TB_CELL_TEXT, SEED(model), TB_PANEL_A},
    {"baseline_model", "", "", TB_CELL_TEXT, SEED(baseline), TB_CSV_ONLY},
    {"right_to_wrong", "Lost", "Kalah", TB_CELL_COUNT, SEED(right_to_wrong), TB_PANEL_A},
    {"wrong_to_right", "Won", "Menang", TB_CELL_COUNT, SEED(wrong_to_right), TB_PANEL_A},
    {"mcnemar_p", "McNemar|$p$", "McNemar|$p$", TB_CELL_P, SEED(mcnemar_p), TB_PANEL_A},
    {"mcnemar_p_holm", "Holm", "Holm", TB_CELL_P, SEED(mcnemar_p_holm), TB_PANEL_A},
    {"delta_accuracy", "", "", TB_CELL_DELTA, SEED(delta_accuracy), TB_CSV_ONLY},
    {"delta_accuracy_interval", "", "", TB_CELL_INTERVAL_DELTA, SEED(boot_accuracy), TB_CSV_ONLY},
    {"delta_macro_f1", "$\\Delta$F1", "$\\Delta$F1", TB_CELL_DELTA, SEED(delta_macro_f1), TB_PANEL_A},
    {"delta_macro_f1_interval", "95\\%", "95\\%", TB_CELL_INTERVAL_DELTA, SEED(boot_macro_f1), TB_PANEL_A},
    {"delta_macro_f1_p", "", "", TB_CELL_P, SEED(delta_macro_f1_p), TB_CSV_ONLY},
};

static void put_pair(const tb_report *report, const tb_report_pair *pair, pair_line *line, const char *group,
                     bool by_seed, tb_rows *rows)
{
    tb_row row = {.group = group};
    row.base[TB_BASE_SET] = &report->sets[pair->set];
    row.base[TB_BASE_OTHER] = line;
    row.base[TB_BASE_MORE] = pair;
    if (!by_seed)
        tb_rows_put(rows, &row);
    for (size_t i = 0; by_seed && i < pair->n_seeds; i++) {
        row.base[TB_BASE_CLASS] = &pair->seeds[i];
        tb_rows_put(rows, &row);
    }
}

static void list_pairs(const tb_report *report, bool by_seed, tb_rows *rows)
{
    const tb_report_roadmap *road = &report->roadmap;
    pair_line *lines = tb_arena_alloc(report->arena, road->n_pairs + 1, sizeof *lines, rows->err);
    if (!lines) {
        rows->status = rows->err->status;
        return;
    }
    for (size_t s = 0; s < report->n_sets; s++) {
        const tb_report_pair *last = NULL;
        const char *group = NULL;
        for (size_t i = 0; i < road->n_pairs; i++) {
            const tb_report_pair *pair = &road->pairs[i];
            if (pair->set != s)
                continue;
            pair_line *line = &lines[i];
            line->kind = pair->control ? "qat_against_control" : "qat_against_ptq";
            line->row = road->rows[pair->row].name;
            line->baseline = road->rows[pair->baseline].name;
            line->variant = road->variants[pair->variant];
            if (!last || last->row != pair->row || last->baseline != pair->baseline) {
                tb_text text = {0}; /* names may be long, but not be cut within a character */
                tb_text_printf(&text, "%s - %s", line->row, line->baseline);
                size_t length = text.failed ? 0 : text.length;
                length = length < sizeof line->group ? length : sizeof line->group - 1;
                while (length > 0 && length < text.length && ((unsigned char)text.data[length] & 0xc0) == 0x80)
                    length--;
                memcpy(line->group, text.data ? text.data : "", length);
                line->group[length] = '\0';
                tb_text_free(&text);
                group = line->group;
            }
            last = pair;
            put_pair(report, pair, line, group, by_seed, rows);
        }
    }
}

static void list_tests(const tb_report *report, tb_rows *rows)
{
    list_pairs(report, false, rows);
}

static void list_seeds(const tb_report *report, tb_rows *rows)
{
    list_pairs(report, true, rows);
}

const tb_table tb_table_roadmap_tests = {
    .name = "roadmap_tests",
    .caption_en = "QAT minus post-training quantization of what it began with, and minus the control, at equal bits: "
                  "mean over the seeds, which are paired; intervals and $p$ by the bootstrap, crossed over seeds and "
                  "texts; Holm's correction over the schemes.",
    .caption_id = "QAT dikurangi kuantisasi pascapelatihan model asalnya, dan dikurangi kontrol, pada bit yang sama: "
                  "rerata antar-\\emph{seed} yang dipasangkan; selang dan $p$ dari bootstrap silang atas \\emph{seed} "
                  "dan teks; koreksi Holm atas skema.",
    .columns = tests_columns,
    .n_columns = sizeof tests_columns / sizeof tests_columns[0],
    .list = list_tests,
};

const tb_table tb_table_roadmap_seeds = {
    .name = "roadmap_seeds",
    .caption_en = "The same seed by seed. Lost and won: texts that only the other, only QAT gets right; exact McNemar "
                  "test, Holm's correction over the schemes.",
    .caption_id = "Hal yang sama per \\emph{seed}. Kalah dan menang: teks yang benar hanya pada yang lain, hanya pada "
                  "QAT; uji McNemar eksak, koreksi Holm atas skema.",
    .columns = seeds_columns,
    .n_columns = sizeof seeds_columns / sizeof seeds_columns[0],
    .list = list_seeds,
};
