/*
 * The transcript format: lines to items.
 */
#include "script.h"

#include "num.h"
#include "units.h"

struct section {
    const char *title;
    size_t first, count; /* lines */
};

struct script_file {
    char *path;
    char *text;
    char **lines;
    size_t line_count;
    size_t preamble; /* lines that every section begins with */
    struct section *sections;
    size_t section_count;
};

struct parser {
    const char *path;
    struct script *s;
    uint64_t window;
    size_t first_new; /* the messages that body lines go to */
    uint64_t index;   /* of the repetition under way, from 1 */
    int line;
    bool skip; /* in a when that does not hold */
    bool in_when;
    bool failed;
};

/* Room for one more element, zeroed; memory doubles at each power of two. */
static void *grown(void *p, size_t count, size_t size)
{
    if ((count & (count - 1)) == 0)
        p = realloc(p, (count ? 2 * count : 1) * size);
    if (!p)
        abort();
    memset((char *)p + count * size, 0, size);
    return p;
}

static char *copy(const char *p, size_t n)
{
    char *s = strndup(p, n);

    if (!s)
        abort();
    return s;
}

static void fail(struct parser *p, const char *what)
{
    if (!p->failed)
        fprintf(stderr, "%s:%d: %s\n", p->path, p->line, what);
    p->failed = true;
}

/* One {escape}; returns false for one that is not known. */
static bool escape(struct buffer *out, const char *s, size_t n, uint64_t index)
{
    const char *star = memchr(s, '*', n);
    char number[32];

    if (star && star > s) {
        for (unsigned long k = strtoul(star + 1, NULL, 10); k > 0; k--)
            buffer_add(out, s, (size_t)(star - s));
        return true;
    }
    if (n == 3 && *s == 'x') {
        (void)snprintf(number, sizeof number, "%.2s", s + 1);
        char c = (char)strtoul(number, NULL, 16);
        buffer_add(out, &c, 1);
        return true;
    }
    if (n != 1)
        return false;
    switch (*s) {
    case 'r':
        buffer_add(out, "\r", 1);
        return true;
    case 'n':
        buffer_add(out, "\n", 1);
        return true;
    case '0':
        buffer_add(out, "", 1);
        return true;
    case 'i':
        buffer_print(out, "%llu", (unsigned long long)index);
        return true;
    default:
        return false;
    }
}

/* Text with its escapes resolved, and CRLF unless it ends in {-}. */
static void expand(struct parser *p, struct buffer *out, const char *text, uint64_t index,
                   bool line_end)
{
    while (*text) {
        const char *close = *text == '{' ? strchr(text, '}') : NULL;

        if (!close) {
            buffer_add(out, text++, 1);
            continue;
        }
        if (strcmp(text, "{-}") == 0)
            return;
        if (!escape(out, text + 1, (size_t)(close - text - 1), index))
            fail(p, "unknown escape");
        text = close + 1;
    }
    if (line_end)
        buffer_text(out, "\r\n");
}

static struct script_item *add_item(struct parser *p, enum script_kind kind, uint64_t value)
{
    struct script *s = p->s;

    s->items = grown(s->items, s->item_count, sizeof *s->items);
    s->items[s->item_count] = (struct script_item){.kind = kind, .line = p->line, .value = value};
    return &s->items[s->item_count++];
}

/* "S: text", "S*1000: text", and the same for C. */
static bool said(struct parser *p, const char *line)
{
    enum script_kind kind = *line == 'S' ? SCRIPT_SERVER : SCRIPT_CLIENT;
    struct buffer *to = *line == 'S' ? &p->s->server : &p->s->client;
    unsigned long times = 1;
    char *end;

    if ((*line != 'S' && *line != 'C') || (line[1] != ':' && line[1] != '*'))
        return false;
    end = (char *)(uintptr_t)line + 1;
    if (line[1] == '*')
        times = strtoul(line + 2, &end, 10);
    if (*end++ != ':') {
        fail(p, "a colon is missing");
        return true;
    }
    if (*end == ' ')
        end++;
    for (unsigned long i = 1; i <= times; i++) {
        struct script_item *it = add_item(p, kind, 0);

        it->at = to->n;
        expand(p, to, end, times > 1 ? i : p->index, true);
        it->n = to->n - it->at;
    }
    return true;
}

