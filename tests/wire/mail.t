# MAIL (RFC 5321 section 4.1.1.2): after a refusal RSET, then QUIT or the next message.

S: 220 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>

== 5xx
S: 550 5.7.1 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 550 5.7.1
= message 1 refused mail 550 5.7.1, rcpt refused=1
= end QUIT quit
replies greeting hello mail rset quit

== 4xx, many lines
message to=<c@d> to=<e@f>
S: 451-4.3.0 later
S: 452-4.3.1 later
S: 452 4.3.1 much later
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 452 4.3.1
= message 1 refused mail 452 4.3.1, rcpt refused=2
= end QUIT quit

== 3xx
S: 354 go
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 354
= message 1 refused mail 354, rcpt refused=1
= end QUIT quit

== 1xx
S: 150 well
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 150
= message 1 refused mail 150, rcpt refused=1
= end QUIT quit

== code 0
S: ok
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 000
= message 1 refused mail 000, rcpt refused=1
= end QUIT quit

== a continuation line and then none with a code
S: 250-ok
S: what else
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 000
= message 1 refused mail 000, rcpt refused=1
= end QUIT quit

== an empty line within the reply ends it
S: 250-ok
S:
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 000
= message 1 refused mail 000, rcpt refused=1
= end QUIT quit

== 421
S: 421 4.3.2 down
= refused mail 421 4.3.2
= message 1 refused mail 421 4.3.2, rcpt refused=1
= end CLOSING mail

== tolerant: 421
tolerant
S: 421-4.3.2 going
S: 421 4.3.2 down
= refused mail 421 4.3.2
= message 1 refused mail 421 4.3.2, rcpt refused=1
= end CLOSING mail

== tolerant: 521
tolerant
S: 521 5.3.2 no
= refused mail 521 5.3.2
= message 1 refused mail 521 5.3.2, rcpt refused=1
= end CLOSING mail

== closed
close
= message 1 failed, rcpt failed=1
= end LOST mail

== closed in the middle of the reply
S: 550 n{-}
close
= message 1 failed, rcpt failed=1
= end LOST mail

== aborted
abort
= message 1 failed, rcpt failed=1
= end ABORTED mail

== refused, then closed in answer to RSET: the refusal stands
S: 550 no
C: RSET
close
= refused mail 550
= message 1 refused mail 550, rcpt refused=1
= end LOST rset

== RSET refused: on as usual
S: 550 no
C: RSET
S: 500 5.5.1 what?
C: QUIT
S: 221 bye
= refused mail 550
= message 1 refused mail 550, rcpt refused=1
= refused rset 500 5.5.1
= end QUIT quit

== RSET: 421
S: 550 no
C: RSET
S: 421 down
= refused mail 550
= message 1 refused mail 550, rcpt refused=1
= refused rset 421
= end CLOSING rset

== RSET: 421 also refuses nothing that comes later
keep
message*2
S: 550 no
C: RSET
S: 521 down
= refused mail 550
= message 1 refused mail 550, rcpt refused=1
= refused rset 521
= end CLOSING rset

== refused, then the next message
keep
message*3
S: 550 no
C: RSET
S: 250 ok
C: MAIL FROM:<a@b>
S: 451 no
C: RSET
S: 250 ok
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
= refused mail 550
= message 1 refused mail 550, rcpt refused=1
= refused mail 451
= message 2 refused mail 451, rcpt refused=1
= message 3 accepted, rcpt accepted=1
= end QUIT quit

== a surplus reply in the same segment
whole
S: 250 ok
S: 250 ok
= message 1 failed, rcpt failed=1
= end UNSOLICITED rcpt
replies greeting hello mail

== 421 behind the reply, in the same segment
whole
S: 250 ok
S: 421 4.3.2 down
= unsolicited rcpt 421 4.3.2
= message 1 refused rcpt 421 4.3.2, rcpt refused=1
= end CLOSING rcpt

== 10,000 lines
S*10000: 250-line {i}
= message 1 failed, rcpt failed=1
= end ENDLESS mail
