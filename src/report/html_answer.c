/* SPDX-License-Identifier: Apache-2.0
 * What one variant did on one set, in sentences: size and speed, accuracy, equivalence, labels, luck. The words follow
 * the tests: a difference that is not significant is not called equal, an equivalence that is not shown is not denied.
 * Includes: report/html.h. Called by: report/html_answers. */
#include "report/html.h"

#include <math.h>
#include <string.h>

/* ---- Size and speed ---- */

static void put_size(tb_text *out, const tb_report *report, double ratio)
{
    if (ratio > 0 && ratio < 0.95)
        tb_text_printf(out, tb_report_say(report, "%.1f&times; smaller", "%.1f&times; lebih kecil"), 1 / ratio);
    else if (ratio < 1.05)
        tb_text_printf(out,
                       tb_report_say(report, "<span class=\"mark\">no smaller</span> (%.2f of FP32&rsquo;s size)",
                                     "<span class=\"mark\">tidak lebih kecil</span> (%.2f kali ukuran FP32)"),
                       ratio);
    else
        tb_text_printf(out,
                       tb_report_say(report, "<span class=\"mark\">larger</span> (%.2f of FP32&rsquo;s size)",
                                     "<span class=\"mark\">lebih besar</span> (%.2f kali ukuran FP32)"),
                       ratio);
}

static void put_speed(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    double ratio = r->latency_ratio;
    if (ratio > 0 && ratio < 0.95 && r->latency_ratio_interval.high < 1)
        tb_text_printf(out, tb_report_say(report, "%.1f&times; faster", "%.1f&times; lebih cepat"), 1 / ratio);
    else if (ratio > 1.05 && r->latency_ratio_interval.low > 1)
        tb_text_printf(out,
                       tb_report_say(report, "<span class=\"mark\">slower</span> (%.2f of FP32&rsquo;s time)",
                                     "<span class=\"mark\">lebih lambat</span> (%.2f kali waktu FP32)"),
                       ratio);
    else if (r->latency_ratio_interval.low >= 0.9 && r->latency_ratio_interval.high <= 1.1)
        tb_text_printf(out,
                       tb_report_say(report, "about as fast (%.2f of FP32&rsquo;s time)",
                                     "kira-kira sama cepat (%.2f kali waktu FP32)"),
                       ratio);
    else
        tb_text_printf(out,
                       tb_report_say(report, "not shown to be faster or slower (%.2f of FP32&rsquo;s time)",
                                     "tidak terbukti lebih cepat atau lebih lambat (%.2f kali waktu FP32)"),
                       ratio);
}

static void put_efficiency(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    const tb_report_variant *v = &report->variants[r->variant];
    tb_text_puts(out, "<b>");
    tb_html_name(out, v->name);
    tb_text_puts(out, "</b>");
    tb_html_say(out, report, " is ", " ");
    put_size(out, report, v->ratio);
    tb_html_say(out, report, " and ", " dan ");
    put_speed(out, report, r);
    tb_text_puts(out, ". ");
}

/* ---- Accuracy ---- */

static void put_texts(tb_text *out, const tb_report *report, int64_t texts, uint64_t n)
{
    uint64_t size = texts < 0 ? (uint64_t)-texts : (uint64_t)texts;
    if (size == 1)
        tb_html_say(out, report, "one text in ", "satu teks dari ");
    else {
        tb_html_count(out, size);
        tb_html_say(out, report, " texts in ", " teks dari ");
    }
    tb_html_count(out, n);
}

/* "Its accuracy differs by +0.002, one text in 500" */
static void put_accuracy(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    int64_t texts = (int64_t)r->wrong_to_right - (int64_t)r->right_to_wrong;
    if (texts == 0) {
        tb_html_say(out, report, "Its accuracy is the same", "Akurasinya sama");
        return;
    }
    tb_html_say(out, report, "Its accuracy differs by ", "Akurasinya berbeda ");
    tb_html_signed(out, r->delta_accuracy, fabs(r->delta_accuracy) < 0.001 ? 5 : 3);
    tb_text_puts(out, ", ");
    put_texts(out, report, texts, r->n);
}

