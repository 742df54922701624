/* SPDX-License-Identifier: Apache-2.0
 * A drawing as PDF, through librsvg and cairo: vectors, and text that stays text. The two are loaded when figures are
 * written and not linked: with all they need they would add some 10 MB to the memory and 20 ms to the start of every
 * run, and memory and time are what is measured here.
 * Includes: report/figures/svg.h. Called by: report/figures/write.c. */
#include "report/figures/svg.h"

#include <dlfcn.h>
#include <stdlib.h>

/* ---- What is used of them (librsvg 2.46 and cairo 1.16 or newer), as their headers declare it ---- */

typedef struct rectangle {
    double x, y, width, height;
} rectangle;

typedef struct glib_error {
    uint32_t domain;
    int code;
    char *message;
} glib_error;

typedef int (*write_fn)(void *closure, const unsigned char *bytes, unsigned length);

enum { CAIRO_SUCCESS = 0, CAIRO_NO_MEMORY = 1, CAIRO_TITLE = 0, CAIRO_CREATE_DATE = 5 };

typedef struct functions {
    void *(*rsvg_handle_new_from_data)(const uint8_t *data, size_t size, glib_error **error);
    void (*rsvg_handle_set_dpi)(void *handle, double dpi);
    int (*rsvg_handle_render_document)(void *handle, void *cairo, const rectangle *viewport, glib_error **error);
    void (*g_object_unref)(void *object);
    void (*g_error_free)(glib_error *error);
    void *(*cairo_pdf_surface_create_for_stream)(write_fn write, void *closure, double width, double height);
    void (*cairo_pdf_surface_set_metadata)(void *surface, int which, const char *text);
    void *(*cairo_create)(void *surface);
    void (*cairo_scale)(void *cairo, double x, double y);
    void (*cairo_destroy)(void *cairo);
    void (*cairo_surface_finish)(void *surface);
    int (*cairo_surface_status)(void *surface);
    void (*cairo_surface_destroy)(void *surface);
    const char *(*cairo_status_to_string)(int status);
} functions;

enum { RSVG, GOBJECT, GLIB, CAIRO, N_LIBRARIES };

struct tb_pdf {
    void *libraries[N_LIBRARIES];
    functions f;
};

/* ---- Loading ---- */

/* POSIX lets dlsym's pointer be read as one to a function. */
static bool find(void *library, const char *name, void *function)
{
    *(void **)function = dlsym(library, name);
    return *(void **)function != NULL;
}

static bool find_all(tb_pdf *pdf)
{
    functions *f = &pdf->f;
    void *const *l = pdf->libraries;
    return find(l[RSVG], "rsvg_handle_new_from_data", &f->rsvg_handle_new_from_data) &&
           find(l[RSVG], "rsvg_handle_set_dpi", &f->rsvg_handle_set_dpi) &&
           find(l[RSVG], "rsvg_handle_render_document", &f->rsvg_handle_render_document) &&
           find(l[GOBJECT], "g_object_unref", &f->g_object_unref) && find(l[GLIB], "g_error_free", &f->g_error_free) &&
           find(l[CAIRO], "cairo_pdf_surface_create_for_stream", &f->cairo_pdf_surface_create_for_stream) &&
           find(l[CAIRO], "cairo_pdf_surface_set_metadata", &f->cairo_pdf_surface_set_metadata) &&
           find(l[CAIRO], "cairo_create", &f->cairo_create) && find(l[CAIRO], "cairo_scale", &f->cairo_scale) &&
           find(l[CAIRO], "cairo_destroy", &f->cairo_destroy) &&
           find(l[CAIRO], "cairo_surface_finish", &f->cairo_surface_finish) &&
           find(l[CAIRO], "cairo_surface_status", &f->cairo_surface_status) &&
           find(l[CAIRO], "cairo_surface_destroy", &f->cairo_surface_destroy) &&
           find(l[CAIRO], "cairo_status_to_string", &f->cairo_status_to_string);
}

