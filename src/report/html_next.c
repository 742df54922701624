/* SPDX-License-Identifier: Apache-2.0
 * What to do next: a remedy for each thing that a study found wanting.
 * Includes: report/html.h, eval/special.h. Called by: report/html. */
#include "report/html.h"

#include "eval/special.h"

#include <math.h>
#include <string.h>

double tb_html_texts_needed(const tb_report *report, double margin, double rate)
{
    double a = tb_normal_quantile(1 - report->plan.alpha);
    if (!(margin > 0 && margin < 1) || !isfinite(a))
        return 0;
    double fewest = ceil(a * a * (1 - margin) / margin); /* Tango's statistic with no flip is sqrt(n m / (1 - m)) */
    double both = a + tb_normal_quantile(0.5 + report->plan.power / 2);
    double needed = ceil(rate * both * both / (margin * margin));
    return needed > fewest ? needed : fewest;
}

/* ---- Which variants something is true of ---- */

typedef bool (*question)(const tb_report *report, const tb_report_result *result);

static bool is_scheme(const tb_report *report, const tb_report_result *r, const char *scheme)
{
    const char *name = report->variants[r->variant].name;
    size_t n = strlen(scheme);
    return strncmp(name, scheme, n) == 0 && (name[n] == '\0' || name[n] == '-');
}

static bool per_tensor(const tb_report *report, const tb_report_result *r)
{
    return strstr(report->variants[r->variant].name, "-pertensor") != NULL;
}

static bool loses(const tb_report *report, const tb_report_result *r)
{
    (void)report;
    return r->compared && !r->untrained_head && r->tests.significant && r->tests.primary_delta < 0;
}

static bool loses_per_tensor(const tb_report *report, const tb_report_result *r)
{
    return loses(report, r) && per_tensor(report, r);
}

static bool loses_int4(const tb_report *report, const tb_report_result *r)
{
    return loses(report, r) && !per_tensor(report, r) && is_scheme(report, r, "int4");
}

static bool loses_otherwise(const tb_report *report, const tb_report_result *r)
{
    return loses(report, r) && !per_tensor(report, r) && !is_scheme(report, r, "int4");
}

/* The same model's int8 on the same set, or NULL. */
static const tb_report_result *int8_of(const tb_report *report, const tb_report_result *result)
{
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->model == result->model && r->set == result->set &&
            strcmp(report->variants[r->variant].name, "int8") == 0)
            return r;
    }
    return NULL;
}

static bool no_smaller_than_int8(const tb_report *report, const tb_report_result *r)
{
    const tb_report_result *int8 = int8_of(report, r);
    return int8 && int8 != r && (is_scheme(report, r, "int4") || is_scheme(report, r, "int8")) &&
           report->variants[r->variant].size_bytes >= report->variants[int8->variant].size_bytes;
}

static bool no_faster(const tb_report_result *r)
{
    return r->compared && r->latency_ratio > 0.95 && r->latency_ratio_interval.high >= 1;
}

static bool slower_half(const tb_report *report, const tb_report_result *r)
{
    return no_faster(r) && (is_scheme(report, r, "fp16") || is_scheme(report, r, "bf16"));
}

static bool slower_expanded(const tb_report *report, const tb_report_result *r)
{
    return no_faster(r) && is_scheme(report, r, "int4-pertensor");
}

static bool slower_integer(const tb_report *report, const tb_report_result *r)
{
    bool slower = r->compared && r->latency_ratio > 1.05 && r->latency_ratio_interval.low > 1;
    return slower && !is_scheme(report, r, "int4-pertensor") &&
           (is_scheme(report, r, "int4") || is_scheme(report, r, "int8"));
}

static bool shifts(const tb_report *report, const tb_report_result *r)
{
    return r->compared && !r->untrained_head && r->tests.marginal_p_holm < report->plan.alpha;
}

static bool gains_untested(const tb_report *report, const tb_report_result *r)
{
    return report->n_nulls == 0 && r->compared && !r->untrained_head && r->delta_accuracy > 0 &&
           (is_scheme(report, r, "int4") || is_scheme(report, r, "int8"));
}

static bool overconfident(const tb_report *report, const tb_report_result *r)
{
    const double most = 0.08; /* the limit that recommendations for deployment use */
    (void)report;
    return !r->untrained_head && r->ece > most && isnan(r->temperature);
}

static bool is_open(const tb_report *report, const tb_report_result *r)
{
    (void)report;
    return r->compared && !r->untrained_head && !r->tests.significant && !r->tests.equivalent;
}

/* ---- Sentences ---- */

