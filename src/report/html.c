/* SPDX-License-Identifier: Apache-2.0
 * report.html: the page and the order of its sections.
 * Includes: report/report.h, report/html.h, report/figures.h. Called by: api, report/write. */
#include "report/html.h"

#include "report/figures.h"
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

/* ---- Head ---- */

static void put_style(tb_text *out)
{
    tb_text_puts(out, "<style>");
    for (size_t i = 0; tb_html_style[i]; i++)
        tb_text_puts(out, tb_html_style[i]);
    for (size_t i = 0; tb_figure_style[i]; i++)
        tb_text_puts(out, tb_figure_style[i]);
    tb_text_puts(out, "</style>\n");
}

static void put_counted(tb_text *out, const tb_report *report, size_t n, const char *one, const char *many,
                        const char *id)
{
    tb_text_printf(out, "%zu %s", n, report->lang == TB_LANG_ID ? id : n == 1 ? one : many);
}

static void put_subtitle(tb_text *out, const tb_report *report)
{
    tb_text_puts(out, "<p class=\"soft\">");
    put_counted(out, report, report->n_models, "model", "models", "model");
    tb_text_puts(out, ", ");
    put_counted(out, report, report->n_sets, "data set", "data sets", "set data");
    tb_text_puts(out, ", ");
    put_counted(out, report, report->n_results, "result", "results", "hasil");
    tb_text_puts(out, " &middot; ");
    tb_html_text(out, report->started);
    if (report->cpu) {
        tb_text_puts(out, " &middot; ");
        tb_html_text(out, report->cpu);
    }
    tb_text_puts(out, " (");
    tb_html_text(out, report->level);
    tb_text_puts(out, ", ");
    put_counted(out, report, (size_t)report->threads, "thread", "threads", "utas");
    tb_text_puts(out, ")</p>\n");
}

static void put_contents(tb_text *out, const tb_report *report)
{
    tb_text_printf(
        out, "<nav aria-label=\"%s\"><ul>\n<li><a href=\"#found\">%s</a></li>\n<li><a href=\"#run\">%s</a></li>\n",
        tb_report_say(report, "Contents", "Daftar isi"), tb_report_say(report, "What was found", "Temuan"),
        tb_report_say(report, "The run", "Proses"));
    if (report->roadmap.n_rows > 0)
        tb_text_printf(out, "<li><a href=\"#roadmap\">%s</a></li>\n",
                       tb_report_say(report, "The roadmap", "Peta jalan"));
    for (size_t s = 0; s < report->n_sets; s++) {
        tb_text_printf(out, "<li><a href=\"#set-%zu\">", s);
        tb_html_name(out, report->sets[s].name);
        tb_text_puts(out, "</a></li>\n");
    }
    tb_text_printf(out,
                   "<li><a href=\"#size\">%s</a></li>\n<li><a href=\"#claims\">%s</a></li>\n<li><a "
                   "href=\"#facts\">%s</a></li>\n</ul></nav>\n",
                   tb_report_say(report, "Size", "Ukuran"), tb_report_say(report, "The literature", "Literatur"),
                   tb_report_say(report, "What was run", "Yang dijalankan"));
}

static void put_head(tb_text *out, const tb_report *report)
{
    const char *title = tb_report_say(report, "What quantization changes", "Apa yang diubah oleh kuantisasi");
    tb_text_printf(out,
                   "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                   "<title>%s &middot; timbang</title>\n",
                   tb_report_say(report, "en", "id"), title);
    put_style(out);
    tb_text_printf(out, "</head>\n<body>\n<a class=\"skip\" href=\"#main\">%s</a>\n<header>\n<h1>%s</h1>\n",
                   tb_report_say(report, "Skip to the findings", "Langsung ke temuan"), title);
    put_subtitle(out, report);
    put_contents(out, report);
    tb_text_puts(out, "</header>\n<main id=\"main\" tabindex=\"-1\">\n");
}

/* ---- Figures ---- */

static bool wanted(const tb_figure *figure, const tb_report *report, size_t set)
{
    return figure && (!figure->wanted || figure->wanted(report, set));
}

static void put_figure(tb_text *out, const tb_report *report, const char *name, size_t set)
{
    const tb_figure *figure = tb_figure_find(name);
    if (!wanted(figure, report, set))
        return;
    tb_text_printf(out,
                   "<figure><div class=\"drawing\" role=\"group\" tabindex=\"0\" "
                   "aria-labelledby=\"caption-%s-%zu\">\n",
                   name, set);
    figure->draw(out, report, set);
    tb_text_printf(out, "</div><figcaption id=\"caption-%s-%zu\">", name, set);
    tb_html_text(out, tb_report_say(report, figure->caption_en, figure->caption_id));
    tb_text_puts(out, "</figcaption></figure>\n");
}

