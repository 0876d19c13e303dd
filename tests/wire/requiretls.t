# REQUIRETLS (RFC 8689): what counts is what is offered within TLS.

window 1 100
pipelining if-offered
ahead
tls starttls
requiretls must
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-REQUIRETLS
S: 250 STARTTLS
C: STARTTLS
S: 220 go
secure
C: EHLO me
S: 250-mx
S: 250-PIPELINING

== offered within TLS
S: 250 REQUIRETLS
C: MAIL FROM:<a@b> REQUIRETLS
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

== offered in the clear only
S: 250 SIZE
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello REQUIRETLS
