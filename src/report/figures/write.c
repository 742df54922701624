/* SPDX-License-Identifier: Apache-2.0
 * The figures as files: SVG with a style of its own, PDF where the build can.
 * Includes: report/figures/svg.h. Called by: report/write. */
#include "report/figures/svg.h"

#include <stdlib.h>
#include <string.h>

/* ---- Names of files ---- */

enum { NAME_SIZE = 64, NAME_CUT = 48 };

typedef struct safe_name {
    char text[NAME_SIZE];
} safe_name;

/* ASCII letters, digits, '.', '_' and '-' stay; anything else becomes one '-'. */
static void make_safe(const char *name, char *out)
{
    size_t n = 0;
    for (; *name && n < NAME_CUT; name++) {
        unsigned char c = (unsigned char)*name;
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    (c == '.' && n > 0);
        if (good)
            out[n++] = (char)c;
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n > 0 && (out[n - 1] == '-' || out[n - 1] == '.'))
        n--;
    out[n] = '\0';
    if (n == 0)
        memcpy(out, "set", 4);
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool same_file(const char *a, const char *b) /* where upper and lower case are one */
{
    for (; *a && lower(*a) == lower(*b); a++, b++)
        ;
    return *a == *b;
}

static bool taken(const safe_name *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (same_file(names[i].text, name))
            return true;
    return false;
}

static timbang_status name_sets(const tb_report *report, safe_name **names, tb_error *err)
{
    *names = tb_calloc(report->n_sets, sizeof **names, err);
    if (!*names)
        return err->status;
    for (size_t s = 0; s < report->n_sets; s++) {
        safe_name *name = &(*names)[s];
        make_safe(report->sets[s].name, name->text);
        const size_t length = strlen(name->text);
        for (size_t number = 2; taken(*names, s, name->text); number++) {
            char digits[24];
            size_t at = sizeof digits - 1;
            digits[at] = '\0';
            for (size_t left = number; left; left /= 10)
                digits[--at] = (char)('0' + left % 10);
            name->text[length] = '-';
            memcpy(name->text + length + 1, digits + at, sizeof digits - at);
        }
    }
    return TIMBANG_OK;
}

/* ---- One file ---- */

/* The value of an attribute of the first tag, or "". */
static size_t attribute(const char *svg, const char *open, const char **value)
{
    const char *at = strstr(svg, open);
    *value = at ? at + strlen(open) : "";
    return strcspn(*value, "\"");
}

static double number_at(const char *text, size_t length)
{
    char copy[32] = {0};
    double value = 0;
    memcpy(copy, text, length < sizeof copy ? length : sizeof copy - 1);
    return tb_parse_double(copy, &value) ? value : 0;
}

/* The drawing as a document: its own size, a margin, its own style and ground instead of the page's. */
static void put_document(tb_text *out, const char *svg, bool on_paper, tb_pdf_page *page)
{
    static const char body[] = "</desc>\n";
    const char *box, *labels, *titles = strchr(svg, '>'), *rest = strstr(svg, body);
    if (!titles || !rest)
        return;
    size_t box_length = attribute(svg, " viewBox=\"0 0 ", &box), width = strcspn(box, " ");
    size_t labels_length = attribute(svg, " aria-labelledby=\"", &labels);
    titles++;
    rest += sizeof body - 1;
    const double margin = on_paper ? 2 : 12;
    page->width = number_at(box, width) + 2 * margin;
    page->height = number_at(box + width + 1, box_length - width - 1) + 2 * margin;
    tb_text_printf(out,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg class=\"tbf\" "
                   "xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"%g %g %.6g %.6g\" width=\"%.6g\" height=\"%.6g\" "
                   "role=\"img\" aria-labelledby=\"",
                   -margin, -margin, page->width, page->height, page->width, page->height);
    tb_text_append(out, labels, labels_length);
    tb_text_puts(out, "\">");
    tb_text_append(out, titles, (size_t)(rest - titles));
    tb_figure_put_style(out, !on_paper);
    if (!on_paper)
        tb_text_printf(out, "<rect class=\"f-page\" x=\"%g\" y=\"%g\" width=\"%.6g\" height=\"%.6g\"/>\n", -margin,
                       -margin, page->width, page->height);
    tb_text_puts(out, rest);
}

/* What is the same for all figures of a report. */
typedef struct writing {
    const tb_report *report;
    const char *folder;
    const safe_name *sets;
    const tb_pdf *pdf; /* NULL: none is written */
} writing;

static timbang_status write_document(const writing *w, const tb_figure *figure, const char *drawn, bool on_paper,
                                     const char *path, tb_error *err)
{
    tb_pdf_page page = {.title = figure->name, .date = w->report->started};
    tb_text text = {0};
    put_document(&text, drawn, on_paper, &page);
    timbang_status status = tb_text_finish(&text, err);
    if (status == TIMBANG_OK)
        status =
            on_paper ? tb_pdf_write(w->pdf, &text, &page, path, err) : tb_write_file(path, text.data, text.length, err);
    tb_text_free(&text);
    return status;
}

static timbang_status write_figure(const writing *w, const tb_figure *figure, size_t set, tb_error *err)
{
    tb_text drawn = {0}, path = {0};
    figure->draw(&drawn, w->report, set);
    tb_text_printf(&path, "%s/%s%s%s.svg", w->folder, figure->name, figure->per_set ? "-" : "",
                   figure->per_set ? w->sets[set].text : "");
    timbang_status status = tb_text_finish(&drawn, err);
    if (status == TIMBANG_OK)
        status = tb_text_finish(&path, err);
    if (status == TIMBANG_OK)
        status = write_document(w, figure, drawn.data, false, path.data, err);
    if (status == TIMBANG_OK && w->pdf) {
        memcpy(path.data + path.length - 3, "pdf", 3);
        status = write_document(w, figure, drawn.data, true, path.data, err);
    }
    tb_text_free(&drawn);
    tb_text_free(&path);
    return status;
}

static timbang_status write_all(const writing *w, tb_error *err)
{
    for (const tb_figure *figure = tb_figures; figure->name; figure++) {
        size_t n = figure->per_set ? w->report->n_sets : 1;
        for (size_t set = 0; set < n; set++)
            if (!figure->wanted || figure->wanted(w->report, set))
                TB_TRY(write_figure(w, figure, set, err));
    }
    return TIMBANG_OK;
}

timbang_status tb_figures_write(const tb_report *report, const char *folder, tb_error *err)
{
    char *figures = tb_path_join(folder, "figures", err);
    if (!figures)
        return err->status;
    safe_name *names = NULL;
    tb_pdf *pdf = NULL;
    timbang_status status = tb_make_dirs(figures, err);
    if (status == TIMBANG_OK)
        status = name_sets(report, &names, err);
    if (status == TIMBANG_OK)
        status = tb_pdf_open(&pdf, err);
    if (status == TIMBANG_OK)
        status = write_all(&(writing){report, figures, names, pdf}, err);
    tb_pdf_close(pdf);
    free(names);
    free(figures);
    return status;
}

bool tb_figures_pdf(void)
{
    tb_error err = {0};
    tb_pdf *pdf = NULL;
    bool there = tb_pdf_open(&pdf, &err) == TIMBANG_OK && pdf;
    tb_pdf_close(pdf);
    return there;
}
