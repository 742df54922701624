/* SPDX-License-Identifier: Apache-2.0
 * Tables with one row a result: main, tests, calibration, latency.
 * Includes: report/tables_parts.h. Called by: report/tables. */
#include "report/tables_parts.h"

#define RESULT(field)     TB_BASE_RESULT, offsetof(tb_report_result, field)
#define COMPARED(field)   TB_BASE_COMPARED, offsetof(tb_report_result, field)
#define BOOT(field)       TB_BASE_BOOT, offsetof(tb_report_result, field)
#define TESTS(field)      TB_BASE_TESTS, offsetof(tb_report_tests, field)
#define TESTS_BOOT(field) TB_BASE_TESTS_BOOT, offsetof(tb_report_tests, field)
#define FITTED(field)     TB_BASE_FITTED, offsetof(tb_report_result, field)

/* The Wilson interval is read as two numbers in a row. */
_Static_assert(offsetof(tb_report_result, high) == offsetof(tb_report_result, low) + sizeof(double),
               "low and high stand together");

/* What every table of results begins with. */
#define NAME_COLUMNS                                                                                                   \
    {"data", "", "", TB_CELL_TEXT, TB_BASE_SET, offsetof(tb_report_set, name), TB_CSV_ONLY},                           \
        {"model", "", "", TB_CELL_TEXT, TB_BASE_MODEL, offsetof(tb_report_model, name), TB_CSV_ONLY},                  \
    {                                                                                                                  \
        "variant", "Variant", "Varian", TB_CELL_TEXT, TB_BASE_VARIANT, offsetof(tb_report_variant, name), TB_PANEL_ALL \
    }

static const tb_column main_columns[] = {
    NAME_COLUMNS,
    {"size_bytes", "MB", "MB", TB_CELL_BYTES, TB_BASE_VARIANT, offsetof(tb_report_variant, size_bytes), TB_PANEL_A},
    {"ratio", "Ratio", "Rasio", TB_CELL_RATIO, TB_BASE_VARIANT, offsetof(tb_report_variant, ratio), TB_PANEL_A},
    {"n", "", "", TB_CELL_COUNT, RESULT(n), TB_CSV_ONLY},
    {"correct", "", "", TB_CELL_COUNT, RESULT(correct), TB_CSV_ONLY},
    {"accuracy", "Accuracy", "Akurasi", TB_CELL_PROPORTION, RESULT(accuracy), TB_PANEL_A},
    {"accuracy_interval", "95\\%", "95\\%", TB_CELL_INTERVAL, RESULT(low), TB_PANEL_A},
    {"accuracy_bootstrap", "", "", TB_CELL_INTERVAL, BOOT(boot_accuracy), TB_CSV_ONLY},
    {"macro_f1", "Macro F1", "F1 makro", TB_CELL_PROPORTION, RESULT(macro_f1), TB_PANEL_A},
    {"macro_f1_bootstrap", "95\\%", "95\\%", TB_CELL_INTERVAL, BOOT(boot_macro_f1), TB_PANEL_A},
    {"weighted_f1", "", "", TB_CELL_PROPORTION, RESULT(weighted_f1), TB_CSV_ONLY},
    {"weighted_f1_bootstrap", "", "", TB_CELL_INTERVAL, BOOT(boot_weighted_f1), TB_CSV_ONLY},
    {"macro_precision", "", "", TB_CELL_PROPORTION, RESULT(macro_precision), TB_CSV_ONLY},
    {"macro_recall", "", "", TB_CELL_PROPORTION, RESULT(macro_recall), TB_CSV_ONLY},
    {"weighted_precision", "", "", TB_CELL_PROPORTION, RESULT(weighted_precision), TB_CSV_ONLY},
    {"weighted_recall", "", "", TB_CELL_PROPORTION, RESULT(weighted_recall), TB_CSV_ONLY},
    {"mcc", "", "", TB_CELL_PROPORTION, RESULT(mcc), TB_CSV_ONLY},
    {"mcc_bootstrap", "", "", TB_CELL_INTERVAL, BOOT(boot_mcc), TB_CSV_ONLY},
    {"majority_label", "", "", TB_CELL_TEXT, RESULT(majority_label), TB_CSV_ONLY},
    {"majority_accuracy", "", "", TB_CELL_PROPORTION, RESULT(majority_accuracy), TB_CSV_ONLY},
    {"delta_accuracy", "$\\Delta$Accuracy", "$\\Delta$Akurasi", TB_CELL_DELTA, COMPARED(delta_accuracy), TB_PANEL_B},
    {"delta_macro_f1", "$\\Delta$F1", "$\\Delta$F1", TB_CELL_DELTA, TESTS(delta_macro_f1), TB_PANEL_B},
    {"agreement", "Agreement", "Kesesuaian", TB_CELL_PROPORTION, COMPARED(agreement), TB_PANEL_B},
    {"mean_confidence", "Confidence", "Keyakinan", TB_CELL_PROPORTION, RESULT(mean_confidence), TB_PANEL_B},
    {"confidence_sd", "", "", TB_CELL_PROPORTION, RESULT(confidence_sd), TB_CSV_ONLY},
    {"total_ms_mean", "Mean|ms", "Rerata|ms", TB_CELL_MS, RESULT(total.mean), TB_PANEL_B},
    {"total_ms_median", "Median|ms", "Median|ms", TB_CELL_MS, RESULT(total.median), TB_PANEL_B},
    {"total_ms_sd", "SD|ms", "SB|ms", TB_CELL_MS, RESULT(total.sd), TB_PANEL_B},
    {"latency_ratio", "Time|ratio", "Rasio|waktu", TB_CELL_RATIO, RESULT(latency_ratio), TB_PANEL_B},
    {"untrained_head", "", "", TB_CELL_YES, RESULT(untrained_head), TB_CSV_ONLY},
};

