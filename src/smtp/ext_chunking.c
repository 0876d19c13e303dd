/*
 * CHUNKING (RFC 3030): content in counted chunks by BDAT, without dot-stuffing.
 */
#include <errno.h>

#include "client.h"

static int check(const struct client_config *cf, struct diag *d)
{
    if (cf->chunk_size && cf->want[EXT_CHUNKING] == EXT_NO)
        return diag_set(d, -EINVAL, "--chunk-size needs --chunking");
    return 0;
}

static const struct opt options[] = {
    {.name = "chunking",
     .kind = OPT_CHOICE,
     .arg = "if-offered",
     .implied = "must",
     .at = offsetof(struct client_config, want[EXT_CHUNKING]),
     .choices = ext_want_choices,
     .what = "chunking mode",
     .group = "Extensions",
     .help = "send content by BDAT (RFC 3030)",
     .man =
         "Greet with EHLO and send message content by BDAT instead of DATA. When the server does "
         "not offer CHUNKING, the run ends with an error; with =if-offered it goes on with DATA."},
    {.name = "chunk-size",
     .kind = OPT_SIZE,
     .arg = "BYTES",
     .at = offsetof(struct client_config, chunk_size),
     .min = 1,
     .max = UINT64_C(1) << 40,
     .what = "chunk size",
     .group = "Extensions",
     .help = "most octets in one BDAT (default: all)",
     .man = "With --chunking, the most octets that one BDAT command carries. By default a message "
            "is one chunk."},
};

const struct ext ext_chunking = {
    .keyword = "CHUNKING",
    .source = "RFC 3030",
    .bdat = true,
    .check = check,
    .learn = ext_learn_bare,
    .announce = ext_announce_bare,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
