/*
 * The TLS filter against itself, in memory: handshakes and data whole, octet by octet and split at
 * random; what a peer that breaks the rules can do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"
#include "tls.h"

/* How ciphertext travels: 0 for as it comes, else pieces of at most so many octets. */
static const size_t pieces[] = {0, 1, 7, 1000};

struct end {
    struct tls tls;
    char *got; /* plaintext that came */
    size_t got_n;
};

struct pair {
    struct tls_identity identity, none;
    struct tls_settings client_settings, server_settings;
    struct tls_context *client_cx, *server_cx;
    struct end client, server;
    size_t piece;
};

static void pair_open(struct pair *p, const char *host)
{
    struct diag d = {""};

    if (!p->identity.cert)
        assert_int_equal(tls_identity_make(&p->identity, "mx.example", &d), 0);
    assert_int_equal(tls_identity_load(&p->none, &p->client_settings, &d), 0);
    p->server_cx = tls_context_server(&p->server_settings, &p->identity, &d);
    assert_non_null(p->server_cx);
    p->client_cx = tls_context_client(&p->client_settings, &p->none, host, 1, &d);
    if (!p->client_cx)
        fail_msg("%s", d.text);
}

static void pair_begin(struct pair *p)
{
    assert_int_equal(tls_init(&p->client.tls, p->client_cx), 0);
    assert_int_equal(tls_init(&p->server.tls, p->server_cx), 0);
}

static void pair_end(struct pair *p)
{
    tls_done(&p->client.tls);
    tls_done(&p->server.tls);
    free(p->client.got);
    free(p->server.got);
    p->client.got = p->server.got = NULL;
    p->client.got_n = p->server.got_n = 0;
}

static void pair_close(struct pair *p)
{
    tls_context_free(p->client_cx);
    tls_context_free(p->server_cx);
    tls_identity_done(&p->identity);
    tls_identity_done(&p->none);
}

/* As its owner does: handshake or plaintext, until there is no more. */
static void take(struct end *e, const char *p, size_t n)
{
    char plain[TLS_READ_MAX];
    char *copy = malloc(n);
    size_t got;

    assert_non_null(copy);
    memcpy(copy, p, n);
    tls_input(&e->tls, (struct slice){copy, n});
    if (e->tls.state == TLS_HANDSHAKE)
        tls_handshake(&e->tls);
    while (e->tls.state == TLS_OPEN && (got = tls_read(&e->tls, plain, sizeof plain)) > 0) {
        e->got = realloc(e->got, e->got_n + got);
        assert_non_null(e->got);
        memcpy(e->got + e->got_n, plain, got);
        e->got_n += got;
    }
    tls_input(&e->tls, (struct slice){"", 0});
    free(copy);
}

/* Carries what one has to say to the other; true if there was something. */
static bool carry(struct pair *p, struct end *from, struct end *to)
{
    struct tls_buffer *b = tls_output(&from->tls);
    struct tls_context *cx = from == &p->client ? p->client_cx : p->server_cx;

    if (!b)
        return false;
    for (size_t at = 0; at < b->used;) {
        size_t n = p->piece && p->piece < b->used - at ? p->piece : b->used - at;

        take(to, b->octets + at, n);
        at += n;
    }
    tls_buffer_return(cx, b);
    return true;
}

static void run(struct pair *p)
{
    bool more = true;

    while (more) {
        more = carry(p, &p->client, &p->server);
        more |= carry(p, &p->server, &p->client);
    }
}

static void shake(struct pair *p)
{
    pair_begin(p);
    tls_handshake(&p->client.tls);
    run(p);
}

/* All of a text in several slices, some of them empty; returns nothing but what arrives. */
static void say(struct pair *p, struct end *from, char *text, size_t n)
{
    size_t at = 0;

    while (at < n) {
        struct iovec v[] = {{text + at, n - at < 3 ? n - at : 3},
                            {text, 0},
                            {text + at + (n - at < 3 ? n - at : 3), n - at < 3 ? 0 : n - at - 3}};
        size_t done = tls_write(&from->tls, v, 3);

        assert_in_range(done, 1, TLS_WRITE_MAX);
        at += done;
        run(p);
    }
}

