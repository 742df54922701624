/* Completions for bash, zsh and fish, made from the tables of options and verbs. Includes: cli.h. Called by: main.c. */
#include "cli.h"

#include <string.h>

/* ---- What all shells ask ---- */

static bool takes_path(const option_spec *spec)
{
    return spec->value && (strstr(spec->value, "FILE") || strstr(spec->value, "DIR") || strstr(spec->value, "PATH") ||
                           strstr(spec->value, "MODEL"));
}

/* "a|b|c" as "a b c" */
static void put_choices(buffer *out, const option_spec *spec)
{
    for (const char *c = spec->value; *c; c++)
        put_bytes(out, *c == '|' ? " " : c, 1);
}

/* The help as one word in single quotes of a shell; what `escaped` holds gets a backslash. */
static void put_quoted(buffer *out, const char *text, const char *escaped)
{
    for (; *text; text++) {
        if (*text == '\'')
            put(out, "'\\''");
        else {
            put(out, strchr(escaped, *text) ? "\\" : "");
            put_bytes(out, text, 1);
        }
    }
}

typedef void (*each_option)(buffer *out, const verb *v, const option_spec *spec);

static void for_options(buffer *out, const verb *v, each_option what)
{
    for (const option_id *id = v->options; *id != OPTIONS; id++)
        what(out, v, &option_specs[*id]);
    for (const option_id *id = common_options; *id != OPTIONS; id++)
        if (verb_has(v, *id))
            what(out, v, &option_specs[*id]);
}

/* ---- bash ---- */

static void put_bash_name(buffer *out, const verb *v, const option_spec *spec)
{
    (void)v;
    if (spec->letter)
        put_format(out, " -%c", spec->letter);
    put_format(out, " --%s", spec->name);
}

static void put_bash_value(buffer *out, const verb *v, const option_spec *spec)
{
    if (spec->kind == KIND_FLAG || takes_path(spec))
        return;
    put_format(out, "        %s:--%s) words='", v->name, spec->name);
    if (spec->kind == KIND_CHOICE)
        put_choices(out, spec);
    else
        put(out, "-"); /* a number or a word: nothing to offer, and no file either */
    put(out, "' ;;\n");
}

static void put_bash(buffer *out)
{
    put(out, "# Completion of timbang for bash.\n"
             "_timbang()\n{\n"
             "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=\n"
             "    COMPREPLY=()\n"
             "    if [[ $COMP_CWORD -eq 1 ]]; then\n        words='");
    for (const verb *v = verbs; v->name; v++)
        put_format(out, "%s ", v->name);
    put(out, "help --help --version'\n"
             "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n        return\n    fi\n"
             "    # --name=value comes as three words\n"
             "    if [[ $cur == = ]]; then\n        cur=\n"
             "    elif [[ $prev == = ]]; then\n        prev=${COMP_WORDS[COMP_CWORD - 2]}\n    fi\n"
             "    if [[ ${COMP_WORDS[1]} == help ]]; then\n        words='");
    for (const verb *v = verbs; v->name; v++)
        put_format(out, "%s%s", v == verbs ? "" : " ", v->name);
    put(out, "'\n        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n        return\n    fi\n"
             "    case \"${COMP_WORDS[1]}:$prev\" in\n");
    for (const verb *v = verbs; v->name; v++)
        for_options(out, v, put_bash_value);
    put(out, "    esac\n"
             "    if [[ -z $words && $cur == -* ]]; then\n        case \"${COMP_WORDS[1]}\" in\n");
    for (const verb *v = verbs; v->name; v++) {
        put_format(out, "            %s) words='", v->name);
        for_options(out, v, put_bash_name);
        put(out, "' ;;\n");
    }
    put(out, "        esac\n    fi\n"
             "    if [[ $words == - ]]; then\n        compopt +o default 2>/dev/null\n"
             "    elif [[ -n $words ]]; then\n        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n    fi\n"
             "}\ncomplete -o default -F _timbang timbang\n");
}

