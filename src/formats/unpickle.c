/* The opcodes of pickles, all protocols: a restricted machine that builds values and refuses every opcode that would
 * build or call anything unknown. Nothing is ever executed.
 * Includes: formats/pickle_machine.h. Called by: formats/torch_zip.c, formats/torch_legacy.c. */
#include "formats/pickle_machine.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* length bytes that follow, as text; they are known to be there before room is made for them. */
static timbang_status push_counted(tb_pickle_machine *m, tb_value_kind kind, int width, tb_error *err)
{
    uint64_t length;
    TB_TRY(tb_pickle_take_u64(m, width, &length, err));
    if (length > tb_pickle_remaining(m) || length > TB_PICKLE_MAX_BYTES)
        return tb_pickle_bad(m, err, "a string is longer than the pickle");
    tb_value *made = tb_value_new(m->heap, kind, err);
    char *text = made ? tb_arena_alloc(m->heap->arena, (size_t)length + 1, 1, err) : NULL;
    if (!text)
        return err->status;
    TB_TRY(tb_pickle_take(m, text, (size_t)length, err));
    made->as.text = text;
    made->count = (uint32_t)length;
    return tb_pickle_push(m, made, err);
}

/* ---- Numbers and text of the old protocols ---- */

static bool parse_decimal(const char *text, int64_t *out)
{
    bool negative = *text == '-';
    uint64_t value;
    if (!tb_parse_u64(text + negative, &value) || value > (uint64_t)INT64_MAX)
        return false;
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static timbang_status push_decimal(tb_pickle_machine *m, bool is_long, tb_error *err)
{
    char line[TB_PICKLE_MAX_LINE + 1];
    size_t length;
    int64_t value;
    TB_TRY(tb_pickle_take_line(m, line, &length, err));
    if (!is_long && (strcmp(line, "00") == 0 || strcmp(line, "01") == 0))
        return tb_pickle_push_bool(m, line[1] == '1', err);
    if (is_long && length && line[length - 1] == 'L')
        line[--length] = '\0';
    if (parse_decimal(line, &value))
        return tb_pickle_push_int(m, value, err);
    if (!length || strspn(line[0] == '-' ? line + 1 : line, "0123456789") + (line[0] == '-') != length)
        return tb_pickle_bad(m, err, "a number is not decimal");
    return tb_pickle_push_text(m, TB_VALUE_LONG, line, length, err);
}

static timbang_status push_decimal_float(tb_pickle_machine *m, tb_error *err)
{
    char line[TB_PICKLE_MAX_LINE + 1];
    size_t length;
    TB_TRY(tb_pickle_take_line(m, line, &length, err));
    tb_value *made = tb_value_new(m->heap, TB_VALUE_FLOAT, err);
    if (made && !tb_parse_double(line, &made->as.real))
        made->as.real = 0; /* "nan", "inf": no float of a pickle is ever used */
    return tb_pickle_push(m, made, err);
}

static timbang_status push_long(tb_pickle_machine *m, int width, tb_error *err)
{
    uint64_t length;
    TB_TRY(tb_pickle_take_u64(m, width, &length, err));
    if (length > 255)
        return tb_pickle_bad(m, err, "an integer is too long");
    unsigned char raw[256];
    TB_TRY(tb_pickle_take(m, raw, (size_t)length, err));
    if (length > 8)
        return tb_pickle_push_text(m, TB_VALUE_LONG, (const char *)raw, (size_t)length, err);
    uint64_t value = length && (raw[length - 1] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = (size_t)length; i-- > 0;)
        value = value << 8 | raw[i];
    return tb_pickle_push_int(m, (int64_t)value, err);
}

/* 'text' or "text" of protocol 0; only plain strings are found where a state dict has any. */
static timbang_status push_quoted(tb_pickle_machine *m, tb_error *err)
{
    char line[TB_PICKLE_MAX_LINE + 1];
    size_t length;
    TB_TRY(tb_pickle_take_line(m, line, &length, err));
    if (length < 2 || (line[0] != '\'' && line[0] != '"') || line[length - 1] != line[0] || strchr(line, '\\'))
        return tb_pickle_bad(m, err, "a quoted string is not plain");
    return tb_pickle_push_text(m, TB_VALUE_STRING, line + 1, length - 2, err);
}

/* Latin-1 with \uXXXX and \UXXXXXXXX, as protocol 0 writes text. */
static timbang_status push_raw_unicode(tb_pickle_machine *m, tb_error *err)
{
    char line[TB_PICKLE_MAX_LINE + 1];
    size_t length;
    TB_TRY(tb_pickle_take_line(m, line, &length, err));
    tb_text out = {0};
    timbang_status status = TIMBANG_OK;
    for (size_t i = 0; i < length && status == TIMBANG_OK;) {
        uint32_t code = (unsigned char)line[i];
        size_t digits = 0;
        if (line[i] == '\\' && (line[i + 1] == 'u' || line[i + 1] == 'U'))
            digits = line[i + 1] == 'u' ? 4 : 8;
        if (digits) {
            if (strspn(line + i + 2, "0123456789abcdefABCDEF") < digits)
                status = tb_pickle_bad(m, err, "a \\u escape is not hexadecimal");
            code = 0;
            for (size_t d = 0; d < digits && status == TIMBANG_OK; d++) {
                char c = line[i + 2 + d];
                code = code << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
            }
            if (status == TIMBANG_OK && (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)))
                status = tb_pickle_bad(m, err, "a \\u escape is no character");
        }
        char bytes[4];
        if (status == TIMBANG_OK)
            tb_text_append(&out, bytes, (size_t)tb_utf8_encode(code, bytes));
        i += digits ? 2 + digits : 1;
    }
    if (status == TIMBANG_OK)
        status = tb_text_finish(&out, err);
    if (status == TIMBANG_OK)
        status = tb_pickle_push_text(m, TB_VALUE_STRING, out.data ? out.data : "", out.length, err);
    tb_text_free(&out);
    return status;
}

