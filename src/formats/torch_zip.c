/* The container of torch.save since 1.6: a zip archive with NAME/data.pkl and a stored record NAME/data/KEY for each
 * storage. Only the central directory is trusted to say where records are; sizes and places are checked against the
 * file. Includes: formats/unpickle.h. Called by: formats/checkpoint.c. */
#include "formats/unpickle.h"

#include <stdlib.h>
#include <string.h>

enum {
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    MAX_DIRECTORY_BYTES = 64 << 20
};

struct record {
    const char *name;      /* zero-terminated, in the arena */
    uint64_t size, header; /* bytes of data; offset of the local header */
    uint16_t method, flags;
};

struct zip {
    const tb_source *source;
    const char *file;
    tb_arena *arena;
    struct record *records; /* sorted by name */
    size_t n;
    uint64_t directory, directory_bytes; /* place of the central directory: all data end before it */
};

static uint64_t get(const unsigned char *bytes, int width)
{
    uint64_t value = 0;
    for (int i = width - 1; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static timbang_status bad_zip(const struct zip *zip, const char *what, tb_error *err)
{
    return tb_fail(err, TIMBANG_FORMAT, "%s: the zip archive is malformed: %s", zip->file, what);
}

/* ---- The end record and the central directory ---- */

/* Zip64 moves the counts to a record of its own; its locator stands right before the end record. */
static timbang_status read_end64(struct zip *zip, uint64_t end_at, uint64_t *count, tb_error *err)
{
    unsigned char locator[LOCATOR_BYTES], end64[END64_BYTES];
    if (end_at < LOCATOR_BYTES)
        return bad_zip(zip, "the zip64 locator is missing", err);
    TB_TRY(tb_source_read(zip->source, end_at - LOCATOR_BYTES, locator, sizeof locator, err));
    uint64_t at = get(locator + 8, 8), past;
    if (memcmp(locator, "PK\x06\x07", 4) != 0)
        return bad_zip(zip, "the zip64 locator is missing", err);
    if (!tb_add_u64(at, END64_BYTES, &past) || past > end_at - LOCATOR_BYTES)
        return bad_zip(zip, "the zip64 end record lies outside the file", err);
    TB_TRY(tb_source_read(zip->source, at, end64, sizeof end64, err));
    if (memcmp(end64, "PK\x06\x06", 4) != 0)
        return bad_zip(zip, "the zip64 end record is missing", err);
    if (get(end64 + 16, 4) != 0 || get(end64 + 20, 4) != 0)
        return bad_zip(zip, "it is one part of several", err);
    *count = get(end64 + 32, 8);
    zip->directory_bytes = get(end64 + 40, 8);
    zip->directory = get(end64 + 48, 8);
    return TIMBANG_OK;
}

/* The end record is the last thing in the file but for a comment of up to 65535 bytes. */
static timbang_status read_end(struct zip *zip, uint64_t *count, tb_error *err)
{
    uint64_t size = tb_source_size(zip->source);
    size_t tail = size < END_BYTES + 65535 ? (size_t)size : END_BYTES + 65535;
    unsigned char *bytes = tb_calloc(tail, 1, err);
    if (!bytes)
        return err->status;
    timbang_status status = tb_source_read(zip->source, size - tail, bytes, tail, err);
    if (status != TIMBANG_OK) {
        free(bytes);
        return status;
    }
    size_t at = tail >= END_BYTES ? tail - END_BYTES + 1 : 0;
    bool found = false;
    while (!found && at-- > 0)
        found = memcmp(bytes + at, "PK\x05\x06", 4) == 0 && at + END_BYTES + get(bytes + at + 20, 2) == tail;
    unsigned char end[END_BYTES] = {0};
    if (found)
        memcpy(end, bytes + at, END_BYTES);
    free(bytes);
    if (!found)
        return tb_fail(err, TIMBANG_FORMAT,
                       "%s: is truncated: it begins like a PyTorch zip archive, but the end record is missing",
                       zip->file);
    uint64_t end_at = size - tail + at;
    *count = get(end + 10, 2);
    zip->directory_bytes = get(end + 12, 4);
    zip->directory = get(end + 16, 4);
    if (*count == 0xffff || zip->directory_bytes == 0xffffffff || zip->directory == 0xffffffff)
        TB_TRY(read_end64(zip, end_at, count, err));
    else if (get(end + 4, 2) != 0 || get(end + 6, 2) != 0)
        return bad_zip(zip, "it is one part of several", err);
    uint64_t past;
    if (!tb_add_u64(zip->directory, zip->directory_bytes, &past) || past > end_at)
        return bad_zip(zip, "the central directory lies outside the file", err);
    if (zip->directory_bytes > MAX_DIRECTORY_BYTES || *count > zip->directory_bytes / ENTRY_BYTES)
        return bad_zip(zip, "the central directory is too large, or too small for its records", err);
    return TIMBANG_OK;
}

/* Sizes and places of 0xffffffff stand in the zip64 field, in this order. */
static bool read_extra64(const unsigned char *extra, size_t length, uint64_t *size, uint64_t *packed, uint64_t *header)
{
    uint64_t *wanted[3] = {size, packed, header};
    for (size_t at = 0; at + 4 <= length;) {
        size_t id = (size_t)get(extra + at, 2), bytes = (size_t)get(extra + at + 2, 2);
        at += 4;
        if (bytes > length - at)
            return false;
        if (id == 1) {
            size_t used = 0;
            for (int i = 0; i < 3; i++) {
                if (*wanted[i] != 0xffffffff)
                    continue;
                if (used + 8 > bytes)
                    return false;
                *wanted[i] = get(extra + at + used, 8);
                used += 8;
            }
            return true;
        }
        at += bytes;
    }
    return *size != 0xffffffff && *packed != 0xffffffff && *header != 0xffffffff;
}

static timbang_status parse_record(struct zip *zip, const unsigned char *bytes, size_t left, struct record *record,
                                   size_t *used, tb_error *err)
{
    char shown[TB_SHOWN];
    if (left < ENTRY_BYTES || memcmp(bytes, "PK\x01\x02", 4) != 0)
        return bad_zip(zip, "a record of the central directory is missing", err);
    size_t name_length = (size_t)get(bytes + 28, 2), extra = (size_t)get(bytes + 30, 2);
    size_t comment = (size_t)get(bytes + 32, 2), total = ENTRY_BYTES + name_length + extra + comment;
    if (total > left)
        return bad_zip(zip, "a record of the central directory is cut short", err);
    const char *name = (const char *)bytes + ENTRY_BYTES;
    if (name_length == 0 || memchr(name, 0, name_length))
        return bad_zip(zip, "a record has no proper name", err);
    uint64_t packed = get(bytes + 20, 4);
    *record = (struct record){.flags = (uint16_t)get(bytes + 8, 2),
                              .method = (uint16_t)get(bytes + 10, 2),
                              .size = get(bytes + 24, 4),
                              .header = get(bytes + 42, 4)};
    if ((record->size == 0xffffffff || packed == 0xffffffff || record->header == 0xffffffff) &&
        !read_extra64(bytes + ENTRY_BYTES + name_length, extra, &record->size, &packed, &record->header))
        return bad_zip(zip, "a record's zip64 field is malformed", err);
    if (record->method == 0 && packed != record->size)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the stored record %s has two different sizes, %llu and %llu",
                       zip->file, tb_shown(name, name_length, shown), (unsigned long long)packed,
                       (unsigned long long)record->size);
    record->name = tb_arena_strndup(zip->arena, name, name_length, err);
    if (!record->name)
        return err->status;
    *used = total;
    return TIMBANG_OK;
}

static int compare_records(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static timbang_status parse_directory(struct zip *zip, const unsigned char *bytes, uint64_t count, tb_error *err)
{
    size_t at = 0, size = (size_t)zip->directory_bytes;
    for (uint64_t i = 0; i < count; i++) {
        size_t used = 0;
        TB_TRY(parse_record(zip, bytes + at, size - at, &zip->records[zip->n], &used, err));
        zip->n++;
        at += used;
    }
    if (zip->n)
        qsort(zip->records, zip->n, sizeof *zip->records, compare_records);
    char shown[TB_SHOWN];
    for (size_t i = 1; i < zip->n; i++)
        if (strcmp(zip->records[i - 1].name, zip->records[i].name) == 0)
            return tb_fail(err, TIMBANG_FORMAT, "%s: the zip archive holds %s twice", zip->file,
                           tb_shown(zip->records[i].name, strlen(zip->records[i].name), shown));
    return TIMBANG_OK;
}

static timbang_status read_directory(struct zip *zip, tb_error *err)
{
    uint64_t count = 0;
    TB_TRY(read_end(zip, &count, err));
    zip->records = tb_calloc((size_t)count, sizeof *zip->records, err);
    unsigned char *bytes = zip->records ? tb_calloc((size_t)zip->directory_bytes, 1, err) : NULL;
    if (!bytes)
        return err->status;
    timbang_status status = tb_source_read(zip->source, zip->directory, bytes, (size_t)zip->directory_bytes, err);
    if (status == TIMBANG_OK)
        status = parse_directory(zip, bytes, count, err);
    free(bytes);
    return status;
}

/* ---- Records ---- */

static const struct record *find_record(const struct zip *zip, const char *name)
{
    struct record key = {.name = name};
    return zip->n ? bsearch(&key, zip->records, zip->n, sizeof *zip->records, compare_records) : NULL;
}

/* Where the data of a record begin. Compressed and encrypted records are refused by name. */
static timbang_status locate(const struct zip *zip, const struct record *record, uint64_t *begin, tb_error *err)
{
    char shown[TB_SHOWN];
    tb_shown(record->name, strlen(record->name), shown);
    if (record->flags & 1)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: the record %s is encrypted", zip->file, shown);
    if (record->method != 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: the record %s is compressed (method %u); PyTorch stores its records as they are: save the "
                       "file again with torch.save",
                       zip->file, shown, (unsigned)record->method);
    unsigned char local[LOCAL_BYTES];
    uint64_t at, end;
    if (!tb_add_u64(record->header, LOCAL_BYTES, &at) || at > zip->directory)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the record %s lies outside the file", zip->file, shown);
    TB_TRY(tb_source_read(zip->source, record->header, local, sizeof local, err));
    if (memcmp(local, "PK\x03\x04", 4) != 0)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the record %s is not where the central directory says", zip->file,
                       shown);
    at += get(local + 26, 2) + get(local + 28, 2);
    if (!tb_add_u64(at, record->size, &end) || end > zip->directory)
        return tb_fail(err, TIMBANG_FORMAT, "%s: is truncated: the record %s of %llu bytes lies outside the file",
                       zip->file, shown, (unsigned long long)record->size);
    *begin = at;
    return TIMBANG_OK;
}

/* NAME of the one record NAME/data.pkl. */
static timbang_status find_pickle(const struct zip *zip, const struct record **pickle, char **prefix, tb_error *err)
{
    static const char tail[] = "/data.pkl";
    *pickle = NULL;
    for (size_t i = 0; i < zip->n; i++) {
        const char *slash = strchr(zip->records[i].name, '/');
        if (!slash || strcmp(slash, tail) != 0)
            continue;
        if (*pickle)
            return bad_zip(zip, "it holds two data.pkl", err);
        *pickle = &zip->records[i];
    }
    if (!*pickle)
        return tb_fail(err, TIMBANG_FORMAT, "%s: is a zip archive without NAME/data.pkl, so not a PyTorch checkpoint",
                       zip->file);
    *prefix = tb_strndup((*pickle)->name, strlen((*pickle)->name) - strlen(tail), err);
    return *prefix ? TIMBANG_OK : err->status;
}

/* PREFIX/name, or NULL. */
static timbang_status find_in(const struct zip *zip, const char *prefix, const char *name, const struct record **record,
                              tb_error *err)
{
    char *path = tb_path_join(prefix, name, err);
    if (!path)
        return err->status;
    *record = find_record(zip, path);
    free(path);
    return TIMBANG_OK;
}

static timbang_status check_kind(const struct zip *zip, const char *prefix, tb_error *err)
{
    const struct record *script = NULL, *order = NULL;
    TB_TRY(find_in(zip, prefix, "constants.pkl", &script, err));
    if (script)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: is a TorchScript archive; save the weights alone: torch.save(model.state_dict(), ...)",
                       zip->file);
    TB_TRY(find_in(zip, prefix, "byteorder", &order, err));
    if (!order)
        return TIMBANG_OK;
    char text[7] = {0};
    uint64_t begin;
    TB_TRY(locate(zip, order, &begin, err));
    if (order->size < sizeof text)
        TB_TRY(tb_source_read(zip->source, begin, text, (size_t)order->size, err));
    if (strcmp(text, "little") == 0)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_UNSUPPORTED,
                   "%s: its byte order is not little-endian; save it again on a little-endian machine", zip->file);
}

