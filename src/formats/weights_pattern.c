/* Patterns in config files: a small regular expression engine (Thompson's construction, simulated in lock step, so that
 * no pattern in a file can make it slow). Whether something matches is all that is asked: greedy and lazy are the same.
 * Includes: base, formats/weights_internal.h. Called by: formats/weights_map.c. */
#include "formats/weights_internal.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 1024, MAX_CODE = 4096, MAX_DEPTH = 24, MAX_LOOK_DEPTH = 4, MAX_REPEAT = 64, UNBOUNDED = -1 };

typedef struct byte_set {
    uint32_t word[8];
} byte_set;

typedef enum opcode { OP_SET, OP_SPLIT, OP_JUMP, OP_BEGIN, OP_END, OP_BOUNDARY, OP_LOOK, OP_MATCH } opcode;

typedef struct instruction {
    opcode op;
    bool negated;  /* BOUNDARY, LOOK */
    uint16_t x, y; /* SPLIT: both ways; JUMP: x; LOOK: x begins the inner code, y follows it; SET: x is the set */
} instruction;

struct tb_pattern {
    byte_set *sets;
    instruction *code;
    size_t n_sets, n_code;
};

typedef enum node_kind {
    NODE_EMPTY,
    NODE_SET,
    NODE_CAT,
    NODE_ALT,
    NODE_REPEAT,
    NODE_BEGIN,
    NODE_END,
    NODE_BOUNDARY,
    NODE_LOOK
} node_kind;

typedef struct node {
    node_kind kind;
    bool negated;
    int a, b;     /* children; SET: a is the set */
    int min, max; /* REPEAT */
} node;

typedef struct parser {
    const char *where, *text;
    size_t at;
    int depth, look_depth;
    node *nodes;
    int n_nodes;
    tb_pattern *out;
    tb_error *err;
    bool failed;
} parser;

static void set_add(byte_set *set, unsigned char byte)
{
    set->word[byte / 32] |= (uint32_t)1 << (byte % 32);
}

static bool set_has(const byte_set *set, unsigned char byte)
{
    return (set->word[byte / 32] >> (byte % 32)) & 1;
}

static int refuse(parser *p, const char *what)
{
    if (!p->failed)
        tb_fail(p->err, TIMBANG_UNSUPPORTED,
                "%s: quantization_config: the pattern 're:%.200s' %s at character %zu; write module names or a simpler "
                "pattern there",
                p->where, p->text, what, p->at + 1);
    p->failed = true;
    return -1;
}

static int new_node(parser *p, node_kind kind, int a, int b)
{
    if (p->failed)
        return -1;
    if (p->n_nodes == MAX_NODES)
        return refuse(p, "is too long");
    p->nodes[p->n_nodes] = (node){.kind = kind, .a = a, .b = b};
    return p->n_nodes++;
}

static int new_set(parser *p, const byte_set *set)
{
    if (p->failed)
        return -1;
    p->out->sets[p->out->n_sets] = *set; /* at most one a node: room was made for MAX_NODES */
    int id = new_node(p, NODE_SET, (int)p->out->n_sets, 0);
    p->out->n_sets += id >= 0;
    return id;
}

static bool is_word(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* \d \w \s and their opposites; false for any other letter. */
static bool class_escape(char letter, byte_set *set)
{
    byte_set one = {{0}};
    for (int c = 0; c < 128; c++) {
        bool in;
        switch (letter | 0x20) {
        case 'd':
            in = c >= '0' && c <= '9';
            break;
        case 'w':
            in = is_word(c);
            break;
        case 's':
            in = c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
            break;
        default:
            return false;
        }
        if (in)
            set_add(&one, (unsigned char)c);
    }
    bool opposite = letter < 'a';
    for (int i = 0; i < 8; i++)
        set->word[i] |= opposite ? ~one.word[i] : one.word[i];
    return true;
}

/* A literal after a backslash: punctuation stands for itself, some letters for control characters; -1: neither. */
static int literal_escape(unsigned char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    default:
        return c != 0 && c < 128 && (!is_word(c) || c == '_') ? c : -1;
    }
}

