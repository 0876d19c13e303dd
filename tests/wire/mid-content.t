# What happens while content is on its way. Sends carry four slices, one a line, and are not retired,
# so the rest of the content has not been lent.

iov 4
parts-lines
message
| one
| two
| three
| four
| five
S: 220 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
stall
S: 354 go
C: one
C: two
C: three
C: four

== all of it in the end
flow
C: five
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== closed: not all of it was handed over
close
= message 1 failed, rcpt failed=1
= end LOST end-of-data

== aborted
abort
= message 1 failed, rcpt failed=1
= end ABORTED end-of-data

== 421
S: 421 4.3.2 down
= unsolicited end-of-data 421 4.3.2
= message 1 refused end-of-data 421 4.3.2, rcpt refused=1
= end CLOSING end-of-data

== a refusal that can't wait for the dot answers nothing
S: 552 5.3.4 too much
= message 1 failed, rcpt failed=1
= end UNSOLICITED end-of-data

== an acceptance neither
S: 250 2.0.0 queued
= message 1 failed, rcpt failed=1
= end UNSOLICITED end-of-data

== a write that makes no progress
deadline 300s
tick 299s
deadline 1s
tick 1s
= message 1 failed, rcpt failed=1
= end TIMEOUT end-of-data

== a write that makes a little progress
tick 299s
sent 1
deadline 300s
tick 299s
sent 1
tick 299s
deadline 1s
flow
C: five
C: .
deadline 300s
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
