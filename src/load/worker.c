/*
 * A worker's loop: its sessions, the line for connecting, and the end.
 */
#include "worker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "auth.h"
#include "process.h"
#include "session.h"
#include "tls.h"
#include "transaction_track.h"
#include "transactions.h"
#include "units.h"

/* What a pipelined group of commands may take. */
#define PIPELINE_BUFFER 16384

/* Beside those of its sessions, about. */
#define OWN_TIMERS 8

/* Messages taken ahead by a worker. */
#define BLOCK_MAX 64

/* Other workers may sleep until something of their own happens. */
static void wake_others(const struct worker *w)
{
    for (uint64_t i = 0; i < w->load->worker_count; i++)
        if (&w->load->workers[i] != w)
            io_wake(w->load->workers[i].io);
}

/*
 * Takes messages ahead, so that workers seldom meet at the counter. Never more than this worker's
 * sessions can have under way at once, nor than a small share of what is left: at the end nobody
 * sits on what others could do (guided self-scheduling: Polychronopoulos and Kuck, 1987).
 */
static void take_block(struct worker *w)
{
    struct load *l = w->load;
    uint64_t all = l->settings->messages;
    uint64_t n = atomic_load_explicit(&l->next, memory_order_relaxed);
    uint64_t size = n < all ? (all - n) / (4 * l->worker_count) : 0;

    if (n >= all)
        return;
    if (size > w->block_max)
        size = w->block_max;
    if (size == 0)
        size = 1;
    n = atomic_fetch_add_explicit(&l->next, size, memory_order_relaxed);
    if (n >= all)
        return;
    w->ticket = n + 1;
    w->ticket_end = (size < all - n ? n + size : all) + 1;
    if (w->ticket_end <= all)
        return;
    atomic_store_explicit(&l->exhausted, true, memory_order_relaxed);
    wake_others(w);
}

uint64_t worker_take(struct worker *w)
{
    if (run_stop(&w->load->control) != RUN_ON || w->model.over_at != NS_NEVER)
        return 0;
    if (w->ticket == w->ticket_end)
        take_block(w);
    if (w->ticket == w->ticket_end)
        return 0;
    w->taken++;
    return w->load->number_base + w->ticket++;
}

uint64_t worker_start_number(struct worker *w, uint64_t n)
{
    w->taken++;
    return w->load->number_base + n + 1;
}

bool worker_has_more(const struct worker *w)
{
    const struct load *l = w->load;

    if (run_stop(&l->control) != RUN_ON || w->model.over_at != NS_NEVER)
        return false;
    if (w->model.paced)
        return !pacer_over(&w->model.pacer);
    return (w->ticket < w->ticket_end ||
            atomic_load_explicit(&l->next, memory_order_relaxed) < l->settings->messages);
}

struct send_buffer *worker_buffer(struct worker *w, bool large)
{
    bool apart = large && w->large_size > w->buffer_size; /* else all are large enough */
    struct send_buffer **list = apart ? &w->large_buffers : &w->buffers;
    size_t size = apart ? w->large_size : w->buffer_size;
    struct send_buffer *b = *list;

    if (b) {
        *list = b->next;
        arena_reset(&b->arena);
        return b;
    }
    b = malloc(sizeof *b + size);
    if (b)
        b->arena = (struct arena){(char *)(b + 1), 0, size};
    return b;
}

void worker_buffer_return(struct worker *w, struct send_buffer *b)
{
    struct send_buffer **list = b->arena.size > w->buffer_size ? &w->large_buffers : &w->buffers;

    b->next = *list;
    *list = b;
}

static void free_buffers(struct send_buffer *b)
{
    while (b) {
        struct send_buffer *next = b->next;

        free(b);
        b = next;
    }
}

void worker_fatal(struct worker *w, const char *format, ...)
{
    struct diag d;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(d.text, sizeof d.text, format, args);
    va_end(args);
    run_control_fail(&w->load->control, &d);
    wake_others(w);
}

