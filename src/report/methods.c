/* SPDX-License-Identifier: Apache-2.0
 * methods.tex and references.bib: what was done in this run, in words, for the section of a paper. Here: the frame, the
 * models, the schemes, the data, the clock; methods_tests.c has the statistics.
 * Includes: report/tables.h, report/methods_parts.h, report/tables_parts.h (LaTeX), report/html.h (the meter's name).
 * Called by: report/write. */
#include "report/html.h"
#include "report/methods_parts.h"
#include "report/tables.h"
#include "report/tables_parts.h"

#include "base/io.h"

#include <stdlib.h>
#include <string.h>

/* ---- Sentences ---- */

void tb_methods_say(tb_methods *m, const char *en, const char *id)
{
    for (const char *at = tb_report_say(m->report, en, id); *at;) {
        size_t plain = strcspn(at, "@");
        tb_text_append(m->out, at, plain);
        at += plain;
        if (*at) {
            size_t keys = strcspn(at + 1, "@");
            tb_methods_cite(m, at + 1, keys);
            at += 1 + keys + (at[1 + keys] == '@');
        }
    }
}

void tb_methods_paragraph(tb_methods *m, const char *en, const char *id)
{
    tb_text_printf(m->out, "\n\\paragraph{%s}\n", tb_report_say(m->report, en, id));
}

static void put_count(tb_methods *m, uint64_t n)
{
    tb_text_printf(m->out, "%llu", (unsigned long long)n);
}

/* A number with its noun, which English bends. */
static void put_counted(tb_methods *m, uint64_t n, const char *one, const char *many, const char *id)
{
    tb_text_printf(m->out, "%llu %s", (unsigned long long)n, tb_report_say(m->report, n == 1 ? one : many, id));
}

/* A hash may break anywhere. */
static void put_hash(tb_methods *m, const char *hash)
{
    tb_text_puts(m->out, "SHA-256~{\\small\\texttt{");
    for (size_t i = 0; hash[i]; i++) {
        tb_text_puts(m->out, i > 0 && i % 4 == 0 ? "\\allowbreak{}" : "");
        char one[2] = {hash[i], '\0'};
        tb_latex_text(m->out, one);
    }
    tb_text_puts(m->out, "}}");
}

static void put_separator(tb_methods *m, size_t i, size_t n)
{
    if (i > 0)
        tb_text_puts(m->out, i + 1 == n ? tb_report_say(m->report, " and ", " dan ") : ", ");
}

/* ---- Models ---- */

static void put_model(tb_methods *m, const tb_report_model *model)
{
    tb_text_puts(m->out, "\\emph{");
    tb_latex_prose(m->out, model->name);
    tb_text_printf(m->out, "} (%.1f ", (double)model->parameters / 1e6);
    tb_methods_say(m, "million parameters, ", "juta parameter, ");
    put_counted(m, model->layers, "layer", "layers", "lapis");
    tb_methods_say(m, " of hidden size ", " berukuran ");
    put_count(m, model->hidden);
    tb_methods_say(m, "; labels ", "; label ");
    for (size_t i = 0; i < model->n_labels; i++) {
        put_separator(m, i, model->n_labels);
        tb_latex_prose(m->out, model->labels[i]);
    }
    for (size_t i = 0; i < model->n_weights; i++) {
        tb_methods_say(m, i == 0 ? "; weights " : ", ", i == 0 ? "; bobot " : ", ");
        put_hash(m, model->weights[i].sha256);
    }
    tb_text_puts(m->out, ")");
    if (model->untrained_head)
        tb_methods_say(m, ", whose classification head is new and random, so that its accuracies mean nothing",
                       ", yang \\emph{head} klasifikasinya baru dan acak sehingga akurasinya tidak bermakna");
    if (model->shipped_quantized)
        tb_methods_say(m, ", whose file was quantized already and was run as it is",
                       ", yang berkasnya sudah terkuantisasi dan dijalankan apa adanya");
}

