/*
 * The live line: the most important pieces first, and none that would not fit.
 */
#include "report_live.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hist.h"
#include "human.h"
#include "units.h"

uint64_t report_left(uint64_t done, uint64_t total, uint64_t elapsed_ns)
{
    hist_sum left;

    if (done == 0 || total == 0 || elapsed_ns == 0)
        return NS_NEVER;
    if (done >= total)
        return 0;
    left = (hist_sum)elapsed_ns * (total - done) / done;
    return left < NS_NEVER ? (uint64_t)left : NS_NEVER;
}

struct line {
    char *out;
    size_t at;
    size_t size;
};

static void piece(struct line *, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void piece(struct line *l, const char *format, ...)
{
    char text[REPORT_LIVE_SIZE];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text || l->at + 2 + (size_t)n >= l->size)
        return;
    l->at += (size_t)snprintf(l->out + l->at, l->size - l->at, "%s%s", l->at > 0 ? "  " : "", text);
}

char *report_live(char *out, size_t size, const struct live *v)
{
    struct line l = {out, 0, size < REPORT_LIVE_SIZE ? size : REPORT_LIVE_SIZE};

    out[0] = '\0';
    if (v->total > 0)
        piece(&l, "%3u%%  %s of %s",
              (unsigned)(v->done < v->total ? (hist_sum)v->done * 100 / v->total : 100),
              human_short(v->done, 11).text, human_short(v->total, 11).text);
    else
        piece(&l, "%s  %s done", human_time(v->elapsed_ns).text, human_short(v->done, 11).text);
    piece(&l, "%7s/s", human_short(v->rate, 9).text);
    if (v->p99_ns != NS_NEVER)
        piece(&l, "p99 %7s", human_time(v->p99_ns).text);
    if (v->errors > 0)
        piece(&l, "%s error%s", human_short(v->errors, 7).text, v->errors == 1 ? "" : "s");
    if (v->left_ns != NS_NEVER)
        piece(&l, "%s left", human_time(v->left_ns).text);
    return out;
}
