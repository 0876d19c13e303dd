#!/usr/bin/env python3
"""What smtp-sink records: dumps compared octet by octet with those of Postfix's, after normalising
dates and ids; every writer under parallel load, each message found exactly once and unmixed; full
disks.

    tests/sink/recording.py [BUILD] [--ours PROGRAM] [--peer PROGRAM] [--source PROGRAM]
        [--threads N]
"""
import argparse
import calendar
import fcntl
import glob
import json
import mailbox
import os
import random
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from unittest import mock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 20  # seconds that anything may take
ROOT = os.geteuid() == 0


def programs():
    """Ours, the peer's (made when it is not there), and the load."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default=f"{TOP}/build", help="where the programs are")
    parser.add_argument("--ours", metavar="PROGRAM", help="instead of BUILD/smtp-sink")
    parser.add_argument("--peer", metavar="PROGRAM", help="instead of what mkroot makes")
    parser.add_argument("--threads", metavar="N", default="1",
                        help="of ours; with more than one nothing is compared with the peer's")
    parser.add_argument("--source", metavar="PROGRAM", help="instead of BUILD/smtp-source")
    arguments = parser.parse_args()
    peers = f"{TOP}/build/peers"
    if not arguments.peer:
        subprocess.run([f"{TOP}/tests/peer/mkroot", peers], check=True, timeout=600)
    found = [os.path.abspath(p) for p in (
        arguments.ours or f"{arguments.build}/smtp-sink",
        arguments.peer or f"{peers}/postfix-tools/smtp-sink",
        arguments.source or f"{arguments.build}/smtp-source")]
    for program in found:
        if not os.access(program, os.X_OK):
            parser.error(f"no program {program}")
    return *found, [f"--threads={arguments.threads}"] if arguments.threads != "1" else []


OURS, PEER, SOURCE, THREADS = programs()


def environment(program):
    """A Postfix that was unpacked, not installed, has its libraries beside it."""
    libraries = os.path.join(os.path.dirname(os.path.dirname(program)), "lib", "postfix")
    if os.path.isdir(libraries):
        return dict(os.environ, LD_LIBRARY_PATH=libraries)
    return dict(os.environ)


def free_port(family=socket.AF_INET, host="127.0.0.1"):
    with socket.socket(family) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


class Sink:
    """A running sink in a directory of its own, where relative names go."""

    def __init__(self, program, *options, kind="v4", limit=None, directory=None):
        self.directory = directory or tempfile.mkdtemp(prefix="recording.")
        self.keep = directory is not None
        os.chmod(self.directory, 0o777)
        self.family, self.target = socket.AF_INET, ("127.0.0.1", 0)
        if kind == "unix":
            self.family, self.target = socket.AF_UNIX, f"{self.directory}/socket"
            address = f"unix:{self.target}"
        elif kind == "v6":
            self.family, self.target = socket.AF_INET6, ("::1", free_port(socket.AF_INET6, "::1"))
            address = f"[::1]:{self.target[1]}"
        else:
            self.target = ("127.0.0.1", free_port())
            address = f"127.0.0.1:{self.target[1]}"
        self.address = address
        quiet = ["--quiet"] if program == OURS else []
        user = ["-u", "nobody"] if ROOT else []
        threads = THREADS if program == OURS else []
        self.process = subprocess.Popen(
            [program, *quiet, *user, *threads, *options, address, "100"], env=environment(program),
            cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=limit)
        self.output = None
        self.await_listening()

    def await_listening(self):
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.socket(self.family) as s:
                    s.settimeout(LIMIT)
                    s.connect(self.target)
                    s.recv(100)
                    return
            except OSError:
                time.sleep(0.01)

    def connect(self):
        s = socket.socket(self.family)
        s.settimeout(LIMIT)
        s.connect(self.target)
        return s

    def stop(self):
        """What it wrote on standard error."""
        if self.output is None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            try:
                self.output = self.process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.output = self.process.communicate()
        told = self.output[1].decode("utf-8", "replace")
        assert "Sanitizer" not in told and "runtime error" not in told, told[-3000:]
        return told

    def files(self):
        """Contents by path, those in subdirectories too."""
        found = {}
        for folder, _, names in os.walk(self.directory):
            for name in names:
                path = os.path.join(folder, name)
                if stat.S_ISREG(os.lstat(path).st_mode):
                    with open(path, "rb") as f:
                        found[os.path.relpath(path, self.directory)] = f.read()
        return found

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)


def talk(sink, pieces, half_close=True):
    """The pieces in writes of their own; a half close; all replies."""
    with sink.connect() as s:
        got = s.recv(65536)
        for i, piece in enumerate(pieces if isinstance(pieces, list) else [pieces]):
            if i:
                time.sleep(0.01)
            s.sendall(piece)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        while True:
            try:
                more = s.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return got
            got += more


def normalise(dump):
    return re.sub(rb"(\(smtp-sink\) with \w+ id )[0-9a-f]{8};\n\t[^\n]*", rb"\1ID;\n\tDATE", dump)


MAIL = b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\n"


def mail(content, start=MAIL):
    """content is as it goes over the wire, up to the line with the dot."""
    return start + b"DATA\r\n" + content + b".\r\n"


BODIES = [
    b"", b"\r\n", b"Subject: x\r\n\r\nhello\r\n", b"no end\r\n", b"a\nb\n\r\n", b"a\rb\r\r\n",
    b"\r\r\r\n", b"\n.\n.\r\n", b"x\n.\r\r\n", b"..\r\n..a\r\n...\r\n", b".a\r\n. b\r\n", b"a\r\n.\rb\r\n",
    b"\0\0\r\n\0.\r\n", bytes(range(256)) + b"\r\n", b"\xff\xfe\x80\r\n" * 50, b"\r\n" * 100,
    b"From me\r\n>From you\r\n", b"x" * 5000 + b"\r\n", b"line of text\r\n" * 10000,
    b"..\r\n" * 30000, b"x" * 300000 + b"\r\n", b"\r" * 1000 + b"\n\r\n", b"a\r\n.\r\r\nb\r\n",
    b"\r\n..\r\n\n..\n\r..\r\n",
]
TALKS = [
    b"HELO c\r\n" + mail(b"x\r\n") + b"QUIT\r\n",
    b"EHLO  two words \r\n" + mail(b"x\r\n") + b"HELO\r\n" + mail(b"y\r\n") + b"EHLO z\r\n" + mail(b""),
    b"HELO one\r\nHELO two\r\n" + mail(b"x\r\n"),
    b"HELO \xff\x01x\r\n" + mail(b"x\r\n", b"MAIL \xff:\xff\x01\x7f\r\nRCPT TO:a:b\r\n"),
    mail(b"x\r\n", b"MAIL FROM <a>\r\nRCPT x\r\nRCPT\r\n"),
    mail(b"x\r\n", b"MAIL\r\nRCPT TO:\r\nRCPT ::: <a> \r\nRCPT TO: :<b>\r\n"),
    mail(b"x\r\n", b"MAIL FROM:<a> SIZE=10 BODY=8BITMIME \r\nRCPT TO:<b> NOTIFY=NEVER\r\n"),
    mail(b"x\r\n", b"mail   from:   <a b>  c\r\n  rcpt \t TO:<\"q>\"@x>\r\n"),
    mail(b"x\r\n", b"MAIL FROM:<>\r\n" + b"RCPT TO:<r@x>\r\n" * 300),
    mail(b"x\r\n", b"MAIL FROM:<>\r\nRCPT TO:<" + b"r" * 1500 + b"@x>\r\n"),
    MAIL + b"RSET\r\n" + mail(b"after RSET\r\n"),
    MAIL + b"HELO c\r\n" + mail(b"after HELO\r\n"),
    MAIL + b"MAIL FROM:<nested>\r\n" + b"DATA\r\nx\r\n.\r\n",
    MAIL + b"NOOP\r\nVRFY x\r\nRUBBISH\r\nRCPT TO:<c@x>\r\nDATA\r\nx\r\n.\r\n",
    MAIL + b"QUIT\r\n", MAIL, MAIL + b"DATA\r\nhalf", MAIL + b"DATA\r\nhalf\r\n", b"RCPT TO:<x>\r\n",
    mail(b"one\r\n") + mail(b"two\r\n") + mail(b"three\r\n") + MAIL + b"DATA\r\nx",
    b"XCLIENT ADDR=1.2.3.4 NAME=x\r\nXFORWARD ADDR=1.2.3.4\r\n" + mail(b"x\r\n"),
    b"LHLO c\r\n" + mail(b"x\r\n", MAIL + b"RCPT TO:<c>\r\n") + b"LHLO d\r\n" + mail(b"y\r\n"),
    [b"HE", b"LO c\r", b"\n" + MAIL + b"DATA\r", b"\nx\r", b"\n.", b".\r", b"\n.", b"\r", b"\nQUIT\r\n"],
    [MAIL + b"DATA\r\n", b".", b"\r", b"x\r\n", b".\r\n"],
]
CASES = TALKS + [b"EHLO c\r\n" + mail(body) for body in BODIES]
SETUPS = [
    ((), "v4", CASES),
    (("-L",), "v4", TALKS),
    (("-e",), "v6", TALKS[:3]),
    ((), "v6", TALKS[:3]),
    ((), "unix", TALKS[:5]),
    (("-h", "other.name"), "v4", TALKS[:2]),
    (("-S", "start: "), "v4", TALKS[:2]),
    (("-S", "\\a\\b\\f\\n\\r\\t\\v\\\\\\101\\1019\\60x\\q\\8\\"), "v4", TALKS[:2]),
    (("-f", "."), "v4", TALKS[:2]),
    (("-f", "RCPT"), "v4", TALKS[:2]),
    (("-r", "MAIL"), "v4", TALKS[:2]),
    (("-f", "RSET,HELO"), "v4", TALKS[10:12]),
    (("-q", "."), "v4", TALKS[:2]),
]


def compare_appended(options, kind, cases):
    """-D: the file after each conversation."""
    with Sink(OURS, *options, "-D", "o/%%/out.%Y", kind=kind) as ours, \
            Sink(PEER, *options, "-D", "o/%%/out.%Y", kind=kind) as peer:
        sizes = [0, 0]
        for case in cases:
            replies = []
            dumps = []
            for i, sink in enumerate((peer, ours)):
                replies.append(talk(sink, case))
                time.sleep(0.003)
                text = b"".join(sink.files().values())
                dumps.append(normalise(text[sizes[i]:]))
                sizes[i] = len(text)
            name = f"-D {' '.join(options)[:30]} {kind} {str(case)[:40]}"
            check(name, dumps[0] == dumps[1],
                  f"got  {dumps[1][-400:]!r}\n    want {dumps[0][-400:]!r}")
        names = [sorted(sink.files()) for sink in (ours, peer)]
        check(f"-D names {options} {kind}", names[0] == names[1], repr(names))


def compare_files(options, kind, cases):
    """-d: the new files after each conversation, named by their ids."""
    with Sink(OURS, *options, "-d", "%Y/x/%%.", kind=kind) as ours, \
            Sink(PEER, *options, "-d", "%Y/x/%%.", kind=kind) as peer:
        seen = [set(), set()]
        for case in cases:
            dumps = []
            for i, sink in enumerate((peer, ours)):
                talk(sink, case)
                time.sleep(0.003)
                files = sink.files()
                new = [(name, files[name]) for name in files if name not in seen[i]]
                seen[i].update(files)
                dumps.append(sorted((name[:-8], normalise(text)) for name, text in new))
                if sink is ours:
                    for name, text in new:
                        check(f"-d id {name}", b" id " + name[-8:].encode() + b";\n" in text, text)
            name = f"-d {' '.join(options)[:30]} {kind} {str(case)[:40]}"
            check(name, dumps[0] == dumps[1],
                  f"got  {str(dumps[1])[-400:]}\n    want {str(dumps[0])[-400:]}")


def compare_with_peer():
    for options, kind, cases in SETUPS:
        compare_appended(options, kind, cases)
        compare_files(options, kind, cases)


def test_modes():
    """Files and directories are as the peer's, and belong to the same user."""
    told = []
    for program in (OURS, PEER):
        with Sink(program, "-d", "a/b/c.") as sink:
            talk(sink, mail(b"x\r\n"))
            found = []
            for path in ("a", "a/b", glob.glob(f"{sink.directory}/a/b/c.*")[0]):
                st = os.stat(os.path.join(sink.directory, path))
                found.append((oct(st.st_mode), st.st_uid, st.st_gid))
            told.append(found)
    assert told[0] == told[1], told


