/* Tests of formats/weights_pack.c: the packing of compressed-tensors, entries, and what is written. */
#include "../quant/quant_help.h"

static void packs_as_compressed_tensors(void **state)
{
    (void)state;
    json_t *root, *cases = quant_golden("packing", &root);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        size_t rows = golden_size(one, "rows"), columns = golden_size(one, "columns");
        int bits = (int)golden_size(one, "bits");
        size_t bytes = tb_packed_row_bytes(columns, bits);
        assert_int_equal(bytes / 4 * rows, json_array_size(json_object_get(one, "words")));
        for (size_t r = 0; r < rows; r++) {
            int8_t q[64], back[64];
            uint8_t packed[64];
            for (size_t c = 0; c < columns; c++)
                q[c] = (int8_t)golden_number(one, "q", r * columns + c);
            tb_pack_row(q, columns, bits, packed);
            for (size_t k = 0; k < bytes / 4; k++) {
                int32_t word;
                memcpy(&word, packed + 4 * k, 4);
                assert_int_equal(word, (int32_t)golden_number(one, "words", r * (bytes / 4) + k));
            }
            tb_unpack_row(packed, columns, bits, back);
            assert_memory_equal(q, back, columns);
        }
    }
    json_decref(root);
}

static void names_its_entries(void **state)
{
    (void)state;
    static const struct {
        tb_weight weight;
        size_t n;
        const char *names[3];
        tb_dtype dtypes[3];
        uint64_t bytes[3];
    } cases[] = {
        {{.kind = TB_WEIGHT_F32, .rows = 3, .columns = 5}, 1, {"a.b.weight"}, {TB_F32}, {60}},
        {{.kind = TB_WEIGHT_F16, .rows = 3, .columns = 5}, 1, {"a.b.weight"}, {TB_F16}, {30}},
        {{.kind = TB_WEIGHT_BF16, .rows = 3, .columns = 5}, 1, {"a.b.weight"}, {TB_BF16}, {30}},
        {{.kind = TB_WEIGHT_S8, .rows = 3, .columns = 5},
         2,
         {"a.b.weight", "a.b.weight_scale"},
         {TB_I8, TB_F32},
         {15, 12}},
        {{.kind = TB_WEIGHT_S8, .rows = 3, .columns = 5, .per_tensor = true},
         2,
         {"a.b.weight", "a.b.weight_scale"},
         {TB_I8, TB_F32},
         {15, 4}},
        {{.kind = TB_WEIGHT_S4, .rows = 3, .columns = 64, .group = 32},
         3,
         {"a.b.weight_packed", "a.b.weight_scale", "a.b.weight_shape"},
         {TB_I32, TB_F32, TB_I64},
         {96, 24, 16}},
        {{.kind = TB_WEIGHT_S4_ROW, .rows = 3, .columns = 9},
         3,
         {"a.b.weight_packed", "a.b.weight_scale", "a.b.weight_shape"},
         {TB_I32, TB_F32, TB_I64},
         {24, 12, 16}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_error err = {0};
        tb_arena *arena;
        tb_tensor entries[3];
        size_t n;
        assert_ok(tb_arena_create(4096, &arena, &err), &err);
        assert_ok(tb_weight_entries(&cases[i].weight, "a.b", arena, entries, &n, &err), &err);
        assert_int_equal(n, cases[i].n);
        for (size_t k = 0; k < n; k++) {
            assert_string_equal(entries[k].name, cases[i].names[k]);
            assert_int_equal(entries[k].dtype, cases[i].dtypes[k]);
            assert_int_equal(entries[k].bytes, cases[i].bytes[k]);
        }
        tb_arena_free(arena);
    }
    tb_weight huge = {.kind = TB_WEIGHT_F32, .rows = SIZE_MAX / 2, .columns = SIZE_MAX / 2};
    tb_error err = {0};
    tb_arena *arena;
    tb_tensor entries[3];
    size_t n;
    assert_ok(tb_arena_create(4096, &arena, &err), &err);
    assert_refused("huge", tb_weight_entries(&huge, "a.b", arena, entries, &n, &err), &err, TIMBANG_UNSUPPORTED,
                   "too many");
    tb_arena_free(arena);
}

/* A weight written and read again is the same weight. */
static void comes_back(tb_weight *w, const char *config)
{
    tb_error err = {0};
    tb_arena *arena;
    tb_tensor entries[3];
    size_t n;
    timbang_status status;
    char *dir = make_temp(), *path = tb_path_join(dir, "model.safetensors", &err);
    tb_safetensors_writer *writer;
    assert_ok(tb_arena_create(4096, &arena, &err), &err);
    assert_ok(tb_weight_entries(w, "classifier", arena, entries, &n, &err), &err);
    assert_ok(tb_safetensors_create(path, entries, n, &writer, &err), &err);
    assert_ok(tb_weight_write(w, writer, &err), &err);
    assert_ok(tb_safetensors_commit(writer, &err), &err);
    tb_quant_map *map = read_map(config, &status, &err);
    assert_non_null(map);
    tb_state_dict *state = open_state(dir);
    tb_weight back;
    assert_ok(tb_weight_load(state, map, "classifier", "Linear", w->rows, w->columns, true, &back, &err), &err);
    assert_int_equal(back.kind, w->kind);
    assert_int_equal(back.per_tensor, w->per_tensor);
    size_t values = w->rows * w->columns;
    if (w->q) {
        assert_memory_equal(back.q, w->q, values);
        assert_memory_equal(back.scale, w->scale, w->rows * sizeof(float));
    }
    if (w->multiplier) {
        assert_int_equal(back.group, w->group);
        assert_memory_equal(back.multiplier, w->multiplier, values / w->group);
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += entries[i].bytes;
    assert_int_equal(back.file_bytes, bytes);
    tb_weight_free(&back);
    tb_weight_free(w);
    tb_state_dict_close(state);
    tb_quant_map_free(map);
    tb_arena_free(arena);
    free(path);
    drop_temp(dir);
}

static tb_weight random_weight(tb_weight_kind kind, size_t rows, size_t columns, size_t group, uint64_t *seed)
{
    tb_error err = {0};
    tb_weight w = {.kind = kind, .rows = rows, .columns = columns, .group = group};
    w.q = tb_calloc(rows, columns, &err);
    w.scale = tb_calloc(rows, sizeof(float), &err);
    for (size_t i = 0; i < rows * columns; i++)
        w.q[i] =
            (int8_t)(kind == TB_WEIGHT_S8 ? (int)(test_random(seed) % 256) - 128 : (int)(test_random(seed) % 16) - 8);
    for (size_t r = 0; r < rows; r++) { /* 20 significant bits at any magnitude, denormal ones included */
        float magnitude = r % 3 == 0 ? 0x1p-149f : r % 3 == 1 ? 0x1p-30f : 0x1p60f;
        w.scale[r] = (float)(test_random(seed) % (1u << 20) + 1) * magnitude;
    }
    if (kind == TB_WEIGHT_S4) {
        size_t groups = columns / group;
        w.multiplier = tb_calloc(rows, groups, &err);
        for (size_t i = 0; i < rows * groups; i++)
            w.multiplier[i] = (uint8_t)(test_random(seed) % 15 + 1);
        for (size_t r = 0; r < rows; r++) /* greatest common divisor 1 */
            w.multiplier[r * groups + test_random(seed) % groups] = 1;
    }
    return w;
}

static void round_trips_exactly(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (size_t i = 0; i < 12; i++) {
        size_t group = (size_t)32 << (i % 3);
        tb_weight two = random_weight(TB_WEIGHT_S4, 1 + i % 7, group * (1 + i % 5), group, &seed);
        const char *const configs[] = {
            TEST_CONFIG(
                "\"g\":{\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":4,\"strategy\":\"group\",\"group_size\":"
                "32},\"input_activations\":" TEST_TOKEN ",\"format\":\"pack-quantized\"}"),
            TEST_CONFIG(
                "\"g\":{\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":4,\"strategy\":\"group\",\"group_size\":"
                "64},\"input_activations\":" TEST_TOKEN ",\"format\":\"pack-quantized\"}"),
            TEST_CONFIG(
                "\"g\":{\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":4,\"strategy\":\"group\",\"group_size\":"
                "128},\"input_activations\":" TEST_TOKEN ",\"format\":\"pack-quantized\"}")};
        comes_back(&two, configs[i % 3]);
    }
    tb_weight s8 = random_weight(TB_WEIGHT_S8, 7, 33, 0, &seed);
    comes_back(&s8, TEST_CONFIG("\"g\":{\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":8,\"strategy\":\"channel\"},"
                                "\"input_activations\":" TEST_TOKEN ",\"format\":\"int-quantized\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_as_compressed_tensors),
        cmocka_unit_test(names_its_entries),
        cmocka_unit_test(round_trips_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
