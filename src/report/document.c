/*
 * JSON documents, by jansson.
 */
#include "document.h"

#include "kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"

void document_init(struct document *d)
{
    *d = (struct document){.root = json_object()};
    d->failed = d->root == NULL;
}

void document_done(struct document *d)
{
    json_decref(d->root);
    d->root = NULL;
}

void put(struct document *d, json_t *object, const char *name, json_t *stolen)
{
    if (json_object_set_new(object, name, stolen) != 0)
        d->failed = true;
}

void put_text(struct document *d, json_t *object, const char *name, const char *text)
{
    json_t *value = text ? json_string(text) : json_null();

    if (!value) {
        size_t size = strlen(text) + 1;
        char *clean = malloc(size);

        value = clean ? json_string(diag_printable(clean, size, slice_of(text))) : NULL;
        free(clean);
    }
    put(d, object, name, value);
}

void put_number(struct document *d, json_t *object, const char *name, uint64_t n)
{
    put(d, object, name, json_integer(n < INT64_MAX ? (json_int_t)n : INT64_MAX));
}

void put_known(struct document *d, json_t *object, const char *name, bool known, uint64_t n)
{
    if (known)
        put_number(d, object, name, n);
    else
        put(d, object, name, json_null());
}

/* The object or array lives in its parent; should that have failed, it is gone. */
static json_t *put_container(struct document *d, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) == 0)
        return value;
    d->failed = true;
    return NULL;
}

json_t *put_object(struct document *d, json_t *object, const char *name)
{
    return put_container(d, object, name, json_object());
}

json_t *put_array(struct document *d, json_t *object, const char *name)
{
    return put_container(d, object, name, json_array());
}

void append(struct document *d, json_t *array, json_t *stolen)
{
    if (json_array_append_new(array, stolen) != 0)
        d->failed = true;
}

void put_kinds(struct document *d, json_t *object, const char *name, const struct kinds *t)
{
    json_t *o = put_object(d, object, name);

    for (uint32_t i = 0; i < t->count; i++)
        put_number(d, o, t->rows[i].name, t->rows[i].count);
    if (t->other > 0)
        put_number(d, o, "other", t->other);
}

static int write_value(json_t *value, FILE *out)
{
    /* 15 digits: no rate is known better, and none shows as 0.30000000000000004. */
    return json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

/* Names are ours, and need no escapes. */
static int write_open(json_t *value, FILE *out, int level)
{
    const char *name;
    json_t *field;
    size_t i = 0;
    int failed = 0;

    if (level == 2 || !(json_is_object(value) ? json_object_size(value) : json_array_size(value)))
        return write_value(value, out);
    fputs(json_is_object(value) ? "{" : "[", out);
    if (json_is_object(value)) {
        json_object_foreach(value, name, field)
        {
            fprintf(out, "%s\n%*s\"%s\": ", i++ ? "," : "", 2 * (level + 1), "", name);
            failed |= write_open(field, out, level + 1);
        }
    } else {
        json_array_foreach(value, i, field)
        {
            fprintf(out, "%s\n%*s", i ? "," : "", 2 * (level + 1), "");
            failed |= write_open(field, out, level + 1);
        }
    }
    fprintf(out, "\n%*s%s", 2 * level, "", json_is_object(value) ? "}" : "]");
    return failed;
}

char *document_text(const struct document *d, size_t *size)
{
    char *text = NULL;
    FILE *out = d->failed ? NULL : open_memstream(&text, size);
    int failed;

    if (!out)
        return NULL;
    failed = write_open(d->root, out, 0);
    fputc('\n', out);
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* Rendered in memory first: what fails then is the writing alone, and errno tells why. */
int document_write(const struct document *d, FILE *out)
{
    size_t size = 0;
    char *text = document_text(d, &size);
    int code = 0;

    if (!text)
        return -ENOMEM;
    errno = 0;
    if (fwrite(text, 1, size, out) != size || fflush(out) != 0)
        code = errno ? -errno : -EIO;
    free(text);
    return code;
}
