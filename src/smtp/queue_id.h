/*
 * The name that a server gives a message, which its log tells: in the reply to the end of data, in
 * a form of each server's own.
 */
#ifndef SMTP_QUEUE_ID_H
#define SMTP_QUEUE_ID_H

#include "slice.h"

/*
 * The queue id in the text of an accepting reply (without its code), borrowed from it. Empty when
 * there is none in a form that is known: those of Postfix, Exim, Sendmail, OpenSMTPD, qmail,
 * Haraka, Exchange, Gmail, and of Dovecot's LMTP.
 */
struct slice queue_id(struct slice text);

#endif
