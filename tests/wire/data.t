# DATA (RFC 5321 section 4.1.1.4): wants exactly 354.

S: 220 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA

== 5xx
S: 554 5.5.1 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused data 554 5.5.1
= message 1 refused data 554 5.5.1, rcpt refused=1
= end QUIT quit
replies greeting hello mail rcpt data rset quit

== 4xx
S: 451 later
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused data 451
= message 1 refused data 451, rcpt refused=1
= end QUIT quit

== 2xx is not what was wanted
S: 250 ok
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused data 250
= message 1 refused data 250, rcpt refused=1
= end QUIT quit

== another 3xx is not either
S: 334 go
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused data 334
= message 1 refused data 334, rcpt refused=1
= end QUIT quit

== code 0
S: 3540 go
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused data 000
= message 1 refused data 000, rcpt refused=1
= end QUIT quit

== 354 in many lines
S: 354-go
S: 354-on
S: 354
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== 421
S: 421 4.3.2 down
= refused data 421 4.3.2
= message 1 refused data 421 4.3.2, rcpt refused=1
= end CLOSING data

== tolerant: 521
tolerant
S: 521 no
= refused data 521
= message 1 refused data 521, rcpt refused=1
= end CLOSING data

== closed
close
= message 1 failed, rcpt failed=1
= end LOST data

== aborted
abort
= message 1 failed, rcpt failed=1
= end ABORTED data

== refused, then the next message
keep
message*2
S: 452 4.3.1 full
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
= refused data 452 4.3.1
= message 1 refused data 452 4.3.1, rcpt refused=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== 10,000 lines
S*10000: 354-line {i}
= message 1 failed, rcpt failed=1
= end ENDLESS data