/* ---- Containers ---- */

static timbang_status push_sequence(tb_pickle_machine *m, tb_value_kind kind, size_t count, tb_error *err)
{
    TB_TRY(tb_pickle_need(m, count, err));
    m->height -= count;
    return tb_pickle_push(m, tb_value_sequence(m->heap, kind, m->stack + m->height, count, err), err);
}

static timbang_status push_marked(tb_pickle_machine *m, tb_value_kind kind, tb_error *err)
{
    tb_value **items = NULL;
    size_t count = 0;
    TB_TRY(tb_pickle_pop_mark(m, &items, &count, err));
    if (kind == TB_VALUE_DICT && count % 2)
        return tb_pickle_bad(m, err, "a key of a dict has no value");
    return tb_pickle_push(m, tb_value_sequence(m->heap, kind, items, count, err), err);
}

static timbang_status fill(tb_pickle_machine *m, tb_value *const *items, size_t count, bool dict, tb_error *err)
{
    TB_TRY(tb_pickle_need(m, 1, err));
    tb_value *target = m->stack[m->height - 1];
    bool fits = dict ? target->kind == TB_VALUE_DICT : target->kind == TB_VALUE_LIST || target->kind == TB_VALUE_SET;
    if (!fits || (dict && count % 2))
        return tb_pickle_bad(m, err,
                             dict ? "items are set on something that is no dict" : "items are added to no list");
    for (size_t i = 0; i < count; i++)
        TB_TRY(tb_value_append(m->heap, target, items[i], err));
    return TIMBANG_OK;
}

static timbang_status fill_marked(tb_pickle_machine *m, bool dict, tb_error *err)
{
    tb_value **items = NULL;
    size_t count = 0;
    TB_TRY(tb_pickle_pop_mark(m, &items, &count, err));
    return fill(m, items, count, dict, err);
}

static timbang_status fill_top(tb_pickle_machine *m, size_t count, bool dict, tb_error *err)
{
    TB_TRY(tb_pickle_need(m, count, err));
    m->height -= count;
    return fill(m, m->stack + m->height, count, dict, err);
}

/* ---- Memo ---- */

static timbang_status memo_line(tb_pickle_machine *m, bool put, tb_error *err)
{
    char line[TB_PICKLE_MAX_LINE + 1];
    size_t length;
    uint64_t index;
    TB_TRY(tb_pickle_take_line(m, line, &length, err));
    if (!tb_parse_u64(line, &index))
        return tb_pickle_bad(m, err, "a memo number is not decimal");
    return put ? tb_pickle_memo_put(m, index, err) : tb_pickle_memo_get(m, index, err);
}

/* width bytes of memo number */
static timbang_status memo_binary(tb_pickle_machine *m, bool put, int width, tb_error *err)
{
    uint64_t index;
    TB_TRY(tb_pickle_take_u64(m, width, &index, err));
    return put ? tb_pickle_memo_put(m, index, err) : tb_pickle_memo_get(m, index, err);
}

/* ---- Globals and objects ---- */

