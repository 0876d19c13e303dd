/*
 * The report as one HTML file that needs nothing else. The documents stand in it as they are, and
 * its script draws them; servers' texts are in there, so nothing may end the element that they are
 * in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "out_file.h"
#include "page_data.h"
#include "run.h"

/* In JSON, these three stand in strings only; there \u003c is the same, and is no markup. */
static void put_json(const char *text, size_t size, FILE *out)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '<' || text[i] == '>' || text[i] == '&')
            fprintf(out, "\\u%04x", (unsigned)text[i]);
        else
            fputc(text[i], out);
    }
}

static void put_markup(const char *text, size_t size, FILE *out)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '<')
            fputs("&lt;", out);
        else if (text[i] == '&')
            fputs("&amp;", out);
        else
            fputc(text[i], out);
    }
}

static int put_document(const struct run *r, FILE *out)
{
    struct document d;
    size_t size = 0;
    char *text;

    document_init(&d);
    d.for_page = true;
    put_run(&d, r);
    text = document_text(&d, &size);
    document_done(&d);
    if (!text)
        return -ENOMEM;
    fputs("<script type=\"application/json\">\n", out);
    put_json(text, size, out);
    fputs("</script>\n", out);
    free(text);
    return 0;
}

static int put_summary(const struct run *r, FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);

    if (!memory)
        return -ENOMEM;
    report_text(r, memory);
    if (fclose(memory) != 0) {
        free(text);
        return -ENOMEM;
    }
    fputs("<details><summary>Text summary</summary><pre>\n", out);
    put_markup(text, size, out);
    fputs("</pre></details>\n", out);
    free(text);
    return 0;
}

int report_html(const struct run *const *runs, size_t n, FILE *out)
{
    int rc = 0;

    errno = 0;
    (void)fwrite(page_policy, 1, page_policy_size, out);
    (void)fwrite(page_head, 1, page_head_size, out);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put_summary(runs[i], out);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put_document(runs[i], out);
    (void)fwrite(page_tail, 1, page_tail_size, out);
    return out_flush(out, rc);
}

int report_html_live(FILE *out)
{
    static const char may_follow[] = "; connect-src 'self'";

    errno = 0;
    (void)fwrite(page_policy, 1, page_policy_size, out);
    (void)fputs(may_follow, out);
    (void)fwrite(page_head, 1, page_head_size, out);
    (void)fwrite(page_tail, 1, page_tail_size, out);
    return out_flush(out, 0);
}