def test_date():
    """The time of MAIL in the zone of the process, RFC 5322."""
    with Sink(OURS, "-D", "out") as sink:
        talk(sink, mail(b"x\r\n"))
        text = sink.files()["out"].decode()
    date = re.search(r"^\t(\w{3}, [ \d]\d \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4} \(\w+\))$", text, re.M)
    assert date, text
    seconds = time.mktime(time.strptime(date.group(1).split(" (")[0][:-6], "%a, %d %b %Y %H:%M:%S"))
    assert abs(seconds - time.time()) < 5, date


def test_odd_arguments():
    """A tab is kept and a NUL shown, both of which the peer mistakes; line breaks can't get in."""
    with Sink(OURS, "-D", "out", "-S", "a\\0b") as sink:
        talk(sink, b"HELO a\tb\0c\r\n" + mail(b"x\r\n", b"MAIL FROM:<a\rb\nc>\r\nRCPT TO:<d>\r\n"))
        text = sink.files()["out"]
    assert text.startswith(b"a\0bX-Client-Addr"), text
    assert b"\nX-Helo-Args: a\tb\\000c\nX-Mail-Args: <a?b?c>\nX-Rcpt-Args: <d>\n" in text, text


def test_usage():
    for options in (["-d", "x", "-D", "y"], ["-d", ""], ["-D", ""], ["--mbox", ""], ["--log", ""],
                    ["--maildir="], ["--log", "/no/such/directory/at/all/log"],
                    ["--mbox", "/no/such/directory/at/all/box"], ["--mbox", "/"],
                    ["--maildir", "/no/such/directory/at/all"], ["--maildir", "/dev/null"]):
        if ROOT and options[-1].startswith("/"):
            options = ["-u", "nobody", *options]
        done = subprocess.run([OURS, *options, f"127.0.0.1:{free_port()}"], capture_output=True,
                              timeout=LIMIT, check=False)
        assert done.returncode == 1 and b": fatal: " in done.stderr and not done.stdout, done


