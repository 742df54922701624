/* SPDX-License-Identifier: Apache-2.0
 * Variants: quantize into a folder, load it.
 * Includes: study/variants.h. Called by: study/run, study/bench. */
#include "study/variants.h"

#include <string.h>

/* Does every tensor of the network stand in the file with 4 bytes an element? */
static bool stores_f32(const tb_parts *parts)
{
    for (int p = 0; p < TB_PART_OTHER; p++)
        if (parts->bytes[p] != 4 * parts->elements[p])
            return false;
    return true;
}

static bool source_will_do(const tb_variant_job *job, const tb_parts *parts)
{
    if (!job->scheme)
        return true;
    return strcmp(job->scheme->name, "fp32") == 0 && stores_f32(parts);
}

static timbang_status quantize(const tb_variant_job *job, double *weight_error, tb_error *err)
{
    tb_quantize_job quantize = {
        .folder = job->folder,
        .weights_path = job->weights_path,
        .labels = job->labels,
        .n_labels = job->n_labels,
        .seed = job->seed,
        .source_sha256 = job->source_sha256,
        .scheme = *job->scheme,
        .out = job->out,
        .force = true, /* what an interrupted run left */
        .jitter = job->jitter,
        .own_errors = job->own_errors,
        .weight_error = weight_error,
        .kernels = job->kernels,
        .pool = job->pool,
        .hooks = job->hooks,
    };
    return tb_quantize_folder(&quantize, err);
}

static timbang_status load(const tb_variant_job *job, tb_variant *variant, tb_error *err)
{
    tb_load_options options = {
        .folder = variant->made  ? variant->made
                  : job->trained ? job->trained
                                 : job->folder,
        .weights_path = variant->made ? NULL : job->weights_path,
        .labels = variant->made ? NULL : job->labels,
        .n_labels = variant->made ? 0 : job->n_labels,
        .seed = job->seed,
        .compute = job->compute,
        .kernels = job->kernels,
        .pool = job->pool,
        .hooks = job->hooks,
    };
    return tb_classifier_load(&options, &variant->classifier, err);
}

static timbang_status make(const tb_variant_job *job, tb_variant *variant, tb_error *err)
{
    if (job->trained) {
        TB_TRY(tb_parts_of(job->trained, NULL, &variant->parts, err));
        return load(job, variant, err);
    }
    TB_TRY(tb_parts_of(job->folder, job->weights_path, &variant->parts, err));
    if (!source_will_do(job, &variant->parts)) {
        if (!job->reuse || !tb_is_directory(job->out))
            TB_TRY(quantize(job, &variant->weight_error, err));
        TB_TRY(tb_folder_open(job->out, &variant->made, err));
        TB_TRY(tb_parts_of(variant->made, NULL, &variant->parts, err));
    }
    return load(job, variant, err);
}

timbang_status tb_variant_make(const tb_variant_job *job, tb_variant *variant, tb_error *err)
{
    tb_variant made = {0};
    tb_hooks quiet = job->hooks ? *job->hooks : (tb_hooks){0};
    quiet.log = NULL; /* what there is to say about the source was said when it was checked */
    tb_variant_job silent = *job;
    silent.hooks = &quiet;
    if (make(&silent, &made, err) != TIMBANG_OK) {
        tb_variant_free(&made);
        return err->status;
    }
    *variant = made;
    return TIMBANG_OK;
}

void tb_variant_free(tb_variant *variant)
{
    tb_classifier_free(variant->classifier);
    tb_folder_close(variant->made);
    memset(variant, 0, sizeof *variant);
}