const tb_table tb_table_main = {
    .name = "main",
    .caption_en = "Size, accuracy and latency of the variants. Ratio: of the size at 4 bytes a parameter. Intervals: "
                  "Wilson (accuracy) and percentile bootstrap (macro F1). $\\Delta$: variant minus FP32. Latency: one "
                  "text at a time; time ratio: median of paired ratios.",
    .caption_id = "Ukuran, akurasi, dan latensi setiap varian. Rasio: terhadap ukuran dengan 4 byte per parameter. "
                  "Selang: Wilson (akurasi) dan bootstrap persentil (F1 makro). $\\Delta$: varian dikurangi FP32. "
                  "Latensi: satu teks setiap kali; SB: simpangan baku; rasio waktu: median rasio berpasangan.",
    .columns = main_columns,
    .n_columns = sizeof main_columns / sizeof main_columns[0],
    .list = tb_rows_of_results,
};

static const tb_column tests_columns[] = {
    NAME_COLUMNS,
    {"delta_accuracy", "$\\Delta$Acc.", "$\\Delta$Akur.", TB_CELL_DELTA, COMPARED(delta_accuracy), TB_PANEL_A},
    {"delta_accuracy_bootstrap", "95\\%", "95\\%", TB_CELL_INTERVAL_DELTA, TESTS_BOOT(boot_accuracy), TB_PANEL_A},
    {"right_to_wrong", "R$\\to$W", "B$\\to$S", TB_CELL_COUNT, COMPARED(right_to_wrong), TB_PANEL_A},
    {"wrong_to_right", "W$\\to$R", "S$\\to$B", TB_CELL_COUNT, COMPARED(wrong_to_right), TB_PANEL_A},
    {"wrong_to_other", "W$\\to$W", "S$\\to$S", TB_CELL_COUNT, COMPARED(wrong_to_other), TB_PANEL_A},
    {"mcnemar_p", "McNemar|$p$", "McNemar|$p$", TB_CELL_P, COMPARED(mcnemar_p), TB_PANEL_A},
    {"primary_figure", "", "", TB_CELL_TEXT, TESTS(primary_figure), TB_CSV_ONLY},
    {"primary_delta", "", "", TB_CELL_REAL, TESTS(primary_delta), TB_CSV_ONLY},
    {"primary_p", "", "", TB_CELL_P, TESTS(primary_p), TB_CSV_ONLY},
    {"primary_p_holm", "Holm|$p$", "Holm|$p$", TB_CELL_P, TESTS(primary_p_holm), TB_PANEL_A},
    {"significant", "", "", TB_CELL_YES, TESTS(significant), TB_CSV_ONLY},
    {"delta_macro_f1", "$\\Delta$F1", "$\\Delta$F1", TB_CELL_DELTA, TESTS(delta_macro_f1), TB_PANEL_B},
    {"delta_macro_f1_bootstrap", "95\\%", "95\\%", TB_CELL_INTERVAL_DELTA, TESTS_BOOT(boot_macro_f1), TB_PANEL_B},
    {"delta_macro_f1_p", "$p$", "$p$", TB_CELL_P, TESTS(delta_macro_f1_p), TB_PANEL_B},
    {"delta_weighted_f1", "", "", TB_CELL_DELTA, TESTS(delta_weighted_f1), TB_CSV_ONLY},
    {"delta_weighted_f1_bootstrap", "", "", TB_CELL_INTERVAL_DELTA, TESTS_BOOT(boot_weighted_f1), TB_CSV_ONLY},
    {"agreement", "", "", TB_CELL_PROPORTION, COMPARED(agreement), TB_CSV_ONLY},
    {"agreement_interval", "", "", TB_CELL_INTERVAL, TESTS(agreement_interval), TB_CSV_ONLY},
    {"mean_kl", "KL", "KL", TB_CELL_KL, COMPARED(mean_kl), TB_CSV_ONLY},
    {"max_abs_dlogit", "", "", TB_CELL_REAL, COMPARED(max_abs_dlogit), TB_CSV_ONLY},
    {"marginal_statistic", "Stuart--|Maxwell", "Stuart--|Maxwell", TB_CELL_RATIO, TESTS(marginal_statistic),
     TB_PANEL_B},
    {"marginal_df", "df", "db", TB_CELL_COUNT, TESTS(marginal_df), TB_PANEL_B},
    {"marginal_p", "$p$", "$p$", TB_CELL_P, TESTS(marginal_p), TB_PANEL_B},
    {"marginal_p_holm", "Holm|$p$", "Holm|$p$", TB_CELL_P, TESTS(marginal_p_holm), TB_PANEL_B},
    {"gains", "", "", TB_CELL_TEXT, TESTS(gains), TB_CSV_ONLY},
    {"loses", "", "", TB_CELL_TEXT, TESTS(loses), TB_CSV_ONLY},
    {"delta_mean_confidence", "", "", TB_CELL_DELTA, TESTS(delta_mean_confidence), TB_CSV_ONLY},
    {"delta_mean_confidence_bootstrap", "", "", TB_CELL_INTERVAL_DELTA, TESTS_BOOT(boot_mean_confidence), TB_CSV_ONLY},
    {"confidence_difference", "$\\Delta$Conf.", "$\\Delta$Keyak.", TB_CELL_DELTA, TESTS(confidence_difference),
     TB_PANEL_C},
    {"confidence_p", "", "", TB_CELL_P, TESTS(confidence_p), TB_CSV_ONLY},
    {"confidence_p_holm", "Holm|$p$", "Holm|$p$", TB_CELL_P, TESTS(confidence_p_holm), TB_PANEL_C},
    {"equivalence_margin", "", "", TB_CELL_PROPORTION, TESTS(margin), TB_CSV_ONLY},
    {"equivalence_interval", "TOST interval", "Selang TOST", TB_CELL_INTERVAL_DELTA, TESTS(equivalence_interval),
     TB_PANEL_C},
    {"equivalence_p", "TOST|$p$", "TOST|$p$", TB_CELL_P, TESTS(equivalence_p), TB_PANEL_C},
    {"equivalent", "Equiv-|alent", "Setara", TB_CELL_EQUIVALENT, TESTS(equivalent), TB_PANEL_C},
    {"smallest_texts", "", "", TB_CELL_COUNT, TESTS(smallest_texts), TB_CSV_ONLY},
    {"smallest", "Least|seen", "Min.|terlihat", TB_CELL_PROPORTION, TESTS(smallest), TB_PANEL_A},
    {"discordant_rate", "", "", TB_CELL_PROPORTION, TESTS(discordant_rate), TB_CSV_ONLY},
    {"detectable", "Detect-|able", "Ter-|deteksi", TB_CELL_PROPORTION, TESTS(detectable), TB_PANEL_C},
    {"equivalence_power", "TOST|power", "Daya uji|TOST", TB_CELL_PROPORTION, TESTS(equivalence_power), TB_PANEL_C},
    {"equivalence_most_flips", "", "", TB_CELL_FLIPS, TESTS(equivalence_most_flips), TB_CSV_ONLY},
};

