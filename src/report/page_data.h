/*
 * The report page around its data; made from src/report/page at build time. Not NUL-terminated. The
 * first part ends where another rule can be added to its policy.
 */
#ifndef REPORT_PAGE_DATA_H
#define REPORT_PAGE_DATA_H

#include <stddef.h>

extern const unsigned char page_policy[];
extern const size_t page_policy_size;
extern const unsigned char page_head[];
extern const size_t page_head_size;
extern const unsigned char page_tail[];
extern const size_t page_tail_size;

#endif