static void add_rcpt(struct parser *p, struct script_message *m, const char *text, size_t n)
{
    const char *star = memrchr(text, '*', n);
    char *pattern = copy(text, star ? (size_t)(star - text) : n);
    unsigned long times = star ? strtoul(star + 1, NULL, 10) : 1;

    for (unsigned long i = 1; i <= times; i++) {
        struct buffer b = {0};

        expand(p, &b, pattern, i, false);
        m->rcpt = grown(m->rcpt, m->rcpt_count, sizeof *m->rcpt);
        m->rcpt[m->rcpt_count++] = b.p;
    }
    free(pattern);
}

static struct script_message *add_message(struct script *s)
{
    s->messages = grown(s->messages, s->message_count, sizeof *s->messages);
    return &s->messages[s->message_count++];
}

static void message_word(struct parser *p, struct script_message *m, const char *w, size_t n)
{
    struct buffer b = {0};
    char *text = copy(w, n);

    if (strncmp(text, "from=", 5) == 0) {
        expand(p, &b, text + 5, 0, false);
        free(m->sender);
        m->sender = b.p;
    } else if (strncmp(text, "to=", 3) == 0) {
        add_rcpt(p, m, w + 3, n - 3);
    } else if (strcmp(text, "empty") == 0) {
        m->empty = true;
    } else {
        fail(p, "unknown word for a message");
    }
    free(text);
}

/* "message*3 from=<a@b> to=<c@d> to=<r{i}@d>*10 empty" */
static void message(struct parser *p, const char *line)
{
    unsigned long times = line[7] == '*' ? strtoul(line + 8, NULL, 10) : 1;
    struct script *s = p->s;

    p->first_new = s->message_count;
    for (; times > 0; times--) {
        struct script_message *m = add_message(s);
        const char *w = line + strcspn(line, " ");

        while (*(w += strspn(w, " "))) {
            size_t n = strcspn(w, " ");

            message_word(p, m, w, n);
            w += n;
        }
        if (!m->sender)
            m->sender = copy("<a@b>", 5);
        if (!m->rcpt_count)
            add_rcpt(p, m, "<c@d>", 5);
    }
}

static void body_line(struct parser *p, const char *line)
{
    if (p->s->message_count == 0)
        message(p, "message");
    for (size_t i = p->first_new; i < p->s->message_count; i++)
        expand(p, &p->s->messages[i].body, line[1] == ' ' ? line + 2 : line + 1, 0, true);
}

static uint64_t duration(struct parser *p, const char *text)
{
    uint64_t ns = 0;

    if (strcmp(text, "never") == 0)
        return NS_NEVER;
    if (num_duration(text, &ns) < 0)
        fail(p, "bad time");
    return ns;
}

static void windows(struct parser *p, const char *text)
{
    struct script *s = p->s;
    char *end = NULL;

    s->window_count = 0;
    for (unsigned long w; (w = strtoul(text, &end, 10)) > 0 && end != text; text = end)
        if (s->window_count < SCRIPT_WINDOWS_MAX)
            s->windows[s->window_count++] = w;
    if (*end || s->window_count == 0)
        fail(p, "bad windows");
}

/* "when window>1": =, <, > and a number. */
static void when(struct parser *p, const char *text)
{
    unsigned long limit;

    if (strncmp(text, "window", 6) != 0 || !strchr("=<>", text[6]) || p->in_when) {
        fail(p, "bad when");
        return;
    }
    limit = strtoul(text + 7, NULL, 10);
    p->in_when = true;
    p->skip = !(text[6] == '='   ? p->window == limit
                : text[6] == '<' ? p->window < limit
                                 : p->window > limit);
}

/* A word that is an option of a program's command line: --word or --word=rest. */
static bool option_word(struct parser *p, const char *word, const char *rest)
{
    struct opt_table tables[1 + EXT_COUNT] = {{client_options, client_option_count, &p->s->config}};
    struct buffer b = {0};
    struct diag d;
    char name[] = "wire";
    char *argv[] = {name, NULL, NULL};
    bool known = false;
    int operands;

    for (int i = 0; i < EXT_COUNT; i++)
        tables[1 + i] =
            (struct opt_table){ext_rows[i]->options, ext_rows[i]->option_count, &p->s->config};
    for (size_t t = 0; t < 1 + EXT_COUNT; t++)
        for (size_t i = 0; i < tables[t].count; i++)
            known |= strcmp(tables[t].rows[i].name, word) == 0;
    if (!known)
        return false;
    buffer_print(&b, "--%s%s", word, *rest ? "=" : "");
    expand(p, &b, rest, p->index, false);
    buffer_add(&b, "", 0);
    p->s->options = grown(p->s->options, p->s->option_count, sizeof *p->s->options);
    p->s->options[p->s->option_count++] = argv[1] = b.p;
    if (opt_parse(tables, 1 + EXT_COUNT, 2, argv, &operands, &d) < 0)
        fail(p, d.text);
    return true;
}

