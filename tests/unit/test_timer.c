/*
 * The timer heap against a model that is nothing but an array, over random operations; and the
 * promises of timer.h one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"
#include "timer.h"
#include "units.h"

enum { TIMERS = 200, ROUNDS = 20000, LOG = 1024 };

struct model {
    struct timer timer; /* first: a callback finds its model by the timer's address */
    struct world *world;
    uint64_t due;
    unsigned born; /* the timers_fire() during which it was set, see ready() */
    bool armed;
};

struct world {
    struct timers timers;
    struct model models[TIMERS];
    struct rng rng;
    uint64_t now;
    uint64_t last_due; /* of the previous callback of this timers_fire() */
    unsigned round;    /* counts calls of timers_fire(); odd while one runs */
    unsigned fired;
};

static uint64_t random_due(struct world *w)
{
    switch (rng_below(&w->rng, 8)) {
    case 0:
        return w->now; /* due at once */
    case 1:
        return w->now - rng_below(&w->rng, w->now + 1); /* long ago */
    case 2:
        return rng_below(&w->rng, 50) ? w->now + 300 * NS_PER_S : NS_NEVER;
    default:
        return w->now + rng_below(&w->rng, 1000);
    }
}

static void model_set(struct world *w, struct model *m)
{
    m->due = random_due(w);
    m->armed = true;
    m->born = w->round;
    timer_set(&w->timers, &m->timer, m->due);
}

static void model_cancel(struct world *w, struct model *m)
{
    m->armed = false;
    timer_cancel(&w->timers, &m->timer);
}

static void random_op(struct world *w)
{
    struct model *m = &w->models[rng_below(&w->rng, TIMERS)];

    if (rng_below(&w->rng, 4) == 0)
        model_cancel(w, m);
    else
        model_set(w, m);
}

static void on_fire(struct timer *t)
{
    struct model *m = (struct model *)t;
    struct world *w = m->world;

    assert_true(m->armed);
    assert_true(m->due <= w->now);
    assert_true(m->due >= w->last_due);      /* earliest first */
    assert_int_not_equal(m->born, w->round); /* not set during this very call */
    assert_int_equal(t->armed, 0);
    w->last_due = m->due;
    w->fired++;
    m->armed = false;
    for (uint64_t n = rng_below(&w->rng, 4); n > 0; n--)
        random_op(w);
    if (rng_below(&w->rng, 4) == 0)
        model_set(w, m);
}

/* All that stays armed and due must have been set by a callback of the last call. */
static void check(struct world *w, unsigned round)
{
    uint64_t next = NS_NEVER;

    for (int i = 0; i < TIMERS; i++) {
        struct model *m = &w->models[i];

        assert_int_equal(m->armed, m->timer.armed != 0);
        if (!m->armed)
            continue;
        if (m->due <= w->now)
            assert_int_equal(m->born, round);
        if (m->due < next)
            next = m->due;
    }
    assert_true(timers_next(&w->timers) <= next);
}

static void test_against_model(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    (void)state;
    assert_non_null(w);
    w->rng.state = 42;
    w->now = 1000;
    timers_init(&w->timers);
    for (int i = 0; i < TIMERS; i++) {
        w->models[i].world = w;
        w->models[i].timer.fire = on_fire;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (uint64_t n = rng_below(&w->rng, 8); n > 0; n--)
            random_op(w);
        w->now += rng_below(&w->rng, rng_below(&w->rng, 100) ? 200 : 400 * NS_PER_S);
        w->last_due = 0;
        w->round++;
        timers_fire(&w->timers, w->now);
        check(w, w->round);
        w->round++;
    }
    assert_true(w->fired > ROUNDS);
    timers_done(&w->timers);
    free(w);
}

/* ---- One promise a test ---- */

struct script {
    struct timer timer;
    struct timers *timers;
    struct script *other;
    uint64_t due; /* to set it to in the callback; 0: not */
    int name;
};

static int fired[LOG];
static int fired_count;

