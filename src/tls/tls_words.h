/*
 * OpenSSL's errors in words: what is wrong, and how to mend it.
 */
#ifndef TLS_TLS_WORDS_H
#define TLS_TLS_WORDS_H

#include "diag.h"

/*
 * The formatted text, and in brackets what OpenSSL has to say (its first error), whose list of
 * errors is empty afterwards. Returns code.
 */
int tls_diag(struct diag *, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Why a handshake, or what came after it, failed, by OpenSSL's list of errors, which is emptied.
 * peer is "server" or "client".
 */
void tls_failure_words(struct diag *, const char *peer);

#endif
