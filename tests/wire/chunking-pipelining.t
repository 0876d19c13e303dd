# CHUNKING and PIPELINING together (RFC 3030 section 4.2): no barrier between MAIL and LAST.

chunking must
pipelining must
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-CHUNKING
S: 250 PIPELINING

== a whole transaction and QUIT in one group
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: QUIT
S: 250 ok
S: 250 ok
S: 250 ok
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== several chunks at any window
window 1 2 3 5 100
ahead
keep
chunk 3
message*3 to=<r1@d> to=<r2@d>
repeat 3
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<r1@d>
S: 250 ok
C: RCPT TO:<r2@d>
S: 550 no
C: BDAT 3
C: Hi.{-}
S: 250 ok
C: BDAT 2 LAST
C:
S: 250 ok
= refused rcpt 550
= message {i} accepted, rcpt accepted=1 refused=1
done
C: QUIT
S: 221 bye
= end QUIT quit

== a chunk refused in the middle, all in flight
window 100
chunk 2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 2
C: Hi{-}
C: BDAT 2
C: .{r}{-}
C: BDAT 1 LAST
C: {n}{-}
C: QUIT
S: 250 ok
S: 250 ok
S: 250 ok
S: 552 5.2.2 full
S: 503 5.5.1 no
S: 221 bye
= refused data 552 5.2.2
= collateral end-of-data 503 5.5.1
= message 1 refused data 552 5.2.2, rcpt refused=1
= end QUIT quit

== a chunk refused, others not sent yet: they are not
window 2
chunk 1
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 1
C: H{-}
S: 250 ok
C: BDAT 1
C: i{-}
S: 552 5.2.2 full
C: RSET
S: 503 5.5.1 no
C: QUIT
S: 250 ok
S: 221 bye
= refused data 552 5.2.2
= collateral data 503 5.5.1
= message 1 refused data 552 5.2.2, rcpt refused=1
= end QUIT quit

== MAIL refused, the transaction in flight
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: QUIT
S: 550 5.7.1 no
S: 503 5.5.1 no
S: 503 5.5.1 no
S: 221 bye
= refused mail 550 5.7.1
= collateral rcpt 503 5.5.1
= collateral end-of-data 503 5.5.1
= message 1 refused mail 550 5.7.1, rcpt refused=1
= end QUIT quit

== all RCPT refused, LAST accepted all the same: never counts
window 100
message to=<c@d> to=<e@f>
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: RCPT TO:<e@f>
C: BDAT 5 LAST
C: Hi.
C: QUIT
S: 250 ok
S: 550 5.1.1 no
S: 550 5.1.1 no
S: 250 ok
S: 221 bye
= refused rcpt 550 5.1.1
= refused rcpt 550 5.1.1
= message 1 refused rcpt 550 5.1.1, rcpt refused=2
= end QUIT quit

== one transaction at a time unless more are asked for
window 100
keep
message*2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
S: 250 ok
S: 250 ok
S: 250 ok
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
S: 250 ok
S: 250 ok
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== three transactions in flight
window 100
in-flight 3
keep
message*3
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
S*9: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= message 2 accepted, rcpt accepted=1
= message 3 accepted, rcpt accepted=1
= end QUIT quit

== three in flight, MAIL of the first refused: the others stand alone
window 100
in-flight 3
keep
message*3
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
S: 451 4.7.1 no
S: 503 5.5.1 no
S: 503 5.5.1 no
S*6: 250 ok
C: RSET
C: QUIT
S: 250 ok
S: 221 bye
= refused mail 451 4.7.1
= collateral rcpt 503 5.5.1
= collateral end-of-data 503 5.5.1
= message 1 refused mail 451 4.7.1, rcpt refused=1
= message 2 accepted, rcpt accepted=1
= message 3 accepted, rcpt accepted=1
= end QUIT quit

== three in flight, RCPT of the first refused: the others are collateral until RSET
window 100
in-flight 3
keep
message*3
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
S: 250 ok
S: 550 5.1.1 no
S: 554 5.5.1 no valid recipients
S: 503 5.5.1 nested MAIL
S: 503 5.5.1 no
S: 503 5.5.1 no
S: 503 5.5.1 nested MAIL
S: 503 5.5.1 no
S: 503 5.5.1 no
C: RSET
C: QUIT
S: 250 ok
S: 221 bye
= refused rcpt 550 5.1.1
= collateral end-of-data 554 5.5.1
= message 1 refused rcpt 550 5.1.1, rcpt refused=1
= collateral mail 503 5.5.1
= collateral rcpt 503 5.5.1
= collateral end-of-data 503 5.5.1
= message 2 refused collateral mail 503 5.5.1, rcpt refused=1
= collateral mail 503 5.5.1
= collateral rcpt 503 5.5.1
= collateral end-of-data 503 5.5.1
= message 3 refused collateral mail 503 5.5.1, rcpt refused=1
= end QUIT quit

== a chunk of the first refused, and a fourth after RSET
window 100
in-flight 3
keep
whole
message*4
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
S: 250 ok
S: 250 ok
S: 552 5.2.2 full
S: 503 5.5.1 nested MAIL
S: 503 5.5.1 no
S: 503 5.5.1 no
S: 503 5.5.1 nested MAIL
S: 503 5.5.1 no
S: 503 5.5.1 no
C: RSET
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: QUIT
S: 250 ok
S*3: 250 ok
S: 221 bye
= refused end-of-data 552 5.2.2
= message 1 refused end-of-data 552 5.2.2, rcpt refused=1
= collateral mail 503 5.5.1
= collateral rcpt 503 5.5.1
= collateral end-of-data 503 5.5.1
= message 2 refused collateral mail 503 5.5.1, rcpt refused=1
= collateral mail 503 5.5.1
= collateral rcpt 503 5.5.1
= collateral end-of-data 503 5.5.1
= message 3 refused collateral mail 503 5.5.1, rcpt refused=1
= message 4 accepted, rcpt accepted=1
= end QUIT quit

== three in flight, 421 to the first: the others are unknown
window 100
in-flight 3
keep
message*3
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
S: 250 ok
S: 421 4.3.2 down
= refused rcpt 421 4.3.2
= message 1 refused rcpt 421 4.3.2, rcpt refused=1
= message 2 unknown, rcpt unknown=1
= message 3 unknown, rcpt unknown=1
= end CLOSING rcpt

== three in flight, a window that holds half of them, lost
window 7
in-flight 3
keep
message*3
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: MAIL FROM:<a@b>
close
= message 1 unknown, rcpt unknown=1
= message 2 unknown, rcpt unknown=1
= message 3 failed, rcpt failed=1
= end LOST mail

== twenty messages, four in flight
window 1 2 5 100
ahead
in-flight 4
keep
message*20
repeat 20
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 5 LAST
C: Hi.
S: 250 ok
= message {i} accepted, rcpt accepted=1
done
C: QUIT
S: 221 bye
= end QUIT quit
