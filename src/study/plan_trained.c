/* SPDX-License-Identifier: Apache-2.0
 * The integer model that QAT wrote: what its record says, and what its masters give when they are rounded.
 * Includes: study/plan.h, model, quant. Called by: study/plan. */
#include "model/classifier.h"
#include "quant/quantize.h"
#include "study/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static timbang_status check_scheme(const tb_plan *plan, const tb_plan_model *model, tb_error *err)
{
    const tb_load_options options = {
        .folder = model->trained, .kernels = plan->job->kernels, .pool = plan->job->pool, .hooks = plan->job->hooks};
    tb_classifier *classifier = NULL;
    TB_TRY(tb_classifier_load(&options, &classifier, err));
    char found[32];
    snprintf(found, sizeof found, "%s", tb_classifier_scheme(classifier));
    tb_classifier_free(classifier);
    if (strcmp(found, model->training.scheme) == 0)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_MISMATCH, "%s: its weights are %s; its timbang.json says that it was trained for %s",
                   model->path, found, model->training.scheme);
}

static timbang_status round_masters(const tb_plan *plan, tb_plan_model *model, const char *out, tb_error *err)
{
    char hex[65];
    tb_hooks quiet = plan->job->hooks ? *plan->job->hooks : (tb_hooks){0};
    quiet.log = NULL;
    tb_quantize_job job = {
        .folder = model->folder,
        .source_sha256 = model->source_sha256,
        .out = out,
        .weight_error = &model->trained_error,
        .pool = plan->job->pool,
        .hooks = &quiet,
    };
    TB_TRY(tb_scheme_parse(model->training.scheme, 0, NULL, &job.scheme, err));
    TB_TRY(tb_quantize_folder(&job, err));
    char *path = tb_path_join(out, "model.safetensors", err);
    timbang_status status = path ? tb_hash_file(path, hex, err) : err->status;
    free(path);
    if (status != TIMBANG_OK || strcmp(hex, model->trained_sha256) == 0)
        return status;
    return tb_fail(err, TIMBANG_MISMATCH,
                   "%s: the SHA-256 of its weights is %.12s..., and that of its masters rounded to %s is %.12s...: one "
                   "of them was changed after the training (%s can be studied by itself)",
                   model->path, model->trained_sha256, model->training.scheme, hex, tb_folder_name(model->folder));
}

/* What QAT wrote must be its masters, rounded: else one of the two was changed since. */
static timbang_status check_weights(const tb_plan *plan, tb_plan_model *model, tb_error *err)
{
    const char *then = model->training.masters, *now = model->source_sha256;
    if (then && now && strcmp(then, now) != 0)
        return tb_fail(err, TIMBANG_MISMATCH,
                       "%s: the SHA-256 of its weights is %.12s..., and was %.12s... when they were written: they were "
                       "changed after the training",
                       tb_folder_name(model->folder), now, then);
    char *folder = NULL;
    TB_TRY(tb_temporary_folder(&folder, err));
    char *out = tb_path_join(folder, "rounded", err);
    timbang_status status = out ? round_masters(plan, model, out, err) : err->status;
    tb_error ignored;
    (void)tb_remove_tree(folder, &ignored);
    free(out);
    free(folder);
    return status;
}

timbang_status tb_plan_trained(const tb_plan *plan, tb_plan_model *model, tb_error *err)
{
    if (!model->trained)
        return TIMBANG_OK;
    timbang_status status = check_scheme(plan, model, err);
    if (status == TIMBANG_OK)
        status = check_weights(plan, model, err);
    if (status != TIMBANG_OK && status != TIMBANG_CANCELLED)
        return tb_fail_prefix(err, "%s", model->name);
    return status;
}
