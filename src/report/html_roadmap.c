/* SPDX-License-Identifier: Apache-2.0
 * The roadmap in report.html: base, fine-tuned, QAT and control under every scheme, and the paired tests between them.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <math.h>
#include <string.h>

/* ---- Roles ---- */

static void put_stage(tb_text *out, const tb_report *report, const char *stage, const char *scheme)
{
    if (strcmp(stage, "qat") == 0) {
        tb_text_puts(out, "QAT");
        if (scheme) {
            tb_text_putc(out, ' ');
            tb_html_name(out, scheme);
        }
    } else if (strcmp(stage, "base") == 0)
        tb_html_say(out, report, "base", "dasar");
    else if (strcmp(stage, "control") == 0)
        tb_html_say(out, report, "control", "kontrol");
    else
        tb_html_say(out, report, "fine-tuned", "<i>fine-tuned</i>");
}

bool tb_html_role(tb_text *out, const tb_report *report, const tb_report_model *model)
{
    const tb_report_training *t = &model->training;
    if (!t->stage)
        return false;
    put_stage(out, report, t->stage, t->scheme);
    if (model->untrained_head)
        tb_html_say(out, report, ", untrained head", ", <i>head</i> belum dilatih");
    else if (t->has_seed)
        tb_text_printf(out, tb_report_say(report, ", seed %llu", ", <i>seed</i> %llu"), (unsigned long long)t->seed);
    return true;
}

/* ---- The table ---- */

static const tb_report_cell *cell_of(const tb_report_road_row *row, size_t set, size_t variant)
{
    for (size_t c = 0; c < row->n_cells; c++)
        if (row->cells[c].set == set && row->cells[c].variant == variant)
            return &row->cells[c];
    return NULL;
}

static void put_cell(tb_text *out, const tb_report_road_row *row, const tb_report_cell *cell)
{
    if (!cell) {
        tb_html_cell_dashes(out, 1);
        return;
    }
    tb_text_puts(out, cell->trained ? "<td><b>" : "<td>");
    tb_text_printf(out, "%.3f", cell->macro_f1.mean);
    if (row->n_models > 1)
        tb_text_printf(out, " &plusmn; %.3f", cell->macro_f1.sd);
    tb_text_puts(out, cell->trained ? "</b></td>" : "</td>");
}

static void put_row(tb_text *out, const tb_report *report, const tb_report_road_row *row, size_t set)
{
    tb_text_puts(out, "<tr><th scope=\"row\">");
    tb_html_name(out, row->name);
    tb_text_puts(out, " <small class=\"soft\">");
    put_stage(out, report, row->stage, row->scheme);
    if (row->n_models > 1)
        tb_text_printf(out, tb_report_say(report, ", %zu seeds", ", %zu <i>seed</i>"), row->n_models);
    if (row->untrained_head)
        tb_html_say(out, report, ", <span class=\"mark\">untrained head</span>",
                    ", <span class=\"mark\"><i>head</i> belum dilatih</span>");
    tb_text_puts(out, "</small></th>");
    for (size_t v = 0; v < report->roadmap.n_variants; v++)
        put_cell(out, row, cell_of(row, set, v));
    tb_text_puts(out, "</tr>\n");
}

static void put_set_name(tb_text *out, const tb_report *report, size_t set, size_t columns)
{
    if (report->n_sets < 2)
        return;
    tb_text_printf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\"><span>", columns);
    tb_html_name(out, report->sets[set].name);
    tb_text_puts(out, "</span></th></tr>\n");
}

static void put_table(tb_text *out, const tb_report *report)
{
    const tb_report_roadmap *road = &report->roadmap;
    tb_html_open_table(out, report,
                       "Macro-F1, over seeds mean &plusmn; standard deviation; bold: the scheme that QAT trained for",
                       "F1 makro, antar-<i>seed</i> rerata &plusmn; simpangan baku; tebal: skema tujuan QAT");
    tb_text_puts(out, "<thead><tr><th scope=\"col\"></th>");
    for (size_t v = 0; v < road->n_variants; v++) {
        tb_text_puts(out, "<th scope=\"col\">");
        tb_html_name(out, road->variants[v]);
        tb_text_puts(out, "</th>");
    }
    tb_text_puts(out, "</tr></thead><tbody>\n");
    for (size_t s = 0; s < report->n_sets; s++) {
        put_set_name(out, report, s, road->n_variants + 1);
        for (size_t r = 0; r < road->n_rows; r++)
            put_row(out, report, &road->rows[r], s);
    }
    tb_html_end_table(out);
}

