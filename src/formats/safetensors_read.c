/* Reading safetensors: one file, or shards named by model.safetensors.index.json. Everything that docs and the
 * reference implementation call invalid is refused with its own sentence. Includes: formats/store.h. Called by:
 * formats/checkpoint.c. */
#include "formats/store.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER_BYTES = 100000000, MAX_INDEX_BYTES = 64 << 20, MAX_SHARDS = 512, MAX_SHARD_NAME = 200 };

struct entry {
    const char *name; /* in the header's JSON */
    tb_dtype dtype;
    uint32_t rank;
    uint64_t shape[TB_MAX_RANK];
    uint64_t begin, end; /* in the data */
};

/* A parsed header: its entries by place in the data. */
struct header {
    json_t *json;
    struct entry *entries;
    size_t n;
    uint64_t data; /* offset of the data in the file */
};

static void header_free(struct header *header)
{
    json_decref(header->json);
    free(header->entries);
}

static timbang_status parse_dtype(const char *file, const char *tensor, const json_t *value, tb_dtype *dtype,
                                  tb_error *err)
{
    /* Of the format, but nothing that a classifier's weights are stored in. */
    static const char *const others[] = {"F4",  "F6_E2M3", "F6_E3M2", "F8_E5M2", "F8_E4M3",     "F8_E8M0",
                                         "U16", "U32",     "U64",     "C64",     "F8_E4M3FNUZ", "F8_E5M2FNUZ"};
    char shown[TB_SHOWN];
    if (!json_is_string(value))
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s has no dtype", file, tensor);
    const char *name = json_string_value(value);
    for (int i = 0; i < TB_DTYPES; i++)
        if (strcmp(name, tb_dtype_name((tb_dtype)i)) == 0) {
            *dtype = (tb_dtype)i;
            return TIMBANG_OK;
        }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i]) == 0)
            return tb_fail(err, TIMBANG_UNSUPPORTED,
                           "%s: tensor %s is %s, which is not read; F32, F16 and BF16 weights are", file, tensor, name);
    return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s has the unknown dtype '%s'", file, tensor,
                   tb_shown(name, json_string_length(value), shown));
}

static timbang_status parse_whole(const char *file, const char *tensor, const char *what, const json_t *value,
                                  uint64_t *out, tb_error *err)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return tb_fail(err, TIMBANG_FORMAT, "%s: %s of tensor %s must be whole numbers from 0 to 10^18", file, what,
                       tensor);
    *out = (uint64_t)json_integer_value(value);
    return TIMBANG_OK;
}

static timbang_status parse_entry(const char *file, const char *name, size_t name_length, const json_t *value,
                                  uint64_t data_bytes, struct entry *entry, tb_error *err)
{
    char shown[TB_SHOWN], shape_text[160];
    tb_shown(name, name_length, shown);
    const char *fault = tb_name_fault(name, name_length);
    if (fault)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the tensor name '%s' %s", file, shown, fault);
    if (!json_is_object(value))
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s is described by no JSON object", file, shown);
    *entry = (struct entry){.name = name};
    TB_TRY(parse_dtype(file, shown, json_object_get(value, "dtype"), &entry->dtype, err));

    const json_t *shape = json_object_get(value, "shape");
    if (!json_is_array(shape))
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s has no shape", file, shown);
    if (json_array_size(shape) > TB_MAX_RANK)
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s has %zu dimensions; at most %d are read", file, shown,
                       json_array_size(shape), TB_MAX_RANK);
    entry->rank = (uint32_t)json_array_size(shape);
    for (uint32_t i = 0; i < entry->rank; i++)
        TB_TRY(parse_whole(file, shown, "the dimensions", json_array_get(shape, i), &entry->shape[i], err));

    const json_t *offsets = json_object_get(value, "data_offsets");
    if (!json_is_array(offsets) || json_array_size(offsets) != 2)
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s has no data_offsets [begin, end]", file, shown);
    TB_TRY(parse_whole(file, shown, "data_offsets", json_array_get(offsets, 0), &entry->begin, err));
    TB_TRY(parse_whole(file, shown, "data_offsets", json_array_get(offsets, 1), &entry->end, err));
    if (entry->begin > entry->end)
        return tb_fail(err, TIMBANG_FORMAT, "%s: data_offsets of tensor %s are reversed: [%llu, %llu]", file, shown,
                       (unsigned long long)entry->begin, (unsigned long long)entry->end);
    if (entry->end > data_bytes)
        return tb_fail(err, TIMBANG_FORMAT,
                       "%s: is truncated: tensor %s ends at byte %llu of the data, of which there are %llu", file,
                       shown, (unsigned long long)entry->end, (unsigned long long)data_bytes);

    uint64_t elements, bytes;
    if (!tb_tensor_sizes(entry->dtype, entry->rank, entry->shape, &elements, &bytes))
        return tb_fail(err, TIMBANG_FORMAT, "%s: the size of tensor %s %s overflows", file, shown,
                       tb_dims_text(entry->rank, entry->shape, shape_text));
    if (bytes != entry->end - entry->begin)
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s %s of %s needs %llu bytes, its data_offsets hold %llu", file,
                       shown, tb_dims_text(entry->rank, entry->shape, shape_text), tb_dtype_name(entry->dtype),
                       (unsigned long long)bytes, (unsigned long long)(entry->end - entry->begin));
    return TIMBANG_OK;
}

