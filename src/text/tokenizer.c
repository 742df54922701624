/* A tokenizer is put together from its files here; encoding is in encode.c.
 * Includes: text/settings.h, text/tokenizer_parts.h. Called by: model, api. */
#include "text/tokenizer.h"

#include "text/settings.h"
#include "text/tokenizer_parts.h"

#include <stdlib.h>

const char *const tb_tokenizer_files[] = {"tokenizer.json",          "vocab.txt",         "tokenizer_config.json",
                                          "special_tokens_map.json", "added_tokens.json", NULL};

timbang_status tb_template_add(tb_template *template, int sequence, int32_t id, int32_t type_id, tb_error *err)
{
    if (template->n == template->capacity) {
        size_t capacity = template->capacity ? template->capacity * 2 : 8;
        TB_TRY(tb_grow((void **)&template->pieces, capacity, sizeof template->pieces[0], err));
        template->capacity = capacity;
    }
    template->pieces[template->n++] = (tb_template_piece){sequence, id, type_id};
    template->n_special += sequence < 0;
    return TIMBANG_OK;
}

timbang_status tb_set_wordpiece(tb_tokenizer *tokenizer, const char *where, const char *unk, size_t unk_length,
                                const char *prefix, size_t prefix_length, uint64_t max_word_chars, tb_error *err)
{
    const tb_trie *trie = &tokenizer->vocab.trie;
    tokenizer->unk = tb_trie_find(trie, unk, unk_length);
    if (tokenizer->unk < 0)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the vocabulary has no '%s', the token for unknown words", where, unk);
    tokenizer->max_word_chars = max_word_chars > UINT32_MAX ? UINT32_MAX : (size_t)max_word_chars;
    return tb_wordpiece_build(&tokenizer->wordpiece, trie, tokenizer->vocab.lengths, prefix, prefix_length, err);
}

int32_t tb_tokenizer_lookup(const tb_tokenizer *tokenizer, const char *content, size_t length)
{
    int64_t added = tb_added_find(&tokenizer->added, content, length);
    return added >= 0 ? tokenizer->added.tokens[added].id : tb_trie_find(&tokenizer->vocab.trie, content, length);
}

/* ---- Added tokens ---- */

static timbang_status put_added(tb_tokenizer *t, const tb_added_token *token, tb_error *err)
{
    return tb_added_put(&t->added, token, tb_trie_find(&t->vocab.trie, token->content, token->length), t->vocab.n_words,
                        err);
}

struct text_sink {
    tb_sink sink;
    tb_text *text;
};

static void sink_text(tb_sink *sink, uint32_t c, uint32_t begin, uint32_t end)
{
    char bytes[4];
    (void)begin;
    (void)end;
    tb_text_append(((struct text_sink *)(void *)sink)->text, bytes, (size_t)tb_utf8_encode(c, bytes));
}

/* Normalized added tokens are sought in normalized text, so they are normalized themselves. */
static timbang_status build_added(tb_tokenizer *t, const char *where, tb_error *err)
{
    tb_added *added = &t->added;
    tb_mark_run run = {0};
    tb_text all = {0};
    timbang_status status = TIMBANG_OK;
    size_t *place = tb_calloc(added->n + 1, sizeof place[0], err);
    size_t *lengths = tb_calloc(added->n + 1, sizeof lengths[0], err);
    const char **texts = tb_calloc(added->n + 1, sizeof texts[0], err);
    if (!place || !lengths || !texts)
        status = err->status;
    for (size_t i = 0; i < added->n && status == TIMBANG_OK; i++) {
        const tb_added_token *token = &added->tokens[i];
        struct text_sink sink = {{sink_text, false}, &all};
        place[i] = all.length;
        if (!token->normalized)
            continue;
        status = tb_normalize(&t->normalizer, token->content, 0, token->length, &run, &sink.sink, err);
        lengths[i] = all.length - place[i];
        if (status == TIMBANG_OK && !all.failed && lengths[i] == 0)
            status = tb_fail(err, TIMBANG_UNSUPPORTED,
                             "%s: nothing is left of the added token '%s' after normalization", where, token->content);
    }
    if (status == TIMBANG_OK)
        status = tb_text_finish(&all, err);
    for (size_t i = 0; i < added->n && status == TIMBANG_OK; i++)
        texts[i] = added->tokens[i].normalized ? all.data + place[i] : NULL;
    if (status == TIMBANG_OK && added->n > 0)
        status = tb_added_build(added, texts, lengths, err);
    tb_mark_run_free(&run);
    tb_text_free(&all);
    free(place);
    free(lengths);
    free(texts);
    return status;
}

/* ---- Putting it together ---- */

static timbang_status bert_templates(tb_tokenizer *t, const tb_special_tokens *roles, tb_error *err)
{
    const tb_added_token *cls = &roles->role[TB_ROLE_CLS].token, *sep = &roles->role[TB_ROLE_SEP].token;
    int32_t cls_id = tb_tokenizer_lookup(t, cls->content, cls->length);
    int32_t sep_id = tb_tokenizer_lookup(t, sep->content, sep->length);
    for (int pair = 0; pair < 2; pair++) {
        tb_template *template = pair ? &t->pair : &t->single;
        TB_TRY(tb_template_add(template, -1, cls_id, 0, err));
        TB_TRY(tb_template_add(template, 0, 0, 0, err));
        TB_TRY(tb_template_add(template, -1, sep_id, 0, err));
        if (pair) {
            TB_TRY(tb_template_add(template, 1, 0, 1, err));
            TB_TRY(tb_template_add(template, -1, sep_id, 1, err));
        }
    }
    return TIMBANG_OK;
}

