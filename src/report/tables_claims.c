/* SPDX-License-Identifier: Apache-2.0
 * What the literature claims, and what this run measured for the same quantity.
 * Includes: report/tables.h, report/tables_parts.h. Called by: report/tables, report/html. */
#include "report/tables.h"
#include "report/tables_parts.h"

#include <math.h>
#include <string.h>

/* ---- What is claimed ---- */

typedef enum quantity {
    SIZE_RATIO,  /* bytes / FP32 bytes */
    SIZE_CHANGE, /* the same, minus 1 */
    THROUGHPUT,  /* texts a second / FP32's */
    TIME_RATIO,  /* mean time of a text / FP32's */
    SPEED_UP,    /* FP32's mean time / the variant's */
    ENERGY_CHANGE,
    ACCURACY /* minus FP32's */
} quantity;

typedef enum about { ANY_HEAD, TRAINED, UNTRAINED } about;

typedef struct literature {
    const char *source_en, *source_id;
    about head; /* of the models that were measured there */
    const char *scheme;
    quantity what;
    const char *claimed;
} literature;

#define PAPER  "arXiv:2411.06084", "arXiv:2411.06084", ANY_HEAD
#define SIZES  "IndoBERT per-tensor study, files", "studi IndoBERT per-tensor, berkas", ANY_HEAD
#define SMSA   "IndoBERT per-tensor study, SmSA", "studi IndoBERT per-tensor, SmSA", TRAINED
#define TWEETS "IndoBERT per-tensor study, tweets", "studi IndoBERT per-tensor, twit", TRAINED
#define NO_HEAD                                                                                                        \
    "IndoBERT per-tensor study, untrained head, SmSA", "studi IndoBERT per-tensor, head belum dilatih, SmSA", UNTRAINED
#define QAT "IndoBERT QAT, ONNX Runtime", "QAT IndoBERT, ONNX Runtime", ANY_HEAD

/* Ratios of that study's printed figures: 474.79, 237.43, 230.15 and 230.12 MB; FP32, FP16, INT8, INT4 in mean
 * milliseconds 57.4, 169.7, 55.3, 86.4 (SmSA), 67.4, 298, 114, 204 (tweets), 58.9, 207, 99, 152 (untrained), in percent
 * 90.6, 90.6, 90.8, 89.8; 82.23, 82.23, 81.90, 83.67; 43.4, 43.4, 43.6, 31.2. QAT: 87.6 to 86.4 %, 74.3 to 31.4 ms, 475
 * to 119.5 MB. */
static const literature claims_made[] = {
    {PAPER, "int8", THROUGHPUT, "2.4"},      {PAPER, "int8", ENERGY_CHANGE, "-0.40"},
    {PAPER, "int4", SIZE_CHANGE, "-0.68"},   {PAPER, "int4", THROUGHPUT, "3"},
    {PAPER, "int4", ENERGY_CHANGE, "-0.60"}, {PAPER, "int4", ACCURACY, ">= -0.06"},
    {SIZES, "fp16", SIZE_RATIO, "0.500"},    {SIZES, "int8", SIZE_RATIO, "0.485"},
    {SIZES, "int4", SIZE_RATIO, "0.485"},    {SMSA, "fp16", TIME_RATIO, "2.96"},
    {SMSA, "int8", TIME_RATIO, "0.96"},      {SMSA, "int4", TIME_RATIO, "1.51"},
    {SMSA, "fp16", ACCURACY, "0.000"},       {SMSA, "int8", ACCURACY, "+0.002"},
    {SMSA, "int4", ACCURACY, "-0.008"},      {TWEETS, "fp16", TIME_RATIO, "4.42"},
    {TWEETS, "int8", TIME_RATIO, "1.69"},    {TWEETS, "int4", TIME_RATIO, "3.03"},
    {TWEETS, "fp16", ACCURACY, "0.000"},     {TWEETS, "int8", ACCURACY, "-0.003"},
    {TWEETS, "int4", ACCURACY, "+0.014"},    {NO_HEAD, "fp16", TIME_RATIO, "3.51"},
    {NO_HEAD, "int8", TIME_RATIO, "1.68"},   {NO_HEAD, "int4", TIME_RATIO, "2.58"},
    {NO_HEAD, "fp16", ACCURACY, "0.000"},    {NO_HEAD, "int8", ACCURACY, "+0.002"},
    {NO_HEAD, "int4", ACCURACY, "-0.122"},   {QAT, "int8", SPEED_UP, "2.37"},
    {QAT, "int8", SIZE_RATIO, "0.252"},      {QAT, "int8", ACCURACY, "-0.012"},
};

