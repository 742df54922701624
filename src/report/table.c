/* SPDX-License-Identifier: Apache-2.0
 * The table for a terminal: a block a data set, a row a model and variant.
 * Includes: report/report.h, report/data.h, report/html.h (equivalence), report/terminal.h. Called by: api. */
#include "report/data.h"
#include "report/html.h"
#include "report/report.h"
#include "report/table_roadmap.h"
#include "report/terminal.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MODEL,
    VARIANT,
    ACCURACY,
    INTERVAL,
    MACRO_F1,
    AGREE,
    KL,
    FLIPS,
    P,
    P_HOLM,
    EQUIVALENT,
    SIZE,
    RATIO,
    RESIDENT,
    MS,
    N_COLUMNS,
    NAME_COLUMNS = 28,
    SHORT_NAME_COLUMNS = 18, /* of a model, where the terminal is at most NARROW wide */
    NARROW = 100,
    CELL_BYTES = 256,
    GAP = 2
};

/* What goes first when the terminal is narrow: the lowest keep; columns with KEEP_ALWAYS stay. */
enum { KEEP_ALWAYS = 100 };

static const struct {
    const char *head;
    int keep;
    bool left;
} columns[N_COLUMNS] = {
    [MODEL] = {"model", KEEP_ALWAYS, true},
    [VARIANT] = {"variant", KEEP_ALWAYS, true},
    [ACCURACY] = {"accuracy", KEEP_ALWAYS, false},
    [INTERVAL] = {"95% interval", 9, false},
    [MACRO_F1] = {"macro-F1", 8, false},
    [AGREE] = {"agree", 6, false},
    [KL] = {"KL", 2, false},
    [FLIPS] = {"r→w/w→r", 7, false},
    [P] = {"p", 5, false},
    [P_HOLM] = {"p Holm", 11, false},
    [EQUIVALENT] = {"equiv", 10, false},
    [SIZE] = {"MB", 4, false},
    [RATIO] = {"size", 13, false},
    [RESIDENT] = {"in memory", 1, false},
    [MS] = {"ms", 12, false},
};

typedef struct cell {
    char text[CELL_BYTES];
    bool marked; /* drawn in the warning color */
} cell;

typedef struct table {
    const tb_report *report;
    cell (*rows)[N_COLUMNS]; /* of all results, in their order */
    size_t widths[N_COLUMNS];
    bool shown[N_COLUMNS];
    bool color;
    size_t limit; /* 0: none */
    tb_text *out;
} table;

/* ---- Cells ---- */

static void set_cell(cell *c, const char *format, ...) TB_PRINTF(2, 3);

static void set_cell(cell *c, const char *format, ...)
{
    /* Only plain strings are printed here; numbers come through a tb_text, which knows no locale. */
    va_list args;
    va_start(args, format);
    vsnprintf(c->text, sizeof c->text, format, args);
    va_end(args);
    size_t cut = tb_utf8_invalid_at(c->text, strlen(c->text));
    if (cut != SIZE_MAX) /* a character that did not fit as a whole */
        c->text[cut] = '\0';
}

static void set_number(cell *c, tb_text *scratch, const char *format, double value)
{
    scratch->length = 0;
    if (strcmp(format, "p") == 0 && value < 0.001)
        tb_text_puts(scratch, "<0.001");
    else if (strcmp(format, "p") == 0)
        tb_text_printf(scratch, "%.3f", value);
    else if (strcmp(format, "MB") == 0)
        tb_text_printf(scratch, "%.*f", value < 99.95e6 ? 1 : 0, value / 1e6);
    else if (strcmp(format, "3") == 0)
        tb_text_printf(scratch, "%.3f", value);
    else if (strcmp(format, "KL") == 0 && value > 0 && value < 0.00005)
        tb_text_printf(scratch, "%.0e", value);
    else if (strcmp(format, "KL") == 0)
        tb_text_printf(scratch, "%.4f", value);
    else
        tb_text_printf(scratch, "%.2f", value);
    set_cell(c, "%s", scratch->failed ? "" : scratch->data);
}

