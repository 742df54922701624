/* SPDX-License-Identifier: Apache-2.0
 *
 * timbang.h - the public interface of libtimbang, written as its manual.
 *
 * Timbang weighs a quantized text classifier before anyone ships it. This header has three parts:
 *   1. contexts, errors, callbacks                    (everyone)
 *   2. models, tokenizers, predictions, labelled data (most programs)
 *   3. quantization, training, studies, benchmarks    (what the command line does)
 *
 * Rules that hold for every function
 *   - A fallible function returns a timbang_status. On failure no output parameter is changed and
 *     timbang_error_text(ctx) holds one sentence that names the file, the row or the tensor, the value,
 *     and what would be right. The text lives until the next call on the same context.
 *   - Nothing here aborts, exits or prints; there is no global state.
 *   - A context belongs to one thread at a time. Models, tokenizers, data sets and results are immutable
 *     after they were made and may be shared by any number of contexts and threads; the owner frees them
 *     when nobody uses them any more.
 *   - Option structs start with struct_size. Fill one with its *_init function, then change fields:
 *     a program built against an older header keeps working with a newer library, because new fields come at
 *     the end (in `reserved` where a struct is part of another) and the library reads struct_size bytes only.
 *     Bindings call *_init_sized with the size they know. Fields that are left alone keep their defaults.
 *   - Strings are UTF-8 and zero-terminated unless a length is given. Strings returned through char **
 *     belong to the caller: timbang_string_free.
 *   - Default arithmetic gives the same bits for any number of threads, any batch, any CPU level and any
 *     compiler: docs/numerics.md. What changes bits (`compute` of a model) is asked for by name. The caller's
 *     floating-point environment and locale have no influence, and are left as they were.
 *
 * A first program
 *
 *     timbang_context *ctx;
 *     timbang_model *model = NULL;
 *     timbang_result *result = NULL;
 *     timbang_model_options options;
 *     const char *texts[] = {"Filmnya bagus sekali"};
 *
 *     timbang_model_options_init(&options);
 *     options.path = "my-model";                        // leave it out for the embedded model
 *     if (timbang_context_create(NULL, &ctx) != TIMBANG_OK ||
 *         timbang_model_load(ctx, &options, &model) != TIMBANG_OK ||
 *         timbang_predict(ctx, model, texts, NULL, 1, NULL, &result) != TIMBANG_OK)
 *         fprintf(stderr, "%s\n", timbang_error_text(ctx));
 *     else
 *         puts(timbang_model_label(model, timbang_result_label(result, 0)));
 *     timbang_result_free(result);
 *     timbang_model_free(model);
 *     timbang_context_free(ctx);
 */
#ifndef TIMBANG_H
#define TIMBANG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define TIMBANG_API
#else
#define TIMBANG_API __attribute__((visibility("default")))
#endif

#define TIMBANG_VERSION_MAJOR 0
#define TIMBANG_VERSION_MINOR 1
#define TIMBANG_VERSION_PATCH 0

/* ------------------------------------------------------------------------------------------------
 * 1. Status, context, callbacks
 * ---------------------------------------------------------------------------------------------- */

/* Every status: name, value, meaning, exit code of the command line. */
#define TIMBANG_STATUS_TABLE(X)                                                                                        \
    X(OK, 0, "ok", 0)                                                                                                  \
    X(USAGE, 1, "an option or argument is wrong", 2)                                                                   \
    X(NOT_FOUND, 2, "a file or folder is missing", 2)                                                                  \
    X(IO, 3, "reading or writing failed", 2)                                                                           \
    X(FORMAT, 4, "a file is malformed", 2)                                                                             \
    X(UNSUPPORTED, 5, "well-formed, but not something this version handles", 2)                                        \
    X(MISMATCH, 6, "parts of a model do not fit each other", 2)                                                        \
    X(DATA, 7, "a row, label or text is wrong", 2)                                                                     \
    X(NO_MEMORY, 8, "out of memory", 3)                                                                                \
    X(CANCELLED, 9, "cancelled by the caller", 130)                                                                    \
    X(INTERNAL, 10, "a bug in timbang", 3)

