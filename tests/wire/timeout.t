# A reply has to come, in its whole, within the time limit, whatever it is the reply to. Each reply and
# each octet written starts the limit anew; a part of a reply does not.

== greeting
deadline 300s
tick 299s
tick 1s
= message 1 failed unstarted, rcpt failed=1
= end TIMEOUT greeting

== a part of a line is no reply
tick 200s
S: 22{-}
tick 99s
S: 0 m{-}
deadline 1s
tick 1s
= message 1 failed unstarted, rcpt failed=1
= end TIMEOUT greeting

== lines that dribble in are no reply
tick 200s
S: 220-one
deadline 100s
tick 99s
S: 220-two
deadline 1s
tick 1s
= message 1 failed unstarted, rcpt failed=1
= end TIMEOUT greeting

== each reply starts it anew
tick 200s
S: 220-one
tick 99s
S: 220 two
C: HELO me
deadline 300s
tick 299s
S: 250 mx
C: MAIL FROM:<a@b>
deadline 300s
tick 299s
close
= message 1 failed, rcpt failed=1
= end LOST mail

== hello
timeout 5s
S: 220 mx
C: HELO me
deadline 5s
tick 5s
= message 1 failed unstarted, rcpt failed=1
= end TIMEOUT hello

== mail, and no part of the command is written
timeout 5s
S: 220 mx
C: HELO me
stall
S: 250 mx
C: MAIL FROM:<a@b>
deadline 5s
tick 5s
= message 1 failed, rcpt failed=1
= end TIMEOUT mail

== rcpt
S: 220 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
tick 1000s
= message 1 failed, rcpt failed=1
= end TIMEOUT rcpt

== data
S: 220 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
tick 299s
tick 1s
= message 1 failed, rcpt failed=1
= end TIMEOUT data

== rset: the refusal stands
S: 220 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 550 no
C: RSET
tick 300s
= refused mail 550
= message 1 refused mail 550, rcpt refused=1
= end TIMEOUT rset

== in a group each reply starts it anew
pipelining must
window 10
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 PIPELINING
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
tick 299s
S: 250 ok
deadline 300s
tick 299s
S: 250 ok
tick 299s
deadline 1s
tick 1s
= message 1 failed, rcpt failed=1
= end TIMEOUT data

== a reply's time counts from the last octet of its command
S: 220 mx
C: HELO me
tick 1s
S: 250 mx
C: MAIL FROM:<a@b>
tick 2s
S: 250 ok
C: RCPT TO:<c@d>
tick 3s
S: 250-o
tick 1s
S: 250 k
C: DATA
tick 5s
S: 354 go
C: Hi.
C: .
tick 6s
S: 250 ok
C: QUIT
tick 7s
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
times 0 1 2 4 5 6 7

== in a group it counts from the group
pipelining must
window 10
tick 1s
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 PIPELINING
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
tick 1s
S: 250 ok
tick 1s
S: 250 ok
tick 1s
S: 354 go
C: Hi.
C: .
C: QUIT
tick 1s
S: 250 ok
tick 1s
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
times 1 0 1 2 3 1 2

== by phase: those of RFC 5321 section 4.5.3.2
timeouts 300s
deadline 300s
S: 220 mx
C: HELO me
deadline 300s
S: 250 mx
C: MAIL FROM:<a@b>
deadline 300s
S: 250 ok
C: RCPT TO:<c@d>
deadline 300s
S: 250 ok
C: DATA
deadline 120s
tick 119s
S: 354 go
C: Hi.
C: .
deadline 600s
tick 599s
S: 250 ok
C: QUIT
deadline 300s
tick 300s
= message 1 accepted, rcpt accepted=1
= end TIMEOUT quit

== in proportion
timeouts 5s
deadline 5s
S: 220 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
deadline 2s
tick 2s
= message 1 failed, rcpt failed=1
= end TIMEOUT data

== the content has a limit for each progress, its end another
parts-lines
timeouts 300s
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
C: Hi.
C: .
deadline 180s
tick 179s
sent 5
deadline 180s
tick 179s
flow
deadline 600s
tick 600s
= message 1 unknown, rcpt unknown=1
= end TIMEOUT end-of-data

== so have chunks
parts-lines
timeouts 300s
chunking must
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 CHUNKING
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
stall
S: 250 ok
C: BDAT 5 LAST
C: Hi.
deadline 180s
flow
deadline 600s
tick 600s
= message 1 unknown, rcpt unknown=1
= end TIMEOUT end-of-data
