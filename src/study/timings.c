/* SPDX-License-Identifier: Apache-2.0
 * The timings of a study, in cycles: in each of them every model is loaded (or still there), and on each set its
 * variants take a turn. One model's turns on one set in one cycle are a unit of work.
 * Includes: study/timings.h and its neighbours. Called by: study/study. */
#include "study/timings.h"

#include "base/clock.h"
#include "base/text.h"
#include "study/latency.h"
#include "study/record.h"
#include "study/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the weights come to lie in memory is chance too: all models are loaded anew every RELOAD cycles. */
enum { FEWEST_CYCLES = 2, RELOAD = 5, USUAL_CYCLES = 25 };
#define MAGIC          UINT64_C(0x3153524e55544254) /* of this machine alone: a unit never leaves it */
#define RESIDENT_BYTES (UINT64_C(1) << 30)          /* models stay in memory between cycles up to this sum */
/* Unless seconds or rounds are given: of all of it, and of each model, set and variant in a study that has few. */
static const double least_phase_s = 60, most_phase_s = 240, least_each_s = 5, most_each_s = 15;
static const double longest_turn_s = 3, long_turn_s = 0.5, most_extra = 1.5;

/* How long, how often. */
typedef struct limits {
    size_t cycles;         /* at least */
    double seconds;        /* of each model, set and variant, at least */
    double phase_s, end_s; /* of all of it: at least; where no cycle is begun to make intervals narrower */
    double turn_ms;
} limits;

/* One model on one set. */
typedef struct lane {
    tb_latency_texts texts;
    tb_latency_times *times; /* [n_variants] */
} lane;

/* One model. */
typedef struct stable {
    lane *lanes; /* [n_sets] */
    size_t n_variants;
    uint64_t bytes;       /* resident, when loaded */
    tb_variant *variants; /* [n_variants]; NULL: not loaded */
} stable;

typedef struct timings {
    const tb_plan *plan;
    tb_store *store;
    char *models_dir;
    char stage[80];
    limits limits;
    stable *models; /* [plan->n_models] */
    size_t cycles;  /* done */
    double span_s;  /* of them */
    tb_workspace *workspace;
    tb_energy_meter meter;
} timings;

/* ---- Units ---- */

typedef struct unit_header {
    uint64_t magic, texts, n_variants;
    double seconds; /* with loading */
} unit_header;

typedef struct turn_header {
    uint64_t passes;
    double joules;
} turn_header;

static timbang_status turn_name(const timings *x, size_t m, size_t set, size_t cycle, tb_text *name, tb_error *err)
{
    tb_text_printf(name, "turn-%s-%zu-%zu.bin", x->plan->models[m].slug, set, cycle);
    return tb_text_finish(name, err);
}

static timbang_status put_turns(timings *x, const char *name, const tb_latency_turn *turns, size_t n, double seconds,
                                tb_error *err)
{
    const unit_header head = {MAGIC, turns[0].texts, n, seconds};
    tb_text bytes = {0};
    tb_text_append(&bytes, (const char *)&head, sizeof head);
    for (size_t v = 0; v < n; v++) {
        const turn_header turn = {turns[v].passes, turns[v].joules};
        size_t values = TB_TIME_KINDS * turns[v].texts + turns[v].passes;
        tb_text_append(&bytes, (const char *)&turn, sizeof turn);
        tb_text_append(&bytes, (const char *)turns[v].values, values * sizeof *turns[v].values);
    }
    timbang_status status = tb_text_finish(&bytes, err);
    if (status == TIMBANG_OK)
        status = tb_store_put(x->store, name, bytes.data, bytes.length, err);
    tb_text_free(&bytes);
    return status;
}

static timbang_status damaged(const timings *x, const char *name, tb_error *err)
{
    return tb_fail(err, TIMBANG_FORMAT, "%s/%s: is damaged; start the study anew with --force", x->store->work, name);
}

/* Takes size bytes from the front of a unit; false where it has fewer. */
static bool take(const char **at, size_t *left, void *out, size_t size)
{
    if (*left < size)
        return false;
    memcpy(out, *at, size);
    *at += size;
    *left -= size;
    return true;
}