static void fill_names(const table *t, size_t i, cell *row, tb_text *scratch)
{
    const tb_report_result *r = &t->report->results[i];
    bool narrow = t->limit > 0 && t->limit <= NARROW;
    scratch->length = 0;
    if (tb_report_first_of_model(t->report, i)) {
        tb_terminal_put(scratch, t->report->models[r->model].name, narrow ? SHORT_NAME_COLUMNS : NAME_COLUMNS);
        tb_text_puts(scratch, r->untrained_head ? "*" : "");
        set_cell(&row[MODEL], "%s", scratch->failed ? "" : scratch->data);
    }
    scratch->length = 0;
    tb_terminal_put(scratch, t->report->variants[r->variant].name, NAME_COLUMNS);
    set_cell(&row[VARIANT], "%s", scratch->failed ? "" : scratch->data);
}

/* "no": shown to be farther; "never": no outcome at this many discordant texts could show it; "n.s.": not shown. */
static const char *equivalence(const tb_report_tests *tests)
{
    return tests->equivalent                   ? "yes"
           : tb_html_beyond_margin(tests)      ? "no"
           : tests->equivalence_most_flips < 0 ? "never"
                                               : "n.s.";
}

static void fill_row(const table *t, size_t i, tb_text *scratch)
{
    const tb_report_result *r = &t->report->results[i];
    const tb_report_variant *v = &t->report->variants[r->variant];
    cell *row = t->rows[i];
    fill_names(t, i, row, scratch);
    set_number(&row[ACCURACY], scratch, "3", r->accuracy);
    scratch->length = 0;
    tb_text_printf(scratch, "%.3f–%.3f", r->low, r->high);
    set_cell(&row[INTERVAL], "%s", scratch->failed ? "" : scratch->data);
    set_number(&row[MACRO_F1], scratch, "3", r->macro_f1);
    for (int c = AGREE; c <= EQUIVALENT; c++)
        set_cell(&row[c], "–");
    if (r->compared) {
        set_number(&row[AGREE], scratch, "3", r->agreement);
        if (r->mean_kl >= 0)
            set_number(&row[KL], scratch, "KL", r->mean_kl);
        set_cell(&row[FLIPS], "%llu/%llu", (unsigned long long)r->right_to_wrong,
                 (unsigned long long)r->wrong_to_right);
        set_number(&row[P], scratch, "p", r->mcnemar_p);
        if (!isnan(r->tests.primary_p_holm))
            set_number(&row[P_HOLM], scratch, "p", r->tests.primary_p_holm);
        row[P_HOLM].marked = r->tests.significant;
        set_cell(&row[EQUIVALENT], "%s", equivalence(&r->tests));
    }
    set_number(&row[SIZE], scratch, "MB", (double)v->size_bytes);
    set_number(&row[RATIO], scratch, "2", v->ratio);
    strcat(row[RATIO].text, "×");
    set_number(&row[RESIDENT], scratch, "MB", (double)v->resident_bytes);
    set_number(&row[MS], scratch, "2", r->total.median);
}

/* ---- Columns ---- */

static size_t table_width(const table *t)
{
    size_t width = 0;
    for (int c = 0; c < N_COLUMNS; c++)
        if (t->shown[c])
            width += t->widths[c] + (c > 0 ? GAP : 0);
    return width;
}

/* Comparisons with FP32 only where there are any. */
static bool is_wanted(const table *t, int c)
{
    bool compared = c < AGREE || c > EQUIVALENT;
    for (size_t i = 0; i < t->report->n_results && !compared; i++)
        compared = t->report->results[i].compared;
    return compared;
}

