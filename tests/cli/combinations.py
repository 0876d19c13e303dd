#!/usr/bin/env python3
"""What several options do together: runs of a few messages with options drawn at random, against servers
that do well or badly, with signals at random moments. Each report must agree with itself, with the
exit status, and with what the server took.

    combinations.py BUILD [--full] [--seed N] [--count N] [--only K] [--jobs N]

Every case follows from its seed and number alone: --seed S --only K repeats it, and shows it.
"""
import argparse
import concurrent.futures
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "report"))
try:
    import validate
except SystemExit:
    validate = None
import misbehave

OUTCOMES = ("accepted", "refused", "failed", "unknown", "missed")
HANG = 60  # s; so long after all that it waits for, a program hangs
GRACE = 6  # s; a run that has no end of its own gets a signal, and later another one
STRANGE = re.compile("Assertion|Sanitizer|runtime error|corrupt|double free|core dumped")
PROFILES = (
    "RCPT 30% reply 550 5.1.1 No such user\n",
    "RCPT 20% reply 450 4.2.0 Later\nMAIL 10% reply 452 4.3.1 Full\n",
    "DATA 20% reply 451 4.3.0 Not now\n. 30% reply 554 5.7.1 Spam\n",
    ". delay uniform 1ms 30ms\nMAIL 5% delay 50ms\n",
    "MAIL 15% disconnect\nRCPT 15% disconnect reply 421 4.3.2 Bye\n",
    "DATA 15% reset\n. 15% reset\n",
    "CONNECT 30% reply 421 4.7.0 Busy\n. 20% disconnect reply 421 4.3.2 Bye\n",
    "EHLO 20% reset\nCONNECT 20% disconnect\nLHLO 20% reset\n",
    "RCPT greylist 100ms\n. mailbox 3\n",
    "MAIL rate 50/s burst 5 per client\n. size 500\n",
    "RCPT 30% drip 2ms\n. 30% half 20ms\n",
    "CONNECT connections 2\n",
    "DATA 30% stall 30ms after 100\nQUIT 30% reset\n",
)
FAULTS = ([], ["-w", "30ms"], ["-r", "RCPT"], ["-f", "DATA"], ["-q", "MAIL"], ["-Q", "."], ["-q", "QUIT"],
          ["-A", "0"], ["-W", "RCPT:5ms:50"], ["-m", "2"], ["-H", "20ms"], ["-f", "CONNECT"],
          ["-Q", "CONNECT"], ["-r", "EHLO,LHLO"])


