#!/usr/bin/env python3
"""smtp-sink as a black box: the same conversations with ours and with Postfix's, replies compared
octet by octet; then what ours does better, or alone.

    tests/sink/blackbox.py [BUILD] [--ours PROGRAM] [--peer PROGRAM] [--threads N]
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def programs():
    """Ours, and the peer's: made when it is not there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default=f"{TOP}/build", help="where smtp-sink is")
    parser.add_argument("--ours", metavar="PROGRAM", help="instead of BUILD/smtp-sink")
    parser.add_argument("--peer", metavar="PROGRAM", help="instead of what mkroot makes")
    parser.add_argument("--threads", metavar="N", default="1",
                        help="of ours; with more than one nothing is compared with the peer's")
    arguments = parser.parse_args()
    peers = f"{TOP}/build/peers"
    if not arguments.peer:
        subprocess.run([f"{TOP}/tests/peer/mkroot", peers], check=True, timeout=600)
    found = (os.path.abspath(arguments.ours or f"{arguments.build}/smtp-sink"),
             os.path.abspath(arguments.peer or f"{peers}/postfix-tools/smtp-sink"))
    for program in found:
        if not os.access(program, os.X_OK):
            parser.error(f"no program {program}")
    return *found, [f"--threads={arguments.threads}"] if arguments.threads != "1" else []


OURS, PEER, THREADS = programs()
# The order of clients that wait, and chances, are not repeatable with more than one.
ONE_THREAD = ("test_session_limit", "test_odds_and_seed")
LIMIT = 10  # seconds that anything may take
ROOT = os.geteuid() == 0


def environment(program):
    """A Postfix that was unpacked, not installed, has its libraries beside it."""
    libraries = os.path.join(os.path.dirname(os.path.dirname(program)), "lib", "postfix")
    if os.path.isdir(libraries):
        return dict(os.environ, LD_LIBRARY_PATH=libraries)
    return dict(os.environ)


GIVEN = set()
GIVING = threading.Lock()


def free_port():
    """None twice: two peers would share it, without a word."""
    with GIVING:
        while True:
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                port = s.getsockname()[1]
            if port not in GIVEN:
                GIVEN.add(port)
                return port


class Sink:
    """A running sink; leaving the context stops it."""

    def __init__(self, program, *options, address=None, limit=None):
        self.port = free_port()
        self.host = "::1" if "-6" in options else "127.0.0.1"
        self.address = address or f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"
        user = ["-u", "nobody"] if ROOT else []
        threads = THREADS if program == OURS else []
        self.process = subprocess.Popen(
            [program, *user, *threads, *options, self.address, "100"], env=environment(program),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit)
        self.output = None
        self.await_listening()

    def await_listening(self):
        """Asks the kernel, since a connection to try it would be counted."""
        any_port = ("0" * 32 if ":" in self.host else "0" * 8) + ":0000"
        wanted = f":{self.port:04X} {any_port} 0A"
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and self.process.poll() is None:
            if self.address.startswith("unix:"):
                if os.path.exists(self.address[5:]):
                    return
            table = "/proc/net/tcp6" if ":" in self.host else "/proc/net/tcp"
            if not self.address.startswith("unix:") and wanted in open(table, encoding="ascii").read():
                return
            time.sleep(0.005)

    def connect(self):
        if self.address.startswith("unix:"):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(LIMIT)
            for _ in range(200):
                try:
                    s.connect(self.address[5:])
                    break
                except ConnectionRefusedError:  # bound, and not listening yet
                    time.sleep(0.01)
            return s
        return socket.create_connection((self.host, self.port), LIMIT)

    def stop(self, how=signal.SIGTERM):
        if self.output is None:
            if self.process.poll() is None and how:
                self.process.send_signal(how)
            try:
                self.output = self.process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.output = self.process.communicate()
        return self.output

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


def read_all(s):
    """Everything up to the end, which is marked."""
    data = b""
    try:
        while True:
            more = s.recv(65536)
            if not more:
                return data + b"<end>"
            data += more
    except ConnectionResetError:
        return data + b"<reset>"
    except socket.timeout:
        return data + b"<nothing more>"


def talk(sink, pieces, half_close=True, pause=0.01):
    """Greeting first; the pieces in writes of their own; a half close; all replies."""
    with sink.connect() as s:
        got = s.recv(65536)
        for i, piece in enumerate(pieces):
            if i:
                time.sleep(pause)
            try:
                s.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
        if half_close:
            try:
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        return got + read_all(s)


def expect(s, text):
    """Reads exactly this reply."""
    got = b""
    while len(got) < len(text):
        more = s.recv(len(text) - len(got))
        if not more:
            break
        got += more
    assert got == text, f"got {got!r}, want {text!r}"


