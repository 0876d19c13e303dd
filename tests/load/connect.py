#!/usr/bin/env python3
"""Connecting and letting go as a server sees it: where connections come from, how many are in
progress, how they end, what the sockets are set to, and what is said when a limit is reached.

    connect.py BUILD

Has a network of its own, whose settings it changes; where that is not allowed nothing is tested.
"""
import ctypes
import errno
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

BUILD = sys.argv[1]
SOURCE = os.path.join(BUILD, "smtp-source")
DRIVERS = ["epoll"]
TESTS = []
LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
SIOCSIFADDR = 0x8916
IFF_UP = 1
PIDFD_GETFD = 438
IP_BIND_ADDRESS_NO_PORT = 24
SYN_SENT = "02"


def test(function):
    TESTS.append(function)
    return function


def run(*args, limit=60, **more):
    return subprocess.run([SOURCE, *args], capture_output=True, text=True, timeout=limit,
                          check=False, **more)


def document(*args, **more):
    done = run("--report=json", *args, **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def one_line(done, *words):
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 1 and "fatal: " in lines[0], lines
    for word in words:
        assert word in lines[0], (word, lines[0])


def setting(name, value):
    with open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as f:
        f.write(value)


def own_network():
    if LIBC.unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    return True


def add_ipv6(address):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFADDR, struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, address),
                                                128, socket.if_nametoindex("lo")))


class Server:
    """A server of one script: a function that is given each connection. Keeps what it returns."""

    def __init__(self, script, address="127.0.0.1", fastopen=False):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.socket(family)
        if fastopen:
            self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 100)
        self.listener.bind((address, 0))
        self.listener.listen(200)
        self.port = self.listener.getsockname()[1]
        self.target = f"[{address}]:{self.port}"
        self.script = script
        self.peers = []
        self.said = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, peer = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer[0])
            threading.Thread(target=self.one, args=(conn,), daemon=True).start()

    def one(self, conn):
        with conn:
            try:
                said = self.script(conn)
            except OSError as error:
                said = error
        with self.lock:
            self.said.append(said)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def converse(conn, quit_reply=b"221 bye\r\n"):
    """A good server. Returns the verbs that it was told, and how the connection ended."""
    verbs = []
    pending = b""

    def line():
        nonlocal pending
        while b"\n" not in pending:
            more = conn.recv(65536)
            if not more:
                raise EOFError
            pending += more
        first, pending = pending.split(b"\n", 1)
        return first.rstrip(b"\r")

    try:
        conn.sendall(b"220 test\r\n")
        while True:
            verb = line().split(b" ")[0].decode("ascii")
            verbs.append(verb)
            if verb == "DATA":
                conn.sendall(b"354 go\r\n")
                while line() != b".":
                    pass
            conn.sendall(quit_reply if verb == "QUIT" else b"250 ok\r\n")
    except EOFError:
        return verbs, "FIN"
    except ConnectionResetError:
        return verbs, "RST"


def silent(conn):
    """Greets nobody; returns when the other side has gone."""
    conn.recv(100)


def sockets_to(port, state=None):
    """Connecting ends towards that port, as the kernel lists them."""
    found = 0
    with open("/proc/net/tcp", encoding="ascii") as f:
        for row in f.read().splitlines()[1:]:
            words = row.split()
            found += words[2].endswith(f":{port:04X}") and state in (None, words[3])
    return found


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def for_each_driver(function):
    def every():
        for driver in DRIVERS:
            function(f"--io={driver}")
    every.__name__ = function.__name__
    return test(every)


# ---- Source addresses ----

@for_each_driver
def connections_come_from_each_address_in_turn(driver):
    with Server(converse) as s:
        document(driver, "--bind", "127.0.0.8/29", "-m", "12", s.target)
        wanted = [f"127.0.0.{n}" for n in range(9, 15)]
        assert s.peers == wanted * 2, s.peers
    with Server(converse) as s:
        document(driver, "--bind=127.0.0.7,127.1.2.4/31", "-s", "5", "-m", "30", s.target)
        assert sorted(s.peers) == sorted(["127.0.0.7", "127.1.2.4", "127.1.2.5"] * 10), s.peers


