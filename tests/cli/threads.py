#!/usr/bin/env python3
"""Both programs with several threads: sums, exact counts, numbers without a gap, stops, errors.

    threads.py BUILD
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
import time

BUILD = sys.argv[1]
SOURCE = os.path.join(BUILD, "smtp-source")
SINK = os.path.join(BUILD, "smtp-sink")
DRIVERS = ("--io=epoll", "--io=auto")
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(*args, limit=60):
    return subprocess.run([SOURCE, *args], capture_output=True, text=True, timeout=limit,
                          check=False)


def sums_agree(report):
    for kind in ("messages", "recipients"):
        ends = report[kind]
        outcomes = ("accepted", "refused", "failed", "unknown", "missed")
        assert ends["offered"] == sum(ends[o] for o in outcomes), ends


def document(*args):
    done = run("--report=json", *args)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    sums_agree(report)
    return report


class Sink:
    """Ours, as a process; its own report is there after the end."""

    def __init__(self, *args, where="127.0.0.1:0"):
        user = ["-u", "root"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([SINK, "--report=json", *user, *args, where],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = where
        if where.endswith(":0"):
            line = self.process.stderr.readline()
            found = re.search(r"listening on (\S+)", line)
            assert found, line
            self.address = found.group(1)
        self.report = None

    def __enter__(self):
        return self

    def finish(self, *numbers):
        for number in numbers:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, (self.process.returncode, err)
        self.report = json.loads(out)["sink"]
        return self.report

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class Server:
    """Answers every command; a message number of its choosing is refused at its end."""

    def __init__(self, refuse=0, pause=0.0):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.refuse, self.pause = refuse, pause
        self.count = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve, daemon=True).start()

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
                self.converse(conn)
            except OSError:
                pass

    def converse(self, conn):
        conn.sendall(b"220 x\r\n")
        content = False
        for line in conn.makefile("rb"):
            if content and line != b".\r\n":
                continue
            conn.sendall(self.reply(line, content))
            content = line == b"DATA\r\n"

    def reply(self, line, content):
        if line == b"DATA\r\n":
            return b"354 go\r\n"
        if content:
            with self.lock:
                self.count += 1
                refused = self.count == self.refuse
            time.sleep(self.pause)
            return b"554 no\r\n" if refused else b"250 ok\r\n"
        return b"250 ok\r\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@test
def counts_are_exact_for_any_number_of_threads():
    shapes = (["-d"], [], ["-d", "--pipelining", "--chunking", "--in-flight=4"])
    for threads in (1, 2, 3, 8):
        for sessions, messages in ((1, 50), (7, 1001), (8, 9)):
            for shape in shapes:
                report = document("--threads", str(threads), "-s", str(sessions), "-m",
                                  str(messages), "-r", "3", *shape, "sink:")
                told = (threads, sessions, messages, shape, report["messages"])
                assert report["messages"]["accepted"] == messages, told
                assert report["recipients"]["accepted"] == 3 * messages, told
                assert report["sink"]["messages"] == messages, told
                assert report["sink"]["recipients"] == 3 * messages, told
                assert report["config"]["workers"] == min(threads, sessions), told


@test
def both_drivers_and_pinning():
    for driver in DRIVERS:
        report = document(driver, "--threads=2", "--pin", "-d", "-s", "9", "-m", "5001", "sink:")
        assert report["messages"]["accepted"] == report["sink"]["messages"] == 5001


@test
def auto_is_one_thread_a_cpu():
    cpus = len(os.sched_getaffinity(0))
    for sessions in (1, 100):
        report = document("--threads=auto", "-d", "-s", str(sessions), "-m", "500", "sink:")
        assert report["config"]["workers"] == min(cpus, sessions)


@test
def wrong_counts_are_one_clear_line():
    for program, last in ((SOURCE, "sink:"), (SINK, "127.0.0.1:0")):
        for value in ("0", "1025", "x", "", "auto2", "-1"):
            done = subprocess.run([program, "--threads=" + value, last], capture_output=True,
                                  text=True, timeout=20, check=False)
            assert done.returncode == 1 and done.stderr.count("\n") == 1, done
            assert "thread count" in done.stderr and "1 to 1024, or auto" in done.stderr, done


def recipients_of(log):
    with open(log, encoding="utf-8") as lines:
        return [r["address"] for line in lines for r in json.loads(line)["recipients"]]


@test
def recipient_numbers_are_unique_and_without_a_gap():
    for extra in ([], ["--numbering=last"]):
        with tempfile.TemporaryDirectory() as place:
            log = os.path.join(place, "log")
            with Sink("--log", log) as sink:
                document("--threads=3", "-s", "10", "-m", "1003", "-r", "3", "-N", "-d", "-t",
                         "user@example.com", *extra, sink.address)
                document("--threads=8", "-s", "8", "-m", "20", "-r", "2", "-t",
                         "user@example.com", *extra, sink.address)
                sink.finish(signal.SIGTERM)
            found = recipients_of(log)
            numbers = sorted(int(re.search(r"\d+", a).group()) for a in found[:3009])
            assert numbers == list(range(1, 3010)), extra
            first, second = ("2user@", "user@") if not extra else ("user2@", "user@")
            wanted = [first + "example.com", second + "example.com"] * 20
            assert found[3009:] == wanted, found[3009:]


@test
def message_numbers_are_unique_and_without_a_gap():
    for threads, sessions, messages in ((1, 1, 100), (1, 7, 500), (3, 7, 1001)):
        with tempfile.TemporaryDirectory() as place:
            dump = os.path.join(place, "dump")
            with Sink("-D", dump) as sink:
                document("--threads", str(threads), "-s", str(sessions), "-m",
                         str(messages), sink.address)
                sink.finish(signal.SIGTERM)
            with open(dump, encoding="utf-8") as f:
                ids = re.findall(r"^Message-Id: <\w+\.(\w+)\.(\w+)@", f.read(), re.M)
            assert len(ids) == messages
            assert sorted(int(n, 16) for _, n in ids) == list(range(1, messages + 1))
            assert len({c for c, _ in ids}) == messages  # one connection each
            if sessions == 1:
                assert [int(n, 16) for _, n in ids] == list(range(1, messages + 1))


@test
def the_running_counter_only_rises():
    done = run("-c", "--quiet", "--threads=4", "-s", "8", "-m", "2000", "-d", "sink:")
    assert done.returncode == 0, done.stderr
    shown = [int(n) for n in re.findall(r"\d+", done.stdout)]
    assert shown == list(range(1, 2001)), shown[-5:]


@test
def a_signal_finishes_all_threads():
    for driver in DRIVERS:
        with Server(pause=0.05) as server:
            with subprocess.Popen([SOURCE, driver, "--report=json", "--threads=3", "-d", "-s", "7",
                                   "-m", "1M", server.address], stdout=subprocess.PIPE,
                                  text=True) as p:
                time.sleep(0.6)
                p.send_signal(signal.SIGINT)
                out, _ = p.communicate(timeout=20)
            report = json.loads(out)
            sums_agree(report)
            assert p.returncode == 1 and report["ended"] == "interrupted"
            messages = report["messages"]
            assert messages["accepted"] == server.count > 0, (messages, server.count)
            assert messages["missed"] == 10**6 - server.count, messages


@test
def a_fatal_error_in_one_thread_ends_all():
    for driver in DRIVERS:
        with Server(refuse=100, pause=0.01) as server:
            done = run(driver, "--report=json", "--threads=3", "-d", "-s", "7", "-m", "1M",
                       server.address)
            report = json.loads(done.stdout)
            sums_agree(report)
            assert done.returncode == 1 and done.stderr.count("fatal:") == 1, done.stderr
            assert "554 no" in done.stderr and report["ended"].startswith("fatal: ")
            assert report["messages"]["refused"] == 1, report["messages"]


@test
def the_last_message_ends_pauses_in_all_threads():
    report = document("--threads=3", "-d", "-w", "1h", "-s", "3", "-m", "3", "sink:")
    assert report["messages"]["accepted"] == 3


@test
def the_connect_rate_is_of_all_threads():
    report = document("--threads=3", "--connect-rate=100/s", "-s", "31", "-m", "31", "sink:")
    assert report["connections"]["made"] == 31 and report["elapsed_ns"] >= 0.29e9, report
    report = document("--threads=3", "--connect-parallel=8", "-s", "31", "-m", "500", "sink:")
    assert report["connections"]["made"] == 500 and report["messages"]["accepted"] == 500


@test
def refusals_in_all_threads_are_counted():
    with Sink("-f", "RCPT") as sink:
        report = document("--threads=3", "-A", "-s", "5", "-d", "-m", "500", sink.address)
        assert report["messages"]["refused"] == 500, report["messages"]
        assert sum(row["messages"] for row in report["refusals"]) == 500


@test
def lmtp_and_unix_sockets():
    with tempfile.TemporaryDirectory() as place:
        for driver in DRIVERS:
            where = "unix:" + os.path.join(place, "s" + driver[-4:])
            with Sink("-L", driver, where=where) as sink:
                end = time.monotonic() + 10
                while not os.path.exists(where[5:]) and time.monotonic() < end:
                    time.sleep(0.02)
                report = document(driver, "-L", "--threads=3", "-s", "7", "-m", "703", "-r", "2",
                                  where)
                assert report["messages"]["accepted"] == 703
                assert sink.finish(signal.SIGTERM)["recipients"] == 1406


@test
def what_several_threads_received_adds_up():
    for driver in DRIVERS:
        for pin in ([], ["--pin"]):
            with Sink(driver, "--threads=3", *pin) as sink:
                report = document(driver, "--threads=2", *pin, "-s", "9", "-m", "2001", "-r", "2",
                                  sink.address)
                seen = sink.finish(signal.SIGTERM)
            assert seen["workers"] == 3 and seen["messages"] == 2001, seen
            assert seen["recipients"] == 4002, seen
            assert seen["sessions"] == seen["quits"] + seen["lost"] == 2001, seen
            assert seen["content_bytes"] == 2001 * report["config"]["message_bytes"], seen


def work_of(pid):
    """CPU time of each pinned thread, ns, by its CPU (proc(5), schedstat)."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
            status = f.read()
        cpus = re.search(r"^Cpus_allowed_list:\s+(\S+)", status, re.M).group(1)
        if cpus.isdigit():
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                found[int(cpus)] = int(f.read().split()[0])
    return found


