/* The parts of the pickle machine that opcodes are made of: its bytes, stack and memo, all bounded.
 * Includes: formats/unpickle.h. Called by: formats/unpickle.c only. */
#ifndef TB_FORMATS_PICKLE_MACHINE_H
#define TB_FORMATS_PICKLE_MACHINE_H

#include "formats/unpickle.h"

enum { TB_PICKLE_BUFFER = 1 << 14, TB_PICKLE_FIRST_STACK = 256 };

typedef struct tb_pickle_machine {
    tb_pickle_heap *heap;
    const tb_source *source;
    uint64_t next, limit; /* of the source: what comes after the buffer, and where reading must stop */
    unsigned char *buffer;
    size_t at, filled;
    tb_value **stack;
    size_t height, capacity;
    size_t marks[TB_PICKLE_MAX_MARKS];
    size_t n_marks;
    tb_value **memo;
    size_t memo_size, memo_used; /* memo_used: entries set, the next number of MEMOIZE */
} tb_pickle_machine;

uint64_t tb_pickle_position(const tb_pickle_machine *m);
uint64_t tb_pickle_remaining(const tb_pickle_machine *m);
/* TIMBANG_FORMAT, with file and position. */
timbang_status tb_pickle_bad(const tb_pickle_machine *m, tb_error *err, const char *what);
/* The next n bytes. */
timbang_status tb_pickle_take(tb_pickle_machine *m, void *out, size_t n, tb_error *err);
/* width bytes, little-endian. */
timbang_status tb_pickle_take_u64(tb_pickle_machine *m, int width, uint64_t *out, tb_error *err);
/* Up to and without the newline. */
timbang_status tb_pickle_take_line(tb_pickle_machine *m, char line[TB_PICKLE_MAX_LINE + 1], size_t *length,
                                   tb_error *err);
/* A value of NULL is a failure that has been reported. */
timbang_status tb_pickle_push(tb_pickle_machine *m, tb_value *value, tb_error *err);
/* What lies above the innermost mark. */
size_t tb_pickle_free_height(const tb_pickle_machine *m);
/* Refuses unless n values lie above the innermost mark. */
timbang_status tb_pickle_need(const tb_pickle_machine *m, size_t n, tb_error *err);
timbang_status tb_pickle_pop(tb_pickle_machine *m, tb_value **out, tb_error *err);
/* Removes the innermost mark; the values above it stay where they are and are no longer on the stack. */
timbang_status tb_pickle_pop_mark(tb_pickle_machine *m, tb_value ***items, size_t *count, tb_error *err);
timbang_status tb_pickle_push_int(tb_pickle_machine *m, int64_t value, tb_error *err);
timbang_status tb_pickle_push_bool(tb_pickle_machine *m, bool value, tb_error *err);
timbang_status tb_pickle_push_text(tb_pickle_machine *m, tb_value_kind kind, const char *text, size_t length,
                                   tb_error *err);
/* The top of the stack under this number. */
timbang_status tb_pickle_memo_put(tb_pickle_machine *m, uint64_t index, tb_error *err);
timbang_status tb_pickle_memo_get(tb_pickle_machine *m, uint64_t index, tb_error *err);

#endif
