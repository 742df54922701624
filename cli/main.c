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

/* timbang help [VERB], and what packagers ask: help --man [VERB], help --completion SHELL. */
static int run_help(cli *app, int argc, char **argv)
{
    bool man = argc > 2 && strcmp(argv[2], "--man") == 0, completion = argc > 2 && strcmp(argv[2], "--completion") == 0;
    const char *name = argc > 2 + (man || completion) ? argv[2 + (man || completion)] : NULL;
    const verb *found = name && !completion ? find_verb(name) : NULL;
    if (argc > 3 + (man || completion))
        return usage_error(app, "timbang help VERB", "help: unexpected argument '%s'", argv[3 + (man || completion)]);
    if (name && !found && name[0] == '-')
        return usage_error(app, "timbang --help lists the verbs", "'%s' comes after a verb", name);
    if (name && !found && !completion)
        return unknown_verb(app, name);
    if (completion && (!name || !print_completion(&app->out, name)))
        return usage_error(app, "timbang help --completion bash", "completions are for bash, zsh or fish");
    if (man && found)
        print_verb_manual(&app->out, found);
    else if (man)
        print_manual(&app->out);
    else if (found)
        print_verb_help(&app->out, found);
    else if (!completion)
        print_overview(&app->out);
    return emit(app, false);
}

static int dispatch(cli *app, int argc, char **argv)
{
    if (argc < 2)
        return usage_error(app, "timbang --help lists the verbs", "no verb was given");
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return run_help(app, argc, argv);
    if (strcmp(name, "--version") == 0) {
        put_format(&app->out, "timbang %s\n", timbang_version());
        return emit(app, false);
    }
    app->verb = find_verb(name);
    if (!app->verb && name[0] == '-')
        return usage_error(app, "timbang --help lists the verbs", "'%s' comes after a verb", name);
    return app->verb ? run_verb(app, argc - 2, argv + 2) : unknown_verb(app, name);
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
    buffer_free(&app->command);
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
