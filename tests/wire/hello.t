# HELO, EHLO and LHLO (RFC 5321 sections 3.2, 4.1.1.1; RFC 2033 section 4.1).

S: 220 mx

== HELO refused
C: HELO me
S: 501 5.5.4 bad name
= refused hello 501 5.5.4
= message 1 refused hello 501 5.5.4, rcpt refused=1
= end REFUSED hello

== HELO refused for now
C: HELO me
S: 450-4.3.2 wait
S: 451 4.3.2 wait
= refused hello 451 4.3.2
= message 1 refused hello 451 4.3.2, rcpt refused=1
= end REFUSED hello

== HELO: 3xx is a refusal
C: HELO me
S: 354 go
= refused hello 354
= message 1 refused hello 354, rcpt refused=1
= end REFUSED hello

== HELO: code 0
C: HELO me
S: 25 ok
= refused hello 000
= message 1 refused hello 000, rcpt refused=1
= end REFUSED hello

== HELO: 421
C: HELO me
S: 421 4.3.2 down
= refused hello 421 4.3.2
= message 1 refused hello 421 4.3.2, rcpt refused=1
= end CLOSING hello

== tolerant, HELO: 521
tolerant
C: HELO me
S: 521 5.3.2 no
= refused hello 521 5.3.2
= message 1 refused hello 521 5.3.2, rcpt refused=1
= end CLOSING hello

== tolerant: on with MAIL
tolerant
helo [192.0.2.1]
C: HELO [192.0.2.1]
S: 550 no
C: MAIL FROM:<a@b>
S: 503 HELO first
C: RSET
S: 503 HELO first
C: QUIT
S: 221 bye
= refused hello 550
= refused mail 503
= message 1 refused mail 503, rcpt refused=1
= refused rset 503
= end QUIT quit

== closed in answer to HELO
C: HELO me
close
= message 1 failed unstarted, rcpt failed=1
= end LOST hello

== closed in the middle of the reply
C: HELO me
S: 250-mx
S: 250 {-}
close
= message 1 failed unstarted, rcpt failed=1
= end LOST hello

== no hello at all (-o)
no-hello
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
= message 1 accepted, rcpt accepted=1
= end QUIT quit
replies greeting mail rcpt data end-of-data quit

== LHLO
lmtp
C: LHLO me
S: 250-mx
S: 250 PIPELINING
C: MAIL FROM:<a@b>
close
= message 1 failed, rcpt failed=1
= end LOST mail

== LHLO refused
lmtp
C: LHLO me
S: 500 5.5.1 what?
= refused hello 500 5.5.1
= message 1 refused hello 500 5.5.1, rcpt refused=1
= end REFUSED hello

== LHLO refused is not followed by HELO, whatever is wanted
lmtp
tolerant
pipelining if-offered
window 1 10
C: LHLO me
S: 500 what?
C: MAIL FROM:<a@b>
close
= refused hello 500
= message 1 failed, rcpt failed=1
= end LOST mail

== EHLO refused, HELO in its place
pipelining if-offered
window 1 10
C: EHLO me
S: 502 5.5.1 what?
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
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== EHLO refused: its extension lines offer nothing
pipelining if-offered
window 10
C: EHLO me
S: 250-mx
S: 250-PIPELINING
S: 500 what?
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
close
= message 1 failed, rcpt failed=1
= end LOST mail

== the reply to HELO offers nothing
pipelining if-offered
window 10
C: EHLO me
S: 500 what?
C: HELO me
S: 250-mx
S: 250 PIPELINING
C: MAIL FROM:<a@b>
close
= message 1 failed, rcpt failed=1
= end LOST mail

== EHLO and HELO refused
pipelining if-offered
C: EHLO me
S: 550 no
C: HELO me
S: 550 5.7.1 no
= refused hello 550 5.7.1
= message 1 refused hello 550 5.7.1, rcpt refused=1
= end REFUSED hello

== tolerant: EHLO and HELO refused, on with MAIL
tolerant
chunking if-offered
C: EHLO me
S: 550 no
C: HELO me
S: 550 no
C: MAIL FROM:<a@b>
close
= refused hello 550
= message 1 failed, rcpt failed=1
= end LOST mail

== EHLO: 421 is no reason for HELO
pipelining if-offered
C: EHLO me
S: 421 down
= refused hello 421
= message 1 refused hello 421, rcpt refused=1
= end CLOSING hello

== EHLO refused where an extension is a must
pipelining must
C: EHLO me
S: 502 what?
= refused hello 502
= message 1 refused hello 502, rcpt refused=1
= end REFUSED hello

== tolerant: EHLO refused where an extension is a must
tolerant
chunking must
C: EHLO me
S: 502 what?
= refused hello 502
= message 1 refused hello 502, rcpt refused=1
= end REFUSED hello

== PIPELINING is a must and not offered
pipelining must
window 1 10
C: EHLO me
S: 250-mx
S: 250-CHUNKING
S: 250 8BITMIME
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello PIPELINING

== CHUNKING is a must and not offered
chunking must
C: EHLO me
S: 250-mx
S: 250 PIPELINING
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello CHUNKING

== LHLO: CHUNKING is a must and not offered
lmtp
chunking must
C: LHLO me
S: 250 mx
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello CHUNKING

== -o: nothing is offered
no-hello
pipelining must
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER greeting PIPELINING

== PIPELINING if offered, and not offered: lockstep
pipelining if-offered
window 1 2 10 100
C: EHLO me
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
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== a name in the first line is the server's, no offer
pipelining must
window 10
C: EHLO me
S: 250 PIPELINING
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello PIPELINING

== a keyword is a whole word
pipelining must
window 10
C: EHLO me
S: 250-mx
S: 250-PIPELININGS
S: 250-X-PIPELINING
S: 250 XPIPELINING PIPELINING
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello PIPELINING

== a keyword's case and arguments don't matter
pipelining must
window 10
C: EHLO me
S: 250-mx
S: 250 PipeLining yes please
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
close
= message 1 failed, rcpt failed=1
= end LOST mail

== line ends of all kinds
pipelining must
window 10
C: EHLO me
S: 250-mx{n}{-}
S: 250-SIZE 1000{r}{r}
S: 250-PIPELINING{n}{-}
S: 250
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
close
= message 1 failed, rcpt failed=1
= end LOST mail

== the extensions are learnt anew each time
pipelining if-offered
chunking if-offered
window 10
C: EHLO me
S: 250-mx
S: 250-PIPELINING
S: 250 CHUNKING
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 5 LAST
C: Hi.
C: QUIT
close
= message 1 unknown, rcpt unknown=1
= end LOST mail

== an offer in a very long reply
pipelining must
window 10
C: EHLO me
S: 250-mx
S*500: 250-X{i} {y*200}
S: 250-PIPELINING
S: 250 SIZE
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
close
= message 1 failed, rcpt failed=1
= end LOST mail

== 10,000 lines
pipelining if-offered
C: EHLO me
S*10000: 250-X{i}
S: 250 mx
= message 1 failed unstarted, rcpt failed=1
= end ENDLESS hello

== a surplus reply behind that to HELO
whole
C: HELO me
S: 250 mx
S: 250 mx
= message 1 failed unstarted, rcpt failed=1
= end UNSOLICITED mail
replies greeting hello