static int32_t role_id(const tb_tokenizer *t, const tb_special_tokens *roles, int role, const char *usual)
{
    const tb_added_token *token = &roles->role[role].token;
    return token->content ? tb_tokenizer_lookup(t, token->content, token->length)
                          : tb_tokenizer_lookup(t, usual, strlen(usual));
}

/* The model and what comes before it: from tokenizer.json as it is, or made anew as BertTokenizer does. */
static timbang_status load_parts(tb_tokenizer *t, const tb_folder *folder, const tb_settings *s,
                                 const tb_special_tokens *roles, tb_error *err)
{
    if (s->tokenizer)
        TB_TRY(tb_load_vocab_json(&t->vocab, s->tokenizer_name, s->tokenizer, &s->vocab, err));
    else
        TB_TRY(tb_load_vocab_text(&t->vocab, folder, "vocab.txt", err));
    if (s->rebuild) {
        const tb_added_token *unk = &roles->role[TB_ROLE_UNK].token;
        const char *where = s->tokenizer ? s->tokenizer_name : s->vocab_name;
        t->split = TB_SPLIT_BERT;
        TB_TRY(tb_settings_normalizer(s, &t->normalizer, err));
        return tb_set_wordpiece(t, where, unk->content, unk->length, "##", 2, 100, err);
    }
    TB_TRY(tb_load_wordpiece(t, s->tokenizer_name, s->tokenizer, err));
    TB_TRY(tb_load_normalizer(&t->normalizer, s->tokenizer_name, s->tokenizer, err));
    TB_TRY(tb_load_split(&t->split, s->tokenizer_name, s->tokenizer, err));
    const json_t *tokens = json_object_get(s->tokenizer, "added_tokens");
    if (tokens && !json_is_array(tokens))
        return tb_fail(err, TIMBANG_FORMAT, "%s: \"added_tokens\" must be an array", s->tokenizer_name);
    json_t *token;
    size_t i;
    json_array_foreach(tokens, i, token)
    {
        tb_added_token added;
        TB_TRY(tb_load_added_token(&added, s->tokenizer_name, token, err));
        TB_TRY(put_added(t, &added, err));
    }
    return TIMBANG_OK;
}

static timbang_status load_all(tb_tokenizer *t, const tb_folder *folder, tb_settings *s, tb_candidates *tokens,
                               tb_error *err)
{
    tb_special_tokens roles = {0};
    TB_TRY(tb_settings_load(s, folder, err));
    TB_TRY(tb_settings_tokens(s, &roles, tokens, err));
    TB_TRY(load_parts(t, folder, s, &roles, err));
    const char *where = s->tokenizer ? s->tokenizer_name : s->vocab_name;
    for (size_t i = 0; i < tokens->n; i++)
        TB_TRY(put_added(t, &tokens->items[i].token, err));
    TB_TRY(build_added(t, where, err));
    TB_TRY(tb_bytes_build(t, err));
    if (s->bert_template)
        TB_TRY(bert_templates(t, &roles, err));
    else
        TB_TRY(tb_load_templates(t, where, s->tokenizer, err));
    t->pad = role_id(t, &roles, TB_ROLE_PAD, "[PAD]");
    t->mask = role_id(t, &roles, TB_ROLE_MASK, "[MASK]");
    return tb_settings_flags(s, &t->truncate_left, &t->added.split_special, err);
}

timbang_status tb_tokenizer_load(const tb_folder *folder, tb_tokenizer **tokenizer, tb_error *err)
{
    tb_settings settings = {0};
    tb_candidates tokens = {0};
    tb_tokenizer *t = tb_calloc(1, sizeof *t, err);
    if (!t)
        return err->status;
    timbang_status status = load_all(t, folder, &settings, &tokens, err);
    tb_settings_free(&settings);
    free(tokens.items);
    if (status != TIMBANG_OK) {
        tb_tokenizer_free(t);
        return status;
    }
    *tokenizer = t;
    return TIMBANG_OK;
}

void tb_tokenizer_free(tb_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    tb_wordpiece_free(&tokenizer->wordpiece);
    tb_vocab_free(&tokenizer->vocab);
    tb_added_free(&tokenizer->added);
    free(tokenizer->single.pieces);
    free(tokenizer->pair.pieces);
    free(tokenizer);
}

/* ---- Questions ---- */

size_t tb_tokenizer_vocab_size(const tb_tokenizer *tokenizer)
{
    size_t added = tokenizer->added.n ? (size_t)tokenizer->added.max_id + 1 : 0;
    return added > tokenizer->vocab.n_ids ? added : tokenizer->vocab.n_ids;
}

const char *tb_tokenizer_token(const tb_tokenizer *tokenizer, int32_t id)
{
    int64_t added = tb_added_find_id(&tokenizer->added, id);
    if (added >= 0)
        return tokenizer->added.tokens[added].content;
    return id >= 0 && (size_t)id < tokenizer->vocab.n_ids ? tokenizer->vocab.tokens[id] : NULL;
}

int32_t tb_tokenizer_id(const tb_tokenizer *tokenizer, const char *token)
{
    return tb_tokenizer_lookup(tokenizer, token, strlen(token));
}

int32_t tb_tokenizer_pad_id(const tb_tokenizer *tokenizer)
{
    return tokenizer->pad;
}

int32_t tb_tokenizer_unk_id(const tb_tokenizer *tokenizer)
{
    return tokenizer->unk;
}

int32_t tb_tokenizer_mask_id(const tb_tokenizer *tokenizer)
{
    return tokenizer->mask;
}
