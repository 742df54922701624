/* The parts of tokenizer.json (the format of the tokenizers library), each checked and named where it is foreign.
 * Includes: text/tokenizer_parts.h, base/json.h. Called by: tokenizer.c. */
#include "text/tokenizer_parts.h"

#include <stdlib.h>

static const char *kind_of(const json_t *value)
{
    const char *type = json_string_value(json_object_get(value, "type"));
    return type ? type : "(unnamed)";
}

static timbang_status member(const json_t *object, const char *where, const char *key, json_type type, json_t **out,
                             tb_error *err)
{
    json_t *value = json_object_get(object, key);
    if (!value || json_typeof(value) != type)
        return tb_fail(err, TIMBANG_FORMAT, "%s: \"%s\" %s %s", where, key,
                       value ? "must be" : "is missing; it must be",
                       type == JSON_OBJECT  ? "an object"
                       : type == JSON_ARRAY ? "an array"
                                            : "a string");
    *out = value;
    return TIMBANG_OK;
}

/* ---- Model ---- */

/* base/json.h reads a NUL in a key as U+10FFFF; this puts it back, in place. */
static size_t restore_nul(char *text, size_t length)
{
    size_t to = 0;
    for (size_t i = 0; i < length; i++) {
        if (length - i >= 4 && memcmp(text + i, "\xf4\x8f\xbf\xbf", 4) == 0) {
            text[to++] = '\0';
            i += 3;
        } else
            text[to++] = text[i];
    }
    return to;
}

static timbang_status check_model(const char *where, const json_t *root, json_t **model, tb_error *err)
{
    TB_TRY(member(root, where, "model", JSON_OBJECT, model, err));
    const char *type = json_string_value(json_object_get(*model, "type"));
    if (!type) /* old files do not name it */
        type = json_object_get(*model, "merges")                     ? "BPE"
               : json_is_array(json_object_get(*model, "vocab"))     ? "Unigram"
               : json_object_get(*model, "max_input_chars_per_word") ? "WordPiece"
                                                                     : "(unnamed)";
    if (strcmp(type, "WordPiece") != 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: the tokenizer model is %s; only WordPiece, as BERT models use it, is supported", where,
                       type);
    return TIMBANG_OK;
}

timbang_status tb_load_vocab_json(tb_vocab *vocab, const char *where, const json_t *root, const tb_vocab_scan *scan,
                                  tb_error *err)
{
    json_t *model = NULL, *words = NULL, *id = NULL;
    TB_TRY(check_model(where, root, &model, err));
    if (scan->n > 0)
        return tb_vocab_build(vocab, where, scan->entries, scan->n, err);
    TB_TRY(member(model, where, "vocab", JSON_OBJECT, &words, err));
    size_t n = json_object_size(words), i = 0;
    tb_arena *copies = NULL;
    tb_trie_entry *entries = tb_calloc(n, sizeof entries[0], err);
    if (!entries)
        return err->status;
    timbang_status status = tb_arena_create(1 << 18, &copies, err);
    for (void *at = json_object_iter(words); at && status == TIMBANG_OK; at = json_object_iter_next(words, at), i++) {
        const char *key = json_object_iter_key(at);
        char *copy = tb_arena_strndup(copies, key, strlen(key), err);
        id = json_object_iter_value(at);
        if (!copy)
            status = err->status;
        else if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > TB_MAX_TOKEN_ID)
            status = tb_fail(err, TIMBANG_FORMAT, "%s: token '%s' has no id that is a whole number from 0 to %d", where,
                             key, TB_MAX_TOKEN_ID);
        else
            entries[i] = (tb_trie_entry){copy, restore_nul(copy, strlen(key)), 0, (int32_t)json_integer_value(id)};
    }
    if (status == TIMBANG_OK)
        status = tb_vocab_build(vocab, where, entries, n, err);
    tb_arena_free(copies);
    free(entries);
    return status;
}

timbang_status tb_load_wordpiece(tb_tokenizer *tokenizer, const char *where, const json_t *root, tb_error *err)
{
    json_t *model = NULL, *unk = NULL, *prefix = NULL;
    uint64_t most = 100;
    TB_TRY(check_model(where, root, &model, err));
    TB_TRY(member(model, where, "unk_token", JSON_STRING, &unk, err));
    TB_TRY(member(model, where, "continuing_subword_prefix", JSON_STRING, &prefix, err));
    TB_TRY(tb_json_get_u64(model, where, "max_input_chars_per_word", true, 0, UINT64_MAX, &most, err));
    return tb_set_wordpiece(tokenizer, where, json_string_value(unk), json_string_length(unk),
                            json_string_value(prefix), json_string_length(prefix), most, err);
}