static const char *what_of(const tb_report *report, const char *scheme, quantity what)
{
    static const struct {
        const char *scheme;
        quantity what;
        const char *en, *id;
    } names[] = {
        {"fp16", SIZE_RATIO, "FP16 size / FP32 size", "ukuran FP16 / FP32"},
        {"int8", SIZE_RATIO, "INT8 size / FP32 size", "ukuran INT8 / FP32"},
        {"int4", SIZE_RATIO, "INT4 size / FP32 size", "ukuran INT4 / FP32"},
        {"int4", SIZE_CHANGE, "INT4 change in size", "perubahan ukuran INT4"},
        {"int8", THROUGHPUT, "INT8 throughput / FP32's", "throughput INT8 / FP32"},
        {"int4", THROUGHPUT, "INT4 throughput / FP32's", "throughput INT4 / FP32"},
        {"fp16", TIME_RATIO, "FP16 mean latency / FP32's", "rerata latensi FP16 / FP32"},
        {"int8", TIME_RATIO, "INT8 mean latency / FP32's", "rerata latensi INT8 / FP32"},
        {"int4", TIME_RATIO, "INT4 mean latency / FP32's", "rerata latensi INT4 / FP32"},
        {"int8", SPEED_UP, "INT8 speed-up over FP32", "percepatan INT8 dari FP32"},
        {"int8", ENERGY_CHANGE, "INT8 change in energy", "perubahan energi INT8"},
        {"int4", ENERGY_CHANGE, "INT4 change in energy", "perubahan energi INT4"},
        {"fp16", ACCURACY, "FP16 accuracy minus FP32's", "akurasi FP16 dikurangi FP32"},
        {"int8", ACCURACY, "INT8 accuracy minus FP32's", "akurasi INT8 dikurangi FP32"},
        {"int4", ACCURACY, "INT4 accuracy minus FP32's", "akurasi INT4 dikurangi FP32"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].what == what && strcmp(names[i].scheme, scheme) == 0)
            return tb_report_say(report, names[i].en, names[i].id);
    return "";
}

/* ---- What was measured ---- */

static const char *variant_name(const tb_report *report, const tb_report_result *result)
{
    return report->variants[result->variant].name;
}

static bool is_variant(const char *name, const char *scheme, bool per_tensor)
{
    size_t n = strlen(scheme);
    bool ends = strstr(name, "-pertensor") != NULL;
    return strncmp(name, scheme, n) == 0 && (name[n] == '\0' || name[n] == '-') && ends == per_tensor;
}

/* The variant of this run that a claim is about: for the per-tensor study the same scheme where it was run. The plain
 * name goes before one with a group size. */
static const tb_report_result *measured_of(const tb_report *report, size_t model, size_t set, const char *scheme,
                                           bool per_tensor)
{
    const tb_report_result *found = NULL;
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->model != model || r->set != set || !is_variant(variant_name(report, r), scheme, per_tensor))
            continue;
        if (!found || strcmp(variant_name(report, r), scheme) == 0)
            found = r;
    }
    return found;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : (double)NAN;
}

static double measure(const tb_report *report, quantity what, const tb_report_result *r, const tb_report_result *fp32)
{
    switch (what) {
    case SIZE_RATIO:
        return report->variants[r->variant].ratio;
    case SIZE_CHANGE:
        return report->variants[r->variant].ratio - 1;
    case THROUGHPUT:
        return ratio(r->texts_per_s, fp32->texts_per_s);
    case TIME_RATIO:
        return ratio(r->total.mean, fp32->total.mean);
    case SPEED_UP:
        return ratio(fp32->total.mean, r->total.mean);
    case ENERGY_CHANGE:
        return ratio(r->energy_j, fp32->energy_j) - 1;
    case ACCURACY:
        return r->accuracy - fp32->accuracy;
    }
    return (double)NAN;
}

