/*
 * The options of the load models, and what follows from them.
 */
#include <errno.h>
#include <string.h>

#include "arrivals.h"
#include "load.h"
#include "num.h"
#include "units.h"

#define AT(field) offsetof(struct load_settings, field)

/* --give-up, where nothing else ends a run: as long as RFC 5321 section 4.5.3.2 has one wait for
 * the greeting. */
#define GIVE_UP (300 * NS_PER_S)

/* A step of a search that has fewer starts than these says nothing. */
#define STARTS_MIN 3

#define YEAR (UINT64_C(31536000) * NS_PER_S)

static int set_rate(void *settings, const char *value, struct diag *d)
{
    uint64_t rate = 0;

    if (num_rate(value, &rate) < 0 || rate == 0 || rate > SCHEDULE_RATE_MAX)
        return diag_set(d, -EINVAL,
                        "bad rate: %s (--rate takes messages a second, or with its unit as in "
                        "5000/s, 300/min, 10k/h; at most 100M/s)",
                        *value ? value : "empty");
    ((struct load_settings *)settings)->rate = rate;
    return 0;
}

static int set_stages(void *settings, const char *value, struct diag *d)
{
    return schedule_parse(&((struct load_settings *)settings)->schedule, SCHEDULE_RATES, value, d);
}

static int set_session_stages(void *settings, const char *value, struct diag *d)
{
    return schedule_parse(&((struct load_settings *)settings)->session_stages, SCHEDULE_SESSIONS,
                          value, d);
}

static int set_late(void *settings, const char *value, struct diag *d)
{
    uint64_t ns = 0;

    if (strcmp(value, "wait") == 0)
        ns = 0;
    else if (strncmp(value, "drop:", 5) != 0 || num_duration(value + 5, &ns) < 0 || ns == 0 ||
             ns > YEAR)
        return diag_set(d, -EINVAL,
                        "bad lateness: %s (--late takes wait, or drop:TIME such as drop:500ms)",
                        *value ? value : "empty");
    ((struct load_settings *)settings)->late_drop = ns;
    return 0;
}

static int set_per_connection(void *settings, const char *value, struct diag *d)
{
    struct load_settings *s = settings;
    int rc = span_parse(&s->per_connection, value, "per-connection", "messages per connection", d);

    if (rc == 0)
        s->keep_connection = true;
    return rc;
}

static int set_think(void *settings, const char *value, struct diag *d)
{
    return think_parse(&((struct load_settings *)settings)->think, value, d);
}

static int set_seed(void *settings, const char *value, struct diag *d)
{
    uint64_t n = 0;

    if (num_count(value, &n) < 0 || n == 0)
        return diag_set(d, -EINVAL, "bad seed: %s (--seed takes a whole number from 1 on)",
                        *value ? value : "empty");
    ((struct load_settings *)settings)->seed = n;
    return 0;
}

static int set_require(void *settings, const char *value, struct diag *d)
{
    return require_add(&((struct load_settings *)settings)->require, value, "require", d);
}

static int set_stop_when(void *settings, const char *value, struct diag *d)
{
    return require_parse(&((struct load_settings *)settings)->stop_when, value, "stop-when", d);
}

static int set_find(struct load_settings *s, enum load_find find, const char *option,
                    const char *value, struct diag *d)
{
    if (s->find != FIND_NOTHING && s->find != (int)find)
        return diag_set(d, -EINVAL, "--find-rate cannot be used with --find-sessions");
    s->find = (int)find;
    return require_parse(&s->find_when, value, option, d);
}

static int set_find_rate(void *settings, const char *value, struct diag *d)
{
    return set_find(settings, FIND_RATE, "find-rate", value, d);
}

static int set_find_sessions(void *settings, const char *value, struct diag *d)
{
    return set_find(settings, FIND_SESSIONS, "find-sessions", value, d);
}

static const struct opt_choice arrivals[] = {
    {"constant", ARRIVAL_CONSTANT},
    {"poisson", ARRIVAL_POISSON},
    {NULL, 0},
};