/* ---- What QAT gained, at the scheme that it trained for ---- */

static void put_difference(tb_text *out, const tb_report *report, const tb_report_pair *pair)
{
    const tb_report_roadmap *road = &report->roadmap;
    tb_text_puts(out, "<li><b>");
    tb_html_name(out, road->rows[pair->row].name);
    tb_html_say(out, report, "</b> at ", "</b> pada ");
    tb_html_name(out, road->variants[pair->variant]);
    if (report->n_sets > 1) {
        tb_html_say(out, report, " on ", ", ");
        tb_html_name(out, report->sets[pair->set].name);
    }
    tb_html_say(out, report, " against ", " terhadap ");
    if (pair->control && strcmp(road->rows[pair->baseline].name, "control") == 0)
        tb_html_say(out, report, "the <b>", "<b>");
    else if (pair->control)
        tb_html_say(out, report, "the control <b>", "kontrol <b>");
    else
        tb_html_say(out, report, "post-training quantization of <b>", "kuantisasi pascapelatihan <b>");
    tb_html_name(out, road->rows[pair->baseline].name);
    tb_text_puts(out, "</b>: ");
    tb_html_signed(out, pair->delta_macro_f1.mean, 4);
    tb_html_say(out, report, " in macro-F1", " dalam F1 makro");
    if (pair->n_seeds > 1)
        tb_text_printf(out, tb_report_say(report, ", mean of %zu seeds", ", rerata %zu <i>seed</i>"), pair->n_seeds);
    if (!isnan(pair->p)) {
        tb_html_say(out, report, " (95&#8239;% interval ", " (selang 95&#8239;% ");
        tb_html_signed(out, pair->delta_macro_f1.interval.low, 4);
        tb_html_say(out, report, " to ", " sampai ");
        tb_html_signed(out, pair->delta_macro_f1.interval.high, 4);
        tb_text_puts(out, ", Holm ");
        tb_html_p_equals(out, pair->p_holm);
        tb_text_puts(out, ")");
        if (!(pair->p_holm < report->plan.alpha))
            tb_html_say(out, report, "; within chance", "; dalam batas kebetulan");
    }
    tb_text_puts(out, ".</li>\n");
}

static bool is_trained(const tb_report *report, const tb_report_pair *pair)
{
    const tb_report_cell *cell = cell_of(&report->roadmap.rows[pair->row], pair->set, pair->variant);
    return cell && cell->trained;
}

static void put_findings(tb_text *out, const tb_report *report)
{
    size_t n = 0;
    for (size_t i = 0; i < report->roadmap.n_pairs; i++) {
        if (!is_trained(report, &report->roadmap.pairs[i]))
            continue;
        tb_text_puts(out, n++ == 0 ? "<ul>\n" : "");
        put_difference(out, report, &report->roadmap.pairs[i]);
    }
    tb_text_puts(out, n > 0 ? "</ul>\n" : "");
}

/* ---- The tests ---- */

static const tb_html_column test_columns[] = {
    {"", ""},
    {"seeds", "<i>seed</i>"},
    {"&Delta; macro-F1", "&Delta; F1 makro"},
    {"95&#8239;%", "95&#8239;%"},
    {"<i>p</i>", "<i>p</i>"},
    {"<i>p</i>, Holm", "<i>p</i>, Holm"},
    {"&Delta; accuracy", "&Delta; akurasi"},
    {"95&#8239;%", "95&#8239;%"},
    {"lost / won,<br>each seed", "kalah / menang,<br>tiap <i>seed</i>"},
    {"McNemar <i>p</i>,<br>Holm", "<i>p</i> McNemar,<br>Holm"},
};
enum { N_TESTS = sizeof test_columns / sizeof test_columns[0] };

