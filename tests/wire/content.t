# Content and addresses by DATA (RFC 5321 sections 4.5.2, 4.1.2).

S: 220 mx
C: HELO me
S: 250 mx

== leading dots are doubled
message
| .
| ..
| .x
| x.
|
| ...
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: ..
C: ...
C: ..x
C: x.
C:
C: ....
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== an empty message
message empty
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: .
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
C: DATA
S: 354 go
C: .
close
= message 1 unknown, rcpt unknown=1
= end LOST end-of-data

== octets of all kinds
message
| {0}{xff}{r}
| {n}.{n}
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: {0}{xff}{r}
C: {n}..{n}
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== the null sender, long paths
message from=<> to=<{x*1900}@{y*100}>*3
C: MAIL FROM:<>
S: 250 ok
C: RCPT TO:<{x*1900}@{y*100}>
S: 250 ok
C: RCPT TO:<{x*1900}@{y*100}>
S: 250 ok
C: RCPT TO:<{x*1900}@{y*100}>
S: 250 ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=3
= end QUIT quit

== a large message
message
| {X*200000}
| .{Y*200000}
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: {X*200000}
C: ..{Y*200000}
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
