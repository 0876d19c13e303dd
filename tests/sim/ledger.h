/*
 * What a server of the tests took: every message with the replies it got, so that the load's
 * account can be held against it. A reply counts as delivered when the network has told its last
 * octet to the load.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

struct mail_content;
struct sim_world;

struct ledger;

/* content is what every message must be; borrowed. messages is how many the run has at most. */
struct ledger *ledger_new(const struct mail_content *content, uint64_t messages);
void ledger_free(struct ledger *);

/*
 * A complete message, without dot-stuffing and without the line that ends DATA. With at least one
 * recipient its content and Message-Id are checked. Returns its number here, for ledger_reply().
 */
size_t ledger_message(struct ledger *, struct slice content, uint32_t recipients);

/*
 * One reply to it: for so many recipients (1 in LMTP). It ends where the server has sent so many
 * octets over that connection (see sim_number()).
 */
void ledger_reply(struct ledger *, size_t message, bool positive, uint32_t recipients,
                  uint32_t connection, uint64_t end);

/* The content of a DATA that was answered 354 without any recipient. */
void ledger_nobody(struct ledger *, struct slice content);

/* -N: a recipient was named. */
void ledger_recipient(struct ledger *, struct slice path);

struct ledger_sums {
    uint64_t messages; /* with recipients, complete */
    uint64_t accepted; /* by at least one reply */
    uint64_t accepted_rcpts;
    uint64_t delivered; /* of accepted: such a reply was delivered */
    uint64_t delivered_rcpts;
    uint64_t recipients; /* named with a number */
    const char *fault;   /* the first thing found wrong, or NULL */
};

void ledger_sums(const struct ledger *, const struct sim_world *, struct ledger_sums *);

#endif
