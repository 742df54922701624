/* The tables of options and verbs, and looking things up in them.
 * Includes: cli.h. Called by: parse.c, help.c, main.c. */
#include "options.h"
#include "cli.h"

#include <string.h>

const option_spec option_specs[OPTIONS] = {
    [OPT_MODEL] = {"model", 0, KIND_REPEAT, "MODEL", 0, 0, "Hugging Face folder; without it, the embedded model"},
    [OPT_MODELS] = {"model", 0, KIND_REPEAT, "[NAME=]DIR", 0, 0,
                    "a model to study, repeatable; 'embedded' is the one inside timbang (the default)"},
    [OPT_CONTROLS] = {"control", 0, KIND_REPEAT, "[NAME=]DIR", 0, 0,
                      "a model trained on in FP32 for the steps that QAT took (train --control), repeatable"},
    [OPT_WEIGHTS] = {"weights", 0, KIND_TEXT, "FILE", 0, 0,
                     "a bare file of weights, with --config DIR for config.json and tokenizer"},
    [OPT_CONFIG_DIR] = {"config-dir", 0, KIND_TEXT, "DIR", 0, 0, "the same as --config DIR"},
    [OPT_MODEL_LABELS] = {"model-labels", 0, KIND_TEXT, "A,B,C", 0, 0, "names of LABEL_0, LABEL_1, ..."},
    [OPT_LABELS] = {"labels", 0, KIND_TEXT, "A,B,C", 0, 0,
                    "labels of the new, untrained head of a model that has none (eval and study: without it, those of "
                    "the other models or of the data)"},
    [OPT_COMPUTE] = {"compute", 0, KIND_TEXT, "fp32|bf16", 0, 0,
                     "what float layers compute in (fp32); bf16 is faster where the processor multiplies it, and its "
                     "bits are those of one CPU level alone"},
    [OPT_DATA] = {"data", 0, KIND_REPEAT, "FILE", 0, 0, "TSV, CSV or JSONL file; - is standard input"},
    [OPT_DATA_SETS] = {"data", 0, KIND_REPEAT, "[NAME=]FILE", 0, 0, "labelled TSV, CSV or JSONL file, repeatable"},
    [OPT_TEXT_COLUMN] = {"text-column", 0, KIND_TEXT, "COLUMN", 0, 0, "name, or number from 1; without it, guessed"},
    [OPT_LABEL_COLUMN] = {"label-column", 0, KIND_TEXT, "COLUMN", 0, 0, "name, or number from 1; without it, guessed"},
    [OPT_TEXT_PAIR] = {"text-pair", 0, KIND_TEXT, "COLUMN", 0, 0, "column of the second text of a pair"},
    [OPT_HEADER] = {"header", 0, KIND_FLAG, NULL, 0, 0, "the first row holds column names; without it, guessed"},
    [OPT_NO_HEADER] = {"no-header", 0, KIND_FLAG, NULL, 0, 0, "the first row is data"},
    [OPT_LABEL_MAP] = {"label-map", 0, KIND_TEXT, "A=B,...", 0, 0,
                       "rename labels of the data: negatif=negative,0=positive"},
    [OPT_DROP_LABELS] = {"drop-labels", 0, KIND_TEXT, "A,B", 0, 0, "leave rows with these labels out, and count them"},
    [OPT_RESTRICT_LABELS] = {"restrict-labels", 0, KIND_FLAG, NULL, 0, 0,
                             "predict only over the classes that the data has"},
    [OPT_TRAIN] = {"train", 0, KIND_TEXT, "FILE", 0, 0, "training data, to count what the data repeats from it"},
    [OPT_CLEAN] = {"clean", 0, KIND_TEXT, "LIST", 0, 0,
                   "clean texts first: lower,spaces,urls,mentions,letters,stopwords"},
    [OPT_VARIANTS] = {"variants", 0, KIND_TEXT, "A,B,C", 0, 0,
                      "fp32, fp16, bf16, int8, int4, int4-g64, int4-g128, int4-e4, int8-pertensor, int4-pertensor"},
    [OPT_TO] = {"to", 0, KIND_TEXT, "SCHEME", 0, 0, "fp16, bf16, int8, int4, int8-pertensor, int4-pertensor"},
    [OPT_GROUP] = {"group", 0, KIND_CHOICE, "32|64|128", 0, 0, "weights that share a scale, of int4 (32)"},
    [OPT_EMBEDDINGS] = {"embeddings", 0, KIND_CHOICE, "keep|int8|int4", 0, 0,
                        "word embeddings; without it, what the scheme says"},
    [OPT_METHOD] = {"method", 0, KIND_CHOICE, "nearest|gptq|descent", 0, 0,
                    "how weights are rounded: to the nearest; by GPTQ; by GPTQ and coordinate descent (descent with "
                    "--calib, else nearest)"},
    [OPT_CALIB] = {"calib", 0, KIND_TEXT, "FILE", 0, 0,
                   "texts that show what the layers read, as --data of other verbs; labels are not needed"},
    [OPT_CALIB_ROWS] = {"calib-rows", 0, KIND_NUMBER, "N", 1, 10000000, "rows of it, chosen by --seed (512)"},
    [OPT_DAMPING] = {"damping", 0, KIND_DECIMAL, "D", 0, 1,
                     "added to the second moments of gptq and descent, as a part of their mean (0.01)"},
    [OPT_SHAPES] = {"shapes", 0, KIND_TEXT, "1x16,8x128,...", 0, 0,
                    "texts x tokens; mixed8: eight texts of 12 to 98 tokens (1x16,1x32,1x128,8x128)"},
    [OPT_LEVELS] = {"levels", 0, KIND_TEXT, "A,B", 0, 0,
                    "CPU levels to compare; info --cpu lists those of this machine (the best one)"},
    [OPT_THREAD_COUNTS] = {"thread-counts", 0, KIND_TEXT, "1,2,...", 0, 0,
                           "numbers of threads to compare (that of --threads)"},
    [OPT_COMPUTES] = {"compute", 0, KIND_TEXT, "fp32,bf16", 0, 0,
                      "what float variants compute in, one or both to compare; integer ones have one column (fp32)"},
    [OPT_MIN_SECONDS] = {"min-seconds", 0, KIND_DECIMAL, "S", 0, 3600, "time at least a shape and variant (1)"},
    [OPT_KEEP_MODELS] = {"keep-models", 0, KIND_FLAG, NULL, 0, 0, "keep the variants as folders in DIR/models"},
    [OPT_VALID] = {"valid", 0, KIND_TEXT, "FILE", 0, 0,
                   "labelled file on which each variant's temperature is fitted; its figures stand beside the others"},
    [OPT_PRIMARY] = {"primary", 0, KIND_CHOICE, "accuracy|macro_f1", 0, 0, "the figure that decides (accuracy)"},
    [OPT_ALPHA] = {"alpha", 0, KIND_PART, "P", 0, 0, "significance level of all tests (0.05)"},
    [OPT_TIMING_SECONDS] = {"timing-seconds", 0, KIND_DECIMAL, "S", 0, 3600,
                            "time each variant on each set for so long, at least (3; a study: 5 to 15)"},
    [OPT_POWER] = {"power", 0, KIND_PART, "P", 0, 0, "power at which detectable differences are told (0.8)"},
    [OPT_MARGIN] = {"margin", 0, KIND_PART, "D", 0, 0, "differences in accuracy below this one count as none (0.01)"},
    [OPT_BOOTSTRAP] = {"bootstrap", 0, KIND_NUMBER, "N", 0, 1000000, "bootstrap replicates (2000); 0: none"},
    [OPT_NULL] =
        {"null", 0, KIND_NUMBER, "N", 0, 10000,
         "models of random rounding for each integer variant, which show what luck does; 99 for a test, 20 for "
         "the rank only (0)"},
    [OPT_PLAN] = {"plan", 0, KIND_FLAG, NULL, 0, 0, "print what would be fixed beforehand, and stop"},
    [OPT_PLAN_FILE] = {"plan-file", 0, KIND_TEXT, "FILE", 0, 0,
                       "take primary figure, margin and the other statistics from a plan; what this command line says "
                       "otherwise is an error"},
    [OPT_RESUME] = {"resume", 0, KIND_FLAG, NULL, 0, 0, "go on with an interrupted study or training"},
    [OPT_ANONYMOUS] = {"anonymous", 0, KIND_FLAG, NULL, 0, 0, "write no paths, no command line and no processor name"},
    [OPT_LANG] = {"lang", 0, KIND_CHOICE, "en|id", 0, 0, "language of the report (en)"},
    [OPT_VALIDATION] = {"valid", 0, KIND_TEXT, "FILE", 0, 0,
                        "labelled validation data, read like --data; the checkpoint that is best on it is kept"},
    [OPT_TASK] = {"task", 0, KIND_CHOICE, "classify|mlm", 0, 0,
                  "classify: labelled texts (the default); mlm: masked words of plain text, to adapt a base model"},
    [OPT_QAT] = {"qat", 0, KIND_TEXT, "SCHEME", 0, 0,
                 "train through the integers of int8, int4, ...: DIR is the quantized model, DIR/master its floats"},
    [OPT_CONTROL] = {"control", 0, KIND_FLAG, NULL, 0, 0,
                     "train in floats with the steps, the order and the defaults of --qat, to compare with"},
    [OPT_TRAIN_COMPUTE] = {"compute", 0, KIND_CHOICE, "fp32|bf16", 0, 0,
                           "what float products compute in (fp32); bf16 is faster where the processor multiplies it, "
                           "and its bits are those of one CPU level alone"},
    [OPT_SEEDS] = {"seeds", 0, KIND_TEXT, "A,B,C", 0, 0,
                   "train once with each seed, into DIR/seed-A, ...; all are kept"},
    [OPT_EPOCHS] = {"epochs", 0, KIND_NUMBER, "N", 1, 100000, "passes over the data (3; 4 below 30 M parameters)"},
    [OPT_LEARNING_RATE] = {"learning-rate", 0, KIND_DECIMAL, "R", 0, 10,
                           "largest learning rate (2e-5; 2e-4 below 30 M parameters; half of it with --qat and "
                           "--control)"},
    [OPT_STEP_BATCH] = {"batch", 0, KIND_NUMBER, "N", 1, 65536,
                        "texts that go through together (16; 32 below 30 M parameters)"},
    [OPT_ACCUMULATE] = {"accumulate", 0, KIND_NUMBER, "N", 1, 65536,
                        "batches of a step (1); N of them give the bits of one N times as large, in less memory"},
    [OPT_WEIGHT_DECAY] = {"weight-decay", 0, KIND_DECIMAL, "D", 0, 1, "of AdamW, not on biases and LayerNorm (0.01)"},
    [OPT_WARMUP] = {"warmup", 0, KIND_DECIMAL, "P", 0, 1, "share of the steps in which the rate rises (0.1)"},
    [OPT_SCHEDULE] = {"schedule", 0, KIND_CHOICE, "linear|cosine|constant", 0, 0, "of the rate after that (linear)"},
    [OPT_CLIP] = {"clip", 0, KIND_DECIMAL, "X", 0, 1000000, "largest norm of the gradient (1); 0: no limit"},
    [OPT_DROPOUT] = {"dropout", 0, KIND_DECIMAL, "P", 0, 1,
                     "of hidden values, attention and classifier (what config.json says, else 0.1)"},
    [OPT_LAYER_DECAY] = {"layer-decay", 0, KIND_DECIMAL, "D", 0, 1,
                         "the rate of each layer is D times that of the layer above it (1)"},
    [OPT_FREEZE] = {"freeze", 0, KIND_TEXT, "embeddings|N", 0, 0,
                    "leave the embeddings as they are, or them and the lowest N layers"},
    [OPT_CLASS_WEIGHTS] = {"class-weights", 0, KIND_TEXT, "balanced|A=1,B=2", 0, 0,
                           "how much a text of each label counts; balanced: n / (classes * texts of the label)"},
    [OPT_LABEL_SMOOTHING] = {"label-smoothing", 0, KIND_DECIMAL, "P", 0, 1, "share of the target for all labels (0)"},
    [OPT_MASK_SHARE] = {"mask-share", 0, KIND_PART, "P", 0, 0, "of --task mlm: share of the tokens to guess (0.15)"},
    [OPT_EARLY_STOPPING] = {"early-stopping", 0, KIND_NUMBER, "N", 1, 100000,
                            "stop after N evaluations without a better one"},
    [OPT_EVALUATE_EVERY] = {"evaluate-every", 0, KIND_NUMBER, "N", 1, INT64_MAX,
                            "steps between evaluations (an epoch)"},
    [OPT_GROUP_BY_LENGTH] = {"group-by-length", 0, KIND_FLAG, NULL, 0, 0, "batches of texts of similar length"},
    [OPT_TRAIN_LENGTH] = {"max-length", 0, KIND_NUMBER, "N", 2, 1048576, "longest text in tokens (128)"},
    [OPT_DISTILL] = {"distill", 0, KIND_TEXT, "DIR", 0, 0, "learn from a teacher with the same labels, in any scheme"},
    [OPT_DISTILL_WEIGHT] = {"distill-weight", 0, KIND_DECIMAL, "W", 0, 1,
                            "share of the loss that is the distance to the teacher's logits (0.5)"},
    [OPT_TEMPERATURE] = {"temperature", 0, KIND_DECIMAL, "T", 0, 1000, "of those logits (2)"},
    [OPT_DISTILL_HIDDEN] = {"distill-hidden", 0, KIND_DECIMAL, "W", 0, 1000000,
                            "weight of the distance to the teacher's hidden states (0: none)"},
    [OPT_DISTILL_ATTENTION] = {"distill-attention", 0, KIND_DECIMAL, "W", 0, 1000000,
                               "weight of the distance to where the teacher's last layer looks (0: none)"},
    [OPT_CHECKPOINT_SECONDS] = {"checkpoint-seconds", 0, KIND_DECIMAL, "S", 0, 60,
                                "write what --resume needs so often, at least (45)"},
    [OPT_STOP_AFTER] = {"stop-after", 0, KIND_NUMBER, "N", 1, INT64_MAX,
                        "stop after N steps as an interrupt would; --resume goes on"},
    [OPT_HEAD_LABELS] = {"labels", 0, KIND_TEXT, "A,B,C", 0, 0,
                         "labels of the classifier (the model's; where it has none, those of the data in byte order)"},
    [OPT_RULES] = {"rules", 0, KIND_TEXT, "FILE", 0, 0, "the rules: docs/gates.md; - is standard input"},
    [OPT_PRED_COLUMN] = {"pred-column", 0, KIND_TEXT, "COLUMN", 0, 0,
                         "column of the predicted labels: name, or number from 1; without it, guessed"},
    [OPT_BASELINE] = {"baseline", 0, KIND_TEXT, "NAME", 0, 0,
                      "what the others are compared with: a name, or a pattern with * and ? (the first input)"},
    [OPT_ONLY] = {"only", 0, KIND_REPEAT, "PATTERN", 0, 0,
                  "results of studies that take part, by MODEL, VARIANT, SET or 'MODEL/VARIANT on SET', with * and ?; "
                  "repeatable (all)"},
    [OPT_LABELS_ONLY] = {"labels-only", 0, KIND_FLAG, NULL, 0, 0, "leave probabilities and confidences aside"},
    [OPT_FORCE] = {"force", 0, KIND_FLAG, NULL, 0, 0, "replace the folder where it is not empty"},
    [OPT_CPU] = {"cpu", 0, KIND_FLAG, NULL, 0, 0, "tell what is used of this processor"},
    [OPT_JSON] = {"json", 0, KIND_FLAG, NULL, 0, 0,
                  "print one JSON document (an array where there are several results)"},
    [OPT_JSONL] = {"jsonl", 0, KIND_FLAG, NULL, 0, 0, "print one JSON object a line, in the order of the input"},
    [OPT_OUTPUT] =
        {"output", 'o', KIND_TEXT, "PATH", 0, 0,
         "write to a file instead of standard output; .json or .jsonl (of texts also .tsv) picks the format"},
    [OPT_OUTPUT_DIR] = {"output", 'o', KIND_TEXT, "DIR", 0, 0, "the folder to make"},
    [OPT_REPORT_DIR] = {"output", 'o', KIND_TEXT, "DIR", 0, 0,
                        "folder to draw into, made where it is absent (that of results.json)"},
    [OPT_THREADS] = {"threads", 0, KIND_NUMBER, "N", 1, 1024,
                     "threads (all that the machine allows); changes no result"},
    [OPT_BATCH] = {"batch", 0, KIND_NUMBER, "N", 1, 65536, "texts a pass (chosen by length); changes no result"},
    [OPT_MAX_LENGTH] = {"max-length", 0, KIND_NUMBER, "N", 2, 1048576, "longest text in tokens (512)"},
    [OPT_SEED] = {"seed", 0, KIND_NUMBER, "S", 0, INT64_MAX, "of every random choice (42)"},
    [OPT_LIMIT] = {"limit", 0, KIND_NUMBER, "N", 1, INT64_MAX, "use N rows, every label in its proportion"},
    [OPT_QUIET] = {"quiet", 'q', KIND_FLAG, NULL, 0, 0, "print errors only, besides the result"},
    [OPT_NO_PROGRESS] = {"no-progress", 0, KIND_FLAG, NULL, 0, 0, "no progress line"},
    [OPT_COLOR] = {"color", 0, KIND_CHOICE, "auto|always|never", 0, 0,
                   "colours (auto: on a terminal without NO_COLOR)"},
    [OPT_CONFIG] = {"config", 0, KIND_TEXT, "FILE", 0, 0,
                    "read options from a file: lines 'name = value', or a JSON object"},
    [OPT_HELP] = {"help", 'h', KIND_FLAG, NULL, 0, 0, "print this"},
};

