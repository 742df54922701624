/* A study held against rules: what may be shipped. Reads results.json alone.
 * Includes: base/json.h. Called by: api. */
#ifndef TB_REPORT_GATE_H
#define TB_REPORT_GATE_H

#include "base/json.h"

/* rules: the bytes of a file of rules (docs/gates.md), rules_name for messages. *out is the document that
 * timbang_gate returns, without the names of the files. A rule that covers nothing is TIMBANG_USAGE, a malformed one
 * TIMBANG_FORMAT; one that does not hold is no error. */
timbang_status tb_gate(const json_t *results, const char *rules_name, const char *rules, size_t size, json_t **out,
                       tb_error *err);

#endif
