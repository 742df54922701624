/* The rules of a gate, as their file says them: docs/gates.md. Includes: base/json.h. Called by: report/gate. */
#ifndef TB_REPORT_GATE_RULES_H
#define TB_REPORT_GATE_RULES_H

#include "base/json.h"

typedef enum tb_gate_op { TB_GATE_LE, TB_GATE_LT, TB_GATE_GE, TB_GATE_GT, TB_GATE_EQ, TB_GATE_NE } tb_gate_op;

/* What a number counts; a unit other than TB_UNIT_NONE was written beside it. */
typedef enum tb_gate_unit { TB_UNIT_NONE, TB_UNIT_PERCENT, TB_UNIT_BYTES, TB_UNIT_TIME, TB_UNIT_ENERGY } tb_gate_unit;

/* A number in the unit that results.json uses: proportions, bytes, milliseconds, joules. */
typedef struct tb_gate_number {
    double value;
    tb_gate_unit unit;
    const char *unit_name; /* as written, "" without one */
} tb_gate_number;

typedef enum tb_gate_bound_kind {
    TB_BOUND_NUMBER,  /* number */
    TB_BOUND_TRUTH,   /* truth */
    TB_BOUND_VARIANT, /* number.value * figure of the variant `of` + offset */
} tb_gate_bound_kind;

typedef struct tb_gate_bound {
    tb_gate_bound_kind kind;
    bool truth;
    tb_gate_number number, offset;
    const char *of;
} tb_gate_bound;

typedef struct tb_gate_rule {
    size_t line;                        /* in the file, or the entry of a JSON array; from 1 */
    const char *text;                   /* as written */
    const char *model, *variant, *data; /* patterns with * and ?; "*" where the rule says none */
    const char *figure;
    tb_gate_op op;
    tb_gate_bound bound;
} tb_gate_rule;

typedef struct tb_gate_rules {
    tb_gate_rule *rules; /* [n], at least one */
    size_t n;
    bool json;       /* lines are entries of an array */
    tb_arena *arena; /* holds everything above */
} tb_gate_rules;

const char *tb_gate_op_text(tb_gate_op op); /* "<=" */
/* Text, or JSON where the first character that is no blank is [ or {. name is for messages. Errors name the line.
 * tb_gate_rules_free afterwards; on failure nothing is kept. */
timbang_status tb_gate_rules_read(const char *name, const char *bytes, size_t size, tb_gate_rules *rules,
                                  tb_error *err);
void tb_gate_rules_free(tb_gate_rules *rules); /* a zeroed one is fine */

/* ---- Parts ---- */
/* The right side of a rule, all of it; gate_bound.c. */
timbang_status tb_gate_bound_read(const char *text, tb_arena *arena, tb_gate_bound *bound, tb_error *err);
/* One name at *at: up to a blank, double quotes around (parts of) it allow any character; *at goes behind it. NULL has
 * been reported: out of memory, or a quote that never ends. */
char *tb_gate_name_read(const char **at, tb_arena *arena, tb_error *err);

#endif
