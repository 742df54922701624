/* Clocks and peak memory. Includes: base/clock.h. Called by: progress, eval, study, bench. */
#include "base/clock.h"

#include "base/io.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
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

void tb_cpu_name(char out[128])
{
    const char *name =
#if defined(__x86_64__)
        "x86_64";
#elif defined(__aarch64__)
        "aarch64";
#else
        "unknown";
#endif
    char *text = NULL;
    size_t length = 0;
    tb_error ignored = {0};
    if (tb_read_file("/proc/cpuinfo", 4U << 20, &text, &length, &ignored) == TIMBANG_OK) {
        char *line = strstr(text, "model name"), *colon = line ? strchr(line, ':') : NULL;
        if (colon) {
            colon += strspn(colon, ": \t");
            colon[strcspn(colon, "\n")] = '\0';
            if (*colon && tb_utf8_invalid_at(colon, strlen(colon)) == SIZE_MAX)
                name = colon;
        }
    }
    size_t n = strlen(name) < 127 ? strlen(name) : 127;
    memcpy(out, name, n);
    out[n] = '\0';
    free(text);
}
