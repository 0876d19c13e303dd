# CHUNKING in LMTP (RFC 3030 section 4.3): LAST has the replies of an end of data.

lmtp
chunking must
chunk 3
message to=<r1@d> to=<r2@d>
S: 220 mx
C: LHLO me
S: 250-mx
S: 250-PIPELINING
S: 250 CHUNKING

== a reply a chunk, at LAST one for each recipient
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<r1@d>
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: BDAT 3
C: Hi.{-}
S: 250 ok
C: BDAT 2 LAST
C:
S: 250 ok
S: 452 4.2.2 full
C: QUIT
S: 221 bye
= refused end-of-data 452 4.2.2
= message 1 accepted, rcpt accepted=1 refused=1
= end QUIT quit

== an earlier chunk refused: LAST in flight has one reply
pipelining must
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: BDAT 3
C: Hi.{-}
C: BDAT 2 LAST
C:
S: 250 ok
S: 250 ok
S: 250 ok
S: 552 5.2.2 full
S: 503 5.5.1 no
C: RSET
C: QUIT
S: 250 ok
S: 221 bye
= refused data 552 5.2.2
= collateral end-of-data 503 5.5.1
= message 1 refused data 552 5.2.2, rcpt refused=2
= end QUIT quit

== no recipient accepted: LAST in flight has one reply
pipelining must
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: BDAT 3
C: Hi.{-}
C: BDAT 2 LAST
C:
S: 250 ok
S: 550 no
S: 550 no
S: 503 no
S: 503 no
C: RSET
C: QUIT
S: 250 ok
S: 221 bye
= refused rcpt 550
= refused rcpt 550
= collateral data 503
= collateral end-of-data 503
= message 1 refused rcpt 550, rcpt refused=2
= end QUIT quit

== one message at a time, whatever is asked for
pipelining must
window 100
in-flight 10
keep
chunk 100
message to=<r3@d>
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: BDAT 5 LAST
C: Hi.
S: 250 ok
S: 250 ok
S: 550 no
S: 250 ok
C: MAIL FROM:<a@b>
C: RCPT TO:<r3@d>
C: BDAT 5 LAST
C: Hi.
S: 250 ok
S: 250 ok
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550
= message 1 accepted, rcpt accepted=1 refused=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== closed between the replies to LAST
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<r1@d>
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: BDAT 3
C: Hi.{-}
S: 250 ok
C: BDAT 2 LAST
C:
S: 550 no
close
= refused end-of-data 550
= message 1 unknown, rcpt refused=1 unknown=1
= end LOST end-of-data

== LAST refused by a single reply for two recipients: RSET waits for the other's
pipelining must
window 100
timeout 5s
chunk 100
keep
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: BDAT 5 LAST
C: Hi.
S: 250 ok
S: 250 ok
S: 250 ok
S: 552 too large
tick 5s
= refused end-of-data 552
= message 1 unknown, rcpt refused=1 unknown=1
= end TIMEOUT end-of-data
