/* Tests of base/io.c and base/io_write.c: nothing half-written, nothing left behind. */
#include "base/io.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/timbang-io-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    tb_error err;
    return tb_remove_tree(root, &err) == TIMBANG_OK && !tb_is_directory(root) ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[4][256];
    static int turn;
    char *out = path[turn++ % 4];
    snprintf(out, 256, "%s/%s", root, name);
    return out;
}

static size_t entries(const char *path)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static void put(const char *path, const char *text)
{
    tb_error err;
    assert_int_equal(tb_write_file(path, text, strlen(text), &err), TIMBANG_OK);
}

static void check_text(const char *path, const char *text)
{
    tb_error err;
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(tb_read_file(path, 0, &bytes, &size, &err), TIMBANG_OK);
    assert_int_equal(size, strlen(text));
    assert_string_equal(bytes, text);
    free(bytes);
}

static void writer_is_atomic(void **state)
{
    (void)state;
    tb_error err;
    tb_writer *writer = NULL;
    put(path_of("a.txt"), "old");
    assert_int_equal(tb_writer_open(path_of("a.txt"), &writer, &err), TIMBANG_OK);
    assert_int_equal(tb_writer_write(writer, "new", 3, &err), TIMBANG_OK);
    check_text(path_of("a.txt"), "old");
    tb_writer_abandon(writer);
    check_text(path_of("a.txt"), "old");
    assert_int_equal(entries(root), 1);

    size_t big = 3 << 20;
    char *block = calloc(big + 1, 1);
    memset(block, 'x', big);
    assert_int_equal(tb_writer_open(path_of("a.txt"), &writer, &err), TIMBANG_OK);
    assert_int_equal(tb_writer_write(writer, block, 10, &err), TIMBANG_OK);
    assert_int_equal(tb_writer_write(writer, block, big - 10, &err), TIMBANG_OK);
    assert_int_equal(tb_writer_commit(writer, &err), TIMBANG_OK);
    check_text(path_of("a.txt"), block);
    assert_int_equal(entries(root), 1);
    free(block);
}

static void full_disk_is_an_error(void **state)
{
    (void)state;
    tb_error err;
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_int_equal(tb_write_file("/dev/full", "text", 4, &err), TIMBANG_IO);
    assert_non_null(strstr(err.text, "/dev/full"));
    assert_int_equal(tb_write_file(path_of("none/there.txt"), "text", 4, &err), TIMBANG_IO);
    assert_int_equal(tb_write_file(root, "text", 4, &err), TIMBANG_IO);
}

static void sources(void **state)
{
    (void)state;
    tb_error err;
    tb_source *source = NULL;
    char out[8];
    put(path_of("s.bin"), "0123456789");
    assert_int_equal(tb_source_open(path_of("s.bin"), &source, &err), TIMBANG_OK);
    assert_int_equal(tb_source_size(source), 10);
    assert_int_equal(tb_source_read(source, 3, out, 4, &err), TIMBANG_OK);
    assert_memory_equal(out, "3456", 4);
    assert_int_equal(tb_source_read(source, 8, out, 3, &err), TIMBANG_FORMAT);
    assert_int_equal(tb_source_read(source, UINT64_MAX, out, 3, &err), TIMBANG_FORMAT);
    assert_int_equal(truncate(path_of("s.bin"), 5), 0); /* under us */
    assert_int_equal(tb_source_read(source, 3, out, 4, &err), TIMBANG_IO);
    assert_non_null(strstr(err.text, "cut short"));
    tb_source_close(source);
    assert_int_equal(tb_source_open(path_of("missing"), &source, &err), TIMBANG_NOT_FOUND);
    assert_int_equal(tb_source_open(root, &source, &err), TIMBANG_IO);
}

