/* SPDX-License-Identifier: Apache-2.0
 * The methods text's statistics: the plan, the figures, the tests, random rounding, seeds.
 * Includes: report/methods_parts.h, report/tables_parts.h (LaTeX). Called by: report/methods. */
#include "report/methods_parts.h"
#include "report/tables_parts.h"

#include <string.h>

static bool any_compared(const tb_report *r)
{
    for (size_t i = 0; i < r->n_results; i++)
        if (r->results[i].compared)
            return true;
    return false;
}

static const char *fitted_on(const tb_report *r)
{
    for (size_t i = 0; i < r->n_results; i++)
        if (r->results[i].temperature_set)
            return r->results[i].temperature_set;
    return NULL;
}

/* A number as short as it is: 0.05. */
static void put_real(tb_methods *m, double value)
{
    tb_csv_real(m->out, value);
}

static void put_count(tb_methods *m, uint64_t n)
{
    tb_text_printf(m->out, "%llu", (unsigned long long)n);
}

/* ---- The plan ---- */

void tb_methods_plan(tb_methods *m)
{
    const tb_report_plan *p = &m->report->plan;
    bool f1 = strcmp(p->primary, "macro_f1") == 0;
    tb_methods_paragraph(m, "Plan.", "Rencana.");
    tb_methods_say(m, "What decides was fixed", "Kriteria penentu ditetapkan");
    if (p->fixed) {
        tb_methods_say(m, " at ", " pada ");
        tb_latex_text(m->out, p->fixed);
    }
    tb_methods_say(m, ", before a data file was opened, in a plan with the ",
                   ", sebelum berkas data dibuka, dalam rencana dengan ");
    tb_text_puts(m->out, "SHA-256~{\\small\\texttt{");
    for (size_t i = 0; p->sha256[i]; i++) {
        char one[2] = {p->sha256[i], '\0'};
        tb_text_puts(m->out, i > 0 && i % 4 == 0 ? "\\allowbreak{}" : "");
        tb_latex_text(m->out, one);
    }
    tb_methods_say(m, "}}: the primary figure is ", "}}: ukuran primernya ");
    tb_text_puts(m->out, f1 ? tb_report_say(m->report, "macro F1", "F1 makro")
                            : tb_report_say(m->report, "accuracy", "akurasi"));
    tb_text_puts(m->out, ", $\\alpha = ");
    put_real(m, p->alpha);
    tb_methods_say(m, "$, the power ", "$, daya uji ");
    put_real(m, p->power);
    tb_methods_say(m, ", the margin of equivalence $\\pm", ", batas kesetaraan $\\pm");
    put_real(m, p->margin);
    tb_methods_say(m, "$; corrections go over the variants of one model on one set.\n",
                   "$; koreksi berlaku atas varian satu model pada satu set.\n");
}

/* ---- Figures ---- */

static void put_bootstrap(tb_methods *m)
{
    const tb_report_plan *p = &m->report->plan;
    if (p->replicates == 0)
        return;
    tb_methods_say(m, "Other intervals are 95\\,\\% percentile intervals of the bootstrap~@efron1993@ with ",
                   "Selang lain adalah selang persentil 95\\,\\% dari bootstrap~@efron1993@ dengan ");
    put_count(m, p->replicates);
    tb_methods_say(m, " replicates; texts are drawn by the counter-based generator Philox~4x32-10~@salmon2011@, key ",
                   " replikasi; teks diambil oleh pembangkit berbasis pencacah Philox~4x32-10~@salmon2011@, kunci ");
    put_count(m, p->bootstrap_seed);
    tb_methods_say(m, ", the same draws for all variants.\n", ", pengambilan yang sama untuk semua varian.\n");
}

