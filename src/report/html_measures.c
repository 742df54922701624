/* SPDX-License-Identifier: Apache-2.0
 * Calibration, latency and size in report.html.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <math.h>

/* ---- Calibration ---- */

static const tb_html_column calibration[] = {
    {"", ""},
    {"accuracy", "akurasi"},
    {"mean<br>confidence", "rerata<br>keyakinan"},
    {"sd", "sb"},
    {"against<br>FP32", "dibanding<br>FP32"},
    {"<i>p</i><br>(Holm)", "<i>p</i><br>(Holm)"},
    {"ECE,<br>width", "ECE,<br>lebar"},
    {"ECE,<br>mass", "ECE,<br>massa"},
    {"MCE", "MCE"},
    {"Brier", "Brier"},
    {"NLL", "NLL"},
    {"wrong at<br>&ge;&#8239;0.9", "salah pada<br>&ge;&#8239;0.9"},
    {"tempe-<br>rature", "suhu"},
    {"ECE<br>under it", "ECE<br>dengannya"},
    {"NLL<br>under it", "NLL<br>dengannya"},
    {"max<br>|&Delta;logit|", "maks<br>|&Delta;logit|"},
};
enum { N_CALIBRATION = sizeof calibration / sizeof calibration[0] };

void tb_html_calibration_table(tb_text *out, const tb_report *report, size_t set)
{
    tb_html_begin_table(out, report,
                        "Confidence is the largest probability. <i>p</i>: Wilcoxon&rsquo;s signed rank, by text.",
                        "Keyakinan adalah peluang terbesar. <i>p</i>: uji peringkat bertanda Wilcoxon per teks.",
                        calibration, N_CALIBRATION);
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        const double none = (double)NAN;
        if (r->set != set)
            continue;
        tb_html_begin_row(out, report, i, N_CALIBRATION);
        tb_html_cell(out, r->accuracy, 3);
        tb_html_cell(out, r->mean_confidence, 3);
        tb_html_cell(out, r->confidence_sd, 3);
        tb_html_cell_signed(out, r->compared ? r->tests.confidence_difference : none, 4);
        tb_html_cell_p(out, r->compared ? r->tests.confidence_p_holm : none,
                       r->compared && r->tests.confidence_p_holm < report->plan.alpha);
        tb_html_cell(out, r->ece, 3);
        tb_html_cell(out, r->ece_mass, 3);
        tb_html_cell(out, r->mce, 3);
        tb_html_cell(out, r->brier, 4);
        tb_html_cell(out, r->nll, 4);
        tb_html_cell_count(out, r->overconfident_errors);
        tb_html_cell(out, r->temperature, 3);
        tb_html_cell(out, r->temperature_ece, 3);
        tb_html_cell(out, r->temperature_nll, 4);
        tb_html_cell(out, r->compared ? r->max_abs_dlogit : none, 4);
        tb_text_puts(out, "</tr>\n");
    }
    tb_html_end_table(out);
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i].set == set && report->results[i].temperature_set) {
            tb_text_printf(out, "<p class=\"soft\">%s",
                           tb_report_say(report, "Temperatures were fitted on ", "Suhu dicocokkan pada "));
            tb_html_name(out, report->results[i].temperature_set);
            tb_text_puts(out, ".</p>\n");
            break;
        }
}

/* ---- Latency ---- */

static const tb_html_column latency[] = {
    {"", ""},
    {"tokenize", "tokenisasi"},
    {"forward", "<i>forward</i>"},
    {"total,<br>median", "total,<br>median"},
    {"mean", "rerata"},
    {"95&#8239;%", "95&#8239;%"},
    {"sd", "sb"},
    {"p90", "p90"},
    {"p99", "p99"},
    {"&times; of", "&times; dari"},
    {"95&#8239;%", "95&#8239;%"},
    {"texts/s", "teks/s"},
    {"joules<br>a text", "joule<br>per teks"},
    {"rounds", "putaran"},
    {"out-<br>liers", "pen-<br>cilan"},
};
enum { N_LATENCY = sizeof latency / sizeof latency[0] };

static void put_ms(tb_text *out, double ms)
{
    tb_text_puts(out, "<td>");
    tb_html_ms(out, ms);
    tb_text_puts(out, "</td>");
}

static void put_latency(tb_text *out, const tb_report_result *r)
{
    put_ms(out, r->tokenize.median);
    put_ms(out, r->forward.median);
    put_ms(out, r->total.median);
    put_ms(out, r->total.mean);
    tb_html_cell_interval(out, r->latency_interval, 2, false);
    put_ms(out, r->total.sd);
    put_ms(out, r->total.p90);
    put_ms(out, r->total.p99);
    tb_text_printf(out, "<td>%.2f <span class=\"model\">", r->latency_ratio);
    tb_html_name(out, r->ratio_to);
    tb_text_puts(out, "</span></td>");
    tb_html_cell_interval(out, r->latency_ratio_interval, 3, false);
    tb_html_cell(out, r->texts_per_s, r->texts_per_s < 99.5 ? 1 : 0);
    tb_html_cell(out, r->energy_j, 3);
    tb_html_cell_count(out, r->timed_rounds);
    tb_text_puts(out, r->outliers > 0 ? "<td class=\"low\">" : "<td>");
    tb_html_count(out, r->outliers);
    tb_text_puts(out, "</td></tr>\n");
}

