/* SPDX-License-Identifier: Apache-2.0
 * The opening of report.html: what was found, for each model and set, in plain sentences.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <math.h>
#include <string.h>

/* ---- All comparisons together ---- */

typedef struct tally {
    size_t compared, different, equivalent, open, shifted;
} tally;

static tally count(const tb_report *report)
{
    tally t = {0};
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (!r->compared || r->untrained_head)
            continue;
        t.compared++;
        t.different += r->tests.significant;
        t.equivalent += r->tests.equivalent;
        t.open += !r->tests.significant && !r->tests.equivalent;
        t.shifted += r->tests.marginal_p_holm < report->plan.alpha;
    }
    return t;
}

static bool any_fp32(const tb_report *report)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (strcmp(report->variants[report->results[i].variant].name, "fp32") == 0)
            return true;
    return false;
}

static void put_tally(tb_text *out, const tb_report *report)
{
    tally t = count(report);
    if (t.compared == 0) {
        tb_text_printf(out, "<p class=\"lead\">%s</p>\n",
                       any_fp32(report)
                           ? tb_report_say(report, "No trained model was compared with its FP32 form.",
                                           "Tidak ada model terlatih yang dibandingkan dengan bentuk FP32-nya.")
                           : tb_report_say(report, "FP32 was not run, so nothing is compared.",
                                           "FP32 tidak dijalankan, jadi tidak ada yang dibandingkan."));
        return;
    }
    tb_text_printf(out,
                   tb_report_say(report,
                                 "<p class=\"lead\">%zu comparison%s with FP32: <b>%zu</b> differ%s beyond chance, "
                                 "<b>%zu</b> %s shown to be equivalent within ",
                                 "<p class=\"lead\">%zu perbandingan%s dengan FP32: <b>%zu</b> berbeda%s melebihi "
                                 "kebetulan, <b>%zu</b> %sterbukti setara dalam batas "),
                   t.compared, report->lang == TB_LANG_EN && t.compared != 1 ? "s" : "", t.different,
                   report->lang == TB_LANG_EN && t.different == 1 ? "s" : "", t.equivalent,
                   report->lang == TB_LANG_EN ? t.equivalent == 1 ? "is" : "are" : "");
    tb_html_margin(out, report->plan.margin);
    tb_text_printf(
        out,
        tb_report_say(
            report,
            ", and for <b>%zu</b> these texts show neither. In <b>%zu</b> the labels shift beyond chance.</p>\n",
            ", dan untuk <b>%zu</b> teks-teks ini tidak membuktikan keduanya. Pada <b>%zu</b> sebaran "
            "label bergeser melebihi kebetulan.</p>\n"),
        t.open, t.shifted);
}

/* ---- One model on one set ---- */

static const tb_report_result *first_of(const tb_report *report, size_t model, size_t set, bool compared)
{
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->model == model && r->set == set && (r->compared || !compared))
            return r;
    }
    return NULL;
}

static void put_base(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    tb_text_puts(out, "<p><b>");
    tb_html_name(out, report->variants[r->variant].name);
    tb_text_puts(out, "</b>");
    if (r->untrained_head) {
        tb_html_say(
            out, report,
            " has an <span class=\"mark\">untrained head</span>: its classifier is random, so no accuracy means "
            "anything. Agreement and KL still show how far each scheme moves the outputs.</p>\n",
            " memiliki <span class=\"mark\"><i>head</i> yang belum dilatih</span>: pengklasifikasinya acak, jadi angka "
            "akurasi tidak bermakna. Kesesuaian label dan KL tetap menunjukkan seberapa jauh tiap skema menggeser "
            "keluarannya.</p>\n");
        return;
    }
    tb_html_say(out, report, " is right on ", " benar pada ");
    tb_html_count(out, r->correct);
    tb_html_say(out, report, " of ", " dari ");
    tb_html_count(out, r->n);
    tb_text_printf(out,
                   tb_report_say(report, " %s: %.3f (95&#8239;%% interval %.3f to %.3f). Always saying ",
                                 " %s: %.3f (selang kepercayaan 95&#8239;%% dari %.3f sampai %.3f). Selalu menyebut "),
                   tb_html_texts(report, r->n), r->accuracy, r->low, r->high);
    tb_html_name(out, r->majority_label);
    tb_text_printf(out, tb_report_say(report, " would give %.3f.", " akan memberi %.3f."), r->majority_accuracy);
    if (r->low <= r->majority_accuracy)
        tb_text_printf(out, " <span class=\"mark\">%s</span>",
                       tb_report_say(report, "The model is not shown to do better than that.",
                                     "Model ini tidak terbukti lebih baik daripada itu."));
    tb_text_puts(out, "</p>\n");
}

