# PIPELINING (RFC 2920): groups end in DATA, the end of data may be followed, QUIT ends a group.

pipelining must
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 PIPELINING

== the groups of a session
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: QUIT
S: 250 ok
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
replies greeting hello mail rcpt data end-of-data quit

== window 1 is lockstep
window 1
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

== the window is full at three
window 3
message to=<r{i}@d>*4
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: RCPT TO:<r4@d>
S: 250 ok
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: QUIT
S: 250 ok
S: 221 bye
= message 1 accepted, rcpt accepted=4
= end QUIT quit

== the same at any window
window 1 2 3 4 5 7 100
ahead
keep
message from=<> to=<r{i}@d>*3
message from=<x@y>
C: MAIL FROM:<>
S: 250 ok
C: RCPT TO:<r1@d>
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
C: MAIL FROM:<x@y>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 554 5.6.0 no
C: QUIT
S: 221 bye
= refused rcpt 550 5.1.1
= message 1 accepted, rcpt accepted=2 refused=1
= refused end-of-data 554 5.6.0
= message 2 refused end-of-data 554 5.6.0, rcpt refused=1
= end QUIT quit

== MAIL refused, RCPT and DATA in flight
window 1 100
message to=<c@d> to=<e@f>
C: MAIL FROM:<a@b>
when window>1
C: RCPT TO:<c@d>
C: RCPT TO:<e@f>
C: DATA
done
S: 550 5.7.1 no
= refused mail 550 5.7.1
when window>1
S: 503 5.5.1 MAIL first
S: 503 5.5.1 MAIL first
S: 503 5.5.1 RCPT first
= collateral rcpt 503 5.5.1
= collateral rcpt 503 5.5.1
= collateral data 503 5.5.1
done
= message 1 refused mail 550 5.7.1, rcpt refused=2
when window=1
C: RSET
S: 250 ok
C: QUIT
done
when window>1
C: RSET
C: QUIT
S: 250 ok
done
S: 221 bye
= end QUIT quit

== MAIL refused with half of the group in flight: the rest is not sent
window 3
message to=<r{i}@d>*9
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
S: 550 no
C: RSET
S: 503 MAIL first
C: QUIT
S: 503 MAIL first
S: 250 ok
S: 221 bye
= refused mail 550
= collateral rcpt 503
= collateral rcpt 503
= message 1 refused mail 550, rcpt refused=9
= end QUIT quit

== MAIL refused while DATA has not been sent: it is not
window 2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
S: 550 no
C: RSET
S: 503 MAIL first
C: QUIT
S: 250 ok
S: 221 bye
= refused mail 550
= collateral rcpt 503
= message 1 refused mail 550, rcpt refused=1
= end QUIT quit

== MAIL refused, and 354 all the same: a lone dot
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 550 no
S: 503 no
S: 354 go
C: .
C: QUIT
S: 554 5.5.1 no valid recipients
S: 221 bye
= refused mail 550
= collateral rcpt 503
= collateral end-of-data 554 5.5.1
= message 1 refused mail 550, rcpt refused=1
= end QUIT quit

== all RCPT refused, DATA refused
window 100
message to=<c@d> to=<e@f>
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: RCPT TO:<e@f>
C: DATA
S: 250 ok
S: 550 5.1.1 no
S: 551 5.1.1 no
S: 554 5.5.1 no valid recipients
C: RSET
C: QUIT
S: 250 ok
S: 221 bye
= refused rcpt 550 5.1.1
= refused rcpt 551 5.1.1
= collateral data 554 5.5.1
= message 1 refused rcpt 551 5.1.1, rcpt refused=2
= end QUIT quit

== all RCPT refused, and 354 all the same: a lone dot, never accepted
window 100
message to=<c@d> to=<e@f>
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: RCPT TO:<e@f>
C: DATA
S: 250 ok
S: 550 5.1.1 no
S: 550 5.1.1 no
S: 354 go
C: .
C: QUIT
S: 250 2.0.0 queued as nothing
S: 221 bye
= refused rcpt 550 5.1.1
= refused rcpt 550 5.1.1
= message 1 refused rcpt 550 5.1.1, rcpt refused=2
= end QUIT quit

== a lone dot, then lost: the refusal stands
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 550 no
S: 354 go
C: .
C: QUIT
close
= refused rcpt 550
= message 1 refused rcpt 550, rcpt refused=1
= end LOST end-of-data

== all RCPT refused while DATA has not been sent: it is not
window 2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 550 no
S: 554 no
C: RSET
C: QUIT
S: 250 ok
S: 221 bye
= refused rcpt 550
= collateral data 554
= message 1 refused rcpt 550, rcpt refused=1
= end QUIT quit

