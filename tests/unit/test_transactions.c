/*
 * Lines of --transactions: queue ids in the replies of servers, and rows as JSON whatever a server
 * says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "queue_id.h"
#include "transaction_json.h"
#include "units.h"

static void queue_ids(void **state)
{
    static const struct {
        const char *text;
        const char *id; /* "": none */
    } rows[] = {
        {"2.0.0 Ok: queued as 4Xg1yS5zFJz9sZ", "4Xg1yS5zFJz9sZ"},
        {"2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9A2B", "9A2B"},
        {"OK id=1tAbCd-00000001Xyz-2qWe", "1tAbCd-00000001Xyz-2qWe"},
        {"2.0.0 4ANMWvZ1012345 Message accepted for delivery", "4ANMWvZ1012345"},
        {"2.0.0: 1a2b3c4d Message accepted for delivery", "1a2b3c4d"},
        {"2.0.0 Message accepted for delivery", ""},
        {"ok 1700000000 qp 12345", "12345"},
        {"2.6.0 <a@b> [InternalId=12345678, Hostname=x.example] Queued mail for delivery",
         "12345678"},
        {"2.0.0 OK  1700000000 a1-20020a05b2.123 - gsmtp", "a1-20020a05b2.123"},
        {"Message Queued (0B1D2F3A-11.1)", "0B1D2F3A-11.1"},
        {"2.0.0 <a@example.com> 3wGxAbcd+8a9bQ Saved", "3wGxAbcd+8a9bQ"},
        {"first line\nqueued as ABC.\nlast", "ABC"},
        {"2.0.0 Ok", ""},
        {"queued as ", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice id = queue_id(slice_of(rows[i].text));

        assert_int_equal(id.n, strlen(rows[i].id));
        assert_memory_equal(id.p, rows[i].id, id.n);
    }
}

struct line {
    char text[16384];
    size_t n;
};

static void collect(void *to, struct slice s)
{
    struct line *l = to;

    assert_true(l->n + s.n < sizeof l->text);
    memcpy(l->text + l->n, s.p, s.n);
    l->n += s.n;
    l->text[l->n] = '\0';
}

static const struct mail_settings settings = {.rcpt_count = 3};

static void content_of(struct mail_content *c)
{
    static char sender[] = "<a\"b@example.com>";
    static char rcpt[] = "to@example.com";

    memset(c, 0, sizeof *c);
    c->settings = &settings;
    c->sender = sender;
    c->rcpt = rcpt;
    c->rcpt_length = strlen(c->rcpt);
}

/* A row with its texts behind it. */
static union {
    struct transaction_row row;
    char octets[4096];
} all;

static void make_row(const char *text, size_t n)
{
    memset(&all, 0, sizeof all);
    all.row = (struct transaction_row){
        .intended = 2 * NS_PER_S,
        .started = 2 * NS_PER_S + 1500,
        .ended = 3 * NS_PER_S + 999,
        .wait = {5, NS_NEVER, 7, NS_NEVER},
        .message = {.connection = 4, .number = 9},
        .session = 2,
        .reply = {.code = 250, .text_length = (uint16_t)n, .known = true},
        .rcpt = {2, 1},
        .outcome = OUTCOME_ACCEPTED,
        .phase = PHASE_END_OF_DATA,
    };
    memcpy(all.octets + sizeof all.row, text, n);
}

static const char *written(struct line *l)
{
    static struct mail_content content;
    char path[100];
    struct row_writer w = {.put = collect,
                           .to = l,
                           .content = &content,
                           .path = path,
                           .path_max = sizeof path,
                           .content_bytes = 77,
                           .wall = UINT64_C(1700000000) * NS_PER_S,
                           .second = UINT64_MAX};

    content_of(&content);
    l->n = 0;
    row_write(&w, &all.row, 3);
    return l->text;
}

static void a_row(void **state)
{
    struct line l;

    (void)state;
    make_row("Ok: queued as 12AB", 18);
    assert_string_equal(
        written(&l),
        "{\"ended_at\":\"2023-11-14T22:13:23.000000Z\",\"started_at\":\"2023-11-14T22:13:22."
        "000001Z\""
        ",\"intended_at\":\"2023-11-14T22:13:22.000000Z\",\"worker\":3,\"session\":2,"
        "\"connection\":4,\"message\":9,\"message_id\":null,\"local\":null,\"remote\":null,"
        "\"sender\":\"a\\\"b@example.com\",\"recipient\":\"3to@example.com\",\"recipients\":3,"
        "\"recipients_accepted\":2,\"recipients_refused\":1,\"content_bytes\":77,"
        "\"outcome\":\"accepted\",\"phase\":\"end-of-data\",\"cause\":null,\"code\":250,"
        "\"enhanced\":null,\"text\":\"Ok: queued as 12AB\",\"queue_id\":\"12AB\","
        "\"response_ns\":1000000999,\"service_ns\":999999499,\"mail_ns\":5,\"rcpt_ns\":null,"
        "\"data_ns\":7,\"end_of_data_ns\":null,\"warmup\":false}\n");
}

