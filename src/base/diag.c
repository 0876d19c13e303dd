/*
 * Error texts and the one place that prints them.
 */
#include "diag.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *program = "smtp";

/* Lines that a live view may have. The cursor rests behind the last one. */
#define LIVE_LINES 16

/* What goes to a view's begin and wipes the rest of the screen. */
#define WIPE_SIZE 24
#define LINE_SIZE 12288 /* of a message; the longest reply line is shown whole */

static pthread_mutex_t terminal = PTHREAD_MUTEX_INITIALIZER; /* of these: */
static char live_text[DIAG_LIVE_SIZE];                       /* "": there is no view */
static size_t live_widths[LIVE_LINES]; /* columns of its lines, as they are drawn */
static size_t live_lines;              /* 0: it is not drawn */
static atomic_bool live_lost;          /* it is not where it was drawn */

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

bool diag_terminal_size(size_t *width, size_t *height)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row)
        return false;
    *width = size.ws_col;
    *height = size.ws_row;
    return true;
}

/* Columns of the terminal; 80 when it does not tell. */
static size_t columns(void)
{
    size_t width, height;

    return diag_terminal_size(&width, &height) ? width : 80;
}

/*
 * Makes what wipes the live view away; returns its length. A terminal that became narrower has
 * broken lines that were wider.
 */
static size_t wipe(char out[WIPE_SIZE])
{
    size_t width = columns();
    size_t up = 0;
    int n;

    if (atomic_exchange(&live_lost, false)) {
        live_lines = 0;
        live_text[0] = '\0'; /* until it is told anew */
    }
    if (live_lines == 0)
        return 0;
    for (size_t i = 0; i < live_lines; i++)
        up += 1 + (live_widths[i] > 0 ? (live_widths[i] - 1) / width : 0);
    live_lines = 0;
    if (up > 1)
        n = snprintf(out, WIPE_SIZE, "\r\033[%zuA\033[J", up - 1);
    else
        n = snprintf(out, WIPE_SIZE, "\r\033[J");
    return n > 0 ? (size_t)n : 0;
}

/*
 * Copies a line up to `most` columns: UTF-8 of single width, and colours, which take none and are
 * never cut off. Returns the octets, and sets the columns.
 */
static size_t copy_line(char *out, const char *p, const char *end, size_t most, size_t *width)
{
    char *at = out;
    bool escape = false;

    *width = 0;
    for (; p < end; p++) {
        bool begins = !escape && *p != '\033' && ((unsigned char)*p & 0xc0) != 0x80;

        if (*p == '\033')
            escape = true;
        else if (begins && *width <= most)
            ++*width;
        if (escape || *width <= most)
            *at++ = *p;
        if (escape && *p == 'm')
            escape = false;
    }
    *width = *width < most ? *width : most;
    return (size_t)(at - out);
}

/* Makes the live view, in a line that it wipes first; returns the octets, of at most DRAW_SIZE. */
#define DRAW_SIZE (DIAG_LIVE_SIZE + LIVE_LINES + 4)

static size_t draw(char *out)
{
    size_t most = columns() - 1; /* in the last column the cursor might wrap */
    const char *text = live_text;
    size_t n = 4;

    if (!*text)
        return 0;
    memcpy(out, "\r\033[J", n);
    while (text && live_lines < LIVE_LINES) {
        const char *end = strchrnul(text, '\n');

        if (live_lines > 0)
            out[n++] = '\n';
        n += copy_line(out + n, text, end, most, &live_widths[live_lines++]);
        text = *end ? end + 1 : NULL;
    }
    return n;
}

void diag_live(const char *text)
{
    char all[WIPE_SIZE + DRAW_SIZE];
    size_t n;

    (void)pthread_mutex_lock(&terminal);
    n = wipe(all);
    (void)snprintf(live_text, sizeof live_text, "%s", text ? text : "");
    n += draw(all + n);
    write_error(all, n);
    (void)pthread_mutex_unlock(&terminal);
}

/* One write(2) a line: lines of several threads and of a child process stay whole. */
__attribute__((format(printf, 2, 0))) static void print(const char *kind, const char *format,
                                                        va_list args)
{
    char line[LINE_SIZE + DRAW_SIZE];
    size_t room = LINE_SIZE - 1;
    size_t wiped;
    size_t at;
    int n;

    (void)pthread_mutex_lock(&terminal);
    at = wiped = wipe(line);
    n = snprintf(line + at, room - at, "%.200s: %s", program, kind);
    at += n > 0 ? (size_t)n : 0;
    n = vsnprintf(line + at, room - at, format, args);
    at += n > 0 ? (size_t)n : 0;
    if (at > room - 1)
        at = room - 1;
    line[at] = '\0';
    clean(line + wiped);
    line[at++] = '\n';
    at += draw(line + at);
    write_error(line, at);
    (void)pthread_mutex_unlock(&terminal);
}

void diag_live_forget(void)
{
    atomic_store(&live_lost, true);
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