static void note(struct script *s)
{
    assert_true(fired_count < LOG);
    fired[fired_count++] = s->name;
}

static void fire_plain(struct timer *t)
{
    note((struct script *)t);
}

static void fire_again(struct timer *t)
{
    struct script *s = (struct script *)t;

    note(s);
    timer_set(s->timers, t, s->due);
}

static void fire_cancel_other(struct timer *t)
{
    struct script *s = (struct script *)t;

    note(s);
    timer_cancel(s->timers, &s->other->timer);
    memset(s->other, 0xa5, sizeof *s->other); /* its memory may go at once */
}

static void fire_move_other(struct timer *t)
{
    struct script *s = (struct script *)t;

    note(s);
    timer_set(s->timers, &s->other->timer, s->due);
}

static void expect(const char *names)
{
    assert_int_equal(fired_count, strlen(names));
    for (int i = 0; i < fired_count; i++)
        assert_int_equal(fired[i], names[i]);
    fired_count = 0;
}

static void script_init(struct script *s, struct timers *ts, int name, void (*fire)(struct timer *))
{
    *s = (struct script){.timer = {.fire = fire}, .timers = ts, .name = name};
}

static void test_empty(void **state)
{
    struct timers ts;
    struct script a;

    (void)state;
    timers_init(&ts);
    script_init(&a, &ts, 'a', fire_plain);
    assert_int_equal(timers_next(&ts), NS_NEVER);
    timers_fire(&ts, 1000);
    timer_cancel(&ts, &a.timer); /* not armed: fine */
    timers_done(&ts);
    expect("");
}

static void test_order_and_edges(void **state)
{
    struct timers ts;
    struct script s[26];
    char order[27];

    (void)state;
    timers_init(&ts);
    for (int i = 0; i < 26; i++) {
        int at = i * 7 % 26;

        script_init(&s[at], &ts, 'a' + at, fire_plain);
        timer_set(&ts, &s[at].timer, 1000 + (uint64_t)at);
        order[i] = (char)('a' + i);
    }
    order[26] = '\0';
    assert_int_equal(timers_next(&ts), 1000);
    timers_fire(&ts, 999);
    expect("");
    timers_fire(&ts, 1000); /* due at now fires */
    expect("a");
    timers_fire(&ts, 5000);
    expect(order + 1);
    assert_int_equal(timers_next(&ts), NS_NEVER);
    timers_done(&ts);
}

static void test_postponing_is_lazy(void **state)
{
    struct timers ts;
    struct script a;
    struct script b;

    (void)state;
    timers_init(&ts);
    script_init(&a, &ts, 'a', fire_plain);
    script_init(&b, &ts, 'b', fire_plain);
    timer_set(&ts, &a.timer, 100);
    timer_set(&ts, &b.timer, 200);
    for (uint64_t due = 101; due < 400; due++)
        timer_set(&ts, &a.timer, due);
    assert_int_equal(timers_next(&ts), 100); /* only stored */
    timers_fire(&ts, 150);
    expect("");
    assert_int_equal(timers_next(&ts), 200);
    timers_fire(&ts, 300);
    expect("b");
    timer_set(&ts, &a.timer, 310); /* earlier again */
    assert_int_equal(timers_next(&ts), 310);
    timers_fire(&ts, 310);
    expect("a");
    timers_done(&ts);
}

static void test_rearmed_fires_next_time(void **state)
{
    struct timers ts;
    struct script a;

    (void)state;
    timers_init(&ts);
    script_init(&a, &ts, 'a', fire_again);
    a.due = 5;
    timer_set(&ts, &a.timer, 10);
    timers_fire(&ts, 10);
    expect("a");
    assert_int_equal(timers_next(&ts), 5);
    timers_fire(&ts, 10); /* the same instant will do */
    expect("a");
    timer_cancel(&ts, &a.timer);
    timers_fire(&ts, 10);
    expect("");
    timers_done(&ts);
}

