# AUTH (RFC 4954): behind the hello, behind TLS, each line waits for the one before. The owner makes the lines; here they
# are told.

== an initial response
auth AUTH PLAIN AHRpbQB0YW5zdGFhZg==
auth taken
window 1 100
pipelining if-offered
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-PIPELINING
S: 250 AUTH PLAIN LOGIN
C: AUTH PLAIN AHRpbQB0YW5zdGFhZg==
S: 235 2.7.0 ok
C: MAIL FROM:<a@b>
when window>1
C: RCPT TO:<c@d>
C: DATA
done
abort
= auth 0 PLAIN LOGIN
= auth 235
= message 1 failed, rcpt failed=1
= end ABORTED mail

== two challenges
auth AUTH LOGIN
auth dGlt
auth dGFuc3RhYWY=
auth taken
window 1 100
pipelining if-offered
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 auth LOGIN
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: dGlt
S: 334 UGFzc3dvcmQ6
C: dGFuc3RhYWY=
S: 235 2.7.0 ok
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
= auth 0 LOGIN
= auth 334 VXNlcm5hbWU6
= auth 334 UGFzc3dvcmQ6
= auth 235
= message 1 accepted, rcpt accepted=1
= end QUIT quit
replies greeting hello auth mail rcpt data end-of-data quit

== the time of an exchange is that of all its replies
auth AUTH LOGIN
auth dGlt
auth dGFuc3RhYWY=
auth taken
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH LOGIN
C: AUTH LOGIN
tick 2s
S: 334 VXNlcm5hbWU6
C: dGlt
tick 3s
S: 334 UGFzc3dvcmQ6
C: dGFuc3RhYWY=
tick 1s
S: 235 2.7.0 ok
C: MAIL FROM:<a@b>
abort
= auth 0 LOGIN
= auth 334 VXNlcm5hbWU6
= auth 334 UGFzc3dvcmQ6
= auth 235
= message 1 failed, rcpt failed=1
= end ABORTED mail
replies greeting hello auth
times 0 0 6

== CRAM-MD5, the example of RFC 2195
auth AUTH CRAM-MD5
auth dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
auth taken
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH CRAM-MD5
C: AUTH CRAM-MD5
S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
S: 235 ok
C: MAIL FROM:<a@b>
abort
= auth 0 CRAM-MD5
= auth 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
= auth 235
= message 1 failed, rcpt failed=1
= end ABORTED mail

== SCRAM: an empty line behind the server's last word
auth AUTH SCRAM-SHA-1 biwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM
auth Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZMVpWdldWczdqLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ==
auth nothing
auth taken
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH SCRAM-SHA-1
C: AUTH SCRAM-SHA-1 biwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM
S: 334 cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==
C: Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZMVpWdldWczdqLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ==
S: 334 dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9
C: 
S: 235 ok
C: MAIL FROM:<a@b>
abort
= auth 0 SCRAM-SHA-1
= auth 334 cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==
= auth 334 dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9
= auth 235
= message 1 failed, rcpt failed=1
= end ABORTED mail

== a success that is none to the owner
auth AUTH SCRAM-SHA-1 biws
auth no
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH SCRAM-SHA-1
C: AUTH SCRAM-SHA-1 biws
S: 235 ok
= auth 0 SCRAM-SHA-1
= auth 235
= message 1 failed unstarted, rcpt failed=1
= end AUTH auth

== behind STARTTLS, and what was offered before does not count
tls starttls
auth AUTH PLAIN AGEAYg==
auth taken
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-AUTH LOGIN
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
secure
C: EHLO me
S: 250-mx
S: 250 AUTH PLAIN
C: AUTH PLAIN AGEAYg==
S: 235 ok
C: MAIL FROM:<a@b>
abort
= auth 0 PLAIN
= auth 235
= message 1 failed, rcpt failed=1
= end ABORTED mail
replies greeting hello starttls hello auth

== LMTP, and a session of two messages that authenticates once
auth AUTH PLAIN AGEAYg==
auth taken
lmtp
keep
message*2
S: 220 mx
C: LHLO me
S: 250-mx
S: 250 AUTH PLAIN
C: AUTH PLAIN AGEAYg==
S: 235 ok
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
C: QUIT
S: 221 bye
= auth 0 PLAIN
= auth 235
= message 1 accepted, rcpt accepted=1
= message 2 accepted, rcpt accepted=1
= end QUIT quit

== not offered
auth AUTH PLAIN AGEAYg==
S: 220 mx
C: EHLO me
S: 250 mx
= message 1 failed unstarted, rcpt failed=1
= end NO_OFFER hello AUTH

