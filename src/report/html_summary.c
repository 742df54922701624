/* SPDX-License-Identifier: Apache-2.0
 * The summary at the head of report.html: what a reader who stops here should know.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

/* What one variant did over all sets. */
typedef struct tally {
    size_t sets, beyond_chance;
    double lowest_agreement, highest_agreement, first_ms, fp32_ms;
} tally;

static tally tally_variant(const tb_report *report, size_t variant)
{
    tally t = {.lowest_agreement = 1};
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->variant != variant || !r->compared)
            continue;
        const tb_report_result *fp32 = tb_report_fp32(report, r);
        if (t.sets++ == 0) {
            t.first_ms = r->total.median;
            t.fp32_ms = fp32 ? fp32->total.median : 0;
        }
        t.beyond_chance += r->mcnemar_p < 0.05;
        t.lowest_agreement = r->agreement < t.lowest_agreement ? r->agreement : t.lowest_agreement;
        t.highest_agreement = r->agreement > t.highest_agreement ? r->agreement : t.highest_agreement;
    }
    return t;
}

/* ": accuracy on smsa is 0.754, FP32 has 0.860 (p < 0.001)" for every set where chance does not explain it. */
static void put_differences(tb_text *out, const tb_report *report, size_t variant)
{
    size_t n = 0;
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        const tb_report_result *fp32 = tb_report_fp32(report, r);
        if (r->variant != variant || !r->compared || !(r->mcnemar_p < 0.05) || !fp32)
            continue;
        tb_text_puts(out, n++ ? "; " : " <span class=\"mark\">Accuracy differs beyond chance</span>: ");
        tb_html_name(out, report->sets[r->set].name);
        tb_text_printf(out, " %.3f, FP32 %.3f (p ", r->accuracy, fp32->accuracy);
        tb_text_puts(out, r->mcnemar_p < 0.001 ? "" : "= ");
        tb_html_p(out, r->mcnemar_p);
        tb_text_puts(out, ")");
    }
    tb_text_puts(out, n ? "." : "");
}

static void put_variant(tb_text *out, const tb_report *report, size_t variant, const tally *t)
{
    const tb_report_variant *v = &report->variants[variant];
    tb_text_puts(out, "<li><b>");
    tb_html_name(out, v->name);
    tb_text_printf(out, "</b>: %.2f of the size of FP32 (", v->ratio);
    tb_html_megabytes(out, v->size_bytes);
    tb_text_puts(out, " MB); the same label as FP32 on ");
    if (t->highest_agreement - t->lowest_agreement < 0.0005)
        tb_text_printf(out, "%.3f", t->lowest_agreement);
    else
        tb_text_printf(out, "%.3f to %.3f", t->lowest_agreement, t->highest_agreement);
    tb_text_puts(out, " of the texts;");
    tb_text_printf(out, " %.2f ms a text", t->first_ms);
    if (t->fp32_ms > 0)
        tb_text_printf(out, ", FP32 %.2f ms", t->fp32_ms);
    tb_text_puts(out, ".");
    bool trained = !report->models[v->model].untrained_head; /* else a difference in accuracy means nothing */
    if (trained && t->beyond_chance > 0)
        put_differences(out, report, variant);
    else if (trained)
        tb_text_puts(out, t->sets > 1 ? " No set shows a difference in accuracy beyond chance."
                                      : " Its difference in accuracy is within chance.");
    tb_text_puts(out, "</li>\n");
}

static void put_model(tb_text *out, const tb_report *report, size_t model)
{
    const tb_report_model *m = &report->models[model];
    size_t compared = 0;
    tb_text_puts(out, "<h3>");
    tb_html_name(out, m->name);
    tb_text_puts(out, "</h3>\n");
    if (m->untrained_head)
        tb_text_puts(out,
                     "<p><span class=\"mark\">Untrained head</span>: its classifier is random, so its accuracy means "
                     "nothing; agreement and KL still show how far each scheme moves the outputs.</p>\n");
    for (size_t v = 0; v < report->n_variants; v++) {
        tally t = report->variants[v].model == model ? tally_variant(report, v) : (tally){0};
        if (t.sets == 0)
            continue;
        tb_text_puts(out, compared++ ? "" : "<ul class=\"lead\">\n");
        put_variant(out, report, v, &t);
    }
    tb_text_puts(out, compared ? "</ul>\n" : "<p>Nothing was compared: FP32 was not among its variants.</p>\n");
}

/* "One text in 500 is 0.002": the grain of every accuracy below. */
static void put_grain(tb_text *out, const tb_report *report)
{
    uint64_t smallest = 0;
    for (size_t s = 0; s < report->n_sets; s++)
        if (report->sets[s].rows > 0 && (smallest == 0 || report->sets[s].rows < smallest))
            smallest = report->sets[s].rows;
    if (smallest > 0)
        tb_text_printf(
            out,
            "<p class=\"soft\">One text in %llu is %.4f. A difference counts as beyond chance when the exact McNemar "
            "test on the texts that changed sides gives p &lt; 0.05.</p>\n",
            (unsigned long long)smallest, 1 / (double)smallest);
}

void tb_html_summary(tb_text *out, const tb_report *report)
{
    for (int untrained = 0; untrained < 2; untrained++)
        for (size_t m = 0; m < report->n_models; m++)
            if (report->models[m].untrained_head == (untrained == 1))
                put_model(out, report, m);
    put_grain(out, report);
}
