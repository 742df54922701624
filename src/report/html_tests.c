/* SPDX-License-Identifier: Apache-2.0
 * The tests of a data set in report.html: differences, equivalence and power.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <math.h>

static const tb_html_column differences[] = {
    {"", ""},
    {"flips", "berubah"},
    {"&Delta; accuracy", "&Delta; akurasi"},
    {"95&#8239;%, bootstrap", "95&#8239;%, <i>bootstrap</i>"},
    {"McNemar <i>p</i>", "<i>p</i> McNemar"},
    {"&Delta; macro-F1", "&Delta; F1 makro"},
    {"95&#8239;%, bootstrap", "95&#8239;%, <i>bootstrap</i>"},
    {"<i>p</i>, bootstrap", "<i>p</i>, <i>bootstrap</i>"},
    {"primary <i>p</i>,<br>Holm", "<i>p</i> utama,<br>Holm"},
    {"labels,<br><i>p</i>, Holm", "label,<br><i>p</i>, Holm"},
    {"agreement,<br>95&#8239;%", "label sama,<br>95&#8239;%"},
};

static const tb_html_column equivalence[] = {
    {"", ""},
    {"margin", "batas"},
    {"interval of<br>&Delta; accuracy", "selang<br>&Delta; akurasi"},
    {"TOST <i>p</i>", "<i>p</i> TOST"},
    {"equivalent", "setara"},
    {"texts that<br>changed sides", "teks yang<br>berpindah"},
    {"chance to show<br>equivalence", "peluang bukti<br>kesetaraan"},
    {"seen with<br>power", "terlihat<br>dengan daya uji"},
    {"smallest<br>seen at all", "terkecil yang<br>dapat terlihat"},
    {"most flips,<br>equivalent", "perubahan terbanyak,<br>masih setara"},
};

enum {
    N_DIFFERENCES = sizeof differences / sizeof differences[0],
    N_EQUIVALENCE = sizeof equivalence / sizeof equivalence[0]
};

static tb_interval interval_of(bool there, tb_interval interval)
{
    return there ? interval : (tb_interval){(double)NAN, (double)NAN};
}

static void put_differences(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    const tb_report_tests *t = &r->tests;
    tb_html_cell_count(out, r->right_to_wrong + r->wrong_to_right + r->wrong_to_other);
    tb_html_cell_signed(out, r->delta_accuracy, 4);
    tb_html_cell_interval(out, interval_of(t->bootstrap, t->boot_accuracy), 4, true);
    tb_html_cell_p(out, r->mcnemar_p, false);
    tb_html_cell_signed(out, t->delta_macro_f1, 4);
    tb_html_cell_interval(out, interval_of(t->bootstrap, t->boot_macro_f1), 4, true);
    tb_html_cell_p(out, t->delta_macro_f1_p, false);
    tb_html_cell_p(out, t->primary_p_holm, t->significant);
    tb_html_cell_p(out, t->marginal_p_holm, t->marginal_p_holm < report->plan.alpha);
    tb_html_cell_interval(out, t->agreement_interval, 3, false);
}

static void put_equivalence(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    const tb_report_tests *t = &r->tests;
    tb_text_puts(out, "<td>");
    tb_html_margin(out, t->margin);
    tb_text_puts(out, "</td>");
    tb_html_cell_interval(out, t->equivalence_interval, 4, true);
    tb_html_cell_p(out, t->equivalence_p, false);
    tb_html_cell_equivalent(out, report, t);
    tb_html_cell(out, t->discordant_rate, 4);
    tb_html_cell(out, t->equivalence_power, 2);
    tb_html_cell(out, t->detectable, 4);
    tb_html_cell(out, t->smallest, 4);
    if (t->equivalence_most_flips < 0)
        tb_text_printf(out, "<td>%s</td>", tb_report_say(report, "never", "tidak pernah"));
    else
        tb_html_cell_count(out, (uint64_t)t->equivalence_most_flips);
}

static void put_rows(tb_text *out, const tb_report *report, size_t set, size_t n_columns,
                     void (*put)(tb_text *, const tb_report *, const tb_report_result *))
{
    const tb_report_result *last = NULL;
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set || !r->compared)
            continue;
        /* FP32 has no row here, so the model's name stands above the first variant that was compared. */
        if (report->n_models > 1 && (!last || last->model != r->model)) {
            tb_text_printf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\"><span>", n_columns);
            tb_html_name(out, report->models[r->model].name);
            tb_text_puts(out, "</span></th></tr>\n");
        }
        last = r;
        tb_text_puts(out, "<tr><th scope=\"row\">");
        tb_html_name(out, report->variants[r->variant].name);
        tb_text_puts(out, "</th>");
        put(out, report, r);
        tb_text_puts(out, "</tr>\n");
    }
}

void tb_html_tests_table(tb_text *out, const tb_report *report, size_t set)
{
    tb_html_begin_table(out, report, "Differences from FP32, paired by text",
                        "Selisih terhadap FP32, berpasangan per teks", differences, N_DIFFERENCES);
    put_rows(out, report, set, N_DIFFERENCES, put_differences);
    tb_html_end_table(out);
    tb_html_begin_table(out, report, "Equivalence with FP32, and what these texts can show",
                        "Kesetaraan dengan FP32, dan apa yang dapat dibuktikan teks-teks ini", equivalence,
                        N_EQUIVALENCE);
    put_rows(out, report, set, N_EQUIVALENCE, put_equivalence);
    tb_html_end_table(out);
}

void tb_html_tests_key(tb_text *out, const tb_report *report)
{
    tb_text_printf(
        out,
        tb_report_say(
            report,
            "<p class=\"soft\">Differences are the variant&rsquo;s minus FP32&rsquo;s. Labels: Stuart&ndash;Maxwell "
            "test of "
            "the predicted labels&rsquo; frequencies. Equivalence: two one-sided score tests for paired proportions "
            "(Tango), "
            "their interval at %g. &ldquo;Seen with power&rdquo;: the true difference that is found with probability "
            "%g when "
            "as many texts change sides as here; a dash where none is. &ldquo;Smallest seen at all&rdquo;: all flips "
            "in one "
            "direction.</p>\n",
            "<p class=\"soft\">Selisih adalah nilai varian dikurangi nilai FP32. Label: uji Stuart&ndash;Maxwell atas "
            "frekuensi "
            "label prediksi. Kesetaraan: dua uji skor satu sisi untuk proporsi berpasangan (Tango), selangnya pada %g. "
            "&ldquo;Terlihat dengan daya uji&rdquo;: selisih sebenarnya yang ditemukan dengan peluang %g bila teks "
            "yang "
            "berpindah sebanyak di sini; tanda pisah bila tidak ada. &ldquo;Terkecil yang dapat terlihat&rdquo;: semua "
            "perubahan ke satu arah.</p>\n"),
        1 - 2 * report->plan.alpha, report->plan.power);
}
