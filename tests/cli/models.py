#!/usr/bin/env python3
"""Load models from outside: targets, ends in time, going on, requirements, wrong values. Times are
never held against a clock more narrowly than what must be true on any machine.

    models.py BUILD
"""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "report"))
try:
    import validate
except SystemExit:
    validate = None

BUILD = sys.argv[1]
SOURCE = os.path.join(BUILD, "smtp-source")
SINK = os.path.join(BUILD, "smtp-sink")
OUTCOMES = ("accepted", "refused", "failed", "unknown", "missed")
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(*args, limit=60):
    return subprocess.run([SOURCE, *args], capture_output=True, text=True, timeout=limit,
                          check=False)


def document(*args, status=0, limit=60):
    """The report of a run, held against the schema and its sums."""
    done = run("--report=json", *args, limit=limit)
    assert done.returncode == status, (done.returncode, done.stderr)
    report = json.loads(done.stdout)
    if validate:
        schema = json.loads(validate.SCHEMA.read_text(encoding="utf-8"))
        wrong = validate.check(report, schema)
        assert not wrong, wrong
    return report


class Sink:
    """Ours, as a process; it can be ended and started again at the same address."""

    def __init__(self, *args):
        self.args = args
        self.where = "127.0.0.1:0"
        self.process = None
        self.start()

    def start(self):
        user = ["-u", "root"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([SINK, "--report=none", *user, *self.args, self.where],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        if self.where.endswith(":0"):
            line = self.process.stderr.readline()
            found = re.search(r"listening on (\S+)", line)
            assert found, line
            self.where = found.group(1)

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


@test
def a_target_rate_is_kept_to_the_message():
    for extra in ([], ["-d"], ["--threads=2"], ["--pipelining", "-d"], ["--spin"],
                  ["--per-connection=2..5"], ["--arrival=constant", "-d", "--seed=7"]):
        report = document("--rate=200/s", "--duration=1s", "-s", "10", *extra, "sink:")
        assert report["messages"]["offered"] == 200, (extra, report["messages"])
        assert report["messages"]["accepted"] + report["messages"]["missed"] == 200
        assert report["model"]["target_per_s"] == 200
        assert report["response"]["accepted"]["count"] == report["messages"]["accepted"]
        assert report["elapsed_ns"] >= 995 * 10**6, report["elapsed_ns"]
        # Each start was either free to go or waited.
        assert report["lag"]["start"]["count"] + report["starts"]["waited"] <= 200


@test
def stages_have_as_many_starts_as_their_integral():
    report = document("--stages", "0..200/s:1s, 200/s:500ms,0/s:200ms, 100/s:500ms", "-s", "10",
                      "sink:")
    assert report["messages"]["offered"] == 100 + 100 + 50, report["messages"]
    report = document("--stages=100:1s", "-m", "30", "sink:")
    assert report["messages"]["offered"] == 30


@test
def a_seed_repeats_a_schedule():
    counts = [document("--rate=300/s", "--arrival=poisson", "--duration=1s", f"--seed={seed}",
                       "-s5", "sink:")["messages"]["offered"] for seed in (1, 1, 2, 3, 4)]
    assert counts[0] == counts[1], counts
    assert len(set(counts)) > 1, counts
    assert all(200 < n < 400 for n in counts), counts


@test
def sessions_in_a_loop_end_in_time():
    report = document("--duration=500ms", "-s3", "-d", "sink:")
    assert report["messages"]["offered"] == report["messages"]["accepted"] > 0
    assert report["connections"]["made"] == 3
    assert report["elapsed_ns"] >= 495 * 10**6
    report = document("--duration=1h", "-m", "50", "sink:")
    assert report["messages"]["offered"] == 50


@test
def session_stages_and_idle_sessions():
    report = document("--session-stages", "0..4:400ms, 4:200ms, 1:300ms", "-d",
                      "--interval=50ms", "sink:")
    assert report["config"]["sessions"] == 4
    assert report["connections"]["made"] == 4, report["connections"]
    assert max(row["open"] for row in report["series"]["rows"]) == 4
    report = document("-m", "300", "-s2", "-d", "--idle-sessions=5", "sink:")
    assert report["connections"]["made"] == 7, report["connections"]
    assert report["sink"]["sessions"] == 7
    assert report["messages"]["accepted"] == 300
    report = document("--rate=100/s", "--duration=300ms", "--idle-sessions=3", "-d", "sink:")
    assert report["connections"]["made"] == 4, report["connections"]
    assert report["messages"]["offered"] == 30


@test
def messages_a_connection():
    report = document("-m", "20", "--per-connection=5", "sink:")
    assert report["connections"]["made"] == 4, report["connections"]
    report = document("-m", "200", "-s2", "--per-connection=3..9", "--seed=5", "sink:")
    assert 200 / 9 - 1 < report["connections"]["made"] < 200 / 3 + 3, report["connections"]


@test
def thinking_takes_time():
    for think in ("50ms", "40ms..60ms", "normal:50ms,1ms"):
        report = document("-m", "6", "-d", f"--think={think}", "sink:")
        assert report["elapsed_ns"] >= 5 * 38 * 10**6, (think, report["elapsed_ns"])
    report = document("-m", "6", "-d", "--think=exp:1ms", "sink:")
    assert report["messages"]["accepted"] == 6


@test
def a_warm_up_is_left_out():
    report = document("--rate=200/s", "--duration=500ms", "--warmup=500ms", "-s5", "-d", "sink:")
    warm = report["warmup"]["messages"]["offered"]
    assert warm + report["messages"]["offered"] == 200, report["messages"]
    assert 50 <= warm <= 150, warm
    assert report["connections"]["made"] < 5, "the connections were made in the warm-up"
    done = run("-m", "100", "-d", "--warmup=1h", "sink:")
    assert done.returncode == 0
    assert "warm-up" in done.stdout


@test
def late_starts_wait_or_are_dropped():
    # One session, and a server that takes a second for the reply to DATA.
    with Sink("-w", "1") as sink:
        report = document("--rate=20/s", "--duration=2s", "--late=drop:200ms", "-d", sink.where)
        assert report["messages"]["offered"] == 40, report["messages"]
        assert report["messages"]["missed"] >= 30, report["messages"]
        assert report["response"]["missed"]["min_ns"] > 200 * 10**6
        assert report["starts"]["waited"] >= 2
        report = document("--rate=20/s", "--duration=1s", "--late=wait", "-d", sink.where)
        assert report["messages"]["offered"] == 20
        assert report["response"]["accepted"]["max_ns"] > 1.5e9, "the wait in line counts"
        assert report["latency"]["transaction"]["max_ns"] < 5e9


@test
def requirements_make_the_exit_status():
    report = document("-m", "100", "--require=errors==0 and p99<1h", "--require=rate>=1/s",
                      "sink:")
    assert [r["met"] for r in report["requirements"]] == [True] * 3, report["requirements"]
    assert report["requirements"][0]["measured"] == 0
    report = document("-m", "100", "--require=accepted<50%", "sink:", status=3)
    assert report["requirements"] == [{"text": "accepted<50%", "met": False, "unit": "share",
                                       "measured": 1.0}]
    assert report["ended"] == "complete"
    done = run("-m", "10", "--require", "p50(tls)<1s", "sink:")
    assert done.returncode == 3, done.stdout
    assert "not measured, NOT MET" in done.stdout, done.stdout
    assert run("-m", "10", "--require=errors>0", "127.0.0.1:1").returncode == 1, "fatal goes before"


@test
def it_goes_on_after_refusals():
    with Sink("-r", "RCPT") as sink:
        report = document("-m", "50", "-s3", "--keep-going", sink.where)
        assert report["messages"]["refused"] == 50, report["messages"]
        assert report["ended"] == "complete"
        done = run("-m", "50", "--keep-going", "--report=none", sink.where)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with Sink("-q", "MAIL") as sink:  # closes the connection instead of an answer
        report = document("-m", "5", "-s5", "--keep-going", sink.where)
        assert report["messages"]["failed"] == 5, report["messages"]
        assert report["connections"]["lost"] == 5


@test
def a_condition_ends_it_early():
    with Sink("-r", "DATA") as sink:
        report = document("--duration=1h", "-d", "--stop-when=errors>5%", "--interval=100ms",
                          sink.where, status=3)
        assert report["ended"] == "stopped: errors>5%", report["ended"]
        report = document("--duration=1h", "-d", "--stop-when=refused>5 and accepted==0",
                          "--interval=50ms", sink.where, status=3)
        assert report["ended"] == "stopped: refused>5 and accepted==0", report["ended"]
    report = document("-m", "5", "--stop-when=connect-failures>=1", "--interval=20ms",
                      "127.0.0.1:1", status=3)
    assert report["messages"]["offered"] == 5
    assert report["messages"]["missed"] == 5, "nothing was taken, all was asked for"


@test
def a_restarted_server_costs_no_message():
    """Gone three times in mid-run: every message asked for is offered, and the sums agree."""
    with Sink() as sink:
        def trouble():
            for _ in range(3):
                time.sleep(0.4)
                sink.kill()
                time.sleep(0.3)
                sink.start()

        thread = threading.Thread(target=trouble)
        thread.start()
        report = document("--rate=300/s", "--duration=4s", "-s", "20", "-d", "--interval=100ms",
                          sink.where)
        thread.join()
        ends = report["messages"]
        assert ends["offered"] == 1200, ends
        assert ends["accepted"] > 600, ends
        assert report["connections"]["lost"] + report["connections"]["failed"] > 20
        # The outage is told by response time, not by service time alone: messages waited.
        assert report["response"]["accepted"]["max_ns"] > 200 * 10**6
        assert report["starts"]["waited"] > 0
        assert any(row["open"] == 0 for row in report["series"]["rows"][:-1])

        # With -m: whatever the server does, each message is taken once, and none in an outage.
        thread = threading.Thread(target=trouble)
        thread.start()
        report = document("-m", "2000", "-s5", "--keep-going", "--think=5ms", sink.where)
        thread.join()
        ends = report["messages"]
        assert ends["offered"] == 2000 and ends["missed"] == 0, ends
        assert ends["failed"] + ends["unknown"] <= 3 * 5, ends


@test
def a_server_that_is_not_there_yet():
    with Sink() as sink:
        sink.kill()
        thread = threading.Timer(0.7, sink.start)
        thread.start()
        report = document("-m", "20", "--keep-going", sink.where)
        thread.join()
        assert report["messages"]["accepted"] == 20, report["messages"]
        assert 1 < report["connections"]["failed"] < 40, report["connections"]


def given_up(report):
    return report["ended"].startswith("fatal: no connection got ready for a message in 1.00 s")


@test
def a_server_that_serves_nobody_is_given_up():
    for args in (["-m", "7", "--keep-going"], ["-m", "7", "--rate=100/s", "--threads=2", "-s2"],
                 ["--duration=1h"], ["--session-stages=0..3:1s,3:1h"]):
        done = run("--report=json", *args, "--give-up=1s", "127.0.0.1:1")
        assert done.returncode == 1, (args, done)
        report = json.loads(done.stdout)
        assert given_up(report), (args, report["ended"])
        assert report["messages"]["accepted"] == 0
        if "-m" in args:
            assert report["messages"]["missed"] == report["messages"]["offered"], report["messages"]
        told = [line for line in done.stderr.splitlines() if "still trying" in line]
        assert len(told) == 1 and "connect: Connection refused (127.0.0.1:1)" in told[0], done.stderr
    for fault, words in (("CONNECT", "rejected at server banner: 500 "),
                         ("EHLO,HELO", "ELO rejected: 500 ")):
        with Sink("-f", fault) as sink:
            done = run("--report=json", "-m5", "-s3", "--ehlo", "--keep-going", "--give-up=1s",
                       sink.where)
            report = json.loads(done.stdout)
            assert done.returncode == 1 and given_up(report), report["ended"]
            assert words in done.stderr, done.stderr
            assert report["messages"]["missed"] == 5, "none was taken"
    with Sink("-f", "MAIL") as sink:  # what is refused has ended
        report = document("-m5", "-s2", "--keep-going", "--give-up=1s", sink.where)
        assert report["messages"]["refused"] == 5, report["messages"]


@test
def who_pauses_does_not_give_up():
    for args in (["--think=3s", "-m2", "--keep-going"], ["--rate=0.4/s", "-m2"],
                 ["--session-stages=1:500ms,0:3s,1:500ms"]):
        done = run("--report=json", *args, "--give-up=2s", "sink:")
        report = json.loads(done.stdout)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert report["messages"]["accepted"] >= 2, report["messages"]


@test
def a_stop_counts_what_was_due():
    for stop in (2, 15):
        p = subprocess.Popen([SOURCE, "--report=json", "--rate=100/s", "--duration=1h", "sink:"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.6)
        p.send_signal(stop)
        out, err = p.communicate(timeout=20)
        assert p.returncode == 1, err
        report = json.loads(out)
        assert report["ended"] == "interrupted"
        assert 10 < report["messages"]["offered"] < 2000, report["messages"]


@test
def a_search_finds_what_it_can():
    """Bounds that hold, bounds that don't; how good a limit is found shows in the simulation."""
    for _ in range(3):
        done = run("--report=json", "--find-rate=errors==0 and p99<30s", "--between=20/s..100/s",
                   "--step-duration=200ms", "-s5", "-d", "sink:")
        search = json.loads(done.stdout)["search"]
        if search["found"] == 100:
            break  # else this machine could not hold it
    assert done.returncode == (0 if search["found"] else 3), done
    if search["limited_by"] == "bound":
        assert search["found"] == 100, search
    assert [s["level"] for s in search["steps"]][:2] == [20, 40], search
    # One session and a second for each message: 5 a second is too much, with or without words.
    with Sink("-w", "1") as sink:
        report = document("--find-rate=offered>0", "--between=5..100", "--step-duration=2s", "-d",
                          sink.where, status=3)
        assert report["search"]["found"] is None, report["search"]
    report = document("--find-sessions=errors==0", "--between=2..5", "--step-duration=200ms",
                      "sink:")
    assert report["search"]["found"] == 5, report["search"]
    assert report["config"]["sessions"] == 5
    numbers = [s["level"] for s in report["search"]["steps"]]
    assert numbers == [2, 4, 5, 5], numbers
    done = run("--find-sessions=accepted<0", "--between=1..2", "--step-duration=100ms", "sink:")
    assert done.returncode == 3 and "nothing that qualifies" in done.stdout, done.stdout


@test
def a_run_that_is_all_warm_up_says_so():
    done = run("-m", "10", "--warmup=1h", "--report=json", "sink:")
    assert done.returncode == 0 and "over before --warmup was" in done.stderr, done
    report = json.loads(done.stdout)
    assert report["messages"]["offered"] == 0 and report["warmup"]["messages"]["accepted"] == 10


@test
def a_search_that_is_interrupted_says_so():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        with subprocess.Popen([SOURCE, "--find-rate=errors==0", "--between=100/s..100/s", "-d",
                               "--step-duration=1h", "--report=json",
                               f"127.0.0.1:{server.getsockname()[1]}"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as search:
            with server.accept()[0]:
                search.send_signal(signal.SIGINT)
                report = json.loads(search.communicate(timeout=20)[0])
    assert search.returncode == 1
    assert report["search"]["found"] is None and report["search"]["steps"] == [], report["search"]
    assert report["search"]["limited_by"] == "interrupted", report["search"]


def within(found, limit):
    return found is not None and 0.95 * limit <= found <= 1.05 * limit


@test
def a_search_finds_a_limit_that_is_known():
    """A sink's limits. What holds up this machine may hold up a search, but never make it better."""
    with open("limits", "w", encoding="utf-8") as f:
        f.write("[default]\nMAIL rate 200/s burst 15 per client\nCONNECT connections 7\n")
    with Sink("--profile", "limits") as sink:
        for _ in range(3):
            report = document("--find-sessions=errors<=100%", "--between=2..20",
                              "--step-duration=500ms", "-d", "--think=50ms", sink.where)
            search = report["search"]
            if search["found"] == 7:
                break
        assert search["found"] == 7 and search["limited_by"] == "condition", search
        for _ in range(3):
            done = run("--report=json", "-s7", "-d", "--find-rate=errors==0",
                       "--between=150/s..300/s", "--step-duration=1500ms", sink.where)
            search = json.loads(done.stdout)["search"]
            if within(search["found"], 200):
                break
            assert (search["found"] or 0) < 200, search
        assert within(search["found"], 200) or search["limited_by"] == "generator", search


@test
def the_summary_tells():
    done = run("--rate=100/s", "--duration=500ms", "--warmup=100ms", "--interval=100ms", "-s5",
               "--require=p99<1h", "sink:")
    assert done.returncode == 0, done.stderr
    for word in ("target ", "starts ", "lag of the generator", "bottleneck ", "warm-up ",
                 "required ", "p99<1h: ", ", met", "response ", "until accepted"):
        assert word in done.stdout, (word, done.stdout)
    assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout


WRONG = (
    (["--rate=x", "-m1"], "bad rate: x"),
    (["--rate=", "-m1"], "bad rate: empty"),
    (["--rate=0", "-m1"], "bad rate: 0"),
    (["--rate=-5", "-m1"], "bad rate: -5"),
    (["--rate=5/day", "-m1"], "bad rate: 5/day"),
    (["--rate=1000M/s", "-m1"], "bad rate: 1000M/s"),
    (["--rate=5"], "--rate needs --duration or -m"),
    (["--rate=5", "--stages=5:1s"], "--rate cannot be used with --stages"),
    (["--duration=5", "--stages=5:1s"], "--duration cannot be used with --stages"),
    (["--duration=0"], "--duration must be more than 0"),
    (["--duration=x"], "bad duration: x"),
    (["--duration=400d"], "bad duration: 400d"),
    (["--warmup=x"], "bad warm-up time: x"),
    (["--warmup=5s", "--stages=5:1s"], "--warmup leaves nothing"),
    (["--stages=5"], "bad stage: 5 (--stages: a stage is RATE:TIME"),
    (["--stages=5:1s,"], "bad stage: empty"),
    (["--stages=0:1s"], "nothing is ever started"),
    (["--session-stages=5/s:1s"], "bad stage: 5/s:1s (--session-stages: a stage is SESSIONS:TIME"),
    (["--session-stages=5:1s", "-s5"], "-s cannot be used with --session-stages"),
    (["--session-stages=5:1s", "--rate=5"], "--session-stages cannot be used with a target rate"),
    (["--idle-sessions=0"], "--idle-sessions must be more than 0"),
    (["--idle-sessions=x"], "bad number of idle sessions: x"),
    (["--per-connection=0"], "bad messages per connection: 0 (--per-connection takes"),
    (["--per-connection=5..2"], "the range ends before it begins"),
    (["--think=x"], "bad think time: x (--think takes"),
    (["--stages=5:99999999999999999999s"], "longer than ten years in all (--stages)"),
    (["--think=1s", "-w1"], "--think cannot be used with -w or -R"),
    (["--rate=5", "-m1", "-w1"], "-w, -R or --think cannot be used with a target rate"),
    (["--stages=5:1s", "--think=1s"], "-w, -R or --think cannot be used with a target rate"),
    (["--late=drop"], "bad lateness: drop"),
    (["--late=drop:1s"], "--late needs a target rate"),
    (["--spin"], "--spin needs a target rate"),
    (["--arrival=poisson"], "--arrival needs a target rate"),
    (["--arrival=uniform"], "bad arrival process: uniform"),
    (["--seed=x"], "bad seed: x"),
    (["--seed=0"], "bad seed: 0"),
    (["--stop-when=x"], "bad condition: x (--stop-when"),
    (["--require=errors==0 and"], "bad condition: empty"),
    (["--require=p99"], "bad condition: p99 (--require"),
    (["--require=p99<250"], "bad condition: p99<250"),
    (["--require=rate>=0.99*target"], "--require: there is a target, response and lag only with"),
    (["--require=p99(lag)<1ms"], "--require: there is a target, response and lag only with"),
    (["--stop-when=max(response)>1s"], "--stop-when: there is a target, response and lag only"),
    (["--find-rate=x"], "bad condition: x (--find-rate"),
    (["--find-rate=errors==0", "--find-sessions=errors==0"], "cannot be used with"),
    (["--find-rate=errors==0", "--rate=5", "-m1"], "--find-rate cannot be used with --rate"),
    (["--find-rate=errors==0", "-m1"], "--find-rate cannot be used with --duration or -m"),
    (["--find-rate=errors==0", "--between=5"], "bad bounds: 5 (--between takes two rates"),
    (["--find-rate=errors==0", "--between=5..1"], "bad bounds: 5..1"),
    (["--find-rate=errors==0", "--between=0..1"], "bad bounds: 0..1"),
    (["--find-sessions=errors==0", "--between=1/s..2/s"], "two numbers of sessions"),
    (["--find-sessions=errors==0", "-s5"], "--find-sessions cannot be used with -s"),
    (["--find-sessions=rate>target"], "--find-sessions: there is a target"),
    (["--find-rate=errors==0", "--rate=5"], "--find-rate cannot be used with --rate"),
    (["--find-rate=errors==0", "--session-stages=5:1s"], "--find-rate cannot be used with"),
    (["--find-rate=errors==0", "--between=1/s..2/min"], "the lower one comes first"),
    (["--find-rate=errors==0", "--between=1..200M"], "at most 100M/s"),
    (["--find-rate=errors==0", "--between=5..9", "--step-duration=400ms"],
     "--step-duration is too short for the lower bound"),
    (["--between=1..2"], "--between needs --find-rate"),
    (["--step-duration=1s"], "--step-duration needs --find-rate"),
    (["--find-rate=errors==0", "--step-duration=1ms"], "bad step duration: 1ms"),
    (["--interval=1ms"], "bad interval: 1ms (--interval must be at least 10 milliseconds)"),
    (["--interval=400d"], "bad interval: 400d (--interval must be at most 365 days)"),
    (["--session-stages=2M:1s"], "bad stage: 2M:1s (--session-stages: 1000000 sessions at most)"),
    (["--give-up=1s"], "--give-up needs --keep-going"),
    (["--give-up=never"], "bad time to give up after: never"),
    (["--give-up=0", "--keep-going"], "--give-up must be more than 0"),
    (["--keep-going=yes"], "option takes no argument"),
)


@test
def wrong_values_are_told_in_one_line():
    for args, words in WRONG:
        done = run(*args, "sink:", limit=10)
        assert done.returncode == 1, (args, done.returncode)
        assert done.stdout == "", args
        assert done.stderr.count("\n") == 1 and words in done.stderr, (args, done.stderr)


@test
def the_first_failure_is_told_where_the_run_goes_on():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for options in (["--rate=100/s"], ["--keep-going"]):
        done = run("--quiet", "-s", "4", *options, "--duration=0.5s", f"127.0.0.1:{port}")
        assert done.stderr.count("\n") == 1, (options, done.stderr)
        assert "warning: connect: Connection refused" in done.stderr, (options, done.stderr)
    with Sink("-q", "MAIL") as sink:
        done = run("--quiet", "-s", "4", "-m", "8", "--keep-going", sink.where)
        assert done.stderr.count("\n") == 1, done.stderr
        assert "warning: lost connection while sending sender" in done.stderr, done.stderr
    with Sink("--tls") as sink:
        done = run("--quiet", "-s", "4", "--rate=50/s", "--duration=0.5s", "--tls", sink.where)
        assert done.stderr.count("\n") == 1, done.stderr
        assert "warning: TLS: bad certificate" in done.stderr, done.stderr


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(pathlib.Path(directory))
        for function in TESTS:
            try:
                function()
            except (AssertionError, subprocess.SubprocessError, KeyError, ValueError) as error:
                print(f"{function.__name__}: {type(error).__name__}: {error}")
                failed += 1
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    BUILD = os.path.abspath(BUILD)
    SOURCE = os.path.join(BUILD, "smtp-source")
    SINK = os.path.join(BUILD, "smtp-sink")
    sys.exit(main())
