/* A teacher's probabilities. Includes: train/distill.h, model/loss.h. Called by: train/run.c. */
#include "train/distill.h"

#include "base/text.h"
#include "data/columns.h"
#include "model/loss.h"

#include <stdlib.h>
#include <string.h>

static bool same_name(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    tb_trim(&a, &a_length);
    tb_trim(&b, &b_length);
    return tb_same_name(a, a_length, b, b_length);
}

static void list_names(tb_text *text, const char *const *labels, size_t n)
{
    char shown[72];
    size_t limit = text->length + 200;
    for (size_t i = 0; i < n && text->length < limit; i++) {
        tb_text_puts(text, i > 0 ? ", " : "");
        tb_text_puts(text, tb_data_shown(labels[i], strlen(labels[i]), shown));
        if (text->length >= limit && i + 1 < n)
            tb_text_puts(text, ", ...");
    }
}

static timbang_status other_labels(const tb_soft_options *options, const tb_config *teacher, tb_error *err)
{
    tb_text text = {0};
    tb_text_puts(&text, "the teacher's labels are ");
    list_names(&text, (const char *const *)teacher->labels, teacher->n_labels);
    tb_text_puts(&text, "; the student's are ");
    list_names(&text, options->labels, options->n_labels);
    timbang_status status = tb_text_finish(&text, err);
    if (status == TIMBANG_OK)
        status = tb_fail(err, TIMBANG_USAGE, "%s: %s; both must be the same, in any order", options->teacher_name,
                         text.data);
    tb_text_free(&text);
    return status;
}

/* place[c]: the teacher's number of the student's class c. */
static timbang_status match_labels(const tb_soft_options *options, size_t *place, tb_error *err)
{
    const tb_config *teacher = tb_classifier_config(options->teacher);
    if (teacher->n_labels != options->n_labels)
        return other_labels(options, teacher, err);
    for (size_t c = 0; c < options->n_labels; c++) {
        size_t found = SIZE_MAX, n_found = 0;
        for (size_t t = 0; t < teacher->n_labels; t++) {
            if (strcmp(teacher->labels[t], options->labels[c]) == 0) {
                found = t;
                n_found = 1;
                break;
            }
            if (same_name(teacher->labels[t], options->labels[c])) {
                found = t;
                n_found++;
            }
        }
        if (n_found != 1)
            return other_labels(options, teacher, err);
        for (size_t before = 0; before < c; before++)
            if (place[before] == found)
                return other_labels(options, teacher, err);
        place[c] = found;
    }
    return TIMBANG_OK;
}

static timbang_status run_teacher(const tb_soft_options *options, const tb_dataset *dataset, float *logits,
                                  tb_error *err)
{
    size_t positions = tb_classifier_config(options->teacher)->max_position_embeddings;
    tb_text_ref *refs = tb_calloc(dataset->n, sizeof *refs, err);
    if (!refs)
        return err->status;
    for (size_t i = 0; i < dataset->n; i++)
        refs[i] = (tb_text_ref){dataset->rows[i].text, dataset->rows[i].text_length, dataset->rows[i].pair};
    tb_run_options run = {.max_length = options->max_length < positions ? options->max_length : positions,
                          .clean = options->clean,
                          .hooks = options->hooks,
                          .stage = "asking the teacher"};
    timbang_status status =
        tb_classifier_run(options->teacher, options->workspace, refs, dataset->n, &run, logits, NULL, err);
    free(refs);
    return status == TIMBANG_OK ? TIMBANG_OK : tb_fail_prefix(err, "%s, on %s", options->teacher_name, dataset->name);
}

timbang_status tb_soft_targets(const tb_soft_options *options, const tb_dataset *dataset, float **soft, tb_error *err)
{
    size_t n_labels = options->n_labels, count;
    if (!(options->temperature > 0 && options->temperature <= 1e6))
        return tb_fail(err, TIMBANG_USAGE, "the temperature %g is not above 0 and at most 1000000",
                       options->temperature);
    if (tb_classifier_untrained_head(options->teacher))
        return tb_fail(err, TIMBANG_USAGE, "%s: the teacher has no trained classifier; fine-tune it first",
                       options->teacher_name);
    if (!tb_mul_size(dataset->n, n_labels, &count))
        return tb_no_memory(err, SIZE_MAX);
    size_t *place = tb_calloc(n_labels, sizeof *place, err);
    float *logits = place ? tb_calloc(count, sizeof *logits, err) : NULL;
    float *made = logits ? tb_calloc(count, sizeof *made, err) : NULL;
    timbang_status status = made ? match_labels(options, place, err) : err->status;
    if (status == TIMBANG_OK)
        status = run_teacher(options, dataset, logits, err);
    if (status == TIMBANG_OK) {
        for (size_t i = 0; i < dataset->n; i++)
            for (size_t c = 0; c < n_labels; c++)
                made[i * n_labels + c] = logits[i * n_labels + place[c]];
        tb_softened(made, dataset->n, n_labels, options->temperature, made);
        *soft = made;
        made = NULL;
    }
    free(place);
    free(logits);
    free(made);
    return status;
}