static bool same_variant(const tb_report *report, const tb_report_result *a, const tb_report_result *b)
{
    return strcmp(report->variants[a->variant].name, report->variants[b->variant].name) == 0;
}

static bool first_of_name(const tb_report *report, size_t result)
{
    for (size_t i = 0; i < result; i++)
        if (same_variant(report, &report->results[i], &report->results[result]))
            return false;
    return true;
}

/* "(MODEL on SET, MODEL on SET)", or "(4 of 6 results)" where these are many; nothing where it is all of them. */
static void put_places(tb_text *out, const tb_report *report, question asked, const tb_report_result *of)
{
    enum { MOST = 3 };
    size_t yes = 0, all = 0, shown = 0;
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (same_variant(report, r, of)) {
            all++;
            yes += asked(report, r);
        }
    }
    if (yes == all)
        return;
    if (yes > MOST) {
        tb_text_printf(out, tb_report_say(report, " (%zu of %zu results)", " (%zu dari %zu hasil)"), yes, all);
        return;
    }
    tb_text_puts(out, " (");
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (!same_variant(report, r, of) || !asked(report, r))
            continue;
        tb_text_puts(out, shown++ ? ", " : "");
        if (report->n_models > 1)
            tb_html_name(out, report->models[r->model].name);
        if (report->n_models > 1 && report->n_sets > 1)
            tb_html_say(out, report, " on ", " pada ");
        if (report->n_sets > 1)
            tb_html_name(out, report->sets[r->set].name);
    }
    tb_text_puts(out, ")");
}

/* Every variant of which the answer is yes somewhere, by name, and where. */
static void put_list(tb_text *out, const tb_report *report, question asked)
{
    size_t n = 0;
    for (size_t i = 0; i < report->n_results; i++) {
        bool yes = false;
        if (!first_of_name(report, i))
            continue;
        for (size_t k = i; k < report->n_results && !yes; k++)
            yes = same_variant(report, &report->results[k], &report->results[i]) && asked(report, &report->results[k]);
        if (!yes)
            continue;
        tb_text_puts(out, n++ ? "; <b>" : "<b>");
        tb_html_name(out, report->variants[report->results[i].variant].name);
        tb_text_puts(out, "</b>");
        put_places(out, report, asked, &report->results[i]);
    }
}

static bool any(const tb_report *report, question asked)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (asked(report, &report->results[i]))
            return true;
    return false;
}

static const struct {
    question asked;
    const char *en, *id;               /* what is the matter: before the list; NULL: the primary figure is lower */
    const char *remedy_en, *remedy_id; /* after it */
} remedies[] = {
    {loses_per_tensor, NULL, NULL,
     "one scale for a whole tensor is too coarse. <code>int8</code> has one for each output channel, <code>int4</code> "
     "one for each 32 weights.",
     "satu skala untuk seluruh tensor terlalu kasar. <code>int8</code> memakai satu skala tiap kanal keluaran, "
     "<code>int4</code> satu skala tiap 32 bobot."},
    {loses_int4, NULL, NULL,
     "try smaller groups (<code>int4</code> has 32), word embeddings in 8 bits (without <code>-e4</code>), or "
     "<code>int8</code>.",
     "coba kelompok yang lebih kecil (<code>int4</code> memakai 32), <i>embedding</i> kata 8 bit (tanpa "
     "<code>-e4</code>), atau <code>int8</code>."},
    {loses_otherwise, NULL, NULL, "look at the flipped texts below; keep a wider format where they matter.",
     "periksa teks yang berubah label di bawah; pertahankan format yang lebih lebar bila teks itu penting."},
    {no_smaller_than_int8, "No smaller than <code>int8</code>: ", "Tidak lebih kecil daripada <code>int8</code>: ",
     "its embeddings stay in floating point, or its 4-bit numbers are stored as bytes. <code>int4</code> packs two "
     "weights into a byte.",
     "<i>embedding</i>-nya tetap berupa bilangan titik mengambang, atau angka 4 bitnya disimpan sebagai byte. "
     "<code>int4</code> mengemas dua bobot dalam satu byte."},
    {slower_half, "No faster than FP32: ", "Tidak lebih cepat daripada FP32: ",
     "half precision halves the file; its arithmetic is FP32&rsquo;s. For speed take <code>int8</code>.",
     "presisi setengah hanya memperkecil berkas; aritmetikanya tetap FP32. Untuk kecepatan, pakai <code>int8</code>."},
    {slower_expanded, "No faster than FP32: ", "Tidak lebih cepat daripada FP32: ",
     "its weights are turned back into floating point for every text. <code>int8</code> and <code>int4</code> multiply "
     "integers.",
     "bobotnya diubah kembali menjadi bilangan titik mengambang untuk setiap teks. <code>int8</code> dan "
     "<code>int4</code> mengalikan bilangan bulat."},
    {slower_integer, "Slower than FP32: ", "Lebih lambat daripada FP32: ",
     "the model or its texts are too small for integer products to pay, or the machine was busy: time it longer with "
     "<code>--timing-seconds</code>.",
     "model atau teksnya terlalu kecil untuk diuntungkan oleh perkalian bilangan bulat, atau mesinnya sedang sibuk: "
     "ukur lebih lama dengan <code>--timing-seconds</code>."},
    {shifts, "Labels shift in ", "Sebaran label bergeser pada ",
     "read its accuracy together with the counts of labels below: on data with another mix of labels it will be "
     "another.",
     "baca akurasinya bersama jumlah label di bawah: pada data dengan komposisi label lain, angkanya akan lain pula."},
    {gains_untested, "More accurate than FP32: ", "Lebih akurat daripada FP32: ",
     "whether that is regularization or chance, <code>--null 99</code> tests with 99 models of random rounding.",
     "apakah itu regularisasi atau kebetulan dapat diuji dengan <code>--null 99</code>, yaitu 99 model pembulatan "
     "acak."},
    {overconfident, "Confidence is off by more than 0.08 (ECE) in ", "Keyakinan meleset lebih dari 0.08 (ECE) pada ",
     "<code>--valid FILE</code> fits a temperature, which changes no label.",
     "<code>--valid FILE</code> mencocokkan suhu, tanpa mengubah label apa pun."},
};

