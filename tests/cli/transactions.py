#!/usr/bin/env python3
"""--transactions from outside: every line parses and has its fields, lines sum to the report, ids are
the server's, nothing stops the load.

    transactions.py BUILD [TEST...]
"""
import collections
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = sys.argv[1]
SOURCE = os.path.join(BUILD, "smtp-source")
SINK = os.path.join(BUILD, "smtp-sink")
OUTCOMES = ("accepted", "refused", "failed", "unknown", "missed")
FIELDS = """ended_at started_at intended_at worker session connection message message_id local remote sender
recipient recipients recipients_accepted recipients_refused content_bytes outcome phase cause code
enhanced text queue_id response_ns service_ns mail_ns rcpt_ns data_ns end_of_data_ns
warmup""".split()
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(*args, status=0, **more):
    done = subprocess.run([SOURCE, *args], capture_output=True, text=True, timeout=15,
                          check=False, **more)
    assert done.returncode == status, (args, done.returncode, done.stderr)
    return done


def lines(text):
    rows = [json.loads(line) for line in text.splitlines()]
    for row in rows:
        assert list(row)[:len(FIELDS)] == FIELDS, row
        assert set(row) - set(FIELDS) <= {"step", "verdicts", "verdicts_cut"}, row
    return rows


def load(folder, *args, status=0):
    """Rows and report of a run of which nothing was dropped; they have to agree."""
    path = os.path.join(folder, "rows")
    report = json.loads(run("--report=json", "--transactions", path, *args, status=status).stdout)
    with open(path, encoding="utf-8") as f:
        rows = lines(f.read())
    assert report["transactions"] == {"file": path, "written": len(rows), "dropped": 0}
    measured = [row for row in rows if not row["warmup"]]
    sums = collections.Counter(row["outcome"] for row in measured)
    if "search" not in report:
        for outcome in OUTCOMES:
            assert sums[outcome] == report["messages"][outcome], (outcome, sums, report["messages"])
        if "warmup" in report:
            assert len(rows) - len(measured) == report["warmup"]["messages"]["offered"]
        for outcome in ("accepted", "refused"):
            told = sum(row["recipients_" + outcome] for row in measured)
            assert told == report["recipients"][outcome], (outcome, told, report["recipients"])
    assert len({row["message"] for row in rows}) == len(rows)
    return rows, report


