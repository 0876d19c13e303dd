/*
 * Content and envelopes of a run, in the shapes that the drop-in contract prescribes.
 */
#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "decimal.h"

/* Of the numbers in a Message-Id, at least: enough to make all messages of a run equally long. */
#define ID_DIGITS 8

/* A growing text; once out of memory it stays so and takes nothing. */
struct text {
    char *p;
    size_t n;
    size_t capacity;
    bool failed;
};

static void append(struct text *t, const char *p, size_t n)
{
    if (t->failed || n == 0)
        return;
    if (t->n + n > t->capacity) {
        size_t capacity = t->capacity ? t->capacity : 1024;
        char *grown;

        while (capacity < t->n + n)
            capacity *= 2;
        grown = realloc(t->p, capacity);
        if (!grown) {
            t->failed = true;
            return;
        }
        t->p = grown;
        t->capacity = capacity;
    }
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void append_text(struct text *t, const char *s)
{
    append(t, s, strlen(s));
}

/* "Sun,  2 Nov 2025 21:20:22 +0000 (UTC)" */
static void append_date(struct text *t, int64_t date)
{
    time_t seconds = (time_t)date;
    struct tm tm;
    char out[80];

    if (!localtime_r(&seconds, &tm))
        (void)gmtime_r(&(time_t){0}, &tm);
    (void)strftime(out, sizeof out, "%a, %e %b %Y %H:%M:%S %z (%Z)", &tm);
    append_text(t, out);
}

static void append_default_body(struct text *t)
{
    for (char i = '1'; i <= '4'; i++) {
        append_text(t, "La de da de da ");
        append(t, &i, 1);
        append_text(t, ".\r\n");
    }
}

/*
 * Blocks of 80: those that end before the length begin with a digit that counts them and end in
 * CRLF; the last 1 to 80 octets are plain, and a CRLF follows that is not counted. With more to
 * follow there is no such end.
 */
static void append_filler(struct text *t, uint64_t length, bool more)
{
    char block[80];

    memset(block, 'X', sizeof block);
    for (uint64_t done = 0; done < length && !t->failed; done += 80) {
        bool last = !more && length - done <= 80;

        block[0] = last ? 'X' : (char)('0' + (done / 80 + 1) % 10);
        block[78] = last ? 'X' : '\r';
        block[79] = last ? 'X' : '\n';
        append(t, block, last ? (size_t)(length - done) : sizeof block);
    }
    if (!more)
        append_text(t, "\r\n");
}

/* A filler repeats itself after so many octets: a multiple of ten blocks. */
#define FILLER_PERIOD (UINT64_C(10) * 80 * 128)

/* Split at LF, each line with CRLF behind it; then one CRLF more. Tells whether a line needs a dot.
 */
static bool append_lines(struct text *t, const char *p, size_t n, bool stuff)
{
    bool dots = false;

    while (n) {
        const char *end = memchr(p, '\n', n);
        size_t length = end ? (size_t)(end - p) : n;

        if (length && *p == '.') {
            dots = true;
            if (stuff)
                append(t, ".", 1);
        }
        append(t, p, length);
        append_text(t, "\r\n");
        n -= length + (end != NULL);
        p += length + (end != NULL);
    }
    append_text(t, "\r\n");
    return dots;
}

static int read_file(const char *name, struct text *out, struct diag *d)
{
    char buffer[65536];
    ssize_t n = 0;
    struct stat st;
    int fd = open(name, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return diag_set(d, -errno, "open %s: %s", name, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)close(fd);
        return diag_set(d, -EISDIR, "open %s: is a directory (-F takes one message file)", name);
    }
    while (!out->failed && (n = read(fd, buffer, sizeof buffer)) > 0)
        append(out, buffer, (size_t)n);
    if (n < 0)
        n = diag_set(d, -errno, "read %s: %s", name, strerror(errno));
    (void)close(fd);
    return (int)(n < 0 ? n : 0);
}

static int init_file(struct mail_content *c, struct diag *d)
{
    struct text file = {0};
    struct text plain = {0};
    struct text stuffed = {0};
    int rc = read_file(c->settings->file, &file, d);

    if (rc == 0 && !file.failed && append_lines(&plain, file.p, file.n, false))
        (void)append_lines(&stuffed, file.p, file.n, true);
    free(file.p);
    c->plain = plain.p;
    c->stuffed = stuffed.p;
    if (rc < 0)
        return rc;
    c->plain_parts = calloc(2, sizeof *c->plain_parts);
    if (!c->plain_parts || file.failed || plain.failed || stuffed.failed)
        return diag_set(d, -ENOMEM, "out of memory for %s", c->settings->file);
    c->plain_parts[0] = (struct slice){plain.p, plain.n};
    c->plain_parts[1] = stuffed.p ? (struct slice){stuffed.p, stuffed.n} : c->plain_parts[0];
    c->stuffed_parts = c->plain_parts + 1;
    c->plain_count = c->stuffed_count = 1;
    return 0;
}

/*
 * The parts of generated content: text up to the message's own part at split (0: none), the rest up
 * to end, the octets before end so often that the filler has its periods, and what is behind end.
 */
static int set_parts(struct mail_content *c, const struct text *t, size_t split, size_t end,
                     uint64_t periods, struct diag *d)
{
    struct slice *part = t->failed ? NULL : calloc(periods + 4, sizeof *part);

    c->plain = t->p;
    c->plain_parts = c->stuffed_parts = part;
    if (!part)
        return diag_set(d, -ENOMEM, "out of memory for a message of %" PRIu64 " octets",
                        c->settings->length);
    c->has_id = split > 0;
    if (c->has_id) {
        *part++ = (struct slice){t->p, split};
        *part++ = (struct slice){NULL, 0};
    }
    *part++ = (struct slice){t->p + split, end - split};
    for (; periods > 1; periods--)
        *part++ = (struct slice){t->p + end - FILLER_PERIOD, FILLER_PERIOD};
    *part++ = (struct slice){t->p + end, t->n - end};
    c->plain_count = c->stuffed_count = (uint32_t)(part - c->plain_parts);
    return 0;
}

static int init_generated(struct mail_content *c, uint64_t run, int64_t date, struct diag *d)
{
    const struct mail_settings *s = c->settings;
    struct text t = {0};
    char id[40];
    size_t split = 0;
    size_t end;
    uint64_t periods = 0;

    if (!s->no_headers) {
        append_text(&t, "From: ");
        append_text(&t, c->sender);
        append_text(&t, "\r\nTo: <");
        append_text(&t, c->rcpt);
        append_text(&t, ">\r\nDate: ");
        append_date(&t, date);
        (void)snprintf(id, sizeof id, "\r\nMessage-Id: <%016" PRIx64, run);
        append_text(&t, id);
        split = t.n;
        append_text(&t, "@");
        append_text(&t, c->hostname);
        append_text(&t, ">\r\n");
        if (s->subject) {
            append_text(&t, "Subject: ");
            append_text(&t, s->subject);
            append_text(&t, "\r\n");
        }
        append_text(&t, "\r\n");
    }
    if (s->length > 2 * FILLER_PERIOD) {
        periods = (s->length - 1) / FILLER_PERIOD;
        append_filler(&t, FILLER_PERIOD, true);
    }
    end = t.n;
    if (s->length)
        append_filler(&t, s->length - periods * FILLER_PERIOD, false);
    else
        append_default_body(&t);
    return set_parts(c, &t, split, periods ? end : t.n, periods, d);
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 128)
        text++;
    return *text == '\0';
}

