/*
 * The terminal that a run is watched on: what it can show, and single keys from it. One a process.
 */
#ifndef LIVE_TERMINAL_H
#define LIVE_TERMINAL_H

#include <stdbool.h>

#include "report_live.h"

/* Can standard error show a line that is rewritten: is it a terminal, and no dumb one? */
bool terminal_can_show(void);

/* Is it ours to write on: are we not in the background? */
bool terminal_is_ours(void);

/*
 * What it can show, as it is now: its size, UTF-8 by the locale's variables, colour but for
 * NO_COLOR (no-color.org).
 */
struct view_style terminal_style(void);

/*
 * Takes single keys without echo from standard input, if that is a terminal and we are in its
 * foreground; ^C and ^Z remain signals. The terminal is put back by terminal_close(), when the
 * process exits, stops or is killed by any signal that can be caught; and continuing in the
 * foreground takes keys again. false when it can't be.
 */
bool terminal_open(void);
void terminal_close(void);

/* Standard input while keys may come; else -1. */
int terminal_fd(void);

/* The next key that was pressed; 0: none. Never waits. */
int terminal_key(void);

#endif
