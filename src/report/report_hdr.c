/*
 * Latencies as an HdrHistogram interval log, which public tools read: the histograms' layout is
 * theirs, so that not a count is moved.
 * Source: HdrHistogram (hdrhistogram.org): log format 1.3, V2 encoding of histograms.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "out_file.h"
#include "run.h"
#include "units.h"

/* The low digit's 1 is the word size of counts: here variable, by ZigZag LEB128. */
#define COOKIE            UINT32_C(0x1c849313)
#define COOKIE_COMPRESSED UINT32_C(0x1c849314)

#define SIGNIFICANT_DIGITS 2
#define HEAD_SIZE          40
#define COUNT_SIZE         9 /* the longest encoded count */

static uint8_t *put_be(uint8_t *to, uint64_t value, int octets)
{
    for (int i = octets - 1; i >= 0; i--)
        *to++ = (uint8_t)(value >> (8 * i));
    return to;
}

/* ZigZag, then 7 bits an octet, least significant first; a ninth octet takes all 8. */
static uint8_t *put_count(uint8_t *to, int64_t count)
{
    uint64_t v = ((uint64_t)count << 1) ^ (uint64_t)(count >> 63);

    for (int i = 0; i < COUNT_SIZE - 1; i++) {
        if (v < 0x80) {
            *to++ = (uint8_t)v;
            return to;
        }
        *to++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *to++ = (uint8_t)v;
    return to;
}

/* The V2 encoding; room for HEAD_SIZE and COUNT_SIZE for each slot. Returns its size. */
static size_t encode(const struct hist *h, uint8_t *out)
{
    static const double one = 1;
    uint8_t *to = out + HEAD_SIZE;
    struct hist_slot slot;
    uint8_t *head;
    uint64_t ratio;
    uint32_t next = 0; /* slot */
    uint32_t at = 0;

    while (hist_next(h, &at, &slot)) {
        /* One empty slot is a count of 0, a run of them their number, negated. */
        if (slot.index > next)
            to = put_count(to, slot.index - next > 1 ? -(int64_t)(slot.index - next) : 0);
        to = put_count(to, (int64_t)(slot.count < INT64_MAX ? slot.count : INT64_MAX));
        next = slot.index + 1;
    }
    memcpy(&ratio, &one, sizeof ratio);
    head = put_be(out, COOKIE, 4);
    head = put_be(head, (uint64_t)(to - out) - HEAD_SIZE, 4);
    head = put_be(head, 0, 4); /* normalizing index offset */
    head = put_be(head, SIGNIFICANT_DIGITS, 4);
    head = put_be(head, 1, 8); /* lowest discernible value, ns */
    head = put_be(head, HIST_HIGHEST, 8);
    (void)put_be(head, ratio, 8);
    return (size_t)(to - out);
}

static void put_base64(const uint8_t *p, size_t n, FILE *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (; n > 0; p += 3, n -= n < 3 ? n : 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

        putc(digits[v >> 18], out);
        putc(digits[v >> 12 & 63], out);
        putc(n > 1 ? digits[v >> 6 & 63] : '=', out);
        putc(n > 2 ? digits[v & 63] : '=', out);
    }
}

static int put_line(const char *tag, uint64_t begin, uint64_t length, const struct hist *h,
                    FILE *out)
{
    size_t room = HEAD_SIZE + COUNT_SIZE * (size_t)HIST_SLOTS;
    uint8_t *plain = malloc(room);
    uLongf size = compressBound(room);
    uint8_t *packed = malloc(8 + size);
    int rc = -ENOMEM;

    if (plain && packed && compress(packed + 8, &size, plain, encode(h, plain)) == Z_OK) {
        (void)put_be(put_be(packed, COOKIE_COMPRESSED, 4), size, 4);
        if (tag)
            fprintf(out, "Tag=%s,", tag);
        fprintf(out, "%.3f,%.3f,%.3f,", (double)begin / NS_PER_S, (double)length / NS_PER_S,
                (double)h->max / NS_PER_MS);
        put_base64(packed, 8 + size, out);
        putc('\n', out);
        rc = 0;
    }
    free(plain);
    free(packed);
    return rc;
}

int report_hdr(const struct run *r, FILE *out)
{
    uint64_t start = run_wall(r->started_at);
    int rc = 0;

    errno = 0;
    fputs("#[Histogram log format version 1.3]\n", out);
    if (start != NS_NEVER)
        fprintf(out, "#[StartTime: %" PRIu64 ".%03u (seconds since epoch), %s]\n", start / NS_PER_S,
                (unsigned)(start / NS_PER_MS % 1000), r->started_at);
    fputs("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
          "\"Interval_Compressed_Histogram\"\n",
          out);
    for (int p = 0; p < PHASE_COUNT && rc == 0; p++) {
        const char *name = phase_name((enum phase)p);
        char refused[40];

        (void)snprintf(refused, sizeof refused, "%s-refused", name);
        /* The transaction is what a reader that knows no tags should see. */
        if (r->total->latency[p].count > 0)
            rc = put_line(p == PHASE_TRANSACTION ? NULL : name, 0, r->elapsed_ns,
                          &r->total->latency[p], out);
        if (rc == 0 && r->total->refused_latency[p].count > 0)
            rc = put_line(refused, 0, r->elapsed_ns, &r->total->refused_latency[p], out);
    }
    return out_flush(out, rc);
}
