/* Rows of cells, lined up for people. Includes: output.h. Called by: verbs. */
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool table_start(table *t, size_t columns)
{
    *t = (table){.columns = columns};
    t->width = calloc(columns, sizeof *t->width);
    t->right = calloc(columns, sizeof *t->right);
    t->cells.failed = !t->width || !t->right;
    return !t->cells.failed;
}

void table_align_right(table *t, size_t column)
{
    if (t->right)
        t->right[column] = true;
}

void table_add(table *t, const char *cell)
{
    if (t->cells.failed)
        return;
    size_t start = t->cells.length;
    put_clipped(&t->cells, cell, 0);
    if (t->cells.failed)
        return;
    size_t columns = columns_of(t->cells.data ? t->cells.data + start : ""), column = t->n_cells++ % t->columns;
    if (columns > t->width[column])
        t->width[column] = columns;
    put_bytes(&t->cells, "", 1); /* the zero that ends the cell */
}

void table_add_format(table *t, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table_add(t, text);
}

/* Blanks at the end of a line help nobody. */
static void end_line(buffer *out)
{
    while (!out->failed && out->length > 0 && out->data[out->length - 1] == ' ')
        out->length--;
    put(out, "\n");
}

void table_write(const table *t, buffer *out, size_t width)
{
    if (t->cells.failed) {
        out->failed = true;
        return;
    }
    size_t before_last = 0;
    for (size_t c = 0; c + 1 < t->columns; c++)
        before_last += t->width[c] + 2;
    const char *cell = t->cells.data;
    for (size_t i = 0; i < t->n_cells; i++, cell += strlen(cell) + 1) {
        size_t column = i % t->columns;
        bool last = column + 1 == t->columns;
        if (last && !t->right[column])
            put_clipped(out, cell, width > before_last + 8 ? width - before_last : 0);
        else
            put_cell(out, cell, t->width[column], t->right[column]);
        if (!last)
            put(out, "  ");
        else
            end_line(out);
    }
}

void table_free(table *t)
{
    buffer_free(&t->cells);
    free(t->width);
    free(t->right);
    *t = (table){0};
}
