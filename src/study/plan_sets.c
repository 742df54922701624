/* SPDX-License-Identifier: Apache-2.0
 * The data sets of a study: loaded, hashed, searched for duplicates.
 * Includes: study/plan.h, study/record.h. Called by: study/plan. */
#include "study/evaluate.h"
#include "study/plan.h"
#include "study/record.h"

#include <stdlib.h>
#include <string.h>

static timbang_status load_train(tb_plan *plan, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    if (!o->eval.train_path)
        return TIMBANG_OK;
    return tb_train_load(&o->data_options, o->eval.train_path, plan->job->hooks, &plan->train, err);
}

static timbang_status load_set(tb_plan *plan, tb_plan_set *set, tb_error *err)
{
    timbang_data_options options = plan->job->options->data_options;
    options.path = set->path;
    TB_TRY(tb_dataset_load(&options, plan->job->hooks, &set->dataset, err));
    if (strcmp(set->path, "-") != 0 && tb_is_file(set->path)) /* a pipe cannot be read twice */
        TB_TRY(tb_hash_file(set->path, set->sha256, err));
    TB_TRY(tb_record_duplicates(set->dataset, NULL, &set->within, err));
    if (plan->train)
        TB_TRY(tb_record_duplicates(set->dataset, plan->train, &set->train, err));
    tb_notes notes = tb_plan_notes(plan);
    const char *train = plan->train ? plan->train->name : NULL;
    const char *slash = train && plan->job->options->anonymous ? strrchr(train, '/') : NULL;
    return tb_note_duplicates(&notes, set->name, set->within, set->train, slash ? slash + 1 : train, err);
}

static timbang_status name_set(tb_plan *plan, const timbang_named_path *given, char **names, tb_error *err)
{
    size_t i = plan->n_loaded;
    tb_plan_set *set = &plan->sets[plan->n_loaded++];
    set->path = given->path;
    if (!set->path || set->path[0] == '\0')
        return tb_fail(err, TIMBANG_USAGE, "data set %zu has no path", i + 1);
    for (size_t j = 0; j < i; j++)
        if (strcmp(set->path, "-") == 0 && strcmp(plan->sets[j].path, "-") == 0)
            return tb_fail(err, TIMBANG_USAGE, "standard input can be only one of the data sets");
    TB_TRY(tb_plan_name(given->name, set->path, true, names, i, &set->name, err));
    names[i] = set->name;
    return TIMBANG_OK;
}

timbang_status tb_plan_name_sets(tb_plan *plan, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    if (o->n_data == 0)
        return tb_fail(err, TIMBANG_USAGE, "a study needs labelled texts: name a file with --data NAME=FILE");
    plan->sets = tb_calloc(o->n_data + 1, sizeof *plan->sets, err);
    char **names = plan->sets ? tb_calloc(o->n_data + 1, sizeof *names, err) : NULL;
    timbang_status status = names ? TIMBANG_OK : err->status;
    for (size_t i = 0; i < o->n_data && status == TIMBANG_OK; i++) {
        status = name_set(plan, &o->data[i], names, err);
        plan->n_sets = plan->n_loaded;
    }
    const timbang_named_path valid = {.path = o->valid};
    if (status == TIMBANG_OK && o->valid)
        status = name_set(plan, &valid, names, err);
    free(names);
    return status;
}

timbang_status tb_plan_sets(tb_plan *plan, tb_error *err)
{
    TB_TRY(load_train(plan, err));
    for (size_t i = 0; i < plan->n_loaded; i++)
        TB_TRY(load_set(plan, &plan->sets[i], err));
    return TIMBANG_OK;
}