static bool config_word(struct parser *p, const char *word, const char *rest)
{
    struct script *s = p->s;
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {
        {"lmtp", &s->config.lmtp},
        {"tolerant", &s->config.tolerant},
        {"no-hello", &s->config.no_hello},
        {"no-quit", &s->config.no_quit},
        {"keep", &s->keep},
        {"ahead", &s->ahead},
        {"whole", &s->whole},
        {"parts-lines", &s->part_lines},
    };

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(flags[i].word, word) == 0)
            return *flags[i].flag = true;
    if (strcmp(word, "window") == 0)
        windows(p, rest);
    else if (strcmp(word, "chunk") == 0)
        s->config.chunk_size = strtoull(rest, NULL, 10);
    else if (strcmp(word, "timeout") == 0)
        client_timeout_same(&s->config, duration(p, rest));
    else if (strcmp(word, "timeouts") == 0)
        client_timeout_scaled(&s->config, duration(p, rest));
    else if (strcmp(word, "auth") == 0) {
        s->config.want[EXT_AUTH] = EXT_MUST;
        expand(p, &s->answers, rest, 0, false);
        buffer_text(&s->answers, "\n");
    } else if (strcmp(word, "iov") == 0)
        s->iov = (int)strtol(rest, NULL, 10);
    else if (strcmp(word, "helo") == 0 && *rest) {
        free(s->helo);
        s->config.helo_name = s->helo = copy(rest, strlen(rest));
    } else
        return option_word(p, word, rest);
    return true;
}

static bool action_word(struct parser *p, const char *word, const char *rest)
{
    static const struct {
        const char *word;
        enum script_kind kind;
    } actions[] = {
        {"secure", SCRIPT_SECURE}, {"insecure", SCRIPT_INSECURE}, {"close", SCRIPT_CLOSE},
        {"abort", SCRIPT_ABORT},   {"hold", SCRIPT_HOLD},         {"feed", SCRIPT_FEED},
        {"stall", SCRIPT_STALL},   {"flow", SCRIPT_FLOW},         {"wait", SCRIPT_WAIT},
        {"tick", SCRIPT_TICK},     {"deadline", SCRIPT_DEADLINE}, {"sent", SCRIPT_SENT},
    };

    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        uint64_t value = 0;

        if (strcmp(actions[i].word, word) != 0)
            continue;
        if (actions[i].kind == SCRIPT_SENT)
            value = strtoull(rest, NULL, 10);
        else if (actions[i].kind == SCRIPT_TICK || actions[i].kind == SCRIPT_DEADLINE)
            value = duration(p, rest);
        (void)add_item(p, actions[i].kind, value);
        return true;
    }
    return false;
}

static void set_text(char **at, const char *text)
{
    free(*at);
    *at = copy(text, strlen(text));
}

static void line(struct parser *p, const char *text)
{
    char *word = copy(text, strcspn(text, " "));
    const char *rest = text + strlen(word);

    rest += strspn(rest, " ");
    if (strcmp(word, "done") == 0)
        p->skip = p->in_when = false;
    else if (strcmp(word, "when") == 0)
        when(p, rest);
    else if (p->skip || *text == '#' || !*text || said(p, text))
        ;
    else if (*text == '=') {
        expand(p, &p->s->expected, text + 1 + strspn(text + 1, " "), p->index, false);
        buffer_text(&p->s->expected, "\n");
    } else if (*text == '|')
        body_line(p, text);
    else if (strncmp(text, "message", 7) == 0)
        message(p, text);
    else if (strcmp(word, "replies") == 0)
        set_text(&p->s->replies, rest);
    else if (strcmp(word, "times") == 0)
        set_text(&p->s->times, rest);
    else if (!config_word(p, word, rest) && !action_word(p, word, rest))
        fail(p, "unknown line");
    free(word);
}

static void complete(struct script *s)
{
    for (size_t i = 0; i < s->message_count; i++)
        if (!s->messages[i].body.n && !s->messages[i].empty)
            buffer_text(&s->messages[i].body, "Hi.\r\n");
    buffer_add(&s->server, "", 0);
    buffer_add(&s->client, "", 0);
    buffer_add(&s->expected, "", 0);
    buffer_add(&s->answers, "", 0);
}

