/*
 * Error texts and the one place that prints them.
 */
#include "diag.h"

#include <stdarg.h>
#include <unistd.h>

static const char *program = "smtp";

/* What users and files give us may hold line breaks and terminal controls: one line, no surprise.
 */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7f')
            *text = '?';
}

int diag_set(struct diag *d, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(d->text, sizeof d->text, format, args);
    clean(d->text);
    va_end(args);
    return code;
}

char *diag_printable(char *out, size_t size, struct slice s)
{
    size_t n = s.n < size ? s.n : size - 1;

    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?';
    out[n] = '\0';
    return out;
}

void diag_program(const char *name)
{
    program = name;
}

/* One write(2) a line: lines of several threads and of a child process stay whole. */
__attribute__((format(printf, 2, 0))) static void print(const char *kind, const char *format,
                                                        va_list args)
{
    char line[1024];
    size_t room = sizeof line - 1;
    size_t at = 0;
    int n = snprintf(line, room, "%.200s: %s", program, kind);

    at += n > 0 ? (size_t)n : 0;
    n = vsnprintf(line + at, room - at, format, args);
    at += n > 0 ? (size_t)n : 0;
    if (at > room - 1)
        at = room - 1;
    line[at] = '\0';
    clean(line);
    line[at++] = '\n';
    for (size_t done = 0; done < at;) {
        ssize_t w = write(STDERR_FILENO, line + done, at - done);

        if (w <= 0)
            return;
        done += (size_t)w;
    }
}

void diag_warn(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("warning: ", format, args);
    va_end(args);
}

void diag_fatal(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("fatal: ", format, args);
    va_end(args);
}

void diag_note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("", format, args);
    va_end(args);
}
