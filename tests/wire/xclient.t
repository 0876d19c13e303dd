# XCLIENT: the session begins anew behind it, with what the second hello offers.

window 1 2 100
pipelining if-offered
ahead
xclient must
S: 220 mx
C: EHLO me

== the second hello counts
size if-offered
8bitmime must
S: 250-mx
S: 250-PIPELINING
S: 250-SIZE 1
S: 250 XCLIENT NAME ADDR
C: XCLIENT ADDR=192.0.2.1
S: 220 mx again
C: EHLO me
S: 250-mx
S: 250-PIPELINING
S: 250 8BITMIME
C: MAIL FROM:<a@b> BODY=8BITMIME
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
replies greeting hello xclient hello mail rcpt data end-of-data quit

== refused
S: 250-mx
S: 250 XCLIENT NAME ADDR
C: XCLIENT ADDR=192.0.2.1
S: 550 5.7.0 no
= refused xclient 550 5.7.0
= message 1 refused xclient 550 5.7.0, rcpt refused=1
= end REFUSED xclient

== a reply that is no greeting
S: 250-mx
S: 250 XCLIENT NAME ADDR
C: XCLIENT ADDR=192.0.2.1
S: 250 ok
= refused xclient 250
= message 1 refused xclient 250, rcpt refused=1
= end REFUSED xclient

== refused, and not needed
xclient if-offered
S: 250-mx
S: 250 XCLIENT NAME ADDR
C: XCLIENT ADDR=192.0.2.1
S: 550 5.7.0 no
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

== not offered
S: 250 mx
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello XCLIENT

== the second hello is refused
S: 250-mx
S: 250 XCLIENT
C: XCLIENT ADDR=192.0.2.1
S: 220 mx
C: EHLO me
S: 554 5.7.1 not you
= refused hello 554 5.7.1
= message 1 refused hello 554 5.7.1, rcpt refused=1
= end REFUSED hello

== the server closes behind XCLIENT
S: 250-mx
S: 250 XCLIENT
C: XCLIENT ADDR=192.0.2.1
S: 421 4.7.0 no
= refused xclient 421 4.7.0
= message 1 refused xclient 421 4.7.0, rcpt refused=1
= end CLOSING xclient
