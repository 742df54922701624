/* Sources and folders to read from, paths, whole-file reads. (Atomic writing: io_write.c.)
 * Includes: base/io.h. Called by: formats, text, data, quant, study, report. */
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tb_source {
    char *name;
    int fd;               /* -1: memory */
    const uint8_t *bytes; /* memory */
    uint64_t size;
};

static timbang_status fail_errno(tb_error *err, const char *path, const char *doing)
{
    int code = errno;
    return tb_fail(err, code == ENOENT || code == ENOTDIR ? TIMBANG_NOT_FOUND : TIMBANG_IO, "%s: cannot be %s: %s",
                   path, doing, strerror(code));
}

timbang_status tb_source_open(const char *path, tb_source **source, tb_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, path, "opened");
    struct stat info;
    if (fstat(fd, &info) != 0) {
        fail_errno(err, path, "examined");
        close(fd);
        return err->status;
    }
    if (!S_ISREG(info.st_mode)) {
        close(fd);
        return tb_fail(err, TIMBANG_IO, "%s: is %s, not a file", path, S_ISDIR(info.st_mode) ? "a folder" : "a device");
    }
    tb_source *made = tb_calloc(1, sizeof *made, err);
    char *name = made ? tb_strdup(path, err) : NULL;
    if (!name) {
        free(made);
        close(fd);
        return err->status;
    }
    made->name = name;
    made->fd = fd;
    made->size = (uint64_t)info.st_size;
    *source = made;
    return TIMBANG_OK;
}

timbang_status tb_source_memory(const char *name, const void *bytes, size_t size, tb_source **source, tb_error *err)
{
    tb_source *made = tb_calloc(1, sizeof *made, err);
    char *copy = made ? tb_strdup(name, err) : NULL;
    if (!copy) {
        free(made);
        return err->status;
    }
    made->name = copy;
    made->fd = -1;
    made->bytes = bytes;
    made->size = size;
    *source = made;
    return TIMBANG_OK;
}

void tb_source_close(tb_source *source)
{
    if (!source)
        return;
    if (source->fd >= 0)
        close(source->fd);
    free(source->name);
    free(source);
}

const char *tb_source_name(const tb_source *source)
{
    return source->name;
}

uint64_t tb_source_size(const tb_source *source)
{
    return source->size;
}

