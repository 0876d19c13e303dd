/*
 * SASL exchanges against the examples of the RFCs, both sides, with the nonces that stand there;
 * and exchanges that overlap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"

/* What is to come instead of random octets, in base64, in this order. */
static const char *const *nonces;

#define MARK 0xA7

/* libgsasl's own function, into a pointer to it. */
static void find(void *out, const char *name)
{
    void *at = dlsym(RTLD_NEXT, name);

    assert_non_null(at);
    memcpy(out, &at, sizeof at);
}

/* Called by libgsasl instead of its own, and what follows makes text of it. */
int gsasl_nonce(char *data, size_t n)
{
    int (*own)(char *, size_t);

    find(&own, "gsasl_nonce");
    if (!nonces || !*nonces)
        return own(data, n);
    memset(data, MARK, n);
    return GSASL_OK;
}

int gsasl_base64_to(const char *in, size_t n, char **out, size_t *out_n)
{
    int (*own)(const char *, size_t, char **, size_t *);

    find(&own, "gsasl_base64_to");
    if (!nonces || !*nonces || n < 12 || (unsigned char)in[0] != MARK ||
        (unsigned char)in[n - 1] != MARK)
        return own(in, n, out, out_n);
    *out = strdup(*nonces);
    assert_non_null(*out);
    if (out_n)
        *out_n = strlen(*nonces);
    nonces++;
    return GSASL_OK;
}

struct pair {
    struct auth_users users;
    struct auth_context *client, *server;
};

static const struct auth_policy policy = {.mechanisms = UINT32_MAX};

static void pair_open(struct pair *p, const char *user, const char *secret)
{
    struct diag d;

    assert_int_equal(auth_users_one(&p->users, user, secret, &d), 0);
    p->client = auth_context_new(&p->users);
    p->server = auth_context_new(&p->users);
    assert_non_null(p->client);
    assert_non_null(p->server);
}

static void pair_close(struct pair *p)
{
    auth_context_free(p->client);
    auth_context_free(p->server);
    auth_users_done(&p->users);
}

static void is(struct slice s, const char *text)
{
    char got[1024];

    assert_true(s.n < sizeof got);
    memcpy(got, s.p, s.n);
    got[s.n] = '\0';
    assert_string_equal(got, text);
}

/* In base64; one of four places, so that two can be used in an expression. */
static const char *base64(const char *text, size_t n)
{
    static char out[4][1024];
    static unsigned place;
    const char *const *kept = nonces;
    char *coded = NULL;

    nonces = NULL;
    assert_int_equal(gsasl_base64_to(text, n, &coded, NULL), GSASL_OK);
    nonces = kept;
    place = (place + 1) % 4;
    assert_true((size_t)snprintf(out[place], sizeof out[0], "%s", coded) < sizeof out[0]);
    free(coded);
    return out[place];
}

#define BASE64(text) base64(text, sizeof(text) - 1)

static struct auth_client *begin(struct pair *p, const char *mechanism, struct slice *line)
{
    struct auth_client *c = NULL;
    struct diag d;
    int rc =
        auth_client_begin(&c, p->client, p->users.rows, auth_mechanism_find(slice_of(mechanism)),
                          slice_of(mechanism), true, line, &d);

    if (rc < 0)
        fail_msg("%s", d.text);
    return c;
}

/* A mechanism of one message: the client says it, the server takes it. */
static void one_message(const char *mechanism, const char *user, const char *secret,
                        const char *message, size_t n)
{
    struct pair p;
    struct auth_server *server = NULL;
    struct slice line, reply;
    char want[1024];
    struct diag d;
    struct auth_client *client;

    pair_open(&p, user, secret);
    client = begin(&p, mechanism, &line);
    (void)snprintf(want, sizeof want, "AUTH %s %s", mechanism, base64(message, n));
    is(line, want);
    assert_int_equal(
        auth_server_begin(&server, p.server, &policy, true, slice_from(line, 5), &reply),
        AUTH_TAKEN);
    assert_int_equal(auth_client_finish(client, &d), 0);
    auth_client_free(client);
    pair_close(&p);
}