@test
def pinned_threads_serve_the_clients_of_their_cpu():
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        return
    with Sink("--threads", str(len(cpus)), "--pin") as sink:
        host, port = sink.address.split(":")

        before = work_of(sink.process.pid)
        end = time.monotonic() + 10
        while sorted(before) != cpus and time.monotonic() < end:
            before = work_of(sink.process.pid)
        assert sorted(before) == cpus, before
        for cpu in cpus:
            os.sched_setaffinity(0, {cpu})
            try:
                for _ in range(100):
                    with socket.create_connection((host, int(port))) as conn:
                        conn.recv(100)
                        conn.sendall(b"QUIT\r\n")
                        conn.recv(100)
            finally:
                os.sched_setaffinity(0, cpus)
            after = work_of(sink.process.pid)
            more = {c: after[c] - before[c] for c in after}
            mine = more.pop(cpu)
            assert 4 * sum(more.values()) <= mine, (cpu, mine, more)
            before = after


@test
def a_port_in_use_stays_an_error():
    for first, second in (("1", "2"), ("2", "1"), ("2", "2")):
        with Sink("--threads", first) as sink:
            done = subprocess.run([SINK, "--threads", second, sink.address], capture_output=True,
                                  text=True, timeout=20, check=False)
            assert done.returncode == 1 and "Address already in use" in done.stderr, done