static timbang_status check_metadata(const char *file, const json_t *metadata, tb_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return tb_fail(err, TIMBANG_FORMAT, "%s: __metadata__ must be a JSON object", file);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (!json_is_string(value))
            return tb_fail(err, TIMBANG_FORMAT, "%s: __metadata__ must hold strings only", file);
    }
    return TIMBANG_OK;
}

static int compare_places(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The tensors must fill the data from the first byte to the last, one after the other. */
static timbang_status check_places(const char *file, const struct header *header, uint64_t data_bytes, tb_error *err)
{
    uint64_t expected = 0;
    for (size_t i = 0; i < header->n; i++) {
        const struct entry *entry = &header->entries[i];
        if (entry->begin == expected) {
            expected = entry->end;
            continue;
        }
        if (i == 0)
            return tb_fail(err, TIMBANG_FORMAT, "%s: the first tensor, %s, starts at byte %llu of the data, not at 0",
                           file, entry->name, (unsigned long long)entry->begin);
        const char *before = header->entries[i - 1].name;
        if (entry->begin < expected)
            return tb_fail(err, TIMBANG_FORMAT, "%s: tensors %s and %s overlap at byte %llu of the data", file, before,
                           entry->name, (unsigned long long)entry->begin);
        return tb_fail(err, TIMBANG_FORMAT, "%s: between tensors %s and %s lie %llu bytes of no tensor", file, before,
                       entry->name, (unsigned long long)(entry->begin - expected));
    }
    if (expected != data_bytes)
        return tb_fail(err, TIMBANG_FORMAT, "%s: after the last tensor follow %llu bytes of no tensor", file,
                       (unsigned long long)(data_bytes - expected));
    return TIMBANG_OK;
}

static timbang_status parse_entries(const char *file, uint64_t data_bytes, struct header *header, tb_error *err)
{
    size_t count = json_object_size(header->json);
    if (count > TB_MAX_TENSORS)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the header names %zu tensors; at most %d are read", file, count,
                       TB_MAX_TENSORS);
    header->entries = tb_calloc(count, sizeof *header->entries, err);
    if (!header->entries)
        return err->status;
    const char *name;
    size_t name_length;
    json_t *value;
    json_object_keylen_foreach(header->json, name, name_length, value)
    {
        if (strcmp(name, "__metadata__") == 0)
            TB_TRY(check_metadata(file, value, err));
        else {
            TB_TRY(parse_entry(file, name, name_length, value, data_bytes, &header->entries[header->n], err));
            header->n++;
        }
    }
    if (header->n)
        qsort(header->entries, header->n, sizeof *header->entries, compare_places);
    return check_places(file, header, data_bytes, err);
}

