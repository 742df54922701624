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

tb_compute tb_classifier_compute(const tb_classifier *model)
{
    return model->compute;
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

static void add_work(tb_linear_work *work, const tb_linear *linear, size_t outputs, size_t rows)
{
    work->macs += (uint64_t)linear->in * outputs * rows;
}

tb_linear_work tb_classifier_linear_work(const tb_classifier *model, size_t n_texts, size_t n_tokens)
{
    size_t n = model->config.num_hidden_layers, hidden = model->config.hidden_size;
    tb_linear_work work = {.kind = model->layers[0].qkv[0].kind};
    for (size_t i = 0; i < n; i++) {
        const tb_layer *layer = &model->layers[i];
        size_t rows = i + 1 == n && !model->whole_last_layer ? n_texts : n_tokens;
        add_work(&work, &layer->qkv[0], hidden, rows);
        add_work(&work, &layer->qkv[0], 2 * hidden, n_tokens);
        add_work(&work, &layer->attention_output, hidden, rows);
        add_work(&work, &layer->intermediate, layer->intermediate.out, rows);
        add_work(&work, &layer->output, hidden, rows);
        for (size_t j = 0; j < layer->n_qkv; j++)
            work.bytes += layer->qkv[j].resident_bytes;
        work.bytes +=
            layer->attention_output.resident_bytes + layer->intermediate.resident_bytes + layer->output.resident_bytes;
    }
    add_work(&work, &model->pooler, model->pooler.out, n_texts);
    add_work(&work, &model->classifier, model->classifier.out, n_texts);
    work.bytes += model->pooler.resident_bytes + model->classifier.resident_bytes;
    return work;
}
