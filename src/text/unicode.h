/* Properties of code points as the reference tokenizer sees them: categories, canonical decomposition, lower case.
 * The tables were made by probing that library (tests/oracle/text_make_tables.py), not from a Unicode data file.
 * Includes: base. Called by: the rest of this room. */
#ifndef TB_TEXT_UNICODE_H
#define TB_TEXT_UNICODE_H

#include "base/text.h"

enum {
    TB_UNICODE_REMOVED = 1,     /* taken out by clean_text: NUL, U+FFFD, control, format, private, unassigned */
    TB_UNICODE_SPACE = 2,       /* white space, for splitting and for lstrip and rstrip of added tokens */
    TB_UNICODE_PUNCTUATION = 4, /* a word of its own */
    TB_UNICODE_MARK = 8,        /* non-spacing mark, taken out by strip_accents */
    TB_UNICODE_CJK = 16,        /* gets spaces around it */
    TB_UNICODE_WORD = 32,       /* \w of single_word added tokens and of the Whitespace pre-tokenizer */
    TB_UNICODE_LETTER = 64      /* letter or mark */
};

enum { TB_UNICODE_MAX = 0x10FFFF, TB_UNICODE_LOWER_POOL = 1 << 24, TB_UNICODE_DECOMPOSED_MAX = 4 };

typedef struct tb_unicode_record {
    uint8_t flags;          /* TB_UNICODE_* */
    uint8_t combining;      /* rank of the canonical combining class; 0: a starter */
    uint16_t decomposition; /* place in the pool; 0: none (Hangul syllables are computed) */
    int32_t lower;          /* added to the code point; from TB_UNICODE_LOWER_POOL: place in the pool */
} tb_unicode_record;

/* Two stages: block of 128 code points, then record. A sequence in the pool is its length, then code points. */
extern const uint16_t tb_unicode_blocks[];
extern const uint16_t tb_unicode_index[];
extern const tb_unicode_record tb_unicode_records[];
extern const uint32_t tb_unicode_pool[];

/* code_point must not exceed TB_UNICODE_MAX. */
static inline const tb_unicode_record *tb_unicode_of(uint32_t code_point)
{
    return &tb_unicode_records[tb_unicode_index[(size_t)tb_unicode_blocks[code_point >> 7] * 128 + (code_point & 127)]];
}

/* Full canonical decomposition of one code point; returns how many were written. */
int tb_unicode_decompose(uint32_t code_point, uint32_t out[TB_UNICODE_DECOMPOSED_MAX]);
/* Lower case of one code point, without context (no final sigma). */
int tb_unicode_lower(uint32_t code_point, uint32_t out[TB_UNICODE_DECOMPOSED_MAX]);

#endif