static void put_models(tb_methods *m)
{
    const tb_report *r = m->report;
    bool embedded = false;
    tb_methods_paragraph(m, "Models.", "Model.");
    tb_methods_say(m, "The study runs ", "Studi ini menjalankan ");
    put_counted(m, r->n_models, "text classifier", "text classifiers", "pengklasifikasi teks");
    tb_methods_say(m, " of the BERT family~@devlin2019@: ", " dari keluarga BERT~@devlin2019@: ");
    for (size_t i = 0; i < r->n_models; i++) {
        put_separator(m, i, r->n_models);
        put_model(m, &r->models[i]);
        embedded = embedded || r->models[i].embedded;
    }
    tb_text_puts(m->out, ".\n");
    if (embedded)
        tb_methods_say(m,
                       "The model that comes with the program is a small one, fine-tuned on the training part of "
                       "SmSA~@wilie2020@; what is found with it does not transfer to an "
                       "IndoBERT~@wilie2020,koto2020@, which has to be studied itself.\n",
                       "Model bawaan program berukuran kecil dan dilatih pada bagian latih SmSA~@wilie2020@; temuan "
                       "dengannya tidak berlaku bagi IndoBERT~@wilie2020,koto2020@, yang harus diteliti sendiri.\n");
}

/* ---- Schemes ---- */

typedef struct scheme_text {
    const char *name; /* a variant's name begins with it */
    const char *en, *id;
} scheme_text;

/* The longest name that fits is the one; what distinguishes groups and embeddings is said beside it. */
static const scheme_text schemes[] = {
    {"fp32", "weights and activations in binary32", "bobot dan aktivasi dalam binary32"},
    {"fp16", "weights stored in binary16 and expanded to binary32 before the product",
     "bobot disimpan dalam binary16 dan diperluas ke binary32 sebelum perkalian"},
    {"bf16", "weights stored in bfloat16 and expanded to binary32 before the product",
     "bobot disimpan dalam bfloat16 dan diperluas ke binary32 sebelum perkalian"},
    {"int8",
     "weights as integers in $[-127, 127]$ with one scale an output channel, activations quantized at run time with "
     "one "
     "scale a token, integer matrix products~@jacob2018@, embeddings in 8 bits with one scale a row",
     "bobot sebagai bilangan bulat dalam $[-127, 127]$ dengan satu skala per kanal keluaran, aktivasi dikuantisasi "
     "saat "
     "berjalan dengan satu skala per token, perkalian matriks bilangan bulat~@jacob2018@, embedding 8 bit dengan satu "
     "skala per baris"},
    {"int8-pertensor",
     "a baseline after PyTorch's dynamic quantization: one scale a weight tensor, activations in affine unsigned 8 "
     "bits "
     "with one range a text, float embeddings",
     "pembanding menurut kuantisasi dinamis PyTorch: satu skala per tensor bobot, aktivasi 8 bit tak bertanda afin "
     "dengan satu rentang per teks, embedding float"},
    {"int4",
     "weights in 4 bits, two levels: integers in $[-8, 7]$ times an integer multiplier in $[1, 15]$ a group of "
     "weights, on "
     "one scale a channel, so that a group unpacks to 8 bits exactly (progressive group quantization~@lin2025@); "
     "activations, pooler and classifier as in INT8",
     "bobot 4 bit, dua tingkat: bilangan bulat dalam $[-8, 7]$ kali pengali bulat dalam $[1, 15]$ per kelompok bobot, "
     "di "
     "atas satu skala per kanal, sehingga satu kelompok terurai tepat ke 8 bit (kuantisasi kelompok "
     "progresif~@lin2025@); aktivasi, pooler, dan pengklasifikasi seperti INT8"},
    {"int4-pertensor",
     "a baseline: the largest magnitude divided by 7 as the one scale of a weight tensor, float activations and "
     "embeddings",
     "pembanding: nilai mutlak terbesar dibagi 7 sebagai satu-satunya skala tensor bobot, aktivasi dan embedding "
     "float"},
};

static const scheme_text *scheme_of(const char *variant)
{
    const scheme_text *found = NULL;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i].name);
        if (strncmp(variant, schemes[i].name, n) == 0 && (variant[n] == '\0' || variant[n] == '-') &&
            (!found || n > strlen(found->name)))
            found = &schemes[i];
    }
    return found;
}

static bool seen_before(const tb_report *r, size_t v)
{
    for (size_t i = 0; i < v; i++)
        if (strcmp(r->variants[i].name, r->variants[v].name) == 0)
            return true;
    return false;
}

