#!/usr/bin/env python3
"""A server that refuses, breaks off and dawdles at random keeps a ledger of what it has accepted, by message
and recipient; the source's lines and report are held against it. No message is told accepted that was
not; one that was is told accepted or unknown, and nothing else.

    ledger.py BUILD [--full] [--seed N] [--count N] [--only K] [--jobs N]

Options and faults of a case follow from its seed and number, what comes of them from the moment, too.
"""
import argparse
import concurrent.futures
import json
import os
import random
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

OUTCOMES = ("accepted", "refused", "failed", "unknown", "missed")
MESSAGE_ID = re.compile(rb"^Message-Id: (<[^>]*>)", re.M)
REFUSALS = (b"550 5.7.1 No\r\n", b"451-4.7.1 Not\r\n451 4.7.1 now\r\n", b"452 4.3.1 Full\r\n",
            b"no\r\n")
CLOSING = b"421 4.3.2 Shutting down\r\n"
PATIENCE = 3  # s; then the run is ended as a user would
HANG = 60


class Gone(Exception):
    """This side has ended the connection."""


class Server:
    def __init__(self, case, path):
        self.case = case
        self.lock = threading.Lock()
        self.taken = {}  # by Message-Id: the recipients that it was accepted for
        self.numbers = []  # of recipients, as they came
        self.wrong = []
        self.sessions = 0
        self.open = set()
        if case.unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            self.where = "unix:" + path
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.where = f"127.0.0.1:{self.listener.getsockname()[1]}"
        if case.dawdles:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.listener.listen(100)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.sessions += 1
                self.open.add(conn)
            rng = random.Random(f"{self.case.name}/{self.sessions}")
            threading.Thread(target=self.session, args=(conn, rng), daemon=True).start()

    def session(self, conn, rng):
        try:
            if not self.case.unix:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Session(self, conn, rng).converse()
        except (OSError, Gone):
            pass
        except Exception as error:  # a defect of this file
            self.wrong.append(f"the server: {error!r}")
        with self.lock:
            self.open.discard(conn)
        conn.close()

    def close(self):
        """After what has come is read, and so decided."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        end = time.monotonic() + 5
        while self.open and time.monotonic() < end:
            time.sleep(0.005)


class Session:
    def __init__(self, server, conn, rng):
        self.server, self.conn, self.rng, self.case = server, conn, rng, server.case
        self.input = self.output = b""
        self.nested = self.chance(0.5)  # behind a refused chunk RSET is needed, not only MAIL
        self.lax = self.chance(0.5)  # says 354 without a recipient
        self.reset()

    def reset(self):
        self.mail = self.spoilt = False  # spoilt: a chunk was refused
        self.rcpts = []
        self.content = b""

    def chance(self, p):
        return self.rng.random() < p

    # ---- Octets

    def flush(self):
        out, self.output = self.output, b""
        if out and self.chance(0.05):
            k = self.rng.randrange(len(out))
            self.conn.sendall(out[:k])
            time.sleep(self.rng.random() * 0.003)
            out = out[k:]
        self.conn.sendall(out)

    def break_off(self):
        """With all, a part or nothing of what is still to be said, by FIN or RST."""
        how = self.rng.randrange(4)
        if how < 2:
            self.conn.sendall(self.output[:self.rng.randrange(len(self.output) + 1)] if how
                              else self.output)
        if self.chance(0.5):
            self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == 2:
            self.conn.shutdown(socket.SHUT_WR)
        while how == 2 or (self.case.silent and self.chance(0.3)):
            if not self.conn.recv(65536):
                break
        raise Gone

    def more(self):
        self.flush()
        if self.chance(self.case.cut / 4):
            self.break_off()
        if self.case.dawdles and self.chance(0.1):
            time.sleep(self.rng.random() * 0.002)
        got = self.conn.recv(self.rng.choice((10, 100, 4096, 65536)))
        if not got:
            raise Gone
        self.input += got

    def line(self):
        while b"\n" not in self.input:
            self.more()
        line, self.input = self.input.split(b"\n", 1)
        return line + b"\n"

    def octets(self, n):
        while len(self.input) < n:
            self.more()
        got, self.input = self.input[:n], self.input[n:]
        return got

    def say(self, reply):
        if self.chance(self.case.cut):
            self.break_off()
        self.output += reply
        if self.chance(0.05):
            self.flush()

    def closes(self):
        if self.chance(self.case.cut / 4):
            self.output += CLOSING
            self.break_off()

    def refuses(self, replies=1):
        """Says so. Is it refused?"""
        self.closes()
        if not self.chance(self.case.refuse):
            return False
        for _ in range(replies):
            self.say(self.rng.choice(REFUSALS))
        return True

    # ---- Verbs

    def converse(self):
        self.say(b"220 odd.example ESMTP\r\n")
        while True:
            line = self.line()
            verb = line[:4].strip().decode("latin-1").lower()
            getattr(self, "do_" + verb)(line)

    def do_ehlo(self, _):
        self.reset()
        self.say(b"250-odd.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n")

    do_lhlo = do_helo = do_ehlo

    def do_mail(self, _):
        if self.mail and self.spoilt and not self.nested:
            self.reset()
        if self.mail:
            if not self.spoilt:
                self.server.wrong.append("MAIL within a transaction")
            self.say(b"503 5.5.1 Nested MAIL\r\n")
        elif not self.refuses():
            self.mail = True
            self.say(b"250 2.1.0 Ok\r\n")

    def do_rcpt(self, line):
        path = line[line.index(b"<") + 1:line.rindex(b">")].decode()
        with self.server.lock:
            self.server.numbers.append(re.match(r"\d*", path).group())
        if not self.mail:
            self.say(b"503 5.5.1 MAIL first\r\n")
        elif not self.refuses():
            self.rcpts.append(path)
            self.say(b"250 2.1.5 Ok\r\n")

    def do_data(self, _):
        nobody = not self.rcpts
        if nobody and not (self.lax and self.mail):
            self.say(b"503 5.5.1 Nobody\r\n")
            return
        if self.refuses():
            return
        self.say(b"354 Go\r\n")
        lines = []
        while not lines or lines[-1] != b".\r\n":
            lines.append(self.line())
        if not nobody:
            self.finish(b"".join(lines[:-1]))
            return
        if len(lines) > 1:  # RFC 2920 section 3.1: a lone dot
            self.server.wrong.append("content for nobody")
        self.say(self.rng.choice((b"554 5.5.1 No valid recipients\r\n", b"250 2.0.0 Fine\r\n")))
        self.reset()

    def do_bdat(self, line):
        words = line.split()
        last = len(words) > 2
        replies = len(self.rcpts) if self.case.lmtp and last else 1
        refused = not self.rcpts or self.spoilt
        if refused:
            self.say(b"503 5.5.1 Not so\r\n")
        elif self.chance(0.3):  # before its octets are read
            refused = self.refuses(replies)
            self.flush()
        octets = self.octets(int(words[1]))
        if not refused:
            self.content += octets
            if last:
                self.finish(self.content)
                return
            refused = self.refuses()
            if not refused:
                self.say(b"250 2.0.0 Chunk\r\n")
        self.spoilt |= refused

    def finish(self, content):
        """Is decided, and in the ledger, before it is told. A 421 is for all that was not told yet."""
        name = MESSAGE_ID.search(content).group(1).decode()
        verdicts = [self.chance(1 - self.case.refuse)
                    for _ in (self.rcpts if self.case.lmtp else (None,))]
        told = len(verdicts)
        if self.chance(self.case.cut / 2):
            told = self.rng.randrange(told)
        taken = [rcpt for i, rcpt in enumerate(self.rcpts)
                 if verdicts[i if self.case.lmtp else 0] and (i < told or told == len(verdicts))
                 and (self.case.lmtp or told)]
        with self.server.lock:
            if name in self.server.taken:
                self.server.wrong.append(f"{name} twice")
            if taken:
                self.server.taken[name] = taken
        self.reset()
        if self.chance(self.case.cut):
            self.break_off()
        for verdict in verdicts[:told]:
            self.say(b"250 2.0.0 Ok\r\n" if verdict else self.rng.choice(REFUSALS))
        if told < len(verdicts):
            self.output += CLOSING
            self.break_off()

    def do_rset(self, _):
        self.reset()
        self.say(b"250 2.0.0 Ok\r\n")

    def do_quit(self, _):
        self.say(b"221 2.0.0 Bye\r\n")
        self.flush()
        raise Gone


class Case:
    """What is drawn at random for it, and what that means for its account."""

    def __init__(self, seed, number, drivers, most):
        self.name = f"{seed}/{number}"
        r = self.random = random.Random(self.name)
        self.lmtp, self.unix, self.dawdles = (r.random() < p for p in (0.35, 0.25, 0.2))
        self.cut = r.choice((0, 0.002, 0.01, 0.03))
        self.refuse = r.choice((0, 0.01, 0.1, 0.3, 0.6))
        self.silent = self.cut > 0 and r.random() < 0.15
        self.rcpts = r.choice((1, 1, 2, 5, 20))
        self.messages = r.choice([n for n in (1, 20, 100, 300) if n * self.rcpts <= most])
        self.numbered = r.random() < 0.6
        self.strikes = r.choice((0, 0, 0, 0, 1, 2))
        self.interrupted = False
        self.options = [
            "--io=" + drivers[number % len(drivers)], "--report=json", "-f", "s@example.com",
            "-t", "u@example.com", f"-m{self.messages}", f"-r{self.rcpts}",
            f"-s{r.choice((1, 2, 5, 12))}", f"--threads={r.choice((1, 1, 2, 3))}",
            "--connect-parallel=" + r.choice(("1", "3", "auto")),
            "--close=" + r.choice(("quit", "quit", "fin", "reset")),
            *["-L"] * self.lmtp, *["-N"] * self.numbered, *["-d"] * (r.random() < 0.8),
            *["--timeout=300ms"] * self.silent, *self.draw(0.2, "-T", 1, 2000, 10000),
            *self.draw(0.15, "--per-connection=", "1..5", 7)]
        if self.cut or self.refuse:
            self.options.append(r.choice(("-A", "--keep-going") if not self.cut else
                                         ("-A", "--keep-going", "--keep-going")))
        self.draw_depth()

    def draw(self, chance, option, *values):
        return [f"{option}{self.random.choice(values)}"] if self.random.random() < chance else []

    def draw_depth(self):
        r, window, depth = self.random, 0, 2
        if r.random() < 0.75:
            window = r.choice((1, 2, 3, 7, 30, 1000))
            self.options += ["--pipelining", f"--pipeline-window={window}"]
            if not self.lmtp and r.random() < 0.7:
                depth = r.choice((1, 2, 3, 8, 64))
                self.options.append(f"--in-flight={depth}")
        chunk = r.choice((0, 0, 1, 50, 1000, 10000))
        if chunk or r.random() < 0.2:
            self.options += ["--chunking", *([f"--chunk-size={chunk}"] if chunk else [])]
        length = r.choice((0, 1, 1000, 5000, 100000) if chunk in (0, 10000) else (0, 10))
        self.options += [f"-l{length}"] * (length > 0)
        # Else a group may be refused before all of its recipients were sent.
        self.whole_groups = window <= 1 or window >= depth * (self.rcpts + 2)


def check_lines(case, lines, taken):
    """Each message's outcome; yields what is wrong."""
    for line in lines:
        by = taken.pop(line["message_id"], ())
        outcome, told = line["outcome"], line["recipients_accepted"]
        if outcome == "accepted" and not by:
            yield f"told accepted, and was not: {line}"
        elif by and outcome not in ("accepted", "unknown"):
            yield f"accepted for {by}, and told: {line}"
        elif told > len(by):
            yield f"accepted for {by} only: {line}"
        elif outcome == "accepted" and len(by) > told and \
                told + line["recipients_refused"] == line["recipients"]:
            yield f"accepted for {by}, and some told refused: {line}"
    if taken:
        yield f"accepted, and in no line: {taken}"
    if len({line["message"] for line in lines}) != len(lines):
        yield "a message's number was used twice"


