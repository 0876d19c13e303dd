# Without QUIT the session is over with the reply to its last message: the owner closes.

no-quit
S: 220 mx
C: HELO me
S: 250 mx

== after the only message
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
= message 1 accepted, rcpt accepted=1
= end DONE mail

== after the last of several
message*2
keep
repeat 2
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
done
= message 1 accepted, rcpt accepted=1
= message 2 accepted, rcpt accepted=1
= end DONE mail

== a refusal takes no RSET
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 550 no
= refused rcpt 550
= message 1 refused rcpt 550, rcpt refused=1
= end DONE mail

== but where another message may come it does
message*2
keep
C: MAIL FROM:<a@b>
S: 550 no
C: RSET
S: 250 ok
C: MAIL FROM:<a@b>
S: 550 no
C: RSET
S: 250 ok
= refused mail 550
= message 1 refused mail 550, rcpt refused=1
= refused mail 550
= message 2 refused mail 550, rcpt refused=1
= end DONE mail

== refused data
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 452 no
= refused data 452
= message 1 refused data 452, rcpt refused=1
= end DONE mail

== a 421 is told as ever
C: MAIL FROM:<a@b>
S: 421 no
= refused mail 421
= message 1 refused mail 421, rcpt refused=1
= end CLOSING mail

== a lost connection too
C: MAIL FROM:<a@b>
close
= message 1 failed, rcpt failed=1
= end LOST mail

== when it turns out that there is no further message
keep
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
hold
S: 250 ok
tick 1000s
feed
= message 1 accepted, rcpt accepted=1
= end DONE mail
