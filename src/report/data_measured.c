/* SPDX-License-Identifier: Apache-2.0
 * `measured`: memory, latency, energy.
 * Includes: report/data_read.h. Called by: report/data. */
#include "report/data_read.h"

#include <string.h>

/* The entry of an array of objects whose members model, variant (and data, unless NULL) have these values; its path
 * goes into where. */
static const json_t *entry_of(tb_fields *f, const json_t *array, const char *key, const char *model,
                              const char *variant, const char *data, char where[TB_READ_WHERE])
{
    for (size_t i = 0; i < json_array_size(array) && f->status == TIMBANG_OK; i++) {
        tb_read_item(where, "measured", key, i);
        const json_t *item = tb_field_item(f, array, tb_read_inner((char[TB_READ_WHERE]){0}, "measured", key), i);
        if (strcmp(tb_field_string(f, item, where, "model"), model) == 0 &&
            strcmp(tb_field_string(f, item, where, "variant"), variant) == 0 &&
            (!data || strcmp(tb_field_string(f, item, where, "data"), data) == 0))
            return item;
    }
    tb_fields_fail(f, "measured.%s has no entry for model '%s', variant '%s'%s%s%s", key, model, variant,
                   data ? ", data '" : "", data ? data : "", data ? "'" : "");
    return NULL;
}

void tb_read_resident(tb_report *r, tb_fields *f, const json_t *resident, size_t variant)
{
    tb_report_variant *v = &r->variants[variant];
    char where[TB_READ_WHERE];
    const json_t *entry = entry_of(f, resident, "resident", r->models[v->model].name, v->name, NULL, where);
    v->resident_bytes = tb_field_count(f, entry, where, "resident_bytes");
    if (!tb_field_null(f, entry, where, "peak_resident_bytes"))
        v->peak_resident_bytes = tb_field_count(f, entry, where, "peak_resident_bytes");
}

static tb_report_timing read_timing(tb_fields *f, const json_t *entry, const char *where, const char *key)
{
    char inner[TB_READ_WHERE];
    tb_read_inner(inner, where, key);
    const json_t *timing = tb_field_object(f, entry, where, key);
    return (tb_report_timing){
        .mean = tb_field_real(f, timing, inner, "mean"),
        .sd = tb_field_real(f, timing, inner, "sd"),
        .median = tb_field_real(f, timing, inner, "median"),
        .p90 = tb_field_real(f, timing, inner, "p90"),
        .p99 = tb_field_real(f, timing, inner, "p99"),
    };
}

static void read_latency(tb_report *r, tb_fields *f, const json_t *latency, tb_report_result *result)
{
    char where[TB_READ_WHERE];
    const json_t *entry = entry_of(f, latency, "latency", r->models[result->model].name,
                                   r->variants[result->variant].name, r->sets[result->set].name, where);
    result->tokenize = read_timing(f, entry, where, "tokenize");
    result->forward = read_timing(f, entry, where, "forward");
    result->total = read_timing(f, entry, where, "total");
    result->latency_interval = tb_read_interval(f, entry, where, "interval");
    result->latency_ratio = tb_field_real(f, entry, where, "ratio");
    result->latency_ratio_interval = tb_read_interval(f, entry, where, "ratio_interval");
    result->ratio_to = tb_field_string(f, entry, where, "ratio_to");
    tb_field_reals(f, entry, where, "quantiles", TB_REPORT_QUANTILES, result->quantiles);
    result->texts_per_s = tb_field_real_or_null(f, entry, where, "texts_per_s");
    result->energy_j = tb_field_real_or_null(f, entry, where, "energy_j");
    result->timed_texts = tb_field_count(f, entry, where, "texts");
    result->timed_rounds = tb_field_count(f, entry, where, "rounds");
    result->outliers = tb_field_count(f, entry, where, "outliers");
    r->latency_texts = result->timed_texts;
    r->latency_rounds = result->timed_rounds;
}

void tb_read_measured(tb_report *r, tb_fields *f)
{
    const json_t *measured = tb_field_object(f, r->root, "", "measured");
    r->peak_resident_bytes = tb_field_count(f, measured, "measured", "peak_resident_bytes");
    const json_t *energy = tb_field_object(f, measured, "measured", "energy");
    r->energy_available = tb_field_bool(f, energy, "measured.energy", "available");
    r->energy_source = tb_field_string(f, energy, "measured.energy", "source");
    size_t n;
    const json_t *latency = tb_read_array(f, measured, "measured", "latency", &n);
    for (size_t i = 0; i < r->n_results && f->status == TIMBANG_OK; i++)
        read_latency(r, f, latency, &r->results[i]);
}
