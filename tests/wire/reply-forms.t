# The leniency that the drop-in contract asks for, one form a command (RFC 5321 section 4.2).

== bare LF
S: 220 mx{n}{-}
C: HELO me
S: 250-mx{n}250 mx{n}{-}
C: MAIL FROM:<a@b>
S: 250 ok{n}{-}
C: RCPT TO:<c@d>
S: 250 ok{n}{-}
C: DATA
S: 354 go{n}{-}
C: Hi.
C: .
S: 250 ok{n}{-}
C: QUIT
S: 221 bye{n}{-}
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== CR CR LF
S: 220 mx{r}
C: HELO me
S: 250-mx{r}
S: 250 mx{r}
C: MAIL FROM:<a@b>
S: 250 ok{r}
C: RCPT TO:<c@d>
S: 250 {r}
C: DATA
S: 354{r}
C: Hi.
C: .
S: 250 ok{r}{r}
C: QUIT
S: 221 bye{r}
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== the code and nothing else
S: 220
C: HELO me
S: 250
C: MAIL FROM:<a@b>
S: 250
C: RCPT TO:<c@d>
S: 250
C: DATA
S: 354
C: Hi.
C: .
S: 250
C: QUIT
S: 221
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== no blank behind the code
S: 220mx
C: HELO me
S: 250-mx
S: 250hello
C: MAIL FROM:<a@b>
S: 250,ok
C: RCPT TO:<c@d>
S: 250	ok
C: DATA
S: 354{x80}
C: Hi.
C: .
S: 250.ok
C: QUIT
S: 221+bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== NULs and a lone CR within lines
S: 220 m{0}x
C: HELO me
S: 250-{0}{0}
S: 250 {r}x
C: MAIL FROM:<a@b>
S: 250{0}ok
C: RCPT TO:<c@d>
S: 250 {r}250 no
C: DATA
S: 354 go{0}
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== a NUL within the code
S: 22{0}0 mx
= refused greeting 000
= message 1 refused greeting 000, rcpt refused=1
= end REFUSED greeting

== over-long lines: the rest is skipped
S: 220-{x*11000}
S: 220 {x*11000}
C: HELO me
S: 250-{x*100000}
S: 250 {x*11000}
C: MAIL FROM:<a@b>
S: 250{x*20000}
C: RCPT TO:<c@d>
S: 250-{y*10239}
S: 250-{y*10240}
S: 250-{y*10241}
S: 250 {y*10236}
C: DATA
S: 354 {x*11000}
C: Hi.
C: .
S: 554 5.6.0 {x*11000}
C: QUIT
S: 221 {x*11000}
= refused end-of-data 554 5.6.0
= message 1 refused end-of-data 554 5.6.0, rcpt refused=1
= end QUIT quit

== a line of digits without end
S: {2*11000}
= refused greeting 000
= message 1 refused greeting 000, rcpt refused=1
= end REFUSED greeting

== a line without end is no reply
S: {x*100000}{-}
close
= message 1 failed unstarted, rcpt failed=1
= end LOST greeting

== codes of other classes
tolerant
S: 199 mx
C: HELO me
S: 600 mx
C: MAIL FROM:<a@b>
S: 999 ok
C: RSET
S: 001 ok
C: QUIT
S: 000 bye
= refused greeting 199
= refused hello 600
= refused mail 999
= message 1 refused mail 999, rcpt refused=1
= refused rset 001
= end QUIT quit

== continuation lines of different codes: the last counts
S: 220-mx
S: 421-well
S: 220 mx
C: HELO me
S: 550-no
S: 250 yes
C: MAIL FROM:<a@b>
S: 250-yes
S: 550 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 550
= message 1 refused mail 550, rcpt refused=1
= end QUIT quit

== enhanced codes, as they should be and not
S: 220 2.0.0 mx
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 550 5.123.123
C: RCPT TO:<c@d>
S: 550 5.1234.1 x
C: RCPT TO:<c@d>
S: 550   5.1.1 x
C: RCPT TO:<c@d>
S: 450 4.7.1: greylisted
C: RCPT TO:<c@d>
S: 550 5.1
C: RCPT TO:<c@d>
S: 550-5.1.1 only the last line is looked at
S: 550 no
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
message to=<c@d>*6
= refused rcpt 550 5.123.123
= refused rcpt 550
= refused rcpt 550 5.1.1
= refused rcpt 450
= refused rcpt 550
= refused rcpt 550
= message 1 refused rcpt 550, rcpt refused=6
= end QUIT quit
