/* timbang report: everything that is drawn from a results.json, or from the log of a training, again. Includes: cli.h.
 * Called by: main.c. */
#include "cli.h"

#include <string.h>
#include <unistd.h>

static const char *folder_of(cli *app, const char *file)
{
    const char *slash = strrchr(file, '/');
    return !slash ? "." : slash == file ? "/" : keep_text(app, file, (size_t)(slash - file));
}

/* The folder of a training has a log.jsonl and no results.json. */
static bool is_training(cli *app, const char *path)
{
    const char *log = joined_path(app, path, "log.jsonl"), *results = joined_path(app, path, "results.json");
    return log && results && access(log, F_OK) == 0 && access(results, F_OK) != 0;
}

static int put_page(cli *app, const char *folder)
{
    const char *page = joined_path(app, folder, "report.html");
    if (!page)
        return EXIT_INTERNAL;
    put(&app->out, "report   ");
    put_clipped(&app->out, page, 0);
    put(&app->out, "\n");
    return emit(app, false);
}

static int report_training(cli *app, const char *folder)
{
    if (given(app, OPT_REPORT_DIR))
        return usage_error(app, NULL, "the report of a training is drawn in its own folder; leave -o out");
    timbang_status status = timbang_train_report(app->ctx, folder, text_of(app, OPT_LANG));
    return status == TIMBANG_OK ? put_page(app, folder) : library_error(app, status);
}

int run_report(cli *app)
{
    if (app->n_arguments == 0)
        return usage_error(app, "timbang report my-study", "no study was named (its folder, or a results.json)");
    if (is_training(app, app->arguments[0]))
        return report_training(app, app->arguments[0]);
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
    put(&app->out, "\n");
    return put_page(app, out);
}