void worker_trouble(struct worker *w, const char *format, ...)
{
    bool keep_going = w->load->settings->keep_going;
    struct diag d;
    va_list args;

    if (keep_going && !outage_is(&w->outage))
        return;
    va_start(args, format);
    (void)vsnprintf(d.text, sizeof d.text, format, args);
    va_end(args);
    if (keep_going)
        outage_why(&w->outage, &d);
    else
        worker_fatal(w, "%s", d.text);
}

void worker_failure(struct worker *w, enum failure kind, const char *format, ...)
{
    unsigned bit = 1U << kind;
    struct diag d;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(d.text, sizeof d.text, format, args);
    va_end(args);
    if (w->load->settings->keep_going && !(atomic_load(&w->load->told_failures) & bit) &&
        !(atomic_fetch_or(&w->load->told_failures, bit) & bit))
        diag_warn("%s (the run goes on; only the first such failure is told)", d.text);
    worker_trouble(w, "%s", d.text);
}

struct session *worker_session(const struct worker *w, uint64_t i)
{
    return (struct session *)(w->sessions + i * w->session_size);
}

/* No message is left for this worker's sessions to take. */
static bool exhausted(const struct worker *w)
{
    if (w->model.over_at != NS_NEVER)
        return true;
    return !w->model.paced && w->ticket == w->ticket_end &&
           atomic_load_explicit(&w->load->exhausted, memory_order_relaxed);
}

/* Sessions told a turn: what thousands have to say at once the driver would have to keep. */
#define TOLD_MAX 64

/* Acts once on each rise of the stop level, and on the last message being taken. */
static void act_on_control(struct worker *w)
{
    enum run_stop stop = run_stop(&w->load->control);

    if (stop != w->stop) {
        w->stop = stop;
        w->exhausted_told = true;
        model_over(w, io_clock(w->io));
        line_clear(&w->line); /* those in it are told as well */
        w->told = 0;
    } else if (!w->exhausted_told && exhausted(w)) {
        w->exhausted_told = true;
        if (w->load->settings->keep_going)
            line_clear(&w->line); /* they have no messages yet */
        w->told = 0;
    }
    for (int n = 0; n < TOLD_MAX && w->told < w->session_count; n++) {
        struct session *s = worker_session(w, w->told++);

        (w->stop == RUN_ABORT ? session_abort : session_stop_waiting)(s);
    }
}

/* The run begins when the first of its workers does. */
static uint64_t common_begin(struct worker *w)
{
    uint_fast64_t begin = NS_NEVER;

    w->started_at = io_clock(w->io);
    return atomic_compare_exchange_strong(&w->load->begin, &begin, w->started_at) ? w->started_at
                                                                                  : begin;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct process_thread before;

    process_thread(&before);
    w->stats = recorder_now(&w->recorder);
    if (w->lane)
        track_turn(w);
    model_init(w, common_begin(w));
    if (w->model.paced)
        process_exact_timers();
    for (uint64_t i = 0; i < w->session_count; i++)
        session_begin(worker_session(w, i));
    model_begun(w);
    line_next(&w->line);
    for (;;) {
        recorder_poll(&w->recorder);
        w->stats = recorder_now(&w->recorder);
        if (w->lane)
            track_turn(w);
        uint64_t until = model_turn(w);
        act_on_control(w);
        if (w->active == 0)
            break;
        int rc = io_turn(w->io, w->told < w->session_count ? 0 : until);
        if (rc < 0)
            worker_fatal(w, "%s: %s", w->io->driver->name, strerror(-rc));
    }
    w->ended_at = io_clock(w->io);
    model_finish(w);
    process_thread(&w->used);
    process_thread_since(&w->used, &before);
    if (atomic_fetch_sub(&w->load->running, 1) == 1)
        (void)eventfd_write(w->load->done_fd, 1);
    return NULL;
}

