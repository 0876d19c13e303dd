# LMTP (RFC 2033): a reply to the end of data for each accepted recipient, in their order.

lmtp
message to=<r1@d> to=<r2@d> to=<r3@d>
S: 220 mx LMTP
C: LHLO me
S: 250-mx
S: 250 PIPELINING
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<r1@d>

== all accepted
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 2.0.0 <r1@d> ok
S: 250-2.0.0 <r2@d>
S: 250 ok
S: 250 2.0.0 <r3@d> ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=3
= end QUIT quit
replies greeting hello mail rcpt rcpt rcpt data end-of-data end-of-data end-of-data quit

== one refused at RCPT: two replies
S: 250 ok
C: RCPT TO:<r2@d>
S: 550 5.1.1 no
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550 5.1.1
= message 1 accepted, rcpt accepted=2 refused=1
= end QUIT quit

== all refused at RCPT
S: 550 no
C: RCPT TO:<r2@d>
S: 550 no
C: RCPT TO:<r3@d>
S: 450 4.2.0 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550
= refused rcpt 550
= refused rcpt 450 4.2.0
= message 1 refused rcpt 450 4.2.0, rcpt refused=3
= end QUIT quit

== some refused at the end of data
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 452 4.2.2 full
S: 250 ok
S: 550 5.2.1 gone
C: QUIT
S: 221 bye
= refused end-of-data 452 4.2.2
= refused end-of-data 550 5.2.1
= message 1 accepted, rcpt accepted=1 refused=2
= end QUIT quit

== refused in both places
S: 250 ok
C: RCPT TO:<r2@d>
S: 550 no
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 452 4.2.2 full
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550
= refused end-of-data 452 4.2.2
= message 1 accepted, rcpt accepted=1 refused=2
= end QUIT quit

== all refused at the end of data: the last decided it
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 452 4.2.2 full
S: code 0
S: 550 5.2.1 gone
C: QUIT
S: 221 bye
= refused end-of-data 452 4.2.2
= refused end-of-data 000
= refused end-of-data 550 5.2.1
= message 1 refused end-of-data 550 5.2.1, rcpt refused=3
= end QUIT quit

== DATA refused: one reply
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 451 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused data 451
= message 1 refused data 451, rcpt refused=3
= end QUIT quit

== a single 421 at the end of data
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 421 4.3.2 down
= refused end-of-data 421 4.3.2
= message 1 refused end-of-data 421 4.3.2, rcpt refused=3
= end CLOSING end-of-data

== 421 for the second: the first is delivered
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
S: 421 down
= refused end-of-data 421
= message 1 accepted, rcpt accepted=1 refused=2
= end CLOSING end-of-data

== closed before any
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
close
= message 1 unknown, rcpt unknown=3
= end LOST end-of-data

== closed after an acceptance
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
close
= message 1 accepted, rcpt accepted=1 unknown=2
= end LOST end-of-data

== closed after a refusal: the others may have it
S: 250 ok
C: RCPT TO:<r2@d>
S: 550 no
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 550 no
close
= refused rcpt 550
= refused end-of-data 550
= message 1 unknown, rcpt refused=2 unknown=1
= end LOST end-of-data

== a reply is missing
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
S: 250 ok
tick 299s
deadline 1s
tick 1s
= message 1 accepted, rcpt accepted=2 unknown=1
= end TIMEOUT end-of-data

== a reply too many
whole
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
S: 250 ok
S: 250 ok
S: 250 ok
= message 1 accepted, rcpt accepted=3
= end UNSOLICITED quit

== a refused recipient gets no reply: one too many
whole
S: 550 no
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
S: 250 ok
S: 250 ok
= refused rcpt 550
= message 1 accepted, rcpt accepted=2 refused=1
= end UNSOLICITED quit
