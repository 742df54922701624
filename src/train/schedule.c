/* Learning rate schedules. Includes: train/schedule.h. Called by: train/run.c. */
#include "train/schedule.h"

#include <string.h>

static const char *const names[] = {"linear", "cosine", "constant"};

timbang_status tb_schedule_parse(const char *name, tb_schedule *schedule, tb_error *err)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *schedule = (tb_schedule)i;
            return TIMBANG_OK;
        }
    return tb_fail(err, TIMBANG_USAGE, "schedule '%s' is not one of linear, cosine, constant", name);
}

const char *tb_schedule_name(tb_schedule schedule)
{
    return names[schedule];
}

/* cos(pi x) for x in [0, 1] as a sine of at most pi / 2, whose series needs no more terms. */
static double cosine(double x)
{
    double t = 3.14159265358979323846 * (0.5 - x), square = t * t, term = t, sum = t;
    for (int n = 3; n <= 23; n += 2) {
        term = -term * square / (double)(n * (n - 1));
        sum += term;
    }
    return sum;
}

double tb_schedule_factor(tb_schedule schedule, uint64_t step, uint64_t warmup, uint64_t total)
{
    if (step < warmup)
        return (double)step / (double)warmup;
    if (schedule == TB_SCHEDULE_CONSTANT)
        return 1;
    if (step >= total)
        return 0;
    double rest = (double)(total - step) / (double)(total - warmup);
    return schedule == TB_SCHEDULE_LINEAR ? rest : 0.5 * (1 + cosine(1 - rest));
}
