# LIMITS (RFC 9422): MAILMAX ends a session early, RCPTMAX forbids a message.

window 1 2 100
pipelining if-offered
ahead
keep
message*3 to=<c@d> to=<e@f>
limits must
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-PIPELINING

== MAILMAX
S: 250 LIMITS MAILMAX=2 RCPTMAX=2
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: RCPT TO:<e@f>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: RCPT TO:<e@f>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=2
= message 2 accepted, rcpt accepted=2
= end QUIT quit

== a refused MAIL counts (RFC 9422 section 4.1)
window 1
S: 250 LIMITS MAILMAX=2
C: MAIL FROM:<a@b>
S: 450 4.1.0 no
C: RSET
S: 250 ok
C: MAIL FROM:<a@b>
S: 450 4.1.0 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 450 4.1.0
= message 1 refused mail 450 4.1.0, rcpt refused=2
= refused mail 450 4.1.0
= message 2 refused mail 450 4.1.0, rcpt refused=2
= end QUIT quit

== without QUIT
window 1
no-quit
S: 250 LIMITS MAILMAX=1
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: RCPT TO:<e@f>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
= message 1 accepted, rcpt accepted=2
= end DONE mail

== RCPTMAX
S: 250 LIMITS FUTUREMAX=1  RCPTMAX=1 RCPTDOMAINMAX=1
= message 1 failed unstarted, rcpt failed=2
= end FORBIDDEN mail the server takes at most 1 recipients a message (LIMITS), and this one has 2: lower -r, and raise -m instead

== limits that nobody understands are none
window 1
S: 250 LIMITS RCPTMAX RCPTMAX= RCPTMAX=0 RCPTMAX=x RCPTMAX=1234567 =1 MAILMAX=-1
C: MAIL FROM:<a@b>
close
= message 1 failed, rcpt failed=2
= end LOST mail
