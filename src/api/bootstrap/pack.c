/* The bootstrap tool: the build runs it once to turn the model of the repository into the embedded INT8 one.
 *   timbang-pack SOURCE_DIR OUT_DIR
 * Includes: timbang.h. Called by: the build (linked with embedded_none.c). */
#include "timbang.h"

#include <stdio.h>

static void print_log(void *user, timbang_log_level level, const char *text)
{
    (void)user;
    if (level == TIMBANG_LOG_WARNING)
        fprintf(stderr, "timbang-pack: warning: %s\n", text);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: timbang-pack SOURCE_DIR OUT_DIR\n");
        return 2;
    }
    timbang_context_options context_options;
    timbang_context_options_init(&context_options);
    context_options.log = print_log;
    context_options.cpu = "scalar"; /* the bytes are the same on every level: do not depend on the builder's machine */
    timbang_context *ctx = NULL;
    timbang_status status = timbang_context_create(&context_options, &ctx);
    if (status == TIMBANG_OK) {
        timbang_quantize_options options;
        timbang_quantize_options_init(&options);
        options.model.path = argv[1];
        options.scheme = "int8";
        options.out = argv[2];
        options.force = 1;
        status = timbang_quantize(ctx, &options);
    }
    if (status != TIMBANG_OK)
        fprintf(stderr, "timbang-pack: %s\n", timbang_error_text(ctx));
    timbang_context_free(ctx);
    return timbang_status_exit_code(status);
}
