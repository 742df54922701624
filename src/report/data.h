/* results.json as plain structs: everything that is drawn, checked once, so that drawing cannot fail on it.
 * Includes: base, report/fields.h. Called by: report. */
#ifndef TB_REPORT_DATA_H
#define TB_REPORT_DATA_H

#include "base/json.h"

typedef enum tb_report_lang { TB_LANG_EN, TB_LANG_ID } tb_report_lang;

typedef struct tb_interval {
    double low, high;
} tb_interval;

typedef struct tb_report_set {
    const char *name, *sha256; /* sha256 NULL: standard input */
    const char *path;          /* NULL: anonymous */
    uint64_t rows;
    uint64_t duplicates_exact, duplicates_normalized, conflicting;
    bool train; /* compared with a training file */
    uint64_t train_exact, train_normalized;
    const json_t *label_counts;
} tb_report_set;

typedef struct tb_report_file {
    const char *name, *sha256;
    uint64_t bytes;
} tb_report_file;

/* Where a model comes from; stage NULL: the record does not tell (there is no roadmap), or it is none of these. */
typedef struct tb_report_training {
    const char *stage;  /* "base", "fine-tuned", "qat", "control" */
    const char *scheme; /* of QAT; NULL: none */
    const char *parent; /* the model of the study that it began with; NULL: none */
    bool has_seed;
    uint64_t seed;
} tb_report_training;

typedef struct tb_report_model {
    const char *name, *labels_from;
    const char **labels;
    size_t n_labels;
    bool untrained_head, shipped_quantized;
    bool embedded;    /* the model that comes with the program */
    bool small_model; /* the same weights, embedded or from a folder */
    uint64_t parameters, layers, hidden;
    const char *weights_file, *weights_sha256; /* of the first file; NULL: none is recorded */
    tb_report_file *weights;                   /* [n_weights] */
    size_t n_weights;
    const char *path; /* NULL: embedded, or anonymous */
    tb_report_training training;
} tb_report_model;

enum { TB_REPORT_PARTS = 4 };
extern const char *const tb_report_part_names[TB_REPORT_PARTS]; /* embeddings, encoder, head, other */

typedef struct tb_report_variant {
    size_t model; /* index */
    const char *name, *scheme;
    bool made; /* false: the source folder itself was run */
    uint64_t size_bytes, file_bytes, resident_bytes, parts[TB_REPORT_PARTS];
    uint64_t peak_resident_bytes; /* 0: not known */
    double ratio;
    double weight_error; /* of the rounding; NaN: none, or not known */
} tb_report_variant;

typedef struct tb_report_class {
    const char *label;
    double precision, recall, f1;
    uint64_t truth, predicted;
} tb_report_class;

typedef struct tb_report_timing {
    double mean, sd, median, p90, p99;
} tb_report_timing;

enum { TB_REPORT_QUANTILES = 21 };

/* A bin of confidences; n 0: the means are NaN. */
typedef struct tb_report_bin {
    double low, high, confidence, accuracy;
    uint64_t n;
} tb_report_bin;

/* The members of against_fp32 that come with tests (docs/results.md). */
typedef struct tb_report_tests {
    double delta_macro_f1, delta_weighted_f1, delta_mean_confidence;
    tb_interval agreement_interval;
    bool bootstrap; /* the four intervals are there */
    tb_interval boot_accuracy, boot_macro_f1, boot_weighted_f1, boot_mean_confidence;
    double delta_macro_f1_p; /* NaN: none */
    const char *primary_figure;
    double primary_delta, primary_p, primary_p_holm; /* p NaN: none */
    bool significant;
    double marginal_statistic, marginal_p, marginal_p_holm;
    uint64_t marginal_df;
    const char *gains, *loses; /* NULL: none */
    int64_t *shifts;           /* [n_classes] in the order of classes */
    double confidence_difference, confidence_p, confidence_p_holm;
    double margin, equivalence_p;
    tb_interval equivalence_interval;
    bool equivalent;
    uint64_t smallest_texts;
    double smallest, discordant_rate, detectable, equivalence_power; /* detectable NaN: none */
    int64_t equivalence_most_flips;
} tb_report_tests;

