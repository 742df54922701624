/* SPDX-License-Identifier: Apache-2.0
 * compare: tables of predictions as people have them, how their rows find each other, and the published predictions
 * whose p-values are known. */
#include "compare_help.h"

#include "base/text.h"
#include "study/compare_parts.h"

#include <math.h>

/* ---- Published predictions ---- */

/* So many rows with this truth, the baseline's label and the other's. */
typedef struct cell {
    int rows;
    const char *truth, *base, *other;
} cell;

/* The same rows in two tables, the second one backwards, so that texts have to find each other. */
static void add_cells(tables *t, const cell *cells, size_t n_cells)
{
    tb_text a = {0}, b = {0};
    int row = 0;
    tb_text_puts(&a, "text,true_label,pred_label\n");
    tb_text_puts(&b, "text,true_label,pred_label\n");
    for (size_t c = 0; c < n_cells; c++)
        for (int i = 0; i < cells[c].rows; i++, row++)
            tb_text_printf(&a, "\"teks, nomor %d\",%s,%s\n", row, cells[c].truth, cells[c].base);
    for (size_t c = n_cells; c-- > 0;)
        for (int i = 0; i < cells[c].rows; i++)
            tb_text_printf(&b, "\"teks, nomor %d\",%s,%s\n", --row, cells[c].truth, cells[c].other);
    assert_false(a.failed || b.failed);
    add_file(t, "fp32.csv", a.data);
    add_file(t, "quant.csv", b.data);
    tb_text_free(&a);
    tb_text_free(&b);
}

static void assert_flips(const json_t *a, long long right_to_wrong, long long wrong_to_right)
{
    assert_int_equal(count(a, "right_to_wrong"), right_to_wrong);
    assert_int_equal(count(a, "wrong_to_right"), wrong_to_right);
    assert_int_equal(count(a, "delta_texts"), wrong_to_right - right_to_wrong);
}

static void one_text_in_500(void **state)
{
    (void)state;
    static const cell cells[] = {
        {190, "positive", "positive", "positive"}, {73, "neutral", "neutral", "neutral"},
        {190, "negative", "negative", "negative"}, {18, "positive", "negative", "negative"},
        {14, "neutral", "positive", "positive"},   {14, "negative", "neutral", "neutral"},
        {1, "neutral", "positive", "neutral"},
    };
    tables t;
    tables_begin(&t);
    add_cells(&t, cells, sizeof cells / sizeof cells[0]);
    json_t *got = compared(&t);
    const json_t *a = against(got, 1);
    assert_flips(a, 0, 1);
    assert_int_equal(count(a, "n"), 500);
    assert_near(real(entry(got, 0), "accuracy"), 0.906, 1e-12);
    assert_near(real(entry(got, 1), "accuracy"), 0.908, 1e-12);
    assert_near(real(a, "delta_accuracy"), 0.002, 1e-12);
    assert_true(real(a, "mcnemar_p") == 1);
    const char *sentence = json_string_value(json_object_get(json_object_get(a, "sentences"), "difference"));
    assert_non_null(strstr(sentence, "+0.0020 is 1 text in 500"));
    assert_non_null(strstr(sentence, "not shown to be more than chance"));
    /* 6 to 0 is the first split below 0.05: 2 / 2^6 = 0.031, and 5 to 0 has 0.0625 */
    assert_int_equal(count(json_object_get(a, "power"), "smallest_texts"), 6);
    json_decref(got);
    tables_end(&t);
}

