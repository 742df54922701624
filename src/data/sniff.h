/* The dialect of a delimited file, from its content alone. Includes: base. Called by: table.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TB_DATA_SNIFF_H
#define TB_DATA_SNIFF_H

#include "data/delimited.h"

/* What a file's name says plays no part. With n records counted in the first 2000:
 *
 * Delimiter: tab, comma, semicolon or pipe. A candidate counts if most records have the same number of fields, two or
 * more, under it (or if its first record holds two column names that are usual or asked for). The best is the one with
 * the largest share of such records, plus 0.2 for each (at most two) of these names; of equals the first of tab, pipe,
 * semicolon, comma. A text that holds a comma is common, one that holds a tab is not.
 * Where the data has no labels (label_column ""), a file may be plain text, one text a line, so a delimiter also needs
 * proof: a column name in the first record, a text or pair column that is asked for, nine of ten records even under
 * tab, or all records even and either quotes or ten records. Else the file is one column.
 *
 * Quotes: RFC 4180 under comma, semicolon and pipe. Tab-separated and one-column files are often written without any
 * quoting, and a text may then begin with a quote of its own. There quotes count only if the whole file is consistent
 * with RFC 4180 (every field that begins with a quote ends with one, quotes inside are doubled, no quote stands inside
 * an unquoted field, all records have the same number of fields) and a writer of quotes can be told from a text that
 * happens to be quoted:
 *   - the rows would be ragged without quotes (a quoted line end or delimiter), or
 *   - no quoted field holds a line end or delimiter, and some field holds a doubled quote, or all fields of a column
 *     of two or more are quoted, or the quoted fields are exactly those that hold a comma (as spreadsheets write).
 * Else every quote is an ordinary character.
 *
 * *columns is the most common number of fields. Too little proof of any delimiter where labels are wanted leaves one
 * column. The bytes hold no NUL. */
timbang_status tb_sniff(const char *bytes, size_t size, const timbang_data_options *options, tb_dialect *dialect,
                        size_t *columns, tb_error *err);

#endif
