/* SPDX-License-Identifier: Apache-2.0
 * What was run, in report.html: plan, models, data, machine.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <string.h>

static void put_fact(tb_text *out, const char *term, const char *value)
{
    tb_text_printf(out, "<dt>%s</dt><dd>", term);
    tb_html_text(out, value);
    tb_text_puts(out, "</dd>\n");
}

static void put_code(tb_text *out, const char *term, const char *value)
{
    tb_text_printf(out, "<dt>%s</dt><dd><code>", term);
    tb_html_text(out, value);
    tb_text_puts(out, "</code></dd>\n");
}

static void put_count(tb_text *out, const char *term, uint64_t value)
{
    tb_text_printf(out, "<dt>%s</dt><dd>", term);
    tb_html_count(out, value);
    tb_text_puts(out, "</dd>\n");
}

/* ---- The plan ---- */

static const char *family_of(const tb_report *report, const char *family)
{
    if (strcmp(family, "variants of one model on one set") == 0)
        return tb_report_say(report, family, "varian satu model pada satu set");
    return family;
}

static void put_plan(tb_text *out, const tb_report *report)
{
    const tb_report_plan *plan = &report->plan;
    tb_html_heading(out, report, 3, "What was fixed beforehand", "Yang ditetapkan sebelumnya");
    tb_html_say(out, report, "<p>Written and hashed before a data file was opened: <code>plan.json</code>.</p>\n",
                "<p>Ditulis dan di-<i>hash</i> sebelum berkas data dibuka: <code>plan.json</code>.</p>\n");
    tb_text_puts(out, "<dl class=\"facts\">\n");
    put_code(out, "SHA-256", plan->sha256);
    put_fact(out, tb_report_say(report, "fixed at", "ditetapkan pada"), plan->fixed);
    put_fact(out, tb_report_say(report, "primary figure", "ukuran utama"),
             strcmp(plan->primary, "macro_f1") == 0 ? tb_report_say(report, "macro-F1", "F1 makro")
                                                    : tb_report_say(report, "accuracy", "akurasi"));
    tb_text_printf(out, "<dt>%s</dt><dd>", tb_report_say(report, "margin of equivalence", "batas kesetaraan"));
    tb_html_margin(out, plan->margin);
    tb_text_printf(out, "</dd>\n<dt>%s</dt><dd>%g, %g</dd>\n<dt>%s</dt><dd>",
                   tb_report_say(report, "significance level, power", "taraf signifikansi, daya uji"), plan->alpha,
                   plan->power, tb_report_say(report, "Holm&rsquo;s correction over", "koreksi Holm atas"));
    tb_html_text(out, family_of(report, plan->family));
    tb_text_printf(out, "</dd>\n<dt>bootstrap</dt><dd>");
    if (plan->replicates > 0) {
        tb_html_count(out, plan->replicates);
        tb_text_printf(out, tb_report_say(report, " replicates, seed %llu", " replikasi, <i>seed</i> %llu"),
                       (unsigned long long)plan->bootstrap_seed);
    } else
        tb_html_say(out, report, "none", "tidak ada");
    tb_text_puts(out, "</dd>\n");
    put_count(out, tb_report_say(report, "models of random rounding", "model pembulatan acak"), plan->null_models);
    put_count(out, tb_report_say(report, "bins of ECE", "kelas ECE"), plan->ece_bins);
    tb_text_puts(out, "</dl>\n");
}

/* ---- Models ---- */

static const char *labels_source(const tb_report *report, const char *from)
{
    if (strcmp(from, "file") == 0)
        return tb_report_say(report, "from the model&rsquo;s config.json", "dari config.json model");
    if (strcmp(from, "options") == 0)
        return tb_report_say(report, "as given on the command line", "dari baris perintah");
    if (strcmp(from, "model") == 0)
        return tb_report_say(report, "from another model of this run", "dari model lain dalam studi ini");
    if (strcmp(from, "data") == 0)
        return tb_report_say(report, "from the data, in byte order", "dari data, menurut urutan byte");
    return tb_report_say(report, "the model&rsquo;s outputs have no names", "keluaran model tidak bernama");
}

