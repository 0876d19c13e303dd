/*
 * The client's side of an exchange.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_impl.h"
#include "decimal.h"

struct auth_client {
    struct auth_side side; /* first */
    struct auth_context *cx;
    const struct auth_user *user;
    const struct auth_mechanism *mechanism;
    Gsasl_session *session; /* NULL: by hand */
    char *initial;          /* a response that waits for an empty challenge; or NULL */
    char *line;             /* said last */
    unsigned rounds;
    bool complete; /* nothing is expected from the server but its success */
};

static int no_memory(struct diag *d)
{
    return diag_set(d, -ENOMEM, "out of memory");
}

static int failed(const struct auth_client *x, int rc, struct diag *d)
{
    return diag_set(d, -EPROTO, "%s: %s", x->mechanism->name,
                    rc == GSASL_AUTHENTICATION_ERROR
                        ? "the server did not prove that it knows the password"
                        : gsasl_strerror(rc));
}

static int asked(void *side, Gsasl_session *session, Gsasl_property property)
{
    const struct auth_client *x = side;
    const struct auth_keys *keys;
    const char *salt, *iterations;

    if (property == GSASL_AUTHID || property == GSASL_AUTHZID) {
        /* Only for EXTERNAL is it who one wants to be; else that is who one is. */
        if ((property == GSASL_AUTHZID) != (strcmp(x->mechanism->name, "EXTERNAL") == 0))
            return GSASL_NO_CALLBACK;
        return gsasl_property_set(session, property, x->user->name);
    }
    if (property == GSASL_PASSWORD)
        return gsasl_property_set(session, property, x->user->secret);
    if (property != GSASL_SCRAM_SALTED_PASSWORD)
        return GSASL_NO_CALLBACK;
    keys = auth_keys_of(x->cx, x->user);
    salt = gsasl_property_fast(session, GSASL_SCRAM_SALT);
    iterations = gsasl_property_fast(session, GSASL_SCRAM_ITER);
    if (!keys || keys->mechanism != x->mechanism || !salt || !iterations ||
        strcmp(keys->salt, salt) != 0 || strcmp(keys->iterations, iterations) != 0)
        return GSASL_NO_CALLBACK;
    return gsasl_property_set(session, property, keys->salted);
}

/* Is the mechanism among those offered? */
static bool offers(struct slice offer, const char *name)
{
    while (offer.n > 0) {
        const char *blank = memchr(offer.p, ' ', offer.n);
        size_t n = blank ? (size_t)(blank - offer.p) : offer.n;

        if (slice_is((struct slice){offer.p, n}, name))
            return true;
        offer = slice_from(offer, blank ? n + 1 : n);
    }
    return false;
}

static const struct auth_mechanism *choose(const struct auth_mechanism *wanted, struct slice offer,
                                           bool clear, struct diag *d)
{
    const struct auth_mechanism *m = wanted ? wanted : auth_mechanisms;
    const struct auth_mechanism *shown = NULL;
    char text[160] = "none";

    for (; m->name; m++) {
        bool offered = offers(offer, m->name) && (wanted || !m->by_name);

        if (offered && (clear || !m->clear))
            return m;
        if (offered)
            shown = m;
        if (wanted)
            break;
    }
    if (offer.n > 0)
        (void)diag_printable(text, sizeof text, offer);
    if (shown)
        (void)diag_set(d, -EACCES,
                       "AUTH %s would show the password to whoever listens: use --tls, or "
                       "--auth-insecure",
                       shown->name);
    else if (wanted)
        (void)diag_set(d, -ENOTSUP, "the server does not offer AUTH %s, but %s", wanted->name,
                       text);
    else
        (void)diag_set(d, -ENOTSUP,
                       "the server offers no mechanism of AUTH that is taken by itself (it offers "
                       "%s): see --auth-mechanism",
                       text);
    return NULL;
}

/* The client's first message in base64; NULL with diag set. */
static char *first_message(struct auth_client *x, struct diag *d)
{
    char *out = NULL;
    int rc;

    if (x->mechanism->make) {
        size_t size = AUTH_NAME_MAX + AUTH_SECRET_MAX + 64;
        char *message = malloc(size);
        size_t n = message ? x->mechanism->make(x->user, message, size) : 0;

        rc = n > 0 ? gsasl_base64_to(message, n, &out, NULL) : GSASL_MALLOC_ERROR;
        if (message)
            explicit_bzero(message, n);
        free(message);
        x->complete = true;
    } else {
        rc = gsasl_step64(x->session, NULL, &out);
        x->complete = rc == GSASL_OK;
        rc = rc == GSASL_NEEDS_MORE ? GSASL_OK : rc;
    }
    if (rc == GSASL_OK)
        return out;
    (void)failed(x, rc, d);
    return NULL;
}

/* "AUTH MECHANISM", and the initial response if there is room for it. */
static int command(struct auth_client *x, struct slice *line, struct diag *d)
{
    char *first = NULL;
    int n;

    if (x->mechanism->first) {
        first = first_message(x, d);
        if (!first)
            return -EPROTO;
    }
    if (first &&
        strlen(first) + strlen(x->mechanism->name) + sizeof "AUTH  \r\n" - 1 > AUTH_COMMAND_MAX) {
        x->initial = first;
        first = NULL;
    }
    n = asprintf(&x->line, "AUTH %s%s%s", x->mechanism->name, first ? " " : "",
                 !first   ? ""
                 : *first ? first
                          : "="); /* RFC 4954 section 4: an empty one */
    auth_wipe(first);
    if (n < 0) {
        x->line = NULL;
        return no_memory(d);
    }
    *line = (struct slice){x->line, (size_t)n};
    return 0;
}

