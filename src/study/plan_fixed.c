/* SPDX-License-Identifier: Apache-2.0
 * What is fixed before a data file is opened: the statistics of the study, and plan.json.
 * Includes: study/plan.h, study/record.h, text/clean.h. Called by: study/plan. */
#include "base/text.h"
#include "study/plan.h"
#include "study/record.h"
#include "text/clean.h"

#include <stdlib.h>
#include <string.h>

#define FAMILY "variants of one model on one set"
enum { MAX_REPLICATES = 1000000, MAX_NULL_MODELS = 10000, ECE_BINS = TB_ECE_BINS };

/* ---- Statistics: the command line, else the plan file, else the default ---- */

static timbang_status contradicts(const char *option, const char *file, tb_error *err)
{
    return tb_fail(err, TIMBANG_USAGE,
                   "--%s says otherwise than the plan in %s; leave it out, or change the plan before "
                   "the labels are read",
                   option, file);
}

static timbang_status take_double(double given, const char *option, const json_t *plan, const char *file,
                                  const char *key, double low, double high, double *value, tb_error *err)
{
    if (given != 0 && !(given > low && given < high))
        return tb_fail(err, TIMBANG_USAGE, "--%s %g: must lie between %g and %g", option, given, low, high);
    double planned = 0;
    bool has = plan && json_object_get(plan, key);
    if (has)
        TB_TRY(tb_json_get_double(plan, file, key, true, &planned, err));
    if (has && !(planned > low && planned < high))
        return tb_fail(err, TIMBANG_FORMAT, "%s: '%s' is %g; it must lie between %g and %g", file, key, planned, low,
                       high);
    if (given != 0 && has && given != planned)
        return contradicts(option, file, err);
    *value = given != 0 ? given : has ? planned : *value;
    return TIMBANG_OK;
}

/* Members that are the same in every plan so far: a plan that wants another value must not be taken for one that has
 * it. */
