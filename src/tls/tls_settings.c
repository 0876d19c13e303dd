/*
 * The options of TLS, but for --tls itself, which is the protocol's.
 */
#include "tls_settings.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct tls_settings, field)

static const struct opt_choice versions[] = {
    {"1.0", TLS1_VERSION},
    {"1.1", TLS1_1_VERSION},
    {"1.2", TLS1_2_VERSION},
    {"1.3", TLS1_3_VERSION},
    {NULL, 0},
};

static const struct opt_choice client_certs[] = {
    {"no", TLS_CLIENT_CERT_NO},
    {"ask", TLS_CLIENT_CERT_ASK},
    {"require", TLS_CLIENT_CERT_REQUIRE},
    {NULL, 0},
};

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "[sha256:]" and 64 hex digits, with or without colons between pairs, as openssl prints them. */
static int set_pin(void *settings, const char *value, struct diag *d)
{
    struct tls_settings *s = settings;
    const char *p = strncasecmp(value, "sha256:", 7) == 0 ? value + 7 : value;
    uint8_t digest[TLS_DIGEST_SIZE];
    size_t n = 0;

    for (; n < sizeof digest && hex(p[0]) >= 0 && hex(p[1]) >= 0; n++) {
        digest[n] = (uint8_t)(hex(p[0]) << 4 | hex(p[1]));
        p += 2;
        p += n + 1 < sizeof digest && *p == ':';
    }
    if (n < sizeof digest || *p)
        return diag_set(d, -EINVAL,
                        "bad fingerprint: %.100s (--tls-fingerprint takes a SHA-256: 64 "
                        "hexadecimal digits, as \"openssl x509 -fingerprint -sha256\" shows them)",
                        *value ? value : "empty");
    if (s->pin_count == TLS_PINS_MAX)
        return diag_set(d, -EINVAL, "too many fingerprints: --tls-fingerprint at most %d times",
                        TLS_PINS_MAX);
    memcpy(s->pins[s->pin_count++], digest, sizeof digest);
    return 0;
}

static int set_resume(void *settings, const char *value, struct diag *d)
{
    struct tls_settings *s = settings;
    char *end;
    unsigned long percent;

    s->resume_set = true;
    if (strcmp(value, "on") == 0 || strcmp(value, "off") == 0) {
        s->resume = value[1] == 'n' ? 100 : 0;
        return 0;
    }
    percent = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || percent > 100 || strcmp(end, "%") != 0)
        return diag_set(d, -EINVAL,
                        "bad share of resumed sessions: %.40s (--tls-resume takes on, off, or a "
                        "percentage such as 80%%)",
                        *value ? value : "empty");
    s->resume = (uint32_t)percent;
    return 0;
}

#define CERT_OPTION(text)                                                                          \
    {                                                                                              \
        .name = "tls-cert", .kind = OPT_TEXT, .arg = "FILE", .at = AT(cert), .file = OPT_READS,    \
        .group = "TLS", .help = "certificate, PEM", .man = text                                    \
    }

#define KEY_OPTION                                                                                 \
    {                                                                                              \
        .name = "tls-key", .kind = OPT_TEXT, .arg = "FILE", .at = AT(key), .file = OPT_READS,      \
        .group = "TLS", .help = "its private key, PEM",                                            \
        .man = "The private key of --tls-cert, in PEM, without a passphrase. By default it is "    \
               "looked "                                                                           \
               "for in the file of the certificate."                                               \
    }

#define COMMON_OPTIONS                                                                             \
    {.name = "tls-min",                                                                            \
     .kind = OPT_CHOICE,                                                                           \
     .arg = "1.0|1.1|1.2|1.3",                                                                     \
     .at = AT(min),                                                                                \
     .choices = versions,                                                                          \
     .what = "TLS version",                                                                        \
     .group = "TLS",                                                                               \
     .help = "oldest version of TLS",                                                              \
     .man =                                                                                        \
         "The oldest version of TLS to speak (default: the library's, mostly 1.2). 1.0 and 1.1 "   \
         "also allow the weak signatures that these need."},                                       \
        {.name = "tls-max",                                                                        \
         .kind = OPT_CHOICE,                                                                       \
         .arg = "1.0|1.1|1.2|1.3",                                                                 \
         .at = AT(max),                                                                            \
         .choices = versions,                                                                      \
         .what = "TLS version",                                                                    \
         .group = "TLS",                                                                           \
         .help = "newest version of TLS",                                                          \
         .man = "The newest version of TLS to speak (default: 1.3)."},                             \
        {.name = "tls-ciphers",                                                                    \
         .kind = OPT_TEXT,                                                                         \
         .arg = "LIST",                                                                            \
         .at = AT(ciphers),                                                                        \
         .group = "TLS",                                                                           \
         .help = "ciphers, separated by colons",                                                   \
         .man =                                                                                    \
             "The ciphers to allow, separated by colons, by the names that \"openssl ciphers\" "   \
             "knows. Those of TLS 1.3 begin with TLS_. When only those of TLS 1.3, or only "       \
             "older ones, are named, other versions are not spoken."},                             \
    {                                                                                              \
        .name = "tls-groups", .kind = OPT_TEXT, .arg = "LIST", .at = AT(groups), .group = "TLS",   \
        .help = "key exchange groups",                                                             \
        .man = "The groups for the key exchange, separated by colons, the preferred one first: "   \
               "X25519:P-256, say."                                                                \
    }

