# A large mailbox provider that limits what it takes from each client, greylists strangers, and
# has one domain with small and full mailboxes.
#
#     smtp-sink --profile doc/profiles/rate-limiting-provider.profile 127.0.0.1:2525

[default]
CONNECT       connections 20     reply 421 4.7.28 Too many concurrent connections from your address
MAIL          rate 50/s burst 100 per client reply 421 4.7.28 Unusual rate of mail from your address
MAIL          size 25M           reply 552 5.2.3 Your message is larger than the 25 MB we take
RCPT          rate 10/s burst 20 per domain reply 450 4.2.1 This domain is receiving mail too quickly
RCPT          greylist 30s       reply 450 4.7.1 Greylisted, please try again in 30 seconds
RCPT  0.5%    reply 550 5.1.1 No such user here
.             delay lognormal 80ms 0.6
.     0.2%    reply 451 4.3.0 Temporary failure, please try again later

# Paying customers are not greylisted.
[domain premium.example *.premium.example]
RCPT          rate 1000/s per domain
.             delay exponential 10ms

[domain small.example]
RCPT          mailbox 100        reply 452 4.2.2 The mailbox is full
.             size 100k          reply 552 5.3.4 The message is larger than this domain takes
.             delay uniform 50ms 150ms

# A neighbour that is trusted: no limits at all.
[client 192.0.2.0/24 2001:db8::/32]
CONNECT       accept
MAIL          accept
RCPT          accept
