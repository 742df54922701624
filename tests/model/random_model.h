/* A classifier of any shape with random weights, written as a folder: float, or each linear layer in a scheme drawn for
 * itself. Includes: model, quant. Called by: tests/model/test_same_bits_shapes.c. */
#ifndef TB_TEST_RANDOM_MODEL_H
#define TB_TEST_RANDOM_MODEL_H

#include <stddef.h>
#include <stdint.h>

enum { RANDOM_VOCAB = 42, RANDOM_TYPES = 2, RANDOM_POSITIONS = 600 };

typedef struct random_shape {
    size_t hidden, heads, intermediate, layers, labels;
    const char *act;
} random_shape;

typedef enum mixture {
    MIX_NONE,  /* all float */
    MIX_TOKEN, /* float, 8 bits, 4 bits, 4 bits as another tool's; query, key and value differ in every layer */
    MIX_TEXT,  /* likewise, and some with one range a text */
} mixture;

/* Every weight, bias and norm is random, from seed alone. Makes the folder; its tokenizer is that of the tiny models.
 */
void random_model_write(const char *dir, const random_shape *shape, mixture mix, uint64_t seed);

#endif
