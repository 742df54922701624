/* SPDX-License-Identifier: Apache-2.0
 * The curves of a training: loss, validation figures, rate and gradient by step.
 * Includes: report/training.h, report/figures/svg.h. Called by: report/training. */
#include "report/training.h"

#include "report/figures/svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Long runs are drawn as means of so many parts: a page must not grow with the steps. */
enum { POINTS = 100, TOP = 26, BOTTOM = 216, LEFT = 46, RIGHT = 8, HEIGHT = 256 };

typedef struct curve {
    size_t n;
    double x[POINTS], y[POINTS];
} curve;

typedef enum figure_of { LOSS, RATE, NORM } figure_of;

static double value_of(const tb_training_step *step, figure_of what)
{
    return what == LOSS ? step->loss : what == RATE ? step->rate : step->norm;
}

/* Means of consecutive steps. */
static curve curve_of(const tb_training *t, figure_of what)
{
    curve c = {0};
    const size_t points = t->n_steps < POINTS ? t->n_steps : POINTS;
    for (size_t p = 0; p < points; p++) {
        const size_t begin = t->n_steps * p / points, end = t->n_steps * (p + 1) / points;
        double x = 0, y = 0, n = 0;
        for (size_t i = begin; i < end; i++) {
            const double value = value_of(&t->step[i], what);
            if (!isfinite(value))
                continue;
            x += (double)t->step[i].step;
            y += value;
            n++;
        }
        if (n > 0) {
            c.x[c.n] = x / n;
            c.y[c.n++] = y / n;
        }
    }
    return c;
}

static void widen(double *low, double *high, double value)
{
    *low = isfinite(value) ? fmin(*low, value) : *low;
    *high = isfinite(value) ? fmax(*high, value) : *high;
}

typedef struct plot {
    tb_svg svg;
    const tb_training *t;
    tb_axis x, y;
} plot;

static void begin_plot(plot *p, const tb_training *t, const char *name, double low, double high)
{
    *p = (plot){.t = t};
    tb_svg_begin(&p->svg, name, &t->view, 0, TB_SVG_WIDTH);
    if (!(low <= high)) {
        low = 0;
        high = 1;
    }
    const double steps = t->total_steps > 0 ? (double)t->total_steps : 1;
    p->x = tb_axis_make(0, steps, LEFT, TB_SVG_WIDTH - RIGHT, 6, false);
    p->y = tb_axis_make(low, high, BOTTOM, TOP, 5, true);
    tb_svg_axis_y(&p->svg, &p->y, LEFT, TB_SVG_WIDTH - RIGHT);
    tb_svg_axis_x(&p->svg, &p->x, BOTTOM, tb_svg_say(&p->svg, "step", "langkah"));
    /* where epochs end, as long as there is room to see them apart */
    const uint64_t per = t->steps_per_epoch;
    for (uint64_t step = per; per > 0 && step < t->total_steps && t->total_steps / per <= 20; step += per)
        tb_svg_line(&p->svg, "f-grid", tb_axis_at(&p->x, (double)step), TOP, tb_axis_at(&p->x, (double)step), BOTTOM);
}

static void put_curve(plot *p, const char *kind, const curve *c)
{
    for (size_t i = 1; i < c->n; i++)
        tb_svg_line(&p->svg, kind, tb_axis_at(&p->x, c->x[i - 1]), tb_axis_at(&p->y, c->y[i - 1]),
                    tb_axis_at(&p->x, c->x[i]), tb_axis_at(&p->y, c->y[i]));
    if (c->n == 1)
        tb_svg_circle(&p->svg, "f-dot", tb_axis_at(&p->x, c->x[0]), tb_axis_at(&p->y, c->y[0]), 2);
}

/* A legend's entry; the next one begins at the place that is returned. */
static double put_key(plot *p, double x, const char *line, const char *dot, const char *text)
{
    tb_svg_line(&p->svg, line, x, 11, x + 18, 11);
    if (dot)
        tb_svg_circle(&p->svg, dot, x + 9, 11, 3);
    tb_svg_text(&p->svg, TB_FONT_SOFT, x + 24, 15, TB_START, 0, text);
    return x + 24 + tb_svg_measure(TB_FONT_SOFT, text) + 22;
}

/* The kept checkpoint. */
static void put_best(plot *p)
{
    if (!p->t->has_best)
        return;
    const double x = tb_axis_at(&p->x, (double)p->t->best_step);
    tb_svg_line(&p->svg, "f-base", x, TOP, x, BOTTOM);
}

static void put_evaluations(plot *p, const char *line, const char *dot,
                            double (*figure)(const tb_training_evaluation *))
{
    const tb_training *t = p->t;
    double before_x = NAN, before_y = NAN;
    for (size_t i = 0; i < t->n_evaluations; i++) {
        const double value = figure(&t->evaluation[i]);
        if (!isfinite(value))
            continue;
        const double x = tb_axis_at(&p->x, (double)t->evaluation[i].step), y = tb_axis_at(&p->y, value);
        if (isfinite(before_x))
            tb_svg_line(&p->svg, line, before_x, before_y, x, y);
        tb_svg_circle(&p->svg, dot, x, y, 3);
        before_x = x;
        before_y = y;
    }
}

static double loss_of(const tb_training_evaluation *e)
{
    return e->loss;
}

static double accuracy_of(const tb_training_evaluation *e)
{
    return e->accuracy;
}

static double macro_f1_of(const tb_training_evaluation *e)
{
    return e->macro_f1;
}

static void describe_ends(plot *p, const char *what, const curve *c)
{
    if (c->n > 0)
        tb_text_printf(&p->svg.desc, "%s: %.3g, %.3g. ", what, c->y[0], c->y[c->n - 1]);
}

