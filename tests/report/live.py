#!/usr/bin/env python3
"""The live page and its metrics, of a run that goes on: what a headless Chromium draws is what run.json
says, it follows, and is told the end; the metrics are read by promtool and by an OpenMetrics parser;
strangers are refused, and slow clients do no harm.

    live.py BUILD [FOLDER-FOR-PICTURES]
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import browser  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SOURCE, SINK = (os.path.join(BUILD, name) for name in ("smtp-source", "smtp-sink"))
PICTURES = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
TESTS = []
NEEDS = {}


def test(*needs):
    """Marks a test, and what must be on the machine for it."""
    def mark(function):
        TESTS.append(function)
        NEEDS[function] = needs
        return function
    return mark


def promtool():
    """The host's, or of the private root that tests/peer/mkroot makes for ROOTS=prometheus."""
    own = os.path.join(BUILD, "peers/prometheus/wrappers/promtool")
    return shutil.which("promtool") or (own if os.path.exists(own) else None)


HAVE = {
    "chromium": browser.find,
    "promtool": promtool,
    # Debian's Python has the parser; this one may be another.
    "prometheus_client": lambda: subprocess.run(
        ["/usr/bin/python3", "-c", "import prometheus_client"], stderr=subprocess.DEVNULL,
        check=False).returncode == 0,
}


