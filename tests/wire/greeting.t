# The greeting (RFC 5321 sections 3.1, 4.2), in every class of reply.

== one line
S: 220 mx ESMTP
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
S: 250 2.1.0 ok
C: RCPT TO:<c@d>
S: 250 2.1.5 ok
C: DATA
S: 354 go ahead
C: Hi.
C: .
S: 250 2.0.0 queued
C: QUIT
S: 221 2.0.0 bye
= message 1 accepted, rcpt accepted=1
= end QUIT quit
replies greeting hello mail rcpt data end-of-data quit

== many lines, the last counts
S: 554-not this one
S: 220-mx
S: 220 mx
C: HELO me
close
= message 1 failed unstarted, rcpt failed=1
= end LOST hello
replies greeting

== another 2xx will do
S: 250 mx
C: HELO me
close
= message 1 failed unstarted, rcpt failed=1
= end LOST hello

== 3xx is a refusal
S: 354 go ahead
= refused greeting 354
= message 1 refused greeting 354, rcpt refused=1
= end REFUSED greeting
replies greeting

== 4xx
S: 450 4.3.2 busy
= refused greeting 450 4.3.2
= message 1 refused greeting 450 4.3.2, rcpt refused=1
= end REFUSED greeting

== 5xx
S: 554-5.7.1 not you
S: 554 5.7.1 go away
= refused greeting 554 5.7.1
= message 1 refused greeting 554 5.7.1, rcpt refused=1
= end REFUSED greeting

== 5xx, all recipients share it
message to=<r{i}@d>*5
S: 554 no
= refused greeting 554
= message 1 refused greeting 554, rcpt refused=5
= end REFUSED greeting

== 421
S: 421 4.3.2 down
= refused greeting 421 4.3.2
= message 1 refused greeting 421 4.3.2, rcpt refused=1
= end REFUSED greeting

== 521 (RFC 7504)
S: 521 5.3.2 no mail here
= refused greeting 521 5.3.2
= message 1 refused greeting 521 5.3.2, rcpt refused=1
= end REFUSED greeting

== four digits are no code
S: 2200 mx
= refused greeting 000
= message 1 refused greeting 000, rcpt refused=1
= end REFUSED greeting

== two digits are no code
S: 22 mx
= refused greeting 000
= message 1 refused greeting 000, rcpt refused=1
= end REFUSED greeting

== a leading blank
S:  220 mx
= refused greeting 000
= message 1 refused greeting 000, rcpt refused=1
= end REFUSED greeting

== an empty line
S:
= refused greeting 000
= message 1 refused greeting 000, rcpt refused=1
= end REFUSED greeting

== a line that starts with a hyphen continues nothing
S: -220 mx
= refused greeting 000
= message 1 refused greeting 000, rcpt refused=1
= end REFUSED greeting

== not SMTP at all
S: SSH-2.0-OpenSSH_9.2p1
= refused greeting 000
= message 1 refused greeting 000, rcpt refused=1
= end REFUSED greeting

== binary garbage
S: {x16}{x03}{x01}{0}{xff}{xfe}
= refused greeting 000
= message 1 refused greeting 000, rcpt refused=1
= end REFUSED greeting

== tolerant: on with HELO
tolerant
S: 554 no
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
= refused greeting 554
= message 1 accepted, rcpt accepted=1
= end QUIT quit

== tolerant: code 0, on with HELO
tolerant
S: 220000
C: HELO me
close
= refused greeting 000
= message 1 failed unstarted, rcpt failed=1
= end LOST hello

== tolerant: 421, then the server closes
tolerant
message to=<c@d> to=<e@f>
S: 421 4.3.2 down
C: HELO me
close
= refused greeting 421 4.3.2
= message 1 refused greeting 421 4.3.2, rcpt refused=2
= end CLOSING hello

== tolerant: 521, then the server closes
tolerant
S: 521 5.3.2 no mail here
C: HELO me
close
= refused greeting 521 5.3.2
= message 1 refused greeting 521 5.3.2, rcpt refused=1
= end CLOSING hello

== tolerant: 421, but the server goes on
tolerant
S: 421 not really
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
close
= refused greeting 421
= message 1 failed, rcpt failed=1
= end LOST mail

== tolerant: 421 once more, to HELO
tolerant
S: 421 down
C: HELO me
S: 421 really
= refused greeting 421
= refused hello 421
= message 1 refused hello 421, rcpt refused=1
= end CLOSING hello

== tolerant: 554, then the server closes
tolerant
S: 554 no
C: HELO me
close
= refused greeting 554
= message 1 failed unstarted, rcpt failed=1
= end LOST hello

== tolerant: 421 and silence
tolerant
S: 421 down
C: HELO me
tick 300s
= refused greeting 421
= message 1 failed unstarted, rcpt failed=1
= end TIMEOUT hello

== closed before it
close
= message 1 failed unstarted, rcpt failed=1
= end LOST greeting
replies

== closed in the middle of a line
S: 220 m{-}
close
= message 1 failed unstarted, rcpt failed=1
= end LOST greeting

== closed between its lines
S: 220-mx
close
= message 1 failed unstarted, rcpt failed=1
= end LOST greeting

== 421 without its line end, then closed: not a reply
S: 421 down{-}
close
= message 1 failed unstarted, rcpt failed=1
= end LOST greeting

== aborted
abort
= message 1 failed unstarted, rcpt failed=1
= end ABORTED greeting

== two greetings: the second answers nothing
whole
S: 220 mx
S: 220 mx
= message 1 failed unstarted, rcpt failed=1
= end UNSOLICITED hello
replies greeting

== a greeting and a 421 behind it
whole
S: 220 mx
S: 421 4.3.2 too many
= unsolicited hello 421 4.3.2
= message 1 refused hello 421 4.3.2, rcpt refused=1
= end CLOSING hello

== what follows a refusal is swallowed
S: 554 no
S: 554 no
S: 250 whatever
= refused greeting 554
= message 1 refused greeting 554, rcpt refused=1
= end REFUSED greeting

== 10,000 lines are no reply
S*10000: 220-line {i}
S: 220 mx
= message 1 failed unstarted, rcpt failed=1
= end ENDLESS greeting

== 900 lines are
S*900: 220-line {i}
S: 220 mx
C: HELO me
close
= message 1 failed unstarted, rcpt failed=1
= end LOST hello
