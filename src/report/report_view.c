/*
 * The live view of several lines. Its width is counted in characters: a line is made of pieces,
 * and a piece that would not fit is left out, so nothing is ever cut in the middle.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "human.h"
#include "model_report.h"
#include "num.h"
#include "report_live.h"
#include "units.h"

/* Wider is not easier to read. */
#define WIDTH_MAX 120

/* SGR, ECMA-48 8.3.117 */
#define PLAIN  "0"
#define BOLD   "1"
#define FAINT  "2"
#define RED    "31"
#define GREEN  "32"
#define YELLOW "33"

struct view {
    char *out;
    size_t at, size;
    size_t column, width;
    const struct view_style *style;
};

/* Octets that take so many columns, if there is room for both. */
static bool add(struct view *v, const char *colour, const char *text, size_t columns)
{
    bool coloured = v->style->colour && colour;
    size_t need = strlen(text) + 16;

    if (v->column + columns > v->width || v->at + need >= v->size)
        return false;
    v->at += (size_t)snprintf(v->out + v->at, v->size - v->at, "%s%s%s%s%s",
                              coloured ? "\033[" : "", coloured ? colour : "", coloured ? "m" : "",
                              text, coloured ? "\033[0m" : "");
    v->column += columns;
    return true;
}

static bool piece(struct view *, const char *colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ASCII text. */
static bool piece(struct view *v, const char *colour, const char *format, ...)
{
    char text[256];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n >= (int)sizeof text)
        return false;
    for (int i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    return add(v, colour, text, (size_t)n);
}

static void label(struct view *v, const char *name)
{
    if (v->at > 0)
        v->out[v->at++] = '\n';
    v->column = 0;
    (void)piece(v, FAINT, "  %-9s", name);
}

static void heading(struct view *v, const struct live *l)
{
    static const struct {
        const char *word;
        const char *colour;
    } states[] = {[LIVE_RUNNING] = {"running", GREEN},
                  [LIVE_WARMING] = {"warming up", YELLOW},
                  [LIVE_PAUSED] = {"paused", YELLOW},
                  [LIVE_FINISHING] = {"finishing", YELLOW},
                  [LIVE_OVER] = {"over", YELLOW}};
    const char *title = l->title ? l->title : "";
    struct human time = human_time(l->elapsed_ns);
    size_t right = strlen(states[l->state].word) + 2 + strlen(time.text);
    size_t room = v->width - right - 2;

    (void)piece(v, BOLD, "%.*s", (int)(room < 200 ? room : 200), title);
    (void)piece(v, NULL, "%*s", (int)(v->width - right - v->column), "");
    (void)piece(v, states[l->state].colour, "%s", states[l->state].word);
    (void)piece(v, NULL, "  %s", time.text);
}

/* How far it is, in thousandths; by messages, or by time where that is the end. */
static unsigned progress(const struct live *l)
{
    double part = 0;

    if (l->total > 0)
        part = (double)l->done / (double)l->total;
    if (l->length_ns != NS_NEVER && l->length_ns > 0) {
        double time = (double)l->elapsed_ns / (double)l->length_ns;

        part = time > part ? time : part;
    }
    return part >= 1 ? 1000 : (unsigned)(part * 1000);
}

static void bar(struct view *v, const struct live *l)
{
    char text[3 * WIDTH_MAX + 1] = "";
    struct human done = human_short(l->done, 11);
    struct human total = human_short(l->total, 11);
    unsigned share = progress(l);
    size_t length = v->width / 3;
    size_t full = length * share / 1000;
    size_t at = 0;

    label(v, "progress");
    if (l->total == 0 && l->length_ns == NS_NEVER) {
        (void)piece(v, NULL, "%s messages ended", human_count(l->done).text);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        const char *cell = v->style->utf8 ? (i < full ? "█" : "░") : (i < full ? "#" : "-");

        memcpy(text + at, cell, strlen(cell));
        at += strlen(cell);
    }
    text[at] = '\0';
    (void)add(v, GREEN, text, length);
    (void)piece(v, BOLD, " %3u%%", share / 10);
    if (l->total > 0)
        (void)piece(v, NULL, "  %s of %s", done.text, total.text);
    else
        (void)piece(v, NULL, "  %s", done.text);
    if (l->left_ns != NS_NEVER)
        (void)piece(v, NULL, "  %s left", human_time(l->left_ns).text);
}

/* Heights of the last seconds against the highest of them. */
static void sparkline(struct view *v, const struct live *l)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const letters[] = {"_", ".", "-", "~", "=", "+", "*", "#"};
    const char *const *cells = v->style->utf8 ? blocks : letters;
    char text[3 * WIDTH_MAX + 1] = "";
    size_t room = v->width - v->column - 2;
    size_t n = l->history_count < room ? l->history_count : room;
    const uint64_t *from = l->history + (l->history_count - n);
    uint64_t most = 0;
    size_t at = 0;

    if (v->column + 6 > v->width || n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        most = from[i] > most ? from[i] : most;
    for (size_t i = 0; i < n; i++) {
        size_t height = most ? (size_t)((double)from[i] / (double)most * 7 + 0.5) : 0;

        memcpy(text + at, cells[height], strlen(cells[height]));
        at += strlen(cells[height]);
    }
    text[at] = '\0';
    (void)piece(v, NULL, "  ");
    (void)add(v, GREEN, text, n);
}

static void rates(struct view *v, const struct live *l)
{
    label(v, "rate");
    (void)piece(v, BOLD, "%9s/s", human_short(l->rate, 9).text);
    if (l->target > 0)
        (void)piece(v, l->target / RATE_PER_S > l->rate + l->rate / 20 ? YELLOW : NULL, " of %s",
                    human_rate(l->target).text);
    sparkline(v, l);
}

static void latencies(struct view *v, const struct live *l)
{
    label(v, "latency");
    if (l->p99_ns == NS_NEVER) {
        (void)piece(v, NULL, "nothing was accepted in the last second");
        return;
    }
    (void)piece(v, NULL, "p50 %8s", human_time(l->p50_ns).text);
    (void)piece(v, BOLD, "   p99 %8s", human_time(l->p99_ns).text);
    (void)piece(v, NULL, "   max %8s", human_time(l->max_ns).text);
}

static void sessions(struct view *v, const struct live *l)
{
    label(v, "sessions");
    (void)piece(v, NULL, "%s open of %s", human_short(l->open, 9).text,
                human_short(l->sessions, 9).text);
    if (l->lag_p99_ns != NS_NEVER)
        (void)piece(v, l->lag_p99_ns > 20 * NS_PER_MS ? YELLOW : NULL,
                    "   the generator lags by p99 %s", human_time(l->lag_p99_ns).text);
}

static void errors(struct view *v, const struct live *l)
{
    label(v, "ended");
    for (int o = 0; o < OUTCOME_COUNT; o++)
        (void)piece(v, o != OUTCOME_ACCEPTED && l->ended[o] ? RED : NULL, "%s%s %s", o ? "   " : "",
                    outcome_name((enum outcome)o), human_short(l->ended[o], 8).text);
}

char *report_view(char *out, size_t size, const struct live *l, const struct view_style *style)
{
    struct view v = {.out = out, .size = size, .style = style, .width = style->width - 1};

    out[0] = '\0';
    if (style->width < VIEW_WIDTH_MIN || style->height < VIEW_HEIGHT_MIN)
        return report_live(out, size, l);
    if (v.width > WIDTH_MAX)
        v.width = WIDTH_MAX;
    heading(&v, l);
    bar(&v, l);
    rates(&v, l);
    latencies(&v, l);
    sessions(&v, l);
    errors(&v, l);
    if (l->keys) {
        label(&v, "keys");
        (void)piece(&v, FAINT, "p %s, q ends and reports",
                    l->state == LIVE_PAUSED ? "goes on" : "pauses");
    }
    return out;
}