typedef enum timbang_status {
#define TIMBANG_STATUS_ENUM(name, value, text, exit_code) TIMBANG_##name = value,
    TIMBANG_STATUS_TABLE(TIMBANG_STATUS_ENUM)
#undef TIMBANG_STATUS_ENUM
} timbang_status;

typedef struct timbang_context timbang_context;     /* threads, scratch memory, error text */
typedef struct timbang_model timbang_model;         /* weights, packed; labels; tokenizer */
typedef struct timbang_tokenizer timbang_tokenizer; /* text to token ids */
typedef struct timbang_result timbang_result;       /* logits and probabilities of some texts */
typedef struct timbang_dataset timbang_dataset;     /* labelled texts */

typedef enum timbang_log_level { TIMBANG_LOG_DEBUG, TIMBANG_LOG_INFO, TIMBANG_LOG_WARNING } timbang_log_level;

/* Log lines (without newline). Called on the thread that called the library. */
typedef void (*timbang_log_fn)(void *user, timbang_log_level level, const char *text);
/* Progress of the running call: what is being done, done of total steps. Called on the caller's thread, at
 * most about 20 times a second and once at the end of each stage. What follows a tab in `stage` are figures of the
 * moment, such as a loss: they change within a stage. */
typedef void (*timbang_progress_fn)(void *user, const char *stage, uint64_t done, uint64_t total);
/* Asked often while something long runs; non-zero makes the call return TIMBANG_CANCELLED and leave no half file. */
typedef int (*timbang_cancel_fn)(void *user);

/* Defaults. size is sizeof the struct as the caller knows it; no byte beyond it is written. */
#define TIMBANG_DECLARE_INIT(type)                                                                                     \
    TIMBANG_API void type##_init_sized(type *options, size_t size);                                                    \
    static inline void type##_init(type *options)                                                                      \
    {                                                                                                                  \
        type##_init_sized(options, sizeof *options);                                                                   \
    }

typedef struct timbang_context_options {
    size_t struct_size;
    int threads;     /* 1 to 1024; 0: as many as the cgroup and the affinity mask allow */
    const char *cpu; /* NULL: TIMBANG_CPU from the environment, else the best level; "scalar", "avx2", "avx512", ...
                        A level that this machine lacks: the next lower one, with a warning. Unknown: TIMBANG_USAGE */
    timbang_log_fn log;
    timbang_progress_fn progress;
    timbang_cancel_fn cancel;
    void *user; /* handed to the callbacks */
} timbang_context_options;

TIMBANG_DECLARE_INIT(timbang_context_options)
/* Makes a context. options may be NULL. On failure *ctx is still a context that holds the error text where
 * memory allowed one, else NULL. Free with timbang_context_free (NULL is fine). */
TIMBANG_API timbang_status timbang_context_create(const timbang_context_options *options, timbang_context **ctx);
TIMBANG_API void timbang_context_free(timbang_context *ctx);

TIMBANG_API const char *timbang_version(void);
TIMBANG_API const char *timbang_status_name(timbang_status status); /* "FORMAT" */
TIMBANG_API const char *timbang_status_text(timbang_status status); /* "a file is malformed" */
TIMBANG_API int timbang_status_exit_code(timbang_status status);
TIMBANG_API const char *timbang_error_text(const timbang_context *ctx);
TIMBANG_API int timbang_context_threads(const timbang_context *ctx);
TIMBANG_API const char *timbang_context_cpu(const timbang_context *ctx); /* the CPU level in use */
TIMBANG_API void timbang_string_free(char *text);
/* Writes a file that appears under its name only when it is complete and synced; on failure what was there before
 * stays. A device or a pipe is written directly. */
TIMBANG_API timbang_status timbang_write_file(timbang_context *ctx, const char *path, const void *bytes, size_t size);
/* {"cpu": name, "level": in use, "levels": [usable here], "features": [...], "threads": n} */
TIMBANG_API timbang_status timbang_cpu_json(timbang_context *ctx, char **json);

/* ------------------------------------------------------------------------------------------------
 * 2. Models, tokenizers, predictions, data
 * ---------------------------------------------------------------------------------------------- */

