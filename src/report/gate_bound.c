/* The bound of a rule: a number with a unit, true or false, or a part of another variant's figure.
 * Includes: report/gate_rules.h. Called by: report/gate_rules. */
#include "base/text.h"
#include "report/gate_rules.h"

#include <math.h>
#include <string.h>

typedef struct unit {
    const char *name;
    tb_gate_unit unit;
    double factor;
} unit;

static const unit units[] = {
    {"%", TB_UNIT_PERCENT, 0.01},
    {"B", TB_UNIT_BYTES, 1},
    {"bytes", TB_UNIT_BYTES, 1},
    {"kB", TB_UNIT_BYTES, 1e3},
    {"KB", TB_UNIT_BYTES, 1e3},
    {"MB", TB_UNIT_BYTES, 1e6},
    {"GB", TB_UNIT_BYTES, 1e9},
    {"KiB", TB_UNIT_BYTES, 1024.0},
    {"MiB", TB_UNIT_BYTES, 1024.0 * 1024},
    {"GiB", TB_UNIT_BYTES, 1024.0 * 1024 * 1024},
    {"us", TB_UNIT_TIME, 1e-3},
    {"ms", TB_UNIT_TIME, 1},
    {"s", TB_UNIT_TIME, 1e3},
    {"mJ", TB_UNIT_ENERGY, 1e-3},
    {"J", TB_UNIT_ENERGY, 1},
};
enum { UNITS = sizeof units / sizeof units[0] };

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

