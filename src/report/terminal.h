/* Text in a terminal: columns that a string takes, and a copy that cannot move the cursor.
 * Includes: base. Called by: report/table. */
#ifndef TB_REPORT_TERMINAL_H
#define TB_REPORT_TERMINAL_H

#include "base/text.h"

/* Columns of UTF-8 text: 0 for combining marks, 2 for wide East Asian characters and emoji, else 1. */
size_t tb_terminal_width(const char *text);
/* Appends text with control characters (also C1, bidirectional overrides, line separators) spelled "\u001b", and cut
 * to max columns with "…" (0: never). */
void tb_terminal_put(tb_text *out, const char *text, size_t max);

#endif
