/* The roadmap in a terminal. Includes: base, report/data.h. Called by: report/table. */
#ifndef TB_REPORT_TABLE_ROADMAP_H
#define TB_REPORT_TABLE_ROADMAP_H

#include "base/text.h"
#include "report/data.h"

/* Nothing where there is no roadmap. limit: columns of the terminal; 0: as many as are wanted. bold, plain: what
 * switches; "" without colour. */
void tb_table_roadmap(tb_text *out, const tb_report *report, size_t limit, const char *bold, const char *plain);

#endif