MAIL = b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\n"
HELLOS = b"HELO c\r\nEHLO c\r\nLHLO c\r\nQUIT\r\n"
COMMON = [
    HELLOS,
    b"QUIT\r\n",
    b"",
    MAIL + b"DATA\r\nhello\r\n.\r\nQUIT\r\n",
    [b"HELO c\r\n", b"MAIL FROM:<a>\r\n", b"RCPT TO:<b>\r\n", b"DATA\r\n", b"x\r\n.\r\n", b"QUIT\r\n"],
    MAIL + b"RCPT TO:<c>\r\nRCPT\r\nDATA\r\n.\r\n" + MAIL + b"DATA\r\n\r\n.\r\nQUIT\r\n",
    b"VRFY\r\nAUTH PLAIN x\r\nXCLIENT a\r\nXFORWARD b\r\nRSET\r\nNOOP\r\nQUIT now\r\n",
    b"HELP\r\nSTARTTLS\r\nBDAT 3\r\nEXPN\r\nETRN\r\nfoo bar\r\nCONNECT\r\n",
]
DEFAULT = COMMON + [
    b"RCPT x\r\nDATA\r\nMAIL x\r\nDATA\r\nMAIL y\r\nRCPT z\r\nMAIL\r\nQUIT\r\n",
    b"MAIL\r\nRSET\r\nRCPT\r\nMAIL\r\nHELO\r\nRCPT\r\nMAIL\r\nEHLO\r\nRCPT\r\nQUIT\r\n",
    b"MAIL\r\nNOOP\r\nHELP\r\nRCPT\r\nVRFY\r\nDATA x\r\n.\r\nRCPT\r\n",
    b"  noop\r\n\tNoOp\tx\r\nNOOP x\ny\rz\r\nNOOPS\r\nNOO\r\nNOOP:\r\nNOOP\nx\r\n",
    b"\r\n \t \r\n\n\r\nNOOP\r\r\nNOOP \r\r\n\xff\xfe\r\nNOOP\x0bx\r\n",
    b"NOOP\r\nNOO",
    b"NOOP\r\nNOOP\r",
    b"QUIT\r\nNOOP\r\nMAIL\r\n",
    b"MAIL:<a>\r\nmail from:<a>\r\nRcPt\r\ndata\r\n.\r\nquit\r\n",
    MAIL + b"DATA\r\nx\r\n",
    MAIL + b"DATA\r\n\n.\nx\n.\r\n.\n\r\n.\rx\r\n..\r\n.x\r\n\r.\r\n.\r\nNOOP\r\n",
    MAIL + b"DATA\r\na\r\r\n.\r\nNOOP\r\n",
    MAIL + b"DATA\r\n.\r\r\n.\r\nNOOP\r\n",
    MAIL + b"DATA\r\n.\n.\r\nx\r\n.\r\nNOOP\r\n",
    MAIL + b"DATA\r\nMAIL\r\nQUIT\r\n.\r\n" + MAIL + b"DATA\r\n.\r\nQUIT\r\n",
    [MAIL + b"DATA\r\nx\r", b"\n", b".", b"\r", b"\nNOOP\r\n"],
    [MAIL + b"DATA\r\n", b".\r\n", b"NOOP\r\n"],
    [MAIL + b"DATA\r\n", b".", b"\r\nNOOP\r\n"],
    [b"NO", b"OP\r", b"\nQU", b"IT\r\n"],
    MAIL + b"DATA\r\n" + b"line of text\r\n" * 20000 + b".\r\nQUIT\r\n",
    MAIL + b"DATA\r\n" + b"." * 50000 + b"\r\n.\r\nQUIT\r\n",
    MAIL + b"DATA\r\n" + b"\r\n..\r\n.x" * 5000 + b"\r\n.\r\nQUIT\r\n",
    (MAIL + b"DATA\r\nx\r\n.\r\n") * 50 + b"QUIT\r\n",
    MAIL + b"RCPT TO:<c>\r\n" * 500 + b"DATA\r\nx\r\n.\r\nQUIT\r\n",
    b"MAIL FROM:<a> SIZE=99999999999 BODY=RUBBISH\r\nQUIT\r\n",
    b"NOOP " + b"x" * 2041 + b"\r\nQUIT\r\n",
    b"NOOP\r\nNOOP " + b"x" * 2042 + b"\r\nNOOP\r\n",
    b"NOOP\r\n" + b"x" * 5000,
    [b"NOOP " + b"x" * 1000, b"x" * 1041 + b"\r\nNOOP\r\nQUIT\r\n"],
]
GROUPS = [
    ([], DEFAULT),
    (["-L"], COMMON + [
        MAIL + b"RCPT TO:<c>\r\n" * 300 + b"DATA\r\nx\r\n.\r\nNOOP\r\nQUIT\r\n",
        b"MAIL\r\nDATA\r\nRCPT\r\nRCPT\r\nDATA\r\n.\r\nDATA\r\nLHLO\r\nRCPT\r\n",
    ]),
    (["-e"], [HELLOS, COMMON[3]]),
    (["-P"], [HELLOS, COMMON[3]]),
    (["-L", "-e"], [HELLOS]),
    (["-L", "-P"], [HELLOS]),
    (["-p"], [HELLOS]),
    (["-8"], [HELLOS]),
    (["-a"], [HELLOS, b"AUTH x\r\n"]),
    (["-C"], [HELLOS, b"XCLIENT x\r\nXFORWARD x\r\n"]),
    (["-F"], [HELLOS, b"XCLIENT x\r\nXFORWARD x\r\n"]),
    (["-N"], [HELLOS]),
    (["-E"], [HELLOS, COMMON[3]]),
    (["-p8aCFNE"], [HELLOS]),
    (["-h", "mx.example.com"], [HELLOS]),
    (["-h", "one", "-h", ""], [HELLOS]),
    (["-h", "x" * 3000], [HELLOS * 20]),
    (["-T", "4096"], [COMMON[3]]),
    (["-4"], [HELLOS, COMMON[3]]),
    (["-6"], [HELLOS, COMMON[3]]),
    (["-m", "3"], [HELLOS, COMMON[3]]),
    (["-t", "9"], [HELLOS, COMMON[3]]),
    (["-M", "9"], [HELLOS, COMMON[3]]),
    (["-n", "9"], [HELLOS, COMMON[3]]),
    (["-v"], [HELLOS, COMMON[3]]),
] + ([(["-R", "/"], [HELLOS, COMMON[3]])] if ROOT else [])

# Every command, two transactions, and a refused hello in between: for faults at any of them.
EVERY = [b"HELO c\r\nEHLO c\r\nLHLO c\r\nXCLIENT a\r\nXFORWARD b\r\nAUTH PLAIN x\r\nVRFY x\r\nNOOP\r\n",
         MAIL + b"RCPT TO:<c>\r\nDATA\r\n", b"x\r\n.\r\n",
         b"RSET\r\n" + MAIL + b"DATA\r\n", b".\r\n", b"QUIT\r\n"]
# The same without content, for when DATA is refused: what it would be taken for differs.
NO_DATA = [b"EHLO c\r\nHELO c\r\nNOOP\r\n" + MAIL + b"DATA\r\nRSET\r\nDATA\r\n", b"MAIL x\r\nQUIT\r\n"]
FAULTY = ("HELO", "EHLO", "LHLO", "XCLIENT", "XFORWARD", "AUTH", "MAIL", "RCPT", "DATA", ".", "RSET",
          "NOOP", "VRFY", "QUIT")


def without_content(verb):
    return NO_DATA if verb in ("MAIL", "RCPT", "DATA") else EVERY


FAULTS = [([option, verb.lower() if option == "-r" else verb], [without_content(verb)])
          for option in ("-f", "-r", "-q", "-Q") for verb in FAULTY]