const tb_table tb_table_tests = {
    .name = "tests",
    .caption_en =
        "Against FP32, paired by text. R$\\to$W: right turned wrong; W$\\to$W: one wrong label turned another. "
        "McNemar: exact. Holm: over the variants of one model on one set, primary figure. Stuart--Maxwell: "
        "margins of the predicted labels. Conf.: mean confidence, Wilcoxon. TOST: equivalence in accuracy "
        "within the margin of the plan. Least seen: the smallest difference that McNemar's test can call "
        "significant; detectable: the true one that is seen with the planned power.",
    .caption_id = "Dibandingkan dengan FP32, berpasangan per teks. B$\\to$S: benar menjadi salah; S$\\to$S: satu label "
                  "salah menjadi label salah lain. McNemar: eksak. Holm: atas varian satu model pada satu set, "
                  "ukuran primer. Stuart--Maxwell: marginal label prediksi. Keyak.: rerata keyakinan, Wilcoxon. TOST: "
                  "kesetaraan akurasi dalam batas rencana. Min. terlihat: selisih terkecil yang dapat dinyatakan "
                  "signifikan oleh uji McNemar; terdeteksi: selisih sebenarnya yang terlihat dengan daya uji rencana.",
    .columns = tests_columns,
    .n_columns = sizeof tests_columns / sizeof tests_columns[0],
    .list = tb_rows_of_compared,
};

