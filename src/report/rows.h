/*
 * The text summaries' rows: a label, and a list of pieces that is wrapped at 80 columns. Every line
 * of a summary stays within them, whatever a peer or a user said.
 */
#ifndef REPORT_ROWS_H
#define REPORT_ROWS_H

#include <stddef.h>
#include <stdio.h>

#define ROWS_WIDTH 80

struct kinds;

struct rows {
    FILE *out;
    size_t column; /* characters in the line so far */
    size_t pieces; /* in the row so far */
};

/* "  label        " */
void rows_label(struct rows *, const char *label);

/* Adds a piece, a comma before it; on a line of its own when it does not fit, and cut if need be.
 */
void rows_piece(struct rows *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a word of a sentence, a blank before it. */
void rows_word(struct rows *, const char *word);

/* All the words of a sentence, wrapped. */
void rows_words(struct rows *, const char *text);

void rows_end(struct rows *);

/* A piece for each name of kinds: "TLSv1.3 ... (20)". */
void rows_kinds(struct rows *, const struct kinds *);

/* Prints a text in at most width columns: what is unprintable as '?', what is cut with "...". */
void rows_text(FILE *, const char *text, size_t width);

#endif
