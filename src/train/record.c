/* timbang.json and run.json. Includes: train/record.h, base. Called by: train. */
#include "train/record.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#define VERSION  TEXT(TIMBANG_VERSION_MAJOR) "." TEXT(TIMBANG_VERSION_MINOR) "." TEXT(TIMBANG_VERSION_PATCH)

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

/* Whatever bytes a path has. NULL: null. */
static json_t *utf8(const char *text)
{
    tb_text clean = {0};
    if (!text)
        return json_null();
    for (size_t length = strlen(text), i = 0; i < length;) {
        uint32_t code_point;
        int bytes = tb_utf8_decode(text + i, length - i, &code_point);
        if (bytes > 0)
            tb_text_append(&clean, text + i, (size_t)bytes);
        else
            tb_text_puts(&clean, "\xef\xbf\xbd");
        i += bytes > 0 ? (size_t)bytes : 1;
    }
    json_t *value = clean.failed ? NULL : json_stringn(clean.data ? clean.data : "", clean.length);
    tb_text_free(&clean);
    return value;
}

timbang_status tb_train_sidecar(const tb_session_job *job, const char *scheme, json_t **out, tb_error *err)
{
    *out =
        json_pack("{s:s, s:s, s:s, s:O, s:s, s:I, s:s, s:b}", "timbang", VERSION, "role", tb_recipe_role(job->recipe),
                  "scheme", scheme, "recipe", job->recipe_json, "recipe_hash", job->recipe_hash, "seed",
                  (json_int_t)job->seed, "parent_sha256", job->inputs->parent_sha256, "untrained_head", 0);
    return *out ? TIMBANG_OK : tb_no_memory(err, 0);
}

json_t *tb_best_json(bool has_best, uint64_t step, uint64_t epoch, const tb_valid_figures *best)
{
    if (!has_best)
        return json_null();
    json_t *made = json_pack("{s:o, s:o}", "step", count(step), "epoch", count(epoch));
    if (made && tb_log_put_figures(made, "loss", best)) {
        json_decref(made);
        return NULL;
    }
    return made;
}

/* ---- run.json ---- */

static json_t *facts_of(const tb_dataset *set, const tb_texts *texts, bool anonymous)
{
    if (!texts)
        return json_null();
    json_t *made = json_pack("{s:o, s:o, s:o, s:o}", "texts", count(texts->n), "tokens", count(texts->n_tokens),
                             "longest", count(texts->longest), "shortened", count(texts->shortened));
    json_t *file = set && set->facts ? json_deep_copy(set->facts) : json_null();
    if (anonymous)
        json_object_del(file, "path");
    json_object_set_new(made, "file", file);
    return made;
}

static json_t *data_json(const tb_session_job *job)
{
    const tb_inputs *in = job->inputs;
    const bool anonymous = job->job->options->anonymous != 0;
    return json_pack("{s:o, s:o, s:o}", "train", facts_of(in->train_set, in->train, anonymous), "valid",
                     facts_of(in->valid_set, in->valid, anonymous), "overlap",
                     in->overlap ? json_incref(in->overlap) : json_null());
}

static json_t *host_json(const tb_train_job *job)
{
    json_t *host = job->host ? json_deep_copy(job->host) : json_object();
    if (job->options->anonymous)
        json_object_del(host, "cpu");
    return host;
}

static json_t *time_json(const tb_train_state *s)
{
    char now[32];
    tb_wall_time(now);
    const double learning = s->seconds - s->evaluation_seconds - s->checkpoint_seconds;
    return json_pack("{s:s, s:s, s:f, s:f, s:f, s:I, s:o, s:o}", "started", s->started, "finished", now, "seconds",
                     s->seconds, "evaluation_seconds", s->evaluation_seconds, "checkpoint_seconds",
                     s->checkpoint_seconds, "resumed", (json_int_t)s->resumed, "texts_per_s",
                     tb_json_real(learning > 0 ? (double)s->texts / learning : NAN), "tokens_per_s",
                     tb_json_real(learning > 0 ? (double)s->tokens / learning : NAN));
}

timbang_status tb_run_record_write(const tb_run_record *record, tb_error *err)
{
    const tb_session_job *job = record->job;
    const timbang_train_options *o = job->job->options;
    const tb_train_state *s = record->state;
    const uint64_t best_epoch =
        record->steps_per_epoch ? (s->best_step + record->steps_per_epoch - 1) / record->steps_per_epoch : 0;
    json_t *run =
        json_pack("{s:s, s:s, s:s, s:I, s:O, s:s, s:s}", "timbang", VERSION, "role", tb_recipe_role(job->recipe),
                  "scheme", job->recipe->scheme.name, "seed", (json_int_t)job->seed, "recipe", job->recipe_json,
                  "recipe_hash", job->recipe_hash, "parent_sha256", job->inputs->parent_sha256);
    int bad = !run;
    bad = bad || json_object_set_new(run, "model", utf8(o->anonymous ? NULL : o->model));
    bad = bad || json_object_set_new(run, "command", utf8(o->anonymous ? NULL : o->command));
    bad = bad || json_object_set_new(run, "lang", json_string(o->lang ? o->lang : "en"));
    bad = bad || json_object_set_new(run, "parameters", count(record->parameters));
    bad = bad || json_object_set_new(run, "steps", count(s->step));
    bad = bad || json_object_set_new(run, "steps_per_epoch", count(record->steps_per_epoch));
    bad = bad || json_object_set_new(run, "total_steps", count(record->total_steps));
    bad = bad || json_object_set_new(run, "stopped_early", json_boolean(s->stopped));
    bad = bad || json_object_set_new(run, "best", tb_best_json(s->has_best, s->best_step, best_epoch, &s->best));
    bad = bad || json_object_set_new(run, "data", data_json(job));
    bad = bad || json_object_set_new(run, "host", host_json(job->job));
    bad = bad || json_object_set_new(run, "time", time_json(s));
    bad = bad || json_object_set_new(run, "peak_resident_bytes", count(s->peak_resident_bytes));
    char *path = bad ? NULL : tb_path_join(job->folder, "run.json", err);
    timbang_status status = bad ? tb_no_memory(err, 0) : path ? tb_json_write_file(path, run, err) : err->status;
    free(path);
    json_decref(run);
    return status;
}