int auth_client_begin(struct auth_client **out, struct auth_context *cx,
                      const struct auth_user *user, const struct auth_mechanism *wanted,
                      struct slice offer, bool clear, struct slice *line, struct diag *d)
{
    const struct auth_mechanism *m = choose(wanted, offer, clear, d);
    struct auth_client *x = m ? calloc(1, sizeof *x) : NULL;
    int rc = 0;

    if (!x)
        return m ? no_memory(d) : -ENOTSUP;
    x->side.asked = asked;
    x->cx = cx;
    x->user = user;
    x->mechanism = m;
    if (!m->make) {
        rc = gsasl_client_start(cx->gsasl, m->name, &x->session);
        if (rc == GSASL_OK)
            gsasl_session_hook_set(x->session, x);
        else
            rc = failed(x, rc, d);
    }
    if (rc == 0)
        rc = command(x, line, d);
    if (rc < 0)
        auth_client_free(x);
    else
        *out = x;
    return rc;
}

/* A server must not keep us hashing (RFC 5802 section 5.1, "i="). */
static bool asks_too_much(const char *challenge)
{
    char *text = NULL; /* no NUL ends it */
    size_t n = 0;
    const char *at;
    bool bad = false;

    if (gsasl_base64_from(challenge, strlen(challenge), &text, &n) != GSASL_OK)
        return false; /* told by who reads it */
    at = memmem(text, n, ",i=", 3);
    if (at) {
        struct slice number = slice_from((struct slice){text, n}, (size_t)(at + 3 - text));
        const char *comma = memchr(number.p, ',', number.n);
        uint64_t iterations;

        number.n = comma ? (size_t)(comma - number.p) : number.n;
        bad = !decimal_parse(number, &iterations) || iterations > AUTH_ITERATIONS_MAX;
    }
    free(text);
    return bad;
}

static int respond(struct auth_client *x, const char *challenge, struct diag *d)
{
    int rc;

    if (x->initial) {
        if (*challenge)
            return diag_set(d, -EPROTO, "%s: a challenge where there is to be none",
                            x->mechanism->name);
        x->line = x->initial;
        x->initial = NULL;
        return 0;
    }
    if (x->mechanism->after_error) {
        /* What is wrong is in there; the refusal follows. */
        x->line = strdup(x->mechanism->after_error);
        return x->line ? 0 : no_memory(d);
    }
    if (x->mechanism->gs2 && asks_too_much(challenge))
        return diag_set(d, -EPROTO,
                        "%s: the server wants more than %d iterations, or no number of them",
                        x->mechanism->name, AUTH_ITERATIONS_MAX);
    rc = gsasl_step64(x->session, challenge, &x->line);
    if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
        return failed(x, rc, d);
    x->complete = rc == GSASL_OK;
    return 0;
}

int auth_client_step(struct auth_client *x, struct slice challenge, struct slice *line,
                     struct diag *d)
{
    char *text;
    int rc;

    auth_wipe(x->line);
    x->line = NULL;
    if (challenge.n > AUTH_CHALLENGE_MAX)
        return diag_set(d, -EPROTO, "%s: a challenge of more than %d octets", x->mechanism->name,
                        AUTH_CHALLENGE_MAX);
    if (memchr(challenge.p, '\0', challenge.n) || ++x->rounds > AUTH_ROUNDS_MAX)
        return diag_set(d, -EPROTO, "%s: %s", x->mechanism->name,
                        x->rounds > AUTH_ROUNDS_MAX ? "challenges without end"
                                                    : "a challenge with a NUL in it");
    text = strndup(challenge.p, challenge.n);
    if (!text)
        return no_memory(d);
    rc = respond(x, text, d);
    free(text);
    if (rc < 0)
        return rc;
    *line = slice_of(x->line);
    return 0;
}

/* The keys that were made are good for the next exchange. */
static void keep_keys(struct auth_client *x)
{
    struct auth_keys *keys = x->mechanism->gs2 ? auth_keys_of(x->cx, x->user) : NULL;

    if (!keys)
        return;
    keys->mechanism = NULL;
    if (auth_keep(x->session, GSASL_SCRAM_SALT, keys->salt, sizeof keys->salt) &&
        auth_keep(x->session, GSASL_SCRAM_ITER, keys->iterations, sizeof keys->iterations) &&
        auth_keep(x->session, GSASL_SCRAM_SALTED_PASSWORD, keys->salted, sizeof keys->salted))
        keys->mechanism = x->mechanism;
}

int auth_client_finish(struct auth_client *x, struct diag *d)
{
    if (!x->complete)
        return diag_set(d, -EPROTO, "%s: success before the exchange was complete",
                        x->mechanism->name);
    keep_keys(x);
    return 0;
}

const struct auth_mechanism *auth_client_mechanism(const struct auth_client *x)
{
    return x->mechanism;
}

const struct auth_user *auth_client_user(const struct auth_client *x)
{
    return x->user;
}

void auth_client_free(struct auth_client *x)
{
    if (!x)
        return;
    if (x->session)
        gsasl_finish(x->session);
    auth_wipe(x->initial);
    auth_wipe(x->line);
    free(x);
}
