/*
 * smtp-source's own options: those that are no layer's.
 */
#ifndef SOURCE_OPTIONS_H
#define SOURCE_OPTIONS_H

#include <stdbool.h>

#include "opt.h"

struct program {
    int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
    int io;     /* enum io_choice */
    const char *html;
    const char *csv;
    const char *hdr;
    const char *transactions;
    const char *live; /* where the page is; NULL for none */
    bool verbose;
    bool lmtp;
};

/* Their settings are a struct program. */
extern const struct opt source_connection_options[];
extern const size_t source_connection_option_count;
extern const struct opt source_output_options[];
extern const size_t source_output_option_count;

#endif