static timbang_status place_storages(const struct zip *zip, const char *prefix, const tb_pickle_heap *heap,
                                     tb_error *err)
{
    for (tb_storage *storage = heap->storages; storage; storage = storage->next) {
        char name[80] = "data/";
        strncat(name, storage->key, sizeof name - 6); /* keys have at most 64 bytes */
        const struct record *record = NULL;
        uint64_t bytes;
        TB_TRY(find_in(zip, prefix, name, &record, err));
        if (!record)
            return tb_fail(err, TIMBANG_FORMAT, "%s: the record %s/%s is missing", zip->file, prefix, name);
        TB_TRY(locate(zip, record, &storage->begin, err));
        if (!tb_mul_u64(storage->numel, tb_dtype_bytes(storage->dtype), &bytes) || bytes != record->size)
            return tb_fail(err, TIMBANG_FORMAT, "%s: the record %s has %llu bytes; %llu elements of %s are expected",
                           zip->file, record->name, (unsigned long long)record->size,
                           (unsigned long long)storage->numel, tb_dtype_name(storage->dtype));
        storage->placed = true;
    }
    return TIMBANG_OK;
}

static timbang_status read_archive(struct zip *zip, const char *prefix, const struct record *pickle,
                                   tb_checkpoint *checkpoint, tb_error *err)
{
    tb_pickle_heap heap;
    tb_value *root = NULL;
    uint64_t begin, end;
    TB_TRY(check_kind(zip, prefix, err));
    TB_TRY(locate(zip, pickle, &begin, err));
    if (pickle->size > TB_PICKLE_MAX_BYTES)
        return tb_fail(err, TIMBANG_FORMAT, "%s: data.pkl has %llu bytes; at most %d are read", zip->file,
                       (unsigned long long)pickle->size, TB_PICKLE_MAX_BYTES);
    TB_TRY(tb_pickle_heap_init(&heap, zip->file, err));
    timbang_status status = tb_unpickle(&heap, zip->source, begin, begin + pickle->size, &root, &end, err);
    if (status == TIMBANG_OK)
        status = place_storages(zip, prefix, &heap, err);
    if (status == TIMBANG_OK)
        status = tb_torch_add_tensors(checkpoint, zip->source, root, err);
    tb_pickle_heap_free(&heap);
    return status;
}

