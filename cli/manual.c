/* Manual pages in roff, made from the tables of options and verbs. Includes: cli.h. Called by: main.c. */
#include "cli.h"

#include <string.h>

/* Text of one paragraph: nothing in it is a roff command, and dashes and quotes can be pasted into a shell. */
static void put_roff(buffer *out, const char *text)
{
    static const struct {
        char byte;
        const char *roff;
    } special[] = {
        {'\\', "\\e"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'`', "\\(ga"}, {'^', "\\(ha"}, {'~', "\\(ti"},
    };
    bool line_starts = true;
    for (; *text; text++) {
        size_t i = 0, n = sizeof special / sizeof special[0];
        while (i < n && special[i].byte != *text)
            i++;
        if (line_starts && *text == '.')
            put(out, "\\&");
        if (i < n)
            put(out, special[i].roff);
        else
            put_bytes(out, text, 1);
        line_starts = *text == '\n';
    }
}

static void put_title(buffer *out, const char *name)
{
    buffer title = {0};
    put_format(&title, "timbang%s%s", name ? "-" : "", name ? name : "");
    put(out, ".TH ");
    for (const char *c = title.data; c && *c; c++) {
        char upper = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        put_bytes(out, &upper, 1);
    }
    put_format(out, " 1 \"" TIMBANG_DATE "\" \"timbang %s\" \"Timbang\"\n.nh\n.SH NAME\n", timbang_version());
    put_roff(out, title.data ? title.data : "");
    put(out, " \\- ");
    out->failed = out->failed || title.failed;
    buffer_free(&title);
}

/* One .TP head: bold words are typed as they are, italic ones stand for something. */
static void put_option(buffer *out, option_id id)
{
    const option_spec *spec = &option_specs[id];
    put(out, ".TP\n");
    if (spec->letter)
        put_format(out, "\\fB\\-%c\\fR, ", spec->letter);
    put(out, "\\fB\\-\\-");
    put_roff(out, spec->name);
    put(out, "\\fR");
    if (spec->value) {
        put(out, spec->kind == KIND_CHOICE ? " \\fB" : " \\fI");
        put_roff(out, spec->value);
        put(out, "\\fR");
    }
    put(out, "\n");
    put_roff(out, spec->help);
    put(out, "\n");
}

/* v: the options that this verb has; NULL: all. */
static void put_options(buffer *out, const char *heading, const option_id *options, const verb *v)
{
    put_format(out, ".SH %s\n", heading);
    for (const option_id *id = options; *id != OPTIONS; id++)
        if (!v || verb_has(v, *id))
            put_option(out, *id);
}

/* Lines as they are, without the two blanks that indent them in a terminal. */
static void put_examples(buffer *out, const char *examples)
{
    put(out, ".SH EXAMPLES\n.nf\n");
    for (const char *line = examples; *line;) {
        size_t n = strcspn(line, "\n");
        const char *text = strncmp(line, "  ", 2) == 0 ? line + 2 : line;
        buffer one = {0};
        put_bytes(&one, text, n - (size_t)(text - line));
        put_roff(out, one.data ? one.data : "");
        put(out, "\n");
        out->failed = out->failed || one.failed;
        buffer_free(&one);
        line += n + (line[n] == '\n');
    }
    put(out, ".fi\n");
}

static void put_exit_codes(buffer *out)
{
    put(out, ".SH EXIT STATUS\n");
    for (const exit_code *e = exit_codes; e->text; e++) {
        put_format(out, ".TP\n.B %d\n", e->code);
        put_roff(out, e->text);
        put(out, "\n");
    }
}

void print_verb_manual(buffer *out, const verb *v)
{
    put_title(out, v->name);
    put_roff(out, v->summary);
    put(out, "\n.SH SYNOPSIS\n.B timbang ");
    put_roff(out, v->name);
    put(out, "\n");
    put_roff(out, v->usage);
    put(out, "\n.SH DESCRIPTION\n");
    put_roff(out, v->description);
    put(out, "\n");
    put_options(out, "OPTIONS", v->options, v);
    put_options(out, "COMMON OPTIONS", common_options, v);
    put_examples(out, v->examples);
    put_exit_codes(out);
    put(out, ".SH SEE ALSO\n.BR timbang (1)\n");
}

static void put_verbs(buffer *out)
{
    put(out, ".SH VERBS\nEach of them has a page of its own.\n");
    for (const verb *v = verbs; v->name; v++) {
        put(out, ".TP\n.BR timbang\\-");
        put_roff(out, v->name);
        put(out, " (1)\n");
        put_roff(out, v->summary);
        put(out, "\n");
    }
    put(out, ".TP\n.B timbang help \\fR[\\fIVERB\\fR]\nthe verbs, or the options of one\n"
             ".TP\n.B timbang \\-\\-version\nthe version\n");
}

void print_manual(buffer *out)
{
    put_title(out, NULL);
    put(out,
        "weigh a quantized text classifier before anyone ships it\n"
        ".SH SYNOPSIS\n.B timbang\n.I VERB\n[\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n"
        ".SH DESCRIPTION\n"
        "Takes BERT\\-class text classifiers from Hugging Face folders, makes FP16, INT8 and INT4 variants of them, "
        "runs all of them on the processor, and says what each one costs in accuracy, size and time.\n"
        "A model is such a folder, or without one the small model inside the program.\n"
        "Data are TSV, CSV or JSONL files with a text and a label in each row; \\- is standard input.\n"
        "Results go to standard output, everything else to standard error.\n"
        "Results have the same bits on every machine, with any number of threads; latencies do not.\n");
    put_verbs(out);
    put_options(out, "COMMON OPTIONS", common_options, NULL);
    put_exit_codes(out);
    put(out,
        ".SH ENVIRONMENT\n"
        ".TP\n.B TIMBANG_CPU\nlowers the CPU level: scalar, avx2, avx512, ...; a level that the machine lacks means "
        "the next lower one, with a warning\n"
        ".TP\n.B NO_COLOR\nset to anything: no colours, unless \\fB\\-\\-color always\\fR\n"
        ".TP\n.B TERM\n\\(lqdumb\\(rq: no colours and no progress line\n"
        ".TP\n.B TMPDIR\nwhere bench quantizes the variants that it times (/tmp)\n"
        ".SH FILES\n"
        ".TP\n.I FILE \\fRof \\fB\\-\\-config\\fR\noptions, one a line as \\(lqname = value\\(rq (true for those "
        "without a value; # begins a comment), or a JSON object; the command line wins\n"
        ".TP\n.IB DIR /results.json\nof a study: every figure; report and gate need nothing else\n"
        ".TP\n.IB DIR .partial\nwhat an interrupted study has finished, for \\fB\\-\\-resume\\fR\n");
    put_examples(out, overview_examples);
    put(out, ".SH SEE ALSO\n");
    for (const verb *v = verbs; v->name; v++) {
        put(out, ".BR timbang\\-");
        put_roff(out, v->name);
        put(out, v[1].name ? " (1),\n" : " (1)\n");
    }
}
