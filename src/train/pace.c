/* Clocks of a training. Includes: train/pace.h. Called by: train. */
#include "train/pace.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { REDRAW_MS = 60, USUAL_MS = 45000, LONGEST_MS = 55000, SHARE = 20 };

void tb_pace_begin(tb_pace *pace, const tb_hooks *hooks, const char *stage, uint64_t steps, double checkpoint_seconds)
{
    *pace = (tb_pace){
        .hooks = hooks,
        .steps = steps,
        .begin_ms = tb_now_ms(),
        .asked_ms = checkpoint_seconds * 1000,
        .loss = NAN,
        .figure = NAN,
        .figure_name = "F1",
    };
    pace->saved_ms = pace->begin_ms;
    snprintf(pace->stage, sizeof pace->stage, "%s", stage);
}

/* "training\tloss 0.312, F1 0.8123, 34 texts/s" */
static void show(tb_pace *pace, uint64_t step, const char *more)
{
    char text[240];
    int used = snprintf(text, sizeof text, "%s\t", pace->stage);
    if (!isnan(pace->loss))
        used += snprintf(text + used, sizeof text - (size_t)used, "loss %.3f", pace->loss);
    if (!isnan(pace->figure))
        used += snprintf(text + used, sizeof text - (size_t)used, ", %s %.4f", pace->figure_name, pace->figure);
    if (pace->texts_per_s > 0 && !more)
        used += snprintf(text + used, sizeof text - (size_t)used, ", %.*f texts/s", pace->texts_per_s < 10 ? 1 : 0,
                         pace->texts_per_s);
    if (more)
        snprintf(text + used, sizeof text - (size_t)used, "%s%s", isnan(pace->loss) ? "" : ", ", more);
    tb_progress(pace->hooks, text, step, pace->steps);
}

void tb_pace_step(tb_pace *pace, uint64_t step, double loss, size_t n_texts, double begin_ms)
{
    const double now = tb_now_ms(), old = 0.95;
    pace->step_ms = now - begin_ms;
    pace->loss = isnan(pace->loss) ? loss : old * pace->loss + (1 - old) * loss;
    if (pace->step_ms > 0) {
        double speed = (double)n_texts * 1000 / pace->step_ms;
        pace->texts_per_s = pace->texts_per_s > 0 ? old * pace->texts_per_s + (1 - old) * speed : speed;
    }
    if (now - pace->shown_ms < REDRAW_MS && step < pace->steps)
        return;
    pace->shown_ms = now;
    show(pace, step, NULL);
}

void tb_pace_evaluating(tb_pace *pace, uint64_t step, size_t done, size_t total)
{
    char text[80];
    snprintf(text, sizeof text, "evaluating %zu of %zu", done, total);
    show(pace, step, text);
}

bool tb_pace_checkpoint_due(const tb_pace *pace)
{
    double pause = pace->asked_ms;
    if (pause >= USUAL_MS && SHARE * pace->write_ms > pause)
        pause = SHARE * pace->write_ms < LONGEST_MS ? SHARE * pace->write_ms : LONGEST_MS;
    if (pause > LONGEST_MS)
        pause = LONGEST_MS;
    return tb_now_ms() - pace->saved_ms + pace->step_ms >= pause;
}

void tb_pace_saved(tb_pace *pace, double begin_ms)
{
    pace->saved_ms = tb_now_ms();
    pace->write_ms = pace->saved_ms - begin_ms;
}

const char *tb_pace_duration(double seconds, char out[32])
{
    if (seconds < 90)
        snprintf(out, 32, "%.0f s", ceil(seconds));
    else if (seconds < 5400)
        snprintf(out, 32, "%.0f min", ceil(seconds / 60));
    else
        snprintf(out, 32, "%.1f h", seconds / 3600);
    return out;
}
