/* SPDX-License-Identifier: Apache-2.0
 * The roadmap in a terminal: a block a data set, a row a model or the seeds of one recipe, a column a scheme; then what
 * QAT gained at equal bits. Includes: report/table_roadmap.h, report/terminal.h. Called by: report/table. */
#include "report/table_roadmap.h"

#include "report/terminal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 24, STAGE = 16, GAP = 2, LEAST_CELL = 6, SPREAD_CELL = 14 };

/* Columns of schemes begin to end - 1: as many as a line has room for. */
typedef struct block {
    const tb_report *report;
    tb_text *out;
    size_t set, begin, end, name, stage;
} block;

static void put_spaces(tb_text *out, size_t n)
{
    while (n-- > 0)
        tb_text_putc(out, ' ');
}

static void put_left(tb_text *out, const char *text, size_t width)
{
    size_t begin = out->length;
    tb_terminal_put(out, text, width);
    if (out->failed)
        return;
    size_t used = tb_terminal_width(out->data + begin);
    put_spaces(out, used < width ? width - used : 0);
}

static void put_right(tb_text *out, const char *text, size_t width)
{
    size_t used = tb_terminal_width(text);
    put_spaces(out, GAP + (used < width ? width - used : 0));
    tb_text_puts(out, text);
}

static bool has_seeds(const tb_report *report)
{
    for (size_t r = 0; r < report->roadmap.n_rows; r++)
        if (report->roadmap.rows[r].n_models > 1)
            return true;
    return false;
}

static size_t cell_width(const tb_report *report, size_t variant)
{
    size_t least = has_seeds(report) ? SPREAD_CELL : LEAST_CELL;
    size_t head = tb_terminal_width(report->roadmap.variants[variant]);
    return head > least ? head < NAME ? head : NAME : least;
}

static void stage_of(const tb_report_road_row *row, char *text, size_t size)
{
    if (strcmp(row->stage, "qat") == 0)
        snprintf(text, size, "QAT %s", row->scheme ? row->scheme : "");
    else
        snprintf(text, size, "%s%s", row->stage, row->untrained_head ? "*" : "");
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void measure(block *b)
{
    for (size_t r = 0; r < b->report->roadmap.n_rows; r++) {
        char stage[64];
        stage_of(&b->report->roadmap.rows[r], stage, sizeof stage);
        b->name = most(b->name, tb_terminal_width(b->report->roadmap.rows[r].name));
        b->stage = most(b->stage, tb_terminal_width(stage));
    }
    b->name = b->name < NAME ? b->name : NAME;
    b->stage = b->stage < STAGE ? b->stage : STAGE;
}

static void put_heads(const block *b)
{
    put_spaces(b->out, b->name + GAP + b->stage);
    for (size_t v = b->begin; v < b->end; v++) {
        tb_text head = {0};
        tb_terminal_put(&head, b->report->roadmap.variants[v], NAME);
        put_right(b->out, head.data ? head.data : "", cell_width(b->report, v));
        tb_text_free(&head);
    }
    tb_text_putc(b->out, '\n');
}

static void put_cell(const block *b, const tb_report_road_row *row, size_t variant)
{
    char text[64] = "-";
    for (size_t c = 0; c < row->n_cells; c++) {
        const tb_report_cell *cell = &row->cells[c];
        if (cell->set != b->set || cell->variant != variant)
            continue;
        const char *mark = cell->trained ? "+" : "";
        if (row->n_models > 1)
            snprintf(text, sizeof text, "%s%.3f ± %.3f", mark, cell->macro_f1.mean, cell->macro_f1.sd);
        else
            snprintf(text, sizeof text, "%s%.3f", mark, cell->macro_f1.mean);
    }
    put_right(b->out, text, cell_width(b->report, variant));
}

static void put_rows(const block *b)
{
    put_heads(b);
    for (size_t r = 0; r < b->report->roadmap.n_rows; r++) {
        const tb_report_road_row *row = &b->report->roadmap.rows[r];
        char stage[64];
        stage_of(row, stage, sizeof stage);
        put_left(b->out, row->name, b->name);
        put_spaces(b->out, GAP);
        put_left(b->out, stage, b->stage);
        for (size_t v = b->begin; v < b->end; v++)
            put_cell(b, row, v);
        tb_text_putc(b->out, '\n');
    }
}

static void put_set(block *b, size_t limit)
{
    size_t n = b->report->roadmap.n_variants;
    for (b->begin = 0; b->begin < n; b->begin = b->end) {
        size_t width = b->name + GAP + b->stage;
        for (b->end = b->begin; b->end < n; b->end++) {
            width += GAP + cell_width(b->report, b->end);
            if (limit > 0 && width > limit && b->end > b->begin)
                break;
        }
        put_rows(b);
    }
}

/* ---- The tests ---- */

static void put_p(tb_text *out, double p)
{
    if (p < 0.001)
        tb_text_puts(out, "<0.001");
    else
        tb_text_printf(out, "%.3f", p);
}

static void put_pair(tb_text *out, const tb_report *report, const tb_report_pair *pair)
{
    const tb_report_roadmap *road = &report->roadmap;
    uint64_t lost = 0, won = 0;
    tb_terminal_put(out, road->rows[pair->row].name, NAME);
    tb_text_puts(out, " - ");
    tb_terminal_put(out, road->rows[pair->baseline].name, NAME);
    bool said = strcmp(road->rows[pair->baseline].name, "control") == 0;
    tb_text_puts(out, !pair->control ? " (PTQ), " : said ? ", " : " (control), ");
    tb_terminal_put(out, road->variants[pair->variant], NAME);
    tb_text_printf(out, ": %+.4f", pair->delta_macro_f1.mean);
    if (!isnan(pair->p)) {
        tb_text_printf(out, " [%+.4f, %+.4f], p Holm ", pair->delta_macro_f1.interval.low,
                       pair->delta_macro_f1.interval.high);
        put_p(out, pair->p_holm);
    }
    for (size_t i = 0; i < pair->n_seeds; i++) {
        lost += pair->seeds[i].right_to_wrong;
        won += pair->seeds[i].wrong_to_right;
    }
    if (pair->n_seeds > 1)
        tb_text_printf(out, "; %zu seeds\n", pair->n_seeds);
    else {
        tb_text_printf(out, "; %llu lost, %llu won, McNemar p Holm ", (unsigned long long)lost,
                       (unsigned long long)won);
        put_p(out, pair->n_seeds ? pair->seeds[0].mcnemar_p_holm : 1);
        tb_text_putc(out, '\n');
    }
}

static void put_pairs(tb_text *out, const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->roadmap.n_pairs; i++)
        if (report->roadmap.pairs[i].set == set)
            put_pair(out, report, &report->roadmap.pairs[i]);
}

void tb_table_roadmap(tb_text *out, const tb_report *report, size_t limit, const char *bold, const char *plain)
{
    if (report->roadmap.n_rows == 0)
        return;
    for (size_t s = 0; s < report->n_sets; s++) {
        block b = {.report = report, .out = out, .set = s};
        tb_text_puts(out, bold);
        tb_text_puts(out, "roadmap, macro-F1 on ");
        tb_terminal_put(out, report->sets[s].name, 0);
        tb_text_puts(out, plain);
        tb_text_putc(out, '\n');
        measure(&b);
        put_set(&b, limit);
        put_pairs(out, report, s);
        tb_text_putc(out, '\n');
    }
    tb_text_printf(out,
                   "+: the scheme that QAT trained for%s; differences: macro-F1 at equal bits, on the same texts\n",
                   has_seeds(report) ? "; mean ± sd over seeds" : "");
}