/* Octets of a domain in ASCII, RFC 1035 section 2.3.4: what IDNA may make of a shorter one. */
#define DOMAIN_MAX 255

/*
 * The address given, or foo@hostname, of any length, with what is not ASCII in it made so, or held
 * to be UTF-8, as the settings want it. Has room for brackets; to be freed. NULL with diag set.
 */
static char *make_address(const struct mail_content *c, const char *what, const char *given,
                          struct diag *d)
{
    const struct mail_settings *s = c->settings;
    size_t size = (given ? strlen(given) : sizeof c->hostname) + DOMAIN_MAX + sizeof "foo@<>";
    char *out = NULL;

    if (given && strpbrk(given, "\r\n"))
        (void)diag_set(d, -EINVAL, "bad %s: it holds a line break", what);
    else if (given && s->utf8 && !mail_is_utf8(given))
        (void)diag_set(d, -EINVAL, "bad %s: it is not UTF-8, which --smtputf8 needs", what);
    else if (!(out = malloc(size)))
        (void)diag_set(d, -ENOMEM, "out of memory");
    if (!out)
        return NULL;
    (void)snprintf(out, size, "%s%s", given ? "" : "foo@", given ? given : c->hostname);
    if (s->idna && mail_idna(what, out, size - 2, d) < 0) {
        free(out);
        return NULL;
    }
    return out;
}

static int init_envelope(struct mail_content *c, struct diag *d)
{
    const struct mail_settings *s = c->settings;
    const char *at;
    size_t n;

    if (s->subject && strstr(s->subject, "\n."))
        return diag_set(d, -EINVAL, "bad subject: a line of it begins with a dot");
    c->sender = make_address(c, "sender address", s->from, d);
    c->rcpt = c->sender ? make_address(c, "recipient address", s->to, d) : NULL;
    if (!c->rcpt)
        return -EINVAL;
    n = strlen(c->sender);
    memmove(c->sender + 1, c->sender, n);
    c->sender[0] = '<';
    memcpy(c->sender + n + 1, ">", 2);
    c->utf8 = !is_ascii(c->sender) || !is_ascii(c->rcpt);
    c->rcpt_length = strlen(c->rcpt);
    at = strrchr(c->rcpt, '@');
    if (s->numbering == MAIL_NUMBER_LAST)
        c->number_at = at ? (size_t)(at - c->rcpt) : c->rcpt_length;
    return 0;
}