FAULTS += [([option, "CONNECT"], [b""]) for option in ("-q", "-Q")]
FAULTS += [([option, "connect"], [b"", EVERY]) for option in ("-f", "-r")]
FAULTS += [
    (["-L", option, verb], [without_content(verb)])
    for option in ("-f", "-r", "-q", "-Q") for verb in ("LHLO", ".", "RCPT", "EHLO")
] + [
    (["-f", "MAIL", "-r", "MAIL"], [NO_DATA]),
    (["-r", ".", "-f", "."], [EVERY]),
    (["-r", ".", "-Q", "."], [EVERY]),
    (["-q", "NOOP", "-Q", "NOOP", "-f", "NOOP", "-r", "NOOP"], [EVERY]),
    (["-f", " helo,,ehlo\tnoop\r\nVRFY "], [EVERY]),
    (["-f", "RSET", "-f", "VRFY"], [EVERY]),
    (["-r", "RCPT", "-b", "421 x"], [NO_DATA]),
    (["-r", ".", "-b", "421 x"], [EVERY]),
    (["-L", "-r", ".", "-b", "421 x"], [EVERY]),
    (["-b", "450", "-r", "NOOP"], [EVERY]),
    (["-b", "451x y", "-r", "NOOP"], [EVERY]),
    (["-b", "499 \xe9", "-B", "599 5.9.9 too", "-r", "NOOP", "-f", "VRFY"], [EVERY]),
    (["-B", "500 one", "-B", "501 two", "-f", "."], [EVERY]),
    (["-f", ".", "-C", "-F"], [EVERY]),
    (["-f", "XCLIENT,XFORWARD", "-C", "-F"], [EVERY]),
    (["-f", "EHLO", "-e"], [EVERY]),
    (["-f", "HELO", "-P"], [EVERY]),
    (["-q", "QUIT"], [b"NOOP\r\nQUIT\r\nNOOP\r\n"]),
    (["-f", "QUIT"], [b"QUIT\r\nNOOP\r\nQUIT\r\n"]),
    # Nothing behind DATA: the peer reads on for as long as its timer has not run, be it for no time.
    (["-A", "0"], [EVERY[:2], [MAIL + b"DATA\r\n"], [b"DATA\r\n" + MAIL + b"DATA\r\n"]]),
    (["-L", "-A", "0"], [[MAIL + b"RCPT x\r\nDATA\r\n"]]),
    (["-A", "0", "-r", "DATA"], [NO_DATA]),
]

# What takes a second or so: options, conversation, the least and the most seconds of ours.
SLOW = [
    (["-w", "1"], [MAIL + b"DATA\r\n", b"x\r\n.\r\nQUIT\r\n"], 1, 2),
    (["-w", "1"], [b"DATA\r\n", b"QUIT\r\n"], 1, 2),
    (["-w", "5", "-W", "data:1"], [MAIL + b"DATA\r\n", b"x\r\n.\r\nQUIT\r\n"], 1, 2),
    (["-W", "CONNECT:1"], [MAIL + b"DATA\r\nx\r\n.\r\nQUIT\r\n"], 0.9, 2),
    (["-W", "EHLO:1"], [b"EHLO x\r\n", b"NOOP\r\nQUIT\r\n"], 1, 2),
    (["-W", "RCPT:1"], [MAIL, b"DATA\r\nx\r\n.\r\nQUIT\r\n"], 1, 2),
    (["-W", ".:1"], [MAIL + b"DATA\r\n", b"x\r\n.\r\n", b"NOOP\r\nQUIT\r\n"], 1, 2),
    (["-L", "-W", ".:1"], [MAIL + b"RCPT\r\nDATA\r\n", b"x\r\n.\r\n", b"QUIT\r\n"], 1, 2),
    (["-W", "QUIT:1"], [b"QUIT\r\n"], 1, 2),
    (["-W", "NOOP:1", "-f", "NOOP"], [b"NOOP\r\nQUIT\r\n"], 0, 0.9),
    (["-W", "XCLIENT:9", "-C"], [b"XCLIENT\r\nQUIT\r\n"], 0, 0.9),
    (["-W", "NOOP:1"], [b"NOOP\r\n", b"RSET\r\nQUIT\r\n"], 1, 2),
    (["-A", "1"], [MAIL + b"DATA\r\n"], 1, 2),
    (["-A", "1", "-w", "1"], [b"DATA\r\n", MAIL + b"QUIT\r\n"], 1, 2),
    (["-H", "1"], [MAIL + b"DATA\r\n", b"x\r\n.\r\n", b"QUIT\r\n"], 1, 2),
    (["-H", "1"], [b"DATA\r\n", MAIL + b"QUIT\r\n"], 0, 0.9),
]


def compare_slowly(row):
    """Both at the same time."""
    options, pieces, least, most = row
    with Sink(OURS, "--quiet", *options) as ours, Sink(PEER, *options) as peer, \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        # The peer loses a delayed reply if more input comes along with its command.
        reference = pool.submit(talk, peer, pieces, pause=0.2)
        start = time.monotonic()
        got = talk(ours, pieces, pause=0.2)
        took = time.monotonic() - start
        want = reference.result()
    name = f"{' '.join(options)} {b'|'.join(pieces)[:40]!r}"
    return name, got == want and least <= took <= most, \
        f"got  {got[:400]!r} in {took:.2f} s\n    want {want[:400]!r} in {least} to {most} s"


def compare_group(group):
    """One sink of each for all conversations."""
    options, conversations = group
    results = []
    with Sink(OURS, "--quiet", *options) as ours, Sink(PEER, *options) as peer:
        for pieces in conversations:
            pieces = pieces if isinstance(pieces, list) else [pieces]
            want = talk(peer, pieces)
            if {"-q", "-Q"} & set(options):  # it does not wait for what the client still sends
                want = want.replace(b"<reset>", b"<end>")
            got = talk(ours, pieces)
            results.append((f"{' '.join(options)[:40]} {b'|'.join(pieces)[:40]!r}", got == want,
                            f"got  {got[:400]!r}\n    want {want[:400]!r}"))
    return results


MANUAL = set("468aAbBcCdDeEfFhHLmMnNpPqQrRsStTuvwW")
# counters(), test_syslog(), Sink; recording.py.
COMPARED_ELSEWHERE = set("csu" + "dDS")


def test_every_option_is_compared():
    """One conversation at least with each of the manual's options, in both programs."""
    rows = [options for options, *_ in GROUPS + FAULTS + SLOW]
    seen = {letter for row in rows for word in row if re.fullmatch("-[a-zA-Z0-9]+", word)
            for letter in word[1:]} | COMPARED_ELSEWHERE
    missing = MANUAL - seen - (set() if ROOT else {"R", "u"})
    assert not missing and sum(len(talks) for _, talks in GROUPS + FAULTS) >= 60, missing