static void put_group(tb_methods *m, const char *variant)
{
    int group = strstr(variant, "-g128") ? 128 : strstr(variant, "-g64") ? 64 : 32;
    tb_text_printf(m->out, "; %s %d", tb_report_say(m->report, "groups of", "kelompok berisi"), group);
    if (strstr(variant, "-e4"))
        tb_methods_say(m, ", word embeddings in 4 bits", ", embedding kata 4 bit");
    else
        tb_methods_say(m, ", embeddings in 8 bits", ", embedding 8 bit");
}

/* A scheme that several variants share is explained at the first of them. */
static bool explained_before(const tb_report *r, size_t v, const scheme_text *scheme)
{
    for (size_t i = 0; i < v; i++)
        if (scheme_of(r->variants[i].name) == scheme)
            return true;
    return false;
}

static void put_scheme(tb_methods *m, size_t v)
{
    const char *name = m->report->variants[v].name;
    const scheme_text *scheme = scheme_of(name);
    tb_text_puts(m->out, "\\item[\\texttt{");
    tb_latex_text(m->out, name);
    tb_text_puts(m->out, "}] ");
    if (!scheme) {
        tb_methods_say(m, "the scheme of the model's own file", "skema dari berkas model itu sendiri");
    } else if (explained_before(m->report, v, scheme)) {
        tb_methods_say(m, "as ", "seperti ");
        tb_text_printf(m->out, "\\texttt{%s}", scheme->name);
    } else
        tb_methods_say(m, scheme->en, scheme->id);
    if (scheme && strcmp(scheme->name, "int4") == 0)
        put_group(m, name);
    tb_text_puts(m->out, ".\n");
}

static bool was_run(const tb_report *r, const char *scheme)
{
    size_t n = strlen(scheme);
    for (size_t v = 0; v < r->n_variants; v++) {
        const char *name = r->variants[v].name;
        if (strncmp(name, scheme, n) == 0 && (name[n] == '\0' || name[n] == '-'))
            return true;
    }
    return false;
}

/* Biases and layer normalization, for the schemes of this run. */
static void put_vectors(tb_methods *m)
{
    bool integers = was_run(m->report, "int8") || was_run(m->report, "int4");
    bool fp16 = was_run(m->report, "fp16"), bf16 = was_run(m->report, "bf16");
    if (integers)
        tb_methods_say(m, "In the integer schemes biases and layer normalization stay in binary32",
                       "Pada skema bilangan bulat, bias dan normalisasi lapis tetap binary32");
    if (fp16 || bf16) {
        if (!integers)
            tb_methods_say(m, "Biases and layer normalization are stored in 16 bits too in ",
                           "Bias dan normalisasi lapis juga disimpan dalam 16 bit pada ");
        else
            tb_text_puts(m->out, "; ");
        tb_text_puts(m->out, fp16 ? "\\texttt{fp16}" : "");
        if (fp16 && bf16)
            tb_methods_say(m, " and ", " dan ");
        tb_text_puts(m->out, bf16 ? "\\texttt{bf16}" : "");
        if (integers && fp16 && bf16)
            tb_methods_say(m, " store them in 16 bits too", " juga menyimpannya dalam 16 bit");
        else if (integers)
            tb_methods_say(m, " stores them in 16 bits too", " juga menyimpannya dalam 16 bit");
    }
    if (integers || fp16 || bf16)
        tb_text_puts(m->out, ".\n");
}

static void put_schemes(tb_methods *m)
{
    tb_methods_paragraph(m, "Schemes.", "Skema.");
    tb_methods_say(
        m,
        "Each model was run in these variants, made from its weights by rounding to nearest, without training "
        "and without calibration data:\n\\begin{description}\n",
        "Setiap model dijalankan dalam varian berikut, yang dibuat dari bobotnya dengan pembulatan terdekat, "
        "tanpa pelatihan dan tanpa data kalibrasi:\n\\begin{description}\n");
    for (size_t v = 0; v < m->report->n_variants; v++)
        if (!seen_before(m->report, v))
            put_scheme(m, v);
    tb_text_puts(m->out, "\\end{description}\n");
    put_vectors(m);
    tb_methods_say(
        m,
        "Sizes are bytes on disk, as a ratio of 4 bytes a parameter. The arithmetic is defined so that logits have "
        "the same bits for any number of threads, any batch and any processor.\n",
        "Ukuran adalah byte di disk, sebagai rasio terhadap 4 byte per parameter. Aritmetikanya didefinisikan "
        "sehingga logit memiliki bit yang sama untuk jumlah utas, batch, dan prosesor apa pun.\n");
}

