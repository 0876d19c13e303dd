# SMTPUTF8 (RFC 6531): addresses in UTF-8 go to servers that offer it, and to no others.

window 1 100
pipelining if-offered
ahead
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-PIPELINING

== offered
smtputf8 must
message from=<{xc3}{xa4}@b> to=<{xc3}{xbc}@d>
S: 250 SMTPUTF8
C: MAIL FROM:<{xc3}{xa4}@b> SMTPUTF8
S: 250 ok
C: RCPT TO:<{xc3}{xbc}@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== with an original recipient (RFC 6533 section 3)
window 1
smtputf8 must
dsn must
dsn-orcpt
message to=<{xc3}{xbc}@d>
S: 250-SMTPUTF8
S: 250 DSN
C: MAIL FROM:<a@b> SMTPUTF8
S: 250 ok
C: RCPT TO:<{xc3}{xbc}@d> ORCPT=utf-8;{xc3}{xbc}@d
S: 553 5.1.1 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 553 5.1.1
= message 1 refused rcpt 553 5.1.1, rcpt refused=1
= end QUIT quit

== not offered, and needed
smtputf8 if-offered
message to=<{xc3}{xbc}@d>
S: 250 8BITMIME
= message 1 failed unstarted, rcpt failed=1
= end FORBIDDEN mail the server does not offer SMTPUTF8, which an address in UTF-8 needs (--idna writes its domain in ASCII)

== not offered, and not needed
smtputf8 if-offered
S: 250 8BITMIME
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== not offered, and it must be
smtputf8 must
S: 250 8BITMIME
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello SMTPUTF8

== as given, without the option
message to=<{xc3}{xbc}@d>
S: 250 SMTPUTF8
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<{xc3}{xbc}@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