static void put_matter(tb_text *out, const tb_report *report, const char *en, const char *id)
{
    if (en)
        tb_html_say(out, report, en, id);
    else if (strcmp(report->plan.primary, "macro_f1") == 0)
        tb_html_say(out, report, "Macro-F1 is lost in ", "F1 makro turun pada ");
    else
        tb_html_say(out, report, "Accuracy is lost in ", "Akurasi turun pada ");
}

/* How many texts would settle what these ones leave open: the largest need of each set. */
static void put_more_texts(tb_text *out, const tb_report *report)
{
    double most = 0;
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (!is_open(report, r))
            continue;
        double needed = tb_html_texts_needed(report, r->tests.margin, r->tests.discordant_rate);
        most = needed > most ? needed : most;
    }
    if (!(most > 0))
        return;
    double unit = pow(10, floor(log10(most)) - 1); /* two digits, upwards */
    tb_text_printf(
        out, "<li>%s",
        tb_report_say(report, "Neither different nor equivalent: ", "Tidak terbukti berbeda maupun setara: "));
    put_list(out, report, is_open);
    tb_text_printf(
        out,
        tb_report_say(report,
                      ". About %.0f texts would show equivalence within &plusmn;%g with a probability of %g, "
                      "if there is no true difference and labels flip as often as here.</li>\n",
                      ". Kira-kira %.0f teks akan membuktikan kesetaraan dalam batas &plusmn;%g dengan peluang "
                      "%g, bila memang tidak ada selisih dan label berubah sesering di sini.</li>\n"),
        ceil(most / unit) * unit, report->plan.margin, report->plan.power);
}

void tb_html_next(tb_text *out, const tb_report *report)
{
    tb_text found = {0};
    for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++) {
        if (!any(report, remedies[i].asked))
            continue;
        tb_text_puts(&found, "<li>");
        put_matter(&found, report, remedies[i].en, remedies[i].id);
        put_list(&found, report, remedies[i].asked);
        tb_text_puts(&found, ": ");
        tb_html_say(&found, report, remedies[i].remedy_en, remedies[i].remedy_id);
        tb_text_puts(&found, "</li>\n");
    }
    put_more_texts(&found, report);
    for (size_t m = 0; m < report->n_models; m++)
        if (report->models[m].untrained_head) {
            tb_text_puts(&found, "<li>");
            tb_html_name(&found, report->models[m].name);
            tb_html_say(&found, report, ": fine-tune its classifier first; then its accuracies can be compared.</li>\n",
                        ": latih dahulu pengklasifikasinya; setelah itu akurasinya dapat dibandingkan.</li>\n");
        }
    if (found.length > 0) {
        tb_html_heading(out, report, 3, "What to do next", "Langkah berikutnya");
        tb_text_puts(out, "<ul>\n");
        tb_text_append(out, found.data, found.length);
        tb_text_puts(out, "</ul>\n");
    }
    out->failed |= found.failed;
    tb_text_free(&found);
}