== some RCPT refused
window 100
message to=<c@d> to=<e@f> to=<g@h>
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: RCPT TO:<e@f>
C: RCPT TO:<g@h>
C: DATA
S: 250 ok
S: 550 no
S: 250 ok
S: 450 no
S: 354 go
C: Hi.
C: .
C: QUIT
S: 250 ok
S: 221 bye
= refused rcpt 550
= refused rcpt 450
= message 1 accepted, rcpt accepted=1 refused=2
= end QUIT quit

== DATA refused
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 451 4.3.0 no
C: RSET
C: QUIT
S: 250 ok
S: 221 bye
= refused data 451 4.3.0
= message 1 refused data 451 4.3.0, rcpt refused=1
= end QUIT quit

== the end of data is grouped with the next MAIL
window 100
keep
message*2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: QUIT
S: 250 ok
S: 221 bye
= message 1 accepted, rcpt accepted=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== a refused end of data does not touch the MAIL behind it
window 100
keep
message*2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 554 5.6.0 no
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: QUIT
S: 250 ok
S: 221 bye
= refused end-of-data 554 5.6.0
= message 1 refused end-of-data 554 5.6.0, rcpt refused=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== a refused message, and RSET before the next MAIL
window 100
keep
message*2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 550 5.1.1 no
S: 554 5.5.1 no
C: RSET
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: QUIT
S: 250 ok
S: 221 bye
= refused rcpt 550 5.1.1
= collateral data 554 5.5.1
= message 1 refused rcpt 550 5.1.1, rcpt refused=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== RSET refused in a group: on as usual
window 100
keep
message*2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 550 no
S: 503 no
S: 503 no
C: RSET
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 500 what?
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: QUIT
S: 250 ok
S: 221 bye
= refused mail 550
= collateral rcpt 503
= collateral data 503
= message 1 refused mail 550, rcpt refused=1
= refused rset 500
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== 421 with a group in flight
window 100
message to=<c@d> to=<e@f>
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: RCPT TO:<e@f>
C: DATA
S: 250 ok
S: 421 4.3.2 down
S: 421 4.3.2 down
S: 421 4.3.2 down
= refused rcpt 421 4.3.2
= message 1 refused rcpt 421 4.3.2, rcpt refused=2
= end CLOSING rcpt

== 421 to the end of data, the next message in flight: that one failed
window 100
keep
message*2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 421 4.3.2 down
= refused end-of-data 421 4.3.2
= message 1 refused end-of-data 421 4.3.2, rcpt refused=1
= message 2 failed, rcpt failed=1
= end CLOSING end-of-data

== lost with the end of data and the next message in flight
window 100
keep
message*2
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
close
= message 1 unknown, rcpt unknown=1
= message 2 failed, rcpt failed=1
= end LOST end-of-data

== lost before the replies to a group
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
close
= message 1 failed, rcpt failed=1
= end LOST mail

== lost with QUIT behind the end of data
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: QUIT
close
= message 1 unknown, rcpt unknown=1
= end LOST end-of-data

== a reply to the end of data, none to QUIT
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
C: QUIT
S: 250 ok
close
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== replies of many lines in a group
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
S: 250-
S: 250 ok
S: 550-no
S: 250-yes
S: 250 yes
S: 354-go
S: 354 on
C: Hi.
C: .
C: QUIT
S: 250-1
S: 250-2
S: 250 3
S: 221-good
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== a thousand recipients
window 1 10 100 1000
ahead
message to=<r{i}@d>*1000
C: MAIL FROM:<a@b>
S: 250 ok
repeat 1000
C: RCPT TO:<r{i}@d>
S: 250 ok
done
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1000
= end QUIT quit

== a thousand recipients, all refused
window 1 2000
ahead
message to=<r{i}@d>*1000
C: MAIL FROM:<a@b>
S: 250 ok
repeat 1000
C: RCPT TO:<r{i}@d>
S: 550 no
= refused rcpt 550
done
when window>1
C: DATA
S: 554 no
= collateral data 554
done
C: RSET
S: 250 ok
C: QUIT
S: 221 bye
= message 1 refused rcpt 550, rcpt refused=1000
= end QUIT quit

== long addresses fill the buffer
window 100
ahead
message from=<{s*1900}@b> to=<{r*1900}{i}@d>*5
C: MAIL FROM:<{s*1900}@b>
S: 250 ok
repeat 5
C: RCPT TO:<{r*1900}{i}@d>
S: 250 ok
done
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=5
= end QUIT quit

== twenty messages
window 1 2 5 100
ahead
keep
message*20
repeat 20
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
= message {i} accepted, rcpt accepted=1
done
C: QUIT
S: 221 bye
= end QUIT quit

== not wanted, so not used, though offered
pipelining no
chunking if-offered
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
close
= message 1 failed, rcpt failed=1
= end LOST data