static void test_pair(void **state)
{
    char *text = malloc(100000);
    struct rng rng = {3};

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < 100000; i++)
        text[i] = (char)rng_next(&rng);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct pair p = {.piece = pieces[i]};
        char words[100];

        p.client_settings.no_verify = true;
        pair_open(&p, "mx.example");
        shake(&p);
        assert_int_equal(p.client.tls.state, TLS_OPEN);
        assert_int_equal(p.server.tls.state, TLS_OPEN);
        assert_string_equal(tls_describe(&p.client.tls, words, sizeof words),
                            "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519");
        say(&p, &p.client, text, 100000);
        say(&p, &p.server, text, 77777);
        assert_int_equal(p.server.got_n, 100000);
        assert_memory_equal(p.server.got, text, 100000);
        assert_int_equal(p.client.got_n, 77777);
        assert_memory_equal(p.client.got, text, 77777);
        tls_close(&p.server.tls);
        run(&p);
        assert_int_equal(p.client.tls.state, TLS_CLOSED);
        pair_end(&p);
        pair_close(&p);
    }
    free(text);
}

static void expect_failure(const struct tls_settings *client, const struct tls_settings *server,
                           const char *host, const char *words)
{
    struct pair p = {.client_settings = *client, .server_settings = *server};

    pair_open(&p, host);
    shake(&p);
    if (p.client.tls.state != TLS_FAILED && p.server.tls.state != TLS_FAILED)
        fail_msg("nothing failed where this was expected: %s", words);
    if (p.client.tls.state == TLS_FAILED && !strstr(tls_why(&p.client.tls)->text, words))
        fail_msg("\"%s\" is not in \"%s\"", words, tls_why(&p.client.tls)->text);
    if (p.client.tls.state != TLS_FAILED && !strstr(tls_why(&p.server.tls)->text, words))
        fail_msg("\"%s\" is not in \"%s\"", words, tls_why(&p.server.tls)->text);
    pair_end(&p);
    pair_close(&p);
}

static void test_failures(void **state)
{
    const struct tls_settings usual = {0};
    const struct tls_settings old = {.max = 0x0303};
    const struct tls_settings modern = {.min = 0x0304};
    const struct tls_settings p256 = {.groups = "P-256"};
    const struct tls_settings p521 = {.groups = "P-521", .no_verify = true};
    const struct tls_settings pinned = {.pin_count = 1};
    const struct tls_settings require = {.client_cert = TLS_CLIENT_CERT_REQUIRE};
    const struct tls_settings any = {.no_verify = true};
    const struct tls_settings any_old = {.no_verify = true, .max = 0x0303};

    (void)state;
    expect_failure(&usual, &usual, "mx.example", "self-signed certificate");
    expect_failure(&pinned, &usual, "mx.example", "has not the fingerprint asked for but ");
    expect_failure(&any_old, &modern, "mx.example", "no version of TLS in common");
    expect_failure(&modern, &old, "mx.example", "no version of TLS in common");
    expect_failure(&p521, &p256, "mx.example", "no cipher or group in common");
    expect_failure(&any, &require, "mx.example", "the server wants a client certificate");
    expect_failure(&any_old, &require, "mx.example", "no cipher or group in common");
}

/* A certificate that is pinned needs no issuer, and its name is not looked at. */
static void test_pin(void **state)
{
    struct pair p = {0};
    struct diag d;

    (void)state;
    assert_int_equal(tls_identity_make(&p.identity, "mx.example", &d), 0);
    memcpy(p.client_settings.pins[2], p.identity.digest, TLS_DIGEST_SIZE);
    p.client_settings.pin_count = 3;
    pair_open(&p, NULL);
    shake(&p);
    assert_int_equal(p.client.tls.state, TLS_OPEN);
    pair_end(&p);
    pair_close(&p);
}

