/*
 * smtp-source's own options: those that are no layer's.
 */
#ifndef SOURCE_OPTIONS_H
#define SOURCE_OPTIONS_H

#include <stdbool.h>

#include "opt.h"

enum report_kind { REPORT_DEFAULT, REPORT_TEXT, REPORT_JSON, REPORT_NONE };

struct program {
    int family;        /* AF_UNSPEC, AF_INET, AF_INET6 */
    int io;            /* enum io_choice */
    int report;        /* enum report_kind */
    bool report_asked; /* by --report */
    const char *output;
    const char *html;
    const char *hdr;
    const char *live; /* where the page is; NULL for none */
    const char *help; /* how to show it; NULL for not */
    bool version;
    bool quiet;
    bool verbose;
    bool lmtp;
};

/* Their settings are a struct program. */
extern const struct opt source_connection_options[];
extern const size_t source_connection_option_count;
extern const struct opt source_output_options[];
extern const size_t source_output_option_count;

#endif
