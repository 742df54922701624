/* SPDX-License-Identifier: Apache-2.0
 * Notes and facts in report.html: warnings, models, data, machine.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <string.h>

void tb_html_warnings(tb_text *out, const tb_report *report, const char *set)
{
    for (size_t i = 0; i < report->n_warnings; i++) {
        const tb_report_warning *w = &report->warnings[i];
        bool about = set ? w->data && strcmp(w->data, set) == 0 : w->data == NULL;
        if (!about || strcmp(w->kind, "untrained_head") == 0) /* the summary and the tables say that */
            continue;
        tb_text_puts(out, "<p class=\"note\">");
        if (w->model) {
            tb_text_puts(out, "<b>");
            tb_html_name(out, w->model);
            tb_text_puts(out, "</b>: ");
        }
        tb_html_text(out, w->text);
        tb_text_puts(out, "</p>\n");
    }
}

static void put_fact(tb_text *out, const char *term, const char *value)
{
    tb_text_printf(out, "<dt>%s</dt><dd>", term);
    tb_html_text(out, value);
    tb_text_puts(out, "</dd>\n");
}

static void put_count(tb_text *out, const char *term, uint64_t value)
{
    tb_text_printf(out, "<dt>%s</dt><dd>%llu</dd>\n", term, (unsigned long long)value);
}

static const char *labels_source(const char *from)
{
    if (strcmp(from, "file") == 0)
        return "from the model's config.json";
    if (strcmp(from, "options") == 0)
        return "as given on the command line";
    if (strcmp(from, "model") == 0)
        return "from another model of this run";
    if (strcmp(from, "data") == 0)
        return "from the data, in byte order";
    return "the model's outputs have no names";
}

static void put_model(tb_text *out, const tb_report_model *m)
{
    tb_text_puts(out, "<h3>");
    tb_html_name(out, m->name);
    tb_text_puts(out, "</h3>\n<dl class=\"facts\">\n<dt>labels</dt><dd>");
    for (size_t l = 0; l < m->n_labels; l++) {
        tb_text_puts(out, l ? ", " : "");
        tb_html_name(out, m->labels[l]);
    }
    tb_text_puts(out, " <span class=\"soft\">(");
    tb_text_puts(out, labels_source(m->labels_from));
    tb_text_puts(out, ")</span></dd>\n");
    if (m->untrained_head)
        put_fact(out, "head", "untrained: new and random, from the seed");
    tb_text_printf(out, "<dt>shape</dt><dd>%llu layers of %llu, %llu parameters</dd>\n", (unsigned long long)m->layers,
                   (unsigned long long)m->hidden, (unsigned long long)m->parameters);
    if (m->weights_file) {
        tb_text_puts(out, "<dt>");
        tb_html_name(out, m->weights_file);
        tb_text_puts(out, "</dt><dd><code>");
        tb_html_text(out, m->weights_sha256);
        tb_text_puts(out, "</code></dd>\n");
    }
    tb_text_puts(out, "</dl>\n");
}

static void put_data(tb_text *out, const tb_report *report)
{
    tb_text_puts(out, "<h3>Data</h3>\n<dl class=\"facts\">\n");
    for (size_t s = 0; s < report->n_sets; s++) {
        const tb_report_set *set = &report->sets[s];
        tb_text_puts(out, "<dt>");
        tb_html_name(out, set->name);
        tb_text_printf(out, "</dt><dd>%llu rows", (unsigned long long)set->rows);
        if (set->sha256) {
            tb_text_puts(out, ", SHA-256 <code>");
            tb_html_text(out, set->sha256);
            tb_text_puts(out, "</code>");
        }
        tb_text_puts(out, "</dd>\n");
    }
    tb_text_puts(out, "</dl>\n");
}

static void put_machine(tb_text *out, const tb_report *report)
{
    tb_text_puts(out, "<h3>Machine</h3>\n<dl class=\"facts\">\n");
    put_fact(out, "processor", report->cpu ? report->cpu : "unknown");
    put_fact(out, "level", report->level);
    put_count(out, "threads", report->threads);
    put_count(out, "seed", report->seed);
    tb_text_puts(out, "<dt>peak memory</dt><dd>");
    tb_html_megabytes(out, report->peak_resident_bytes);
    tb_text_printf(out, " MB, with all variants of a model loaded</dd>\n<dt>time</dt><dd>%.0f s, from ",
                   report->seconds);
    tb_html_text(out, report->started);
    tb_text_puts(out, "</dd>\n</dl>\n");
}

void tb_html_facts(tb_text *out, const tb_report *report)
{
    for (size_t m = 0; m < report->n_models; m++)
        put_model(out, &report->models[m]);
    put_data(out, report);
    put_machine(out, report);
}
