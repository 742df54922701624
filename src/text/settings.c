/* Combining the files beside the vocabulary. Includes: text/settings.h, base/json.h. Called by: tokenizer.c.
 *
 * Follows PreTrainedTokenizerBase._from_pretrained, TokenizersBackend.__init__ and AutoTokenizer.from_pretrained of
 * transformers 5.23. tests/oracle/text_make_golden.py compares the outcome on many combinations of files. */
#include "text/settings.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const role_names[TB_N_ROLES] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                   "pad_token", "cls_token", "mask_token"};

enum { MAX_TOKENIZER_BYTES = 1 << 30 };

/* ---- Files ---- */

static timbang_status load_object(const tb_folder *folder, const char *file, json_t **out, char **name, tb_error *err)
{
    if (!tb_folder_has(folder, file))
        return TIMBANG_OK;
    *name = tb_path_join(tb_folder_name(folder), file, err);
    if (!*name)
        return err->status;
    TB_TRY(tb_json_load(folder, file, out, err));
    if (!json_is_object(*out))
        return tb_fail(err, TIMBANG_FORMAT, "%s: must hold a JSON object", *name);
    return TIMBANG_OK;
}

/* tokenizer.json with its vocabulary apart, where that is written plainly. */
static timbang_status load_tokenizer(tb_settings *s, const tb_folder *folder, tb_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    if (!tb_folder_has(folder, "tokenizer.json"))
        return TIMBANG_OK;
    s->tokenizer_name = tb_path_join(tb_folder_name(folder), "tokenizer.json", err);
    if (!s->tokenizer_name)
        return err->status;
    TB_TRY(tb_folder_read(folder, "tokenizer.json", MAX_TOKENIZER_BYTES, &bytes, &size, err));
    timbang_status status = tb_vocab_scan_file(&s->vocab, s->tokenizer_name, bytes, size, &s->tokenizer, err);
    if (status == TIMBANG_OK && !s->tokenizer)
        status = tb_json_parse(s->tokenizer_name, bytes, size, 0, &s->tokenizer, err);
    free(bytes);
    if (status == TIMBANG_OK && !json_is_object(s->tokenizer))
        return tb_fail(err, TIMBANG_FORMAT, "%s: must hold a JSON object", s->tokenizer_name);
    return status;
}

static bool is_one_of(const char *word, size_t length, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == length && memcmp(*list, word, length) == 0)
            return true;
    return false;
}

/* Decides as AutoTokenizer does: the class that tokenizer_config.json or config.json names, else the model's type. */
static timbang_status find_class(tb_settings *s, tb_error *err)
{
    static const char *const bert[] = {"BertTokenizer",
                                       "ElectraTokenizer",
                                       "MobileBertTokenizer",
                                       "SqueezeBertTokenizer",
                                       "LayoutLMTokenizer",
                                       "LxmertTokenizer",
                                       "DistilBertTokenizer",
                                       "DPRQuestionEncoderTokenizer",
                                       "DPRReaderTokenizer",
                                       "DPRContextEncoderTokenizer",
                                       NULL};
    static const char *const foreign[] = {
        "MPNetTokenizer",    "FunnelTokenizer",       "SplinterTokenizer", "RoFormerTokenizer",
        "BertweetTokenizer", "BertJapaneseTokenizer", "TapasTokenizer",    NULL};
    static const char *const bert_types[] = {"bert",        "distilbert", "electra", "convbert",      "mobilebert",
                                             "squeezebert", "layoutlm",   "ernie",   "megatron-bert", "nezha",
                                             "qdqbert",     "nomic_bert", "lxmert",  "visual_bert",   NULL};
    const char *name = json_string_value(json_object_get(s->config, "tokenizer_class"));
    const char *type = json_string_value(json_object_get(s->model_config, "model_type"));
    if (!name)
        name = json_string_value(json_object_get(s->model_config, "tokenizer_class"));
    size_t length = name ? strlen(name) : 0;
    if (length > 4 && strcmp(name + length - 4, "Fast") == 0)
        length -= 4;
    if (name && is_one_of(name, length, foreign))
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: tokenizer_class %s is not supported; BertTokenizer, its relatives and "
                       "PreTrainedTokenizerFast are",
                       s->config_name ? s->config_name : s->model_name, name);
    s->rebuild = name ? is_one_of(name, length, bert) : type && is_one_of(type, strlen(type), bert_types);
    s->bert_template = s->rebuild || (name && length == 17 && memcmp(name, "ConvBertTokenizer", 17) == 0);
    if (!s->tokenizer)
        s->rebuild = s->bert_template = true;
    return TIMBANG_OK;
}

