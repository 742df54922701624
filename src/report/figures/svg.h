/* Drawing pieces of the figures: one <svg> with its title and description, shapes by class, text with measured width,
 * axes with round ticks. No color stands in a drawing, only classes of the style sheet.
 * Includes: base, report/figures.h. Called by: report/figures. */
#ifndef TB_REPORT_FIGURES_SVG_H
#define TB_REPORT_FIGURES_SVG_H

#include "report/figures.h"

/* ---- The drawing ---- */

enum { TB_SVG_WIDTH = 520 }; /* of most figures: its text reads at 400 pixels and in one column of a paper */

typedef struct tb_svg {
    const tb_report *report;
    size_t set;
    const char *name; /* of the figure; with the set's number it makes ids that are the only ones of a page */
    double width;
    tb_text body, desc, scratch;
} tb_svg;

void tb_svg_begin(tb_svg *svg, const char *name, const tb_report *report, size_t set, double width);
/* Appends the finished element and frees the drawing. title: plain text. */
void tb_svg_end(tb_svg *svg, tb_text *out, double height, const char *title);
/* `en` or `id`, as the report's language wants it. */
const char *tb_svg_say(const tb_svg *svg, const char *en, const char *id);

/* ---- Shapes. Coordinates that are no numbers become 0, far ones are kept within 1e5. ---- */

void tb_svg_line(tb_svg *svg, const char *kind, double x1, double y1, double x2, double y2);
void tb_svg_rect(tb_svg *svg, const char *kind, double x, double y, double width, double height, double radius);
void tb_svg_circle(tb_svg *svg, const char *kind, double x, double y, double radius);
void tb_svg_diamond(tb_svg *svg, const char *kind, double x, double y, double radius);
/* A small triangle whose tip is at x, y; direction -1 points left, 1 right. */
void tb_svg_arrow_x(tb_svg *svg, const char *kind, double x, double y, int direction);
void tb_svg_arrow_down(tb_svg *svg, const char *kind, double x, double y);

/* ---- Text ---- */

typedef enum tb_svg_font {
    TB_FONT_NAME,   /* 13, ink */
    TB_FONT_STRONG, /* 13, ink, bold */
    TB_FONT_VALUE,  /* 12, ink, digits of one width */
    TB_FONT_SOFT,   /* 12, soft */
    TB_FONT_TICK,   /* 11, soft, digits of one width */
    TB_FONT_INSIDE, /* 11, dark on the colors of classes in both modes */
    TB_N_FONTS
} tb_svg_font;

typedef enum tb_svg_anchor { TB_START, TB_MIDDLE, TB_END } tb_svg_anchor;

/* Width as the widest of the usual sans-serif faces sets it. */
double tb_svg_measure(tb_svg_font font, const char *text);
/* y is the baseline. A text wider than most (0: no limit) is cut in its middle, the whole of it stays as a tooltip. */
void tb_svg_text(tb_svg *svg, tb_svg_font font, double x, double y, tb_svg_anchor anchor, double most,
                 const char *text);
/* The same with printf's format and numbers in the C locale; never cut. */
#define tb_svg_textf(svg, font, x, y, anchor, ...)                                                                     \
    (tb_text_printf(tb_svg_scratch(svg), __VA_ARGS__), tb_svg_put_scratch(svg, font, x, y, anchor))
tb_text *tb_svg_scratch(tb_svg *svg); /* emptied */
void tb_svg_put_scratch(tb_svg *svg, tb_svg_font font, double x, double y, tb_svg_anchor anchor);
/* Escaped for XML; what XML forbids, control characters and overrides of the writing direction become U+FFFD. */
void tb_svg_escape(tb_text *out, const char *text);

/* ---- Numbers as text, appended ---- */

void tb_svg_put_signed(tb_text *out, double value, int decimals); /* "+0.002", with a true minus; "0.000" */
void tb_svg_put_real(tb_text *out, double value, int decimals);   /* "0.902"; an en dash where there is none */
void tb_svg_put_p(tb_text *out, double p);               /* "0.023", "< 0.001", an en dash where there is none */
void tb_svg_put_count(tb_text *out, uint64_t count);     /* "12 345", thin spaces */
void tb_svg_put_short(tb_text *out, uint64_t count);     /* "12345", "1.2e+09" */
void tb_svg_put_megabytes(tb_text *out, uint64_t bytes); /* "15.6", of 10^6 bytes, no unit */
void tb_svg_put_ms(tb_text *out, double ms);             /* "4.54", three digits, no unit */