/* A server whose name nobody knows: that is told before anything is sent. */
static void test_no_name(void **state)
{
    const struct tls_settings usual = {0};
    struct tls_identity none = {0};
    struct diag d = {""};

    (void)state;
    assert_null(tls_context_client(&usual, &none, NULL, 1, &d));
    assert_non_null(strstr(d.text, "--tls-name"));
}

static void test_bad_settings(void **state)
{
    static const struct {
        struct tls_settings s;
        const char *words;
    } rows[] = {
        {{.ciphers = "FOO"}, "bad cipher: FOO"},
        {{.ciphers = "ECDHE-RSA-AES128-GCM-SHA256:FOO"}, "bad cipher: FOO"},
        {{.ciphers = "TLS_FOO"}, "bad cipher: TLS_FOO"},
        {{.ciphers = ":"}, "empty"},
        {{.ciphers = "TLS_AES_128_GCM_SHA256", .max = 0x0303}, "--tls-max leaves that out"},
        {{.ciphers = "AES128-SHA", .min = 0x0304}, "--tls-min wants that version"},
        {{.groups = "P-1"}, "bad groups: P-1"},
        {{.alpn = "a,,b"}, "bad protocols"},
        {{.alpn = ""}, "bad protocols"},
        {{.ca = "/nowhere"}, "cannot read the issuers: /nowhere"},
        {{.ca = "/dev/null"}, "bad issuers: /dev/null"},
    };
    struct tls_identity none = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diag d = {""};

        assert_null(tls_context_client(&rows[i].s, &none, "mx.example", 1, &d));
        if (!strstr(d.text, rows[i].words))
            fail_msg("\"%s\" is not in \"%s\"", rows[i].words, d.text);
    }
}

