# An overloaded relay: slow to greet, slow to decide, and now and then it loses its temper.
#
#     smtp-sink --profile doc/profiles/slow-and-moody-relay.profile --seed 7 127.0.0.1:2525

[default]
CONNECT       delay exponential 300ms
CONNECT  2%   reply 554 5.3.2 Not now
EHLO     1%   reset
MAIL          delay lognormal 20ms 1
MAIL     1%   half 5s
RCPT     3%   reply 450 4.3.0 Temporary lookup failure
RCPT     1%   drip 100ms
DATA     5%   stall uniform 500ms 3s
DATA     2%   stall exponential 2s after 64k
DATA     1%   disconnect reply 421 4.3.2 Going down for maintenance
.             delay lognormal 200ms 0.8
.        1%   reply 451 4.3.1 Queue file write error
.      0.5%   disconnect
.        2%   reply 250 2.0.0 Ok: queued, eventually
QUIT     5%   disconnect
