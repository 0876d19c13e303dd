/*
 * What may become of a step of a session instead of the usual (an act), and the plan that says so
 * for every step of its kind: one row a verb, the greeting and the end of data included. The plan
 * holds what the drop-in options ask for; whoever fills an act by other rules stands beside it.
 * Knows no clock and no generator of its own.
 */
#ifndef SMTP_SERVER_PLAN_H
#define SMTP_SERVER_PLAN_H

#include "rng.h"
#include "server_config.h"

/*
 * One step's fate, in the order of the fields. Zeroed: the usual. Texts stay as long as the config.
 * What stands behind the reply is left out when the command itself refuses.
 */
struct server_act {
    uint64_t delay;     /* before the reply, ns */
    bool instead;       /* the command is not run, and reply, if any, given in its place */
    struct slice reply; /* a line with CRLF, at most SERVER_REPLY_MAX octets; not instead: said
                           if the command succeeds */
    uint32_t piece;     /* octets of the reply at a time; 0: all at once */
    uint32_t pieces;    /* so many; then the rest at once */
    uint64_t pause;     /* between pieces, ns */
    uint64_t stall;     /* behind the reply: nothing is read for so long, ns */
    uint64_t hold;      /* content by DATA is not read on for so long, ns, … */
    uint64_t hold_at;   /* … once so many octets of it were read */
    struct slice last;  /* said behind the stall */
    uint8_t end;        /* enum server_end: then the session is over */
};

enum server_refusal { SERVER_CUT = 1, SERVER_421 = 2, SERVER_HARD = 4, SERVER_SOFT = 8 };

struct server_plan_row {
    uint64_t delay; /* ns, 0: none */
    uint8_t odds;   /* percent; above 0 the delay comes as often as a throw fails before one wins */
    uint8_t refusals; /* enum server_refusal, added up */
};

/* Holds no pointers: may be copied. Zeroed: nothing out of the usual. */
struct server_plan {
    struct server_plan_row rows[SERVER_VERB_COUNT];
    uint64_t data_stall;  /* ns before the first read after an accepted DATA */
    uint64_t abort_delay; /* ns from there to the 550 that ends the session */
    bool aborts;
    bool active; /* has anything been set? */
    uint16_t soft_length;
    uint16_t hard_length; /* 0: the default text */
    char soft[SERVER_REPLY_MAX];
    char hard[SERVER_REPLY_MAX];
};

/*
 * The verbs that a list names, separated by commas, blanks, tabs, CR and LF, as bits
 * (1 << enum server_verb). 0, or -EINVAL with diag set.
 */
int server_verb_list(const char *list, uint32_t *verbs, struct diag *);

/* Adds a refusal to the rows of a list; tells whether there were any. 0 or -EINVAL, diag set. */
int server_plan_refuse(struct server_plan *, enum server_refusal, const char *list, bool *any,
                       struct diag *);

/* "VERB:delay[:odds]", the last one for a verb wins. 0 or -EINVAL, diag set. */
int server_plan_delay(struct server_plan *, const char *text, struct diag *);

/* The text of SERVER_SOFT or SERVER_HARD: three digits and words. 0 or -EINVAL, diag set. */
int server_plan_reply(struct server_plan *, enum server_refusal, const char *text, struct diag *);

/* What the plan says of a step. Draws only for rows with odds. */
void server_plan_judge(const struct server_plan *, enum server_verb, struct rng *,
                       struct server_act *);

#endif