const struct opt model_options[] = {
    {.name = "rate",
     .kind = OPT_CUSTOM,
     .arg = "RATE",
     .set = set_rate,
     .group = "Load model",
     .help = "target rate, as in 5000/s",
     .man =
         "Start messages at this rate, whether or not the server keeps up: 5000/s (or just 5000), "
         "300/min, 10k/h. -s is how many sessions there are to do it. When none is free at an "
         "intended start, the message waits in line, and its response time counts from the "
         "intended start; so a server that stalls can't hide it. Needs --duration or -m. Implies "
         "--keep-going."},
    {.name = "arrival",
     .kind = OPT_CHOICE,
     .arg = "constant|poisson",
     .at = AT(arrival),
     .choices = arrivals,
     .what = "arrival process",
     .group = "Load model",
     .help = "how starts are spread (default constant)",
     .man =
         "With a target rate: starts at equal distances (constant, the default), or at random as "
         "of many independent senders (poisson)."},
    {.name = "duration",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(duration),
     .min = NS_PER_MS,
     .max = YEAR,
     .what = "duration",
     .group = "Load model",
     .help = "take messages for so long",
     .man =
         "Take messages for this time, beyond a warm-up, and then finish what is under way. -m is "
         "then a bound, without a default. With a target rate, what is still in line at the end "
         "is taken for a second more; the rest is missed. Implies --keep-going."},
    {.name = "warmup",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(warmup),
     .min = NS_PER_MS,
     .max = YEAR,
     .what = "warm-up time",
     .group = "Load model",
     .help = "leave the first so long out of the result",
     .man = "What ends in the first part of a run is measured apart and left out of the result, so "
            "that connections and caches have settled. --duration counts from its end; of --stages "
            "it is the first part."},
    {.name = "stages",
     .kind = OPT_CUSTOM,
     .arg = "RATE:TIME,...",
     .set = set_stages,
     .group = "Load model",
     .help = "target rates one after the other",
     .man = "A target rate that changes: stages with commas between, each a rate and how long it "
            "holds, or two rates with dots between for a ramp from the one to the other. "
            "\"0..2000/s:30s, 2000/s:5m, 6000/s:10s, 2000/s:1m\" ramps up, holds, has a spike and "
            "settles. Instead of --rate and --duration; implies --keep-going."},
    {.name = "session-stages",
     .kind = OPT_CUSTOM,
     .arg = "COUNT:TIME,...",
     .set = set_session_stages,
     .group = "Load model",
     .help = "numbers of sessions one after the other",
     .man = "Sessions in a loop whose number changes, in the form of --stages: \"0..100:30s, "
            "100:5m\". Instead of -s, --duration and a target rate; implies --keep-going."},
    {.name = "idle-sessions",
     .kind = OPT_COUNT,
     .arg = "COUNT",
     .at = AT(idle_sessions),
     .min = 1,
     .max = 1000000,
     .what = "number of idle sessions",
     .group = "Load model",
     .help = "further sessions that only stay",
     .man = "Have so many sessions beyond -s that connect, greet, and then stay without a message "
            "until the end. Implies --keep-going."},
    {.name = "per-connection",
     .kind = OPT_CUSTOM,
     .arg = "N|A..B",
     .set = set_per_connection,
     .group = "Load model",
     .help = "messages a connection",
     .man = "Send so many messages over a connection and then make a new one; of a range, a number "
            "at random each time. Implies -d."},
    {.name = "think",
     .kind = OPT_CUSTOM,
     .arg = "TIME",
     .set = set_think,
     .group = "Load model",
     .help = "pause between a session's messages",
     .man = "Like -w and -R, with distributions: a time (250ms), a range of which all times are "
            "equally likely (1s..3s), exp:MEAN (exponential), or normal:MEAN,DEVIATION. Not "
            "together with -w, -R or a target rate."},
    {.name = "late",
     .kind = OPT_CUSTOM,
     .arg = "wait|drop:TIME",
     .set = set_late,
     .group = "Load model",
     .help = "what becomes of late starts (default wait)",
     .man = "With a target rate: messages wait for a session as long as it takes (wait, the "
            "default), or are given up when this much time has passed since their intended start "
            "(drop:500ms), and count as missed."},
    {.name = "seed",
     .kind = OPT_CUSTOM,
     .arg = "N",
     .set = set_seed,
     .group = "Load model",
     .help = "repeat what is at random",
     .man = "Draw arrivals, think times and numbers per connection from this seed, so that a run "
            "can be repeated; without it each run has another."},
    {.name = "keep-going",
     .kind = OPT_FLAG,
     .at = AT(keep_going),
     .group = "Load model",
     .help = "go on whatever the server does",
     .man =
         "Don't end the run when the server refuses, closes, resets or does not answer: count "
         "it, connect again after a pause that grows from 0.1 to 5 seconds and varies at random, "
         "and go on. A session takes a message only when its connection is ready for one, so "
         "that an outage costs none. Refusals are not told one by one; the summary has them. Of "
         "the failures of connections the first of each kind is told. "
         "A server that is gone, or turns everybody away, is told of after 30 seconds; --give-up "
         "says how long it is waited for."},
    {.name = "give-up",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(give_up),
     .min = 100 * NS_PER_MS,
     .max = YEAR,
     .what = "time to give up after",
     .group = "Load model",
     .help = "end when nobody serves us for so long",
     .man = "With --keep-going: end the run, as with a fatal error, when in all this time no "
            "connection got ready for a message, because they are refused, lost, or turned away "
            "before. The default is 5 minutes for a run that has no end in time, which a server "
            "that is gone for good would otherwise make go on for ever; with --duration, --stages "
            "or --session-stages it is never."},
    {.name = "stop-when",
     .kind = OPT_CUSTOM,
     .arg = "CONDITION",
     .set = set_stop_when,
     .group = "Load model",
     .help = "end the run early, as at errors>5%",
     .man =
         "End the run when this holds of what ended within one --interval; the form is that of "
         "--require. What is under way is finished. connect-failures>100 ends it when the server "
         "is gone."},
    {.name = "spin",
     .kind = OPT_FLAG,
     .at = AT(spin),
     .group = "Load model",
     .help = "no sleep shortly before a start",
     .man = "With a target rate: don't sleep within 0.2 milliseconds before an intended start, so "
            "that it is met within a few microseconds. Costs a CPU for each thread at rates from "
            "5000/s on."},
    {.name = "require",
     .kind = OPT_CUSTOM,
     .arg = "CONDITION",
     .set = set_require,
     .group = "Result",
     .help = "exit status 3 unless, as p99<250ms",
     .man =
         "What the result must hold: it is printed with its measured value, and the exit status "
         "is 3 when it does not. The option can be given several times, and conditions joined by "
         "the word and; at most 8 in all. A condition compares (<, <=, >, >=, ==, !=) one of "
         "these:\n"
         "p50, p99.9 and so on, max, min, mean: latency of accepted messages, with a target rate "
         "from "
         "the intended start; p99(rcpt) of a phase by the names of the summary, p99(response), "
         "p99(lag) of the generator. Compared with a time with its unit.\n"
         "offered, accepted, refused, failed, unknown, missed, partial, errors (all but "
         "accepted), lost, timeouts, connect-failures, protocol-errors: numbers, compared with "
         "a number or with a share (0.1%), of messages or of connections.\n"
         "rate: accepted messages, compared with 5000/s, target, or 0.99*target; with a target "
         "rate and without a warm-up, over the time that they were due in or took beyond it, but "
         "not what the last ones take to finish.\n"
         "cpu: CPU time of the generator a message, compared with a time.\n"
         "What was never measured does not hold."},
    {.name = "find-rate",
     .kind = OPT_CUSTOM,
     .arg = "CONDITION",
     .set = set_find_rate,
     .group = "Search",
     .help = "the highest rate at which it holds",
     .man = "Find the highest target rate at which a condition holds, in the form of --require: "
            "\"p99<250ms and errors==0\". Each step is a run of its own; the rate is doubled until "
            "it fails, then the gap is halved to 2.5%, and the result is confirmed by another run, "
            "which is the one reported. A rate of which less than 98% is accepted fails whatever "
            "the condition. One that the generator itself could not hold is tried up to three "
            "times, and is never the result. -s is how many sessions there are. The exit status is "
            "3 when no rate qualifies."},
    {.name = "find-sessions",
     .kind = OPT_CUSTOM,
     .arg = "CONDITION",
     .set = set_find_sessions,
     .group = "Search",
     .help = "the same for sessions in a loop",
     .man = "Find the highest number of sessions in a loop with which a condition holds, and of "
            "which none is turned away: by a refused connection, in place of the greeting, or "
            "before it could take a message."},
    {.name = "between",
     .kind = OPT_TEXT,
     .arg = "A..B",
     .at = AT(between),
     .group = "Search",
     .help = "where to search, as in 100/s..50000/s",
     .man = "The bounds of the search (default: 1/s..1M/s, 1..10000 sessions). The lower one is "
            "tried first; when it fails, nothing qualifies."},
    {.name = "step-duration",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(step),
     .min = 100 * NS_PER_MS,
     .max = YEAR,
     .what = "step duration",
     .group = "Search",
     .help = "of each step (default 10s)",
     .man = "How long each step of a search is measured (default: 10s), beyond a warm-up of a "
            "fifth of that, or of --warmup."},
    {.name = "interval",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .at = AT(interval),
     .min = 10 * NS_PER_MS,
     .max = YEAR,
     .what = "interval",
     .group = "Result",
     .help = "of the series over time (default 1s)",
     .man =
         "How much time a row of the series in the report stands for (default: 1s). There are at "
         "most 512 rows: whenever there would be more, neighbours are merged and the interval "
         "doubles. When this option is given, the summary shows the series too."},
};