timbang_status tb_pdf_open(tb_pdf **pdf, tb_error *err)
{
    static const char *const names[N_LIBRARIES] = {"librsvg-2.so.2", "libgobject-2.0.so.0", "libglib-2.0.so.0",
                                                   "libcairo.so.2"};
    *pdf = NULL;
    tb_pdf *p = tb_calloc(1, sizeof *p, err);
    if (!p)
        return err->status;
    for (size_t i = 0; i < N_LIBRARIES; i++) {
        p->libraries[i] = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE); /* GLib cannot be unloaded */
        if (!p->libraries[i]) {
            tb_pdf_close(p);
            return TIMBANG_OK;
        }
    }
    if (!find_all(p)) {
        tb_pdf_close(p);
        return TIMBANG_OK;
    }
    *pdf = p;
    return TIMBANG_OK;
}

void tb_pdf_close(tb_pdf *pdf)
{
    for (size_t i = 0; pdf && i < N_LIBRARIES; i++)
        if (pdf->libraries[i])
            dlclose(pdf->libraries[i]);
    free(pdf);
}

/* ---- Drawing ---- */

static int collect(void *text, const unsigned char *bytes, unsigned length)
{
    tb_text_append(text, (const char *)bytes, length);
    return ((tb_text *)text)->failed ? CAIRO_NO_MEMORY : CAIRO_SUCCESS;
}

static timbang_status svg_failed(const tb_pdf *pdf, const char *title, glib_error *error, tb_error *err)
{
    tb_fail(err, TIMBANG_INTERNAL, "figure %s: librsvg: %s", title, error ? error->message : "no reason given");
    if (error)
        pdf->f.g_error_free(error);
    return err->status;
}

/* A pixel is 3/4 of a point, as CSS counts. */
static timbang_status render(const tb_pdf *pdf, void *handle, const tb_pdf_page *page, tb_text *out, tb_error *err)
{
    const functions *f = &pdf->f;
    const double points = 0.75;
    void *surface = f->cairo_pdf_surface_create_for_stream(collect, out, page->width * points, page->height * points);
    f->cairo_pdf_surface_set_metadata(surface, CAIRO_TITLE, page->title);
    if (page->date) /* of the study: the same record gives the same file */
        f->cairo_pdf_surface_set_metadata(surface, CAIRO_CREATE_DATE, page->date);
    void *cairo = f->cairo_create(surface);
    f->cairo_scale(cairo, points, points);
    const rectangle all = {0, 0, page->width, page->height};
    glib_error *error = NULL;
    timbang_status status = TIMBANG_OK;
    if (!f->rsvg_handle_render_document(handle, cairo, &all, &error))
        status = svg_failed(pdf, page->title, error, err);
    f->cairo_destroy(cairo);
    f->cairo_surface_finish(surface);
    int drawn = f->cairo_surface_status(surface);
    f->cairo_surface_destroy(surface);
    if (status == TIMBANG_OK && drawn != CAIRO_SUCCESS)
        status = tb_fail(err, TIMBANG_INTERNAL, "figure %s: cairo: %s", page->title, f->cairo_status_to_string(drawn));
    return status;
}

timbang_status tb_pdf_write(const tb_pdf *pdf, const tb_text *svg, const tb_pdf_page *page, const char *path,
                            tb_error *err)
{
    glib_error *error = NULL;
    void *handle = pdf->f.rsvg_handle_new_from_data((const uint8_t *)svg->data, svg->length, &error);
    if (!handle)
        return svg_failed(pdf, page->title, error, err);
    pdf->f.rsvg_handle_set_dpi(handle, 96);
    tb_text out = {0};
    timbang_status status = render(pdf, handle, page, &out, err);
    pdf->f.g_object_unref(handle);
    if (status == TIMBANG_OK || out.failed)
        status = tb_text_finish(&out, err);
    if (status == TIMBANG_OK)
        status = tb_write_file(path, out.data, out.length, err);
    tb_text_free(&out);
    return status;
}