static timbang_status parse_turns(const timings *x, const char *name, const char *at, size_t left, stable *model,
                                  lane *l, double *seconds, tb_error *err)
{
    unit_header head;
    if (!take(&at, &left, &head, sizeof head) || head.magic != MAGIC || head.texts != l->texts.n ||
        head.n_variants != model->n_variants)
        return damaged(x, name, err);
    for (size_t v = 0; v < model->n_variants; v++) {
        turn_header header;
        tb_latency_turn turn = {0};
        if (!take(&at, &left, &header, sizeof header) || header.passes == 0 ||
            header.passes > left / sizeof *turn.values)
            return damaged(x, name, err);
        TB_TRY(tb_latency_turn_make(l->texts.n, (size_t)header.passes, &turn, err));
        turn.joules = header.joules;
        size_t size = (TB_TIME_KINDS * turn.texts + turn.passes) * sizeof *turn.values;
        if (!take(&at, &left, turn.values, size)) {
            tb_latency_turn_free(&turn);
            return damaged(x, name, err);
        }
        TB_TRY(tb_latency_times_add(&l->times[v], &turn, err));
    }
    *seconds = head.seconds;
    return left == 0 ? TIMBANG_OK : damaged(x, name, err);
}

/* Adds the turns of a unit that is there. */
static timbang_status get_turns(const timings *x, const char *name, size_t m, size_t set, double *seconds,
                                tb_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    TB_TRY(tb_store_get(x->store, name, &bytes, &size, err));
    timbang_status status = parse_turns(x, name, bytes, size, &x->models[m], &x->models[m].lanes[set], seconds, err);
    free(bytes);
    return status;
}

/* ---- Models in memory ---- */

static void unload(stable *model)
{
    for (size_t v = 0; model->variants && v < model->n_variants; v++)
        tb_variant_free(&model->variants[v]);
    free(model->variants);
    model->variants = NULL;
}

static void unload_all(timings *x)
{
    for (size_t m = 0; m < x->plan->n_models; m++)
        unload(&x->models[m]);
    tb_workspace_free(x->workspace);
    x->workspace = NULL;
}

static timbang_status load(timings *x, size_t m, tb_error *err)
{
    stable *model = &x->models[m];
    uint64_t others = 0;
    for (size_t i = 0; i < x->plan->n_models; i++)
        others += x->models[i].variants && i != m ? x->models[i].bytes : 0;
    if (!model->variants && others > 0 && others + model->bytes > RESIDENT_BYTES)
        unload_all(x);
    if (!x->workspace)
        TB_TRY(tb_workspace_create(x->plan->job->pool, &x->workspace, err));
    if (model->variants)
        return TIMBANG_OK;
    model->variants = tb_calloc(model->n_variants, sizeof *model->variants, err);
    if (!model->variants)
        return err->status;
    for (size_t v = 0; v < model->n_variants; v++) {
        TB_TRY(tb_check_cancel(x->plan->job->hooks, err));
        TB_TRY(tb_run_make_variant(x->plan, m, v, x->models_dir, true, &model->variants[v], err));
    }
    return TIMBANG_OK;
}

/* ---- Cycles ---- */

static timbang_status take_turns(timings *x, size_t m, size_t set, tb_latency_turn *turns, tb_error *err)
{
    const tb_study_job *job = x->plan->job;
    const stable *model = &x->models[m];
    const tb_classifier **classifiers = tb_calloc(model->n_variants, sizeof *classifiers, err);
    if (!classifiers)
        return err->status;
    for (size_t v = 0; v < model->n_variants; v++)
        classifiers[v] = model->variants[v].classifier;
    const tb_latency_job latency = {
        .models = classifiers,
        .n_models = model->n_variants,
        .workspace = x->workspace,
        .task = &x->plan->models[m].tasks[set],
        .texts = &model->lanes[set].texts,
        .turn_ms = x->limits.turn_ms,
        .meter = &x->meter,
        .run = {.max_length = job->options->eval.predict.max_length,
                .clean = job->options->eval.predict.clean,
                .hooks = job->hooks},
    };
    timbang_status status = tb_latency_turns(&latency, x->cycles, turns, err);
    free(classifiers);
    return status;
}

