/* Studies held against rules. Includes: api/api.h, report/gate.h. Called by: users of the library. */
#include "report/gate.h"
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

static timbang_status gate(const char *results_path, const char *rules_path, json_t **out, tb_error *err)
{
    enum { RULES_BYTES = 1 << 20 };
    json_t *results = NULL;
    char *rules = NULL;
    size_t size = 0;
    TB_TRY(tb_read_file(rules_path, RULES_BYTES, &rules, &size, err));
    timbang_status status = tb_json_load_file(results_path, &results, err);
    if (status == TIMBANG_OK)
        status = tb_gate(results, strcmp(rules_path, "-") == 0 ? "standard input" : rules_path, rules, size, out, err);
    json_decref(results);
    free(rules);
    return status;
}

timbang_status timbang_gate(timbang_context *ctx, const char *results_path, const char *rules_path, char **json)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    tb_error *err = &ctx->err;
    json_t *document = NULL;
    timbang_status status = TIMBANG_OK;
    if (!results_path || !rules_path)
        status = tb_fail(err, TIMBANG_USAGE, "a gate takes a results.json and a file of rules");
    if (status == TIMBANG_OK)
        status = gate(results_path, rules_path, &document, err);
    if (status == TIMBANG_OK)
        status = tb_api_json(document, json, err);
    return tb_api_leave(ctx, fp, status);
}
