/* The program's state, and what its files share.
 * Includes: options.h, output.h, terminal.h, timbang.h. Called by: cli. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "options.h"
#include "output.h"
#include "terminal.h"
#include "timbang.h"

enum { EXIT_OK = 0, EXIT_GATE = 1, EXIT_USAGE = 2, EXIT_INTERNAL = 3 };

struct cli {
    const verb *verb;
    option_value values[OPTIONS];
    const char **arguments; /* what is no option */
    size_t n_arguments;
    void **owned; /* blocks that live until the end: option files, lists */
    size_t n_owned;
    timbang_context *ctx;
    terminal term;
    buffer out;                 /* the result, until emit */
    buffer command;             /* the command line, to be pasted into a shell; without --resume */
    struct json_t *option_file; /* values point into it */
};

/* ---- parse.c ---- */
/* Fills values and arguments from the command line after the verb, then from --config FILE. Returns EXIT_OK, or prints
 * the error and returns its exit code. */
int parse_options(cli *app, int argc, char **argv);
void *keep(cli *app, void *block); /* freed at the end; NULL has been reported */
char *keep_text(cli *app, const char *text, size_t length);

/* ---- help.c ---- */
void print_overview(buffer *out);
void print_verb_help(buffer *out, const verb *v);
typedef struct exit_code {
    int code;
    const char *text;
} exit_code;
extern const exit_code exit_codes[];   /* ended by a NULL text */
extern const char overview_examples[]; /* of the program as a whole */

/* ---- manual.c, completion.c ---- */
void print_manual(buffer *out); /* timbang(1), in roff */
void print_verb_manual(buffer *out, const verb *v);
bool print_completion(buffer *out, const char *shell); /* false: none for this shell */

/* ---- main.c ---- */
int signal_received(void); /* 0: none */

/* ---- What verbs share (inputs.c, results.c) ---- */
/* Prints one sentence, and returns EXIT_USAGE. hint may be NULL. */
int usage_error(const cli *app, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Prints the context's error text, and returns the exit code. */
int library_error(const cli *app, timbang_status status);
uint64_t number_or(const cli *app, option_id id, uint64_t otherwise);
/* NAME=PATH, or a path alone; model: the word embedded names the model inside the program, with a NULL path. False: no
 * memory. */
bool named_path(cli *app, const char *text, bool model, timbang_named_path *out);
double timing_seconds(const cli *app); /* as timbang_eval_options has it */
bool given(const cli *app, option_id id);
const char *text_of(const cli *app, option_id id); /* NULL: not given */
/* "a, b,c" as a list that lives until the end. */
bool split_list(cli *app, const char *text, const char *const **items, size_t *n);
/* The only model: --model or the argument; NULL: embedded. */
int one_model(cli *app, bool argument_is_model, const char **path);
int fill_model_options(cli *app, bool argument_is_model, timbang_model_options *options);
int fill_data_options(cli *app, const char *path, timbang_data_options *options);
int fill_predict_options(cli *app, timbang_predict_options *options);
int load_model(cli *app, bool argument_is_model, timbang_model **model);

/* Texts to classify or tokenize, in the order of the input. */
typedef struct texts {
    const char **text;
    const char **pair; /* NULL: none has one */
    size_t n;
    timbang_dataset *dataset; /* where they live, or NULL */
} texts;
int read_texts(cli *app, texts *t);
void free_texts(texts *t);

/* Formats of a result. */
typedef enum result_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL, FORMAT_TSV } result_format;
/* By --json, --jsonl, else the end of -o. Where tsv is false a .tsv file is an error. */
int output_format(const cli *app, bool tsv, result_format *chosen);
/* Writes the collected result to -o or standard output, and empties it. more: standard output goes on, a file waits. */
int emit(cli *app, bool more);
/* A JSON document of the library: as it is for JSON, one line (or one for each member of an array) for JSONL. */
int emit_document(cli *app, char *json, result_format how);

char *joined_path(cli *app, const char *folder, const char *file); /* lives until the end; NULL has been reported */
/* The results.json that a path means: itself, or that of the folder of a study. NULL has been reported. */
const char *results_of(cli *app, const char *path);
/* The table of a results.json, into app->out. */
int put_results_table(cli *app, const char *results);

/* ---- Verbs ---- */
int run_predict(cli *app);
int run_tokenize(cli *app);
int run_info(cli *app);
int run_init(cli *app);
int run_quantize(cli *app);
int run_eval(cli *app);
int run_study(cli *app);
int run_train(cli *app);
int run_bench(cli *app);
int run_verify(cli *app);
int run_report(cli *app);
int run_gate(cli *app);
int run_compare(cli *app);

#endif