def test_nothing_made_of_what_is_aborted():
    """The half of a large message leaves nothing, not even while it comes in."""
    with Sink(OURS, "-d", "x.", "--maildir", "m", "--mbox", "box") as sink:
        with sink.connect() as s:
            s.sendall(MAIL + b"DATA\r\n" + b"line\r\n" * 100000)
            time.sleep(0.1)
            assert set(sink.files()) == {"box"} and not sink.files()["box"], sink.files().keys()
        time.sleep(0.1)
        talk(sink, MAIL + b"DATA\r\nx\r\n")
        assert set(sink.files()) == {"box"} and not sink.files()["box"], sink.files().keys()


def test_chunking():
    """By BDAT: the same message, the same dump; dots are content."""
    content = b"Subject: x\r\n\r\n.\r\n..a\r\n" + os.urandom(200000).replace(b"\r", b"") + b"\r\n"
    with Sink(OURS, "-D", "out", "--announce", "CHUNKING") as sink:
        size = len(content)
        talk(sink, [MAIL + b"BDAT 100\r\n" + content[:100],
                    b"BDAT %d\r\n" % (size - 100) + content[100:1000], content[1000:] + b"BDAT 0 LAST\r\n"])
        talk(sink, mail(content.replace(b"\r\n.", b"\r\n..")))
        text = normalise(sink.files()["out"])
    half = len(text) // 2
    assert text[:half] == text[half:] and text.endswith(b"\n\n")
    assert content.replace(b"\r", b"") + b"\n" == text[half:].split(b"DATE\n", 1)[1]


