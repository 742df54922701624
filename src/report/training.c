/* SPDX-License-Identifier: Apache-2.0
 * report.html of a training: the page. Includes: report/training.h, report/figures.h. Called by: api. */
#include "report/training.h"

#include "report/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- What it was ---- */

static const char *role_of(const tb_training *t)
{
    static const struct {
        const char *role, *en, *id;
    } roles[] = {
        {"fine-tuned", "Fine-tuning", "<i>Fine-tuning</i>"},
        {"control", "Fine-tuning in floats, the control of QAT", "<i>Fine-tuning</i> dalam float, kontrol QAT"},
        {"qat", "Quantization-aware training", "Pelatihan sadar kuantisasi"},
        {"mlm", "Masked-language modelling", "Pemodelan bahasa bertopeng"},
    };
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(t->role, roles[i].role) == 0)
            return tb_report_say(&t->view, roles[i].en, roles[i].id);
    return tb_report_say(&t->view, "Training", "Pelatihan");
}

static void put_head(tb_text *out, const tb_training *t)
{
    const tb_report *view = &t->view;
    tb_text_printf(out,
                   "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                   "<title>%s &middot; timbang</title>\n<style>",
                   tb_report_say(view, "en", "id"), tb_report_say(view, "Training", "Pelatihan"));
    for (size_t i = 0; tb_html_style[i]; i++)
        tb_text_puts(out, tb_html_style[i]);
    for (size_t i = 0; tb_figure_style[i]; i++)
        tb_text_puts(out, tb_figure_style[i]);
    tb_text_printf(out, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">%s</a>\n<header>\n<h1>%s</h1>\n",
                   tb_report_say(view, "Skip to the result", "Langsung ke hasil"), role_of(t));
    tb_text_puts(out, "<p class=\"soft\">");
    if (strcmp(t->scheme, "fp32") != 0) {
        tb_html_text(out, t->scheme);
        tb_text_puts(out, " &middot; ");
    }
    tb_text_printf(out, "<i>seed</i> %" PRIu64, t->seed);
    tb_text_puts(out, "</p>\n</header>\n<main id=\"main\" tabindex=\"-1\">\n");
}

/* ---- What came of it ---- */

static const tb_training_evaluation *best_of(const tb_training *t)
{
    for (size_t i = 0; i < t->n_evaluations; i++)
        if (t->has_best && t->evaluation[i].step == t->best_step)
            return &t->evaluation[i];
    return NULL;
}

static void put_answer(tb_text *out, const tb_training *t)
{
    const tb_report *view = &t->view;
    const tb_training_evaluation *best = best_of(t);
    tb_text_puts(out, "<p class=\"lead\">");
    if (!best) {
        tb_text_printf(out,
                       tb_report_say(view, "The model after step %" PRIu64 " was kept; there was no validation.",
                                     "Model setelah langkah %" PRIu64 " disimpan; tanpa validasi."),
                       t->steps);
    } else {
        tb_text_printf(out,
                       tb_report_say(view, "The checkpoint of step %" PRIu64 " (epoch %" PRIu64 ") was kept: ",
                                     "Yang disimpan ialah <i>checkpoint</i> langkah %" PRIu64 " (epoch %" PRIu64 "): "),
                       best->step, best->epoch);
        if (!t->mlm)
            tb_text_printf(out, tb_report_say(view, "macro-F1 %.4f, ", "F1 makro %.4f, "), best->macro_f1);
        tb_text_printf(out,
                       tb_report_say(view, "accuracy %.4f, loss %.4f on the validation data.",
                                     "akurasi %.4f, loss %.4f pada data validasi."),
                       best->accuracy, best->loss);
    }
    tb_text_puts(out, "</p>\n");
    if (t->stopped_early)
        tb_text_printf(out,
                       tb_report_say(view,
                                     "<p>It stopped early, after %" PRIu64 " of %" PRIu64
                                     " steps: the evaluations since then were no better.</p>\n",
                                     "<p>Berhenti lebih awal, setelah %" PRIu64 " dari %" PRIu64
                                     " langkah: evaluasi sesudahnya tidak lebih baik.</p>\n"),
                       t->steps, t->total_steps);
    else if (best && t->n_evaluations > 1 && best->step == t->steps)
        tb_html_say(out, view, "<p>The last evaluation was the best one: more epochs may give more.</p>\n",
                    "<p>Evaluasi terakhir ialah yang terbaik: lebih banyak epoch mungkin menambah hasil.</p>\n");
    const json_t *overlap = json_object_get(t->data, "overlap");
    const json_int_t rows = json_integer_value(json_object_get(overlap, "normalized"));
    if (rows > 0)
        tb_text_printf(out,
                       tb_report_say(view,
                                     "<div class=\"note\"><p>%lld validation texts also occur in the training data: "
                                     "figures on them say what was learnt by heart.</p></div>\n",
                                     "<div class=\"note\"><p>%lld teks validasi juga ada dalam data latih: ukuran "
                                     "padanya menunjukkan hafalan.</p></div>\n"),
                       (long long)rows);
}

