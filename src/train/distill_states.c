/* What a student learns from inside a teacher: hidden states and attention. Includes: train/distill.h. Called by:
 * train/learn.c. */
#include "train/distill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Probabilities below it count as this: a quotient by them stays finite. */
#define TINY 0x1p-100f

struct tb_distill {
    tb_distill_options options;
    size_t hidden, heads, teacher_layers, student_layers;
    /* of the batch at hand */
    float *states;    /* [teacher_layers + 1][n_tokens][hidden] */
    float *attention; /* text after text: [heads][length][length] each */
    size_t *begin;    /* [n_texts] of a text in attention */
    size_t states_room, attention_room, texts_room;
    size_t n_tokens;
    double hidden_factor, attention_factor; /* weight / (what the step has of them) */
};

/* ---- Whether the two can be compared ---- */

static timbang_status same_tokens(const tb_distill_options *o, tb_error *err)
{
    const tb_tokenizer *teacher = tb_trainee_tokenizer(o->teacher), *student = tb_trainee_tokenizer(o->student);
    size_t n = tb_tokenizer_vocab_size(teacher), m = tb_tokenizer_vocab_size(student);
    if (n != m)
        return tb_fail(
            err, TIMBANG_USAGE,
            "%s: the teacher's vocabulary has %zu tokens, the student's %zu; hidden states and attention can "
            "be compared over the same tokens alone",
            o->teacher_name, n, m);
    for (size_t i = 0; i < n; i++) {
        const char *a = tb_tokenizer_token(teacher, (int32_t)i), *b = tb_tokenizer_token(student, (int32_t)i);
        if ((!a || !b) ? a != b : strcmp(a, b) != 0)
            return tb_fail(err, TIMBANG_USAGE,
                           "%s: token %zu is '%.60s' in the teacher's vocabulary and '%.60s' in the student's; hidden "
                           "states and attention can be compared over the same tokens alone",
                           o->teacher_name, i, a ? a : "", b ? b : "");
    }
    return TIMBANG_OK;
}

static timbang_status comparable(const tb_distill_options *o, tb_error *err)
{
    const tb_config *t = tb_trainee_config(o->teacher), *s = tb_trainee_config(o->student);
    if (o->hidden_weight > 0 && t->hidden_size != s->hidden_size)
        return tb_fail(err, TIMBANG_USAGE,
                       "%s: the teacher's hidden size is %zu, the student's %zu; distillation of hidden states needs "
                       "equal sizes (that of logits or attention does not)",
                       o->teacher_name, t->hidden_size, s->hidden_size);
    if (o->attention_weight > 0 && t->num_attention_heads != s->num_attention_heads)
        return tb_fail(err, TIMBANG_USAGE,
                       "%s: the teacher has %zu attention heads, the student %zu; distillation of attention needs "
                       "equal numbers (that of logits or hidden states does not)",
                       o->teacher_name, t->num_attention_heads, s->num_attention_heads);
    if (t->max_position_embeddings < s->max_position_embeddings)
        return tb_fail(err, TIMBANG_USAGE, "%s: the teacher has %zu positions, the student %zu; it needs as many",
                       o->teacher_name, t->max_position_embeddings, s->max_position_embeddings);
    return same_tokens(o, err);
}

static timbang_status check_weight(double weight, const char *what, tb_error *err)
{
    if (!(weight >= 0 && weight <= 1e6))
        return tb_fail(err, TIMBANG_USAGE, "the weight %g of the %s is not between 0 and 1000000", weight, what);
    return TIMBANG_OK;
}

timbang_status tb_distill_create(const tb_distill_options *options, tb_distill **distill, tb_error *err)
{
    TB_TRY(check_weight(options->hidden_weight, "hidden states", err));
    TB_TRY(check_weight(options->attention_weight, "attention", err));
    TB_TRY(comparable(options, err));
    const tb_config *teacher = tb_trainee_config(options->teacher), *student = tb_trainee_config(options->student);
    tb_distill *d = tb_calloc(1, sizeof *d, err);
    if (!d)
        return err->status;
    *d = (tb_distill){.options = *options,
                      .hidden = teacher->hidden_size,
                      .heads = teacher->num_attention_heads,
                      .teacher_layers = teacher->num_hidden_layers,
                      .student_layers = student->num_hidden_layers};
    *distill = d;
    return TIMBANG_OK;
}

