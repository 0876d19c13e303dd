# A session kept open between messages (-d with -w): nothing is under way.

keep
message*2
S: 220 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
hold
S: 250 ok
= message 1 accepted, rcpt accepted=1

== nothing is waited for; then the next message
deadline never
tick 3600s
deadline never
feed
C: MAIL FROM:<a@b>
deadline 300s
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
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== 421
wait
S: 421 4.4.2 idle for too long
= unsolicited mail 421 4.4.2
= end CLOSING mail

== 521
wait
S: 521 no
= unsolicited mail 521
= end CLOSING mail

== closed
close
= end LOST mail

== aborted
abort
= end ABORTED mail

== any other reply answers nothing
wait
S: 250 ok
= end UNSOLICITED mail

== code 0 neither
wait
S: what?
= end UNSOLICITED mail

== an empty line neither
wait
S:
= end UNSOLICITED mail

== a reply of many lines neither
wait
S: 250-one
S: 250 two
= end UNSOLICITED mail

== a 421 while the next message waits for MAIL's reply
feed
C: MAIL FROM:<a@b>
S: 421 too late
= refused mail 421
= message 2 refused mail 421, rcpt refused=1
= end CLOSING mail