static timbang_status do_global_lines(tb_pickle_machine *m, tb_error *err)
{
    char module[TB_PICKLE_MAX_LINE + 1], name[TB_PICKLE_MAX_LINE + 1];
    size_t length;
    tb_value *made = NULL;
    TB_TRY(tb_pickle_take_line(m, module, &length, err));
    TB_TRY(tb_pickle_take_line(m, name, &length, err));
    TB_TRY(tb_pickle_global(m->heap, module, name, &made, err));
    return tb_pickle_push(m, made, err);
}

static timbang_status do_global_stack(tb_pickle_machine *m, tb_error *err)
{
    tb_value *name = NULL, *module = NULL, *made = NULL;
    TB_TRY(tb_pickle_pop(m, &name, err));
    TB_TRY(tb_pickle_pop(m, &module, err));
    if (name->kind != TB_VALUE_STRING || module->kind != TB_VALUE_STRING)
        return tb_pickle_bad(m, err, "a global's name is no string");
    TB_TRY(tb_pickle_global(m->heap, module->as.text, name->as.text, &made, err));
    return tb_pickle_push(m, made, err);
}

static timbang_status do_reduce(tb_pickle_machine *m, tb_error *err)
{
    tb_value *args = NULL, *callable = NULL, *made = NULL;
    TB_TRY(tb_pickle_pop(m, &args, err));
    TB_TRY(tb_pickle_pop(m, &callable, err));
    if (callable->kind != TB_VALUE_GLOBAL || args->kind != TB_VALUE_TUPLE)
        return tb_pickle_bad(m, err, "it calls something that is no function");
    TB_TRY(tb_pickle_reduce(m->heap, callable, args, &made, err));
    return tb_pickle_push(m, made, err);
}

/* State set on an object: an ordered dict's _metadata, a tensor's attributes. Weights have none, so it is left out. */
static timbang_status do_build(tb_pickle_machine *m, tb_error *err)
{
    tb_value *state = NULL;
    TB_TRY(tb_pickle_pop(m, &state, err));
    TB_TRY(tb_pickle_need(m, 1, err));
    tb_value_kind kind = m->stack[m->height - 1]->kind;
    if (kind != TB_VALUE_DICT && kind != TB_VALUE_TENSOR)
        return tb_pickle_bad(m, err, "state is set on something that has none");
    return TIMBANG_OK;
}

static timbang_status do_persistent(tb_pickle_machine *m, bool text, tb_error *err)
{
    tb_value *id = NULL, *made = NULL;
    if (text) {
        char line[TB_PICKLE_MAX_LINE + 1];
        size_t length;
        TB_TRY(tb_pickle_take_line(m, line, &length, err));
        TB_TRY(tb_pickle_persistent_text(m->heap, line, &made, err));
    } else {
        TB_TRY(tb_pickle_pop(m, &id, err));
        TB_TRY(tb_pickle_persistent(m->heap, id, &made, err));
    }
    return tb_pickle_push(m, made, err);
}

/* INST names a class in the pickle itself; the others take it from the stack, where only known globals can be. */
static timbang_status refuse_object(tb_pickle_machine *m, unsigned char opcode, tb_error *err)
{
    if (opcode == 'i') {
        char module[TB_PICKLE_MAX_LINE + 1], name[TB_PICKLE_MAX_LINE + 1];
        size_t length;
        tb_value *made = NULL;
        TB_TRY(tb_pickle_take_line(m, module, &length, err));
        TB_TRY(tb_pickle_take_line(m, name, &length, err));
        TB_TRY(tb_pickle_global(m->heap, module, name, &made, err));
    }
    return tb_fail(err, TIMBANG_UNSUPPORTED,
                   "%s: the pickle builds an object (opcode 0x%02x at byte %llu), which a state dict does not need; "
                   "nothing was executed",
                   m->heap->file, opcode, (unsigned long long)tb_pickle_position(m) - 1);
}

/* ---- The machine ---- */