/* ---- Normalizer and pre-tokenizer ---- */

timbang_status tb_load_normalizer(tb_normalizer *normalizer, const char *where, const json_t *root, tb_error *err)
{
    const json_t *value = json_object_get(root, "normalizer");
    *normalizer = (tb_normalizer){false, false, false, false};
    if (!value || json_is_null(value))
        return TIMBANG_OK;
    const char *kind = kind_of(value);
    const json_t *steps = json_object_get(value, "normalizers");
    if (strcmp(kind, "Sequence") == 0 && json_is_array(steps) && json_array_size(steps) <= 1) {
        if (json_array_size(steps) == 0)
            return TIMBANG_OK;
        value = json_array_get(steps, 0);
        kind = kind_of(value);
    }
    if (strcmp(kind, "Lowercase") == 0) {
        normalizer->lowercase = true;
        return TIMBANG_OK;
    }
    if (strcmp(kind, "BertNormalizer") != 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: the normalizer %s is not supported; BertNormalizer, Lowercase or none is", where, kind);
    TB_TRY(tb_json_get_bool(value, where, "clean_text", true, &normalizer->clean_text, err));
    TB_TRY(tb_json_get_bool(value, where, "handle_chinese_chars", true, &normalizer->chinese, err));
    TB_TRY(tb_json_get_bool(value, where, "lowercase", true, &normalizer->lowercase, err));
    normalizer->strip_accents = normalizer->lowercase; /* unless it is stated */
    return tb_json_get_bool(value, where, "strip_accents", false, &normalizer->strip_accents, err);
}

timbang_status tb_load_split(tb_split *split, const char *where, const json_t *root, tb_error *err)
{
    const json_t *value = json_object_get(root, "pre_tokenizer");
    const char *kind = kind_of(value);
    if (!value || json_is_null(value))
        *split = TB_SPLIT_NONE;
    else if (strcmp(kind, "BertPreTokenizer") == 0)
        *split = TB_SPLIT_BERT;
    else if (strcmp(kind, "Whitespace") == 0)
        *split = TB_SPLIT_WORDS;
    else if (strcmp(kind, "WhitespaceSplit") == 0)
        *split = TB_SPLIT_SPACES;
    else
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: the pre-tokenizer %s is not supported; BertPreTokenizer, Whitespace, WhitespaceSplit or "
                       "none is",
                       where, kind);
    return TIMBANG_OK;
}

/* ---- Post-processor ---- */

static timbang_status type_id_of(const json_t *object, const char *where, int32_t *type_id, tb_error *err)
{
    uint64_t value = 0;
    TB_TRY(tb_json_get_u64(object, where, "type_id", true, 0, INT32_MAX, &value, err));
    *type_id = (int32_t)value;
    return TIMBANG_OK;
}

/* A special token of a template stands for one id or several. */
static timbang_status add_special(tb_template *template, const char *where, const json_t *specials, const char *name,
                                  int32_t type_id, tb_error *err)
{
    const json_t *ids = json_object_get(json_object_get(specials, name), "ids");
    if (!json_is_array(ids))
        return tb_fail(err, TIMBANG_FORMAT, "%s: the template uses '%s', which special_tokens does not define", where,
                       name);
    size_t i;
    json_t *id;
    json_array_foreach(ids, i, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > TB_MAX_TOKEN_ID)
            return tb_fail(err, TIMBANG_FORMAT,
                           "%s: an id of the special token '%s' is not a whole number from 0 to %d", where, name,
                           TB_MAX_TOKEN_ID);
        TB_TRY(tb_template_add(template, -1, (int32_t)json_integer_value(id), type_id, err));
    }
    return TIMBANG_OK;
}