/* The header's bytes, checked as far as can be without parsing; free(*bytes). */
static timbang_status read_header_bytes(const tb_source *source, char **bytes, size_t *length, tb_error *err)
{
    const char *file = tb_source_name(source);
    uint64_t size = tb_source_size(source), n = 0;
    unsigned char head[8];
    if (size < 8)
        return tb_fail(err, TIMBANG_FORMAT, "%s: has %llu bytes; a safetensors file begins with 8 bytes of length",
                       file, (unsigned long long)size);
    TB_TRY(tb_source_read(source, 0, head, sizeof head, err));
    for (int i = 7; i >= 0; i--)
        n = n << 8 | head[i];
    if (n > MAX_HEADER_BYTES)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the header length %llu is over the limit of %d bytes", file,
                       (unsigned long long)n, MAX_HEADER_BYTES);
    if (n > size - 8)
        return tb_fail(err, TIMBANG_FORMAT,
                       "%s: is truncated: the header of %llu bytes reaches past the end of the file (%llu bytes)", file,
                       (unsigned long long)n, (unsigned long long)size);
    char *block = tb_calloc((size_t)n + 1, 1, err);
    if (!block)
        return err->status;
    timbang_status status = tb_source_read(source, 8, block, (size_t)n, err);
    if (status == TIMBANG_OK && n && strchr(" \t\r\n", block[0]) && block[0])
        status = tb_fail(err, TIMBANG_FORMAT, "%s: the header begins with white space; it must begin with '{'", file);
    else if (status == TIMBANG_OK && block[0] != '{')
        status = tb_fail(err, TIMBANG_FORMAT, "%s: the header is not a JSON object; it must begin with '{'", file);
    if (status != TIMBANG_OK) {
        free(block);
        return status;
    }
    *bytes = block;
    *length = (size_t)n;
    return TIMBANG_OK;
}

/* header_free(header) in either case. */
static timbang_status read_header(const tb_source *source, struct header *header, tb_error *err)
{
    char *bytes = NULL;
    size_t length = 0;
    *header = (struct header){0};
    TB_TRY(read_header_bytes(source, &bytes, &length, err));
    timbang_status status = tb_json_parse("header", bytes, length, TB_JSON_REJECT_DUPLICATES, &header->json, err);
    free(bytes);
    if (status == TIMBANG_FORMAT)
        return tb_fail_prefix(err, "%s", tb_source_name(source));
    TB_TRY(status);
    if (!json_is_object(header->json))
        return tb_fail(err, TIMBANG_FORMAT, "%s: the header is not a JSON object", tb_source_name(source));
    header->data = 8 + (uint64_t)length;
    return parse_entries(tb_source_name(source), tb_source_size(source) - header->data, header, err);
}

/* Adds the tensors of one file; of a shard (map not NULL) those that the map gives to it. */
static timbang_status add_file(tb_checkpoint *checkpoint, tb_source *source, const json_t *map, const char *shard,
                               tb_error *err)
{
    TB_TRY(tb_store_add_source(checkpoint, source, err));
    struct header header;
    timbang_status status = read_header(source, &header, err);
    for (size_t i = 0; i < header.n && status == TIMBANG_OK; i++) {
        const struct entry *entry = &header.entries[i];
        const char *home = map ? json_string_value(json_object_get(map, entry->name)) : NULL;
        if (map && (!home || strcmp(home, shard) != 0))
            continue;
        tb_place place = {.source = source, .offset = header.data + entry->begin, .limit = header.data + entry->end};
        status = tb_store_add(checkpoint, entry->name, strlen(entry->name), entry->dtype, entry->rank, entry->shape,
                              &place, err);
    }
    header_free(&header);
    return status;
}

timbang_status tb_safetensors_open(tb_source *source, tb_checkpoint **checkpoint, tb_error *err)
{
    tb_checkpoint *made = NULL;
    if (tb_store_new(tb_source_name(source), "safetensors", &made, err) != TIMBANG_OK) {
        tb_source_close(source);
        return err->status;
    }
    timbang_status status = add_file(made, source, NULL, NULL, err);
    if (status == TIMBANG_OK)
        status = tb_store_seal(made, err);
    if (status != TIMBANG_OK) {
        tb_checkpoint_close(made);
        return status;
    }
    *checkpoint = made;
    return TIMBANG_OK;
}

/* A shard is a plain file name beside the index: no path may lead out of the folder. */
static timbang_status check_shard_name(const char *index, const char *tensor, const json_t *value, tb_error *err)
{
    char shown[TB_SHOWN], shown_tensor[TB_SHOWN];
    const char *name = json_string_value(value);
    tb_shown(tensor, strlen(tensor), shown_tensor);
    if (!name)
        return tb_fail(err, TIMBANG_FORMAT, "%s: weight_map gives no file name for tensor %s", index, shown_tensor);
    size_t n = json_string_length(value);
    bool plain = n > 0 && n <= MAX_SHARD_NAME && name[0] != '.' && strlen(name) == n;
    for (size_t i = 0; i < n && plain; i++)
        plain = name[i] != '/' && name[i] != '\\' && name[i] != ':' && (unsigned char)name[i] >= 0x20;
    if (plain)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_FORMAT,
                   "%s: weight_map puts tensor %s into '%s'; a plain file name in the same folder is expected", index,
                   shown_tensor, tb_shown(name, n, shown));
}