static void choose_columns(table *t)
{
    size_t limit = t->limit;
    for (int c = 0; c < N_COLUMNS; c++) {
        t->shown[c] = is_wanted(t, c);
        t->widths[c] = tb_terminal_width(columns[c].head);
        for (size_t i = 0; i < t->report->n_results; i++) {
            size_t width = tb_terminal_width(t->rows[i][c].text);
            t->widths[c] = width > t->widths[c] ? width : t->widths[c];
        }
    }
    while (limit > 0 && table_width(t) > limit) {
        int drop = -1;
        for (int c = 0; c < N_COLUMNS; c++)
            if (t->shown[c] && columns[c].keep < (drop < 0 ? KEEP_ALWAYS : columns[drop].keep))
                drop = c;
        if (drop < 0)
            return;
        t->shown[drop] = false;
    }
    for (int keep = KEEP_ALWAYS; limit > 0 && keep > 0;
         keep--) /* a narrow one may still fit where a wide one did not */
        for (int c = 0; c < N_COLUMNS; c++)
            if (!t->shown[c] && columns[c].keep == keep && is_wanted(t, c)) {
                t->shown[c] = true;
                t->shown[c] = table_width(t) <= limit;
            }
}

/* ---- Drawing ---- */

static const char BOLD[] = "\x1b[1m", DIM[] = "\x1b[2m", WARN[] = "\x1b[33m", PLAIN[] = "\x1b[0m";

static void color(const table *t, const char *code)
{
    if (t->color)
        tb_text_puts(t->out, code);
}

static void put_spaces(tb_text *out, size_t n)
{
    while (n-- > 0)
        tb_text_putc(out, ' ');
}

static void put_cell(const table *t, int c, const char *text, const char *code)
{
    size_t width = tb_terminal_width(text), pad = t->widths[c] > width ? t->widths[c] - width : 0;
    bool last_left = columns[c].left && c == N_COLUMNS - 1;
    if (c > 0)
        put_spaces(t->out, GAP);
    if (!columns[c].left)
        put_spaces(t->out, pad);
    if (code)
        color(t, code);
    tb_text_puts(t->out, text);
    if (code)
        color(t, PLAIN);
    if (columns[c].left && !last_left)
        put_spaces(t->out, pad);
}

static void put_heads(const table *t)
{
    for (int c = 0; c < N_COLUMNS; c++)
        if (t->shown[c])
            put_cell(t, c, columns[c].head, DIM);
    tb_text_putc(t->out, '\n');
}

static void put_row(const table *t, size_t i)
{
    for (int c = 0; c < N_COLUMNS; c++)
        if (t->shown[c])
            put_cell(t, c, t->rows[i][c].text, t->rows[i][c].marked ? WARN : c == INTERVAL ? DIM : NULL);
    tb_text_putc(t->out, '\n');
}

static void put_title(const table *t, size_t set)
{
    const tb_report_set *s = &t->report->sets[set];
    color(t, BOLD);
    tb_terminal_put(t->out, s->name, 0);
    color(t, PLAIN);
    tb_text_printf(t->out, "  %llu texts", (unsigned long long)s->rows);
    for (size_t i = 0; i < t->report->n_results; i++) {
        const tb_report_result *r = &t->report->results[i];
        if (r->set != set)
            continue;
        tb_text_puts(t->out, "; always saying ");
        tb_terminal_put(t->out, r->majority_label, NAME_COLUMNS);
        tb_text_printf(t->out, " would be right on %.3f", r->majority_accuracy);
        break;
    }
    tb_text_putc(t->out, '\n');
}

static void put_rule(const table *t, size_t set)
{
    for (size_t i = 0; i < t->report->n_results; i++) {
        const tb_report_result *r = &t->report->results[i];
        if (r->set != set || (r->labels_present == r->n_classes && !r->restricted))
            continue;
        color(t, DIM);
        if (r->restricted)
            tb_text_printf(t->out, "predictions are over the %zu labels present in the set only\n", r->n_classes);
        else
            tb_text_printf(t->out, "predictions are over all %zu labels, macro-F1 over the %llu present\n",
                           r->n_classes, (unsigned long long)r->labels_present);
        color(t, PLAIN);
        return;
    }
}

static bool is_about(const tb_report_warning *w, const char *set)
{
    return set ? w->data && strcmp(w->data, set) == 0 : w->data == NULL;
}