static timbang_status check_constants(const json_t *plan, const char *file, tb_error *err)
{
    uint64_t bins = ECE_BINS;
    const char *family = FAMILY;
    TB_TRY(tb_json_get_u64(plan, file, "ece_bins", false, ECE_BINS, ECE_BINS, &bins, err));
    TB_TRY(tb_json_get_string(plan, file, "family", false, &family, err));
    if (strcmp(family, FAMILY) != 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: 'family' is '%s'; only '" FAMILY "' is known", file, family);
    return TIMBANG_OK;
}

static timbang_status take_primary(const char *given, const json_t *plan, const char *file, bool *macro_f1,
                                   tb_error *err)
{
    static const char *const names[] = {"accuracy", "macro_f1"};
    const char *planned = NULL;
    if (plan)
        TB_TRY(tb_json_get_string(plan, file, "primary", false, &planned, err));
    const char *name = given ? given : planned ? planned : names[0];
    if (given && planned && strcmp(given, planned) != 0)
        return contradicts("primary", file, err);
    *macro_f1 = strcmp(name, names[1]) == 0;
    if (*macro_f1 || strcmp(name, names[0]) == 0)
        return TIMBANG_OK;
    int close = tb_closest(name, names, 2);
    return tb_fail(err, given ? TIMBANG_USAGE : TIMBANG_FORMAT,
                   "%s%s'%s' is no primary figure%s%s%s; it is accuracy or macro_f1", given ? "" : file,
                   given ? "" : ": ", name, close >= 0 ? " (did you mean " : "", close >= 0 ? names[close] : "",
                   close >= 0 ? "?)" : "");
}

/* given: 0 for "not said"; `none`: what stands for zero, or 0. */
static timbang_status take_count(uint64_t given, uint64_t none, const char *option, const json_t *plan,
                                 const char *file, const char *key, uint64_t most, uint64_t *value, tb_error *err)
{
    uint64_t planned = UINT64_MAX, wanted = none != 0 && given == none ? 0 : given;
    if (wanted > most)
        return tb_fail(err, TIMBANG_USAGE, "--%s %llu: at most %llu", option, (unsigned long long)given,
                       (unsigned long long)most);
    if (plan)
        TB_TRY(tb_json_get_u64(plan, file, key, false, 0, most, &planned, err));
    if (given != 0 && planned != UINT64_MAX && wanted != planned)
        return contradicts(option, file, err);
    *value = given != 0 ? wanted : planned != UINT64_MAX ? planned : *value;
    return TIMBANG_OK;
}

static timbang_status take_all(const timbang_study_options *o, const json_t *plan, tb_statistics *s, tb_error *err)
{
    const char *file = o->plan_file;
    if (plan)
        TB_TRY(check_constants(plan, file, err));
    TB_TRY(take_primary(o->primary, plan, file, &s->primary_macro_f1, err));
    TB_TRY(take_double(o->alpha, "alpha", plan, file, "alpha", 0, 0.5, &s->alpha, err));
    TB_TRY(take_double(o->power, "power", plan, file, "power", 0, 1, &s->power, err));
    TB_TRY(take_double(o->margin, "margin", plan, file, "margin", 0, 1, &s->margin, err));
    const json_t *bootstrap = plan ? json_object_get(plan, "bootstrap") : NULL;
    TB_TRY(take_count(o->bootstrap_replicates, UINT64_MAX, "bootstrap", json_is_object(bootstrap) ? bootstrap : NULL,
                      file, "replicates", MAX_REPLICATES, &s->replicates, err));
    TB_TRY(take_count(o->null_models, UINT64_MAX, "null", plan, file, "null_models", MAX_NULL_MODELS, &s->null_models,
                      err));
    if (s->primary_macro_f1 && s->replicates == 0)
        return tb_fail(err, TIMBANG_USAGE,
                       "the primary figure macro_f1 is tested by the bootstrap, and --bootstrap 0 leaves that out");
    if (json_is_object(bootstrap)) /* the plan's, whatever seed the rest of the study has */
        TB_TRY(tb_json_get_u64(bootstrap, file, "seed", false, 0, INT64_MAX, &s->seed, err));
    return TIMBANG_OK;
}

timbang_status tb_plan_statistics(tb_plan *plan, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    tb_statistics statistics = tb_statistics_default();
    statistics.seed = o->seed;
    json_t *file = NULL;
    if (o->plan_file) {
        TB_TRY(tb_json_load_file(o->plan_file, &file, err));
        uint64_t schema = 0;
        timbang_status status = json_is_object(file) ? TIMBANG_OK : TIMBANG_FORMAT;
        if (status != TIMBANG_OK || !json_object_get(file, "schema"))
            status = tb_fail(err, TIMBANG_FORMAT, "%s: is no plan of a study (timbang study --plan prints one)",
                             o->plan_file);
        else
            status = tb_json_get_u64(file, o->plan_file, "schema", true, 1, 1, &schema, err);
        if (status != TIMBANG_OK) {
            json_decref(file);
            return status;
        }
    }
    timbang_status status = take_all(o, file, &statistics, err);
    json_decref(file);
    plan->statistics = statistics;
    return status;
}

/* ---- plan.json ---- */

static json_t *weights_hashes(const tb_plan_model *model)
{
    json_t *hashes = json_array();
    size_t i;
    json_t *file;
    json_array_foreach(model->weights, i, file) json_array_append(hashes, json_object_get(file, "sha256"));
    return hashes;
}

static int put_names(const tb_plan *plan, json_t *into)
{
    json_t *models = json_array(), *data = json_array(), *variants = json_array();
    int bad = 0;
    for (size_t m = 0; m < plan->n_models; m++)
        bad |= json_array_append_new(
            models, json_pack("{s:s, s:o}", "name", plan->models[m].name, "weights", weights_hashes(&plan->models[m])));
    for (size_t s = 0; s < plan->n_sets; s++)
        bad |= json_array_append_new(data, json_string(plan->sets[s].name));
    for (size_t v = 0; v < plan->n_schemes; v++)
        bad |= json_array_append_new(variants, json_string(plan->schemes[v].name));
    bad |= json_object_set_new(into, "models", models);
    bad |= json_object_set_new(into, "data", data);
    bad |= json_object_set_new(into, "variants", variants);
    bad |= json_object_set_new(into, "valid", json_boolean(tb_plan_valid(plan) != SIZE_MAX));
    return bad;
}

static int put_statistics(const tb_statistics *s, json_t *into)
{
    int bad = json_object_set_new(into, "primary", json_string(s->primary_macro_f1 ? "macro_f1" : "accuracy"));
    bad |= json_object_set_new(into, "alpha", json_real(s->alpha));
    bad |= json_object_set_new(into, "power", json_real(s->power));
    bad |= json_object_set_new(into, "margin", json_real(s->margin));
    bad |= json_object_set_new(into, "family", json_string(FAMILY));
    bad |= json_object_set_new(
        into, "bootstrap",
        json_pack("{s:o, s:o}", "replicates", tb_json_count(s->replicates), "seed", tb_json_count(s->seed)));
    bad |= json_object_set_new(into, "null_models", tb_json_count(s->null_models));
    bad |= json_object_set_new(into, "ece_bins", json_integer(ECE_BINS));
    return bad;
}

static int put_reading(const timbang_study_options *o, json_t *into)
{
    char clean[80];
    int bad = json_object_set_new(into, "restrict_labels", json_boolean(o->eval.restrict_labels));
    bad |= json_object_set_new(into, "clean", json_string(tb_clean_text_of(o->eval.predict.clean, clean)));
    bad |= json_object_set_new(into, "max_length", tb_json_count(o->eval.predict.max_length));
    bad |= json_object_set_new(into, "limit", tb_json_count(o->data_options.limit));
    bad |= json_object_set_new(into, "limit_seed", tb_json_count(o->data_options.seed));
    bad |= json_object_set_new(into, "drop_labels", tb_json_utf8(o->data_options.drop_labels));
    bad |= json_object_set_new(into, "label_map", tb_json_utf8(o->data_options.label_map));
    return bad;
}

timbang_status tb_plan_fix(tb_plan *plan, tb_error *err)
{
    plan->fixed = json_object();
    int bad = json_object_set_new(plan->fixed, "schema", json_integer(1));
    bad |= put_names(plan, plan->fixed);
    bad |= put_statistics(&plan->statistics, plan->fixed);
    bad |= put_reading(plan->job->options, plan->fixed);
    return tb_json_done(bad != 0, err);
}
