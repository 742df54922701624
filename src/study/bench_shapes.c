/* SPDX-License-Identifier: Apache-2.0
 * Shapes of a benchmark from text. Includes: study/bench_shapes.h, base/text.h. Called by: study/bench. */
#include "study/bench_shapes.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { MIXED = 8 };
static const size_t mixed8[MIXED] = {12, 18, 24, 31, 39, 47, 62, 98};

size_t tb_bench_shape_length(const tb_bench_shape *shape, size_t text)
{
    return shape->mixed ? shape->mixed[text] : shape->tokens;
}

static bool parse_product(char *text, tb_bench_shape *out)
{
    uint64_t texts, tokens;
    char *x = strchr(text, 'x');
    if (!x)
        return false;
    *x = '\0';
    if (!tb_parse_u64(text, &texts) || !tb_parse_u64(x + 1, &tokens) || texts < 1 || texts > TB_BENCH_TEXTS ||
        tokens < 1 || tokens > TB_BENCH_TEXTS)
        return false;
    out->texts = (size_t)texts;
    out->tokens = (size_t)tokens;
    out->total = out->texts * out->tokens;
    snprintf(out->name, sizeof out->name, "%zux%zu", out->texts, out->tokens);
    return true;
}

static timbang_status parse_shape(const char *text, size_t length, tb_bench_shape *out, tb_error *err)
{
    char part[64];
    tb_bench_shape made = {0};
    if (length < sizeof part) {
        memcpy(part, text, length);
        part[length] = '\0';
        if (strcmp(part, "mixed8") == 0) {
            made = (tb_bench_shape){.name = "mixed8", .texts = MIXED, .tokens = mixed8[MIXED - 1], .mixed = mixed8};
            for (size_t i = 0; i < MIXED; i++)
                made.total += mixed8[i];
            *out = made;
            return TIMBANG_OK;
        }
        if (parse_product(part, &made)) {
            *out = made;
            return TIMBANG_OK;
        }
    }
    return tb_fail(err, TIMBANG_USAGE,
                   "the shape '%.*s' is not TEXTSxTOKENS, such as 8x128 (each from 1 to %d), nor mixed8",
                   (int)(length < 60 ? length : 60), text, TB_BENCH_TEXTS);
}

timbang_status tb_bench_shapes_parse(const char *text, tb_bench_shape shapes[TB_BENCH_SHAPES], size_t *n, tb_error *err)
{
    if (!text)
        text = "1x16,1x32,1x128,8x128";
    size_t count = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        if (count == TB_BENCH_SHAPES)
            return tb_fail(err, TIMBANG_USAGE, "more than %d shapes", TB_BENCH_SHAPES);
        TB_TRY(parse_shape(at, length, &shapes[count++], err));
        at += length;
        if (*at == '\0') {
            *n = count;
            return TIMBANG_OK;
        }
    }
}
