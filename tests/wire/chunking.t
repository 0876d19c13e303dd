# CHUNKING (RFC 3030 section 2) in lockstep: BDAT in place of DATA and the dot.

chunking must
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 CHUNKING

== one chunk, dots as they are
message
| .
| ..x
|
| .x
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 14 LAST
C: .
C: ..x
C:
C: .x
S: 250 2.0.0 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
replies greeting hello mail rcpt end-of-data quit

== several chunks
chunk 4
message
| Hello.
| Bye.
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 4
C: Hell{-}
S: 250 4 octets
C: BDAT 4
C: o.
S: 250-4
S: 250 octets
C: BDAT 4
C: Bye.{-}
S: 250 ok
C: BDAT 2 LAST
C:
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
replies greeting hello mail rcpt data data data end-of-data quit

== the last chunk is a full one
chunk 8
message
| Hello.
| Bye...
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 8
C: Hello.
S: 250 ok
C: BDAT 8 LAST
C: Bye...
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== a chunk larger than the message
chunk 1000
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 5 LAST
C: Hi.
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== an empty message
chunk 10
message empty
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 0 LAST
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== an empty message, and no reply
message empty
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 0 LAST
close
= message 1 unknown, rcpt unknown=1
= end LOST end-of-data

== a chunk refused in the middle: no other follows
chunk 2
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 2
C: Hi{-}
S: 250 ok
C: BDAT 2
C: .{r}{-}
S: 552 5.2.2 full
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused data 552 5.2.2
= message 1 refused data 552 5.2.2, rcpt refused=1
= end QUIT quit

== the first chunk: 354 is not wanted here
chunk 3
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 3
C: Hi.{-}
S: 354 go
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused data 354
= message 1 refused data 354, rcpt refused=1
= end QUIT quit

== LAST refused: RSET, then the next message
keep
message*2
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 5 LAST
C: Hi.
S: 451 4.3.0 no
C: RSET
S: 250 ok
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 5 LAST
C: Hi.
S: 250 ok
C: QUIT
S: 221 bye
= refused end-of-data 451 4.3.0
= message 1 refused end-of-data 451 4.3.0, rcpt refused=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== LAST: code 0
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 5 LAST
C: Hi.
S: ok
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused end-of-data 000
= message 1 refused end-of-data 000, rcpt refused=1
= end QUIT quit

== 421 to a chunk
chunk 2
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 2
C: Hi{-}
S: 421 down
= refused data 421
= message 1 refused data 421, rcpt refused=1
= end CLOSING data

== 421 to LAST
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 5 LAST
C: Hi.
S: 421 down
= refused end-of-data 421
= message 1 refused end-of-data 421, rcpt refused=1
= end CLOSING end-of-data

== closed after a chunk
chunk 2
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 2
C: Hi{-}
close
= message 1 failed, rcpt failed=1
= end LOST data

== closed after LAST
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 5 LAST
C: Hi.
close
= message 1 unknown, rcpt unknown=1
= end LOST end-of-data

== no reply to a chunk
chunk 2
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 2
C: Hi{-}
tick 300s
= message 1 failed, rcpt failed=1
= end TIMEOUT data

== all recipients refused: no BDAT
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 550 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused rcpt 550
= message 1 refused rcpt 550, rcpt refused=1
= end QUIT quit

== chunks smaller than lines and parts
chunk 1
message
| .
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: BDAT 1
C: .{-}
S: 250 ok
C: BDAT 1
C: {r}{-}
S: 250 ok
C: BDAT 1 LAST
C: {n}{-}
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
