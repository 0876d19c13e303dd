/*
 * Reading back what was recorded of a transaction.
 */
#include "capture_record.h"

#include "capture_impl.h"

/* Octets of content read at a time. */
#define PIECE 65536

unsigned reply_code(struct slice reply)
{
    unsigned code = 0;

    for (size_t i = 0; i < 3 && reply.n >= 3; i++)
        code = 10 * code + (unsigned)(reply.p[i] - '0');
    return code;
}

int envelope_next(const struct record *r, struct envelope_cursor *c, struct envelope_command *out,
                  struct diag *d)
{
    struct envelope_head head;
    struct slice s;
    int rc;

    if (c->at >= spool_octets(&r->envelope))
        return 0;
    rc = spool_view(&r->envelope, c->at, sizeof head, c->scratch, &s, d);
    if (rc < 0)
        return rc;
    memcpy(&head, s.p, sizeof head);
    rc = spool_view(&r->envelope, c->at + sizeof head, head.length, c->scratch, &s, d);
    if (rc < 0)
        return rc;
    c->at += sizeof head + head.length;
    *out = (struct envelope_command){
        .args = s, .code = head.code, .verdict = head.code, .mail = head.mail};
    if (!head.mail && head.code / 100 == 2) {
        if (r->message && r->message->each)
            out->verdict = reply_code(server_verdict(r->message, c->recipient));
        c->recipient++;
    }
    return 1;
}

int envelope_recipient(const struct record *r, struct envelope_cursor *c,
                       struct envelope_command *out, struct diag *d)
{
    int rc;

    do
        rc = envelope_next(r, c, out, d);
    while (rc > 0 && (out->mail || out->code / 100 != 2));
    return rc;
}

struct slice envelope_argument(struct slice args)
{
    const char *colon = memchr(args.p, ':', args.n);

    if (!colon)
        return slice_from(args, args.n);
    args = slice_from(args, (size_t)(colon - args.p));
    while (args.n > 0 && *args.p == ':')
        args = slice_from(args, 1);
    while (args.n > 0 && (*args.p == ' ' || *args.p == '\t'))
        args = slice_from(args, 1);
    return args;
}

/* The octet that ends a path may stand in a quoted string, too (RFC 5321 section 4.1.2). */
struct slice envelope_path(struct slice argument, struct slice *parameters)
{
    bool bracketed = argument.n > 0 && *argument.p == '<';
    struct slice path = slice_from(argument, bracketed);
    bool quoted = false;
    size_t n = 0;

    for (; n < path.n; n++) {
        if (quoted && path.p[n] == '\\' && n + 1 < path.n)
            n++;
        else if (path.p[n] == '"')
            quoted = !quoted;
        else if (!quoted && path.p[n] == (bracketed ? '>' : ' '))
            break;
    }
    *parameters = slice_from(path, n < path.n ? n + 1 : n);
    while (parameters->n > 0 && *parameters->p == ' ')
        *parameters = slice_from(*parameters, 1);
    while (parameters->n > 0 && parameters->p[parameters->n - 1] == ' ')
        parameters->n--;
    path.n = n;
    return path;
}

int record_content(const struct record *r, const struct outlet *out, struct diag *d)
{
    char scratch[PIECE];
    uint64_t end = spool_octets(&r->content);
    struct slice s;

    for (uint64_t at = 0; at < end; at += s.n) {
        int rc = spool_view(&r->content, at, sizeof scratch, scratch, &s, d);

        if (rc < 0)
            return rc;
        outlet_put(out, s);
    }
    return 0;
}

/* A bijection of 32 bits, so that no number repeats: the last step of MurmurHash3 (A. Appleby). */
static uint32_t mix(uint32_t n)
{
    n ^= n >> 16;
    n *= UINT32_C(0x85ebca6b);
    n ^= n >> 13;
    n *= UINT32_C(0xc2b2ae35);
    return n ^ (n >> 16);
}

uint32_t record_ids_take(struct record_ids *ids)
{
    uint32_t n = ids->next;

    ids->next += ids->step;
    return mix(n);
}

void record_faults_tell(struct record_faults *f, const struct diag *d)
{
    time_t now = time(NULL);

    if (now == f->told) {
        f->untold++;
        return;
    }
    if (f->untold > 0)
        diag_warn("cannot record: %s (and %llu times before)", d->text,
                  (unsigned long long)f->untold);
    else
        diag_warn("cannot record: %s", d->text);
    f->told = now;
    f->untold = 0;
}
