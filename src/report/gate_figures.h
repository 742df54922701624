/* Finding a figure of results.json by its documented name, for every model, variant and set that has it.
 * Includes: base/json.h. Called by: report/gate. */
#ifndef TB_REPORT_GATE_FIGURES_H
#define TB_REPORT_GATE_FIGURES_H

#include "base/json.h"

/* The arrays of results.json that have figures, flattened. */
typedef enum tb_gate_source {
    TB_SOURCE_RESULTS,
    TB_SOURCE_VARIANTS,
    TB_SOURCE_RESIDENT,
    TB_SOURCE_LATENCY,
    TB_SOURCE_NULL,
    TB_SOURCE_GROUPS,
    TB_SOURCE_MODELS,
    TB_SOURCE_DATA,
    TB_GATE_SOURCES
} tb_gate_source;

typedef struct tb_gate_entry {
    const char *model, *variant, *data; /* NULL where the source has none; model of a group: its recipe */
    const json_t *object;
} tb_gate_entry;

typedef struct tb_gate_list {
    tb_gate_entry *entries;
    size_t n;
} tb_gate_list;

typedef struct tb_gate_study {
    tb_gate_list lists[TB_GATE_SOURCES];
} tb_gate_study;

/* Borrows from results. TIMBANG_FORMAT where it is no results.json. tb_gate_study_free afterwards. */
timbang_status tb_gate_study_read(const json_t *results, tb_gate_study *study, tb_error *err);
void tb_gate_study_free(tb_gate_study *study);

/* What a path leads to. */
typedef enum tb_gate_found {
    TB_GATE_ABSENT,
    TB_GATE_OTHER,  /* text, an object or an array */
    TB_GATE_NULL,   /* it, or what it is a member of, is null: not available */
    TB_GATE_FIGURE, /* a number, true or false */
} tb_gate_found;
/* path: members with dots, [i] for entries of arrays, .low and .high for intervals. Names may hold dots themselves.
 * *value: the figure, or the null or other value that was met. */
tb_gate_found tb_gate_walk(const json_t *object, const char *path, const json_t **value);

/* Where a figure's name leads. */
typedef struct tb_gate_place {
    tb_gate_source source;
    const char *inner; /* goes before path: "against_fp32.", "total.", "" */
    const char *path;  /* in the entry, behind inner; part of the name */
} tb_gate_place;
tb_gate_found tb_gate_value(const tb_gate_place *place, const json_t *object, const json_t **value);
/* Unknown, or no figure: TIMBANG_FORMAT, with what may have been meant. */
timbang_status tb_gate_resolve(const tb_gate_study *study, const char *name, tb_gate_place *place, tb_error *err);
/* "results.against_fp32.agreement"; free(*text). */
timbang_status tb_gate_full_name(const tb_gate_place *place, char **text, tb_error *err);
bool tb_gate_is_time(const tb_gate_place *place);   /* in milliseconds */
bool tb_gate_is_bytes(const tb_gate_place *place);  /* by its name */
bool tb_gate_is_energy(const tb_gate_place *place); /* in joules */

#endif