def compare_with_peer():
    """One test a conversation."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for result in pool.map(compare_slowly, SLOW):
            check(*result)
        for results in pool.map(compare_group, GROUPS + FAULTS):
            for result in results:
                check(*result)


def counters(program, *options):
    """What -c shows of four sessions."""
    with Sink(program, "-c", *options) as sink:
        talk(sink, [MAIL + b"DATA\r\n.\r\n" + MAIL + b"DATA\r\n.\r\nQUIT\r\n"])
        talk(sink, [b"NOOP\r\n"])
        talk(sink, [MAIL + b"DATA\r\nx"])
        talk(sink, [b"x" * 3000])
        time.sleep(0.2)
        return sink.stop()[0]


def test_counters():
    want = counters(PEER)
    got = counters(OURS)
    assert got == want, f"got {got!r}, want {want!r}"
    assert got.endswith(b"sess=4 quit=1 mesg=2\r"), got


def test_dot_is_no_command():
    with Sink(OURS) as sink:
        assert b"500 5.5.1 Error: unknown command" in talk(sink, [b".\r\n"])


def test_nul_is_an_octet():
    with Sink(OURS) as sink:
        got = talk(sink, [b"QUIT\0x\r\nNOOP \0\r\n"])
        assert got.endswith(b"500 5.5.1 Error: unknown command\r\n250 2.0.0 Ok\r\n<end>"), got


def test_reply_before_the_rest_of_the_next_command():
    with Sink(OURS) as sink, sink.connect() as s:
        s.sendall(b"NOOP\r\nNO")
        expect(s, b"220 smtp-sink ESMTP\r\n250 2.0.0 Ok\r\n")
        s.sendall(b"OP\r\n")
        expect(s, b"250 2.0.0 Ok\r\n")


def test_last_message_is_answered():
    with Sink(OURS, "-M", "2") as sink:
        got = talk(sink, [(MAIL + b"DATA\r\n.\r\n") * 3 + b"QUIT\r\n"], half_close=False)
        assert got.count(b"250 2.0.0 Ok\r\n") == 2 and b"221" not in got, got
        out, _ = sink.stop(None)
        assert sink.process.returncode == 0 and re.search(rb"messages +2\b", out), out


def test_sessions_are_counted():
    with Sink(OURS, "-n", "2") as sink:
        talk(sink, [b"QUIT\r\n"])
        with sink.connect() as s:
            expect(s, b"220 smtp-sink ESMTP\r\n")
        sink.stop(None)
        assert sink.process.returncode == 0


def test_descriptors():
    """Fewer than -m may need are told once, and the sink serves."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))

    for sessions, count in (("100", 0), ("180", 1)):
        with Sink(OURS, "-m", sessions, limit=limit) as sink:
            talk(sink, [b"QUIT\r\n"])
            told = sink.stop()[1].decode()
        assert told.count("descriptors are needed and 200 allowed") == count, told
        assert told.count(f"warning: for {sessions} sessions at a time (-m) ") == count, told


def test_session_limit():
    """Two at a time: the others are greeted as places become free, in order."""
    with Sink(OURS, "-m", "2") as sink:
        clients = []
        for _ in range(5):
            clients.append(sink.connect())
            time.sleep(0.01)
        for s in clients[:2]:
            expect(s, b"220 smtp-sink ESMTP\r\n")
        for i in range(2, 5):
            clients[i].settimeout(0.1)
            try:
                raise AssertionError(f"greeted too early: {clients[i].recv(100)!r}")
            except socket.timeout:
                pass
            clients[i].settimeout(LIMIT)
            clients[i - 2].close()
            expect(clients[i], b"220 smtp-sink ESMTP\r\n")
        for s in clients:
            s.close()


def test_timeout():
    with Sink(OURS, "-t", "1") as sink, sink.connect() as s:
        start = time.monotonic()
        expect(s, b"220 smtp-sink ESMTP\r\n")
        time.sleep(0.6)
        s.sendall(b"NOOP\r\n")
        expect(s, b"250 2.0.0 Ok\r\n")
        assert read_all(s) == b"<end>"
        assert 1.3 < time.monotonic() - start < 3
        _, err = sink.stop()
        assert err.endswith(b": warning: read timeout\n"), err


def test_line_too_long():
    with Sink(OURS) as sink:
        talk(sink, [b"x" * 2049])
        _, err = sink.stop()
        assert err.endswith(b": warning: command line too long\n"), err


def test_client_that_does_not_read():
    """It is held up, and nobody else; when it reads at last, not a reply is missing."""
    commands = b"EHLO x\r\n" * 200000
    with Sink(OURS, "-t", "60", "-T", "20000") as sink, sink.connect() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        s.setblocking(False)
        sent = 0
        quiet = 0
        while quiet < 20 and sent < len(commands):
            try:
                sent += s.send(commands[sent:sent + 65536])
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.01)
        assert sent < len(commands), "all was read: nothing bounds the replies"
        memory = open(f"/proc/{sink.process.pid}/statm", encoding="ascii").read().split()
        assert int(memory[1]) * 4096 < 30e6, memory
        assert talk(sink, [b"QUIT\r\n"]).endswith(b"221 Bye\r\n<end>")
        s.setblocking(True)
        s.settimeout(LIMIT)
        complete = sent // 8
        got = 0
        s.shutdown(socket.SHUT_WR)
        while True:
            more = s.recv(1 << 20)
            if not more:
                break
            got += more.count(b"\n")
        assert got == 1 + 9 * complete, (got, complete)


def timed(options, pieces, least, most, want=None, **how):
    """One conversation, and how long it takes."""
    with Sink(OURS, *options) as sink:
        start = time.monotonic()
        got = talk(sink, pieces, **how)
        took = time.monotonic() - start
        assert least <= took <= most, (took, got)
        assert want is None or got == want, (got, want)
    return got


GREETING = b"220 smtp-sink ESMTP\r\n"
GO_AHEAD = b"354 End data with <CR><LF>.<CR><LF>\r\n"
TAKEN = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
OK = b"250 2.0.0 Ok\r\n"
RESET = b"250 2.1.0 Ok\r\n"
BYE = b"221 Bye\r\n<end>"


