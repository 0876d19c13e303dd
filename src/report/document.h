/*
 * What all JSON documents of this project have in common: how texts and numbers are put in, and how
 * the whole is written.
 */
#ifndef REPORT_DOCUMENT_H
#define REPORT_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct diag;
struct hist;
struct run;
struct run_part;
struct sink_run;
struct kinds;

/*
 * A document in the making. The first failure (only memory can be short) is kept, so that it is
 * enough to look at `failed` once, at the end.
 */
struct document {
    json_t *root;
    bool failed;
    bool for_page; /* to be drawn: without what is in no picture, the histograms of intervals */
};

/* root is NULL only when failed. document_done takes what failed, too. */
void document_init(struct document *);
void document_done(struct document *);

/* Put a field into an object; a NULL object is a failure that was noted already. */
void put(struct document *, json_t *object, const char *name, json_t *stolen);

/* NULL becomes null. JSON is UTF-8: of a text that is not, every octet outside ASCII becomes '?'.
 */
void put_text(struct document *, json_t *object, const char *name, const char *text);

/* An integer; what a signed 64 bit one cannot hold saturates (as a time, that is 292 years). */
void put_number(struct document *, json_t *object, const char *name, uint64_t n);

/* The same, but null when there is no such number. */
void put_known(struct document *, json_t *object, const char *name, bool known, uint64_t n);

/* An empty object or array put into an object, and returned to be filled; NULL when failed. */
json_t *put_object(struct document *, json_t *object, const char *name);
json_t *put_array(struct document *, json_t *object, const char *name);

/* Adds to an array. */
void append(struct document *, json_t *array, json_t *stolen);

/* The members of a histogram, as an object of that name; run_json.c. */
void put_hist(struct document *, json_t *object, const char *name, const struct hist *);

/* Its "buckets" alone; run_json.c. */
void put_buckets(struct document *, json_t *object, const struct hist *);

/* "offered" and the OUTCOME_COUNT numbers of messages that it is the sum of; model_json.c. */
void put_outcomes(struct document *, json_t *object, const uint64_t *ended);

/* An object of names and counts; "other" for those that found no row. */
void put_kinds(struct document *, json_t *object, const char *name, const struct kinds *);

/* The "merged" array of the outermost object, when there is anything; run_json.c. */
void put_parts(struct document *, const struct run_part *, size_t n);

/* Whole documents into root, and the "sink" object; run_json.c, sink_report.c. */
void put_run(struct document *, const struct run *);
void put_sink_document(struct document *, const struct sink_run *);
void put_sink(struct document *, json_t *object, const struct sink_run *);

/* The document as text, size octets without the NUL after them; the caller's. NULL: no memory. */
char *document_text(const struct document *, size_t *size);

/*
 * Writes it: fields of the outer two levels on lines of their own, what is deeper in one line, so
 * that a person can read it and a histogram does not take a thousand lines. 0, -ENOMEM, or the
 * -errno of writing.
 */
int document_write(const struct document *, FILE *out);

#endif
