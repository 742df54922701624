/* Normalization with offsets, equal to the reference's NormalizedString and BertNormalizer, in one pass.
 * Includes: text/normalizer.h, text/unicode.h. Called by: encode, loaders.
 *
 * The reference applies each step to the whole string and keeps, for every character, the range of the raw text that it
 * stands for. All steps but canonical ordering look at one character at a time, so one pass does the same. In ordering
 * the reference assigns ranges after sorting: the first character of each decomposition takes the next raw character's
 * range, the others repeat the range taken last. */
#include "text/normalizer.h"

#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

struct tb_mark {
    uint32_t code_point;
    uint8_t combining;
    bool first; /* of its decomposition */
};

struct tb_span {
    uint32_t begin, end;
};

struct state {
    const tb_normalizer *normalizer;
    tb_mark_run *run;
    tb_sink *sink;
    struct tb_span last; /* the range taken last */
    size_t n_taken;      /* of run->spans */
    tb_error *err;
};

enum { MAX_RANKS = 256, SHORT_RUN = 16 };

void tb_mark_run_free(tb_mark_run *run)
{
    free(run->marks);
    free(run->sorted);
    free(run->spans);
    memset(run, 0, sizeof *run);
}

static void put_lower(struct state *s, uint32_t c, struct tb_span span)
{
    uint32_t lower[TB_UNICODE_DECOMPOSED_MAX];
    if (!s->normalizer->lowercase) {
        s->sink->put(s->sink, c, span.begin, span.end);
        return;
    }
    int n = tb_unicode_lower(c, lower);
    for (int i = 0; i < n; i++)
        s->sink->put(s->sink, lower[i], span.begin, span.end);
}

static void put_decomposed(struct state *s, uint32_t c, bool first)
{
    if (first)
        s->last = s->run->spans[s->n_taken++];
    if (!(tb_unicode_of(c)->flags & TB_UNICODE_MARK))
        put_lower(s, c, s->last);
}

/* Stable sort by class: insertion for the usual few, counting for hostile ones. */
static void sort_marks(tb_mark_run *run)
{
    struct tb_mark *marks = run->marks;
    if (run->n_marks <= SHORT_RUN) {
        for (size_t i = 1; i < run->n_marks; i++) {
            struct tb_mark mark = marks[i];
            size_t at = i;
            for (; at > 0 && marks[at - 1].combining > mark.combining; at--)
                marks[at] = marks[at - 1];
            marks[at] = mark;
        }
        return;
    }
    size_t place[MAX_RANKS + 1] = {0};
    for (size_t i = 0; i < run->n_marks; i++)
        place[marks[i].combining + 1]++;
    for (size_t r = 0; r < MAX_RANKS; r++)
        place[r + 1] += place[r];
    for (size_t i = 0; i < run->n_marks; i++)
        run->sorted[place[marks[i].combining]++] = marks[i];
    memcpy(marks, run->sorted, run->n_marks * sizeof marks[0]);
}

static void flush_marks(struct state *s)
{
    tb_mark_run *run = s->run;
    if (run->n_marks > 1)
        sort_marks(run);
    for (size_t i = 0; i < run->n_marks; i++)
        put_decomposed(s, run->marks[i].code_point, run->marks[i].first);
    run->n_marks = 0;
}

static timbang_status make_room(struct state *s)
{
    tb_mark_run *run = s->run;
    if (run->n_marks + TB_UNICODE_DECOMPOSED_MAX > run->marks_capacity) {
        size_t capacity = run->marks_capacity ? run->marks_capacity * 2 : 32;
        TB_TRY(tb_grow((void **)&run->marks, capacity, sizeof run->marks[0], s->err));
        TB_TRY(tb_grow((void **)&run->sorted, capacity, sizeof run->sorted[0], s->err));
        run->marks_capacity = capacity;
    }
    if (run->n_spans + 1 > run->spans_capacity) {
        size_t capacity = run->spans_capacity ? run->spans_capacity * 2 : 32;
        TB_TRY(tb_grow((void **)&run->spans, capacity, sizeof run->spans[0], s->err));
        run->spans_capacity = capacity;
    }
    return TIMBANG_OK;
}

/* Canonical decomposition of one code point of the text. */
static timbang_status decompose(struct state *s, uint32_t c, struct tb_span span)
{
    tb_mark_run *run = s->run;
    const tb_unicode_record *record = tb_unicode_of(c);
    bool plain = record->combining == 0 && record->decomposition == 0 && !(c >= 0xAC00 && c <= 0xD7A3);
    if (plain && run->n_marks == 0) { /* nearly always */
        s->last = span;
        if (!(record->flags & TB_UNICODE_MARK))
            put_lower(s, c, span);
        return TIMBANG_OK;
    }
    TB_TRY(make_room(s));
    if (run->n_marks == 0)
        run->n_spans = s->n_taken = 0;
    run->spans[run->n_spans++] = span;
    uint32_t parts[TB_UNICODE_DECOMPOSED_MAX];
    int n = tb_unicode_decompose(c, parts);
    for (int i = 0; i < n; i++) {
        uint8_t combining = tb_unicode_of(parts[i])->combining;
        if (combining == 0) {
            flush_marks(s);
            put_decomposed(s, parts[i], i == 0);
        } else
            run->marks[run->n_marks++] = (struct tb_mark){parts[i], combining, i == 0};
    }
    return TIMBANG_OK;
}

static timbang_status put_cleaned(struct state *s, uint32_t c, struct tb_span span)
{
    if (s->normalizer->strip_accents)
        return decompose(s, c, span);
    put_lower(s, c, span);
    return TIMBANG_OK;
}

timbang_status tb_normalize(const tb_normalizer *normalizer, const char *text, size_t begin, size_t end,
                            tb_mark_run *run, tb_sink *sink, tb_error *err)
{
    struct state s = {normalizer, run, sink, {(uint32_t)begin, (uint32_t)begin}, 0, err};
    run->n_marks = run->n_spans = 0;
    for (size_t at = begin; at < end && !sink->stop;) {
        uint32_t c = (uint8_t)text[at];
        int n = c < 0x80 ? 1 : tb_utf8_decode(text + at, end - at, &c);
        struct tb_span span = {(uint32_t)at, (uint32_t)(at + (size_t)n)};
        uint8_t flags = tb_unicode_of(c)->flags;
        at += (size_t)n;
        if (normalizer->clean_text) {
            if (flags & TB_UNICODE_REMOVED)
                continue;
            if (flags & TB_UNICODE_SPACE)
                c = ' ';
        }
        if (normalizer->chinese && (flags & TB_UNICODE_CJK)) {
            TB_TRY(put_cleaned(&s, ' ', span));
            TB_TRY(put_cleaned(&s, c, span));
            TB_TRY(put_cleaned(&s, ' ', span));
        } else
            TB_TRY(put_cleaned(&s, c, span));
    }
    flush_marks(&s);
    return TIMBANG_OK;
}
