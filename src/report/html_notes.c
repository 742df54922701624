/* SPDX-License-Identifier: Apache-2.0
 * Notes in report.html: what is odd about the data and the run, and how far the findings reach.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <string.h>

/* ---- Warnings in Indonesian: the record tells them in English, so they are said again from its figures ---- */

static const tb_report_set *set_of(const tb_report *report, const tb_report_warning *w)
{
    for (size_t s = 0; w->data && s < report->n_sets; s++)
        if (strcmp(report->sets[s].name, w->data) == 0)
            return &report->sets[s];
    return NULL;
}

static const tb_report_result *result_of(const tb_report *report, const tb_report_warning *w)
{
    for (size_t i = 0; w->model && w->data && i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (strcmp(report->models[r->model].name, w->model) == 0 && strcmp(report->sets[r->set].name, w->data) == 0)
            return r;
    }
    return NULL;
}

static bool about_set(tb_text *out, const tb_report *report, const tb_report_warning *w)
{
    const tb_report_set *set = set_of(report, w);
    if (!set)
        return false;
    unsigned long long exact = set->duplicates_exact, all = set->duplicates_normalized;
    if (strcmp(w->kind, "duplicates") == 0)
        tb_text_printf(out, "%llu baris mengulang baris sebelumnya (%llu persis sama)", all > exact ? all : exact,
                       exact);
    else if (strcmp(w->kind, "conflicting") == 0)
        tb_text_printf(out, "%llu dari baris berulang itu berlabel lain", (unsigned long long)set->conflicting);
    else if (strcmp(w->kind, "train_overlap") == 0 && set->train) {
        exact = set->train_exact;
        all = set->train_normalized;
        tb_text_printf(out, "%llu baris juga ada di data latih (%llu persis sama)", all > exact ? all : exact, exact);
    } else
        return false;
    return true;
}

static bool about_result(tb_text *out, const tb_report *report, const tb_report_warning *w)
{
    const tb_report_result *r = result_of(report, w);
    if (!r)
        return false;
    if (strcmp(w->kind, "truncated") == 0)
        tb_text_printf(out, "%llu dari %llu teks terlalu panjang dan dipotong", (unsigned long long)r->truncated,
                       (unsigned long long)r->n);
    else if (strcmp(w->kind, "empty") == 0)
        tb_text_printf(out, "%llu dari %llu teks kosong dan tetap dinilai", (unsigned long long)r->empty,
                       (unsigned long long)r->n);
    else if (strcmp(w->kind, "label_order") == 0 && r->better_order) {
        tb_text_puts(out, "urutan label lain jauh lebih cocok dengan data: ");
        for (size_t c = 0; c < r->n_classes; c++) {
            tb_text_puts(out, c ? ", " : "");
            tb_html_name(out, r->better_order[c]);
        }
        tb_text_printf(out, " (akurasi %.3f); urutan itu tidak dipakai", r->better_order_accuracy);
    } else if (strcmp(w->kind, "flips_cut") == 0)
        tb_text_puts(out, "tidak semua teks yang berubah label ditampilkan");
    else
        return false;
    return true;
}

