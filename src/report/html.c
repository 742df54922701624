/* SPDX-License-Identifier: Apache-2.0
 * report.html: the page and the order of its sections.
 * Includes: report/report.h, report/html.h. Called by: api, study (through its job). */
#include "report/html.h"

#include "report/report.h"

#include <stdlib.h>
#include <string.h>

static void put_head(tb_text *out, const tb_report *report)
{
    tb_text_puts(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                      "<title>Timbang study</title>\n<style>");
    for (size_t i = 0; tb_html_style[i]; i++)
        tb_text_puts(out, tb_html_style[i]);
    tb_text_puts(out, "</style>\n</head>\n<body>\n<header>\n<h1>What quantization changes</h1>\n<p class=\"soft\">");
    tb_text_printf(out, "%zu model%s, %zu data set%s, ", report->n_models, report->n_models == 1 ? "" : "s",
                   report->n_sets, report->n_sets == 1 ? "" : "s");
    tb_html_text(out, report->started);
    if (report->cpu) {
        tb_text_puts(out, ", ");
        tb_html_text(out, report->cpu);
    }
    tb_text_puts(out, " (");
    tb_html_text(out, report->level);
    tb_text_printf(out, ", %llu thread%s)</p>\n</header>\n<main>\n", (unsigned long long)report->threads,
                   report->threads == 1 ? "" : "s");
}

/* The rule for a set that lacks some of the model's classes. */
static void put_rule(tb_text *out, const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set || (r->labels_present == r->n_classes && !r->restricted))
            continue;
        if (r->restricted)
            tb_text_printf(out, "<p class=\"note\">Predictions are over the %zu labels that the set holds only.</p>\n",
                           r->n_classes);
        else
            tb_text_printf(out,
                           "<p class=\"note\">The set holds %llu of the %zu labels: predictions are over all of them, "
                           "macro-F1 over those present.</p>\n",
                           (unsigned long long)r->labels_present, r->n_classes);
        return;
    }
}

static void begin_details(tb_text *out, const char *title)
{
    tb_text_printf(out, "<details><summary>%s</summary>\n", title);
}

static void put_set(tb_text *out, const tb_report *report, size_t set)
{
    tb_text_puts(out, "<section>\n<h2>");
    tb_html_name(out, report->sets[set].name);
    tb_text_printf(out, "</h2>\n<p class=\"soft\">%llu texts</p>\n", (unsigned long long)report->sets[set].rows);
    put_rule(out, report, set);
    tb_html_warnings(out, report, report->sets[set].name);
    tb_html_fig_accuracy(out, report, set);
    tb_html_main_table(out, report, set);
    begin_details(out, "Each change in accuracy, in texts");
    tb_html_sentences(out, report, set);
    tb_text_puts(out, "</details>\n<h3>Labels said</h3>\n");
    tb_html_fig_counts(out, report, set);
    tb_text_puts(out, "<h3>F1 by label</h3>\n");
    tb_html_class_table(out, report, set);
    begin_details(out, "Confusion matrices");
    tb_html_confusions(out, report, set);
    tb_text_puts(out, "</details>\n");
    begin_details(out, "Calibration");
    tb_html_calibration_table(out, report, set);
    tb_text_puts(out, "</details>\n");
    begin_details(out, "Latency, in milliseconds");
    tb_text_printf(
        out,
        "<p class=\"soft\">%llu texts one by one, %llu rounds with the variants interleaved; a text's time is the "
        "median of its rounds. The last column is the median of paired ratios.</p>\n",
        (unsigned long long)report->latency_texts, (unsigned long long)report->latency_rounds);
    tb_html_latency_table(out, report, set);
    tb_text_puts(out, "</details>\n</section>\n");
}

static timbang_status put_page(tb_text *out, const tb_report *report, tb_error *err)
{
    put_head(out, report);
    tb_html_summary(out, report);
    tb_html_warnings(out, report, NULL);
    for (size_t s = 0; s < report->n_sets; s++)
        put_set(out, report, s);
    tb_text_puts(out, "<section>\n<h2>Size</h2>\n");
    tb_html_fig_sizes(out, report);
    tb_text_puts(out, "</section>\n<section>\n<h2>What was run</h2>\n");
    tb_html_facts(out, report);
    tb_text_puts(out, "</section>\n</main>\n<footer>Made by timbang ");
    tb_html_text(out, report->version);
    tb_text_puts(out, " from results.json, which stands in this file too.</footer>\n"
                      "<script type=\"application/json\" id=\"results\">");
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