static int parse_class(parser *p)
{
    byte_set set = {{0}};
    bool negated = p->text[p->at] == '^', first = true;
    p->at += negated;
    for (;; first = false) {
        unsigned char c = (unsigned char)p->text[p->at];
        if (c == 0)
            return refuse(p, "has a class without its end");
        if (c == ']' && !first)
            break;
        if (c >= 128)
            return refuse(p, "has a class of other than ASCII characters");
        p->at++;
        int low = c;
        if (c == '\\') {
            char letter = p->text[p->at];
            if (class_escape(letter, &set)) {
                p->at++;
                continue;
            }
            low = literal_escape((unsigned char)letter);
            if (low < 0)
                return refuse(p, "has an escape that timbang does not know");
            p->at++;
        }
        int high = low;
        if (p->text[p->at] == '-' && p->text[p->at + 1] != ']' && p->text[p->at + 1] != 0) {
            high = (unsigned char)p->text[p->at + 1];
            p->at += 2;
            if (high == '\\') {
                high = literal_escape((unsigned char)p->text[p->at]);
                p->at += high >= 0;
            }
            if (high < low || high >= 128)
                return refuse(p, "has a reversed range");
        }
        for (int i = low; i <= high; i++)
            set_add(&set, (unsigned char)i);
    }
    p->at++;
    for (int i = 0; negated && i < 8; i++)
        set.word[i] = ~set.word[i];
    return new_set(p, &set);
}

static int parse_alternatives(parser *p);

static int parse_group(parser *p)
{
    bool look = false, negated = false;
    if (p->text[p->at] == '?') {
        char c = p->text[p->at + 1];
        if (c == ':') {
            p->at += 2;
        } else if (c == '=' || c == '!') {
            look = true;
            negated = c == '!';
            p->at += 2;
        } else {
            return refuse(p, "has a group that timbang does not know");
        }
    }
    if (look && ++p->look_depth > MAX_LOOK_DEPTH)
        return refuse(p, "is nested too deeply");
    int inner = parse_alternatives(p);
    if (p->failed)
        return -1;
    if (p->text[p->at] != ')')
        return refuse(p, "has a group without its end");
    p->at++;
    if (!look)
        return inner;
    p->look_depth--;
    int id = new_node(p, NODE_LOOK, inner, 0);
    if (id >= 0)
        p->nodes[id].negated = negated;
    return id;
}

static int parse_escape(parser *p)
{
    char c = p->text[p->at];
    if (c == 0)
        return refuse(p, "ends in a backslash");
    byte_set set = {{0}};
    p->at++;
    if (class_escape(c, &set))
        return new_set(p, &set);
    if (c == 'A')
        return new_node(p, NODE_BEGIN, 0, 0);
    if (c == 'b' || c == 'B') {
        int id = new_node(p, NODE_BOUNDARY, 0, 0);
        if (id >= 0)
            p->nodes[id].negated = c == 'B';
        return id;
    }
    if (c == 'Z')
        return new_node(p, NODE_END, 0, 0);
    int literal = literal_escape((unsigned char)c);
    if (literal < 0)
        return refuse(p, "has an escape that timbang does not know");
    set_add(&set, (unsigned char)literal);
    return new_set(p, &set);
}

static int parse_atom(parser *p)
{
    unsigned char c = (unsigned char)p->text[p->at++];
    byte_set set = {{0}};
    switch (c) {
    case '(':
        return parse_group(p);
    case '[':
        return parse_class(p);
    case '\\':
        return parse_escape(p);
    case '^':
        return new_node(p, NODE_BEGIN, 0, 0);
    case '$':
        return new_node(p, NODE_END, 0, 0);
    case '*':
    case '+':
    case '?':
        return refuse(p, "repeats nothing");
    case '.':
        memset(&set, 0xff, sizeof set);
        set.word['\n' / 32] &= ~((uint32_t)1 << ('\n' % 32));
        return new_set(p, &set);
    default:
        set_add(&set, c);
        return new_set(p, &set);
    }
}

static bool parse_count(parser *p, int *count)
{
    int value = 0;
    size_t begin = p->at;
    for (; p->text[p->at] >= '0' && p->text[p->at] <= '9'; p->at++)
        value = value > MAX_REPEAT ? value : value * 10 + (p->text[p->at] - '0');
    if (p->at > begin)
        *count = value;
    return p->at > begin;
}

