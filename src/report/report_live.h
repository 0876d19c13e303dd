/*
 * How a run is going, redrawn every second on a terminal: several lines, or one where there is no
 * room. Plain numbers in, text out; knows no terminal.
 */
#ifndef REPORT_REPORT_LIVE_H
#define REPORT_REPORT_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vocabulary.h"

#define REPORT_LIVE_SIZE 80

enum live_state {
    LIVE_RUNNING,
    LIVE_WARMING, /* up; what is told now is not in the result */
    LIVE_PAUSED,
    LIVE_FINISHING, /* no message is begun any more */
    LIVE_OVER
};

/* Of the last second, or since the begin. NS_NEVER: not known. */
struct live {
    uint64_t done;   /* messages ended */
    uint64_t total;  /* messages requested; 0: no limit */
    uint64_t rate;   /* messages a second that ended */
    uint64_t p99_ns; /* of the last second; NS_NEVER: none ended */
    uint64_t errors; /* messages ended other than accepted */
    uint64_t elapsed_ns;
    uint64_t left_ns;

    /* The rest is for several lines only. */
    const char *title; /* "smtp-source: smtp to 127.0.0.1:2525" */
    enum live_state state;
    uint64_t length_ns;            /* that the run shall take */
    uint64_t target;               /* rate, as of num_rate(); 0: none */
    uint64_t ended[OUTCOME_COUNT]; /* messages */
    uint64_t p50_ns, max_ns;
    uint64_t sessions;       /* that there are to be */
    uint64_t open;           /* connections */
    uint64_t lag_p99_ns;     /* of the generator */
    const uint64_t *history; /* rates of seconds, the last one last */
    size_t history_count;
    bool keys; /* it takes keys */
};

/* Time left at the average rate so far; NS_NEVER while there is nothing to judge it by. */
uint64_t report_left(uint64_t done, uint64_t total, uint64_t elapsed_ns);

/* At most 79 characters and a NUL, no newline; size is at least REPORT_LIVE_SIZE. Returns out. */
char *report_live(char *out, size_t size, const struct live *);

/* What a terminal can show. */
struct view_style {
    size_t width, height; /* characters */
    bool utf8;
    bool colour;
};

#define REPORT_VIEW_SIZE 4096

struct run;
struct points;
struct sink_run;

/*
 * The run document with an object "live" in it, see doc/report.md: size octets, the caller's to
 * free. NULL: no memory.
 */
char *report_live_json(const struct run *, const struct live *, size_t *size);

/* Likewise a sink's, with a "series" of its seconds, in which accepted are messages. */
char *sink_live_json(const struct sink_run *, const struct live *, const struct points *,
                     size_t *size);

/* The smallest terminal that has room for the lines. */
#define VIEW_WIDTH_MIN  60
#define VIEW_HEIGHT_MIN 12

/*
 * The same, and more, as lines with '\n' between them, each narrower than the terminal; where it
 * has no room for that, report_live(). size is REPORT_VIEW_SIZE at least. Returns out.
 */
char *report_view(char *out, size_t size, const struct live *, const struct view_style *);

#endif
