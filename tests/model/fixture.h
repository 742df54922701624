/* What the tests of the model room share: the tiny models of tests/golden/model and their expected logits.
 * Includes: model, quant. Called by: tests/model/test_*.c. */
#ifndef TB_TEST_MODEL_FIXTURE_H
#define TB_TEST_MODEL_FIXTURE_H

#include "base/json.h"
#include "model/classifier.h"

/* A case of expected.json: all sequences as one batch. */
struct tiny_case {
    json_t *json; /* of the case */
    size_t n, n_tokens;
    int32_t *ids, *type_ids;
    size_t *cu_seqlens;
};

/* Path of a file under TIMBANG_SOURCE; the caller frees it. */
char *source_path(const char *file);
json_t *load_expected(void);
void tiny_case_load(json_t *expected, const char *act, struct tiny_case *c);
void tiny_case_free(struct tiny_case *c);
/* Fails the test with the error's text. */
tb_classifier *load_model(const char *path, const tb_kernels *kernels, tb_pool *pool);
/* Logits of the whole case, texts in batches of `batch`, in file order; the caller frees them. */
float *run_case(const tb_classifier *model, tb_pool *pool, const struct tiny_case *c, size_t batch);

#endif