#define ONE_MESSAGE(mechanism, user, secret, message)                                              \
    one_message(mechanism, user, secret, message, sizeof(message) - 1)

/* RFC 4616 section 4 */
static void plain(void **state)
{
    (void)state;
    ONE_MESSAGE("PLAIN", "tim", "tanstaaftanstaaf", "\0tim\0tanstaaftanstaaf");
}

#define TOKEN "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

static void bearers(void **state)
{
    struct pair p;
    struct auth_server *server = NULL;
    struct slice reply;
    char args[600];

    (void)state;
    pair_open(&p, "user@example.com", TOKEN);
    ONE_MESSAGE("OAUTHBEARER", "user@example.com", TOKEN,
                "n,a=user@example.com,\001auth=Bearer " TOKEN "\001\001");
    ONE_MESSAGE("OAUTHBEARER", "a,b=c", TOKEN, /* RFC 5801 section 4 */
                "n,a=a=2Cb=3Dc,\001auth=Bearer " TOKEN "\001\001");
    ONE_MESSAGE("XOAUTH2", "user@example.com", TOKEN,
                "user=user@example.com\001auth=Bearer " TOKEN "\001\001");
    /* RFC 7628 section 4.1: with fields that we do not send. */
    (void)snprintf(args, sizeof args, "OAUTHBEARER %s",
                   BASE64("n,a=user@example.com,\001host=server.example.com\001port=143\001"
                          "auth=Bearer " TOKEN "\001\001"));
    is(slice_of(args),
       "OAUTHBEARER bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAW"
       "F1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB");
    assert_int_equal(auth_server_begin(&server, p.server, &policy, true, slice_of(args), &reply),
                     AUTH_TAKEN);
    pair_close(&p);
}

static void external(void **state)
{
    (void)state;
    ONE_MESSAGE("EXTERNAL", "tim", "unused", "tim");
}

/* draft-murchison-sasl-login section 2 */
static void login(void **state)
{
    struct pair p;
    struct auth_server *server = NULL;
    struct slice line, reply;
    struct diag d;
    struct auth_client *client;

    (void)state;
    pair_open(&p, "tim", "tanstaaftanstaaf");
    client = begin(&p, "LOGIN", &line);
    is(line, "AUTH LOGIN");
    assert_int_equal(
        auth_server_begin(&server, p.server, &policy, true, slice_from(line, 5), &reply),
        AUTH_MORE);
    assert_int_equal(auth_client_step(client, slice_of("VXNlciBOYW1lAA=="), &line, &d), 0);
    is(line, "dGlt");
    assert_int_equal(auth_server_step(&server, line, &reply), AUTH_MORE);
    assert_int_equal(auth_client_step(client, slice_of("UGFzc3dvcmQA"), &line, &d), 0);
    is(line, BASE64("tanstaaftanstaaf"));
    assert_int_equal(auth_server_step(&server, line, &reply), AUTH_TAKEN);
    assert_int_equal(auth_client_finish(client, &d), 0);
    auth_client_free(client);
    pair_close(&p);
}

