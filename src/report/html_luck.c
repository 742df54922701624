/* SPDX-License-Identifier: Apache-2.0
 * Luck in report.html: models of random rounding, and seeds of one recipe.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <math.h>

/* ---- Random rounding ---- */

static const tb_html_column null_columns[] = {
    {"", ""},
    {"models", "model"},
    {"accuracy", "akurasi"},
    {"FP32", "FP32"},
    {"below / equal /<br>above", "di bawah / sama /<br>di atas"},
    {"<i>p</i>", "<i>p</i>"},
    {"macro-F1", "F1 makro"},
    {"below / equal /<br>above", "di bawah / sama /<br>di atas"},
    {"<i>p</i>", "<i>p</i>"},
    {"agreement", "label sama"},
    {"below / equal /<br>above", "di bawah / sama /<br>di atas"},
    {"<i>p</i>", "<i>p</i>"},
    {"error of<br>the weights", "galat<br>bobot"},
    {"largest<br>deviation", "simpangan<br>terbesar"},
};
enum { N_NULL = sizeof null_columns / sizeof null_columns[0] };

static void put_figure(tb_text *out, const tb_report *report, const tb_report_null_figure *f, bool with_fp32)
{
    tb_html_cell(out, f->real, 3);
    if (with_fp32)
        tb_html_cell(out, f->fp32, 3);
    if (isnan(f->real)) {
        tb_html_cell_dashes(out, 2);
        return;
    }
    tb_text_printf(out, "<td>%llu / %llu / %llu</td>", (unsigned long long)f->below, (unsigned long long)f->equal,
                   (unsigned long long)f->above);
    tb_html_cell_p(out, f->p, f->p < report->plan.alpha);
}

void tb_html_null_table(tb_text *out, const tb_report *report, size_t set)
{
    size_t last = SIZE_MAX;
    tb_html_begin_table(out, report, "How many models of random rounding lie below, at and above the real one",
                        "Berapa model pembulatan acak yang berada di bawah, sama dengan, dan di atas model sebenarnya",
                        null_columns, N_NULL);
    for (size_t i = 0; i < report->n_nulls; i++) {
        const tb_report_null *null = &report->nulls[i];
        const tb_report_result *r = &report->results[null->result];
        if (r->set != set)
            continue;
        if (report->n_models > 1 && r->model != last) {
            tb_text_printf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%d\"><span>", N_NULL);
            tb_html_name(out, report->models[r->model].name);
            tb_text_puts(out, "</span></th></tr>\n");
        }
        last = r->model;
        tb_text_puts(out, "<tr><th scope=\"row\">");
        tb_html_name(out, report->variants[r->variant].name);
        tb_text_printf(out, "</th><td>%zu</td>", null->models);
        put_figure(out, report, &null->accuracy, true);
        put_figure(out, report, &null->macro_f1, false);
        put_figure(out, report, &null->agreement, false);
        if (isnan(null->weight_error))
            tb_html_cell_dashes(out, 1);
        else
            tb_text_printf(out, "<td>%.2e</td>", null->weight_error);
        tb_html_cell(out, null->largest_deviation, 3);
        tb_text_puts(out, "</tr>\n");
    }
    tb_html_end_table(out);
    tb_html_say(
        out, report,
        "<p class=\"soft\">Each model rounds the same weights to nearest on scales that were moved at random, its "
        "error "
        "in the weights matched to the real one&rsquo;s (largest deviation, as a proportion). <i>p</i> is two-sided "
        "and "
        "needs 99 models; fewer show the rank only.</p>\n",
        "<p class=\"soft\">Tiap model membulatkan bobot yang sama ke nilai terdekat dengan skala yang digeser secara "
        "acak; galat bobotnya disamakan dengan model sebenarnya (simpangan terbesar, sebagai proporsi). <i>p</i> dua "
        "sisi "
        "dan memerlukan 99 model; jumlah yang lebih sedikit hanya menunjukkan peringkat.</p>\n");
}

/* ---- Seeds ---- */

