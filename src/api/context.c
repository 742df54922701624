/* Contexts: callbacks, threads, CPU level, error text, the frame around every public call, atomic files.
 * Includes: api/api.h, kernels. Called by: users of the library. */
#include "api/api.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 1024, MAX_LEVELS = 32, MAX_FEATURES = 128 };

const char *timbang_version(void)
{
#define VERSION_TEXT_(a, b, c) #a "." #b "." #c
#define VERSION_TEXT(a, b, c)  VERSION_TEXT_(a, b, c)
    return VERSION_TEXT(TIMBANG_VERSION_MAJOR, TIMBANG_VERSION_MINOR, TIMBANG_VERSION_PATCH);
#undef VERSION_TEXT
#undef VERSION_TEXT_
}

void timbang_string_free(char *text)
{
    free(text);
}

/* "scalar, avx2, avx512" */
static void level_list(tb_text *out)
{
    const char *const *names = tb_kernels_names();
    for (size_t i = 0; names[i]; i++) {
        if (i)
            tb_text_puts(out, ", ");
        tb_text_puts(out, names[i]);
    }
}

static timbang_status choose_level(timbang_context *ctx, const char *asked)
{
    const char *where = "cpu";
    if (!asked) {
        asked = getenv("TIMBANG_CPU");
        where = "TIMBANG_CPU";
    }
    if (asked && !*asked)
        asked = NULL;
    bool known = true;
    const tb_kernels *kernels = tb_kernels_find(asked, &known);
    if (asked && !known) {
        tb_text names = {0};
        level_list(&names);
        tb_fail(&ctx->err, TIMBANG_USAGE, "%s: '%s' is no CPU level; one of %s", where, asked,
                names.data ? names.data : "scalar");
        tb_text_free(&names);
        return TIMBANG_USAGE;
    }
    if (!kernels)
        return tb_fail(&ctx->err, TIMBANG_INTERNAL, "no kernels for this machine");
    if (asked && strcmp(kernels->name, asked) != 0)
        tb_log(&ctx->hooks, TIMBANG_LOG_WARNING, "%s=%s: this machine or this build lacks it; using %s", where, asked,
               kernels->name);
    ctx->kernels = kernels;
    return TIMBANG_OK;
}

static timbang_status context_fill(timbang_context *ctx, const timbang_context_options *given)
{
    timbang_context_options options;
    timbang_context_options_init(&options);
    TB_TRY(tb_api_options(given, &options, sizeof options, "timbang_context_options", &ctx->err));
    ctx->hooks = (tb_hooks){options.log, options.progress, options.cancel, options.user};
    if (options.threads < 0 || options.threads > MAX_THREADS)
        return tb_fail(&ctx->err, TIMBANG_USAGE,
                       "threads: %d is out of range; 1 to %d, or 0 for as many as the machine allows", options.threads,
                       (int)MAX_THREADS);
    TB_TRY(choose_level(ctx, options.cpu));
    TB_TRY(tb_pool_create(options.threads, &ctx->pool, &ctx->err));
    ctx->ready = true;
    return TIMBANG_OK;
}

timbang_status timbang_context_create(const timbang_context_options *options, timbang_context **ctx)
{
    if (!ctx)
        return TIMBANG_USAGE;
    *ctx = NULL;
    tb_error err = {0};
    timbang_context *made = tb_calloc(1, sizeof *made, &err);
    if (!made)
        return err.status;
    *ctx = made;
    return context_fill(made, options);
}

void timbang_context_free(timbang_context *ctx)
{
    if (!ctx)
        return;
    tb_workspace_free(ctx->workspace);
    tb_pool_free(ctx->pool);
    free(ctx);
}

const char *timbang_error_text(const timbang_context *ctx)
{
    return ctx ? ctx->err.text : "no context";
}

int timbang_context_threads(const timbang_context *ctx)
{
    return ctx && ctx->ready ? tb_pool_threads(ctx->pool) : 0;
}

const char *timbang_context_cpu(const timbang_context *ctx)
{
    return ctx && ctx->ready ? ctx->kernels->name : "";
}

timbang_status tb_api_enter(timbang_context *ctx, tb_fp_state *saved)
{
    if (!ctx)
        return TIMBANG_USAGE;
    if (!ctx->ready) /* the text says why it was never made */
        return ctx->err.status ? ctx->err.status : TIMBANG_USAGE;
    tb_error_clear(&ctx->err);
    *saved = tb_fp_enter();
    return TIMBANG_OK;
}

timbang_status tb_api_leave(timbang_context *ctx, tb_fp_state saved, timbang_status status)
{
    tb_fp_leave(saved);
    if (status == TIMBANG_OK)
        tb_error_clear(&ctx->err);
    else if (!ctx->err.text[0])
        tb_fail(&ctx->err, status, "%s", timbang_status_text(status));
    return status;
}

timbang_status tb_api_json(json_t *json, char **text, tb_error *err)
{
    if (!json)
        return tb_no_memory(err, 0);
    char *made = NULL;
    timbang_status status = tb_json_text(json, &made, err);
    json_decref(json);
    if (status == TIMBANG_OK)
        *text = made;
    return status;
}

static json_t *cpu_facts(const timbang_context *ctx)
{
    char name[128];
    tb_cpu_name(name);
    json_t *levels = json_array(), *features = json_array();
    const tb_kernels *tables[MAX_LEVELS];
    size_t n = tb_kernels_usable(tables, MAX_LEVELS);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(levels, json_string(tables[i]->name));
    const char *words[MAX_FEATURES];
    n = tb_cpu_features(words, MAX_FEATURES);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(features, json_string(words[i]));
    return json_pack("{s:s, s:s, s:o, s:o, s:i}", "cpu", name, "level", ctx->kernels->name, "levels", levels,
                     "features", features, "threads", tb_pool_threads(ctx->pool));
}

timbang_status timbang_cpu_json(timbang_context *ctx, char **json)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, tb_api_json(cpu_facts(ctx), json, &ctx->err));
}

timbang_status timbang_write_file(timbang_context *ctx, const char *path, const void *bytes, size_t size)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, tb_write_file(path, bytes, size, &ctx->err));
}
