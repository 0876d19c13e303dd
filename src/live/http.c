/*
 * The live page's server, by libmicrohttpd. Everything about it is bounded: connections, their
 * memory, how long one may be idle. It answers GET only, and to requests for its own name only, so
 * that no other site's page can read it through a browser (DNS rebinding).
 */
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"
#include "metrics.h"
#include "run.h"

#define CONNECTIONS       16
#define CONNECTION_MEMORY 16384 /* octets */
#define IDLE              10    /* s */
#define WATCHED           3     /* s since it was last asked: somebody follows the run */
#define LINGER            2     /* s */

struct http {
    int fd;
    struct MHD_Daemon *daemon;
    char url[200];
    bool loopback;
    struct MHD_Response *page;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t told;
    struct MHD_Response *texts[HTTP_TEXTS];
    time_t asked_at; /* monotonic; for the run */
    bool watched;    /* it was asked for at all */
    bool final;
    bool final_told;
};

static time_t seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* The text becomes the response's. NULL when memory is short; the text is freed then. */
static struct MHD_Response *response(char *text, size_t size, const char *type, const char *policy)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);

    if (!r) {
        free(text);
        return NULL;
    }
    (void)MHD_add_response_header(r, "Content-Type", type);
    (void)MHD_add_response_header(r, "Content-Security-Policy", policy);
    (void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    return r;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *words)
{
    char *text = strdup(words);
    struct MHD_Response *r;
    enum MHD_Result rc;

    if (!text)
        return MHD_NO;
    r = response(text, strlen(text), "text/plain", "default-src 'none'");
    if (!r)
        return MHD_NO;
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(r, "Allow", "GET");
    rc = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return rc;
}

/* Is it asked by a name that only this machine has? Browsers always tell one. */
static bool is_own_name(struct MHD_Connection *c)
{
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
    size_t n;

    if (!host)
        return true;
    n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    return (n == 9 && strncasecmp(host, "localhost", n) == 0) ||
           (n == 5 && strncmp(host, "[::1]", n) == 0) ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == n);
}

static bool wants_openmetrics(struct MHD_Connection *c)
{
    const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept");

    return accept && strstr(accept, "application/openmetrics-text");
}

/* What was published last; *state is h for the last that there will be of the run. */
static enum MHD_Result tell(struct http *h, struct MHD_Connection *c, enum http_text what,
                            void **state)
{
    enum MHD_Result rc = MHD_NO;
    bool any;

    (void)pthread_mutex_lock(&h->lock);
    any = h->texts[what] != NULL;
    if (what == HTTP_RUN) {
        h->asked_at = seconds();
        h->watched = true;
        if (h->final)
            *state = h;
    }
    if (any)
        rc = MHD_queue_response(c, MHD_HTTP_OK, h->texts[what]);
    (void)pthread_mutex_unlock(&h->lock);
    return any ? rc : refuse(c, MHD_HTTP_SERVICE_UNAVAILABLE, "not begun yet\n");
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static char begun; /* its address says so */
    struct http *h = arg;

    (void)version;
    (void)upload;
    (void)upload_size;
    if (strcmp(method, "GET") != 0)
        return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is answered\n");
    if (!*state) { /* an answer now would cost the connection */
        *state = &begun;
        return MHD_YES;
    }
    if (h->loopback && !is_own_name(c))
        return refuse(c, MHD_HTTP_FORBIDDEN, "this machine is not known by that name here\n");
    if (strcmp(url, "/") == 0)
        return MHD_queue_response(c, MHD_HTTP_OK, h->page);
    if (strcmp(url, "/run.json") == 0)
        return tell(h, c, HTTP_RUN, state);
    if (strcmp(url, "/metrics") == 0)
        return tell(h, c, wants_openmetrics(c) ? HTTP_METRICS_OPEN : HTTP_METRICS, state);
    return refuse(c, MHD_HTTP_NOT_FOUND, "there are /, /run.json and /metrics\n");
}

static void completed(void *arg, struct MHD_Connection *c, void **state,
                      enum MHD_RequestTerminationCode how)
{
    struct http *h = arg;

    (void)c;
    (void)how;
    if (*state != h)
        return;
    (void)pthread_mutex_lock(&h->lock);
    h->final_told = true;
    (void)pthread_cond_signal(&h->told);
    (void)pthread_mutex_unlock(&h->lock);
}

/* ---- Listening ---- */