static void tweets(void **state)
{
    (void)state;
    static const cell cells[] = {
        {85, "positive", "positive", "positive"}, {5, "positive", "positive", "neutral"},
        {5, "positive", "negative", "negative"},  {61, "neutral", "positive", "neutral"},
        {60, "negative", "positive", "positive"}, {452, "neutral", "neutral", "neutral"},
        {3, "neutral", "neutral", "positive"},    {36, "neutral", "neutral", "negative"},
        {44, "neutral", "negative", "negative"},  {391, "negative", "negative", "negative"},
        {40, "negative", "neutral", "neutral"},
    };
    tables t;
    tables_begin(&t);
    add_cells(&t, cells, sizeof cells / sizeof cells[0]);
    json_t *got = compared(&t);
    const json_t *a = against(got, 1), *marginal = json_object_get(a, "marginal");
    assert_flips(a, 44, 61);
    assert_near(real(entry(got, 0), "accuracy"), 0.8223, 5e-5);
    assert_near(real(entry(got, 1), "accuracy"), 0.8367, 5e-5);
    assert_near(real(a, "mcnemar_p"), 0.118, 5e-4);
    assert_near(real(a, "mcnemar_p"), 0.11799998150585847, 1e-9); /* scipy.stats.binomtest(44, 105).pvalue */
    assert_int_equal(count(json_object_get(entry(got, 0), "predicted_counts"), "positive"), 211);
    assert_int_equal(count(json_object_get(entry(got, 1), "predicted_counts"), "positive"), 148);
    assert_int_equal(count(json_object_get(entry(got, 1), "label_counts"), "positive"), 95);
    assert_int_equal(count(json_object_get(marginal, "shifts"), "positive"), -63);
    assert_string_equal(json_string_value(json_object_get(marginal, "loses")), "positive");
    assert_true(real(marginal, "p") < 0.001);
    assert_true(json_is_false(json_object_get(json_object_get(a, "equivalence"), "equivalent")));
    const char *labels = json_string_value(json_object_get(json_object_get(a, "sentences"), "labels"));
    assert_non_null(strstr(labels, "it says positive 148 times where fp32 says it 211 times (truth: 95)"));
    json_decref(got);
    tables_end(&t);
}

static void untrained(void **state)
{
    (void)state;
    static const cell cells[] = {
        {153, "neutral", "positive", "neutral"},   {21, "positive", "positive", "neutral"},
        {16, "negative", "positive", "neutral"},   {173, "neutral", "neutral", "neutral"},
        {100, "negative", "neutral", "neutral"},   {270, "neutral", "negative", "negative"},
        {375, "negative", "negative", "negative"}, {74, "positive", "negative", "negative"},
    };
    tables t;
    tables_begin(&t);
    add_cells(&t, cells, sizeof cells / sizeof cells[0]);
    json_t *got = compared(&t);
    const json_t *a = against(got, 1), *marginal = json_object_get(a, "marginal");
    assert_flips(a, 21, 153);
    assert_int_equal(count(a, "wrong_to_other"), 16);
    assert_true(real(a, "mcnemar_p") < 0.001);
    assert_int_equal(count(json_object_get(marginal, "shifts"), "neutral"), 463 - 273);
    assert_string_equal(json_string_value(json_object_get(marginal, "gains")), "neutral");
    json_decref(got);
    tables_end(&t);
}

/* ---- Tables as people have them ---- */

static void columns_by_many_names(void **state)
{
    (void)state;
    static const char *const files[] = {
        "text,true_label,pred_label\na b,x,x\nc d,y,x\n",
        "\xEF\xBB\xBFKalimat;Label;Prediksi\r\n\"a b\";X;x\r\n\"c d\";Y;X\r\n",
        "y_true\ty_pred\tTweet\nx\tx\ta b\ny\tx\tc d\n",
        ("{\"content\": \"a b\", \"gold\": \"x\", \"prediction\": \"x\"}\n"
         "{\"content\": \"c d\", \"gold\": \"y\", \"prediction\": \"x\"}\n"),
    };
    tables t;
    tables_begin(&t);
    static const char *const names[] = {"a.csv", "b.csv", "c.tsv", "d.jsonl"};
    for (size_t i = 0; i < 4; i++)
        add_file(&t, names[i], files[i]);
    json_t *got = compared(&t);
    for (size_t i = 0; i < 4; i++)
        assert_true(real(entry(got, i), "accuracy") == 0.5);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(count(against(got, i), "agree"), 2);
    assert_int_equal(json_array_size(json_object_get(got, "warnings")), 0);
    json_decref(got);
    tables_end(&t);
}