timbang_status tb_settings_load(tb_settings *s, const tb_folder *folder, tb_error *err)
{
    if (!tb_folder_has(folder, "tokenizer.json") && !tb_folder_has(folder, "vocab.txt"))
        return tb_fail(err, TIMBANG_NOT_FOUND, "%s: has neither tokenizer.json nor vocab.txt", tb_folder_name(folder));
    s->vocab_name = tb_path_join(tb_folder_name(folder), "vocab.txt", err);
    if (!s->vocab_name)
        return err->status;
    TB_TRY(load_tokenizer(s, folder, err));
    TB_TRY(load_object(folder, "tokenizer_config.json", &s->config, &s->config_name, err));
    TB_TRY(load_object(folder, "config.json", &s->model_config, &s->model_name, err));
    if (!json_object_get(s->config, "added_tokens_decoder")) {
        TB_TRY(load_object(folder, "special_tokens_map.json", &s->special_map, &s->special_map_name, err));
        TB_TRY(load_object(folder, "added_tokens.json", &s->added_tokens, &s->added_name, err));
    }
    return find_class(s, err);
}

void tb_settings_free(tb_settings *s)
{
    tb_vocab_scan_free(&s->vocab);
    json_decref(s->tokenizer);
    json_decref(s->config);
    json_decref(s->special_map);
    json_decref(s->added_tokens);
    json_decref(s->model_config);
    free(s->tokenizer_name);
    free(s->config_name);
    free(s->special_map_name);
    free(s->added_name);
    free(s->model_name);
    free(s->vocab_name);
    memset(s, 0, sizeof *s);
}

/* ---- Lists of tokens ---- */

static bool same_content(const tb_added_token *a, const tb_added_token *b)
{
    return a->length == b->length && memcmp(a->content, b->content, a->length) == 0;
}

static bool same_flags(const tb_added_token *a, const tb_added_token *b)
{
    return a->single_word == b->single_word && a->lstrip == b->lstrip && a->rstrip == b->rstrip &&
           a->normalized == b->normalized && a->special == b->special;
}

static timbang_status push(tb_candidates *list, const tb_candidate *candidate, tb_error *err)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        TB_TRY(tb_grow((void **)&list->items, capacity, sizeof list->items[0], err));
        list->capacity = capacity;
    }
    list->items[list->n++] = *candidate;
    return TIMBANG_OK;
}

/* A special token as the files write it: a string, or an object with flags. always: it is special in any case. */
static timbang_status read_special(tb_candidate *out, const char *where, const char *key, const json_t *value,
                                   bool always, tb_error *err)
{
    *out = (tb_candidate){0};
    if (json_is_string(value)) {
        out->token.content = (char *)json_string_value(value);
        out->token.length = json_string_length(value);
        out->token.special = out->from_string = true;
        return TIMBANG_OK;
    }
    if (!json_is_object(value))
        return tb_fail(err, TIMBANG_FORMAT, "%s: \"%s\" must be a string or a token object", where, key);
    TB_TRY(tb_load_added_token(&out->token, where, value, err));
    if (always) {
        const json_t *normalized = json_object_get(value, "normalized");
        out->token.special = true;
        out->token.normalized = json_is_true(normalized);
    }
    return TIMBANG_OK;
}