/* ---- Data ---- */

static void put_labels(tb_methods *m, const json_t *counts)
{
    size_t i = 0;
    json_t *object = (json_t *)(uintptr_t)counts;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        tb_text_puts(m->out, i++ > 0 ? ", " : "");
        tb_latex_prose(m->out, json_object_iter_key(at));
        tb_text_printf(m->out, " %lld", (long long)json_integer_value(json_object_iter_value(at)));
    }
}

static void put_set(tb_methods *m, const tb_report_set *set)
{
    tb_text_puts(m->out, "\\emph{");
    tb_latex_prose(m->out, set->name);
    tb_text_puts(m->out, "}: ");
    put_counted(m, set->rows, "text", "texts", "teks");
    tb_text_puts(m->out, " (");
    put_labels(m, set->label_counts);
    tb_text_puts(m->out, ")");
    if (set->sha256) {
        tb_text_puts(m->out, ", ");
        put_hash(m, set->sha256);
    }
    tb_text_puts(m->out, ". ");
    if (set->duplicates_exact == 0 && set->duplicates_normalized == 0)
        tb_methods_say(m, "No text repeats an earlier one", "Tidak ada teks yang mengulang teks sebelumnya");
    else {
        put_count(m, set->duplicates_exact);
        tb_methods_say(m, " rows repeat an earlier one exactly, ", " baris mengulang baris sebelumnya secara persis, ");
        put_count(m, set->duplicates_normalized);
        tb_methods_say(m, " do when only letters and digits are compared, ",
                       " bila hanya huruf dan angka yang dibandingkan, ");
        put_count(m, set->conflicting);
        tb_methods_say(m, " of these with another label", " di antaranya dengan label lain");
    }
    if (set->train) {
        tb_methods_say(m, "; in the training file, ", "; pada berkas latih, ");
        put_count(m, set->train_exact);
        tb_methods_say(m, " are found exactly and ", " ditemukan persis dan ");
        put_count(m, set->train_normalized);
        tb_methods_say(m, " by letters and digits", " menurut huruf dan angka");
    }
    tb_text_puts(m->out, ".\n");
}

/* Says it once where any result has fewer labels in the truth than the model has. */
static void put_label_rule(tb_methods *m)
{
    for (size_t i = 0; i < m->report->n_results; i++) {
        const tb_report_result *r = &m->report->results[i];
        if (r->restricted)
            tb_methods_say(
                m,
                "Where a set lacks some of a model's labels, predictions were restricted to the labels that it "
                "holds.\n",
                "Bila suatu set tidak memuat sebagian label model, prediksi dibatasi pada label yang "
                "dimuatnya.\n");
        else if (r->labels_present < r->n_classes)
            tb_methods_say(
                m,
                "Where a set lacks some of a model's labels, predictions are over all labels of the model, and "
                "macro averages over the labels that the set holds.\n",
                "Bila suatu set tidak memuat sebagian label model, prediksi tetap atas semua label model, "
                "dan rerata makro atas label yang dimuat set itu.\n");
        else
            continue;
        return;
    }
}

