/* timbang report: everything that is drawn from a results.json, again. Includes: cli.h. Called by: main.c. */
#include "cli.h"

#include <string.h>

static const char *folder_of(cli *app, const char *file)
{
    const char *slash = strrchr(file, '/');
    return !slash ? "." : slash == file ? "/" : keep_text(app, file, (size_t)(slash - file));
}

int run_report(cli *app)
{
    if (app->n_arguments == 0)
        return usage_error(app, "timbang report my-study", "no study was named (its folder, or a results.json)");
    const char *results = results_of(app, app->arguments[0]);
    const char *out = !results                     ? NULL
                      : given(app, OPT_REPORT_DIR) ? text_of(app, OPT_REPORT_DIR)
                                                   : folder_of(app, results);
    if (!out)
        return EXIT_INTERNAL;
    timbang_status status = timbang_report_write(app->ctx, results, text_of(app, OPT_LANG), out);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    int code = put_results_table(app, results);
    if (code != EXIT_OK)
        return code;
    const char *page = joined_path(app, out, "report.html");
    if (!page)
        return EXIT_INTERNAL;
    put(&app->out, "\nreport   ");
    put_clipped(&app->out, page, 0);
    put(&app->out, "\n");
    return emit(app, false);
}
