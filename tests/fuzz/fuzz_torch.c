/* libFuzzer entry: a pytorch_model.bin of either container, all its tensors read, and the names mapped; and the bytes
 * as a bare pickle. Seeds: tests/golden/formats/ (the .bin files). */
#include "formats/state_dict.h"
#include "formats/unpickle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const tb_checkpoint *checkpoint)
{
    tb_error err;
    for (size_t i = 0; i < tb_checkpoint_n(checkpoint); i++) {
        const tb_tensor *tensor = tb_checkpoint_tensor(checkpoint, i);
        if (tensor->bytes > 1 << 20)
            continue;
        void *raw = malloc((size_t)tensor->bytes + 1);
        float *values = malloc((size_t)tensor->elements * sizeof(float) + 1);
        if (raw && values) {
            (void)tb_checkpoint_read(checkpoint, tensor, 0, tensor->elements, raw, &err);
            for (uint64_t at = 0; at < tensor->elements && at < 64; at += 3)
                (void)tb_checkpoint_read_f32(checkpoint, tensor, at, 1, values, &err);
        }
        free(values);
        free(raw);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tb_error err;
    tb_memory_file file = {"pytorch_model.bin", data, size};
    tb_folder *folder = NULL;
    tb_checkpoint *checkpoint = NULL;
    tb_state_dict *state = NULL;
    if (tb_folder_memory("F", &file, 1, &folder, &err) != TIMBANG_OK)
        return 0;
    if (tb_checkpoint_open_folder(folder, &checkpoint, &err) == TIMBANG_OK) {
        read_all(checkpoint);
        (void)tb_state_dict_open(checkpoint, &state, &err);
    }
    tb_state_dict_close(state);
    tb_folder_close(folder);

    tb_source *source = NULL;
    tb_pickle_heap heap;
    tb_value *root = NULL;
    uint64_t end;
    if (tb_source_memory("F", data, size, &source, &err) != TIMBANG_OK)
        return 0;
    if (tb_pickle_heap_init(&heap, "F", &err) == TIMBANG_OK) {
        (void)tb_unpickle(&heap, source, 0, size, &root, &end, &err);
        tb_pickle_heap_free(&heap);
    }
    tb_source_close(source);
    return 0;
}
