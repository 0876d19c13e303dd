/*
 * What a server remembers of its clients: a table of fixed size from 64-bit keys to two numbers.
 * When it is full, what was touched longest ago among a key's few places is forgotten, so that no
 * flood of new keys makes it grow. Knows no clock: time is an argument.
 */
#ifndef SINK_MEMORY_H
#define SINK_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct memory_entry {
    uint64_t key; /* 0: free */
    uint64_t touched;
    uint64_t value; /* the owner's; 0 when new */
};

struct memory {
    struct memory_entry *entries;
    size_t mask; /* of groups */
};

/* 0 or -ENOMEM. Rounds entries up. */
int memory_init(struct memory *, uint64_t entries);
void memory_done(struct memory *);

/* The entry of a key, made when there is none. Valid until the next call. */
struct memory_entry *memory_find(struct memory *, uint64_t key, uint64_t now);

/* The same, but NULL when there is none. */
struct memory_entry *memory_look(const struct memory *, uint64_t key);

/* Mixes more octets into a key; start with any number. */
uint64_t memory_key(uint64_t key, const char *octets, size_t n);

#endif