static timbang_status run_unit(timings *x, size_t m, size_t set, const char *name, double *seconds, tb_error *err)
{
    stable *model = &x->models[m];
    double begin = tb_now_ms();
    tb_latency_turn *turns = tb_calloc(model->n_variants, sizeof *turns, err);
    timbang_status status = turns ? load(x, m, err) : err->status;
    if (status == TIMBANG_OK)
        status = take_turns(x, m, set, turns, err);
    *seconds = (tb_now_ms() - begin) / 1000;
    if (status == TIMBANG_OK)
        status = put_turns(x, name, turns, model->n_variants, *seconds, err);
    for (size_t v = 0; v < model->n_variants && status == TIMBANG_OK; v++)
        status = tb_latency_times_add(&model->lanes[set].times[v], &turns[v], err);
    for (size_t v = 0; turns && v < model->n_variants; v++)
        tb_latency_turn_free(&turns[v]);
    free(turns);
    return status;
}

static timbang_status have_unit(timings *x, size_t m, size_t set, tb_error *err)
{
    tb_text name = {0};
    double seconds = 0;
    timbang_status status = turn_name(x, m, set, x->cycles, &name, err);
    if (status == TIMBANG_OK)
        status = tb_store_has(x->store, name.data) ? get_turns(x, name.data, m, set, &seconds, err)
                                                   : run_unit(x, m, set, name.data, &seconds, err);
    x->span_s += seconds;
    tb_text_free(&name);
    return status;
}

/* Cycles that there will be, as far as can be told now. */
static size_t cycles_ahead(const timings *x)
{
    const limits *l = &x->limits;
    double a_cycle = x->cycles ? x->span_s / (double)x->cycles : 0;
    double cycles = l->seconds * 1000 / l->turn_ms;
    if (a_cycle > 0 && l->phase_s / a_cycle > cycles)
        cycles = l->phase_s / a_cycle;
    size_t ahead = cycles < 1e6 ? (size_t)cycles : (size_t)1000000;
    ahead = ahead > l->cycles ? ahead : l->cycles;
    return ahead > x->cycles ? ahead : x->cycles + 1;
}

static timbang_status run_cycle(timings *x, tb_error *err)
{
    size_t models = x->plan->n_models, sets = x->plan->n_sets, ahead = cycles_ahead(x);
    if (x->cycles % RELOAD == 0)
        unload_all(x);
    for (size_t k = 0; k < models; k++) {
        size_t m = (x->cycles + k) % models;
        for (size_t s = 0; s < sets; s++) {
            size_t before = (x->cycles * models + k) * sets + s;
            tb_progress(x->plan->job->hooks, x->stage, before, ahead * models * sets);
            TB_TRY(have_unit(x, m, (x->cycles + s) % sets, err));
        }
    }
    x->cycles++;
    return TIMBANG_OK;
}

/* ---- When it is enough ---- */

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static limits limits_of(const tb_plan *plan)
{
    const tb_study_job *job = plan->job;
    bool by_default = job->latency_rounds == 0 && job->latency_seconds == 0;
    size_t entries = 0;
    for (size_t m = 0; m < plan->n_models; m++)
        entries += plan->models[m].n_variants * plan->n_sets;
    limits l = {.cycles = job->latency_rounds ? job->latency_rounds : TB_LATENCY_TURNS};
    l.cycles = l.cycles > FEWEST_CYCLES ? l.cycles : FEWEST_CYCLES;
    l.seconds = job->latency_seconds > 0 ? job->latency_seconds : job->latency_rounds ? 0 : TB_LATENCY_SECONDS;
    l.phase_s = by_default ? smaller(least_phase_s, least_each_s * (double)entries) : 0;
    l.end_s = job->latency_rounds ? 0 : most_extra * l.seconds * (double)entries;
    if (by_default)
        l.end_s = smaller(most_phase_s, most_each_s * (double)entries);
    double turn_s = l.phase_s / (double)(USUAL_CYCLES * entries);
    turn_s = turn_s < long_turn_s ? turn_s : long_turn_s;
    turn_s = turn_s > l.seconds / TB_LATENCY_USUAL_TURNS ? turn_s : l.seconds / TB_LATENCY_USUAL_TURNS;
    l.turn_ms = 1000 * (turn_s < longest_turn_s ? turn_s : longest_turn_s);
    return l;
}