static void columns_by_options(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "isi ulasan,manual,mesin\na b,x,x\nc d,y,x\n");
    add_file(&t, "b.csv", "isi ulasan,manual,hasil\na b,x,y\nc d,y,y\n");
    refused(&t, TIMBANG_USAGE, "the columns are isi ulasan, manual, mesin (name it with --pred-column)");
    t.options.columns.label_column = "manual";
    t.options.pred_column = "mesin";
    refused(&t, TIMBANG_USAGE,
            "b.csv: there is no prediction column 'mesin': the columns are isi ulasan, manual, hasil");
    t.options.pred_column = "mesin,hasil";
    json_t *got = compared(&t);
    assert_flips(against(got, 1), 1, 1);
    json_decref(got);
    t.options.pred_column = "3"; /* by number too */
    got = compared(&t);
    assert_flips(against(got, 1), 1, 1);
    json_decref(got);
    tables_end(&t);
}

static void label_map_and_numbers(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred\na,Positive,positive\nb,negative,POSITIVE\nc,neutral,neutral\n");
    add_file(&t, "b.csv", "text,label,pred\na,0,0.0\nb,2,2.0\nc,1,1.0\n");
    refused(&t, TIMBANG_DATA, "the true labels of a and b have no name in common");
    t.options.columns.label_map = "0=positive,1=neutral,2=negative";
    json_t *got = compared(&t);
    assert_flips(against(got, 1), 0, 1);
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(got, "sets"), 0), "labels")), 3);
    json_decref(got);
    t.options.columns.drop_labels = "neutral";
    got = compared(&t);
    assert_int_equal(count(entry(got, 0), "n"), 2);
    json_decref(got);
    tables_end(&t);
}