timbang_status tb_source_read(const tb_source *source, uint64_t offset, void *bytes, size_t size, tb_error *err)
{
    uint64_t end;
    if (!tb_add_u64(offset, size, &end) || end > source->size)
        return tb_fail(err, TIMBANG_FORMAT, "%s: is truncated: %zu bytes at offset %llu are needed, the file has %llu",
                       source->name, size, (unsigned long long)offset, (unsigned long long)source->size);
    if (source->fd < 0) {
        if (size)
            memcpy(bytes, source->bytes + offset, size);
        return TIMBANG_OK;
    }
    uint8_t *at = bytes;
    while (size > 0) {
        size_t part = size < ((size_t)1 << 30) ? size : (size_t)1 << 30;
        ssize_t n = pread(source->fd, at, part, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tb_fail(err, TIMBANG_IO, "%s: cannot be read at offset %llu: %s", source->name,
                           (unsigned long long)offset, strerror(errno));
        if (n == 0)
            return tb_fail(err, TIMBANG_IO, "%s: was cut short while it was read, at offset %llu of %llu", source->name,
                           (unsigned long long)offset, (unsigned long long)source->size);
        at += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return TIMBANG_OK;
}

struct tb_folder {
    char *name;
    const tb_memory_file *files; /* NULL: on disk */
    size_t n_files;
};

static timbang_status folder_make(const char *name, const tb_memory_file *files, size_t n_files, tb_folder **folder,
                                  tb_error *err)
{
    tb_folder *made = tb_calloc(1, sizeof *made, err);
    char *copy = made ? tb_strdup(name, err) : NULL;
    if (!copy) {
        free(made);
        return err->status;
    }
    made->name = copy;
    made->files = files;
    made->n_files = n_files;
    *folder = made;
    return TIMBANG_OK;
}

timbang_status tb_folder_open(const char *path, tb_folder **folder, tb_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? tb_fail(err, TIMBANG_NOT_FOUND, "%s: there is no such folder", path)
                   : fail_errno(err, path, "opened");
    if (!S_ISDIR(info.st_mode))
        return tb_fail(err, TIMBANG_NOT_FOUND, "%s: is a file; the folder that holds it is wanted", path);
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0) /* else its files would seem to be missing */
        return fail_errno(err, path, "opened");
    return folder_make(path, NULL, 0, folder, err);
}

timbang_status tb_folder_memory(const char *name, const tb_memory_file *files, size_t n_files, tb_folder **folder,
                                tb_error *err)
{
    static const tb_memory_file none;
    return folder_make(name, files ? files : &none, n_files, folder, err);
}

void tb_folder_close(tb_folder *folder)
{
    if (!folder)
        return;
    free(folder->name);
    free(folder);
}

const char *tb_folder_name(const tb_folder *folder)
{
    return folder->name;
}

static const tb_memory_file *memory_file(const tb_folder *folder, const char *file)
{
    for (size_t i = 0; i < folder->n_files; i++)
        if (strcmp(folder->files[i].name, file) == 0)
            return &folder->files[i];
    return NULL;
}

bool tb_folder_has(const tb_folder *folder, const char *file)
{
    if (folder->files)
        return memory_file(folder, file) != NULL;
    char path[PATH_MAX]; /* a longer one cannot be opened; and "no memory" must not look like "no file" */
    size_t length = strlen(folder->name);
    const char *slash = length > 0 && folder->name[length - 1] == '/' ? "" : "/";
    int n = snprintf(path, sizeof path, "%s%s%s", folder->name, slash, file);
    return n > 0 && (size_t)n < sizeof path && tb_is_file(path);
}

timbang_status tb_folder_source(const tb_folder *folder, const char *file, tb_source **source, tb_error *err)
{
    char *path = tb_path_join(folder->name, file, err);
    if (!path)
        return err->status;
    timbang_status status;
    if (folder->files) {
        const tb_memory_file *found = memory_file(folder, file);
        status = found ? tb_source_memory(path, found->bytes, found->size, source, err)
                       : tb_fail(err, TIMBANG_NOT_FOUND, "%s: there is no such file", path);
    } else
        status = tb_source_open(path, source, err);
    free(path);
    return status;
}

static timbang_status read_source(const tb_source *source, uint64_t max_bytes, char **bytes, size_t *size,
                                  tb_error *err)
{
    uint64_t n = tb_source_size(source);
    if (max_bytes && n > max_bytes)
        return tb_fail(err, TIMBANG_FORMAT, "%s: has %llu bytes; at most %llu are expected here",
                       tb_source_name(source), (unsigned long long)n, (unsigned long long)max_bytes);
    if (n >= SIZE_MAX)
        return tb_no_memory(err, SIZE_MAX);
    char *block = tb_calloc((size_t)n + 1, 1, err);
    if (!block)
        return err->status;
    if (tb_source_read(source, 0, block, (size_t)n, err) != TIMBANG_OK) {
        free(block);
        return err->status;
    }
    *bytes = block;
    *size = (size_t)n;
    return TIMBANG_OK;
}

timbang_status tb_folder_read(const tb_folder *folder, const char *file, uint64_t max_bytes, char **bytes, size_t *size,
                              tb_error *err)
{
    tb_source *source = NULL;
    TB_TRY(tb_folder_source(folder, file, &source, err));
    timbang_status status = read_source(source, max_bytes, bytes, size, err);
    tb_source_close(source);
    return status;
}

/* Pipes and devices have no size: read until the end. */
static timbang_status read_stream(int fd, const char *name, uint64_t max_bytes, char **bytes, size_t *size,
                                  tb_error *err)
{
    char *block = NULL;
    size_t length = 0, capacity = 0;
    for (;;) {
        if (capacity - length < 65537) {
            size_t grown = capacity ? capacity * 2 : (size_t)1 << 18;
            if (tb_grow((void **)&block, grown, 1, err) != TIMBANG_OK) {
                free(block);
                return err->status;
            }
            capacity = grown;
        }
        ssize_t n = read(fd, block + length, capacity - length - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(block);
            return fail_errno(err, name, "read");
        }
        if (n == 0)
            break;
        length += (size_t)n;
        if (max_bytes && length > max_bytes) {
            free(block);
            return tb_fail(err, TIMBANG_FORMAT, "%s: has more than the %llu bytes that are expected here", name,
                           (unsigned long long)max_bytes);
        }
    }
    block[length] = '\0';
    *bytes = block;
    *size = length;
    return TIMBANG_OK;
}

timbang_status tb_read_file(const char *path, uint64_t max_bytes, char **bytes, size_t *size, tb_error *err)
{
    if (strcmp(path, "-") == 0)
        return read_stream(STDIN_FILENO, "standard input", max_bytes, bytes, size, err);
    struct stat info;
    /* Files of /proc say that they have no bytes, and have some. */
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode) && (!S_ISREG(info.st_mode) || info.st_size == 0)) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return fail_errno(err, path, "opened");
        timbang_status status = read_stream(fd, path, max_bytes, bytes, size, err);
        close(fd);
        return status;
    }
    tb_source *source = NULL;
    TB_TRY(tb_source_open(path, &source, err));
    timbang_status status = read_source(source, max_bytes, bytes, size, err);
    tb_source_close(source);
    return status;
}

