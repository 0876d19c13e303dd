/*
 * Transcript files (README.md): what a server and a client say to each other, and what has to come
 * of it. Parsing only; play.c runs them.
 */
#ifndef WIRE_SCRIPT_H
#define WIRE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "client.h"

#define SCRIPT_WINDOWS_MAX 8

enum script_kind {
    SCRIPT_SERVER, /* octets that the server sends */
    SCRIPT_CLIENT, /* octets that the client has to send */
    SCRIPT_CLOSE,
    SCRIPT_ABORT,
    SCRIPT_TICK,     /* time goes by: value ns */
    SCRIPT_DEADLINE, /* has to be value ns from now, or NS_NEVER */
    SCRIPT_HOLD,     /* from here on no message is submitted, and no word to quit is given */
    SCRIPT_FEED,     /* again */
    SCRIPT_STALL,    /* from here on what is lent is not retired */
    SCRIPT_FLOW,     /* again, after retiring all */
    SCRIPT_SECURE,   /* the client wants TLS, and has it now */
    SCRIPT_INSECURE, /* TLS fails */
    SCRIPT_SENT,     /* retires value octets */
    SCRIPT_WAIT      /* ends a segment */
};

struct script_item {
    enum script_kind kind;
    int line;
    size_t at; /* of SERVER and CLIENT octets in the script's server and client */
    size_t n;
    uint64_t value;
};

struct script_message {
    char *sender;
    char **rcpt;
    uint32_t rcpt_count;
    struct buffer body; /* lines with CRLF */
    bool empty;
};

/* A transcript at one window. */
struct script {
    const char *title;
    struct client_config config;
    uint64_t windows[SCRIPT_WINDOWS_MAX];
    size_t window_count;
    bool keep;       /* all messages over the one connection; else only the first, then QUIT */
    bool ahead;      /* above window 1 the client may be ahead of the lines */
    bool whole;      /* what is in one segment stays in one */
    bool part_lines; /* each body line is a part of the content */
    int iov;         /* slices a send; 0: the player's choice */

    struct script_message *messages;
    size_t message_count;
    struct script_item *items;
    size_t item_count;
    struct buffer server, client; /* all octets of either side */
    struct buffer expected;       /* events, a line each */
    char *replies;                /* phases of all replies; NULL: not told */
    char *times;                  /* of all replies, likewise: seconds since the command */
    char *helo;
    char **options; /* what config's texts are borrowed from */
    size_t option_count;
    struct buffer answers; /* to CLIENT_AUTH, a line each */
};

struct script_file;

/* NULL when it cannot be read, told on stderr. */
struct script_file *script_open(const char *path);
void script_close(struct script_file *);
size_t script_count(const struct script_file *);
const char *script_title(const struct script_file *, size_t i);

/* Transcript number i at a window; 0 takes the first one listed. NULL after a syntax error, told.
 */
struct script *script_parse(const struct script_file *, size_t i, uint64_t window);
void script_free(struct script *);

#endif