static void folders(void **state)
{
    (void)state;
    tb_error err;
    tb_folder *folder = NULL;
    char *bytes = NULL;
    size_t size = 0;
    const tb_memory_file files[] = {{"x.txt", "abc", 3}};
    assert_int_equal(tb_folder_memory("built in", files, 1, &folder, &err), TIMBANG_OK);
    assert_true(tb_folder_has(folder, "x.txt"));
    assert_false(tb_folder_has(folder, "y.txt"));
    assert_int_equal(tb_folder_read(folder, "x.txt", 0, &bytes, &size, &err), TIMBANG_OK);
    assert_string_equal(bytes, "abc");
    free(bytes);
    assert_int_equal(tb_folder_read(folder, "x.txt", 2, &bytes, &size, &err), TIMBANG_FORMAT);
    assert_int_equal(tb_folder_read(folder, "y.txt", 0, &bytes, &size, &err), TIMBANG_NOT_FOUND);
    tb_folder_close(folder);
    put(path_of("f.txt"), "abc");
    char endless[8192];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(tb_folder_open(root, &folder, &err), TIMBANG_OK);
    assert_true(tb_folder_has(folder, "f.txt"));
    assert_false(tb_folder_has(folder, "g.txt"));
    assert_false(tb_folder_has(folder, "."));
    assert_false(tb_folder_has(folder, endless));
    tb_folder_close(folder);
    assert_int_equal(tb_folder_open(path_of("f.txt"), &folder, &err), TIMBANG_NOT_FOUND);
    assert_int_equal(tb_folder_open(path_of("nowhere"), &folder, &err), TIMBANG_NOT_FOUND);
}

/* A folder that may not be entered is not one without files. */
static void forbidden_folder(void **state)
{
    (void)state;
    tb_error err;
    tb_folder *folder = NULL;
    const char *path = path_of("forbidden");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0), 0);
    bool superuser = geteuid() == 0; /* whom nothing is forbidden */
    if (superuser) {
        assert_int_equal(chmod(root, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    timbang_status status = tb_folder_open(path, &folder, &err);
    if (superuser)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, TIMBANG_IO);
    assert_non_null(strstr(err.text, "forbidden: cannot be opened: Permission denied"));
    assert_int_equal(chmod(path, 0700), 0);
}

static void staged(void **state)
{
    (void)state;
    tb_error err;
    tb_staged_folder folder = {0};
    char file[300];
    size_t before = entries(root);
    const char *target = path_of("out");
    assert_int_equal(tb_staged_begin(target, false, &folder, &err), TIMBANG_OK);
    assert_false(tb_is_directory(target));
    snprintf(file, sizeof file, "%s/results.json", folder.staging);
    put(file, "{}");
    tb_staged_abandon(&folder);
    assert_int_equal(entries(root), before);

    assert_int_equal(tb_staged_begin(target, false, &folder, &err), TIMBANG_OK);
    snprintf(file, sizeof file, "%s/results.json", folder.staging);
    put(file, "{}");
    assert_int_equal(tb_staged_commit(&folder, &err), TIMBANG_OK);
    assert_int_equal(entries(root), before + 1);
    check_text(path_of("out/results.json"), "{}");

    assert_int_equal(tb_staged_begin(target, false, &folder, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "--force"));
    assert_int_equal(tb_staged_begin(target, true, &folder, &err), TIMBANG_OK);
    snprintf(file, sizeof file, "%s/results.json", folder.staging);
    put(file, "[1]");
    check_text(path_of("out/results.json"), "{}");
    assert_int_equal(tb_staged_commit(&folder, &err), TIMBANG_OK);
    check_text(path_of("out/results.json"), "[1]");
    assert_int_equal(entries(root), before + 1);

    /* A folder that is not ours is never replaced. */
    assert_int_equal(tb_make_dirs(path_of("theirs/deep"), &err), TIMBANG_OK);
    assert_int_equal(tb_staged_begin(path_of("theirs"), true, &folder, &err), TIMBANG_USAGE);
    assert_true(tb_is_directory(path_of("theirs/deep")));
    assert_int_equal(tb_staged_begin(path_of("no/such/parent"), false, &folder, &err), TIMBANG_IO);
    assert_int_equal(tb_staged_begin(path_of("a.txt"), false, &folder, &err), TIMBANG_USAGE);
    assert_int_equal(tb_staged_begin("", false, &folder, &err), TIMBANG_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_is_atomic), cmocka_unit_test(full_disk_is_an_error), cmocka_unit_test(sources),
        cmocka_unit_test(folders),          cmocka_unit_test(forbidden_folder),      cmocka_unit_test(staged),
    };
    return cmocka_run_group_tests_name("base/io", tests, make_root, remove_root);
}
