/*
 * Rows of plain fields: written, read, merged.
 */
#include "fields.h"

#include <errno.h>
#include <string.h>

#include "num.h"
#include "reading.h"

static const char **text_at(const struct field *f, void *base)
{
    return (const char **)((char *)base + f->at);
}

static uint64_t *number_at(const struct field *f, void *base)
{
    return (uint64_t *)((char *)base + f->at);
}

static bool *flag_at(const struct field *f, void *base)
{
    return (bool *)((char *)base + f->at);
}

static const char *text_of(const struct field *f, const void *base)
{
    const char *text;

    memcpy(&text, (const char *)base + f->at, sizeof text);
    return text;
}

static uint64_t number_of(const struct field *f, const void *base)
{
    uint64_t n;

    memcpy(&n, (const char *)base + f->at, sizeof n);
    return n;
}

void fields_write(struct document *d, json_t *object, const struct field *rows, size_t n,
                  const void *from)
{
    for (size_t i = 0; i < n; i++) {
        const struct field *f = &rows[i];
        json_t *inner = object;

        if (f->object)
            inner = json_object_get(object, f->object);
        if (!inner)
            inner = put_object(d, object, f->object);
        if (f->kind == FIELD_TEXT)
            put_text(d, inner, f->name, text_of(f, from));
        else if (f->kind == FIELD_FLAG)
            put(d, inner, f->name, json_boolean(*flag_at(f, (void *)(uintptr_t)from)));
        else if (f->kind == FIELD_RATE)
            put(d, inner, f->name,
                number_of(f, from) ? json_real((double)number_of(f, from) / RATE_PER_S)
                                   : json_null());
        else
            put_known(d, inner, f->name,
                      number_of(f, from) != FIELD_MIXED &&
                          (f->kind != FIELD_KNOWN || number_of(f, from) > 0),
                      number_of(f, from));
    }
}

static int wrong_type(const struct field *f, const char *wanted, struct diag *d)
{
    return diag_set(d, -EBADMSG, "%s%s%s is no %s", f->object ? f->object : "",
                    f->object ? "." : "", f->name, wanted);
}

static int read_field(const struct field *f, const json_t *value, void *into, struct diag *d)
{
    if (f->kind == FIELD_TEXT) {
        if (!json_is_string(value) && !json_is_null(value))
            return wrong_type(f, "text", d);
        *text_at(f, into) = json_string_value(value);
        return 0;
    }
    if (f->kind == FIELD_FLAG) {
        if (!json_is_boolean(value))
            return wrong_type(f, "truth value", d);
        *flag_at(f, into) = json_is_true(value);
        return 0;
    }
    if (json_is_null(value) && (f->kind == FIELD_KNOWN || f->merge == MERGE_SAME)) {
        *number_at(f, into) = f->kind == FIELD_KNOWN ? 0 : FIELD_MIXED;
        return 0;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return wrong_type(f, "count", d);
    *number_at(f, into) = (uint64_t)json_integer_value(value);
    return 0;
}

int fields_read(const json_t *object, const struct field *rows, size_t n, void *into,
                struct diag *d)
{
    for (size_t i = 0; i < n; i++) {
        const struct field *f = &rows[i];
        const json_t *inner = f->object ? json_object_get(object, f->object) : object;
        const json_t *value = json_object_get(inner, f->name);
        const char *where = f->object ? f->object : "the report";
        int rc;

        if (inner && !json_is_object(inner))
            return diag_set(d, -EBADMSG, "%s is no object", f->object);
        if (value && f->kind == FIELD_RATE)
            rc = read_rate(inner, where, f->name, number_at(f, into), d);
        else
            rc = value ? read_field(f, value, into, d) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int fields_add(uint64_t *a, uint64_t b, const char *name, struct diag *d)
{
    uint64_t sum;

    if (b == 0)
        return 0;
    if (__builtin_add_overflow(*a, b, &sum) || sum >= INT64_MAX)
        return diag_set(d, -EOVERFLOW, "the sum of %s is beyond 2^63 - 2 and can't be exact", name);
    *a = sum;
    return 0;
}

static int merge_number(const struct field *f, uint64_t *into, uint64_t from, struct diag *d)
{
    switch (f->merge) {
    case MERGE_SAME:
        if (*into != from)
            *into = f->kind == FIELD_KNOWN ? 0 : FIELD_MIXED;
        return 0;
    case MERGE_MAX:
        *into = from > *into ? from : *into;
        return 0;
    case MERGE_SUM:
        /* What is not known of one is not known of all. */
        if (f->kind == FIELD_KNOWN && (*into == 0 || from == 0))
            *into = 0;
        else
            return fields_add(into, from, f->name, d);
        return 0;
    default:
        return 0;
    }
}

int fields_merge(const struct field *rows, size_t n, void *into, const void *from, struct diag *d)
{
    for (size_t i = 0; i < n; i++) {
        const struct field *f = &rows[i];
        int rc = 0;

        if (f->kind == FIELD_FLAG) {
            *flag_at(f, into) |= *flag_at(f, (void *)(uintptr_t)from);
        } else if (f->kind != FIELD_TEXT) {
            rc = merge_number(f, number_at(f, into), number_of(f, from), d);
        } else if (f->merge == MERGE_SAME) {
            const char **text = text_at(f, into);
            const char *other = text_of(f, from);

            if (!*text || !other || strcmp(*text, other) != 0)
                *text = NULL;
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}