static const tb_column calibration_columns[] = {
    NAME_COLUMNS,
    {"n", "", "", TB_CELL_COUNT, RESULT(n), TB_CSV_ONLY},
    {"mean_confidence", "Conf.", "Keyak.", TB_CELL_PROPORTION, RESULT(mean_confidence), TB_PANEL_A},
    {"accuracy", "Acc.", "Akur.", TB_CELL_PROPORTION, RESULT(accuracy), TB_PANEL_A},
    {"ece", "ECE", "ECE", TB_CELL_PROPORTION, RESULT(ece), TB_PANEL_A},
    {"ece_mass", "ECE|(mass)", "ECE|(isi)", TB_CELL_PROPORTION, RESULT(ece_mass), TB_PANEL_A},
    {"mce", "MCE", "MCE", TB_CELL_PROPORTION, RESULT(mce), TB_PANEL_A},
    {"brier", "Brier", "Brier", TB_CELL_PROPORTION, RESULT(brier), TB_PANEL_B},
    {"nll", "NLL", "NLL", TB_CELL_REAL, RESULT(nll), TB_PANEL_B},
    {"overconfident_errors", "Errors|$\\geq$0.9", "Galat|$\\geq$0.9", TB_CELL_COUNT, RESULT(overconfident_errors),
     TB_PANEL_B},
    {"temperature", "$T$", "$T$", TB_CELL_REAL, FITTED(temperature), TB_PANEL_B},
    {"temperature_fitted_on", "", "", TB_CELL_TEXT, FITTED(temperature_set), TB_CSV_ONLY},
    {"temperature_ece", "ECE|at $T$", "ECE|pada $T$", TB_CELL_PROPORTION, FITTED(temperature_ece), TB_PANEL_B},
    {"temperature_nll", "NLL|at $T$", "NLL|pada $T$", TB_CELL_REAL, FITTED(temperature_nll), TB_PANEL_B},
};

const tb_table tb_table_calibration = {
    .name = "calibration",
    .caption_en =
        "Calibration. ECE over bins of equal width and of equal mass, MCE: the largest gap; errors: wrong with "
        "a confidence of 0.9 or more; $T$: temperature fitted on the validation set.",
    .caption_id = "Kalibrasi. ECE atas bin berlebar sama dan bin berisi sama banyak, MCE: selisih terbesar; galat: "
                  "salah dengan keyakinan 0.9 atau lebih; $T$: suhu yang dicocokkan pada set validasi.",
    .columns = calibration_columns,
    .n_columns = sizeof calibration_columns / sizeof calibration_columns[0],
    .list = tb_rows_of_results,
};

