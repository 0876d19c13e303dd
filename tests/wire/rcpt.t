# RCPT (RFC 5321 section 4.1.1.3): one accepted recipient is enough to go on.

S: 220 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>

== the only one: 5xx
S: 550 5.1.1 no such user
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550 5.1.1
= message 1 refused rcpt 550 5.1.1, rcpt refused=1
= end QUIT quit
replies greeting hello mail rcpt rset quit

== the only one: 4xx
S: 450 4.2.1 later
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 450 4.2.1
= message 1 refused rcpt 450 4.2.1, rcpt refused=1
= end QUIT quit

== the only one: 3xx
S: 354 go
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 354
= message 1 refused rcpt 354, rcpt refused=1
= end QUIT quit

== the only one: code 0
S: 25 ok
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 000
= message 1 refused rcpt 000, rcpt refused=1
= end QUIT quit

== 251 and 252 accept
message to=<c@d> to=<e@f>
S: 251-will
S: 251 forward
C: RCPT TO:<e@f>
S: 252 cannot tell
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=2
= end QUIT quit

== the first refused
message to=<c@d> to=<e@f> to=<g@h>
S: 550 no
C: RCPT TO:<e@f>
S: 250 ok
C: RCPT TO:<g@h>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550
= message 1 accepted, rcpt accepted=2 refused=1
= end QUIT quit

== the last refused
message to=<c@d> to=<e@f> to=<g@h>
S: 250 ok
C: RCPT TO:<e@f>
S: 250 ok
C: RCPT TO:<g@h>
S: 550 no
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550
= message 1 accepted, rcpt accepted=2 refused=1
= end QUIT quit

== all refused: the last refusal decided it
message to=<c@d> to=<e@f> to=<g@h>
S: 550 5.1.1 no
C: RCPT TO:<e@f>
S: 450 4.2.1 no
C: RCPT TO:<g@h>
S: 553 5.1.3 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550 5.1.1
= refused rcpt 450 4.2.1
= refused rcpt 553 5.1.3
= message 1 refused rcpt 553 5.1.3, rcpt refused=3
= end QUIT quit

== some refused, then the end of data
message to=<c@d> to=<e@f>
S: 550 no
C: RCPT TO:<e@f>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 554 5.6.0 no
C: QUIT
S: 221 bye
= refused rcpt 550
= refused end-of-data 554 5.6.0
= message 1 refused end-of-data 554 5.6.0, rcpt refused=2
= end QUIT quit

== some refused, then lost: a recipient's refusal stands
message to=<c@d> to=<e@f>
S: 550 no
C: RCPT TO:<e@f>
close
= refused rcpt 550
= message 1 failed, rcpt refused=1 failed=1
= end LOST rcpt

== 421
message to=<c@d> to=<e@f>
S: 421 4.3.2 down
= refused rcpt 421 4.3.2
= message 1 refused rcpt 421 4.3.2, rcpt refused=2
= end CLOSING rcpt

== 421 after an accepted one
message to=<c@d> to=<e@f>
S: 250 ok
C: RCPT TO:<e@f>
S: 421 down
= refused rcpt 421
= message 1 refused rcpt 421, rcpt refused=2
= end CLOSING rcpt

== tolerant: 521
tolerant
S: 521 no
= refused rcpt 521
= message 1 refused rcpt 521, rcpt refused=1
= end CLOSING rcpt

== closed
close
= message 1 failed, rcpt failed=1
= end LOST rcpt

== aborted between two
message to=<c@d> to=<e@f>
S: 250 ok
C: RCPT TO:<e@f>
abort
= message 1 failed, rcpt failed=2
= end ABORTED rcpt

== a surplus reply in the same segment
whole
S: 250 ok
S: 250 ok
= message 1 failed, rcpt failed=1
= end UNSOLICITED data

== closed without a word after the only one was refused
S: 550 no
C: RSET
close
= refused rcpt 550
= message 1 refused rcpt 550, rcpt refused=1
= end LOST rset

== 10,000 lines
S*10000: 250-line {i}
= message 1 failed, rcpt failed=1
= end ENDLESS rcpt