class Case:
    """What a number of a seed means: command lines, server, signals."""

    def __init__(self, seed, number, folder):
        self.random = random.Random(f"{seed}/{number}")
        self.folder = os.path.join(folder, str(number))
        os.mkdir(self.folder, 0o777)
        os.chmod(self.folder, 0o777)
        self.options = []
        self.signals = []  # (after s, number)
        self.messages = None  # -m
        self.bounded = False  # in time
        self.keep_going = False
        self.log = None
        self.files = []
        self.draw()

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def pick(self, *of):
        return self.random.choice(of)

    def path(self, name):
        return os.path.join(self.folder, name)

    def draw(self):
        self.lmtp = self.chance(25)
        self.kind = self.pick("sink", "fault", "profile", "profile", "python", "python", "outage")
        self.unix = self.kind in ("fault", "profile") and self.chance(20)
        self.tls = self.pick("starttls", "implicit") if self.kind in ("sink", "fault", "profile") \
            and self.chance(20) else None
        self.proxy = self.kind in ("sink", "fault", "profile") and self.chance(15)
        self.rcpts = self.pick(1, 1, 2, 5)
        self.options += ["--threads", self.pick("1", "3", "auto"), "--io",
                         self.pick("epoll", "auto"), "-N", "-r", str(self.rcpts)]
        self.draw_model()
        self.draw_conversation()
        self.draw_connection()
        self.draw_judgement()
        self.draw_files()
        if self.chance(25):
            self.signals.append((self.random.uniform(0, 1.2), self.pick(signal.SIGINT,
                                                                       signal.SIGTERM)))
            if self.chance(40):
                self.signals.append((self.signals[0][0] + self.random.uniform(0, 0.4),
                                     signal.SIGINT))

    def draw_model(self):
        model = self.pick("count", "count", "count", "rate", "rate-count", "stages", "duration",
                          "session-stages", "find-rate", "find-sessions")
        sessions = self.pick(1, 2, 7, 20)
        warmup = self.pick("100ms", "300ms")
        self.find = model.startswith("find")
        if model in ("count", "rate-count") or (model == "duration" and self.chance(30)):
            self.messages = self.pick(1, 5, 40, 200)
            self.options += ["-m", str(self.messages)]
        if model.startswith("rate"):
            self.options += ["--rate", self.pick("50/s", "300/s", "3000/s")]
        if model in ("rate", "duration"):
            self.options += ["--duration", "600ms"]
        if model == "stages":
            self.options += ["--stages", self.pick("0..200/s:300ms,100/s:300ms",
                                                   "100/s:200ms,0/s:100ms,500..0/s:300ms")]
        if model == "session-stages":
            self.options += ["--session-stages", self.pick("1..6:300ms,2:200ms", "4:200ms,0:100ms,"
                                                           "3:200ms")]
        elif model != "find-sessions":
            self.options += ["-s", str(sessions)]
        if self.find:
            self.options += [f"--{model}", self.pick("errors==0", "p99<1s and errors<50%"),
                             "--step-duration", "200ms", "--between",
                             "20/s..160/s" if model == "find-rate" else "1..4"]
        if model != "count" and self.chance(30) or model == "count" and self.chance(8):
            self.options += ["--warmup", warmup]
        paced = model in ("rate", "rate-count", "stages", "find-rate")
        if paced:
            self.options += self.pick([], ["--late", "drop:50ms"], ["--late", "wait"], ["--spin"],
                                      ["--arrival", "poisson"])
        self.bounded = model not in ("count", "rate-count")
        self.keep_going = model != "count" or self.chance(40)
        if model == "count" and self.keep_going:
            self.options.append("--keep-going")
        if self.chance(15):
            self.options += ["--idle-sessions", self.pick("1", "5")]
            self.keep_going = True
        if not paced and self.chance(30):
            self.options += self.pick(["-w", "5ms"], ["-R", "10ms"], ["--think", "exp:5ms"],
                                      ["--think", "normal:5ms,2ms"], ["--think", "1ms..9ms"])
        self.options += self.pick([], ["-d"], ["-d"], ["--per-connection", "3"],
                                  ["--per-connection", "1..4"], ["-d", "--per-connection", "2"])

    def draw_conversation(self):
        if self.lmtp:
            self.options.append("-L")
        if self.tls:
            self.options.append(f"--tls={self.tls}")
            if self.kind != "sink":
                self.options.append("--tls-no-verify")
            self.options += self.pick([], ["--tls-resume=50%"], ["--tls-resume=on"])
        offered = self.pick("", "=if-offered")
        if self.chance(45):
            self.options.append("--pipelining" + offered)
            if self.chance(30):
                self.options += ["--pipeline-window", self.pick("1", "2", "3", "50")]
            if not self.lmtp and self.chance(40):
                self.options += ["--in-flight", self.pick("2", "4", "20")]
        if self.chance(30):
            self.options.append("--chunking" + offered)
            if self.chance(40):
                self.options += ["--chunk-size", self.pick("1", "100", "4k")]
        if self.chance(30):
            self.options += ["-l", self.pick("1", "1000", "100k")]
        for option in ("size", "8bitmime", "smtputf8", "dsn", "enhanced-codes", "limits"):
            if self.chance(12):
                self.options.append(f"--{option}" + self.pick("=if-offered", "=if-offered", ""))
                self.options += ["--dsn-ret=hdrs", "--dsn-orcpt"] if option == "dsn" else []
        self.options += self.pick([], [], ["-A"], ["-v"], ["-S", "hi"], ["--numbering", "last"])

    def draw_connection(self):
        tcp = not self.unix
        if tcp and self.chance(20):
            self.options += ["--bind", self.pick("127.0.0.2", "127.0.0.0/24",
                                                 "127.0.0.3,127.0.0.9")]
        if tcp and self.chance(10):
            self.options += self.pick(["--fastopen"], ["--nodelay=off"], ["-T", "4096"])
        if self.proxy:
            self.options += ["--proxy", self.pick("v1", "v2")]
            if self.chance(50):
                self.options += ["--proxy-source", self.pick("192.0.2.0/28", "2001:db8::/126")]
        if self.chance(20):
            self.options += ["--connect-rate", self.pick("50/s", "500/s")]
        if self.chance(30):
            self.options += ["--connect-parallel", self.pick("auto", "3", "1")]
        if self.chance(30):
            self.options += ["--close", self.pick("quit", "fin", "reset")]
        if self.chance(15):
            self.options += ["-C", "3"]
        self.timeout = self.chance(40)
        if self.timeout:
            self.options += ["--timeout", "400ms"]

    def draw_judgement(self):
        self.options += self.pick([], [], ["--require", "errors==0"], ["--require", "p99<10s"],
                                  ["--require", "p50(rcpt)<10s and lost<50%"])
        if self.chance(15):
            self.keep_going = True
            self.options += ["--stop-when", self.pick("errors>50%", "connect-failures>2",
                                                      "accepted>20", "lost>0")]
        if self.chance(40):
            self.options += ["--interval", self.pick("10ms", "50ms", "1s")]
        if self.chance(20):
            self.options += ["--seed", "7"]

    def draw_files(self):
        for option in ("output", "html", "hdr"):
            if self.chance(20):
                self.files.append((option, self.path(option)))
                self.options += [f"--{option}", self.path(option)]
        self.options += ["--report", "json"]
        if self.chance(15):
            self.to_config()

    def to_config(self):
        """Some of the options into a file."""
        lines, rest, at = [], [], 0
        while at < len(self.options):
            word = self.options[at]
            value = self.options[at + 1] if at + 1 < len(self.options) else "-"
            if word.startswith("--") and self.chance(50) and not word.startswith("--require"):
                if "=" in word or value.startswith("-"):
                    lines.append(word[2:])
                else:
                    lines.append(f'{word[2:]} "{value}"')
                    at += 1
            else:
                rest.append(word)
            at += 1
        with open(self.path("config"), "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        self.options = rest + ["--config", self.path("config")]

    def python_server(self):
        if self.kind == "outage":
            return misbehave.Misbehaving(self.random.random(), self.lmtp,
                                         outages=((self.random.uniform(0, 0.4), 0.6), (0.8, 1.0)))
        self.step = self.pick(*misbehave.STEPS)
        self.action = self.pick(*misbehave.ACTIONS)
        self.slow = self.pick(0.0, 0.0, 0.03)
        return misbehave.Misbehaving(self.random.random(), self.lmtp, self.step, self.action,
                                     one=self.pick(1, 2, 5, 20), slow=self.slow)

    def sink_options(self):
        self.log = self.path("log")
        options = ["--report=json", "--log", self.log, "--threads", self.pick("1", "3"), "--io",
                   self.pick("epoll", "auto"), "--announce", "CHUNKING,SIZE", "-t", "5"]
        if self.lmtp:
            options.append("-L")
        if self.tls:
            options.append(f"--tls={self.tls}")
        if self.proxy:
            options.append("--proxy")
        options += self.pick([], [], ["--strict"], ["--maildir", self.path("in")],
                             ["--mbox", self.path("mbox")], ["-D", self.path("dump")])
        if self.kind == "profile":
            with open(self.path("profile"), "w", encoding="utf-8") as f:
                f.write("[default]\n" + self.pick(*PROFILES))
            os.chmod(self.path("profile"), 0o644)
            options += ["--profile", self.path("profile"), "--seed", "3"]
        elif self.kind == "fault":
            options += self.pick(*FAULTS)
        return options

    def ends_alone(self):
        """Is there an end in any case, without a signal?"""
        if self.kind == "sink":
            return True
        # A full listen queue drops connections that their clients take for made: nobody greets them.
        silent = self.kind == "python" and (self.action in misbehave.SILENT or self.slow)
        return (not silent or self.timeout) and (self.bounded or not self.keep_going)


def sink_process(build, case, options):
    user = ["-u", "root"] if os.geteuid() == 0 else []
    where = f"unix:{case.path('s')}" if case.unix else "127.0.0.1:0"
    process = subprocess.Popen([os.path.join(build, "smtp-sink"), *user, *options, where],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if case.unix:
        while not os.path.exists(case.path("s")) and process.poll() is None:
            time.sleep(0.005)
        time.sleep(0.02)
        return process, where
    found = re.search(r"listening on (\S+)", process.stderr.readline())
    return process, found.group(1) if found else ""


def run_source(build, case, where):
    """Status, output, errors, and whether it had to be told to end."""
    case.command = [os.path.join(build, "smtp-source"), *case.options, where]
    p = subprocess.Popen(case.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         errors="replace", cwd=case.folder)
    told = []

    def tell(number):
        told.append(number)
        if p.poll() is None:
            p.send_signal(number)

    patience = HANG if case.ends_alone() else GRACE
    timers = [threading.Timer(*event) for event in
              [(after, tell, (number,)) for after, number in case.signals]]
    for timer in timers:
        timer.start()
    try:
        out, err = p.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        if case.ends_alone() or len(case.signals) == 2:
            p.send_signal(signal.SIGABRT)
            out, err = p.communicate()
            return p.returncode, out, err, "hangs"
        tell(signal.SIGINT)
        time.sleep(1)
        tell(signal.SIGTERM)
        try:
            out, err = p.communicate(timeout=HANG)
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGABRT)
            out, err = p.communicate()
            return p.returncode, out, err, "hangs after two signals"
    for timer in timers:
        timer.cancel()
    return p.returncode, out, err, "told" if told else ""


def check_status(status, report, told, err):
    ended = report["ended"]
    unmet = any(not r["met"] for r in report.get("requirements", ()))
    unfound = "search" in report and report["search"]["found"] is None
    if ended.startswith("fatal: "):
        if status != 1:
            yield f"{ended}, and status {status}"
        if ended[7:] not in err:
            yield f"{ended} is not on standard error"
    elif ended == "interrupted":
        if status != 1 or not told:
            yield f"interrupted, status {status}, signals {told}"
    elif ended.startswith("stopped: "):
        if status != 3:
            yield f"{ended}, and status {status}"
    elif ended != "complete":
        yield f"ended: {ended}"
    elif status != (3 if unmet or unfound else 0):
        yield f"complete, unmet {unmet}, unfound {unfound}, and status {status}"


def whole(report, kind, outcome):
    """With what ended in the warm-up."""
    warm = report.get("warmup", {}).get("messages", {}) if kind == "messages" else {}
    return report[kind][outcome] + warm.get(outcome, 0)


def check_account(case, report):
    offered = whole(report, "messages", "offered")
    if report["recipients"]["offered"] != case.rcpts * report["messages"]["offered"]:
        yield "recipients offered are not those of the messages"
    if case.messages is not None and offered > case.messages:
        yield f"-m {case.messages}, offered {offered}"
    if case.messages is not None and not case.bounded and report["ended"] == "complete" \
            and offered != case.messages:
        yield f"-m {case.messages}, complete, and offered {offered}"
    made = report["connections"]
    if report["model"]["warmup_ns"] == 0 and made["made"] != made["closed"]:
        yield f"{made['made']} connections made, {made['closed']} closed"


def check_taken(case, report, taken):
    """What the server accepted is what was told accepted, or unknown."""
    accepted, unknown = (whole(report, "messages", o) for o in ("accepted", "unknown"))
    if case.find:
        return
    if not accepted <= taken <= accepted + unknown:
        yield f"{accepted} accepted, {unknown} unknown, and the server took {taken}"


def check_log(case, report, sink):
    with open(case.log, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    accepted = [line for line in lines if line["outcome"] == "accepted"]
    yield from check_taken(case, report, len(accepted))
    if len(accepted) > sink["messages"]:  # which counts those refused at their end, too
        yield f"{len(accepted)} accepted in the log, {sink['messages']} in the sink's summary"
    seen = [r["address"] for line in lines for r in line["recipients"]]
    if len(seen) != len(set(seen)):
        yield "a recipient's number was used twice"
    taken = sum(r["outcome"] == "accepted" for line in accepted for r in line["recipients"])
    if "warmup" not in report and not case.find and not case.random_end:
        told = report["recipients"]
        if not told["accepted"] <= taken <= told["accepted"] + told["unknown"]:
            yield f"recipients: {told}, and the sink took {taken}"


def check_files(build, case, report):
    for option, path in case.files:
        if not os.path.exists(path) or os.path.getsize(path) == 0:
            yield f"--{option} wrote nothing"
        elif option == "output":
            with open(path, encoding="utf-8") as f:
                if json.load(f) != report:
                    yield "--output differs from --report=json"
            show = subprocess.run([os.path.join(build, "smtp-report"), "show", path],
                                  capture_output=True, text=True, timeout=HANG, check=False)
            if show.returncode or show.stderr or STRANGE.search(show.stderr):
                yield f"smtp-report show: {show.returncode} {show.stderr}"


def check_run(build, case, status, out, err, told):
    if told.startswith("hangs"):
        yield told
        return
    if status < 0 and not out + err and -status in [number for _, number in case.signals]:
        return  # it came before the program was ready for it
    if STRANGE.search(err) or status < 0:
        yield f"status {status}: {err[-3000:]}"
        return
    try:
        report = json.loads(out)
    except ValueError:
        yield f"no report, status {status}: {err[-1000:]}"
        return
    if validate:
        with open(validate.SCHEMA, encoding="utf-8") as f:
            yield from validate.check(report, json.load(f))
    case.random_end = report["ended"] != "complete"
    yield from check_status(status, report, told, err)
    yield from check_account(case, report)
    yield from check_files(build, case, report)
    if "sink" in report and report["ended"] == "complete":
        yield from check_taken(case, report, report["sink"]["messages"])
    case.report = report


def stop_sink(process):
    process.send_signal(signal.SIGTERM)
    try:
        out, err = process.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None, "the sink hangs"
    if process.returncode or STRANGE.search(err):
        return None, f"the sink ends with {process.returncode}: {err[-3000:]}"
    return json.loads(out)["sink"], None


def run_case(build, seed, number, folder):
    """What is wrong with it."""
    case = Case(seed, number, folder)
    case.report = None
    case.random_end = True
    if case.kind == "sink":
        return case, list(check_run(build, case, *run_source(build, case, "sink:")))
    if case.kind in ("python", "outage"):
        with case.python_server() as server:
            wrong = list(check_run(build, case, *run_source(build, case, server.where)))
            time.sleep(0.05)
            if case.report:
                wrong += check_taken(case, case.report, server.accepted)
        return case, wrong
    process, where = sink_process(build, case, case.sink_options())
    wrong = list(check_run(build, case, *run_source(build, case, where)))
    sink, trouble = stop_sink(process)
    if trouble:
        wrong.append(trouble)
    elif case.report:
        wrong += check_log(case, case.report, sink)
    return case, wrong


def show(case, seed, number, wrong):
    server = case.kind
    if case.kind == "python":
        server += f" {case.step} {case.action}"
    if os.path.exists(case.path("profile")):
        server += " " + open(case.path("profile"), encoding="utf-8").read().replace("\n", "; ")
    text = [f"--seed {seed} --only {number}: {server}, signals {case.signals}",
            "  " + shlex.join(case.command)]
    return "\n".join(text + [f"  {line}" for line in wrong])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--jobs", type=int, default=6)
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    numbers = [args.only] if args.only is not None else \
        range(args.count or (2000 if args.full else 120))
    failed = 0
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        os.chmod(folder, 0o777)
        runs = [(n, pool.submit(run_case, build, args.seed, n, folder)) for n in numbers]
        for number, future in runs:
            case, wrong = future.result()
            if wrong or args.only is not None:
                print(show(case, args.seed, number, wrong), flush=True)
            if args.only is not None and case.report:
                print(json.dumps({k: case.report[k] for k in
                                  ("ended", "messages", "recipients", "connections", "warmup",
                                   "starts", "refusals") if k in case.report}, indent=1))
            failed += bool(wrong)
    print(f"{len(runs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
