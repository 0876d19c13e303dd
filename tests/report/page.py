#!/usr/bin/env python3
"""The HTML page in a headless Chromium: what it draws and writes are the document's numbers, it logs no
error and asks for nothing, and hostile texts stay texts.

    page.py BUILD [FOLDER-FOR-PICTURES]
"""
import copy
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import browser  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(sys.argv[1])
REPORT = os.path.join(BUILD, "smtp-report")
HOSTILE = ("</script><script>window.broken = 1</script><img src=http://127.0.0.1:9/x "
           "onerror='window.broken = 2'>&lt;<!--<script>")
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def page_of(*documents):
    names = []
    for i, document in enumerate(documents):
        names.append(f"{i}.json")
        pathlib.Path(names[-1]).write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run([REPORT, "html", *names, "-o", "page.html"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return "page.html"


def sample(name):
    return json.loads(pathlib.Path(f"samples/source-{name}.json").read_text(encoding="utf-8"))


def other_run(document):
    """The same numbers under another name."""
    other = copy.deepcopy(document)
    other["run_id"] = "another"
    return other


def opened(b, path):
    b.open(path)
    assert not b.complaints(), b.complaints()
    assert not b.requests(), b.requests()


def cells(b, table):
    """The text of a table's body, row by row."""
    return b.evaluate(f"[...document.querySelectorAll('#{table} tbody tr')].map("
                      "r => [...r.cells].map(c => c.textContent))")


def chart(b, name):
    """Its lines: label, points, whether it is shown."""
    return b.evaluate(f"(c => c && c.data.datasets.map((s, i) => ({{label: s.label, data: s.data, "
                      f"shown: c.isDatasetVisible(i)}})))(Chart.getChart('{name}'))")


def high_of(low):
    return low + (1 << max(0, low.bit_length() - 8)) - 1


def curve(d):
    """The curve that a histogram should be drawn as."""
    points = [(1, max(1, d["min_ns"]))]
    seen = 0
    for low, n in d["buckets"]:
        seen += n
        left = d["count"] - seen
        points.append((d["count"] / left if left else 2 * d["count"],
                       max(1, min(high_of(low), d["max_ns"]) if left else d["max_ns"])))
    return points


def close(a, b):
    return len(a) == len(b) and all(math.isclose(p["x"], x, rel_tol=1e-9)
                                    and math.isclose(p["y"], y, rel_tol=1e-9)
                                    for p, (x, y) in zip(a, b))


@test
def curves_are_the_histograms(b):
    for name in ("small", "troubled"):
        document = sample(name)
        opened(b, page_of(document))
        lines = {line["label"]: line for line in chart(b, "curves")}
        assert set(lines) == set(document["latency"]), lines.keys()
        for phase, d in document["latency"].items():
            assert close(lines[phase]["data"], curve(d)), phase
            assert lines[phase]["shown"]
        # Something is drawn: the canvas is not of one colour.
        assert b.evaluate("""(c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0,
            c.width, c.height).data.buffer)).size)(document.getElementById('curves'))""") > 5


@test
def tables_are_the_document(b):
    document = sample("troubled")
    opened(b, page_of(document))
    account = {row[0]: row[1:] for row in cells(b, "account")}
    for outcome, row in account.items():
        assert row[0] == f"{document['messages'][outcome]:,}", row
        assert row[2] == f"{document['recipients'][outcome]:,}", row
    assert len(account) == 6
    latency = cells(b, "latency")
    assert len(latency) == len(document["latency"]) + len(document["refused_latency"])
    for row in latency:
        group = "refused_latency" if row[0].endswith(" refused") else "latency"
        assert row[1] == f"{document[group][row[0].split(' ')[0]]['count']:,}", row
    refusals = cells(b, "refusals")
    assert len(refusals) == len(document["refusals"]) + 1
    assert sum(int(row[3].replace(",", "")) for row in refusals) == document["messages"]["refused"]
    assert sum(int(row[4].replace(",", "")) for row in refusals) == document["replies"]["refused"]
    breaks = [[row[0], *map(int, row[1:])] for row in cells(b, "breaks")]
    assert breaks == [[phase, *row.values()] for phase, row in document["breaks"].items()], breaks
    targets = cells(b, "targets")
    assert [row[0] for row in targets] == [t["endpoint"] for t in document["targets"]]
    for row, t in zip(targets, document["targets"]):
        assert row[4] == f"{t['messages']['accepted']:,}" and row[1] == str(t["weight"]), row
    environment = dict(cells(b, "environment"))
    assert environment["command line"] == document["command_line"]
    assert environment["kernel"] == document["environment"]["kernel"]
    verdict = b.evaluate("document.getElementById('verdict-0').textContent")
    assert verdict.startswith("Run fatal: lost connection"), verdict
    summary = b.evaluate("document.querySelector('details pre').textContent")
    assert summary.startswith("smtp-source 1.2.3: smtp to"), summary[:80]


@test
def times_read_as_in_the_text(b):
    """The page's times and the text summary's are the same, but for the letter of the microsecond."""
    document = sample("small")
    opened(b, page_of(document))
    text = b.evaluate("document.querySelector('details pre').textContent")
    text = [line.split() for line in text.splitlines()]
    for row in cells(b, "latency"):
        line = next(words for words in text if words and words[0] == row[0])
        want = " ".join(line[2:]).replace("us", "µs")
        assert " ".join(row[2:4] + row[4:]) == want, (row, want)


@test
def two_runs_are_laid_over_each_other(b):
    base = sample("small")
    new = other_run(sample("troubled"))
    opened(b, page_of(base, new))
    lines = {line["label"]: line for line in chart(b, "curves")}
    for prefix, document in (("base", base), ("new", new)):
        for phase, d in document["latency"].items():
            line = lines[f"{prefix} {phase}"]
            assert close(line["data"], curve(d)) and line["shown"] == (phase == "transaction")
    # A click on a phase in the legend shows both its lines.
    b.evaluate("""(c => c.options.plugins.legend.onClick(null,
        c.legend.legendItems.find(i => i.text === 'mail'), c.legend))(Chart.getChart('curves'))""")
    shown = [line["label"] for line in chart(b, "curves") if line["shown"]]
    assert shown == ["base mail", "base transaction", "new mail", "new transaction"], shown


def series(n, level):
    rows = [{"begin_ns": i * 10**9, "end_ns": (i + 1) * 10**9, "offered": level + i % 7 + i % 3,
             "accepted": level + i % 7, "refused": i % 3, "failed": 0, "unknown": 0, "missed": 0,
             "open": 20, "p50_ns": 900_000 + i * 1000 if i else None,
             "p99_ns": 5_000_000 + i * 30_000 if i else None,
             "max_ns": 9_000_000 + i * 20_000 if i else None, "lag_max_ns": 40_000}
            for i in range(n)]
    return {"interval_ns": 10**9, "merged": 1, "rows": rows}


def with_series(document, n, level):
    """What tells threads and a series, tells a load model."""
    threads = [{"elapsed_ns": n * 10**9, "cpu_ns": 10**9, "wait_ns": None}]
    return dict(document, series=series(n, level), workers=threads)


@test
def series_are_drawn(b):
    base = with_series(sample("small"), 30, 1000)
    new = with_series(other_run(base), 25, 800)
    opened(b, page_of(base, new))
    for name, document in (("base", base), ("new", new)):
        rows = document["series"]["rows"]
        rates = {line["label"]: line["data"] for line in chart(b, "rates")}
        assert close(rates[name + " accepted"], [(i + 0.5, r["accepted"])
                                                 for i, r in enumerate(rows)])
        assert close(rates[name + " not accepted"], [(i + 0.5, r["refused"])
                                                     for i, r in enumerate(rows)])
        times = {line["label"]: line["data"] for line in chart(b, "times")}
        for label, field in (("p50", "p50_ns"), ("p99", "p99_ns"), ("max", "max_ns"),
                             ("generator lag", "lag_max_ns")):
            assert close(times[f"{name} {label}"], [(i + 0.5, r[field]) for i, r in enumerate(rows)
                                                    if r[field] is not None]), label
    opened(b, page_of(sample("small")))
    assert chart(b, "rates") is None
    pictures = sys.argv[2] if len(sys.argv) > 2 else None
    if pictures:
        opened(b, page_of(base, new))
        b.size(1200, 900)
        b.picture(os.path.join(pictures, "series.png"))


@test
def target_rates_are_told(b):
    """Response times stand for latency, what was required is judged, and what is missed is no rate."""
    document = json.loads(pathlib.Path(HERE, "old", "without-buckets.json").read_text(encoding="utf-8"))
    for row in document["series"]["rows"][-1:]:
        row["missed"] += 70000
        row["offered"] += 70000
    for group in ("messages", "recipients"):
        document[group]["missed"] += 70000
        document[group]["offered"] += 70000
    opened(b, page_of(document))
    p99 = document["response"]["accepted"]["p99_ns"]
    head = b.evaluate("document.querySelector('h1').textContent")
    assert f"p99 {p99 / 1e6:.3g} ms" in head and "70,000 missed" in head, (head, p99)
    assert [t for t in b.evaluate("[...document.querySelectorAll('.figures span')].map(e => e.textContent)")
            if t in ("response p50", "response p99", "target")] == ["response p50", "response p99", "target"]
    rows = cells(b, "latency")
    assert rows[0][0] == "response, accepted" and rows[1][0] == "generator lag, start", rows
    assert "response" in [line["label"] for line in chart(b, "curves")]
    assert max(p["y"] for line in chart(b, "rates") for p in line["data"]) < 1000
    assert cells(b, "requirements")[0][2] == "met"
    document["requirements"] = [{"text": "p99<1ns", "met": False, "unit": "ns", "measured": p99}]
    opened(b, page_of(document))
    assert b.evaluate("document.querySelector('h1').textContent").startswith("Not met: p99<1ns. ")
    assert b.evaluate("document.querySelector('h1').className") == "bad"


@test
def hostile_texts_stay_texts(b):
    document = sample("troubled")
    for name in ("command_line", "target", "run_id", "program", "version"):
        document[name] = HOSTILE
    document["environment"] = {"kernel": HOSTILE, "cpu": HOSTILE, "cpus": 1}
    document["config"]["io_driver"] = HOSTILE
    document["ended"] = "fatal: " + HOSTILE
    document["refusals"][0]["sample"] = HOSTILE
    document["refusals"][0]["enhanced"] = "<b>&lt;"
    opened(b, page_of(document, other_run(document)))
    assert b.evaluate("window.broken") is None
    assert b.evaluate("document.images.length") == 0
    assert b.evaluate("document.scripts.length") == 4  # two documents, Chart.js, the page's own
    assert any(HOSTILE == row[5] for row in cells(b, "refusals"))
    assert dict((row[0], row[1]) for row in cells(b, "environment"))["command line"] == HOSTILE
    # Were there a way in, the policy would still let nothing run and nothing be asked for.
    b.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=http://127.0.0.1:9/ "
               "onerror=\"window.broken = 3\"><script>window.broken = 4</script>')")
    b.evaluate("(s => (s.textContent = 'window.broken = 5', document.body.append(s)))"
               "(document.createElement('script'))")
    b.evaluate("new Promise(r => setTimeout(r, 200))")
    assert b.evaluate("window.broken") is None
    assert not [e for e in b.events if e["method"] == "Network.responseReceived"
                and "127.0.0.1" in e["params"]["response"]["url"]]


@test
def nothing_and_extremes(b):
    for name in ("empty", "extreme"):
        opened(b, page_of(sample(name)))
        assert b.evaluate("document.querySelectorAll('section').length") > 5
    opened(b, page_of(sample("empty"), sample("extreme")))


@test
def every_width_and_both_schemes(b):
    pictures = sys.argv[2] if len(sys.argv) > 2 else None
    backgrounds = set()
    page = page_of(sample("troubled"), other_run(sample("small")))
    for scheme in ("light", "dark"):
        for width in (1200, 390):
            b.scheme(scheme)
            b.size(width, 900, width < 500)
            opened(b, page)
            wide = b.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (wide, width)
            assert b.evaluate("document.getElementById('curves').getBoundingClientRect().height") > 200
            backgrounds.add((scheme, b.evaluate("getComputedStyle(document.body).backgroundColor")))
            if pictures:
                b.picture(os.path.join(pictures, f"{scheme}-{width}.png"))
    assert len({colour for _, colour in backgrounds}) == 2, backgrounds
    # The charts follow a change while the page is open.
    before = chart_colour(b)
    b.scheme("light")
    b.evaluate("new Promise(r => setTimeout(r, 200))")
    assert before != chart_colour(b), before


def chart_colour(b):
    return b.evaluate("(c => c.data.datasets.find(s => s.phase === 'transaction').borderColor)"
                      "(Chart.getChart('curves'))")


def main():
    if not browser.find():
        print(f"skipped: no chromium on this machine\n0 passed, 0 failed, {len(TESTS)} skipped")
        return 0
    failed = 0
    if len(sys.argv) > 2:
        sys.argv[2] = os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.mkdir("samples")
        subprocess.run([os.path.join(BUILD, "tests/report/write_samples"), "samples"], check=True)
        b = browser.Browser()
        for function in TESTS:
            try:
                function(b)
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f"{function.__name__}: {type(error).__name__}: {error}")
        b.close()
        os.chdir("/")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