@test
def stops_after_exactly_so_many_messages():
    for driver in DRIVERS:
        for sessions, pipelining in ((9, []), (20, ["--pipelining"])):
            with Sink(driver, "--threads=3", "-M", "1000") as sink:
                done = run("--report=json", "--threads=2", "-d", "-s", str(sessions), "-m", "1M",
                           *pipelining, sink.address)
                sums_agree(json.loads(done.stdout))
                seen = sink.finish()
            assert seen["messages"] == 1000, seen
            accepted = json.loads(done.stdout)["messages"]["accepted"]
            assert accepted <= 1000, accepted


@test
def stops_after_so_many_sessions():
    with Sink("--threads=3", "-n", "100") as sink:
        run("--quiet", "--threads=2", "-s", "9", "-m", "1M", sink.address)
        seen = sink.finish()
    assert 100 <= seen["quits"] + seen["lost"] <= 100 + 9, seen


def is_greeted(conn, wait):
    conn.settimeout(wait)
    try:
        return conn.recv(100).startswith(b"220 ")
    except socket.timeout:
        return False


@test
def the_session_limit_is_of_all_threads():
    for driver in DRIVERS:
        with Sink(driver, "--threads=3", "-m", "3") as sink:
            host, port = sink.address.split(":")
            waiting = [socket.create_connection((host, int(port))) for _ in range(12)]
            for conn in waiting[5:]:
                conn.sendall(b"HELO early\r\n")
            greeted = []
            for free in (3, 1, 1, 2, 3, 2):
                for conn in greeted[:free]:
                    conn.close()
                greeted = greeted[free:] if greeted else []
                end = time.monotonic() + 10
                while len(greeted) < 3 and time.monotonic() < end:
                    new = [c for c in waiting if is_greeted(c, 0.02)]
                    greeted += new
                    waiting = [c for c in waiting if c not in new]
                assert len(greeted) == 3, (free, len(greeted))
                assert not any(is_greeted(c, 0.02) for c in waiting)
            assert not waiting
            for conn in greeted:
                conn.close()
            seen = sink.finish(signal.SIGTERM)
            assert seen["peak_sessions"] == 3 and seen["sessions"] == 12, seen


