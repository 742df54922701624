/* What a study has finished, on disk: units of work in OUT.partial/work, each written as a whole, so that a kill loses
 * the unit at hand and no other. Includes: base. Called by: study. */
#ifndef TB_STUDY_STORE_H
#define TB_STUDY_STORE_H

#include "base/json.h"

typedef struct tb_store {
    tb_kept_folder folder;
    char *work;       /* folder/work */
    bool has_units;   /* something is finished: worth keeping after a failure */
    double begin_ms;  /* of this process */
    double earlier_s; /* seconds that earlier processes spent */
    uint64_t resumed; /* how often */
} tb_store;

timbang_status tb_store_open(const char *out, bool force, bool resume, tb_store *store, tb_error *err);
/* Removes the units and moves the folder to its place. Frees; after a failure the folder stays for a later run. */
timbang_status tb_store_commit(tb_store *store, tb_error *err);
/* Without committing: the folder stays where something is finished in it. Frees. A zeroed store is fine. */
void tb_store_close(tb_store *store);

/* Seconds spent by all processes that worked on the study. */
double tb_store_seconds(const tb_store *store);
/* folder/file, for the files of the result; work/file for those that go away. NULL has been reported. */
char *tb_store_path(const tb_store *store, const char *file, tb_error *err);
char *tb_store_work_path(const tb_store *store, const char *file, tb_error *err);

bool tb_store_has(const tb_store *store, const char *unit);
timbang_status tb_store_put(tb_store *store, const char *unit, const void *bytes, size_t size, tb_error *err);
timbang_status tb_store_get(const tb_store *store, const char *unit, char **bytes, size_t *size, tb_error *err);
timbang_status tb_store_put_json(tb_store *store, const char *unit, const json_t *value, tb_error *err);
timbang_status tb_store_get_json(const tb_store *store, const char *unit, json_t **value, tb_error *err);

/* A record that every run of a study must find or make alike: written the first time, compared later. what: for the
 * sentence that names the first member that differs. */
timbang_status tb_store_same(tb_store *store, const char *unit, const json_t *value, const char *what, tb_error *err);

#endif
