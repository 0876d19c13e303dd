/*
 * Watching smtp-source's run, from the main thread: intervals are taken when they are due, signals
 * and keys acted upon, the terminal and the live page kept up to date once a second.
 */
#ifndef SOURCE_WATCH_H
#define SOURCE_WATCH_H

#include "http.h"
#include "measure.h"
#include "process.h"
#include "report_live.h"
#include "run.h"

/* Seconds of rates that the terminal's curve is drawn from. */
#define WATCH_HISTORY 120

struct watch {
    struct load *load;
    struct measure *measure;
    struct process_usage *before;              /* is set when the warm-up is over */
    bool view;                                 /* show it on the terminal */
    bool quiet;                                /* say nothing of a stop either */
    struct http *http;                         /* the live page; NULL: none */
    void (*describe)(void *arg, struct run *); /* what the run is so far, for the page */
    void *arg;
    struct run_pauses pauses; /* what there were, in all */
    uint64_t resumed_at;      /* when the last of them ended */
    bool told_outage;         /* of the one that there is now */

    struct live live;      /* how it goes; its title is the owner's, the rest is ours */
    struct stats *window;  /* what ended since that was told last */
    struct stats *earlier; /* in earlier loads of the same run (a search's steps) */
    struct stats *all;     /* in all of them, for metrics: those never go back */
    uint64_t window_ns;
    uint64_t history[WATCH_HISTORY];
    uint64_t due; /* when the next picture is, ns */
};

/* The fields down to the title are set by the caller. 0 or -ENOMEM with diag set. */
int watch_init(struct watch *, struct diag *);

/* Until the load has ended. */
void watch_run(struct watch *);

/* Before the measure is emptied for another load. */
void watch_again(struct watch *);

/* The run's last word is on the page, which ends. */
void watch_over(struct watch *, const struct run *);

/* Takes a zeroed one. */
void watch_done(struct watch *);

#endif