const option_id common_options[] = {OPT_THREADS,     OPT_BATCH, OPT_MAX_LENGTH, OPT_SEED, OPT_LIMIT, OPT_QUIET,
                                    OPT_NO_PROGRESS, OPT_COLOR, OPT_CONFIG,     OPT_HELP, OPTIONS};

#define MODEL_OPTIONS  OPT_MODEL, OPT_WEIGHTS, OPT_CONFIG_DIR, OPT_MODEL_LABELS, OPT_LABELS
#define COLUMN_OPTIONS OPT_TEXT_COLUMN, OPT_LABEL_COLUMN, OPT_TEXT_PAIR, OPT_HEADER, OPT_NO_HEADER
#define LABEL_OPTIONS  OPT_LABEL_MAP, OPT_DROP_LABELS, OPT_RESTRICT_LABELS, OPT_TRAIN

static const option_id predict_options[] = {MODEL_OPTIONS, OPT_COMPUTE, OPT_DATA,   COLUMN_OPTIONS, OPT_CLEAN,
                                            OPT_JSON,      OPT_JSONL,   OPT_OUTPUT, OPTIONS};
static const option_id tokenize_options[] = {OPT_MODEL, OPT_DATA,   COLUMN_OPTIONS, OPT_JSON,
                                             OPT_JSONL, OPT_OUTPUT, OPTIONS};