== no EHLO
auth AUTH PLAIN AGEAYg==
S: 220 mx
C: EHLO me
S: 502 what
= refused hello 502
= message 1 refused hello 502, rcpt refused=1
= end REFUSED hello

== nothing of what is offered will do
auth *
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH GSSAPI
= auth 0 GSSAPI
= message 1 failed unstarted, rcpt failed=1
= end AUTH auth

== refused
auth AUTH PLAIN AGEAYg==
tolerant
window 1 100
pipelining if-offered
S: 220 mx
C: EHLO me
S: 250-mx
S: 250-PIPELINING
S: 250 AUTH PLAIN
C: AUTH PLAIN AGEAYg==
S: 535 5.7.8 no
= auth 0 PLAIN
= refused auth 535 5.7.8
= message 1 refused auth 535 5.7.8, rcpt refused=1
= end REFUSED auth

== refused for now, after a challenge
auth AUTH LOGIN
auth dGlt
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: dGlt
S: 454-4.7.0 not
S: 454 4.7.0 now
= auth 0 LOGIN
= auth 334 VXNlcm5hbWU6
= refused auth 454 4.7.0
= message 1 refused auth 454 4.7.0, rcpt refused=1
= end REFUSED auth

== a mechanism that is not known after all
auth AUTH PLAIN AGEAYg==
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH PLAIN
C: AUTH PLAIN AGEAYg==
S: 504 5.5.4 what
= auth 0 PLAIN
= refused auth 504 5.5.4
= message 1 refused auth 504 5.5.4, rcpt refused=1
= end REFUSED auth

== a password that has to change
auth AUTH PLAIN AGEAYg==
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH PLAIN
C: AUTH PLAIN AGEAYg==
S: 432 4.7.12 transition needed
= auth 0 PLAIN
= refused auth 432 4.7.12
= message 1 refused auth 432 4.7.12, rcpt refused=1
= end REFUSED auth

== another success is none
auth AUTH PLAIN AGEAYg==
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH PLAIN
C: AUTH PLAIN AGEAYg==
S: 250 ok
= auth 0 PLAIN
= refused auth 250
= message 1 refused auth 250, rcpt refused=1
= end REFUSED auth

== the owner cancels
auth AUTH CRAM-MD5
auth *
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH CRAM-MD5
C: AUTH CRAM-MD5
S: 334 !!!
C: *
S: 501 5.7.0 cancelled
= auth 0 CRAM-MD5
= auth 334 !!!
= message 1 failed unstarted, rcpt failed=1
= end AUTH auth

== the owner cancels, and the server challenges again
auth AUTH CRAM-MD5
auth *
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH CRAM-MD5
C: AUTH CRAM-MD5
S: 334 !!!
C: *
S: 334 more
= auth 0 CRAM-MD5
= auth 334 !!!
= message 1 failed unstarted, rcpt failed=1
= end AUTH auth

== the server leaves in the middle
auth AUTH LOGIN
auth dGlt
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: dGlt
S: 421 4.3.2 bye
= auth 0 LOGIN
= auth 334 VXNlcm5hbWU6
= refused auth 421 4.3.2
= message 1 refused auth 421 4.3.2, rcpt refused=1
= end CLOSING auth

== the connection is lost in the middle
auth AUTH LOGIN
auth dGlt
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: dGlt
close
= auth 0 LOGIN
= auth 334 VXNlcm5hbWU6
= message 1 failed unstarted, rcpt failed=1
= end LOST auth

== it takes too long
auth AUTH LOGIN
auth dGlt
timeout 5s
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: dGlt
deadline 5s
tick 5s
= auth 0 LOGIN
= auth 334 VXNlcm5hbWU6
= message 1 failed unstarted, rcpt failed=1
= end TIMEOUT auth

== the longest response
auth AUTH PLAIN
auth {x*12286}
auth taken
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 334{-}
S:  {r}{n}{-}
C: {x*12286}
S: 235 ok
C: MAIL FROM:<a@b>
abort
= auth 0 PLAIN
= auth 334
= auth 235
= message 1 failed, rcpt failed=1
= end ABORTED mail

== one that is too long for any line
auth AUTH PLAIN
auth {x*12287}
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 334
C: *
S: 501 ok
= auth 0 PLAIN
= auth 334
= message 1 failed unstarted, rcpt failed=1
= end AUTH auth

== a long offer is cut
auth *
S: 220 mx
C: EHLO me
S: 250-mx
S: 250 AUTH {x*2000}
= auth 0 {x*512}
= message 1 failed unstarted, rcpt failed=1
= end AUTH auth
