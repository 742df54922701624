/* A training: recipe, inputs, one model for each seed, the summary.
 * Includes: train/session.h and its neighbours. Called by: api. */
#include "train/run.h"

#include "base/clock.h"
#include "train/inputs.h"
#include "train/record.h"
#include "train/session.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 64, DEEPEST = 2 /* seed-1/master */ };

typedef struct run {
    const tb_train_job *job;
    tb_recipe recipe;
    tb_inputs inputs;
    json_t *recipe_json;
    char recipe_hash[65];
    uint64_t one_seed;
    const uint64_t *seeds;
    size_t n_seeds;
    tb_kept_folder folder;
    bool begun; /* the folder */
    char *work; /* folder/work: states, and what is finished of each seed */
    tb_session_result *results;
    uint64_t steps_left;
    bool kept;     /* something that --resume would find */
    bool finished; /* all seeds are: a kill came between the last one and the folder's move to its place */
} run;

/* ---- Seeds ---- */

static timbang_status check_seeds(run *r, tb_error *err)
{
    enum { MOST = 1000 };
    const timbang_train_options *o = r->job->options;
    r->one_seed = 42;
    r->seeds = o->n_seeds ? o->seeds : &r->one_seed;
    r->n_seeds = o->n_seeds ? o->n_seeds : 1;
    if (r->n_seeds > MOST)
        return tb_fail(err, TIMBANG_USAGE, "--seeds: %zu are too many; at most %d", r->n_seeds, (int)MOST);
    for (size_t i = 0; i < r->n_seeds; i++) {
        if (r->seeds[i] > INT64_MAX)
            return tb_fail(err, TIMBANG_USAGE, "--seeds: %" PRIu64 " is more than 9223372036854775807", r->seeds[i]);
        for (size_t j = 0; j < i; j++)
            if (r->seeds[i] == r->seeds[j])
                return tb_fail(err, TIMBANG_USAGE, "--seeds: %" PRIu64 " is there twice", r->seeds[i]);
    }
    r->results = tb_calloc(r->n_seeds, sizeof *r->results, err);
    return r->results ? TIMBANG_OK : err->status;
}

/* ---- The same training as before? ---- */

static json_t *identity(const run *r)
{
    json_t *seeds = json_array();
    for (size_t i = 0; i < r->n_seeds; i++)
        json_array_append_new(seeds, json_integer((json_int_t)r->seeds[i]));
    return json_pack("{s:O, s:s, s:o}", "recipe", r->recipe_json, "model_sha256", r->inputs.parent_sha256, "seeds",
                     seeds);
}

/* The first member in which two values differ, as deep as it goes. */
static const char *difference(const json_t **before, const json_t **now)
{
    const char *key, *found = NULL;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)*before, key, value)
    {
        if (!found && !json_equal(value, json_object_get(*now, key)))
            found = key;
    }
    json_object_foreach((json_t *)(uintptr_t)*now, key, value)
    {
        if (!found && !json_object_get(*before, key))
            found = key;
    }
    if (!found)
        return NULL;
    *before = json_object_get(*before, found);
    *now = json_object_get(*now, found);
    if (!json_is_object(*before) || !json_is_object(*now))
        return found;
    const char *deeper = difference(before, now);
    return deeper ? deeper : found;
}

