/*
 * Keys from a terminal, and leaving it as it was whatever happens. What signal handlers do here is
 * on the list of signal-safety(7): tcgetpgrp, getpgrp, tcsetattr, kill, raise.
 */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "diag.h"

static struct termios saved, keys;     /* set once, before the handlers are */
static volatile sig_atomic_t open_now; /* keys are wanted */
static volatile sig_atomic_t taken;    /* and the terminal is set so */
static bool handled;                   /* the handlers are there */

static bool in_foreground(int fd)
{
    return tcgetpgrp(fd) == getpgrp();
}

bool terminal_can_show(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

bool terminal_is_ours(void)
{
    pid_t owner = tcgetpgrp(STDERR_FILENO);

    return owner < 0 || owner == getpgrp(); /* not our controlling terminal: nobody's business */
}

/* setlocale() would find the same, and change how numbers are written. */
static bool is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *value = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names && !(value && *value); i++)
        value = getenv(names[i]);
    return value && (strcasestr(value, "utf-8") || strcasestr(value, "utf8"));
}

struct view_style terminal_style(void)
{
    const char *no_color = getenv("NO_COLOR");
    struct view_style s = {.utf8 = is_utf8(), .colour = !no_color || !*no_color};

    if (!diag_terminal_size(&s.width, &s.height))
        s.width = s.height = 0;
    return s;
}

static void put_back(void)
{
    if (taken && in_foreground(STDIN_FILENO))
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    taken = 0;
}

static void take(void)
{
    if (open_now && !taken && in_foreground(STDIN_FILENO))
        taken = tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
}

/* ^Z. SIGSTOP is what the default would come to, and needs no disposition changed. */
static void on_stop(int number)
{
    int error = errno;

    (void)number;
    put_back();
    diag_live_forget();
    (void)kill(getpid(), SIGSTOP);
    errno = error;
}

static void on_continue(int number)
{
    int error = errno;

    (void)number;
    diag_live_forget();
    take();
    errno = error;
}

/* The disposition is the default again (SA_RESETHAND), and acts when the handler returns. */
static void on_death(int number)
{
    put_back();
    (void)raise(number);
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct sigaction before;

    (void)sigemptyset(&action.sa_mask);
    /* What somebody ignores (nohup) or handles (a sanitizer) remains so. */
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
        (void)sigaction(number, &action, NULL);
}

static void handle_all(void)
{
    static const int deadly[] = {SIGHUP,    SIGQUIT, SIGABRT, SIGSEGV, SIGBUS,
                                 SIGILL,    SIGFPE,  SIGTRAP, SIGSYS,  SIGALRM,
                                 SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2, SIGXCPU};

    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        handle(deadly[i], on_death, (int)SA_RESETHAND);
    handle(SIGTSTP, on_stop, SA_RESTART);
    handle(SIGCONT, on_continue, SA_RESTART);
    (void)atexit(terminal_close);
}

bool terminal_open(void)
{
    if (open_now || !isatty(STDIN_FILENO) || !in_foreground(STDIN_FILENO) ||
        tcgetattr(STDIN_FILENO, &saved) < 0)
        return open_now;
    keys = saved;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    open_now = 1;
    if (!handled)
        handle_all();
    handled = true;
    take();
    return true;
}

void terminal_close(void)
{
    put_back();
    open_now = 0;
}

int terminal_fd(void)
{
    take(); /* from the background into the foreground there need not be a signal */
    return taken && in_foreground(STDIN_FILENO) ? STDIN_FILENO : -1;
}

int terminal_key(void)
{
    struct pollfd p = {.fd = terminal_fd(), .events = POLLIN};
    unsigned char key = 0;

    if (p.fd < 0 || poll(&p, 1, 0) <= 0)
        return 0;
    if (read(p.fd, &key, 1) == 1)
        return key;
    if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
        open_now = taken = 0; /* it is gone, and would be readable for ever */
    return 0;
}