char *tb_path_join(const char *dir, const char *file, tb_error *err)
{
    tb_error local;
    size_t n = strlen(dir), m = strlen(file);
    char *path = tb_calloc(n + m + 2, 1, err ? err : &local);
    if (!path)
        return NULL;
    memcpy(path, dir, n);
    if (n && dir[n - 1] != '/')
        path[n++] = '/';
    memcpy(path + n, file, m);
    return path;
}

bool tb_is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool tb_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

timbang_status tb_temporary_folder(char **path, tb_error *err)
{
    const char *base = getenv("TMPDIR");
    char *made = tb_path_join(base && *base ? base : "/tmp", "timbang-XXXXXX", err);
    if (!made)
        return err->status;
    if (!mkdtemp(made)) {
        timbang_status status = tb_fail(err, TIMBANG_IO, "%s: cannot be made: %s", made, strerror(errno));
        free(made);
        return status;
    }
    *path = made;
    return TIMBANG_OK;
}

timbang_status tb_make_dirs(const char *path, tb_error *err)
{
    char *copy = tb_strdup(path, err);
    if (!copy)
        return err->status;
    timbang_status status = TIMBANG_OK;
    for (char *at = copy + 1; status == TIMBANG_OK; at++) {
        bool end = *at == '\0';
        if (!end && *at != '/')
            continue;
        *at = '\0';
        if (mkdir(copy, 0777) != 0 && (errno != EEXIST || !tb_is_directory(copy)))
            status = fail_errno(err, copy, "made as a folder");
        if (end)
            break;
        *at = '/';
    }
    free(copy);
    return status;
}

timbang_status tb_remove_tree(const char *path, tb_error *err)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? TIMBANG_OK : fail_errno(err, path, "removed");
    if (!S_ISDIR(info.st_mode))
        return unlink(path) == 0 ? TIMBANG_OK : fail_errno(err, path, "removed");
    DIR *dir = opendir(path);
    if (!dir)
        return fail_errno(err, path, "removed");
    timbang_status status = TIMBANG_OK;
    struct dirent *entry;
    while (status == TIMBANG_OK && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *child = tb_path_join(path, entry->d_name, err);
        status = child ? tb_remove_tree(child, err) : err->status;
        free(child);
    }
    closedir(dir);
    if (status == TIMBANG_OK && rmdir(path) != 0)
        status = fail_errno(err, path, "removed");
    return status;
}
