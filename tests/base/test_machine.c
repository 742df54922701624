/* Tests of base/clock.c (peak memory) and base/energy.c, on a made-up folder of counters. */
#include "base/clock.h"
#include "base/energy.h"
#include "base/io.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void peak_resident_starts_again(void **state)
{
    (void)state;
    enum { BYTES = 96 << 20, SLACK = 24 << 20 }; /* the system counts in pages, and not exactly */
    uint64_t before = tb_peak_resident_bytes();
    if (!tb_peak_resident_reset()) /* some containers refuse it */
        skip();
    assert_true(before > 0);
    char *block = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(block != MAP_FAILED);
    for (size_t i = 0; i < BYTES; i += 512)
        ((volatile char *)block)[i] = 1;
    uint64_t high = tb_peak_resident_bytes();
    assert_true(high + SLACK >= BYTES);
    assert_int_equal(munmap(block, BYTES), 0);
    assert_true(tb_peak_resident_bytes() + SLACK >= high);
    assert_true(tb_peak_resident_reset());
    uint64_t again = tb_peak_resident_bytes();
    assert_true(again > 0 && again + BYTES < high + SLACK);
}

/* ---- Energy ---- */

static char folder[64];

static void put(const char *entry, const char *file, const char *text)
{
    char path[256];
    tb_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, entry);
    (void)mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s", folder, entry, file);
    assert_int_equal(tb_write_file(path, text, strlen(text), &err), TIMBANG_OK);
}

static void put_domain(const char *entry, const char *name, const char *energy, const char *range)
{
    put(entry, "name", name);
    put(entry, "energy_uj", energy);
    put(entry, "max_energy_range_uj", range);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/timbang-energy-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    tb_error err = {0};
    return tb_remove_tree(folder, &err) == TIMBANG_OK ? 0 : -1;
}

static void no_meter(void **state)
{
    (void)state;
    tb_energy_meter meter;
    char path[128];
    snprintf(path, sizeof path, "%s/absent", folder);
    const char *empty[] = {folder, path};
    for (size_t i = 0; i < 2; i++) {
        tb_energy_open(empty[i], &meter);
        assert_false(meter.available);
        assert_string_equal(meter.source, "no RAPL meter on this machine");
        assert_true(isnan(tb_energy_read(&meter)));
    }
    tb_energy_open(NULL, &meter); /* whatever this machine has */
    assert_true(strlen(meter.source) > 0);
    assert_true(meter.available == (tb_energy_read(&meter) >= 0));
}

static void packages_only(void **state)
{
    (void)state;
    put_domain("intel-rapl:1", "package-1\n", "500\n", "262143328850\n");
    put_domain("intel-rapl:0", "package-0\n", "1000000\n", "262143328850\n");
    put_domain("intel-rapl:0:0", "core\n", "7\n", "262143328850\n");
    put_domain("intel-rapl:2", "psys\n", "7\n", "262143328850\n");
    put_domain("intel-rapl-mmio:0", "package-0\n", "7\n", "262143328850\n");
    tb_energy_meter meter;
    tb_energy_open(folder, &meter);
    assert_true(meter.available);
    assert_string_equal(meter.source, "RAPL: package-0, package-1");
    assert_int_equal(meter.n_packages, 2);
    assert_true(tb_energy_read(&meter) == 0);
    put("intel-rapl:0", "energy_uj", "3500000\n");
    put("intel-rapl:1", "energy_uj", "750500\n");
    put("intel-rapl:0:0", "energy_uj", "99999999\n");
    put("intel-rapl:2", "energy_uj", "99999999\n");
    assert_true(fabs(tb_energy_read(&meter) - 3.25) < 1e-12);
    assert_true(fabs(tb_energy_read(&meter) - 3.25) < 1e-12);
}

static void counter_starts_again(void **state)
{
    (void)state;
    put_domain("intel-rapl:0", "package-0", "9000000", "10000000");
    tb_energy_meter meter;
    tb_energy_open(folder, &meter);
    put("intel-rapl:0", "energy_uj", "2000000");
    assert_true(fabs(tb_energy_read(&meter) - 3) < 1e-12);
    put("intel-rapl:0", "energy_uj", "2000001");
    assert_true(fabs(tb_energy_read(&meter) - 3.000001) < 1e-12);
}

static void unreadable(void **state)
{
    (void)state;
    tb_energy_meter meter;
    put_domain("intel-rapl:0", "package-0", "5", "10");
    put_domain("intel-rapl:1", "package-1", "no number", "10");
    tb_energy_open(folder, &meter);
    assert_false(meter.available);
    assert_string_equal(meter.source, "energy_uj cannot be read");

    put("intel-rapl:1", "energy_uj", "5");
    tb_energy_open(folder, &meter);
    assert_true(meter.available);
    put("intel-rapl:1", "energy_uj", "-1");
    assert_true(isnan(tb_energy_read(&meter)));
    assert_false(meter.available);
    assert_string_equal(meter.source, "energy_uj cannot be read");

    if (geteuid() == 0)
        return; /* root reads everything */
    char path[128];
    put("intel-rapl:1", "energy_uj", "5");
    snprintf(path, sizeof path, "%s/intel-rapl:1/energy_uj", folder);
    assert_int_equal(chmod(path, 0), 0);
    tb_energy_open(folder, &meter);
    assert_false(meter.available);
    assert_string_equal(meter.source, "energy_uj is readable by root only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peak_resident_starts_again),
        cmocka_unit_test_setup_teardown(no_meter, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(packages_only, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(counter_starts_again, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(unreadable, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
