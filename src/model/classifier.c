/* A loaded classifier: what is known about it, and its end. Includes: model/parts.h. Called by: eval, study, api. */
#include "model/classifier.h"

#include "model/parts.h"

#include <stdlib.h>

static void norm_free(tb_norm *norm)
{
    tb_free_aligned(norm->gamma);
    tb_free_aligned(norm->beta);
}

void tb_classifier_free(tb_classifier *model)
{
    if (!model)
        return;
    for (size_t i = 0; model->layers && i < model->config.num_hidden_layers; i++) {
        tb_layer *layer = &model->layers[i];
        for (size_t j = 0; j < 3; j++)
            tb_linear_free(&layer->qkv[j]);
        tb_linear_free(&layer->attention_output);
        tb_linear_free(&layer->intermediate);
        tb_linear_free(&layer->output);
        norm_free(&layer->attention_norm);
        norm_free(&layer->output_norm);
    }
    free(model->layers);
    tb_embedding_free(&model->word);
    tb_embedding_free(&model->position);
    tb_embedding_free(&model->type);
    norm_free(&model->embedding_norm);
    tb_linear_free(&model->pooler);
    tb_linear_free(&model->classifier);
    tb_arena_free(model->packed);
    tb_tokenizer_free(model->tokenizer);
    tb_config_free(&model->config);
    free(model);
}

const tb_config *tb_classifier_config(const tb_classifier *model)
{
    return &model->config;
}

const tb_tokenizer *tb_classifier_tokenizer(const tb_classifier *model)
{
    return model->tokenizer;
}

const char *tb_classifier_scheme(const tb_classifier *model)
{
    return model->scheme;
}

bool tb_classifier_untrained_head(const tb_classifier *model)
{
    return model->untrained_head;
}

uint64_t tb_classifier_resident_bytes(const tb_classifier *model)
{
    return model->resident_bytes;
}

uint64_t tb_classifier_parameters(const tb_classifier *model)
{
    return model->parameters;
}

uint64_t tb_classifier_file_bytes(const tb_classifier *model)
{
    return model->file_bytes;
}