typedef struct timbang_model_options {
    size_t struct_size;
    const char *path;    /* Hugging Face directory; NULL: the embedded model */
    const char *weights; /* a bare file of weights (a state dict), instead of the directory's own; usually NULL */
    const char *config;  /* with weights: the directory of config.json and tokenizer. NULL: path, or where both are
                            NULL the directory of the weights file */
    const char *const *labels; /* names for LABEL_0..., or the labels of a new head; NULL: what the file says */
    size_t n_labels;
    uint64_t seed;                  /* of a new head, where the directory has none */
    const char *const *head_labels; /* the labels of a new head where `labels` is NULL; of no meaning for others */
    size_t n_head_labels;
    const char *compute; /* what float layers compute in: "fp32" (NULL), or "bf16": faster where the processor
                            multiplies bfloat16, at 2 bytes a weight, with inputs rounded to it; its bits are those of
                            one CPU level alone. Integer layers stay what they are; "bf16" for a model whose encoder has
                            no others is TIMBANG_USAGE */
    uint64_t reserved[1];
} timbang_model_options;

TIMBANG_DECLARE_INIT(timbang_model_options)
/* Loads, checks and packs a model. Every tensor is checked against config.json and for NaN and infinity.
 * A base model without a classifier gets a new head, seeded, when labels are given; without labels it is
 * TIMBANG_USAGE with the sentence that says so. */
TIMBANG_API timbang_status timbang_model_load(timbang_context *ctx, const timbang_model_options *options,
                                              timbang_model **model);
TIMBANG_API void timbang_model_free(timbang_model *model);
TIMBANG_API size_t timbang_model_n_labels(const timbang_model *model);
TIMBANG_API const char *timbang_model_label(const timbang_model *model, size_t i);
TIMBANG_API const char *timbang_model_scheme(const timbang_model *model);      /* "fp32", "int8", "int4-g64", ... */
TIMBANG_API const char *timbang_model_compute(const timbang_model *model);     /* "fp32", "bf16" */
TIMBANG_API int timbang_model_untrained_head(const timbang_model *model);      /* 1: the head is new and untrained */
TIMBANG_API int timbang_model_embedded(const timbang_model *model);            /* 1: the one inside this library */
TIMBANG_API uint64_t timbang_model_resident_bytes(const timbang_model *model); /* weights, packed buffers included */
TIMBANG_API uint64_t timbang_model_parameters(const timbang_model *model);
TIMBANG_API size_t timbang_model_max_length(const timbang_model *model); /* positions, in tokens */

/* The tokenizer of a directory, which needs no weights. path NULL: the embedded model's. */
TIMBANG_API timbang_status timbang_tokenizer_load(timbang_context *ctx, const char *path, timbang_tokenizer **out);
TIMBANG_API void timbang_tokenizer_free(timbang_tokenizer *tokenizer);

/* One tokenized text. All arrays have n entries and live in one block: timbang_encoding_free. */
typedef struct timbang_encoding {
    size_t n;
    int32_t *ids;
    int32_t *type_ids;
    const char **tokens;             /* vocabulary entries */
    uint32_t *byte_begin, *byte_end; /* half-open, in bytes of the text (of the pair where type_ids is 1) */
    uint32_t *char_begin, *char_end; /* half-open, in code points */
    int truncated;                   /* 1: the text had more tokens than max_length allows */
} timbang_encoding;

/* Encodes text (and pair, or NULL) with special tokens, truncated to max_length tokens (0: no limit) by
 * dropping from the longer side first, as Hugging Face's fast tokenizers do. */
TIMBANG_API timbang_status timbang_tokenize(timbang_context *ctx, const timbang_tokenizer *tokenizer, const char *text,
                                            const char *pair, size_t max_length, timbang_encoding **out);
TIMBANG_API void timbang_encoding_free(timbang_encoding *encoding);
/* The tokenizer of a model; lives as long as the model. */
TIMBANG_API const timbang_tokenizer *timbang_model_tokenizer(const timbang_model *model);

/* Optional clean-up of raw text, off by default. */
enum {
    TIMBANG_CLEAN_LOWER = 1,
    TIMBANG_CLEAN_SPACES = 2,
    TIMBANG_CLEAN_URLS = 4,
    TIMBANG_CLEAN_MENTIONS = 8,
    TIMBANG_CLEAN_LETTERS = 16,
    TIMBANG_CLEAN_STOPWORDS = 32
};

