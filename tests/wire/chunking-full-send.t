# An empty message whose BDAT takes the last of a send's four slices: nothing more of it is to be
# lent, so all of it has been.

chunking must
pipelining must
window 100
in-flight 2
keep
iov 4
parts-lines
message
| one
| two
message empty
S: 220 mx
C: EHLO me
stall
S: 250-mx
S: 250-CHUNKING
S: 250 PIPELINING
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 10 LAST
C: one
C: two
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: BDAT 0 LAST

== accepted
S*6: 250 ok
flow
C: QUIT
S: 221 bye
= message 1 accepted, rcpt accepted=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== refused
S*5: 250 ok
S: 554 5.6.0 empty
flow
C: RSET
C: QUIT
S: 250 ok
S: 221 bye
= message 1 accepted, rcpt accepted=1
= refused end-of-data 554 5.6.0
= message 2 refused end-of-data 554 5.6.0, rcpt refused=1
= end QUIT quit

== closed: nobody knows
S*3: 250 ok
close
= message 1 accepted, rcpt accepted=1
= message 2 unknown, rcpt unknown=1
= end LOST mail