static timbang_status changed(const run *r, const char *key, const json_t *before, const json_t *now, tb_error *err)
{
    char *old = before ? json_dumps(before, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    char *fresh = now ? json_dumps(now, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    timbang_status status = tb_fail(err, TIMBANG_USAGE,
                                    "%s: was begun with another recipe or other data: '%s' was %.200s and is %.200s "
                                    "now; repeat its command, or start anew with --force",
                                    r->folder.partial, key, old ? old : "absent", fresh ? fresh : "absent");
    free(old);
    free(fresh);
    return status;
}

static timbang_status compare_identity(const run *r, const char *path, const json_t *now, tb_error *err)
{
    json_t *stored = NULL, *fresh = NULL;
    char *text = NULL;
    TB_TRY(tb_json_load_file(path, &stored, err));
    timbang_status status = tb_json_text(now, &text, err); /* through text, so that numbers compare as stored */
    if (status == TIMBANG_OK)
        status = tb_json_parse(path, text, strlen(text), 0, &fresh, err);
    const json_t *a = stored, *b = fresh;
    const char *key = status == TIMBANG_OK ? difference(&a, &b) : NULL;
    if (key)
        status = changed(r, key, a, b, err);
    free(text);
    json_decref(stored);
    json_decref(fresh);
    return status;
}

/* Written by the first run, compared by the later ones. */
static timbang_status check_identity(const run *r, tb_error *err)
{
    char *path = tb_path_join(r->work, "training.json", err);
    json_t *now = path ? identity(r) : NULL;
    timbang_status status = now ? TIMBANG_OK : path ? tb_no_memory(err, 0) : err->status;
    if (status == TIMBANG_OK)
        status = tb_is_file(path) ? compare_identity(r, path, now, err) : tb_json_write_file(path, now, err);
    json_decref(now);
    free(path);
    return status;
}

/* ---- One seed ---- */

static json_t *result_json(const run *r, const tb_session_result *result)
{
    char folder[NAME] = ".";
    if (r->n_seeds > 1)
        snprintf(folder, sizeof folder, "seed-%" PRIu64, result->seed);
    return json_pack("{s:I, s:s, s:I, s:b, s:o}", "seed", (json_int_t)result->seed, "folder", folder, "steps",
                     (json_int_t)result->steps, "stopped_early", (int)result->stopped, "best",
                     tb_best_json(result->has_best, result->best_step, result->best_epoch, &result->best));
}

static timbang_status get_figure(const json_t *best, const char *path, const char *key, double *out, tb_error *err)
{
    *out = NAN;
    return tb_json_get_double(best, path, key, false, out, err);
}

/* Of a seed that an earlier run finished. */
static timbang_status read_result(const char *path, tb_session_result *result, tb_error *err)
{
    json_t *root = NULL;
    TB_TRY(tb_json_load_file(path, &root, err));
    timbang_status status = tb_json_get_u64(root, path, "seed", true, 0, INT64_MAX, &result->seed, err);
    if (status == TIMBANG_OK)
        status = tb_json_get_u64(root, path, "steps", true, 0, INT64_MAX, &result->steps, err);
    if (status == TIMBANG_OK)
        status = tb_json_get_bool(root, path, "stopped_early", true, &result->stopped, err);
    const json_t *best = json_object_get(root, "best");
    result->has_best = json_is_object(best);
    if (status == TIMBANG_OK && result->has_best)
        status = tb_json_get_u64(best, path, "step", true, 0, INT64_MAX, &result->best_step, err);
    if (status == TIMBANG_OK && result->has_best)
        status = tb_json_get_u64(best, path, "epoch", true, 0, INT64_MAX, &result->best_epoch, err);
    if (status == TIMBANG_OK && result->has_best)
        status = get_figure(best, path, "loss", &result->best.loss, err);
    if (status == TIMBANG_OK && result->has_best)
        status = get_figure(best, path, "accuracy", &result->best.accuracy, err);
    if (status == TIMBANG_OK && result->has_best)
        status = get_figure(best, path, "macro_f1", &result->best.macro_f1, err);
    json_decref(root);
    return status;
}

static timbang_status write_result(const run *r, const char *path, const tb_session_result *result, tb_error *err)
{
    json_t *json = result_json(r, result);
    timbang_status status = json ? tb_json_write_file(path, json, err) : tb_no_memory(err, 0);
    json_decref(json);
    return status;
}

static timbang_status train_seed(run *r, size_t i, const char *folder, const char *work, const char *done,
                                 tb_error *err)
{
    if (tb_is_file(done))
        return read_result(done, &r->results[i], err);
    const tb_session_job session = {
        .job = r->job,
        .recipe = &r->recipe,
        .inputs = &r->inputs,
        .recipe_json = r->recipe_json,
        .recipe_hash = r->recipe_hash,
        .seed = r->seeds[i],
        .index = i,
        .n_seeds = r->n_seeds,
        .folder = folder,
        .work = work,
        .steps_left = &r->steps_left,
        .kept = &r->kept,
    };
    timbang_status status = tb_session_run(&session, &r->results[i], err);
    if (status != TIMBANG_OK && status != TIMBANG_CANCELLED && r->n_seeds > 1)
        return tb_fail_prefix(err, "seed %" PRIu64, r->seeds[i]);
    TB_TRY(status);
    TB_TRY(write_result(r, done, &r->results[i], err));
    r->kept = true;
    return tb_remove_tree(work, err);
}

/* run.json has what the markers had that are gone. */
static timbang_status read_finished(run *r, size_t i, const char *folder, tb_error *err)
{
    char *path = tb_path_join(folder, "run.json", err);
    json_t *root = NULL;
    timbang_status status = path ? tb_json_load_file(path, &root, err) : err->status;
    const char *hash = NULL, *parent = NULL;
    if (status == TIMBANG_OK)
        status = tb_json_get_string(root, path, "recipe_hash", true, &hash, err);
    if (status == TIMBANG_OK)
        status = tb_json_get_string(root, path, "parent_sha256", true, &parent, err);
    if (status == TIMBANG_OK && (strcmp(hash, r->recipe_hash) != 0 || strcmp(parent, r->inputs.parent_sha256) != 0))
        status = tb_fail(err, TIMBANG_USAGE,
                         "%s: was made by another recipe or of other data; repeat its command, or start anew with "
                         "--force",
                         r->folder.partial);
    if (status == TIMBANG_OK)
        status = read_result(path, &r->results[i], err);
    json_decref(root);
    free(path);
    return status;
}

static timbang_status run_seed(run *r, size_t i, tb_error *err)
{
    char name[NAME], marker[NAME];
    snprintf(name, sizeof name, "seed-%" PRIu64, r->seeds[i]);
    snprintf(marker, sizeof marker, "seed-%" PRIu64 ".json", r->seeds[i]);
    char *folder = r->n_seeds > 1 ? tb_path_join(r->folder.partial, name, err) : tb_strdup(r->folder.partial, err);
    char *work = folder ? tb_path_join(r->work, name, err) : NULL;
    char *done = work ? tb_path_join(r->work, marker, err) : NULL;
    timbang_status status = !done         ? err->status
                            : r->finished ? read_finished(r, i, folder, err)
                                          : train_seed(r, i, folder, work, done, err);
    free(done);
    free(work);
    free(folder);
    return status;
}

/* ---- All of them ---- */

/* Mean and standard deviation (n - 1) over the seeds; null where a seed has no such figure. */
static void spread(const run *r, size_t offset, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < r->n_seeds; i++) {
        double value;
        memcpy(&value, (const char *)&r->results[i].best + offset, sizeof value);
        sum += r->results[i].has_best ? value : NAN;
    }
    *mean = sum / (double)r->n_seeds;
    for (size_t i = 0; i < r->n_seeds; i++) {
        double value;
        memcpy(&value, (const char *)&r->results[i].best + offset, sizeof value);
        squares += (value - *mean) * (value - *mean);
    }
    *sd = r->n_seeds > 1 ? sqrt(squares / (double)(r->n_seeds - 1)) : NAN;
}

static timbang_status summarize(const run *r, json_t **out, tb_error *err)
{
    static const struct {
        const char *name;
        size_t offset;
    } figures[] = {{"loss", offsetof(tb_valid_figures, loss)},
                   {"accuracy", offsetof(tb_valid_figures, accuracy)},
                   {"macro_f1", offsetof(tb_valid_figures, macro_f1)}};
    json_t *seeds = json_array(), *mean = json_object(), *sd = json_object();
    int bad = !seeds || !mean || !sd;
    for (size_t i = 0; i < r->n_seeds; i++)
        bad |= json_array_append_new(seeds, result_json(r, &r->results[i]));
    for (size_t f = 0; f < sizeof figures / sizeof figures[0]; f++) {
        double m, s;
        spread(r, figures[f].offset, &m, &s);
        bad |= json_object_set_new(mean, figures[f].name, tb_json_real(m));
        bad |= json_object_set_new(sd, figures[f].name, tb_json_real(s));
    }
    json_t *made = json_pack("{s:s, s:s, s:O, s:s, s:s, s:o, s:o, s:o}", "role", tb_recipe_role(&r->recipe), "scheme",
                             r->recipe.scheme.name, "recipe", r->recipe_json, "recipe_hash", r->recipe_hash,
                             "parent_sha256", r->inputs.parent_sha256, "seeds", seeds, "mean", mean, "sd", sd);
    if (bad || !made) {
        json_decref(made);
        return tb_no_memory(err, 0);
    }
    *out = made;
    return TIMBANG_OK;
}

static timbang_status write_summary(const run *r, const json_t *summary, tb_error *err)
{
    if (r->n_seeds < 2)
        return TIMBANG_OK;
    char *path = tb_path_join(r->folder.partial, "seeds.json", err);
    timbang_status status = path ? tb_json_write_file(path, summary, err) : err->status;
    free(path);
    return status;
}

/* Under another name first, so that a kill amid the removal leaves all of it or nothing. */
static timbang_status remove_work(const run *r, tb_error *err)
{
    char *old = tb_path_join(r->folder.partial, "work.old", err);
    timbang_status status = old ? tb_remove_tree(old, err) : err->status;
    if (status == TIMBANG_OK && rename(r->work, old) != 0)
        status = tb_fail(err, TIMBANG_IO, "%s: cannot be removed: %s", r->work, strerror(errno));
    if (status == TIMBANG_OK)
        status = tb_remove_tree(old, err);
    free(old);
    return status;
}

/* What writers left that were killed: ".NAME.partial-RANDOM", here and in the folders below. */
static timbang_status remove_strays(const char *folder, int depth, tb_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return tb_fail(err, TIMBANG_IO, "%s: cannot be read: %s", folder, strerror(errno));
    timbang_status status = TIMBANG_OK;
    for (const struct dirent *entry; status == TIMBANG_OK && (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        char *path = tb_path_join(folder, name, err);
        if (!path)
            status = err->status;
        else if (name[0] == '.' && strstr(name, ".partial-"))
            status = tb_remove_tree(path, err);
        else if (depth > 0 && tb_is_directory(path))
            status = remove_strays(path, depth - 1, err);
        free(path);
    }
    closedir(dir);
    return status;
}

static timbang_status find_finished(run *r, tb_error *err)
{
    char name[NAME];
    if (r->n_seeds > 1)
        snprintf(name, sizeof name, "seed-%" PRIu64 "/run.json", r->seeds[0]);
    else
        snprintf(name, sizeof name, "run.json");
    char *path = tb_path_join(r->folder.partial, name, err);
    if (!path)
        return err->status;
    r->finished = r->job->options->resume && !tb_is_directory(r->work) && tb_is_file(path);
    free(path);
    return TIMBANG_OK;
}

static timbang_status begin(run *r, tb_error *err)
{
    const timbang_train_options *o = r->job->options;
    TB_TRY(check_seeds(r, err));
    TB_TRY(tb_inputs_open(r->job, &r->inputs, err));
    TB_TRY(tb_recipe_make(o, &r->inputs.config, r->job->hooks, &r->recipe, err));
    /* The output folder before the data: the cheapest check, and the most annoying failure after an hour. */
    TB_TRY(tb_kept_begin(o->out, o->force != 0, o->resume != 0, &r->folder, err));
    r->begun = true;
    r->kept = o->resume != 0;
    r->work = tb_path_join(r->folder.partial, "work", err);
    TB_TRY(r->work ? find_finished(r, err) : err->status);
    TB_TRY(tb_make_dirs(r->work, err));
    TB_TRY(tb_inputs_read(r->job, &r->recipe, &r->inputs, err));
    TB_TRY(tb_inputs_recipe(&r->inputs, &r->recipe, &r->recipe_json, r->recipe_hash, err));
    return r->finished ? TIMBANG_OK : check_identity(r, err);
}

static timbang_status train(run *r, json_t **summary, tb_error *err)
{
    TB_TRY(begin(r, err));
    r->steps_left = r->job->options->stop_after ? r->job->options->stop_after : UINT64_MAX;
    for (size_t i = 0; i < r->n_seeds; i++)
        TB_TRY(run_seed(r, i, err));
    TB_TRY(summarize(r, summary, err));
    TB_TRY(write_summary(r, *summary, err));
    TB_TRY(tb_target_check(r->folder.target, r->folder.force, err));
    TB_TRY(remove_work(r, err));
    return remove_strays(r->folder.partial, DEEPEST, err);
}

/* Commits, or keeps what --resume needs. */
static timbang_status end(run *r, timbang_status status, tb_error *err)
{
    if (!r->begun)
        return status;
    if (status == TIMBANG_OK) {
        r->begun = false;
        return tb_kept_commit(&r->folder, err);
    }
    if (r->kept)
        tb_log(r->job->hooks, TIMBANG_LOG_WARNING,
               "what is finished is kept in %s: the same command with --resume goes on", r->folder.partial);
    tb_kept_end(&r->folder, r->kept);
    return status;
}

timbang_status tb_train_run(const tb_train_job *job, json_t **result, tb_error *err)
{
    run r = {.job = job};
    json_t *summary = NULL;
    timbang_status status = end(&r, train(&r, &summary, err), err);
    if (status == TIMBANG_OK && json_object_set_new(summary, "out", json_string(job->options->out)) != 0)
        status = json_object_set_new(summary, "out", json_null()) == 0 ? TIMBANG_OK : tb_no_memory(err, 0);
    if (status == TIMBANG_OK)
        *result = summary;
    else
        json_decref(summary);
    free(r.results);
    free(r.work);
    json_decref(r.recipe_json);
    tb_inputs_free(&r.inputs);
    return status;
}
