/* RAPL through Linux's powercap folder. Includes: base/energy.h. Called by: study.
 *
 * The folder has an entry intel-rapl:N for every package (AMD's processors too) and for other domains (psys: the whole
 * board, which holds the packages again), each with name, energy_uj and max_energy_range_uj. Their parts have names
 * with a second colon and are already in the package's figure. */
#include "base/energy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "intel-rapl:";

/* The first line of a small file; 0 or errno. */
static int read_line(const char *path, char *line, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ssize_t n = read(fd, line, size - 1);
    int error = n < 0 ? errno : n == 0 ? ENODATA : 0;
    close(fd);
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return error;
}

static int read_number(const char *path, uint64_t *value)
{
    char line[64], *end;
    int error = read_line(path, line, sizeof line);
    if (error)
        return error;
    errno = 0;
    unsigned long long number = strtoull(line, &end, 10);
    if (errno != 0 || end == line || *end != '\0' || line[0] == '-')
        return EINVAL;
    *value = number;
    return 0;
}

static void unavailable(tb_energy_meter *meter, const char *why)
{
    meter->available = false;
    meter->n_packages = 0;
    meter->joules = 0;
    snprintf(meter->source, sizeof meter->source, "%s", why);
}

static const char *reason(int error)
{
    return error == EACCES || error == EPERM ? "energy_uj is readable by root only" : "energy_uj cannot be read";
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const tb_energy_package *)a)->path, ((const tb_energy_package *)b)->path);
}

/* Is this entry of the folder a package with readable counters? errno in *error where it is one and is not. */
static bool take_package(const char *folder, const char *entry, tb_energy_package *package, int *error)
{
    char path[TB_ENERGY_PATH], name[64];
    if (strncmp(entry, prefix, sizeof prefix - 1) != 0 || strchr(entry + sizeof prefix - 1, ':'))
        return false;
    int length = snprintf(path, sizeof path, "%s/%s/max_energy_range_uj", folder, entry);
    if (length < 0 || (size_t)length >= sizeof path)
        return false;
    snprintf(path, sizeof path, "%s/%s/name", folder, entry);
    if (read_line(path, name, sizeof name) != 0 || strncmp(name, "package", 7) != 0)
        return false;
    snprintf(path, sizeof path, "%s/%s/max_energy_range_uj", folder, entry);
    *error = read_number(path, &package->range);
    snprintf(package->path, sizeof package->path, "%s/%s/energy_uj", folder, entry);
    if (*error == 0)
        *error = read_number(package->path, &package->last);
    return true;
}

static void name_source(tb_energy_meter *meter)
{
    size_t length = (size_t)snprintf(meter->source, sizeof meter->source, "RAPL: ");
    for (size_t i = 0; i < meter->n_packages; i++) {
        char path[TB_ENERGY_PATH], name[64] = "package";
        memcpy(path, meter->packages[i].path, sizeof path);
        char *file = strrchr(path, '/');
        memcpy(file + 1, "name", sizeof "name"); /* in place of energy_uj */
        (void)read_line(path, name, sizeof name);
        int n = snprintf(meter->source + length, sizeof meter->source - length, "%s%s", i ? ", " : "", name);
        length += (size_t)n;
        if (length >= sizeof meter->source)
            return;
    }
}

void tb_energy_open(const char *folder, tb_energy_meter *meter)
{
    int error = 0;
    memset(meter, 0, sizeof *meter);
    unavailable(meter, "no RAPL meter on this machine");
    if (!folder)
        folder = "/sys/class/powercap";
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *entry = readdir(dir); entry && meter->n_packages < TB_ENERGY_PACKAGES; entry = readdir(dir)) {
        if (!take_package(folder, entry->d_name, &meter->packages[meter->n_packages], &error))
            continue;
        if (error)
            break; /* the sum of some packages is no figure of the machine */
        meter->n_packages++;
    }
    closedir(dir);
    if (error) {
        unavailable(meter, reason(error));
        return;
    }
    if (meter->n_packages == 0)
        return;
    qsort(meter->packages, meter->n_packages, sizeof *meter->packages, compare_paths);
    meter->available = true;
    name_source(meter);
}

double tb_energy_read(tb_energy_meter *meter)
{
    if (!meter->available)
        return NAN;
    for (size_t i = 0; i < meter->n_packages; i++) {
        tb_energy_package *package = &meter->packages[i];
        uint64_t now;
        int error = read_number(package->path, &now);
        if (error) {
            unavailable(meter, reason(error));
            return NAN;
        }
        uint64_t to_the_end = package->range > package->last ? package->range - package->last : 0;
        uint64_t used = now >= package->last ? now - package->last : to_the_end + now;
        meter->joules += (double)used * 1e-6;
        package->last = now;
    }
    return meter->joules;
}
