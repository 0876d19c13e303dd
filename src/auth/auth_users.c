/*
 * Files of users, and where a single password comes from.
 */
#include "auth_users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* A file of users may be this large. */
#define FILE_MAX (UINT64_C(1) << 30)

void auth_wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static int by_name(const void *a, const void *b)
{
    const struct auth_user *const *x = a, *const *y = b;
    int rc = strcmp((*x)->name, (*y)->name);

    return rc ? rc : (*x > *y) - (*x < *y);
}

static int sort(struct auth_users *u)
{
    u->sorted = calloc(u->count, sizeof(*u->sorted));
    if (!u->sorted)
        return -ENOMEM;
    for (size_t i = 0; i < u->count; i++)
        u->sorted[i] = &u->rows[i];
    qsort(u->sorted, u->count, sizeof(*u->sorted), by_name);
    return 0;
}

const struct auth_user *auth_users_find(const struct auth_users *u, struct slice name)
{
    size_t low = 0, high = u->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *at = u->sorted[middle]->name;
        size_t n = strlen(at);
        int rc = memcmp(at, name.p, n < name.n ? n : name.n);

        if (rc < 0 || (rc == 0 && n < name.n))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == u->count || strlen(u->sorted[low]->name) != name.n ||
        memcmp(u->sorted[low]->name, name.p, name.n) != 0)
        return NULL;
    return u->sorted[low];
}

/* All of a file with a NUL behind it; NULL with diag set. */
static char *read_file(const char *path, size_t *size, struct diag *d)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t room = 4096, n = 0;
    char *text = NULL, *grown;
    ssize_t got = 1;

    while (fd >= 0 && got > 0 && n < FILE_MAX) {
        room = n + 1 < room && text ? room : room * 2;
        grown = realloc(text, room);
        if (!grown) {
            got = -1;
            errno = ENOMEM;
            break;
        }
        text = grown;
        got = read(fd, text + n, room - n - 1);
        n += got > 0 ? (size_t)got : 0;
    }
    if (fd < 0 || got < 0 || n >= FILE_MAX) {
        (void)diag_set(d, -EIO, "%s: %s", path, n >= FILE_MAX ? "is too large" : strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        free(text);
        return NULL;
    }
    (void)close(fd);
    text[n] = '\0';
    *size = n;
    return text;
}

/* What is wrong with a line that is to be "user:secret"; NULL if nothing, and then it is cut. */
static const char *cut_line(char *line, size_t n, struct auth_user *u)
{
    char *at;

    if (strlen(line) != n)
        return "has a NUL in it";
    at = strpbrk(line, "\t:");
    if (!at)
        return "has no password (takes USER:PASSWORD, or a tab between them)";
    *at = '\0';
    *u = (struct auth_user){.name = line, .secret = at + 1};
    if (!*u->name)
        return "has no user name";
    if (!*u->secret)
        return "has an empty password";
    if (strlen(u->name) > AUTH_NAME_MAX)
        return "has too long a user name";
    if (strlen(u->secret) > AUTH_SECRET_MAX)
        return "has too long a password";
    return NULL;
}

static int add(struct auth_users *u, size_t *room, const struct auth_user *row)
{
    if (u->count == *room) {
        size_t more = *room ? 2 * *room : 64;
        struct auth_user *grown = reallocarray(u->rows, more, sizeof *grown);

        if (!grown)
            return -ENOMEM;
        u->rows = grown;
        *room = more;
    }
    u->rows[u->count++] = *row;
    return 0;
}

int auth_users_load(struct auth_users *u, const char *path, struct diag *d)
{
    size_t size = 0, room = 0;
    unsigned number = 0;
    char *line, *end;

    *u = (struct auth_users){.text = read_file(path, &size, d)};
    if (!u->text)
        return -EIO;
    end = u->text + size;
    for (line = u->text; line < end;) {
        char *lf = memchr(line, '\n', (size_t)(end - line));
        char *next = lf ? lf + 1 : end;
        size_t n = (size_t)((lf ? lf : end) - line);
        struct auth_user row;
        const char *fault;

        number++;
        n -= n > 0 && line[n - 1] == '\r';
        line[n] = '\0';
        if (n > 0 && *line != '#') {
            fault = cut_line(line, n, &row);
            row.line = number;
            if (!fault && add(u, &room, &row) < 0)
                fault = "finds no memory";
            if (fault) {
                auth_users_done(u);
                return diag_set(d, -EINVAL, "%s: line %u %s", path, number, fault);
            }
        }
        line = next;
    }
    if (u->count > 0 && sort(u) == 0)
        return 0;
    number = u->count > 0;
    auth_users_done(u);
    return diag_set(d, -EINVAL, "%s: %s", path, number ? "out of memory" : "has no users");
}

