/*
 * What went wrong, in words. Libraries fill a struct diag and return -errno; only the programs
 * print, once, by the functions at the end.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "slice.h"

struct diag {
    char text[512]; /* one line, without program name or newline; cut when longer */
};

/* Formats the text (control characters become '?') and returns code, so that a function can end in
 * return diag_set(d, -EINVAL, …).
 */
int diag_set(struct diag *d, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Copies at most size-1 bytes of s and a NUL to out, every byte outside printable ASCII as '?':
 * a peer's bytes never reach a terminal as they are. Returns out.
 */
char *diag_printable(char *out, size_t size, struct slice s);

/* The name in front of every message: argv[0] as typed, as the peer does. Set once, at start. */
void diag_program(const char *name);

/* "PROG: warning: TEXT" and "PROG: fatal: TEXT" on stderr, one write each. Neither exits. */
void diag_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void diag_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "PROG: TEXT" on stderr, for what is no fault: protocol traces. */
void diag_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * What stands at the bottom of the terminal that stderr is, over what stood there last: lines with
 * '\n' between them, cut to its width, at most 16 and less than DIAG_LIVE_SIZE octets. A message
 * that comes meanwhile stands above it. NULL takes it away.
 */
#define DIAG_LIVE_SIZE 8000

void diag_live(const char *text);

/* Others wrote there (the process was stopped): it stands where it stands. For signal handlers too.
 */
void diag_live_forget(void);

/* Size of the terminal that stderr is, in characters. false: it is none, or does not tell. */
bool diag_terminal_size(size_t *width, size_t *height);

#endif