static const option_id info_options[] = {OPT_MODEL, OPT_CPU, OPT_JSON, OPT_JSONL, OPT_OUTPUT, OPTIONS};
static const option_id init_options[] = {OPT_OUTPUT_DIR, OPT_FORCE, OPT_JSON, OPTIONS};
static const option_id quantize_options[] = {OPT_TO,         OPT_OUTPUT_DIR, OPT_GROUP,   OPT_EMBEDDINGS, OPT_METHOD,
                                             OPT_CALIB,      OPT_CALIB_ROWS, OPT_DAMPING, OPT_FORCE,      MODEL_OPTIONS,
                                             COLUMN_OPTIONS, OPT_CLEAN,      OPT_JSON,    OPTIONS};
static const option_id eval_options[] = {MODEL_OPTIONS, OPT_COMPUTE,        OPT_DATA, COLUMN_OPTIONS, LABEL_OPTIONS,
                                         OPT_CLEAN,     OPT_TIMING_SECONDS, OPT_JSON, OPT_JSONL,      OPT_OUTPUT,
                                         OPTIONS};
static const option_id study_options[] = {
    OPT_MODELS,     OPT_CONTROLS,  OPT_DATA_SETS,   OPT_VARIANTS,   OPT_VALID,        OPT_OUTPUT_DIR,
    OPT_FORCE,      OPT_RESUME,    OPT_KEEP_MODELS, OPT_PLAN,       OPT_PLAN_FILE,    OPT_PRIMARY,
    OPT_MARGIN,     OPT_ALPHA,     OPT_POWER,       OPT_BOOTSTRAP,  OPT_NULL,         OPT_TIMING_SECONDS,
    OPT_LANG,       OPT_ANONYMOUS, OPT_WEIGHTS,     OPT_CONFIG_DIR, OPT_MODEL_LABELS, OPT_LABELS,
    COLUMN_OPTIONS, LABEL_OPTIONS, OPT_CLEAN,       OPT_JSON,       OPTIONS};
