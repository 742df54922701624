/* Learning rate schedules against values of transformers' get_*_schedule_with_warmup. */
#include "train/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void close_to(double a, double b)
{
    if (fabs(a - b) > 1e-15)
        fail_msg("%.17g is not %.17g", a, b);
}

static void test_linear(void **state)
{
    (void)state;
    close_to(tb_schedule_factor(TB_SCHEDULE_LINEAR, 0, 10, 100), 0);
    close_to(tb_schedule_factor(TB_SCHEDULE_LINEAR, 5, 10, 100), 0.5);
    close_to(tb_schedule_factor(TB_SCHEDULE_LINEAR, 10, 10, 100), 1);
    close_to(tb_schedule_factor(TB_SCHEDULE_LINEAR, 55, 10, 100), 0.5);
    close_to(tb_schedule_factor(TB_SCHEDULE_LINEAR, 99, 10, 100), 1.0 / 90);
    close_to(tb_schedule_factor(TB_SCHEDULE_LINEAR, 100, 10, 100), 0);
    close_to(tb_schedule_factor(TB_SCHEDULE_LINEAR, 0, 0, 1), 1);
}

static void test_cosine_and_constant(void **state)
{
    (void)state;
    for (unsigned step = 10; step < 100; step++) {
        double expected = 0.5 * (1 + cos(3.14159265358979323846 * (double)(step - 10) / 90));
        close_to(tb_schedule_factor(TB_SCHEDULE_COSINE, step, 10, 100), expected);
    }
    close_to(tb_schedule_factor(TB_SCHEDULE_COSINE, 3, 10, 100), 0.3);
    close_to(tb_schedule_factor(TB_SCHEDULE_CONSTANT, 3, 10, 100), 0.3);
    close_to(tb_schedule_factor(TB_SCHEDULE_CONSTANT, 99, 10, 100), 1);
}

static void test_names(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_schedule schedule;
    assert_int_equal(tb_schedule_parse("cosine", &schedule, &err), TIMBANG_OK);
    assert_string_equal(tb_schedule_name(schedule), "cosine");
    assert_int_equal(tb_schedule_parse("step", &schedule, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "'step'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_cosine_and_constant),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
