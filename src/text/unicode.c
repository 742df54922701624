/* Decomposition and lower case from the tables. Includes: text/unicode.h. Called by: normalizer, clean. */
#include "text/unicode.h"

static int from_pool(uint32_t place, uint32_t out[TB_UNICODE_DECOMPOSED_MAX])
{
    int n = (int)tb_unicode_pool[place];
    for (int i = 0; i < n; i++)
        out[i] = tb_unicode_pool[place + 1 + (uint32_t)i];
    return n;
}

int tb_unicode_decompose(uint32_t code_point, uint32_t out[TB_UNICODE_DECOMPOSED_MAX])
{
    if (code_point >= 0xAC00 && code_point <= 0xD7A3) { /* Hangul syllables: Unicode 3.12 */
        uint32_t i = code_point - 0xAC00, tail = i % 28;
        out[0] = 0x1100 + i / 588;
        out[1] = 0x1161 + i % 588 / 28;
        out[2] = 0x11A7 + tail;
        return tail ? 3 : 2;
    }
    const tb_unicode_record *record = tb_unicode_of(code_point);
    if (record->decomposition)
        return from_pool(record->decomposition, out);
    out[0] = code_point;
    return 1;
}

int tb_unicode_lower(uint32_t code_point, uint32_t out[TB_UNICODE_DECOMPOSED_MAX])
{
    int32_t step = tb_unicode_of(code_point)->lower;
    if (step >= TB_UNICODE_LOWER_POOL)
        return from_pool((uint32_t)(step - TB_UNICODE_LOWER_POOL), out);
    out[0] = (uint32_t)((int32_t)code_point + step);
    return 1;
}
