/* Files and folders that appear only when they are complete: temporary name, sync, rename.
 * Includes: base/io.h. Called by: formats, quant, study, report. */
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_BUFFER = 1 << 20, NAME_TRIES = 16 };

struct tb_writer {
    char *target, *temporary; /* temporary NULL: a device or pipe, written directly */
    int fd;
    char *buffer;
    size_t used;
};

static timbang_status write_failed(tb_error *err, const char *path)
{
    return tb_fail(err, TIMBANG_IO, "%s: cannot be written: %s", path, strerror(errno));
}

/* A hidden sibling of path: "DIR/.NAME.partial-0123abcd". */
static char *sibling_name(const char *path, const char *tag, tb_error *err)
{
    uint32_t salt = 0;
    if (getrandom(&salt, sizeof salt, 0) != (ssize_t)sizeof salt)
        salt = (uint32_t)getpid();
    const char *slash = strrchr(path, '/');
    size_t dir = slash ? (size_t)(slash - path) + 1 : 0, size = strlen(path) + strlen(tag) + 16;
    char *name = tb_calloc(size, 1, err);
    if (name)
        snprintf(name, size, "%.*s.%s.%s-%08x", (int)dir, path, path + dir, tag, salt);
    return name;
}

/* Makes the rename itself durable; a file system that cannot sync folders is left alone. */
static void sync_parent(const char *path)
{
    tb_error err;
    const char *slash = strrchr(path, '/');
    char *dir = slash ? tb_strndup(path, slash == path ? 1 : (size_t)(slash - path), &err) : tb_strdup(".", &err);
    if (!dir)
        return;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(dir);
}

static timbang_status open_temporary(tb_writer *writer, tb_error *err)
{
    for (int i = 0; i < NAME_TRIES; i++) {
        char *name = sibling_name(writer->target, "partial", err);
        if (!name)
            return err->status;
        writer->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->fd >= 0) {
            writer->temporary = name;
            return TIMBANG_OK;
        }
        free(name);
        if (errno != EEXIST)
            break;
    }
    return write_failed(err, writer->target);
}

timbang_status tb_writer_open(const char *path, tb_writer **writer, tb_error *err)
{
    struct stat info;
    bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return tb_fail(err, TIMBANG_IO, "%s: is a folder; the name of a file is wanted", path);
    tb_writer *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return err->status;
    made->fd = -1;
    made->target = tb_strdup(path, err);
    made->buffer = made->target ? tb_calloc(WRITE_BUFFER, 1, err) : NULL;
    timbang_status status = made->buffer ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK && exists && !S_ISREG(info.st_mode)) {
        made->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (made->fd < 0)
            status = write_failed(err, path);
    } else if (status == TIMBANG_OK)
        status = open_temporary(made, err);
    if (status != TIMBANG_OK) {
        tb_writer_abandon(made);
        return status;
    }
    *writer = made;
    return TIMBANG_OK;
}

static timbang_status write_all(tb_writer *writer, const char *bytes, size_t size, tb_error *err)
{
    while (size > 0) {
        ssize_t n = write(writer->fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return write_failed(err, writer->target);
        bytes += n;
        size -= (size_t)n;
    }
    return TIMBANG_OK;
}

static timbang_status flush(tb_writer *writer, tb_error *err)
{
    size_t used = writer->used;
    writer->used = 0;
    return write_all(writer, writer->buffer, used, err);
}

timbang_status tb_writer_write(tb_writer *writer, const void *bytes, size_t size, tb_error *err)
{
    if (size > WRITE_BUFFER - writer->used)
        TB_TRY(flush(writer, err));
    if (size >= WRITE_BUFFER)
        return write_all(writer, bytes, size, err);
    if (size)
        memcpy(writer->buffer + writer->used, bytes, size);
    writer->used += size;
    return TIMBANG_OK;
}

timbang_status tb_writer_commit(tb_writer *writer, tb_error *err)
{
    timbang_status status = flush(writer, err);
    if (status == TIMBANG_OK && writer->temporary && fsync(writer->fd) != 0)
        status = write_failed(err, writer->target);
    int fd = writer->fd;
    writer->fd = -1;
    if (close(fd) != 0 && status == TIMBANG_OK)
        status = write_failed(err, writer->target);
    if (status == TIMBANG_OK && writer->temporary) {
        if (rename(writer->temporary, writer->target) != 0)
            status = write_failed(err, writer->target);
        else {
            sync_parent(writer->target);
            free(writer->temporary);
            writer->temporary = NULL;
        }
    }
    tb_writer_abandon(writer);
    return status;
}

void tb_writer_abandon(tb_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->temporary)
        unlink(writer->temporary);
    free(writer->temporary);
    free(writer->target);
    free(writer->buffer);
    free(writer);
}