static int compare_index(const void *a, const void *b)
{
    const tb_candidate *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* Of one index the last token counts. */
static timbang_status put_at_index(tb_candidates *list, const tb_candidate *candidate, tb_error *err)
{
    for (size_t i = list->n; i-- > 0;) {
        if (list->items[i].index == candidate->index) {
            list->items[i] = *candidate;
            return TIMBANG_OK;
        }
        if (list->items[i].index < candidate->index && i + 1 == list->n)
            break; /* in order, as files are */
    }
    TB_TRY(push(list, candidate, err));
    for (size_t i = list->n - 1; i > 0 && compare_index(&list->items[i - 1], &list->items[i]) > 0; i--) {
        tb_candidate swap = list->items[i];
        list->items[i] = list->items[i - 1];
        list->items[i - 1] = swap;
    }
    return TIMBANG_OK;
}

static timbang_status from_decoder(const tb_settings *s, const json_t *decoder, tb_candidates *list, tb_error *err)
{
    if (!json_is_object(decoder))
        return tb_fail(err, TIMBANG_FORMAT, "%s: \"added_tokens_decoder\" must be an object", s->config_name);
    for (void *at = json_object_iter((json_t *)(uintptr_t)decoder); at;
         at = json_object_iter_next((json_t *)(uintptr_t)decoder, at)) {
        tb_candidate candidate = {0};
        const char *key = json_object_iter_key(at);
        if (!tb_parse_u64(key, &candidate.index) || candidate.index > TB_MAX_TOKEN_ID)
            return tb_fail(err, TIMBANG_FORMAT, "%s: \"added_tokens_decoder\" has the key '%s'; an id is expected",
                           s->config_name, key);
        TB_TRY(tb_load_added_token(&candidate.token, s->config_name, json_object_iter_value(at), err));
        TB_TRY(put_at_index(list, &candidate, err));
    }
    return TIMBANG_OK;
}

/* added_tokens.json of old models: content to index. */
static timbang_status from_old_file(const tb_settings *s, const tb_candidates *specials, tb_candidates *list,
                                    tb_error *err)
{
    for (void *at = json_object_iter(s->added_tokens); at; at = json_object_iter_next(s->added_tokens, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *index = json_object_iter_value(at);
        tb_candidate candidate = {.token = {.content = (char *)key, .length = strlen(key), .normalized = true}};
        if (!json_is_integer(index) || json_integer_value(index) < 0 || json_integer_value(index) > TB_MAX_TOKEN_ID)
            return tb_fail(err, TIMBANG_FORMAT, "%s: token '%s' has no id that is a whole number from 0 to %d",
                           s->added_name, key, TB_MAX_TOKEN_ID);
        candidate.index = (uint64_t)json_integer_value(index);
        for (size_t i = 0; i < specials->n; i++)
            if (same_content(&specials->items[i].token, &candidate.token)) {
                candidate.token.special = true;
                candidate.token.normalized = false;
            }
        TB_TRY(put_at_index(list, &candidate, err));
    }
    return TIMBANG_OK;
}

static timbang_status from_tokenizer(const tb_settings *s, tb_candidates *list, tb_error *err)
{
    const json_t *tokens = json_object_get(s->tokenizer, "added_tokens");
    if (tokens && !json_is_array(tokens))
        return tb_fail(err, TIMBANG_FORMAT, "%s: \"added_tokens\" must be an array", s->tokenizer_name);
    json_t *token;
    size_t i;
    json_array_foreach(tokens, i, token)
    {
        tb_candidate candidate = {0};
        TB_TRY(tb_json_get_u64(token, s->tokenizer_name, "id", true, 0, TB_MAX_TOKEN_ID, &candidate.index, err));
        TB_TRY(tb_load_added_token(&candidate.token, s->tokenizer_name, token, err));
        TB_TRY(put_at_index(list, &candidate, err));
    }
    return TIMBANG_OK;
}

/* ---- Special tokens ---- */

/* special_tokens_map.json goes before tokenizer_config.json. */
static timbang_status read_role(const tb_settings *s, int role, tb_candidate *out, bool *given, tb_error *err)
{
    static const char *const defaults[TB_N_ROLES] = {NULL, NULL, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
    const char *key = role_names[role], *where = s->special_map_name;
    const json_t *value = json_object_get(s->special_map, key);
    bool from_map = value != NULL;
    if (!from_map) {
        value = json_object_get(s->config, key);
        where = s->config_name;
    }
    *out = (tb_candidate){0};
    *given = value != NULL;
    if (!value && s->bert_template && defaults[role]) {
        out->token.content = (char *)defaults[role];
        out->token.length = strlen(defaults[role]);
        out->token.special = out->from_string = true;
        return TIMBANG_OK;
    }
    if (!value || json_is_null(value)) {
        if (value && s->bert_template && (role == TB_ROLE_CLS || role == TB_ROLE_SEP || role == TB_ROLE_UNK))
            return tb_fail(err, TIMBANG_FORMAT, "%s: \"%s\" is null; a BERT tokenizer needs it", where, key);
        return TIMBANG_OK;
    }
    return read_special(out, where, key, value, from_map, err);
}

/* Keys like "image_token", and entries of "extra_special_tokens" where that is an object. */
static timbang_status named_extras(const json_t *object, const char *where, bool all_keys, bool always, int strings,
                                   tb_candidates *list, tb_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t length = strlen(key);
        bool named = length > 6 && strcmp(key + length - 6, "_token") == 0;
        for (int role = 0; role < TB_N_ROLES; role++)
            named = named && strcmp(key, role_names[role]) != 0;
        if (!all_keys && (!named || (json_is_string(value) ? strings == 0 : strings == 1)))
            continue;
        if (!json_is_string(value) && !json_is_object(value))
            continue;
        tb_candidate candidate;
        TB_TRY(read_special(&candidate, where, key, value, always, err));
        TB_TRY(push(list, &candidate, err));
    }
    return TIMBANG_OK;
}

static timbang_status listed_extras(const json_t *array, const char *where, const char *key, bool always,
                                    tb_candidates *list, tb_error *err)
{
    size_t i;
    json_t *value;
    json_array_foreach(array, i, value)
    {
        tb_candidate candidate;
        TB_TRY(read_special(&candidate, where, key, value, always, err));
        TB_TRY(push(list, &candidate, err));
    }
    return TIMBANG_OK;
}

/* Further special tokens: named ones go to named, the list of the others to extra. */
static timbang_status read_extras(const tb_settings *s, tb_candidates *named, tb_candidates *extra, tb_error *err)
{
    const json_t *own = json_object_get(s->config, "extra_special_tokens");
    const json_t *old = json_object_get(s->config, "additional_special_tokens");
    const json_t *map_own = json_object_get(s->special_map, "extra_special_tokens");
    const json_t *map_old = json_object_get(s->special_map, "additional_special_tokens");
    bool own_empty = !own || json_is_null(own) || (json_is_array(own) && json_array_size(own) == 0) ||
                     (json_is_object(own) && json_object_size(own) == 0);

    TB_TRY(named_extras(s->config, s->config_name, false, false, 0, named, err));
    TB_TRY(named_extras(s->special_map, s->special_map_name, false, true, 2, named, err));
    TB_TRY(named_extras(s->config, s->config_name, false, false, 1, named, err));
    if (json_is_object(own))
        TB_TRY(named_extras(own, s->config_name, true, false, 2, named, err));
    if (json_is_object(map_own))
        TB_TRY(named_extras(map_own, s->special_map_name, true, true, 2, named, err));

    const json_t *first = own_empty ? old : own;
    if (json_is_array(first))
        TB_TRY(listed_extras(first, s->config_name, "extra_special_tokens", false, extra, err));
    if (json_is_array(map_own))
        TB_TRY(listed_extras(map_own, s->special_map_name, "extra_special_tokens", true, extra, err));
    else if (!own && !old && json_is_array(map_old))
        TB_TRY(listed_extras(map_old, s->special_map_name, "additional_special_tokens", false, extra, err));
    return TIMBANG_OK;
}

/* Adds what is not there yet; a token with flags does not stand for a plain one, so both come, and the last counts. */
static timbang_status push_new(tb_candidates *list, size_t n_files, const tb_candidate *candidate, tb_error *err)
{
    if (!candidate->token.content)
        return TIMBANG_OK;
    for (size_t i = 0; i < list->n; i++) {
        const tb_candidate *other = &list->items[i];
        if (!same_content(&other->token, &candidate->token))
            continue;
        if (i < n_files || (other->from_string == candidate->from_string &&
                            (other->from_string || same_flags(&other->token, &candidate->token))))
            return TIMBANG_OK;
    }
    return push(list, candidate, err);
}

static timbang_status collect(const tb_settings *s, tb_special_tokens *roles, tb_candidates *named,
                              tb_candidates *extra, tb_candidates *tokens, tb_error *err)
{
    bool given[TB_N_ROLES];
    for (int role = 0; role < TB_N_ROLES; role++)
        TB_TRY(read_role(s, role, &roles->role[role], &given[role], err));
    const json_t *padding = json_object_get(s->tokenizer, "padding");
    const json_t *pad = json_object_get(padding, "pad_token");
    if (!given[TB_ROLE_PAD] && !s->bert_template && json_is_string(pad)) /* the one trace that stored padding leaves */
        TB_TRY(read_special(&roles->role[TB_ROLE_PAD], s->tokenizer_name, "pad_token", pad, false, err));
    TB_TRY(read_extras(s, named, extra, err));

    const json_t *decoder = json_object_get(s->config, "added_tokens_decoder");
    if (decoder) {
        TB_TRY(from_decoder(s, decoder, tokens, err));
    } else {
        tb_candidates known = {0};
        timbang_status status = TIMBANG_OK;
        for (int role = 0; role < TB_N_ROLES && status == TIMBANG_OK; role++)
            if (given[role] && roles->role[role].token.content)
                status = push(&known, &roles->role[role], err);
        for (size_t i = 0; i < extra->n && status == TIMBANG_OK; i++)
            status = push(&known, &extra->items[i], err);
        if (status == TIMBANG_OK)
            status = from_old_file(s, &known, tokens, err);
        free(known.items);
        TB_TRY(status);
        TB_TRY(from_tokenizer(s, tokens, err));
    }

    /* A role whose token the files define has the flags of the files, and makes it special. */
    for (int role = 0; role < TB_N_ROLES; role++)
        for (size_t i = 0; i < tokens->n; i++)
            if (roles->role[role].token.content && same_content(&roles->role[role].token, &tokens->items[i].token)) {
                tokens->items[i].token.special = true;
                roles->role[role] = tokens->items[i];
            }
    for (size_t n = 0; n < named->n; n++)
        for (size_t i = 0; i < tokens->n; i++)
            if (same_content(&named->items[n].token, &tokens->items[i].token))
                tokens->items[i].token.special = true;

    size_t n_files = tokens->n;
    for (int role = 0; role < TB_N_ROLES; role++) {
        roles->role[role].token.special = true;
        TB_TRY(push_new(tokens, n_files, &roles->role[role], err));
    }
    for (size_t i = 0; i < named->n; i++) {
        named->items[i].token.special = true;
        TB_TRY(push_new(tokens, n_files, &named->items[i], err));
    }
    for (size_t i = 0; i < extra->n; i++)
        TB_TRY(push_new(tokens, n_files, &extra->items[i], err));
    return TIMBANG_OK;
}

timbang_status tb_settings_tokens(const tb_settings *settings, tb_special_tokens *roles, tb_candidates *tokens,
                                  tb_error *err)
{
    tb_candidates named = {0}, extra = {0};
    timbang_status status = collect(settings, roles, &named, &extra, tokens, err);
    free(named.items);
    free(extra.items);
    return status;
}

/* ---- Switches ---- */

timbang_status tb_settings_normalizer(const tb_settings *s, tb_normalizer *normalizer, tb_error *err)
{
    const char *where = s->config_name;
    *normalizer = (tb_normalizer){.clean_text = true, .chinese = true, .lowercase = true};
    TB_TRY(tb_json_get_bool(s->config, where, "do_lower_case", false, &normalizer->lowercase, err));
    TB_TRY(tb_json_get_bool(s->config, where, "tokenize_chinese_chars", false, &normalizer->chinese, err));
    normalizer->strip_accents = normalizer->lowercase;
    return tb_json_get_bool(s->config, where, "strip_accents", false, &normalizer->strip_accents, err);
}

timbang_status tb_settings_flags(const tb_settings *s, bool *truncate_left, bool *split_special, tb_error *err)
{
    const char *side = NULL;
    *truncate_left = *split_special = false;
    TB_TRY(tb_json_get_string(s->config, s->config_name, "truncation_side", false, &side, err));
    TB_TRY(tb_json_get_bool(s->config, s->config_name, "split_special_tokens", false, split_special, err));
    if (side && strcmp(side, "left") != 0 && strcmp(side, "right") != 0)
        return tb_fail(err, TIMBANG_FORMAT, "%s: \"truncation_side\" is '%s'; left or right is expected",
                       s->config_name, side);
    const json_t *stored = json_object_get(json_object_get(s->tokenizer, "truncation"), "direction");
    *truncate_left = side                     ? strcmp(side, "left") == 0
                     : json_is_string(stored) ? strcmp(json_string_value(stored), "Left") == 0
                                              : false;
    return TIMBANG_OK;
}
