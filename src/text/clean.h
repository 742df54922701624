/* Optional clean-up of raw text (lower, spaces, urls, mentions, letters, stopwords), off by default.
 * Includes: base, timbang.h. Called by: model, api. */
#ifndef TB_TEXT_CLEAN_H
#define TB_TEXT_CLEAN_H

#include "base/text.h"

/* The order is fixed, whatever the order of the list: urls, mentions, lower, letters, stopwords, spaces.
 *   urls       http://..., https://... and www. at the start of a word, up to the next white space, become a space
 *   mentions   @user (letters, digits, _), where no letter or digit stands before the @, becomes a space
 *   lower      lower case, letter by letter, with the tokenizer's tables
 *   letters    whatever is not a letter, a combining mark or white space becomes a space
 *   stopwords  words of stopwords.c are taken out, in any case; negations are not among them
 *   spaces     runs of white space become one space, and none stays at the ends */

/* Parses "lower,spaces,urls,mentions,letters,stopwords" into TIMBANG_CLEAN_* bits; NULL and "" are none. */
timbang_status tb_clean_parse(const char *list, unsigned *flags, tb_error *err);
/* The list again, in canonical order, for records; "" for none. */
const char *tb_clean_text_of(unsigned flags, char out[80]);
/* Appends the cleaned text to out. Invalid UTF-8 is TIMBANG_DATA with the offset. */
timbang_status tb_clean(unsigned flags, const char *text, size_t length, tb_text *out, tb_error *err);
/* The same with memory that is kept between calls: zeroed at first, freed by the caller. */
timbang_status tb_clean_with(unsigned flags, const char *text, size_t length, tb_text work[2], tb_text *out,
                             tb_error *err);

#endif