static void put_model(tb_text *out, const tb_report *report, const tb_report_model *m)
{
    tb_text_puts(out, "<h4>");
    tb_html_name(out, m->name);
    tb_text_printf(out, "</h4>\n<dl class=\"facts\">\n<dt>%s</dt><dd>", tb_report_say(report, "labels", "label"));
    for (size_t l = 0; l < m->n_labels; l++) {
        tb_text_puts(out, l ? ", " : "");
        tb_html_name(out, m->labels[l]);
    }
    tb_text_printf(out, " <span class=\"soft\">(%s)</span></dd>\n", labels_source(report, m->labels_from));
    if (m->training.stage) {
        tb_text_printf(out, "<dt>%s</dt><dd>", tb_report_say(report, "role", "peran"));
        tb_html_role(out, report, m);
        if (m->training.parent) {
            tb_html_say(out, report, ", from ", ", dari ");
            tb_html_name(out, m->training.parent);
        }
        tb_text_puts(out, "</dd>\n");
    }
    if (m->untrained_head)
        put_fact(out, tb_report_say(report, "head", "<i>head</i>"),
                 tb_report_say(report, "untrained: new and random, from the seed", "belum dilatih: baru dan acak"));
    if (m->shipped_quantized)
        put_fact(out, tb_report_say(report, "file", "berkas"),
                 tb_report_say(report, "quantized already: only its own scheme was run",
                               "sudah terkuantisasi: hanya skemanya sendiri yang dijalankan"));
    tb_text_printf(
        out,
        tb_report_say(report, "<dt>shape</dt><dd>%llu layers of %llu, ", "<dt>bentuk</dt><dd>%llu lapis, lebar %llu, "),
        (unsigned long long)m->layers, (unsigned long long)m->hidden);
    tb_html_count(out, m->parameters);
    tb_html_say(out, report, " parameters</dd>\n", " parameter</dd>\n");
    if (m->path)
        put_code(out, tb_report_say(report, "folder", "folder"), m->path);
    for (size_t i = 0; i < m->n_weights; i++) {
        tb_text_puts(out, "<dt>");
        tb_html_name(out, m->weights[i].name);
        tb_text_puts(out, "</dt><dd>");
        tb_html_megabytes(out, m->weights[i].bytes);
        tb_text_puts(out, " MB, SHA-256 <code>");
        tb_html_text(out, m->weights[i].sha256);
        tb_text_puts(out, "</code></dd>\n");
    }
    tb_text_puts(out, "</dl>\n");
}

/* ---- Data ---- */

static void put_repeats(tb_text *out, const tb_report *report, const tb_report_set *set)
{
    tb_text_printf(out, "<dt>%s</dt><dd>", tb_report_say(report, "repeated rows", "baris berulang"));
    tb_text_printf(out,
                   tb_report_say(report, "%llu exact, %llu normalized, %llu with another label",
                                 "%llu persis, %llu ternormalisasi, %llu berlabel lain"),
                   (unsigned long long)set->duplicates_exact, (unsigned long long)set->duplicates_normalized,
                   (unsigned long long)set->conflicting);
    tb_text_printf(out, "</dd>\n<dt>%s</dt><dd>",
                   tb_report_say(report, "rows of the training file", "baris data latih"));
    if (set->train)
        tb_text_printf(out, tb_report_say(report, "%llu exact, %llu normalized", "%llu persis, %llu ternormalisasi"),
                       (unsigned long long)set->train_exact, (unsigned long long)set->train_normalized);
    else
        tb_html_say(out, report, "not compared", "tidak dibandingkan");
    tb_text_puts(out, "</dd>\n");
}