void tb_training_loss_figure(tb_text *out, const tb_training *t)
{
    const curve train = curve_of(t, LOSS);
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < train.n; i++)
        widen(&low, &high, train.y[i]);
    for (size_t i = 0; i < t->n_evaluations; i++)
        widen(&low, &high, t->evaluation[i].loss);
    plot p;
    begin_plot(&p, t, "training-loss", fmin(low, 0), high);
    put_best(&p);
    put_curve(&p, "f-thin", &train);
    put_evaluations(&p, "f-thin-alarm", "f-dot-alarm", loss_of);
    double x = put_key(&p, LEFT, "f-thin", NULL, tb_svg_say(&p.svg, "training", "pelatihan"));
    if (t->n_evaluations > 0)
        put_key(&p, x, "f-thin-alarm", "f-dot-alarm", tb_svg_say(&p.svg, "validation", "validasi"));
    describe_ends(&p, tb_svg_say(&p.svg, "Training loss, first and last", "Loss pelatihan, awal dan akhir"), &train);
    for (size_t i = 0; i < t->n_evaluations; i++)
        tb_text_printf(&p.svg.desc, "%s %" PRIu64 ": %.4f. ",
                       tb_svg_say(&p.svg, "Validation, step", "Validasi, langkah"), t->evaluation[i].step,
                       t->evaluation[i].loss);
    tb_svg_end(&p.svg, out, HEIGHT, tb_svg_say(&p.svg, "Loss by step", "Loss menurut langkah"));
}

void tb_training_figures_figure(tb_text *out, const tb_training *t)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < t->n_evaluations; i++) {
        widen(&low, &high, t->evaluation[i].accuracy);
        widen(&low, &high, t->evaluation[i].macro_f1);
    }
    plot p;
    begin_plot(&p, t, "training-figures", low, high);
    put_best(&p);
    put_evaluations(&p, "f-ref", "f-dot-ref", accuracy_of);
    put_evaluations(&p, "f-thin", "f-dot", macro_f1_of);
    double x = LEFT;
    if (!t->mlm)
        x = put_key(&p, x, "f-thin", "f-dot", tb_svg_say(&p.svg, "macro-F1", "F1 makro"));
    put_key(&p, x, "f-ref", "f-dot-ref", tb_svg_say(&p.svg, "accuracy", "akurasi"));
    for (size_t i = 0; i < t->n_evaluations; i++)
        tb_text_printf(&p.svg.desc, "%s %" PRIu64 ": %.4f. ", tb_svg_say(&p.svg, "Step", "Langkah"),
                       t->evaluation[i].step, t->mlm ? t->evaluation[i].accuracy : t->evaluation[i].macro_f1);
    tb_svg_end(
        &p.svg, out, HEIGHT,
        tb_svg_say(&p.svg, "Figures on the validation data by step", "Ukuran pada data validasi menurut langkah"));
}

/* Rates are small: the axis shows multiples of a power of ten, which stands in the key. */
static double scale_of(const curve *c, int *power)
{
    double high = 0;
    for (size_t i = 0; i < c->n; i++)
        high = fmax(high, fabs(c->y[i]));
    *power = high > 0 ? (int)floor(log10(high)) : 0;
    return pow(10, -*power);
}

void tb_training_rate_figure(tb_text *out, const tb_training *t)
{
    curve rate = curve_of(t, RATE);
    int power = 0;
    const double scale = scale_of(&rate, &power);
    double high = 0;
    for (size_t i = 0; i < rate.n; i++) {
        rate.y[i] *= scale;
        high = fmax(high, rate.y[i]);
    }
    plot p;
    begin_plot(&p, t, "training-rate", 0, high > 0 ? high : 1);
    put_curve(&p, "f-thin", &rate);
    char key[64];
    snprintf(key, sizeof key, "%s, 1e%d", tb_svg_say(&p.svg, "learning rate", "laju belajar"), power);
    put_key(&p, LEFT, "f-thin", NULL, key);
    tb_text_printf(&p.svg.desc, "%s: %.3g. ", tb_svg_say(&p.svg, "Largest rate", "Laju terbesar"), high / scale);
    tb_svg_end(&p.svg, out, HEIGHT, tb_svg_say(&p.svg, "Learning rate by step", "Laju belajar menurut langkah"));
}

void tb_training_norm_figure(tb_text *out, const tb_training *t)
{
    const curve norm = curve_of(t, NORM);
    const double clip = json_number_value(json_object_get(t->recipe, "clip"));
    double high = 0;
    for (size_t i = 0; i < norm.n; i++)
        high = fmax(high, norm.y[i]);
    plot p;
    begin_plot(&p, t, "training-norm", 0, high > 0 ? high : 1);
    put_curve(&p, "f-thin", &norm);
    double x = put_key(&p, LEFT, "f-thin", NULL, tb_svg_say(&p.svg, "norm of the gradient", "norma gradien"));
    if (clip > 0 && clip < p.y.high) {
        const double y = tb_axis_at(&p.y, clip);
        tb_svg_line(&p.svg, "f-base", LEFT, y, TB_SVG_WIDTH - RIGHT, y);
        put_key(&p, x, "f-base", NULL, tb_svg_say(&p.svg, "clipped to", "dipotong menjadi"));
    }
    describe_ends(&p, tb_svg_say(&p.svg, "Norm, first and last", "Norma, awal dan akhir"), &norm);
    tb_svg_end(&p.svg, out, HEIGHT, tb_svg_say(&p.svg, "Gradient by step", "Gradien menurut langkah"));
}
