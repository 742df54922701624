/* SPDX-License-Identifier: Apache-2.0
 * A tb_report made of round numbers. Called by: tests/report. */
#include "fake_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *room(tb_report *r, size_t n, size_t size)
{
    tb_error err = {0};
    void *block = tb_arena_alloc(r->arena, n ? n : 1, size, &err);
    if (!block)
        abort();
    return block;
}

static const char *name_of(tb_report *r, const fake_shape *s, const char *text)
{
    char *name = room(r, strlen(text) + (s->names ? strlen(s->names) : 0) + 1, 1);
    strcpy(name, s->names ? s->names : "");
    return strcat(name, text);
}

static const char *numbered(tb_report *r, const fake_shape *s, const char *const *texts, size_t n_texts, size_t i)
{
    char name[64];
    if (i < n_texts)
        return name_of(r, s, texts[i]);
    snprintf(name, sizeof name, "%s-%zu", texts[n_texts - 1], i);
    return name_of(r, s, name);
}

/* What a scheme does in this world: size, speed, change in accuracy. */
static const struct {
    const char *name;
    double ratio, speed, change;
} schemes[] = {{"fp32", 1, 1, 0},
               {"fp16", 0.5, 0.98, 0},
               {"int8", 0.2515, 0.385, 0.002},
               {"int4", 0.148, 0.41, -0.012},
               {"int8-pertensor", 0.438, 0.62, -0.02},
               {"int4-pertensor", 0.44, 1.3, -0.31},
               {"int4-g64-e4", 0.117, 0.43, -0.016}};
enum { N_SCHEMES = sizeof schemes / sizeof schemes[0] };

static tb_interval around(double value, double half)
{
    return (tb_interval){value - half, value + half};
}

static void fill_bins(tb_report *r, tb_report_result *res)
{
    res->n_bins = 15;
    res->reliability = room(r, res->n_bins, sizeof *res->reliability);
    for (size_t b = 0; b < res->n_bins; b++) {
        tb_report_bin *bin = &res->reliability[b];
        *bin = (tb_report_bin){(double)b / 15, (double)(b + 1) / 15, NAN, NAN, 0};
        if (b < 5)
            continue;
        bin->n = (uint64_t)((double)res->n * pow((double)(b - 4) / 11, 4) / 3);
        bin->confidence = ((double)b + 0.5) / 15;
        bin->accuracy = fmin(1, bin->confidence * (0.8 + 0.1 * sin((double)b)));
    }
    res->reliability_mass = res->reliability;
}

static void fill_classes(tb_report *r, const fake_shape *s, tb_report_result *res, size_t model, size_t v)
{
    static const char *const labels[] = {"positive", "neutral", "negative", "class"};
    res->n_classes = s->classes;
    res->classes = room(r, s->classes, sizeof *res->classes);
    uint64_t left = res->n, said = res->n;
    for (size_t c = 0; c < s->classes; c++) {
        tb_report_class *k = &res->classes[c];
        k->label = r->models[model].labels[c];
        bool last = c + 1 == s->classes;
        k->truth = last ? left : left / 2;
        k->predicted = last ? said : v % 2 ? said * 2 / 5 : said / 2;
        left -= k->truth;
        said -= k->predicted;
    }
    res->labels_present = s->classes;
    res->majority_label = s->classes ? res->classes[0].label : labels[0];
}

static void fill_comparison(const fake_shape *s, tb_report_result *res, double change)
{
    res->compared = true;
    res->delta_accuracy = change;
    res->agreement = 0.97;
    res->wrong_to_right = change > 0 ? (uint64_t)(change * (double)res->n + 3) : 3;
    res->right_to_wrong = change < 0 ? (uint64_t)(-change * (double)res->n + 3) : 3;
    res->sentence = "a sentence";
    tb_report_tests *t = &res->tests;
    double half = 0.004 + fabs(change) / 3;
    t->delta_macro_f1 = change * 1.1;
    t->delta_macro_f1_p = NAN;
    t->bootstrap = !s->no_bootstrap;
    t->boot_accuracy = around(change, half * 1.3);
    t->boot_macro_f1 = around(change * 1.1, half * 1.5);
    t->boot_weighted_f1 = t->boot_mean_confidence = t->boot_macro_f1;
    t->primary_figure = "accuracy";
    t->primary_delta = change;
    t->primary_p = t->primary_p_holm = fabs(change) > 0.015 ? 0.0002 : 0.74;
    t->significant = t->primary_p_holm < 0.05;
    t->margin = 0.01;
    t->equivalence_interval = around(change, half);
    t->equivalent = fabs(change) + half < 0.01;
    t->detectable = NAN;
}

