/* Bytes, stack and memo of the pickle machine. Every size is checked against the bytes that remain, every count against
 * a limit. Includes: formats/pickle_machine.h. Called by: formats/unpickle.c. */
#include "formats/pickle_machine.h"

#include <string.h>

/* ---- Bytes ---- */

uint64_t tb_pickle_position(const tb_pickle_machine *m)
{
    return m->next - (m->filled - m->at);
}

uint64_t tb_pickle_remaining(const tb_pickle_machine *m)
{
    return m->limit - tb_pickle_position(m);
}

timbang_status tb_pickle_bad(const tb_pickle_machine *m, tb_error *err, const char *what)
{
    return tb_fail(err, TIMBANG_FORMAT, "%s: the pickle is malformed at byte %llu: %s", m->heap->file,
                   (unsigned long long)tb_pickle_position(m), what);
}

timbang_status tb_pickle_take(tb_pickle_machine *m, void *out, size_t n, tb_error *err)
{
    unsigned char *to = out;
    if (n > tb_pickle_remaining(m))
        return tb_pickle_bad(m, err, "it ends too early");
    while (n > 0) {
        if (m->at == m->filled) {
            uint64_t left = m->limit - m->next;
            size_t chunk = left < TB_PICKLE_BUFFER ? (size_t)left : TB_PICKLE_BUFFER;
            TB_TRY(tb_source_read(m->source, m->next, m->buffer, chunk, err));
            m->next += chunk;
            m->at = 0;
            m->filled = chunk;
        }
        size_t part = m->filled - m->at < n ? m->filled - m->at : n;
        memcpy(to, m->buffer + m->at, part);
        m->at += part;
        to += part;
        n -= part;
    }
    return TIMBANG_OK;
}

/* width bytes, little-endian. */
timbang_status tb_pickle_take_u64(tb_pickle_machine *m, int width, uint64_t *out, tb_error *err)
{
    unsigned char raw[8];
    TB_TRY(tb_pickle_take(m, raw, (size_t)width, err));
    *out = 0;
    for (int i = width - 1; i >= 0; i--)
        *out = *out << 8 | raw[i];
    return TIMBANG_OK;
}

/* Up to and without the newline. */
timbang_status tb_pickle_take_line(tb_pickle_machine *m, char line[TB_PICKLE_MAX_LINE + 1], size_t *length,
                                   tb_error *err)
{
    size_t n = 0;
    for (;;) {
        char c;
        TB_TRY(tb_pickle_take(m, &c, 1, err));
        if (c == '\n')
            break;
        if (n == TB_PICKLE_MAX_LINE || c == '\0')
            return tb_pickle_bad(m, err, "a text line is too long or holds a zero byte");
        line[n++] = c;
    }
    if (n && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    *length = n;
    return TIMBANG_OK;
}

/* ---- Stack ---- */

timbang_status tb_pickle_push(tb_pickle_machine *m, tb_value *value, tb_error *err)
{
    if (!value)
        return err->status;
    if (m->height == m->capacity) {
        size_t capacity = m->capacity * 2;
        if (capacity > TB_PICKLE_MAX_STACK)
            return tb_pickle_bad(m, err, "its stack grows too high");
        TB_TRY(tb_grow((void **)&m->stack, capacity, sizeof *m->stack, err));
        m->capacity = capacity;
    }
    m->stack[m->height++] = value;
    return TIMBANG_OK;
}

/* What lies above the innermost mark. */
size_t tb_pickle_free_height(const tb_pickle_machine *m)
{
    return m->height - (m->n_marks ? m->marks[m->n_marks - 1] : 0);
}

timbang_status tb_pickle_need(const tb_pickle_machine *m, size_t n, tb_error *err)
{
    return tb_pickle_free_height(m) >= n ? TIMBANG_OK
                                         : tb_pickle_bad(m, err, "it takes more from the stack than there is");
}

timbang_status tb_pickle_pop(tb_pickle_machine *m, tb_value **out, tb_error *err)
{
    TB_TRY(tb_pickle_need(m, 1, err));
    *out = m->stack[--m->height];
    return TIMBANG_OK;
}

/* Removes the innermost mark; the values above it stay where they are and are no longer on the stack. */
timbang_status tb_pickle_pop_mark(tb_pickle_machine *m, tb_value ***items, size_t *count, tb_error *err)
{
    if (m->n_marks == 0)
        return tb_pickle_bad(m, err, "a mark is missing");
    size_t base = m->marks[--m->n_marks];
    *items = m->stack + base;
    *count = m->height - base;
    m->height = base;
    return TIMBANG_OK;
}

timbang_status tb_pickle_push_int(tb_pickle_machine *m, int64_t value, tb_error *err)
{
    tb_value *made = tb_value_new(m->heap, TB_VALUE_INT, err);
    if (made)
        made->as.integer = value;
    return tb_pickle_push(m, made, err);
}

timbang_status tb_pickle_push_bool(tb_pickle_machine *m, bool value, tb_error *err)
{
    tb_value *made = tb_value_new(m->heap, TB_VALUE_BOOL, err);
    if (made)
        made->as.integer = value;
    return tb_pickle_push(m, made, err);
}

timbang_status tb_pickle_push_text(tb_pickle_machine *m, tb_value_kind kind, const char *text, size_t length,
                                   tb_error *err)
{
    tb_value *made = tb_value_new(m->heap, kind, err);
    if (!made)
        return err->status;
    made->as.text = tb_arena_strndup(m->heap->arena, text, length, err);
    if (!made->as.text)
        return err->status;
    made->count = (uint32_t)length;
    return tb_pickle_push(m, made, err);
}

/* ---- Memo ---- */

timbang_status tb_pickle_memo_put(tb_pickle_machine *m, uint64_t index, tb_error *err)
{
    TB_TRY(tb_pickle_need(m, 1, err));
    if (index >= TB_PICKLE_MAX_MEMO)
        return tb_pickle_bad(m, err, "a memo number is too large");
    if (index >= m->memo_size) {
        size_t size = m->memo_size ? m->memo_size : 256;
        while (size <= index)
            size *= 2;
        TB_TRY(tb_grow((void **)&m->memo, size, sizeof *m->memo, err));
        for (size_t i = m->memo_size; i < size; i++)
            m->memo[i] = NULL;
        m->memo_size = size;
    }
    m->memo_used += m->memo[index] == NULL;
    m->memo[index] = m->stack[m->height - 1];
    return TIMBANG_OK;
}

timbang_status tb_pickle_memo_get(tb_pickle_machine *m, uint64_t index, tb_error *err)
{
    if (index >= m->memo_size || !m->memo[index])
        return tb_pickle_bad(m, err, "a memo number is asked for that was never set");
    return tb_pickle_push(m, m->memo[index], err);
}
