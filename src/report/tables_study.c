/* SPDX-License-Identifier: Apache-2.0
 * Tables of sizes, of random rounding (null) and of seeds.
 * Includes: report/tables_parts.h. Called by: report/tables. */
#include "report/tables_parts.h"

#define VARIANT(field) TB_BASE_VARIANT, offsetof(tb_report_variant, field)

/* ---- Sizes ---- */

static const tb_column sizes_columns[] = {
    {"model", "", "", TB_CELL_TEXT, TB_BASE_MODEL, offsetof(tb_report_model, name), TB_CSV_ONLY},
    {"variant", "Variant", "Varian", TB_CELL_TEXT, VARIANT(name), TB_PANEL_ALL},
    {"scheme", "", "", TB_CELL_TEXT, VARIANT(scheme), TB_CSV_ONLY},
    {"parameters", "", "", TB_CELL_COUNT, TB_BASE_MODEL, offsetof(tb_report_model, parameters), TB_CSV_ONLY},
    {"size_bytes", "Total", "Total", TB_CELL_BYTES, VARIANT(size_bytes), TB_PANEL_A},
    {"file_bytes", "", "", TB_CELL_BYTES, VARIANT(file_bytes), TB_CSV_ONLY},
    {"ratio", "Ratio", "Rasio", TB_CELL_REAL, VARIANT(ratio), TB_PANEL_A},
    {"embeddings_bytes", "Embeddings", "Embedding", TB_CELL_BYTES, VARIANT(parts[0]), TB_PANEL_A},
    {"encoder_bytes", "Encoder", "Encoder", TB_CELL_BYTES, VARIANT(parts[1]), TB_PANEL_A},
    {"head_bytes", "Head", "\\emph{Head}", TB_CELL_BYTES, VARIANT(parts[2]), TB_PANEL_A},
    {"other_bytes", "Other", "Lain", TB_CELL_BYTES, VARIANT(parts[3]), TB_PANEL_A},
    {"resident_bytes", "In memory", "Di memori", TB_CELL_BYTES, VARIANT(resident_bytes), TB_PANEL_A},
    {"peak_resident_bytes", "Peak", "Puncak", TB_CELL_BYTES, TB_BASE_PEAK,
     offsetof(tb_report_variant, peak_resident_bytes), TB_PANEL_A},
};

static void list_sizes(const tb_report *report, tb_rows *rows)
{
    for (size_t m = 0; m < report->n_models; m++)
        for (size_t v = 0; v < report->n_variants; v++) {
            const tb_report_variant *variant = &report->variants[v];
            if (variant->model != m)
                continue;
            tb_row row = {.group = tb_rows_group(report, &report->models[m])};
            row.base[TB_BASE_MODEL] = &report->models[m];
            row.base[TB_BASE_VARIANT] = variant;
            row.base[TB_BASE_PEAK] = variant->peak_resident_bytes ? variant : NULL;
            tb_rows_put(rows, &row);
        }
}

const tb_table tb_table_sizes = {
    .name = "sizes",
    .caption_en =
        "Size in megabytes ($10^6$ bytes) by part; ratio: of 4 bytes a parameter. In memory: all weights, packed "
        "buffers included; peak: of the process while the variant alone ran.",
    .caption_id =
        "Ukuran dalam megabyte ($10^6$ byte) menurut bagian; rasio: terhadap 4 byte per parameter. Di memori: "
        "semua bobot termasuk salinan yang disusun ulang; puncak: proses selama hanya varian itu berjalan.",
    .columns = sizes_columns,
    .n_columns = sizeof sizes_columns / sizeof sizes_columns[0],
    .list = list_sizes,
};

/* ---- Random rounding ---- */

/* One figure of one variant's null models. */
typedef struct null_line {
    const char *key, *shown;
    const tb_report_null *null;
    double min, max;
} null_line;

#define LINE(field)   TB_BASE_CLASS, offsetof(null_line, field)
#define NULL_(field)  TB_BASE_OTHER, offsetof(tb_report_null, field)
#define FIGURE(field) TB_BASE_MORE, offsetof(tb_report_null_figure, field)

