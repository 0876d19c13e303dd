#!/usr/bin/env python3
"""Checks reports of smtp-source and smtp-sink: against the schema, and that their sums agree.

usage: validate.py [--schema FILE] REPORT.json ...

Everything that follows from other fields is computed anew here, from doc/report.md alone:
percentiles and bounds of the mean from the buckets, offered from the outcomes, refused from the
table. Exit status: 0 all is well, 1 something is not, 77 python3-jsonschema is missing.
"""

import argparse
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    print("validate.py: skipped: needs python3-jsonschema", file=sys.stderr)
    sys.exit(77)

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "doc" / "report.schema.json"
OUTCOMES = ("accepted", "refused", "failed", "unknown", "missed")
# In hundredths of a percent.
PERCENTILES = {"p50_ns": 5000, "p90_ns": 9000, "p95_ns": 9500, "p99_ns": 9900,
               "p99_9_ns": 9990, "p99_99_ns": 9999}
HIGHEST = 3600 * 10**9
SATURATED = 2**63 - 1


def octave(value):
    return max(0, value.bit_length() - 8)


def low_of(value):
    return value >> octave(value) << octave(value)


def high_of(low):
    return low + (1 << octave(low)) - 1


def percentile(d, parts):
    rank = max(1, -(-d["count"] * parts // 10000))
    seen = 0
    for low, count in d["buckets"]:
        seen += count
        if seen >= rank:
            if d["above"] > 0 and low == low_of(HIGHEST):
                return d["max_ns"]
            return min(high_of(low), d["max_ns"])
    return None


def check_distribution(where, d):
    """Yields what is wrong with a histogram."""
    buckets = d["buckets"]
    total = int(d["sum_ns"])
    lows = [low for low, _ in buckets]

    if lows != sorted(set(lows)):
        yield f"{where}: buckets are not in order"
    for low in lows:
        if low != low_of(low) or low > HIGHEST:
            yield f"{where}: no bucket begins at {low}"
    if sum(count for _, count in buckets) != d["count"]:
        yield f"{where}: the buckets do not sum to count"
    if low_of(min(d["min_ns"], HIGHEST)) != lows[0]:
        yield f"{where}: min_ns is not in the first bucket"
    if low_of(min(d["max_ns"], HIGHEST)) != lows[-1]:
        yield f"{where}: max_ns is not in the last bucket"
    if (d["above"] > 0) != (d["max_ns"] > HIGHEST) or d["above"] > buckets[-1][1]:
        yield f"{where}: above does not fit max_ns and the last bucket"
    if total < sum(low * count for low, count in buckets):
        yield f"{where}: sum_ns is less than the buckets hold"
    if d["above"] == 0 and total > sum(high_of(low) * count for low, count in buckets):
        yield f"{where}: sum_ns is more than the buckets hold"
    if d["mean_ns"] != min(SATURATED, (total + d["count"] // 2) // d["count"]):
        yield f"{where}: mean_ns is not sum_ns / count"
    for name, parts in PERCENTILES.items():
        if d[name] != percentile(d, parts):
            yield f"{where}: {name} is {d[name]}, by the buckets {percentile(d, parts)}"


def check_cpu(where, cpu, messages):
    want = (cpu["user_ns"] + cpu["system_ns"]) // messages if messages else None
    if cpu["per_message_ns"] != want:
        yield f"{where}: per_message_ns is {cpu['per_message_ns']}, not {want}"


def check_tls(where, tls):
    if sum(tls["kinds"].values()) != tls["full"] + tls["resumed"]:
        yield f"{where}: kinds do not sum to the handshakes"


def check_auth(auth, made):
    for total, kinds in (("accepted", "mechanisms"), ("refused", "refused_users")):
        if sum(auth[kinds].values()) != auth[total]:
            yield f"auth: {kinds} do not sum to {total}"
    if auth["accepted"] + auth["refused"] + auth["failed"] > made:
        yield "auth: more than there were connections"


def check_sink_auth(auth):
    for total, kinds in (("accepted", "mechanisms"), ("refused", "refused_mechanisms")):
        if sum(auth[kinds].values()) != auth[total]:
            yield f"sink: auth: {kinds} do not sum to {total}"
    if auth["accepted"] + auth["refused"] > auth["attempts"]:
        yield "sink: auth: more than there were attempts"


def check_sink(sink):
    yield from check_tls("sink.tls", sink["tls"])
    if sink["tls"]["failed"] > sink["sessions"]:
        yield "sink.tls: more failed than sessions began"
    yield from check_sink_auth(sink["auth"])
    if sum(sink["refused_by_verb"].values()) != sink["refused"]:
        yield "sink: refused is not the sum over the verbs"
    if sink["peak_sessions"] > sink["sessions"]:
        yield "sink: more sessions at a time than in all"
    if sink["quits"] + sink["lost"] + sink["aborted"] > sink["sessions"]:
        yield "sink: more sessions ended than began"
    yield from check_cpu("sink.cpu", sink["cpu"], sink["messages"])


def check_parts(r):
    if r["connections"]["made"] + r["connections"]["failed"] > r["connections"]["started"]:
        yield "connections: more ended than started"
    if r["connections"]["lost"] > r["connections"]["made"]:
        yield "connections: more lost than made"
    if r["connections"]["closed"] > r["connections"]["made"]:
        yield "connections: more closed than made"
    if r["starts"]["waited"] > r["messages"]["offered"]:
        yield "starts: more waited than there were"


def rate_time(r):
    """Over which accepted_per_s is: see doc/report.md."""
    target = r.get("model", {}).get("target_per_s")
    accepted = r.get("response", {}).get("accepted")
    if not target or not accepted or r["model"]["warmup_ns"] or accepted["min_ns"] > r["elapsed_ns"]:
        return r["elapsed_ns"]
    per_hour_1000 = round(target * 3600 * 1000)  # what rates are counted in
    return max(r["messages"]["offered"] * 10**9 * 3600 * 1000 // per_hour_1000,
               r["elapsed_ns"] - accepted["min_ns"])


def check_source(r):
    for kind in ("messages", "recipients"):
        if r[kind]["offered"] != sum(r[kind][o] for o in OUTCOMES):
            yield f"{kind}: offered is not the sum of the outcomes"
    for kind, whole in (("messages", r["messages"]["refused"]),
                        ("replies", r["replies"]["refused"])):
        rows = r["refusals"] + [r["refusals_other"]]
        if sum(row[kind] for row in rows) != whole:
            yield f"refusals: {kind} do not sum to {kind}.refused"
    for kind, whole in (("lost", r["connections"]["lost"]),
                        ("timeouts", r["connections"]["timeouts"]),
                        ("failed", r["messages"]["failed"]),
                        ("unknown", r["messages"]["unknown"])):
        if "breaks" in r and sum(row[kind] for row in r["breaks"].values()) != whole:
            yield f"breaks: {kind} do not sum to all of them"
    if r["messages"]["partial"] > r["messages"]["accepted"]:
        yield "messages: more partial than accepted"
    if r["messages"]["accepted"] > r["recipients"]["accepted"]:
        yield "messages: more accepted than recipients were"
    if r["replies"]["collateral"] > r["replies"]["refused"]:
        yield "replies: more collateral than refused"
    # What began in a warm-up may end after it.
    if r["model"]["warmup_ns"] == 0:
        yield from check_parts(r)
        if max(r["tls"]["failed"], r["tls"]["plaintext"]) > r["connections"]["made"]:
            yield "tls: more sessions than connections were made"
    yield from check_tls("tls", r["tls"])
    yield from check_auth(r["auth"], r["connections"]["made"])
    yield from check_cpu("cpu", r["cpu"], r["messages"]["offered"] - r["messages"]["missed"])
    if r["elapsed_ns"] == 0:
        if r["accepted_per_s"] is not None:
            yield "accepted_per_s: a rate without time"
    else:
        rate = r["messages"]["accepted"] * 10**9 / rate_time(r)
        if abs(rate - r["accepted_per_s"]) > rate * 1e-12:
            yield f"accepted_per_s is {r['accepted_per_s']}, not {rate}"
    for group in ("latency", "refused_latency"):
        for phase, d in r[group].items():
            yield from check_distribution(f"{group}.{phase}", d)
    if "targets" in r:
        yield from check_targets(r)
    if "workers" in r:
        yield from check_model(r)
    if "sink" in r:
        yield from check_sink(r["sink"])


def check_row(row):
    if row["offered"] != sum(row[o] for o in OUTCOMES):
        yield "series: offered is not the sum of the outcomes"
    if row["end_ns"] < row["begin_ns"]:
        yield "series: it ends before it begins"
    if row["accepted"] and row["max_ns"] is None:
        yield "series: no latency of what was accepted"
    if "buckets" in row:
        d = dict(row, above=0, count=sum(count for _, count in row["buckets"]))
        for name in ("p50_ns", "p99_ns"):
            if row["max_ns"] <= HIGHEST and d[name] != percentile(d, PERCENTILES[name]):
                yield f"series: {name} is {d[name]}, by the buckets otherwise"
        if d["count"] != row["accepted"]:
            yield "series: not as many latencies as accepted"
    elif row["p50_ns"] is not None and not row["p50_ns"] <= row["p99_ns"] <= row["max_ns"]:
        yield "series: percentiles out of order"


def check_targets(r):
    """Each server's row, and that all of them are the whole but for what never had a server."""
    rows = r["targets"]

    for row in rows:
        if row["messages"]["offered"] != sum(row["messages"].get(o, 0) for o in OUTCOMES):
            yield "targets: offered is not the sum of the outcomes"
        for group in ("latency", "response"):
            for name, d in row[group].items():
                yield from check_distribution(f"targets.{group}.{name}", d)
    for group in ("messages", "connections"):
        for name in rows[0][group]:
            whole = r[group][name]
            if (group, name) == ("messages", "offered"):
                whole -= r[group]["missed"]
            if sum(row[group][name] for row in rows) != whole:
                yield f"targets: {group}.{name} does not sum to the whole's"
    for group, name in (("latency", "transaction"), ("response", "accepted")):
        buckets = {}
        for row in rows:
            for low, count in row[group].get(name, {"buckets": []})["buckets"]:
                buckets[low] = buckets.get(low, 0) + count
        whole = r.get(group, {}).get(name, {"buckets": []})
        if sorted(buckets.items()) != [tuple(b) for b in whole["buckets"]]:
            yield f"targets: {group}.{name} does not sum to the whole's"


def check_model(r):
    """What follows from a run's load model: the series and the warm-up hold the whole account."""
    all_series = r.get("series_apart", [r["series"]] if "series" in r else [])
    warm = r["warmup"]["messages"] if "warmup" in r else dict.fromkeys(OUTCOMES, 0)

    for o in OUTCOMES:
        if sum(row[o] for s in all_series for row in s["rows"]) != r["messages"][o] + warm[o]:
            yield f"series: {o} does not sum to the account's"
    for rows in (s["rows"] for s in all_series):
        for row, after in zip(rows, rows[1:]):
            if row["end_ns"] != after["begin_ns"]:
                yield "series: a gap in time"
            if row["paused_ns"] > after["paused_ns"]:
                yield "series: a pause that is undone"
        for row in rows:
            yield from check_row(row)
        if rows and rows[-1]["open"] != 0:
            yield "series: connections are left open"
    if ("response" in r) != ("lag" in r):
        yield "response without lag"
    for group in ("response", "lag"):
        for name, d in r.get(group, {}).items():
            yield from check_distribution(f"{group}.{name}", d)
    for o, d in r.get("response", {}).items():
        if d["count"] != r["messages"][o] and r["model"].get("arrival"):
            yield f"response: {o} counts {d['count']}, the account {r['messages'][o]}"
    if "search" in r:
        steps = r["search"]["steps"]
        last = steps[-1] if steps else {}
        if r["search"]["found"] is not None and (
                last["level"] != r["search"]["found"] or last["phase"] != "confirm"
                or last["verdict"] != "met"):
            yield "search: what was found is not what the last step confirmed"
    if len(r["workers"]) != r["config"]["workers"]:
        yield "workers: not as many as in config"


def check(report, schema):
    """All that is wrong with a report, as a list of lines."""
    validator = jsonschema.Draft202012Validator(schema)
    wrong = [f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(report)]
    if wrong:
        return wrong
    return list(check_source(report) if report["role"] == "source"
                else check_sink(report["sink"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--schema", type=pathlib.Path, default=SCHEMA)
    parser.add_argument("report", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    schema = json.loads(args.schema.read_text(encoding="utf-8"))
    failed = False

    jsonschema.Draft202012Validator.check_schema(schema)
    for path in args.report:
        try:
            wrong = check(json.loads(path.read_text(encoding="utf-8")), schema)
        except ValueError as e:
            wrong = [f"not JSON: {e}"]
        for line in wrong:
            print(f"{path}: {line}", file=sys.stderr)
        failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