/* The warnings about one set, or with NULL those about no set in particular. */
static void put_warnings(const table *t, const char *set)
{
    for (size_t i = 0; i < t->report->n_warnings; i++) {
        const tb_report_warning *w = &t->report->warnings[i];
        if (!is_about(w, set) || strcmp(w->kind, "untrained_head") == 0) /* the legend says that */
            continue;
        color(t, WARN);
        tb_text_puts(t->out, "! ");
        color(t, PLAIN);
        if (w->model) {
            tb_terminal_put(t->out, w->model, NAME_COLUMNS);
            tb_text_puts(t->out, ": ");
        }
        tb_terminal_put(t->out, w->text, 0);
        tb_text_putc(t->out, '\n');
    }
}

static void put_variant_name(const table *t, const tb_report_result *r)
{
    if (t->report->n_models > 1) {
        tb_terminal_put(t->out, t->report->models[r->model].name, NAME_COLUMNS);
        tb_text_putc(t->out, ' ');
    }
    tb_terminal_put(t->out, t->report->variants[r->variant].name, NAME_COLUMNS);
}

/* Variants that say the labels in other proportions than FP32, beyond chance: a change in accuracy may be that. */
static void put_shifts(const table *t, size_t set)
{
    for (size_t i = 0; i < t->report->n_results; i++) {
        const tb_report_result *r = &t->report->results[i];
        const tb_report_tests *tests = &r->tests;
        if (r->set != set || !r->compared || !tests->gains || !tests->loses ||
            !(tests->marginal_p_holm < t->report->plan.alpha))
            continue;
        tb_text_puts(t->out, "shift: ");
        put_variant_name(t, r);
        const char *const labels[] = {tests->gains, tests->loses}, *const words[] = {" says ", " more often, "};
        for (size_t k = 0; k < 2; k++) {
            tb_text_puts(t->out, words[k]);
            tb_terminal_put(t->out, labels[k], NAME_COLUMNS);
            for (size_t c = 0; c < r->n_classes; c++)
                if (strcmp(r->classes[c].label, labels[k]) == 0)
                    tb_text_printf(t->out, " (%+lld)", (long long)tests->shifts[c]);
        }
        tb_text_puts(t->out, " less, Stuart-Maxwell p Holm ");
        if (tests->marginal_p_holm < 0.001)
            tb_text_puts(t->out, "<0.001\n");
        else
            tb_text_printf(t->out, "%.3f\n", tests->marginal_p_holm);
    }
}

/* Where the real rounding stands among random ones. */
static void put_luck(const table *t, size_t set)
{
    for (size_t i = 0; i < t->report->n_nulls; i++) {
        const tb_report_null *null = &t->report->nulls[i];
        const tb_report_result *r = &t->report->results[null->result];
        if (r->set != set)
            continue;
        tb_text_puts(t->out, "luck: ");
        put_variant_name(t, r);
        tb_text_printf(t->out, ": of %zu random rounding%s %llu came out less accurate, %llu equal, %llu more accurate",
                       null->models, null->models == 1 ? "" : "s", (unsigned long long)null->accuracy.below,
                       (unsigned long long)null->accuracy.equal, (unsigned long long)null->accuracy.above);
        if (!isnan(null->accuracy.p))
            tb_text_printf(t->out, ", p %.3f", null->accuracy.p);
        tb_text_putc(t->out, '\n');
    }
}

/* What the columns of comparisons mean, of those that are shown. */
static void put_legend_of_tests(const table *t)
{
    const tb_report_plan *plan = &t->report->plan;
    static const struct {
        int column;
        const char *text;
    } parts[] = {
        {AGREE, "agree"},
        {KL, "KL"},
        {FLIPS, "r→w/w→r (right turned wrong / wrong turned right)"},
        {P, "p (exact McNemar)"},
    };
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (t->shown[parts[i].column]) {
            tb_text_puts(t->out, any ? ", " : "");
            tb_text_puts(t->out, parts[i].text);
            any = true;
        }
    tb_text_puts(t->out, any ? ": against FP32 of the same model\n" : "");
    if (t->shown[P_HOLM]) {
        tb_text_puts(t->out, "p Holm: against FP32, ");
        tb_text_puts(t->out,
                     strcmp(plan->primary, "macro_f1") == 0 ? "macro-F1, bootstrap" : "accuracy, exact McNemar");
        tb_text_puts(t->out, ", corrected over the variants of one model on one set\n");
    }
    if (t->shown[EQUIVALENT])
        tb_text_printf(
            t->out,
            "equiv: accuracy shown to be within %g of FP32's (TOST); no: shown to be farther; n.s.: not shown; "
            "never: so few texts cannot show it\n",
            plan->margin);
}