static const tb_column null_columns[] = {
    {"data", "", "", TB_CELL_TEXT, TB_BASE_SET, offsetof(tb_report_set, name), TB_CSV_ONLY},
    {"model", "", "", TB_CELL_TEXT, TB_BASE_MODEL, offsetof(tb_report_model, name), TB_CSV_ONLY},
    {"variant", "Variant", "Varian", TB_CELL_TEXT, VARIANT(name), TB_PANEL_A},
    {"figure", "", "", TB_CELL_TEXT, LINE(key), TB_CSV_ONLY},
    {"figure_name", "Figure", "Ukuran", TB_CELL_TEXT, LINE(shown), TB_PANEL_A},
    {"models", "$N$", "$N$", TB_CELL_SIZE, NULL_(models), TB_PANEL_A},
    {"weight_error", "", "", TB_CELL_SMALL, NULL_(weight_error), TB_CSV_ONLY},
    {"largest_deviation", "", "", TB_CELL_PROPORTION, NULL_(largest_deviation), TB_CSV_ONLY},
    {"fp32", "FP32", "FP32", TB_CELL_PROPORTION, FIGURE(fp32), TB_PANEL_A},
    {"real", "Real", "Asli", TB_CELL_PROPORTION, FIGURE(real), TB_PANEL_A},
    {"random_min", "Least", "Min.", TB_CELL_PROPORTION, LINE(min), TB_PANEL_A},
    {"random_max", "Most", "Maks.", TB_CELL_PROPORTION, LINE(max), TB_PANEL_A},
    {"below", "Below", "Di|bawah", TB_CELL_COUNT, FIGURE(below), TB_PANEL_A},
    {"equal", "Equal", "Sama", TB_CELL_COUNT, FIGURE(equal), TB_PANEL_A},
    {"above", "Above", "Di|atas", TB_CELL_COUNT, FIGURE(above), TB_PANEL_A},
    {"p", "$p$", "$p$", TB_CELL_P, FIGURE(p), TB_PANEL_A},
};

static void put_null(const tb_report *report, const tb_report_null *null, tb_rows *rows)
{
    const char *const keys[3] = {"accuracy", "macro_f1", "agreement"};
    const char *const shown[3] = {
        tb_report_say(report, "accuracy", "akurasi"),
        tb_report_say(report, "macro F1", "F1 makro"),
        tb_report_say(report, "agreement", "kesesuaian"),
    };
    const tb_report_null_figure *const figures[3] = {&null->accuracy, &null->macro_f1, &null->agreement};
    null_line *lines = tb_arena_alloc(report->arena, 3, sizeof *lines, rows->err);
    if (!lines) {
        rows->status = rows->err->status;
        return;
    }
    for (size_t k = 0; k < 3; k++) {
        const double *values = figures[k]->values;
        if (!values) /* agreement, where FP32 was not run */
            continue;
        lines[k] = (null_line){.key = keys[k], .shown = shown[k], .null = null, .min = values[0], .max = values[0]};
        for (size_t i = 1; i < null->models; i++) {
            lines[k].min = values[i] < lines[k].min ? values[i] : lines[k].min;
            lines[k].max = values[i] > lines[k].max ? values[i] : lines[k].max;
        }
        tb_row row = tb_row_of_result(report, &report->results[null->result]);
        row.base[TB_BASE_CLASS] = &lines[k];
        row.base[TB_BASE_OTHER] = null;
        row.base[TB_BASE_MORE] = figures[k];
        tb_rows_put(rows, &row);
    }
}

static void list_null(const tb_report *report, tb_rows *rows)
{
    for (size_t s = 0; s < report->n_sets; s++)
        for (size_t m = 0; m < report->n_models; m++)
            for (size_t i = 0; i < report->n_nulls && rows->status == TIMBANG_OK; i++) {
                const tb_report_null *null = &report->nulls[i];
                const tb_report_result *result = &report->results[null->result];
                if (result->set == s && result->model == m && null->models > 0)
                    put_null(report, null, rows);
            }
}

const tb_table tb_table_null = {
    .name = "null",
    .caption_en =
        "Luck, tested: $N$ models of each scheme with nearest rounding on randomly jittered scales and the same "
        "error in the weights. Least and most: of these models; below, equal, above: how many of them lie "
        "there, seen from the real one. $p$: two-sided rank, where $N \\geq 99$.",
    .caption_id = "Menguji kebetulan: $N$ model per skema dengan pembulatan terdekat pada skala yang digeser acak dan "
                  "galat bobot yang sama. Min. dan maks.: dari model itu; di bawah, sama, di atas: banyaknya model "
                  "itu dibanding yang asli. $p$: peringkat dua sisi, bila $N \\geq 99$.",
    .columns = null_columns,
    .n_columns = sizeof null_columns / sizeof null_columns[0],
    .list = list_null,
};