static void put_test(tb_text *out, const tb_report *report, const tb_report_pair *pair)
{
    tb_text_puts(out, "<tr><th scope=\"row\">");
    tb_html_name(out, report->roadmap.variants[pair->variant]);
    tb_text_printf(out, "</th><td>%zu</td>", pair->n_seeds);
    tb_html_cell_signed(out, pair->delta_macro_f1.mean, 4);
    tb_html_cell_interval(out, pair->delta_macro_f1.interval, 4, true);
    tb_html_cell_p(out, pair->p, false);
    tb_html_cell_p(out, pair->p_holm, pair->p_holm < report->plan.alpha);
    tb_html_cell_signed(out, pair->delta_accuracy.mean, 4);
    tb_html_cell_interval(out, pair->delta_accuracy.interval, 4, true);
    tb_text_puts(out, "<td>");
    for (size_t i = 0; i < pair->n_seeds; i++)
        tb_text_printf(out, "%s%llu / %llu", i ? "<br>" : "", (unsigned long long)pair->seeds[i].right_to_wrong,
                       (unsigned long long)pair->seeds[i].wrong_to_right);
    tb_text_puts(out, "</td><td>");
    for (size_t i = 0; i < pair->n_seeds; i++) {
        tb_text_puts(out, i ? "<br>" : "");
        tb_html_p(out, pair->seeds[i].mcnemar_p_holm);
    }
    tb_text_puts(out, "</td></tr>\n");
}

static void put_rows_head(tb_text *out, const tb_report *report, const tb_report_pair *pair)
{
    tb_text_printf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%d\"><span>", N_TESTS);
    tb_html_name(out, report->roadmap.rows[pair->row].name);
    tb_text_puts(out, " &minus; ");
    tb_html_name(out, report->roadmap.rows[pair->baseline].name);
    if (!pair->control)
        tb_text_puts(out, " (PTQ)");
    else if (strcmp(report->roadmap.rows[pair->baseline].name, "control") != 0)
        tb_html_say(out, report, " (control)", " (kontrol)");
    if (report->n_sets > 1) {
        tb_html_say(out, report, ", on ", ", ");
        tb_html_name(out, report->sets[pair->set].name);
    }
    tb_text_puts(out, "</span></th></tr>\n");
}

static void put_tests(tb_text *out, const tb_report *report)
{
    const tb_report_roadmap *road = &report->roadmap;
    if (road->n_pairs == 0)
        return;
    tb_html_begin_details(out, report, "Paired tests at equal bits", "Uji berpasangan pada bit yang sama", true);
    tb_html_begin_table(out, report, "QAT minus the other, the same scheme and the same texts",
                        "QAT dikurangi yang lain, skema dan teks yang sama", test_columns, N_TESTS);
    const tb_report_pair *last = NULL;
    for (size_t i = 0; i < road->n_pairs; i++) {
        const tb_report_pair *pair = &road->pairs[i];
        if (!last || last->row != pair->row || last->baseline != pair->baseline || last->set != pair->set)
            put_rows_head(out, report, pair);
        put_test(out, report, pair);
        last = pair;
    }
    tb_html_end_table(out);
    tb_html_say(
        out, report,
        "<p class=\"soft\">Differences are means over seeds, which are paired by their number; intervals and "
        "<i>p</i> of the macro-F1 by the bootstrap, over seeds and texts where there are several seeds. Lost and won: "
        "texts that only the other, only QAT gets right, with the exact McNemar test. Holm&rsquo;s correction goes "
        "over the schemes of two rows on one set. The difference from the control is what training through the "
        "rounding does; training for longer is in both.</p>\n",
        "<p class=\"soft\">Selisih adalah rerata antar-<i>seed</i>, yang dipasangkan menurut nomornya; selang dan "
        "<i>p</i> F1 makro dari <i>bootstrap</i>, atas <i>seed</i> dan teks bila <i>seed</i>-nya beberapa. Kalah dan "
        "menang: teks yang benar hanya pada yang lain, hanya pada QAT, dengan uji McNemar eksak. Koreksi Holm berlaku "
        "atas skema dari dua baris pada satu set. Selisih terhadap kontrol adalah pengaruh pelatihan melalui "
        "pembulatan; pelatihan yang lebih lama ada pada keduanya.</p>\n");
    tb_html_end_details(out);
}

void tb_html_roadmap(tb_text *out, const tb_report *report)
{
    put_findings(out, report);
    put_table(out, report);
    put_tests(out, report);
}
