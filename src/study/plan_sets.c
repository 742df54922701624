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
    if (strcmp(set->path, "-") != 0)
        TB_TRY(tb_hash_file(set->path, set->sha256, err));
    TB_TRY(tb_record_duplicates(set->dataset, NULL, &set->within, err));
    if (plan->train)
        TB_TRY(tb_record_duplicates(set->dataset, plan->train, &set->train, err));
    tb_notes notes = tb_plan_notes(plan);
    return tb_note_duplicates(&notes, set->name, set->within, set->train, plan->train ? plan->train->name : NULL, err);
}

timbang_status tb_plan_sets(tb_plan *plan, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    if (o->n_data == 0)
        return tb_fail(err, TIMBANG_USAGE, "a study needs labelled texts: name a file with --data NAME=FILE");
    plan->sets = tb_calloc(o->n_data, sizeof *plan->sets, err);
    char **names = plan->sets ? tb_calloc(o->n_data, sizeof *names, err) : NULL;
    timbang_status status = names ? load_train(plan, err) : err->status;
    size_t stdins = 0;
    for (size_t i = 0; i < o->n_data && status == TIMBANG_OK; i++) {
        tb_plan_set *set = &plan->sets[plan->n_sets++];
        set->path = o->data[i].path;
        if (!set->path || set->path[0] == '\0')
            status = tb_fail(err, TIMBANG_USAGE, "data set %zu has no path", i + 1);
        else if (strcmp(set->path, "-") == 0 && ++stdins > 1)
            status = tb_fail(err, TIMBANG_USAGE, "standard input can be only one of the data sets");
        if (status == TIMBANG_OK)
            status = tb_plan_name(o->data[i].name, set->path, true, names, i, &set->name, err);
        names[i] = set->name;
        if (status == TIMBANG_OK)
            status = load_set(plan, set, err);
    }
    free(names);
    return status;
}