@for_each_driver
def ipv6_too(driver):
    with Server(converse, "::1") as s:
        document(driver, "--bind", "fd00::10/126,fd00::1", "-d", "-s", "8", "-m", "80", s.target)
        assert sorted(s.peers) == sorted(["fd00::1", "fd00::11", "fd00::12", "fd00::13"] * 2), s.peers


@test
def the_family_of_the_sources_is_connected_with():
    with Server(converse) as s:
        document("--bind", "127.0.0.5", "-m", "2", f"localhost:{s.port}")
        assert s.peers == ["127.0.0.5"] * 2, s.peers


@test
def each_source_has_all_ports():
    with Server(converse) as s:
        setting("ip_local_port_range", "40000 40009")
        one_line(run("-s", "11", "-m", "11", s.target), "11 sessions need as many ports",
                 "10 x 1 source address ", "ip_local_port_range is 40000 40009", "--bind")
        one_line(run("-s", "41", "-m", "99", "--bind", "127.0.0.16/30,127.0.0.24/30", s.target),
                 "10 x 4 source addresses")
        report = document("-s", "40", "-m", "80", "-d", "--connect-parallel=auto",
                          "--bind", "127.0.0.16/30,127.0.0.24/30", s.target)
        assert report["messages"]["accepted"] == 80
        assert report["connections"]["made"] == 40
        # A session is not needed without a message.
        assert run("-s", "500", "-m", "10", s.target).returncode == 0


@for_each_driver
def running_out_of_ports_is_told_in_one_line(driver):
    with Server(converse) as s:
        setting("ip_local_port_range", "40000 40009")
        done = run(driver, "--quiet", "--close=fin", "-m", "100", "--bind=127.0.0.30", s.target)
        one_line(done, "connect: Cannot assign requested address", f"127.0.0.1:{s.port} from "
                 "127.0.0.30", "TIME_WAIT", "--close=reset", "--bind", "ip_local_port_range")
        # What mends it.
        assert run(driver, "--close=reset", "-m", "100", "--bind=127.0.0.31", s.target
                   ).returncode == 0
        assert run(driver, "--close=fin", "-m", "100", "--bind=127.0.0.32/27", s.target
                   ).returncode == 0


@test
def sources_that_are_none_get_one_clear_line():
    for args, words in (
            (["--bind=192.0.2.7", "sink:"], "does not have the address 192.0.2.7"),
            (["--bind=192.0.2.0/24", "127.0.0.1:1"], "does not have the address 192.0.2.1"),
            (["--bind=224.0.0.1", "127.0.0.1:1"], "does not have the address 224.0.0.1"),
            (["--bind=255.255.255.255", "127.0.0.1:1"], "does not have the address 255.255"),
            (["--bind=ff02::1", "[::1]:1"], "does not have the address ff02::1"),
            (["--bind=", "sink:"], "source address: empty"),
            (["--bind=here", "sink:"], "source address: here"),
            (["--bind=127.0.0.1,::1", "sink:"], "do not go together"),
            (["--bind=127.0.0.1/8", "sink:"], "bits are set behind the prefix"),
            (["--bind=127.0.0.0/40", "sink:"], "0 to 32"),
            (["--bind=::1", "sink:"], "--bind ::1 is IPv6"),
            (["--bind=::1", "127.0.0.1:25"], "no IPv6 address is known for 127.0.0.1 (--bind ::1"),
            (["--bind=127.0.0.1", "[::1]:25"], "no IPv4 address is known for ::1 (--bind"),
            (["--bind=127.0.0.1", "-6", "localhost:25"], "--bind 127.0.0.1 is IPv4"),
            (["--bind=127.0.0.1", "unix:/tmp/x"], "--bind cannot be used with unix:/tmp/x")):
        one_line(run(*args), words)


# ---- How it ends ----