static void probabilities(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred,prob_x,prob_y\na,x,x,.8,.2\nb,y,y,.4,.6\nc,x,y,.25,.75\n");
    add_file(&t, "b.csv", "text;label;pred;x;y\na;x;x;0,7;0,3\nb;y;x;0,5;0,5\nc;x;y;0,25;0,75\n");
    add_file(&t, "c.jsonl",
             "{\"text\": \"a\", \"label\": \"x\", \"score\": 0.7}\n"
             "{\"text\": \"b\", \"label\": \"x\", \"score\": 0.5}\n"
             "{\"text\": \"c\", \"label\": \"y\", \"score\": 0.75}\n");
    add_file(&t, "d.csv", "text,label,pred\na,x,x\nb,y,y\nc,x,y\n");
    json_t *got = compared(&t);
    const json_t *a = entry(got, 0), *b = entry(got, 1), *c = entry(got, 2), *d = entry(got, 3);
    assert_near(real(a, "mean_confidence"), (0.8 + 0.6 + 0.75) / 3, 1e-12);
    assert_near(real(a, "nll"), -(log(0.8) + log(0.6) + log(0.25)) / 3, 1e-12);
    assert_near(real(b, "nll"), -(log(0.7) + log(0.5) + log(0.25)) / 3, 1e-12);
    assert_near(real(b, "brier"), (2 * .09 + 2 * .25 + 2 * .5625) / 3, 1e-12);
    double kl = .8 * log(.8 / .7) + .2 * log(.2 / .3) + .4 * log(.4 / .5) + .6 * log(.6 / .5);
    assert_near(real(against(got, 1), "mean_kl"), kl / 3, 1e-12);
    assert_near(real(against(got, 1), "delta_mean_confidence"), -(0.1 + 0.1) / 3, 1e-12);
    /* a confidence alone: calibration of it, and nothing that needs all probabilities */
    assert_near(real(c, "mean_confidence"), real(b, "mean_confidence"), 1e-12);
    assert_near(real(c, "ece"), real(b, "ece"), 1e-12);
    assert_true(is_null(c, "nll") && is_null(c, "brier") && is_null(against(got, 2), "mean_kl"));
    assert_flips(against(got, 2), 1, 0); /* its truth is the baseline's */
    /* Holm's correction goes over the two comparisons that have confidences, both with the same differences */
    const json_t *test = json_object_get(against(got, 1), "confidence");
    assert_true(real(test, "p") < 0.5);
    assert_near(real(test, "p_holm"), 2 * real(test, "p"), 1e-12);
    /* labels alone: nothing about calibration is made up */
    static const char *const keys[] = {"mean_confidence",      "confidence_sd", "ece",  "ece_mass", "mce",
                                       "overconfident_errors", "nll",           "brier"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_true(is_null(d, keys[i]));
    assert_true(is_null(against(got, 3), "mean_kl") && is_null(against(got, 3), "confidence") &&
                is_null(against(got, 3), "delta_mean_confidence"));
    assert_int_equal(json_array_size(json_object_get(got, "warnings")), 0);
    json_decref(got);
    tables_end(&t);
}

/* What rounding to a few digits does to the sum is taken out again. */
static void nearly_one(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred,prob_x,prob_y\na,x,x,.7505,.25\nb,y,y,.25,.75\n");
    add_file(&t, "b.csv", "text,label,pred\na,x,x\nb,y,y\n");
    json_t *got = compared(&t);
    assert_near(real(entry(got, 0), "nll"), -(log(.7505 / 1.0005) + log(.75)) / 2, 1e-12);
    json_decref(got);
    tables_end(&t);
}

static void logits_are_probabilities(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred,logit_x,logit_y\na,x,x,2,1\nb,y,y,-1,3\n");
    add_file(&t, "b.csv", "text,label,pred,logit_x,logit_y\na,x,x,102,101\nb,y,y,-1,3.5\n");
    json_t *got = compared(&t);
    assert_near(real(entry(got, 0), "nll"), (log1p(exp(-1)) + log1p(exp(-4))) / 2, 1e-12);
    assert_near(real(against(got, 1), "max_abs_dlogit"), 100, 1e-12);
    json_decref(got);
    tables_end(&t);
}

static void bad_scores(void **state)
{
    (void)state;
    static const struct {
        const char *rows, *part;
    } bad[] = {
        {"text,label,pred,prob_x,prob_y\na,x,x,.8,.2\nb,y,y,.4,.59\n",
         "row 3: the probabilities prob_x, prob_y sum to 0.99"},
        {"text,label,pred,prob_x,prob_y\na,x,x,.8,.2\nb,y,y,nan,.6\n",
         "row 3: 'prob_x' is 'nan'; a number is expected"},
        {"text,label,pred,prob_x,prob_y\na,x,x,,.2\nb,y,y,.4,.6\n", "row 2: 'prob_x' is ''"},
        {"text,label,pred,prob_x,prob_y\na,x,x,-.2,1.2\nb,y,y,.4,.6\n", "row 2: 'prob_x' is '-.2'; a probability"},
        {"text,label,pred,logit_x,logit_y\na,x,x,1e999,1\nb,y,y,.4,.6\n", "row 2: 'logit_x' is '1e999'"},
        {"text,label,pred,confidence\na,x,x,0.5\nb,y,y,NaN\n", "row 3: 'confidence' is 'NaN'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tables t;
        tables_begin(&t);
        add_file(&t, "a.csv", bad[i].rows);
        add_file(&t, "b.csv", "text,label,pred\na,x,x\nb,y,y\n");
        refused(&t, TIMBANG_DATA, bad[i].part);
        t.options.labels_only = 1;
        json_decref(compared(&t));
        tables_end(&t);
    }
}

/* Scores that are none, or that belong to another prediction, are left aside and said. */
static void scores_left_aside(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "text,label,pred,score\na,x,x,5\nb,y,y,4\n",
        "text,label,pred,prob_x,prob_y\na,x,x,.1,.9\nb,y,y,.4,.6\n",
        "text,label,pred,prob_x,prob_z\na,x,x,.9,.1\nb,y,y,.4,.6\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tables t;
        tables_begin(&t);
        add_file(&t, "a.csv", rows[i]);
        add_file(&t, "b.csv", "text,label,pred\na,x,x\nb,y,y\n");
        json_t *got = compared(&t);
        assert_int_equal(warned(got, "scores"), 1);
        assert_true(is_null(entry(got, 0), "ece"));
        json_decref(got);
        tables_end(&t);
    }
}

static void bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *part;
    } bad[] = {
        {"", "the file is empty"},
        {"text,label,pred\n", "no row below it"},
        {"text,label,pred\na,x\n", "row 2: there are 2 columns where the first row has 3"},
        {"text,label,pred\na,x,\nb,y,y\n", "row 2: the prediction (column 'pred') is missing"},
        {"text,label,pred\na,,x\nb,y,y\n", "row 2: the label (column 'label') is missing"},
        {"text,label,pred\n\"a,x,x\nb,y,y\n", "never closed"},
        {"[{\"text\": \"a\", \"pred\": \"x\"}]", "one JSON array"},
        {"{\"text\": \"a\", \"pred\": \"x\", \"truth\": \"x\"}\n[1]\n", "row 2: this is not a JSON object"},
        {"{\"text\": \"a\", \"pred\": \"x\", \"truth\": [1]}\n", "\"truth\" is an array or object"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tables t;
        tb_error err;
        json_t *out = NULL;
        tables_begin(&t);
        add_file(&t, "a.csv", "text,label,pred\na,x,x\nb,y,y\n");
        add_file(&t, "b.csv", bad[i].bytes);
        assert_int_not_equal(run_compare(&t, &out, &err), TIMBANG_OK);
        if (!strstr(err.text, bad[i].part))
            fail_msg("'%s' does not hold '%s'", err.text, bad[i].part);
        assert_non_null(strstr(err.text, "b.csv"));
        tables_end(&t);
    }
}

