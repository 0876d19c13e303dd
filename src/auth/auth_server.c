/*
 * The server's side of an exchange.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_impl.h"

struct auth_server {
    struct auth_side side; /* first */
    struct auth_context *cx;
    const struct auth_policy *policy;
    const struct auth_mechanism *mechanism;
    Gsasl_session *session; /* NULL: by hand */
    bool done;              /* all is good, and the last word of ours was said */
    char reply[AUTH_REPLY_MAX];
};

#define REPLY(text) SLICE(text "\r\n")

static bool is_refused(const struct auth_policy *policy, struct slice name)
{
    const char *at = policy->refused;

    while (at && *at) {
        size_t n = strcspn(at, ",");

        if (n == name.n && memcmp(at, name.p, n) == 0)
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

/* secret.p NULL: it is not looked at. */
static bool is_good(const struct auth_server *x, struct slice name, struct slice secret)
{
    const struct auth_user *u;

    if (is_refused(x->policy, name))
        return false;
    if (!x->cx->users)
        return true;
    u = auth_users_find(x->cx->users, name);
    return u && (!secret.p ||
                 (strlen(u->secret) == secret.n && memcmp(u->secret, secret.p, secret.n) == 0));
}

static struct slice property(Gsasl_session *session, Gsasl_property which)
{
    const char *text = gsasl_property_fast(session, which);

    return slice_of(text ? text : "");
}

/* Keys are of no use to an exchange that began before there were any: it has a salt of its own. */
static bool fits(Gsasl_session *session, Gsasl_property which, const struct auth_keys *k)
{
    const char *salt = gsasl_property_fast(session, GSASL_SCRAM_SALT);
    const char *iterations = gsasl_property_fast(session, GSASL_SCRAM_ITER);

    if (which == GSASL_SCRAM_SALT || which == GSASL_SCRAM_ITER)
        return true;
    return salt && iterations && strcmp(salt, k->salt) == 0 &&
           strcmp(iterations, k->iterations) == 0;
}

static int give_key(const struct auth_server *x, Gsasl_session *session, Gsasl_property which)
{
    const struct auth_user *u;
    const struct auth_keys *k;
    const char *value;

    if (!x->cx->users || !x->mechanism->gs2)
        return GSASL_NO_CALLBACK;
    u = auth_users_find(x->cx->users, property(session, GSASL_AUTHID));
    k = u ? auth_keys_of(x->cx, u) : NULL;
    if (!k || k->mechanism != x->mechanism || !fits(session, which, k))
        return GSASL_NO_CALLBACK;
    value = which == GSASL_SCRAM_SALT        ? k->salt
            : which == GSASL_SCRAM_ITER      ? k->iterations
            : which == GSASL_SCRAM_STOREDKEY ? k->stored
                                             : k->own;
    return gsasl_property_set(session, which, value);
}

static int asked(void *side, Gsasl_session *session, Gsasl_property which)
{
    struct auth_server *x = side;
    struct slice name = property(session, GSASL_AUTHID);
    const struct auth_user *u;

    switch (which) {
    case GSASL_VALIDATE_SIMPLE:
        return is_good(x, name, property(session, GSASL_PASSWORD)) ? GSASL_OK
                                                                   : GSASL_AUTHENTICATION_ERROR;
    case GSASL_VALIDATE_EXTERNAL:
        return is_good(x, property(session, GSASL_AUTHZID), (struct slice){NULL, 0})
                   ? GSASL_OK
                   : GSASL_AUTHENTICATION_ERROR;
    case GSASL_PASSWORD:
        u = x->cx->users && !is_refused(x->policy, name) ? auth_users_find(x->cx->users, name)
                                                         : NULL;
        return u ? gsasl_property_set(session, which, u->secret) : GSASL_NO_PASSWORD;
    case GSASL_SCRAM_SALT:
    case GSASL_SCRAM_ITER:
    case GSASL_SCRAM_STOREDKEY:
    case GSASL_SCRAM_SERVERKEY:
        return is_refused(x->policy, name) ? GSASL_NO_CALLBACK : give_key(x, session, which);
    default:
        return GSASL_NO_CALLBACK;
    }
}

static void keep_keys(struct auth_server *x)
{
    const struct auth_user *u =
        x->mechanism->gs2 ? auth_users_find(x->cx->users, property(x->session, GSASL_AUTHID))
                          : NULL;
    struct auth_keys *k = u ? auth_keys_of(x->cx, u) : NULL;

    if (!k || k->mechanism == x->mechanism)
        return;
    k->mechanism = NULL;
    if (auth_keep(x->session, GSASL_SCRAM_SALT, k->salt, sizeof k->salt) &&
        auth_keep(x->session, GSASL_SCRAM_ITER, k->iterations, sizeof k->iterations) &&
        auth_keep(x->session, GSASL_SCRAM_STOREDKEY, k->stored, sizeof k->stored) &&
        auth_keep(x->session, GSASL_SCRAM_SERVERKEY, k->own, sizeof k->own))
        k->mechanism = x->mechanism;
}

static enum auth_verdict over(struct auth_server **x, struct slice reply, struct slice *out)
{
    auth_server_free(*x);
    *x = NULL;
    *out = reply;
    return reply.p[0] == '2' ? AUTH_TAKEN : AUTH_OVER;
}

static enum auth_verdict decide(struct auth_server **x, bool good, struct slice *out)
{
    if (good)
        return over(x, REPLY("235 2.7.0 Authentication successful"), out);
    return over(x, REPLY("535 5.7.8 Error: authentication failed"), out);
}

/* What follows from the client's line; NULL: it has said nothing yet. */
static enum auth_verdict run(struct auth_server **out, const char *line, struct slice *reply)
{
    struct auth_server *x = *out;
    char *text = NULL;
    size_t n = 0;
    int rc;

    if (x->done)
        return decide(out, !*line, reply);
    if (x->mechanism->read && line) {
        struct slice user, secret;
        bool good = false;

        rc = gsasl_base64_from(line, strlen(line), &text, &n);
        if (rc == GSASL_OK)
            good = x->mechanism->read(text, n, &user, &secret) && is_good(x, user, secret);
        if (text) /* no string: it has no end */
            explicit_bzero(text, n);
        free(text);
        if (rc == GSASL_OK)
            return decide(out, good, reply);
    } else if (x->mechanism->read) {
        rc = GSASL_NEEDS_MORE;
    } else {
        rc = gsasl_step64(x->session, line, &text);
    }
    if (rc == GSASL_NEEDS_MORE ||
        (rc == GSASL_OK && x->mechanism->gs2 && text && *text)) { /* a last word of the server's */
        int length = snprintf(x->reply, sizeof x->reply, "334 %s\r\n", text ? text : "");

        gsasl_free(text);
        if (rc == GSASL_OK) {
            keep_keys(x);
            x->done = true;
        }
        if (length < 0 || (size_t)length >= sizeof x->reply)
            return decide(out, false, reply);
        *reply = (struct slice){x->reply, (size_t)length};
        return AUTH_MORE;
    }
    gsasl_free(text);
    if (rc == GSASL_BASE64_ERROR)
        return over(out, REPLY("501 5.5.2 Error: that is no base64"), reply);
    if (rc == GSASL_MALLOC_ERROR)
        return over(out, REPLY("454 4.7.0 Error: temporary authentication failure"), reply);
    return decide(out, rc == GSASL_OK, reply);
}

static enum auth_verdict begin(struct auth_server **out, struct auth_context *cx,
                               const struct auth_policy *policy, const struct auth_mechanism *m,
                               const char *initial, struct slice *reply)
{
    struct auth_server *x = calloc(1, sizeof *x);

    *out = x;
    if (x) {
        x->side.asked = asked;
        x->cx = cx;
        x->policy = policy;
        x->mechanism = m;
    }
    if (!x || (!m->read && gsasl_server_start(cx->gsasl, m->name, &x->session) != GSASL_OK))
        return over(out, REPLY("454 4.7.0 Error: temporary authentication failure"), reply);
    if (x->session)
        gsasl_session_hook_set(x->session, x);
    return run(out, initial && strcmp(initial, "=") == 0 ? "" : initial, reply);
}

enum auth_verdict auth_server_begin(struct auth_server **out, struct auth_context *cx,
                                    const struct auth_policy *policy, bool clear, struct slice args,
                                    struct slice *reply)
{
    const char *blank = memchr(args.p, ' ', args.n);
    struct slice name = {args.p, blank ? (size_t)(blank - args.p) : args.n};
    const struct auth_mechanism *m = auth_mechanism_find(name);
    struct slice rest = slice_from(args, name.n);
    char *initial;
    enum auth_verdict verdict;

    *out = NULL;
    while (rest.n > 0 && *rest.p == ' ')
        rest = slice_from(rest, 1);
    if (!m || !(policy->mechanisms >> (m - auth_mechanisms) & 1))
        return over(out, REPLY("504 5.5.4 Error: unrecognized authentication mechanism"), reply);
    if (m->clear && !clear)
        return over(out, REPLY("538 5.7.11 Error: encryption is required for this mechanism"),
                    reply);
    if (rest.n > 0 && !m->first) /* RFC 4954 section 4 */
        return over(out, REPLY("501 5.7.0 Error: no initial response with this mechanism"), reply);
    initial = rest.n > 0 ? strndup(rest.p, rest.n) : NULL;
    verdict = begin(out, cx, policy, m, initial, reply);
    auth_wipe(initial);
    return verdict;
}

enum auth_verdict auth_server_step(struct auth_server **x, struct slice line, struct slice *reply)
{
    char *text;
    enum auth_verdict verdict;

    if (line.n == 1 && *line.p == '*')
        return over(x, REPLY("501 5.7.0 Error: authentication cancelled"), reply);
    if (memchr(line.p, '\0', line.n))
        return over(x, REPLY("501 5.5.2 Error: that is no base64"), reply);
    text = strndup(line.p, line.n);
    if (!text)
        return over(x, REPLY("454 4.7.0 Error: temporary authentication failure"), reply);
    verdict = run(x, text, reply);
    auth_wipe(text);
    return verdict;
}

const struct auth_mechanism *auth_server_mechanism(const struct auth_server *x)
{
    return x->mechanism;
}

void auth_server_free(struct auth_server *x)
{
    if (!x)
        return;
    if (x->session)
        gsasl_finish(x->session);
    free(x);
}