static timbang_status do_number(tb_pickle_machine *m, unsigned char opcode, tb_error *err)
{
    uint64_t raw;
    switch (opcode) {
    case 'J': /* BININT */
        TB_TRY(tb_pickle_take_u64(m, 4, &raw, err));
        return tb_pickle_push_int(m, (int64_t)(raw ^ 0x80000000u) - 0x80000000ll, err);
    case 'K': /* BININT1 */
        TB_TRY(tb_pickle_take_u64(m, 1, &raw, err));
        return tb_pickle_push_int(m, (int64_t)raw, err);
    case 'M': /* BININT2 */
        TB_TRY(tb_pickle_take_u64(m, 2, &raw, err));
        return tb_pickle_push_int(m, (int64_t)raw, err);
    case 0x8a: /* LONG1 */
        return push_long(m, 1, err);
    case 0x8b: /* LONG4 */
        return push_long(m, 4, err);
    case 'I':
        return push_decimal(m, false, err);
    case 'L':
        return push_decimal(m, true, err);
    case 'F':
        return push_decimal_float(m, err);
    default: { /* BINFLOAT, big-endian; its value is never used */
        TB_TRY(tb_pickle_take_u64(m, 8, &raw, err));
        return tb_pickle_push(m, tb_value_new(m->heap, TB_VALUE_FLOAT, err), err);
    }
    }
}

static timbang_status do_text(tb_pickle_machine *m, unsigned char opcode, tb_error *err)
{
    switch (opcode) {
    case 'S':
        return push_quoted(m, err);
    case 'V':
        return push_raw_unicode(m, err);
    case 'T': /* BINSTRING */
    case 'X': /* BINUNICODE */
        return push_counted(m, TB_VALUE_STRING, 4, err);
    case 'U':  /* SHORT_BINSTRING */
    case 0x8c: /* SHORT_BINUNICODE */
        return push_counted(m, TB_VALUE_STRING, 1, err);
    case 0x8d: /* BINUNICODE8 */
        return push_counted(m, TB_VALUE_STRING, 8, err);
    case 'B': /* BINBYTES */
        return push_counted(m, TB_VALUE_BYTES, 4, err);
    case 'C': /* SHORT_BINBYTES */
        return push_counted(m, TB_VALUE_BYTES, 1, err);
    default: /* BINBYTES8, BYTEARRAY8 */
        return push_counted(m, TB_VALUE_BYTES, 8, err);
    }
}

static timbang_status do_container(tb_pickle_machine *m, unsigned char opcode, tb_error *err)
{
    switch (opcode) {
    case ')':
        return push_sequence(m, TB_VALUE_TUPLE, 0, err);
    case 0x85:
    case 0x86:
    case 0x87:
        return push_sequence(m, TB_VALUE_TUPLE, (size_t)opcode - 0x84, err);
    case 't':
        return push_marked(m, TB_VALUE_TUPLE, err);
    case ']':
        return push_sequence(m, TB_VALUE_LIST, 0, err);
    case 'l':
        return push_marked(m, TB_VALUE_LIST, err);
    case 'a':
        return fill_top(m, 1, false, err);
    case 'e':
    case 0x90: /* ADDITEMS */
        return fill_marked(m, false, err);
    case '}':
        return push_sequence(m, TB_VALUE_DICT, 0, err);
    case 'd':
        return push_marked(m, TB_VALUE_DICT, err);
    case 's':
        return fill_top(m, 2, true, err);
    case 'u':
        return fill_marked(m, true, err);
    case 0x8f: /* EMPTY_SET */
        return push_sequence(m, TB_VALUE_SET, 0, err);
    default: /* FROZENSET */
        return push_marked(m, TB_VALUE_SET, err);
    }
}

static timbang_status do_stack(tb_pickle_machine *m, unsigned char opcode, tb_error *err)
{
    tb_value *value = NULL, **items = NULL;
    size_t count = 0;
    switch (opcode) {
    case '(':
        if (m->n_marks == TB_PICKLE_MAX_MARKS)
            return tb_pickle_bad(m, err, "it is nested too deeply");
        m->marks[m->n_marks++] = m->height;
        return TIMBANG_OK;
    case '1': /* POP_MARK */
        return tb_pickle_pop_mark(m, &items, &count, err);
    case '0': /* POP: a value, or a mark that has nothing above it */
        if (m->n_marks && tb_pickle_free_height(m) == 0)
            return tb_pickle_pop_mark(m, &items, &count, err);
        return tb_pickle_pop(m, &value, err);
    default: /* DUP */
        TB_TRY(tb_pickle_need(m, 1, err));
        return tb_pickle_push(m, m->stack[m->height - 1], err);
    }
}

static timbang_status do_header(tb_pickle_machine *m, unsigned char opcode, tb_error *err)
{
    uint64_t value;
    if (opcode == 0x80) {
        TB_TRY(tb_pickle_take_u64(m, 1, &value, err));
        return value <= 5 ? TIMBANG_OK : tb_pickle_bad(m, err, "its protocol is newer than 5");
    }
    TB_TRY(tb_pickle_take_u64(m, 8, &value, err)); /* FRAME */
    return value <= tb_pickle_remaining(m) ? TIMBANG_OK : tb_pickle_bad(m, err, "a frame is longer than the pickle");
}

