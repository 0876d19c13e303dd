"""What bench, rates and profile have in common: programs run on given cores against each other, what
the kernel tells of them, and how each tool is told what to do and tells that it did it.
"""
import contextlib
import dataclasses
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUN_LIMIT = 60.0  # seconds: no single run takes longer
START_LIMIT = 10.0  # seconds: until a sink listens, until it has ended
MOST = 20_000_000
USER = ["-u", "nobody"] if os.geteuid() == 0 else []  # of a sink


class Broken(Exception):
    """A run that can't be used, and why."""


@dataclasses.dataclass(frozen=True)
class Side:
    """One way of doing a row's work: which source, which sink, and their own options."""
    source: str
    sink: str
    source_args: tuple = ()
    sink_args: tuple = ()
    spread: bool = False  # both programs may use both cores
    most: int = MOST  # messages in one run


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    title: str
    peer: Side
    ours: Side
    figure: str  # whose CPU time: source, sink, or both added up
    sessions: int = 20
    length: int = 0  # octets of body, 0: the small default message
    keep: bool = True  # many messages a connection
    unix: bool = False
    goal: tuple = (None, None)  # ratio peer / ours: same core, cross core
    quick: bool = False
    # overhead: ours / peer - 1, in percent, is to stay under the goal
    # wall: wall time for each message in place of CPU time, across cores only
    # tls: as cpu, and told as messages in a CPU second too
    kind: str = "cpu"
    most: int = MOST  # messages in one run
    pause: int = 0  # seconds between a session's messages


@dataclasses.dataclass(frozen=True)
class MemoryRow:
    """Growth of the resident memory, but for files, from few sessions to many: for each session."""
    name: str
    title: str
    peer: Side  # None: nothing to stand beside
    ours: Side
    figure: str
    few: int = 500
    many: int = 8500
    # Each session sends two messages, and waits so long between them that all are there at once.
    pause: int = 8
    goal: int = None
    quick: bool = False


OURS = Side("ours", "ours")


# ---- What the kernel tells ----

def read(path, default=""):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return default


