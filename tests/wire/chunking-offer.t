# CHUNKING if offered, and not offered: DATA.
chunking if-offered
chunk 2
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 8BITMIME

== dots are stuffed then
message
| .x
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 354 go
C: ..x
C: .
S: 250 ok
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
