/* libFuzzer entry: a model.safetensors, all its tensors read, and the names mapped. The first byte chooses a folder
 * with one file or an index with two shards made of the rest. Seeds: any safetensors file after one byte of 0. */
#include "formats/state_dict.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const tb_checkpoint *checkpoint)
{
    tb_error err;
    for (size_t i = 0; i < tb_checkpoint_n(checkpoint); i++) {
        const tb_tensor *tensor = tb_checkpoint_tensor(checkpoint, i);
        if (tensor->bytes > 1 << 20 || tb_checkpoint_find(checkpoint, tensor->name) != tensor)
            continue;
        void *raw = malloc((size_t)tensor->bytes + 1);
        float *values = malloc((size_t)tensor->elements * sizeof(float) + 1);
        if (raw && values) {
            (void)tb_checkpoint_read(checkpoint, tensor, 0, tensor->elements, raw, &err);
            (void)tb_checkpoint_read_f32(checkpoint, tensor, tensor->elements / 2,
                                         tensor->elements - tensor->elements / 2, values, &err);
        }
        free(values);
        free(raw);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    static const char index[] =
        "{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\",\"classifier.weight\":\"1.safetensors\"}}";
    const uint8_t *bytes = data + 1;
    size_t n = size - 1, half = n / 2;
    tb_memory_file one[] = {{"model.safetensors", bytes, n}};
    tb_memory_file index_bytes[] = {{"model.safetensors.index.json", bytes, n}, {"1.safetensors", "", 0}};
    tb_memory_file shards[] = {{"model.safetensors.index.json", index, sizeof index - 1},
                               {"1.safetensors", bytes, half},
                               {"2.safetensors", bytes + half, n - half}};
    tb_error err;
    tb_folder *folder = NULL;
    timbang_status status = data[0] % 4 == 1   ? tb_folder_memory("F", index_bytes, 2, &folder, &err)
                            : data[0] % 4 == 2 ? tb_folder_memory("F", shards, 3, &folder, &err)
                                               : tb_folder_memory("F", one, 1, &folder, &err);
    if (status != TIMBANG_OK)
        return 0;
    tb_checkpoint *checkpoint = NULL;
    tb_state_dict *state = NULL;
    if (tb_checkpoint_open_folder(folder, &checkpoint, &err) == TIMBANG_OK) {
        read_all(checkpoint);
        (void)tb_state_dict_open(checkpoint, &state, &err);
    }
    tb_state_dict_close(state);
    tb_folder_close(folder);
    return 0;
}