static void a_missed_one(void **state)
{
    struct line l;

    (void)state;
    make_row("", 0);
    all.row.started = NS_NEVER;
    all.row.session = all.row.message.connection = 0;
    all.row.reply.known = false;
    all.row.outcome = OUTCOME_MISSED;
    all.row.phase = PHASE_COUNT;
    assert_non_null(strstr(written(&l), ",\"started_at\":null,"));
    assert_non_null(strstr(l.text, ",\"session\":null,\"connection\":null,"));
    assert_non_null(strstr(l.text, ",\"outcome\":\"missed\",\"phase\":null,\"cause\":null,"
                                   "\"code\":null,\"enhanced\":null,\"text\":null,"
                                   "\"queue_id\":null,"));
    assert_non_null(strstr(l.text, ",\"service_ns\":null,"));
}

/* Whatever octets a server sends, the line is one line of JSON. */
static void hostile(void **state)
{
    char text[ROW_TEXT_MAX];
    struct line l;
    int quotes = 0;

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    make_row(text, sizeof text);
    (void)written(&l);
    assert_ptr_equal(memchr(l.text, '\n', l.n), l.text + l.n - 1);
    for (size_t i = 0; i + 1 < l.n; i++) {
        assert_true((unsigned char)l.text[i] >= ' ');
        if (l.text[i] == '\\')
            i++;
        else
            quotes += l.text[i] == '"';
    }
    assert_int_equal(quotes % 2, 0);
    make_row("5.1.1 caf\xc3", 10);
    all.row.reply.code = 550;
    all.row.reply.enhanced_length = 5;
    all.row.outcome = OUTCOME_REFUSED;
    assert_non_null(strstr(written(&l), ",\"code\":550,\"enhanced\":\"5.1.1\","
                                        "\"text\":\"5.1.1 caf\xef\xbf\xbd\",\"queue_id\":null,"));
}

static void verdicts(void **state)
{
    struct row_verdict v = {.index = 1, .code = 550, .text_length = 2, .phase = PHASE_RCPT};
    char *at = all.octets + sizeof all.row;
    struct line l;

    (void)state;
    make_row("", 0);
    memcpy(at, &v, sizeof v);
    memcpy(at + sizeof v, "no", 2);
    at += sizeof v + ROW_ALIGNED(2);
    v.index = 2;
    v.code = 250;
    v.text_length = 0;
    v.phase = PHASE_END_OF_DATA;
    memcpy(at, &v, sizeof v);
    all.row.verdict_octets = (uint32_t)(2 * sizeof v + ROW_ALIGNED(2));
    all.row.verdicts_cut = 4;
    assert_non_null(strstr(
        written(&l), ",\"verdicts\":[{\"recipient\":\"2to@example.com\",\"outcome\":\"refused\","
                     "\"phase\":\"rcpt\",\"code\":550,\"enhanced\":null,\"text\":\"no\","
                     "\"queue_id\":null},{\"recipient\":\"to@example.com\","
                     "\"outcome\":\"accepted\",\"phase\":\"end-of-data\",\"code\":250,"
                     "\"enhanced\":null,\"text\":\"\",\"queue_id\":null}],\"verdicts_cut\":4}\n"));
}

static void causes(void **state)
{
    static const struct {
        uint8_t end;
        const char *name;
    } rows[] = {{CLIENT_END_LOST, "lost"},
                {CLIENT_END_NO_OFFER, "no-offer"},
                {CLIENT_END_COUNT, "connect"}};
    struct line l;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[40];

        make_row("", 0);
        all.row.outcome = OUTCOME_FAILED;
        all.row.end = rows[i].end;
        (void)snprintf(want, sizeof want, ",\"cause\":\"%s\",", rows[i].name);
        assert_non_null(strstr(written(&l), want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_ids), cmocka_unit_test(a_row),    cmocka_unit_test(a_missed_one),
        cmocka_unit_test(hostile),   cmocka_unit_test(verdicts), cmocka_unit_test(causes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