/* Lockstep needs one command's worth; there may be as many as sessions at the same time. */
static void set_buffer_sizes(struct worker *w)
{
    const struct client_config *cf = w->load->client;
    bool parameters = cf->mail_params || cf->rcpt_params;

    for (int i = 0; i < EXT_COUNT; i++)
        parameters |= cf->want[i] != EXT_NO;
    w->large_size = CLIENT_ARENA_MIN;
    w->buffer_size =
        w->load->form.path_max + CLIENT_COMMAND_MAX + (parameters ? CLIENT_PARAMETERS_MAX : 0);
    if (cf->window > 1 && cf->want[EXT_PIPELINING] && w->buffer_size < PIPELINE_BUFFER)
        w->buffer_size = PIPELINE_BUFFER;
    if (w->load->auth && w->large_size < CLIENT_ARENA_AUTH)
        w->large_size = CLIENT_ARENA_AUTH;
}

static int out_of_memory(uint64_t sessions, struct diag *d)
{
    return diag_set(d, -ENOMEM, "out of memory for %llu sessions", (unsigned long long)sessions);
}

int worker_init(struct worker *w, struct load *l, uint64_t sessions, uint64_t idle, struct diag *d)
{
    w->load = l;
    w->rng.state = l->seed + (uint64_t)(w - l->workers);
    set_buffer_sizes(w);
    w->client_size = client_size(l->client);
    w->deliveries = client_transactions_max(l->client);
    w->delivery_size = sizeof(struct delivery);
    if (l->settings->schedule.count > 0)
        w->delivery_size += sizeof(uint64_t);
    if (l->transactions)
        w->delivery_size += (uint32_t)track_delivery_size;
    w->session_size = sizeof(struct session) + w->client_size + w->deliveries * w->delivery_size;
    if (l->transactions) {
        w->lane = transactions_lane(l->transactions, (uint64_t)(w - l->workers));
        w->session_size += track_session_size;
    }
    w->sessions = calloc(sessions + idle, w->session_size);
    w->model.over_at = NS_NEVER;
    outage_init(&w->outage);
    w->block_max = sessions * w->deliveries;
    if (w->block_max > BLOCK_MAX)
        w->block_max = BLOCK_MAX;
    w->targets = calloc(l->targets->count, sizeof *w->targets);
    if (!w->sessions || !w->targets || recorder_init(&w->recorder) < 0 ||
        (l->targets->count > 1 && recorder_by_target(&w->recorder, l->targets->count) < 0))
        return out_of_memory(sessions + idle, d);
    for (; w->session_count < sessions + idle; w->session_count++) {
        session_init(worker_session(w, w->session_count), w);
        worker_session(w, w->session_count)->stays = w->session_count >= sessions;
    }
    w->active = w->told = sessions + idle;
    for (uint32_t i = 0; l->tls && i < l->targets->count; i++) {
        const char *host = l->targets->rows[i].host;

        w->targets[i].tls =
            tls_context_client(l->tls, l->identity, *host ? host : NULL, rng_next(&w->rng), d);
        if (!w->targets[i].tls)
            return -EINVAL;
    }
    if (l->auth) {
        w->auth = auth_context_new(l->users);
        if (!w->auth)
            return out_of_memory(sessions + idle, d);
    }
    w->io->options = (struct io_options){
        .buffer = (uint32_t)l->settings->tcp_window,
        .delay = !l->settings->nodelay,
        .fastopen = l->settings->fastopen,
    };
    if (line_init(&w->line, w->io, l, (uint64_t)(w - l->workers)) < 0 ||
        timers_reserve(&w->io->timers, (uint32_t)(sessions + idle) + OWN_TIMERS) < 0)
        return out_of_memory(sessions + idle, d);
    return 0;
}

int worker_start(struct worker *w, struct diag *d)
{
    const struct load *l = w->load;

    return threads_start(&l->settings->threads, (uint64_t)(w - l->workers), &w->thread, run, w, d);
}

void worker_done(struct worker *w)
{
    free_buffers(w->buffers);
    free_buffers(w->large_buffers);
    for (uint64_t i = 0; i < w->session_count; i++)
        session_done(worker_session(w, i));
    free(w->sessions);
    io_free(w->io);
    for (uint32_t i = 0; w->targets && i < w->load->targets->count; i++)
        tls_context_free(w->targets[i].tls);
    free(w->targets);
    line_done(&w->line);
    auth_context_free(w->auth);
    recorder_done(&w->recorder);
    outage_done(&w->outage);
}