void tb_methods_figures(tb_methods *m)
{
    const char *valid = fitted_on(m->report);
    tb_methods_paragraph(m, "Figures.", "Ukuran.");
    tb_methods_say(
        m,
        "Accuracy has Wilson's 95\\,\\% interval~@wilson1927@. Macro averages of precision, recall and F1 go over "
        "the labels that the truth holds, weighted ones by their texts; the correlation of all labels is "
        "$R_K$~@gorodkin2004@. Each is set beside the accuracy of always saying the most frequent label. ",
        "Akurasi disertai selang Wilson 95\\,\\%~@wilson1927@. Rerata makro presisi, recall, dan F1 berlaku atas "
        "label benar yang ada, rerata berbobot menurut teksnya; korelasi semua label adalah "
        "$R_K$~@gorodkin2004@. Semuanya disandingkan dengan akurasi bila selalu memilih label tersering. ");
    put_bootstrap(m);
    tb_methods_say(m,
                   "Confidence is the largest probability. Calibration is given as the expected calibration "
                   "error~@naeini2015,guo2017@ over ",
                   "Keyakinan adalah peluang terbesar. Kalibrasi dinyatakan dengan galat kalibrasi "
                   "harapan~@naeini2015,guo2017@ atas ");
    put_count(m, m->report->plan.ece_bins);
    tb_methods_say(
        m,
        " bins of equal width and of equal mass, the largest gap of a bin, the Brier score~@brier1950@ (summed over "
        "the labels) and the negative log-likelihood.",
        " bin berlebar sama dan bin berisi sama banyak, selisih terbesar satu bin, skor Brier~@brier1950@ (dijumlahkan "
        "atas label), dan log-likelihood negatif.");
    if (valid) {
        tb_methods_say(m, " A temperature~@guo2017@ was fitted for each variant on ",
                       " Suhu~@guo2017@ dicocokkan untuk setiap varian pada ");
        tb_latex_prose(m->out, valid);
        tb_text_puts(m->out, ".");
    }
    tb_text_puts(m->out, "\n");
}

/* ---- Tests ---- */

void tb_methods_tests(tb_methods *m)
{
    const tb_report_plan *p = &m->report->plan;
    if (!any_compared(m->report))
        return;
    tb_methods_paragraph(m, "Tests against FP32.", "Uji terhadap FP32.");
    tb_methods_say(
        m,
        "Every variant is compared with FP32 of the same model, paired by text. Accuracies are compared by the exact "
        "two-sided McNemar test~@mcnemar1947@",
        "Setiap varian dibandingkan dengan FP32 dari model yang sama, berpasangan per teks. Akurasi dibandingkan "
        "dengan uji McNemar eksak dua sisi~@mcnemar1947@");
    if (p->replicates > 0)
        tb_methods_say(m, ", macro F1 by the paired bootstrap", ", F1 makro dengan bootstrap berpasangan");
    tb_methods_say(
        m,
        "; a shift of the predicted labels' margins by the Stuart--Maxwell test~@stuart1955,maxwell1970@; each "
        "text's confidence by Wilcoxon's signed-rank test~@wilcoxon1945@. The $p$-values of each test are corrected "
        "by Holm's method~@holm1979@. Equivalence in accuracy within the margin is tested by two one-sided "
        "tests~@schuirmann1987@ with the score test for paired proportions~@tango1998@. The power stated for a "
        "comparison is computed at the observed rate of discordant texts: the smallest difference that the exact "
        "test can call significant, the true difference that would be seen with power ",
        "; pergeseran marginal label prediksi dengan uji Stuart--Maxwell~@stuart1955,maxwell1970@; keyakinan tiap "
        "teks dengan uji peringkat bertanda Wilcoxon~@wilcoxon1945@. Nilai $p$ setiap uji dikoreksi dengan metode "
        "Holm~@holm1979@. Kesetaraan akurasi dalam batas itu diuji dengan dua uji satu sisi~@schuirmann1987@ memakai "
        "uji skor untuk proporsi berpasangan~@tango1998@. Daya uji suatu perbandingan dihitung pada laju teks "
        "diskordan yang teramati: selisih terkecil yang dapat dinyatakan signifikan oleh uji eksak, selisih sebenarnya "
        "yang terlihat dengan daya uji ");
    put_real(m, p->power);
    tb_methods_say(m, ", and the probability of showing equivalence if there is no difference.\n",
                   ", dan peluang menunjukkan kesetaraan bila tidak ada selisih.\n");
}