void tb_distill_free(tb_distill *distill)
{
    if (!distill)
        return;
    free(distill->states);
    free(distill->attention);
    free(distill->begin);
    free(distill);
}

/* ---- The teacher's side ---- */

static timbang_status make_room(void **block, size_t *room, size_t need, size_t size, tb_error *err)
{
    if (need <= *room)
        return TIMBANG_OK;
    TB_TRY(tb_grow(block, need, size, err));
    *room = need;
    return TIMBANG_OK;
}

static timbang_status make_states(tb_distill *d, const tb_batch *batch, tb_error *err)
{
    size_t need;
    if (!tb_mul_size(batch->n_tokens, d->hidden, &need) || !tb_mul_size(need, d->teacher_layers + 1, &need))
        return tb_no_memory(err, SIZE_MAX);
    return make_room((void **)&d->states, &d->states_room, need, sizeof *d->states, err);
}

static timbang_status make_attention(tb_distill *d, const tb_batch *batch, tb_error *err)
{
    size_t need = tb_attention_values(tb_trainee_config(d->options.teacher), batch), at = 0;
    TB_TRY(make_room((void **)&d->begin, &d->texts_room, batch->n_texts, sizeof *d->begin, err));
    for (size_t i = 0; i < batch->n_texts; i++) {
        size_t length = batch->cu_seqlens[i + 1] - batch->cu_seqlens[i];
        d->begin[i] = at;
        at += d->heads * length * length;
    }
    return make_room((void **)&d->attention, &d->attention_room, need, sizeof *d->attention, err);
}

timbang_status tb_distill_batch(tb_distill *d, const tb_batch *batch, size_t step_tokens, tb_error *err)
{
    const tb_distill_options *o = &d->options;
    tb_trainee_states wanted = {.attention_layer = d->teacher_layers - 1};
    if (o->hidden_weight > 0) {
        TB_TRY(make_states(d, batch, err));
        wanted.hidden = d->states;
    }
    if (o->attention_weight > 0) {
        TB_TRY(make_attention(d, batch, err));
        wanted.attention = d->attention;
    }
    d->n_tokens = batch->n_tokens;
    d->hidden_factor = o->hidden_weight / ((double)step_tokens * (double)d->hidden);
    d->attention_factor = o->attention_weight / ((double)step_tokens * (double)d->heads);
    return wanted.hidden || wanted.attention ? tb_trainee_forward(o->teacher, batch, &wanted, err) : TIMBANG_OK;
}

/* ---- The student's side ---- */

void tb_distill_hidden(const tb_distill *d, size_t layer, size_t first, size_t n_tokens, const float *x, float *dx,
                       double *loss)
{
    if (!(d->options.hidden_weight > 0))
        return;
    size_t from = (2 * layer * d->teacher_layers + d->student_layers) / (2 * d->student_layers);
    const float *taught = d->states + (from * d->n_tokens + first) * d->hidden;
    float twice = (float)(2 * d->hidden_factor);
    double lane[16] = {0};
    for (size_t i = 0; i < n_tokens * d->hidden; i++) {
        float gap = x[i] - taught[i];
        lane[i % 16] += (double)gap * (double)gap;
        dx[i] = dx[i] + twice * gap;
    }
    for (size_t i = 0; i < 16; i++)
        *loss += d->hidden_factor * lane[i];
}

/* sum of t log(t / p) of one query, and its derivative by p times factor. Only the value goes through the C library's
 * log. */
static double divergence(const float *taught, const float *p, size_t n, float factor, float *dp)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        float t = taught[j], q = p[j] > TINY ? p[j] : TINY;
        if (t > 0)
            sum += (double)t * (log((double)t) - log((double)q));
        dp[j] = dp[j] - factor * (t / q);
    }
    return sum;
}

void tb_distill_attention(const tb_distill *d, const tb_attention_block *block, double *loss)
{
    if (!(d->options.attention_weight > 0) || block->layer + 1 != d->student_layers)
        return;
    size_t n = block->length;
    const float *taught = d->attention + d->begin[block->text] + (block->head * n + block->first) * n;
    double sum = 0;
    for (size_t i = 0; i < block->m; i++)
        sum += divergence(taught + i * n, block->p + i * block->ld, n, (float)d->attention_factor,
                          block->dp + i * block->ld);
    *loss += d->attention_factor * sum;
}