/* What so many texts can show at all. */
static void put_grain(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    const tb_report_tests *t = &r->tests;
    unsigned long long n = r->n;
    const char *texts = tb_html_texts(report, n);
    tb_text_puts(out, "<p class=\"soft\">");
    if (t->smallest_texts <= r->n)
        tb_text_printf(
            out,
            tb_report_say(report,
                          "With %llu %s a difference under %.4f in accuracy cannot be seen: at least %llu %s "
                          "must change sides, all the same way, before McNemar&rsquo;s test calls it more "
                          "than chance.",
                          "Dengan %llu %s, selisih akurasi di bawah %.4f tidak dapat terlihat: paling sedikit "
                          "%llu %s harus berpindah ke arah yang sama sebelum uji McNemar menyebutnya "
                          "melebihi kebetulan."),
            n, texts, t->smallest, (unsigned long long)t->smallest_texts, tb_html_texts(report, t->smallest_texts));
    else
        tb_text_printf(out,
                       tb_report_say(report, "With %llu %s no difference in accuracy can be told from chance.",
                                     "Dengan %llu %s, selisih akurasi sebesar apa pun tidak dapat dibedakan dari "
                                     "kebetulan."),
                       n, texts);
    if (t->equivalence_most_flips < 0)
        tb_text_printf(
            out,
            tb_report_say(report,
                          " Equivalence within &plusmn;%g cannot be shown with %llu %s, whatever a variant "
                          "does: at least %.0f are needed.",
                          " Kesetaraan dalam batas &plusmn;%g tidak dapat dibuktikan dengan %llu %s, apa pun "
                          "yang dilakukan suatu varian: diperlukan sedikitnya %.0f teks."),
            t->margin, n, texts, tb_html_texts_needed(report, t->margin, 0));
    else
        tb_text_printf(
            out,
            tb_report_say(report,
                          " Equivalence within &plusmn;%g can be shown while at most %lld texts change sides, "
                          "as many for the better as for the worse.",
                          " Kesetaraan dalam batas &plusmn;%g dapat dibuktikan selama paling banyak %lld teks "
                          "berpindah, sama banyak yang membaik dan yang memburuk."),
            t->margin, (long long)t->equivalence_most_flips);
    tb_text_puts(out, "</p>\n");
}

static void put_block(tb_text *out, const tb_report *report, size_t model, size_t set)
{
    const tb_report_result *first = first_of(report, model, set, false);
    const tb_report_result *compared = first_of(report, model, set, true);
    if (!first)
        return;
    const tb_report_result *fp32 = tb_report_fp32(report, first);
    tb_text_puts(out, "<div class=\"answer\">\n<h3>");
    tb_html_where(out, report, model, set);
    tb_text_puts(out, "</h3>\n");
    put_base(out, report, fp32 ? fp32 : first);
    if (!compared) {
        if (any_fp32(report)) /* else the opening says it for all */
            tb_text_printf(
                out, "<p>%s</p>\n",
                fp32 ? tb_report_say(report, "FP32 is its only variant.", "FP32 adalah satu-satunya variannya.")
                     : tb_report_say(report, "Nothing was compared: FP32 is not among its variants.",
                                     "Tidak ada yang dibandingkan: FP32 tidak termasuk variannya."));
        tb_text_puts(out, "</div>\n");
        return;
    }
    tb_text_puts(out, "<ul>\n");
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->model == model && r->set == set && r->compared)
            tb_html_answer(out, report, r);
    }
    tb_text_puts(out, "</ul>\n");
    if (!compared->untrained_head)
        put_grain(out, report, compared);
    tb_text_puts(out, "</div>\n");
}

