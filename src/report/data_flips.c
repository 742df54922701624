/* SPDX-License-Identifier: Apache-2.0
 * `flips`: the texts on which a variant's label differs from FP32's.
 * Includes: report/data_read.h. Called by: report/data. */
#include "report/data_read.h"

#include <string.h>

/* The first result of that model on that set: its classes are those of the probabilities. */
static size_t result_of(const tb_report *r, tb_fields *f, size_t model, size_t set, const char *where)
{
    for (size_t i = 0; i < r->n_results; i++)
        if (r->results[i].model == model && r->results[i].set == set)
            return i;
    tb_fields_fail(f, "%s: results has no entry for this model and set", where);
    return 0;
}

static void read_variants(tb_report *r, tb_fields *f, const json_t *item, const char *where, size_t n_classes,
                          tb_report_flip *flip)
{
    const json_t *array = tb_read_array(f, item, where, "variants", &flip->n_variants);
    flip->variants = tb_read_room(r, f, flip->n_variants, sizeof *flip->variants);
    char inner[TB_READ_WHERE], entry[TB_READ_WHERE];
    tb_read_inner(inner, where, "variants");
    for (size_t i = 0; i < flip->n_variants && f->status == TIMBANG_OK; i++) {
        const json_t *one = tb_field_item(f, array, inner, i);
        tb_report_flip_variant *v = &flip->variants[i];
        tb_read_item(entry, where, "variants", i);
        v->variant = tb_field_string(f, one, entry, "variant");
        v->pred = tb_field_string(f, one, entry, "pred");
        v->kind = tb_field_string(f, one, entry, "kind");
        v->probs = tb_read_room(r, f, n_classes, sizeof *v->probs);
        tb_field_reals(f, one, entry, "probs", n_classes, v->probs);
    }
}

static void read_texts(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_flips *flips)
{
    size_t n;
    const json_t *texts = tb_read_array(f, item, where, "texts", &n);
    if (f->status == TIMBANG_OK && n != flips->listed)
        tb_fields_fail(f, "%s.texts holds %zu texts, but %s.listed is %llu", where, n, where,
                       (unsigned long long)flips->listed);
    flips->texts = tb_read_room(r, f, n, sizeof *flips->texts);
    char inner[TB_READ_WHERE], entry[TB_READ_WHERE];
    tb_read_inner(inner, where, "texts");
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        const json_t *text = tb_field_item(f, texts, inner, i);
        tb_read_item(entry, where, "texts", i);
        tb_report_flip *flip = &flips->texts[i];
        flip->row = tb_field_count(f, text, entry, "row");
        flip->text = tb_field_string(f, text, entry, "text");
        flip->pair = tb_field_string_or_null(f, text, entry, "pair");
        flip->truth = tb_field_string(f, text, entry, "truth");
        read_variants(r, f, text, entry, r->results[flips->result].n_classes, flip);
    }
}

void tb_read_flips(tb_report *r, tb_fields *f)
{
    size_t n;
    const json_t *array = tb_read_array(f, r->root, "", "flips", &n);
    r->flips = tb_read_room(r, f, n, sizeof *r->flips);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE];
        tb_read_item(where, "", "flips", i);
        const json_t *item = tb_field_item(f, array, "flips", i);
        tb_report_flips *flips = &r->flips[i];
        flips->model = tb_read_model(r, f, item, where);
        flips->set = tb_read_set(r, f, item, where);
        flips->result = result_of(r, f, flips->model, flips->set, where);
        flips->total = tb_field_count(f, item, where, "total");
        flips->listed = tb_field_count(f, item, where, "listed");
        if (f->status == TIMBANG_OK)
            read_texts(r, f, item, where, flips);
        r->n_flips++;
    }
}