static int listen_at(struct http *h, const char *text, struct diag *d)
{
    struct endpoint e;
    struct diag why;
    int rc = endpoint_resolve_listener(&e, text, *text == ':' ? AF_INET : AF_UNSPEC, &why);

    if (rc < 0)
        return diag_set(d, rc, "--live: %s", why.text);
    if (e.addresses[0].sa.sa_family == AF_UNIX)
        rc = diag_set(d, -EINVAL, "--live: %s: it is for TCP", text);
    else
        rc = address_listen(&e.addresses[0], CONNECTIONS, &why);
    endpoint_done(&e);
    if (rc == -EINVAL)
        return rc;
    if (rc < 0)
        return diag_set(d, rc, "--live: %s", why.text);
    h->fd = rc;
    return 0;
}

static bool is_loopback(const struct address *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&a->storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&a->storage;

    if (a->sa.sa_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* Nobody asked for the port, so another will do. */
static int listen_anywhere(struct http *h, struct diag *d)
{
    char text[40];

    (void)snprintf(text, sizeof text, "127.0.0.1:%d", HTTP_PORT_DEFAULT);
    if (listen_at(h, text, d) == 0)
        return 0;
    return listen_at(h, "127.0.0.1:0", d);
}

static struct MHD_Response *make_page(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int rc = out ? report_html_live(out) : -ENOMEM;

    if (out && fclose(out) != 0)
        rc = -ENOMEM;
    if (rc < 0) {
        free(text);
        return NULL;
    }
    /* The page has its policy in itself; this is what can't stand there. */
    return response(text, size, "text/html; charset=utf-8", "frame-ancestors 'none'");
}

int http_open(struct http **out, const char *where, struct diag *d)
{
    struct http *h = calloc(1, sizeof *h);
    struct address bound;
    char text[160];
    int rc;

    if (!h)
        return diag_set(d, -ENOMEM, "out of memory");
    h->fd = -1;
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->told, NULL);
    (void)snprintf(text, sizeof text, "%s%s", strchr(where, ':') ? "" : "127.0.0.1:", where);
    rc = *where ? listen_at(h, text, d) : listen_anywhere(h, d);
    if (rc == 0)
        rc = address_bound(h->fd, &bound);
    if (rc < 0) {
        http_end(h, false);
        return rc;
    }
    h->loopback = is_loopback(&bound);
    (void)snprintf(h->url, sizeof h->url, "http://%s/", address_text(&bound, text, sizeof text));
    *out = h;
    return 0;
}

int http_start(struct http *h, struct diag *d)
{
    h->page = make_page();
    if (!h->page)
        return diag_set(d, -ENOMEM, "out of memory");
    h->daemon =
        MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, h,
                         MHD_OPTION_LISTEN_SOCKET, h->fd, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE,
                         MHD_OPTION_NOTIFY_COMPLETED, completed, h, MHD_OPTION_END);
    if (!h->daemon)
        return diag_set(d, -EIO, "--live: cannot start the server at %s", h->url);
    h->fd = -1; /* the daemon's now */
    diag_note("live page at %s", h->url);
    return 0;
}

void http_publish(struct http *h, enum http_text what, char *text, size_t size)
{
    static const char *const types[] = {[HTTP_RUN] = "application/json",
                                        [HTTP_METRICS] = METRICS_TEXT_TYPE,
                                        [HTTP_METRICS_OPEN] = METRICS_OPEN_TYPE};
    struct MHD_Response *r = text ? response(text, size, types[what], "default-src 'none'") : NULL;
    struct MHD_Response *before;

    if (!r)
        return;
    (void)pthread_mutex_lock(&h->lock);
    before = h->texts[what];
    h->texts[what] = r;
    (void)pthread_mutex_unlock(&h->lock);
    if (before)
        MHD_destroy_response(before); /* freed when the last client has it */
}

static void linger(struct http *h)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LINGER;
    (void)pthread_mutex_lock(&h->lock);
    h->final = true;
    if (h->watched && seconds() - h->asked_at <= WATCHED)
        while (!h->final_told && pthread_cond_timedwait(&h->told, &h->lock, &until) == 0)
            ;
    (void)pthread_mutex_unlock(&h->lock);
}

void http_end(struct http *h, bool final)
{
    if (!h)
        return;
    if (h->daemon && final)
        linger(h);
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    if (h->page)
        MHD_destroy_response(h->page);
    for (int i = 0; i < HTTP_TEXTS; i++)
        if (h->texts[i])
            MHD_destroy_response(h->texts[i]);
    if (h->fd >= 0)
        (void)close(h->fd);
    (void)pthread_cond_destroy(&h->told);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}
