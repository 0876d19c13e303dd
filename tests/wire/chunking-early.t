# A reply to a BDAT whose octets have not all been lent: a send carries four slices, one of them the
# command, and is not retired. What was announced is sent to its end (RFC 3030 section 2).

chunking must
iov 4
parts-lines
keep
message
| one
| two
| three
| four
| five
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 CHUNKING
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
stall

== LAST in pieces
S: 250 ok
C: BDAT 29 LAST
C: one
C: two
C: three
tick 10s
flow
C: four
C: five
tick 5s
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
times 0 0 0 0 5 0

== LAST refused early
S: 250 ok
C: BDAT 29 LAST
C: one
C: two
C: three
S: 552 5.3.4 too big
flow
C: four
C: five
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused end-of-data 552 5.3.4
= message 1 refused end-of-data 552 5.3.4, rcpt refused=1
= end QUIT quit

== LAST refused early, then the next message
message
| six
S: 250 ok
C: BDAT 29 LAST
C: one
C: two
C: three
S: 552 5.3.4 too big
flow
C: four
C: five
C: RSET
S: 250 ok
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 5 LAST
C: six
S: 250 ok
C: QUIT
S: 221 bye
= refused end-of-data 552 5.3.4
= message 1 refused end-of-data 552 5.3.4, rcpt refused=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== a chunk refused early
chunk 23
S: 250 ok
C: BDAT 23
C: one
C: two
C: three
S: 552 5.3.4 too big
flow
C: four
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused data 552 5.3.4
= message 1 refused data 552 5.3.4, rcpt refused=1
= end QUIT quit

== LAST accepted early: nobody can accept what was not sent
S: 250 ok
C: BDAT 29 LAST
C: one
C: two
C: three
S: 250 ok
= message 1 failed, rcpt failed=1
= end UNSOLICITED end-of-data

== 421 early
S: 250 ok
C: BDAT 29 LAST
C: one
C: two
C: three
S: 421 4.3.2 down
= refused end-of-data 421 4.3.2
= message 1 refused end-of-data 421 4.3.2, rcpt refused=1
= end CLOSING end-of-data

== closed early: the final octet was not lent
S: 250 ok
C: BDAT 29 LAST
C: one
C: two
C: three
close
= message 1 failed, rcpt failed=1
= end LOST end-of-data