/* A count of the results with its noun: "100 texts", "80 to 100 texts". */
static void put_counts(const table *t, size_t offset, const char *noun)
{
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t i = 0; i < t->report->n_results; i++) {
        uint64_t n = *(const uint64_t *)((const char *)&t->report->results[i] + offset);
        low = n < low ? n : low;
        high = n > high ? n : high;
    }
    if (low < high)
        tb_text_printf(t->out, "%llu to ", (unsigned long long)low);
    tb_text_printf(t->out, "%llu %s%s", (unsigned long long)high, noun, high == 1 ? "" : "s");
}

static void put_legend(const table *t)
{
    const tb_report *r = t->report;
    bool untrained = false;
    for (size_t m = 0; m < r->n_models; m++)
        untrained = untrained || r->models[m].untrained_head;
    if (untrained)
        tb_text_puts(t->out, "* untrained head: these accuracies mean nothing; the agreement does\n");
    color(t, DIM);
    put_legend_of_tests(t);
    tb_text_puts(t->out, "size: of 4 bytes a parameter; MB: 10^6 bytes; ms: median over ");
    put_counts(t, offsetof(tb_report_result, timed_texts), "text");
    tb_text_puts(t->out, ", one by one, ");
    put_counts(t, offsetof(tb_report_result, timed_rounds), "round");
    tb_text_puts(t->out, "; ");
    tb_terminal_put(t->out, r->cpu ? r->cpu : "", 60);
    tb_text_puts(t->out, r->cpu && r->cpu[0] ? ", " : "");
    tb_terminal_put(t->out, r->level, NAME_COLUMNS);
    tb_text_printf(t->out, ", %llu thread%s\n", (unsigned long long)r->threads, r->threads == 1 ? "" : "s");
    color(t, PLAIN);
    bool dropped = false;
    for (int c = 0; c < N_COLUMNS; c++)
        if (!t->shown[c] && is_wanted(t, c)) {
            tb_text_puts(t->out, dropped ? ", " : "left out, as the terminal is narrow: ");
            tb_text_puts(t->out, columns[c].head);
            dropped = true;
        }
    if (dropped)
        tb_text_putc(t->out, '\n');
}

static void draw(const table *t)
{
    for (size_t s = 0; s < t->report->n_sets; s++) {
        if (s > 0)
            tb_text_putc(t->out, '\n');
        put_title(t, s);
        put_heads(t);
        for (size_t i = 0; i < t->report->n_results; i++)
            if (t->report->results[i].set == s)
                put_row(t, i);
        put_rule(t, s);
        put_shifts(t, s);
        put_luck(t, s);
        put_warnings(t, t->report->sets[s].name);
    }
    tb_text_putc(t->out, '\n');
    tb_table_roadmap(t->out, t->report, t->limit, t->color ? BOLD : "", t->color ? PLAIN : "");
    put_warnings(t, NULL);
    put_legend(t);
}

timbang_status tb_report_table(const json_t *results, int width, bool with_color, char **text, tb_error *err)
{
    tb_report report;
    TB_TRY(tb_report_read(results, &report, err));
    tb_text out = {0}, scratch = {0};
    table t = {.report = &report, .color = with_color, .limit = width > 0 ? (size_t)width : 0, .out = &out};
    t.rows = tb_calloc(report.n_results, sizeof *t.rows, err);
    timbang_status status = t.rows ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK) {
        for (size_t i = 0; i < report.n_results; i++)
            fill_row(&t, i, &scratch);
        choose_columns(&t);
        draw(&t);
        status = scratch.failed ? tb_text_finish(&scratch, err) : tb_text_finish(&out, err);
    }
    free(t.rows);
    tb_text_free(&scratch);
    tb_report_free(&report);
    if (status != TIMBANG_OK) {
        tb_text_free(&out);
        return status;
    }
    *text = out.data;
    return TIMBANG_OK;
}