static int parse_repeat(parser *p)
{
    int atom = parse_atom(p);
    while (!p->failed) {
        char c = p->text[p->at];
        int min = 0, max = UNBOUNDED;
        if (c == '+') {
            min = 1;
        } else if (c == '?') {
            max = 1;
        } else if (c == '{') {
            p->at++;
            bool has_min = parse_count(p, &min), comma = p->text[p->at] == ',';
            p->at += comma;
            bool has_max = comma && parse_count(p, &max);
            if (!comma)
                max = min;
            if ((!has_min && !has_max) || p->text[p->at] != '}') /* Python reads it as itself */
                return refuse(p, "has a brace that counts nothing");
            if (min > MAX_REPEAT || max > MAX_REPEAT || (max != UNBOUNDED && max < min))
                return refuse(p, "has a repetition out of range");
        } else if (c != '*') {
            break;
        }
        p->at++;
        if (p->text[p->at] == '?')
            p->at++;
        else if (p->text[p->at] == '+')
            return refuse(p, "has a possessive repetition");
        atom = new_node(p, NODE_REPEAT, atom, 0);
        if (atom >= 0) {
            p->nodes[atom].min = min;
            p->nodes[atom].max = max;
        }
    }
    return atom;
}

static int parse_alternatives(parser *p)
{
    if (++p->depth > MAX_DEPTH)
        return refuse(p, "is nested too deeply");
    int all = -1;
    for (;;) {
        int branch = new_node(p, NODE_EMPTY, 0, 0);
        while (!p->failed && p->text[p->at] != 0 && p->text[p->at] != '|' && p->text[p->at] != ')') {
            int atom = parse_repeat(p);
            branch = new_node(p, NODE_CAT, branch, atom);
        }
        all = all < 0 ? branch : new_node(p, NODE_ALT, all, branch);
        if (p->failed || p->text[p->at] != '|')
            break;
        p->at++;
    }
    p->depth--;
    return all;
}

static size_t put(parser *p, opcode op, size_t x, size_t y)
{
    if (p->out->n_code == MAX_CODE) {
        refuse(p, "is too long");
        return 0;
    }
    p->out->code[p->out->n_code] = (instruction){.op = op, .x = (uint16_t)x, .y = (uint16_t)y};
    return p->out->n_code++;
}

static void emit(parser *p, int id)
{
    if (p->failed)
        return;
    const node n = p->nodes[id];
    instruction *code = p->out->code;
    size_t at;
    switch (n.kind) {
    case NODE_EMPTY:
        break;
    case NODE_SET:
        put(p, OP_SET, (size_t)n.a, 0);
        break;
    case NODE_BEGIN:
        put(p, OP_BEGIN, 0, 0);
        break;
    case NODE_END:
        put(p, OP_END, 0, 0);
        break;
    case NODE_BOUNDARY:
        at = put(p, OP_BOUNDARY, 0, 0);
        code[at].negated = n.negated;
        break;
    case NODE_CAT:
        emit(p, n.a);
        emit(p, n.b);
        break;
    case NODE_ALT: {
        at = put(p, OP_SPLIT, p->out->n_code + 1, 0);
        emit(p, n.a);
        size_t jump = put(p, OP_JUMP, 0, 0);
        code[at].y = (uint16_t)p->out->n_code;
        emit(p, n.b);
        code[jump].x = (uint16_t)p->out->n_code;
        break;
    }
    case NODE_REPEAT:
        for (int i = 0; i < n.min && !p->failed; i++) {
            size_t before = p->out->n_code;
            emit(p, n.a);
            if (p->out->n_code == before) /* nothing to repeat, however often */
                break;
        }
        if (n.max == UNBOUNDED) {
            at = put(p, OP_SPLIT, p->out->n_code + 1, 0);
            emit(p, n.a);
            put(p, OP_JUMP, at, 0);
            code[at].y = (uint16_t)p->out->n_code;
        }
        for (int i = n.min; i < n.max && !p->failed; i++) { /* each may be left out: one after the other is enough */
            at = put(p, OP_SPLIT, p->out->n_code + 1, 0);
            emit(p, n.a);
            code[at].y = (uint16_t)p->out->n_code;
        }
        break;
    case NODE_LOOK:
        at = put(p, OP_LOOK, p->out->n_code + 1, 0);
        code[at].negated = n.negated;
        emit(p, n.a);
        put(p, OP_MATCH, 0, 0);
        code[at].y = (uint16_t)p->out->n_code;
        break;
    }
}

