/*
 * xtext, there and back.
 */
#include "xtext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void there_and_back(void **state)
{
    static const struct {
        struct slice plain, coded;
    } cases[] = {
        {{"", sizeof("") - 1}, {"", sizeof("") - 1}},
        {{"a~!z", sizeof("a~!z") - 1}, {"a~!z", sizeof("a~!z") - 1}},
        {{"a+b=c d", sizeof("a+b=c d") - 1}, {"a+2Bb+3Dc+20d", sizeof("a+2Bb+3Dc+20d") - 1}},
        {{"\x7f\xff\0", sizeof("\x7f\xff\0") - 1}, {"+7F+FF+00", sizeof("+7F+FF+00") - 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[64];

        assert_int_equal(xtext_length(cases[i].plain), cases[i].coded.n);
        assert_int_equal(xtext_write(cases[i].plain, out), cases[i].coded.n);
        assert_memory_equal(out, cases[i].coded.p, cases[i].coded.n);
        assert_true(xtext_is(cases[i].coded));
        assert_int_equal(xtext_read(cases[i].coded, out), cases[i].plain.n);
        assert_memory_equal(out, cases[i].plain.p, cases[i].plain.n);
    }
}

static void what_is_none(void **state)
{
    static const char *const cases[] = {"a b", "=", "+", "+2", "+2b", "+G0", "a+4", "\xe4", "+4 "};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_false(xtext_is(slice_of(cases[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(what_is_none),
    };

    return cmocka_run_group_tests_name("xtext", tests, NULL, NULL);
}