/* ---- One data set ---- */

/* The rule for a set that lacks some of the model's classes. */
static void put_rule(tb_text *out, const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set || (r->labels_present == r->n_classes && !r->restricted))
            continue;
        if (r->restricted)
            tb_text_printf(
                out,
                tb_report_say(report,
                              "<p class=\"note\">Predictions are over the %zu labels that the set holds only.</p>\n",
                              "<p class=\"note\">Prediksi hanya atas %zu label yang ada dalam set ini.</p>\n"),
                r->n_classes);
        else
            tb_text_printf(
                out,
                tb_report_say(report,
                              "<p class=\"note\">The set holds %llu of the %zu labels: predictions are over all of "
                              "them, macro-F1 over those present.</p>\n",
                              "<p class=\"note\">Set ini memuat %llu dari %zu label: prediksi atas semua label, F1 "
                              "makro atas label yang ada.</p>\n"),
                (unsigned long long)r->labels_present, r->n_classes);
        return;
    }
}

static void put_accuracy(tb_text *out, const tb_report *report, size_t set)
{
    tb_html_heading(out, report, 3, "Accuracy, size and speed", "Akurasi, ukuran, dan kecepatan");
    tb_text_puts(out, "<div class=\"pair\">\n");
    put_figure(out, report, "summary", set);
    put_figure(out, report, "tradeoff", set);
    tb_text_puts(out, "</div>\n");
    tb_html_main_table(out, report, set);
    if (!tb_report_any_compared(report, set)) {
        put_figure(out, report, "accuracy", set);
        return;
    }
    tb_html_heading(out, report, 3, "Differences from FP32", "Selisih terhadap FP32");
    tb_text_puts(out, "<div class=\"pair\">\n");
    put_figure(out, report, "forest", set);
    put_figure(out, report, "accuracy", set);
    tb_text_puts(out, "</div>\n");
    tb_html_begin_details(out, report, "Tests, equivalence and power", "Uji, kesetaraan, dan daya uji", false);
    tb_html_tests_table(out, report, set);
    tb_html_tests_key(out, report);
    tb_html_end_details(out);
}

static void put_labels(tb_text *out, const tb_report *report, size_t set)
{
    tb_html_heading(out, report, 3, "Labels", "Label");
    tb_text_puts(out, "<div class=\"pair\">\n");
    put_figure(out, report, "labels", set);
    tb_text_puts(out, "<div>\n");
    tb_html_labels_table(out, report, set);
    tb_text_puts(out, "</div></div>\n");
    tb_html_begin_details(out, report, "F1 by label", "F1 menurut label", false);
    tb_html_class_table(out, report, set);
    tb_html_end_details(out);
    tb_html_begin_details(out, report, "Confusion matrices", "Matriks konfusi", false);
    tb_html_confusions(out, report, set);
    tb_html_end_details(out);
}

static bool has_null(const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_nulls; i++)
        if (report->results[report->nulls[i].result].set == set)
            return true;
    return false;
}

static bool has_group(const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_groups; i++)
        for (size_t v = 0; v < report->groups[i].n_results; v++)
            if (report->groups[i].results[v].set == set)
                return true;
    return false;
}

static void put_luck(tb_text *out, const tb_report *report, size_t set)
{
    if (has_null(report, set)) {
        tb_html_heading(out, report, 3, "Luck of the rounding", "Kebetulan pembulatan");
        put_figure(out, report, "null", set);
        tb_html_begin_details(out, report, "The same as a table", "Dalam bentuk tabel", false);
        tb_html_null_table(out, report, set);
        tb_html_end_details(out);
    }
    if (has_group(report, set)) {
        tb_html_heading(out, report, 3, "Seeds of one recipe", "<i>Seed</i> dari satu resep");
        put_figure(out, report, "seeds", set);
        tb_html_groups(out, report, set);
    }
}

static bool has_flips(const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_flips; i++)
        if (report->flips[i].set == set)
            return tb_report_any_compared(report, set);
    return false;
}