const size_t model_option_count = sizeof model_options / sizeof model_options[0];

static int conflict(const char *one, const char *other, struct diag *d)
{
    return diag_set(d, -EINVAL, "%s cannot be used with %s", one, other);
}

static int parse_bound(const struct load_settings *s, const char *text, uint64_t *out)
{
    uint64_t most = s->find == FIND_RATE ? SCHEDULE_RATE_MAX : 1000000;
    int rc = s->find == FIND_RATE ? num_rate(text, out) : num_count(text, out);

    return rc < 0 ? rc : *out == 0 || *out > most ? -EINVAL : 0;
}

static int bad_between(const struct load_settings *s, const char *text, struct diag *d)
{
    return diag_set(d, -EINVAL, "bad bounds: %s (--between takes %s)", *text ? text : "empty",
                    s->find == FIND_RATE
                        ? "two rates, such as 100/s..50000/s; at most 100M/s"
                        : "two numbers of sessions, such as 1..500; at most 1000000");
}

static int parse_between(struct load_settings *s, struct diag *d)
{
    const char *text = s->between ? s->between : s->find == FIND_RATE ? "1..1M" : "1..10k";
    const char *dots = strstr(text, "..");
    char low[32];
    size_t n = dots ? (size_t)(dots - text) : 0;

    if (!dots || n >= sizeof low)
        return bad_between(s, text, d);
    memcpy(low, text, n);
    low[n] = '\0';
    if (parse_bound(s, low, &s->find_low) < 0 || parse_bound(s, dots + 2, &s->find_high) < 0)
        return bad_between(s, text, d);
    if (s->find_low > s->find_high)
        return diag_set(d, -EINVAL, "bad bounds: %s (--between: the lower one comes first)", text);
    return 0;
}

