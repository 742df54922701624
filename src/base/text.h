/* Growing byte strings and UTF-8 steps; number text that never depends on the locale.
 * Includes: base/mem.h. Called by: readers, writers, reports. */
#ifndef TB_BASE_TEXT_H
#define TB_BASE_TEXT_H

#include "base/mem.h"

/* data is zero-terminated; a zeroed struct is an empty string. The first failure sticks in failed, so that a
 * chain of appends is checked once, by tb_text_finish. */
typedef struct tb_text {
    char *data;
    size_t length, capacity;
    bool failed;
} tb_text;

void tb_text_append(tb_text *text, const char *bytes, size_t length);
void tb_text_puts(tb_text *text, const char *string);
void tb_text_putc(tb_text *text, char byte);
void tb_text_printf(tb_text *text, const char *format, ...) TB_PRINTF(2, 3); /* C locale for numbers */
void tb_text_free(tb_text *text);
/* TIMBANG_NO_MEMORY if any append failed. */
timbang_status tb_text_finish(const tb_text *text, tb_error *err);

/* Decodes one code point at text[0..length): its bytes (1..4), 0 at the end, or -1 for an invalid sequence
 * (overlong forms, surrogates and values above U+10FFFF included). */
int tb_utf8_decode(const char *text, size_t length, uint32_t *code_point);
int tb_utf8_encode(uint32_t code_point, char out[4]); /* bytes written */
/* SIZE_MAX if valid, else the offset of the first bad byte. */
size_t tb_utf8_invalid_at(const char *text, size_t length);

/* Whole-string conversions in the C locale; false unless all of text is one number. */
bool tb_parse_double(const char *text, double *value);
bool tb_parse_u64(const char *text, uint64_t *value);

/* "1.2 MB", in powers of 1000, for people. */
const char *tb_human_bytes(uint64_t bytes, char out[32]);

/* Index of the closest of names to word by edit distance, or -1 where nothing is close: "did you mean". */
int tb_closest(const char *word, const char *const *names, size_t n_names);

#endif