static void put_lengths(tb_text *out, const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        tb_text_printf(out, "<dt>%s</dt><dd>", tb_report_say(report, "tokens", "token"));
        tb_text_printf(out,
                       tb_report_say(report, "%.1f on average, at most %llu; %llu %s cut, %llu empty (",
                                     "rata-rata %.1f, terbanyak %llu; %llu %s dipotong, %llu kosong ("),
                       r->tokens_mean, (unsigned long long)r->tokens_max, (unsigned long long)r->truncated,
                       tb_html_texts(report, r->truncated), (unsigned long long)r->empty);
        tb_html_name(out, report->models[r->model].name);
        tb_text_puts(out, ")</dd>\n");
        return;
    }
}

static void put_set(tb_text *out, const tb_report *report, size_t s)
{
    const tb_report_set *set = &report->sets[s];
    tb_text_puts(out, "<h4>");
    tb_html_name(out, set->name);
    tb_text_puts(out, "</h4>\n<dl class=\"facts\">\n");
    if (set->path)
        put_code(out, tb_report_say(report, "file", "berkas"), set->path);
    if (set->sha256)
        put_code(out, "SHA-256", set->sha256);
    tb_text_printf(out, "<dt>%s</dt><dd>", tb_report_say(report, "rows", "baris"));
    tb_html_count(out, set->rows);
    const char *label;
    json_t *count;
    json_object_foreach((json_t *)set->label_counts, label, count)
    {
        tb_text_puts(out, "; ");
        tb_html_name(out, label);
        tb_text_printf(out, " %lld", (long long)json_integer_value(count));
    }
    tb_text_puts(out, "</dd>\n");
    put_repeats(out, report, set);
    put_lengths(out, report, s);
    tb_text_puts(out, "</dl>\n");
}

/* ---- Machine and run ---- */

static void put_machine(tb_text *out, const tb_report *report)
{
    tb_html_heading(out, report, 3, "Machine and run", "Mesin dan proses");
    tb_text_puts(out, "<dl class=\"facts\">\n");
    put_fact(out, "timbang", report->version);
    if (report->command)
        put_code(out, tb_report_say(report, "command", "perintah"), report->command);
    put_fact(out, tb_report_say(report, "processor", "prosesor"),
             report->cpu ? report->cpu : tb_report_say(report, "not recorded", "tidak dicatat"));
    put_fact(out, tb_report_say(report, "arithmetic", "aritmetika"), report->level);
    put_count(out, tb_report_say(report, "threads", "utas"), report->threads);
    put_count(out, tb_report_say(report, "seed", "<i>seed</i>"), report->seed);
    put_fact(out, tb_report_say(report, "clean-up of texts", "pembersihan teks"),
             report->clean[0] ? report->clean : tb_report_say(report, "none", "tidak ada"));
    if (report->max_length > 0)
        put_count(out, tb_report_say(report, "longest text, tokens", "teks terpanjang, token"), report->max_length);
    put_fact(out, tb_report_say(report, "energy", "energi"), tb_html_energy(report));
    tb_text_printf(out, "<dt>%s</dt><dd>", tb_report_say(report, "peak memory", "memori puncak"));
    tb_html_megabytes(out, report->peak_resident_bytes);
    tb_text_printf(out, " MB</dd>\n<dt>%s</dt><dd>%.0f s, ", tb_report_say(report, "time", "waktu"), report->seconds);
    tb_html_text(out, report->started);
    if (report->resumed > 0)
        tb_text_printf(out,
                       tb_report_say(report,
                                     report->resumed == 1 ? ", interrupted and resumed %llu time"
                                                          : ", interrupted and resumed %llu times",
                                     ", terhenti dan dilanjutkan %llu kali"),
                       (unsigned long long)report->resumed);
    tb_text_puts(out, "</dd>\n</dl>\n");
}

void tb_html_facts(tb_text *out, const tb_report *report)
{
    put_plan(out, report);
    tb_html_heading(out, report, 3, "Models", "Model");
    for (size_t m = 0; m < report->n_models; m++)
        put_model(out, report, &report->models[m]);
    tb_html_heading(out, report, 3, "Data", "Data");
    for (size_t s = 0; s < report->n_sets; s++)
        put_set(out, report, s);
    put_machine(out, report);
}