typedef struct tb_report_result {
    size_t set, model, variant; /* indices */
    bool untrained_head, restricted;
    uint64_t n, correct, truncated, empty, labels_present;
    double accuracy, low, high, macro_f1, weighted_f1, ece, nll, brier, mean_confidence, majority_accuracy;
    double macro_precision, macro_recall, weighted_precision, weighted_recall, mcc, confidence_sd, ece_mass, mce;
    uint64_t overconfident_errors, tokens_max;
    double tokens_mean;
    const char **better_order; /* NULL, or [n_classes] labels: another order that fits far better, never applied */
    double better_order_accuracy;
    bool bootstrap;
    tb_interval boot_accuracy, boot_macro_f1, boot_weighted_f1, boot_mcc;
    tb_report_bin *reliability, *reliability_mass; /* [n_bins] */
    size_t n_bins;
    double temperature, temperature_ece, temperature_nll; /* NaN: none was fitted */
    const char *temperature_set;                          /* NULL: none was fitted */
    const char *majority_label;
    tb_report_class *classes;
    size_t n_classes;
    uint64_t *confusion; /* [truth][predicted] */
    bool compared;       /* with FP32; the rest of this block only then */
    double agreement, mean_kl, max_abs_dlogit, mcnemar_p, delta_accuracy;
    uint64_t right_to_wrong, wrong_to_right, wrong_to_other;
    const char *sentence;
    tb_report_tests tests;
    tb_report_timing tokenize, forward, total;
    double latency_ratio;
    tb_interval latency_interval, latency_ratio_interval;
    const char *ratio_to;
    double quantiles[TB_REPORT_QUANTILES]; /* of total, ms */
    double texts_per_s, energy_j;          /* energy NaN: not measured */
    uint64_t timed_texts, timed_rounds, outliers;
} tb_report_result;

typedef struct tb_report_flip_variant {
    const char *variant, *pred, *kind;
    double *probs; /* [n_classes of the result] */
} tb_report_flip_variant;

typedef struct tb_report_flip {
    uint64_t row;
    const char *text, *pair, *truth; /* pair NULL: none */
    tb_report_flip_variant *variants;
    size_t n_variants;
} tb_report_flip;

typedef struct tb_report_flips { /* of one model on one set */
    size_t model, set;
    size_t result; /* the first of that model on that set: its classes are the labels of probs */
    uint64_t total, listed;
    tb_report_flip *texts; /* [listed] */
} tb_report_flips;

typedef struct tb_report_null_figure {
    double real, fp32, p; /* p NaN: too few models */
    double *values;       /* [models] */
    uint64_t below, equal, above;
} tb_report_null_figure;

typedef struct tb_report_null {
    size_t result; /* index of the real one's result */
    size_t models;
    double weight_error, largest_deviation;
    tb_report_null_figure accuracy, macro_f1, agreement;
} tb_report_null;

typedef struct tb_report_spread {
    double mean, sd;
    double *values;       /* [n_models of the group] */
    tb_interval interval; /* NaN: no bootstrap */
} tb_report_spread;

typedef struct tb_report_group_result {
    size_t set;
    const char *variant;
    tb_report_spread accuracy, macro_f1;
    bool compared;
    tb_report_spread delta_accuracy, delta_macro_f1;
} tb_report_group_result;

typedef struct tb_report_group {
    const char *recipe, *differing; /* differing: names with commas, "" where all agree */
    size_t *models;
    uint64_t *seeds;
    size_t n_models;
    tb_report_group_result *results;
    size_t n_results;
} tb_report_group;

typedef struct tb_report_cell { /* of one row, variant and set */
    size_t set, variant;        /* variant: index of roadmap.variants */
    bool trained;               /* what QAT trained for */
    tb_report_spread accuracy, macro_f1;
} tb_report_cell;

