/* Random texts. Includes: random_text.h. Called by: the tests of this room. */
#include "random_text.h"

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
    return (size_t)((random_next(state) >> 33) % n);
}

void random_text(const json_t *pieces, uint64_t index, tb_text *out)
{
    uint64_t state = index * 0xD1B54A32D192ED03u + 1;
    out->length = 0;
    size_t n = 1 + below(&state, 24);
    for (size_t i = 0; i < n; i++) {
        const json_t *piece = json_array_get(pieces, below(&state, json_array_size(pieces)));
        const json_t *list = json_object_get(piece, "list"), *range = json_object_get(piece, "range");
        if (list) {
            const json_t *text = json_array_get(list, below(&state, json_array_size(list)));
            tb_text_append(out, json_string_value(text), json_string_length(text));
            continue;
        }
        size_t low = (size_t)json_integer_value(json_array_get(range, 0));
        size_t high = (size_t)json_integer_value(json_array_get(range, 1));
        size_t most = (size_t)json_integer_value(json_object_get(piece, "most"));
        for (size_t left = 1 + below(&state, most); left > 0; left--) {
            char bytes[4];
            uint32_t c = (uint32_t)(low + below(&state, high - low + 1));
            tb_text_append(out, bytes, (size_t)tb_utf8_encode(c >= 0xD800 && c < 0xE000 ? '?' : c, bytes));
        }
    }
    tb_text_append(out, "", 0);
}
