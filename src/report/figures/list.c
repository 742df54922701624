/* SPDX-License-Identifier: Apache-2.0
 * The table of figures. A new one is a file and a line here.
 * Includes: report/figures/list.h. Called by: report/html, report/figures/write.c. */
#include "report/figures/list.h"

#include <string.h>

const tb_figure tb_figures[] = {
    {"pipeline", false, NULL, tb_figure_pipeline, "The whole run, as it was done.",
     "Seluruh proses, sebagaimana dijalankan."},
    {"summary", true, tb_figure_wants_results, tb_figure_summary,
     "Size, latency, confidence and accuracy of every variant. Size and latency start at zero. Latency: mean of a "
     "text, with its 95 % interval over the turns. Confidence: mean and standard deviation of the largest "
     "probability. Accuracy: 95 % Wilson interval.",
     "Ukuran, latensi, keyakinan dan akurasi setiap varian. Sumbu ukuran dan latensi dimulai dari nol. Latensi: "
     "rerata per teks dengan selang 95 % dari giliran. Keyakinan: rerata dan simpangan baku peluang terbesar. "
     "Akurasi: selang Wilson 95 %."},
    {"accuracy", true, tb_figure_wants_results, tb_figure_accuracy,
     "Accuracy with its 95 % interval (Wilson). Solid line: FP32 of the same model. Majority: always saying the most "
     "frequent label.",
     "Akurasi dengan selang 95 % (Wilson). Garis utuh: FP32 dari model yang sama. Mayoritas: selalu menyebut label "
     "yang paling sering."},
    {"forest", true, tb_figure_wants_forest, tb_figure_forest,
     "Differences from FP32 on the same texts. Thin line: 95 % bootstrap interval; thick, where accuracy decides: "
     "Tango's score interval at 1 \xe2\x88\x92 2\xce\xb1, which shows equivalence where it lies inside the shaded "
     "margin. Orange: significant after Holm's correction. Lost and won: texts that FP32 alone, or the variant "
     "alone, has right.",
     "Selisih dari FP32 pada teks yang sama. Garis tipis: selang bootstrap 95 %; garis tebal, bila akurasi yang "
     "menentukan: selang skor Tango pada 1 \xe2\x88\x92 2\xce\xb1, yang menunjukkan kesetaraan bila seluruhnya di "
     "dalam batas berarsir. Jingga: signifikan setelah koreksi Holm. Kalah dan menang: teks yang benar hanya pada "
     "FP32, atau hanya pada varian."},
    {"tradeoff", true, tb_figure_wants_tradeoff, tb_figure_tradeoff,
     "Size against latency, both better to the lower left; the number at each point is its accuracy, and a stronger "
     "color means a higher one. Vertical lines: 95 % interval of the mean latency.",
     "Ukuran terhadap latensi, keduanya makin baik ke kiri bawah; angka pada titik adalah akurasinya, dan warna yang "
     "lebih kuat berarti lebih tinggi. Garis tegak: selang 95 % rerata latensi."},
    {"reliability", true, tb_figure_wants_results, tb_figure_reliability,
     "Reliability: accuracy of the texts in each bin of confidence (equal width) against their mean confidence; "
     "larger dots are more texts. On the diagonal, confidence can be taken at its word. Bars below: how many texts a "
     "bin holds.",
     "Reliabilitas: akurasi teks dalam setiap kelompok keyakinan (lebar sama) terhadap rerata keyakinannya; titik "
     "yang lebih besar berarti lebih banyak teks. Pada diagonal, keyakinan dapat dipercaya apa adanya. Batang di "
     "bawah: banyaknya teks dalam kelompok."},
    {"latency", true, tb_figure_wants_latency, tb_figure_latency,
     "Latency of single texts, tokenizing and forward pass. Box: the middle half of the texts, with the median; "
     "line: 5 % to 95 %; ends: fastest and slowest text.",
     "Latensi teks satu per satu, tokenisasi dan forward pass. Kotak: separuh tengah teks, dengan median; garis: 5 % "
     "sampai 95 %; ujung: teks tercepat dan paling lambat."},
    {"labels", true, tb_figure_wants_results, tb_figure_labels,
     "How often each label is said, beside how often it is true; dotted: the borders of the truth. A variant that "
     "gains or loses by saying one label more often shows it here.",
     "Seberapa sering setiap label disebut, di samping seberapa sering label itu menjadi label benarnya; "
     "titik-titik: batas label benar. Varian yang untung atau rugi karena lebih sering menyebut satu label terlihat di "
     "sini."},
    {"sizes", false, NULL, tb_figure_sizes,
     "Bytes of the weights file by part, in MB of 10\xe2\x81\xb6 bytes; FP32 is 4 bytes a parameter, whatever the "
     "source file holds.",
     "Byte berkas bobot menurut bagian, dalam MB (10\xe2\x81\xb6 byte); FP32 adalah 4 byte per parameter, apa pun "
     "isi berkas asalnya."},
    {"null", true, tb_figure_wants_null, tb_figure_null,
     "Luck, tested: each dot is the accuracy of a model made with randomly jittered scales whose error in the "
     "weights matches the real one's. Diamond: the real model; line: FP32.",
     "Menguji kebetulan: setiap titik adalah akurasi model dengan skala yang digeser acak dan galat bobot yang "
     "setara dengan model sebenarnya. Wajik: model sebenarnya; garis: FP32."},
    {"seeds", true, tb_figure_wants_seeds, tb_figure_seeds,
     "Models that are seeds of one recipe: each ring is a seed, the diamond below is their mean, its line the "
     "standard deviation. Right: the difference from the same seed's FP32, its line the 95 % interval of a bootstrap "
     "over seeds and texts.",
     "Model yang merupakan seed dari satu resep: setiap lingkaran adalah satu seed, wajik di bawahnya rerata, "
     "garisnya simpangan baku. Kanan: selisih dari FP32 dengan seed yang sama, garisnya selang bootstrap 95 % atas "
     "seed dan teks."},
    {.name = NULL},
};

const tb_figure *tb_figure_find(const char *name)
{
    for (const tb_figure *figure = tb_figures; figure->name; figure++)
        if (strcmp(figure->name, name) == 0)
            return figure;
    return NULL;
}

bool tb_figure_wants_results(const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i].set == set)
            return true;
    return false;
}