/* Has a null enough models for a p value? */
static bool any_rank_tested(const tb_report *report)
{
    for (size_t i = 0; i < report->n_nulls; i++)
        if (!isnan(report->nulls[i].accuracy.p))
            return true;
    return false;
}

static void put_tests_key(tb_text *out, const tb_report *report)
{
    tb_html_say(out, report, "<i>p</i> values are of the ", "Nilai <i>p</i> berasal dari ");
    if (report->plan.primary[0] == 'm')
        tb_html_say(out, report, "bootstrap of the difference in macro-F1", "<i>bootstrap</i> selisih F1 makro");
    else
        tb_html_say(out, report, "exact McNemar test", "uji McNemar eksak");
    tb_html_say(out, report,
                ", of labels those of the Stuart&ndash;Maxwell test, both adjusted by Holm&rsquo;s method over the "
                "variants of one model on one set",
                ", untuk label dari uji Stuart&ndash;Maxwell, keduanya dikoreksi dengan metode Holm atas semua varian "
                "satu model pada satu set");
    if (any_rank_tested(report))
        tb_html_say(out, report,
                    "; those of luck are ranks among the models of random rounding, two-sided and not adjusted",
                    "; untuk kebetulan, dari peringkat di antara model pembulatan acak, dua sisi dan tidak dikoreksi");
    tb_text_printf(
        out,
        tb_report_say(report,
                      "; %g decides. &ldquo;Not shown&rdquo; is not "
                      "&ldquo;equal&rdquo; and not &ldquo;unequal&rdquo;: these texts are too few to tell. "
                      "Speed is the median over texts of paired ratios.",
                      "; batasnya %g. &ldquo;Tidak terbukti&rdquo; bukan berarti "
                      "&ldquo;sama&rdquo; dan bukan pula &ldquo;berbeda&rdquo;: teksnya terlalu sedikit untuk "
                      "memutuskan. Kecepatan adalah median rasio berpasangan per teks."),
        report->plan.alpha);
}

static void put_key(tb_text *out, const tb_report *report)
{
    bool compared = tb_report_any_compared(report, SIZE_MAX), decimals = report->lang == TB_LANG_ID;
    if (!compared && !decimals)
        return;
    tb_text_puts(out, "<p class=\"soft\">");
    if (compared)
        put_tests_key(out, report);
    if (decimals)
        tb_text_puts(out, compared ? " Angka desimal ditulis dengan titik." : "Angka desimal ditulis dengan titik.");
    tb_text_puts(out, "</p>\n");
}

void tb_html_answers(tb_text *out, const tb_report *report)
{
    enum { OPEN_BLOCKS = 4 };
    size_t shown = 0;
    put_tally(out, report);
    tb_html_transfer_note(out, report);
    for (int untrained = 0; untrained < 2; untrained++)
        for (size_t m = 0; m < report->n_models; m++)
            for (size_t s = 0; s < report->n_sets && report->models[m].untrained_head == (untrained == 1); s++) {
                if (shown++ == OPEN_BLOCKS)
                    tb_html_begin_details(out, report, "The other models and sets", "Model dan set lainnya", false);
                put_block(out, report, m, s);
            }
    if (shown > OPEN_BLOCKS)
        tb_html_end_details(out);
    put_key(out, report);
}
