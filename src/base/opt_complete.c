/*
 * Completion of options for bash, zsh and fish, from the rows.
 */
#include <stdlib.h>
#include <string.h>

#include "opt_impl.h"

/* Does the argument name a file or a folder? The rows' words for arguments tell. */
static bool takes_path(const struct opt *o)
{
    return o->kind == OPT_CONFIG ||
           (o->arg && (strstr(o->arg, "FILE") || strstr(o->arg, "DIR") || strstr(o->arg, "PATH")));
}

/* Inside single quotes of any of the three shells (fish knows \' there, the others do not). */
static void quoted(FILE *out, const char *text, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, out);
        else
            putc(*text, out);
    }
}

static void choices(FILE *out, const struct opt *o)
{
    for (const struct opt_choice *c = o->choices; c->name; c++)
        fprintf(out, "%s%s", c == o->choices ? "" : " ", c->name);
}

/* Operands: files, or a command until there is one among the words. */
static void bash_operands(const char *commands, FILE *out)
{
    if (!commands) {
        fputs("        COMPREPLY=($(compgen -f -- \"$word\"))\n", out);
        return;
    }
    fprintf(out,
            "        local other\n"
            "        COMPREPLY=($(compgen -W '%s' -- \"$word\"))\n"
            "        for other in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
            "            if [[ ' %s ' == *\" $other \"* ]]; then\n"
            "                COMPREPLY=($(compgen -f -- \"$word\"))\n"
            "            fi\n"
            "        done\n",
            commands, commands);
}

static void bash(const struct flat *all, const struct opt_program *program, FILE *out)
{
    char function[64];

    (void)snprintf(function, sizeof function, "_%s", program->name);
    for (char *p = function; *p; p++)
        if (*p == '-')
            *p = '_';
    /* Words of COMP_WORDS are split at =, which stands in COMP_WORDBREAKS. */
    fprintf(out,
            "# Completion of %s for bash.\n"
            "%s()\n{\n"
            "    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
            "    if [[ $word == = ]]; then\n        word=\n"
            "    elif [[ $option == = ]]; then\n        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
            "    fi\n"
            "    case $option in\n",
            program->name, function);
    for (const struct flat *f = all; f->row; f++) {
        if (!f->row->arg)
            continue;
        fprintf(out, "    --%s", f->row->name);
        if (f->row->letter)
            fprintf(out, " | -%c", f->row->letter);
        fputs(")\n        ", out);
        if (f->row->kind == OPT_CHOICE) {
            fputs("COMPREPLY=($(compgen -W '", out);
            choices(out, f->row);
            fputs("' -- \"$word\"))", out);
        } else if (takes_path(f->row)) {
            fputs("COMPREPLY=($(compgen -f -- \"$word\"))", out);
        } else {
            fputs("COMPREPLY=()", out);
        }
        fprintf(out, "\n        %s;;\n", f->row->implied ? "" : "return ");
    }
    fputs("    esac\n    if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W '", out);
    for (const struct flat *f = all; f->row; f++)
        fprintf(out, "%s--%s", f == all ? "" : " ", f->row->name);
    fputs("' -- \"$word\"))\n    else\n", out);
    bash_operands(program->commands, out);
    fprintf(out, "    fi\n}\ncomplete -o filenames -F %s %s\n", function, program->name);
}

/* In an _arguments specification a colon and brackets have a meaning. */
static void zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == ':' || *text == '[' || *text == ']' || *text == '\\')
            putc('\\', out);
        if (*text == '\'')
            fputs("'\\'", out);
        putc(*text, out);
    }
}

static void zsh_spec(FILE *out, const struct opt *o, bool letter)
{
    fputs(" \\\n    '*", out);
    if (letter)
        fprintf(out, "-%c%s", o->letter, o->arg ? "+" : "");
    else
        fprintf(out, "--%s%s", o->name, !o->arg ? "" : o->implied ? "=-" : "=");
    putc('[', out);
    zsh_text(out, o->help);
    putc(']', out);
    if (o->arg) {
        fputs(o->implied ? "::" : ":", out);
        zsh_text(out, o->arg);
        putc(':', out);
        if (o->kind == OPT_CHOICE) {
            putc('(', out);
            choices(out, o);
            putc(')', out);
        } else if (takes_path(o)) {
            fputs("_files", out);
        } else {
            putc(' ', out);
        }
    }
    putc('\'', out);
}

static void zsh(const struct flat *all, const struct opt_program *program, FILE *out)
{
    fprintf(out, "#compdef %s\n_arguments -s -S", program->name);
    for (const struct flat *f = all; f->row; f++) {
        zsh_spec(out, f->row, false);
        if (f->row->letter && !f->row->implied)
            zsh_spec(out, f->row, true);
    }
    if (program->commands)
        fprintf(out, " \\\n    '1:command:(%s)'", program->commands);
    fputs(" \\\n    '*:operand:_files'\n", out);
}

static void fish(const struct flat *all, const struct opt_program *program, FILE *out)
{
    fprintf(out, "# Completion of %s for fish.\n", program->name);
    if (program->commands)
        fprintf(out, "complete -c %s -n 'not __fish_seen_subcommand_from %s' -f -a '%s'\n",
                program->name, program->commands, program->commands);
    for (const struct flat *f = all; f->row; f++) {
        const struct opt *o = f->row;

        fprintf(out, "complete -c %s -l %s", program->name, o->name);
        if (o->letter)
            fprintf(out, " -s %c", o->letter);
        if (o->arg && !o->implied)
            fputs(takes_path(o) ? " -r" : " -x", out);
        if (o->kind == OPT_CHOICE) {
            fputs(" -a '", out);
            choices(out, o);
            putc('\'', out);
        }
        fputs(" -d '", out);
        quoted(out, o->help, "\\'");
        fputs("'\n", out);
    }
}

bool opt_completion(const char *shell, const struct opt_table *tables, size_t count,
                    const struct opt_program *program, FILE *out)
{
    static const struct {
        const char *shell;
        void (*write)(const struct flat *, const struct opt_program *, FILE *);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].shell, shell) == 0) {
            struct flat *all = opt_flatten(tables, count);

            if (all)
                shells[i].write(all, program, out);
            free(all);
            return true;
        }
    }
    return false;
}
