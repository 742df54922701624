/* SPDX-License-Identifier: Apache-2.0
 * The texts on which a variant's label differs from FP32's: in CSV one row a text and variant, in LaTeX one row a text.
 * Includes: report/tables_parts.h. Called by: report/tables. */
#include "report/tables_parts.h"

#include <string.h>

enum { MOST_IN_LATEX = 60, LINES_OF_A_PAGE = 36, CHARACTERS_OF_A_LINE = 34, PREDICTION_CHARACTERS = 20 };

/* ---- CSV ---- */

static const tb_report_result *result_of(const tb_report *report, const tb_report_flips *flips)
{
    return &report->results[flips->result];
}

/* The probability of the label that was said; NaN-free: 0 where the label is none of the classes. */
static double probability_of(const tb_report_result *r, const tb_report_flip_variant *v)
{
    for (size_t c = 0; c < r->n_classes; c++)
        if (strcmp(r->classes[c].label, v->pred) == 0)
            return v->probs[c];
    return 0;
}

static void put_csv_row(tb_text *out, const tb_report *report, const tb_report_flips *flips, const tb_report_flip *flip,
                        const tb_report_flip_variant *v)
{
    const tb_report_result *r = result_of(report, flips);
    tb_csv_text(out, report->sets[flips->set].name);
    tb_text_putc(out, ',');
    tb_csv_text(out, report->models[flips->model].name);
    tb_text_printf(out, ",%llu,", (unsigned long long)flip->row);
    tb_csv_text(out, flip->truth);
    tb_text_putc(out, ',');
    tb_csv_text(out, v->variant);
    tb_text_putc(out, ',');
    tb_csv_text(out, v->pred);
    tb_text_printf(out, ",%s,", v->kind);
    tb_csv_real(out, probability_of(r, v));
    tb_text_putc(out, ',');
    for (size_t c = 0; c < r->n_classes; c++) {
        tb_text_puts(out, c > 0 ? " " : "");
        tb_csv_real(out, v->probs[c]);
    }
    tb_text_putc(out, ',');
    tb_csv_text(out, flip->text);
    tb_text_putc(out, ',');
    if (flip->pair)
        tb_csv_text(out, flip->pair);
    tb_text_puts(out, "\r\n");
}

static void flips_csv(tb_text *out, const tb_report *report)
{
    tb_text_puts(out, "data,model,row,truth,variant,pred,kind,probability,probs,text,pair\r\n");
    for (size_t f = 0; f < report->n_flips; f++)
        for (size_t i = 0; i < report->flips[f].listed; i++) {
            const tb_report_flip *flip = &report->flips[f].texts[i];
            for (size_t v = 0; v < flip->n_variants; v++)
                put_csv_row(out, report, &report->flips[f], flip, &flip->variants[v]);
        }
}

/* ---- LaTeX ---- */

static bool is_shown(const tb_report_flip *flip, size_t v)
{
    return v == 0 || strcmp(flip->variants[v].kind, "same") != 0;
}

/* Lines that a row takes, roughly. */
static size_t lines_of(const tb_report_flip *flip)
{
    size_t text = strlen(flip->text) + (flip->pair ? strlen(flip->pair) : 0), said = 0;
    for (size_t v = 0; v < flip->n_variants; v++)
        said +=
            is_shown(flip, v) ? 1 + (strlen(flip->variants[v].variant) + strlen(flip->variants[v].pred) + 7) / 25 : 0;
    text = text / CHARACTERS_OF_A_LINE + 1;
    return text > said ? text : said;
}

static void put_latex_row(tb_text *out, const tb_report_result *r, const tb_report_flip *flip)
{
    tb_text_printf(out, "%llu & \\raggedright ", (unsigned long long)flip->row);
    tb_latex_prose(out, flip->text);
    if (flip->pair) {
        tb_text_puts(out, " $\\parallel$ ");
        tb_latex_prose(out, flip->pair);
    }
    tb_text_puts(out, " & \\raggedright ");
    tb_latex_cut(out, flip->truth, PREDICTION_CHARACTERS);
    tb_text_puts(out, " & \\raggedright ");
    for (size_t v = 0; v < flip->n_variants; v++) {
        if (!is_shown(flip, v))
            continue;
        tb_text_puts(out, v > 0 ? "\\\\ " : "");
        tb_latex_cut(out, flip->variants[v].variant, PREDICTION_CHARACTERS);
        tb_text_puts(out, ": ");
        tb_latex_cut(out, flip->variants[v].pred, PREDICTION_CHARACTERS);
        tb_text_printf(out, " %.3f", probability_of(r, &flip->variants[v]));
    }
    tb_text_puts(out, " \\tabularnewline\n");
}

static void put_head(tb_text *out, const tb_report *report)
{
    tb_text_puts(out, "\\begin{tabular}{@{}rp{0.45\\linewidth}p{0.13\\linewidth}p{0.28\\linewidth}@{}}\n\\toprule\n");
    tb_text_puts(out, tb_report_say(report, "Row & Text & Truth & Said (probability)",
                                    "Baris & Teks & Label benar & Prediksi (peluang)"));
    tb_text_puts(out, " \\\\\n\\midrule\n");
}

/* The tables of one model on one set; returns how many. */
static size_t put_flips(tb_text *out, const tb_report *report, const tb_report_flips *flips, size_t number)
{
    tb_latex_title title = {
        .set = report->sets[flips->set].name,
        .set_index = flips->set,
        .model = report->models[flips->model].name,
        .number = number,
    };
    size_t most = flips->listed < MOST_IN_LATEX ? flips->listed : MOST_IN_LATEX, lines = 0;
    for (size_t i = 0; i < most; i++) {
        size_t more = lines_of(&flips->texts[i]);
        if (lines > 0 && lines + more > LINES_OF_A_PAGE) {
            tb_text_puts(out, "\\bottomrule\n\\end{tabular}\n");
            tb_latex_end(out);
            title.number++;
            title.continued = true;
            lines = 0;
        }
        if (lines == 0) {
            tb_latex_begin(out, report, &tb_table_flips, &title);
            put_head(out, report);
        }
        put_latex_row(out, result_of(report, flips), &flips->texts[i]);
        lines += more;
    }
    tb_text_puts(out, "\\bottomrule\n\\end{tabular}\n");
    if (flips->total > most)
        tb_text_printf(out, "\n\\smallskip\n%s%zu%s%llu%s.\n", tb_report_say(report, "The first ", "Ditampilkan "),
                       most, tb_report_say(report, " of ", " dari "), (unsigned long long)flips->total,
                       tb_report_say(report, " texts", " teks"));
    tb_latex_end(out);
    return title.number + 1 - number;
}

static void flips_latex(tb_text *out, const tb_report *report)
{
    tb_latex_head(out, report, tb_table_flips.name);
    for (size_t s = 0; s < report->n_sets; s++)
        for (size_t f = 0, number = 0; f < report->n_flips; f++)
            if (report->flips[f].set == s && report->flips[f].listed > 0)
                number += put_flips(out, report, &report->flips[f], number);
}

const tb_table tb_table_flips = {
    .name = "flips",
    .caption_en = "Texts on which a variant's label differs from FP32's, with FP32 and the variants that differ.",
    .caption_id = "Teks yang label variannya berbeda dari FP32, beserta FP32 dan varian yang berbeda.",
    .csv = flips_csv,
    .latex = flips_latex,
};
