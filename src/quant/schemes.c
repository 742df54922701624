/* Schemes by name: what each means for linears, head, embeddings and activations.
 * Includes: base, formats/weights.h. Called by: quant, study, api. */
#include "quant/schemes.h"

#include "base/text.h"

#include <string.h>

static const char *const names[] = {"fp32",           "fp16",           "bf16",    "int8",        "int4",
                                    "int4-g64",       "int4-g128",      "int4-e4", "int4-g64-e4", "int4-g128-e4",
                                    "int8-pertensor", "int4-pertensor", NULL};

const char *const *tb_scheme_names(void)
{
    return names;
}

bool tb_scheme_is_float(const tb_scheme *scheme)
{
    return scheme->linear == TB_WEIGHT_F32 || scheme->linear == TB_WEIGHT_F16 || scheme->linear == TB_WEIGHT_BF16;
}

/* What the name's first word says, without suffixes. */
static const tb_scheme bases[] = {
    {"fp32", TB_WEIGHT_F32, TB_WEIGHT_F32, TB_ACT_FLOAT, false, 0, TB_EMB_FLOAT, TB_EMB_FLOAT},
    {"fp16", TB_WEIGHT_F16, TB_WEIGHT_F16, TB_ACT_FLOAT, false, 0, TB_EMB_F16, TB_EMB_F16},
    {"bf16", TB_WEIGHT_BF16, TB_WEIGHT_BF16, TB_ACT_FLOAT, false, 0, TB_EMB_BF16, TB_EMB_BF16},
    {"int8-pertensor", TB_WEIGHT_S8, TB_WEIGHT_S8, TB_ACT_U8_TEXT_7BIT, true, 0, TB_EMB_FLOAT, TB_EMB_FLOAT},
    {"int4-pertensor", TB_WEIGHT_S4_ROW, TB_WEIGHT_S4_ROW, TB_ACT_FLOAT, true, 0, TB_EMB_FLOAT, TB_EMB_FLOAT},
    {"int8", TB_WEIGHT_S8, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, false, 0, TB_EMB_S8, TB_EMB_S8},
    {"int4", TB_WEIGHT_S4, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, false, 32, TB_EMB_S8, TB_EMB_S8},
};

/* Takes prefix off *text where it ends there or a '-' follows. */
static bool take(const char **text, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(*text, prefix, n) != 0 || ((*text)[n] != 0 && (*text)[n] != '-'))
        return false;
    *text += n;
    return true;
}

static timbang_status unknown(const char *name, tb_error *err)
{
    size_t n = sizeof names / sizeof *names - 1;
    int closest = tb_closest(name, names, n);
    tb_text list = {0};
    for (size_t i = 0; i < n; i++)
        tb_text_printf(&list, "%s%s", i ? ", " : "", names[i]);
    if (tb_text_finish(&list, err) == TIMBANG_OK)
        tb_fail(err, TIMBANG_USAGE, "unknown scheme '%.60s'%s%s%s; schemes are %s", name,
                closest >= 0 ? ": did you mean '" : "", closest >= 0 ? names[closest] : "", closest >= 0 ? "'?" : "",
                list.data);
    tb_text_free(&list);
    return err->status;
}

static void set_embeddings(tb_scheme *scheme, tb_embedding_format format)
{
    scheme->word_embeddings = format;
    scheme->other_embeddings = format == TB_EMB_S4 ? TB_EMB_S8 : format; /* positions do not bear 4 bits */
}

