/*
 * The plain fields of a document as rows: one row says where a field stands in the document and in
 * the struct, and what becomes of it when runs are merged. Writing, reading and merging walk the
 * same table, so that no field is forgotten in one of them.
 */
#ifndef REPORT_FIELDS_H
#define REPORT_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "document.h"

enum field_kind {
    FIELD_TEXT,  /* const char *, NULL for unknown; read ones are borrowed from the JSON value */
    FIELD_COUNT, /* uint64_t; FIELD_MIXED is written as null */
    FIELD_KNOWN, /* uint64_t; 0 is written as null, too */
    FIELD_RATE,  /* uint64_t as of num_rate(), written by the second; 0 is written as null */
    FIELD_FLAG,  /* bool; of merged ones it is enough that one has it */
};

/* Of merged runs that differ in a number that has no sum. */
#define FIELD_MIXED UINT64_MAX

enum field_merge {
    MERGE_SAME, /* what all agree in, else null */
    MERGE_SUM,
    MERGE_MAX,
    MERGE_ASIDE, /* not by the table */
};

struct field {
    const char *object; /* the object that it stands in; NULL for the outermost */
    const char *name;
    enum field_kind kind;
    enum field_merge merge;
    size_t at;
};

/* Puts all fields into an object, and makes the inner objects. */
void fields_write(struct document *, json_t *object, const struct field *, size_t n,
                  const void *from);

/*
 * Reads all fields that are there; those that are not (older documents) are left alone. -EBADMSG
 * when one has the wrong type; diag then says which, without the file's name.
 */
int fields_read(const json_t *object, const struct field *, size_t n, void *into, struct diag *);

/* Merges by the rows. -EOVERFLOW when a sum could not be told exactly in a document. */
int fields_merge(const struct field *, size_t n, void *into, const void *from, struct diag *);

/* a += b, unless that leaves what a document can tell. */
int fields_add(uint64_t *a, uint64_t b, const char *name, struct diag *);

#endif