/* ---- Rows that find each other ---- */

static void duplicates_in_order(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    /* the same text three times, once with another truth: rows of equal truth belong together, then the order counts */
    add_file(&t, "a.csv", "text,label,pred\nsama,x,x\nsama,y,y\nsama,x,y\nlain,x,x\n");
    add_file(&t, "b.csv", "text,label,pred\nlain,x,x\nsama,y,x\nsama,x,x\nsama,x,x\n");
    json_t *got = compared(&t);
    const json_t *a = against(got, 1);
    assert_int_equal(count(a, "n"), 4);
    assert_flips(a, 1, 1); /* row 2: y, y > x; row 3: x, y > x */
    assert_int_equal(json_array_size(json_object_get(got, "warnings")), 0);
    json_decref(got);
    tables_end(&t);
}

static void left_over_and_conflicting(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred\na,x,x\nb,y,y\nc,x,x\nd,y,x\n");
    add_file(&t, "b.csv", "text,label,pred\nc,x,y\nb,x,y\ne,x,x\n");
    json_t *got = compared(&t);
    const json_t *a = against(got, 1);
    assert_int_equal(count(a, "n"), 2);
    assert_flips(a, 1, 0); /* c; the truth of b is the baseline's */
    assert_int_equal(count(entry(got, 0), "n"), 4);
    assert_int_equal(count(entry(got, 1), "n"), 3);
    assert_true(real(a, "baseline_accuracy") == 1 && real(a, "accuracy") == 0.5);
    assert_int_equal(warned(got, "unmatched"), 1);
    assert_int_equal(warned(got, "conflicting"), 1);
    json_decref(got);
    tables_end(&t);
}

