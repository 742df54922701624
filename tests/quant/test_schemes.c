/* Tests of quant/schemes.c: names, options, and what they mean. */
#include "quant_help.h"

#include "quant/schemes.h"

static void parses_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int group;
        const char *embeddings, *canonical;
        tb_weight_kind linear, head;
        tb_act_kind act;
        size_t size;
        tb_embedding_format words, others;
    } cases[] = {
        {"fp32", 0, NULL, "fp32", TB_WEIGHT_F32, TB_WEIGHT_F32, TB_ACT_FLOAT, 0, TB_EMB_FLOAT, TB_EMB_FLOAT},
        {"fp16", 0, NULL, "fp16", TB_WEIGHT_F16, TB_WEIGHT_F16, TB_ACT_FLOAT, 0, TB_EMB_F16, TB_EMB_F16},
        {"bf16", 0, NULL, "bf16", TB_WEIGHT_BF16, TB_WEIGHT_BF16, TB_ACT_FLOAT, 0, TB_EMB_BF16, TB_EMB_BF16},
        {"int8", 0, NULL, "int8", TB_WEIGHT_S8, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 0, TB_EMB_S8, TB_EMB_S8},
        {"int8", 0, "keep", "int8-ef", TB_WEIGHT_S8, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 0, TB_EMB_FLOAT, TB_EMB_FLOAT},
        {"int8-e4", 0, "int4", "int8-e4", TB_WEIGHT_S8, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 0, TB_EMB_S4, TB_EMB_S8},
        {"int4", 0, NULL, "int4", TB_WEIGHT_S4, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 32, TB_EMB_S8, TB_EMB_S8},
        {"int4-g32", 0, NULL, "int4", TB_WEIGHT_S4, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 32, TB_EMB_S8, TB_EMB_S8},
        {"int4", 128, "int4", "int4-g128-e4", TB_WEIGHT_S4, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 128, TB_EMB_S4, TB_EMB_S8},
        {"int4-g64-e4", 64, NULL, "int4-g64-e4", TB_WEIGHT_S4, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 64, TB_EMB_S4, TB_EMB_S8},
        {"int4-e8", 0, NULL, "int4", TB_WEIGHT_S4, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 32, TB_EMB_S8, TB_EMB_S8},
        {"int8-pertensor", 0, NULL, "int8-pertensor", TB_WEIGHT_S8, TB_WEIGHT_S8, TB_ACT_U8_TEXT_7BIT, 0, TB_EMB_FLOAT,
         TB_EMB_FLOAT},
        {"int4-pertensor", 0, "int8", "int4-pertensor-e8", TB_WEIGHT_S4_ROW, TB_WEIGHT_S4_ROW, TB_ACT_FLOAT, 0,
         TB_EMB_S8, TB_EMB_S8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_error err = {0};
        tb_scheme s;
        assert_ok(tb_scheme_parse(cases[i].name, cases[i].group, cases[i].embeddings, &s, &err), &err);
        assert_string_equal(s.name, cases[i].canonical);
        assert_int_equal(s.linear, cases[i].linear);
        assert_int_equal(s.head, cases[i].head);
        assert_int_equal(s.act, cases[i].act);
        assert_int_equal(s.group, cases[i].size);
        assert_int_equal(s.word_embeddings, cases[i].words);
        assert_int_equal(s.other_embeddings, cases[i].others);
        assert_int_equal(s.per_tensor, strstr(s.name, "pertensor") != NULL);
        tb_scheme again;
        assert_ok(tb_scheme_parse(s.name, 0, NULL, &again, &err), &err); /* a canonical name is a name */
        assert_string_equal(again.name, s.name);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int group;
        const char *embeddings, *text;
    } cases[] = {{"int5", 0, NULL, "did you mean 'int"},   {"fp16-e4", 0, NULL, "unknown scheme"},
                 {"int8-g32", 0, NULL, "unknown scheme"},  {"int4-g48", 0, NULL, "schemes are fp32, fp16"},
                 {"", 0, NULL, "unknown scheme"},          {"int4-e4-g32", 0, NULL, "unknown scheme"},
                 {"int4x", 0, NULL, "unknown scheme"},     {"int8", 32, NULL, "a group is for int4"},
                 {"int4", 48, NULL, "32, 64 or 128"},      {"int4-g64", 32, NULL, "contradicts"},
                 {"fp16", 0, "int8", "integer schemes"},   {"int4-e4", 0, "keep", "contradict"},
                 {"int4", 0, "int2", "keep, int8 or int4"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_error err = {0};
        tb_scheme s;
        timbang_status status = tb_scheme_parse(cases[i].name, cases[i].group, cases[i].embeddings, &s, &err);
        assert_refused(cases[i].name, status, &err, TIMBANG_USAGE, cases[i].text);
    }
}

static void lists_canonical_names(void **state)
{
    (void)state;
    size_t n = 0;
    for (const char *const *name = tb_scheme_names(); *name; name++, n++) {
        tb_error err = {0};
        tb_scheme s;
        assert_ok(tb_scheme_parse(*name, 0, NULL, &s, &err), &err);
        assert_string_equal(s.name, *name);
    }
    assert_int_equal(n, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_names),
        cmocka_unit_test(refuses),
        cmocka_unit_test(lists_canonical_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