/* "repeat N", lines, "done": i is the first of these lines. Returns the index of the done. */
static size_t repeat(struct parser *p, const struct script_file *f, size_t i, size_t end)
{
    unsigned long times = strtoul(f->lines[i - 1] + 7, NULL, 10);
    size_t last = i;

    while (last < end && strcmp(f->lines[last], "done") != 0)
        last++;
    if (last == end || times == 0)
        fail(p, "bad repeat");
    for (p->index = 1; p->index <= times && !p->failed; p->index++)
        for (size_t k = i; k < last; k++)
            line(p, f->lines[k]);
    p->index = 0;
    return last;
}

static void run_lines(struct parser *p, const struct script_file *f, size_t i, size_t end)
{
    for (; i < end && !p->failed; i++) {
        p->line = (int)i + 1;
        if (strncmp(f->lines[i], "repeat ", 7) == 0 && !p->skip)
            i = repeat(p, f, i + 1, end);
        else
            line(p, f->lines[i]);
    }
    if (p->in_when)
        fail(p, "a done is missing");
}

/* What --xclient sends; here it is no session's in particular. */
static size_t xclient(const struct client *c, char out[CLIENT_XCLIENT_MAX])
{
    (void)c;
    memcpy(out, "ADDR=192.0.2.1", 14);
    return 14;
}

struct script *script_parse(const struct script_file *f, size_t i, uint64_t window)
{
    struct script *s = calloc(1, sizeof *s);
    struct parser p = {.path = f->path, .s = s, .window = window};

    if (!s)
        abort();
    s->title = f->sections[i].title;
    s->config = (struct client_config){.helo_name = "me", .window = 1, .xclient = xclient};
    client_timeout_same(&s->config, 300 * NS_PER_S);
    s->windows[s->window_count++] = 1;
    run_lines(&p, f, 0, f->preamble);
    run_lines(&p, f, f->sections[i].first, f->sections[i].first + f->sections[i].count);
    if (!p.failed && s->message_count == 0)
        message(&p, "message");
    if (p.failed) {
        script_free(s);
        return NULL;
    }
    complete(s);
    s->config.window = window ? window : s->windows[0];
    return s;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->message_count; i++) {
        struct script_message *m = &s->messages[i];

        for (uint32_t k = 0; k < m->rcpt_count; k++)
            free(m->rcpt[k]);
        free(m->rcpt);
        free(m->sender);
        buffer_free(&m->body);
    }
    free(s->messages);
    free(s->items);
    buffer_free(&s->server);
    buffer_free(&s->client);
    buffer_free(&s->expected);
    free(s->replies);
    free(s->times);
    free(s->helo);
    for (size_t i = 0; i < s->option_count; i++)
        free(s->options[i]);
    free(s->options);
    buffer_free(&s->answers);
    free(s);
}

static char *read_file(const char *path)
{
    struct buffer b = {0};
    char piece[4096];
    FILE *in = fopen(path, "re");
    size_t n;

    if (!in)
        return NULL;
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        buffer_add(&b, piece, n);
    (void)fclose(in);
    buffer_add(&b, "", 0);
    return b.p;
}

static void add_section(struct script_file *f, const char *title, size_t first)
{
    f->sections = grown(f->sections, f->section_count, sizeof *f->sections);
    f->sections[f->section_count++] = (struct section){.title = title, .first = first};
}

struct script_file *script_open(const char *path)
{
    struct script_file *f = calloc(1, sizeof *f);

    if (!f)
        abort();
    f->path = copy(path, strlen(path));
    f->text = read_file(path);
    if (!f->text) {
        perror(path);
        script_close(f);
        return NULL;
    }
    for (char *s = f->text; s && *s;) {
        char *text = strsep(&s, "\n");

        f->lines = grown(f->lines, f->line_count, sizeof *f->lines);
        f->lines[f->line_count++] = text;
        if (strncmp(text, "== ", 3) == 0) {
            if (f->section_count == 0)
                f->preamble = f->line_count - 1;
            add_section(f, text + 3, f->line_count);
        } else if (f->section_count) {
            f->sections[f->section_count - 1].count++;
        }
    }
    if (f->section_count == 0)
        fprintf(stderr, "%s: no transcript: a line such as \"== title\" is missing\n", path);
    return f;
}

void script_close(struct script_file *f)
{
    free(f->sections);
    free(f->lines);
    free(f->text);
    free(f->path);
    free(f);
}

size_t script_count(const struct script_file *f)
{
    return f->section_count;
}

const char *script_title(const struct script_file *f, size_t i)
{
    return f->sections[i].title;
}
