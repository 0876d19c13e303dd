/*
 * What may stand behind HELO: host names and address literals (RFC 5321 sections 4.1.1.1, 4.1.3),
 * with the leniency that mail software shows to underscores.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "content.h"

/* As inet_pton(), and with leading zeros as dotted decimals are written here and there (snum of RFC
 * 5321 section 4.1.3 has up to three digits). */
static bool is_ipv4(const char *s)
{
    for (int part = 0; part < 4; part++) {
        unsigned value = 0;
        const char *start = s;

        for (; isdigit((unsigned char)*s) && value <= 255; s++)
            value = value * 10 + (unsigned)(*s - '0');
        if (s == start || value > 255 || *s++ != (part < 3 ? '.' : '\0'))
            return false;
    }
    return true;
}

static int check_literal(const char *name, struct diag *d)
{
    static const char v6[] = "IPv6:";
    char inside[64];
    size_t n = strlen(name);
    unsigned char address[16];

    if (n < 3 || name[n - 1] != ']' || n - 2 >= sizeof inside)
        return diag_set(d, -EINVAL,
                        "bad address literal: %s (write [192.0.2.1] or [IPv6:2001:db8::1])", name);
    (void)snprintf(inside, sizeof inside, "%.*s", (int)(n - 2), name + 1);
    if (strncasecmp(inside, v6, sizeof v6 - 1) == 0) {
        if (inet_pton(AF_INET6, inside + sizeof v6 - 1, address) == 1)
            return 0;
    } else if (is_ipv4(inside)) {
        return 0;
    }
    return diag_set(d, -EINVAL, "bad address literal: %s (write [192.0.2.1] or [IPv6:2001:db8::1])",
                    name);
}

static int bad(const char *name, const char *why, struct diag *d)
{
    return diag_set(d, -EINVAL, "bad hostname: %.300s (%s)", *name ? name : "empty", why);
}

int mail_check_hostname(const char *name, struct diag *d)
{
    size_t label = 0;
    bool numeric = true;

    if (*name == '[')
        return check_literal(name, d);
    if (*name == '\0')
        return bad(name, "give a name or an address in brackets", d);
    if (strlen(name) > 255)
        return bad(name, "longer than 255 characters", d);
    for (const char *s = name; *s; s++) {
        bool last = s[1] == '\0' || s[1] == '.';

        if (*s == '.') {
            if (label == 0 || s[1] == '\0')
                return bad(name, "misplaced dot", d);
            label = 0;
            continue;
        }
        if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_')
            return bad(name, "only letters, digits, '-', '_' and '.' are allowed", d);
        if (*s == '-' && (label == 0 || last))
            return bad(name, "misplaced hyphen", d);
        if (++label > 63)
            return bad(name, "a label is longer than 63 characters", d);
        numeric &= isdigit((unsigned char)*s) != 0;
    }
    if (numeric)
        return bad(name, "numeric; an address literal goes in brackets", d);
    return 0;
}
