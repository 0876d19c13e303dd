# The reply to the final dot (RFC 5321 section 4.1.1.4): the message's fate.

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

== 2xx of any kind
S: 200-queued
S: 299 queued
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== 5xx: no RSET
S: 552 5.2.2 full
C: QUIT
S: 221 bye
= refused end-of-data 552 5.2.2
= message 1 refused end-of-data 552 5.2.2, rcpt refused=1
= end QUIT quit
replies greeting hello mail rcpt data end-of-data quit

== 4xx
S: 451 4.3.0 later
C: QUIT
S: 221 bye
= refused end-of-data 451 4.3.0
= message 1 refused end-of-data 451 4.3.0, rcpt refused=1
= end QUIT quit

== 3xx
S: 354 go on
C: QUIT
S: 221 bye
= refused end-of-data 354
= message 1 refused end-of-data 354, rcpt refused=1
= end QUIT quit

== code 0
S: 2500 ok
C: QUIT
S: 221 bye
= refused end-of-data 000
= message 1 refused end-of-data 000, rcpt refused=1
= end QUIT quit

== an enhanced code of another class is none (RFC 2034 section 4)
S: 550 4.1.1 what?
C: QUIT
S: 221 bye
= refused end-of-data 550
= message 1 refused end-of-data 550, rcpt refused=1
= end QUIT quit

== refused, then the next message without RSET
keep
message*2
S: 550 no
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
= refused end-of-data 550
= message 1 refused end-of-data 550, rcpt refused=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== 421
S: 421 4.3.2 down
= refused end-of-data 421 4.3.2
= message 1 refused end-of-data 421 4.3.2, rcpt refused=1
= end CLOSING end-of-data

== tolerant: 521
tolerant
S: 521 no
= refused end-of-data 521
= message 1 refused end-of-data 521, rcpt refused=1
= end CLOSING end-of-data

== closed: nobody knows
close
= message 1 unknown, rcpt unknown=1
= end LOST end-of-data

== closed in the middle of the reply: still nobody knows
S: 250-2.0.0 queu
S: 250 2.0.{-}
close
= message 1 unknown, rcpt unknown=1
= end LOST end-of-data

== aborted
abort
= message 1 unknown, rcpt unknown=1
= end ABORTED end-of-data

== timeout
tick 300s
= message 1 unknown, rcpt unknown=1
= end TIMEOUT end-of-data

== accepted, then closed in answer to QUIT: no harm done
S: 250 ok
C: QUIT
close
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== a surplus reply in the same segment
whole
S: 250 ok
S: 250 ok
= message 1 accepted, rcpt accepted=1
= end UNSOLICITED quit

== 10,000 lines
S*10000: 250-line {i}
= message 1 unknown, rcpt unknown=1
= end ENDLESS end-of-data