/* After check_find(). */
static int complete_find(struct load_settings *s, struct diag *d)
{
    struct schedule lowest;
    int rc = parse_between(s, d);

    if (rc < 0)
        return rc;
    if (!s->step)
        s->step = 10 * NS_PER_S;
    if (s->find != FIND_RATE)
        return 0;
    schedule_constant(&lowest, s->find_low, s->step);
    if (schedule_starts(&lowest) < STARTS_MIN)
        return diag_set(d, -EINVAL,
                        "--step-duration is too short for the lower bound of --between: in such a "
                        "step only %llu of the %d messages would start that say something",
                        (unsigned long long)schedule_starts(&lowest), STARTS_MIN);
    return 0;
}

/* 0, or -EINVAL for what is never measured of sessions in a loop. */
static int wants_target(const struct require *r, const char *option, struct diag *d)
{
    if (!require_wants_target(r))
        return 0;
    return diag_set(d, -EINVAL,
                    "%s: there is a target, response and lag only with a target rate (--rate, "
                    "--stages)",
                    option);
}

static int check_find(const struct load_settings *s, struct diag *d)
{
    const char *find = s->find == FIND_RATE ? "--find-rate" : "--find-sessions";

    if (s->find == FIND_NOTHING && s->between)
        return diag_set(d, -EINVAL, "--between needs --find-rate or --find-sessions");
    if (s->find == FIND_NOTHING && s->step)
        return diag_set(d, -EINVAL, "--step-duration needs --find-rate or --find-sessions");
    if (s->find == FIND_NOTHING)
        return 0;
    if (s->rate || s->schedule.count || s->session_stages.count)
        return conflict(find, "--rate, --stages or --session-stages: it chooses them itself", d);
    if (s->duration || s->messages)
        return conflict(find, "--duration or -m: see --step-duration", d);
    if (s->find == FIND_SESSIONS && s->sessions)
        return conflict(find, "-s: it chooses that itself", d);
    return s->find == FIND_SESSIONS ? wants_target(&s->find_when, find, d) : 0;
}

