#!/usr/bin/env python3
"""Reports from outside: smtp-report on files of real runs, --html, --config, completion in shells.

    programs.py BUILD
"""
import csv
import datetime
import decimal
import io
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
SOURCE = os.path.join(BUILD, "smtp-source")
SINK = os.path.join(BUILD, "smtp-sink")
REPORT = os.path.join(BUILD, "smtp-report")
HERE = os.path.dirname(os.path.abspath(__file__))
VALIDATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "validate.py")
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(*args, given=None, status=0, env=None):
    done = subprocess.run(args, capture_output=True, text=True, timeout=60, check=False,
                          input=given, env=env)
    assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
    return done


def fails(*args, says):
    """Exit status 1, and one line that holds the text."""
    error = run(*args, status=1).stderr
    assert error.count("\n") == 1 and "fatal: " in error and says in error, error


def read(path):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def valid(*paths):
    done = subprocess.run([sys.executable, VALIDATE, *paths], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode in (0, 77), done.stderr  # 77: no python3-jsonschema


def load(name, *args):
    """A short run of the source with its report in a file; what it printed."""
    return run(SOURCE, "-d", "-s", "2", *args, "--output", name, "sink:").stdout


@test
def shows_what_was_shown():
    printed = load("a.json", "-m", "50")
    assert run(REPORT, "show", "a.json").stdout == printed
    with open("a.json", encoding="utf-8") as f:
        assert run(REPORT, "show", "-", given=f.read()).stdout == printed


@test
def shows_models_as_they_were():
    """The text of the run and that of its document are the same, whatever the load was."""
    fails(SOURCE, "--interval", "1ms", "sink:", says="at least 10 milliseconds")
    rate = ["-s", "3", "--rate", "100/s", "--duration", "1s"]
    for args, status in (
            ([*rate, "--warmup", "300ms", "--interval", "200ms", "--arrival", "poisson", "--seed", "7",
              "--require", "p99<60s and errors==0", "--require", "rate>=0.01*target"], 0),
            ([*rate, "--threads", "2", "--require", "p50(rcpt)<1ns", "--require", "p99(rset)<1s"], 3),
            (["-s", "2", "--find-rate", "p99<60s", "--between", "20/s..40/s", "--step", "300ms"], 0),
            (["--find-sessions", "p99<1ns", "--between", "1..2", "--step", "200ms",
              "-d"], 3),
            (["-d", "-s", "2", "--duration", "1s", "--interval", "10ms", "--rate", "50/s",
              "--stop-when", "errors>=100%"], 0)):
        printed = run(SOURCE, *args, "--output", "a.json", "sink:", status=status).stdout
        assert run(REPORT, "show", "a.json").stdout == printed, args
        valid("a.json")


def parts_of(row):
    return {low: count for low, count in row.get("buckets", [])}


def table_of(document):
    run(REPORT, "csv", document, "-o", "table.csv")
    text = pathlib.Path("table.csv").read_bytes().decode()
    assert text.count("\n") == text.count("\r\n"), text
    return list(csv.DictReader(io.StringIO(text, newline="")))


@test
def series_as_csv():
    run(SOURCE, "-s", "3", "--rate", "100/s", "--duration", "1200ms", "--interval", "250ms", "--quiet",
        "--csv", "a.csv", "--output", "a.json", "sink:")
    text = pathlib.Path("a.csv").read_bytes().decode()
    assert run(REPORT, "csv", "a.json", "-o", "b.csv").stdout == ""
    assert pathlib.Path("b.csv").read_bytes().decode() == text
    document = read("a.json")
    rows = table_of("a.json")
    assert len(rows) == len(document["series"]["rows"]) >= 4
    start = datetime.datetime.fromisoformat(document["started_at"].replace("Z", "+00:00"))
    for row, told in zip(rows, document["series"]["rows"]):
        for name in ("offered", "accepted", "refused", "failed", "unknown", "missed"):
            assert int(row[name]) == told[name], (row, told)
        assert int(row["open_connections"]) == told["open"]
        for name in ("p50", "p99", "max", "lag_max"):
            if told[name + "_ns"] is None:
                assert row[name + "_s"] == ""
            else:
                assert decimal.Decimal(row[name + "_s"]) * 10**9 == told[name + "_ns"], row
        assert decimal.Decimal(row["begin_s"]) * 10**9 == told["begin_ns"]
        assert decimal.Decimal(row["interval_s"]) * 10**9 == told["end_ns"] - told["begin_ns"]
        when = datetime.datetime.fromisoformat(row["time"].replace("Z", "+00:00"))
        assert abs((when - start).total_seconds() - float(row["begin_s"])) <= 0.0011, row
        assert row["series"] == "1" and len(row) == 15
    run(SOURCE, "-d", "-m", "5", "--quiet", "--interval", "500ms", "--output", "b.json", "sink:")
    run(REPORT, "merge", "a.json", "b.json", "-o", "ab.json")
    assert {row["series"] for row in table_of("ab.json")} == {"1", "2"}
    # After a pause, the clock is ahead of the run; and a row may have no latency.
    for row in document["series"]["rows"][1:]:
        row["paused_ns"] = 3600 * 10**9
    document["series"]["rows"][1].update(p50_ns=None, p99_ns=None, max_ns=None)
    del document["series"]["rows"][1]["buckets"]
    pathlib.Path("c.json").write_text(json.dumps(document), encoding="utf-8")
    paused = table_of("c.json")
    assert paused[1]["time"] == rows[1]["time"] and paused[1]["p99_s"] == ""
    assert paused[2]["time"] != rows[2]["time"] and paused[2]["begin_s"] == rows[2]["begin_s"]
    fails(REPORT, "csv", str(pathlib.Path(HERE, "old", "without-model.json")), says="tells of no series")
    fails(REPORT, "csv", "a.json", "-o", "a.json", says="would replace the run")
    fails(SOURCE, "--csv", "", "sink:", says="bad output file: empty (--csv takes a file name)")
    fails(SOURCE, "--csv", "x", "--html", "x", "sink:", says="--html and --csv name the same file")


@test
def merges_series():
    """Two shards of one load: rows add up, and so do their histograms."""
    shard = ["-s", "3", "--duration", "1s", "--interval", "250ms", "--quiet", "--require",
             "rate>=0.01*target", "--output"]
    for name, rate in (("a.json", "80/s"), ("b.json", "120/s")):
        run(SOURCE, *shard, name, "--rate", rate, "sink:")
    other = read("b.json")
    # As if they had run at once.
    other["started_at"] = other["series"]["started_at"] = read("a.json")["started_at"]
    pathlib.Path("b.json").write_text(json.dumps(other), encoding="utf-8")
    said = run(REPORT, "merge", "a.json", "b.json", "-o", "ab.json").stderr
    assert said == "", said
    valid("ab.json")
    a, b, ab = (read(name) for name in ("a.json", "b.json", "ab.json"))
    assert "series_apart" not in ab and "notes" not in ab
    rows = [r["series"]["rows"] for r in (a, b, ab)]
    assert len(rows[2]) == max(len(rows[0]), len(rows[1]))
    for i, row in enumerate(rows[2]):
        parts = [r[i] for r in rows[:2] if i < len(r)]
        for field in ("offered", "accepted", "open"):
            assert row[field] == sum(part[field] for part in parts), (i, field)
        together = {}
        for part in parts:
            for low, count in parts_of(part).items():
                together[low] = together.get(low, 0) + count
        assert parts_of(row) == together, i
        assert row["max_ns"] == max((p["max_ns"] or 0 for p in parts), default=0) or not together
    assert abs(ab["model"]["target_per_s"] - 200) < 10, ab["model"]
    assert ab["requirements"][0]["met"] and len(ab["workers"]) == 2
    assert ab["verdict"]["bottleneck"]
    run(SOURCE, *shard, "c.json", "--rate", "50/s", "--require", "errors==0", "sink:")
    said = run(REPORT, "merge", "ab.json", "c.json", "-o", "abc.json").stderr
    assert "note: the series over time stand side by side" in said, said
    assert "note: requirements are left out" in said and said.count("\n") == 2, said
    valid("abc.json")
    abc = read("abc.json")
    assert abc["series_apart"] == [ab["series"], read("c.json")["series"]], abc["series_apart"]
    assert "requirements" not in abc and len(abc["notes"]) == 2
    shown = run(REPORT, "show", "abc.json").stdout
    assert "  note         requirements are left out: " in shown and "\n  from 20" in shown, shown
    # Again merged, they still align with what they came from.
    run(SOURCE, *shard, "d.json", "--rate", "50/s", "--require", "errors==0", "sink:")
    other = dict(read("d.json"), started_at=abc["series_apart"][1]["started_at"])
    other["series"]["started_at"] = other["started_at"]
    pathlib.Path("d.json").write_text(json.dumps(other), encoding="utf-8")
    run(REPORT, "merge", "abc.json", "d.json", "-o", "abcd.json")
    valid("abcd.json")
    assert len(read("abcd.json")["series_apart"]) == 2


@test
def what_tables_had_no_room_for_is_told():
    document = json.loads(pathlib.Path(HERE, "old", "without-buckets.json").read_text(
        encoding="utf-8"))
    document["replies"]["refused"] = document["refusals_other"]["replies"] = 5
    pathlib.Path("a.json").write_text(json.dumps(document), encoding="utf-8")
    pathlib.Path("b.json").write_text(json.dumps(dict(document, run_id="b")), encoding="utf-8")
    said = run(REPORT, "merge", "a.json", "b.json", "-o", "ab.json").stderr
    assert "note: kinds of refusals that a run had no room for are counted as other" in said, said
    assert read("ab.json")["refusals_other"]["replies"] == 10


@test
def old_documents_are_read():
    """What earlier versions wrote: before there were models, and before rows had histograms."""
    old = sorted(pathlib.Path(HERE, "old").glob("*.json"))
    assert len(old) >= 2
    load("new.json", "-m", "5")
    for path in old:
        assert "accepted" in run(REPORT, "show", path).stdout
        run(REPORT, "html", path, "-o", "a.html")
        run(REPORT, "compare", path, "new.json")
        run(REPORT, "merge", path, "new.json", "-o", "both.json")
        again = read("both.json")
        assert again["messages"]["accepted"] == read(path)["messages"]["accepted"] + 5
        run(REPORT, "show", "both.json")
    document = read(old[0])
    assert "buckets" not in document["series"]["rows"][0]
    # Percentiles of two cannot be known from theirs.
    pathlib.Path("b.json").write_text(json.dumps(dict(document, run_id="b")), encoding="utf-8")
    run(REPORT, "merge", old[0], "b.json", "-o", "ab.json")
    valid("ab.json")
    row = read("ab.json")["series"]["rows"][0]
    assert row["p99_ns"] is None and row["max_ns"] == document["series"]["rows"][0]["max_ns"]
    assert row["accepted"] == 2 * document["series"]["rows"][0]["accepted"]


@test
def merges_exactly():
    load("a.json", "-m", "50")
    load("b.json", "-m", "70", "-r", "2")
    run(REPORT, "merge", "a.json", "b.json", "-o", "ab.json")
    to_stdout = run(REPORT, "merge", "a.json", "b.json").stdout
    a, b, both = read("a.json"), read("b.json"), read("ab.json")
    assert json.loads(to_stdout) == both
    valid("a.json", "b.json", "ab.json")
    assert both["messages"]["accepted"] == 120
    assert both["recipients"]["accepted"] == 50 + 140
    assert both["config"]["recipients_per_message"] is None
    assert [p["run_id"] for p in both["merged"]] == [a["run_id"], b["run_id"]]
    for phase, d in both["latency"].items():
        parts = [r["latency"][phase] for r in (a, b)]
        assert int(d["sum_ns"]) == sum(int(p["sum_ns"]) for p in parts)
        buckets = {}
        for low, count in parts[0]["buckets"] + parts[1]["buckets"]:
            buckets[low] = buckets.get(low, 0) + count
        assert d["buckets"] == sorted([low, n] for low, n in buckets.items())
    load("c.json", "-m", "10")
    run(REPORT, "merge", "ab.json", "c.json", "--output=abc.json")
    assert len(read("abc.json")["merged"]) == 3
    assert "runs         3 merged" in run(REPORT, "show", "abc.json").stdout
    fails(REPORT, "merge", "abc.json", "b.json", says="among the others already")


@test
def merges_sinks():
    for name in ("x.json", "y.json"):
        with subprocess.Popen([SINK, "-M", "20", "--report=json", f"unix:{os.getcwd()}/s"],
                              stdout=open(name, "w", encoding="utf-8")) as sink:
            run(SOURCE, "--quiet", "-C", "100000000", "-d", "-m", "20", f"unix:{os.getcwd()}/s")
            sink.wait(timeout=30)
        os.unlink("s")
    run(REPORT, "merge", "x.json", "y.json", "-o", "xy.json")
    valid("xy.json")
    assert read("xy.json")["sink"]["messages"] == 40
    assert read("x.json")["command_line"].startswith(SINK + " -M 20 ")
    assert "runs         2 merged" in run(REPORT, "show", "xy.json").stdout
    load("a.json", "-m", "5")
    fails(REPORT, "merge", "x.json", "a.json", says="a source and a sink have no sum")
    fails(REPORT, "compare", "x.json", "y.json", says="is a report of a sink")
    fails(REPORT, "html", "x.json", "-o", "x.html", says="is a report of a sink")


@test
def limits_and_exit_status():
    load("a.json", "-m", "50")
    load("b.json", "-m", "60")
    out = run(REPORT, "compare", "a.json", "b.json").stdout
    assert "  differ in    messages\n" in out and "\n  rate " in out, out
    out = run(REPORT, "compare", "a.json", "b.json", "--fail-if", "accepted>+9", "--fail-if",
              "errors>0", status=3).stdout
    assert "  FAIL accepted>+9: accepted is 60, +20.0% from 50\n" in out, out
    assert "  ok   errors>0: errors is 0\n" in out, out
    run(REPORT, "compare", "a.json", "b.json", "--fail-if=accepted>+10")
    run(REPORT, "compare", "a.json", "a.json", "--fail-if=p99>+0%", "--fail-if=rate<-0%")
    fails(REPORT, "compare", "a.json", "b.json", "--fail-if", "p99(rset)>1ms", says="can't be judged")
    fails(REPORT, "compare", "a.json", "b.json", "--fail-if", "p99=1",
          says="bad condition: p99=1")
    fails(SOURCE, "--require", "p99>+10%", "sink:", says="that is for smtp-report compare")
    fails(SOURCE, "--stop-when", "cpu>1ms", "sink:", says="cpu is known when a run is over")
    load("c.json", "-m", "9", "--require", "cpu<10s and mean(rcpt)<60s")


def with_series(document, name, speed, seed, count=30):
    """The document with a simulated series: a tenth of noise about a speed."""
    noise = random.Random(seed)
    rows = []
    for i in range(count):
        accepted = round(1000 * speed * math.exp(noise.gauss(0, 0.05)))
        p50, p99 = (round(level / speed * math.exp(noise.gauss(0, 0.05))) for level in (1e6, 5e6))
        rows.append({"begin_ns": i * 10**9, "end_ns": (i + 1) * 10**9, "offered": accepted,
                     "accepted": accepted, "refused": 0, "failed": 0, "unknown": 0, "missed": 0,
                     "open": 2, "p50_ns": p50, "p99_ns": p99, "max_ns": p99, "lag_max_ns": 0})
    document = dict(document, run_id=name,
                    series={"interval_ns": 10**9, "merged": 1, "rows": rows})
    pathlib.Path(name).write_text(json.dumps(document), encoding="utf-8")
    return document


@test
def noise_and_change_are_told_apart():
    load("a.json", "-m", "50")
    document = read("a.json")
    document.pop("series", None)
    pathlib.Path("none.json").write_text(json.dumps(document), encoding="utf-8")
    with_series(document, "base.json", 1, 1)
    called = []
    for seed in range(2, 22):
        with_series(document, "same.json", 1, seed)
        with_series(document, "slow.json", 0.9, seed)
        same = run(REPORT, "compare", "base.json", "same.json").stdout.splitlines()
        slow = run(REPORT, "compare", "base.json", "slow.json").stdout.splitlines()
        called.append((same[-1], slow[-1]))
        assert any(line.startswith("  rate         changed    median -") for line in slow), slow
    # 1 in 100 may be called changed; 2 of 20 would be one case in sixty.
    assert sum(same.split()[-1] == "changed" for same, _ in called) <= 1, called
    assert all(slow == "  in all       changed" for _, slow in called), called
    out = run(REPORT, "compare", "base.json", "none.json").stdout
    assert "No interval data in the new run" in out, out
    assert "No interval data in either run" in run(REPORT, "compare", "none.json",
                                                   "none.json").stdout
    with_series(document, "short.json", 1, 3, count=8)
    assert "Too few intervals (30 and 8;" in run(REPORT, "compare", "base.json",
                                                 "short.json").stdout
    other = with_series(document, "other.json", 1, 4)
    other["series"]["interval_ns"] = 5
    pathlib.Path("other.json").write_text(json.dumps(other), encoding="utf-8")
    assert "Intervals of different lengths" in run(REPORT, "compare", "base.json",
                                                   "other.json").stdout
    for change in ({"rows": 5}, {"rows": [{}]}, {"merged": -1},
                   {"rows": other["series"]["rows"][::-1]}):
        broken = dict(document, series=dict(other["series"], **change))
        pathlib.Path("broken.json").write_text(json.dumps(broken), encoding="utf-8")
        fails(REPORT, "show", "broken.json", says="broken.json: series ")


@test
def mistakes_are_told():
    load("a.json", "-m", "5")
    for args, says in (
            ([], "no command given"), (["look", "a.json"], "no such command: look"),
            (["show"], "needs more files"), (["show", "a.json", "a.json"], "takes fewer files"),
            (["merge", "a.json"], "needs more files"), (["compare", "a.json"], "needs more files"),
            (["show", "a.json", "-o", "x"], "--output is for merge, html and csv"),
            (["show", "a.json", "--fail-if", "p99>1s"], "--fail-if is for compare"),
            (["show", "none.json"], "open none.json: No such file"),
            (["show", "."], "read .: Is a directory"),
            (["show", "/dev/null"], "/dev/null: not a report"),
            (["html", "a.json", "-o", "."], "is a directory"),
            (["html", "a.json", "-o", ""], "empty"),
            (["html", "a.json", "-o", "no/x"], "open no/x: No such file"),
            (["html", "a.json", "-o", "/dev/full"], "write"),
            (["html", "a.json", "-o", "./a.json"], "would replace the run"),
            (["show", "--bogus"], "invalid option")):
        fails(REPORT, *args, says=says)
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([REPORT, "show", "a.json"], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=20, check=False)
    assert done.returncode == 1 and "No space left" in done.stderr, done.stderr
    pathlib.Path("other.json").write_text('{"tests": []}', encoding="utf-8")
    fails(REPORT, "show", "other.json", says="other.json: not a report of smtp-source")
    text = pathlib.Path("a.json").read_text(encoding="utf-8")
    pathlib.Path("cut.json").write_text(text[:len(text) // 2], encoding="utf-8")
    fails(REPORT, "show", "cut.json", says="cut.json: not a report: no JSON at line")
    assert not [n for n in os.listdir(".") if "tmp" in n]
    assert run(REPORT, "--version").stdout.startswith("smtp-report ")


@test
def full_disks_are_told():
    done = run(SOURCE, "-m", "3", "--output", "/dev/full", "sink:", status=1)
    assert "write /dev/full: No space left on device" in done.stderr, done.stderr
    fails(SOURCE, "--quiet", "--html", "x", "--output", "x", "sink:", says="name the same file: x")
    fails(SOURCE, "--quiet", "--html", "x", "--output", "./x", "sink:",
          says="--output and --html name the same file: x")
    for option in ("--html", "--csv", "--hdr"):
        fails(SOURCE, "--quiet", "-m", "3", option, "/dev/full", "sink:", says="No space left")
    done = run(SOURCE, "-m", "3", "--html", "/dev/full", "sink:", status=1)
    assert "write /dev/full: No space left on device" in done.stderr, done.stderr


def sink_run(*args, given=None, status=0):
    """A run of the sink that ends by itself: standard output, standard error."""
    with subprocess.Popen([SINK, "-M", "3", *args, "unix:here"], stdout=given or subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as p:
        for _ in range(1000):
            if p.poll() is not None:
                break
            done = subprocess.run([SOURCE, "--quiet", "-m", "3", "unix:here"], capture_output=True,
                                  check=False, timeout=20)
            if done.returncode == 0:
                break
            time.sleep(0.02)
        out, error = p.communicate(timeout=20)
    assert p.returncode == status, (args, p.returncode, error)
    return out, error


@test
def the_sink_writes_its_document():
    out, _ = sink_run("--report=json", "--output", "sink.json")
    assert json.loads(out) == read("sink.json") and read("sink.json")["sink"]["messages"] == 3, out
    valid("sink.json")
    out, _ = sink_run("--quiet", "--output", "sink.json")
    assert out == "" and read("sink.json")["sink"]["messages"] == 3, out
    for name, says in (("", "output file: empty"), ("no/x", "open no/x: No such file"),
                       (".", "open .: is a directory")):
        error = run(SINK, "--output", name, "unix:here", status=1).stderr.splitlines()
        assert says in error[-1] and all("running as" in line for line in error[:-1]), error
    _, error = sink_run("--output", "/dev/full", "--report=json", status=1)
    assert "fatal: write /dev/full: No space left on device" in error, error
    assert not [n for n in os.listdir(".") if "tmp" in n]


@test
def a_report_that_nobody_can_read_is_told():
    load("a.json", "-m", "5")
    # The same beginning, so that nothing else is to be said of merging them.
    pathlib.Path("c.json").write_text(json.dumps(dict(read("a.json"), run_id="0123456789abcdef")),
                                      encoding="utf-8")
    sink_run("--quiet", "--output", "b.json")
    pathlib.Path("large.json").write_text(json.dumps(dict(read("a.json"), target="x" * 9000)),
                                          encoding="utf-8")
    commands = [[REPORT, "show", "a.json"], [REPORT, "show", "large.json"],
                [REPORT, "show", "b.json"], [REPORT, "merge", "a.json", "c.json"],
                [REPORT, "compare", "a.json", "a.json"], [REPORT, "html", "a.json"],
                [SOURCE, "--report=json", "-m", "3", "sink:"],
                [SOURCE, "--report=text", "-m", "3", "sink:"],
                [SOURCE, "-m", "3", "--report=text", "--output", "kept.json", "sink:"],
                *([p, o] for p in (SOURCE, SINK, REPORT) for o in ("--help", "--version"))]
    for shell, says in (('exec "$@" >&-', "Bad file descriptor"),
                        ('exec "$@" >/dev/full', "No space left on device")):
        for command in commands:
            fails("sh", "-c", shell, "sh", *command, says="write standard output: " + says)
        for form in ("json", "text"):
            with open(os.devnull if "&-" in shell else "/dev/full",
                      "r" if "&-" in shell else "w", encoding="utf-8") as out:
                _, error = sink_run("--report=" + form, "--output", "kept.json", given=out, status=1)
            assert f"fatal: write standard output: {says}" in error, error
        assert read("kept.json")["role"] == "sink"
        # A summary that nobody asked for does not change how a run ends.
        done = run("sh", "-c", shell, "sh", SOURCE, "-m", "3", "sink:")
        assert "warning: write standard output: " + says in done.stderr, done.stderr


@test
def files_that_may_not_grow_leave_nothing():
    load("a.json", "-m", "5")
    before = sorted(os.listdir("."))
    for command in ([REPORT, "html", "a.json", "-o", "x"],
                    [SOURCE, "--quiet", "-m", "3", "--output", "x", "sink:"]):
        fails("sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command, says="write x: File too large")
        assert sorted(os.listdir(".")) == before, os.listdir(".")
    with open("page", "w", encoding="utf-8"):
        fails("sh", "-c", 'ulimit -f 0; exec "$@" >page', "sh", REPORT, "html", "a.json",
              says="write standard output: File too large")


@test
def what_is_read_is_not_written():
    for name in ("mail", "users", "conf", "key", "profile"):
        pathlib.Path(name).write_text("", encoding="ascii")
    os.link("mail", "other")
    os.symlink("mail", "link")
    os.mkdir("folder")
    for args, says in (
            (["--output", "mail", "-F", "mail"], "--output would write to the file that --file reads: mail"),
            (["-F", "folder/../mail", "--html", "mail"], "--html would write to the file that --file reads"),
            (["-F", "other", "--hdr", "mail"], "--hdr would write to the file that --file reads"),
            (["-F", "mail", "--hdr", "link"], "--hdr would write to the file that --file reads: link"),
            (["--config=conf", "--output=conf"], "--output would write to the file that --config reads"),
            (["--auth-users", "users", "--output", "users"], "that --auth-users reads"),
            (["--auth-password-file", "key", "--output", "key"], "that --auth-password-file reads"),
            (["--tls-ca", "key", "--output", "key"], "that --tls-ca reads"),
            (["--tls-cert", "key", "--output", "key"], "that --tls-cert reads"),
            (["--tls-key", "key", "--html", "key"], "that --tls-key reads"),
            (["--html", "new", "--hdr", "folder/../new"], "--html and --hdr name the same file")):
        fails(SOURCE, *args, "sink:", says=says)
    for args, says in (
            (["--output", "profile", "--profile", "profile"], "that --profile reads"),
            (["--log", "users", "--auth-users", "./users"], "--log would write to the file that --auth-"),
            (["--mbox", "new", "--log", "./new"], "--mbox and --log name the same file: ./new")):
        fails(SINK, *args, "127.0.0.1:1", says=says)
    assert all(os.path.getsize(name) == 0 for name in ("mail", "users", "conf", "key", "profile"))
    run(SOURCE, "-m", "1", "--quiet", "--output", "/dev/null", "--html", "/dev/null", "sink:")


@test
def pages_are_complete():
    """What a browser does with them is tested by page.py."""
    run(SOURCE, "-m", "9", "--quiet", "--html", "a.html", "--output", "a.json", "sink:")
    run(REPORT, "html", "a.json", "-o", "b.html")
    first = pathlib.Path("a.html").read_text(encoding="utf-8")
    assert first == pathlib.Path("b.html").read_text(encoding="utf-8")
    assert first.endswith("</html>\n") and first.count("application/json\">\n") == 1
    run(REPORT, "html", "a.json", "a.json", "-o", "c.html")
    assert pathlib.Path("c.html").read_text(encoding="utf-8").count("application/json\">\n") == 2
    assert run(REPORT, "html", "a.json").stdout == first


@test
def environment_and_command_line():
    load("a.json", "-m", "3", "-S", "it's $HOME")
    document = read("a.json")
    assert document["environment"]["kernel"].startswith(os.uname().sysname)
    assert os.uname().nodename not in document["environment"]["kernel"]
    assert document["environment"]["cpus"] == len(os.sched_getaffinity(0))
    again = run("sh", "-c", "printf '%s\\n' " + document["command_line"]).stdout.splitlines()
    assert again == [SOURCE, "-d", "-s", "2", "-m", "3", "-S", "it's $HOME", "--output", "a.json",
                     "sink:"], again


@test
def options_from_a_file():
    pathlib.Path("load.conf").write_text(
        "# a load\nmessages 40\nsessions 3   # at a time\nsubject \"a # b\"\nkeep-connection\n",
        encoding="utf-8")
    run(SOURCE, "--config", "load.conf", "-m", "30", "--quiet", "--output", "a.json", "sink:")
    assert read("a.json")["config"]["sessions"] == 3
    assert read("a.json")["messages"]["accepted"] == 30
    printed = run(SOURCE, "--config", "load.conf", "-m", "30", "--print-config").stdout
    assert printed.splitlines() == ["sessions 3", 'subject "a # b"', "keep-connection",
                                    "messages 30"], printed
    pathlib.Path("again.conf").write_text(printed, encoding="utf-8")
    assert run(SOURCE, "--config=again.conf", "--print-config").stdout.splitlines() == \
        printed.splitlines()
    pathlib.Path("sink.conf").write_text("max-messages 5\n", encoding="utf-8")
    fails(SINK, "--config", "load.conf", "x:1", says="load.conf:2: no such option: messages")
    fails(SOURCE, "--config", "none.conf", "sink:", says="open none.conf: No such file")
    fails(SOURCE, "--config", ".", "sink:", says="open .: Is a directory")
    fails(SOURCE, "--config", "/dev/zero", "sink:", says="no file of options")
    assert run(SINK, "--print-config", "-c").stdout == "counters\n"


def completion(program, shell):
    return run(os.path.join(BUILD, program), "--help=completion-" + shell).stdout


@test
def completion_for_bash():
    for program in ("smtp-source", "smtp-sink", "smtp-report"):
        script = completion(program, "bash")
        words = run("bash", "-euc", script + f"\nCOMP_WORDS=({program} --he) COMP_CWORD=1\n"
                    f"_{program.replace('-', '_')}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"").stdout
        assert words == ("--helo\n" if program == "smtp-source" else "") + "--help\n", words
    for words, at, answer in (("--io ''", 2, "auto uring epoll"), ("--report = js", 3, "json"),
                              ("--report =", 2, "text json none"), ("-m ''", 2, "")):
        got = run("bash", "-euc", completion("smtp-source", "bash") +
                  f"\nCOMP_WORDS=(smtp-source {words}) COMP_CWORD={at}\n_smtp_source\n"
                  "echo ${COMPREPLY[@]-}").stdout
        assert got == answer + "\n", (words, got)
    pathlib.Path("show.json").touch()
    for words, at, answer in (("''", 1, "show merge compare html csv"), ("sh", 1, "show"),
                              ("show ''", 2, "show.json"), ("-o x ''", 3, "show merge compare html csv"),
                              ("-o show.json html sh", 4, "show.json"), ("-o ''", 2, "show.json")):
        got = run("bash", "-euc", completion("smtp-report", "bash") +
                  f"\nCOMP_WORDS=(smtp-report {words}) COMP_CWORD={at}\n_smtp_report\n"
                  "echo ${COMPREPLY[@]-}").stdout
        assert got == answer + "\n", (words, got)


@test
def completion_for_fish():
    if not shutil.which("fish"):
        return "no fish on this machine"
    env = dict(os.environ, HOME=os.getcwd())
    for program, given, answer in (("smtp-source", "--repo", ["--report"]),
                                   ("smtp-source", "--io=", ["--io=auto", "--io=epoll",
                                                             "--io=uring"]),
                                   ("smtp-report", "--fail", ["--fail-if"]),
                                   ("smtp-report", "s", ["show"]), ("smtp-report", "show s", ["s.json"]),
                                   ("smtp-report", "", ["compare", "csv", "html", "merge",
                                                         "show"])):
        pathlib.Path("s.json").touch()
        script = completion(program, "fish") + f"\ncomplete -C '{program} {given}'"
        got = run("fish", "--no-config", "-c", script, env=env).stdout
        assert [line.split("\t")[0] for line in got.splitlines()] == answer, got
    return None


@test
def completion_for_zsh():
    if not shutil.which("zsh"):
        return "no zsh on this machine"
    for program in ("smtp-source", "smtp-sink", "smtp-report"):
        pathlib.Path("_" + program).write_text(completion(program, "zsh"), encoding="utf-8")
        # compinit takes it for the program's; _arguments is replaced to see what it is given.
        got = run("zsh", "-fc", f"fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; "
                  f"print $_comps[{program}]; _arguments() {{ print -rl -- $@ }}; "
                  f"autoload -Uz _{program}; _{program}").stdout.splitlines()
        assert got[0] == "_" + program, got
        assert any(line.startswith("*--help=-[") for line in got), got
        names = run(os.path.join(BUILD, program), "--help=names").stdout.splitlines()
        assert sum(line.startswith("*--") for line in got) == len(names), got
        assert ("1:command:(show merge compare html csv)" in got) == (program == "smtp-report"), got
    return None


def main():
    failed = skipped = 0
    for function in TESTS:
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            os.chdir(folder)
            try:
                why = function()
                if why:
                    skipped += 1
                    print(f"{function.__name__}: skipped: {why}")
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f"{function.__name__}: {type(error).__name__}: {error}")
            os.chdir("/")
    print(f"{len(TESTS) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
