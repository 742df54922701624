/* The plan of a study: models, labels, variants and sets, all opened and checked before the first long step.
 * Includes: base, data, formats, model, quant/schemes.h. Called by: study. */
#ifndef TB_STUDY_PLAN_H
#define TB_STUDY_PLAN_H

#include "quant/schemes.h"
#include "study/facts.h"
#include "study/figures.h"
#include "study/notes.h"
#include "study/study.h"
#include "study/task.h"

typedef struct tb_plan_set {
    char *name;
    const char *path;
    tb_dataset *dataset;
    char sha256[65];        /* of the file; empty for standard input */
    json_t *within, *train; /* duplicates; train NULL without a training file */
} tb_plan_set;

/* A place of the roadmap: how a model came to be. */
typedef enum tb_stage { TB_STAGE_NONE, TB_STAGE_BASE, TB_STAGE_FINE_TUNED, TB_STAGE_QAT, TB_STAGE_CONTROL } tb_stage;

/* What timbang.json says of a model's training, and what the command line says of it. */
typedef struct tb_training {
    char *role, *scheme;        /* scheme: of QAT; NULL: not recorded */
    char *masters;              /* SHA-256 of what QAT wrote to master/; NULL: not recorded */
    char *recipe_hash, *parent; /* parent: SHA-256 of the weights that training began with; NULL: not recorded */
    bool has_seed;
    bool control;     /* given as --control */
    size_t seeds_of;  /* number, from 1, of the folder of seeds that it was found in; 0: given by itself */
    char *seeds_name; /* of that folder; NULL: given by itself */
} tb_training;

typedef struct tb_plan_model {
    char *name, *slug;                          /* slug: safe as a file name, unique */
    char *own_path;                             /* NULL: borrowed */
    const char *path;                           /* NULL: the embedded model */
    const char *weights_path;                   /* a bare file of weights in place of the folder's own; NULL: none */
    tb_folder *opened;                          /* owned; NULL for the embedded one */
    tb_folder *masters;                         /* owned: path/master where QAT wrote the folder; NULL: none */
    const tb_folder *folder;                    /* that variants are made from: the masters where there are some */
    const tb_folder *trained;                   /* the integer model that QAT wrote, beside its masters; NULL: none */
    double trained_error;                       /* of rounding the masters to what QAT wrote */
    const char *source_sha256, *trained_sha256; /* of the weights of folder and trained, in one file; NULL: none */
    tb_config config;
    tb_parts parts;
    json_t *weights, *files; /* of tb_weights_facts, tb_settings_facts */

    const char *const *labels; /* in the order of the outputs; borrowed from config, options or another model, or own */
    size_t n_labels;
    char **own_labels;
    const char *labels_from; /* "file", "options", "model", "data", "numbers" */
    bool hand_labels;        /* labels are not the file's: tb_classifier_load and tb_quantize_folder get them */
    bool untrained_head;     /* new, or recorded as such in timbang.json */
    bool new_head;           /* the file has none */

    bool shipped; /* the file is quantized already: only its own scheme can be run */
    uint64_t parameters;
    const tb_scheme **variants; /* borrowed from the plan; NULL entry: the folder as it was shipped */
    char (*variant_names)[32];
    size_t n_variants;
    tb_task *tasks;   /* [n_loaded] */
    char *recipe;     /* what names it in timbang.json, for seeds of one recipe; NULL: none */
    json_t *settings; /* the recipe's members; NULL: none */
    uint64_t recipe_seed;
    tb_training training;
} tb_plan_model;

typedef struct tb_plan {
    const tb_study_job *job;
    tb_scheme *schemes; /* of options->variants, fp32 first, each once */
    size_t n_schemes;
    bool asked; /* variants were named, not taken by default */
    tb_statistics statistics;
    json_t *fixed; /* the content of plan.json */
    tb_plan_set *sets;
    size_t n_sets, n_loaded; /* n_loaded: also the validation set, which is the last then */
    tb_dataset *train;
    tb_plan_model *models;
    size_t n_models;
    json_t *warnings; /* of tb_notes */
} tb_plan;

/* In two steps, so that what is fixed beforehand is fixed before a data file is opened: options, models' headers and
 * hashes, variants, names of the sets, `fixed`; then data, labels, every model loaded once. On failure nothing is kept.
 * tb_plan_free afterwards; the job must outlive the plan. */
timbang_status tb_plan_open(const tb_study_job *job, tb_plan *plan, tb_error *err);
timbang_status tb_plan_read(tb_plan *plan, tb_error *err);
void tb_plan_free(tb_plan *plan); /* a zeroed plan is fine */
tb_notes tb_plan_notes(const tb_plan *plan);

/* The variant that is the trained integer model itself, or SIZE_MAX. (plan_models.c) */
size_t tb_plan_trained_variant(const tb_plan_model *model);

/* Index of the validation set among sets, or SIZE_MAX. */
static inline size_t tb_plan_valid(const tb_plan *plan)
{
    return plan->n_loaded > plan->n_sets ? plan->n_sets : SIZE_MAX;
}

/* ---- Parts ---- */
timbang_status tb_plan_statistics(tb_plan *plan, tb_error *err);    /* plan_fixed.c */
timbang_status tb_plan_fix(tb_plan *plan, tb_error *err);           /* plan_fixed.c: when models and names are there */
timbang_status tb_plan_recipe(tb_plan_model *model, tb_error *err); /* plan_recipe.c */
timbang_status tb_plan_models(tb_plan *plan, tb_error *err);        /* plan_models.c */
timbang_status tb_plan_trained(const tb_plan *plan, tb_plan_model *model, tb_error *err); /* plan_trained.c */
void tb_plan_models_free(tb_plan *plan);                        /* plan_models.c: before the sets */
timbang_status tb_plan_name_sets(tb_plan *plan, tb_error *err); /* plan_sets.c: names and paths only */
timbang_status tb_plan_sets(tb_plan *plan, tb_error *err);      /* plan_sets.c */
timbang_status tb_plan_labels(tb_plan *plan, tb_error *err);    /* plan_labels.c: after sets and models are open */
/* A name for messages and files: given, or the last part of path; unique among the n names before it. */
timbang_status tb_plan_name(const char *given, const char *path, bool drop_extension, char *const *taken,
                            size_t n_taken, char **name, tb_error *err);

#endif
