/*
 * One row for each error that a user can do something about; OpenSSL's own words for the others.
 */
#include "tls_words.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdbool.h>

/* A server's alert N shows as reason 1000 + N (RFC 8446 section 6.2). */
struct row {
    int reason;
    const char *client; /* what a client says; %s is OpenSSL's text */
    const char *server;
};

#define NO_VERSION   "no version of TLS in common (--tls-min, --tls-max)"
#define NO_CIPHER    "no cipher or group in common (--tls-ciphers, --tls-groups, --tls-min)"
#define NO_TLS_THERE "what the server sends is no TLS (is --tls=starttls or --tls=implicit right?)"
#define NO_TLS_HERE  "what the client sends is no TLS"

static const struct row rows[] = {
    {SSL_R_WRONG_VERSION_NUMBER, NO_TLS_THERE, NO_TLS_HERE},
    {SSL_R_HTTP_REQUEST, NO_TLS_THERE, NO_TLS_HERE},
    {SSL_R_HTTPS_PROXY_REQUEST, NO_TLS_THERE, NO_TLS_HERE},
    {SSL_R_UNKNOWN_PROTOCOL, NO_TLS_THERE, NO_TLS_HERE},
    {SSL_R_PACKET_LENGTH_TOO_LONG, NO_TLS_THERE, NO_TLS_HERE},
    {SSL_R_UNSUPPORTED_PROTOCOL, NO_VERSION, NO_VERSION},
    {SSL_R_UNSUPPORTED_SSL_VERSION, NO_VERSION, NO_VERSION},
    {SSL_R_VERSION_TOO_LOW, NO_VERSION, NO_VERSION},
    {SSL_R_VERSION_TOO_HIGH, NO_VERSION, NO_VERSION},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, NO_VERSION, NO_VERSION},
    {SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED,
     "the server speaks an old TLS with signatures that are too weak (--tls-min=1.0 takes them)",
     "the client speaks an old TLS with signatures that are too weak (--tls-min=1.0 takes them)"},
    {SSL_R_INAPPROPRIATE_FALLBACK, "the server's version of TLS was tampered with (downgrade)",
     NULL},
    {SSL_R_NO_SHARED_CIPHER, NO_CIPHER, NO_CIPHER},
    {SSL_R_NO_SHARED_GROUPS, NO_CIPHER, NO_CIPHER},
    {SSL_R_NO_SUITABLE_GROUPS, NO_CIPHER, NO_CIPHER},
    {SSL_R_NO_SUITABLE_KEY_SHARE, NO_CIPHER, NO_CIPHER},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
     "the server refuses the handshake: no cipher or group in common (--tls-ciphers, "
     "--tls-groups), or it wants a certificate (--tls-cert)",
     "the client refuses the handshake"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the server wants a client certificate (--tls-cert)",
     NULL},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, NULL,
     "the client has no certificate, and one is required (--tls-client-cert)"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the server does not know the issuer of our certificate",
     "the client does not trust our certificate (unknown issuer)"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the server does not take our certificate",
     "the client does not trust our certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the server says our certificate has expired",
     "the client says our certificate has expired"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the server does not take our certificate",
     "the client does not trust our certificate"},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, "the server's certificates are too large",
     "the client's certificates are too large"},
    {SSL_R_CA_KEY_TOO_SMALL,
     "a key in the server's certificates is too small "
     "(--tls-ciphers DEFAULT@SECLEVEL=0 takes it)",
     NULL},
    {SSL_R_EE_KEY_TOO_SMALL,
     "the key of the server's certificate is too small "
     "(--tls-ciphers DEFAULT@SECLEVEL=0 takes it)",
     NULL},
    {SSL_R_DH_KEY_TOO_SMALL,
     "the server's Diffie-Hellman key is too small "
     "(--tls-ciphers DEFAULT@SECLEVEL=0 takes it)",
     NULL},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a damaged record came", "a damaged record came"},
    {SSL_R_BAD_RECORD_TYPE, "a damaged record came", "a damaged record came"},
    {SSL_R_UNEXPECTED_MESSAGE, "an unexpected message came", "an unexpected message came"},
    {SSL_R_UNEXPECTED_RECORD, "an unexpected record came", "an unexpected record came"},
    {SSL_R_NO_RENEGOTIATION, "the server wants to renegotiate, which is not done here",
     "the client wants to renegotiate, which is not done here"},
};

int tls_diag(struct diag *d, int code, const char *format, ...)
{
    unsigned long error = ERR_get_error();
    const char *why = error ? ERR_reason_error_string(error) : NULL;
    char text[sizeof d->text] = "";
    va_list args;

    ERR_clear_error();
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0)
        text[0] = '\0';
    va_end(args);
    if (!why)
        return diag_set(d, code, "%s", text);
    return diag_set(d, code, "%.380s [%.100s]", text, why);
}

void tls_failure_words(struct diag *d, const char *peer)
{
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error);
    const char *why = error ? ERR_reason_error_string(error) : NULL;
    bool server = peer[0] == 'c';
    const char *words = NULL;

    if (ERR_GET_LIB(error) == ERR_LIB_SSL)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !words; i++)
            if (rows[i].reason == reason)
                words = server ? rows[i].server : rows[i].client;
    ERR_clear_error();
    if (words)
        (void)diag_set(d, 0, "TLS: %s", words);
    else if (reason >= SSL_AD_REASON_OFFSET && why)
        (void)diag_set(d, 0, "TLS: the %s gives up: %s", peer, why);
    else
        (void)diag_set(d, 0, "TLS: failed with this %s: %s", peer, why ? why : "unknown error");
}
