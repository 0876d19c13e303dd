/*
 * The filter: an SSL between two ends of memory.
 */
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tls_impl.h"
#include "tls_words.h"

/* What a handshake or a command needs; grows for more, and is kept so. */
#define BUFFER_FIRST 4096

static struct tls_buffer *buffer_take(struct tls_context *cx)
{
    struct tls_buffer *b = cx->spare;

    if (b) {
        cx->spare = b->next;
        b->used = 0;
        return b;
    }
    return calloc(1, sizeof *b);
}

void tls_buffer_return(struct tls_context *cx, struct tls_buffer *b)
{
    b->next = cx->spare;
    cx->spare = b;
}

static bool buffer_add(struct tls_buffer *b, const char *p, size_t n)
{
    if (b->used + n > TLS_OUTPUT_MAX)
        return false;
    if (b->used + n > b->size) {
        size_t size = b->size ? b->size : BUFFER_FIRST;
        char *grown;

        while (size < b->used + n)
            size *= 2;
        grown = realloc(b->octets, size);
        if (!grown)
            return false;
        b->octets = grown;
        b->size = size;
    }
    memcpy(b->octets + b->used, p, n);
    b->used += n;
    return true;
}

static int bio_write(BIO *bio, const char *p, size_t n, size_t *written)
{
    struct tls *t = BIO_get_data(bio);

    if (!t->out)
        t->out = buffer_take(t->cx);
    if (!t->out || !buffer_add(t->out, p, n))
        return 0;
    *written = n;
    return 1;
}

static int bio_read(BIO *bio, char *p, size_t n, size_t *got)
{
    struct tls *t = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (t->in.n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *got = n < t->in.n ? n : t->in.n;
    memcpy(p, t->in.p, *got);
    t->in = slice_from(t->in, *got);
    return 1;
}

static long bio_control(BIO *bio, int what, long number, void *p)
{
    (void)bio;
    (void)number;
    (void)p;
    return what == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 127, "slices");

    if (!m || BIO_meth_set_write_ex(m, bio_write) != 1 || BIO_meth_set_read_ex(m, bio_read) != 1 ||
        BIO_meth_set_ctrl(m, bio_control) != 1) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}

int tls_init(struct tls *t, struct tls_context *cx)
{
    BIO *bio = BIO_new(cx->method);

    *t = (struct tls){.cx = cx, .ssl = SSL_new(cx->ctx), .state = TLS_HANDSHAKE};
    if (!t->ssl || !bio) {
        BIO_free(bio);
        tls_done(t);
        return -ENOMEM;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    if (cx->server) {
        SSL_set_accept_state(t->ssl);
        return 0;
    }
    SSL_set_connect_state(t->ssl);
    if (!tls_expect(t)) {
        tls_done(t);
        return -ENOMEM;
    }
    tls_sessions_offer(t);
    return 0;
}

void tls_done(struct tls *t)
{
    /* A session that ends without ceremony is as good for resuming as another. */
    if (t->ssl && t->state != TLS_FAILED && SSL_is_init_finished(t->ssl))
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    t->ssl = NULL;
    if (t->out)
        tls_buffer_return(t->cx, t->out);
    t->out = NULL;
    ERR_clear_error();
}

void tls_input(struct tls *t, struct slice in)
{
    t->in = in;
}

/* After a call that did not go through: nothing more for now, the end, or a failure. */
static void look(struct tls *t, int rc)
{
    const char *peer = t->cx->server ? "client" : "server";

    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_ZERO_RETURN:
        t->state = TLS_CLOSED;
        break;
    case SSL_ERROR_SYSCALL:
        /* The only thing that can fail here is the buffer. */
        t->state = TLS_FAILED;
        (void)diag_set(&t->cx->why, 0, "TLS: the %s wants too much to be said, or out of memory",
                       peer);
        break;
    default:
        t->state = TLS_FAILED;
        /* The verification has its own words. */
        if (!t->cx->why.text[0])
            tls_failure_words(&t->cx->why, peer);
    }
    ERR_clear_error();
}

void tls_handshake(struct tls *t)
{
    int rc;

    t->cx->why.text[0] = '\0';
    rc = SSL_do_handshake(t->ssl);
    if (rc == 1)
        t->state = TLS_OPEN;
    else
        look(t, rc);
    if (t->state == TLS_CLOSED) {
        t->state = TLS_FAILED;
        (void)diag_set(&t->cx->why, 0, "TLS: the %s gave up in the middle of the handshake",
                       t->cx->server ? "client" : "server");
    }
}

size_t tls_read(struct tls *t, char *out, size_t size)
{
    size_t n = 0;
    int rc;

    if (t->state != TLS_OPEN)
        return 0;
    t->cx->why.text[0] = '\0';
    rc = SSL_read_ex(t->ssl, out, size, &n);
    if (rc == 1)
        return n;
    look(t, rc);
    return 0;
}

/* A record's worth of the slices from the cursor on: lent if one slice has it, else gathered. */
static struct slice gather(struct tls_context *cx, const struct iovec **v, size_t *count,
                           size_t *offset, size_t limit)
{
    struct slice s = {cx->gathered, 0};

    if (limit > sizeof cx->gathered)
        limit = sizeof cx->gathered;
    while (*count > 0 && s.n < limit) {
        const char *p = (const char *)(*v)->iov_base + *offset;
        size_t left = (*v)->iov_len - *offset;
        size_t n = left < limit - s.n ? left : limit - s.n;

        if (s.n == 0 && n == limit)
            s.p = p;
        else
            memcpy(cx->gathered + s.n, p, n);
        s.n += n;
        *offset += n;
        if (n == left) {
            ++*v;
            --*count;
            *offset = 0;
        }
    }
    return s;
}

size_t tls_write(struct tls *t, const struct iovec *v, size_t count)
{
    size_t done = 0;
    size_t offset = 0;

    while (t->state != TLS_FAILED && done < TLS_WRITE_MAX) {
        struct slice record = gather(t->cx, &v, &count, &offset, TLS_WRITE_MAX - done);
        size_t n = 0;
        int rc;

        if (record.n == 0)
            break;
        t->cx->why.text[0] = '\0';
        rc = SSL_write_ex(t->ssl, record.p, record.n, &n);
        if (rc != 1) {
            look(t, rc);
            /* It does not wait for anything but the handshake's end. */
            if (t->state == TLS_OPEN) {
                t->state = TLS_FAILED;
                (void)diag_set(&t->cx->why, 0, "TLS: cannot send now");
            }
            return done;
        }
        done += n;
    }
    return done;
}

void tls_close(struct tls *t)
{
    if (t->state == TLS_OPEN || t->state == TLS_CLOSED)
        (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}

struct tls_buffer *tls_output(struct tls *t)
{
    struct tls_buffer *b = t->out;

    t->out = NULL;
    return b;
}

const struct diag *tls_why(const struct tls *t)
{
    return &t->cx->why;
}

char *tls_describe(const struct tls *t, char *out, size_t size)
{
    int group = (int)SSL_get_negotiated_group(t->ssl);
    const char *name = group ? SSL_group_to_name(t->ssl, group) : NULL;

    (void)snprintf(out, size, "%s %s%s%s", SSL_get_version(t->ssl), SSL_get_cipher_name(t->ssl),
                   name ? " " : "", name ? name : "");
    return out;
}

bool tls_resumed(const struct tls *t)
{
    return SSL_session_reused(t->ssl);
}