static bool parse_suffixes(const char *rest, tb_scheme *scheme, bool *has_group, bool *has_embeddings)
{
    static const struct {
        const char *suffix;
        size_t group;
    } groups[] = {{"-g32", 32}, {"-g64", 64}, {"-g128", 128}};
    static const struct {
        const char *suffix;
        tb_embedding_format format;
    } embeddings[] = {{"-e4", TB_EMB_S4}, {"-e8", TB_EMB_S8}, {"-ef", TB_EMB_FLOAT}};
    for (size_t i = 0; i < 3 && scheme->linear == TB_WEIGHT_S4 && !*has_group; i++) {
        *has_group = take(&rest, groups[i].suffix);
        if (*has_group)
            scheme->group = groups[i].group;
    }
    for (size_t i = 0; i < 3 && !tb_scheme_is_float(scheme) && !*has_embeddings; i++) {
        *has_embeddings = take(&rest, embeddings[i].suffix);
        if (*has_embeddings)
            set_embeddings(scheme, embeddings[i].format);
    }
    return *rest == 0;
}

static timbang_status apply_group(const char *name, int group, bool named, tb_scheme *scheme, tb_error *err)
{
    if (group == 0)
        return TIMBANG_OK;
    if (scheme->linear != TB_WEIGHT_S4)
        return tb_fail(err, TIMBANG_USAGE, "a group is for int4, not for %s; leave it out", name);
    if (group != 32 && group != 64 && group != 128)
        return tb_fail(err, TIMBANG_USAGE, "group %d: must be 32, 64 or 128", group);
    if (named && (size_t)group != scheme->group)
        return tb_fail(err, TIMBANG_USAGE, "group %d contradicts the scheme %s", group, name);
    scheme->group = (size_t)group;
    return TIMBANG_OK;
}

static timbang_status apply_embeddings(const char *name, const char *embeddings, bool named, tb_scheme *scheme,
                                       tb_error *err)
{
    static const char *const words[] = {"keep", "int8", "int4"};
    static const tb_embedding_format formats[] = {TB_EMB_FLOAT, TB_EMB_S8, TB_EMB_S4};
    if (!embeddings)
        return TIMBANG_OK;
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(embeddings, words[i]) != 0)
            continue;
        if (tb_scheme_is_float(scheme))
            return tb_fail(err, TIMBANG_USAGE, "embeddings are chosen for integer schemes, not for %s; leave it out",
                           name);
        if (named && formats[i] != scheme->word_embeddings)
            return tb_fail(err, TIMBANG_USAGE, "embeddings '%s' contradict the scheme %s", embeddings, name);
        set_embeddings(scheme, formats[i]);
        return TIMBANG_OK;
    }
    return tb_fail(err, TIMBANG_USAGE, "embeddings '%.60s': must be keep, int8 or int4", embeddings);
}

static void canonical_name(const tb_scheme *base, tb_scheme *scheme)
{
    const char *group = "";
    if (scheme->group != base->group)
        group = scheme->group == 64 ? "-g64" : "-g128";
    const char *embeddings = "";
    if (scheme->word_embeddings != base->word_embeddings)
        embeddings = scheme->word_embeddings == TB_EMB_S4   ? "-e4"
                     : scheme->word_embeddings == TB_EMB_S8 ? "-e8"
                                                            : "-ef";
    char name[64] = "";
    snprintf(name, sizeof name, "%s%s%s", base->name, group, embeddings);
    memcpy(scheme->name, name, sizeof scheme->name - 1); /* the longest is "int4-pertensor-e4" */
}

timbang_status tb_scheme_parse(const char *name, int group, const char *embeddings, tb_scheme *scheme, tb_error *err)
{
    const char *rest = name;
    const tb_scheme *base = NULL;
    for (size_t i = 0; i < sizeof bases / sizeof *bases && !base; i++) {
        if (take(&rest, bases[i].name))
            base = &bases[i];
    }
    if (!base)
        return unknown(name, err);
    tb_scheme made = *base;
    bool has_group = false, has_embeddings = false;
    if (!parse_suffixes(rest, &made, &has_group, &has_embeddings))
        return unknown(name, err);
    TB_TRY(apply_group(name, group, has_group, &made, err));
    TB_TRY(apply_embeddings(name, embeddings, has_embeddings, &made, err));
    canonical_name(base, &made);
    *scheme = made;
    return TIMBANG_OK;
}