static void put_from(tb_claim *claim, const tb_report *report, const tb_report_result *r)
{
    snprintf(claim->from, sizeof claim->from, "%.90s %.40s %s %.90s", report->models[r->model].name,
             variant_name(report, r), tb_report_say(report, "on", "pada"), report->sets[r->set].name);
    size_t bad = tb_utf8_invalid_at(claim->from, strlen(claim->from));
    if (bad != SIZE_MAX) /* a name that was cut within a character */
        claim->from[bad] = '\0';
}

static void fill(tb_claim *claim, const tb_report *report, const literature *made, const tb_report_result *r,
                 const tb_report_result *fp32)
{
    *claim = (tb_claim){
        .source = tb_report_say(report, made->source_en, made->source_id),
        .what = what_of(report, made->scheme, made->what),
        .claimed = made->claimed,
        .measured = (double)NAN,
    };
    bool needs_fp32 = made->what != SIZE_RATIO && made->what != SIZE_CHANGE;
    if (strstr(made->source_en, "QAT"))
        claim->why_not = tb_report_say(report, "quantization-aware training is not part of this run",
                                       "pelatihan sadar kuantisasi bukan bagian dari proses ini");
    else if (!r)
        claim->why_not = tb_report_say(report, "no such variant was run", "varian itu tidak dijalankan");
    else if (needs_fp32 && !fp32)
        claim->why_not = tb_report_say(report, "FP32 was not run", "FP32 tidak dijalankan");
    else if (made->what == ENERGY_CHANGE && !report->energy_available)
        claim->why_not =
            tb_report_say(report, "energy is not available on this machine", "energi tidak tersedia pada mesin ini");
    else {
        claim->measured = measure(report, made->what, r, fp32);
        if (isnan(claim->measured))
            claim->why_not = tb_report_say(report, "too small to be measured", "terlalu kecil untuk diukur");
        else {
            claim->variant = variant_name(report, r);
            put_from(claim, report, r);
        }
    }
}

size_t tb_claims(const tb_report *report, size_t model, size_t set, tb_claim *claims, size_t most)
{
    const tb_report_result *any = NULL;
    for (size_t i = 0; i < report->n_results && !any; i++)
        if (report->results[i].model == model && report->results[i].set == set)
            any = &report->results[i];
    if (!any)
        return 0;
    const tb_report_result *fp32 = tb_report_fp32(report, any);
    size_t n = 0;
    for (size_t i = 0; i < sizeof claims_made / sizeof claims_made[0] && n < most; i++) {
        const literature *made = &claims_made[i];
        if ((made->head == TRAINED && any->untrained_head) || (made->head == UNTRAINED && !any->untrained_head))
            continue;
        bool study = strstr(made->source_en, "per-tensor") != NULL;
        const tb_report_result *same = study ? measured_of(report, model, set, made->scheme, true) : NULL;
        const tb_report_result *ours = measured_of(report, model, set, made->scheme, false);
        if (same)
            fill(&claims[n++], report, made, same, fp32);
        if ((ours || !same) && n < most)
            fill(&claims[n++], report, made, ours, fp32);
    }
    return n;
}

/* ---- The table ---- */

static void claims_csv(tb_text *out, const tb_report *report)
{
    tb_text_puts(out, "source,what,claimed,measured,why_not,from,data,model\r\n");
    tb_claim claims[TB_CLAIMS_MOST];
    for (size_t s = 0; s < report->n_sets; s++)
        for (size_t m = 0; m < report->n_models; m++)
            for (size_t i = 0, n = tb_claims(report, m, s, claims, TB_CLAIMS_MOST); i < n; i++) {
                const char *const texts[] = {claims[i].source, claims[i].what, claims[i].claimed};
                for (size_t k = 0; k < 3; k++) {
                    tb_csv_text(out, texts[k]);
                    tb_text_putc(out, ',');
                }
                tb_csv_real(out, claims[i].measured);
                tb_text_putc(out, ',');
                tb_csv_text(out, claims[i].why_not ? claims[i].why_not : "");
                tb_text_putc(out, ',');
                tb_csv_text(out, claims[i].from);
                tb_text_putc(out, ',');
                tb_csv_text(out, report->sets[s].name);
                tb_text_putc(out, ',');
                tb_csv_text(out, report->models[m].name);
                tb_text_puts(out, "\r\n");
            }
}

