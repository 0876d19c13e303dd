"""What bench measures: a row for each comparison."""
from tools import MemoryRow, OURS, Row, Side

POSTFIX = Side("postfix", "ours")  # against our sink, for it is the faster one
PIPELINING = ("--pipelining",)
CHUNKING = ("--pipelining", "--chunking", "--in-flight", "16")
PINNED = ("--threads=2", "--pin")
EPOLL = ("--io=epoll",)
URING = ("--io=uring",)

# Other load generators wait for acknowledgements most of the time, so a second of CPU time of theirs
# would take a minute.
POSTAL = Side("postal", "ours", most=1000)

# One sink for both sides. postal's only TLS is anonymous Diffie-Hellman, without a certificate.
TLS_SINK = ("--tls",)
TLS_POSTAL_SINK = ("--tls", "--tls-ciphers=ADH-AES256-GCM-SHA384:@SECLEVEL=0:TLS_AES_256_GCM_SHA384")
TLS_CURL = Side("curl", "ours", ("--ssl-reqd", "--insecure"), TLS_SINK)
TLS_POSTAL = Side("postal", "ours", ("-s", "100"), TLS_POSTAL_SINK, most=60)
TLS_SWAKS = Side("swaks", "ours", ("--tls",), TLS_SINK, most=10)


def tls_ours(*options, sink=TLS_SINK):
    return Side("ours", "ours", ("--tls", "--tls-no-verify", *options), sink)


ROWS = (
    Row("source-lockstep", "source, lockstep reuse, 20 sessions, fast sink",
        POSTFIX, OURS, "source", goal=(5.5, 3.5), quick=True),
    Row("source-postfix-sink", "source, lockstep reuse, against Postfix's smtp-sink",
        Side("postfix", "postfix"), Side("ours", "postfix"), "source", goal=(1.6, 1.6)),
    Row("source-10k", "source, 10 KiB bodies, 100 sessions, fast sink",
        POSTFIX, OURS, "source", sessions=100, length=10240, goal=(6.2, 3.7), quick=True),
    Row("source-reconnect", "source, reconnect per message, fast sink",
        POSTFIX, OURS, "source", keep=False, goal=(6, 4.5), quick=True, most=25_000),
    Row("source-pipelining", "source, PIPELINING vs the peer's lockstep",
        POSTFIX, Side("ours", "ours", PIPELINING), "source", goal=(20, 20), quick=True),
    Row("source-chunking", "source, CHUNKING, 16 in flight vs the peer's lockstep",
        POSTFIX, Side("ours", "ours", CHUNKING, ("--announce=CHUNKING",)), "source",
        goal=(150, 120), quick=True),
    Row("sink-lockstep", "sink, lockstep, driven by our source",
        Side("ours", "postfix"), OURS, "sink", goal=(5, 3.5), quick=True),
    Row("sink-10k", "sink, 10 KiB bodies, driven by Postfix's smtp-source",
        Side("postfix", "postfix"), Side("postfix", "ours"), "sink",
        sessions=100, length=10240, goal=(4, 2)),
    Row("epoll", "epoll at both ends, lockstep: the source",
        Side("postfix", "ours", (), EPOLL), Side("ours", "ours", EPOLL, EPOLL),
        "source", goal=(2.6, 2.6), quick=True),
    Row("source-unix", "source, UNIX socket, lockstep",
        POSTFIX, OURS, "source", unix=True),
    Row("sink-unix", "sink, UNIX socket, lockstep, driven by our source",
        Side("ours", "postfix"), OURS, "sink", unix=True),
    Row("sink-lockstep-epoll", "sink on epoll, lockstep, driven by our source",
        Side("ours", "postfix"), Side("ours", "ours", (), EPOLL), "sink"),
    Row("sink-10k-epoll", "sink on epoll, 10 KiB bodies, driven by Postfix's smtp-source",
        Side("postfix", "postfix"), Side("postfix", "ours", (), EPOLL), "sink",
        sessions=100, length=10240),
    Row("sink-reconnect-epoll", "sink on epoll, reconnect per message, driven by our source",
        Side("ours", "postfix"), Side("ours", "ours", (), EPOLL), "sink", keep=False,
        most=25_000),
    Row("source-1", "source, lockstep, 1 session, fast sink",
        POSTFIX, OURS, "source", sessions=1),
    Row("sink-1", "sink, lockstep, 1 session, driven by our source",
        Side("ours", "postfix"), OURS, "sink", sessions=1),
    Row("overhead", "both ends with io_uring, lockstep, over a raw ping-pong",
        Side("raw", "raw", URING, URING), Side("ours", "ours", URING, URING), "both",
        goal=(10, 10), kind="overhead", quick=True),
    Row("overhead-epoll", "both ends with epoll, lockstep, over a raw ping-pong",
        Side("raw", "raw", EPOLL, EPOLL), Side("ours", "ours", EPOLL, EPOLL), "both",
        goal=(10, 10), kind="overhead"),
    Row("threads", "two threads each side, steered, lockstep, both cores, 40 sessions: wall time",
        Side("postfix", "postfix"), Side("ours", "ours", PINNED, PINNED, spread=True), "both",
        sessions=40, goal=(None, 6), kind="wall", quick=True),
    Row("postal", "source, lockstep reuse, 100 sessions, vs postal",
        POSTAL, OURS, "source", sessions=100, quick=True),
    Row("postal-reconnect", "source, reconnect per message, 100 sessions, vs postal",
        POSTAL, OURS, "source", sessions=100, keep=False, most=25_000),
    Row("tls-full", "TLS, a full handshake a message, vs curl",
        TLS_CURL, tls_ours("--tls-resume=off"), "source", keep=False, goal=(2, 2), kind="tls",
        quick=True),
    Row("tls-resumed", "TLS, a resumed handshake a message, vs curl's full one",
        TLS_CURL, tls_ours("--tls-resume=on"), "source", keep=False, goal=(2, 2), kind="tls"),
    Row("tls-reuse", "TLS, lockstep reuse, vs curl",
        TLS_CURL, tls_ours(), "source", goal=(2, 2), kind="tls", quick=True),
    Row("tls-10k", "TLS, lockstep reuse, 10 KiB bodies, vs curl",
        TLS_CURL, tls_ours(), "source", length=10240, goal=(2, 2), kind="tls"),
    Row("tls-full-postal", "TLS, a full handshake a message, vs postal's anonymous one",
        TLS_POSTAL, tls_ours("--tls-resume=off", sink=TLS_POSTAL_SINK), "source", sessions=10,
        keep=False, goal=(2, 2), kind="tls"),
    Row("tls-swaks", "TLS, a full handshake a message, 1 session, vs a swaks a message",
        TLS_SWAKS, tls_ours("--tls-resume=off"), "source", sessions=1, keep=False, goal=(2, 2),
        kind="tls"),
)

MEMORY_ROWS = (
    MemoryRow("source-memory", "source, user memory a session", POSTFIX, OURS, "source", goal=512),
    MemoryRow("sink-memory", "sink, user memory a session",
              Side("ours", "postfix"), OURS, "sink", goal=512),
    MemoryRow("tls-source-memory", "source, user memory a TLS session", None, tls_ours(), "source",
              few=500, many=1500, quick=True),
    MemoryRow("tls-sink-memory", "sink, user memory a TLS session", None, tls_ours(), "sink",
              few=500, many=1500),
)