@test
def clients_that_wait_are_let_go_at_the_end():
    with Sink("--threads=3", "-m", "1", "--grace=0") as sink:
        host, port = sink.address.split(":")
        conns = [socket.create_connection((host, int(port))) for _ in range(9)]
        assert sum(is_greeted(c, 0.05) for c in conns) == 1
        seen = sink.finish(signal.SIGTERM)
        assert seen["sessions"] == seen["peak_sessions"] == 1, seen
        for conn in conns:
            conn.close()


@test
def the_sinks_counters_are_of_all_threads():
    with Sink("--threads=3", "-c", "-n", "500", "--report=text", where="127.0.0.1:0") as sink:
        run("--quiet", "--threads=2", "-s", "9", "-m", "500", sink.address)
        out, _ = sink.process.communicate(timeout=30)
    shown = [tuple(map(int, row)) for row in
             re.findall(r"sess=(\d+) quit=(\d+) mesg=(\d+)\s", out)]
    assert shown == sorted(shown) and shown[-1][2] == 500, shown[-3:]
    assert all(a <= b for one, two in zip(shown, shown[1:]) for a, b in zip(one, two))


@test
def open_transactions_finish_in_all_threads():
    for how, ending in (([signal.SIGTERM], b"250"), ([signal.SIGTERM, signal.SIGTERM], b"")):
        with Sink("--threads=3", "--grace=10") as sink:
            host, port = sink.address.split(":")
            conns = [socket.create_connection((host, int(port))) for _ in range(9)]
            for conn in conns:
                conn.settimeout(10)
                stream = conn.makefile("rb")
                for line in (b"", b"HELO x\r\n", b"MAIL FROM:<a>\r\n", b"RCPT TO:<b>\r\n",
                             b"DATA\r\n"):
                    conn.sendall(line)
                    assert stream.readline()[:1] in b"23"
            sink.process.send_signal(how[0])
            time.sleep(0.3)
            if len(how) > 1:
                sink.process.send_signal(how[1])
                time.sleep(0.3)
            for conn in conns:
                try:
                    conn.sendall(b"text\r\n.\r\n")
                    answer = conn.recv(100)
                except OSError:
                    answer = b""
                assert answer[:3] == ending, (how, answer)
                conn.close()
            assert sink.finish()["messages"] == (9 if ending else 0)


@test
def a_profile_remembers_for_all_threads():
    rules = "[default]\nRCPT greylist 1h\n"
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        profile = os.path.join(place, "profile")
        with open(profile, "w", encoding="utf-8") as f:
            f.write(rules)
        with Sink("--threads=3", "--profile", profile) as sink:
            report = document("-A", "--threads=2", "-s", "9", "-m", "300", "-t", "x@example.com",
                              sink.address)
            assert report["messages"]["refused"] == 300, report["messages"]


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