def undo(message):
    """An mbox message without the quoting."""
    return re.sub(rb"^>(>*From )", rb"\1", message, flags=re.M)


MAILS = [b"Subject: x\r\n\r\nhello\r\n", b"\r\n", b"", b"From me\r\nFrom: you\r\n>From a\r\n>>From b\r\n",
         b"a\nFrom b\n>From c\r\n", b"Fro\r\nFrom\r\nFrom \r\n", b"a\rb\r\r\n", b"no end of line",
         b"\0\xff\r\n", b">\r\n> From\r\n", b"x" * 200000 + b"\r\n", b"From x\r\n" * 20000]


def test_mailboxes():
    """mbox and Maildir have what was sent, with LF; the mbox's quoting can be undone."""
    random.seed(1)
    with Sink(OURS, "--mbox", "d/box", "--maildir", "d/m", "--announce", "CHUNKING", "--fsync") as sink:
        want = []
        for content in MAILS:
            pieces = [b"HELO c\r\nMAIL FROM:<s@x> SIZE=1\r\nRCPT TO:<r@x>\r\nRCPT TO:<r2@x>\r\n"
                      b"BDAT %d LAST\r\n" % len(content)]
            cut = random.randrange(len(content) + 1)
            assert b"250 2.0.0" in talk(sink, pieces + [content[:cut], content[cut:]])
            want.append(content.replace(b"\r\n", b"\n"))
        box = sink.files()["d/box"]
        files = [text for name, text in sink.files().items() if name.startswith("d/m/new/")]
        assert not os.listdir(f"{sink.directory}/d/m/tmp")
    head = re.compile(rb"From s@x \w{3} \w{3} [ \d]\d [\d:]{8} \d{4}\n")
    top = rb"Return-Path: <s@x>\nDelivered-To: r@x\nDelivered-To: r2@x\nReceived: .*\n\t.*\n\t.*\n"
    got = [undo(re.sub(b"^" + top, b"", part)) for part in head.split(box)[1:]]
    # The second newline of two parts messages; a message without an end of line has got one.
    assert got == [text + (b"\n" if not text or text.endswith(b"\n") else b"\n\n") for text in want], got
    assert sorted(re.sub(b"^" + top, b"", text) for text in files) == sorted(want)


def test_mailboxes_take_accepted_ones():
    with Sink(OURS, "-f", ".", "--mbox", "box", "--log", "log") as sink:
        talk(sink, mail(b"x\r\n"))
        sink.stop()
        files = sink.files()
    line = json.loads(files["log"])
    assert files["box"] == b"" and (line["outcome"], line["code"]) == ("refused", 500), files


PER_RECIPIENT = """[domain full.example]
. reply 452 4.2.2 Mailbox full
[domain small.example]
. size 10 reply 552 5.3.4 Too large
"""


def by_time(log):
    """The lines of a log; several threads write theirs when they come to it."""
    return sorted((json.loads(line) for line in log.splitlines()), key=lambda line: line["time"])


