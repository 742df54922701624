/* Indonesian stopwords for the clean-up of raw text. Includes: base. Called by: clean. */
#ifndef TB_TEXT_STOPWORDS_H
#define TB_TEXT_STOPWORDS_H

#include "base/mem.h"

/* word is in lower case. */
bool tb_is_stopword(const char *word, size_t length);
/* The list, sorted by bytes. */
extern const char *const tb_stopwords[];
extern const size_t tb_n_stopwords;

#endif