class Program:
    """A program with a live page, and the addresses that it tells."""

    def __init__(self, *command):
        self.process = subprocess.Popen([*command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.told = {}
        while "live page at" not in self.told:
            line = self.process.stderr.readline()
            assert line, "it ended without a page"
            for words in ("live page at", "listening on"):
                if words in line:
                    self.told[words] = line.split(words)[1].strip()
        self.url = self.told["live page at"]
        self.at = re.search(r"//(.*)/", self.url).group(1)

    def get(self, path, method="GET", **headers):
        c = http.client.HTTPConnection(self.at, timeout=10)
        c.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = c.getresponse()
        body = answer.read().decode()
        c.close()
        return answer, body

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def source(*options):
    return Program(SOURCE, "--live=0", "-d", "-s", "5", *options, "sink:")


def until(what, limit=20):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {limit} s: {what.__name__}")


def lines(b, name):
    return b.evaluate(f"(c => c && c.data.datasets.map(s => ({{label: s.label, data: s.data}})))"
                      f"(Chart.getChart('{name}'))")


def cells(b, table):
    return b.evaluate(f"[...document.querySelectorAll('#{table} tbody tr')].map("
                      "r => [...r.cells].map(c => c.textContent))")


def text(b, name):
    return b.evaluate(f"(e => e && e.textContent)(document.getElementById('{name}'))") or ""


def rates(document):
    """When and what; a remnant of an interval has no rate."""
    series = document["series"]
    rows = [r for r in series["rows"]
            if r["end_ns"] - r["begin_ns"] > series["interval_ns"] * series["merged"] / 4]
    return [(r["begin_ns"] + r["end_ns"]) / 2e9 for r in rows], \
           [r["accepted"] * 1e9 / (r["end_ns"] - r["begin_ns"]) for r in rows]


def drawn(b, document, label):
    """The line is the document's rows, from the first one on."""
    line = next(s["data"] for s in lines(b, "rates") if s["label"] == label)
    xs, ys = rates(document)
    return len(line) >= 2 and all(abs(p["x"] - x) < 1e-6 and abs(p["y"] - y) < 1e-3
                                  for p, x, y in zip(line, xs, ys))


@test("chromium")
def the_page_follows_a_run():
    b = browser.Browser()
    with contextlib.closing(b):
        p = source("--rate", "200", "--duration", "8s", "--output", "run.json")
        b.open(p.url)

        def charts():
            return all(lines(b, name) for name in ("rates", "times", "curves"))
        until(charts)
        first = text(b, "verdict-0")
        assert re.match(r"Running: [\d,]+ messages accepted at ", first), first
        assert " of 200/s" in text(b, "live"), text(b, "live")
        # What the user hides stays hidden while numbers come.
        b.evaluate("Chart.getChart('curves').setDatasetVisibility(0, false)")
        document = json.loads(p.get("/run.json")[1])
        assert document["ended"] == "running" and document["live"]["state"] == "running"

        def follows():
            return text(b, "verdict-0") != first
        until(follows)
        assert drawn(b, document, "accepted"), (lines(b, "rates"), document["series"]["rows"])
        assert not b.evaluate("Chart.getChart('curves').isDatasetVisible(0)")
        if PICTURES:
            b.size(1200, 900)
            b.picture(os.path.join(PICTURES, "live.png"))

        def over():
            return "The run is over" in text(b, "live")
        until(over)
        status, _, err = p.end()
        assert status == 0, err
        final = json.loads(pathlib.Path("run.json").read_text(encoding="utf-8"))
        account = {row[0]: row[1] for row in cells(b, "account")}
        assert account["accepted"] == f"{final['messages']['accepted']:,}", account
        assert text(b, "verdict-0").startswith("All "), text(b, "verdict-0")
        time.sleep(1.5)  # it asks no more: a failed request would be a complaint
        assert not b.complaints(), b.complaints()
        strays = [u for u in b.requests() if not u.startswith(p.url)]
        assert not strays and len(b.requests()) > 3, b.requests()


@test("chromium")
def the_page_says_when_the_program_is_gone():
    b = browser.Browser()
    with contextlib.closing(b):
        p = source("--rate", "50", "--duration", "60s")
        b.open(p.url)

        def something():
            return text(b, "live")
        until(something)
        p.process.kill()
        p.end()

        def gone():
            return "The run is over; this is what was heard last" in text(b, "live")
        until(gone)
        assert not [e for e in b.complaints() if e["method"] == "Runtime.exceptionThrown"]


@test("chromium")
def the_page_follows_a_sink():
    b = browser.Browser()
    with contextlib.closing(b):
        p = Program(SINK, "--live=0", "-u", "nobody", "127.0.0.1:0", "10") if os.getuid() == 0 \
            else Program(SINK, "--live=0", "127.0.0.1:0", "10")
        b.open(p.url)
        load = subprocess.Popen([SOURCE, "--quiet", "--rate", "100", "--duration", "4s",
                                 p.told["listening on"]])

        def charts():
            return lines(b, "rates")
        until(charts)
        assert load.wait(timeout=30) == 0

        def all_there():
            return text(b, "verdict-0") == "Running: 400 messages received"
        until(all_there)
        document = json.loads(p.get("/run.json")[1])
        assert document["sink"]["messages"] == 400 and document["live"]["open"] == 0
        assert sum(r["accepted"] for r in document["series"]["rows"]) == 400
        assert drawn(b, document, "messages")
        p.process.terminate()

        def over():
            return "The run is over" in text(b, "live")
        until(over)
        assert p.end()[0] == 0
        assert text(b, "verdict-0") == "400 messages received"
        assert not b.complaints(), b.complaints()
        if PICTURES:
            b.picture(os.path.join(PICTURES, "live-sink.png"))


def lint(metrics):
    done = subprocess.run([promtool(), "check", "metrics"], input=metrics, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


def values(metrics):
    """name{labels}: value"""
    found = re.findall(r"^([a-z]\S*?(?:\{.*\})?) (\S+)$", metrics, re.M)
    assert len(found) == len(dict(found)), "a sample stands there twice"
    return {name: float(value) for name, value in found}


PARSE = """
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
for family in parse(sys.stdin.read()):
    for s in family.samples:
        print(s.name + repr(sorted(s.labels.items())), s.value)
"""


def parse(metrics):
    done = subprocess.run(["/usr/bin/python3", "-c", PARSE], input=metrics, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@test("promtool", "prometheus_client")
def metrics_of_every_sample_are_read():
    os.mkdir("samples")
    subprocess.run([os.path.join(BUILD, "tests/report/write_samples"), "samples"], check=True)
    names = sorted(pathlib.Path("samples").glob("*.metrics"))
    assert len(names) == 8, names
    for name in names:
        plain = name.read_text(encoding="utf-8")
        lint(plain)
        opened = name.with_suffix(".openmetrics").read_text(encoding="utf-8")
        assert len(parse(opened)) == len(values(plain)), name
        assert opened.endswith("# EOF\n")
    troubled = values(pathlib.Path("samples/source-troubled.metrics").read_text(encoding="utf-8"))
    document = json.loads(pathlib.Path("samples/source-troubled.json").read_text(encoding="utf-8"))
    for outcome in ("accepted", "refused", "failed", "unknown", "missed"):
        name = f'smtp_source_messages_total{{outcome="{outcome}"}}'
        assert troubled[name] == document["messages"][outcome], name
    replies = [n for name, n in troubled.items() if name.startswith("smtp_source_refused_replies")]
    assert sum(replies) == document["replies"]["refused"] and len(replies) <= 65
    # Each bucket holds the values up to its bound, by the document's own buckets.
    for phase, d in document["latency"].items():
        for bound in ("0.0001", "0.001", "0.1", "1.0", "500.0", "+Inf"):
            want = sum(n for low, n in d["buckets"]
                       if low + (1 << max(0, low.bit_length() - 8)) - 1 <= float(bound) * 1e9)
            got = troubled[f'smtp_source_latency_seconds_bucket{{phase="{phase}",le="{bound}"}}']
            assert got == want, (phase, bound, got, want)


@test("promtool", "prometheus_client")
def metrics_of_a_run_are_read():
    p = source("--rate", "300", "--duration", "5s", "--output", "run.json")

    def begun():
        answer, body = p.get("/run.json")
        return answer.status == 200 and json.loads(body)["messages"]["accepted"] > 0
    until(begun)
    cpu = 'smtp_source_cpu_seconds_total{mode="%s"}'

    def under_way():  # all are connected, and the kernel has seen us at work
        now = values(p.get("/metrics")[1])
        return now["smtp_source_connections_open"] == 5 and now[cpu % "user"] + now[cpu % "system"]
    until(under_way)
    answer, plain = p.get("/metrics")
    assert answer.getheader("Content-Type").startswith("text/plain; version=0.0.4")
    lint(plain)
    answer, opened = p.get("/metrics", Accept="application/openmetrics-text;version=1.0.0,*/*;q=0.1")
    assert answer.getheader("Content-Type").startswith("application/openmetrics-text")
    assert parse(opened)
    before = values(plain)
    assert before["smtp_source_target_rate"] == 300 and before["smtp_source_sessions"] == 5
    assert before["smtp_source_connections_open"] == 5 and before["smtp_source_paused"] == 0
    accepted = 'smtp_source_messages_total{outcome="accepted"}'

    def grows():
        return values(p.get("/metrics")[1])[accepted] > before[accepted]
    until(grows)
    assert p.end()[0] == 0


@test()
def strangers_are_refused():
    p = source("--rate", "50", "--duration", "5s")
    answer, page = p.get("/")
    assert answer.status == 200 and "connect-src 'self'" in page and "frame-ancestors 'none'" in \
        answer.getheader("Content-Security-Policy")
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Access-Control-Allow-Origin") is None
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"):
        answer, _ = p.get("/", method)
        assert answer.status == 405 and answer.getheader("Allow") == "GET", (method, answer.status)
    for path in ("/run.jso", "/../etc/passwd", "//", "/%2e%2e/", "/metrics/x", "/" + "x" * 3000):
        assert p.get(path)[0].status == 404, path
    assert p.get("/" + "x" * 100000)[0].status in (404, 413, 414, 431)
    for host in ("evil.example", "evil.example:9025", "127.0.0.1.evil.example", "localhost.example",
                 "", "[::2]", "127.x"):
        assert p.get("/run.json", Host=host)[0].status == 403, host
    for host in ("localhost", "LocalHost:1", "127.0.0.1", "127.0.0.2:80", "[::1]:9025"):
        assert p.get("/run.json", Host=host)[0].status == 200, host
    p.process.terminate()
    p.end()


@test()
def slow_clients_do_no_harm():
    p = source("-m", "20000", "--rate", "5000", "--output", "run.json")
    host, port = p.at.split(":")
    slow = []
    for i in range(60):
        s = socket.socket()
        s.settimeout(0.02)
        with contextlib.suppress(OSError):
            s.connect((host, int(port)))  # those beyond the limit are not let in
            # Some never finish asking, some never read.
            s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + (b"\r\n" if i % 2 else b"X: "))
        slow.append(s)
    status, _, err = p.end()
    for s in slow:
        s.close()
    assert status == 0, err
    final = json.loads(pathlib.Path("run.json").read_text(encoding="utf-8"))
    assert final["messages"]["accepted"] == 20000


@test()
def addresses_that_cannot_be():
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    for program, rest in ((SOURCE, ["sink:"]), (SINK, ["127.0.0.1:0", "5"])):
        for value, words in (("nonsense", "nonsense"), ("127.0.0.1:x", "x"), ("127.0.0.1:70000", "70000"),
                             ("unix:/nowhere/x", "TCP"), ("192.0.2.1:0", "192.0.2.1"),
                             (f"127.0.0.1:{port}", "in use")):
            done = subprocess.run([program, f"--live={value}", *rest], capture_output=True,
                                  text=True, timeout=20, check=False)
            line = [text for text in done.stderr.splitlines() if "fatal" in text]
            assert done.returncode == 1 and len(line) == 1 and "--live" in line[0] \
                and words in line[0], done.stderr
    taken.close()
    # The default port may be taken: then it is another.
    a, b = (Program(SOURCE, "--live", "--rate", "10", "--duration", "3s", "sink:") for _ in "ab")
    assert a.at == "127.0.0.1:9025" and b.at.startswith("127.0.0.1:") and a.at != b.at
    assert a.end()[0] == 0 and b.end()[0] == 0


def main():
    missing = {name for name, find in HAVE.items() if not find()}
    failed = skipped = 0
    with tempfile.TemporaryDirectory() as folder:
        for function in TESTS:
            lacks = [name for name in NEEDS[function] if name in missing]
            if lacks:
                skipped += 1
                print(f"skipped: {function.__name__}: no {lacks[0]} on this machine")
                continue
            place = os.path.join(folder, function.__name__)
            os.mkdir(place)
            os.chdir(place)
            try:
                function()
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f"{function.__name__}: {type(error).__name__}: {error}")
        os.chdir("/")
    print(f"{len(TESTS) - failed - skipped} passed, {failed} failed" +
          (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