/* ---- Curves ---- */

static void put_figure(tb_text *out, const tb_training *t, const char *name,
                       void (*draw)(tb_text *out, const tb_training *t), const char *en, const char *id)
{
    tb_text_printf(
        out, "<figure><div class=\"drawing\" role=\"group\" tabindex=\"0\" aria-labelledby=\"caption-%s\">\n", name);
    draw(out, t);
    tb_text_printf(out, "</div><figcaption id=\"caption-%s\">%s</figcaption></figure>\n", name,
                   tb_report_say(&t->view, en, id));
}

static void put_curves(tb_text *out, const tb_training *t)
{
    tb_text_puts(out, "<section id=\"curves\">\n");
    tb_html_heading(out, &t->view, 2, "Learning curves", "Kurva belajar");
    tb_text_puts(out, "<div class=\"pair\">\n");
    put_figure(out, t, "loss", tb_training_loss_figure,
               "Loss by step. Long trainings are drawn as means of a hundredth of their steps each; thin upright lines "
               "are ends of epochs, the dashed one is the checkpoint that was kept.",
               "Loss menurut langkah. Pelatihan panjang digambar sebagai rata-rata tiap seperseratus langkah; garis "
               "tegak tipis ialah akhir epoch, garis putus-putus ialah <i>checkpoint</i> yang disimpan.");
    if (t->n_evaluations > 0)
        put_figure(out, t, "figures", tb_training_figures_figure, "Each evaluation on the validation data.",
                   "Setiap evaluasi pada data validasi.");
    put_figure(out, t, "rate", tb_training_rate_figure, "The learning rate: warm-up, then the schedule.",
               "Laju belajar: pemanasan, lalu jadwalnya.");
    put_figure(out, t, "norm", tb_training_norm_figure, "The gradient&rsquo;s norm before it is clipped.",
               "Norma gradien sebelum dipotong.");
    tb_text_puts(out, "</div>\n");
    if (t->n_evaluations > 0) {
        static const tb_html_column columns[] = {{"step", "langkah"},
                                                 {"epoch", "epoch"},
                                                 {"loss", "loss"},
                                                 {"accuracy", "akurasi"},
                                                 {"macro-F1", "F1 makro"}};
        const size_t n = sizeof columns / sizeof columns[0] - (t->mlm ? 1 : 0);
        tb_html_begin_details(out, &t->view, "The evaluations as a table", "Evaluasi dalam tabel", false);
        tb_html_begin_table(out, &t->view, "Figures on the validation data; the kept checkpoint is bold.",
                            "Ukuran pada data validasi; <i>checkpoint</i> yang disimpan bercetak tebal.", columns, n);
        for (size_t i = 0; i < t->n_evaluations; i++) {
            const tb_training_evaluation *e = &t->evaluation[i];
            const bool kept = t->has_best && e->step == t->best_step;
            tb_text_printf(out, "<tr><th scope=\"row\">%s%" PRIu64 "%s</th>", kept ? "<b>" : "", e->step,
                           kept ? "</b>" : "");
            tb_html_cell_count(out, e->epoch);
            tb_html_cell(out, e->loss, 4);
            tb_html_cell(out, e->accuracy, 4);
            if (!t->mlm)
                tb_html_cell(out, e->macro_f1, 4);
            tb_text_puts(out, "</tr>\n");
        }
        tb_html_end_table(out);
        tb_html_end_details(out);
    }
    tb_text_puts(out, "</section>\n");
}

/* ---- Facts ---- */

static void put_term(tb_text *out, const char *term)
{
    tb_text_puts(out, "<dt>");
    tb_text_puts(out, term);
    tb_text_puts(out, "</dt><dd>");
}

static void put_code(tb_text *out, const char *term, const char *value)
{
    put_term(out, term);
    tb_text_puts(out, "<code>");
    tb_html_text(out, value);
    tb_text_puts(out, "</code></dd>\n");
}

