/*
 * The TLS filter before a peer of any octets, with another filter at its far end that says the
 * right thing whenever the input wants it to: so that a handshake may come to its end, with some of
 * what goes either way damaged, split, or left out on its way.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_context *cx[2]; /* client and server, made once: keys take their time */

static void check(bool good)
{
    if (!good)
        abort();
}

static void begin(void)
{
    static struct tls_settings settings[2] = {{.no_verify = true, .resume = 50}};
    struct tls_identity mine, none = {0};
    struct diag d;

    if (cx[0])
        return;
    check(tls_identity_make(&mine, "mx.example", &d) == 0);
    cx[0] = tls_context_client(&settings[0], &none, "mx.example", 1, &d);
    cx[1] = tls_context_server(&settings[1], &mine, &d);
    check(cx[0] && cx[1]);
    tls_identity_done(&mine);
}

static void give(struct tls *t, const char *p, size_t n)
{
    char plain[1000];

    tls_input(t, (struct slice){p, n});
    if (t->state == TLS_HANDSHAKE)
        tls_handshake(t);
    while (t->state == TLS_OPEN && tls_read(t, plain, sizeof plain) > 0)
        ;
    check(t->state != TLS_FAILED || tls_why(t)->text[0]);
    tls_input(t, (struct slice){"", 0});
}

/* What one has said goes to the other: as it is, or with an octet damaged, or only half of it. */
static void carry(struct tls *t, int from, uint8_t how, uint8_t where)
{
    struct tls_buffer *b = tls_output(&t[from]);

    if (!b)
        return;
    check(b->used <= TLS_OUTPUT_MAX);
    if (how & 4 && b->used)
        b->octets[where * b->used / 256] ^= (char)(1 + (how >> 4));
    give(&t[!from], b->octets, how & 8 ? b->used / 2 : b->used);
    tls_buffer_return(cx[from], b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls t[2];

    begin();
    check(tls_init(&t[0], cx[0]) == 0 && tls_init(&t[1], cx[1]) == 0);
    tls_handshake(&t[0]);
    for (size_t i = 0; i + 1 < size; i += 2) {
        int side = data[i] & 1;
        struct iovec v = {(void *)(uintptr_t)data, size};

        if (!(data[i] & 2)) {
            carry(t, side, data[i], data[i + 1]);
        } else if (data[i] & 4 && t[side].state == TLS_OPEN) {
            check(tls_write(&t[side], &v, 1) <= TLS_WRITE_MAX);
        } else if (data[i] & 8) {
            tls_close(&t[side]);
        } else {
            size_t n = data[i + 1] < size - i - 2 ? data[i + 1] : size - i - 2;

            give(&t[side], (const char *)data + i + 2, n);
            i += n;
        }
    }
    tls_done(&t[0]);
    tls_done(&t[1]);
    return 0;
}