/* "lower,urls" as TIMBANG_CLEAN_* bits. An unknown word: TIMBANG_USAGE with the list of words. */
TIMBANG_API timbang_status timbang_clean_flags(timbang_context *ctx, const char *words, unsigned *flags);

typedef struct timbang_predict_options {
    size_t struct_size;
    size_t max_length; /* in tokens, special ones included; 0: what the model allows (at most 512) */
    size_t batch;      /* texts a pass; 0: chosen by the library. Changes no bit of any result */
    unsigned clean;    /* TIMBANG_CLEAN_* */
    uint64_t reserved[4];
} timbang_predict_options;

TIMBANG_DECLARE_INIT(timbang_predict_options)
/* Classifies n texts. pairs may be NULL, or hold NULL entries. Result i belongs to text i, whatever the batches.
 * Invalid UTF-8 is TIMBANG_DATA with the text's number and the byte. Texts that were empty or truncated are flagged in
 * the result and counted in one warning. */
TIMBANG_API timbang_status timbang_predict(timbang_context *ctx, const timbang_model *model, const char *const *texts,
                                           const char *const *pairs, size_t n, const timbang_predict_options *options,
                                           timbang_result **result);
/* The same for texts that are token ids already (special ones included), in one pass, without padding: text i has
 * ids[offsets[i]] to ids[offsets[i + 1] - 1], each from 1 token to timbang_model_max_length; offsets[0] is 0.
 * type_ids has as many entries as ids; NULL: all 0. Scratch memory grows with the tokens of a pass, so a few thousand
 * at a time are enough. What does not fit the model is TIMBANG_USAGE or TIMBANG_DATA. No text of the result is flagged.
 */
TIMBANG_API timbang_status timbang_predict_ids(timbang_context *ctx, const timbang_model *model, const int32_t *ids,
                                               const int32_t *type_ids, const size_t *offsets, size_t n,
                                               timbang_result **result);
TIMBANG_API void timbang_result_free(timbang_result *result);
TIMBANG_API size_t timbang_result_n(const timbang_result *result);
TIMBANG_API const float *timbang_result_logits(const timbang_result *result, size_t i); /* [n_labels] */
TIMBANG_API const double *timbang_result_probs(const timbang_result *result, size_t i); /* [n_labels], sum 1 */
TIMBANG_API size_t timbang_result_label(const timbang_result *result, size_t i);        /* argmax; first of equals */
TIMBANG_API size_t timbang_result_tokens(const timbang_result *result, size_t i);       /* tokens computed */
TIMBANG_API int timbang_result_truncated(const timbang_result *result, size_t i);
TIMBANG_API int timbang_result_empty(const timbang_result *result, size_t i); /* no token but the special ones */

typedef struct timbang_data_options {
    size_t struct_size;
    const char *path;         /* TSV, CSV or JSONL; "-": standard input */
    const char *text_column;  /* name, or number from 1; NULL: guessed */
    const char *label_column; /* likewise; "" : the data has no labels */
    const char *pair_column;  /* second text; NULL: none */
    const char *label_map;    /* "negatif=negative,0=positive"; NULL: none */
    const char *drop_labels;  /* "a,b": rows with these labels are dropped, and counted; NULL: none */
    uint64_t limit;           /* at most so many rows, stratified by label; 0: all */
    uint64_t seed;            /* of that choice */
    int header;               /* -1: guessed, 0: none, 1: the first row is one */
    uint64_t reserved[4];
} timbang_data_options;

TIMBANG_DECLARE_INIT(timbang_data_options)
TIMBANG_API timbang_status timbang_dataset_load(timbang_context *ctx, const timbang_data_options *options,
                                                timbang_dataset **dataset);