timbang_status tb_pattern_compile(const char *where, const char *text, tb_pattern **pattern, tb_error *err)
{
    parser p = {.where = where, .text = text, .err = err};
    p.out = tb_calloc(1, sizeof *p.out, err);
    if (!p.out)
        return TIMBANG_NO_MEMORY;
    p.out->sets = tb_calloc(MAX_NODES, sizeof *p.out->sets, err);
    p.out->code = p.out->sets ? tb_calloc(MAX_CODE, sizeof *p.out->code, err) : NULL;
    p.nodes = p.out->code ? tb_calloc(MAX_NODES, sizeof *p.nodes, err) : NULL;
    if (!p.nodes) {
        tb_pattern_free(p.out);
        return TIMBANG_NO_MEMORY;
    }
    int root = parse_alternatives(&p);
    if (!p.failed && text[p.at] != 0)
        refuse(&p, "has a bracket too many");
    if (!p.failed) {
        emit(&p, root);
        put(&p, OP_MATCH, 0, 0);
    }
    free(p.nodes);
    if (p.failed) {
        tb_pattern_free(p.out);
        return err->status;
    }
    *pattern = p.out;
    return TIMBANG_OK;
}

void tb_pattern_free(tb_pattern *pattern)
{
    if (!pattern)
        return;
    free(pattern->sets);
    free(pattern->code);
    free(pattern);
}

static bool run(const tb_pattern *pattern, size_t start, const char *name, size_t length, size_t at);

typedef struct threads {
    uint16_t pc[MAX_CODE];
    size_t n;
} threads;

/* Adds what can be reached from pc without reading a byte; true: a match. */
static bool follow(const tb_pattern *pattern, size_t start, const char *name, size_t length, size_t at, threads *list,
                   uint8_t *seen)
{
    uint16_t stack[MAX_CODE];
    size_t top = 0;
    if (!seen[start]) {
        seen[start] = 1;
        stack[top++] = (uint16_t)start;
    }
    while (top > 0) {
        uint16_t pc = stack[--top];
        const instruction *i = &pattern->code[pc];
        size_t next[2], n_next = 0;
        bool before, after;
        switch (i->op) {
        case OP_MATCH:
            return true;
        case OP_SET:
            list->pc[list->n++] = pc;
            break;
        case OP_SPLIT:
            next[n_next++] = i->x;
            next[n_next++] = i->y;
            break;
        case OP_JUMP:
            next[n_next++] = i->x;
            break;
        case OP_BEGIN:
            if (at == 0)
                next[n_next++] = (size_t)pc + 1;
            break;
        case OP_END:
            if (at == length)
                next[n_next++] = (size_t)pc + 1;
            break;
        case OP_BOUNDARY:
            before = at > 0 && is_word((unsigned char)name[at - 1]);
            after = at < length && is_word((unsigned char)name[at]);
            if ((before != after) != i->negated)
                next[n_next++] = (size_t)pc + 1;
            break;
        case OP_LOOK:
            if (run(pattern, i->x, name, length, at) != i->negated)
                next[n_next++] = i->y;
            break;
        }
        for (size_t k = 0; k < n_next; k++) {
            if (!seen[next[k]]) {
                seen[next[k]] = 1;
                stack[top++] = (uint16_t)next[k];
            }
        }
    }
    return false;
}

static bool run(const tb_pattern *pattern, size_t start, const char *name, size_t length, size_t at)
{
    threads lists[2];
    uint8_t seen[MAX_CODE];
    threads *now = &lists[0], *then = &lists[1];
    now->n = 0;
    memset(seen, 0, sizeof seen);
    if (follow(pattern, start, name, length, at, now, seen))
        return true;
    for (; at < length && now->n > 0; at++) {
        then->n = 0;
        memset(seen, 0, sizeof seen);
        for (size_t i = 0; i < now->n; i++) {
            size_t pc = now->pc[i];
            if (set_has(&pattern->sets[pattern->code[pc].x], (unsigned char)name[at]) &&
                follow(pattern, pc + 1, name, length, at + 1, then, seen))
                return true;
        }
        threads *swap = now;
        now = then;
        then = swap;
    }
    return false;
}

bool tb_pattern_match(const tb_pattern *pattern, const char *name)
{
    return run(pattern, 0, name, strlen(name), 0);
}
