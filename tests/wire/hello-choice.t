# How to greet when no extension is asked for, and parameters that need EHLO.

window 1
S: 220 mx

== HELO by choice
helo
C: HELO me
close
= message 1 failed unstarted, rcpt failed=1
= end LOST hello

== EHLO by choice
ehlo
C: EHLO me
S: 250-mx
S: 250 SIZE 1
C: MAIL FROM:<a@b>
close
= message 1 failed, rcpt failed=1
= end LOST mail

== EHLO by choice falls back
ehlo
C: EHLO me
S: 502 5.5.1 no
C: HELO me
S: 250 mx
C: MAIL FROM:<a@b>
close
= message 1 failed, rcpt failed=1
= end LOST mail

== parameters do not fall back
mail-param X=1
C: EHLO me
S: 502 5.5.1 no
= refused hello 502 5.5.1
= message 1 refused hello 502 5.5.1, rcpt refused=1
= end REFUSED hello

== parameters without a greeting
no-hello
rcpt-param X
C: MAIL FROM:<a@b>
S: 250 ok
C: RCPT TO:<c@d> X
close
= message 1 failed, rcpt failed=1
= end LOST rcpt