static int check(const struct load_settings *s, struct diag *d)
{
    bool paced = s->rate || s->schedule.count || s->find == FIND_RATE;

    if (s->rate && s->schedule.count)
        return conflict("--rate", "--stages", d);
    if (s->duration && s->schedule.count)
        return conflict("--duration", "--stages: they have their own times", d);
    if (s->session_stages.count && paced)
        return conflict("--session-stages", "a target rate (--rate, --stages)", d);
    if (s->session_stages.count && s->duration)
        return conflict("--duration", "--session-stages: they have their own times", d);
    if (s->session_stages.count && s->sessions)
        return conflict("-s", "--session-stages", d);
    if (s->rate && !s->duration && !s->messages)
        return diag_set(d, -EINVAL, "--rate needs --duration or -m: how long is it to go on?");
    if (!paced && s->late_drop)
        return diag_set(d, -EINVAL, "--late needs a target rate (--rate, --stages)");
    if (!paced && s->spin)
        return diag_set(d, -EINVAL, "--spin needs a target rate (--rate, --stages)");
    if (!paced && s->arrival != ARRIVAL_CONSTANT)
        return diag_set(d, -EINVAL, "--arrival needs a target rate (--rate, --stages)");
    if (paced && (s->wait || s->random_wait || s->think.kind != THINK_NONE))
        return conflict("-w, -R or --think", "a target rate: that says when messages start", d);
    if (s->think.kind != THINK_NONE && (s->wait || s->random_wait))
        return conflict("--think", "-w or -R", d);
    if (require_wants_cpu(&s->stop_when) || require_wants_cpu(&s->find_when))
        return diag_set(d, -EINVAL, "cpu is known when a run is over: it is for --require only");
    if (!paced && wants_target(&s->require, "--require", d) < 0)
        return -EINVAL;
    return paced ? 0 : wants_target(&s->stop_when, "--stop-when", d);
}

static uint64_t most_sessions(const struct schedule *s)
{
    uint64_t most = 0;

    for (size_t i = 0; i < s->count; i++) {
        most = s->stages[i].from > most ? s->stages[i].from : most;
        most = s->stages[i].to > most ? s->stages[i].to : most;
    }
    return most;
}

int load_settings_complete(struct load_settings *s, struct diag *d)
{
    int rc = check_find(s, d);

    if (rc == 0)
        rc = check(s, d);
    if (rc == 0 && s->proxy_sources.count && !s->proxy)
        return diag_set(d, -EINVAL, "--proxy-source needs --proxy");
    if (rc == 0 && s->find)
        rc = complete_find(s, d);
    if (rc < 0)
        return rc;
    s->length = s->find ? s->step : NS_NEVER; /* the former until find_init() knows better */
    if (s->duration)
        s->length = s->warmup + s->duration;
    if (s->session_stages.count) {
        s->length = s->session_stages.length;
        s->sessions = most_sessions(&s->session_stages);
    }
    if (s->schedule.count)
        s->length = s->schedule.length;
    else if (s->rate)
        schedule_constant(&s->schedule, s->rate, s->length);
    if ((s->schedule.count || s->session_stages.count) && s->length != NS_NEVER &&
        s->warmup >= s->length)
        return diag_set(d, -EINVAL, "--warmup leaves nothing of the stages");
    if (s->schedule.count || s->length != NS_NEVER || s->idle_sessions || s->stop_when.count)
        s->keep_going = true;
    if (s->give_up && !s->keep_going)
        return diag_set(d, -EINVAL,
                        "--give-up needs --keep-going: without it the first failure is the end");
    if (!s->give_up)
        s->give_up = s->length == NS_NEVER ? GIVE_UP : NS_NEVER;
    if (!s->sessions)
        s->sessions = 1;
    if (!s->messages)
        s->messages = s->length == NS_NEVER ? 1 : LOAD_UNLIMITED;
    s->interval_given = s->interval > 0;
    if (!s->interval_given)
        s->interval = NS_PER_S;
    return 0;
}

uint64_t load_target_rate(const struct load_settings *s, uint64_t from, uint64_t to)
{
    if (!s->schedule.count)
        return 0;
    if (s->schedule.length == NS_NEVER)
        return s->schedule.stages[0].from;
    if (to > s->schedule.length)
        to = s->schedule.length;
    if (from >= to)
        return 0;
    return (uint64_t)((schedule_mass_at(&s->schedule, to) - schedule_mass_at(&s->schedule, from)) /
                      (to - from));
}
