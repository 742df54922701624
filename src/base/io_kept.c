/* Folders that grow over several runs of a program: TARGET.partial, locked, then moved to TARGET.
 * Includes: base/io.h. Called by: study. */
#include "base/io.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE ".lock"

static timbang_status failed(tb_error *err, const char *path, const char *what)
{
    return tb_fail(err, TIMBANG_IO, "%s: %s: %s", path, what, strerror(errno));
}

static void kept_free(tb_kept_folder *folder)
{
    if (folder->lock >= 0)
        close(folder->lock); /* releases it */
    free(folder->target);
    free(folder->partial);
    *folder = (tb_kept_folder){.lock = -1};
}

static timbang_status take_lock(tb_kept_folder *folder, tb_error *err)
{
    char *path = tb_path_join(folder->partial, LOCK_FILE, err);
    if (!path)
        return err->status;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    timbang_status status = TIMBANG_OK;
    folder->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (folder->lock < 0)
        status = failed(err, path, "cannot be made");
    else if (fcntl(folder->lock, F_SETLK, &whole) != 0) {
        if (errno == EACCES || errno == EAGAIN)
            status = tb_fail(err, TIMBANG_USAGE, "%s: another process is working on it", folder->partial);
        else if (errno != ENOLCK && errno != EOPNOTSUPP && errno != EINVAL) /* a file system without locks */
            status = failed(err, path, "cannot be locked");
    }
    free(path);
    return status;
}

/* Old work is replaced only where it is ours: it holds a lock file. */
static timbang_status remove_old(tb_kept_folder *folder, tb_error *err)
{
    char *path = tb_path_join(folder->partial, LOCK_FILE, err);
    if (!path)
        return err->status;
    bool ours = tb_is_file(path);
    free(path);
    if (!ours)
        return tb_fail(err, TIMBANG_USAGE, "%s: is not a folder that timbang wrote, so --force does not replace it",
                       folder->partial);
    TB_TRY(take_lock(folder, err)); /* nobody else is at it */
    close(folder->lock);
    folder->lock = -1;
    return tb_remove_tree(folder->partial, err);
}

static timbang_status begin(tb_kept_folder *folder, bool resume, tb_error *err)
{
    bool there = tb_is_directory(folder->partial);
    if (resume && !there)
        return tb_fail(err, TIMBANG_USAGE, "there is nothing to resume: no folder %s%s", folder->partial,
                       tb_is_directory(folder->target) ? ", and the finished one is there" : "");
    TB_TRY(tb_target_check(folder->target, folder->force, err));
    if (!resume && there && !folder->force)
        return tb_fail(err, TIMBANG_USAGE,
                       "%s: is left of an interrupted run; go on with it by --resume, or start anew with --force",
                       folder->partial);
    if (!resume && there)
        TB_TRY(remove_old(folder, err));
    if (!resume && mkdir(folder->partial, 0777) != 0)
        return failed(err, folder->partial, "cannot be made");
    timbang_status status = take_lock(folder, err);
    if (status != TIMBANG_OK && !resume)
        rmdir(folder->partial);
    return status;
}

timbang_status tb_kept_begin(const char *target, bool force, bool resume, tb_kept_folder *folder, tb_error *err)
{
    tb_kept_folder made = {.force = force, .lock = -1, .target = tb_target_name(target, err)};
    if (!made.target)
        return err->status;
    tb_text partial = {0};
    tb_text_printf(&partial, "%s.partial", made.target);
    timbang_status status = tb_text_finish(&partial, err);
    made.partial = partial.data;
    if (status == TIMBANG_OK)
        status = begin(&made, resume, err);
    if (status != TIMBANG_OK) {
        kept_free(&made);
        return status;
    }
    *folder = made;
    return TIMBANG_OK;
}

timbang_status tb_kept_commit(tb_kept_folder *folder, tb_error *err)
{
    char *lock = tb_path_join(folder->partial, LOCK_FILE, err);
    timbang_status status = lock ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK)
        status = tb_target_check(folder->target, folder->force, err);
    if (status == TIMBANG_OK && unlink(lock) != 0)
        status = failed(err, lock, "cannot be removed");
    if (status == TIMBANG_OK)
        status = tb_target_place(folder->partial, folder->target, folder->force, err);
    tb_error ignored;
    if (status != TIMBANG_OK && tb_is_directory(folder->partial) && (!lock || !tb_is_file(lock))) {
        if (folder->lock >= 0)
            close(folder->lock);
        (void)take_lock(folder, &ignored); /* its file marks the folder as ours */
    }
    free(lock);
    kept_free(folder);
    return status;
}

void tb_kept_end(tb_kept_folder *folder, bool keep)
{
    tb_error ignored;
    if (folder->partial && !keep)
        (void)tb_remove_tree(folder->partial, &ignored);
    kept_free(folder);
}
