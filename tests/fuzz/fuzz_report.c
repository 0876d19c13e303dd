/*
 * Any octets as a report: they are read or refused within bounds, with one line that names the
 * file, and what is read can be shown, written, drawn, compared, and read again as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "run_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *written(const struct run_file *f, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);

    if (!out || run_file_json(f, out) != 0 || fclose(out) != 0)
        abort();
    return text;
}

static void use(const struct run_file *f)
{
    const struct run *run = &f->run;
    struct points_of_run over_time = {f->series, run->warmup_ns};
    FILE *out = fopen("/dev/null", "we");

    if (!out)
        abort();
    run_file_text(f, out);
    if (!f->is_sink) {
        compare_text(run, run, out);
        points_compare(over_time, over_time, out);
        if (report_html(&run, 1, out) != 0 || report_hdr(run, out) != 0)
            abort();
    }
    (void)fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run_file f;
    struct run_file again;
    struct diag d = {""};
    size_t first_size = 0;
    size_t second_size = 0;
    char *first;
    char *second;

    if (run_file_parse(&f, "report", (const char *)data, size, &d) < 0) {
        if (strncmp(d.text, "report: ", 8) != 0 || strchr(d.text, '\n'))
            abort();
        return 0;
    }
    use(&f);
    first = written(&f, &first_size);
    if (run_file_parse(&again, "report", first, first_size, &d) < 0)
        abort();
    second = written(&again, &second_size);
    if (first_size != second_size || memcmp(first, second, first_size) != 0)
        abort();
    free(first);
    free(second);
    run_file_done(&again);
    run_file_done(&f);
    return 0;
}