typedef struct tb_report_road_row { /* a model, or the seeds of one recipe */
    const char *name, *stage, *scheme;
    size_t *models;
    size_t n_models;
    bool untrained_head;
    tb_report_cell *cells;
    size_t n_cells;
} tb_report_road_row;

typedef struct tb_report_pair_seed {
    bool has_seed;
    uint64_t seed;
    const char *model, *baseline;
    uint64_t right_to_wrong, wrong_to_right;
    double mcnemar_p, mcnemar_p_holm, delta_accuracy, delta_macro_f1, delta_macro_f1_p; /* the last NaN: none */
    tb_interval boot_accuracy, boot_macro_f1;                                           /* NaN: no bootstrap */
} tb_report_pair_seed;

typedef struct tb_report_pair { /* two rows at equal bits; differences are the row's minus the baseline's */
    bool control;               /* the baseline is a control; else what QAT began with, quantized after training */
    size_t row, baseline, set;
    size_t variant; /* index of roadmap.variants */
    tb_report_pair_seed *seeds;
    size_t n_seeds;
    tb_report_spread delta_accuracy, delta_macro_f1;
    double p, p_holm; /* of the mean difference in macro-F1; NaN: no bootstrap */
} tb_report_pair;

typedef struct tb_report_roadmap {
    const char **variants; /* of all cells, in the order of the rows */
    size_t n_variants;
    tb_report_road_row *rows;
    size_t n_rows; /* 0: there is no roadmap */
    tb_report_pair *pairs;
    size_t n_pairs;
} tb_report_roadmap;

typedef struct tb_report_plan {
    const char *sha256, *primary, *family, *fixed; /* fixed: when */
    double alpha, power, margin;
    uint64_t replicates, bootstrap_seed, null_models, ece_bins;
} tb_report_plan;

typedef struct tb_report_warning {
    const char *model, *data; /* NULL: about all */
    const char *kind, *text;
} tb_report_warning;

typedef struct tb_report {
    const json_t *root; /* borrowed; all strings are its own */
    const char *version, *started, *cpu, *level;
    double seconds;
    uint64_t threads, seed, peak_resident_bytes, latency_texts, latency_rounds;
    tb_report_set *sets;
    tb_report_model *models;
    tb_report_variant *variants;
    tb_report_result *results;
    tb_report_warning *warnings;
    tb_report_lang lang; /* of options.lang; may be set after reading */
    bool anonymous, energy_available;
    const char *energy_source, *command; /* command NULL: not known */
    const char *clean;                   /* what was done to the texts; "": nothing */
    uint64_t max_length, resumed;        /* max_length 0: what each model allows */
    tb_report_plan plan;
    tb_report_flips *flips;
    tb_report_null *nulls;
    tb_report_group *groups;
    tb_report_roadmap roadmap;
    size_t n_flips, n_nulls, n_groups;
    size_t n_sets, n_models, n_variants, n_results, n_warnings;
    tb_arena *arena;
} tb_report;

/* SHA-256 of models/mini-id-smsa/model.safetensors, the small model that comes with timbang. */
extern const char tb_report_small_model[];

/* results must outlive the report. A missing or odd member is TIMBANG_FORMAT naming it. */
timbang_status tb_report_read(const json_t *results, tb_report *report, tb_error *err);
void tb_report_free(tb_report *report);

/* Is this result the first of its model on its set? */
bool tb_report_first_of_model(const tb_report *report, size_t result);
/* Was anything compared with FP32 on that set (SIZE_MAX: on any)? */
bool tb_report_any_compared(const tb_report *report, size_t set);
/* `en` or `id`, as the report's language wants it. */
const char *tb_report_say(const tb_report *report, const char *en, const char *id)
    __attribute__((format_arg(2), format_arg(3)));
/* The FP32 result of the same model and set, or NULL. */
const tb_report_result *tb_report_fp32(const tb_report *report, const tb_report_result *result);

#endif