def test_delays_keep_the_order():
    want = GREETING + TAKEN + GO_AHEAD + OK + OK + BYE
    for delay in "RCPT:200ms", ".:200ms", "DATA:200ms", "NOOP:0.2", "QUIT:200ms", "CONNECT:200ms":
        timed(["-W", delay], [MAIL + b"DATA\r\nx\r\n.\r\nNOOP\r\nQUIT\r\n"], 0.2, 1, want)
    timed(["-W", "NOOP:200ms"], [b"NOOP\r\n" * 4 + b"QUIT\r\n"], 0.8, 2, GREETING + OK * 4 + BYE)
    timed(["-L", "-W", ".:200ms"], [MAIL + b"RCPT x\r\nDATA\r\n.\r\nNOOP\r\nQUIT\r\n"], 0.2, 1,
          GREETING + TAKEN + b"250 2.1.5 Ok\r\n" + GO_AHEAD + b"250 2.2.0 Ok\r\n" * 2 + OK + BYE)
    timed(["-W", "BDAT:200ms", "-W", ".:200ms", "--announce=CHUNKING"],
          [MAIL + b"BDAT 1\r\nxBDAT 1 LAST\r\nyQUIT\r\n"], 0.6, 2, GREETING + TAKEN + OK * 2 + BYE)


def test_replies_before_a_delayed_one_come_at_once():
    with Sink(OURS, "-W", "NOOP:5", "--grace=0") as sink, sink.connect() as s:
        s.settimeout(2)
        s.sendall(b"RSET\r\nNOOP\r\n")
        expect(s, GREETING + b"250 2.1.0 Ok\r\n")


def test_delay_holds_up_nobody_else():
    with Sink(OURS, "-W", "NOOP:3", "--grace=0") as sink, sink.connect() as s:
        s.sendall(b"NOOP\r\n")
        start = time.monotonic()
        assert talk(sink, [b"RSET\r\nQUIT\r\n"]).endswith(BYE)
        assert time.monotonic() - start < 1


def test_refused_greeting_with_a_delay():
    timed(["-f", "CONNECT", "-W", "CONNECT:9"], [b"QUIT\r\n"], 0, 1,
          b"500 5.3.0 Error: command failed\r\n" + BYE)


def test_abort():
    """It does not read, whatever came along, and may take longer than the timeout."""
    want = GREETING + TAKEN + GO_AHEAD + b"550 This violates SMTP\r\n<end>"
    timed(["-A", "300ms"], [MAIL + b"DATA\r\nx\r\n.\r\nQUIT\r\n"], 0.3, 1, want)
    timed(["-A", "1.5", "-t", "1"], [MAIL + b"DATA\r\n"], 1.5, 3, want)
    timed(["-A", "200ms", "-w", "200ms"], [MAIL + b"DATA\r\nx\r\n.\r\nQUIT\r\n"], 0.4, 1, want)
    with Sink(OURS, "-A", "0", "--report=json") as sink:
        assert talk(sink, [MAIL + b"DATA\r\n.\r\nQUIT\r\n"]) == want
        summary = json.loads(sink.stop()[0])["sink"]
        assert (summary["messages"], summary["aborted"], summary["refused"]) == (0, 1, 1), summary


def test_read_delay():
    want = GREETING + TAKEN + GO_AHEAD + OK + BYE
    timed(["-H", "300ms"], [MAIL + b"DATA\r\nx\r\n.\r\nQUIT\r\n"], 0.3, 1, want)
    timed(["-H", "300ms", "-w", "300ms"], [MAIL + b"DATA\r\nx\r\n.\r\nQUIT\r\n"], 0.6, 2, want)
    with Sink(OURS, "-H", "1", "-T", "20000") as sink, sink.connect() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20000)
        s.sendall(MAIL + b"DATA\r\n")
        expect(s, GREETING + TAKEN + GO_AHEAD)
        start = time.monotonic()
        s.sendall(b"x" * 3000000 + b"\r\n.\r\n")
        assert time.monotonic() - start > 0.8, "nothing held the client's writing up"
        expect(s, OK)


def test_odds_and_seed():
    """The same seed, the same sessions are delayed; another, others."""
    def delayed(seed):
        with Sink(OURS, "-W", "NOOP:3600:50", f"--seed={seed}", "--grace=0") as sink, \
                contextlib.ExitStack() as stack:
            sessions = [stack.enter_context(sink.connect()) for _ in range(24)]
            for s in sessions:
                expect(s, GREETING)
            for s in sessions:
                s.sendall(b"NOOP\r\n")
            with sink.connect() as last:
                expect(last, GREETING)
                for _ in range(3):  # whoever is not delayed has been answered before these are
                    last.sendall(b"RSET\r\n")
                    expect(last, RESET)
            waiting = []
            for s in sessions:
                s.setblocking(False)
                try:
                    waiting.append(s.recv(100) != OK)
                except BlockingIOError:
                    waiting.append(True)
            return waiting
    one, again, other = (delayed(seed) for seed in (7, 7, 8))
    assert one == again != other and {True, False} == set(one), (one, again, other)


def test_refusals_are_counted():
    with Sink(OURS, "-f", "RCPT", "-r", "CONNECT,.", "-Q", "VRFY", "--report=json") as sink:
        talk(sink, [MAIL + b"RSET\r\nVRFY x\r\nNOOP\r\n"])
        summary = json.loads(sink.stop()[0])["sink"]
        assert summary["refused_by_verb"] == {"CONNECT": 1, "RCPT": 1, "VRFY": 1}, summary
        assert summary["aborted"] == 1 and summary["lost"] == 0, summary


def test_empty_list_of_commands():
    with Sink(OURS, "-f", "", "-r", " ,\t") as sink:
        assert b"PIPELINING" in talk(sink, [b"EHLO x\r\n"])


def test_last_message_with_a_delayed_reply():
    with Sink(OURS, "-M", "1", "-W", ".:300ms") as sink:
        got = talk(sink, [MAIL + b"DATA\r\n.\r\nNOOP\r\n"], half_close=False)
        assert got.startswith(GREETING + TAKEN + GO_AHEAD + OK) and b"Ok\r\n" + OK not in got, got
        sink.stop(None)
        assert sink.process.returncode == 0


def test_client_leaves_while_waiting():
    with Sink(OURS, "-W", "NOOP:300ms") as sink:
        for _ in range(20):
            with sink.connect() as s:
                s.sendall(b"NOOP\r\n" * 3)
        time.sleep(1.2)
        assert talk(sink, [b"QUIT\r\n"]).endswith(BYE)
        assert re.search(rb"sessions +21\b", sink.stop()[0])


def test_bare_lf():
    content = b"a\n.\nb\r\n.\nc\n.\r\nd\r\n.\r\n"
    timed([], [MAIL + b"DATA\r\n" + content + b"QUIT\r\n"], 0, 1, GREETING + TAKEN + GO_AHEAD + OK + BYE)
    unknown = b"500 5.5.1 Error: unknown command\r\n"
    timed(["--bare-lf=end"], [MAIL + b"DATA\r\n" + content + b"noop\nQUIT\n"], 0, 1,
          GREETING + TAKEN + GO_AHEAD + OK + unknown * 6 + OK + BYE)
    timed(["--bare-lf=data"], [b"NOOP\nQUIT\r\n"], 0, 1, GREETING + unknown + b"<end>")