/* ---- Axes ---- */

typedef struct tb_axis {
    double low, high;   /* values */
    double from, to;    /* places */
    double first, step; /* of the ticks; of a logarithmic axis, the smallest power of ten and 0 */
    int decimals;
    bool logarithmic;
} tb_axis;

/* From low to high, widened to whole steps where `widen`; at most `most` steps, and no more than there is room for
 * their numbers. Odd limits give 0 to 1. */
tb_axis tb_axis_make(double low, double high, double from, double to, int most, bool widen);
tb_axis tb_axis_logarithmic(double low, double high, double from, double to);
/* How far an axis of differences reaches: one that is far off would flatten all others, so it ends before those beyond
 * six times the median (unless that is near by), but not before `least`. Sorts reaches, which are finite. */
double tb_axis_limit(double *reaches, size_t n, double least);
/* The place of a value, kept within the axis. */
double tb_axis_at(const tb_axis *axis, double value);
/* Grid lines from top to bottom. */
void tb_svg_grid_x(tb_svg *svg, const tb_axis *axis, double top, double bottom);
/* The line, its numbers and a title (or NULL) below. */
void tb_svg_axis_x(tb_svg *svg, const tb_axis *axis, double bottom, const char *title);
/* The scratch text as the title of such an axis. */
void tb_svg_axis_title(tb_svg *svg, const tb_axis *axis, double bottom);
/* Grid lines from left to right, numbers left of them. */
void tb_svg_axis_y(tb_svg *svg, const tb_axis *axis, double left, double right);

/* ---- Rows: the variants of all models on one set, under their models' names where there are several ---- */

enum { TB_ROWS_MOST = 120 };

typedef struct tb_row {
    const tb_report_result *result; /* NULL: the model's name stands here */
    size_t model;
    double y; /* of the middle */
} tb_row;

typedef struct tb_rows {
    tb_row at[TB_ROWS_MOST];
    size_t n, left_out; /* left_out: results for which there was no room */
    double top, bottom, height;
} tb_rows;

typedef bool (*tb_rows_keep)(const tb_report_result *result); /* NULL: all */

void tb_rows_make(tb_rows *rows, const tb_svg *svg, tb_rows_keep keep, double top, double height);
/* Width that the variants' names take, at most `most`. */
double tb_rows_names_width(const tb_svg *svg, const tb_rows *rows, double most);
/* Names from x on. Models' names have a line of their own and run over the whole drawing. */
void tb_rows_put_names(tb_svg *svg, const tb_rows *rows, double x, double width);
/* The first and the last place of each run of rows without a model's name among them; 0 after the last run. */
size_t tb_rows_next_run(const tb_rows *rows, size_t begin, double *top, double *bottom);
/* Grid lines behind the rows, and the axis below them. */
void tb_rows_put_axis(tb_svg *svg, const tb_rows *rows, const tb_axis *axis, const char *title);
/* Below the drawing, from y on: how many rows are missing. Returns the y after it. */
double tb_rows_put_left_out(tb_svg *svg, const tb_rows *rows, double x, double y);
/* "MODEL variant", or the variant alone where there is one model only; appended to the description. */
void tb_rows_describe(tb_svg *svg, const tb_report_result *result);
bool tb_rows_compared(const tb_report_result *result);

/* ---- The style sheet (style.c) ---- */

/* Rules with concrete colors for a file of its own: light, and dark where a viewer asks for it. */
void tb_figure_put_style(tb_text *out, bool dark_too);
enum { TB_SVG_COLORS = 8, TB_SVG_SHADES = 5 };
const char *tb_svg_color(size_t i); /* class of category i */
const char *tb_svg_shade(size_t i); /* class of shade i, from weak to strong */

/* ---- PDF (pdf.c) ---- */

typedef struct tb_pdf tb_pdf;

typedef struct tb_pdf_page {
    double width, height;     /* in pixels */
    const char *title, *date; /* date: ISO 8601, NULL: the clock's */
} tb_pdf_page;

/* *pdf NULL: librsvg is not there. */
timbang_status tb_pdf_open(tb_pdf **pdf, tb_error *err);
void tb_pdf_close(tb_pdf *pdf); /* NULL is fine */
timbang_status tb_pdf_write(const tb_pdf *pdf, const tb_text *svg, const tb_pdf_page *page, const char *path,
                            tb_error *err);

#endif
