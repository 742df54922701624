/* Help texts, made from the tables. Includes: cli.h. Called by: main.c. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_COLUMN = 30, HELP_WIDTH = 100 };

const exit_code exit_codes[] = {
    {EXIT_OK, "done"},
    {EXIT_GATE, "a rule of a gate fails, or verify finds other bits"},
    {EXIT_USAGE, "usage or bad input"},
    {EXIT_INTERNAL, "internal error"},
    {130, "interrupted"},
    {0, NULL},
};

const char overview_examples[] = "  timbang predict \"Filmnya bagus sekali\"\n"
                                 "  timbang study --model my-model --data test.tsv -o my-study\n"
                                 "  timbang gate my-study --rules release.rules\n";

void print_overview(buffer *out)
{
    put(out, "Timbang weighs a quantized text classifier before anyone ships it.\n\n"
             "usage: timbang VERB [OPTION]... [ARGUMENT]...\n\n");
    for (const verb *v = verbs; v->name; v++) {
        put(out, "  ");
        put_cell(out, v->name, 10, false);
        put_format(out, "%s\n", v->summary);
    }
    put(out,
        "\nA model is a Hugging Face folder, or without one the model inside timbang. Data go to standard output,\n"
        "everything else to standard error. Exit codes:\n\n");
    for (const exit_code *e = exit_codes; e->text; e++)
        put_format(out, "  %-10d%s\n", e->code, e->text);
    put(out, "\n");
    put(out, overview_examples);
    put(out, "\n"
             "timbang VERB --help explains a verb; timbang --version names the version.\n");
}

/* Words of text from column OPTION_COLUMN on, wrapped at HELP_WIDTH. */
static void put_wrapped(buffer *out, const char *text)
{
    size_t at = OPTION_COLUMN;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (at > OPTION_COLUMN && at + 1 + word > HELP_WIDTH) {
            put(out, "\n");
            put_spaces(out, OPTION_COLUMN);
            at = OPTION_COLUMN;
        } else if (at > OPTION_COLUMN) {
            put(out, " ");
            at++;
        }
        put_bytes(out, text, word);
        at += word;
        text += word;
        text += strspn(text, " ");
    }
    put(out, "\n");
}

static void put_option(buffer *out, option_id id)
{
    const option_spec *spec = &option_specs[id];
    char left[80];
    char letter[5] = "    ";
    if (spec->letter)
        snprintf(letter, sizeof letter, "-%c, ", spec->letter);
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, spec->name, spec->value ? " " : "",
             spec->value ? spec->value : "");
    put_cell(out, left, OPTION_COLUMN, false);
    if (columns_of(left) >= OPTION_COLUMN) {
        put(out, "\n");
        put_spaces(out, OPTION_COLUMN);
    }
    put_wrapped(out, spec->help);
}

void print_verb_help(buffer *out, const verb *v)
{
    put_format(out, "usage: timbang %s %s\n\n%s\n\nOptions:\n", v->name, v->usage, v->description);
    for (const option_id *id = v->options; *id != OPTIONS; id++)
        put_option(out, *id);
    put(out, "\nCommon options:\n");
    for (const option_id *id = common_options; *id != OPTIONS; id++)
        if (verb_has(v, *id))
            put_option(out, *id);
    put_format(out, "\nExamples:\n%s", v->examples);
}