def busy_seconds():
    """CPU seconds that all processes and the hypervisor's other guests have used so far."""
    user, nice, system, _, _, irq, softirq, steal = map(int, read("/proc/stat").split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def time_wait_count():
    found = re.search(r"^TCP:.* tw (\d+)", read("/proc/net/sockstat"), re.M)
    return int(found.group(1)) if found else 0


def socket_inodes(pid):
    found = set()
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
                if match:
                    found.add(match.group(1))
    return found


def listens(pid, where):
    """Whether this process, not another one, listens there. Connects to nothing."""
    inodes = socket_inodes(pid)
    if where.path:
        rows = (line.split() for line in read("/proc/net/unix").splitlines()[1:])
        return any(len(r) == 8 and r[7] == where.path and r[3] == "00010000" and r[6] in inodes
                   for r in rows)
    local = f"0100007F:{where.port:04X}"
    rows = (line.split() for line in read("/proc/net/tcp").splitlines()[1:])
    return any(r[1] == local and r[3] == "0A" and r[9] in inodes for r in rows)


# ---- Places to listen at ----

@dataclasses.dataclass
class Place:
    port: int = 0
    path: str = ""

    def text(self):
        return f"unix:{self.path}" if self.path else f"inet:127.0.0.1:{self.port}"

    def connect(self):
        if self.path:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(5)
            s.connect(self.path)
            return s
        return socket.create_connection(("127.0.0.1", self.port), 5)


def free_place(bench, unix):
    """Free now; another process may still take the port first, so starting tries again."""
    if unix:
        bench.serial += 1
        return Place(path=os.path.join(bench.tmp, f"s{bench.serial}"))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return Place(port=s.getsockname()[1])


# ---- Processes ----

class Process:
    """A child pinned to some cores; its output goes to files, its CPU time comes from wait4."""

    def __init__(self, bench, argv, cores):
        bench.serial += 1
        self.argv = argv
        self.path = os.path.join(bench.tmp, f"p{bench.serial}")
        own = os.sched_getaffinity(0)
        with open(self.path + ".out", "wb") as out, open(self.path + ".err", "wb") as err:
            os.sched_setaffinity(0, cores)  # a child inherits it
            try:
                self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                              stderr=err, cwd=bench.tmp)
            finally:
                os.sched_setaffinity(0, own)
        self.pid = self.child.pid
        self.ended = os.pidfd_open(self.pid)
        self.status = None
        self.usage = None
        self.peak = 0

    def wait(self, limit):
        """False when it still runs after so many seconds. Sleeps in the kernel, not in a loop."""
        if self.usage:
            return True
        if not select.select([self.ended], [], [], limit)[0]:
            return False
        _, status, self.usage = os.wait4(self.pid, 0)
        os.close(self.ended)
        self.status = os.waitstatus_to_exitcode(status)
        self.child.returncode = self.status  # so that Popen does not wait for it
        return True

    def end(self, how=signal.SIGTERM):
        """Ends it, by pid, if it has not ended by itself."""
        for number in (how, signal.SIGKILL):
            if self.usage:
                return
            os.kill(self.pid, number)
            self.wait(START_LIMIT)

    def wait_and_watch(self, limit, sink):
        """As wait(), noting on the way how much memory it and the sink have at most."""
        until = time.monotonic() + limit
        while not self.wait(0.01):
            self.note_peak()
            sink.note_peak()
            if time.monotonic() > until:
                return False
        return True

    def note_peak(self):
        found = re.search(r"^RssAnon:\s*(\d+) kB", read(f"/proc/{self.pid}/status"), re.M)
        if found:
            self.peak = max(self.peak, 1024 * int(found.group(1)))

    def out(self):
        return read(self.path + ".out")

    def err(self):
        return read(self.path + ".err").strip()

    def drop_files(self):
        for end in (".out", ".err"):
            with contextlib.suppress(OSError):
                os.unlink(self.path + end)

    def figures(self):
        return {"cpu": self.usage.ru_utime + self.usage.ru_stime, "user": self.usage.ru_utime,
                "system": self.usage.ru_stime, "switches": self.usage.ru_nvcsw,
                "preempted": self.usage.ru_nivcsw}

    def complaint(self):
        return f"{os.path.basename(self.argv[0])} exit {self.status}: {self.err()[:300]}"


# ---- The tools: command lines, and how each tells that it did its work ----

def raw_driver(options):
    return options[0].removeprefix("--io=")


def raw_source(bench, row, side, place, messages):
    return [bench.raw, "drive", raw_driver(side.source_args), str(place.port), bench.sizes(),
            str(row.sessions), str(messages)]


def smtp_source(bench, row, side, place, messages):
    """Postfix's and ours, which has the same options."""
    argv = [bench.programs[side.source, "source"], "-s", str(row.sessions), "-m", str(messages)]
    argv += ["-d"] if row.keep else []
    argv += ["-w", str(row.pause)] if row.pause else []
    argv += ["-l", str(row.length)] if row.length else []
    argv += ["--report=json"] if side.source == "ours" else []
    return argv + [*side.source_args, place.text()]


def curl_source(bench, row, side, place, messages):
    """Keeps a connection to a name; for a connection a message there are as many names."""
    where = (f"127.0.0.1:{place.port}/[1-{messages}]" if row.keep else
             f"h[1-{messages}].example:{place.port}/x")
    return [bench.programs["curl", "source"], "-q", "--silent", "--show-error", "--fail-early",
            "--no-progress-meter", "--parallel", "--parallel-max", str(row.sessions),
            "--connect-to", f"::127.0.0.1:{place.port}", *side.source_args,
            "--mail-from", "a@client.example", "--mail-rcpt", "b@server.example",
            "--upload-file", bench.message(row.length), "smtp://" + where]


