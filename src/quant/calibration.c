/* Calibration texts: a part of a file, tokenized. Includes: quant/calibration.h, base/sha256.h. Called by: quant, api.
 */
#include "quant/calibration.h"

#include "base/sha256.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Little-endian numbers, whatever the machine. */
static void hash_u32(tb_sha256 *hash, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
    tb_sha256_update(hash, bytes, sizeof bytes);
}

static void hash_batch(const tb_batch *batch, char hex[65])
{
    tb_sha256 hash;
    tb_sha256_init(&hash);
    for (size_t i = 0; i < batch->n_texts; i++)
        hash_u32(&hash, (uint32_t)(batch->cu_seqlens[i + 1] - batch->cu_seqlens[i]));
    for (size_t i = 0; i < batch->n_tokens; i++) {
        hash_u32(&hash, (uint32_t)batch->ids[i]);
        hash_u32(&hash, (uint32_t)batch->type_ids[i]);
    }
    tb_sha256_final(&hash, hex);
}

static timbang_status take_texts(tb_calibration *c, tb_error *err)
{
    const tb_texts *texts = c->texts;
    c->type_ids = tb_calloc(texts->n_tokens, sizeof *c->type_ids, err);
    if (!c->type_ids)
        return err->status;
    for (size_t i = 0; texts->types && i < texts->n_tokens; i++)
        c->type_ids[i] = texts->types[i];
    c->batch = (tb_batch){texts->n, texts->n_tokens, texts->ids, c->type_ids, texts->begin};
    c->longest = texts->longest;
    hash_batch(&c->batch, c->sha256);
    return TIMBANG_OK;
}

static timbang_status read_texts(const tb_calibration_options *o, tb_calibration *c, tb_error *err)
{
    timbang_data_options data = o->data;
    tb_dataset *set = NULL;
    data.label_column = "";
    data.drop_labels = NULL;
    data.limit = data.limit ? data.limit : TB_CALIBRATION_ROWS;
    c->seed = data.seed;
    c->max_length = o->max_length ? o->max_length : TB_CALIBRATION_LENGTH;
    if (!o->max_length && c->max_length > o->config->max_position_embeddings)
        c->max_length = o->config->max_position_embeddings;
    TB_TRY(tb_dataset_load(&data, o->hooks, &set, err));
    const tb_texts_options how = {.config = o->config,
                                  .tokenizer = o->tokenizer,
                                  .max_length = c->max_length,
                                  .clean = o->clean,
                                  .pool = o->pool,
                                  .hooks = o->hooks};
    timbang_status status = TIMBANG_OK;
    if (set->n == 0)
        status = tb_fail(err, TIMBANG_DATA, "%s: has no rows; calibration needs some texts", set->name);
    if (status == TIMBANG_OK)
        status = tb_texts_of_dataset(set, &how, &c->texts, err);
    if (status == TIMBANG_OK) {
        c->name = tb_strdup(set->name, err);
        status = c->name ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    }
    tb_dataset_free(set);
    return status;
}

timbang_status tb_calibration_read(const tb_calibration_options *options, tb_calibration **calibration, tb_error *err)
{
    tb_calibration *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return TIMBANG_NO_MEMORY;
    timbang_status status = read_texts(options, made, err);
    if (status == TIMBANG_OK)
        status = take_texts(made, err);
    if (status == TIMBANG_OK)
        *calibration = made;
    else
        tb_calibration_free(made);
    return status;
}

void tb_calibration_free(tb_calibration *calibration)
{
    if (!calibration)
        return;
    tb_token_texts_free(calibration->texts);
    free(calibration->type_ids);
    free(calibration->name);
    free(calibration);
}