def test_verdicts_by_recipient():
    """LMTP: what is refused for one recipient is recorded for the others, and for none if for all."""
    with tempfile.NamedTemporaryFile("w", suffix=".profile") as profile:
        profile.write(PER_RECIPIENT)
        profile.flush()
        os.chmod(profile.name, 0o644)
        with Sink(OURS, "-L", "--profile", profile.name, "--mbox", "box", "--maildir", "m", "--log", "log",
                  "-D", "dump") as sink:
            to = b"".join(b"RCPT TO:<r@%s.example>\r\n" % d for d in (b"full", b"ok", b"small", b"Full", b"also"))
            got = talk(sink, mail(b"0123456789\r\n", b"MAIL FROM:<a@x>\r\n" + to) + b"QUIT\r\n")
            full, ok, large = b"452 4.2.2 Mailbox full\r\n", b"250 2.2.0 Ok\r\n", b"552 5.3.4 Too large\r\n"
            assert got.endswith(b">.<CR><LF>\r\n" + full + ok + large + full + ok + b"221 Bye\r\n"), got
            got = talk(sink, mail(b"x\r\n", b"MAIL FROM:<a@x>\r\n" + to.splitlines(True)[0] * 2))
            assert got.endswith(full + full), got
            sink.stop()
            files = sink.files()
    lines = by_time(files["log"])
    told = [[(r["outcome"], r["code"]) for r in line["recipients"]] for line in lines]
    refused, accepted = ("refused", 452), ("accepted", 250)
    assert told == [[refused, accepted, ("refused", 552), refused, accepted], [refused] * 2], told
    assert [(line["outcome"], line["code"]) for line in lines] == [("accepted", 250), refused], lines
    stored = [text for name, text in files.items() if name.startswith("m/new/")] + [files["box"]]
    for text in stored:
        assert re.findall(rb"(?m)^Delivered-To: (.*)$", text) == [b"r@ok.example", b"r@also.example"], text
    assert len(stored) == 2 and files["dump"].count(b"X-Rcpt-Args:") == 7, stored


def test_verdict_that_ends():
    """LMTP: nobody is accepted behind a 421, since no client listens for more."""
    with tempfile.NamedTemporaryFile("w", suffix=".profile") as profile:
        profile.write("[domain gone.example]\n. disconnect reply 421 4.3.2 Bye\n")
        profile.flush()
        os.chmod(profile.name, 0o644)
        with Sink(OURS, "-L", "--profile", profile.name, "--log", "log") as sink:
            to = b"".join(b"RCPT TO:<r@%s.example>\r\n" % d for d in (b"a", b"gone", b"b"))
            got = talk(sink, mail(b"x\r\n", b"MAIL FROM:<a@x>\r\n" + to))
            assert got.endswith(b"250 2.2.0 Ok\r\n" + b"421 4.3.2 Bye\r\n" * 2), got
            sink.stop()
            line, = by_time(sink.files()["log"])
    assert [r["code"] for r in line["recipients"]] == [250, 421, 421], line


def test_mbox_lock():
    """Another program's lock is waited for."""
    with Sink(OURS, "--mbox", "box") as sink:
        talk(sink, mail(b"x\r\n"))
        path = f"{sink.directory}/box"
        with open(path, "r+b") as f:
            fcntl.lockf(f, fcntl.LOCK_EX)
            begin = time.monotonic()
            timer = threading.Timer(0.3, lambda: fcntl.lockf(f, fcntl.LOCK_UN))
            timer.start()
            assert b"250 2.0.0" in talk(sink, mail(b"y\r\n"))
            assert time.monotonic() - begin > 0.25
            timer.join()
            fcntl.lockf(f, fcntl.LOCK_EX)
            assert b"452 4.3.1" in talk(sink, mail(b"z\r\n"))
        box = mailbox.mbox(path)
        assert len(box) == 2, len(box)


