/* SPDX-License-Identifier: Apache-2.0
 * Every text whose label differs from FP32's, with the probabilities of all variants, in report.html.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <string.h>

static const char *kind_of(const tb_report *report, const char *kind)
{
    if (strcmp(kind, "right_to_wrong") == 0)
        return tb_report_say(report, "right &rarr; wrong", "benar &rarr; salah");
    if (strcmp(kind, "wrong_to_right") == 0)
        return tb_report_say(report, "wrong &rarr; right", "salah &rarr; benar");
    if (strcmp(kind, "wrong_to_other") == 0)
        return tb_report_say(report, "wrong &rarr; other wrong", "salah &rarr; salah lain");
    return "";
}

static void put_variant(tb_text *out, const tb_report *report, const tb_report_flip_variant *v, size_t n_classes,
                        const char *truth)
{
    bool flipped = strcmp(v->kind, "same") != 0;
    tb_text_puts(out, flipped ? "<tr class=\"flip\"><th scope=\"row\">" : "<tr><th scope=\"row\">");
    tb_html_name(out, v->variant);
    tb_text_puts(out, strcmp(v->pred, truth) == 0 ? "</th><td class=\"said\">&#10003; "
                                                  : "</th><td class=\"said\">&#10007; ");
    tb_html_name(out, v->pred);
    tb_text_puts(out,
                 strcmp(v->kind, "right_to_wrong") == 0 ? "</td><td class=\"said low\">" : "</td><td class=\"said\">");
    tb_text_puts(out, kind_of(report, v->kind));
    tb_text_puts(out, "</td>");
    for (size_t c = 0; c < n_classes; c++)
        tb_text_printf(out, "<td>%.3f</td>", v->probs[c]);
    tb_text_puts(out, "</tr>\n");
}

static void put_text(tb_text *out, const tb_report *report, const tb_report_flip *flip, size_t n_classes)
{
    tb_text_printf(out, "<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\"><span class=\"text\">",
                   n_classes + 3);
    tb_text_printf(out, "<span class=\"model\">%s %llu</span> <bdi dir=\"auto\">",
                   tb_report_say(report, "row", "baris"), (unsigned long long)flip->row);
    tb_html_text(out, flip->text);
    tb_text_puts(out, "</bdi>");
    if (flip->pair) {
        tb_text_puts(out, " <span class=\"model\">|</span> <bdi dir=\"auto\">");
        tb_html_text(out, flip->pair);
        tb_text_puts(out, "</bdi>");
    }
    tb_text_printf(out, " <span class=\"model\">%s</span> ", tb_report_say(report, "truth:", "label benar:"));
    tb_html_name(out, flip->truth);
    tb_text_puts(out, "</span></th></tr>\n");
    for (size_t v = 0; v < flip->n_variants; v++)
        put_variant(out, report, &flip->variants[v], n_classes, flip->truth);
    tb_text_puts(out, "</tbody>\n");
}

static void put_summary(tb_text *out, const tb_report *report, const tb_report_flips *flips)
{
    tb_text_puts(out, "<details class=\"flips\"><summary>");
    tb_html_name(out, report->models[flips->model].name);
    tb_text_printf(out, tb_report_say(report, ": %llu of %llu %s", ": %llu dari %llu %s"),
                   (unsigned long long)flips->total, (unsigned long long)report->sets[flips->set].rows,
                   tb_html_texts(report, report->sets[flips->set].rows));
    if (flips->listed < flips->total)
        tb_text_printf(out, tb_report_say(report, ", the first %llu listed", ", %llu pertama ditampilkan"),
                       (unsigned long long)flips->listed);
    tb_text_puts(out, "</summary>\n");
}

static void put_flips(tb_text *out, const tb_report *report, const tb_report_flips *flips)
{
    const tb_report_result *r = &report->results[flips->result];
    if (flips->listed == 0) {
        tb_text_puts(out, "<p>");
        tb_html_name(out, report->models[flips->model].name);
        tb_html_say(out, report, ": no label differs from FP32&rsquo;s.</p>\n",
                    ": tidak ada label yang berbeda dari FP32.</p>\n");
        return;
    }
    put_summary(out, report, flips);
    tb_html_open_table(out, report, "Texts in the order of the file, with the probability of each label",
                       "Teks sesuai urutan berkas, beserta peluang tiap label");
    tb_text_printf(out,
                   "<thead><tr><th scope=\"col\"></th><th scope=\"col\" class=\"said\">%s</th><th scope=\"col\" "
                   "class=\"said\">%s</th>",
                   tb_report_say(report, "says", "prediksi"), tb_report_say(report, "against FP32", "dibanding FP32"));
    for (size_t c = 0; c < r->n_classes; c++) {
        tb_text_puts(out, "<th scope=\"col\">");
        tb_html_name(out, r->classes[c].label);
        tb_text_puts(out, "</th>");
    }
    tb_text_puts(out, "</tr></thead>\n");
    for (size_t t = 0; t < flips->listed; t++)
        put_text(out, report, &flips->texts[t], r->n_classes);
    tb_text_puts(out, "</table></div>\n</details>\n");
}

void tb_html_flips(tb_text *out, const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_flips; i++)
        if (report->flips[i].set == set)
            put_flips(out, report, &report->flips[i]);
}