class Server(threading.Thread):
    """Says to each command of all its connections what answer() gives; None ends the connection."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.where = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            connection = self.listener.accept()[0]
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"220 ready\r\n")
            content = False
            for line in stream:
                word = line.strip().upper().split(b" ")[0].decode()
                if content and line != b".\r\n":
                    continue
                reply = self.answer("." if content else word, line)
                if reply is None:
                    return
                content = not content and word == "DATA" and reply.startswith(b"354")
                stream.write(reply)
                if word == "QUIT":
                    return


def plain(word, line):
    del line
    return {"DATA": b"354 go\r\n", "QUIT": b"221 bye\r\n"}.get(word, b"250 2.0.0 ok\r\n")


@test
def lines_sum_to_the_report(folder):
    for extra in ([], ["-d"], ["--io=epoll", "-d"], ["--threads=2", "-s4", "-d"],
                  ["--pipelining", "-d"], ["--pipelining", "--chunking", "--in-flight=4", "-d"],
                  ["-r3", "-N"], ["-L", "-r3"], ["-s5", "--per-connection=2..4"], ["--tls", "-d"],
                  ["-F", __file__]):
        rows, report = load(folder, "-m", "200", *extra, "sink:")
        assert len(rows) == 200, extra
        for row in rows:
            assert row["outcome"] == "accepted" and row["phase"] == "end-of-data", row
            assert row["code"] == 250 and row["text"] and row["cause"] is None, row
            assert row["service_ns"] >= row["end_of_data_ns"] > 0, row
            assert row["ended_at"] > row["started_at"] >= report["started_at"][:-1], row
            assert row["local"] and row["remote"] and row["response_ns"] is None, row
        if "-r3" not in extra and "-F" not in extra:
            assert {row["content_bytes"] for row in rows} == {report["config"]["message_bytes"]}
            # The histogram and the lines are of the same times.
            assert max(row["service_ns"] for row in rows) == report["latency"]["transaction"]["max_ns"]
        connections = {row["connection"]: row["local"] for row in rows}
        assert len(connections) == report["connections"]["made"], extra
        assert {row["worker"] for row in rows} <= set(range(report["config"]["workers"]))


@test
def target_rates_warm_up_and_search(folder):
    rows, report = load(folder, "--rate=400/s", "--duration=1s", "--warmup=300ms", "-s4", "-d",
                        "--threads=2", "sink:")
    assert len(rows) == 520 and any(row["warmup"] for row in rows), len(rows)
    measured = [row["response_ns"] for row in rows if not row["warmup"]]
    assert max(measured) == report["response"]["accepted"]["max_ns"]
    assert all(row["intended_at"] <= row["started_at"] for row in rows)
    rows, report = load(folder, "--find-rate", "p99<10s", "--between=50..100",
                        "--step-duration=300ms", "-s4", "-d", "sink:")
    steps = collections.Counter(row["step"] for row in rows if not row["warmup"])
    assert len(steps) == len(report["search"]["steps"]), steps
    assert steps[max(steps)] == report["messages"]["offered"], (steps, report["messages"])


@test
def missed_failed_and_unknown_ones(folder):
    stall = threading.Event()

    def slow(word, line):
        if word == ".":
            stall.wait(0.2)
        return plain(word, line)

    rows, _ = load(folder, "--rate=100/s", "--duration=500ms", "--late=drop:100ms", "-d",
                   Server(slow).where)
    missed = [row for row in rows if row["outcome"] == "missed"]
    assert missed and len(rows) == 50
    for row in missed:
        assert row["session"] is row["started_at"] is row["code"] is row["phase"] is None
        assert row["intended_at"] and row["response_ns"] >= 100 * 10**6
    rows, _ = load(folder, "-m1", "127.0.0.1:1", status=1)
    assert rows[0]["outcome"] == "failed" and rows[0]["cause"] == rows[0]["phase"] == "connect"
    assert rows[0]["local"] is None and rows[0]["remote"] == "127.0.0.1:1"
    gone = Server(lambda word, line: None if word == "." else plain(word, line))
    rows, _ = load(folder, "-m1", gone.where, status=1)
    assert rows[0]["outcome"] == "unknown" and rows[0]["cause"] == "lost", rows
    assert rows[0]["phase"] == "end-of-data" and rows[0]["text"] is None
    gone = Server(lambda word, line: None if word == "RCPT" else plain(word, line))
    rows, _ = load(folder, "-m10", "--keep-going", "--duration=300ms", gone.where)
    assert {row["outcome"] for row in rows} <= {"failed"} and rows[0]["phase"] == "rcpt", rows


@test
def refusals_have_the_reply_that_decided(folder):
    cases = {
        "MAIL": (b"550-5.7.1 not\r\n550 5.7.1 \xff\"you\r\n", "mail", 550, "5.7.1",
                 '5.7.1 not\n5.7.1 \ufffd"you'),
        "RCPT": (b"451 4.2.0 later\r\n", "rcpt", 451, "4.2.0", "4.2.0 later"),
        "DATA": (b"554 no \x1b[31m\r\n", "data", 554, None, "no \x1b[31m"),
        ".": (b"552 5.2.2 full: queued as X\r\n", "end-of-data", 552, "5.2.2",
              "5.2.2 full: queued as X"),
    }
    for word, (reply, phase, code, enhanced, text) in cases.items():
        server = Server(lambda w, line, word=word, reply=reply:
                        reply if w == word else plain(w, line))
        for more in ([], ["-d"]):
            rows, _ = load(folder, "-m5", "--keep-going", *more, server.where)
            for row in rows:
                told = [row[k] for k in ("outcome", "phase", "code", "enhanced", "text")]
                assert told == ["refused", phase, code, enhanced, text], row
                assert row["queue_id"] is None


@test
def recipients_have_verdicts(folder):
    def some(word, line):
        return b"550 5.1.1 no such user\r\n" if b"<3" in line else plain(word, line)

    rows, _ = load(folder, "-m3", "-r4", "-A", "-t", "u@example.com", Server(some).where)
    for row in rows:
        assert row["outcome"] == "accepted" and row["recipients_refused"] == 1, row
        assert row["recipient"] == "4u@example.com" and row["text"] == "2.0.0 ok"
        assert [(v["recipient"], v["phase"], v["code"]) for v in row["verdicts"]] == \
            [("3u@example.com", "rcpt", 550)]

    def each(word, line):
        if word == ".":
            return b"250 2.0.0 <a> idA+1 Saved\r\n452 4.2.2 full\r\n250 2.0.0 <c> idC Saved\r\n"
        return some(word, line)

    rows, _ = load(folder, "-m3", "-r4", "-A", "-L", "-t", "u@example.com", Server(each).where)
    for row in rows:
        assert row["queue_id"] == "idA+1" and row["recipients_accepted"] == 2, row
        assert [(v["recipient"], v["outcome"], v["queue_id"]) for v in row["verdicts"]] == \
            [("3u@example.com", "refused", None), ("4u@example.com", "accepted", "idA+1"),
             ("2u@example.com", "refused", None), ("u@example.com", "accepted", "idC")], row
        assert row["verdicts_cut"] == 0
    refuse = Server(lambda w, line: b"550 " + b"x" * 400 + b"\r\n" if w == "RCPT"
                    else plain(w, line))
    rows, _ = load(folder, "-m1", "-r1200", "-A", refuse.where)
    assert len(rows[0]["verdicts"]) + rows[0]["verdicts_cut"] == 1200, rows[0]["verdicts_cut"]
    assert len(rows[0]["verdicts"]) > 20


@test
def ids_are_the_servers(folder):
    given = []
    lock = threading.Lock()

    def queued(word, line):
        if word == ".":
            with lock:
                given.append("Q%05X" % len(given))
                return b"250 2.0.0 Ok: queued as " + given[-1].encode() + b"\r\n"
        return plain(word, line)

    rows, _ = load(folder, "-m100", "-s5", "-d", "--threads=2", Server(queued).where)
    assert sorted(row["queue_id"] for row in rows) == sorted(given)
    # The sink's log and our lines are of the same messages, one to one.
    log, path = os.path.join(folder, "log"), os.path.join(folder, "socket")
    user = ["-u", "root"] if os.geteuid() == 0 else []
    with subprocess.Popen([SINK, "--report=none", *user, "-M", "100", "--log", log,
                           f"unix:{path}"], stderr=subprocess.PIPE) as sink:
        for _ in range(1000):
            if os.path.exists(path):
                break
            time.sleep(0.01)
        rows, _ = load(folder, "-m100", "-s5", "-d", "-N", f"unix:{path}")
        sink.communicate(timeout=30)
    with open(log, encoding="utf-8") as f:
        there = [json.loads(line) for line in f]
    theirs = {entry["recipients"][0]["address"].strip("<>"): entry["size"] for entry in there}
    ours = {row["recipient"]: row["content_bytes"] for row in rows}
    assert len(ours) == 100 and ours == theirs, (len(ours), len(theirs))


@test
def nothing_stops_the_load(folder):
    fifo = os.path.join(folder, "fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDWR)  # reads nothing
    for threads in ("1", "2"):
        done = run("--report=json", "--transactions", fifo, "-s4", "-d", "-m20000",
                   "--threads=" + threads, "sink:")
        report = json.loads(done.stdout)
        assert report["messages"]["accepted"] == 20000
        counted = report["transactions"]
        assert counted["written"] + counted["dropped"] == 20000 and counted["dropped"] > 10000
        assert f"{counted['dropped']} of 20000 transactions are not in" in done.stderr
        whole = os.read(reader, 1 << 20).decode()
        assert len(lines(whole[:whole.rindex("\n")])) == counted["written"]
    os.close(reader)
    done = run("-m10", "--transactions", fifo, "sink:", status=1)
    assert "nobody reads from it" in done.stderr
    done = run("--report=json", "-m100", "--transactions=/dev/full", "sink:", status=1)
    report = json.loads(done.stdout)
    assert report["messages"]["accepted"] == 100 and report["ended"] == "complete"
    assert report["transactions"] == {"file": "/dev/full", "written": 0, "dropped": 100}
    assert done.stderr.count("No space left on device") == 1, done.stderr


@test
def the_file_and_wrong_values(folder):
    path = os.path.join(folder, "x")
    for n in (7, 3):
        run("-m", str(n), "--quiet", "--transactions", path, "sink:")
        with open(path, encoding="utf-8") as f:
            assert len(lines(f.read())) == n
    assert len(lines(run("-m4", "--quiet", "--transactions=-", "sink:").stdout)) == 4
    with open(path, "w", encoding="utf-8") as f:
        f.write("hello\n")
    for args, words in ((["--transactions=-"], "add --quiet"),
                        (["--transactions=-", "--report=none", "-c"], "both use stdout"),
                        (["--transactions="], "takes a file name"),
                        (["--transactions", folder], "Is a directory"),
                        (["--transactions", "/nowhere/x"], "No such file"),
                        (["--transactions", path, "-F", path], "--transactions would write to the file that --file reads"),
                        (["--transactions", path, "--output", folder + "/../" +
                          os.path.basename(folder) + "/x"], "--output and --transactions")):
        done = run("-m1", *args, "sink:", status=1)
        assert words in done.stderr and done.stderr.count("\n") == 1, (args, done.stderr)
    with open(path, encoding="utf-8") as f:
        assert f.read() == "hello\n"


def main():
    failed = 0
    chosen = [t for t in TESTS if not sys.argv[2:] or t.__name__ in sys.argv[2:]]
    for function in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(folder)
            except Exception as error:  # a test's fault is told, the others go on
                failed += 1
                print(f"{function.__name__}: {type(error).__name__}: {str(error)[:1500]}")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
