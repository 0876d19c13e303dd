/*
 * RFC 5321 to the letter.
 */
#include "strict.h"

#include "path.h"
#include "server_impl.h"

/* RFC 5321 sections 4.5.3.1.1 to 4.5.3.1.6, octets. */
#define LOCAL_PART_MAX 64
#define DOMAIN_MAX     255
#define WHOLE_PATH_MAX 256
#define COMMAND_MAX    512
#define TEXT_MAX       1000

/* Added up, since which comes first would depend on how the octets arrive. */
enum breach { BREACH_LINE = 1, BREACH_NUL = 2, BREACH_BARE = 4 };

static void note(struct strict *s, enum breach breach)
{
    s->breaches |= (uint8_t)breach;
}

/* A CR belongs in front of an LF. line: up to and with its LF, or to the end of what is there. */
static bool has_bare_cr(struct slice line)
{
    const char *cr = memchr(line.p, '\r', line.n);
    size_t behind = cr ? line.n - (size_t)(cr - line.p) - 1 : 0;

    return behind > 1 || (behind == 1 && cr[1] != '\n');
}

static void look_at_line(struct strict *s, struct slice line, bool stuffed, bool lenient_lf)
{
    bool whole = line.p[line.n - 1] == '\n';
    bool cr_before = line.n > 1 ? line.p[line.n - 2] == '\r' : s->after_cr;
    size_t length = s->column + line.n;

    if (has_bare_cr(line) || (s->after_cr && *line.p != '\n') ||
        (whole && !cr_before && !lenient_lf))
        note(s, BREACH_BARE);
    length -= stuffed && !s->in_line && *line.p == '.';
    if (length > TEXT_MAX)
        note(s, BREACH_LINE);
    s->column = (uint16_t)(whole ? 0 : length > TEXT_MAX ? TEXT_MAX : length);
    s->in_line = !whole;
    s->after_cr = line.p[line.n - 1] == '\r';
}

void strict_content(struct strict *s, struct slice in, bool stuffed, bool lenient_lf)
{
    if (in.n > 0 && memchr(in.p, '\0', in.n))
        note(s, BREACH_NUL);
    while (in.n > 0) {
        const char *lf = memchr(in.p, '\n', in.n);
        struct slice line = {in.p, lf ? (size_t)(lf + 1 - in.p) : in.n};

        look_at_line(s, line, stuffed, lenient_lf);
        in = slice_from(in, line.n);
    }
}

struct slice strict_verdict(const struct strict *s)
{
    if (s->breaches & BREACH_NUL)
        return server_texts.nul;
    if (s->breaches & BREACH_BARE)
        return server_texts.bare;
    if (s->breaches & BREACH_LINE)
        return server_texts.long_line;
    return (struct slice){NULL, 0};
}

/*
 * How much longer extensions make a command: SIZE 26 (RFC 1870), 8BITMIME 17 (RFC 6152), AUTH 500
 * (RFC 4954), DSN 100 for MAIL and 500 for RCPT (RFC 3461). An initial response of AUTH may be
 * longer than what any command here may be.
 */
static size_t more_octets(enum server_verb verb)
{
    return verb == SERVER_MAIL   ? 26 + 17 + 500 + 100
           : verb == SERVER_RCPT ? 500
           : verb == SERVER_AUTH ? SERVER_LINE_MAX
                                 : 0;
}

struct slice strict_command(enum server_verb verb, struct slice line)
{
    if (line.n + 2 > COMMAND_MAX + more_octets(verb))
        return server_texts.long_line;
    if (memchr(line.p, '\0', line.n) || memchr(line.p, '\r', line.n) ||
        memchr(line.p, '\n', line.n))
        return server_texts.bad_octet;
    return (struct slice){NULL, 0};
}

struct slice strict_path(struct slice path)
{
    struct slice mailbox = path_mailbox(path);
    struct slice domain = path_domain(mailbox);
    size_t local = mailbox.n - domain.n - (domain.n > 0);

    if (path.n > WHOLE_PATH_MAX || domain.n > DOMAIN_MAX || local > LOCAL_PART_MAX)
        return server_texts.long_path;
    return (struct slice){NULL, 0};
}