static void put_data(tb_methods *m)
{
    const tb_report *r = m->report;
    tb_methods_paragraph(m, "Data.", "Data.");
    for (size_t s = 0; s < r->n_sets; s++)
        put_set(m, &r->sets[s]);
    put_label_rule(m);
    if (r->clean && r->clean[0]) {
        tb_methods_say(m, "Texts were cleaned before tokenization, for every variant alike: ",
                       "Teks dibersihkan sebelum tokenisasi, sama untuk semua varian: ");
        tb_latex_prose(m->out, r->clean);
        tb_text_puts(m->out, ".\n");
    } else
        tb_methods_say(m, "Texts were tokenized as they stand in the file. ",
                       "Teks ditokenisasi sebagaimana adanya dalam berkas. ");
    uint64_t truncated = 0;
    for (size_t i = 0; i < r->n_results; i++)
        truncated = r->results[i].truncated > truncated ? r->results[i].truncated : truncated;
    tb_methods_say(m, "The longest input was ", "Panjang masukan paling besar ");
    if (r->max_length > 0)
        put_counted(m, r->max_length, "token", "tokens", "token");
    else
        tb_methods_say(m, "what each model allows, at most 512 tokens",
                       "sesuai batas tiap model, paling banyak 512 token");
    if (truncated > 0) {
        tb_methods_say(m, "; up to ", "; paling banyak ");
        put_counted(m, truncated, "text", "texts", "teks");
        tb_methods_say(m, " of a set were cut to it", " dari satu set dipotong");
    } else
        tb_methods_say(m, "; no text was cut", "; tidak ada teks yang dipotong");
    tb_text_puts(m->out, ".\n");
}

/* ---- Time, energy, versions ---- */

typedef struct count_range {
    uint64_t low, high;
} count_range;

static count_range widened(count_range range, uint64_t n, bool first)
{
    return (count_range){first || n < range.low ? n : range.low, first || n > range.high ? n : range.high};
}

/* "10 rounds", "10 to 20 rounds". */
static void put_range(tb_methods *m, count_range range, const char *one, const char *many, const char *id)
{
    if (range.low < range.high) {
        put_count(m, range.low);
        tb_methods_say(m, " to ", " sampai ");
    }
    put_counted(m, range.high, one, many, id);
}

static void put_energy(tb_methods *m)
{
    tb_methods_say(m, "Energy: ", "Energi: ");
    if (m->report->energy_available)
        tb_methods_say(m, "measured in joules a text, from ", "diukur dalam joule per teks, dari ");
    else
        tb_methods_say(m, "not available, and not estimated; ", "tidak tersedia, dan tidak diperkirakan; ");
    tb_latex_prose(m->out, m->report->energy_source ? tb_html_energy(m->report) : "");
    tb_text_puts(m->out, ".\n");
}

static void put_latency(tb_methods *m)
{
    const tb_report *r = m->report;
    count_range texts = {0}, rounds = {0};
    for (size_t i = 0; i < r->n_results; i++) {
        texts = widened(texts, r->results[i].timed_texts, i == 0);
        rounds = widened(rounds, r->results[i].timed_rounds, i == 0);
    }
    tb_methods_paragraph(m, "Latency.", "Latensi.");
    tb_methods_say(m, "Times were measured on ", "Waktu diukur pada ");
    if (r->cpu)
        tb_latex_prose(m->out, r->cpu);
    else
        tb_methods_say(m, "one processor", "satu prosesor");
    tb_methods_say(m, " with ", " dengan ");
    put_counted(m, r->threads, "thread", "threads", "utas");
    tb_methods_say(m, " and kernels for ", " dan kernel untuk ");
    tb_text_puts(m->out, "\\texttt{");
    tb_latex_text(m->out, r->level);
    tb_methods_say(m, "}: ", "}: ");
    put_range(m, texts, "text", "texts", "teks");
    tb_methods_say(
        m,
        " of a set, spread evenly over its lengths, one at a time at their real length and without padding. Models "
        "and variants took short turns, again and again, each of which begins with a text that is not timed, with ",
        " per set yang tersebar merata menurut panjangnya, satu demi satu dengan panjang asli dan tanpa pengisi. "
        "Model dan varian bergiliran singkat berulang kali, dan setiap giliran dimulai dengan satu teks yang tidak "
        "diukur; seluruhnya ");
    put_range(m, rounds, "round", "rounds", "putaran");
    tb_methods_say(
        m,
        " over the texts for each variant. Tokenizing and the forward pass were timed apart. The level is the lower "
        "decile over the turns of a turn's mean, because other programs only ever make a text slower; a text's share "
        "of it is its median over the turns. As timings of one run are no independent samples, variants are compared "
        "by the median over the turns of paired ratios, and no test is made of them. The 95\\,\\% intervals come from "
        "400 resamplings of whole turns in blocks of a fifth of them, widened by Student's $t$ for the number of "
        "blocks, and but for ratios as if the machine's moods lasted for a minute. Texts a second are of the whole "
        "set in batches.\n",
        " atas teks itu untuk tiap varian. Tokenisasi dan langkah maju diukur terpisah. Tarafnya adalah desil bawah "
        "atas giliran dari rerata satu giliran, karena program lain hanya dapat memperlambat; bagian sebuah teks "
        "adalah mediannya atas giliran. Karena pengukuran waktu dari satu proses bukan sampel yang saling bebas, "
        "varian dibandingkan dengan median atas giliran dari rasio berpasangan, dan tidak diuji. Selang 95\\,\\% "
        "berasal dari 400 pengambilan ulang giliran utuh dalam blok seperlima dari semuanya, dilebarkan menurut $t$ "
        "Student untuk banyaknya blok, dan selain untuk rasio seakan-akan gangguan mesin berlangsung satu menit. "
        "Teks per detik adalah untuk seluruh set per batch.\n");
    put_energy(m);
}