/* ">= -0.06" with signs as mathematics. */
static void put_claimed(tb_text *out, const char *claimed)
{
    tb_text_putc(out, '$');
    for (; *claimed; claimed++)
        if (strncmp(claimed, ">=", 2) == 0) {
            tb_text_puts(out, "\\geq ");
            claimed++;
        } else
            tb_text_putc(out, *claimed);
    tb_text_putc(out, '$');
}

static void put_claim(tb_text *out, const tb_claim *claim, const tb_claim *before)
{
    if (!before || strcmp(before->source, claim->source) != 0) {
        tb_text_puts(out, before ? "\\addlinespace\n" : "");
        tb_text_puts(out, "\\multicolumn{4}{@{}l}{\\emph{");
        tb_latex_text(out, claim->source);
        tb_text_puts(out, "}} \\\\\n");
    }
    tb_latex_text(out, claim->what);
    tb_text_puts(out, " & ");
    put_claimed(out, claim->claimed);
    tb_text_puts(out, " & ");
    if (claim->why_not)
        tb_text_puts(out, "--");
    else if (strchr(claim->claimed, '+') || strchr(claim->claimed, '-'))
        tb_latex_delta(out, claim->measured, 3);
    else
        tb_text_printf(out, "%s%.3f", claim->measured < 0 ? "$-$" : "", fabs(claim->measured));
    tb_text_puts(out, " & ");
    if (claim->why_not) {
        tb_text_puts(out, "\\raggedright ");
        tb_latex_text(out, claim->why_not);
    } else
        tb_latex_cut(out, claim->variant, TB_LATEX_NAME);
    tb_text_puts(out, " \\tabularnewline\n");
}

static void put_claims(tb_text *out, const tb_report *report, size_t model, size_t set, size_t number)
{
    tb_claim claims[TB_CLAIMS_MOST];
    size_t n = tb_claims(report, model, set, claims, TB_CLAIMS_MOST);
    const tb_latex_title title = {
        .set = report->sets[set].name, .set_index = set, .model = report->models[model].name, .number = number};
    tb_latex_begin(out, report, &tb_table_claims, &title);
    tb_text_puts(out, "\\begin{tabular}{@{}lrrp{0.36\\linewidth}@{}}\n\\toprule\n");
    tb_text_puts(out, tb_report_say(report, "Quantity & Claimed & Measured & Variant of this run",
                                    "Besaran & Klaim & Terukur & Varian pada proses ini"));
    tb_text_puts(out, " \\\\\n\\midrule\n");
    for (size_t i = 0; i < n; i++)
        put_claim(out, &claims[i], i > 0 ? &claims[i - 1] : NULL);
    tb_text_puts(out, "\\bottomrule\n\\end{tabular}\n");
    tb_latex_end(out);
}

static bool was_run(const tb_report *report, size_t model, size_t set)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i].model == model && report->results[i].set == set)
            return true;
    return false;
}

static void claims_latex(tb_text *out, const tb_report *report)
{
    tb_latex_head(out, report, tb_table_claims.name);
    for (size_t s = 0; s < report->n_sets; s++)
        for (size_t m = 0, number = 0; m < report->n_models; m++)
            if (was_run(report, m, s))
                put_claims(out, report, m, s, number++);
}

const tb_table tb_table_claims = {
    .name = "claims",
    .caption_en =
        "What the literature claims, and what this run measured for the same quantity (proportions and ratios). "
        "The sets and models are this run's own: a difference may lie in them.",
    .caption_id = "Klaim pustaka dan hasil ukur proses ini untuk besaran yang sama (proporsi dan rasio). Set data dan "
                  "modelnya milik proses ini: perbedaan dapat berasal dari situ.",
    .csv = claims_csv,
    .latex = claims_latex,
};
