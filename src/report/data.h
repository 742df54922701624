/* results.json as plain structs: everything that is drawn, checked once, so that drawing cannot fail on it.
 * Includes: base, report/fields.h. Called by: report. */
#ifndef TB_REPORT_DATA_H
#define TB_REPORT_DATA_H

#include "base/json.h"

typedef struct tb_report_set {
    const char *name, *sha256; /* sha256 NULL: standard input */
    uint64_t rows;
} tb_report_set;

typedef struct tb_report_model {
    const char *name, *labels_from;
    const char **labels;
    size_t n_labels;
    bool untrained_head;
    uint64_t parameters, layers, hidden;
    const char *weights_file, *weights_sha256; /* of the first file; NULL: none is recorded */
} tb_report_model;

enum { TB_REPORT_PARTS = 4 };
extern const char *const tb_report_part_names[TB_REPORT_PARTS]; /* embeddings, encoder, head, other */

typedef struct tb_report_variant {
    size_t model; /* index */
    const char *name;
    uint64_t size_bytes, resident_bytes, parts[TB_REPORT_PARTS];
    double ratio;
} tb_report_variant;

typedef struct tb_report_class {
    const char *label;
    double precision, recall, f1;
    uint64_t truth, predicted;
} tb_report_class;

typedef struct tb_report_timing {
    double mean, sd, median, p90, p99;
} tb_report_timing;

typedef struct tb_report_result {
    size_t set, model, variant; /* indices */
    bool untrained_head, restricted;
    uint64_t n, correct, truncated, empty, labels_present;
    double accuracy, low, high, macro_f1, weighted_f1, ece, nll, brier, mean_confidence, majority_accuracy;
    const char *majority_label;
    tb_report_class *classes;
    size_t n_classes;
    uint64_t *confusion; /* [truth][predicted] */
    bool compared;       /* with FP32; the rest of this block only then */
    double agreement, mean_kl, max_abs_dlogit, mcnemar_p, delta_accuracy;
    uint64_t right_to_wrong, wrong_to_right, wrong_to_other;
    const char *sentence;
    tb_report_timing tokenize, forward, total;
    double latency_ratio;
} tb_report_result;

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
    size_t n_sets, n_models, n_variants, n_results, n_warnings;
    tb_arena *arena;
} tb_report;

/* results must outlive the report. A missing or odd member is TIMBANG_FORMAT naming it. */
timbang_status tb_report_read(const json_t *results, tb_report *report, tb_error *err);
void tb_report_free(tb_report *report);

/* Is this result the first of its model on its set? */
bool tb_report_first_of_model(const tb_report *report, size_t result);
/* The FP32 result of the same model and set, or NULL. */
const tb_report_result *tb_report_fp32(const tb_report *report, const tb_report_result *result);

#endif
