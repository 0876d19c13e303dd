/*
 * The client machine before a server of any octets: the account holds, nothing is lent beyond what
 * there is. Seven octets choose the session; of the others, those below 128 are the server's, the
 * rest say how much of a send is done.
 */
#include "owner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t xclient(const struct client *c, char out[CLIENT_XCLIENT_MAX])
{
    (void)c;
    memset(out, 'x', CLIENT_XCLIENT_MAX);
    return CLIENT_XCLIENT_MAX;
}

static void choose(struct owner *o, struct client_config *cf, const uint8_t *data)
{
    *cf = (struct client_config){
        .helo_name = "me",
        .lmtp = data[0] & 1,
        .no_hello = data[0] & 2,
        .tolerant = data[0] & 4,
        .want = {data[1] % 3, data[2] % 3, [EXT_AUTH] = data[2] / 3 % 3},
        .window = 1 + data[3] % 24u,
        .chunk_size = data[4] % 12u,
        .in_flight = data[5] % 5u,
        .no_quit = data[0] & 8,
    };
    /* Whatever may be asked for; TLS has a target of its own. */
    for (int i = EXT_SIZE; i < EXT_COUNT; i++) {
        const char *text = data[0] & 16 ? "never" : "";

        if (i != EXT_STARTTLS)
            cf->want[i] = data[6] >> 2 >> i % 6 & 1 ? EXT_IF_OFFERED : EXT_NO;
        cf->own[i] = (struct ext_own){.flag = data[0] & 32, .text = {text, text}};
    }
    cf->mail_params = cf->rcpt_params = data[0] & 64 ? "X=1" : NULL;
    cf->xclient = xclient;
    client_timeout_same(cf, 10);
    for (int i = 0; i < 2; i++)
        o->forms[i] = (struct client_form){
            .sender = SLICE("<s@d>"),
            .rcpt_count = 1 + data[6] % 4u,
            .stuffed = {stuffed, i ? 4 : 0, i ? 12 : 0},
            .plain = {plain, i ? 4 : 0, i ? 11 : 0},
            .rcpt = rcpt,
            .own = i ? own : NULL,
        };
    for (int i = 0; i < MAILS; i++)
        o->mails[i].form = &o->forms[i % 2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct owner o = {0};
    struct client_config cf;

    if (size < 7)
        return 0;
    choose(&o, &cf, data);
    o.c = calloc(1, client_size(&cf));
    check(o.c != NULL);
    (void)client_init(o.c, &cf);
    client_start(o.c, 0);
    client_submit(o.c, &o.mails[o.given++]);
    for (size_t i = 7, n; i < size; i += n) {
        struct slice in = {(const char *)data + i, 0};

        while (i + in.n < size && data[i + in.n] < 128)
            in.n++;
        n = in.n ? in.n : 1;
        if (in.n == 0)
            send_some(&o, data[i] & 63 ? data[i] & 63 : UINT64_MAX, data[i] & 64 ? 32 : 4);
        while (in.n) {
            size_t used = client_recv(o.c, in, 1);

            check(used > 0 && used <= in.n);
            in = slice_from(in, used);
            pull(&o);
        }
    }
    if (data[0] & 8)
        client_tick(o.c, 11);
    client_eof(o.c);
    pull(&o);
    check(o.lent == ENDED && o.ended == o.given && client_deadline(o.c) == UINT64_MAX);
    client_done(o.c);
    free(o.c);
    return 0;
}