static timbang_status step(tb_pickle_machine *m, unsigned char opcode, tb_error *err)
{
    switch (opcode) {
    case 0x80:
    case 0x95:
        return do_header(m, opcode, err);
    case '(':
    case '0':
    case '1':
    case '2':
        return do_stack(m, opcode, err);
    case 'N':
        return tb_pickle_push(m, tb_value_new(m->heap, TB_VALUE_NONE, err), err);
    case 0x88:
    case 0x89:
        return tb_pickle_push_bool(m, opcode == 0x88, err);
    case 'J':
    case 'K':
    case 'M':
    case 'I':
    case 'L':
    case 'F':
    case 'G':
    case 0x8a:
    case 0x8b:
        return do_number(m, opcode, err);
    case 'S':
    case 'T':
    case 'U':
    case 'V':
    case 'X':
    case 'B':
    case 'C':
    case 0x8c:
    case 0x8d:
    case 0x8e:
    case 0x96:
        return do_text(m, opcode, err);
    case ')':
    case 't':
    case 0x85:
    case 0x86:
    case 0x87:
    case ']':
    case 'l':
    case 'a':
    case 'e':
    case '}':
    case 'd':
    case 's':
    case 'u':
    case 0x8f:
    case 0x90:
    case 0x91:
        return do_container(m, opcode, err);
    case 'p':
    case 'g':
        return memo_line(m, opcode == 'p', err);
    case 'q':
    case 'h':
        return memo_binary(m, opcode == 'q', 1, err);
    case 'r':
    case 'j':
        return memo_binary(m, opcode == 'r', 4, err);
    case 0x94: /* MEMOIZE */
        return tb_pickle_memo_put(m, m->memo_used, err);
    case 'c':
        return do_global_lines(m, err);
    case 0x93:
        return do_global_stack(m, err);
    case 'R':
        return do_reduce(m, err);
    case 'b':
        return do_build(m, err);
    case 'P':
    case 'Q':
        return do_persistent(m, opcode == 'P', err);
    case 'i':  /* INST */
    case 'o':  /* OBJ */
    case 0x81: /* NEWOBJ */
    case 0x92: /* NEWOBJ_EX */
    case 0x82: /* EXT1, EXT2, EXT4: globals by number */
    case 0x83:
    case 0x84:
    case 0x97: /* NEXT_BUFFER, READONLY_BUFFER */
    case 0x98:
        return refuse_object(m, opcode, err);
    default:
        return tb_pickle_bad(m, err, "this is no pickle opcode");
    }
}

timbang_status tb_unpickle(tb_pickle_heap *heap, const tb_source *source, uint64_t begin, uint64_t limit,
                           tb_value **root, uint64_t *end, tb_error *err)
{
    uint64_t size = tb_source_size(source);
    limit = limit < size ? limit : size;
    if (begin > limit)
        return tb_fail(err, TIMBANG_FORMAT, "%s: is truncated: a pickle is expected at byte %llu", heap->file,
                       (unsigned long long)begin);
    if (limit - begin > TB_PICKLE_MAX_BYTES)
        limit = begin + TB_PICKLE_MAX_BYTES;
    tb_pickle_machine *m = tb_calloc(1, sizeof *m, err);
    if (!m)
        return err->status;
    *m = (tb_pickle_machine){.heap = heap, .source = source, .next = begin, .limit = limit};
    m->buffer = tb_calloc(TB_PICKLE_BUFFER, 1, err);
    m->stack = m->buffer ? tb_calloc(TB_PICKLE_FIRST_STACK, sizeof *m->stack, err) : NULL;
    m->capacity = TB_PICKLE_FIRST_STACK;
    timbang_status status = m->stack ? TIMBANG_OK : err->status;
    while (status == TIMBANG_OK) {
        unsigned char opcode = 0;
        status = tb_pickle_take(m, &opcode, 1, err);
        if (status != TIMBANG_OK || opcode == '.')
            break;
        status = step(m, opcode, err);
    }
    if (status == TIMBANG_OK && (m->height != 1 || m->n_marks))
        status = tb_pickle_bad(m, err, "it does not end with one value");
    if (status == TIMBANG_OK) {
        *root = m->stack[0];
        *end = tb_pickle_position(m);
    }
    free(m->buffer);
    free(m->stack);
    free(m->memo);
    free(m);
    return status;
}
