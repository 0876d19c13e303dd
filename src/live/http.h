/*
 * The live page: a small HTTP server on a thread of its own that hands out what was published
 * last. It sees texts only; the run never waits for it, however slow its clients are.
 *
 *   /          the report page, which follows run.json
 *   /run.json  the run so far, as in doc/report.md
 *   /metrics   OpenMetrics, or Prometheus' text format to those that don't ask for it
 */
#ifndef LIVE_HTTP_H
#define LIVE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

struct http;

enum http_text { HTTP_RUN, HTTP_METRICS, HTTP_METRICS_OPEN, HTTP_TEXTS };

/*
 * Where it listens when it isn't told: loopback, at this port or, when that is taken, at any. "" is
 * for that.
 */
#define HTTP_PORT_DEFAULT 9025

/*
 * Listens: "" or "ADDR:PORT", ":PORT" (all IPv4 addresses of this machine), "PORT" (loopback). 0,
 * or -errno with diag set. The URL is told on standard error by http_start().
 */
int http_open(struct http **, const char *where, struct diag *);

/* Starts its thread, when privileges are given up and signals are as they shall be. 0 or -errno. */
int http_start(struct http *, struct diag *);

/* What is handed out from now on. The text is from malloc() and becomes the server's; may be NULL
 * when memory was short: then nothing changes. */
void http_publish(struct http *, enum http_text, char *text, size_t size);

/*
 * The run is over, and what was published is final. Waits two seconds at most, and only if
 * somebody is watching, for the page to have that. Then ends, and frees; NULL is fine.
 */
void http_end(struct http *, bool final);

#endif