static void fill_latency(const fake_shape *s, tb_report_result *res, double ms)
{
    res->ratio_to = s->no_fp32 ? "fp16" : "fp32";
    res->latency_ratio = ms / 4.5;
    res->timed_texts = 100;
    res->timed_rounds = 10;
    res->energy_j = NAN;
    res->total = (tb_report_timing){ms, ms / 3, ms * 0.92, ms * 1.5, ms * 2.1};
    res->latency_interval = around(ms, ms * 0.02);
    res->latency_ratio_interval = around(res->latency_ratio, 0.01);
    for (size_t q = 0; q < TB_REPORT_QUANTILES; q++)
        res->quantiles[q] = ms * (0.4 + 0.08 * (double)q * (1 + (q > 15 ? (double)(q - 15) / 5 : 0)) * 0.7);
    if (!s->no_timings)
        return;
    res->latency_ratio = NAN;
    res->total = (tb_report_timing){NAN, NAN, NAN, NAN, NAN};
    res->latency_interval = res->latency_ratio_interval = (tb_interval){NAN, NAN};
    for (size_t q = 0; q < TB_REPORT_QUANTILES; q++)
        res->quantiles[q] = NAN;
}

static void fill_result(tb_report *r, const fake_shape *s, tb_report_result *res, size_t m, size_t set, size_t v)
{
    const size_t k = (v + (s->no_fp32 ? 1 : 0)) % N_SCHEMES;
    const double change = schemes[k].change * s->spread, n = (double)r->sets[set].rows;
    const bool untrained = r->models[m].untrained_head;
    *res = (tb_report_result){.set = set, .model = m, .variant = m * s->variants + v, .untrained_head = untrained};
    res->n = r->sets[set].rows;
    res->accuracy = (untrained ? 0.434 : 0.902 - 0.013 * (double)m - 0.05 * (double)set) + change;
    double half = n > 0 ? 1.96 * sqrt(res->accuracy * (1 - res->accuracy) / n) : 0.5;
    res->low = res->accuracy - half;
    res->high = fmin(1, res->accuracy + half);
    res->correct = (uint64_t)(res->accuracy * n);
    res->majority_accuracy = 0.416;
    res->mean_confidence = 0.93 + change / 2;
    res->confidence_sd = 0.12;
    res->macro_f1 = res->accuracy - 0.03;
    res->ece = 0.043 - change / 4;
    res->temperature = res->temperature_ece = res->temperature_nll = NAN;
    fill_bins(r, res);
    fill_classes(r, s, res, m, v);
    fill_latency(s, res, (4.5 + (double)m * 0.4) * schemes[k].speed);
    if (!s->no_fp32 && v > 0)
        fill_comparison(s, res, change);
}

static tb_report_null_figure luck(tb_report *r, size_t models, double real, double fp32, uint64_t rows)
{
    tb_report_null_figure figure = {.real = real, .fp32 = fp32, .p = NAN, .values = room(r, models, sizeof(double))};
    for (size_t i = 0; i < models; i++) {
        double spread = sin((double)i * 2.399) + sin((double)i * 0.7) + sin((double)i * 5.1);
        double texts = floor((fp32 - 0.006 + 0.004 * spread) * (double)rows);
        figure.values[i] = texts / (double)(rows ? rows : 1);
        figure.below += figure.values[i] < real;
        figure.equal += figure.values[i] == real;
        figure.above += figure.values[i] > real;
    }
    if (models >= 99)
        figure.p = 0.34;
    return figure;
}

static void fill_nulls(tb_report *r, const fake_shape *s)
{
    r->nulls = room(r, r->n_results, sizeof *r->nulls);
    for (size_t i = 0; i < r->n_results && s->null_models; i++) {
        const tb_report_result *res = &r->results[i];
        if (!strstr(r->variants[res->variant].name, "int"))
            continue;
        r->nulls[r->n_nulls++] = (tb_report_null){
            .result = i,
            .models = s->null_models,
            .accuracy = luck(r, s->null_models, res->accuracy, res->accuracy - res->delta_accuracy, res->n),
        };
    }
}

static tb_report_spread spread(tb_report *r, const fake_shape *s, double mean, double step)
{
    tb_report_spread f = {.mean = mean, .sd = step, .values = room(r, s->models, sizeof(double))};
    for (size_t m = 0; m < s->models; m++)
        f.values[m] = mean + step * ((double)m - ((double)s->models - 1) / 2);
    f.interval = s->no_bootstrap ? (tb_interval){NAN, NAN} : around(mean, 2 * step);
    return f;
}

