# Parameters of MAIL and RCPT: by extensions that are wanted and offered, and as typed. At any window,
# since the server answers each command when it is there.

window 1 2 100
pipelining if-offered
ahead
message to=<c@d> to=<e@f>
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-PIPELINING

== 8BITMIME
8bitmime must
S: 250 8BITMIME
C: MAIL FROM:<a@b> BODY=8BITMIME
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
= end QUIT quit

== 8BITMIME, not offered
8bitmime if-offered
S: 250 DSN
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
= end QUIT quit

== 8BITMIME, offered and not wanted
S: 250 8BITMIME
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 550 5.1.1 no
C: RCPT TO:<e@f>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550 5.1.1
= message 1 accepted, rcpt accepted=1 refused=1
= end QUIT quit

== DSN, all of it
dsn must
dsn-ret hdrs
dsn-envid a+b=c {x7e}
dsn-notify success,Delay
dsn-orcpt
S: 250 DSN
C: MAIL FROM:<a@b> RET=HDRS ENVID=a+2Bb+3Dc+20~
S: 250 ok
C: RCPT TO:<c@d> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@d
S: 250 ok
C: RCPT TO:<e@f> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;e@f
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=2
= end QUIT quit

== DSN, not offered
dsn must
dsn-ret full
S: 250 SIZE
= message 1 failed unstarted, rcpt failed=2
= end NO_OFFER hello DSN

== as typed, whatever is offered, and behind what extensions say
8bitmime must
dsn must
dsn-notify never
mail-param X=1 Y
rcpt-param Z=<>
S: 250-DSN
S: 250 8BITMIME
C: MAIL FROM:<a@b> BODY=8BITMIME X=1 Y
S: 250 ok
C: RCPT TO:<c@d> NOTIFY=NEVER Z=<>
S: 250 ok
C: RCPT TO:<e@f> NOTIFY=NEVER Z=<>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=2
= end QUIT quit

== ENHANCEDSTATUSCODES
enhanced-codes must
S: 250 DSN
= message 1 failed unstarted, rcpt failed=2
= end NO_OFFER hello ENHANCEDSTATUSCODES
