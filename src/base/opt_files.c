/*
 * Files that options name: none that is written to may be one that is read, or written by another.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "opt_impl.h"

/* The directory that a file stands in, or would. */
static int stat_parent(const char *path, struct stat *out)
{
    char parent[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;

    if (n >= sizeof parent)
        return -1;
    if (n > 0) {
        memcpy(parent, path, n);
        parent[n] = '\0';
    }
    return stat(parent, out);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool opt_same_file(const char *a, const char *b)
{
    struct stat x, y;
    bool there = stat(a, &x) == 0;

    if (there != (stat(b, &y) == 0))
        return false;
    if (there)
        return S_ISREG(x.st_mode) && is_same(&x, &y);
    return strcmp(base_name(a), base_name(b)) == 0 && stat_parent(a, &x) == 0 &&
           stat_parent(b, &y) == 0 && is_same(&x, &y);
}

static const char *file_of(const struct flat *f)
{
    const char *name = NULL;

    if (f->row->kind == OPT_CONFIG)
        return ((const struct opt_config *)f->settings)->file;
    if (f->row->kind == OPT_TEXT && f->row->file != OPT_NO_FILE)
        memcpy(&name, (const char *)f->settings + f->row->at, sizeof name);
    return name;
}

int opt_check_files(const struct lookup *l, struct diag *d)
{
    for (const struct flat *w = l->all; w->row; w++) {
        const char *written = file_of(w);

        if (!written || w->row->file != OPT_WRITES)
            continue;
        for (const struct flat *f = l->all; f->row; f++) {
            const char *name = file_of(f);
            bool writes = f->row->file == OPT_WRITES;

            if (!name || f == w || (writes && f > w) || !opt_same_file(written, name))
                continue;
            if (writes)
                return diag_set(d, -EINVAL, "--%s and --%s name the same file: %s", f->row->name,
                                w->row->name, written);
            return diag_set(d, -EINVAL, "--%s would write to the file that --%s reads: %s",
                            w->row->name, f->row->name, written);
        }
    }
    return 0;
}