static const option_id train_options[] = {OPT_DATA,
                                          OPT_VALIDATION,
                                          OPT_OUTPUT_DIR,
                                          OPT_FORCE,
                                          OPT_RESUME,
                                          OPT_TASK,
                                          OPT_QAT,
                                          OPT_CONTROL,
                                          OPT_SEEDS,
                                          OPT_EPOCHS,
                                          OPT_LEARNING_RATE,
                                          OPT_STEP_BATCH,
                                          OPT_ACCUMULATE,
                                          OPT_TRAIN_LENGTH,
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
                                          OPT_DISTILL,
                                          OPT_DISTILL_WEIGHT,
                                          OPT_TEMPERATURE,
                                          OPT_DISTILL_HIDDEN,
                                          OPT_DISTILL_ATTENTION,
                                          OPT_TRAIN_COMPUTE,
                                          OPT_CHECKPOINT_SECONDS,
                                          OPT_STOP_AFTER,
                                          OPT_HEAD_LABELS,
                                          COLUMN_OPTIONS,
                                          OPT_LABEL_MAP,
                                          OPT_DROP_LABELS,
                                          OPT_CLEAN,
                                          OPT_ANONYMOUS,
                                          OPT_LANG,
                                          OPT_JSON,
                                          OPTIONS};
