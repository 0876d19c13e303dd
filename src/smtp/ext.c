/*
 * The table of extensions.
 */
#include "ext.h"

#define X(id, row) extern const struct ext row;
EXT_LIST(X)
#undef X

const struct opt_choice ext_want_choices[] = {
    {"must", EXT_MUST},
    {"if-offered", EXT_IF_OFFERED},
    {"no", EXT_NO},
    {NULL, 0},
};

const struct ext *const ext_rows[EXT_COUNT] = {
#define X(id, row) [EXT_##id] = &row,
    EXT_LIST(X)
#undef X
};