int auth_users_unique(const struct auth_users *u, const char *path, struct diag *d)
{
    for (size_t i = 1; i < u->count; i++) {
        const struct auth_user *first = u->sorted[i - 1], *again = u->sorted[i];

        if (strcmp(first->name, again->name) == 0)
            return diag_set(d, -EINVAL, "%s: line %u names %.40s again, after line %u", path,
                            again->line, again->name, first->line);
    }
    return 0;
}

int auth_users_one(struct auth_users *u, const char *name, const char *secret, struct diag *d)
{
    size_t n = strlen(name) + 1, m = strlen(secret) + 1;

    if (n == 1 || n - 1 > AUTH_NAME_MAX)
        return diag_set(d, -EINVAL, "bad user name: %.40s (at most %d octets)",
                        n == 1 ? "empty" : name, AUTH_NAME_MAX);
    if (m - 1 > AUTH_SECRET_MAX)
        return diag_set(d, -EINVAL, "the password of %s is too long: at most %d octets", name,
                        AUTH_SECRET_MAX);
    *u = (struct auth_users){.text = malloc(n + m), .rows = malloc(sizeof *u->rows), .count = 1};
    if (u->text && u->rows) {
        memcpy(u->text, name, n);
        memcpy(u->text + n, secret, m);
        *u->rows = (struct auth_user){.name = u->text, .secret = u->text + n};
        if (sort(u) == 0)
            return 0;
    }
    auth_users_done(u);
    return diag_set(d, -ENOMEM, "out of memory");
}

void auth_users_done(struct auth_users *u)
{
    for (size_t i = 0; i < u->count && u->text && u->rows; i++)
        explicit_bzero((char *)(uintptr_t)u->rows[i].secret, strlen(u->rows[i].secret));
    free(u->text);
    free(u->rows);
    free(u->sorted);
    *u = (struct auth_users){0};
}

/* What is typed is not shown; a signal meanwhile ends the program as usual. */
static char *ask(const char *user, struct diag *d)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before, quiet;
    char line[AUTH_SECRET_MAX + 2];
    char *out;
    ssize_t n;

    if (fd < 0 || tcgetattr(fd, &before) < 0) {
        if (fd >= 0)
            (void)close(fd);
        return NULL;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ECHONL;
    (void)dprintf(fd, "Password of %s: ", user);
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    n = read(fd, line, sizeof line - 1);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)close(fd);
    if (n < 0)
        n = 0;
    n -= n > 0 && line[n - 1] == '\n';
    line[n] = '\0';
    out = strdup(line);
    explicit_bzero(line, sizeof line);
    if (!out)
        (void)diag_set(d, -ENOMEM, "out of memory");
    return out;
}

char *auth_password(const char *path, const char *variable, const char *user, struct diag *d)
{
    const char *given = getenv(variable);
    char *text;
    size_t n, size;
    bool cut;

    (void)diag_set(d, -EINVAL,
                   "no password for %s: use --auth-password-file, or the environment variable %s",
                   user, variable);
    if (!path && given)
        return strdup(given);
    if (!path)
        return ask(user, d);
    text = read_file(path, &n, d);
    if (!text)
        return NULL;
    size = n;
    n = strcspn(text, "\r\n");
    cut = n < size && !text[n];
    if (n > 0 && !cut) {
        explicit_bzero(text + n, size - n);
        return text;
    }
    (void)diag_set(d, -EINVAL, "%s: the first line, the password, %s", path,
                   cut ? "has a NUL in it" : "is empty");
    explicit_bzero(text, size);
    free(text);
    return NULL;
}
