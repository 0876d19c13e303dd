# STARTTLS (RFC 3207): nothing goes behind it, what was said before is forgotten, and nothing that comes in the clear
# behind the 220 is taken for an answer. Then TLS before the greeting (RFC 8314).

== a session
tls starttls
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
secure
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
replies greeting hello starttls hello mail rcpt data end-of-data quit

== what is offered in the clear does not count
tls starttls
pipelining if-offered
window 1 100
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-PIPELINING
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
secure
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

== the window opens inside
tls starttls
pipelining must
window 100
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
secure
C: EHLO me
S: 250-mx
S: 250 PIPELINING
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

== a server that goes on offering it is not asked again
tls starttls
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
secure
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: MAIL FROM:<a@b>
abort
= message 1 failed, rcpt failed=1
= end ABORTED mail

== a reply injected behind the 220
tls starttls
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
S: 250 injected
= message 1 failed unstarted, rcpt failed=1
= end INJECTION tls

== octets injected behind the 220
tls if-offered
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
S: x{-}
= message 1 failed unstarted, rcpt failed=1
= end INJECTION tls

== not offered
tls starttls
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 PIPELINING
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello STARTTLS

== not offered, which will do
tls if-offered
S: 220 mx
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
= end QUIT quit plaintext

== no EHLO, which will do
tls if-offered
S: 220 mx
C: EHLO me
S: 502 what
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
abort
= message 1 failed, rcpt failed=1
= end ABORTED mail plaintext

== no EHLO, which won't
tls starttls
tolerant
S: 220 mx
C: EHLO me
S: 502 what
= refused hello 502
= message 1 refused hello 502, rcpt refused=1
= end REFUSED hello

== refused
tls starttls
tolerant
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 454 4.7.0 not now
= refused starttls 454 4.7.0
= message 1 refused starttls 454 4.7.0, rcpt refused=1
= end REFUSED starttls

== another success is none
tls starttls
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 250 ok
= refused starttls 250
= message 1 refused starttls 250, rcpt refused=1
= end REFUSED starttls

== refused, and without will do
tls if-offered
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 454 4.7.0 not now
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
= end QUIT quit plaintext

== a server that leaves instead
tls starttls
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 421 4.3.2 bye
= refused starttls 421 4.3.2
= message 1 refused starttls 421 4.3.2, rcpt refused=1
= end CLOSING starttls

== the handshake fails
tls if-offered
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
insecure
= message 1 failed unstarted, rcpt failed=1
= end TLS tls

== the connection is lost in it
tls starttls
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
close
= message 1 failed unstarted, rcpt failed=1
= end LOST tls

== it takes too long
tls starttls
timeout 5s
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
deadline 5s
tick 4s
deadline 1s
tick 1s
= message 1 failed unstarted, rcpt failed=1
= end TIMEOUT tls

== it fails behind the final octet
tls starttls
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
secure
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
insecure
= message 1 unknown, rcpt unknown=1
= end TLS end-of-data

== LMTP
tls starttls
lmtp
S: 220 mx
C: LHLO me
S: 250-mx
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
secure
C: LHLO me
S: 250 mx
C: MAIL FROM:<a@b>
abort
= message 1 failed, rcpt failed=1
= end ABORTED mail

== TLS from the first octet on
tls implicit
deadline 300s
secure
S: 220 mx
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
replies greeting hello mail rcpt data end-of-data quit

== TLS from the first octet on, with a window
tls implicit
pipelining must
window 1 100
secure
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-STARTTLS
S: 250 PIPELINING
when window>1
C: MAIL FROM:<a@b>
C: RCPT TO:<c@d>
C: DATA
abort
done
when window=1
C: MAIL FROM:<a@b>
abort
done
= message 1 failed, rcpt failed=1
= end ABORTED mail

== TLS from the first octet on, which fails
tls implicit
insecure
= message 1 failed unstarted, rcpt failed=1
= end TLS tls

== a banner in the clear
tls implicit
S: 220 mx
= message 1 failed unstarted, rcpt failed=1
= end INJECTION tls
