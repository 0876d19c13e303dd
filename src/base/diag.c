/*
 * Error texts and the one place that prints them.
 */
#include "diag.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *program = "smtp";

/* Goes to the first column and wipes the line. */
#define WIPE "\r\033[K"

static atomic_bool live; /* there is a live line on the terminal */

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

static void write_error(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(STDERR_FILENO, p, n);

        if (w <= 0)
            return;
        p += w;
        n -= (size_t)w;
    }
}

/* One write(2) a line: lines of several threads and of a child process stay whole. */
__attribute__((format(printf, 2, 0))) static void print(const char *kind, const char *format,
                                                        va_list args)
{
    char line[1024];
    size_t room = sizeof line - 1;
    size_t wipe = atomic_exchange(&live, false) ? strlen(WIPE) : 0;
    size_t at = wipe;
    int n;

    memcpy(line, WIPE, wipe);
    n = snprintf(line + at, room - at, "%.200s: %s", program, kind);
    at += n > 0 ? (size_t)n : 0;
    n = vsnprintf(line + at, room - at, format, args);
    at += n > 0 ? (size_t)n : 0;
    if (at > room - 1)
        at = room - 1;
    line[at] = '\0';
    clean(line + wipe);
    line[at++] = '\n';
    write_error(line, at);
}

/* Columns of the terminal; 80 when it does not tell. */
static size_t columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

void diag_live(const char *text)
{
    char line[300];
    size_t most = columns() - 1; /* in the last column the cursor might wrap */
    int n;

    if (!text) {
        if (atomic_exchange(&live, false))
            write_error(WIPE, strlen(WIPE));
        return;
    }
    n = snprintf(line, sizeof line, WIPE "%.*s", most < 200 ? (int)most : 200, text);
    atomic_store(&live, true);
    write_error(line, n > 0 ? (size_t)n : 0);
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