def test_log():
    """A line a transaction, the aborted and the refused ones too."""
    with Sink(OURS, "--log", "log", "-r", "VRFY") as sink:
        talk(sink, b"EHLO c\\\"\x01\xc3\xa9\xe9\r\nMAIL FROM:<\"a>\"@x> SIZE=5\r\nRCPT TO:<b@x>\r\n"
                   b"RCPT TO:c d\r\nDATA\r\nhello\r\n..\r\n.\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\n")
        time.sleep(1.5)
        lines = sink.files()["log"].decode().splitlines()
        assert len(lines) == 2, lines  # without a stop, within a second
        talk(sink, MAIL)
        sink.stop()
        lines = [json.loads(line) for line in sink.files()["log"].decode().splitlines()]
    first, second, third = lines
    moment = time.strptime(first.pop("time")[:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(time.time() - calendar.timegm(moment)) < 10, moment
    assert re.fullmatch("[0-9a-f]{8}", first.pop("id"))
    assert first == {
        "client": "127.0.0.1", "protocol": "ESMTP", "helo": "c\\\"\x01\xe9\ufffd", "sender": "\"a>\"@x",
        "parameters": "SIZE=5", "recipients": [
            {"address": "b@x", "outcome": "accepted", "code": 250},
            {"address": "c", "parameters": "d", "outcome": "accepted", "code": 250}],
        "size": 10, "outcome": "accepted", "code": 250}, first
    assert (second["sender"], second["recipients"], second["outcome"]) == ("", [], "aborted"), second
    assert third["outcome"] == "aborted" and "code" not in third and "helo" not in third, third


def test_log_of_refusals():
    with Sink(OURS, "--log", "log", "-f", "RCPT") as sink:
        talk(sink, MAIL)
        sink.stop()
        line = json.loads(sink.files()["log"])
    assert line["recipients"] == [{"address": "b@x", "outcome": "refused", "code": 500}], line
    with Sink(OURS, "--log", "log", "-r", "MAIL") as sink:
        talk(sink, b"MAIL FROM:<a@x>\r\n")
        sink.stop()
        line = json.loads(sink.files()["log"])
    assert (line["sender"], line["outcome"], line["code"]) == ("a@x", "refused", 450), line


def test_log_of_what_has_no_reply():
    with Sink(OURS, "--log", "log", "-q", "RCPT") as sink:
        talk(sink, MAIL)
        sink.stop()
        line = json.loads(sink.files()["log"])
    assert line["recipients"] == [{"address": "b@x", "outcome": "refused"}], line
    assert line["outcome"] == "aborted" and "code" not in line, line


def test_log_of_refused_chunks():
    """A transaction that a refused BDAT has ended is refused, also if nothing else came of it."""
    with Sink(OURS, "--log", "log", "-D", "out", "--announce", "CHUNKING,SIZE=5") as sink:
        got = talk(sink, MAIL + b"BDAT 3\r\nabcBDAT 3\r\ndefBDAT 1 LAST\r\ng" + MAIL + b"BDAT 3 NOW\r\nabc"
                   + b"MAIL FROM:<c@x>\r\nBDAT 0 LAST\r\n" + MAIL + b"BDAT 5 LAST\r\nabcdeQUIT\r\n")
        assert re.findall(rb"(?m)^[^2]\S+ \S+", got) == [b"552 5.3.4", b"503 5.5.1", b"501 5.5.4", b"503 5.5.1"], got
        sink.stop()
        lines = [json.loads(line) for line in sink.files()["log"].splitlines()]
        assert sink.files()["out"].count(b"X-Client-Addr") == 1
    told = [(line["outcome"], line["code"], line["size"]) for line in lines]
    assert told == [("refused", 552, 6), ("refused", 501, 0), ("refused", 503, 0), ("accepted", 250, 5)], told


def test_very_many_recipients():
    """A line longer than any buffer, and an envelope that is kept in a file meanwhile."""
    count = 30000
    rcpt = b"".join(b"RCPT TO:<recipient-%d@example.com>\r\n" % i for i in range(count))
    with Sink(OURS, "--log", "log", "-D", "out") as sink:
        for _ in range(2):
            talk(sink, mail(b"x\r\n"))
            with sink.connect() as s:
                threading.Thread(target=s.sendall, daemon=True, args=(
                    b"MAIL FROM:<a>\r\n" + rcpt + b"DATA\r\nx\r\n.\r\nQUIT\r\n",)).start()
                while s.recv(1 << 20):
                    pass
        sink.stop()
        files = sink.files()
    lines = by_time(files["log"])
    want = [f"recipient-{i}@example.com" for i in range(count)]
    assert len(lines) == 4, len(lines)
    assert [r["address"] for r in lines[1]["recipients"]] == want
    dumped = re.findall(rb"X-Rcpt-Args: <(.*)>", files["out"])
    # Threads write when they have time to, each message in one piece.
    both = ["b@x"] + want + ["b@x"] + want
    assert sorted(a.decode() for a in dumped) == sorted(both)
    assert " ".join(want) in " ".join(a.decode() for a in dumped)


def load(sink, *options):
    """2,000 messages by 20 sessions; the summary, as JSON."""
    done = subprocess.run(
        [SOURCE, "-s", "20", "-m", "2000", *options, "-f", "s@x", "-t", "r@x", "--report=json",
         sink.address], capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done
    return done


def ids_of(texts):
    return [re.findall(rb"^Message-Id: <(.*)>", text, re.M | re.I) for text in texts]


def test_load():
    """Every writer: each message exactly once, and unmixed."""
    with Sink(OURS, "-d", "d/%H.", "--maildir", "m", "--mbox", "box", "--log", "log") as sink, \
            Sink(OURS, "-D", "out", "-S", "---START---\\n") as other:
        for options in (("-m", "1600"), ("-m", "400", "-l", "200000")):
            load(sink, *options)
            load(other, *options)
        sink.stop()
        other.stop()
        files = sink.files()
        out = other.files()["out"]
    single = [text for name, text in files.items() if name.startswith("d/")]
    new = [text for name, text in files.items() if name.startswith("m/new/")]
    box = re.split(rb"^From s@x .*\n", files["box"], flags=re.M)[1:]
    multi = out.split(b"---START---\n")[1:]
    for kind, texts in (("-d", single), ("maildir", new), ("mbox", box), ("-D", multi)):
        ids = ids_of(texts)
        assert len(texts) == 2000, (kind, len(texts))
        assert all(len(i) == 1 for i in ids), kind
        assert len({i[0] for i in ids}) == 2000, kind
        lengths = {len(text) for text in texts}
        assert len(lengths) <= 40, (kind, lengths)  # numbers in headers have various lengths
    bodies = {re.sub(rb"(?s)^.*?\n\n", b"", text).rstrip(b"\n") for text in single}
    assert bodies == {re.sub(rb"(?s)^.*?\n\n", b"", text).rstrip(b"\n") for text in multi}
    lines = [json.loads(line) for line in files["log"].splitlines()]
    assert len(lines) == 2000 and {line["outcome"] for line in lines} == {"accepted"}
    assert {line["id"] for line in lines} == {name[-8:] for name in files if name.startswith("d/")}


def test_shared_file():
    """Two processes append to the same files."""
    directory = tempfile.mkdtemp(prefix="recording.")
    options = ("-D", "out", "--mbox", "box", "--log", "log")
    try:
        with Sink(OURS, *options, directory=directory) as one, \
                Sink(OURS, *options, directory=directory) as two:
            threads = [threading.Thread(target=load, args=(s, "-l", "3000")) for s in (one, two)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            one.stop()
            two.stop()
            files = one.files()
    finally:
        shutil.rmtree(directory)
    parts = files["out"].split(b"X-Client-Addr: ")[1:]
    box = re.split(rb"^From s@x .*\n", files["box"], flags=re.M)[1:]
    for texts in (parts, box):
        assert len(texts) == 4000 and all(len(i) == 1 for i in ids_of(texts)), len(texts)
        assert len({i[0] for i in ids_of(texts)}) == 4000
    assert len([json.loads(line) for line in files["log"].splitlines()]) == 4000


def test_memory():
    """A large message is not held in memory."""
    with Sink(OURS, "-D", "out", "--mbox", "box") as sink:
        with sink.connect() as s:
            s.sendall(MAIL + b"DATA\r\n")
            piece = b"a line of sixteen\r\n" * 50000
            for _ in range(200):
                s.sendall(piece)
            s.sendall(b".\r\nQUIT\r\n")
            got = b""
            while b"221" not in got:
                got += s.recv(1000)
        status = open(f"/proc/{sink.process.pid}/status", encoding="ascii").read()
        peak = int(re.search(r"VmHWM:\s+(\d+)", status).group(1))
        sizes = [os.path.getsize(f"{sink.directory}/{name}") for name in ("out", "box")]
    limit = 60000 if "asan" not in OURS else 400000
    assert peak < limit and all(size > 200 * 18 * 50000 for size in sizes), (peak, sizes)


def no_room():
    """Files may have 20,000 octets: as a disk that is full, for whoever is not the super-user."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


def test_file_limit():
    """452, a line, a count; what is there stays whole; smaller messages are still taken."""
    for option, name in (("-D", "out"), ("--mbox", "box"), ("--log", "log"), ("-d", "x."),
                         ("--maildir", "m")):
        with Sink(OURS, option, name, limit=no_room) as sink:
            big = mail(b"line\r\n" * 5000)
            replies = b"".join(talk(sink, big) for _ in range(3))
            small = b"".join(talk(sink, mail(b"x\r\n")) for _ in range(3))
            if option == "--log":  # each thread has a buffer to fill
                small = b"".join(talk(sink, mail(b"x\r\n", b"MAIL FROM:<" + b"a" * 1000 + b">\r\n"
                                                 b"RCPT TO:<b>\r\n")) for _ in range(400 if THREADS else 100))
                assert b"452 4.3.1" not in replies, replies
                assert b"452 4.3.1" in small, small[-200:]
            else:
                assert replies.count(b"452 4.3.1") == 3, (option, replies)
                assert small.count(b"250 2.0.0") == 3, (option, small)
            told = sink.stop()
            files = sink.files()
        assert "cannot record: " in told and "could not be recorded" in told, told
        if option == "--log":
            assert all(json.loads(line) for line in files["log"].splitlines())
        else:
            assert not any(b"line" in text for text in files.values()), files
            assert len(files) == (1 if len(files) == 1 else 3), files


def test_undone_by_all_or_none():
    """One writer that fails undoes what the others have written."""
    with Sink(OURS, "-d", "x.", "--maildir", "m", "--mbox", "no/such") as sink:
        shutil.rmtree(f"{sink.directory}/no")
        with open(f"{sink.directory}/no", "w", encoding="ascii"):
            pass
        assert b"452 4.3.1" in talk(sink, mail(b"x\r\n"))
        assert sorted(sink.files()) == ["no"], sink.files()
        os.unlink(f"{sink.directory}/no")
        assert b"250 2.0.0" in talk(sink, mail(b"x\r\n"))
        assert len(sink.files()) == 3, sink.files()


def test_root_directory():
    """Names are those in the new root; the time zone is still that of the process."""
    if not ROOT:
        skip("not root: no other root directory")
        return
    os.environ.pop("TZ", None)
    # A leak check needs /proc, and there is none in the new root.
    no_leaks = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    with tempfile.TemporaryDirectory() as root, mock.patch.dict(os.environ, no_leaks):
        os.chmod(root, 0o777)
        with Sink(OURS, "-R", root, "-D", "/a/out", "--log", "log") as sink:
            talk(sink, mail(b"x\r\n"))
            sink.stop()
            with open(f"{root}/a/out", encoding="ascii") as f:
                assert time.strftime("%z (%Z)") in f.read()
            assert os.path.exists(f"{root}/log") and not sink.files(), sink.files()


def test_lmtp_refusal():
    with Sink(OURS, "-L", "-D", "no/such") as sink:
        with open(f"{sink.directory}/no", "w", encoding="ascii"):
            pass
        assert talk(sink, mail(b"x\r\n", MAIL + b"RCPT TO:<c>\r\n")).count(b"452 4.3.1") == 2


def test_what_can_not_be_recorded_is_told_at_once():
    """A dump that can't be made is warned of, as each may have another name; else there is no start."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with open(f"{folder}/file", "w", encoding="ascii"):
            pass
        user = ["-u", "nobody"] if ROOT else []
        for options, says in ((["--mbox", "file/x"], "file/x: Not a directory"),
                              (["--log", "."], "open .: Is a directory"),
                              (["--maildir", "file"], "make directory file/tmp: Not a directory"),
                              (["--fsync"], "--fsync needs something to record")):
            done = subprocess.run([OURS, *user, *THREADS, *options, "unix:here"], cwd=folder,
                                  capture_output=True, text=True, timeout=LIMIT, check=False)
            assert done.returncode == 1 and done.stderr.count("\n") == 1, (options, done)
            assert says in done.stderr, (options, done)
    for option, bad, good in (("-d", "no/%Y/x.", "a/%Y/x."), ("-D", "no/x", "a/b/c"), ("-D", ".", "out")):
        for name, warned in ((bad, True), (good, False)):
            folder = tempfile.mkdtemp(prefix="recording.")
            with open(f"{folder}/no", "w", encoding="ascii"):
                pass
            with Sink(OURS, option, name, directory=folder) as sink:
                assert (b"452 4.3.1" in talk(sink, mail(b"x\r\n"))) == warned, (option, name)
                sink.stop()
                told = sink.output[1].decode()
            assert told.count("no message can be dumped") == warned, (option, name, told)
            shutil.rmtree(folder)


FULL = 'mount -t tmpfs -o size=300k,mode=777 tmpfs "$1/disk" && shift && exec "$@"'


def test_full_disk():
    """A small tmpfs of its own: 452 while it is full, and 250 again when there is room."""
    unshare = ["unshare", "-m"] if ROOT else ["unshare", "-rm"]
    if subprocess.run(unshare + ["true"], capture_output=True, check=False).returncode:
        skip("no mount namespace to be had: a full disk is only tested by a limit on files")
        return
    for options in (("-D", "disk/out"), ("-d", "disk/x."), ("--mbox", "disk/box"),
                    ("--maildir", "disk/m"), ("--log", "disk/log", "-D", "out")):
        full_disk(unshare, options)


def full_disk(unshare, options):
    directory = tempfile.mkdtemp(prefix="recording.")
    os.mkdir(f"{directory}/disk")
    os.chmod(directory, 0o777)
    port = free_port()
    user = ["-u", "nobody"] if ROOT else ["-u", "root"]
    p = subprocess.Popen(unshare + ["sh", "-c", FULL, "sh", directory, OURS, "--report=json", *user, *options,
                                    f"127.0.0.1:{port}"], cwd=directory, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    sink = argparse.Namespace(connect=lambda: socket.create_connection(("127.0.0.1", port), LIMIT))
    try:
        for _ in range(500):
            try:
                sink.connect().close()
                break
            except OSError:
                time.sleep(0.01)
        disk = f"/proc/{p.pid}/root{directory}/disk"
        with open(f"{disk}/ballast", "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 1000)
            except OSError:
                pass
        rcpt = b"MAIL FROM:<" + b"a" * 1000 + b">\r\nRCPT TO:<b>\r\n"
        replies = b"".join(talk(sink, mail(b"line\r\n" * 500, rcpt)) for _ in range(100))
        assert b"452 4.3.1" in replies, (options, replies[-300:])
        refused = replies.count(b"452 4.3.1")
        os.unlink(f"{disk}/ballast")
        replies = b"".join(talk(sink, mail(b"again\r\n")) for _ in range(3))
        assert replies.count(b"250 2.0.0") == 3, (options, replies)
    finally:
        p.send_signal(signal.SIGTERM)
        try:
            summary, told = p.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            p.kill()
            summary, told = p.communicate()
        shutil.rmtree(directory, ignore_errors=True)
    assert b"No space left on device" in told and b"could not be recorded" in told, told
    assert json.loads(summary)["sink"]["unrecorded"] == refused, (options, summary, refused)


passed = failed = skipped = 0


def check(name, good, why):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {name}\n    {why}", flush=True)


def skip(why):
    global skipped
    skipped += 1
    print(f"    skipped: {why}")


def main():
    if not THREADS:
        compare_with_peer()
    for name, function in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            function()
            check(name, True, "")
        except Exception as error:  # whatever it is, the others are to run
            check(name, False, repr(error)[:1500])
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)


main()