static const option_id verify_options[] = {OPT_JSON, OPT_JSONL, OPT_OUTPUT, OPTIONS};
static const option_id report_options[] = {OPT_REPORT_DIR, OPT_LANG, OPTIONS};
static const option_id gate_options[] = {OPT_RULES, OPT_JSON, OPT_JSONL, OPT_OUTPUT, OPTIONS};
static const option_id compare_options[] = {OPT_BASELINE,  OPT_ONLY,        OPT_PRED_COLUMN, COLUMN_OPTIONS,
                                            OPT_LABEL_MAP, OPT_DROP_LABELS, OPT_LABELS_ONLY, OPT_PRIMARY,
                                            OPT_MARGIN,    OPT_ALPHA,       OPT_POWER,       OPT_BOOTSTRAP,
                                            OPT_JSON,      OPT_JSONL,       OPT_OUTPUT,      OPTIONS};
static const option_id bench_options[] = {MODEL_OPTIONS,     OPT_SHAPES,   OPT_VARIANTS,    OPT_LEVELS,
                                          OPT_THREAD_COUNTS, OPT_COMPUTES, OPT_MIN_SECONDS, OPT_JSON,
                                          OPT_JSONL,         OPT_OUTPUT,   OPTIONS};

const verb verbs[] = {
    {"predict", "classify texts", "[OPTION]... TEXT... | --data FILE",
     "Classifies each TEXT, or each row of FILE. A single - as TEXT, or --data -, reads lines from standard input,\n"
     "one text a line; with --text-column or --header, --data - is a table like a file.\n"
     "Put -- before texts that begin with a dash.",
     "  timbang predict \"Filmnya bagus sekali\"\n"
     "  timbang predict --model my-model --data reviews.csv --jsonl > labels.jsonl\n"
     "  cat lines.txt | timbang predict - -o labels.tsv\n",
     predict_options, -1, run_predict},
    {"tokenize", "show token ids, tokens and offsets", "[OPTION]... TEXT... | --data FILE",
     "What AutoTokenizer gives with truncation to 512 tokens (--max-length), whatever truncation or padding the\n"
     "tokenizer's file stores. The model needs no weights. Offsets count characters, the end is exclusive.",
     "  timbang tokenize \"Filmnya bagus sekali\"\n"
     "  timbang tokenize --model indobert-base-p2 --data reviews.tsv --jsonl\n",
     tokenize_options, -1, run_tokenize},
    {"info", "show what is inside a model", "[OPTION]... [MODEL|FILE]",
     "Tensors, scheme, labels and bytes by part of a model folder or of one file of weights. --cpu tells which\n"
     "CPU level is used (TIMBANG_CPU=scalar|avx2|avx512 lowers it).",
     "  timbang info my-model\n"
     "  timbang info my-model/pytorch_model.bin --json\n"
     "  timbang info --cpu\n",
     info_options, 1, run_info},
    {"init", "make a model with random weights", "[OPTION]... CONFIG -o DIR",
     "Random weights, reproducible by --seed, at the shape of a config.json (the file or its folder). Tokenizer\n"
     "files beside it travel along.",
     "  timbang init indobert-base-p2/config.json -o random-base --seed 1\n", init_options, 1, run_init},
    {"quantize", "make a smaller model", "[OPTION]... MODEL --to SCHEME -o DIR",
     "Post-training quantization by rounding to nearest. The folder that is written loads in timbang and in\n"
     "transformers with compressed-tensors.",
     "  timbang quantize my-model --to int8 -o my-model-int8\n"
     "  timbang quantize my-model --to int4 --group 64 --embeddings int4 -o my-model-int4\n"
     "  timbang quantize my-model --to int4 --calib texts.tsv -o my-model-int4\n"
     "  timbang quantize --weights qat.pt --config my-model --to int8 -o my-model-int8\n",
     quantize_options, 1, run_quantize},
    {"eval", "one model on one labelled set", "[OPTION]... [--model MODEL] --data FILE",
     "Accuracy with its interval, F1, calibration, confusion and latency. Without --restrict-labels predictions\n"
     "are over all classes of the model, and macro-F1 is over the classes that occur in the truth.",
     "  timbang eval --model my-model --data test.tsv\n"
     "  timbang eval --model my-model --data tweets.csv --label-map 0=positive,1=neutral,2=negative --json\n",
     eval_options, 1, run_eval},
    {"study", "quantize, run and compare: the main job", "[OPTION]... [--model [NAME=]DIR]... --data [NAME=]FILE...",
     "Makes the variants of every model, runs all of them on all sets, prints the table and writes results.json,\n"
     "report.html and predictions to the folder (timbang-study without -o). The primary figure, the margin of\n"
     "equivalence and the other choices of the tests are fixed, hashed and written before a data file is opened:\n"
     "--plan prints them. An interrupted study keeps what it has finished in DIR.partial; the same command with\n"
     "--resume goes on from there. Folders that train wrote, with quantization or with several seeds, are taken as a\n"
     "whole; then the roadmap from the base model to QAT stands in one table, with paired tests between its rows.",
     "  timbang study --data test.tsv\n"
     "  timbang study --model base=my-model --data clean=test.tsv --data tweets=tweets.csv \\\n"
     "      --variants fp32,fp16,int8,int4 --null 99 -o my-study\n"
     "  timbang study --model my-model --data test.tsv --margin 0.02 --plan > plan.json\n"
     "  timbang study --model base=my-base --model tuned=my-tuned --model qat=my-qat --control my-control \\\n"
     "      --data test.tsv --primary macro_f1 -o roadmap\n"
     "  timbang study --model my-model --data test.tsv --plan-file plan.json -o my-study\n",
     study_options, -1, run_study},
    {"train", "fine-tune a model, or train it quantized", "[OPTION]... MODEL --data FILE --valid FILE -o DIR",
     "Fine-tunes a Hugging Face folder with float weights: AdamW with a linear schedule, evaluation on --valid after\n"
     "each epoch, the checkpoint of the best macro-F1 is kept. Without options it trains as studies do (rate 2e-5,\n"
     "batch 16, 3 epochs, length 128); a model below 30 M parameters needs larger steps and gets rate 2e-4, batch 32,\n"
     "4 epochs. --qat trains through the integer kernels, so that DIR needs no conversion: it is what timbang "
     "quantize\n"
     "makes of DIR/master. An interrupted training keeps its state in DIR.partial; the same command with --resume "
     "goes\n"
     "on from there and ends in the same bits. docs/training.md tells more.",
     "  timbang train my-base --data train.tsv --valid valid.tsv -o my-model\n"
     "  timbang train my-base --data train.tsv --valid valid.tsv --seeds 42,123,456 -o my-seeds\n"
     "  timbang train my-model --data train.tsv --valid valid.tsv --qat int4 -o my-qat\n"
     "  timbang train my-model --data train.tsv --valid valid.tsv --control -o my-control\n"
     "  timbang train my-base --task mlm --data texts.txt -o my-domain-base\n",
     train_options, 1, run_train},
    {"report", "draw a study's report again", "[OPTION]... DIR|results.json",
     "Draws report.html, tables, figures and methods again from results.json alone, and prints the table. Of the\n"
     "folder of a training: report.html, from log.jsonl and run.json alone.",
     "  timbang report my-study\n"
     "  timbang report my-study --lang id -o laporan\n",
     report_options, 1, run_report},
    {"verify", "repeat a study, compare every bit", "[OPTION]... DIR",
     "Repeats a finished study from its record, without timings, and says how many logits have the same bits as\n"
     "those in its predictions.jsonl. Ends with 1 when not all of them have.",
     "  timbang verify my-study\n", verify_options, 1, run_verify},
    {"compare", "test predictions that exist already", "[OPTION]... [NAME=]STUDY|FILE...",
     "Puts the predictions of studies (the folder or its results.json) and of other tools (CSV, TSV or JSONL with\n"
     "columns text, true_label, pred_label and, where there are any, probabilities such as prob_positive) side by\n"
     "side, with the tests of a study: the first input is the baseline. Rows are matched by their texts, without\n"
     "texts by their order. -o FILE.csv writes a row for each input. docs/compare.md tells more.",
     "  timbang compare fp32.csv int8.csv int4.csv\n"
     "  timbang compare before=old-study after=new-study --only 'int8 on test' --only fp32\n"
     "  timbang compare a.csv b.csv --label-column sentiment --label-map 0=positive,1=neutral,2=negative -o out.json\n",
     compare_options, -1, run_compare},
    {"gate", "hold a study against rules", "[OPTION]... DIR|results.json --rules FILE",
     "A rule a line: [MODEL/]VARIANT DATA FIGURE COMPARISON BOUND. Figures have their names in results.json; a\n"
     "bound is a number with a unit, true or false, or a part of another variant's figure. Ends with 1 when a rule\n"
     "does not hold, with 2 when one covers nothing. docs/gates.md tells more.",
     "  timbang gate my-study --rules release.rules\n"
     "  echo 'int8 * accuracy >= 0.99 * fp32' | timbang gate my-study --rules -\n"
     "  echo '* size_bytes <= 200 MB' | timbang gate my-study/results.json --rules - --json\n",
     gate_options, 1, run_gate},
    {"bench", "time the forward pass", "[OPTION]... [--model MODEL]",
     "Random token ids of the given shapes through every variant, on every CPU level and number of threads that is\n"
     "asked for, in turns; compare only figures of one run. The variant as-is is the model as it lies there. GOPS are\n"
     "the operations that the linear layers need (a multiplication and its addition are two) over the time of the\n"
     "whole pass, beside what a loop without memory reaches on the same threads; GB/s the bytes of packed weights\n"
     "over that time, beside plain reading of as many bytes. --json has all figures: docs/results.md.",
     "  timbang bench --model my-model --shapes 1x16,1x128,mixed8 --variants fp32,int8,int4\n"
     "  timbang bench --model my-model-int8 --levels avx2,avx512 --thread-counts 1,2\n"
     "  timbang bench --model my-model --variants fp32,int8 --compute fp32,bf16\n",
     bench_options, 1, run_bench},
    {NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL},
};

