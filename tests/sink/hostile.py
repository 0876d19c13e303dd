#!/usr/bin/env python3
"""smtp-sink against clients that mean it no good: it must not crash, not grow without bound, not mix
two messages, and serve the others all the while.

    tests/sink/hostile.py [BUILD] [--long MEBIBYTES] [--io DRIVER]
"""
import argparse
import json
import os
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 60
GREETING = b"220 smtp-sink ESMTP\r\n"
MAIL = b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\n"
TAKEN = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
GO_AHEAD = b"354 End data with <CR><LF>.<CR><LF>\r\n"
OK = b"250 2.0.0 Ok\r\n"


IO = "auto"  # the sink's driver


class Sink:
    """On a UNIX-domain socket, so that no port is raced for, or on a port of the system's choice."""

    def __init__(self, program, *options, tcp=False):
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o777)
        path = os.path.join(self.folder.name, "s")
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [program, "--report=json", f"--io={IO}", *user, *options, "127.0.0.1:0" if tcp else f"unix:{path}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if tcp:
            line = self.process.stderr.readline().decode()
            self.target = ("127.0.0.1", int(line.strip().rsplit(":", 1)[1]))
        else:
            self.target = path
            end = time.monotonic() + LIMIT
            wanted = f" {path}\n"  # listening, as /proc/net/unix has it: flag 10000
            while time.monotonic() < end and self.process.poll() is None:
                lines = open("/proc/net/unix", encoding="utf-8", errors="replace").readlines()
                if any(line.endswith(wanted) and " 00010000 " in line for line in lines):
                    break
                time.sleep(0.005)

    def connect(self):
        s = socket.socket(socket.AF_INET if isinstance(self.target, tuple) else socket.AF_UNIX)
        # Without a limit: a UNIX socket whose queue is full then waits, and does not say EAGAIN.
        s.connect(self.target)
        s.settimeout(LIMIT)
        return s

    def memory(self, which="VmHWM"):
        """Kilobytes."""
        status = open(f"/proc/{self.process.pid}/status", encoding="ascii").read()
        return int(re.search(rf"^{which}:\s+(\d+)", status, re.M).group(1))

    def check_service(self):
        """An honest client is served, at once."""
        start = time.monotonic()
        with self.connect() as s:
            s.sendall(MAIL + b"DATA\r\nhello\r\n.\r\nQUIT\r\n")
            got = read_all(s)
        assert got == GREETING + TAKEN + GO_AHEAD + OK + b"221 Bye\r\n", got
        assert time.monotonic() - start < 5, "an honest client had to wait"

    def finish(self):
        """Stops it; its summary."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == 0, (self.process.returncode, err[-2000:])
        assert b"ERROR" not in err and b"runtime error" not in err, err[-2000:]
        return json.loads(out)["sink"]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.folder.cleanup()


def read_all(s):
    got = b""
    try:
        while True:
            more = s.recv(1 << 16)
            if not more:
                return got
            got += more
    except ConnectionResetError:
        return got


def instrumented(program):
    """Sanitizers keep memory of their own."""
    return b"__asan_init" in open(program, "rb").read()


# What some server takes for the end of data, and what a client that exploits it hides behind.
ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r.\r\n", b"\r.\n", b"\r\n\0.\r\n",
        b"\r\n.\0\r\n", b"\r\n. \r\n", b"\r\n\x85.\r\n", b"\r\r\n.\r\r\n", b"\r\n\x00.\r\n", b"\n\n.\n\n", b"\r\n..\r\n",
        b"\xe2\x80\xa8.\xe2\x80\xa8", b"\r\n.\x0b\r\n", b"\x0c\r\n.\x0c\r\n"]
HIDDEN = b"MAIL FROM:<evil@x>\r\nRCPT TO:<victim@x>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"


def test_smuggling(program):
    """However it is split, one message in is one message counted."""
    with Sink(program) as sink:
        sent = 0
        for end in ENDS:
            wire = MAIL + b"DATA\r\nfirst" + end + HIDDEN + b"\r\n.\r\nQUIT\r\n"
            for cut in (0, 1, 2, 3, len(end), len(end) + 1):
                at = wire.index(b"first") + 5 + cut
                with sink.connect() as s:
                    s.sendall(wire[:at])
                    time.sleep(0.001)
                    s.sendall(wire[at:])
                    got = read_all(s)
                assert got == GREETING + TAKEN + GO_AHEAD + OK + b"221 Bye\r\n", (end, cut, got)
                sent += 1
        summary = sink.finish()
        assert summary["messages"] == summary["recipients"] == sent, summary


def test_long_line(program, mebibytes=1024):
    """A line of a gibibyte within a message is content like any other; as a command it ends it all."""
    chunk = b"x" * (1 << 20)
    with Sink(program) as sink:
        sink.check_service()
        before = sink.memory()
        with sink.connect() as s:
            s.sendall(MAIL + b"DATA\r\n")
            for i in range(mebibytes):
                s.sendall(chunk)
                if i == mebibytes // 2:
                    sink.check_service()
            s.sendall(b"\r\n.\r\nQUIT\r\n")
            assert read_all(s).endswith(OK + b"221 Bye\r\n")
        with sink.connect() as s:
            try:
                for _ in range(8):
                    s.sendall(chunk)
                closed = False
            except (BrokenPipeError, ConnectionResetError):
                closed = True
            assert closed or read_all(s) == GREETING
        grown = sink.memory() - before
        assert grown < 4096 or instrumented(program), f"grew by {grown} kB"
        summary = sink.finish()
        assert summary["content_bytes"] == (mebibytes << 20) + 2 + len("hello\r\n") * 2, summary
        assert summary["received_bytes"] > mebibytes << 20 and summary["aborted"] == 1, summary


def test_half_commands(program):
    """Commands that never end, in any number of pieces, and clients that go away in between."""
    rng = random.Random(5)
    script = b"EHLO x\r\n" + MAIL + b"BDAT 10\r\n0123456789BDAT 5 LAST\r\nabcde" + MAIL + b"DATA\r\nx\r\n.\r\n"
    with Sink(program, "--announce=CHUNKING,SIZE=1000", tcp=True) as sink:
        for i in range(400):
            wire = script[:rng.randrange(len(script))]
            with sink.connect() as s:
                while wire:
                    n = rng.randrange(1, 30)
                    try:
                        s.sendall(wire[:n])
                    except (BrokenPipeError, ConnectionResetError):
                        break
                    wire = wire[n:]
                if i % 3 == 0:  # a reset instead of an end
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sink.check_service()
        summary = sink.finish()
        assert summary["sessions"] == 401, summary
        assert summary["lost"] + summary["quits"] + summary["aborted"] == 401, summary


# Something that takes its time, or breaks off, at most steps.
MOODY = b"""[default]
CONNECT 30% delay 5ms
EHLO 10% drip 1ms
MAIL 20% half 3ms
RCPT 10% stall 5ms
DATA 20% stall 5ms after 3
DATA 5% reset
. 20% delay 5ms
. 10% disconnect reply 421 4.3.2 Gone
BDAT 10% half 3ms
"""


def go_away(s, how):
    if how == "reset":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == "half":
        s.shutdown(socket.SHUT_WR)


def test_clients_that_go_away(program):
    """At any octet, while replies and content wait, too: all is accounted for, and recorded whole."""
    wire = (b"EHLO x\r\n" + MAIL + b"DATA\r\none\r\n.\r\n" + MAIL + b"BDAT 4\r\ntwo\nBDAT 2 LAST\r\n\r\n"
            + b"AUTH LOGIN\r\nRSET\r\nXCLIENT ADDR=192.0.2.1\r\nSTARTTLS\r\n\x16\x03\x01\x00\x05abc")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        profile, log, dump = (os.path.join(folder, name) for name in ("profile", "log", "dump"))
        with open(profile, "wb") as f:
            f.write(MOODY)
        with Sink(program, "--announce=CHUNKING,XCLIENT", "--tls", "--auth", "--profile", profile, "--log", log,
                  "-D", dump, "--threads=2", tcp=True) as sink:
            for end in range(0, len(wire), 2):
                for how in "close", "half", "reset":
                    with sink.connect() as s:
                        try:
                            s.sendall(wire[:end])
                            if end % 4:
                                s.recv(end)
                            go_away(s, how)
                        except OSError:
                            pass  # the sink was first
            summary = sink.finish()
        ended = [json.loads(line)["outcome"] for line in open(log, encoding="utf-8")]
        dumped = open(dump, "rb").read()
    assert summary["sessions"] == summary["lost"] + summary["quits"] + summary["aborted"], summary
    bodies = [re.split(rb"\n\t\w{3}, [^\n]*\n", part)[1] for part in dumped.split(b"X-Client-Addr")[1:]]
    assert len(bodies) == summary["messages"] > 20 and set(bodies) == {b"one\n\n", b"two\n\n\n"}, (summary, bodies)
    assert ended.count("accepted") + ended.count("refused") == summary["messages"], (summary, ended)


def test_noise(program):
    """Random octets, with bits of SMTP among them."""
    rng = random.Random(6)
    bits = [b"MAIL\r\n", b"RCPT\r\n", b"DATA\r\n", b"\r\n.\r\n", b"BDAT 7 LAST\r\n", b"BDAT 99999999999999999999\r\n",
            b"BDAT -1\r\n", b"QUIT", b"\0", b"\r", b"\n", b" ", b"\xff\xfe", b"RSET\r\n", b"x" * 2000]
    with Sink(program, "--announce=CHUNKING", "-t", "2") as sink:
        for _ in range(200):
            with sink.connect() as s:
                try:
                    s.sendall(b"".join(rng.choice(bits) for _ in range(rng.randrange(1, 200)))
                              + rng.randbytes(rng.randrange(2000)))
                except (BrokenPipeError, ConnectionResetError):
                    pass
        sink.check_service()
        sink.finish()


def test_idle_sessions(program, count=2000):
    """Thousands that say nothing, or half a command, cost little and hold up nobody."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 100 and hard != resource.RLIM_INFINITY:
        count = hard - 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 100), hard))
    with Sink(program, "-m", str(count + 10)) as sink:
        sink.check_service()
        before = sink.memory()
        sessions = []
        for i in range(count):
            s = sink.connect()
            s.sendall((b"", b"NOOP\r\n", b"MAIL FR", MAIL + b"DATA\r\nbegun")[i % 4])
            sessions.append(s)
        for s in sessions:
            assert s.recv(len(GREETING), socket.MSG_WAITALL) == GREETING
        sink.check_service()
        each = (sink.memory() - before) * 1024 / count
        assert each < 2000 or instrumented(program), f"{each:.0f} octets a session"
        for s in sessions:
            s.close()
        sink.check_service()
        summary = sink.finish()
        assert summary["peak_sessions"] == count + 1, summary


