/* The folders of a training. Includes: formats, quant, train/save.h. Called by: train/session.c. */
#include "train/save.h"

#include "formats/safetensors.h"
#include "quant/quantize.h"
#include "quant/record.h"
#include "text/tokenizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENIZER_BYTES = 256 << 20 };

/* ---- The masters ---- */

static timbang_status write_weights(const tb_save_job *job, const char *dir, tb_error *err)
{
    const tb_parameters *p = job->parameters;
    char *path = tb_path_join(dir, "model.safetensors", err);
    tb_tensor *tensors = path ? tb_calloc(p->n_items, sizeof *tensors, err) : NULL;
    timbang_status status = tensors ? TIMBANG_OK : err->status;
    tb_safetensors_writer *writer = NULL;
    for (size_t i = 0; status == TIMBANG_OK && i < p->n_items; i++) {
        const tb_parameter *item = &p->items[i];
        bool matrix = item->kind == TB_PARAMETER_LINEAR || item->kind == TB_PARAMETER_EMBEDDING;
        tensors[i] = (tb_tensor){.name = item->file_name,
                                 .dtype = TB_F32,
                                 .rank = matrix ? 2 : 1,
                                 .shape = {item->rows, matrix ? item->columns : 0},
                                 .elements = item->n,
                                 .bytes = item->n * sizeof(float)};
    }
    if (status == TIMBANG_OK)
        status = tb_safetensors_create(path, tensors, p->n_items, &writer, err);
    for (size_t i = 0; status == TIMBANG_OK && i < p->n_items; i++)
        status = tb_safetensors_write(writer, p->values + p->items[i].begin, p->items[i].n * sizeof(float), err);
    if (writer && status == TIMBANG_OK)
        status = tb_safetensors_commit(writer, err);
    else if (writer)
        tb_safetensors_abandon(writer);
    free(tensors);
    free(path);
    return status;
}

static timbang_status write_json(const char *dir, const char *file, const json_t *value, tb_error *err)
{
    char *path = tb_path_join(dir, file, err);
    timbang_status status = path ? tb_json_write_file(path, value, err) : err->status;
    free(path);
    return status;
}

/* A masked-language model has no labels, and its decoder is the table of words. */
static int masked_language_model(json_t *config)
{
    static const char *const members[] = {"id2label", "label2id", "num_labels", "problem_type"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_del(config, members[i]);
    if (json_object_get(config, "tie_word_embeddings") &&
        json_object_set_new(config, "tie_word_embeddings", json_true()))
        return -1;
    return json_object_set_new(config, "architectures", json_pack("[s]", "BertForMaskedLM"));
}

static timbang_status write_config(const tb_save_job *job, const char *dir, tb_error *err)
{
    json_t *config = tb_config_to_json(job->config, NULL, "float32", err);
    timbang_status status = config ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK && job->task == TB_TASK_MLM && masked_language_model(config))
        status = tb_no_memory(err, 0);
    if (status == TIMBANG_OK)
        status = write_json(dir, "config.json", config, err);
    json_decref(config);
    return status;
}

static timbang_status copy_file(const tb_folder *from, const char *file, const char *dir, tb_error *err)
{
    char *bytes = NULL, *path = tb_path_join(dir, file, err);
    size_t size;
    timbang_status status = path ? tb_folder_read(from, file, MAX_TOKENIZER_BYTES, &bytes, &size, err) : err->status;
    if (status == TIMBANG_OK)
        status = tb_write_file(path, bytes, size, err);
    free(bytes);
    free(path);
    return status;
}

static timbang_status write_masters(const tb_save_job *job, const char *dir, const json_t *record, tb_error *err)
{
    TB_TRY(write_weights(job, dir, err));
    TB_TRY(write_config(job, dir, err));
    for (size_t i = 0; tb_tokenizer_files[i]; i++)
        if (tb_folder_has(job->source, tb_tokenizer_files[i]))
            TB_TRY(copy_file(job->source, tb_tokenizer_files[i], dir, err));
    return write_json(dir, "timbang.json", record, err);
}

/* ---- The integer model ---- */

/* The sidecar with the hash of the masters. */
static timbang_status write_record(const tb_save_job *job, const tb_folder *master, tb_error *err)
{
    tb_quantize_job source = {.folder = master, .hooks = job->hooks};
    char hash[65];
    TB_TRY(tb_source_weights_hash(&source, hash, err));
    json_t *record = json_deep_copy(job->record);
    timbang_status status = TIMBANG_OK;
    if (!record || json_object_set_new(record, "master_sha256", json_string(hash)) != 0)
        status = tb_no_memory(err, 0);
    else
        status = write_json(job->folder, "timbang.json", record, err);
    json_decref(record);
    return status;
}

static timbang_status move_file(const tb_folder *from, const char *file, const char *to, tb_error *err)
{
    char *source = tb_path_join(tb_folder_name(from), file, err), *target = source ? tb_path_join(to, file, err) : NULL;
    timbang_status status = target ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK && rename(source, target) != 0)
        status = tb_fail(err, TIMBANG_IO, "%s: cannot be moved to %s: %s", source, target, strerror(errno));
    free(target);
    free(source);
    return status;
}

static timbang_status move_model(const char *from, const char *to, tb_error *err)
{
    static const char *const files[] = {"model.safetensors", "config.json"};
    tb_folder *folder = NULL;
    TB_TRY(tb_folder_open(from, &folder, err));
    timbang_status status = TIMBANG_OK;
    for (size_t i = 0; status == TIMBANG_OK && i < 2; i++)
        status = move_file(folder, files[i], to, err);
    for (size_t i = 0; status == TIMBANG_OK && tb_tokenizer_files[i]; i++)
        if (tb_folder_has(folder, tb_tokenizer_files[i]))
            status = move_file(folder, tb_tokenizer_files[i], to, err);
    tb_folder_close(folder);
    return status;
}

static timbang_status quantize(const tb_save_job *job, const char *master, const char *made, tb_error *err)
{
    tb_folder *folder = NULL;
    TB_TRY(tb_folder_open(master, &folder, err));
    const tb_quantize_job quantize_job = {.folder = folder,
                                          .scheme = *job->scheme,
                                          .out = made,
                                          .force = true,
                                          .kernels = job->kernels,
                                          .pool = job->pool,
                                          .hooks = job->hooks};
    timbang_status status = tb_quantize_folder(&quantize_job, err);
    if (status == TIMBANG_OK)
        status = move_model(made, job->folder, err);
    if (status == TIMBANG_OK)
        status = write_record(job, folder, err);
    tb_folder_close(folder);
    return status;
}

timbang_status tb_save_folder(const tb_save_job *job, tb_error *err)
{
    if (!job->scheme)
        return write_masters(job, job->folder, job->record, err);
    char *master = tb_path_join(job->folder, "master", err);
    char *made = master ? tb_path_join(job->folder, "quantized", err) : NULL;
    timbang_status status = made ? tb_remove_tree(made, err) : err->status; /* of a run that was killed here */
    if (status == TIMBANG_OK)
        status = tb_make_dirs(master, err);
    if (status == TIMBANG_OK)
        status = write_masters(job, master, job->master_record, err);
    if (status == TIMBANG_OK)
        status = quantize(job, master, made, err);
    tb_error ignored;
    timbang_status removed = made ? tb_remove_tree(made, status == TIMBANG_OK ? err : &ignored) : TIMBANG_OK;
    status = status == TIMBANG_OK ? removed : status;
    free(made);
    free(master);
    return status;
}