const verb *find_verb(const char *name)
{
    for (const verb *v = verbs; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

bool verb_has(const verb *v, option_id id)
{
    bool replaced = false;
    for (const option_id *o = v->options; *o != OPTIONS; o++) {
        if (*o == id)
            return true;
        replaced = replaced || strcmp(option_specs[*o].name, option_specs[id].name) == 0;
    }
    if (replaced)
        return false;
    for (const option_id *o = common_options; *o != OPTIONS; o++)
        if (*o == id)
            return true;
    return false;
}

static bool named(option_id id, const char *name, size_t length)
{
    return strlen(option_specs[id].name) == length && memcmp(option_specs[id].name, name, length) == 0;
}

option_id find_option(const verb *v, const char *name, size_t length)
{
    for (option_id id = 0; id < OPTIONS; id++)
        if (named(id, name, length) && verb_has(v, id))
            return id;
    return OPTIONS;
}

option_id find_letter(const verb *v, char letter)
{
    for (option_id id = 0; id < OPTIONS; id++)
        if (option_specs[id].letter == letter && verb_has(v, id))
            return id;
    return OPTIONS;
}

bool any_verb_has(const char *name, size_t length)
{
    for (option_id id = 0; id < OPTIONS; id++)
        if (named(id, name, length))
            return true;
    return false;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance with transpositions (optimal string alignment); names longer than the bound count as far. */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t n = strlen(a), m = strlen(b), d[LONGEST + 1][LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

/* Keeps the closer of best and name; close is a third of the letters, or a beginning of at least three. */
static void consider(const char *word, const char *name, const char **best, size_t *best_distance)
{
    size_t length = strlen(word), far = distance(word, name), close = length < 4 ? 1 : (length + 1) / 3;
    if (length >= 3 && strncmp(word, name, length) == 0)
        far = 1;
    if (far <= close && far < *best_distance) {
        *best = name;
        *best_distance = far;
    }
}

const char *closest_option(const verb *v, const char *name)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (option_id id = 0; id < OPTIONS; id++)
        if (verb_has(v, id))
            consider(name, option_specs[id].name, &best, &best_distance);
    return best;
}

size_t closest_choice(const char *choices, const char *text, const char **word)
{
    size_t best_distance = SIZE_MAX, best_length = 0;
    for (const char *c = choices; *c; c += strspn(c, "|")) {
        char one[48];
        size_t length = strcspn(c, "|");
        const char *best = NULL;
        if (length < sizeof one) {
            memcpy(one, c, length);
            one[length] = '\0';
            consider(text, one, &best, &best_distance);
        }
        if (best) {
            *word = c;
            best_length = length;
        }
        c += length;
    }
    return best_length;
}

const char *closest_verb(const char *name)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (const verb *v = verbs; v->name; v++)
        consider(name, v->name, &best, &best_distance);
    return best;
}
