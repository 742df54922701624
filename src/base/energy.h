/* The energy that the processor's packages have used, from RAPL's counters where the system lets us read them.
 * Includes: nothing of ours. Called by: study (latency, records). */
#ifndef TB_BASE_ENERGY_H
#define TB_BASE_ENERGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_ENERGY_PACKAGES = 16, TB_ENERGY_PATH = 256, TB_ENERGY_SOURCE = 320 };

typedef struct tb_energy_package {
    char path[TB_ENERGY_PATH]; /* of energy_uj */
    uint64_t last, range;      /* microjoules; the counter starts again from 0 after range */
} tb_energy_package;

typedef struct tb_energy_meter {
    bool available;
    char source[TB_ENERGY_SOURCE]; /* "RAPL: package-0, package-1", or why there is none */
    double joules;                 /* of all packages since tb_energy_open, as of the last reading */
    size_t n_packages;
    tb_energy_package packages[TB_ENERGY_PACKAGES];
} tb_energy_meter;

/* Looks for packages in folder (NULL: where Linux has them, /sys/class/powercap). Nothing has to be closed. Always
 * fills the meter; where available is false the other calls do nothing. */
void tb_energy_open(const char *folder, tb_energy_meter *meter);
/* Joules of all packages since tb_energy_open: everything that ran on them, not this process alone. A counter may start
 * again from 0 once between two readings (after 40 minutes at 100 W). NAN where there is no meter; a counter that can
 * be read no longer makes the meter unavailable, with its reason in source. */
double tb_energy_read(tb_energy_meter *meter);

#endif
