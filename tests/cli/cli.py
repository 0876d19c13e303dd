#!/usr/bin/env python3
"""smtp-source from outside, as a new user would meet it: the embedded sink, reports, bad input, signals.

    cli.py BUILD
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

BUILD = sys.argv[1]
SOURCE = os.path.join(BUILD, "smtp-source")
SINK = os.path.join(BUILD, "smtp-sink")
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(*args, limit=60):
    return subprocess.run([SOURCE, *args], capture_output=True, text=True, timeout=limit,
                          check=False)


def document(*args):
    done = run("--report=json", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sums_agree(report):
    for kind in ("messages", "recipients"):
        ends = report[kind]
        outcomes = ("accepted", "refused", "failed", "unknown", "missed")
        assert ends["offered"] == sum(ends[o] for o in outcomes), ends


class Server:
    """A server of one script: a function that is given each connection."""

    def __init__(self, script):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.script = script
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(conn,), daemon=True).start()

    def one(self, conn):
        with conn:
            try:
                self.script(conn)
            except OSError:
                pass

    def __enter__(self):
        return f"127.0.0.1:{self.port}"

    def __exit__(self, *_):
        self.listener.close()


def converse(conn, replies, default=b"250 ok\r\n"):
    """Answers by the command's first word; content up to the dot counts as '.'"""
    conn.sendall(replies.get("greeting", b"220 test\r\n"))
    stream = conn.makefile("rb")
    while True:
        line = stream.readline()
        if not line:
            return
        verb = line.split(b" ")[0].strip().upper().decode("latin-1")
        if verb == "DATA":
            reply = replies.get("DATA", b"354 go\r\n")
            conn.sendall(reply)
            if not reply.startswith(b"354"):
                continue
            while line not in (b".\r\n", b""):
                line = stream.readline()
            verb = "."
        conn.sendall(replies.get(verb, default))
        if verb == "QUIT":
            return


@test
def embedded_sink_takes_all():
    report = document("-d", "-s", "20", "-m", "5000", "sink:")
    assert report["messages"]["accepted"] == 5000
    assert report["connections"]["made"] == 20
    assert report["sink"]["messages"] == 5000
    sums_agree(report)


