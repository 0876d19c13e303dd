# The same with groups of commands, and with chunks that are refused on their way.

no-quit
pipelining must
window 10
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-PIPELINING
S: 250 CHUNKING

== the dot goes alone
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
S: 250 ok
= message 1 accepted, rcpt accepted=1
= end DONE mail

== all recipients refused, and a 354
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 550 no
S: 354 go
C: .
S: 554 no
= refused rcpt 550
= collateral end-of-data 554
= message 1 refused rcpt 550, rcpt refused=1
= end DONE mail

== a chunk refused: those behind it are answered first
chunking must
chunk 2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 2
C: Hi{-}
C: BDAT 2
C: .{r}{-}
C: BDAT 1 LAST
C: {n}{-}
S: 250 ok
S: 250 ok
S: 552 no
S: 503 no
S: 503 no
= refused data 552
= collateral data 503
= collateral end-of-data 503
= message 1 refused data 552, rcpt refused=1
= end DONE mail

== a chunk refused before all of it was written
chunking must
window 1
iov 1
parts-lines
| one
| two
| three
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
stall
S: 250 ok
C: BDAT 17 LAST
S: 552 no
flow
C: one
C: two
C: three
= refused end-of-data 552
= message 1 refused end-of-data 552, rcpt refused=1
= end DONE mail