def test_strict():
    """RFC 5321 section 4.5.3.1: what is too long is refused, swallowed whole, and the session goes on."""
    long_line = b"500 5.5.2 Error: line too long\r\n"
    many = b"RCPT TO:<b@x>\r\n" * 101
    for size in 513, 2048, 2049, 100000:
        line = b"NOOP " + b"x" * (size - 7) + b"\r\n"
        for pieces in [line + b"QUIT\r\n"], [line[:-1], line[-1:] + b"QUIT\r\n"]:
            timed(["--strict"], pieces, 0, 1, GREETING + long_line + BYE)
    timed(["--strict"], [b"NOOP " + b"x" * 505 + b"\r\nNOOP \0\r\nQUIT\r\n"], 0, 1, GREETING + OK
          + b"500 5.5.2 Error: NUL, bare CR or bare LF in a command\r\n" + BYE)
    with Sink(OURS, "--strict", "--announce=CHUNKING", "--report=json") as sink:
        got = talk(sink, [b"MAIL FROM:<" + b"a" * 65 + b"@x>\r\nMAIL FROM:<a@x>\r\n" + many
                          + b"DATA\r\n" + b"x" * 999 + b"\r\n.\r\n" + MAIL + b"DATA\r\na\nb\r\n.\r\n" + MAIL
                          + b"DATA\r\n." + b"." * 998 + b"\r\n.\r\n" + MAIL + b"BDAT 1 LAST\r\n\0QUIT\r\n"])
        assert got == (GREETING + b"501 5.1.0 Error: path too long\r\n250 2.1.0 Ok\r\n"
                       + b"250 2.1.5 Ok\r\n" * 100 + b"452 4.5.3 Error: too many recipients\r\n" + GO_AHEAD
                       + long_line + TAKEN + GO_AHEAD
                       + b"550 5.6.0 Error: bare CR or bare LF in the message\r\n" + TAKEN + GO_AHEAD + OK
                       + TAKEN + b"550 5.6.0 Error: NUL in the message\r\n" + BYE), got
        refused = json.loads(sink.stop()[0])["sink"]["refused_by_verb"]
        assert refused == {"MAIL": 1, "RCPT": 1, ".": 2, "BDAT": 1}, refused


def test_grace():
    """At a stop an open transaction may finish, and an idle client is told at once."""
    with Sink(OURS, "--grace=5", "--report=json") as sink, sink.connect() as s, sink.connect() as idle:
        expect(idle, GREETING)
        s.sendall(MAIL + b"DATA\r\n")
        expect(s, GREETING + TAKEN + GO_AHEAD)
        sink.process.send_signal(signal.SIGTERM)
        assert read_all(idle) == b"421 4.3.2 Error: server is shutting down\r\n<end>"
        time.sleep(0.3)
        try:
            sink.connect().close()
            raise AssertionError("it still accepts")
        except ConnectionRefusedError:
            pass
        s.sendall(b"x\r\n.\r\nMAIL\r\n")
        assert read_all(s) == OK + b"421 4.3.2 Error: server is shutting down\r\n<end>"
        summary = json.loads(sink.stop(None)[0])["sink"]
        assert sink.process.returncode == 0 and summary["messages"] == 1, summary


def test_grace_is_over_and_second_signal():
    for options, signals, least, most in ((["--grace=300ms"], 1, 0.3, 1), (["--grace=9"], 2, 0, 1),
                                          (["--grace=0"], 1, 0, 0.3)):
        with Sink(OURS, *options) as sink, sink.connect() as s:
            s.sendall(MAIL)
            expect(s, GREETING + TAKEN)
            start = time.monotonic()
            for _ in range(signals):
                sink.process.send_signal(signal.SIGTERM)
                time.sleep(0.05)
            sink.stop(None)
            assert least <= time.monotonic() - start <= most, (options, time.monotonic() - start)
            assert sink.process.returncode == 0


SYSLOG = """
import os, socket, subprocess, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
s.settimeout(5)
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
with socket.create_server(("127.0.0.1", 0)) as probe:
    pass
end = time.monotonic() + 5
while time.monotonic() < end:
    try:
        c = socket.create_connection(("127.0.0.1", int(sys.argv[-2].split(":")[1])), 5)
        break
    except ConnectionRefusedError:
        time.sleep(0.02)
c.sendall(b"EHLO\\r\\nehlo  a b  \\r\\n  Mail\\tFROM:<a\\xff\\1\\tx> y\\r\\nRCPT TO:<" + b"z" * 120
          + b">\\r\\nDATA\\r\\nFOO x\\r\\nRSET x\\r\\nNOOP\\r\\nMAIL a\\r\\nQUIT\\r\\n")
c.shutdown(1)
while c.recv(1000):
    pass
for _ in range(9):
    print(s.recv(1000))
p.kill()
"""


def test_syslog():
    """In a mount namespace with a /dev of its own, so that no system log is touched."""
    if not ROOT or subprocess.run(["unshare", "-m", "true"], capture_output=True,
                                  check=False).returncode:
        print("    skipped: syslog needs a mount namespace")
        return
    said = []
    for program in PEER, OURS:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c",
             "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && "
             "mknod -m 666 /dev/urandom c 1 9 && exec \"$@\"", "sh", sys.executable, "-c", SYSLOG,
             program, "-u", "nobody", "-s", "CONNECT EHLO MAIL RCPT DATA . RSET QUIT", "-f", "RCPT",
             f"127.0.0.1:{free_port()}", "10"],
            env=environment(program), capture_output=True, timeout=LIMIT * 3, check=False)
        assert done.returncode == 0, done
        said.append(re.sub(rb"<22>.{15} (\S+)\[\d+\]", rb"\1", done.stdout))
    assert said[0] == said[1] and said[0].count(b"smtp-sink: ") == 9, said


PROFILE = b"""# One of each that time on the wire shows.
[default]
CONNECT connections 2
RCPT    greylist 300ms
NOOP    half 200ms
VRFY    drip 10ms
RSET    reset
HELO    disconnect reply 421 4.3.2 Gone
.       reply 250 2.0.0 Ok: mine
[domain a.example]
RCPT    rate 1/m burst 2 per domain
.       reply 552 5.2.2 No
[client 127.0.0.1]
EHLO    delay uniform 200ms 201ms
"""