/* "57 turned wrong, 9 right", where both happened */
static bool put_turned(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    if (r->right_to_wrong == 0 || r->wrong_to_right == 0)
        return false;
    tb_text_printf(out,
                   tb_report_say(report, "%llu turned wrong, %llu right", "%llu menjadi salah, %llu menjadi benar"),
                   (unsigned long long)r->right_to_wrong, (unsigned long long)r->wrong_to_right);
    return true;
}

/* " (57 turned wrong, 9 right; p < 0.001), more than chance gives" */
static void put_verdict(tb_text *out, const tb_report *report, const tb_report_result *r, bool turned)
{
    const tb_report_tests *t = &r->tests;
    tb_text_puts(out, " (");
    if (turned && put_turned(out, report, r))
        tb_text_puts(out, "; ");
    if (isnan(t->primary_p_holm))
        tb_html_say(out, report, "not tested", "tidak diuji");
    else
        tb_html_p_equals(out, t->primary_p_holm);
    tb_text_puts(out, ")");
    if (t->significant)
        tb_html_say(out, report, ", <span class=\"mark\">more than chance gives</span>",
                    ", <span class=\"mark\">lebih dari sekadar kebetulan</span>");
}

static void put_primary(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    const tb_report_tests *t = &r->tests;
    if (strcmp(t->primary_figure, "macro_f1") == 0) {
        tb_html_say(out, report, "Its macro-F1 differs by ", "F1 makronya berbeda ");
        tb_html_signed(out, t->primary_delta, 4);
        put_verdict(out, report, r, false);
        tb_text_puts(out, ". ");
        put_accuracy(out, report, r);
    } else if (r->right_to_wrong + r->wrong_to_right == 0) {
        tb_text_printf(out,
                       tb_report_say(report,
                                     r->n == 1 ? "Its %llu text is as right or wrong as in FP32"
                                               : "Each of the %llu texts is as right or wrong as in FP32",
                                     "Semua %llu teks benar atau salah persis seperti pada FP32"),
                       (unsigned long long)r->n);
    } else {
        put_accuracy(out, report, r);
        put_verdict(out, report, r, true);
    }
}

/* Tango's interval may lie in the margin, beyond it, or neither. */
static void put_equivalence(tb_text *out, const tb_report *report, const tb_report_tests *t)
{
    tb_text_puts(out, "; ");
    if (t->equivalent)
        tb_html_say(out, report, "equivalent within ", "setara dalam batas ");
    else if (tb_html_beyond_margin(t))
        tb_html_say(out, report, "<span class=\"mark\">beyond the margin</span> of ",
                    "<span class=\"mark\">melampaui batas</span> ");
    else
        tb_html_say(out, report, "equivalence is <em>not shown</em> within ",
                    "kesetaraan <em>tidak terbukti</em> dalam batas ");
    tb_html_margin(out, t->margin);
    tb_text_puts(out, ".");
}

/* ---- Labels ---- */

static const tb_report_class *class_of(const tb_report_result *r, const char *label)
{
    for (size_t c = 0; c < r->n_classes; c++)
        if (strcmp(r->classes[c].label, label) == 0)
            return &r->classes[c];
    return NULL;
}

/* "neutral 170 times (FP32 107, truth 88)" */
static void put_label(tb_text *out, const tb_report *report, const tb_report_result *r, const char *label)
{
    const tb_report_class *now = class_of(r, label);
    if (!now)
        return;
    uint64_t before = now->predicted - (uint64_t)r->tests.shifts[now - r->classes];
    tb_html_name(out, label);
    tb_text_printf(
        out,
        tb_report_say(report, " %llu times (FP32 %llu, the truth %llu)", " %llu kali (FP32 %llu, label benar %llu)"),
        (unsigned long long)now->predicted, (unsigned long long)before, (unsigned long long)now->truth);
}