static void put_set(tb_text *out, const tb_report *report, size_t set)
{
    tb_text_printf(out, "<section id=\"set-%zu\">\n<h2>", set);
    tb_html_name(out, report->sets[set].name);
    tb_text_puts(out, " <small>");
    tb_html_count(out, report->sets[set].rows);
    tb_text_printf(out, " %s</small></h2>\n", tb_html_texts(report, report->sets[set].rows));
    put_rule(out, report, set);
    tb_html_warnings(out, report, report->sets[set].name);
    put_accuracy(out, report, set);
    put_labels(out, report, set);
    put_luck(out, report, set);
    tb_html_heading(out, report, 3, "Confidence and calibration", "Keyakinan dan kalibrasi");
    put_figure(out, report, "reliability", set);
    tb_html_begin_details(out, report, "Calibration as a table", "Kalibrasi dalam tabel", false);
    tb_html_calibration_table(out, report, set);
    tb_html_end_details(out);
    tb_html_heading(out, report, 3, "Latency", "Latensi");
    put_figure(out, report, "latency", set);
    tb_html_begin_details(out, report, "Latency as a table", "Latensi dalam tabel", false);
    tb_html_latency_table(out, report, set);
    tb_html_end_details(out);
    if (has_flips(report, set)) {
        tb_html_heading(out, report, 3, "Texts whose label differs from FP32&rsquo;s",
                        "Teks yang labelnya berbeda dari FP32");
        tb_html_flips(out, report, set);
    }
    tb_text_puts(out, "</section>\n");
}

/* ---- The page ---- */

static void begin_section(tb_text *out, const tb_report *report, const char *anchor, const char *en, const char *id)
{
    tb_text_printf(out, "<section id=\"%s\">\n", anchor);
    tb_html_heading(out, report, 2, en, id);
}

static timbang_status put_page(tb_text *out, const tb_report *report, tb_error *err)
{
    put_head(out, report);
    begin_section(out, report, "found", "What was found", "Temuan");
    tb_html_answers(out, report);
    tb_html_next(out, report);
    tb_html_warnings(out, report, NULL);
    tb_text_puts(out, "</section>\n");
    begin_section(out, report, "run", "The run", "Proses");
    put_figure(out, report, "pipeline", 0);
    tb_text_puts(out, "</section>\n");
    if (report->roadmap.n_rows > 0) {
        begin_section(out, report, "roadmap", "The roadmap", "Peta jalan");
        tb_html_roadmap(out, report);
        tb_text_puts(out, "</section>\n");
    }
    for (size_t s = 0; s < report->n_sets; s++)
        put_set(out, report, s);
    begin_section(out, report, "size", "Size", "Ukuran");
    put_figure(out, report, "sizes", 0);
    tb_html_begin_details(out, report, "Sizes as a table", "Ukuran dalam tabel", false);
    tb_html_size_table(out, report);
    tb_html_end_details(out);
    tb_text_puts(out, "</section>\n");
    begin_section(out, report, "claims", "What the literature claims, and what was measured here",
                  "Klaim literatur dan yang terukur di sini");
    tb_html_claims(out, report);
    tb_text_puts(out, "</section>\n");
    begin_section(out, report, "facts", "What was run", "Yang dijalankan");
    tb_html_facts(out, report);
    tb_text_puts(out, "</section>\n</main>\n<footer>");
    tb_html_say(out, report, "Drawn by timbang ", "Dibuat oleh timbang ");
    tb_html_text(out, report->version);
    tb_html_say(out, report, " from results.json, which stands in this file too.",
                " dari results.json, yang juga tersimpan dalam berkas ini.");
    tb_text_puts(out, "</footer>\n<script type=\"application/json\" id=\"results\">");
    TB_TRY(tb_html_json(out, report->root, err));
    tb_text_puts(out, "</script>\n</body>\n</html>\n");
    return tb_text_finish(out, err);
}

timbang_status tb_report_html(const json_t *results, char **text, tb_error *err)
{
    tb_report report;
    TB_TRY(tb_report_read(results, &report, err));
    tb_text out = {0};
    timbang_status status = put_page(&out, &report, err);
    tb_report_free(&report);
    if (status != TIMBANG_OK) {
        tb_text_free(&out);
        return status;
    }
    *text = out.data;
    return TIMBANG_OK;
}

timbang_status tb_report_html_file(const json_t *results, const char *path, tb_error *err)
{
    char *text = NULL;
    TB_TRY(tb_report_html(results, &text, err));
    timbang_status status = tb_write_file(path, text, strlen(text), err);
    free(text);
    return status;
}
