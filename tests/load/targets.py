#!/usr/bin/env python3
"""Loads that go to several servers: exact shares, each server's own account against what it counted
itself, servers that are down, and what is said of wrong values.

    targets.py BUILD
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "tls"),
                os.path.join(os.path.dirname(HERE), "report")]
sys.dont_write_bytecode = True
from certs import Certs  # noqa: E402

try:
    import validate as checker
    SCHEMA = json.loads(checker.SCHEMA.read_text(encoding="utf-8"))
except SystemExit:  # it has said what is missing
    SCHEMA = None

BUILD = sys.argv[1]
SOURCE, SINK, REPORT = (os.path.join(BUILD, n) for n in ("smtp-source", "smtp-sink", "smtp-report"))
OUTCOMES = ("accepted", "refused", "failed", "unknown")
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(*args, limit=60):
    return subprocess.run([SOURCE, *args], capture_output=True, text=True, timeout=limit,
                          check=False)


def validate(report):
    if SCHEMA:
        wrong = checker.check(report, SCHEMA)
        assert not wrong, wrong


def check_sums(report):
    rows = report["targets"]
    for o in OUTCOMES + ("partial",):
        assert sum(r["messages"][o] for r in rows) == report["messages"][o], o
    for c in ("started", "made", "failed", "lost"):
        assert sum(r["connections"][c] for r in rows) == report["connections"][c], c
    for group, name in (("latency", "transaction"), ("response", "accepted")):
        whole = report.get(group, {}).get(name, {"count": 0, "sum_ns": "0"})
        parts = [r[group][name] for r in rows if name in r[group]]
        assert sum(p["count"] for p in parts) == whole["count"], group
        assert sum(int(p["sum_ns"]) for p in parts) == int(whole["sum_ns"]), group


def document(*args):
    done = run("--report=json", *args)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    validate(report)
    check_sums(report)
    return report


def one_line(done, *words):
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 1 and "fatal: " in lines[0], lines
    for word in words:
        assert word in lines[0], (word, lines[0])


class Sink:
    def __init__(self, *args, where="127.0.0.1:0"):
        user = ["-u", "root"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([SINK, "--report=json", *user, *args, where],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        found = re.search(r"listening on (\S+)", self.process.stderr.readline()) \
            if where.endswith(":0") else None
        self.address = found.group(1) if found else where
        self.port = self.address.rsplit(":", 1)[1]
        self.report = None

    def __enter__(self):
        return self

    def finish(self):
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, (self.process.returncode, err)
        self.report = json.loads(out)["sink"]
        return self.report

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class Closing:
    """Accepts, and closes at once; keeps where connections came from."""

    def __init__(self, script=lambda conn: None):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.script, self.peers = script, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, peer = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer[0])
            with conn:
                try:
                    self.script(conn)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def dead_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % s.getsockname()[1]


def accepted(report):
    return [r["messages"]["accepted"] for r in report["targets"]]


@test
def weights_are_exact():
    for options in ([], ["--threads=2"], ["--io=epoll", "--threads=3", "--connect-parallel=auto"],
                    ["-d", "--per-connection=1"], ["--rate=2000"]):
        with Sink() as a, Sink() as b:
            report = document("-s8", "-m400", *options, f"3@{a.address}", b.address)
            assert accepted(report) == [300, 100], accepted(report)
            assert [r["weight"] for r in report["targets"]] == [3, 1]
            assert [r["endpoint"] for r in report["targets"]] == [a.address, b.address]
            for sink, row in zip((a, b), report["targets"]):
                own = sink.finish()
                assert own["messages"] == row["messages"]["accepted"], own
                assert own["sessions"] == row["connections"]["made"], own


@test
def three_of_all_kinds():
    with tempfile.TemporaryDirectory() as folder:
        path = "unix:" + os.path.join(folder, "a@b*:25")
        with Sink() as a, Sink() as b, Sink(where=path) as c:
            report = document("-s4", "-m120", "-C100", f"2@{a.address}", b.address, f"3@{path}")
            assert accepted(report) == [40, 20, 60], accepted(report)
            assert report["targets"][2]["endpoint"] == path
            assert [s.finish()["messages"] for s in (a, b, c)] == [40, 20, 60]


@test
def kept_connections_are_shared():
    with Sink() as a, Sink() as b:
        report = document("-d", "-s8", "-m800", f"3@{a.address}", b.address)
        assert [r["connections"]["made"] for r in report["targets"]] == [6, 2]
        assert [s.finish()["messages"] for s in (a, b)] == accepted(report)


@test
def too_few_sessions_are_warned_of():
    with Sink() as a, Sink() as b:
        done = run("-d", "-m3", a.address, b.address)
        assert done.returncode == 0
        assert "1 session reach only 1 of 2 servers" in done.stderr, done.stderr
        for options in (["-d", "-s2"], ["-d", "--per-connection=1"], []):
            done = run(*options, "-m4", a.address, b.address)
            assert done.returncode == 0 and not done.stderr, done.stderr


@test
def one_server_has_no_rows():
    with Sink() as a:
        for target in (a.address, f"3@{a.address}"):
            done = run("--report=json", "-m3", target)
            report = json.loads(done.stdout)
            assert "targets" not in report and report["messages"]["accepted"] == 3
            assert report["target"] == target


@test
def refusals_are_told_apart():
    with Sink() as a, Sink("-f", "RCPT") as b:
        report = document("-A", "-s2", "-m40", a.address, b.address)
        assert [r["messages"]["refused"] for r in report["targets"]] == [0, 20]
        assert accepted(report) == [20, 0]
        one_line(run("-m2", a.address, b.address), "recipient rejected", f"({b.address})")


@test
def a_dead_server_ends_the_run():
    with Sink() as a:
        dead = dead_address()
        done = run("--report=json", "-m10", a.address, dead)
        one_line(done, "connect: Connection refused", dead)
        report = json.loads(done.stdout)
        check_sums(report)
        assert report["targets"][1]["connections"]["failed"] == 1
        host = "localhost:" + dead.split(":")[1]
        one_line(run("-4", "-m10", a.address, host), f"({host}: {dead})")


@test
def a_dead_server_stops_nobody():
    for options in (["-s4", "-m600"], ["-s4", "-m600", "--threads=2"], ["-d", "-s6", "-m600"],
                    ["-s20", "--rate=300", "-m600"]):
        with Sink() as a, Sink() as b:
            report = document("--keep-going", *options, a.address, f"2@{dead_address()}", b.address)
            one, dead, other = report["targets"]
            assert report["messages"]["accepted"] == 600
            assert dead["messages"]["offered"] == 0 and dead["connections"]["made"] == 0
            # A rest each time, of 50 ms at least: without, every third connection would fail.
            assert 1 <= dead["connections"]["failed"] <= 200, dead["connections"]
            assert one["messages"]["accepted"] and other["messages"]["accepted"]
            assert [s.finish()["messages"] for s in (a, b)] == \
                [one["messages"]["accepted"], other["messages"]["accepted"]]


@test
def neither_does_one_that_takes_no_mail():
    busy = b"421 4.3.2 not now\r\n"
    for script in (lambda conn: None, lambda conn: conn.sendall(busy)):
        with Sink() as a, Closing(script) as b:
            report = document("--keep-going", "-s4", "-m600", a.address, b.address)
            assert accepted(report) == [600, 0]
            assert 1 <= report["targets"][1]["connections"]["made"] <= 200
            assert len(b.peers) == report["targets"][1]["connections"]["made"]


@test
def all_dead_is_waited_for():
    dead = [dead_address(), dead_address()]
    report = document("--keep-going", "--duration=1s", "-s4", *dead)
    assert report["messages"]["accepted"] == 0
    for row in report["targets"]:
        assert 1 <= row["connections"]["failed"] <= 20, row


@test
def one_that_comes_back_is_used():
    dead = dead_address()
    with Sink("-M", "20") as a:
        args = [SOURCE, "--report=json", "--keep-going", "-s4", "-m1M", "--rate=50", a.address, dead]
        with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as process:
            a.process.communicate(timeout=60)  # it has had its 20, and both are dead
            with Sink("-n", "10", where=dead) as b:
                b.process.communicate(timeout=60)
            process.send_signal(signal.SIGINT)
            report = json.loads(process.communicate(timeout=60)[0])
    check_sums(report)
    one, other = report["targets"]
    assert one["messages"]["accepted"] == 20, one["messages"]
    assert other["connections"]["failed"] > 0 and other["messages"]["accepted"] > 0, other


@test
def each_server_sees_all_addresses():
    def busy(conn):
        conn.sendall(b"421 4.3.2 not now\r\n")

    with Closing(busy) as a, Closing(busy) as b:
        done = run("-A", "-m16", "--bind", "127.0.0.2,127.0.0.3", a.address, b.address)
        assert done.returncode == 0, done.stderr
        for server in (a, b):
            assert server.peers == ["127.0.0.2", "127.0.0.3"] * 4, server.peers


@test
def each_name_is_checked_against_its_own():
    with tempfile.TemporaryDirectory() as folder:
        certs = Certs(folder)
        name, number = certs.make("name"), certs.make("number", names="IP:127.0.0.1")
        trust = ["-4", "--tls", "--tls-ca", certs.ca, "-m4", "-s2"]
        with Sink("--tls", "--tls-cert", name) as a, Sink("--tls", "--tls-cert", number) as b:
            host = "localhost:" + a.port
            assert accepted(document(*trust, host, b.address)) == [2, 2]
            done = run(*trust, a.address, b.address)
            assert done.returncode == 1 and f"({a.address})" in done.stderr, done.stderr
            done = run(*trust, "--tls-name=localhost", host, b.address)
            assert done.returncode == 1 and f"({b.address})" in done.stderr, done.stderr
            report = document(*trust, "--tls-resume=100%", "-m40", host, b.address)
            assert report["tls"]["full"] + report["tls"]["resumed"] == 40
            assert report["tls"]["full"] >= 2  # a session is its server's own


@test
def a_search_goes_to_all():
    with Sink() as a, Sink() as b:
        report = document("--find-sessions", "p99<10s", "--between=1..2", "--step-duration=200ms",
                          a.address, b.address)
        assert min(accepted(report)) > 0, accepted(report)


@test
def the_summary_and_the_tools():
    with Sink() as a, Sink() as b, Sink() as c, tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, n) for n in ("1", "2", "3")]
        for name, targets in zip(names, ([f"3@{a.address}", b.address], [b.address, c.address],
                                         [c.address])):
            done = run("-s4", "-m40", "--output", name, *targets)
            assert done.returncode == 0, done.stderr
            assert (f"  3@{a.address} " in done.stdout) == (name == names[0]), done.stdout
            assert all(len(line) <= 80 for line in done.stdout.splitlines())
        shown = subprocess.run([REPORT, "show", names[0]], capture_output=True, text=True,
                               check=True).stdout
        assert re.search(rf"  3@{a.address} +30 +0 +30 +0 +0 ", shown), shown

        def merged(*files):
            done = subprocess.run([REPORT, "merge", *files], capture_output=True, text=True,
                                  check=False)
            assert done.returncode == 0, done.stderr
            report = json.loads(done.stdout)
            validate(report)
            check_sums(report)
            return {r["endpoint"]: (r["weight"], r["messages"]["accepted"])
                    for r in report["targets"]}

        two = {a.address: (3, 30), b.address: (1, 10 + 20), c.address: (1, 20)}
        assert merged(*names[:2]) == two
        three = {**two, c.address: (1, 20 + 40)}
        assert merged(*names) == three and merged(*reversed(names)) == three
        page = subprocess.run([REPORT, "html", names[0]], capture_output=True, text=True,
                              check=True).stdout
        assert a.address in page


@test
def damaged_rows_are_refused():
    with Sink() as a, Sink() as b:
        text = run("--report=json", "-s4", "-m40", a.address, b.address).stdout
    for change, word in ((lambda t: t[0]["messages"].update(accepted=21, offered=21), "accepted"),
                         (lambda t: t[0]["messages"].update(offered=21), "offered"),
                         (lambda t: t[0]["connections"].update(made=3), "made"),
                         (lambda t: t[0]["latency"].pop("transaction"), "transaction"),
                         (lambda t: t.pop(), "targets"), (lambda t: t.clear(), "targets"),
                         (lambda t: t.append(7), "targets")):
        report = json.loads(text)
        change(report["targets"])
        done = subprocess.run([REPORT, "show", "-"], input=json.dumps(report), capture_output=True,
                              text=True, check=False)
        assert done.returncode == 1 and word in done.stderr, (word, done.stderr)
        assert len(done.stderr.splitlines()) == 1, done.stderr


@test
def wrong_values():
    many = [f"h{i}" for i in range(65)]
    for args, words in ((["0@a", "b"], ["0@a", "1 to 1000"]), (["a", "1001@b"], ["1001@b"]),
                        (["x@a"], ["bad weight in x@a"]), (["@a"], ["bad weight in @a"]),
                        (["3@", "a"], ["no host"]), (["a", "b", "2@a"], ["a is named twice"]),
                        (["a", "sink:"], ["sink:", "smtp-sink"]), (many, ["65", "64"]),
                        (["--fastopen", "127.0.0.1:1", "unix:/x"], ["--fastopen", "unix:/x"]),
                        (["--bind=127.0.0.1", "127.0.0.1:1", "unix:/x"], ["--bind", "unix:/x"])):
        one_line(run(*args), *words)


def main():
    failed = 0
    for function in TESTS:
        try:
            function()
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {function.__name__}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