char *tb_gate_name_read(const char **at, tb_arena *arena, tb_error *err)
{
    size_t n = strlen(*at), length = 0;
    char *name = tb_arena_strndup(arena, *at, n, err);
    if (!name)
        return NULL;
    const char *c = *at;
    for (bool quoted = false; *c && (quoted || !strchr(" \t", *c)); c++) {
        if (*c == '"') {
            quoted = !quoted;
            if (quoted && !strchr(c + 1, '"')) {
                tb_fail(err, TIMBANG_FORMAT, "a quote is not closed: %s", c);
                return NULL;
            }
        } else {
            name[length++] = *c;
        }
    }
    name[length] = '\0';
    *at = c;
    return name;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of a decimal number at text: sign, digits with a point, exponent; 0: there is none. */
static size_t number_length(const char *text)
{
    size_t n = *text == '-' || *text == '+', digits = n;
    while (is_digit(text[n]))
        n++;
    bool any = n > digits;
    if (text[n] == '.') {
        digits = ++n;
        while (is_digit(text[n]))
            n++;
        any = any || n > digits;
    }
    if (!any)
        return 0;
    size_t sign = text[n + (text[n] != '\0')] == '-' || text[n + (text[n] != '\0')] == '+';
    if ((text[n] == 'e' || text[n] == 'E') && is_digit(text[n + 1 + sign])) {
        n += 1 + sign;
        while (is_digit(text[n]))
            n++;
    }
    return n;
}

static timbang_status read_number(const char **at, double *value, tb_error *err)
{
    char copy[64];
    size_t n = number_length(*at);
    if (n == 0 || n >= sizeof copy)
        return tb_fail(err, TIMBANG_FORMAT, "'%.60s' is no number", *at);
    memcpy(copy, *at, n);
    copy[n] = '\0';
    if (!tb_parse_double(copy[0] == '+' ? copy + 1 : copy, value) || !isfinite(*value))
        return tb_fail(err, TIMBANG_FORMAT, "'%s' is no number", copy);
    *at += n;
    if (**at == ',' && is_digit((*at)[1]))
        return tb_fail(err, TIMBANG_FORMAT, "'%s%.20s' is no number; decimals have a point", copy, *at);
    return TIMBANG_OK;
}

/* The sign of a product, and "of" as in "99 % of fp32". */
static bool take_times(const char **at)
{
    static const char *const signs[] = {"*", "\xc3\x97", "x ", "of "};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (strncmp(*at, signs[i], strlen(signs[i])) == 0) {
            *at = skip_blanks(*at + strlen(signs[i]));
            return true;
        }
    return false;
}

/* A unit where one stands; the number becomes one of results.json. */
static timbang_status take_unit(const char **at, tb_gate_number *number, tb_error *err)
{
    size_t length = **at == '%' ? 1 : strcspn(*at, " \t*+-");
    number->unit_name = "";
    if (length == 0)
        return TIMBANG_OK;
    for (size_t i = 0; i < UNITS; i++)
        if (strlen(units[i].name) == length && memcmp(units[i].name, *at, length) == 0) {
            number->value *= units[i].factor;
            number->unit = units[i].unit;
            number->unit_name = units[i].name;
            *at = skip_blanks(*at + length);
            return TIMBANG_OK;
        }
    return tb_fail(err, TIMBANG_FORMAT,
                   "'%.*s' is no unit; there are %%, B, kB, MB, GB, KiB, MiB, GiB, us, ms, s, mJ, J", (int)length, *at);
}

/* VARIANT, VARIANT * 0.99, VARIANT - 0.01; the factor before it has been read. */
static timbang_status read_variant(const char **at, tb_arena *arena, tb_gate_bound *bound, tb_error *err)
{
    bound->kind = TB_BOUND_VARIANT;
    bound->offset.unit_name = "";
    bound->of = tb_gate_name_read(at, arena, err);
    if (!bound->of)
        return err->status;
    if (!*bound->of)
        return tb_fail(err, TIMBANG_FORMAT, "a variant is missing, such as in 0.99 * fp32");
    *at = skip_blanks(*at);
    if (take_times(at)) {
        double factor = 1;
        TB_TRY(read_number(at, &factor, err));
        bound->number.value *= factor;
        *at = skip_blanks(*at);
    }
    if (**at != '-' && **at != '+')
        return TIMBANG_OK;
    bool minus = **at == '-';
    *at = skip_blanks(*at + 1);
    TB_TRY(read_number(at, &bound->offset.value, err));
    *at = skip_blanks(*at);
    TB_TRY(take_unit(at, &bound->offset, err));
    if (bound->offset.unit == TB_UNIT_PERCENT)
        return tb_fail(err, TIMBANG_FORMAT,
                       "%s %c ... %% has two meanings; write 0.99 * %s for a part of it, %s - 0.01 for points",
                       bound->of, minus ? '-' : '+', bound->of, bound->of);
    if (minus)
        bound->offset.value = -bound->offset.value;
    return TIMBANG_OK;
}

static timbang_status read_bound(const char **at, tb_arena *arena, tb_gate_bound *bound, tb_error *err)
{
    if (number_length(*at) == 0) {
        bound->number.value = 1;
        return read_variant(at, arena, bound, err);
    }
    TB_TRY(read_number(at, &bound->number.value, err));
    *at = skip_blanks(*at);
    if (take_times(at))
        return read_variant(at, arena, bound, err);
    TB_TRY(take_unit(at, &bound->number, err));
    if (bound->number.unit == TB_UNIT_PERCENT && take_times(at))
        return read_variant(at, arena, bound, err);
    return TIMBANG_OK;
}

timbang_status tb_gate_bound_read(const char *text, tb_arena *arena, tb_gate_bound *bound, tb_error *err)
{
    const char *at = skip_blanks(text);
    *bound = (tb_gate_bound){.kind = TB_BOUND_NUMBER, .number.unit_name = "", .offset.unit_name = ""};
    if (!*at)
        return tb_fail(err, TIMBANG_FORMAT, "the bound is missing");
    if (strcmp(at, "true") == 0 || strcmp(at, "false") == 0) {
        bound->kind = TB_BOUND_TRUTH;
        bound->truth = *at == 't';
        return TIMBANG_OK;
    }
    TB_TRY(read_bound(&at, arena, bound, err));
    at = skip_blanks(at);
    if (*at)
        return tb_fail(err, TIMBANG_FORMAT, "'%.60s' is left over behind the bound", at);
    return TIMBANG_OK;
}