static const tb_html_column seed_columns[] = {
    {"", ""},
    {"accuracy,<br>mean &plusmn; sd", "akurasi,<br>rerata &plusmn; sb"},
    {"of each seed", "tiap <i>seed</i>"},
    {"macro-F1,<br>mean &plusmn; sd", "F1 makro,<br>rerata &plusmn; sb"},
    {"&Delta; accuracy,<br>mean &plusmn; sd", "&Delta; akurasi,<br>rerata &plusmn; sb"},
    {"95&#8239;%", "95&#8239;%"},
    {"&Delta; macro-F1,<br>mean &plusmn; sd", "&Delta; F1 makro,<br>rerata &plusmn; sb"},
    {"95&#8239;%", "95&#8239;%"},
};
enum { N_SEEDS = sizeof seed_columns / sizeof seed_columns[0] };

static void put_spread(tb_text *out, const tb_report_spread *s)
{
    tb_text_printf(out, "<td>%.3f &plusmn; %.3f</td>", s->mean, s->sd);
}

static void put_delta(tb_text *out, const tb_report_spread *s)
{
    tb_text_puts(out, "<td>");
    tb_html_signed(out, s->mean, 4);
    tb_text_printf(out, " &plusmn; %.4f</td>", s->sd);
    tb_html_cell_interval(out, s->interval, 4, true);
}

static void put_group_row(tb_text *out, const tb_report_group *group, const tb_report_group_result *g)
{
    tb_text_puts(out, "<tr><th scope=\"row\">");
    tb_html_name(out, g->variant);
    tb_text_puts(out, "</th>");
    put_spread(out, &g->accuracy);
    tb_text_puts(out, "<td>");
    for (size_t m = 0; m < group->n_models; m++)
        tb_text_printf(out, "%s%.3f", m ? ", " : "", g->accuracy.values[m]);
    tb_text_puts(out, "</td>");
    put_spread(out, &g->macro_f1);
    if (g->compared) {
        put_delta(out, &g->delta_accuracy);
        put_delta(out, &g->delta_macro_f1);
    } else
        tb_html_cell_dashes(out, 4);
    tb_text_puts(out, "</tr>\n");
}

static void put_members(tb_text *out, const tb_report *report, const tb_report_group *group)
{
    tb_text_puts(out, "<p>");
    tb_html_say(out, report, "Recipe ", "Resep ");
    tb_text_puts(out, "<code>");
    tb_html_text(out, group->recipe);
    tb_text_puts(out, "</code>: ");
    for (size_t m = 0; m < group->n_models; m++) {
        tb_text_puts(out, m ? ", " : "");
        tb_html_name(out, report->models[group->models[m]].name);
        tb_text_printf(out, tb_report_say(report, " (seed %llu)", " (<i>seed</i> %llu)"),
                       (unsigned long long)group->seeds[m]);
    }
    tb_text_puts(out, ".");
    if (group->differing[0]) {
        tb_text_printf(out, " <span class=\"mark\">%s</span>",
                       tb_report_say(report, "Their training settings differ: ", "Pengaturan pelatihannya berbeda: "));
        tb_html_text(out, group->differing);
        tb_text_puts(out, ".");
    }
    tb_text_puts(out, "</p>\n");
}

void tb_html_groups(tb_text *out, const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_groups; i++) {
        const tb_report_group *group = &report->groups[i];
        bool begun = false;
        for (size_t v = 0; v < group->n_results; v++) {
            if (group->results[v].set != set)
                continue;
            if (!begun) {
                put_members(out, report, group);
                tb_html_begin_table(
                    out, report, "Seeds of one recipe; differences within a seed, intervals over seeds and texts",
                    "<i>Seed</i> dari satu resep; selisih di dalam tiap <i>seed</i>, selang atas <i>seed</i> dan teks",
                    seed_columns, N_SEEDS);
                begun = true;
            }
            put_group_row(out, group, &group->results[v]);
        }
        if (begun)
            tb_html_end_table(out);
    }
}