static timbang_status load_template(tb_template *template, const char *where, const json_t *processor, const char *key,
                                    tb_error *err)
{
    json_t *pieces = NULL, *piece = NULL;
    const json_t *specials = json_object_get(processor, "special_tokens");
    bool is_pair = strcmp(key, "pair") == 0, used[2] = {false, false};
    TB_TRY(member(processor, where, key, JSON_ARRAY, &pieces, err));
    size_t i;
    json_array_foreach(pieces, i, piece)
    {
        const json_t *special = json_object_get(piece, "SpecialToken"), *sequence = json_object_get(piece, "Sequence");
        const json_t *object = special ? special : sequence;
        const char *id = json_string_value(json_object_get(object, "id"));
        int32_t type_id;
        if (!id)
            return tb_fail(err, TIMBANG_FORMAT, "%s: piece %zu of the template \"%s\" has no id", where, i, key);
        TB_TRY(type_id_of(object, where, &type_id, err));
        if (special) {
            TB_TRY(add_special(template, where, specials, id, type_id, err));
            continue;
        }
        int which = strcmp(id, "A") == 0 ? 0 : strcmp(id, "B") == 0 && is_pair ? 1 : -1;
        if (which < 0 || used[which])
            return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: sequence '%s' is not expected in the template \"%s\"", where,
                           id, key);
        used[which] = true;
        TB_TRY(tb_template_add(template, which, 0, type_id, err));
    }
    if (!used[0] || (is_pair && !used[1]))
        return tb_fail(err, TIMBANG_FORMAT, "%s: the template \"%s\" leaves out a text", where, key);
    return TIMBANG_OK;
}

/* BertProcessing: {"sep": [token, id], "cls": [token, id]}. */
static timbang_status load_bert_processing(tb_tokenizer *tokenizer, const char *where, const json_t *processor,
                                           tb_error *err)
{
    static const char *const keys[2] = {"cls", "sep"};
    int32_t ids[2];
    for (int i = 0; i < 2; i++) {
        const json_t *id = json_array_get(json_object_get(processor, keys[i]), 1);
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > TB_MAX_TOKEN_ID)
            return tb_fail(err, TIMBANG_FORMAT, "%s: BertProcessing has no \"%s\" of the form [token, id]", where,
                           keys[i]);
        ids[i] = (int32_t)json_integer_value(id);
    }
    for (int pair = 0; pair < 2; pair++) {
        tb_template *template = pair ? &tokenizer->pair : &tokenizer->single;
        TB_TRY(tb_template_add(template, -1, ids[0], 0, err));
        TB_TRY(tb_template_add(template, 0, 0, 0, err));
        TB_TRY(tb_template_add(template, -1, ids[1], 0, err));
        if (pair) {
            TB_TRY(tb_template_add(template, 1, 0, 1, err));
            TB_TRY(tb_template_add(template, -1, ids[1], 1, err));
        }
    }
    return TIMBANG_OK;
}

timbang_status tb_load_templates(tb_tokenizer *tokenizer, const char *where, const json_t *root, tb_error *err)
{
    const json_t *value = json_object_get(root, "post_processor");
    const char *kind = kind_of(value);
    if (!value || json_is_null(value)) {
        TB_TRY(tb_template_add(&tokenizer->single, 0, 0, 0, err));
        TB_TRY(tb_template_add(&tokenizer->pair, 0, 0, 0, err));
        return tb_template_add(&tokenizer->pair, 1, 0, 1, err);
    }
    if (strcmp(kind, "BertProcessing") == 0)
        return load_bert_processing(tokenizer, where, value, err);
    if (strcmp(kind, "TemplateProcessing") != 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: the post-processor %s is not supported; TemplateProcessing, BertProcessing or none is",
                       where, kind);
    TB_TRY(load_template(&tokenizer->single, where, value, "single", err));
    return load_template(&tokenizer->pair, where, value, "pair", err);
}

/* ---- Added tokens ---- */

timbang_status tb_load_added_token(tb_added_token *token, const char *where, const json_t *object, tb_error *err)
{
    const json_t *content = json_object_get(object, "content");
    if (!json_is_string(content))
        return tb_fail(err, TIMBANG_FORMAT, "%s: an added token has no \"content\"", where);
    *token = (tb_added_token){.id = -1, .length = json_string_length(content)};
    token->content = (char *)(uintptr_t)json_string_value(content); /* borrowed, only read */
    TB_TRY(tb_json_get_bool(object, where, "special", false, &token->special, err));
    token->normalized = !token->special;
    TB_TRY(tb_json_get_bool(object, where, "normalized", false, &token->normalized, err));
    TB_TRY(tb_json_get_bool(object, where, "single_word", false, &token->single_word, err));
    TB_TRY(tb_json_get_bool(object, where, "lstrip", false, &token->lstrip, err));
    return tb_json_get_bool(object, where, "rstrip", false, &token->rstrip, err);
}
