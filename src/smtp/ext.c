/*
 * The table of extensions.
 */
#include "ext.h"

#include <errno.h>

#define X(id, row) extern const struct ext row;
EXT_LIST(X)
#undef X

const struct opt_choice ext_want_choices[] = {
    {"must", EXT_MUST},
    {"if-offered", EXT_IF_OFFERED},
    {"no", EXT_NO},
    {NULL, 0},
};

int ext_learn_bare(struct server_config *cf, const char *argument, struct diag *d)
{
    (void)cf;
    return *argument ? diag_set(d, -EINVAL, "bad announcement: there is nothing to be =%.40s there",
                                argument)
                     : 0;
}

size_t ext_announce_bare(const struct server_config *cf, char *out, size_t size)
{
    (void)cf;
    (void)out;
    (void)size;
    return 0;
}

bool ext_is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] > 127)
            return false;
    return true;
}

_Static_assert(EXT_COUNT <= 16, "bits of server.declared");

const struct ext *const ext_rows[EXT_COUNT] = {
#define X(id, row) [EXT_##id] = &row,
    EXT_LIST(X)
#undef X
};