static int set_hostname(struct mail_content *c, struct diag *d)
{
    const char *name = c->settings->hostname;
    int rc;

    if (!c->settings->idna || is_ascii(name))
        rc = mail_check_hostname(name, d);
    else
        rc = strlen(name) < sizeof c->hostname
                 ? 0
                 : diag_set(d, -EINVAL, "bad hostname: longer than %zu octets",
                            sizeof c->hostname - 1);
    if (rc < 0)
        return rc;
    (void)snprintf(c->hostname, sizeof c->hostname, "%s", name);
    if (c->settings->idna)
        rc = mail_idna("hostname", c->hostname, sizeof c->hostname, d);
    return rc < 0 ? rc : mail_check_hostname(c->hostname, d);
}

int mail_content_init(struct mail_content *c, const struct mail_settings *s, uint64_t run,
                      int64_t date, struct diag *d)
{
    int rc;

    memset(c, 0, sizeof *c);
    c->settings = s;
    c->run = run;
    if (s->hostname) {
        rc = set_hostname(c, d);
        if (rc < 0)
            return rc;
    } else if (gethostname(c->hostname, sizeof c->hostname - 1) < 0) {
        return diag_set(d, -errno, "gethostname: %s (give a name with -M)", strerror(errno));
    }
    rc = init_envelope(c, d);
    if (rc < 0)
        return rc;
    return s->file ? init_file(c, d) : init_generated(c, run, date, d);
}

void mail_content_done(struct mail_content *c)
{
    free(c->plain);
    free(c->stuffed);
    free(c->plain_parts);
    free(c->sender);
    free(c->rcpt);
    c->sender = c->rcpt = NULL;
    c->plain = c->stuffed = NULL;
    c->plain_parts = c->stuffed_parts = NULL;
}

uint64_t mail_content_size(const struct mail_content *c)
{
    uint64_t n = c->has_id ? 2 * (1 + ID_DIGITS) : 0;

    for (uint32_t i = 0; i < c->plain_count; i++)
        n += c->plain_parts[i].n;
    return n;
}

/* Lower-case hexadecimal of at least ID_DIGITS digits; returns how many. */
static size_t put_hex(char *out, uint64_t value)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = ID_DIGITS;

    while (n < 16 && value >> (4 * n))
        n++;
    for (size_t i = n; i > 0; i--, value >>= 4)
        out[i - 1] = hex[value & 15];
    return n;
}

size_t mail_message_own(const struct mail_message *m, const struct mail_content *c,
                        char out[MAIL_OWN_MAX])
{
    size_t n = 0;

    if (!c->has_id)
        return 0;
    out[n++] = '.';
    n += put_hex(out + n, m->connection);
    out[n++] = '.';
    return n + put_hex(out + n, m->number);
}

size_t mail_message_id(const struct mail_message *m, const struct mail_content *c,
                       char out[MAIL_ID_MAX])
{
    char own[MAIL_OWN_MAX];
    int n = 0;

    if (c->has_id)
        n = snprintf(out, MAIL_ID_MAX, "<%016" PRIx64 "%.*s@%s>", c->run,
                     (int)mail_message_own(m, c, own), own, c->hostname);
    return n > 0 && n < MAIL_ID_MAX ? (size_t)n : 0;
}

size_t mail_message_rcpt(struct mail_message *m, struct mail_content *c, uint32_t index, char *out,
                         size_t size)
{
    /* A message takes its numbers when its first recipient goes out, so that none is lost. */
    if (c->settings->number_all && index == 0)
        m->first_rcpt = 1 + atomic_fetch_add_explicit(&c->rcpt_numbers, c->settings->rcpt_count,
                                                      memory_order_relaxed);
    return mail_message_rcpt_again(m, c, index, out, size);
}

size_t mail_message_rcpt_again(const struct mail_message *m, const struct mail_content *c,
                               uint32_t index, char *out, size_t size)
{
    bool all = c->settings->number_all;
    uint64_t number = all ? m->first_rcpt + index : c->settings->rcpt_count - index;
    size_t n = 0;

    if ((all && !m->first_rcpt) || c->rcpt_length + MAIL_NUMBER_MAX > size)
        return 0;
    out[n++] = '<';
    memcpy(out + n, c->rcpt, c->number_at);
    n += c->number_at;
    /* Without -N the last recipient of a message has no number. */
    if (all || number > 1)
        n += decimal_write(number, out + n);
    memcpy(out + n, c->rcpt + c->number_at, c->rcpt_length - c->number_at);
    n += c->rcpt_length - c->number_at;
    out[n++] = '>';
    return n;
}
