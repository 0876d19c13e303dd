# QUIT (RFC 5321 section 4.1.1.10): the mail is decided, whatever is said to it.

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
S: 250 ok
C: QUIT
= message 1 accepted, rcpt accepted=1

== 221 in lines
S: 221-good
S: 221 bye
= end QUIT quit

== 5xx is no refusal
S: 500 what?
= end QUIT quit

== 4xx
S: 450 no
= end QUIT quit

== 3xx
S: 354 go
= end QUIT quit

== 421
S: 421 4.3.2 down
= end QUIT quit

== tolerant: 521
tolerant
S: 521 no
= end QUIT quit

== code 0
S: bye
= end QUIT quit

== closed
close
= end QUIT quit

== closed in the middle of the reply
S: 221 by{-}
close
= end QUIT quit

== aborted
abort
= end ABORTED quit

== timeout: the message keeps its outcome
deadline 300s
tick 300s
= end TIMEOUT quit

== what follows is swallowed
S: 221 bye
S: 250 ok
S*100: 421 {z*1000}
S: {0}{0}{0}{-}
= end QUIT quit
