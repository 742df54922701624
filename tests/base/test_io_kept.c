/* Folders that grow over several runs: TARGET.partial, its lock, and the move to TARGET. */
#include "base/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct place {
    char *dir, *target, *partial;
} place;

static void begin(place *p)
{
    tb_error err;
    assert_int_equal(tb_temporary_folder(&p->dir, &err), TIMBANG_OK);
    p->target = tb_path_join(p->dir, "out", &err);
    p->partial = tb_path_join(p->dir, "out.partial", &err);
    assert_non_null(p->partial);
}

static void end(place *p)
{
    tb_error err;
    assert_int_equal(tb_remove_tree(p->dir, &err), TIMBANG_OK);
    free(p->dir);
    free(p->target);
    free(p->partial);
}

static void put(const char *folder, const char *name)
{
    tb_error err;
    char *path = tb_path_join(folder, name, &err);
    assert_int_equal(tb_write_file(path, name, strlen(name), &err), TIMBANG_OK);
    free(path);
}

static bool has(const char *folder, const char *name)
{
    tb_error err;
    char *path = tb_path_join(folder, name, &err);
    bool found = tb_is_file(path);
    free(path);
    return found;
}

static void it_stays_and_goes_on(void **state)
{
    (void)state;
    place p;
    tb_kept_folder kept;
    tb_error err;
    begin(&p);
    assert_int_equal(tb_kept_begin(p.target, false, true, &kept, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "nothing to resume"));
    assert_int_equal(tb_kept_begin(p.target, false, false, &kept, &err), TIMBANG_OK);
    assert_string_equal(kept.partial, p.partial);
    put(kept.partial, "one");
    tb_kept_end(&kept, true);
    assert_true(has(p.partial, "one"));
    assert_int_equal(tb_kept_begin(p.target, false, false, &kept, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "--resume"));
    assert_int_equal(tb_kept_begin(p.target, false, true, &kept, &err), TIMBANG_OK);
    put(kept.partial, "results.json");
    assert_int_equal(tb_kept_commit(&kept, &err), TIMBANG_OK);
    assert_true(has(p.target, "one") && has(p.target, "results.json"));
    assert_false(has(p.target, ".lock") || tb_is_directory(p.partial));

    assert_int_equal(tb_kept_begin(p.target, false, false, &kept, &err), TIMBANG_USAGE); /* not empty */
    assert_int_equal(tb_kept_begin(p.target, true, false, &kept, &err), TIMBANG_OK);
    put(kept.partial, "two");
    assert_true(has(p.target, "one")); /* until the new one is complete */
    assert_int_equal(tb_kept_commit(&kept, &err), TIMBANG_OK);
    assert_true(has(p.target, "two") && !has(p.target, "one"));
    end(&p);
}

static void nothing_worth_keeping_goes(void **state)
{
    (void)state;
    place p;
    tb_kept_folder kept;
    tb_error err;
    begin(&p);
    assert_int_equal(tb_kept_begin(p.target, false, false, &kept, &err), TIMBANG_OK);
    tb_kept_end(&kept, false);
    assert_false(tb_is_directory(p.partial));
    assert_int_equal(tb_make_dirs(p.partial, &err), TIMBANG_OK); /* somebody else's folder of that name */
    put(p.partial, "precious");
    assert_int_equal(tb_kept_begin(p.target, true, false, &kept, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "not a folder that timbang wrote"));
    assert_true(has(p.partial, "precious"));
    end(&p);
}

/* Locks are between processes: a child tries what its parent holds. */
static void one_process_at_a_time(void **state)
{
    (void)state;
    place p;
    tb_kept_folder kept;
    tb_error err;
    begin(&p);
    assert_int_equal(tb_kept_begin(p.target, false, false, &kept, &err), TIMBANG_OK);
    for (int force = 0; force < 2; force++) {
        pid_t child = fork();
        if (child == 0) {
            tb_kept_folder other;
            timbang_status status = tb_kept_begin(p.target, force != 0, force == 0, &other, &err);
            _exit(status == TIMBANG_USAGE && strstr(err.text, "another process") ? 0 : 1);
        }
        int code = 1;
        assert_int_equal(waitpid(child, &code, 0), child);
        assert_int_equal(code, 0);
    }
    tb_kept_end(&kept, false);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stays_and_goes_on),
        cmocka_unit_test(nothing_worth_keeping_goes),
        cmocka_unit_test(one_process_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