void tb_methods_roadmap(tb_methods *m)
{
    const tb_report *r = m->report;
    if (r->roadmap.n_pairs == 0)
        return;
    tb_methods_paragraph(m, "Quantization-aware training.", "Pelatihan sadar kuantisasi.");
    tb_methods_say(
        m,
        "Models trained with quantization run the integers of training where the scheme is the one that they were "
        "trained for, and their float masters rounded to nearest where it is another. At equal bits they are compared "
        "with post-training quantization of the model that they began with, and with a control that was trained on in "
        "FP32 for as many steps: on the same texts, seed by seed, accuracies by the exact two-sided McNemar "
        "test~@mcnemar1947@",
        "Model yang dilatih dengan kuantisasi menjalankan bilangan bulat hasil pelatihannya bila skemanya adalah skema "
        "tujuan pelatihan, dan bobot induk \\emph{float} yang dibulatkan ke nilai terdekat bila skemanya lain. Pada "
        "bit "
        "yang sama, model itu dibandingkan dengan kuantisasi pascapelatihan dari model asalnya dan dengan kontrol yang "
        "dilatih lanjut dalam FP32 selama langkah yang sama: pada teks yang sama, per \\emph{seed}, akurasi dengan uji "
        "McNemar eksak dua sisi~@mcnemar1947@");
    if (r->plan.replicates > 0)
        tb_methods_say(m, ", mean differences in macro F1 by a bootstrap crossed over seeds and texts~@efron1993@",
                       ", rerata selisih F1 makro dengan bootstrap silang atas \\emph{seed} dan teks~@efron1993@");
    tb_methods_say(m, ". Corrections~@holm1979@ go over the schemes of two models on one set.\n",
                   ". Koreksi~@holm1979@ berlaku atas skema dari dua model pada satu set.\n");
}

/* ---- Luck, seeds ---- */

void tb_methods_null(tb_methods *m)
{
    const tb_report *r = m->report;
    if (r->n_nulls == 0)
        return;
    double deviation = 0;
    for (size_t i = 0; i < r->n_nulls; i++)
        deviation = r->nulls[i].largest_deviation > deviation ? r->nulls[i].largest_deviation : deviation;
    tb_methods_paragraph(m, "Random rounding.", "Pembulatan acak.");
    tb_methods_say(m, "Whether a change in accuracy is more than luck of the rounding is asked of ",
                   "Apakah perubahan akurasi lebih dari keberuntungan pembulatan diperiksa dengan ");
    tb_text_printf(m->out, "%zu", r->nulls[0].models);
    tb_methods_say(
        m,
        " models for each integer variant, made by rounding to nearest on randomly jittered scales, with an error in "
        "the weights that differs from the real one's by at most ",
        " model untuk setiap varian bilangan bulat, dibuat dengan pembulatan terdekat pada skala yang digoyang acak, "
        "dengan galat bobot yang berbeda dari yang asli paling banyak ");
    tb_text_printf(m->out, "%.3f", deviation);
    tb_methods_say(m, " of it. The rank of the real model among them gives a two-sided $p$",
                   " bagiannya. Peringkat model asli di antara mereka memberi nilai $p$ dua sisi");
    if (r->nulls[0].models < 99)
        tb_methods_say(m, " from 99 models on; with fewer, as here, only the rank is given",
                       " mulai 99 model; dengan kurang dari itu, seperti di sini, hanya peringkat yang diberikan");
    else
        tb_methods_say(m, "; these $p$-values are not adjusted", "; nilai $p$ ini tidak dikoreksi");
    tb_text_puts(m->out, ".\n");
}

void tb_methods_seeds(tb_methods *m)
{
    const tb_report *r = m->report;
    if (r->n_groups == 0)
        return;
    tb_methods_paragraph(m, "Seeds.", "\\emph{Seed}.");
    tb_methods_say(
        m,
        "Models that are seeds of one recipe are given as mean and standard deviation over the seeds and are never "
        "pooled, as they share the texts. Differences from FP32 are taken within a seed",
        "Model yang merupakan \\emph{seed} dari satu resep dinyatakan sebagai rerata dan simpangan baku "
        "antar-\\emph{seed} dan tidak pernah digabung, karena teksnya sama. Selisih terhadap FP32 diambil dalam satu "
        "\\emph{seed}");
    if (r->plan.replicates > 0)
        tb_methods_say(m, ", their intervals by a bootstrap crossed over seeds and texts~@efron1993@",
                       ", selangnya dengan bootstrap silang atas \\emph{seed} dan teks~@efron1993@");
    tb_text_puts(m->out, ".");
    for (size_t g = 0; g < r->n_groups; g++)
        if (r->groups[g].differing[0]) {
            tb_methods_say(m, " The seeds of one group differ in other training settings too: ",
                           " \\emph{Seed} satu kelompok juga berbeda dalam pengaturan pelatihan lain: ");
            tb_latex_prose(m->out, r->groups[g].differing);
            tb_text_puts(m->out, ".");
        }
    tb_text_puts(m->out, "\n");
}
