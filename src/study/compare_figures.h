/* SPDX-License-Identifier: Apache-2.0
 * The figures of entries, and of entries against their baseline, from labels and whatever scores there are.
 * Includes: study/compare_pair.h, eval. Called by: study/compare. */
#ifndef TB_STUDY_COMPARE_FIGURES_H
#define TB_STUDY_COMPARE_FIGURES_H

#include "eval/bootstrap.h"
#include "eval/paired.h"
#include "study/compare_pair.h"

/* The labels of a block: those of the baseline's scores in their order, then by their bytes what else truth,
 * predictions or scores hold. */
typedef struct tb_block_labels {
    size_t n;
    const char *names[TB_MAX_CLASSES];
    int16_t at[TB_MAX_CLASSES]; /* of a class of all inputs; TB_NO_CLASS: not in this block */
} tb_block_labels;
void tb_block_labels_make(const tb_block *block, const tb_classes *classes, tb_block_labels *out);

/* One classifier on chosen rows of its entry. */
typedef struct tb_side {
    const tb_entry *entry;
    const tb_block_labels *labels;
    size_t n;
    uint32_t *rows;       /* [n] of the entry */
    int32_t *truth;       /* [n] index among labels */
    tb_figures figures;   /* what needs scores that the entry lacks means nothing */
    tb_outcomes outcomes; /* likewise its confidence */
} tb_side;

/* All rows of a member whose truth is known, in their order. */
timbang_status tb_side_all(const tb_member *member, const tb_block_labels *labels, tb_side *side, tb_error *err);
/* The rows that baseline and member share, in the baseline's order, with the baseline's truth; of either entry. */
timbang_status tb_side_shared(const tb_member *base, const tb_member *member, bool of_base,
                              const tb_block_labels *labels, tb_side *side, tb_error *err);
void tb_side_free(tb_side *side); /* a zeroed side is fine */
bool tb_side_has_confidence(const tb_side *side);
bool tb_side_has_probs(const tb_side *side);
/* The probabilities of row i over the labels: [labels->n]. */
void tb_side_probs(const tb_side *side, size_t i, double *probs);

typedef struct tb_compare_plan {
    bool primary_macro_f1; /* else accuracy */
    double alpha, power, margin;
    uint64_t replicates, seed; /* 0 replicates: no bootstrap */
} tb_compare_plan;

/* A member against the baseline, over the rows that both have. */
typedef struct tb_against {
    bool partly; /* one of them has texts that the other lacks */
    size_t n, agree, right_to_wrong, wrong_to_right, wrong_to_other;
    double baseline_accuracy, accuracy;
    double delta_macro_f1, delta_weighted_f1, delta_confidence;
    bool has_confidence, has_kl, has_dlogit, has_bootstrap;
    double mean_kl, max_abs_dlogit;
    tb_range accuracy_range, macro_f1_range, weighted_f1_range, confidence_range;
    double mcnemar_p, macro_f1_p;                                       /* macro_f1_p: NaN without a bootstrap */
    double mcnemar_holm, macro_f1_holm, marginal_holm, confidence_holm; /* over the block */
    tb_marginal marginal;
    tb_signed_rank confidence;
    tb_equivalence equivalence;
    tb_power power;
    const char *gains, *loses;                /* NULL: none */
    size_t gains_base, gains_own, gains_true; /* how often the baseline, this one, the truth say it */
    size_t loses_base, loses_own, loses_true;
} tb_against;

/* Both sides have the same rows. Fills all but the bootstrap's and Holm's fields. */
timbang_status tb_against_make(const tb_side *base, const tb_side *side, const tb_compare_plan *plan, tb_against *out,
                               tb_error *err);
/* [replicates] each, of the same draws. */
timbang_status tb_against_bootstrap(const tb_replicate *base, const tb_replicate *side, size_t replicates,
                                    tb_against *out, tb_error *err);
/* Holm's correction of all tests over the members of a block. */
timbang_status tb_against_holm(tb_against *list, size_t n, tb_error *err);
void tb_against_free(tb_against *against);

/* ---- As JSON (compare_json.c): docs/compare.md ---- */
/* Puts n, accuracy, ... into an object. replicates NULL: no bootstrap. */
timbang_status tb_side_json(const tb_side *side, const tb_replicate *replicates, size_t n_replicates, json_t *into,
                            tb_error *err);
/* baseline: its name. */
timbang_status tb_against_json(const tb_against *against, const tb_block_labels *labels, const tb_compare_plan *plan,
                               const char *baseline, json_t **out, tb_error *err);

#endif
