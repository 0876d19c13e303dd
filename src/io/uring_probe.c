/*
 * Whether io_uring works here, by trying what the driver relies on: kernels lack it, administrators
 * switch it off, containers filter its system calls, and a version number tells of none of these.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "diag.h"
#include "uring.h"
#include "uring_impl.h"

enum { MUCH = 1024 * 1024 }; /* more than a UNIX socket's buffer takes */

static const struct ur_measures small = {.entries = 8, .completions = 64, .buffers = 4, .size = 64};

/* The result of the next completion of a kind; *flags are its own. -EBADE: there is none. */
static int next_result(struct ur *ur, enum ur_kind kind, unsigned *flags)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned seen = 0;
    int result = -EBADE;

    if (ur_enter(ur, UR_LOOK, NULL) < 0)
        return -EBADE;
    io_uring_for_each_cqe(&ur->ring, head, cqe)
    {
        seen++;
        if (cqe->user_data % UR_KINDS != kind)
            continue;
        result = cqe->res;
        *flags = cqe->flags;
        break;
    }
    io_uring_cq_advance(&ur->ring, seen);
    return result;
}

static void receive(struct ur *ur, int fd)
{
    struct io_uring_sqe *sqe = ur_sqe(ur);

    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    ur_name(sqe, NULL, UR_RECEIVE);
}

/* Octets into a provided buffer, the receive staying armed, and ending when it is cancelled. */
static const char *try_receiving(struct ur *ur, const int *pair)
{
    unsigned flags = 0;
    int n;

    receive(ur, pair[0]);
    if (next_result(ur, UR_RECEIVE, &flags) != -EBADE || send(pair[1], "abc", 3, MSG_NOSIGNAL) != 3)
        return "multishot receive";
    n = next_result(ur, UR_RECEIVE, &flags);
    if (n != 3 || !(flags & IORING_CQE_F_MORE) || !(flags & IORING_CQE_F_BUFFER) ||
        memcmp(ur_buffer(ur, flags >> IORING_CQE_BUFFER_SHIFT), "abc", 3) != 0)
        return "multishot receive";
    ur_cancel(ur, NULL, UR_RECEIVE);
    n = next_result(ur, UR_RECEIVE, &flags);
    return n == -ECANCELED && !(flags & IORING_CQE_F_MORE) ? NULL : "cancelling a receive";
}

/* A send that fits is told by no completion, one that does not is. */
static const char *try_sending(struct ur *ur, const int *pair)
{
    static const char octets[MUCH];
    unsigned flags = 0;

    for (int i = 0; i < 2; i++) {
        struct io_uring_sqe *sqe = ur_sqe(ur);
        int n;

        io_uring_prep_send(sqe, pair[0], octets, i ? MUCH : 1, UR_SEND_FLAGS);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        ur_name(sqe, NULL, UR_SEND);
        n = next_result(ur, UR_SEND, &flags);
        if (i == 0 ? n != -EBADE : n <= 0 || n >= MUCH)
            return "sends that complete silently";
    }
    return NULL;
}

static const char *try_all(struct ur *ur, const int *pair)
{
    static const uint8_t wanted[] = {IORING_OP_ACCEPT,   IORING_OP_CONNECT, IORING_OP_CLOSE,
                                     IORING_OP_POLL_ADD, IORING_OP_SENDMSG, IORING_OP_ASYNC_CANCEL};
    struct io_uring_probe *p = io_uring_get_probe_ring(&ur->ring);
    const char *missing = p ? NULL : "asking for what it can do";

    for (size_t i = 0; p && i < sizeof wanted; i++) {
        if (!io_uring_opcode_supported(p, wanted[i]))
            missing = "an operation on sockets";
    }
    io_uring_free_probe(p);
    if (missing)
        return missing;
    missing = try_receiving(ur, pair);
    return missing ? missing : try_sending(ur, pair);
}

int io_uring_driver_probe(struct diag *d)
{
    struct io *io = ur_new(&small, d);
    const char *missing;
    int pair[2];
    int error = 0;

    if (!io)
        return -ENOSYS;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        error = diag_set(d, -errno, "cannot try io_uring: %s", strerror(errno));
    } else {
        missing = try_all(ur_of(io), pair);
        if (missing)
            error = diag_set(d, -EOPNOTSUPP, "this kernel's io_uring lacks %s", missing);
        (void)close(pair[0]);
        (void)close(pair[1]);
    }
    ur_free(io);
    return error;
}

/* ---- Lost ends ---- */

static int tcp_pair(int *pair)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *sa = (struct sockaddr *)&a;
    socklen_t length = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pair[1] = -1;
    if (listener >= 0 && pair[0] >= 0 && bind(listener, sa, length) == 0 &&
        listen(listener, 1) == 0 && getsockname(listener, sa, &length) == 0 &&
        connect(pair[0], sa, length) == 0)
        pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (listener >= 0)
        (void)close(listener);
    return pair[1] < 0 ? -1 : 0;
}

/* Octets and a reset come at once: whether the reset is told, too. */
static bool end_is_told(struct ur *ur, int *pair)
{
    unsigned flags = IORING_CQE_F_MORE;
    int n;

    receive(ur, pair[0]);
    if (next_result(ur, UR_RECEIVE, &flags) != -EBADE || send(pair[0], "x", 1, MSG_NOSIGNAL) != 1 ||
        send(pair[1], "x", 1, MSG_NOSIGNAL) != 1)
        return false;
    (void)close(pair[1]); /* with an octet unread: a reset */
    pair[1] = -1;
    n = next_result(ur, UR_RECEIVE, &flags);
    while (n > 0 && flags & IORING_CQE_F_MORE)
        n = next_result(ur, UR_RECEIVE, &flags);
    return n <= 0 && n != -EBADE;
}

/*
 * Linux since 6.4 trusts the count of octets that are left after a receive, which does not tell of
 * a reset, nor, on UNIX sockets since 6.17, of any end; unless a later kernel has mended it. What
 * can't be tried counts as lost.
 */
bool ur_ends_get_lost(void)
{
    struct diag d;
    struct io *io = ur_new(&small, &d);
    bool told = io;

    for (int tcp = 0; told && tcp < 2; tcp++) {
        int pair[2] = {-1, -1};

        if ((tcp ? tcp_pair(pair) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) < 0)
            told = false;
        else
            told = end_is_told(ur_of(io), pair);
        for (int i = 0; i < 2; i++) {
            if (pair[i] >= 0)
                (void)close(pair[i]);
        }
    }
    if (io)
        ur_free(io);
    return !told;
}
