# SIZE (RFC 1870): declared with MAIL as in the content that BDAT carries; a message that is too large
# for the server is not begun.

window 1 2 100
pipelining if-offered
size must
keep
message*2
| Hi.
| .dot
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-PIPELINING

== a limit that is large enough
S: 250 SIZE 11
when window=1
C: MAIL FROM:<a@b> SIZE=11
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
done
when window=2
C: MAIL FROM:<a@b> SIZE=11
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 250 ok
done
when window=100
C: MAIL FROM:<a@b> SIZE=11
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
done
S: 354 go
C: Hi.
C: ..dot
C: .
when window=1
S: 250 ok
C: MAIL FROM:<a@b> SIZE=11
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
done
when window=2
C: MAIL FROM:<a@b> SIZE=11
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
S: 250 ok
done
when window=100
C: MAIL FROM:<a@b> SIZE=11
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
done
S: 354 go
C: Hi.
C: ..dot
C: .
when window>1
C: QUIT
done
S: 250 ok
when window=1
C: QUIT
done
S: 221 bye
= message 1 accepted, rcpt accepted=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== one octet too many
S: 250 SIZE 10
= message 1 failed unstarted, rcpt failed=1
= end FORBIDDEN mail the server takes messages of at most 10 octets (SIZE), and this one has 11

== no limit is said, or one that nobody understands
window 1
message
S: 250 SIZE{-}
S: {r}{n}{-}
C: MAIL FROM:<a@b> SIZE=11
close
= message 1 failed, rcpt failed=1
= end LOST mail

== zero is no limit
window 1
S: 250 SIZE 0
C: MAIL FROM:<a@b> SIZE=11
close
= message 1 failed, rcpt failed=1
= end LOST mail

== no number is no limit
window 1
S: 250 SIZE 1x
C: MAIL FROM:<a@b> SIZE=11
close
= message 1 failed, rcpt failed=1
= end LOST mail

== a number that is too long is no limit
window 1
S: 250 SIZE {9*40}
C: MAIL FROM:<a@b> SIZE=11
close
= message 1 failed, rcpt failed=1
= end LOST mail

== not offered
S: 250 DSN
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello SIZE

== not offered, and not needed
window 1
size if-offered
S: 250 DSN
C: MAIL FROM:<a@b>
close
= message 1 failed, rcpt failed=1
= end LOST mail

== the second message of a session is too large
window 1 100
message
| longer than the others
S: 250 SIZE 20
when window>1
C: MAIL FROM:<a@b> SIZE=11
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
done
when window=1
C: MAIL FROM:<a@b> SIZE=11
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
done
S: 354 go
C: Hi.
C: ..dot
C: .
when window=1
S: 250 ok
C: MAIL FROM:<a@b> SIZE=11
S: 250 ok
C: RCPT TO:<c@d>
S: 250 ok
C: DATA
done
when window>1
C: MAIL FROM:<a@b> SIZE=11
C: RCPT TO:<c@d>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
done
S: 354 go
C: Hi.
C: ..dot
C: .
S: 250 ok
= message 1 accepted, rcpt accepted=1
= message 2 accepted, rcpt accepted=1
= message 3 failed unstarted, rcpt failed=1
= end FORBIDDEN mail the server takes messages of at most 20 octets (SIZE), and this one has 24
