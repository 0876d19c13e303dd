/*
 * Memory that the io_uring driver lends to the kernel: what submissions point to, and the buffers
 * to receive into.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "diag.h"
#include "uring_impl.h"

enum { CHUNK_SIZE = 64 * 1024, ALIGNMENT = 16 };

struct ur_chunk {
    struct ur_chunk *next;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) char octets[];
};

/* A chunk with room, from the unused ones or new. */
static struct ur_chunk *next_chunk(struct ur *ur, size_t n)
{
    struct ur_chunk *c = ur->arena;
    size_t size = n < CHUNK_SIZE ? CHUNK_SIZE : n;

    if (c) {
        ur->arena = c->next;
        c->next = ur->full;
        ur->full = c;
    }
    c = ur->arena;
    if (c && c->size >= n)
        return c;
    c = malloc(sizeof *c + size);
    if (!c) {
        diag_fatal("out of memory for sending");
        _exit(EXIT_FAILURE);
    }
    *c = (struct ur_chunk){.next = ur->arena, .size = size};
    ur->arena = c;
    return c;
}

void *ur_lend(struct ur *ur, size_t n)
{
    struct ur_chunk *c = ur->arena;
    void *p;

    n = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!c || c->size - c->used < n)
        c = next_chunk(ur, n);
    p = c->octets + c->used;
    c->used += n;
    return p;
}

void ur_lend_reset(struct ur *ur)
{
    while (ur->full) {
        struct ur_chunk *c = ur->full;

        ur->full = c->next;
        c->next = ur->arena;
        c->used = 0;
        ur->arena = c;
    }
    if (ur->arena)
        ur->arena->used = 0;
}

void ur_lend_done(struct ur *ur)
{
    ur_lend_reset(ur);
    while (ur->arena) {
        struct ur_chunk *c = ur->arena;

        ur->arena = c->next;
        free(c);
    }
}

/* ---- Receive buffers ---- */

static size_t descriptors_size(const struct ur *ur)
{
    return ur->measures.buffers * sizeof(struct io_uring_buf);
}

static size_t buffers_size(const struct ur *ur)
{
    return (size_t)ur->measures.buffers * ur->measures.size;
}

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

int ur_buffers_init(struct ur *ur)
{
    struct io_uring_buf_reg reg = {.ring_entries = ur->measures.buffers, .bgid = 0};
    int error;

    ur->free_buffers = map(descriptors_size(ur));
    ur->buffers = map(buffers_size(ur));
    if (!ur->free_buffers || !ur->buffers)
        return -ENOMEM;
    reg.ring_addr = (uint64_t)(uintptr_t)ur->free_buffers;
    error = io_uring_register_buf_ring(&ur->ring, &reg, 0);
    if (error < 0)
        return error;
    io_uring_buf_ring_init(ur->free_buffers);
    for (unsigned id = 0; id < ur->measures.buffers; id++)
        ur_buffer_return(ur, id);
    return 0;
}

void ur_buffers_done(struct ur *ur)
{
    if (ur->free_buffers)
        (void)munmap(ur->free_buffers, descriptors_size(ur));
    if (ur->buffers)
        (void)munmap(ur->buffers, buffers_size(ur));
}

void ur_buffer_return(struct ur *ur, unsigned id)
{
    io_uring_buf_ring_add(ur->free_buffers, ur_buffer(ur, id), ur->measures.size,
                          (unsigned short)id, io_uring_buf_ring_mask(ur->measures.buffers), 0);
    io_uring_buf_ring_advance(ur->free_buffers, 1);
}