static void other_preparation(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred\nFilmnya  BAGUS,x,x\nbiasa,y,y\n");
    add_file(&t, "b.csv", "text,label,pred\nfilmnya bagus,x,y\nbiasa,y,y\n");
    json_t *got = compared(&t);
    assert_int_equal(count(against(got, 1), "n"), 2);
    assert_int_equal(warned(got, "loosely"), 1);
    assert_int_equal(warned(got, "unmatched"), 0);
    json_decref(got);
    tables_end(&t);
}

static void by_order(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "y_true,y_pred\n0,0\n1,1\n0,1\n1,1\n0,0\n");
    add_file(&t, "b.csv", "y_true,y_pred\n0,0\n1,0\n0,0\n1,1\n0,0\n");
    json_t *got = compared(&t);
    assert_flips(against(got, 1), 1, 1);
    assert_int_equal(warned(got, "by_order"), 1);
    json_decref(got);
    tables_end(&t);

    tables_begin(&t);
    add_file(&t, "a.csv", "y_true,y_pred\n0,0\n1,1\n0,1\n");
    add_file(&t, "b.csv", "y_true,y_pred\n0,0\n1,1\n");
    refused(&t, TIMBANG_DATA, "a has 3 rows and b has 2, and there are no texts to match them by");
    tables_end(&t);

    tables_begin(&t); /* the truth gives away that the order is another one */
    add_file(&t, "a.csv", "y_true,y_pred\n0,0\n1,1\n0,1\n1,1\n");
    add_file(&t, "b.csv", "y_true,y_pred\n1,0\n0,0\n1,1\n0,1\n");
    refused(&t, TIMBANG_DATA, "4 of 4 true labels differ");
    tables_end(&t);
}

static void nothing_in_common(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred\nsatu,x,x\n");
    refused(&t, TIMBANG_USAGE, "a is the only set of predictions");
    add_file(&t, "b.csv", "text,label,pred\ndua,x,x\n");
    refused(&t, TIMBANG_DATA, "a and b have no text in common: the first of a is 'satu', of b 'dua'");
    tables_end(&t);
}

static void no_truth_at_all(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,pred\nsatu,x\ndua,y\n");
    add_file(&t, "b.csv", "text,pred\nsatu,x\ndua,x\n");
    refused(&t, TIMBANG_DATA, "no input has a column of true labels");
    add_file(&t, "c.csv", "text,truth,pred\ndua,y,y\nsatu,x,x\n"); /* one that knows is enough */
    json_t *got = compared(&t);
    assert_true(real(entry(got, 0), "accuracy") == 1);
    assert_flips(against(got, 1), 1, 0);
    json_decref(got);
    add_file(&t, "d.csv", "text,truth,pred\ndua,x,x\nsatu,y,y\n"); /* of several, the first counts */
    got = compared(&t);
    assert_true(real(entry(got, 0), "accuracy") == 1);
    json_decref(got);
    tables_end(&t);
}

static void unknown_labels(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred\na,x,0\nb,y,1\n");
    add_file(&t, "b.csv", "text,label,pred\na,x,0\nb,y,0\n");
    refused(&t, TIMBANG_DATA,
            "a: no prediction is a label of the truth: it predicts 0, 1, and the truth says x, y (map them with "
            "--label-map 0=...)");
    tables_end(&t);

    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred\na,x,x\nb,y,y\n");
    add_file(&t, "b.csv", "text,label,pred\na,x,netral\nb,y,y\n");
    json_t *got = compared(&t);
    assert_int_equal(warned(got, "unknown_label"), 1);
    assert_flips(against(got, 1), 1, 0);
    json_decref(got);
    tables_end(&t);
}

/* ---- More than two ---- */

