/*
 * Runs transcript files against the client machine: every transcript at each of its windows, whole,
 * octet by octet, split at random, with late completions, and after a session cut short.
 */
#include <dirent.h>
#include <getopt.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "play.h"

/* Of a transcript's process; no sanitizer uses them. */
#define EXIT_PASSED 40
#define EXIT_FAILED 41

/* Server octets; a longer script is played once in each mode. */
#define LONG_SCRIPT 50000

struct runner {
    unsigned long rounds; /* of each random mode */
    unsigned long seed;
    unsigned seconds; /* for each transcript */
    bool verbose;
    bool together; /* in this process: for debuggers and leak checkers */
    size_t passed, failed;
    int errors; /* files that could not be read */
};

/* All modes at one window; false at the first that fails, told. */
static bool play_modes(const struct runner *r, const char *path, const struct script *s)
{
    struct buffer why = {0};
    bool ok = true;

    for (int mode = 0; mode < PLAY_MODE_COUNT && ok; mode++) {
        unsigned long rounds = mode < PLAY_RANDOM || s->server.n > LONG_SCRIPT ? 1 : r->rounds;

        for (unsigned long i = 0; i < rounds && ok; i++) {
            ok = play(s, (enum play_mode)mode, r->seed + i, &why) == 0;
            if (!ok)
                printf("FAIL %s: %s (window %llu, %s, seed %lu): %s", path, s->title,
                       (unsigned long long)s->config.window, play_mode_name((enum play_mode)mode),
                       r->seed + i, why.p);
        }
    }
    buffer_free(&why);
    return ok;
}

static bool play_windows(const struct runner *r, const char *path, const struct script_file *f,
                         size_t i)
{
    struct script *all = script_parse(f, i, 0);
    bool ok = all != NULL;

    for (size_t w = 0; ok && w < all->window_count; w++) {
        struct script *s = script_parse(f, i, all->windows[w]);

        ok = s && play_modes(r, path, s);
        script_free(s);
    }
    if (ok && r->verbose)
        printf("ok   %s: %s\n", path, all->title);
    script_free(all);
    return ok;
}

/* In a process of its own, so that one that crashes or hangs fails alone. */
static bool play_apart(const struct runner *r, const char *path, const struct script_file *f,
                       size_t i)
{
    int status = -1;
    pid_t child;

    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        (void)alarm(r->seconds);
        bool ok = play_windows(r, path, f, i);
        (void)fflush(stdout);
        _exit(ok ? EXIT_PASSED : EXIT_FAILED);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        (WEXITSTATUS(status) != EXIT_PASSED && WEXITSTATUS(status) != EXIT_FAILED))
        printf("FAIL %s: %s: died (%s %d)\n", path, script_title(f, i),
               WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PASSED;
}

static void transcript(struct runner *r, const char *path, const struct script_file *f, size_t i)
{
    if (r->together ? play_windows(r, path, f, i) : play_apart(r, path, f, i))
        r->passed++;
    else
        r->failed++;
}

static void run_file(struct runner *r, const char *path)
{
    struct script_file *f = script_open(path);

    if (!f) {
        r->errors++;
        return;
    }
    if (script_count(f) == 0)
        r->errors++;
    for (size_t i = 0; i < script_count(f); i++)
        transcript(r, path, f, i);
    script_close(f);
}

static int is_transcript(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 2 && strcmp(e->d_name + n - 2, ".t") == 0;
}

static void run_path(struct runner *r, const char *path)
{
    struct stat st;
    struct dirent **names;
    int count;

    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        run_file(r, path);
        return;
    }
    count = scandir(path, &names, is_transcript, alphasort);
    if (count <= 0) {
        fprintf(stderr, "%s: no transcripts\n", path);
        r->errors++;
    }
    for (int i = 0; i < count; i++) {
        struct buffer name = {0};

        buffer_print(&name, "%s/%s", path, names[i]->d_name);
        run_file(r, name.p);
        buffer_free(&name);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
}

int main(int argc, char **argv)
{
    struct runner r = {.rounds = 6, .seed = 1, .seconds = 300};
    int c;

    while ((c = getopt(argc, argv, "tvn:s:")) != -1) {
        if (c == 'v')
            r.verbose = true;
        else if (c == 't')
            r.together = true;
        else if (c == 'n')
            r.rounds = strtoul(optarg, NULL, 10);
        else if (c == 's')
            r.seed = strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    if (optind == argc) {
        fprintf(stderr, "usage: %s [-tv] [-n ROUNDS] [-s SEED] FILE-OR-DIRECTORY...\n", argv[0]);
        return 2;
    }
    for (int i = optind; i < argc; i++)
        run_path(&r, argv[i]);
    printf("%zu passed, %zu failed\n", r.passed, r.failed);
    return r.failed || r.errors || !r.passed ? 1 : 0;
}