static void fill_groups(tb_report *r, const fake_shape *s)
{
    static const uint64_t seeds[] = {42, 123, 456, 7};
    tb_report_group *g = r->groups = room(r, 1, sizeof *g);
    r->n_groups = 1;
    *g = (tb_report_group){.recipe = "abc", .differing = "", .n_models = s->models};
    g->models = room(r, s->models, sizeof *g->models);
    g->seeds = room(r, s->models, sizeof *g->seeds);
    for (size_t m = 0; m < s->models; m++) {
        g->models[m] = m;
        g->seeds[m] = seeds[m % 4] + m / 4;
    }
    g->results = room(r, s->sets * s->variants, sizeof *g->results);
    for (size_t set = 0; set < s->sets; set++) {
        for (size_t v = 0; v < s->variants; v++) {
            const double change = schemes[v % N_SCHEMES].change * s->spread;
            tb_report_group_result *gr = &g->results[g->n_results++];
            *gr = (tb_report_group_result){.set = set, .variant = r->variants[v].name, .compared = v > 0};
            gr->accuracy = spread(r, s, 0.89 + change, 0.011);
            gr->macro_f1 = spread(r, s, 0.86 + change, 0.015);
            gr->delta_accuracy = spread(r, s, change, 0.002);
            gr->delta_macro_f1 = spread(r, s, change, 0.003);
        }
    }
}

static void fill_models(tb_report *r, const fake_shape *s)
{
    static const char *const names[] = {"indobert-smsa-42", "xlm-r-base", "mbert", "model"};
    static const char *const labels[] = {"positive", "neutral", "negative", "class"};
    r->n_models = s->models;
    r->models = room(r, s->models, sizeof *r->models);
    r->n_variants = s->models * s->variants;
    r->variants = room(r, r->n_variants, sizeof *r->variants);
    for (size_t m = 0; m < s->models; m++) {
        tb_report_model *model = &r->models[m];
        *model = (tb_report_model){.name = numbered(r, s, names, 4, m), .labels_from = "file", .n_labels = s->classes};
        model->untrained_head = s->untrained && m + 1 == s->models;
        model->parameters = 124443651 - m * 1000;
        model->layers = 12;
        model->hidden = 768;
        model->labels = room(r, s->classes, sizeof *model->labels);
        for (size_t c = 0; c < s->classes; c++)
            model->labels[c] = numbered(r, s, labels, 4, c);
        for (size_t v = 0; v < s->variants; v++) {
            const size_t k = (v + (s->no_fp32 ? 1 : 0)) % N_SCHEMES;
            char name[64];
            snprintf(name, sizeof name, v < N_SCHEMES ? "%s" : "%s-%zu", schemes[k].name, v);
            tb_report_variant *variant = &r->variants[m * s->variants + v];
            bool plain = strcmp(name, "fp32") == 0; /* the name that the report knows */
            *variant = (tb_report_variant){.model = m, .name = plain ? "fp32" : name_of(r, s, name)};
            variant->scheme = variant->name;
            variant->ratio = schemes[k].ratio;
            variant->size_bytes = (uint64_t)(variant->ratio * 4 * (double)model->parameters);
            variant->parts[0] = variant->size_bytes * 2 / 10;
            variant->parts[2] = variant->size_bytes / 100;
            variant->parts[3] = 20000;
            variant->parts[1] = variant->size_bytes - variant->parts[0] - variant->parts[2] - variant->parts[3];
            variant->resident_bytes = variant->size_bytes + 3000000;
        }
    }
}

tb_report *fake_report(const fake_shape *s)
{
    static const char *const names[] = {"smsa", "tweets", "emot", "set"};
    tb_error err = {0};
    tb_report *r = calloc(1, sizeof *r);
    if (!r || tb_arena_create(1 << 16, &r->arena, &err) != TIMBANG_OK)
        abort();
    r->version = "0.1.0";
    r->started = "2026-01-31T12:00:00Z";
    r->cpu = "AMD EPYC 9B14";
    r->level = "avx512";
    r->seconds = 741;
    r->threads = 2;
    r->latency_texts = 100;
    r->latency_rounds = 10;
    r->lang = s->lang;
    r->plan = (tb_report_plan){.sha256 = "3fa9c01d7be2445f3fa9c01d7be2445f3fa9c01d7be2445f3fa9c01d7be2445f",
                               .primary = "accuracy",
                               .family = "variants of one model on one set",
                               .fixed = "2026-01-31T12:00:01Z",
                               .alpha = 0.05,
                               .power = 0.8,
                               .margin = 0.01,
                               .replicates = s->no_bootstrap ? 0 : 2000,
                               .null_models = s->null_models};
    r->n_sets = s->sets;
    r->sets = room(r, s->sets, sizeof *r->sets);
    for (size_t i = 0; i < s->sets; i++)
        r->sets[i] = (tb_report_set){.name = numbered(r, s, names, 4, i), .rows = s->rows};
    fill_models(r, s);
    r->results = room(r, s->sets * r->n_variants, sizeof *r->results);
    for (size_t m = 0; m < s->models; m++)
        for (size_t set = 0; set < s->sets; set++)
            for (size_t v = 0; v < s->variants; v++)
                fill_result(r, s, &r->results[r->n_results++], m, set, v);
    fill_nulls(r, s);
    if (s->groups)
        fill_groups(r, s);
    return r;
}

void fake_report_free(tb_report *report)
{
    tb_report_free(report);
    free(report);
}
