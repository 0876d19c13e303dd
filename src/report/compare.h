/*
 * Two runs side by side: what changed.
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include <stdio.h>

struct run;

/* The table of changes. Plain ASCII, at most 80 columns. Errors show in ferror(out). */
void compare_text(const struct run *base, const struct run *new, FILE *out);

#endif