/* "12", or "12-40" where it is not the same for all. Returns the larger. */
static uint64_t put_range(tb_text *out, const tb_report *report, size_t set, bool rounds)
{
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        uint64_t n = rounds ? r->timed_rounds : r->timed_texts;
        if (r->set != set)
            continue;
        low = n < low ? n : low;
        high = n > high ? n : high;
    }
    if (low < high) {
        tb_html_count(out, low);
        tb_text_puts(out, "&ndash;");
    }
    tb_html_count(out, high);
    return high;
}

static void put_latency_key(tb_text *out, const tb_report *report, size_t set)
{
    tb_text_puts(out, "<p class=\"soft\">");
    uint64_t n = put_range(out, report, set, false);
    tb_text_printf(out,
                   tb_report_say(report,
                                 " %s, each alone at its real length; models and variants took turns, again and "
                                 "again, ",
                                 " %s, masing-masing tersendiri dengan panjang aslinya; model dan varian "
                                 "bergiliran berulang kali, "),
                   tb_html_texts(report, n));
    n = put_range(out, report, set, true);
    tb_text_printf(out,
                   tb_report_say(report,
                                 " %s. Times are those of the machine when it is least disturbed: the lower decile "
                                 "of the turns. The ratio is the median over the turns; intervals come from whole "
                                 "turns. Texts/s: the whole set, in batches. Energy: ",
                                 " %s. Waktunya adalah waktu mesin saat paling sedikit terganggu: desil bawah "
                                 "giliran. Rasio adalah median atas giliran; selangnya dari giliran utuh. Teks/s: "
                                 "seluruh set, dalam <i>batch</i>. Energi: "),
                   tb_report_say(report, n == 1 ? "round" : "rounds", "putaran"));
    if (!report->energy_available)
        tb_html_say(out, report, "not available, ", "tidak tersedia, ");
    tb_html_text(out, tb_html_energy(report));
    tb_text_puts(out, ".</p>\n");
}

void tb_html_latency_table(tb_text *out, const tb_report *report, size_t set)
{
    tb_html_begin_table(out, report, "Milliseconds of one text alone", "Milidetik untuk satu teks tersendiri", latency,
                        N_LATENCY);
    for (size_t i = 0; i < report->n_results; i++) {
        if (report->results[i].set != set)
            continue;
        tb_html_begin_row(out, report, i, N_LATENCY);
        put_latency(out, &report->results[i]);
    }
    tb_html_end_table(out);
    put_latency_key(out, report, set);
}

/* ---- Size ---- */

static const tb_html_column sizes[] = {
    {"", ""},
    {"MB", "MB"},
    {"&times; FP32", "&times; FP32"},
    {"embeddings", "<i>embedding</i>"},
    {"encoder", "<i>encoder</i>"},
    {"head", "<i>head</i>"},
    {"other", "lainnya"},
    {"file", "berkas"},
    {"in memory", "di memori"},
    {"peak of a run", "puncak saat jalan"},
    {"error of<br>the weights", "galat<br>bobot"},
};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

static void put_megabytes(tb_text *out, uint64_t bytes)
{
    tb_text_puts(out, "<td>");
    tb_html_megabytes(out, bytes);
    tb_text_puts(out, "</td>");
}

void tb_html_size_table(tb_text *out, const tb_report *report)
{
    tb_html_begin_table(
        out, report,
        "Megabytes of 10<sup>6</sup> bytes. FP32 counts 4 bytes a parameter, whatever the source file holds.",
        "Megabyte (10<sup>6</sup> byte). FP32 dihitung 4 byte per parameter, apa pun isi berkas asalnya.", sizes,
        N_SIZES);
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < report->n_variants; i++) {
        const tb_report_variant *v = &report->variants[i];
        if (report->n_models > 1 && v->model != last) {
            tb_text_printf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%d\"><span>", N_SIZES);
            tb_html_name(out, report->models[v->model].name);
            tb_text_puts(out, "</span></th></tr>\n");
        }
        last = v->model;
        tb_text_puts(out, "<tr><th scope=\"row\">");
        tb_html_name(out, v->name);
        tb_text_puts(out, "</th>");
        put_megabytes(out, v->size_bytes);
        tb_html_cell(out, v->ratio, 3);
        for (size_t p = 0; p < TB_REPORT_PARTS; p++)
            put_megabytes(out, v->parts[p]);
        put_megabytes(out, v->file_bytes);
        put_megabytes(out, v->resident_bytes);
        if (v->peak_resident_bytes > 0)
            put_megabytes(out, v->peak_resident_bytes);
        else
            tb_html_cell_dashes(out, 1);
        if (isnan(v->weight_error))
            tb_html_cell_dashes(out, 1);
        else
            tb_text_printf(out, "<td>%.2e</td>", v->weight_error);
        tb_text_puts(out, "</tr>\n");
    }
    tb_html_end_table(out);
}