timbang_status tb_write_file(const char *path, const void *bytes, size_t size, tb_error *err)
{
    tb_writer *writer = NULL;
    TB_TRY(tb_writer_open(path, &writer, err));
    if (tb_writer_write(writer, bytes, size, err) != TIMBANG_OK) {
        tb_writer_abandon(writer);
        return err->status;
    }
    return tb_writer_commit(writer, err);
}

/* ---- Folders ---- */

static bool folder_is_empty(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n == 0;
}

/* --force replaces a whole folder, so it must be one that timbang wrote. */
static bool folder_is_ours(const char *path)
{
    static const char *const marks[] = {"timbang.json", "results.json", "seeds.json"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        tb_error err;
        char *file = tb_path_join(path, marks[i], &err);
        bool found = file && tb_is_file(file);
        free(file);
        if (found)
            return true;
    }
    return false;
}

timbang_status tb_target_check(const char *target, bool force, tb_error *err)
{
    struct stat info;
    if (stat(target, &info) != 0)
        return errno == ENOENT ? TIMBANG_OK : write_failed(err, target);
    if (!S_ISDIR(info.st_mode))
        return tb_fail(err, TIMBANG_USAGE, "%s: is a file; the name of a folder is wanted", target);
    if (folder_is_empty(target))
        return TIMBANG_OK;
    if (!force)
        return tb_fail(err, TIMBANG_USAGE, "%s: is not empty; name another folder, or replace it with --force", target);
    if (!folder_is_ours(target))
        return tb_fail(err, TIMBANG_USAGE, "%s: is not a folder that timbang wrote, so --force does not replace it",
                       target);
    return TIMBANG_OK;
}

static void staged_free(tb_staged_folder *folder)
{
    free(folder->target);
    free(folder->staging);
    memset(folder, 0, sizeof *folder);
}

char *tb_target_name(const char *target, tb_error *err)
{
    if (target[0] == '\0') {
        tb_fail(err, TIMBANG_USAGE, "the output folder has an empty name");
        return NULL;
    }
    char *real = realpath(target, NULL); /* a link to a folder stays a link */
    char *name = real ? real : tb_strdup(target, err);
    for (size_t n = name ? strlen(name) : 0; n > 1 && name[n - 1] == '/'; n--)
        name[n - 1] = '\0';
    return name;
}

timbang_status tb_staged_begin(const char *target, bool force, tb_staged_folder *folder, tb_error *err)
{
    tb_staged_folder made = {.force = force, .target = tb_target_name(target, err)};
    if (!made.target)
        return err->status;
    timbang_status status = tb_target_check(made.target, force, err);
    for (int i = 0; status == TIMBANG_OK && !made.staging && i < NAME_TRIES; i++) {
        char *name = sibling_name(made.target, "partial", err);
        if (!name)
            status = err->status;
        else if (mkdir(name, 0777) == 0)
            made.staging = name;
        else {
            int code = errno;
            free(name);
            errno = code;
            if (code != EEXIST)
                status = tb_fail(err, TIMBANG_IO, "%s: cannot be made: %s", target, strerror(code));
        }
    }
    if (status == TIMBANG_OK && !made.staging)
        status = tb_fail(err, TIMBANG_IO, "%s: no free temporary name beside it", target);
    if (status != TIMBANG_OK) {
        staged_free(&made);
        return status;
    }
    *folder = made;
    return TIMBANG_OK;
}

/* Moves what stands at target to a hidden name, the new folder into its place, and removes the old one. */
static timbang_status replace_folder(const char *from, const char *target, tb_error *err)
{
    char *old = sibling_name(target, "old", err);
    if (!old)
        return err->status;
    timbang_status status = TIMBANG_OK;
    if (rename(target, old) != 0)
        status = write_failed(err, target);
    else if (rename(from, target) != 0) {
        status = write_failed(err, target);
        if (rename(old, target) != 0)
            tb_fail_prefix(err, "the old folder is kept as %s", old);
    } else
        status = tb_remove_tree(old, err);
    free(old);
    return status;
}

timbang_status tb_target_place(const char *from, const char *target, bool force, tb_error *err)
{
    TB_TRY(tb_target_check(target, force, err));
    if (tb_is_directory(target) && !folder_is_empty(target))
        TB_TRY(replace_folder(from, target, err));
    else if (rename(from, target) != 0)
        return write_failed(err, target);
    sync_parent(target);
    return TIMBANG_OK;
}

timbang_status tb_staged_commit(tb_staged_folder *folder, tb_error *err)
{
    timbang_status status = tb_target_place(folder->staging, folder->target, folder->force, err);
    if (status == TIMBANG_OK)
        staged_free(folder);
    else
        tb_staged_abandon(folder);
    return status;
}

void tb_staged_abandon(tb_staged_folder *folder)
{
    tb_error ignored;
    if (folder->staging)
        (void)tb_remove_tree(folder->staging, &ignored);
    staged_free(folder);
}
