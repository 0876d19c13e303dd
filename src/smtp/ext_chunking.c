/*
 * CHUNKING (RFC 3030): content in counted chunks by BDAT, without dot-stuffing.
 */
#include <errno.h>

#include "client.h"
#include "ext.h"

static int learn(struct server_config *cf, const char *argument, struct diag *d)
{
    (void)cf;
    return *argument ? diag_set(d, -EINVAL, "bad announcement: CHUNKING takes no argument") : 0;
}

static size_t announce(const struct server_config *cf, char *out, size_t size)
{
    (void)cf;
    (void)out;
    (void)size;
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
    .learn = learn,
    .announce = announce,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
};
