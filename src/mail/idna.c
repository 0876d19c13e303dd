/*
 * Names that are not ASCII: domains as A-labels (IDNA2008, RFC 5891), and UTF-8 (RFC 3629).
 */
#include <errno.h>
#include <idn2.h>
#include <stdio.h>

#include "content.h"

int mail_idna(const char *what, char *address, size_t size, struct diag *d)
{
    char *at = strrchr(address, '@');
    char *domain = at ? at + 1 : address;
    char *ascii = NULL;
    int rc;

    if (*domain == '[' || *domain == '\0')
        return 0;
    rc = idn2_to_ascii_8z(domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return diag_set(d, -EINVAL, "bad %s: %.200s: its domain is none of IDNA (%s)", what,
                        address, idn2_strerror(rc));
    if ((size_t)(domain - address) + strlen(ascii) >= size)
        rc = diag_set(d, -EINVAL, "bad %s: its domain is too long in ASCII", what);
    else
        (void)snprintf(domain, size - (size_t)(domain - address), "%s", ascii);
    idn2_free(ascii);
    return rc < 0 ? rc : 0;
}

/* Octets of the character there; 0 when there is none in its shortest form. */
static size_t character(const unsigned char *p)
{
    static const struct {
        unsigned char mask, lead;
        unsigned least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    for (size_t n = 1; n <= 4; n++) {
        unsigned value = *p & (unsigned char)~forms[n - 1].mask;

        if ((*p & forms[n - 1].mask) != forms[n - 1].lead)
            continue;
        for (size_t i = 1; i < n; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (p[i] & 0x3f);
        }
        if (value < forms[n - 1].least || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
            return 0;
        return n;
    }
    return 0;
}

bool mail_is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p) {
        size_t n = character(p);

        if (n == 0)
            return false;
        p += n;
    }
    return true;
}