TIMBANG_API void timbang_dataset_free(timbang_dataset *dataset);
TIMBANG_API size_t timbang_dataset_n(const timbang_dataset *dataset);
TIMBANG_API const char *timbang_dataset_text(const timbang_dataset *dataset, size_t i);
TIMBANG_API const char *timbang_dataset_pair(const timbang_dataset *dataset, size_t i);  /* NULL: none */
TIMBANG_API const char *timbang_dataset_label(const timbang_dataset *dataset, size_t i); /* mapped; NULL: none */
TIMBANG_API uint64_t timbang_dataset_row(const timbang_dataset *dataset, size_t i);      /* line in the file, from 1 */
/* What was guessed, dropped and found: columns, delimiter, header, duplicates, label counts. */
TIMBANG_API timbang_status timbang_dataset_json(timbang_context *ctx, const timbang_dataset *dataset, char **json);

/* ------------------------------------------------------------------------------------------------
 * 3. Evaluation, quantization, studies, benchmarks
 * ---------------------------------------------------------------------------------------------- */

typedef struct timbang_eval_options {
    size_t struct_size;
    timbang_predict_options predict;
    int restrict_labels;                       /* 1: predict only over the classes present in the truth */
    const char *train_path;                    /* NULL, or a file: its overlap with the data is counted and reported */
    const timbang_data_options *train_options; /* columns and label_map of that file; NULL: guessed, none. Its path and
                                                  limit are ignored */
    double timing_seconds; /* a variant and set is timed for so long, at least; 0: 3 s, in a study 5 to 15 s, four
                              minutes in all. Fewer make wider intervals */
    uint64_t reserved[2];
} timbang_eval_options;

TIMBANG_DECLARE_INIT(timbang_eval_options)
/* One model on one set. The JSON has the stable fields of `timbang eval --json`: docs/results.md. */
TIMBANG_API timbang_status timbang_eval(timbang_context *ctx, const timbang_model *model,
                                        const timbang_dataset *dataset, const timbang_eval_options *options,
                                        char **json);

typedef struct timbang_quantize_options {
    size_t struct_size;
    timbang_model_options model;
    const char *scheme;     /* "fp16", "bf16", "int8", "int4", "int4-g64-e4", "int8-pertensor", "int4-pertensor" */
    int group;              /* of int4: 32, 64, 128; 0: what the scheme's name says, else 32 */
    const char *embeddings; /* "keep", "int8", "int4"; NULL: what the scheme says */
    const char *out;        /* folder to make */
    int force;              /* 1: replace a folder that is not empty */
    const char *method;     /* of rounding: "nearest" (NULL without calibration.path), "gptq", "descent" (NULL with it):
                               docs/quantization.md */
    double damping;         /* of gptq and descent: 0: 0.01 of the mean second moment */
    timbang_data_options calibration; /* path: texts, labels are not needed; NULL: none. limit: rows, 0: 512; seed:
                                         which ones */
    timbang_predict_options texts;    /* of calibration: max_length, 0: 128; clean. Its batch is ignored */
} timbang_quantize_options;

TIMBANG_DECLARE_INIT(timbang_quantize_options)
/* Post-training quantization. Writes a directory that timbang and transformers + compressed-tensors load, byte for byte
 * the same on every machine. */
TIMBANG_API timbang_status timbang_quantize(timbang_context *ctx, const timbang_quantize_options *options);

/* Random weights at the shape of a config.json (the file, or a directory that holds it), as a directory with float32
 * weights: linear and embedding weights normal with sd initializer_range, LayerNorm 1 and 0, biases 0, as
 * BertPreTrainedModel._init_weights does (the padding row is not zeroed). The classifier is made where the config names
 * labels. Tokenizer files beside the config travel along. Value i of a tensor depends on seed, name and i alone. */
TIMBANG_API timbang_status timbang_init_model(timbang_context *ctx, const char *config_path, uint64_t seed,
                                              const char *out, int force);

/* What is inside a model folder or a file of weights (path NULL: the embedded model), from headers alone:
 * {"path", "container", "scheme", "labels": [...], "untrained_head" (where a new head would be needed), "parameters",
 *  "bytes": {"total", "embeddings", "encoder", "head", "other", "fp32", "ratio"},
 *  "config": {"hidden_size", ...}, "quantization": {...}, "sidecar": {...}, "skipped": {"observers", "other"},
 *  "tensors": [{"name", "dtype", "shape", "bytes"}, ...]}
 * Bytes of a part are what its tensors (scales included) take in the file. Without config.json there are no labels and
 * no config. */