static const tb_column latency_columns[] = {
    NAME_COLUMNS,
    {"texts", "", "", TB_CELL_COUNT, RESULT(timed_texts), TB_CSV_ONLY},
    {"rounds", "", "", TB_CELL_COUNT, RESULT(timed_rounds), TB_CSV_ONLY},
    {"tokenize_ms_mean", "Tokens|mean", "Token|rerata", TB_CELL_MS, RESULT(tokenize.mean), TB_PANEL_A},
    {"tokenize_ms_median", "", "", TB_CELL_MS, RESULT(tokenize.median), TB_CSV_ONLY},
    {"tokenize_ms_sd", "", "", TB_CELL_MS, RESULT(tokenize.sd), TB_CSV_ONLY},
    {"tokenize_ms_p90", "", "", TB_CELL_MS, RESULT(tokenize.p90), TB_CSV_ONLY},
    {"tokenize_ms_p99", "", "", TB_CELL_MS, RESULT(tokenize.p99), TB_CSV_ONLY},
    {"forward_ms_mean", "Forward|mean", "Maju|rerata", TB_CELL_MS, RESULT(forward.mean), TB_PANEL_A},
    {"forward_ms_median", "", "", TB_CELL_MS, RESULT(forward.median), TB_CSV_ONLY},
    {"forward_ms_sd", "", "", TB_CELL_MS, RESULT(forward.sd), TB_CSV_ONLY},
    {"forward_ms_p90", "", "", TB_CELL_MS, RESULT(forward.p90), TB_CSV_ONLY},
    {"forward_ms_p99", "", "", TB_CELL_MS, RESULT(forward.p99), TB_CSV_ONLY},
    {"total_ms_mean", "Total|mean", "Total|rerata", TB_CELL_MS, RESULT(total.mean), TB_PANEL_A},
    {"total_ms_mean_interval", "95\\%", "95\\%", TB_CELL_INTERVAL_MS, RESULT(latency_interval), TB_PANEL_A},
    {"total_ms_sd", "SD", "SB", TB_CELL_MS, RESULT(total.sd), TB_PANEL_A},
    {"total_ms_median", "Median", "Median", TB_CELL_MS, RESULT(total.median), TB_PANEL_A},
    {"total_ms_p90", "p90", "p90", TB_CELL_MS, RESULT(total.p90), TB_PANEL_A},
    {"total_ms_p99", "p99", "p99", TB_CELL_MS, RESULT(total.p99), TB_PANEL_A},
    {"ratio_to", "Ratio|to", "Rasio|terhadap", TB_CELL_TEXT, RESULT(ratio_to), TB_PANEL_B},
    {"ratio", "Ratio", "Rasio", TB_CELL_REAL, RESULT(latency_ratio), TB_PANEL_B},
    {"ratio_interval", "95\\%", "95\\%", TB_CELL_INTERVAL, RESULT(latency_ratio_interval), TB_PANEL_B},
    {"texts_per_s", "Texts/s|in batches", "Teks/s|per batch", TB_CELL_MS, RESULT(texts_per_s), TB_PANEL_B},
    {"energy_j", "J|a text", "J|per teks", TB_CELL_SMALL, RESULT(energy_j), TB_PANEL_B},
    {"outliers", "Outlying|rounds", "Putaran|pencilan", TB_CELL_COUNT, RESULT(outliers), TB_PANEL_B},
};

const tb_table tb_table_latency = {
    .name = "latency",
    .caption_en =
        "Latency in milliseconds, one text at a time at its real length, variants interleaved; level: the "
        "lower decile of turns spread over the measurement, which is the machine least disturbed. Intervals: whole "
        "turns, resampled. Ratio: median over the turns of paired ratios of the total. Timings of one run are not "
        "independent samples.",
    .caption_id =
        "Latensi dalam milidetik, satu teks setiap kali dengan panjang aslinya, varian bergantian; tarafnya: "
        "desil bawah dari giliran yang tersebar selama pengukuran, yaitu mesin yang paling sedikit terganggu. "
        "Selang: pengambilan ulang giliran utuh. Rasio: median atas giliran dari rasio total berpasangan. "
        "Pengukuran waktu dari satu proses bukan sampel yang saling bebas.",
    .columns = latency_columns,
    .n_columns = sizeof latency_columns / sizeof latency_columns[0],
    .list = tb_rows_of_results,
};