const struct opt tls_client_options[] = {
    {.name = "tls-ca",
     .kind = OPT_TEXT,
     .arg = "FILE|DIR",
     .at = AT(ca),
     .file = OPT_READS,
     .group = "TLS",
     .help = "trusted issuers (the system's)",
     .man = "The issuers whose certificates are trusted: a PEM file, or a directory as \"openssl "
            "rehash\" makes it. Default: those of the system."},
    {.name = "tls-name",
     .kind = OPT_TEXT,
     .arg = "NAME",
     .at = AT(name),
     .group = "TLS",
     .help = "name asked for and checked",
     .man = "The name that the server is asked for (SNI) and that its certificate has to be for: "
            "a host name or an IP address. Default: the host as given."},
    {.name = "tls-no-verify",
     .kind = OPT_FLAG,
     .at = AT(no_verify),
     .group = "TLS",
     .help = "take any certificate",
     .man = "Don't look at the server's certificate: whoever it is, the mail goes there."},
    {.name = "tls-fingerprint",
     .kind = OPT_CUSTOM,
     .arg = "SHA256",
     .set = set_pin,
     .group = "TLS",
     .help = "trust exactly this certificate",
     .man = "Trust exactly the server whose certificate, or whose public key, has this SHA-256 "
            "digest, in hexadecimal, and no other. Issuer, name and dates are not looked at. May "
            "be given up to 8 times, for several certificates."},
    CERT_OPTION("The certificate to show to a server that asks for one, in PEM, and behind it the "
                "certificates of its issuers."),
    KEY_OPTION,
    COMMON_OPTIONS,
    {.name = "tls-alpn",
     .kind = OPT_TEXT,
     .arg = "LIST",
     .at = AT(alpn),
     .group = "TLS",
     .help = "protocols offered by ALPN",
     .man = "Offer these application protocols (RFC 7301), separated by commas. The server's "
            "choice changes nothing."},
    {.name = "tls-resume",
     .kind = OPT_CUSTOM,
     .arg = "on|off|P%",
     .set = set_resume,
     .group = "TLS",
     .help = "share of resumed sessions (off)",
     .man = "Resume earlier TLS sessions with the server: always (on), never (off, the default: "
            "each connection is that of a new client), or for this share of the connections at "
            "random. What can't be resumed, because there is no session yet or the server does "
            "not want to, is a full handshake; the summary counts both."},
};

const size_t tls_client_option_count = sizeof tls_client_options / sizeof tls_client_options[0];

const struct opt tls_server_options[] = {
    CERT_OPTION("The server's certificate, in PEM, and behind it those of its issuers. Default: a "
                "self-signed one, made at the start for the host name of -h and for localhost."),
    KEY_OPTION,
    COMMON_OPTIONS,
    {.name = "tls-client-cert",
     .kind = OPT_CHOICE,
     .arg = "no|ask|require",
     .at = AT(client_cert),
     .choices = client_certs,
     .what = "client certificate",
     .group = "TLS",
     .help = "ask clients for certificates",
     .man = "Whether clients are asked for a certificate: no (the default); ask, and take any or "
            "none; or require: a client without one is turned away. With --tls-ca a certificate "
            "that is shown has to come from an issuer there."},
    {.name = "tls-ca",
     .kind = OPT_TEXT,
     .arg = "FILE|DIR",
     .at = AT(ca),
     .file = OPT_READS,
     .group = "TLS",
     .help = "issuers of client certificates",
     .man = "With --tls-client-cert, the issuers whose certificates are taken: a PEM file, or a "
            "directory as \"openssl rehash\" makes it. Default: any certificate is."},
};

const size_t tls_server_option_count = sizeof tls_server_options / sizeof tls_server_options[0];

const char *tls_settings_used(const struct tls_settings *s)
{
    const struct {
        bool set;
        const char *name;
    } rows[] = {
        {s->cert, "tls-cert"},
        {s->key, "tls-key"},
        {s->ca, "tls-ca"},
        {s->name, "tls-name"},
        {s->ciphers, "tls-ciphers"},
        {s->groups, "tls-groups"},
        {s->alpn, "tls-alpn"},
        {s->min, "tls-min"},
        {s->max, "tls-max"},
        {s->client_cert, "tls-client-cert"},
        {s->no_verify, "tls-no-verify"},
        {s->resume_set, "tls-resume"},
        {s->pin_count, "tls-fingerprint"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].set)
            return rows[i].name;
    return NULL;
}

static bool is_name(const char *name)
{
    size_t n = 0;

    while (name[n] > ' ' && name[n] < 127)
        n++;
    return n > 0 && n < 256 && !name[n];
}

int tls_settings_check(const struct tls_settings *s, struct diag *d)
{
    if (s->key && !s->cert)
        return diag_set(d, -EINVAL, "--tls-key needs --tls-cert");
    if (s->no_verify && (s->ca || s->pin_count))
        return diag_set(d, -EINVAL, "--tls-no-verify takes any certificate: --%s is of no use",
                        s->ca ? "tls-ca" : "tls-fingerprint");
    if (s->ca && s->pin_count)
        return diag_set(d, -EINVAL,
                        "--tls-fingerprint trusts one certificate whoever issued it: --tls-ca is "
                        "of no use");
    if (s->min && s->max && s->min > s->max)
        return diag_set(d, -EINVAL, "--tls-min is newer than --tls-max");
    if (s->name && !is_name(s->name))
        return diag_set(d, -EINVAL,
                        "bad name: %.40s (--tls-name takes a host name or an IP "
                        "address)",
                        *s->name ? s->name : "empty");
    return 0;
}