TIMBANG_API timbang_status timbang_info_json(timbang_context *ctx, const char *path, char **json);

typedef struct timbang_named_path {
    const char *name; /* NULL: made from the path */
    const char *path; /* for a model, NULL: the embedded one */
} timbang_named_path;

typedef struct timbang_study_options {
    size_t struct_size;
    const timbang_named_path *models;
    size_t n_models;
    const timbang_named_path *data;
    size_t n_data;
    const char *const *variants; /* "fp32", "fp16", "int8", ...; NULL: fp32, fp16, int8, int4 */
    size_t n_variants;
    const char *const *labels; /* of heads that have no names or do not exist; NULL: other models', else the data's */
    size_t n_labels;
    timbang_data_options data_options; /* columns, maps, limits; path is ignored */
    timbang_eval_options eval;
    uint64_t seed;
    const char *out;     /* folder for results.json, report.html, predictions.jsonl */
    int force;           /* 1: replace a folder that is not empty */
    int keep_models;     /* 1: the variants' folders stay in out/models */
    const char *weights; /* NULL, or a bare file of weights: the one model, whose path is the directory of config.json
                            and tokenizer */
    const char *valid;   /* NULL, or a labelled file on which each variant's temperature is fitted */

    /* What is fixed beforehand: plan.json (docs/results.md). Zero and NULL mean the default, or what plan_file says;
     * what differs from plan_file is TIMBANG_USAGE. */
    const char *plan_file;         /* NULL, or a plan.json whose statistical members are taken */
    const char *primary;           /* "accuracy" (the default) or "macro_f1": the figure that decides */
    double alpha, power, margin;   /* 0.05, 0.8, 0.01; margin: of equivalence, in accuracy */
    uint64_t bootstrap_replicates; /* 2000; UINT64_MAX: no bootstrap */
    uint64_t null_models;          /* models of random rounding for each integer variant; UINT64_MAX: none, also
                                      against plan_file's default (TIMBANG_USAGE where it has some) */

    int resume;          /* 1: go on with an interrupted study of the same plan, from out.partial */
    int anonymous;       /* 1: no paths, no command line and no processor's name in what is written */
    const char *lang;    /* of the report: "en" (the default), "id" */
    const char *command; /* NULL, or the command line, for the record */

    /* Models trained on in FP32 for the steps that QAT took; each may be a folder of seeds, as models may. */
    const timbang_named_path *controls;
    size_t n_controls;
} timbang_study_options;

TIMBANG_DECLARE_INIT(timbang_study_options)
/* The main job: makes the variants, runs all of them on all sets, writes out/. What an interrupted or failed study has
 * finished stays in out.partial/ for a later call with `resume`. */
TIMBANG_API timbang_status timbang_study(timbang_context *ctx, const timbang_study_options *options);
/* The plan of such a study, every default written out, without reading any data: the bytes of plan.json. */
TIMBANG_API timbang_status timbang_study_plan(timbang_context *ctx, const timbang_study_options *options, char **json);
/* Repeats a finished study from its record (no timings) and compares its logits with out/predictions.jsonl:
 * {"logits", "same", "files_changed": [...], "results": [{"model", "variant", "data", "logits", "same", "texts",
 *  "texts_same", "max_abs_difference"}]}. */
TIMBANG_API timbang_status timbang_verify(timbang_context *ctx, const char *out, char **json);
/* The table of a results.json for a terminal (columns lined up, width in characters, color 0 or 1). */
TIMBANG_API timbang_status timbang_report_table(timbang_context *ctx, const char *results_path, int width, int color,
                                                char **text);
/* Draws report.html again from results.json alone. */
TIMBANG_API timbang_status timbang_report_html(timbang_context *ctx, const char *results_path, const char *out_path);
/* Draws everything again from results.json alone, into a folder that exists or is made: report.html, tables/, figures/,
 * methods.tex, references.bib. lang: "en", "id"; NULL: as the study was asked. */
TIMBANG_API timbang_status timbang_report_write(timbang_context *ctx, const char *results_path, const char *lang,
                                                const char *out);
