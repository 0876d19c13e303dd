/*
 * Groups of listening sockets.
 */
#include "reuseport.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"

static int bind_beside(int fd, const struct address *a)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        return -errno;
    if (a->sa.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        return -errno;
    return bind(fd, &a->sa, a->length) < 0 ? -errno : 0;
}

int reuseport_join(int fd, int backlog, struct diag *d)
{
    struct address a;
    char text[160];
    int on = 1;
    int rc = address_bound(fd, &a);
    int other = -1;

    if (rc == 0 && a.sa.sa_family == AF_UNIX) {
        other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        rc = other < 0 ? -errno : 0;
    } else if (rc == 0) {
        other = socket(a.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (other < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
            rc = -errno;
        if (rc == 0)
            rc = bind_beside(other, &a);
        if (rc == 0 && listen(other, backlog) < 0)
            rc = -errno;
    }
    if (rc == 0)
        return other;
    if (other >= 0)
        (void)close(other);
    return diag_set(d, rc, "cannot listen on %s with several threads: %s",
                    address_text(&a, text, sizeof text), strerror(-rc));
}

int reuseport_steer(int fd, const int *cpus, size_t count)
{
    struct sock_filter *code = malloc((2 * count + 3) * sizeof *code);
    struct sock_fprog program = {.filter = code};
    int rc = 0;

    if (!code)
        return -ENOMEM;
    code[program.len++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_CPU);
    for (size_t i = 0; i < count; i++) {
        code[program.len++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)cpus[i], 0, 1);
        code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (uint32_t)i);
    }
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, (uint32_t)count);
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) < 0)
        rc = -errno;
    free(code);
    return rc;
}