static bool about_run(tb_text *out, const tb_report_warning *w)
{
    static const struct {
        const char *kind, *text;
    } known[] = {
        {"untrained_head", "<i>head</i> belum dilatih: prediksinya tidak bermakna"},
        {"shipped_quantized", "berkas model ini sudah terkuantisasi; hanya skemanya sendiri yang dijalankan"},
        {"seeds_differ", "pengaturan pelatihan di antara <i>seed</i> satu resep berbeda"},
        {"outliers", "beberapa putaran pengukuran waktu jauh lebih lama daripada yang lain"},
        {"null_unmatched", "galat bobot beberapa model acak menyimpang lebih dari 5 % dari model sebenarnya"},
        {"control_unrecorded", "dianggap kontrol karena diberikan sebagai kontrol; timbang.json-nya tidak mencatatnya"},
        {"trained_scheme_left_out", "skema tujuan pelatihannya tidak termasuk varian"},
        {"seed_unpaired", "<i>seed</i>-nya tidak punya pasangan, jadi tidak ikut dalam uji berpasangan"},
        {"flips_cut", "tidak semua teks yang berubah label ditampilkan"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(w->kind, known[i].kind) == 0) {
            tb_text_puts(out, known[i].text);
            return true;
        }
    return false;
}

/* A warning about no model begins its line. */
static void put_sentence(tb_text *out, const tb_report_warning *w)
{
    bool lower = !w->model && w->text[0] >= 'a' && w->text[0] <= 'z';
    if (lower)
        tb_text_putc(out, (char)(w->text[0] - 'a' + 'A'));
    tb_html_text(out, w->text + (lower ? 1 : 0));
}

static void put_warning(tb_text *out, const tb_report *report, const tb_report_warning *w)
{
    bool said = false;
    tb_text_puts(out, "<li>");
    if (w->model) {
        tb_text_puts(out, "<b>");
        tb_html_name(out, w->model);
        tb_text_puts(out, "</b>: ");
    }
    if (report->lang == TB_LANG_ID)
        said = about_set(out, report, w) || about_result(out, report, w) || about_run(out, w);
    if (!said) {
        tb_text_puts(out, report->lang == TB_LANG_ID ? "<span lang=\"en\">" : "");
        put_sentence(out, w);
        tb_text_puts(out, report->lang == TB_LANG_ID ? "</span>" : "");
    }
    tb_text_puts(out, ".</li>\n");
}

void tb_html_warnings(tb_text *out, const tb_report *report, const char *set)
{
    size_t n = 0;
    for (size_t i = 0; i < report->n_warnings; i++) {
        const tb_report_warning *w = &report->warnings[i];
        bool about = set ? w->data && strcmp(w->data, set) == 0 : w->data == NULL;
        bool said = strcmp(w->kind, "untrained_head") == 0 || strcmp(w->kind, "no_baseline") == 0;
        if (!about || said) /* the opening says those two */
            continue;
        if (n++ == 0)
            tb_text_printf(out, "<div class=\"note\"><b>%s</b><ul>\n", tb_report_say(report, "Notes", "Catatan"));
        put_warning(out, report, w);
    }
    if (n > 0)
        tb_text_puts(out, "</ul></div>\n");
}

/* ---- How far the findings reach ---- */

void tb_html_transfer_note(tb_text *out, const tb_report *report)
{
    for (size_t m = 0; m < report->n_models; m++) {
        if (!report->models[m].small_model)
            continue;
        tb_text_puts(out, "<div class=\"note\"><p><b>");
        tb_html_name(out, report->models[m].name);
        tb_html_say(
            out, report,
            "</b> is the small model that comes with timbang. What is found with it does not transfer to other "
            "models. For a real IndoBERT, give the folder of a fine-tuned one as <code>indobert</code> (the base "
            "model, <code>huggingface-cli download indobenchmark/indobert-base-p2 --local-dir indobert</code>, has "
            "an untrained head):</p>\n",
            "</b> adalah model kecil bawaan timbang. Temuan dengannya tidak berlaku untuk model lain. Untuk IndoBERT "
            "yang sebenarnya, berikan folder model yang sudah di-<i>fine-tune</i> sebagai <code>indobert</code> "
            "(model dasar, <code>huggingface-cli download indobenchmark/indobert-base-p2 --local-dir "
            "indobert</code>, <i>head</i>-nya belum dilatih):</p>\n");
        tb_text_puts(out, "<pre><code>timbang study --model indobert=indobert --data ");
        /* The first set's own file, so that the line can be run as it stands. */
        const char *path = report->sets[0].path;
        bool plain = path && path[0] && strcmp(path, "-") != 0 &&
                     path[strspn(path, "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                       "/._-")] == '\0';
        tb_html_text(out, plain ? path : "FILE");
        tb_text_puts(out, " -o indobert-study</code></pre></div>\n");
        return;
    }
}
