/*
 * The ring between two threads: records of all sizes come out as they went in, in order, and what
 * finds no room is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "ring.h"
#include "rng.h"

#define SIZE 1024

static void fill(unsigned char *p, size_t n, uint64_t number)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(number * 31 + i);
}

static int holds(const unsigned char *p, size_t n, uint64_t number)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != (unsigned char)(number * 31 + i))
            return 0;
    return 1;
}

/* The size that record number has. */
static size_t size_of(uint64_t number)
{
    struct rng r = {number};

    return (size_t)rng_below(&r, SIZE / 4);
}

static void one_thread(void **state)
{
    struct ring r;
    uint64_t in = 0, out = 0, full = 0;
    struct rng rng = {7};
    size_t n;

    (void)state;
    assert_int_equal(ring_init(&r, SIZE), 0);
    assert_null(ring_front(&r, &n));
    assert_null(ring_claim(&r, SIZE));
    while (out < 20000) {
        if (rng_below(&rng, 2)) {
            void *p = ring_claim(&r, size_of(in));

            full += p == NULL;
            if (!p)
                continue;
            assert_int_equal((uintptr_t)p % 8, 0);
            fill(p, size_of(in), in);
            ring_commit(&r);
            in++;
        } else {
            const void *p = ring_front(&r, &n);

            assert_int_equal(p == NULL, in == out);
            if (!p)
                continue;
            assert_int_equal(n, size_of(out));
            assert_true(holds(p, n, out));
            ring_pop(&r);
            out++;
        }
    }
    assert_true(full > 100);
    ring_done(&r);
    ring_done(&r);
}

/* What never reads: so many go in, and not one more, however often it is tried. */
static void unread(void **state)
{
    struct ring r;
    int in = 0;

    (void)state;
    assert_int_equal(ring_init(&r, SIZE), 0);
    for (int i = 0; i < 1000; i++) {
        void *p = ring_claim(&r, 24);

        if (p)
            ring_commit(&r);
        in += p != NULL;
    }
    assert_int_equal(in, SIZE / 32);
    ring_done(&r);
}

#define RECORDS 20000

static void *write_all(void *arg)
{
    struct ring *r = arg;

    for (uint64_t i = 0; i < RECORDS;) {
        void *p = ring_claim(r, size_of(i));

        if (!p) {
            (void)sched_yield();
            continue;
        }
        fill(p, size_of(i), i);
        ring_commit(r);
        i++;
    }
    return NULL;
}

static void two_threads(void **state)
{
    struct ring r;
    pthread_t writer;
    size_t n;

    (void)state;
    assert_int_equal(ring_init(&r, SIZE), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_all, &r), 0);
    for (uint64_t i = 0; i < RECORDS;) {
        const void *p = ring_front(&r, &n);

        if (!p) {
            (void)sched_yield();
            continue;
        }
        assert_int_equal(n, size_of(i));
        assert_true(holds(p, n, i));
        ring_pop(&r);
        i++;
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_null(ring_front(&r, &n));
    ring_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread),
        cmocka_unit_test(unread),
        cmocka_unit_test(two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
