/* The roadmap: base, fine-tuned, trained with quantization, control, each under every scheme, and the paired tests
 * between them (docs/results.md). Nothing here runs a model. Includes: study/collect.h. Called by: study/study. */
#ifndef TB_STUDY_ROADMAP_H
#define TB_STUDY_ROADMAP_H

#include "study/collect.h"
#include "study/lineage.h"

/* A row: one model, or the seeds of one recipe. */
typedef struct tb_roadmap_row {
    tb_stage stage;
    char *name;      /* unique among rows */
    size_t *members; /* indices of models, in the order of the study */
    size_t n;
} tb_roadmap_row;

typedef struct tb_roadmap {
    const tb_plan *plan;
    const tb_store *store;
    tb_roadmap_row *rows; /* by stage, then in the order of the study */
    size_t n_rows;
} tb_roadmap;

/* Sets into->roadmap, which stays NULL where no model comes from training. All models must be collected. */
timbang_status tb_collect_roadmap(const tb_plan *plan, const tb_store *store, tb_collected *into, tb_error *err);

/* The array `pairs`. (roadmap_pairs.c) */
timbang_status tb_roadmap_pairs(const tb_roadmap *roadmap, json_t **out, tb_error *err);

#endif
