/*
 * The options that record.
 */
#include "capture.h"

#define AT(field) offsetof(struct capture_config, field)

const struct opt capture_options[] = {
    {.name = "dump-files",
     .letter = 'd',
     .kind = OPT_TEXT,
     .arg = "TEMPLATE",
     .at = AT(dump_files),
     .group = "Recording",
     .help = "dump each message to a file",
     .man = "Dump each mail transaction to a file of its own, whose name is the template expanded "
            "by strftime(3) with eight hexadecimal digits behind it, those of the id in the "
            "Received header. Example: \"%Y%m%d%H/%M.\" becomes \"2006081203/05.809a62e3\". "
            "Missing directories are made. The file is there, and complete, before the message is "
            "answered; transactions that are aborted leave none."},
    {.name = "dump-append",
     .letter = 'D',
     .kind = OPT_TEXT,
     .arg = "TEMPLATE",
     .at = AT(dump_append),
     .group = "Recording",
     .help = "append messages to a dump file",
     .man = "Append mail transactions to a file, whose name is the template expanded by "
            "strftime(3). Each is appended as a whole, under a lock. Missing directories are made. "
            "Not together with -d."},
    {.name = "dump-start",
     .letter = 'S',
     .kind = OPT_TEXT,
     .arg = "STRING",
     .at = AT(dump_start),
     .group = "Recording",
     .help = "text before each dumped message",
     .man = "Text that is put before each message in a dump file. The escapes \\a, \\b, \\f, \\n, "
            "\\r, \\t, \\v, \\ddd (up to three octal digits) and \\\\ are those of C; no newline "
            "is added."},
    {.name = "mbox",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(mbox),
     .file = OPT_WRITES,
     .group = "Recording",
     .help = "append accepted messages to an mbox",
     .man = "Append messages that are accepted to a mailbox file, with Return-Path, Delivered-To "
            "and Received headers, lines that begin with \"From \" quoted by \">\" (the kind "
            "called mboxrd), and the file locked by fcntl(2) meanwhile."},
    {.name = "maildir",
     .kind = OPT_TEXT,
     .arg = "DIRECTORY",
     .at = AT(maildir),
     .group = "Recording",
     .help = "deliver accepted messages to a Maildir",
     .man = "Write messages that are accepted to files of their own in the subdirectory \"new\" of "
            "this directory, with the headers of --mbox. They appear there complete, by a rename "
            "from \"tmp\". Missing directories are made."},
    {.name = "log",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .at = AT(log),
     .file = OPT_WRITES,
     .group = "Recording",
     .help = "one JSON line for each transaction",
     .man =
         "Append a line of JSON to this file for each transaction that ends: time (of MAIL, UTC), "
         "id, client, protocol, helo, sender, recipients with their outcome and code, size, "
         "outcome (accepted, refused, aborted) and code. Octets that are no valid UTF-8 become "
         "U+FFFD. Lines are written within a second."},
    {.name = "fsync",
     .kind = OPT_FLAG,
     .at = AT(fsync),
     .group = "Recording",
     .help = "answer when what is recorded is on disk",
     .man = "Do not answer a message before what is recorded of it is on disk, by fsync(2)."},
};

const size_t capture_option_count = sizeof capture_options / sizeof capture_options[0];