/* Of all models, sets and variants: the shortest time, in seconds, and the widest interval. */
static timbang_status look_at_all(const timings *x, double *shortest, double *widest, tb_error *err)
{
    *shortest = tb_latency_times_ms(&x->models[0].lanes[0].times[0]) / 1000;
    *widest = 0;
    for (size_t m = 0; m < x->plan->n_models; m++)
        for (size_t s = 0; s < x->plan->n_sets; s++)
            for (size_t v = 0; v < x->models[m].n_variants; v++) {
                const tb_latency_times *times = &x->models[m].lanes[s].times[v];
                double seconds = tb_latency_times_ms(times) / 1000, uncertainty;
                TB_TRY(tb_latency_uncertainty(times, x->span_s, &uncertainty, err));
                *shortest = seconds < *shortest ? seconds : *shortest;
                *widest = uncertainty > *widest ? uncertainty : *widest;
            }
    return TIMBANG_OK;
}

static timbang_status enough(const timings *x, bool *out, tb_error *err)
{
    double shortest, widest;
    *out = false;
    if (x->cycles < x->limits.cycles || x->span_s < x->limits.phase_s)
        return TIMBANG_OK;
    TB_TRY(look_at_all(x, &shortest, &widest, err));
    *out = shortest >= x->limits.seconds && (widest <= TB_LATENCY_NARROW || x->span_s >= x->limits.end_s);
    return TIMBANG_OK;
}

/* ---- Figures ---- */

static timbang_status latency_unit(const tb_plan_model *model, size_t set, tb_text *name, tb_error *err)
{
    tb_text_printf(name, "latency-%s-%zu.json", model->slug, set);
    return tb_text_finish(name, err);
}

timbang_status tb_latency_unit_load(const tb_store *store, const tb_plan_model *model, size_t set, json_t **out,
                                    tb_error *err)
{
    tb_text name = {0};
    timbang_status status = latency_unit(model, set, &name, err);
    if (status == TIMBANG_OK)
        status = tb_store_get_json(store, name.data, out, err);
    tb_text_free(&name);
    return status;
}

static bool all_done(const tb_plan *plan, const tb_store *store)
{
    bool done = true;
    for (size_t m = 0; m < plan->n_models && done; m++)
        for (size_t s = 0; s < plan->n_sets && done; s++) {
            tb_error ignored;
            tb_text name = {0};
            done = latency_unit(&plan->models[m], s, &name, &ignored) == TIMBANG_OK && tb_store_has(store, name.data);
            tb_text_free(&name);
        }
    return done;
}

/* {model, variant, data, ...}, appended to list. */
static timbang_status put_entry(const timings *x, size_t m, size_t set, size_t v, size_t base, json_t *list,
                                tb_error *err)
{
    const tb_plan_model *model = &x->plan->models[m];
    const lane *l = &x->models[m].lanes[set];
    const tb_unit unit = {.plan = x->plan, .model = m, .set = set, .variant = model->variant_names[v]};
    double batches_s = 0;
    json_t *entry = NULL;
    TB_TRY(tb_unit_seconds(x->store, &unit, &batches_s, err));
    TB_TRY(tb_latency_figures(&l->times[v], &l->times[base], model->variant_names[base], x->span_s, &entry, err));
    int bad = json_object_set_new(entry, "model", json_string(model->name));
    bad |= json_object_set_new(entry, "variant", json_string(model->variant_names[v]));
    bad |= json_object_set_new(entry, "data", json_string(x->plan->sets[set].name));
    bad |= json_object_set_new(entry, "texts_per_s", tb_json_real((double)model->tasks[set].n / batches_s));
    bad |= json_array_append_new(list, entry);
    return tb_json_done(bad != 0, err);
}

