/* SPDX-License-Identifier: Apache-2.0
 * Figure: the whole run as it was done, from the plan to the files, with its names and numbers.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>
#include <string.h>

enum { LABELS = 84, PAD = 9, LINE = 16, BETWEEN = 10, ARROW = 22, MOST_BOXES = 12 };

typedef struct flow {
    tb_svg svg;
    double y;
} flow;

/* ---- Pieces ---- */

static void put_arrow(flow *f)
{
    double x = LABELS + (f->svg.width - LABELS) / 2;
    tb_svg_line(&f->svg, "f-flow", x, f->y + 3, x, f->y + ARROW - 8);
    tb_svg_arrow_down(&f->svg, "f-tip", x, f->y + ARROW - 2);
    f->y += ARROW;
}

static void put_label(flow *f, const char *label)
{
    tb_svg_text(&f->svg, TB_FONT_STRONG, 0, f->y + PAD + 10, TB_START, LABELS - 6, label);
}

/* Space for a box of so many lines in column i of n; its left edge and width. */
typedef struct place {
    double x, y, width;
} place;

static place put_box(flow *f, size_t i, size_t n, int lines)
{
    double room = f->svg.width - LABELS;
    double width = (room - BETWEEN * (double)(n - 1)) / (double)n;
    place p = {LABELS + (width + BETWEEN) * (double)i, f->y, width};
    tb_svg_rect(&f->svg, "f-box", p.x + 0.5, p.y + 0.5, p.width - 1, lines * LINE + 2 * PAD - 6, 4);
    return p;
}

static void end_boxes(flow *f, int lines)
{
    f->y += lines * LINE + 2 * PAD - 6;
}

static void put_in_box(flow *f, const place *p, int line, tb_svg_font font, const char *text)
{
    tb_svg_text(&f->svg, font, p->x + PAD, p->y + PAD + 8 + line * LINE, TB_START, p->width - 2 * PAD + 4, text);
}

/* The scratch text goes into the box. */
static void put_scratch(flow *f, const place *p, int line, tb_svg_font font)
{
    if (f->svg.scratch.data)
        put_in_box(f, p, line, font, f->svg.scratch.data);
}

/* How many boxes stand beside each other, at most `most`, without cutting a name of this width. */
static size_t columns_for(const flow *f, double name_width, size_t most)
{
    size_t n = most;
    while (n > 2 && (f->svg.width - LABELS - BETWEEN * (double)(n - 1)) / (double)n < name_width + 2 * PAD)
        n--;
    return n;
}

/* A band of boxes, at most per_row beside each other; more than MOST_BOXES are counted in the last one. */
typedef void (*put_item)(flow *f, const place *p, size_t item);

static void put_band(flow *f, const char *label, size_t n_items, size_t per_row, int lines, put_item put,
                     const char *others)
{
    size_t n = n_items > MOST_BOXES ? MOST_BOXES : n_items;
    size_t rows = (n + per_row - 1) / per_row;
    per_row = rows ? (n + rows - 1) / rows : 1; /* rows of like length */
    put_label(f, label);
    for (size_t i = 0; i < n; i++) {
        if (i && i % per_row == 0) {
            end_boxes(f, lines);
            f->y += BETWEEN;
        }
        place p = put_box(f, i % per_row, per_row, lines);
        if (i + 1 < n || n == n_items) {
            put(f, &p, i);
            continue;
        }
        tb_text_printf(tb_svg_scratch(&f->svg), "+ %zu %s", n_items - n + 1, others);
        put_scratch(f, &p, 0, TB_FONT_SOFT);
    }
    end_boxes(f, lines);
}

/* ---- What stands in the boxes ---- */

static void put_millions(tb_text *out, uint64_t count)
{
    if (count >= 950000)
        tb_text_printf(out, "%.*f\xe2\x80\x89M", count < 99950000 ? 1 : 0, (double)count / 1e6);
    else
        tb_svg_put_count(out, count);
}

static void put_model(flow *f, const place *p, size_t item)
{
    const tb_report_model *m = &f->svg.report->models[item];
    put_in_box(f, p, 0, TB_FONT_NAME, m->name);
    put_millions(tb_svg_scratch(&f->svg), m->parameters);
    tb_text_puts(&f->svg.scratch, tb_svg_say(&f->svg, " parameters", " parameter"));
    put_scratch(f, p, 1, TB_FONT_SOFT);
    if (m->untrained_head) {
        put_in_box(f, p, 2, TB_FONT_SOFT, tb_svg_say(&f->svg, "untrained head", "head belum dilatih"));
        return;
    }
    tb_text_printf(tb_svg_scratch(&f->svg), "%llu \xc3\x97 %llu, %zu %s", (unsigned long long)m->layers,
                   (unsigned long long)m->hidden, m->n_labels, tb_svg_say(&f->svg, "labels", "label"));
    put_scratch(f, p, 2, TB_FONT_SOFT);
}

/* The variants' names, each once; the index of the i-th new one. */
static bool first_of_name(const tb_report *report, size_t v)
{
    for (size_t i = 0; i < v; i++)
        if (strcmp(report->variants[i].name, report->variants[v].name) == 0)
            return false;
    return true;
}