static void put_versions(tb_methods *m)
{
    const tb_report *r = m->report;
    tb_methods_paragraph(m, "Software.", "Perangkat lunak.");
    tb_methods_say(m, "Timbang ", "Timbang ");
    tb_latex_text(m->out, r->version);
    tb_methods_say(m, ", begun ", ", dimulai ");
    tb_latex_text(m->out, r->started);
    tb_text_printf(m->out, ", %.0f ", r->seconds);
    tb_methods_say(m, "seconds", "detik");
    if (r->resumed > 0) {
        tb_methods_say(m, ", continued after interruptions: ", ", dilanjutkan setelah terputus: ");
        put_count(m, r->resumed);
    }
    tb_text_puts(m->out, ".\n");
    if (r->command) {
        tb_methods_say(m, "The command was ", "Perintahnya ");
        tb_text_puts(m->out, "{\\small\\ttfamily ");
        tb_latex_prose(m->out, r->command);
        tb_text_puts(m->out, "}.\n");
    }
    tb_methods_say(
        m,
        "Every figure can be computed again from the record of the logits, and \\texttt{timbang verify} repeats "
        "the run. Figures of the literature that are set beside ours come from~@hasan2024@ and from the printed "
        "tables of a study of a fine-tuned IndoBERT~@wilie2020@ with per-tensor schemes.\n",
        "Setiap angka dapat dihitung ulang dari catatan logit, dan \\texttt{timbang verify} mengulang prosesnya. "
        "Angka pustaka yang disandingkan berasal dari~@hasan2024@ dan dari tabel tercetak sebuah studi IndoBERT "
        "terlatih~@wilie2020@ dengan skema per-tensor.\n");
}

/* ---- The files ---- */

static void put_methods(tb_methods *m)
{
    tb_text_printf(
        m->out,
        "%% Made by timbang %s from results.json, to be read with \\input. The sources are in references.bib:\n"
        "%% \\bibliographystyle{plain} \\bibliography{references}\n\\section{%s}\n\\begingroup\\sloppy\n",
        m->report->version, tb_report_say(m->report, "Methods", "Metode"));
    put_models(m);
    put_schemes(m);
    put_data(m);
    tb_methods_plan(m);
    tb_methods_figures(m);
    tb_methods_tests(m);
    tb_methods_null(m);
    tb_methods_seeds(m);
    tb_methods_roadmap(m);
    put_latency(m);
    put_versions(m);
    tb_text_puts(m->out, "\\par\\endgroup\n");
}

static timbang_status write_text(const tb_text *text, const char *folder, const char *name, tb_error *err)
{
    TB_TRY(tb_text_finish(text, err));
    char *path = tb_path_join(folder, name, err);
    timbang_status status = path ? tb_write_file(path, text->data ? text->data : "", text->length, err) : err->status;
    free(path);
    return status;
}

timbang_status tb_methods_write(const tb_report *report, const char *folder, tb_error *err)
{
    tb_text text = {0}, references = {0};
    tb_methods methods = {.report = report, .out = &text};
    put_methods(&methods);
    tb_methods_sources(&references, &methods);
    timbang_status status = write_text(&text, folder, "methods.tex", err);
    if (status == TIMBANG_OK)
        status = write_text(&references, folder, "references.bib", err);
    tb_text_free(&text);
    tb_text_free(&references);
    return status;
}
