# LMTP with commands in flight (RFC 2033 section 4.2, RFC 2920).

lmtp
pipelining must
message to=<r1@d> to=<r2@d>
S: 220 mx LMTP
C: LHLO me
S: 250-mx
S: 250 PIPELINING

== a group, and nothing behind the dot before all its replies
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
S: 250 ok
S: 452 4.2.2 full
C: QUIT
S: 221 bye
= refused end-of-data 452 4.2.2
= message 1 accepted, rcpt accepted=1 refused=1
= end QUIT quit

== one message at a time
window 1 2 3 100
ahead
keep
message to=<r3@d>
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<r1@d>
S: 250 ok
C: RCPT TO:<r2@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
S: 250 ok
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<r3@d>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=2
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== the second message waits for all replies to the first
window 100
keep
in-flight 10
message to=<r3@d>
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
S: 250 ok
wait
S: 250 ok
C: MAIL FROM:<a@b>
C: RCPT TO:<r3@d>
C: DATA
close
= message 1 accepted, rcpt accepted=2
= message 2 failed, rcpt failed=1
= end LOST mail

== no recipient accepted, 354: a lone dot gets one reply
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: DATA
S: 250 ok
S: 550 no
S: 550 no
S: 354 go
C: .
S: 503 5.5.1 no valid recipients
C: QUIT
S: 221 bye
= refused rcpt 550
= refused rcpt 550
= collateral end-of-data 503 5.5.1
= message 1 refused rcpt 550, rcpt refused=2
= end QUIT quit

== MAIL refused, recipients accepted, 354: the lone dot gets a reply for each of them
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: DATA
S: 550 no
S: 250 ok
S: 250 ok
S: 354 go
C: .
S: 250 ok
S: 250 ok
C: QUIT
S: 221 bye
= refused mail 550
= message 1 refused mail 550, rcpt refused=2
= end QUIT quit
replies greeting hello mail rcpt rcpt data end-of-data end-of-data quit

== closed between the replies
window 100
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
S: 250 ok
close
= message 1 accepted, rcpt accepted=1 unknown=1
= end LOST end-of-data

== a single reply for two recipients: the other's is waited for, and no other command's is taken for it
window 100
timeout 5s
C: MAIL FROM:<a@b>
C: RCPT TO:<r1@d>
C: RCPT TO:<r2@d>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go
C: Hi.
C: .
S: 250 ok
tick 5s
= message 1 accepted, rcpt accepted=1 unknown=1
= end TIMEOUT end-of-data