/* A study held against rules, one a line, such as "int8 * accuracy >= 0.99 * fp32": docs/gates.md, which also tells the
 * JSON: {"pass", "passed", "failed", "rules": [{"line", "rule", "model", "variant", "data", "figure", "op", "bound",
 * "pass", "checks": [{"model", "variant", "data", "value", "bound", "reference", "pass", "reason"}], "skipped":
 * [...]}]}. A rule that does not hold is no error: "pass" is false then. One that covers nothing is TIMBANG_USAGE. */
TIMBANG_API timbang_status timbang_gate(timbang_context *ctx, const char *results_path, const char *rules_path,
                                        char **json);

typedef struct timbang_train_options {
    size_t struct_size;
    const char *model;         /* Hugging Face directory with float weights, with or without a classifier */
    const char *const *labels; /* of the classifier; NULL: the model's, where it has none those of the data in byte
                                  order */
    size_t n_labels;
    timbang_data_options data;     /* path: training data. MLM: plain text, one text a line, or the column of a table */
    const char *valid;             /* validation data, read like `data` but whole. MLM: may be NULL */
    timbang_predict_options texts; /* max_length, 0: 128; clean. Its batch is ignored */
    const char *out;               /* folder to make */
    int force;                     /* 1: replace a folder that is not empty, and what is left of an interrupted run */
    int resume;                    /* 1: go on with an interrupted run of the same recipe, from out.partial */

    const char *task;      /* "classify" (NULL), "mlm": masked-language modelling with tied embeddings */
    const char *qat;       /* scheme of quantization-aware training, "int8", "int4-g64", "fp16", ...; NULL: none */
    int control;           /* 1: float training with the defaults of QAT, recorded as its control */
    const char *compute;   /* of float products: "fp32" (NULL), "bf16", whose bits are those of one CPU level alone */
    const uint64_t *seeds; /* one model each, out/seed-N where there are several; NULL: 42 */
    size_t n_seeds;

    /* 0: chosen by the size of the model, and said. From 30 million parameters on, 3 epochs of batches of 16 at 2e-5;
     * below, 4 epochs of batches of 32 at 2e-4. Half of the rate for QAT and its control. */
    uint64_t epochs, batch;
    double learning_rate;

    uint64_t accumulate;       /* batches of a step, to the bits of one so much larger; 0: 1 */
    double weight_decay;       /* 0.01; not on biases and LayerNorm */
    double warmup;             /* 0.1, share of all steps */
    const char *schedule;      /* "linear" (NULL), "cosine", "constant" */
    double clip;               /* 1, norm of the gradient; 0: none */
    double dropout;            /* of all three kinds; below 0 (default): what config.json says, else 0.1 */
    double layer_decay;        /* 1 */
    const char *freeze;        /* "embeddings", "N": embeddings and the lowest N layers; NULL: nothing */
    const char *class_weights; /* "balanced", "label=weight,..."; NULL: all alike */
    double label_smoothing;    /* 0 */
    double mask_share;         /* 0.15, of MLM */
    uint64_t early_stopping;   /* evaluations without a better one, then it stops; 0: never */
    uint64_t evaluate_every;   /* steps; 0: each epoch */
    int group_by_length;       /* 1: batches of texts of similar length */

    const char *teacher;   /* NULL, or a directory: distillation. Same labels, any scheme */
    double distill_weight; /* 0.5: share of the loss that is the distance to the teacher's logits */
    double temperature;    /* 2 */
    double distill_hidden; /* 0: weight of the distance to the teacher's hidden states; it has float weights, the same
                              width and vocabulary */
    double distill_attention; /* 0: weight of the distance to where the teacher's last layer looks; likewise, the same
                                 number of heads instead of the width */

    double checkpoint_seconds; /* 45: what `resume` needs is written so often, at least; at most 60 */
    uint64_t stop_after;       /* steps of this call, then TIMBANG_CANCELLED as by the callback; 0: no limit */
    int anonymous;             /* 1: no paths, no command line and no processor's name in what is written */
    const char *lang;          /* of the report: "en" (the default), "id" */
    const char *command;       /* NULL, or the command line, for the record */
} timbang_train_options;