/* ---- Seeds ---- */

#define SEEDS(field)  TB_BASE_MORE, offsetof(tb_report_group_result, field)
#define DELTAS(field) TB_BASE_COMPARED, offsetof(tb_report_group_result, field)
#define GROUP(field)  TB_BASE_OTHER, offsetof(tb_report_group, field)

static const tb_column seeds_columns[] = {
    {"data", "", "", TB_CELL_TEXT, TB_BASE_SET, offsetof(tb_report_set, name), TB_CSV_ONLY},
    {"recipe", "", "", TB_CELL_TEXT, GROUP(recipe), TB_CSV_ONLY},
    {"variant", "Variant", "Varian", TB_CELL_TEXT, SEEDS(variant), TB_PANEL_ALL},
    {"seeds", "Seeds", "\\emph{Seed}", TB_CELL_SIZE, GROUP(n_models), TB_PANEL_A},
    {"accuracy_mean", "Accuracy", "Akurasi", TB_CELL_PROPORTION, SEEDS(accuracy.mean), TB_PANEL_A},
    {"accuracy_sd", "SD", "SB", TB_CELL_PROPORTION, SEEDS(accuracy.sd), TB_PANEL_A},
    {"macro_f1_mean", "Macro F1", "F1 makro", TB_CELL_PROPORTION, SEEDS(macro_f1.mean), TB_PANEL_A},
    {"macro_f1_sd", "SD", "SB", TB_CELL_PROPORTION, SEEDS(macro_f1.sd), TB_PANEL_A},
    {"delta_accuracy_mean", "$\\Delta$Accuracy", "$\\Delta$Akurasi", TB_CELL_DELTA, DELTAS(delta_accuracy.mean),
     TB_PANEL_B},
    {"delta_accuracy_sd", "SD", "SB", TB_CELL_PROPORTION, DELTAS(delta_accuracy.sd), TB_PANEL_B},
    {"delta_accuracy_interval", "95\\%", "95\\%", TB_CELL_INTERVAL_DELTA, DELTAS(delta_accuracy.interval), TB_PANEL_B},
    {"delta_macro_f1_mean", "$\\Delta$F1", "$\\Delta$F1", TB_CELL_DELTA, DELTAS(delta_macro_f1.mean), TB_PANEL_B},
    {"delta_macro_f1_sd", "SD", "SB", TB_CELL_PROPORTION, DELTAS(delta_macro_f1.sd), TB_PANEL_B},
    {"delta_macro_f1_interval", "95\\%", "95\\%", TB_CELL_INTERVAL_DELTA, DELTAS(delta_macro_f1.interval), TB_PANEL_B},
    {"differing_settings", "", "", TB_CELL_TEXT, GROUP(differing), TB_CSV_ONLY},
};

static void list_seeds(const tb_report *report, tb_rows *rows)
{
    for (size_t s = 0; s < report->n_sets; s++)
        for (size_t g = 0; g < report->n_groups; g++)
            for (size_t i = 0; i < report->groups[g].n_results; i++) {
                const tb_report_group_result *result = &report->groups[g].results[i];
                if (result->set != s)
                    continue;
                tb_row row = {.group = report->groups[g].recipe};
                row.base[TB_BASE_SET] = &report->sets[s];
                row.base[TB_BASE_OTHER] = &report->groups[g];
                row.base[TB_BASE_MORE] = result;
                row.base[TB_BASE_COMPARED] = result->compared ? result : NULL;
                tb_rows_put(rows, &row);
            }
}

const tb_table tb_table_seeds = {
    .name = "seeds",
    .caption_en =
        "Models that are seeds of one recipe: mean and standard deviation over the seeds, never pooled. $\\Delta$: "
        "variant minus FP32 of the same seed; interval: bootstrap crossed over seeds and texts.",
    .caption_id = "Model yang merupakan \\emph{seed} dari satu resep: rerata dan simpangan baku (SB) "
                  "antar-\\emph{seed}, tidak pernah digabung. $\\Delta$: varian dikurangi FP32 dari \\emph{seed} yang "
                  "sama; selang: bootstrap silang atas \\emph{seed} dan teks.",
    .columns = seeds_columns,
    .n_columns = sizeof seeds_columns / sizeof seeds_columns[0],
    .list = list_seeds,
};
