/*
 * A file that is written by whole messages: made anew, or appended to under a lock that holds
 * against other threads and other programs. What can't be written completely is undone.
 */
#ifndef SINK_CAPTURE_FILE_H
#define SINK_CAPTURE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture_decode.h"
#include "diag.h"

struct outfile {
    const char *path; /* borrowed while it is open */
    char *buffer;     /* the owner's */
    size_t size;
    size_t used;
    int fd;         /* -1: not open */
    int error;      /* the first one, -errno */
    bool made;      /* it was not there before */
    bool regular;   /* and no device or pipe, which can't be undone */
    bool exclusive; /* made by outfile_create() */
    uint64_t base;  /* its length before */
};

/* Closed, and empty. */
void outfile_init(struct outfile *, char *buffer, size_t size);

/* Makes a file that must not exist; -EEXIST tells that it does. Missing directories are made. */
int outfile_create(struct outfile *, const char *path, struct diag *);

/* Opens, or makes, a file to append to, and locks it until it is closed. */
int outfile_append(struct outfile *, const char *path, struct diag *);

/* Errors are kept for outfile_flush(). */
void outfile_put(struct outfile *, struct slice);
void outfile_print(struct outfile *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* outfile_put() as an outlet. */
struct outlet outfile_outlet(struct outfile *);

/* Writes the buffer, and with sync waits for the disk. 0, or -errno with diag set. */
int outfile_flush(struct outfile *, bool sync, struct diag *);

/* Closes it: as it is, or undone. Drops the buffer. Nothing happens when it is not open. */
void outfile_close(struct outfile *, bool keep);

/*
 * Could a message be put there? Nothing is made, so it is no promise. append: to the file itself if
 * it is there. 0, or -errno with diag set.
 */
int outfile_try(const char *path, bool append, struct diag *);

/* Makes the directories that a path's file stands in, mode 0755. 0, or -errno with diag set. */
int make_parents(const char *path, struct diag *);

/* Waits until the directory of a file is on disk: its name, that is. 0 or -errno with diag set. */
int sync_parent(const char *path, struct diag *);

#endif
