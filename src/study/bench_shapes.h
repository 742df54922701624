/* The shapes of a benchmark: how many texts, how long each.
 * Includes: base. Called by: study/bench. */
#ifndef TB_STUDY_BENCH_SHAPES_H
#define TB_STUDY_BENCH_SHAPES_H

#include "base/mem.h"

enum { TB_BENCH_SHAPES = 64, TB_BENCH_TEXTS = 4096 };

typedef struct tb_bench_shape {
    char name[24];       /* as it was given: "8x128", "mixed8" */
    size_t texts;        /* 1 to TB_BENCH_TEXTS */
    size_t tokens;       /* of the longest text */
    size_t total;        /* of all texts */
    const size_t *mixed; /* [texts] lengths; NULL: every text has `tokens` */
} tb_bench_shape;

/* "1x16,8x128,mixed8" (NULL: the usual four); "mixed8" is eight texts of 12 to 98 tokens, as long as sentences of
 * sentiment sets are. */
timbang_status tb_bench_shapes_parse(const char *text, tb_bench_shape shapes[TB_BENCH_SHAPES], size_t *n,
                                     tb_error *err);
size_t tb_bench_shape_length(const tb_bench_shape *shape, size_t text);

#endif
