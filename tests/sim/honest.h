/*
 * The real server machine (src/smtp/server.h) as a peer in the simulation: takes every message.
 */
#ifndef SIM_HONEST_H
#define SIM_HONEST_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"

struct honest;
struct ledger;

/* size_limit: larger messages are refused; 0: none. room: octets of replies collected for one
 * write. */
struct honest *honest_new(bool lmtp, uint64_t size_limit, uint32_t room, struct ledger *);

/* Listens on a port of the simulation; from sim_config.start(). Once. */
void honest_listen(struct honest *, struct io *, uint16_t port);

/* When the struct io is gone. */
void honest_free(struct honest *);

#endif
