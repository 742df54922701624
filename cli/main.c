/* The program timbang: verbs, signals, exit codes. Includes: cli.h. Called by: people. */
#include "cli.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A signal handler can reach nothing else: the only variable of the program that is not local. */
static volatile sig_atomic_t caught;

int signal_received(void)
{
    return caught;
}

static void on_signal(int number)
{
    caught = number;
}

static int cancel(void *user)
{
    (void)user;
    return caught != 0;
}

/* The first SIGINT or SIGTERM asks the library to stop, which cleans up; the second one kills. A signal that was
 * ignored when the program started (nohup, background jobs) stays ignored. */
static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) != 0 || now.sa_handler == SIG_IGN)
            continue;
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        sigaction(numbers[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
}

/* A closed standard stream would give its number to the next file that is opened. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_INTERNAL);
}

static int unknown_verb(const cli *app, const char *name)
{
    const char *closest = closest_verb(name);
    buffer hint = {0};
    if (closest)
        put_format(&hint, "did you mean timbang %s?", closest);
    else
        put(&hint, "timbang --help lists the verbs");
    int code = usage_error(app, hint.data, "'%s' is no verb of timbang", name);
    buffer_free(&hint);
    return code;
}

/* A context with the callbacks of the terminal; errors in it are those of --threads and TIMBANG_CPU. */
static int start_library(cli *app)
{
    timbang_context_options options;
    timbang_context_options_init(&options);
    options.threads = (int)number_or(app, OPT_THREADS, 0);
    options.log = terminal_log;
    options.progress = terminal_progress;
    options.cancel = cancel;
    options.user = &app->term;
    timbang_status status = timbang_context_create(&options, &app->ctx);
    return status == TIMBANG_OK ? EXIT_OK : library_error(app, status);
}

static int run_verb(cli *app, int argc, char **argv)
{
    int code = parse_options(app, argc, argv);
    if (code != EXIT_OK)
        return code;
    if (given(app, OPT_HELP)) {
        print_verb_help(&app->out, app->verb);
        app->values[OPT_OUTPUT].set = false;
        return emit(app, false);
    }
    const char *color = given(app, OPT_COLOR) ? text_of(app, OPT_COLOR) : "auto";
    terminal_start(&app->term, color, given(app, OPT_QUIET), given(app, OPT_NO_PROGRESS));
    code = start_library(app);
    if (code == EXIT_OK)
        code = app->verb->run(app);
    terminal_clear_line(&app->term);
    return code;
}

static int dispatch(cli *app, int argc, char **argv)
{
    if (argc < 2)
        return usage_error(app, "timbang --help lists the verbs", "no verb was given");
    const char *name = argv[1];
    bool help = strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (strcmp(name, "--version") == 0) {
        put_format(&app->out, "timbang %s\n", timbang_version());
        return emit(app, false);
    }
    if (help && argc == 2) {
        print_overview(&app->out);
        return emit(app, false);
    }
    const char *wanted = help ? argv[2] : name;
    const verb *found = find_verb(wanted);
    if (!found && wanted[0] == '-')
        return usage_error(app, "timbang --help lists the verbs", "'%s' comes after a verb", wanted);
    if (!found)
        return unknown_verb(app, wanted);
    if (help) {
        print_verb_help(&app->out, found);
        return emit(app, false);
    }
    app->verb = found;
    return run_verb(app, argc - 2, argv + 2);
}

static void free_app(cli *app)
{
    timbang_context_free(app->ctx);
    for (int id = 0; id < OPTIONS; id++)
        free(app->values[id].items);
    for (size_t i = 0; i < app->n_owned; i++)
        free(app->owned[i]);
    free(app->owned);
    json_decref(app->option_file);
    buffer_free(&app->out);
}

int main(int argc, char **argv)
{
    cli app = {0};
    open_standard_streams();
    catch_signals();
    terminal_start(&app.term, "auto", false, false);
    int code = dispatch(&app, argc, argv);
    free_app(&app);
    return code;
}
