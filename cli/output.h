/* A growing buffer for the result: text, JSON values, aligned columns. Numbers never depend on the locale.
 * Includes: libc. Called by: cli. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct buffer {
    char *data;
    size_t length, capacity;
    bool failed; /* out of memory; checked by emit */
} buffer;

void put_bytes(buffer *out, const char *bytes, size_t length);
void put(buffer *out, const char *text);
void put_format(buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void put_json_text(buffer *out, const char *text); /* quoted and escaped */
void put_double(buffer *out, double value); /* the shortest text that reads back the same; null where not finite */
void put_float(buffer *out, float value);
void put_spaces(buffer *out, size_t n);
/* Text padded to width columns, on the right or (right) on the left. */
void put_cell(buffer *out, const char *text, size_t width, bool right);
/* At most `width` columns of text (0: all) on one line: control characters become spaces, a cut ends in "...". */
void put_clipped(buffer *out, const char *text, size_t width);
/* A field of a TSV row: tabs and line ends become spaces. */
void put_tsv(buffer *out, const char *text);
void put_word(buffer *out, const char *word); /* as a shell takes it back */
size_t columns_of(const char *text);          /* code points */
void buffer_free(buffer *out);

/* SIZE_MAX if text is valid UTF-8, else the offset of the first bad byte. */
size_t invalid_utf8_at(const char *text, size_t length);

/* Rows of cells, lined up. Every cell is copied into the table. */
typedef struct table {
    buffer cells;  /* texts, each ended by a zero */
    size_t *width; /* [columns] */
    size_t columns, n_cells;
    bool *right;
} table;
bool table_start(table *t, size_t columns);
void table_align_right(table *t, size_t column);
void table_add(table *t, const char *cell);
void table_add_format(table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes all rows with two spaces between columns; the last column is not padded, and clipped where the line would be
 * wider than `width` (0: no limit). */
void table_write(const table *t, buffer *out, size_t width);
void table_free(table *t);

#endif
