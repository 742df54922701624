/* SPDX-License-Identifier: Apache-2.0
 * `against_fp32`: the paired comparison of a variant with FP32, and its tests.
 * Includes: report/data_read.h. Called by: report/data_results. */
#include "report/data_read.h"

#include <string.h>

static void read_bootstrap(tb_fields *f, const json_t *against, const char *where, tb_report_tests *t)
{
    char inner[TB_READ_WHERE];
    if (tb_field_null(f, against, where, "bootstrap"))
        return;
    const json_t *bootstrap = tb_field_object(f, against, where, "bootstrap");
    tb_read_inner(inner, where, "bootstrap");
    t->bootstrap = true;
    t->boot_accuracy = tb_read_interval(f, bootstrap, inner, "delta_accuracy");
    t->boot_macro_f1 = tb_read_interval(f, bootstrap, inner, "delta_macro_f1");
    t->boot_weighted_f1 = tb_read_interval(f, bootstrap, inner, "delta_weighted_f1");
    t->boot_mean_confidence = tb_read_interval(f, bootstrap, inner, "delta_mean_confidence");
}

static void read_primary(tb_fields *f, const json_t *against, const char *where, tb_report_tests *t)
{
    char inner[TB_READ_WHERE];
    const json_t *primary = tb_field_object(f, against, where, "primary");
    tb_read_inner(inner, where, "primary");
    t->primary_figure = tb_field_string(f, primary, inner, "figure");
    t->primary_delta = tb_field_real(f, primary, inner, "delta");
    t->primary_p = tb_field_real_or_null(f, primary, inner, "p");
    t->primary_p_holm = tb_field_real_or_null(f, primary, inner, "p_holm");
    t->significant = tb_field_bool(f, primary, inner, "significant");
}

static void read_marginal(tb_report *r, tb_fields *f, const json_t *against, const char *where,
                          const tb_report_result *result, tb_report_tests *t)
{
    char inner[TB_READ_WHERE], deep[TB_READ_WHERE];
    const json_t *marginal = tb_field_object(f, against, where, "marginal");
    tb_read_inner(inner, where, "marginal");
    t->marginal_statistic = tb_field_real(f, marginal, inner, "statistic");
    t->marginal_df = tb_field_count(f, marginal, inner, "df");
    t->marginal_p = tb_field_real(f, marginal, inner, "p");
    t->marginal_p_holm = tb_field_real(f, marginal, inner, "p_holm");
    t->gains = tb_field_string_or_null(f, marginal, inner, "gains");
    t->loses = tb_field_string_or_null(f, marginal, inner, "loses");
    const json_t *shifts = tb_field_object(f, marginal, inner, "shifts");
    tb_read_inner(deep, inner, "shifts");
    t->shifts = tb_read_room(r, f, result->n_classes, sizeof *t->shifts);
    for (size_t c = 0; c < result->n_classes && f->status == TIMBANG_OK; c++)
        t->shifts[c] = tb_field_whole(f, shifts, deep, result->classes[c].label);
}

static void read_confidence(tb_fields *f, const json_t *against, const char *where, tb_report_tests *t)
{
    char inner[TB_READ_WHERE];
    const json_t *confidence = tb_field_object(f, against, where, "confidence");
    tb_read_inner(inner, where, "confidence");
    t->confidence_difference = tb_field_real(f, confidence, inner, "mean_difference");
    t->confidence_p = tb_field_real(f, confidence, inner, "p");
    t->confidence_p_holm = tb_field_real(f, confidence, inner, "p_holm");
}

static void read_equivalence(tb_fields *f, const json_t *against, const char *where, tb_report_tests *t)
{
    char inner[TB_READ_WHERE];
    const json_t *equivalence = tb_field_object(f, against, where, "equivalence");
    tb_read_inner(inner, where, "equivalence");
    t->margin = tb_field_real(f, equivalence, inner, "margin");
    t->equivalence_p = tb_field_real(f, equivalence, inner, "p");
    t->equivalence_interval = tb_read_interval(f, equivalence, inner, "interval");
    t->equivalent = tb_field_bool(f, equivalence, inner, "equivalent");

    const json_t *power = tb_field_object(f, against, where, "power");
    tb_read_inner(inner, where, "power");
    t->smallest_texts = tb_field_count(f, power, inner, "smallest_texts");
    t->smallest = tb_field_real(f, power, inner, "smallest");
    t->discordant_rate = tb_field_real(f, power, inner, "discordant_rate");
    t->detectable = tb_field_real_or_null(f, power, inner, "detectable");
    t->equivalence_power = tb_field_real(f, power, inner, "equivalence_power");
    t->equivalence_most_flips = tb_field_whole(f, power, inner, "equivalence_most_flips");
}

void tb_read_against(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_result *result)
{
    char inner[TB_READ_WHERE];
    if (tb_field_null(f, item, where, "against_fp32"))
        return;
    const json_t *against = tb_field_object(f, item, where, "against_fp32");
    tb_read_inner(inner, where, "against_fp32");
    tb_report_tests *t = &result->tests;
    result->compared = true;
    result->agreement = tb_field_real(f, against, inner, "agreement");
    double kl = tb_field_real_or_null(f, against, inner, "mean_kl");
    result->mean_kl = kl >= 0 ? kl : -1; /* null: infinite, where FP32 gives a label that the variant rules out */
    result->max_abs_dlogit = tb_field_real_or_null(f, against, inner, "max_abs_dlogit");
    result->mcnemar_p = tb_field_real(f, against, inner, "mcnemar_p");
    result->delta_accuracy = tb_field_real(f, against, inner, "delta_accuracy");
    result->right_to_wrong = tb_field_count(f, against, inner, "right_to_wrong");
    result->wrong_to_right = tb_field_count(f, against, inner, "wrong_to_right");
    result->wrong_to_other = tb_field_count(f, against, inner, "wrong_to_other");
    result->sentence = tb_field_string(f, against, inner, "sentence");
    t->agreement_interval = tb_read_interval(f, against, inner, "agreement_interval");
    t->delta_macro_f1 = tb_field_real(f, against, inner, "delta_macro_f1");
    t->delta_weighted_f1 = tb_field_real(f, against, inner, "delta_weighted_f1");
    t->delta_mean_confidence = tb_field_real(f, against, inner, "delta_mean_confidence");
    t->delta_macro_f1_p = tb_field_real_or_null(f, against, inner, "delta_macro_f1_p");
    read_bootstrap(f, against, inner, t);
    read_primary(f, against, inner, t);
    read_marginal(r, f, against, inner, result, t);
    read_confidence(f, against, inner, t);
    read_equivalence(f, against, inner, t);
}
