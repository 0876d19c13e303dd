/*
 * Rows of the text summaries.
 */
#include "rows.h"

#include <stdarg.h>
#include <string.h>

#include "diag.h"
#include "human.h"
#include "kinds.h"

/* Where the pieces begin: behind the longest label. */
#define INDENT 15

void rows_label(struct rows *r, const char *label)
{
    fprintf(r->out, "  %-*s", INDENT - 2, label);
    r->column = INDENT;
    r->pieces = 0;
}

void rows_piece(struct rows *r, const char *format, ...)
{
    char text[2 * ROWS_WIDTH];
    size_t length;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    length = strlen(text);

    /* Two for what separates it from the last, one for the comma that may follow. */
    if (r->pieces > 0 && r->column + 2 + length + 1 > ROWS_WIDTH) {
        fprintf(r->out, ",\n%*s", INDENT, "");
        r->column = INDENT;
    } else if (r->pieces > 0) {
        fputs(", ", r->out);
        r->column += 2;
    }
    if (length > ROWS_WIDTH - 1 - INDENT)
        length = ROWS_WIDTH - 1 - INDENT;
    rows_text(r->out, text, length);
    r->column += length;
    r->pieces++;
}

void rows_word(struct rows *r, const char *word)
{
    size_t length = strlen(word);

    if (r->pieces > 0 && r->column + 1 + length > ROWS_WIDTH) {
        fprintf(r->out, "\n%*s", INDENT, "");
        r->column = INDENT;
    } else if (r->pieces > 0) {
        fputc(' ', r->out);
        r->column++;
    }
    rows_text(r->out, word, ROWS_WIDTH - INDENT);
    r->column += length;
    r->pieces++;
}

void rows_kinds(struct rows *r, const struct kinds *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        rows_piece(r, "%s (%s)", t->rows[i].name, human_count(t->rows[i].count).text);
    if (t->other > 0)
        rows_piece(r, "others (%s)", human_count(t->other).text);
}

void rows_words(struct rows *o, const char *text)
{
    char word[ROWS_WIDTH];
    size_t n;

    for (; *text; text += n + (text[n] == ' ')) {
        n = strcspn(text, " ");
        (void)snprintf(word, sizeof word, "%.*s", (int)n, text);
        rows_word(o, word);
    }
}

void rows_end(struct rows *r)
{
    fputc('\n', r->out);
}

void rows_text(FILE *out, const char *text, size_t width)
{
    char line[2 * ROWS_WIDTH];
    size_t length = strlen(text);

    if (length > width && width >= 3) {
        diag_printable(line, sizeof line, (struct slice){text, width - 3});
        fprintf(out, "%s...", line);
    } else {
        diag_printable(line, sizeof line, (struct slice){text, length < width ? length : width});
        fputs(line, out);
    }
}