static size_t variant_names(const tb_report *report)
{
    size_t n = 0;
    for (size_t v = 0; v < report->n_variants; v++)
        n += first_of_name(report, v);
    return n;
}

static double widest_variant(const tb_svg *svg)
{
    double width = tb_svg_measure(TB_FONT_SOFT, svg->report->n_models == 1 ? "99.9 MB, 0.25\xc3\x97"
                                                                           : "0.25\xe2\x80\x93"
                                                                             "0.26\xc3\x97");
    for (size_t v = 0; v < svg->report->n_variants; v++)
        width = fmax(width, tb_svg_measure(TB_FONT_NAME, svg->report->variants[v].name));
    return width;
}

static void put_variant(flow *f, const place *p, size_t item)
{
    const tb_report *report = f->svg.report;
    size_t v = 0;
    for (size_t seen = 0; v < report->n_variants; v++)
        if (first_of_name(report, v) && seen++ == item)
            break;
    if (v == report->n_variants)
        return;
    const char *name = report->variants[v].name;
    double low = INFINITY, high = -INFINITY;
    for (size_t i = v; i < report->n_variants; i++) {
        if (strcmp(report->variants[i].name, name) != 0 || !isfinite(report->variants[i].ratio))
            continue;
        low = fmin(low, report->variants[i].ratio);
        high = fmax(high, report->variants[i].ratio);
    }
    put_in_box(f, p, 0, TB_FONT_NAME, name);
    tb_text *s = tb_svg_scratch(&f->svg);
    if (report->n_models == 1) {
        tb_svg_put_megabytes(s, report->variants[v].size_bytes);
        tb_text_puts(s, "\xe2\x80\x89MB, ");
    }
    if (high - low < 0.005)
        tb_text_printf(s, "%.2f\xc3\x97", low);
    else if (isfinite(low))
        tb_text_printf(s, "%.2f\xe2\x80\x93%.2f\xc3\x97", low, high);
    put_scratch(f, p, 1, TB_FONT_SOFT);
}

static void put_set(flow *f, const place *p, size_t item)
{
    const tb_report_set *set = &f->svg.report->sets[item];
    put_in_box(f, p, 0, TB_FONT_NAME, set->name);
    tb_svg_put_count(tb_svg_scratch(&f->svg), set->rows);
    tb_text_puts(&f->svg.scratch, tb_svg_say(&f->svg, " texts", " teks"));
    size_t labels = json_object_size(set->label_counts);
    if (labels)
        tb_text_printf(&f->svg.scratch, ", %zu %s", labels,
                       tb_svg_say(&f->svg, labels == 1 ? "label" : "labels", "label"));
    put_scratch(f, p, 1, TB_FONT_SOFT);
}

static void put_plan(flow *f)
{
    const tb_report_plan *plan = &f->svg.report->plan;
    put_label(f, tb_svg_say(&f->svg, "Plan", "Rencana"));
    place p = put_box(f, 0, 1, 2);
    tb_text *s = tb_svg_scratch(&f->svg);
    if (plan->primary)
        tb_text_puts(s, strcmp(plan->primary, "accuracy") == 0   ? tb_svg_say(&f->svg, "accuracy", "akurasi")
                        : strcmp(plan->primary, "macro_f1") == 0 ? "macro-F1"
                                                                 : plan->primary);
    tb_text_puts(s, tb_svg_say(&f->svg, " decides, ", " menentukan, "));
    tb_text_printf(s, "\xce\xb1 %g, %s \xc2\xb1%g, Holm", plan->alpha, tb_svg_say(&f->svg, "margin", "batas"),
                   plan->margin);
    put_scratch(f, &p, 0, TB_FONT_NAME);
    s = tb_svg_scratch(&f->svg);
    tb_text_puts(s, tb_svg_say(&f->svg, "fixed before a label was read: ", "ditetapkan sebelum label dibaca: "));
    if (plan->sha256)
        tb_text_append(s, plan->sha256, strnlen(plan->sha256, 12));
    put_scratch(f, &p, 1, TB_FONT_SOFT);
    end_boxes(f, 2);
}

static void put_seconds(tb_text *out, double seconds)
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9)
        return;
    unsigned long long s = (unsigned long long)(seconds + 0.5);
    if (s >= 3600)
        tb_text_printf(out, ", %llu h %llu min", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        tb_text_printf(out, ", %llu min %llu s", s / 60, s % 60);
    else
        tb_text_printf(out, ", %llu s", s);
}

static void put_run(flow *f)
{
    const tb_report *report = f->svg.report;
    uint64_t texts = 0;
    for (size_t i = 0; i < report->n_results; i++)
        texts += report->results[i].n;
    put_label(f, tb_svg_say(&f->svg, "Run", "Jalan"));
    place p = put_box(f, 0, 1, 2);
    tb_text *s = tb_svg_scratch(&f->svg);
    tb_text_printf(s, "%zu %s, ", report->n_results,
                   tb_svg_say(&f->svg, "pairs of variant and set", "pasangan varian dan data"));
    tb_svg_put_count(s, texts);
    tb_text_puts(s, tb_svg_say(&f->svg, " predictions", " prediksi"));
    put_scratch(f, &p, 0, TB_FONT_NAME);
    s = tb_svg_scratch(&f->svg);
    if (report->cpu)
        tb_text_printf(s, "%s, ", report->cpu);
    tb_text_printf(s, "%s, %llu %s", report->level ? report->level : "", (unsigned long long)report->threads,
                   tb_svg_say(&f->svg, report->threads == 1 ? "thread" : "threads", "utas"));
    put_seconds(s, report->seconds);
    put_scratch(f, &p, 1, TB_FONT_SOFT);
    end_boxes(f, 2);
}