def check_sums(case, report, lines, server):
    messages, recipients = report["messages"], report["recipients"]
    for outcome in OUTCOMES[:4]:
        if messages[outcome] != sum(line["outcome"] == outcome for line in lines):
            yield f"lines say otherwise than {messages}"
    if messages["offered"] != case.messages or \
            recipients["offered"] != case.messages * case.rcpts:
        yield f"offered: {messages}, {recipients}"
    for one in (messages, recipients):
        if sum(one[outcome] for outcome in OUTCOMES) != one["offered"]:
            yield f"the sum of {one}"
    for outcome in OUTCOMES[:2]:
        if recipients[outcome] != sum(line["recipients_" + outcome] for line in lines):
            yield f"lines say otherwise than {recipients}"
    taken = sum(map(len, server.taken.values()))
    if not recipients["accepted"] <= taken <= recipients["accepted"] + recipients["unknown"]:
        yield f"{taken} recipients accepted, told: {recipients}"
    if case.cut == 0 and report["ended"] == "complete" and \
            any(one[outcome] for one in (messages, recipients) for outcome in OUTCOMES[2:]):
        yield f"nothing was broken off, and yet: {messages}, {recipients}"
    if report["connections"]["protocol_errors"]:  # but for a 421 all replies were asked for
        yield f"protocol errors: {report['connections']}"
    goes_on = case.cut == 0 or "--keep-going" in case.options
    if goes_on and not case.interrupted and report["ended"] != "complete":
        yield f"ended: {report['ended']}"


