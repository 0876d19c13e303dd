# MT-PRIORITY (RFC 6710).

window 1 2 100
pipelining if-offered
ahead
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-PIPELINING

== a priority
mt-priority 9
S: 250 MT-PRIORITY MIXER
C: MAIL FROM:<a@b> MT-PRIORITY=9
S: 250 2.3.6 Ok, but 4
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

== below the usual, if offered
mt-priority if-offered:-3
S: 250 MT-PRIORITY
C: MAIL FROM:<a@b> MT-PRIORITY=-3
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

== if offered, and it is not
mt-priority if-offered:-3
S: 250 SIZE
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
mt-priority 0
S: 250 SIZE
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello MT-PRIORITY
