/* The front of checkpoints: which files of a folder hold the weights, which container a file is, and who reads it.
 * Includes: formats/store.h. Called by: formats/state_dict, api. */
#include "formats/store.h"

#include <stdlib.h>
#include <string.h>

enum { SNIFF_BYTES = 64 };

struct sniffed {
    unsigned char bytes[SNIFF_BYTES];
    size_t n;
};

static timbang_status sniff(const tb_source *source, struct sniffed *head, tb_error *err)
{
    memset(head, 0, sizeof *head);
    uint64_t size = tb_source_size(source);
    head->n = size < SNIFF_BYTES ? (size_t)size : SNIFF_BYTES;
    return tb_source_read(source, 0, head->bytes, head->n, err);
}

static bool begins(const struct sniffed *head, const char *with, size_t length)
{
    return head->n >= length && memcmp(head->bytes, with, length) == 0;
}

static bool ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

/* Eight bytes of a sane header length, then an object. A pickle or a zip never looks so. */
static bool is_safetensors(const struct sniffed *head)
{
    return head->n >= 9 && head->bytes[8] == '{' && memcmp(head->bytes + 4, "\0\0\0\0", 4) == 0;
}

/* Files that stand where weights should, and what to do about them. */
static timbang_status refuse_foreign(const tb_source *source, const struct sniffed *head, tb_error *err)
{
    const char *name = tb_source_name(source);
    static const char lfs[] = "version https://git-lfs";
    if (begins(head, lfs, sizeof lfs - 1))
        return tb_fail(err, TIMBANG_FORMAT,
                       "%s: is a Git LFS pointer, not the weights; fetch them with git lfs pull, or download the file",
                       name);
    if (begins(head, "GGUF", 4))
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: is a GGUF file; give the Hugging Face folder it was made from",
                       name);
    if (begins(head, "\x89HDF", 4))
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: is a TensorFlow (HDF5) file; load it with from_tf=True and save it as safetensors", name);
    return TIMBANG_OK;
}

static timbang_status open_torch(tb_source *source, const struct sniffed *head, tb_checkpoint **checkpoint,
                                 tb_error *err)
{
    if (begins(head, "PK\x03\x04", 4))
        return tb_torch_zip_open(source, checkpoint, err);
    if (begins(head, "\x80", 1) || begins(head, "L119547037146038801333356L", 26))
        return tb_torch_legacy_open(source, checkpoint, err);
    tb_fail(err, TIMBANG_FORMAT,
            "%s: is neither safetensors nor a PyTorch checkpoint (it begins with the bytes %02x %02x %02x %02x)",
            tb_source_name(source), head->bytes[0], head->bytes[1], head->bytes[2], head->bytes[3]);
    tb_source_close(source);
    return err->status;
}

/* Takes the source over. */
static timbang_status open_source(tb_source *source, tb_checkpoint **checkpoint, tb_error *err)
{
    struct sniffed head;
    if (sniff(source, &head, err) != TIMBANG_OK || refuse_foreign(source, &head, err) != TIMBANG_OK) {
        tb_source_close(source);
        return err->status;
    }
    if (is_safetensors(&head) || ends_in(tb_source_name(source), ".safetensors"))
        return tb_safetensors_open(source, checkpoint, err);
    return open_torch(source, &head, checkpoint, err);
}

/* Nothing of ours in the folder: say what is there instead, as far as it is known. */
static timbang_status refuse_folder(const tb_folder *folder, tb_error *err)
{
    static const char *const adapters[] = {"adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"};
    static const struct {
        const char *file, *what;
    } foreign[] = {
        {"pytorch_model.bin.index.json", "a sharded PyTorch checkpoint; save it as safetensors with save_pretrained"},
        {"tf_model.h5", "a TensorFlow model; load it with from_tf=True and save it with save_pretrained"},
        {"flax_model.msgpack", "a Flax model; load it with from_flax=True and save it with save_pretrained"},
        {"model.onnx", "an ONNX model; give the Hugging Face folder it was made from"},
    };
    const char *name = tb_folder_name(folder);
    for (size_t i = 0; i < sizeof adapters / sizeof adapters[0]; i++)
        if (tb_folder_has(folder, adapters[i]))
            return tb_fail_lora(err, name, adapters[i]);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (tb_folder_has(folder, foreign[i].file))
            return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: %s is %s", name, foreign[i].file, foreign[i].what);
    return tb_fail(err, TIMBANG_NOT_FOUND,
                   "%s: has no weights: model.safetensors, model.safetensors.index.json and pytorch_model.bin were "
                   "looked for",
                   name);
}

timbang_status tb_checkpoint_open_folder(const tb_folder *folder, tb_checkpoint **checkpoint, tb_error *err)
{
    static const char index[] = "model.safetensors.index.json";
    const char *file = tb_folder_has(folder, "model.safetensors")   ? "model.safetensors"
                       : tb_folder_has(folder, index)               ? index
                       : tb_folder_has(folder, "pytorch_model.bin") ? "pytorch_model.bin"
                                                                    : NULL;
    if (!file)
        return refuse_folder(folder, err);
    if (file == index)
        return tb_safetensors_open_index(folder, index, checkpoint, err);
    tb_source *source = NULL;
    TB_TRY(tb_folder_source(folder, file, &source, err));
    return open_source(source, checkpoint, err);
}

/* An index names its shards beside it, so its folder is opened. */
static timbang_status open_index_file(const char *path, tb_checkpoint **checkpoint, tb_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    char *dir = !slash ? tb_strdup(".", err) : length ? tb_strndup(path, length, err) : tb_strdup("/", err);
    if (!dir)
        return err->status;
    tb_folder *folder = NULL;
    timbang_status status = tb_folder_open(dir, &folder, err);
    if (status == TIMBANG_OK)
        status = tb_safetensors_open_index(folder, slash ? slash + 1 : path, checkpoint, err);
    tb_folder_close(folder);
    free(dir);
    return status;
}

timbang_status tb_checkpoint_open_file(const char *path, tb_checkpoint **checkpoint, tb_error *err)
{
    if (ends_in(path, ".index.json"))
        return open_index_file(path, checkpoint, err);
    tb_source *source = NULL;
    TB_TRY(tb_source_open(path, &source, err));
    return open_source(source, checkpoint, err);
}