def test_clients_that_do_not_read(program):
    """Fifty that pile up replies: bounded memory, and nobody else waits. Delayed ones too."""
    for options in ([], ["-W", "EHLO:1"], ["--bare-lf=end"]):
        with Sink(program, "-t", "60", "--grace=0", *options) as sink:
            sink.check_service()
            before = sink.memory()
            sessions = []
            for _ in range(50):
                s = sink.connect()
                s.setblocking(False)
                quiet = 0
                while quiet < 3:
                    try:
                        s.send(b"EHLO x\r\n" * 8000)
                        quiet = 0
                    except BlockingIOError:
                        quiet += 1
                        time.sleep(0.002)
                sessions.append(s)
            sink.check_service()
            grown = sink.memory() - before
            assert grown < 20000 or instrumented(program), f"{options}: grew by {grown} kB"
            for s in sessions:
                s.close()
            sink.check_service()
            sink.finish()


def test_messages_do_not_mix(program):
    """Many at once, in small interleaved pieces, each counted with what it alone has."""
    rng = random.Random(7)
    with Sink(program) as sink:
        wires = []
        octets = 0
        for i in range(60):
            body = b"".join(b"%d %d\r\n" % (i, k) for k in range(i * 7))
            octets += len(body)
            wires.append([sink.connect(), b"MAIL x\r\n" + b"RCPT x\r\n" * (i % 5 + 1) + b"DATA\r\n" + body + b".\r\nQUIT\r\n"])
        left = list(wires)
        while left:
            one = rng.choice(left)
            n = rng.randrange(1, 60)
            one[0].sendall(one[1][:n])
            one[1] = one[1][n:]
            if not one[1]:
                left.remove(one)
        for i, (s, _) in enumerate(wires):
            want = b"250 2.1.0 Ok\r\n" + b"250 2.1.5 Ok\r\n" * (i % 5 + 1) + GO_AHEAD + OK + b"221 Bye\r\n"
            got = read_all(s)
            s.close()
            assert got == GREETING + want, (i, got)
        summary = sink.finish()
        assert summary["messages"] == 60 and summary["recipients"] == sum(i % 5 + 1 for i in range(60))
        assert summary["content_bytes"] == octets, (summary, octets)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default=f"{TOP}/build")
    parser.add_argument("--long", type=int, default=1024, metavar="MEBIBYTES")
    parser.add_argument("--io", default=IO, metavar="DRIVER", help="the sink's")
    arguments = parser.parse_args()
    globals()["IO"] = arguments.io
    program = os.path.join(os.path.abspath(arguments.build), "smtp-sink")
    passed = failed = 0
    for name, function in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        start = time.monotonic()
        try:
            if function is test_long_line:
                function(program, arguments.long)
            else:
                function(program)
            passed += 1
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
            failed += 1
            print(f"FAILED {name} after {time.monotonic() - start:.1f} s: {str(error)[:1500] or repr(error)}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