/* Only those that were asked for: another version's ciphers would be others. */
static void test_ciphers(void **state)
{
    static const struct {
        const char *ciphers, *is;
    } rows[] = {
        {"TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 x25519"},
        {"ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 x25519"},
        {"ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256",
         "TLSv1.3 TLS_AES_128_GCM_SHA256 x25519"},
        {"DEFAULT", "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair p = {.client_settings = {.ciphers = rows[i].ciphers, .no_verify = true}};
        char words[100];

        pair_open(&p, "mx.example");
        shake(&p);
        assert_int_equal(p.client.tls.state, TLS_OPEN);
        assert_string_equal(tls_describe(&p.server.tls, words, sizeof words), rows[i].is);
        pair_end(&p);
        pair_close(&p);
    }
}

/* Each version resumes what it may; a share of 0 nothing; the server needs no memory for it. */
static void test_resume(void **state)
{
    static const int versions[] = {0x0303, 0x0304};
    static const uint32_t shares[] = {0, 50, 100};

    (void)state;
    for (size_t v = 0; v < 2; v++) {
        for (size_t s = 0; s < 3; s++) {
            struct pair p = {.client_settings = {.no_verify = true,
                                                 .min = versions[v],
                                                 .max = versions[v],
                                                 .resume = shares[s]}};
            int resumed = 0;

            pair_open(&p, "mx.example");
            for (int i = 0; i < 200; i++) {
                shake(&p);
                assert_int_equal(p.client.tls.state, TLS_OPEN);
                assert_int_equal(tls_resumed(&p.client.tls), tls_resumed(&p.server.tls));
                resumed += tls_resumed(&p.client.tls);
                pair_end(&p);
            }
            if (shares[s] == 50)
                assert_in_range(resumed, 70, 130);
            else
                assert_int_equal(resumed, shares[s] ? 199 : 0);
            pair_close(&p);
        }
    }
}

/* A certificate of ours is seen by a server that asks, if it comes from the right issuer. */
static void test_client_certificate(void **state)
{
    struct pair p = {.client_settings = {.no_verify = true},
                     .server_settings = {.client_cert = TLS_CLIENT_CERT_REQUIRE}};
    struct tls_identity mine;
    struct diag d;

    (void)state;
    assert_int_equal(tls_identity_make(&mine, "client.example", &d), 0);
    pair_open(&p, "mx.example");
    tls_context_free(p.client_cx);
    p.client_cx = tls_context_client(&p.client_settings, &mine, "mx.example", 1, &d);
    shake(&p);
    assert_int_equal(p.client.tls.state, TLS_OPEN);
    assert_int_equal(p.server.tls.state, TLS_OPEN);
    pair_end(&p);
    pair_close(&p);
    tls_identity_done(&mine);
}

/* One octet of the server's first flight is another. */
static void test_damage(void **state)
{
    struct pair p = {.client_settings = {.no_verify = true}};
    struct rng rng = {7};
    int failures = 0;

    (void)state;
    pair_open(&p, "mx.example");
    for (int i = 0; i < 300; i++) {
        struct tls_buffer *b;

        pair_begin(&p);
        tls_handshake(&p.client.tls);
        (void)carry(&p, &p.client, &p.server);
        b = tls_output(&p.server.tls);
        assert_non_null(b);
        b->octets[rng_below(&rng, b->used)] ^= (char)(1 << rng_below(&rng, 8));
        take(&p.client, b->octets, b->used);
        tls_buffer_return(p.server_cx, b);
        run(&p);
        failures += p.client.tls.state == TLS_FAILED || p.server.tls.state == TLS_FAILED;
        if (p.client.tls.state == TLS_FAILED)
            assert_true(tls_why(&p.client.tls)->text[0] != '\0');
        pair_end(&p);
    }
    assert_in_range(failures, 250, 300);
    pair_close(&p);
}

/* A peer that makes us talk without ever reading it: an end is put to that. */
static void test_flood(void **state)
{
    struct pair p = {.client_settings = {.no_verify = true, .max = 0x0303}};

    (void)state;
    pair_open(&p, "mx.example");
    shake(&p);
    for (int i = 0; i < 20 && p.server.tls.state == TLS_OPEN; i++) {
        char text[16000] = {0};
        struct iovec v = {text, sizeof text};

        /* Nothing takes the server's output. */
        (void)tls_write(&p.server.tls, &v, 1);
    }
    assert_int_equal(p.server.tls.state, TLS_FAILED);
    pair_end(&p);
    pair_close(&p);
}

static void test_garbage(void **state)
{
    static const char *const first[] = {"220 mx.example ESMTP\r\n", "HTTP/1.1 400 Bad\r\n\r\n",
                                        "\x16\x03\x01\xff\xff", "\x15\x03\x01\x00\x02\x02\x28"};

    (void)state;
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            struct pair p = {.client_settings = {.no_verify = true}, .piece = pieces[k]};
            size_t n = i == 3 ? 7 : strlen(first[i]);

            pair_open(&p, "mx.example");
            pair_begin(&p);
            tls_handshake(&p.client.tls);
            for (size_t at = 0; at < n && p.client.tls.state != TLS_FAILED;) {
                size_t piece = p.piece && p.piece < n - at ? p.piece : n - at;

                take(&p.client, first[i] + at, piece);
                at += piece;
            }
            if (p.client.tls.state != TLS_FAILED)
                fail_msg("%s is taken for TLS", first[i]);
            pair_end(&p);
            pair_close(&p);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair),         cmocka_unit_test(test_failures),
        cmocka_unit_test(test_pin),          cmocka_unit_test(test_no_name),
        cmocka_unit_test(test_bad_settings), cmocka_unit_test(test_ciphers),
        cmocka_unit_test(test_resume),       cmocka_unit_test(test_client_certificate),
        cmocka_unit_test(test_damage),       cmocka_unit_test(test_flood),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
