/* A new, untrained head for a base model that has none: seeded, the same values wherever it is made.
 * Includes: base. Called by: model (load), quant, api (init). */
#ifndef TB_MODEL_HEAD_H
#define TB_MODEL_HEAD_H

#include "base/mem.h"

/* Streams of the generator, one a tensor. */
enum { TB_STREAM_CLASSIFIER = 1, TB_STREAM_POOLER = 2, TB_STREAM_INIT = 16 };

/* values[i] = N(0, sd), from stream `stream` of seed, in order. */
void tb_fill_normal(uint64_t seed, uint64_t stream, double sd, float *values, size_t n);
/* classifier.weight [n_labels][hidden] ~ N(0, initializer_range), classifier.bias [n_labels] = 0, as Hugging Face
 * initialises them (with another generator). */
timbang_status tb_new_head(uint64_t seed, size_t n_labels, size_t hidden, double initializer_range, float *weight,
                           float *bias, tb_error *err);
/* pooler.dense.weight [hidden][hidden], pooler.dense.bias [hidden] likewise. */
timbang_status tb_new_pooler(uint64_t seed, size_t hidden, double initializer_range, float *weight, float *bias,
                             tb_error *err);

#endif