static void baseline_and_holm(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred\na,x,y\nb,y,y\nc,x,x\n");
    add_file(&t, "b.csv", "text,label,pred\na,x,x\nb,y,y\nc,x,x\n");
    add_file(&t, "c.csv", "text,label,pred\na,x,x\nb,y,x\nc,x,x\n");
    t.options.baseline = "b";
    json_t *got = compared(&t);
    assert_string_equal(json_string_value(json_object_get(entry(got, 0), "name")), "b");
    assert_string_equal(json_string_value(json_object_get(entry(got, 1), "name")), "a");
    assert_flips(against(got, 1), 1, 0);
    assert_true(is_null(entry(got, 0), "against_baseline"));
    /* Holm over the two comparisons */
    double p1 = real(json_object_get(against(got, 1), "marginal"), "p"),
           p2 = real(json_object_get(against(got, 2), "marginal"), "p");
    assert_near(p1, p2, 1e-12);
    assert_near(real(json_object_get(against(got, 1), "marginal"), "p_holm"), fmin(1, 2 * p1), 1e-12);
    json_decref(got);
    t.options.baseline = "nobody";
    refused(&t, TIMBANG_USAGE, "--baseline nobody: no input is called so; there are a, b, c");
    tables_end(&t);
}

static void statistics_are_checked(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    add_file(&t, "a.csv", "text,label,pred\na,x,x\nb,y,y\n");
    add_file(&t, "b.csv", "text,label,pred\na,x,x\nb,y,x\n");
    t.options.alpha = 0.7;
    refused(&t, TIMBANG_USAGE, "alpha");
    t.options.alpha = 0;
    t.options.margin = NAN;
    refused(&t, TIMBANG_USAGE, "margin");
    t.options.margin = 0;
    t.options.primary = "f1";
    refused(&t, TIMBANG_USAGE, "not 'f1'");
    t.options.primary = "macro_f1";
    json_t *got = compared(&t);
    const json_t *primary = json_object_get(against(got, 1), "primary");
    assert_string_equal(json_string_value(json_object_get(primary, "figure")), "macro_f1");
    assert_near(real(primary, "p"), real(against(got, 1), "delta_macro_f1_p"), 0);
    json_decref(got);
    t.options.bootstrap_replicates = UINT64_MAX;
    refused(&t, TIMBANG_USAGE, "bootstrap");
    t.options.primary = NULL;
    got = compared(&t);
    assert_true(is_null(against(got, 1), "bootstrap") && is_null(entry(got, 0), "bootstrap"));
    json_decref(got);
    t.options.columns.limit = 1;
    refused(&t, TIMBANG_USAGE, "limit");
    tables_end(&t);
}

static void patterns(void **state)
{
    (void)state;
    assert_true(tb_glob("int8", "int8") && tb_glob("int*", "int4-g64") && tb_glob("*on te?t", "m/int8 on test"));
    assert_true(tb_glob("*", "") && tb_glob("a*b*c", "aXbXbXc"));
    assert_false(tb_glob("int8", "int8-pertensor") || tb_glob("?", "") || tb_glob("a*b", "aXbX") || tb_glob("", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_text_in_500),
        cmocka_unit_test(tweets),
        cmocka_unit_test(untrained),
        cmocka_unit_test(columns_by_many_names),
        cmocka_unit_test(columns_by_options),
        cmocka_unit_test(label_map_and_numbers),
        cmocka_unit_test(probabilities),
        cmocka_unit_test(nearly_one),
        cmocka_unit_test(logits_are_probabilities),
        cmocka_unit_test(bad_scores),
        cmocka_unit_test(scores_left_aside),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(duplicates_in_order),
        cmocka_unit_test(left_over_and_conflicting),
        cmocka_unit_test(other_preparation),
        cmocka_unit_test(by_order),
        cmocka_unit_test(nothing_in_common),
        cmocka_unit_test(no_truth_at_all),
        cmocka_unit_test(unknown_labels),
        cmocka_unit_test(baseline_and_holm),
        cmocka_unit_test(statistics_are_checked),
        cmocka_unit_test(patterns),
    };
    return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
