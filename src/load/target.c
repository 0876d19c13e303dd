/*
 * Targets as typed, looked up, and in their order.
 */
#include "target.h"

#include <errno.h>
#include <string.h>

#include "num.h"

static bool is_unix(const char *endpoint)
{
    return strncmp(endpoint, "unix:", 5) == 0;
}

/*
 * "3@host": an @ that comes before anything that only an endpoint has. A path, a zone or a port may
 * have one too, but behind a colon, a bracket or a per cent sign.
 */
static int parse_one(struct target *t, const char *text, struct diag *d)
{
    size_t n = strcspn(text, "@:[%/");
    char number[16];
    uint64_t weight;

    *t = (struct target){.text = text, .weight = 1};
    if (text[n] != '@')
        return 0;
    t->text = text + n + 1;
    if (n < sizeof number && text[0] >= '0' && text[0] <= '9') {
        memcpy(number, text, n);
        number[n] = '\0';
        if (num_count(number, &weight) == 0 && weight >= 1 && weight <= TARGET_WEIGHT_MAX) {
            t->weight = (uint32_t)weight;
            return 0;
        }
    }
    return diag_set(d, -EINVAL,
                    "bad weight in %.200s: a whole number from 1 to %d stands before the @, as in "
                    "3@mx1.example.com:25",
                    text, TARGET_WEIGHT_MAX);
}

static bool is_sink(const char *endpoint)
{
    return strcmp(endpoint, "sink:") == 0;
}

/* What one target alone need not heed. */
static int check(const struct target_list *l, struct diag *d)
{
    for (uint32_t i = 0; i < l->count && l->count > 1; i++) {
        if (is_sink(l->rows[i].text))
            return diag_set(d, -EINVAL,
                            "sink: can't be one of several servers: start smtp-sink, and name its "
                            "port");
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(l->rows[i].text, l->rows[k].text) == 0)
                return diag_set(d, -EINVAL,
                                "%.200s is named twice: for a larger share give it a weight, as in "
                                "2@%.200s",
                                l->rows[i].text, l->rows[i].text);
    }
    return 0;
}

int targets_parse(struct target_list *l, char *const *operands, uint32_t count, struct diag *d)
{
    uint32_t weights[TARGETS_MAX];
    int rc = 0;

    if (count > TARGETS_MAX)
        return diag_set(d, -EINVAL, "too many servers: %u, and at most %d can be named",
                        (unsigned)count, TARGETS_MAX);
    for (l->count = 0; l->count < count && rc == 0; l->count++) {
        struct target *t = &l->rows[l->count];

        rc = parse_one(t, operands[l->count], d);
        (void)endpoint_host(t->text, t->host, sizeof t->host);
        weights[l->count] = t->weight;
    }
    if (rc < 0 || (rc = check(l, d)) < 0)
        return rc;
    return rotation_init(&l->rotation, weights, count) < 0 ? diag_set(d, -ENOMEM, "out of memory")
                                                           : 0;
}

void targets_done(struct target_list *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        endpoint_done(&l->rows[i].endpoint);
    rotation_done(&l->rotation);
    l->count = 0;
}

int targets_resolve(struct target_list *l, int family, uint16_t port, struct diag *d)
{
    int rc = 0;

    for (uint32_t i = 0; i < l->count && rc == 0; i++) {
        struct target *t = &l->rows[i];

        rc = endpoint_resolve_port(&t->endpoint, t->text, family, port, d);
    }
    return rc;
}

const struct target *targets_unix(const struct target_list *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (is_unix(l->rows[i].text))
            return &l->rows[i];
    return NULL;
}

bool targets_sink(const struct target_list *l)
{
    return l->count == 1 && is_sink(l->rows[0].text);
}

uint32_t targets_reached(const struct target_list *l, uint64_t connections)
{
    bool seen[TARGETS_MAX] = {false};
    uint32_t reached = 0;

    for (uint64_t n = 0; n < connections && n < l->rotation.length; n++) {
        uint32_t i = rotation_at(&l->rotation, n);

        reached += !seen[i];
        seen[i] = true;
    }
    return reached;
}