static timbang_status read_zip(struct zip *zip, tb_checkpoint *checkpoint, tb_error *err)
{
    const struct record *pickle = NULL;
    char *prefix = NULL;
    TB_TRY(tb_arena_create(0, &zip->arena, err));
    TB_TRY(read_directory(zip, err));
    timbang_status status = find_pickle(zip, &pickle, &prefix, err);
    if (status == TIMBANG_OK)
        status = read_archive(zip, prefix, pickle, checkpoint, err);
    free(prefix);
    return status;
}

timbang_status tb_torch_zip_open(tb_source *source, tb_checkpoint **checkpoint, tb_error *err)
{
    tb_checkpoint *made = NULL;
    if (tb_store_new(tb_source_name(source), "torch-zip", &made, err) != TIMBANG_OK) {
        tb_source_close(source);
        return err->status;
    }
    struct zip zip = {.source = source, .file = made->name};
    timbang_status status = tb_store_add_source(made, source, err);
    if (status == TIMBANG_OK)
        status = read_zip(&zip, made, err);
    if (status == TIMBANG_OK)
        status = tb_store_seal(made, err);
    tb_arena_free(zip.arena);
    free(zip.records);
    if (status != TIMBANG_OK) {
        tb_checkpoint_close(made);
        return status;
    }
    *checkpoint = made;
    return TIMBANG_OK;
}
