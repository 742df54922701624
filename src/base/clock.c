/* Clocks and peak memory. Includes: base/clock.h. Called by: progress, eval, study, bench. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

double tb_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

void tb_wall_time(char out[32])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

uint64_t tb_peak_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    if (!file)
        return 0;
    char line[256];
    unsigned long long kib = 0;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            sscanf(line + 6, "%llu", &kib);
            break;
        }
    }
    fclose(file);
    return (uint64_t)kib * 1024;
}