/* RFC 2195 section 2 */
static void cram_md5(void **state)
{
    struct pair p;
    struct slice line;
    struct diag d;
    struct auth_client *client;

    (void)state;
    pair_open(&p, "tim", "tanstaaftanstaaf");
    client = begin(&p, "CRAM-MD5", &line);
    is(line, "AUTH CRAM-MD5");
    assert_int_equal(auth_client_step(client,
                                      slice_of("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1j"
                                               "aS5uZXQ+"),
                                      &line, &d),
                     0);
    is(line, "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
    assert_int_equal(auth_client_finish(client, &d), 0);
    auth_client_free(client);
    pair_close(&p);
}

struct scram {
    const char *mechanism, *nonce, *more, *salt, *proof, *signature;
};

/* RFC 5802 section 5, RFC 7677 section 3 */
static const struct scram scrams[] = {
    {"SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
     "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {"SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "W22ZaJ0SNY7soEsUEjb6gQ==", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

/* A line of the example: prefix, and the rest in base64. */
static const char *coded(char *out, size_t size, const char *prefix, const char *text)
{
    assert_true((size_t)snprintf(out, size, "%s%s", prefix, base64(text, strlen(text))) < size);
    return out;
}

static void scram(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scrams / sizeof scrams[0]; i++) {
        const struct scram *v = &scrams[i];
        const char *const first[] = {v->nonce, v->more, v->salt, NULL};
        struct pair p;
        struct auth_server *server = NULL;
        struct auth_client *client;
        struct slice line, reply;
        char text[300], want[600], prefix[40];
        struct diag d;

        pair_open(&p, "user", "pencil");
        nonces = first;
        client = begin(&p, v->mechanism, &line);
        (void)snprintf(text, sizeof text, "n,,n=user,r=%s", v->nonce);
        (void)snprintf(prefix, sizeof prefix, "AUTH %s ", v->mechanism);
        is(line, coded(want, sizeof want, prefix, text));

        assert_int_equal(
            auth_server_begin(&server, p.server, &policy, true, slice_from(line, 5), &reply),
            AUTH_MORE);
        (void)snprintf(text, sizeof text, "r=%s%s,s=%s,i=4096", v->nonce, v->more, v->salt);
        coded(want, sizeof want, "334 ", text);
        assert_int_equal(reply.n, strlen(want) + 2);
        assert_memory_equal(reply.p, want, reply.n - 2);

        assert_int_equal(auth_client_step(client, slice_of(want + 4), &line, &d), 0);
        (void)snprintf(text, sizeof text, "c=biws,r=%s%s,p=%s", v->nonce, v->more, v->proof);
        is(line, coded(want, sizeof want, "", text));

        assert_int_equal(auth_server_step(&server, line, &reply), AUTH_MORE);
        (void)snprintf(text, sizeof text, "v=%s", v->signature);
        coded(want, sizeof want, "334 ", text);
        assert_memory_equal(reply.p, want, strlen(want));

        assert_int_equal(auth_client_finish(client, &d), -EPROTO); /* it has shown nothing yet */
        assert_int_equal(auth_client_step(client, slice_of(want + 4), &line, &d), 0);
        is(line, "");
        assert_int_equal(auth_server_step(&server, line, &reply), AUTH_TAKEN);
        assert_int_equal(auth_client_finish(client, &d), 0);
        nonces = NULL;
        auth_client_free(client);
        pair_close(&p);
    }
}

/* Answers the server until it has decided. */
static enum auth_verdict go_on(struct auth_client *client, struct auth_server **server,
                               struct slice reply)
{
    enum auth_verdict verdict = AUTH_MORE;
    struct slice line;
    struct diag d;

    while (verdict == AUTH_MORE) {
        struct slice challenge = {reply.p + 4, reply.n - 6};

        assert_int_equal(auth_client_step(client, challenge, &line, &d), 0);
        verdict = auth_server_step(server, line, &reply);
    }
    return verdict;
}

/* The server keeps what it made for a user; that must not touch who is on the way already. */
static void overlapping(void **state)
{
    struct pair p;
    struct auth_client *clients[6];
    struct auth_server *servers[6] = {NULL};
    struct slice replies[6], line;
    struct diag d;

    (void)state;
    pair_open(&p, "user", "pencil");
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 6; i++) {
            clients[i] = begin(&p, i % 3 == 2 ? "SCRAM-SHA-1" : "SCRAM-SHA-256", &line);
            assert_int_equal(auth_server_begin(&servers[i], p.server, &policy, true,
                                               slice_from(line, 5), &replies[i]),
                             AUTH_MORE);
        }
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(go_on(clients[i], &servers[i], replies[i]), AUTH_TAKEN);
            assert_int_equal(auth_client_finish(clients[i], &d), 0);
            auth_client_free(clients[i]);
        }
    }
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),       cmocka_unit_test(login),    cmocka_unit_test(cram_md5),
        cmocka_unit_test(bearers),     cmocka_unit_test(external), cmocka_unit_test(scram),
        cmocka_unit_test(overlapping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