def with_profile(text):
    file = tempfile.NamedTemporaryFile(suffix=".profile")
    file.write(text)
    file.flush()
    os.chmod(file.name, 0o644)
    return file


def pieces_of(s, wanted):
    """What each read gets until so many octets are there, and how long that took."""
    start = time.monotonic()
    got = []
    while sum(map(len, got)) < wanted:
        got.append(s.recv(1000))
        assert got[-1], got
    return got, time.monotonic() - start


def test_profile():
    with with_profile(PROFILE) as file, Sink(OURS, "--profile", file.name) as sink:
        with sink.connect() as s, sink.connect() as second:
            expect(s, GREETING)
            expect(second, GREETING)
            with sink.connect() as third:
                assert read_all(third) == b"421 4.7.0 Error: too many connections\r\n<end>"
            s.sendall(b"NOOP\r\n")
            got, took = pieces_of(s, len(OK))
            assert got == [OK[:6], OK[6:]] and 0.19 < took < 1, (got, took)
            s.sendall(b"VRFY\r\n")
            got, took = pieces_of(s, len(OK))
            assert len(got) > 10 and 0.12 < took < 1, (got, took)
            s.sendall(b"EHLO x\r\n")
            got, took = pieces_of(s, 100)
            assert 0.19 < took < 1, took
            s.sendall(MAIL)
            expect(s, b"250 2.1.0 Ok\r\n450 4.2.0 Error: greylisted, try again later\r\n")
            time.sleep(0.31)
            s.sendall(MAIL.split(b"\n")[1] + b"\nDATA\r\n.\r\n")
            expect(s, TAKEN[14:] + GO_AHEAD + b"250 2.0.0 Ok: mine\r\n")
            s.sendall(b"MAIL FROM:<>\r\n" + b"RCPT TO:<x@A.example>\r\n" * 3 + b"DATA\r\n.\r\n")
            expect(s, b"250 2.1.0 Ok\r\n" + TAKEN[14:] * 2 + b"450 4.7.1 Error: too much mail, slow down\r\n"
                   + GO_AHEAD + b"552 5.2.2 No\r\n")
            s.sendall(b"RSET\r\n")
            assert read_all(s) == b"<reset>"
            second.sendall(b"HELO x\r\n")
            assert read_all(second) == b"421 4.3.2 Gone\r\n<end>"
        assert talk(sink, [b"QUIT\r\n"]).endswith(BYE)


def test_profile_sizes_and_content():
    """What MAIL declares, and a stall in the middle of the content."""
    text = b"[default]\nMAIL size 1000\nDATA stall 300ms after 1k\n. size 3k\n[domain s.example]\nRCPT size 500\n"
    with with_profile(text) as file, Sink(OURS, "--profile", file.name, "--announce=SIZE") as sink:
        with sink.connect() as s:
            expect(s, GREETING)
            s.sendall(b"MAIL FROM:<a@x> SIZE=1001\r\nMAIL FROM:<a@x> SIZE=501\r\n"
                      b"RCPT TO:<b@s.example>\r\nRCPT TO:<b@x>\r\nDATA\r\n")
            large = b"552 5.3.4 Error: message too large\r\n"
            expect(s, large + b"250 2.1.0 Ok\r\n" + large + b"250 2.1.5 Ok\r\n" + GO_AHEAD)
            for body, least, most, reply in ((b"x" * 900, 0, 0.2, OK), (b"x" * 1100, 0.29, 2, OK),
                                             (b"x" * 4000, 0.29, 2, large)):
                start = time.monotonic()
                s.sendall(body + b"\r\n.\r\n")
                expect(s, reply)
                took = time.monotonic() - start
                assert least <= took <= most, (len(body), took)
                s.sendall(MAIL + b"DATA\r\n")
                expect(s, TAKEN + GO_AHEAD)


def test_profiles_that_come_along():
    folder = os.path.join(TOP, "doc/profiles")
    names = os.listdir(folder)
    assert len(names) >= 2, names
    for name in names:
        with Sink(OURS, "--profile", os.path.join(folder, name), "--seed=3", "--grace=0") as sink:
            for _ in range(3):
                assert talk(sink, [MAIL + b"QUIT\r\n"])[:3] in (b"220", b"554"), name
            sink.stop()
            assert sink.process.returncode == 0, sink.output


def test_profile_errors():
    for text, want in ((b"[default]\nRCPT delay 1x\n", b":2: bad time: 1x"),
                       (b"RCPT accept\n", b":1: a rule outside a section"),
                       (b"[default]\nRCPT 5% reply 45 x\n", b":2: a reply begins with")):
        with with_profile(text) as file:
            done = subprocess.run([OURS, "--profile", file.name, "127.0.0.1:0"], capture_output=True,
                                  timeout=LIMIT, check=False)
            assert done.returncode == 1 and file.name.encode() + want in done.stderr, done
    done = subprocess.run([OURS, "--profile", "/no/such/file", "127.0.0.1:0"], capture_output=True,
                          timeout=LIMIT, check=False)
    assert done.returncode == 1 and b"/no/such/file" in done.stderr, done


def test_unix_socket():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        path = os.path.join(directory, "s")
        with Sink(OURS, address=f"unix:{path}") as sink:
            got = talk(sink, [MAIL + b"DATA\r\n.\r\nQUIT\r\n"])
            assert os.stat(path).st_mode & 0o777 == 0o666
            assert got.endswith(b"250 2.0.0 Ok\r\n221 Bye\r\n<end>"), got


def test_chunking():
    content = os.urandom(300000)
    with Sink(OURS, "--announce", "CHUNKING,SIZE=10M", "--report=json") as sink:
        got = talk(sink, [b"EHLO x\r\n" + (MAIL + b"BDAT 300000\r\n" + content + b"BDAT 0 LAST\r\n") * 10
                          + b"QUIT\r\n"])
        assert b"250-DSN\r\n250-CHUNKING\r\n250-SIZE 10000000\r\n250 \r\n" in got, got
        assert got.count(b"250 2.0.0 Ok\r\n") == 20 and got.endswith(b"221 Bye\r\n<end>"), got
        document = json.loads(sink.stop()[0])
        assert '"messages": 10' in json.dumps(document), document