@for_each_driver
def the_ways_to_close(driver):
    message = ["MAIL", "RCPT", "DATA"]
    for how, last, end in ((None, ["QUIT"], "RST"), ("quit", ["QUIT"], "RST"), ("fin", [], "FIN"),
                           ("reset", [], "RST")):
        for keep in (False, True):
            args = [driver, "-m", "6", "-s", "2"]
            args += [f"--close={how}"] if how else []
            args += ["-d"] if keep else []
            with Server(converse) as s:
                report = document(*args, s.target)
                assert until(lambda s=s: len(s.said) == len(s.peers)), (args, s.said)
                assert len(s.peers) == (2 if keep else 6), (args, s.peers)
                for verbs, ended in s.said:
                    assert ended == end, (args, s.said)
                    assert verbs[:4] == ["HELO", *message], (args, verbs)
                    assert verbs[-1:] == (last or ["DATA"]), (args, verbs)
                    assert verbs.count("QUIT") == len(last), (args, verbs)
                assert sum(verbs.count("DATA") for verbs, _ in s.said) == 6
            assert report["messages"]["accepted"] == 6, report["messages"]
            assert report["connections"]["lost"] == report["connections"]["timeouts"] == 0


@for_each_driver
def nothing_is_lost_when_closing_without_quit(driver):
    for how in ("fin", "reset"):
        for extra in (["-d"], ["-d", "--pipelining", "-r", "5"], ["--pipelining", "--chunking"],
                      ["-d", "--chunking", "--chunk-size=100", "-l", "5000"], ["-L", "-r", "3"]):
            report = document(driver, f"--close={how}", "-s", "7", "-m", "700", *extra, "sink:")
            assert report["messages"]["accepted"] == report["sink"]["messages"] == 700, extra
            assert report["recipients"]["accepted"] == report["sink"]["recipients"], extra
            assert report["connections"]["lost"] == 0, extra


@for_each_driver
def an_unanswered_quit_is_no_failure(driver):
    with Server(lambda c: converse(c, quit_reply=b"")) as s:
        done = run(driver, "--report=json", "--timeout=300ms", "-m", "3", s.target)
        report = json.loads(done.stdout)
        assert done.returncode == 0, done.stderr
        assert report["messages"]["accepted"] == 3
        assert report["connections"]["timeouts"] == 3
        assert done.stderr.count("warning: timeout while waiting for the reply to QUIT") == 3
        assert len(done.stderr.splitlines()) == 3, done.stderr


@test
def a_reply_to_quit_without_end_is_no_failure():
    with Server(lambda c: converse(c, quit_reply=b"221-bye\r\n" * 2000)) as s:
        done = run("--report=json", "-m", "3", s.target)
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert report["messages"]["accepted"] == report["connections"]["protocol_errors"] == 3
    assert done.stderr.count("warning: protocol error: a reply without end: 221-bye") == 3
    assert len(done.stderr.splitlines()) == 3, done.stderr


@test
def the_timeout_ends_the_run():
    with Server(silent) as s:
        one_line(run("--quiet", "--timeout", "200ms", s.target), "timeout while reading server greeting")


# ---- Connecting ----