static void put_shift(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    const tb_report_tests *t = &r->tests;
    if (!(t->marginal_p_holm < report->plan.alpha) || !t->gains || !t->loses)
        return;
    tb_html_say(out, report, " <span class=\"mark\">The labels shift</span>: it says ",
                " <span class=\"mark\">Sebaran labelnya bergeser</span>: ia menyebut ");
    put_label(out, report, r, t->gains);
    tb_html_say(out, report, " and ", " dan ");
    put_label(out, report, r, t->loses);
    tb_text_puts(out, ", ");
    tb_html_p_equals(out, t->marginal_p_holm);
    tb_text_puts(out, ".");
    if (r->delta_accuracy > 0 && !r->untrained_head)
        tb_html_say(out, report, " A gain that comes with such a shift is no sign of regularization.",
                    " Kenaikan yang disertai pergeseran seperti ini bukan tanda regularisasi.");
}

/* ---- Luck ---- */

static const tb_report_null *null_of(const tb_report *report, const tb_report_result *r)
{
    for (size_t i = 0; i < report->n_nulls; i++)
        if (&report->results[report->nulls[i].result] == r)
            return &report->nulls[i];
    return NULL;
}

static void put_null(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    const tb_report_null *null = null_of(report, r);
    if (!null)
        return;
    const tb_report_null_figure *a = &null->accuracy;
    tb_text_printf(out,
                   tb_report_say(report,
                                 " Of %zu %s rounded at random with as large an error, %llu came out less accurate, "
                                 "%llu equally accurate and %llu more accurate",
                                 " Dari %zu %s yang dibulatkan secara acak dengan galat yang sama besar, %llu kurang "
                                 "akurat, %llu sama akurat, dan %llu lebih akurat"),
                   null->models, tb_report_say(report, null->models == 1 ? "model" : "models", "model"),
                   (unsigned long long)a->below, (unsigned long long)a->equal, (unsigned long long)a->above);
    if (isnan(a->p))
        tb_html_say(out, report, ": so few show a rank only.", ": jumlah sekecil ini hanya menunjukkan peringkat.");
    else {
        tb_text_puts(out, " (");
        tb_html_p_equals(out, a->p);
        tb_text_puts(out, "): ");
        if (!(a->p < report->plan.alpha))
            tb_html_say(out, report, "its accuracy is one that such rounding usually gives",
                        "akurasinya lazim untuk pembulatan semacam itu");
        else if (a->above < a->below)
            tb_html_say(out, report, "it is <span class=\"mark\">more accurate</span> than such rounding usually gives",
                        "ia <span class=\"mark\">lebih akurat</span> daripada yang lazim untuk pembulatan semacam itu");
        else
            tb_html_say(
                out, report, "it is <span class=\"mark\">less accurate</span> than such rounding usually gives",
                "ia <span class=\"mark\">kurang akurat</span> daripada yang lazim untuk pembulatan semacam itu");
        if (r->delta_accuracy > 0 && !(a->p < report->plan.alpha))
            tb_html_say(out, report, ", and its gain over FP32 needs no regularization to explain it",
                        ", dan kenaikannya terhadap FP32 tidak perlu dijelaskan dengan regularisasi");
        tb_text_puts(out, ".");
    }
}

/* ---- Together ---- */

static void put_agreement(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    tb_text_printf(out,
                   tb_report_say(report, "It says the same label as FP32 on %.3f of the texts; mean KL ",
                                 "Labelnya sama dengan FP32 pada %.3f bagian teks; rerata KL "),
                   r->agreement);
    tb_html_kl(out, r->mean_kl);
    tb_text_puts(out, ".");
}

void tb_html_answer(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    tb_text_puts(out, "<li>");
    put_efficiency(out, report, r);
    if (r->untrained_head)
        put_agreement(out, report, r); /* its accuracies mean nothing */
    else {
        put_primary(out, report, r);
        put_equivalence(out, report, &r->tests);
    }
    put_shift(out, report, r);
    if (!r->untrained_head)
        put_null(out, report, r);
    tb_text_puts(out, "</li>\n");
}
