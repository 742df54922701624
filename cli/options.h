/* Every option and every verb in two tables, from which parsing, help and "did you mean" come.
 * Includes: libc. Called by: cli. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum option_id {
    OPT_MODEL,    /* one model */
    OPT_MODELS,   /* --model again, repeatable and named: study */
    OPT_CONTROLS, /* --control DIR: study */
    OPT_WEIGHTS,
    OPT_CONFIG_DIR,
    OPT_MODEL_LABELS,
    OPT_LABELS,
    OPT_COMPUTE,
    OPT_DATA,
    OPT_DATA_SETS, /* --data again, repeatable and named: study */
    OPT_TEXT_COLUMN,
    OPT_LABEL_COLUMN,
    OPT_TEXT_PAIR,
    OPT_HEADER,
    OPT_NO_HEADER,
    OPT_LABEL_MAP,
    OPT_DROP_LABELS,
    OPT_RESTRICT_LABELS,
    OPT_TRAIN,
    OPT_CLEAN,
    OPT_VARIANTS,
    OPT_TO,
    OPT_GROUP,
    OPT_EMBEDDINGS,
    OPT_METHOD,
    OPT_CALIB,
    OPT_CALIB_ROWS,
    OPT_DAMPING,
    OPT_SHAPES,
    OPT_LEVELS,
    OPT_THREAD_COUNTS,
    OPT_COMPUTES, /* --compute again, several: bench */
    OPT_MIN_SECONDS,
    OPT_KEEP_MODELS,
    OPT_VALID,
    OPT_PRIMARY,
    OPT_ALPHA,
    OPT_POWER,
    OPT_MARGIN,
    OPT_TIMING_SECONDS,
    OPT_BOOTSTRAP,
    OPT_NULL,
    OPT_PLAN,
    OPT_PLAN_FILE,
    OPT_RESUME,
    OPT_ANONYMOUS,
    OPT_LANG,
    OPT_VALIDATION, /* --valid again: train */
    OPT_TASK,
    OPT_QAT,
    OPT_CONTROL,
    OPT_TRAIN_COMPUTE, /* --compute again: train */
    OPT_SEEDS,
    OPT_EPOCHS,
    OPT_LEARNING_RATE,
    OPT_STEP_BATCH, /* --batch again: train */
    OPT_ACCUMULATE,
    OPT_WEIGHT_DECAY,
    OPT_WARMUP,
    OPT_SCHEDULE,
    OPT_CLIP,
    OPT_DROPOUT,
    OPT_LAYER_DECAY,
    OPT_FREEZE,
    OPT_CLASS_WEIGHTS,
    OPT_LABEL_SMOOTHING,
    OPT_MASK_SHARE,
    OPT_EARLY_STOPPING,
    OPT_EVALUATE_EVERY,
    OPT_GROUP_BY_LENGTH,
    OPT_TRAIN_LENGTH, /* --max-length again: train */
    OPT_DISTILL,
    OPT_DISTILL_WEIGHT,
    OPT_TEMPERATURE,
    OPT_DISTILL_HIDDEN,
    OPT_DISTILL_ATTENTION,
    OPT_CHECKPOINT_SECONDS,
    OPT_STOP_AFTER,
    OPT_HEAD_LABELS, /* --labels again: train */
    OPT_RULES,
    OPT_PRED_COLUMN,
    OPT_BASELINE,
    OPT_ONLY,
    OPT_LABELS_ONLY,
    OPT_FORCE,
    OPT_CPU,
    OPT_JSON,
    OPT_JSONL,
    OPT_OUTPUT,     /* a file */
    OPT_OUTPUT_DIR, /* --output again: a folder */
    OPT_REPORT_DIR, /* and again: report */
    OPT_THREADS,
    OPT_BATCH,
    OPT_MAX_LENGTH,
    OPT_SEED,
    OPT_LIMIT,
    OPT_QUIET,
    OPT_NO_PROGRESS,
    OPT_COLOR,
    OPT_CONFIG,
    OPT_HELP,
    OPTIONS
} option_id;

typedef enum option_kind {
    KIND_FLAG,
    KIND_NUMBER,  /* a whole number from min to max */
    KIND_DECIMAL, /* a decimal number from min to max */
    KIND_PART,    /* a decimal number above 0 and below 1 */
    KIND_TEXT,    /* the last one counts */
    KIND_CHOICE,  /* one of the words of `value`, separated by | */
    KIND_REPEAT   /* every one counts */
} option_kind;

typedef struct option_spec {
    const char *name; /* without -- */
    char letter;      /* 0: none */
    option_kind kind;
    const char *value; /* how help calls it: "N", "DIR", "auto|always|never" */
    uint64_t min, max;
    const char *help;
} option_spec;

/* What was given for one option. Strings are the command line's own, or belong to the value store. */
typedef struct option_value {
    bool set;
    uint64_t number;
    double decimal;
    const char *text;
    const char **items; /* KIND_REPEAT */
    size_t n_items;
} option_value;

typedef struct cli cli;

typedef struct verb {
    const char *name;
    const char *summary;     /* a line in the list of verbs */
    const char *usage;       /* after "timbang NAME" */
    const char *description; /* a paragraph or two */
    const char *examples;
    const option_id *options; /* its own, ended by OPTIONS; the common ones come on top */
    int max_arguments;        /* -1: any number */
    int (*run)(cli *app);     /* returns the exit code */
} verb;

extern const option_spec option_specs[OPTIONS];
extern const option_id common_options[]; /* ended by OPTIONS */
extern const verb verbs[];               /* ended by a NULL name */

const verb *find_verb(const char *name); /* NULL: none */
/* The option of a verb by its long name (length bytes), or by its letter; OPTIONS: it has none. */
option_id find_option(const verb *v, const char *name, size_t length);
option_id find_letter(const verb *v, char letter);
bool verb_has(const verb *v, option_id id); /* a common option: unless one of its own has that name */
bool any_verb_has(const char *name, size_t length);
/* The closest of the verb's option names, or of the verbs' names, NULL where nothing is close. */
const char *closest_option(const verb *v, const char *name);
const char *closest_verb(const char *name);
/* The closest of the words of `choices`, which | separates; its length, or 0. */
size_t closest_choice(const char *choices, const char *text, const char **word);

#endif
