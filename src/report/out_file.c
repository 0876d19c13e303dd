/*
 * Files that are there as a whole or not at all.
 */
#include "out_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int out_file_open(struct out_file *f, const char *name, const char *option, struct diag *d)
{
    struct stat st;
    int code;

    *f = (struct out_file){.name = name, .option = option};
    if (!name)
        return 0;
    if (*name == '\0')
        return diag_set(d, -EINVAL, "bad output file: empty (%s takes a file name)", option);
    if (stat(name, &st) == 0 && S_ISDIR(st.st_mode))
        return diag_set(d, -EISDIR, "open %s: is a directory (%s takes a file name)", name, option);
    if (lstat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
        f->stream = fopen(name, "we");
        return f->stream ? 0
                         : diag_set(d, -errno, "open %s: %s (%s)", name, strerror(errno), option);
    }
    if (asprintf(&f->temporary, "%s.%ld.tmp", name, (long)getpid()) < 0) {
        f->temporary = NULL;
        return diag_set(d, -ENOMEM, "out of memory");
    }
    f->stream = fopen(f->temporary, "wxe");
    if (f->stream)
        return 0;
    code = -errno;
    if (code == -EEXIST)
        (void)diag_set(d, 0, "open %s: another option writes to it already (%s)", name, option);
    else
        (void)diag_set(d, 0, "open %s: %s (%s writes beside it first)", name, strerror(-code),
                       option);
    free(f->temporary);
    f->temporary = NULL;
    return code;
}

int out_flush(FILE *out, int code)
{
    if (code < 0)
        return code;
    if (fflush(out) == 0 && !ferror(out))
        return 0;
    return errno ? -errno : -EIO;
}

int out_standard(int code, bool asked, struct diag *d)
{
    code = out_flush(stdout, code);
    if (code == 0)
        return 0;
    (void)diag_set(d, code, "write standard output: %s", strerror(-code));
    if (asked)
        return code;
    diag_warn("%s", d->text);
    return 0;
}

int out_file_commit(struct out_file *f, int code, struct diag *d)
{
    if (!f->stream)
        return 0;
    code = out_flush(f->stream, code);
    if (fclose(f->stream) != 0 && code == 0)
        code = -errno;
    f->stream = NULL;
    if (code == 0 && f->temporary && rename(f->temporary, f->name) < 0)
        code = -errno;
    if (code < 0)
        return diag_set(d, code, "write %s: %s", f->name, strerror(-code));
    free(f->temporary);
    f->temporary = NULL;
    return 0;
}

void out_file_drop(struct out_file *f)
{
    if (f->stream)
        (void)fclose(f->stream);
    if (f->temporary)
        (void)unlink(f->temporary);
    free(f->temporary);
    *f = (struct out_file){0};
}