TIMBANG_DECLARE_INIT(timbang_train_options)
/* Fine-tuning, quantization-aware training and masked-language modelling: docs/training.md describes the files of out/,
 * and the JSON: {"out", "role", "scheme", "recipe_hash", "seeds": [{"seed", "out", "steps", "best": {...}}], "mean",
 * "sd"}. FP32 training and QAT give the same bytes (but for run.json) for any number of threads and on every CPU level,
 * also when they were interrupted. A cancelled call saves its state to out.partial first, and so does one that fails
 * after a first checkpoint; `resume` goes on from there. */
TIMBANG_API timbang_status timbang_train(timbang_context *ctx, const timbang_train_options *options, char **json);
/* Draws report.html of a training folder again, from its log.jsonl and run.json alone. lang: "en", "id"; NULL: as it
 * was asked. */
TIMBANG_API timbang_status timbang_train_report(timbang_context *ctx, const char *folder, const char *lang);

typedef struct timbang_compare_options {
    size_t struct_size;
    const timbang_named_path *inputs; /* each a study (its folder, results.json or predictions.jsonl), or a table of
                                         predictions: CSV, TSV, JSONL, "-": standard input. No path may be NULL */
    size_t n_inputs;
    const char *const *only; /* patterns with * and ?: which results of studies take part, by MODEL, VARIANT, SET,
                                MODEL/VARIANT or "MODEL/VARIANT on SET"; NULL: all */
    size_t n_only;
    const char *baseline; /* name or pattern of what the others are compared with; NULL: the first input */
    timbang_data_options
        columns;                 /* text_column, label_column (the truth), pair_column, label_map, drop_labels, header;
                                    path and limit are ignored. A column may be a list "a,b": the first that is there */
    const char *pred_column;     /* name, or number from 1; NULL: guessed */
    int labels_only;             /* 1: probabilities are left aside */
    const char *primary;         /* "accuracy" (NULL) or "macro_f1" */
    double alpha, power, margin; /* 0: 0.05, 0.8, 0.01 */
    uint64_t bootstrap_replicates; /* 0: 2000; UINT64_MAX: no bootstrap */
    uint64_t seed;                 /* of the bootstrap */
} timbang_compare_options;

TIMBANG_DECLARE_INIT(timbang_compare_options)
/* Puts predictions that exist already side by side, with the tests of a study: docs/compare.md describes the JSON. Rows
 * are matched by their texts, without texts by their order; what is left over is counted and said. Nothing in common is
 * TIMBANG_DATA with an example of both. */
TIMBANG_API timbang_status timbang_compare(timbang_context *ctx, const timbang_compare_options *options, char **json);

typedef struct timbang_bench_options {
    size_t struct_size;
    timbang_model_options model;
    const char *shapes; /* texts x tokens; NULL: "1x16,1x32,1x128,8x128". "mixed8": 12, 18, 24, 31, 39, 47, 62 and 98
                           tokens in one pass */
    const char *const *variants; /* schemes, and "as-is": the model as it is; NULL: that alone */
    size_t n_variants;
    double min_seconds;        /* a shape and column, at least (and 10 rounds) */
    const char *const *levels; /* CPU levels, each usable here; NULL: the context's */
    size_t n_levels;
    const int *threads; /* numbers of threads; NULL: the context's */
    size_t n_threads;
    const char *const *computes; /* of float variants, "fp32" and "bf16"; NULL: model.compute. Integer variants have no
                                    column for each, but one */
    size_t n_computes;
} timbang_bench_options;

TIMBANG_DECLARE_INIT(timbang_bench_options)
/* Times the forward pass alone, on random token ids, without padding. Every combination of variant, compute, level and
 * number of threads is a column; the columns take turns. Variants other than the model's own scheme are quantized into
 * a temporary folder first. JSON array of {shape, texts, tokens, total_tokens, variant, scheme, compute (where it is
 * not fp32), level, threads, rounds, median_ms, p10_ms, p90_ms, texts_per_s, gops, peak_gops, peak_share, weight_bytes,
 * gb_per_s, read_gb_per_s, read_share, bound_ms}, explained in docs/results.md; what is measured of the machine itself
 * is null where it is not known. */
TIMBANG_API timbang_status timbang_bench(timbang_context *ctx, const timbang_bench_options *options, char **json);

#ifdef __cplusplus
}
#endif
#endif
