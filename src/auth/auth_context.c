/*
 * What the exchanges of a thread share.
 */
#include <stdlib.h>
#include <string.h>

#include "auth_impl.h"

static int asked(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
    struct auth_side *side = gsasl_session_hook_get(session);

    (void)gsasl;
    return side ? side->asked(side, session, property) : GSASL_NO_CALLBACK;
}

struct auth_context *auth_context_new(const struct auth_users *users)
{
    struct auth_context *cx = calloc(1, sizeof *cx);

    if (!cx)
        return NULL;
    cx->users = users;
    if (gsasl_init(&cx->gsasl) != GSASL_OK) {
        free(cx);
        return NULL;
    }
    gsasl_callback_set(cx->gsasl, asked);
    return cx;
}

void auth_context_free(struct auth_context *cx)
{
    if (!cx)
        return;
    for (size_t i = 0; cx->keys && i < cx->users->count; i++)
        free(cx->keys[i]);
    free(cx->keys);
    gsasl_done(cx->gsasl);
    free(cx);
}

struct auth_keys *auth_keys_of(struct auth_context *cx, const struct auth_user *u)
{
    size_t i = (size_t)(u - cx->users->rows);

    if (!cx->keys)
        cx->keys = calloc(cx->users->count, sizeof(*cx->keys));
    if (!cx->keys)
        return NULL;
    if (!cx->keys[i])
        cx->keys[i] = calloc(1, sizeof *cx->keys[i]);
    return cx->keys[i];
}

bool auth_keep(Gsasl_session *session, Gsasl_property property, char *out, size_t size)
{
    const char *value = gsasl_property_fast(session, property);

    if (!value || strlen(value) >= size)
        return false;
    memcpy(out, value, strlen(value) + 1);
    return true;
}
