/* Clocks and peak memory. Includes: base/clock.h. Called by: progress, eval, study, bench. */
#include "base/clock.h"

#include "base/io.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

bool tb_peak_resident_reset(void)
{
#if defined(__GLIBC__)
    malloc_trim(0); /* what is free should not count as resident */
#endif
    uint64_t before = tb_peak_resident_bytes();
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = write(fd, "5", 1); /* proc(5): resets the peak resident set size to the current one */
    return close(fd) == 0 && n == 1 && before > 0;
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
