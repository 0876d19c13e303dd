#!/usr/bin/env python3
"""smtp-sink as a black box: the same conversations with ours and with Postfix's, replies compared
octet by octet; then what ours does better, or alone.

    tests/sink/blackbox.py [BUILD] [--ours PROGRAM] [--peer PROGRAM]
"""
import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def programs():
    """Ours, and the peer's: made when it is not there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default=f"{TOP}/build", help="where smtp-sink is")
    parser.add_argument("--ours", metavar="PROGRAM", help="instead of BUILD/smtp-sink")
    parser.add_argument("--peer", metavar="PROGRAM", help="instead of what mkroot makes")
    arguments = parser.parse_args()
    peers = f"{TOP}/build/peers"
    if not arguments.peer:
        subprocess.run([f"{TOP}/tests/peer/mkroot", peers], check=True, timeout=600)
    found = (os.path.abspath(arguments.ours or f"{arguments.build}/smtp-sink"),
             os.path.abspath(arguments.peer or f"{peers}/postfix-tools/smtp-sink"))
    for program in found:
        if not os.access(program, os.X_OK):
            parser.error(f"no program {program}")
    return found


OURS, PEER = programs()
LIMIT = 10  # seconds that anything may take
ROOT = os.geteuid() == 0


def environment(program):
    """A Postfix that was unpacked, not installed, has its libraries beside it."""
    libraries = os.path.join(os.path.dirname(os.path.dirname(program)), "lib", "postfix")
    if os.path.isdir(libraries):
        return dict(os.environ, LD_LIBRARY_PATH=libraries)
    return dict(os.environ)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Sink:
    """A running sink; leaving the context stops it."""

    def __init__(self, program, *options, address=None):
        self.port = free_port()
        self.address = address or f"127.0.0.1:{self.port}"
        user = ["-u", "nobody"] if ROOT else []
        self.process = subprocess.Popen(
            [program, *user, *options, self.address, "100"], env=environment(program),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.output = None
        self.await_listening()

    def await_listening(self):
        """Asks the kernel, since a connection to try it would be counted."""
        wanted = f":{self.port:04X} 00000000:0000 0A"
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and self.process.poll() is None:
            if self.address.startswith("unix:"):
                if os.path.exists(self.address[5:]):
                    return
            elif wanted in open("/proc/net/tcp", encoding="ascii").read():
                return
            time.sleep(0.005)

    def connect(self):
        if self.address.startswith("unix:"):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(LIMIT)
            s.connect(self.address[5:])
            return s
        return socket.create_connection(("127.0.0.1", self.port), LIMIT)

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
]


def compare_with_peer():
    """One test a conversation."""
    for options, conversations in GROUPS:
        with Sink(OURS, "--quiet", *options) as ours, Sink(PEER, *options) as peer:
            for pieces in conversations:
                pieces = pieces if isinstance(pieces, list) else [pieces]
                want = talk(peer, pieces)
                got = talk(ours, pieces)
                name = f"{' '.join(options)[:20]} {b'|'.join(pieces)[:40]!r}"
                check(name, got == want, f"got  {got[:400]!r}\n    want {want[:400]!r}")


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


def test_unix_socket():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        path = os.path.join(directory, "s")
        with Sink(OURS, address=f"unix:{path}") as sink:
            assert os.stat(path).st_mode & 0o777 == 0o666
            got = talk(sink, [MAIL + b"DATA\r\n.\r\nQUIT\r\n"])
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


def test_bad_usage():
    rows = [[], ["-x"], ["1:2", "3", "4"], ["127.0.0.1:1", "0"], ["127.0.0.1:1", "x"],
            ["-m", "0", "127.0.0.1:1"], ["-M", "1x", "127.0.0.1:1"], ["-n", "-1", "127.0.0.1:1"],
            ["-t", "0", "127.0.0.1:1"], ["-T", "0", "127.0.0.1:1"],
            ["-u", "no-such-user", "127.0.0.1:0"], ["--announce", "FOO", "127.0.0.1:0"],
            ["-c", "--report=json", "127.0.0.1:0"], ["-6", "127.0.0.1:0"],
            ["-R", "/no/such/directory", "127.0.0.1:0"], ["unix:/no/such/directory/s"]]
    for row in rows:
        done = subprocess.run([OURS, *row], capture_output=True, timeout=LIMIT, check=False)
        assert done.returncode == 1 and done.stdout == b"", (row, done)
        assert done.stderr.startswith(OURS.encode() + b": fatal: "), (row, done)


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
    compare_with_peer()
    for name, function in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            function()
            check(name, True, "")
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
            check(name, False, repr(error)[:1000])
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