/* ---- zsh ---- */

static void put_zsh_spec(buffer *out, const option_spec *spec, bool letter)
{
    put(out, spec->kind == KIND_REPEAT ? " \\\n        '*" : " \\\n        '");
    if (letter)
        put_format(out, "-%c", spec->letter);
    else
        put_format(out, "--%s", spec->name);
    put(out, spec->kind == KIND_FLAG ? "[" : letter ? "+[" : "=[");
    put_quoted(out, spec->help, "[]:\\");
    put(out, "]");
    if (spec->kind != KIND_FLAG) {
        put(out, ":");
        put_quoted(out, spec->value, "[]:\\");
        put(out, ":");
        if (spec->kind == KIND_CHOICE) {
            put(out, "(");
            put_choices(out, spec);
            put(out, ")");
        } else {
            put(out, takes_path(spec) ? "_files" : " ");
        }
    }
    put(out, "'");
}

static void put_zsh_option(buffer *out, const verb *v, const option_spec *spec)
{
    (void)v;
    if (spec->letter)
        put_zsh_spec(out, spec, true);
    put_zsh_spec(out, spec, false);
}

static void put_zsh(buffer *out)
{
    put(out, "#compdef timbang\n# Completion of timbang for zsh.\n_timbang()\n{\n"
             "    local -a verbs\n    verbs=(\n");
    for (const verb *v = verbs; v->name; v++) {
        put_format(out, "        '%s:", v->name);
        put_quoted(out, v->summary, ":\\");
        put(out, "'\n");
    }
    put(out, "        'help:the verbs, or the options of one'\n    )\n"
             "    if (( CURRENT == 2 )); then\n        _describe verb verbs\n        return\n    fi\n"
             "    local verb=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $verb in\n"
             "    help)\n        _describe verb verbs ;;\n");
    for (const verb *v = verbs; v->name; v++) {
        put_format(out, "    %s)\n        _arguments -S", v->name);
        for_options(out, v, put_zsh_option);
        put(out, " \\\n        '*:argument:_files' ;;\n");
    }
    put(out, "    esac\n}\n_timbang \"$@\"\n");
}

/* ---- fish ---- */

static void put_fish_text(buffer *out, const char *text)
{
    put(out, " -d '");
    for (; *text; text++) { /* fish escapes quotes within quotes */
        put(out, *text == '\'' || *text == '\\' ? "\\" : "");
        put_bytes(out, text, 1);
    }
    put(out, "'\n");
}

static void put_fish_option(buffer *out, const verb *v, const option_spec *spec)
{
    put_format(out, "complete -c timbang -n '__fish_seen_subcommand_from %s' -l %s", v->name, spec->name);
    if (spec->letter)
        put_format(out, " -s %c", spec->letter);
    if (spec->kind == KIND_CHOICE) {
        put(out, " -x -a '");
        put_choices(out, spec);
        put(out, "'");
    } else if (spec->kind != KIND_FLAG) {
        put(out, takes_path(spec) ? " -r -F" : " -x");
    }
    put_fish_text(out, spec->help);
}

static void put_fish(buffer *out)
{
    put(out, "# Completion of timbang for fish.\n");
    for (const verb *v = verbs; v->name; v++) {
        put_format(out, "complete -c timbang -n __fish_use_subcommand -f -a %s", v->name);
        put_fish_text(out, v->summary);
    }
    put(out, "complete -c timbang -n __fish_use_subcommand -f -a help -d 'the verbs, or the options of one'\n");
    for (const verb *v = verbs; v->name; v++) {
        put_format(out, "complete -c timbang -n '__fish_seen_subcommand_from help' -f -a %s\n", v->name);
        for_options(out, v, put_fish_option);
    }
}

bool print_completion(buffer *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        put_bash(out);
    else if (strcmp(shell, "zsh") == 0)
        put_zsh(out);
    else if (strcmp(shell, "fish") == 0)
        put_fish(out);
    else
        return false;
    return true;
}
