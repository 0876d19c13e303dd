/*
 * Profiles in memory: what rules fit whom; and reading the file as a whole. Its lines are
 * profile_parse.c's.
 */
#include "profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A profile is written by hand; a larger file is a mistake. */
#define FILE_MAX ((size_t)1 << 20)

static int read_all(FILE *in, const char *path, char *to, size_t *n, struct diag *d)
{
    *n = fread(to, 1, FILE_MAX, in);
    if (ferror(in))
        return diag_set(d, errno ? -errno : -EIO, "cannot read %s: %s", path, strerror(errno));
    if (*n == FILE_MAX)
        return diag_set(d, -EFBIG, "%s: too large for a profile", path);
    return 0;
}

int profile_load(struct profile *p, const char *path, struct diag *d)
{
    FILE *in = fopen(path, "re");
    char *text = in ? malloc(FILE_MAX) : NULL;
    size_t n = 0;
    int rc;

    if (!in)
        return diag_set(d, -errno, "cannot open profile %s: %s", path, strerror(errno));
    rc = text ? read_all(in, path, text, &n, d) : diag_set(d, -ENOMEM, "out of memory");
    if (rc == 0)
        rc = profile_parse(p, (struct slice){text, n}, path, d);
    free(text);
    (void)fclose(in);
    return rc;
}

void profile_done(struct profile *p)
{
    free(p->sections);
    free(p->sets);
    free(p->rules);
    free(p->texts);
    *p = (struct profile){0};
}

static bool is_within(struct slice domain, struct slice name)
{
    if (name.n > 1 && name.p[0] == '*') {
        name = slice_from(name, 1);
        if (domain.n <= name.n)
            return false;
        domain = slice_from(domain, domain.n - name.n);
    }
    return domain.n == name.n && strncasecmp(domain.p, name.p, name.n) == 0;
}

const struct profile_rules *profile_for_domain(const struct profile *p, struct slice domain)
{
    for (size_t i = 0; i < p->section_count; i++) {
        const struct profile_section *s = &p->sections[i];

        if (s->kind == PROFILE_DOMAIN && is_within(domain, s->name))
            return &p->sets[s->rules];
    }
    return NULL;
}

static bool has_prefix(const uint8_t *address, const struct profile_section *s)
{
    unsigned whole = s->prefix / 8, rest = s->prefix % 8;

    if (memcmp(address, s->address, whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ s->address[whole]) >> (8 - rest) == 0;
}

const struct profile_rules *profile_for_client(const struct profile *p, const uint8_t *address)
{
    for (size_t i = 0; i < p->section_count; i++)
        if (p->sections[i].kind == PROFILE_CLIENT && has_prefix(address, &p->sections[i]))
            return &p->sets[p->sections[i].rules];
    return NULL;
}