@test
def a_dead_embedded_sink_is_fatal():
    p = subprocess.Popen([SOURCE, "--report=json", "-d", "--duration=1s", "sink:"], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    path = f"/proc/{p.pid}/task/{p.pid}/children"
    deadline = time.monotonic() + 20
    child = ""
    while not child and time.monotonic() < deadline:
        with open(path, encoding="ascii") as f:
            child = f.read()
    os.kill(int(child), signal.SIGKILL)
    out, err = p.communicate(timeout=60)
    assert p.returncode == 1 and "fatal: " in err and "sink" in err, err
    if out:  # it may have died before the run began
        assert json.loads(out)["ended"].startswith("fatal: "), out[:1000]


@test
def a_file_that_may_not_grow_is_told():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report")
        done = subprocess.run(["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", SOURCE, "-m", "99", "--quiet",
                               "--output", path, "sink:"], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 1 and "File too large" in done.stderr, done
        assert os.listdir(folder) == []


@test
def embedded_sink_pipelining_and_chunking():
    for extra in (["--pipelining"], ["--chunking"], ["--pipelining", "--chunking"],
                  ["--pipelining", "--chunking", "--in-flight", "8", "--pipeline-window=50"],
                  ["--chunking=if-offered", "--chunk-size", "100", "-l", "1000"],
                  ["--pipelining=if-offered", "-r", "30", "--pipeline-window", "7"]):
        report = document("-d", "-s", "3", "-m", "999", *extra, "sink:")
        assert report["messages"]["accepted"] == 999, extra
        assert report["sink"]["messages"] == 999, extra
        assert report["sink"]["recipients"] == report["recipients"]["accepted"]
        sums_agree(report)


@test
def drivers_do_the_same():
    for driver in ("--io=epoll", "--io=auto"):
        report = document(driver, "-d", "-s", "20", "-m", "3000", "-r", "2", "-l", "5000", "sink:")
        assert report["messages"]["accepted"] == report["sink"]["messages"] == 3000
        assert driver != "--io=epoll" or report["config"]["io_driver"] == "epoll"
    assert "I/O driver: bsd" in run("--io=bsd", "sink:").stderr


@test
def embedded_sink_speaks_lmtp():
    report = document("-L", "-d", "-s", "3", "-m", "100", "-r", "3", "sink:")
    assert report["protocol"] == "lmtp"
    assert report["recipients"]["accepted"] == 300


@test
def the_sink_ends_with_its_parent():
    with subprocess.Popen([SOURCE, "--quiet", "-d", "-m", "100M", "sink:"]) as p:
        time.sleep(0.5)
        children = open(f"/proc/{p.pid}/task/{p.pid}/children", encoding="ascii").read().split()
        assert len(children) == 1, children
        p.kill()
        p.wait(timeout=10)
    for _ in range(50):
        if not os.path.exists(f"/proc/{children[0]}"):
            return
        with open(f"/proc/{children[0]}/stat", encoding="ascii") as f:
            if f.read().split()[2] == "Z":
                return
        time.sleep(0.1)
    raise AssertionError("the embedded sink outlives its parent")


@test
def text_summary_accounts_for_all():
    done = run("-m", "3", "-r", "2", "sink:")
    assert done.returncode == 0
    for word in ("offered", "accepted", "refused", "failed", "unknown", "missed", "p99.9",
                 "greeting", "hello", "end-of-data", "transaction", "connections"):
        assert word in done.stdout, word
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


@test
def quiet_says_nothing():
    for option in ("--quiet", "--report=none"):
        done = run(option, "-m", "3", "sink:")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@test
def output_file_is_the_json_document():
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "run.json")
        done = run("--output", name, "-m", "3", "sink:")
        assert done.returncode == 0
        with open(name, encoding="utf-8") as f:
            assert json.load(f)["messages"]["accepted"] == 3
        assert os.listdir(folder) == ["run.json"]
        done = run("--output", os.path.join(folder, "no", "x"), "sink:")
        assert done.returncode == 1 and "--output" in done.stderr


@test
def documents_follow_their_schema():
    validate = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../report/validate.py")
    with tempfile.TemporaryDirectory() as folder:
        for args in (["-d", "-s", "5", "-m", "500", "-r", "3", "sink:"], ["-m", "2", "127.0.0.1:1"],
                     ["-L", "-m", "3", "--pipelining", "sink:"]):
            name = os.path.join(folder, "run.json")
            run("--quiet", "--output", name, *args)
            done = subprocess.run([sys.executable, validate, name], capture_output=True, text=True,
                                  timeout=60, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


@test
def counter_counts():
    done = subprocess.run([SOURCE, "-c", "--quiet", "-d", "-m", "3", "sink:"], capture_output=True,
                          timeout=20, check=False)
    assert done.stdout == b"1\r2\r3\r\n", done.stdout


@test
def bad_input_gets_one_clear_line():
    cases = [
        ([], "no server given"),
        (["a", "0@b"], "bad weight in 0@b"),
        (["--bogus", "x"], "--bogus"),
        (["-s"], "-s"),
        (["-s", "0", "x"], "session count: 0"),
        (["-m", "1x", "x"], "message count: 1x"),
        (["-m", "", "x"], "message count"),
        (["-r", "-1", "x"], "recipient count: -1"),
        (["-l", "99999999999999999999", "x"], "message length"),
        (["-C", "0", "x"], "connect count: 0"),
        (["-T", "0", "x"], "TCP window size: 0"),
        (["-w", "soon", "x"], "message delay: soon"),
        (["-w", "1", "-R", "1", "x"], "-w and -R"),
        (["-l", "5", "-F", "/etc/passwd", "x"], "-l option cannot be used with -F"),
        (["-F", "/nonexistent", "x"], "/nonexistent"),
        (["-M", "a..b", "x"], "a..b"),
        (["-M", "[1.2.3]", "x"], "[1.2.3]"),
        (["-S", "a\n.b", "x"], "subject"),
        (["-t", "a\r\nb", "x"], "recipient address"),
        (["--report=xml", "x"], "xml"),
        (["--numbering=middle", "x"], "middle"),
        (["-c", "--report=json", "x"], "-c"),
        (["-o", "--pipelining", "x"], "-o"),
        (["--pipelining=maybe", "x"], "maybe"),
        (["--pipeline-window=0", "x"], "pipeline window"),
        (["--pipeline-window=5", "x"], "needs --pipelining"),
        (["--in-flight=5", "x"], "needs --pipelining"),
        (["--chunk-size=5", "x"], "needs --chunking"),
        (["-m", "200000G", "-r", "10M", "x"], "-m and -r"),
        (["-M", "", "x"], "hostname"),
        (["--output=", "x"], "--output"),
        (["--output=/", "x"], "is a directory"),
        (["--in-flight=0", "x"], "in flight"),
        (["--chunk-size=none", "x"], "chunk size"),
        (["host:99999"], "99999"),
        (["unix:"], "unix:"),
        (["unix:" + "a" * 120], "too long"),
        (["-6", "127.0.0.1:25"], "127.0.0.1"),
    ]
    for args, words in cases:
        done = run(*args, limit=20)
        lines = done.stderr.splitlines()
        assert done.returncode == 1, args
        assert len(lines) == 1 and "fatal: " in lines[0] and words in lines[0], (args, lines)
        assert done.stdout == "", (args, done.stdout)


@test
def help_and_version():
    assert run("--help").stdout.startswith("usage: smtp-source")
    assert run("--help=man").stdout.startswith(".SS")
    assert re.fullmatch(r"smtp-source [0-9.]+\n", run("--version").stdout)


@test
def refusals_are_told_apart():
    replies = {"RCPT": b"550 5.1.1 no such user\r\n"}
    with Server(lambda c: converse(c, replies)) as target:
        done = run("-A", "--report=json", "-d", "-m", "5", target)
        report = json.loads(done.stdout)
        assert done.returncode == 0
        assert report["messages"]["refused"] == 5
        row = report["refusals"][0]
        assert (row["phase"], row["code"], row["messages"]) == ("rcpt", 550, 5), row
        assert row["enhanced"] == "5.1.1"
        assert done.stderr.count("warning: recipient rejected: 550") == 5
        sums_agree(report)
        done = run("-d", "-m", "5", target)
        assert done.returncode == 1 and "fatal: recipient rejected: 550" in done.stderr
        assert "missed                4" in done.stdout, done.stdout


@test
def unknown_is_what_was_sent_and_not_answered():
    def script(conn):
        conn.sendall(b"220 x\r\n")
        stream = conn.makefile("rb")
        for line in stream:
            if line == b"DATA\r\n":
                conn.sendall(b"354 go\r\n")
            elif line == b".\r\n":
                return
            elif line.split(b" ")[0] in (b"HELO", b"MAIL", b"RCPT"):
                conn.sendall(b"250 ok\r\n")

    with Server(script) as target:
        done = run("--report=json", "-m", "3", target)
        report = json.loads(done.stdout)
        assert done.returncode == 1 and "lost connection while sending message" in done.stderr
        assert report["messages"]["unknown"] == 1 and report["messages"]["missed"] == 2
        sums_agree(report)


@test
def a_missing_extension_is_an_error_unless_optional():
    replies = {"EHLO": b"250-x\r\n250 HELP\r\n"}
    with Server(lambda c: converse(c, replies)) as target:
        for name in ("pipelining", "chunking"):
            done = run(f"--{name}", target)
            assert done.returncode == 1 and name.upper() in done.stderr, done.stderr
            assert run(f"--{name}=if-offered", target).returncode == 0
            assert run(f"--{name}=no", target).returncode == 0


@test
def a_slow_session_does_not_hold_up_others():
    lock = threading.Lock()
    seen = []

    def script(conn):
        with lock:
            seen.append(conn)
            first = len(seen) == 1
        if first:
            conn.sendall(b"220 x\r\n")
            conn.recv(100)
            time.sleep(3)
            return
        converse(conn, {})

    with Server(script) as target:
        start = time.monotonic()
        done = run("--report=json", "-A", "-s", "2", "-m", "20", target)
        report = json.loads(done.stdout)
        assert report["messages"]["accepted"] >= 18, report["messages"]
        assert time.monotonic() - start < 30


@test
def first_signal_finishes_second_stops():
    def slow(conn):
        conn.sendall(b"220 x\r\n")
        stream = conn.makefile("rb")
        for line in stream:
            if line == b".\r\n":
                time.sleep(1.5)
                conn.sendall(b"250 ok\r\n")
            elif line == b"DATA\r\n":
                conn.sendall(b"354 go\r\n")
            elif line == b"QUIT\r\n":
                conn.sendall(b"221 bye\r\n")
                return
            elif line.split(b" ")[0].strip() in (b"HELO", b"MAIL", b"RCPT"):
                conn.sendall(b"250 ok\r\n")

    for signals, outcome in (([signal.SIGINT], "accepted"), ([signal.SIGHUP], "accepted"),
                             ([signal.SIGTERM, signal.SIGINT], "unknown")):
        with Server(slow) as target:
            with subprocess.Popen([SOURCE, "--report=json", "-d", "-m", "1000", target],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)
                                  ) as p:
                time.sleep(0.7)
                for number in signals:
                    p.send_signal(number)
                    time.sleep(0.2)
                out, err = p.communicate(timeout=20)
            report = json.loads(out)
            assert p.returncode == 1 and "finishing what is under way" in err, err
            assert report["ended"] == "interrupted"
            assert report["messages"][outcome] == 1, report["messages"]
            assert report["messages"]["missed"] == 999
            sums_agree(report)


def shown_on_terminal(columns, *args):
    """What a run writes to a terminal of so many columns that is its standard error."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    shown = b""
    with subprocess.Popen([SOURCE, *args], stdout=subprocess.DEVNULL, stderr=slave,
                          env=dict(os.environ, TERM="xterm")) as p:
        os.close(slave)
        end = time.monotonic() + 30
        while time.monotonic() < end and select.select([master], [], [], 20)[0]:
            try:
                shown += os.read(master, 4096)
            except OSError:
                break
        p.wait(timeout=20)
    os.close(master)
    return shown.decode()


@test
def a_terminal_shows_the_live_line():
    def slow(conn):
        conn.sendall(b"220 x\r\n")
        messages = 0
        for line in conn.makefile("rb"):
            time.sleep(0.1)
            messages += line[:4] == b"MAIL"
            if line[:4] == b"MAIL" and messages == 4:
                conn.sendall(b"450 not now\r\n")
            else:
                conn.sendall(b"354 go\r\n" if line == b"DATA\r\n" else b"250 ok\r\n" if line[:4] in
                             (b"HELO", b"MAIL", b"RCPT", b".\r\n", b"RSET", b"QUIT") else b"")

    wipe = "\r\x1b[J"
    for columns in (59, 20):
        with Server(slow) as target:
            shown = shown_on_terminal(columns, "-A", "-d", "-m", "6", target)
        pieces = shown.split(wipe)
        lines = [p for p in pieces if p and not p.endswith("\n")]
        assert lines and all(len(p) < columns for p in lines), shown
        assert any("of 6" in p for p in lines), shown
        # A warning has a line of its own, and the live line is gone at the end.
        assert [p for p in pieces if p.endswith("sender rejected: 450 not now\r\n")], shown
        assert shown.endswith(wipe), shown


@test
def a_refused_hello_is_called_by_its_name():
    for ehlo, helo, name in ((b"502 no\r\n", b"550 go away\r\n", "HELO"),
                             (b"250-x\r\n250 PIPELINING\r\n", b"", "")):
        with Server(lambda c: converse(c, {"EHLO": ehlo, "HELO": helo})) as target:
            done = run("--pipelining=if-offered", target)
        assert done.returncode == (1 if name else 0), done.stderr
        assert (f"{name} rejected: 550 go away" in done.stderr) == bool(name), done.stderr
    with Server(lambda c: converse(c, {"EHLO": b"550 not you\r\n"})) as target:
        done = run("--pipelining", target)
    assert "EHLO rejected: 550 not you" in done.stderr, done.stderr


@test
def a_greeting_without_end_is_no_greeting():
    def flood(conn, octets):
        while True:
            conn.sendall(octets)

    for octets in (b"220-more\r\n" * 500, b"220 " + b"x" * 65536):
        with Server(lambda c, octets=octets: flood(c, octets)) as target:
            done = run("-s", "2", "-m", "4", target)
        assert done.returncode == 1 and len(done.stderr) < 2000, done.stderr
        assert "a reply without end: 220" in done.stderr, done.stderr


@test
def a_closed_pipe_is_an_error_not_a_crash():
    with subprocess.Popen([SOURCE, "-m", "3", "--report=text", "sink:"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as p:
        p.stdout.close()
        error = p.stderr.read()
        p.wait(timeout=20)
    assert p.returncode == 1 and "standard output" in error, (p.returncode, error)


def main():
    failed = 0
    for function in TESTS:
        try:
            function()
        except Exception as error:  # a test may fail in any way
            failed += 1
            print(f"{function.__name__}: {type(error).__name__}: {str(error)[:2000]}")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
