/* Files: random-access sources, folders (on disk or in memory), whole reads, atomic writes of files and folders.
 * Nothing is mapped: a file cut short under us is an error, not a signal.
 * Includes: base/mem.h. Called by: formats, text, data, quant, study, report. */
#ifndef TB_BASE_IO_H
#define TB_BASE_IO_H

#include "base/mem.h"

/* Read-only random access to a file or to a block of memory. Safe to read from several threads. */
typedef struct tb_source tb_source;
timbang_status tb_source_open(const char *path, tb_source **source, tb_error *err);
/* The block must outlive the source. */
timbang_status tb_source_memory(const char *name, const void *bytes, size_t size, tb_source **source, tb_error *err);
void tb_source_close(tb_source *source);
const char *tb_source_name(const tb_source *source); /* for messages */
uint64_t tb_source_size(const tb_source *source);
/* Reads exactly size bytes; fewer is TIMBANG_IO naming the file and the place. */
timbang_status tb_source_read(const tb_source *source, uint64_t offset, void *bytes, size_t size, tb_error *err);

/* A folder of files: a directory on disk, or files in memory (the embedded model). */
typedef struct tb_memory_file {
    const char *name;
    const void *bytes;
    size_t size;
} tb_memory_file;
typedef struct tb_folder tb_folder;
timbang_status tb_folder_open(const char *path, tb_folder **folder, tb_error *err); /* NOT_FOUND unless a directory */
timbang_status tb_folder_memory(const char *name, const tb_memory_file *files, size_t n_files, tb_folder **folder,
                                tb_error *err); /* files must outlive the folder */
void tb_folder_close(tb_folder *folder);
const char *tb_folder_name(const tb_folder *folder);
bool tb_folder_has(const tb_folder *folder, const char *file);
timbang_status tb_folder_source(const tb_folder *folder, const char *file, tb_source **source, tb_error *err);
/* The whole file, zero-terminated (the zero is not counted); free(*bytes). Fails above max_bytes (0: no limit). */
timbang_status tb_folder_read(const tb_folder *folder, const char *file, uint64_t max_bytes, char **bytes, size_t *size,
                              tb_error *err);

/* Likewise for a path; "-" is standard input. */
timbang_status tb_read_file(const char *path, uint64_t max_bytes, char **bytes, size_t *size, tb_error *err);

/* A file that appears under its name only when it is complete: written to a temporary name in the same folder,
 * synced, renamed. tb_writer_abandon (or a kill) leaves what was there before. */
typedef struct tb_writer tb_writer;
timbang_status tb_writer_open(const char *path, tb_writer **writer, tb_error *err);
timbang_status tb_writer_write(tb_writer *writer, const void *bytes, size_t size, tb_error *err); /* buffered */
timbang_status tb_writer_commit(tb_writer *writer, tb_error *err); /* frees the writer, also on failure */
void tb_writer_abandon(tb_writer *writer);                         /* NULL is fine */
timbang_status tb_write_file(const char *path, const void *bytes, size_t size, tb_error *err);

/* A folder that appears under its name only when it is complete. The files are written to `staging`, a hidden
 * sibling. commit: the target must be absent or empty unless force (then it is replaced as a whole). */
typedef struct tb_staged_folder {
    char *target;  /* what the caller asked for */
    char *staging; /* write here */
    bool force;
} tb_staged_folder;
timbang_status tb_staged_begin(const char *target, bool force, tb_staged_folder *folder, tb_error *err);
timbang_status tb_staged_commit(tb_staged_folder *folder, tb_error *err); /* frees, also on failure */
void tb_staged_abandon(tb_staged_folder *folder);                         /* removes what was written; frees */

/* Where a folder may be made: absent or empty, or with force one that timbang wrote. target has no slash at its end. */
timbang_status tb_target_check(const char *target, bool force, tb_error *err);
/* Moves the finished folder `from` to target, replacing what tb_target_check allows; on failure `from` stays. */
timbang_status tb_target_place(const char *from, const char *target, bool force, tb_error *err);
/* target as the system sees it: links followed where it exists, no slash at its end. NULL has been reported. */
char *tb_target_name(const char *target, tb_error *err);

/* A folder that grows over several runs of a program: written to `partial`, which is TARGET.partial and stays between
 * runs, and moved to TARGET when it is complete. A lock keeps a second process out; a kill releases it. */
typedef struct tb_kept_folder {
    char *target, *partial;
    bool force;
    int lock;
} tb_kept_folder;
/* resume: TARGET.partial must be there; else it must not, unless force, which starts anew. */
timbang_status tb_kept_begin(const char *target, bool force, bool resume, tb_kept_folder *folder, tb_error *err);
timbang_status tb_kept_commit(tb_kept_folder *folder, tb_error *err); /* frees; on failure `partial` stays */
void tb_kept_end(tb_kept_folder *folder, bool keep);                  /* without committing; frees */

/* dir/file in a new block; NULL has been reported. */
char *tb_path_join(const char *dir, const char *file, tb_error *err);
timbang_status tb_remove_tree(const char *path, tb_error *err);
/* A new folder under $TMPDIR, else /tmp; free(*path), and tb_remove_tree when done. */
timbang_status tb_temporary_folder(char **path, tb_error *err);
timbang_status tb_make_dirs(const char *path, tb_error *err); /* like mkdir -p */
bool tb_is_directory(const char *path);
bool tb_is_file(const char *path);

#endif