@for_each_driver
def so_many_connects_at_a_time(driver):
    """A listen queue of one place that nobody empties: all further connects stay in progress."""
    for option, sessions, wanted in (([], 20, 1), (["--connect-parallel=1"], 20, 1),
                                     (["--connect-parallel", "7"], 20, 7),
                                     (["--connect-parallel=100"], 20, 18),
                                     (["--connect-parallel=auto"], 200, 128)):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            port = listener.getsockname()[1]
            with subprocess.Popen([SOURCE, driver, *option, "-s", str(sessions), "-m", "1000",
                                   f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as p:
                try:
                    reached = until(lambda port=port, wanted=wanted:
                                    sockets_to(port, SYN_SENT) == wanted)
                    time.sleep(0.2)
                    assert reached and sockets_to(port, SYN_SENT) == wanted, (
                        option, sockets_to(port, SYN_SENT))
                finally:
                    p.send_signal(signal.SIGTERM)
                    p.send_signal(signal.SIGTERM)
                    p.wait(timeout=20)


@for_each_driver
def a_rate_is_not_exceeded(driver):
    for extra in ([], ["--connect-parallel=auto"]):
        report = document(driver, "--connect-rate=50/s", "-s", "20", "-m", "26", *extra, "sink:")
        assert report["messages"]["accepted"] == 26
        assert report["elapsed_ns"] >= 25 * 10**9 / 50, report["elapsed_ns"]
    for same in ("3600k/h", "60k/min", "1k", "1000.0/s"):
        report = document("--connect-rate", same, "-m", "11", "sink:")
        assert report["elapsed_ns"] >= 10 * 10**9 / 1000, same


def options_of(pid, port):
    """TCP_NODELAY, SO_KEEPALIVE, IP_BIND_ADDRESS_NO_PORT of its connection to that port."""
    pidfd = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                    continue
            except OSError:
                continue
            fd = LIBC.syscall(PIDFD_GETFD, pidfd, int(name), 0)
            if fd < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            with socket.socket(fileno=fd) as s:
                try:
                    if s.getpeername()[1] != port:
                        continue
                except OSError:
                    continue
                return [s.getsockopt(*o) for o in (
                    (socket.IPPROTO_TCP, socket.TCP_NODELAY),
                    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                    (socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT))]
    finally:
        os.close(pidfd)
    return None


@for_each_driver
def sockets_are_set_as_asked(driver):
    for args, wanted in (([], [1, 1, 0]), (["--nodelay"], [1, 1, 0]), (["--nodelay=on"], [1, 1, 0]),
                         (["--nodelay=off"], [0, 1, 0]), (["--bind=127.0.0.9"], [1, 1, 1])):
        with Server(silent) as s:
            with subprocess.Popen([SOURCE, "--quiet", driver, *args, s.target],
                                  stderr=subprocess.DEVNULL) as p:
                try:
                    assert until(lambda s=s: s.peers)
                    assert options_of(p.pid, s.port) == wanted, (args, options_of(p.pid, s.port))
                finally:
                    p.kill()


def fast_opened():
    with open("/proc/net/netstat", encoding="ascii") as f:
        names, values = [row.split() for row in f if row.startswith("TcpExt:")]
    return int(dict(zip(names, values))["TCPFastOpenPassive"])


@for_each_driver
def fast_open_saves_waiting_from_the_second_connection_on(driver):
    setting("tcp_fastopen", "3")
    with Server(converse, fastopen=True) as s:
        before = fast_opened()
        assert document(driver, "-m", "3", s.target)["messages"]["accepted"] == 3
        assert fast_opened() == before
        report = document(driver, "--fastopen", "-m", "6", s.target)
        assert report["messages"]["accepted"] == 6
        # The first asks for the cookie, unless an earlier run has left it with the system.
        assert fast_opened() - before in (5, 6), fast_opened() - before
    # A server that does not have it, one that is not there.
    with Server(converse) as s:
        report = document(driver, "--fastopen", "--bind=127.0.0.9", "-s", "3", "-m", "9", s.target)
        assert report["messages"]["accepted"] == 9
    one_line(run(driver, "--quiet", "--fastopen", "127.0.0.1:1"), "connect: Connection refused")
    setting("tcp_fastopen", "2")
    one_line(run(driver, "--fastopen", "sink:"), "--fastopen", "net.ipv4.tcp_fastopen")
    setting("tcp_fastopen", "1")


@test
def values_that_are_none_get_one_clear_line():
    for args, words in (
            (["--connect-rate=0"], "connect rate: 0 "), (["--connect-rate=1/d"], "connect rate: 1/d"),
            (["--connect-rate="], "connect rate: empty"), (["--connect-rate=/s"], "connect rate: /s"),
            (["--connect-rate=2G"], "connect rate: 2G"), (["--connect-rate=1.5.1"], "connect rate: 1.5.1"),
            (["--connect-parallel=0"], "connects at a time: 0 "),
            (["--connect-parallel=many"], "connects at a time: many"),
            (["--connect-parallel="], "connects at a time: empty"),
            (["--close=kill"], "way to close: kill"), (["--timeout=0"], "timeout: 0 "),
            (["--timeout=soon"], "timeout: soon"), (["--timeout=31d"], "timeout: 31d"),
            (["--nodelay=perhaps"], "TCP_NODELAY: perhaps"), (["--fastopen=yes"], "--fastopen=yes")):
        one_line(run(*args, "sink:"), words)
    one_line(run("--fastopen", "unix:/tmp/x"), "--fastopen cannot be used with unix:/tmp/x")


# ---- Descriptors ----

def limited(soft, hard):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@for_each_driver
def descriptors_are_seen_to_before_the_run(driver):
    one_line(run(driver, "-s", "200", "-m", "200", "sink:", preexec_fn=limited(100, 150)),
             "descriptors are needed and 150 allowed", "ulimit")
    # The soft limit is raised, in the embedded sink as well.
    report = document(driver, "-d", "-s", "200", "-m", "400", "sink:", preexec_fn=limited(50, 400))
    assert report["sink"]["sessions"] == 200


@for_each_driver
def running_out_of_descriptors_is_told_in_one_line(driver):
    with Server(silent) as s, tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen([SOURCE, driver, "--quiet", "--connect-rate=20", "-s", "100", "-m", "100",
                               s.target], stderr=said) as p:
            try:
                assert until(lambda: len(s.peers) >= 2)
                resource.prlimit(p.pid, resource.RLIMIT_NOFILE, (10, 10))
                p.wait(timeout=20)
            finally:
                p.kill()
        said.seek(0)
        lines = said.read().splitlines()
        assert p.returncode == 1 and len(lines) == 1, lines
        assert re.search(r"fatal: connect: Too many open files .*no descriptor is left.*ulimit",
                         lines[0]), lines


@test
def a_lack_of_locked_memory_is_no_failure():
    """Which rings of io_uring count as, for all processes of a user together: there may be enough for a
    probe, and not for a ring a thread."""
    def confine(kib):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (kib << 10, kib << 10))
        os.setgroups([])
        os.setgid(64123)
        os.setuid(64123)

    with tempfile.TemporaryDirectory() as folder:
        source = shutil.copy(SOURCE, folder)
        os.chmod(folder, 0o755)
        for kib in (0, 64, 160, 256, 400):
            args = ["-d", "-s", "4", "--threads=4", "-m", "100", "--report=json", "sink:"]
            done = subprocess.run([source, *args], capture_output=True, text=True, timeout=60,
                                  check=False, preexec_fn=lambda kib=kib: confine(kib))
            assert (done.returncode, done.stderr) == (0, ""), (kib, done.stderr)
            assert json.loads(done.stdout)["messages"]["accepted"] == 100, kib


@test
def a_machine_without_ipv6_is_told_so():
    """In a network where nothing is up ::1 is nobody's address, and no lack of ports."""
    done = subprocess.run(["unshare", "--net", SOURCE, "--quiet", "[::1]:25"], capture_output=True,
                          text=True, timeout=60, check=False)
    one_line(done, "Cannot assign requested address ([::1]:25)", "no address to reach it from")


def main():
    failed = 0
    try:
        if not own_network():
            raise OSError(errno.EPERM, "no network namespace of our own")
        for n in (1, 0x11, 0x12, 0x13):
            add_ipv6(f"fd00::{n:x}")
    except OSError as error:
        print(f"skipped: {error}")
        print(f"0 passed, 0 failed, {len(TESTS)} skipped")
        return 0
    if run("--io=uring", "sink:").returncode == 0:
        DRIVERS.append("uring")
    for function in TESTS:
        setting("ip_local_port_range", "32768 60999")
        try:
            function()
        except Exception as error:  # a test may fail in any way
            failed += 1
            print(f"{function.__name__}: {type(error).__name__}: {str(error)[:2000]}")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