def postal_source(bench, row, side, place, messages):
    """
    Knows no number of messages: it ends when the sink does (see sink_argv). The rate is as high as
    it goes, and the number a connection at random up to the one given.
    """
    kib = str(row.length // 1024)
    return [bench.programs["postal", "source"], "-t", str(row.sessions), "-m", kib, "-M", kib,
            "-c", "1000000000" if row.keep else "1", "-r", "100000000", *side.source_args,
            f"[127.0.0.1]{place.port}", bench.file("users", "b@server.example\n")]


def swaks_source(bench, row, side, place, messages):
    """A process a message, one after the other."""
    loop = 'n=$1; shift; while [ "$n" -gt 0 ]; do "$@" || exit 1; n=$((n - 1)); done'
    return ["/bin/sh", "-c", loop, "sh", str(messages), bench.programs["swaks", "source"],
            "--silent", "3", "--server", "127.0.0.1", "--port", str(place.port), *side.source_args,
            "--from", "a@client.example", "--to", "b@server.example"]


SOURCES = {"raw": raw_source, "ours": smtp_source, "postfix": smtp_source, "curl": curl_source,
           "postal": postal_source, "swaks": swaks_source}


def sink_argv(bench, row, side, place, messages):
    if side.sink == "raw":
        return [bench.raw, "serve", raw_driver(side.sink_args), str(place.port), bench.sizes()]
    argv = [bench.programs[side.sink, "sink"], "-m", str(max(256, row.sessions + 10))]
    argv += USER
    if side.sink == "postfix":  # it ends by itself at the probe, see check_sink()
        argv += ["-M", str(messages + 1)]
    else:
        argv += ["--report=json"]
    if side.source == "postal":
        argv += ["-M", str(messages)]
    return argv + [*side.sink_args, place.text(), "1024"]


def wait_for_source(side, source, sink, memory):
    """Until it has done its work; postal has when the sink has ended, but does not notice."""
    if side.source == "postal":
        done = sink.wait(RUN_LIMIT)
        source.end()
    else:
        done = source.wait_and_watch(RUN_LIMIT, sink) if memory else source.wait(RUN_LIMIT)
    if not done:
        raise Broken(f"the source did not end in {RUN_LIMIT:.0f} s: " + source.err()[:300])


def check_source(row, side, process, messages):
    """The others end with status 0 only if all messages were taken, and have no report."""
    if side.source == "postal":
        return
    if process.status != 0:
        raise Broken(process.complaint())
    done = messages
    if side.source == "raw":
        done = json.loads(process.out())["messages"]
    elif side.source == "ours":
        report = json.loads(process.out())
        done = report["messages"]["accepted"]
        if report["ended"] != "complete" or report["connections"]["lost"]:
            raise Broken(f"our source: {report['ended']}, {report['connections']}")
        if "--tls-resume=on" in side.source_args and report["tls"]["full"] > 2 * row.sessions:
            raise Broken(f"our source resumed too seldom: {report['tls']}")
    if done != messages:
        raise Broken(f"the source delivered {done} of {messages} messages")


def probe(place):
    """Sends one message by hand; a sink that ends instead of replying is what is hoped for."""
    with contextlib.suppress(OSError), place.connect() as s:
        lines = s.makefile("rb")
        lines.readline()
        for words in ("HELO probe", "MAIL FROM:<a@probe>", "RCPT TO:<b@probe>", "DATA", "x\r\n."):
            s.sendall(words.encode() + b"\r\n")
            if not lines.readline():
                return


def check_sink(row, side, process, place, messages):
    """
    Ends the sink and sees how many messages it had counted. Postfix's tells nobody, so it runs with
    -M, one more than it is to get: after one more message it must end by itself, with status 0.
    Returns the most sessions there were at once, None where that is not told.
    """
    if side.sink == "postfix":
        if process.wait(0.001):
            raise Broken("the sink counted more messages than were sent: " + process.complaint())
        probe(place)
        if not process.wait(START_LIMIT) or process.status != 0:
            process.end()
            raise Broken(f"the sink did not count {messages} messages: " + process.complaint())
        return None
    process.end()
    if process.status != 0:
        raise Broken(process.complaint())
    report = json.loads(process.out())
    count = report["messages"] if side.sink == "raw" else report["sink"]["messages"]
    if count != messages:
        raise Broken(f"the sink counted {count} messages of {messages}")
    if "--tls" in side.sink_args:
        tls = report["sink"]["tls"]
        if tls["full"] + tls["resumed"] < (1 if row.keep else messages):
            raise Broken(f"not all of it was encrypted: {tls}")
    return report["sink"]["peak_sessions"] if "sink" in report else None


def start_sink(bench, row, side, messages, cores):
    for _ in range(5):
        place = free_place(bench, row.unix)
        process = Process(bench, sink_argv(bench, row, side, place, messages), cores)
        until = time.monotonic() + START_LIMIT
        while time.monotonic() < until and not process.wait(0.005):
            if listens(process.pid, place):
                return process, place
        process.end()
    raise Broken("the sink does not listen: " + process.complaint())


def run_once(bench, row, side, messages, cores, memory=False):
    """One source against one sink of its own. Raises Broken unless both agree on the count."""
    busy = busy_seconds()
    began = time.monotonic()
    source = None
    own = [set(cores) if side.spread else {core} for core in cores]
    sink, place = start_sink(bench, row, side, messages, own[1])
    try:
        start = time.monotonic()
        source = Process(bench, SOURCES[side.source](bench, row, side, place, messages), own[0])
        wait_for_source(side, source, sink, memory)
        wall = time.monotonic() - start
        check_source(row, side, source, messages)
        peak_sessions = check_sink(row, side, sink, place, messages)
    finally:
        for process in (source, sink):
            if process:
                process.end(signal.SIGKILL)
                process.drop_files()
    result = {"messages": messages, "wall": wall, "source": source.figures(),
              "sink": sink.figures()}
    if memory:
        if peak_sessions is not None and peak_sessions < row.sessions:
            raise Broken(f"only {peak_sessions} of {row.sessions} sessions were open at once")
        result["source"]["peak"], result["sink"]["peak"] = source.peak, sink.peak
    own = result["source"]["cpu"] + result["sink"]["cpu"]
    took = time.monotonic() - began
    result["others"] = max(0.0, (busy_seconds() - busy - own) / took)
    return result


@contextlib.contextmanager
def our_sink(build, core, *options):
    """Our sink on a core of its own, for as long as the block takes: its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        place = Place(port=s.getsockname()[1])
    sink = subprocess.Popen(["taskset", "-c", str(core), os.path.join(build, "smtp-sink"),
                             "--quiet", *USER, *options, place.text()])
    try:
        until = time.monotonic() + START_LIMIT
        while sink.poll() is None and not listens(sink.pid, place):
            if time.monotonic() > until:
                break
            time.sleep(0.01)
        yield place.text()
    finally:
        sink.terminate()
        sink.wait()


# ---- What the raw ping-pong is to imitate ----

def copy_turns(client, server, turns):
    """Passes on octets in lockstep; a turn is what went one way before the other answered."""
    client.sendall(server.recv(65536))
    with contextlib.suppress(ConnectionResetError):  # our source ends with a reset
        while up := client.recv(65536):
            server.sendall(up)
            down = server.recv(65536)
            turns.append((len(up), len(down)))
            client.sendall(down)


def record_sizes(bench):
    """The sizes of one message's requests and replies, seen between our source and our sink."""
    row = Row("record", "", OURS, OURS, "both", sessions=1)
    core = {min(bench.cores)}
    turns = []
    sink, place = start_sink(bench, row, OURS, 3, core)
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(START_LIMIT)
            between = Place(port=listener.getsockname()[1])
            source = Process(bench, smtp_source(bench, row, OURS, between, 3), core)
            client, _ = listener.accept()
            with client, place.connect() as server:
                client.settimeout(5)
                thread = threading.Thread(target=copy_turns, args=(client, server, turns))
                thread.start()
                thread.join(START_LIMIT)
            source.wait(START_LIMIT)
        check_source(row, OURS, source, 3)
    finally:
        sink.end()
    message = turns[5:9]  # hello, 4 turns of the first message, then the second's
    if len(turns) != 14 or any(n <= 0 for turn in turns for n in turn):
        raise Broken(f"unexpected conversation: {turns}")
    return ",".join(f"{up}:{down}" for up, down in message)
