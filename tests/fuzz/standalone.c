/*
 * Runs a fuzz target over stored inputs, without libFuzzer: files, and all files of directories.
 */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char running[4200];

static void aborted(int number)
{
    ssize_t n = write(STDERR_FILENO, running, strlen(running));

    (void)n;
    (void)signal(number, SIG_DFL);
}

static int run_file(const char *path)
{
    struct stat st;
    FILE *in = fopen(path, "re");
    uint8_t *data = NULL;
    size_t size = 0;
    int failed = 1;

    if (in && fstat(fileno(in), &st) == 0 && S_ISREG(st.st_mode)) {
        size = (size_t)st.st_size;
        data = malloc(size); /* exactly as large, so that sanitizers see an overrun */
        failed = (size && !data) || fread(data, 1, size, in) != size;
    }
    if (in)
        (void)fclose(in);
    (void)snprintf(running, sizeof running, "in %s\n", path);
    if (failed)
        fprintf(stderr, "%s: cannot be read\n", path);
    else
        (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return failed;
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Returns how many inputs could not be read. */
static int run_path(const char *path, int *count)
{
    struct dirent **names;
    int n = scandir(path, &names, not_hidden, alphasort);
    int failed = 0;
    char name[4096];

    if (n < 0) {
        ++*count;
        return run_file(path);
    }
    for (int i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", path, names[i]->d_name);
        ++*count;
        failed += run_file(name);
        free(names[i]);
    }
    free(names);
    return failed;
}

int main(int argc, char **argv)
{
    int count = 0;
    int failed = 0;

    (void)signal(SIGABRT, aborted);
    for (int i = 1; i < argc; i++)
        failed += run_path(argv[i], &count);
    printf("%d passed, %d failed\n", count - failed, failed);
    return failed || count == 0 ? 1 : 0;
}