def check_numbers(case, report, numbers):
    used = sorted(map(int, numbers))
    if len(set(used)) < len(used):
        yield "a recipient's number was used twice"
    if case.cut == 0 and report["ended"] == "complete" and case.whole_groups and \
            used != list(range(1, len(used) + 1)):
        yield f"{len(used)} recipients have numbers up to {used[-1]}"


def strike(case, process):
    """Ends it as a user does, at random moments, and in any case when it has taken long enough."""
    begin = time.monotonic()
    moments = sorted(case.random.random() * 0.4 for _ in range(case.strikes))
    for moment in moments or [PATIENCE]:
        try:
            return process.communicate(timeout=max(0, begin + moment - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            case.interrupted = True
    try:
        return process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=HANG)


def run_case(build, case, folder):
    """Yields what is wrong."""
    stem = os.path.join(folder, case.name.replace("/", "-"))
    server = Server(case, stem + ".sock")
    command = [os.path.join(build, "smtp-source"), *case.options, "--transactions", stem + ".log",
               server.where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        try:
            out, err = strike(case, process)
        except subprocess.TimeoutExpired:
            process.kill()
            yield "hangs"
            return
    server.close()
    if case.interrupted and not out + err:
        return  # it was not ready for a signal yet
    try:
        report = json.loads(out)
        with open(stem + ".log", encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
    except (ValueError, OSError) as error:
        yield f"{error!r}, status {process.returncode}: {err[-3000:]}"
        return
    if process.returncode not in (0, 1) or "anitizer" in err:
        yield f"status {process.returncode}: {err[-3000:]}"
    yield from server.wrong
    yield from check_lines(case, lines, dict(server.taken))
    yield from check_sums(case, report, lines, server)
    if case.numbered:
        yield from check_numbers(case, report, server.numbers)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int)
    parser.add_argument("--only", type=int)
    parser.add_argument("--jobs", type=int, default=6)
    args = parser.parse_args()
    numbers = range(args.count or (1000 if args.full else 60))
    if args.only is not None:
        numbers = [args.only]
    uring = subprocess.run([os.path.join(args.build, "smtp-source"), "--io=uring", "sink:"],
                           capture_output=True, timeout=HANG, check=False).returncode == 0
    drivers = ("epoll", "uring") if uring else ("epoll",)
    failed = 0
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        cases = [Case(args.seed, n, drivers, 6000 if args.full else 400) for n in numbers]
        done = pool.map(lambda case: list(run_case(args.build, case, folder)), cases)
        for number, case, wrong in zip(numbers, cases, done):
            failed += bool(wrong)
            if wrong:
                print(f"--seed {args.seed} --only {number}: {shlex.join(case.options)}")
            for words in wrong[:5]:
                print(f"    {words[:1000]}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