static timbang_status put_set(timings *x, size_t m, size_t set, tb_error *err)
{
    const tb_plan_model *model = &x->plan->models[m];
    json_t *list = json_array();
    timbang_status status = tb_json_done(!list, err);
    size_t base = 0;
    for (size_t v = 0; v < model->n_variants; v++)
        base = strcmp(model->variant_names[v], "fp32") == 0 ? v : base;
    for (size_t v = 0; v < model->n_variants && status == TIMBANG_OK; v++)
        status = put_entry(x, m, set, v, base, list, err);
    tb_text name = {0};
    if (status == TIMBANG_OK)
        status = latency_unit(model, set, &name, err);
    if (status == TIMBANG_OK)
        status = tb_store_put_json(x->store, name.data, list, err);
    tb_text_free(&name);
    json_decref(list);
    return status;
}

/* ---- All of it ---- */

/* What the variants take together when they are loaded, as each of them alone has shown. */
static timbang_status resident_bytes(timings *x, size_t m, tb_error *err)
{
    for (size_t v = 0; v < x->models[m].n_variants; v++) {
        json_t *unit = NULL;
        TB_TRY(tb_variant_unit_load(x->store, &x->plan->models[m], v, &unit, err));
        const json_t *bytes = json_object_get(json_object_get(unit, "resident"), "resident_bytes");
        x->models[m].bytes += (uint64_t)json_integer_value(bytes);
        json_decref(unit);
    }
    return TIMBANG_OK;
}

static timbang_status begin_model(timings *x, size_t m, tb_error *err)
{
    const tb_plan_model *model = &x->plan->models[m];
    const tb_study_job *job = x->plan->job;
    stable *into = &x->models[m];
    into->n_variants = model->n_variants;
    into->lanes = tb_calloc(x->plan->n_sets, sizeof *into->lanes, err);
    if (!into->lanes)
        return err->status;
    for (size_t s = 0; s < x->plan->n_sets; s++) {
        TB_TRY(tb_latency_choose(&model->tasks[s], &model->config, job->options->eval.predict.max_length,
                                 job->latency_texts, &into->lanes[s].texts, err));
        into->lanes[s].times = tb_calloc(model->n_variants, sizeof *into->lanes[s].times, err);
        if (!into->lanes[s].times)
            return err->status;
    }
    return resident_bytes(x, m, err);
}

static timbang_status run(timings *x, tb_error *err)
{
    x->models = tb_calloc(x->plan->n_models, sizeof *x->models, err);
    if (!x->models)
        return err->status;
    for (size_t m = 0; m < x->plan->n_models; m++)
        TB_TRY(begin_model(x, m, err));
    for (bool done = false; !done;) {
        TB_TRY(run_cycle(x, err));
        TB_TRY(enough(x, &done, err));
    }
    for (size_t m = 0; m < x->plan->n_models; m++)
        for (size_t s = 0; s < x->plan->n_sets; s++)
            TB_TRY(put_set(x, m, s, err));
    return TIMBANG_OK;
}

static void free_model(stable *model, size_t n_sets)
{
    for (size_t s = 0; model->lanes && s < n_sets; s++) {
        for (size_t v = 0; model->lanes[s].times && v < model->n_variants; v++)
            tb_latency_times_free(&model->lanes[s].times[v]);
        free(model->lanes[s].times);
        tb_latency_texts_free(&model->lanes[s].texts);
    }
    free(model->lanes);
}

timbang_status tb_run_timings(const tb_plan *plan, tb_store *store, tb_steps *steps, tb_error *err)
{
    timings x = {.plan = plan, .store = store, .limits = limits_of(plan)};
    steps->done++;
    snprintf(x.stage, sizeof x.stage, "[%zu/%zu] timing", steps->done, steps->total);
    tb_energy_open(NULL, &x.meter);
    x.models_dir = tb_store_path(store, "models", err);
    timbang_status status = x.models_dir ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK && !all_done(plan, store))
        status = run(&x, err);
    if (x.models)
        unload_all(&x);
    for (size_t m = 0; x.models && m < plan->n_models; m++)
        free_model(&x.models[m], plan->n_sets);
    free(x.models);
    if (status == TIMBANG_OK && !plan->job->options->keep_models)
        status = tb_remove_tree(x.models_dir, err);
    free(x.models_dir);
    return status;
}