static void test_callbacks_on_others(void **state)
{
    struct timers ts;
    struct script a;
    struct script b;

    (void)state;
    timers_init(&ts);
    script_init(&a, &ts, 'a', fire_cancel_other);
    script_init(&b, &ts, 'b', fire_plain);
    a.other = &b;
    timer_set(&ts, &a.timer, 1);
    timer_set(&ts, &b.timer, 2);
    timers_fire(&ts, 10); /* both due: a cancels b */
    expect("a");

    script_init(&a, &ts, 'a', fire_move_other);
    script_init(&b, &ts, 'b', fire_plain);
    a.other = &b;
    a.due = 50;
    timer_set(&ts, &a.timer, 11);
    timer_set(&ts, &b.timer, 12);
    timers_fire(&ts, 20);
    expect("a");
    timers_fire(&ts, 49);
    expect("");
    timers_fire(&ts, 50);
    expect("b");

    a.due = 1; /* moved to what is due already: the next call */
    timer_set(&ts, &a.timer, 51);
    timer_set(&ts, &b.timer, 52);
    timers_fire(&ts, 60);
    expect("a");
    timers_fire(&ts, 60);
    expect("b");
    timers_done(&ts);
}

/* Room reserved once does for good, even when all fire at once and each sets itself again. */
static void test_reserved(void **state)
{
    enum { COUNT = 26 };
    struct timers ts;
    struct script s[COUNT];

    (void)state;
    timers_init(&ts);
    assert_int_equal(timers_reserve(&ts, COUNT), 0);
    for (int i = 0; i < COUNT; i++) {
        script_init(&s[i], &ts, (char)('a' + i), fire_again);
        s[i].due = 200 - i;
        timer_set(&ts, &s[i].timer, 100 + i);
    }
    timers_fire(&ts, 300);
    expect("abcdefghijklmnopqrstuvwxyz");
    timers_fire(&ts, 300);
    expect("zyxwvutsrqponmlkjihgfedcba");
    assert_int_equal(ts.capacity, COUNT);
    timers_done(&ts);
}

static void test_never(void **state)
{
    struct timers ts;
    struct script a;

    (void)state;
    timers_init(&ts);
    script_init(&a, &ts, 'a', fire_plain);
    timer_set(&ts, &a.timer, NS_NEVER);
    assert_int_equal(timers_next(&ts), NS_NEVER);
    timers_fire(&ts, NS_NEVER - 1);
    timers_fire(&ts, NS_NEVER);
    expect("");
    timer_set(&ts, &a.timer, 7);
    timer_set(&ts, &a.timer, NS_NEVER); /* postponed for ever */
    timers_fire(&ts, 1000);
    expect("");
    timer_set(&ts, &a.timer, 2000);
    timers_fire(&ts, 2000);
    expect("a");
    timers_done(&ts);
}

/* More than any first allocation, cancelled in a random order. */
static void test_many(void **state)
{
    enum { MANY = 20000 };
    struct timers ts;
    struct script *s = calloc(MANY, sizeof *s);
    struct rng rng = {7};
    uint64_t last = 0;

    (void)state;
    assert_non_null(s);
    timers_init(&ts);
    for (int i = 0; i < MANY; i++) {
        script_init(&s[i], &ts, 'x', fire_plain);
        timer_set(&ts, &s[i].timer, 1 + rng_below(&rng, 1000000));
    }
    for (int i = 0; i < 15000; i++)
        timer_cancel(&ts, &s[rng_below(&rng, MANY)].timer);
    for (uint64_t next = timers_next(&ts); next != NS_NEVER; next = timers_next(&ts)) {
        assert_true(next > last);
        last = next;
        timers_fire(&ts, next);
        assert_true(fired_count > 0);
        fired_count = 0;
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(s[i].timer.armed, 0);
    timers_done(&ts);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_order_and_edges),
        cmocka_unit_test(test_postponing_is_lazy),
        cmocka_unit_test(test_rearmed_fires_next_time),
        cmocka_unit_test(test_callbacks_on_others),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_against_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