static timbang_status add_shards(tb_checkpoint *checkpoint, const tb_folder *folder, const json_t *map, tb_error *err)
{
    const char *shards[MAX_SHARDS];
    size_t n_shards = 0;
    const char *tensor;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, tensor, value)
    {
        TB_TRY(check_shard_name(checkpoint->name, tensor, value, err));
        const char *shard = json_string_value(value);
        size_t known = 0;
        while (known < n_shards && strcmp(shards[known], shard) != 0)
            known++;
        if (known < n_shards)
            continue;
        if (n_shards == MAX_SHARDS)
            return tb_fail(err, TIMBANG_FORMAT, "%s: weight_map names more than %d files", checkpoint->name,
                           MAX_SHARDS);
        if (!tb_folder_has(folder, shard))
            return tb_fail(err, TIMBANG_NOT_FOUND, "%s: the shard %s is missing in %s", checkpoint->name, shard,
                           tb_folder_name(folder));
        shards[n_shards++] = shard;
    }
    for (size_t i = 0; i < n_shards; i++) {
        tb_source *source = NULL;
        TB_TRY(tb_folder_source(folder, shards[i], &source, err));
        TB_TRY(add_file(checkpoint, source, map, shards[i], err));
    }
    return TIMBANG_OK;
}

static timbang_status check_all_mapped(const tb_checkpoint *checkpoint, const json_t *map, tb_error *err)
{
    const char *tensor;
    json_t *value;
    char shown[TB_SHOWN];
    json_object_foreach((json_t *)(uintptr_t)map, tensor, value)
    {
        if (!tb_checkpoint_find(checkpoint, tensor))
            return tb_fail(err, TIMBANG_FORMAT, "%s: weight_map puts tensor %s into %s, which does not hold it",
                           checkpoint->name, tb_shown(tensor, strlen(tensor), shown), json_string_value(value));
    }
    return TIMBANG_OK;
}

static timbang_status open_index(const tb_folder *folder, const char *name, const json_t *index,
                                 tb_checkpoint **checkpoint, tb_error *err)
{
    const json_t *map = json_object_get(index, "weight_map");
    if (!json_is_object(map))
        return tb_fail(err, TIMBANG_FORMAT, "%s: has no weight_map {tensor: file}", name);
    if (json_object_size(map) > TB_MAX_TENSORS)
        return tb_fail(err, TIMBANG_FORMAT, "%s: weight_map names %zu tensors; at most %d are read", name,
                       json_object_size(map), TB_MAX_TENSORS);
    tb_checkpoint *made = NULL;
    TB_TRY(tb_store_new(name, "safetensors", &made, err));
    timbang_status status = add_shards(made, folder, map, err);
    if (status == TIMBANG_OK)
        status = tb_store_seal(made, err);
    if (status == TIMBANG_OK)
        status = check_all_mapped(made, map, err);
    if (status != TIMBANG_OK) {
        tb_checkpoint_close(made);
        return status;
    }
    *checkpoint = made;
    return TIMBANG_OK;
}

timbang_status tb_safetensors_open_index(const tb_folder *folder, const char *file, tb_checkpoint **checkpoint,
                                         tb_error *err)
{
    char *name = tb_path_join(tb_folder_name(folder), file, err), *bytes = NULL;
    size_t size = 0;
    json_t *index = NULL;
    if (!name)
        return err->status;
    timbang_status status = tb_folder_read(folder, file, MAX_INDEX_BYTES, &bytes, &size, err);
    if (status == TIMBANG_OK)
        status = tb_json_parse(name, bytes, size, TB_JSON_REJECT_DUPLICATES, &index, err);
    if (status == TIMBANG_OK)
        status = open_index(folder, name, index, checkpoint, err);
    json_decref(index);
    free(bytes);
    free(name);
    return status;
}