/* A member of the recipe as it stands in the file. */
static void put_member(tb_text *out, const char *key, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    put_code(out, key, text ? text : "");
    out->failed = out->failed || !text;
    free(text);
}

static void put_recipe(tb_text *out, const tb_training *t)
{
    const char *key;
    json_t *value;
    tb_html_begin_details(out, &t->view, "The recipe", "Resepnya", true);
    tb_text_puts(out, "<dl class=\"facts\">\n");
    json_object_foreach((json_t *)(uintptr_t)t->recipe, key, value)
    {
        put_member(out, key, value);
    }
    tb_text_puts(out, "</dl>\n");
    tb_html_end_details(out);
}

static void put_set(tb_text *out, const tb_training *t, const char *key, const char *term)
{
    const json_t *set = json_object_get(t->data, key);
    if (!json_is_object(set))
        return;
    const char *path = json_string_value(json_object_get(json_object_get(set, "file"), "path"));
    put_term(out, term);
    tb_html_count(out, (uint64_t)json_integer_value(json_object_get(set, "texts")));
    tb_html_say(out, &t->view, " texts, ", " teks, ");
    tb_html_count(out, (uint64_t)json_integer_value(json_object_get(set, "tokens")));
    tb_html_say(out, &t->view, " tokens, ", " token, ");
    tb_html_count(out, (uint64_t)json_integer_value(json_object_get(set, "shortened")));
    tb_html_say(out, &t->view, " shortened", " dipotong");
    if (path) {
        tb_text_puts(out, " (<code>");
        tb_html_text(out, path);
        tb_text_puts(out, "</code>)");
    }
    tb_text_puts(out, "</dd>\n");
}

static void put_facts(tb_text *out, const tb_training *t)
{
    const tb_report *view = &t->view;
    tb_text_puts(out, "<section id=\"facts\">\n");
    tb_html_heading(out, view, 2, "What was run", "Yang dijalankan");
    tb_text_puts(out, "<dl class=\"facts\">\n");
    if (t->model)
        put_code(out, tb_report_say(view, "model", "model"), t->model);
    put_code(out, tb_report_say(view, "SHA-256 of its weights", "SHA-256 bobotnya"), t->parent_sha256);
    put_term(out, tb_report_say(view, "parameters", "parameter"));
    tb_html_count(out, t->parameters);
    tb_text_puts(out, "</dd>\n");
    put_set(out, t, "train", tb_report_say(view, "training data", "data latih"));
    put_set(out, t, "valid", tb_report_say(view, "validation data", "data validasi"));
    put_term(out, tb_report_say(view, "times, machine, command", "waktu, mesin, perintah"));
    tb_html_say(out, view, "in <code>run.json</code>, so that all other files are the same wherever it is repeated",
                "dalam <code>run.json</code>, agar semua berkas lain sama di mana pun diulang");
    tb_text_puts(out, "</dd>\n");
    put_code(out, tb_report_say(view, "hash of the recipe", "<i>hash</i> resep"), t->recipe_hash);
    tb_text_puts(out, "</dl>\n");
    put_recipe(out, t);
    tb_text_puts(out, "</section>\n");
}

/* ---- The page ---- */

static void put_page(tb_text *out, const tb_training *t)
{
    put_head(out, t);
    tb_text_puts(out, "<section id=\"found\">\n");
    tb_html_heading(out, &t->view, 2, "What was learnt", "Hasil belajar");
    put_answer(out, t);
    tb_text_puts(out, "</section>\n");
    put_curves(out, t);
    put_facts(out, t);
    tb_text_puts(out, "</main>\n<footer>");
    tb_html_say(out, &t->view, "Drawn by timbang ", "Dibuat oleh timbang ");
    tb_html_text(out, t->version);
    tb_html_say(out, &t->view, " from log.jsonl and run.json.", " dari log.jsonl dan run.json.");
    tb_text_puts(out, "</footer>\n</body>\n</html>\n");
}

timbang_status tb_training_report(const char *folder, const char *lang, tb_error *err)
{
    tb_training training;
    TB_TRY(tb_training_read(folder, lang, &training, err));
    tb_text out = {0};
    put_page(&out, &training);
    tb_training_free(&training);
    timbang_status status = tb_text_finish(&out, err);
    char *path = status == TIMBANG_OK ? tb_path_join(folder, "report.html", err) : NULL;
    if (status == TIMBANG_OK)
        status = path ? tb_write_file(path, out.data, out.length, err) : err->status;
    free(path);
    tb_text_free(&out);
    return status;
}
