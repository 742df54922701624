/* A small program for oracle scripts (no test): quantizes a folder, or writes the dequantized matrices of a folder.
 *   quantize_tool SOURCE SCHEME OUT [THREADS [LABELS [SEED MODEL]]]     (SEED and MODEL: random rounding)
 *   quantize_tool --dump FOLDER OUT.safetensors
 * Includes: base, formats, quant. Called by: tests/oracle/quant_*.py. */
#include "formats/safetensors.h"
#include "quant/quantize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static timbang_status quantize(int argc, char **argv, tb_error *err)
{
    tb_quantize_job job = {.out = argv[3], .force = true, .seed = 1};
    const char *labels[64];
    TB_TRY(tb_scheme_parse(argv[2], 0, NULL, &job.scheme, err));
    for (char *at = argc > 5 ? strtok(argv[5], ",") : NULL; at && job.n_labels < 64; at = strtok(NULL, ","))
        labels[job.n_labels++] = at;
    job.labels = job.n_labels ? labels : NULL;
    tb_jitter jitter = {0};
    if (argc > 7) {
        jitter = (tb_jitter){strtoull(argv[6], NULL, 10), strtoull(argv[7], NULL, 10)};
        job.jitter = &jitter;
    }
    double weight_error = 0;
    job.weight_error = &weight_error;
    tb_folder *folder;
    TB_TRY(tb_folder_open(argv[1], &folder, err));
    job.folder = folder;
    timbang_status status = tb_pool_create(argc > 4 ? atoi(argv[4]) : 0, &job.pool, err);
    if (status == TIMBANG_OK)
        status = tb_quantize_folder(&job, err);
    tb_pool_free(job.pool);
    tb_folder_close(folder);
    if (status == TIMBANG_OK)
        printf("weight error %.17g\n", weight_error);
    return status;
}

struct module {
    char name[96], file_name[96];
    size_t rows, columns;
    bool embedding;
};

static size_t list_modules(const tb_config *c, struct module *out)
{
    static const char *const layer[] = {"attention.self.query",   "attention.self.key", "attention.self.value",
                                        "attention.output.dense", "intermediate.dense", "output.dense"};
    size_t n = 0, h = c->hidden_size;
    out[n++] = (struct module){"embeddings.word_embeddings", "", c->vocab_size, h, true};
    out[n++] = (struct module){"embeddings.position_embeddings", "", c->max_position_embeddings, h, true};
    out[n++] = (struct module){"embeddings.token_type_embeddings", "", c->type_vocab_size, h, true};
    for (size_t i = 0; i < c->num_hidden_layers; i++) {
        for (size_t k = 0; k < 6; k++) {
            struct module *m = &out[n++];
            *m = (struct module){.rows = k == 4 ? c->intermediate_size : h,
                                 .columns = k == 5 ? c->intermediate_size : h};
            snprintf(m->name, sizeof m->name, "encoder.layer.%zu.%s", i, layer[k]);
        }
    }
    out[n++] = (struct module){"pooler.dense", "", h, h, false};
    out[n++] = (struct module){"classifier", "classifier", c->n_labels, h, false};
    for (size_t i = 0; i + 1 < n; i++) {
        strcpy(out[i].file_name, "bert.");
        strcat(out[i].file_name, out[i].name);
    }
    return n;
}

static timbang_status dump(const tb_folder *folder, const char *path, tb_error *err)
{
    enum { MOST = 512 };
    static struct module modules[MOST];
    static tb_tensor tensors[MOST];
    tb_config config = {0};
    tb_quant_map *map;
    tb_checkpoint *checkpoint;
    tb_state_dict *state;
    tb_arena *arena;
    tb_safetensors_writer *writer;
    TB_TRY(tb_config_load(folder, &config, err));
    TB_TRY(tb_quant_map_load(&config, "config.json", &map, err));
    TB_TRY(tb_checkpoint_open_folder(folder, &checkpoint, err));
    TB_TRY(tb_state_dict_open(checkpoint, &state, err));
    TB_TRY(tb_arena_create(1 << 16, &arena, err));
    size_t n = list_modules(&config, modules);
    for (size_t i = 0; i < n; i++) {
        tb_weight header = {.kind = TB_WEIGHT_F32, .rows = modules[i].rows, .columns = modules[i].columns};
        size_t one;
        tb_tensor entries[3];
        TB_TRY(tb_weight_entries(&header, modules[i].file_name, arena, entries, &one, err));
        tensors[i] = entries[0];
    }
    TB_TRY(tb_safetensors_create(path, tensors, n, &writer, err));
    for (size_t i = 0; i < n; i++) {
        tb_weight w;
        char words[32];
        TB_TRY(tb_weight_load(state, map, modules[i].name, modules[i].embedding ? "Embedding" : "Linear",
                              modules[i].rows, modules[i].columns, true, &w, err));
        printf("%-48s %-16s act %d foreign %d\n", modules[i].file_name, tb_weight_describe(&w, words), (int)w.act,
               w.foreign);
        for (size_t r = 0; r < w.rows; r++) {
            for (size_t c = 0; c < w.columns; c++) {
                float value = tb_weight_value(&w, r, c);
                TB_TRY(tb_safetensors_write(writer, &value, sizeof value, err));
            }
        }
        tb_weight_free(&w);
    }
    TB_TRY(tb_safetensors_commit(writer, err));
    tb_arena_free(arena);
    tb_state_dict_close(state);
    tb_quant_map_free(map);
    tb_config_free(&config);
    return TIMBANG_OK;
}

int main(int argc, char **argv)
{
    tb_error err = {0};
    timbang_status status = TIMBANG_USAGE;
    if (argc >= 4 && strcmp(argv[1], "--dump") == 0) {
        tb_folder *folder;
        status = tb_folder_open(argv[2], &folder, &err);
        if (status == TIMBANG_OK) {
            status = dump(folder, argv[3], &err);
            tb_folder_close(folder);
        }
    } else if (argc >= 4) {
        status = quantize(argc, argv, &err);
    }
    if (status != TIMBANG_OK)
        fprintf(stderr, "quantize_tool: %s\n",
                err.text[0] ? err.text : "SOURCE SCHEME OUT [THREADS [LABELS [SEED MODEL]]]");
    return status == TIMBANG_OK ? 0 : 2;
}