def test_burst():
    """Far more replies than one write holds, to a client that reads only when all is sent."""
    one = MAIL + b"BDAT 3 LAST\r\nhi\n"
    with Sink(OURS, "--announce", "CHUNKING") as sink:
        got = talk(sink, [one * 3000 + b"QUIT\r\n"])
        want = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.0.0 Ok\r\n" * 3000 + b"221 Bye\r\n<end>"
        assert got == b"220 smtp-sink ESMTP\r\n" + want


def test_stop():
    """SIGTERM: at once, with clients connected, and with a summary."""
    for how in signal.SIGTERM, signal.SIGINT:
        with Sink(OURS) as sink:
            talk(sink, [MAIL + b"RCPT TO:<c>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"])
            with sink.connect() as s:
                expect(s, b"220 smtp-sink ESMTP\r\n")
                start = time.monotonic()
                out, _ = sink.stop(how)
                assert time.monotonic() - start < 0.5
                assert sink.process.returncode == 0
                assert re.search(rb"sessions +2\b.*messages +1, 2 recipients", out, re.S), out


def test_quiet():
    with Sink(OURS, "--quiet") as sink:
        assert sink.stop()[0] == b""


def test_verbose():
    with Sink(OURS, "-v") as sink:
        talk(sink, [b"HELO \x1b[1m\r\n" + MAIL + b"DATA\r\nsecret\r\n.\r\nQUIT\r\n"])
        lines = sink.stop()[1].decode().splitlines()
        told = [line.removeprefix(OURS + ": ") for line in lines][-8:]
        assert told == ["connect (AF_INET 127.0.0.1)", "HELO ?[1m", "MAIL FROM:<a@x>",
                        "RCPT TO:<b@x>", "DATA", ".", "QUIT", "disconnect"], told


# The first four with usage text, the others without, as with the peer.
BAD_FAULTS = [
    ("-b", ["450-x", "4500 x", "45", "550 x", "x", "", "450 a\nb", "450 " + "x" * 600]),
    ("-B", ["550-x", "450 x", "5x", ""]),
    ("-A", ["-1", "x", "1x", ""]),
    ("-w", ["0", "-1", "x", "1x", "", "1" * 50]),
    ("-H", ["0", "-1", "x", "1x", ""]),
    ("-W", ["MAIL", "MAIL:", "MAIL:0", "MAIL:-1", "MAIL:1x", "MAIL:1:", "MAIL:1:0", "MAIL:1:100",
            "MAIL:1:5:6", "FOO:1", ":1", "MAIL,RCPT:1", " MAIL:1", "MAIL:" + "1" * 60]),
    ("-f", ["FOO", "DATA;RCPT", "unknown", "HELP"]),
    ("-r", ["FOO"]),
    ("-q", ["MAIL,FOO"]),
    ("-Q", ["ETRN"]),
    ("-s", ["FOO"]),
]


def test_bad_usage():
    for option, values in BAD_FAULTS:
        done = subprocess.run([OURS, option, values[-1], "127.0.0.1:0"], capture_output=True,
                              timeout=LIMIT, check=False)
        assert (b"usage: " in done.stderr) == (option in ("-b", "-B", "-A", "-w")), done
    rows = [[], ["-x"], ["1:2", "3", "4"], ["127.0.0.1:1", "0"], ["127.0.0.1:1", "x"],
            ["-m", "0", "127.0.0.1:1"], ["-M", "1x", "127.0.0.1:1"], ["-n", "-1", "127.0.0.1:1"],
            ["-t", "0", "127.0.0.1:1"], ["-T", "0", "127.0.0.1:1"],
            ["-u", "no-such-user", "127.0.0.1:0"], ["--announce", "FOO", "127.0.0.1:0"],
            ["-c", "--report=json", "127.0.0.1:0"], ["-6", "127.0.0.1:0"],
            ["-R", "/no/such/directory", "127.0.0.1:0"], ["unix:/no/such/directory/s"],
            ["--bare-lf=x", "127.0.0.1:0"], ["--seed=x", "127.0.0.1:0"], ["--grace=x", "127.0.0.1:0"]]
    rows += [[option, value, "127.0.0.1:0"] for option, values in BAD_FAULTS for value in values]
    for row in rows:
        done = subprocess.run([OURS, *row], capture_output=True, timeout=LIMIT, check=False)
        assert done.returncode == 1 and done.stdout == b"", (row, done)
        assert done.stderr.startswith(OURS.encode() + b": fatal: "), (row, done)


def test_keywords_of_other_options():
    for keyword, instead in (("STARTTLS", b"--tls "), ("AUTH", b"--auth-users ")):
        done = subprocess.run([OURS, "--announce", f"CHUNKING,{keyword}", "127.0.0.1:0"],
                              capture_output=True, timeout=LIMIT, check=False)
        assert done.returncode == 1 and instead in done.stderr, done


def test_second_sink_is_refused():
    with Sink(OURS) as sink:
        done = subprocess.run([OURS, sink.address], capture_output=True, timeout=LIMIT, check=False)
        assert done.returncode == 1 and b"fatal: " in done.stderr, done


def test_port_again_at_once():
    """Lingering sessions do not keep the port."""
    with Sink(OURS) as sink:
        with sink.connect() as s:
            expect(s, b"220 smtp-sink ESMTP\r\n")
            sink.stop()
        done = subprocess.Popen([OURS, sink.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.2)
        assert done.poll() is None, done.communicate()
        done.terminate()
        done.communicate(timeout=LIMIT)


def test_super_user():
    if not ROOT:
        print("    not root: privileges are not tested")
        return
    done = subprocess.run([OURS, "0.0.0.0:0"], capture_output=True, timeout=LIMIT, check=False)
    assert done.returncode == 1 and b"needs -u" in done.stderr, done
    with subprocess.Popen([OURS, "127.0.0.1:0"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as p:
        said = p.stderr.readline() + p.stderr.readline()
        assert b"running as user nobody" in said and b"listening on 127.0.0.1:" in said, said
        status = open(f"/proc/{p.pid}/status", encoding="ascii").read()
        assert re.search(r"^Uid:\s+(?!0\b)\d+", status, re.M) and "Groups:\t0" not in status, status
        p.terminate()


passed = failed = 0


def check(name, good, why):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {name}\n    {why}")


def main():
    if not THREADS:
        compare_with_peer()
    for name, function in sorted(globals().items()):
        if not name.startswith("test_") or (THREADS and name in ONE_THREAD):
            continue
        start = time.monotonic()
        try:
            function()
            check(name, True, "")
            if os.environ.get("TIMES"):
                print(f"{time.monotonic() - start:.2f} s {name}")
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
            check(name, False, repr(error)[:1000])
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
