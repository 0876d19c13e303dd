/*
 * A worker's loop: its sessions, the line for connecting, and the end.
 */
#include "worker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "process.h"
#include "session.h"
#include "units.h"

/* What a pipelined group of commands may take; lockstep needs one command's worth. */
#define PIPELINE_BUFFER 16384

uint64_t worker_take(struct worker *w)
{
    struct load *l = w->load;
    uint64_t n;

    if (w->exhausted || run_stop(&l->control) != RUN_ON)
        return 0;
    n = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);
    if (n + 1 >= l->settings->messages)
        w->exhausted = true;
    if (n >= l->settings->messages)
        return 0;
    w->taken++;
    return n + 1;
}

bool worker_has_more(const struct worker *w)
{
    return !w->exhausted && run_stop(&w->load->control) == RUN_ON &&
           atomic_load_explicit(&w->load->next, memory_order_relaxed) < w->load->settings->messages;
}

struct send_buffer *worker_buffer(struct worker *w)
{
    struct send_buffer *b = w->buffers;

    if (b) {
        w->buffers = b->next;
        arena_reset(&b->arena);
        return b;
    }
    b = malloc(sizeof *b + w->buffer_size);
    if (b)
        b->arena = (struct arena){(char *)(b + 1), 0, w->buffer_size};
    return b;
}

void worker_buffer_return(struct worker *w, struct send_buffer *b)
{
    b->next = w->buffers;
    w->buffers = b;
}

void worker_fatal(struct worker *w, const char *format, ...)
{
    struct diag d;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(d.text, sizeof d.text, format, args);
    va_end(args);
    run_control_fail(&w->load->control, &d);
}

static struct session *worker_session(const struct worker *w, uint64_t i)
{
    return (struct session *)(w->sessions + i * w->session_size);
}

/* Acts once on each rise of the stop level, and on the last message being taken. */
static void act_on_control(struct worker *w)
{
    enum run_stop stop = run_stop(&w->load->control);

    if (stop != w->stop) {
        w->stop = stop;
        w->exhausted_told = true;
        line_clear(&w->line); /* those in it are told as well */
        for (uint64_t i = 0; i < w->session_count; i++)
            (stop == RUN_ABORT ? session_abort : session_stop_waiting)(worker_session(w, i));
        return;
    }
    if (w->exhausted && !w->exhausted_told) {
        w->exhausted_told = true;
        for (uint64_t i = 0; i < w->session_count; i++)
            session_stop_waiting(worker_session(w, i));
    }
}

static void *run(void *arg)
{
    struct worker *w = arg;
    uint64_t one = 1;
    ssize_t told;

    w->started_at = io_clock(w->io);
    w->stats = recorder_now(&w->recorder);
    for (uint64_t i = 0; i < w->session_count; i++)
        session_begin(worker_session(w, i));
    line_next(&w->line);
    for (;;) {
        recorder_poll(&w->recorder);
        w->stats = recorder_now(&w->recorder);
        act_on_control(w);
        if (w->active == 0)
            break;
        int rc = io_turn(w->io, NS_NEVER);
        if (rc < 0)
            worker_fatal(w, "%s: %s", w->io->driver->name, strerror(-rc));
    }
    w->ended_at = io_clock(w->io);
    told = write(w->load->done_fd, &one, sizeof one);
    (void)told;
    return NULL;
}

int worker_start(struct worker *w, struct load *l, uint64_t session_count, struct diag *d)
{
    int rc;

    w->load = l;
    w->rng.state = process_random();
    w->buffer_size = l->client->window > 1 && l->client->want[EXT_PIPELINING] ? PIPELINE_BUFFER
                                                                              : CLIENT_ARENA_MIN;
    w->client_size = client_size(l->client);
    w->deliveries = client_transactions_max(l->client);
    w->session_size =
        sizeof(struct session) + w->client_size + w->deliveries * sizeof(struct delivery);
    w->sessions = calloc(session_count, w->session_size);
    if (!w->sessions || recorder_init(&w->recorder) < 0)
        return diag_set(d, -ENOMEM, "out of memory for %llu sessions",
                        (unsigned long long)session_count);
    for (; w->session_count < session_count; w->session_count++)
        session_init(worker_session(w, w->session_count), w);
    w->active = session_count;
    w->io = io_new(l->driver, d);
    if (!w->io)
        return -EIO;
    w->io->options = (struct io_options){
        .buffer = (uint32_t)l->settings->tcp_window,
        .delay = !l->settings->nodelay,
        .fastopen = l->settings->fastopen,
    };
    line_init(&w->line, w->io, l);
    rc = pthread_create(&w->thread, NULL, run, w);
    return rc ? diag_set(d, -rc, "pthread_create: %s", strerror(rc)) : 0;
}

void worker_join(struct worker *w)
{
    (void)pthread_join(w->thread, NULL);
}

void worker_done(struct worker *w)
{
    while (w->buffers) {
        struct send_buffer *b = w->buffers;

        w->buffers = b->next;
        free(b);
    }
    for (uint64_t i = 0; i < w->session_count; i++)
        session_done(worker_session(w, i));
    free(w->sessions);
    io_free(w->io);
    recorder_done(&w->recorder);
}