static void put_tests(flow *f)
{
    const tb_report *report = f->svg.report;
    put_label(f, tb_svg_say(&f->svg, "Tests", "Uji"));
    place p = put_box(f, 0, 1, 4);
    put_in_box(f, &p, 0, TB_FONT_NAME,
               tb_svg_say(&f->svg, "accuracy, F1, calibration, flips, size, latency",
                          "akurasi, F1, kalibrasi, perubahan, ukuran, latensi"));
    put_in_box(f, &p, 1, TB_FONT_SOFT,
               tb_svg_say(&f->svg, "McNemar, Stuart\xe2\x80\x93Maxwell, Wilcoxon, equivalence (TOST)",
                          "McNemar, Stuart\xe2\x80\x93Maxwell, Wilcoxon, kesetaraan (TOST)"));
    tb_text *s = tb_svg_scratch(&f->svg);
    if (report->plan.replicates) {
        tb_svg_put_count(s, report->plan.replicates);
        tb_text_puts(s, tb_svg_say(&f->svg, " bootstrap replicates; ", " ulangan bootstrap; "));
    } else {
        tb_text_puts(s, tb_svg_say(&f->svg, "no bootstrap; ", "tanpa bootstrap; "));
    }
    if (report->plan.null_models)
        tb_text_printf(s, "%llu %s", (unsigned long long)report->plan.null_models,
                       tb_svg_say(&f->svg, "random roundings a scheme", "pembulatan acak per skema"));
    else
        tb_text_puts(s, tb_svg_say(&f->svg, "no random roundings", "tanpa pembulatan acak"));
    put_scratch(f, &p, 2, TB_FONT_SOFT);
    s = tb_svg_scratch(&f->svg);
    tb_text_puts(s, tb_svg_say(&f->svg, "latency: ", "latensi: "));
    tb_svg_put_count(s, report->latency_texts);
    tb_text_printf(s, " %s \xc3\x97 %llu %s", tb_svg_say(&f->svg, "texts", "teks"),
                   (unsigned long long)report->latency_rounds,
                   tb_svg_say(&f->svg, "rounds, variants in turn", "putaran, varian bergantian"));
    put_scratch(f, &p, 3, TB_FONT_SOFT);
    end_boxes(f, 4);
}

static void put_output(flow *f, const place *p, size_t item)
{
    static const char *const files[] = {"results.json", "predictions.jsonl", "report.html",
                                        "tables/",      "figures/",          "methods.tex"};
    put_in_box(f, p, 0, TB_FONT_SOFT, files[item]);
}

static void put_counted(tb_svg *svg, size_t n, const char *one, const char *more, const char *id, const char *after)
{
    tb_text_printf(&svg->desc, "%zu %s%s", n, tb_svg_say(svg, n == 1 ? one : more, id), after);
}

static void describe(tb_svg *svg)
{
    const tb_report *report = svg->report;
    put_counted(svg, report->n_models, "model", "models", "model", ", ");
    put_counted(svg, variant_names(report), "variant", "variants", "varian", ", ");
    put_counted(svg, report->n_sets, "data set", "data sets", "set data", ", ");
    put_counted(svg, report->n_results, "result", "results", "hasil", ".");
}

void tb_figure_pipeline(tb_text *out, const tb_report *report, size_t set)
{
    enum { OUTPUTS = 6 };
    (void)set;
    flow f = {.y = 2};
    tb_svg_begin(&f.svg, "pipeline", report, 0, TB_SVG_WIDTH);
    const char *others = tb_svg_say(&f.svg, "others", "lainnya");
    put_plan(&f);
    put_arrow(&f);
    put_band(&f, tb_svg_say(&f.svg, "Models", "Model"), report->n_models, 3, 3, put_model, others);
    put_arrow(&f);
    put_band(&f, tb_svg_say(&f.svg, "Variants", "Varian"), variant_names(report),
             columns_for(&f, widest_variant(&f.svg), 5), 2, put_variant, others);
    put_arrow(&f);
    put_band(&f, "Data", report->n_sets, 3, 2, put_set, others);
    put_arrow(&f);
    put_run(&f);
    put_arrow(&f);
    put_tests(&f);
    put_arrow(&f);
    put_band(&f, tb_svg_say(&f.svg, "Output", "Keluaran"), OUTPUTS, 3, 1, put_output, others);
    describe(&f.svg);
    tb_svg_end(&f.svg, out, f.y + 2, tb_svg_say(&f.svg, "The study as it was run", "Studi sebagaimana dijalankan"));
}
