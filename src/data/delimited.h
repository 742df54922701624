/* Records of delimited text: where fields begin and end, quotes, line ends, physical line numbers.
 * Includes: base. Called by: sniff, table. SPDX-License-Identifier: Apache-2.0 */
#ifndef TB_DATA_DELIMITED_H
#define TB_DATA_DELIMITED_H

#include "base/mem.h"

/* Wider records are counted to the end, but only so many fields are kept. */
enum { TB_MAX_COLUMNS = 4096 };

typedef struct tb_dialect {
    char delimiter; /* 0: every line is one column */
    bool quotes;    /* RFC 4180 quotes; false: a quote is a character like any other */
    char newline;   /* '\n', or '\r' in a file that has no '\n' */
} tb_dialect;

/* A field, in the bytes of the file. */
typedef struct tb_field {
    const char *data;
    size_t length;
    bool quoted;
    bool escaped; /* data is the raw text from the opening quote on: tb_field_copy decodes it */
} tb_field;

/* Bytes written to out, which has room for field->length. Text after a closing quote is kept as it is, as Python's
 * csv module does. */
size_t tb_field_copy(const tb_field *field, char *out);

/* A walk over the records. A line ends with newline; a '\r' before a '\n' or before the end of the file belongs to the
 * line's end, any other '\r' is a character. */
typedef struct tb_records {
    tb_dialect dialect;
    const char *at, *end;
    uint64_t next_line;

    /* the record that was read last */
    tb_field *fields;
    size_t n_fields; /* may exceed TB_MAX_COLUMNS */
    uint64_t line;   /* physical line of its first byte, from 1 */
    bool blank;      /* nothing but white space and delimiters */

    /* seen so far */
    uint64_t crlf;                  /* lines ended by "\r\n" */
    uint64_t quoted;                /* quoted fields */
    uint64_t doubled;               /* of these, with a doubled quote inside */
    uint64_t special;               /* of these, with a delimiter or a line end inside */
    uint64_t stray;                 /* of these, with text after the closing quote */
    uint64_t bare_quotes;           /* quotes inside unquoted fields */
    uint64_t unclosed_line;         /* where a quote opens that is never closed; 0: none */
    uint64_t torn_open, torn_close; /* lines of the first stray field that spans lines; 0: none */
} tb_records;

timbang_status tb_records_open(tb_records *records, const char *bytes, size_t size, tb_dialect dialect, tb_error *err);
void tb_records_close(tb_records *records);
bool tb_records_next(tb_records *records); /* false at the end */

#endif
