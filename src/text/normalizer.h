/* The Bert normalizer: clean text, spaces around CJK, accents, lower case, each code point with the place it came from.
 * Includes: base. Called by: encode, loaders. */
#ifndef TB_TEXT_NORMALIZER_H
#define TB_TEXT_NORMALIZER_H

#include "base/text.h"
#include "text/unicode.h"

typedef struct tb_normalizer {
    bool clean_text, chinese, strip_accents, lowercase; /* all false: the text as it is */
} tb_normalizer;

/* Takes one normalized code point and the half-open byte range of the raw text that it stands for. Setting stop ends
 * the normalization early. */
typedef struct tb_sink tb_sink;
struct tb_sink {
    void (*put)(tb_sink *sink, uint32_t code_point, uint32_t begin, uint32_t end);
    bool stop;
};

/* Combining marks that wait for the next starter: canonical ordering needs the whole run. Zeroed is empty. */
typedef struct tb_mark_run {
    struct tb_mark *marks, *sorted;
    struct tb_span *spans;
    size_t n_marks, n_spans, marks_capacity, spans_capacity;
} tb_mark_run;
void tb_mark_run_free(tb_mark_run *run);

/* Normalizes text[begin..end), which must be valid UTF-8 and shorter than 4 GiB. */
timbang_status tb_normalize(const tb_normalizer *normalizer, const char *text, size_t begin, size_t end,
                            tb_mark_run *run, tb_sink *sink, tb_error *err);

/* Whether each of the steps above sees c by itself, whatever stands around it, and keeps it or makes it lower. */
static inline bool tb_normal_alone(const tb_unicode_record *record, uint32_t c)
{
    return !(record->flags & (TB_UNICODE_REMOVED | TB_UNICODE_MARK | TB_UNICODE_CJK)) && record->combining == 0 &&
           record->decomposition == 0 && !(c >= 0xAC00 && c <= 0xD7A3);
}

#endif
