#!/usr/bin/env python3
"""The live view on real terminals, by tmux: at 80x24 and 200x50, resized while it runs, its keys, and that
the terminal is as it was afterwards, whatever ended the program.

    terminal.py BUILD
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.path.abspath(sys.argv[1])
TESTS = []
LABELS = ("progress", "rate", "latency", "sessions", "ended", "keys")


def test(function):
    TESTS.append(function)
    return function


class Terminal:
    """A shell in a tmux of its own."""

    def __init__(self, width, height, **environment):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.tmux = ["tmux", "-S", os.path.join(self.folder.name, "t"), "-f", "/dev/null"]
        variables = {"PATH": BUILD + ":" + os.environ["PATH"], "HOME": self.folder.name, "LC_ALL": "C.UTF-8",
                     "PS1": "$ ", **environment}
        subprocess.run([*self.tmux, "new-session", "-d", "-x", str(width), "-y", str(height),
                        "env", "-i", *(f"{k}={v}" for k, v in variables.items()),
                        "TERM=" + environment.get("TERM", "screen"), "bash", "--norc"], check=True)
        self.call("set-option", "-g", "window-size", "manual")
        self.size(width, height)

    def call(self, *command):
        return subprocess.run([*self.tmux, *command], capture_output=True, text=True, check=True
                              ).stdout

    def size(self, width, height):
        self.call("resize-window", "-x", str(width), "-y", str(height))

    def type(self, text):
        self.call("send-keys", "-l", text)
        self.call("send-keys", "Enter")

    def key(self, key):
        self.call("send-keys", key)

    def screen(self, *options):
        return self.call("capture-pane", "-p", *options)

    def until(self, pattern, limit=20):
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            screen = self.screen()
            found = re.search(pattern, screen, re.M)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not within {limit} s: {pattern}\n{screen}")

    def settings(self):
        """What stty says, from the shell's prompt."""
        self.type("clear; stty -a | md5sum; echo done")
        return self.until(r"^([0-9a-f]{32}).*\ndone").group(1)

    def close(self):
        subprocess.run([*self.tmux, "kill-server"], check=False, stderr=subprocess.DEVNULL)
        self.folder.cleanup()


@contextlib.contextmanager
def terminal(width=80, height=24, **environment):
    t = Terminal(width, height, **environment)
    try:
        yield t
    finally:
        t.close()


def block(screen):
    """The lines of the view, which must be there once, one below the other."""
    rows = screen.rstrip("\n").split("\n")
    places = [[i for i, row in enumerate(rows) if re.match(f"  {label} ", row)]
              for label in LABELS]
    assert all(len(place) == 1 for place in places), screen
    first = places[0][0]
    assert [place[0] for place in places] == list(range(first, first + len(LABELS))), screen
    assert rows[first - 1].startswith("smtp-source: smtp to "), screen
    return rows[first - 1:first + len(LABELS)]


def run(t, *options):
    t.type("clear; " + " ".join(["smtp-source", *options]) + "; echo status $?")


def drawn(t, width):
    t.until(r"^  rate +[\d,]+/s")
    lines = block(t.screen())
    assert all(len(line) < width for line in lines), lines
    return lines


@test
def sizes_and_resizes():
    for width, height in ((80, 24), (200, 50)):
        with terminal(width, height) as t:
            run(t, "-d", "-s", "5", "--rate", "100", "--duration", "9s", "sink:")
            lines = drawn(t, width)
            assert re.search(r"(running|warming up)  \S+ \S+$", lines[0]), lines[0]
            bar = re.search(r"[█░]+", lines[1]).group()
            assert len(bar) == min(width - 1, 120) // 3, lines[1]
            assert " of 100/s" in lines[2] and re.search(r"[▁▂▃▄▅▆▇█]", lines[2]), lines[2]
            assert re.match(r"  latency  p50 .* p99 .* max ", lines[3]), lines[3]
            assert "5 open of 5   the generator lags by p99 " in lines[4], lines[4]
            assert re.search(r"accepted \d+   refused 0   failed 0", lines[5]), lines[5]
            # Wider, narrower, too narrow for it, and back again: always one view.
            for w, h in ((200, 50), (70, 20), (50, 20), (100, 30)):
                t.size(w, h)
                before = t.screen()
                deadline = time.monotonic() + 5
                while t.screen() == before and time.monotonic() < deadline:
                    time.sleep(0.05)
                time.sleep(0.1)
                screen = t.screen()
                if w >= 60:
                    assert all(len(line) < w for line in block(screen)), screen
                else:
                    assert not re.search(r"^  rate", screen, re.M), screen
                    assert len(re.findall(r"/s  p99", screen)) == 1, screen
            t.until(r"^status 0", 30)
            assert not re.search(r"^  progress|^  keys", t.screen(), re.M), t.screen()


@test
def a_pause_is_no_part_of_the_run():
    with terminal(80, 60) as t:
        name = os.path.join(t.folder.name, "run.json")
        before = t.settings()
        run(t, "-s", "5", "--rate", "200", "--duration", "4s", "--output", name, "sink:")
        drawn(t, 80)
        t.key("p")
        t.until(r" paused  ")
        time.sleep(0.3)
        first = t.until(r"accepted ([\d,]+)").group(1)
        time.sleep(2.5)
        assert t.until(r"accepted ([\d,]+)").group(1) == first, t.screen()
        assert "p goes on" in t.screen()
        t.key("p")
        t.until(r" running  ")
        t.until(r"^status 0")
        t.until(r"^  paused +1 time, ")
        assert t.settings() == before
        r = json.loads(pathlib.Path(name).read_text(encoding="utf-8"))
        assert r["pauses"]["count"] == 1 and r["pauses"]["total_ns"] > 2.5e9, r["pauses"]
        # The schedule went on where it stood: every start is there, and none waited in the pause.
        assert r["messages"]["accepted"] == r["messages"]["offered"] == 800, r["messages"]
        assert r["elapsed_ns"] < 4e9 + r["pauses"]["total_ns"] / 2, r["elapsed_ns"]
        assert r["response"]["accepted"]["max_ns"] < 2e9, r["response"]["accepted"]["max_ns"]
        assert r["series"]["rows"][-1]["end_ns"] <= r["elapsed_ns"] + 1


@test
def a_pause_of_sessions_in_a_loop():
    for options in (("-d",), (), ("--keep-going", "--pipelining", "--in-flight", "3", "-d")):
        with terminal() as t:
            name = os.path.join(t.folder.name, "run.json")
            run(t, *options, "-s", "4", "--duration", "3s", "--output", name, "sink:")
            drawn(t, 80)
            t.key("p")
            t.until(r" paused  ")
            time.sleep(0.5)
            first = t.until(r"accepted ([\d,.]+ ?\w?)").group(1)
            time.sleep(1.5)
            assert t.until(r"accepted ([\d,.]+ ?\w?)").group(1) == first, t.screen()
            t.key("p")
            t.until(r"^status 0")
            r = json.loads(pathlib.Path(name).read_text(encoding="utf-8"))
            m = r["messages"]
            assert m["offered"] == m["accepted"] > 0 and r["connections"]["lost"] == 0, r
            assert 2.9e9 < r["elapsed_ns"] < 4.5e9, r["elapsed_ns"]


@test
def q_ends_and_reports():
    for paused in (False, True):
        with terminal() as t:
            name = os.path.join(t.folder.name, "run.json")
            before = t.settings()
            run(t, "-d", "-s", "5", "--rate", "200", "--duration", "60s", "--output", name, "sink:")
            drawn(t, 80)
            if paused:
                t.key("p")
                t.until(r" paused  ")
            t.key("q")
            t.until(r"^status 1")
            assert t.settings() == before
            r = json.loads(pathlib.Path(name).read_text(encoding="utf-8"))
            assert r["ended"] == "interrupted" and r["messages"]["accepted"] > 0
            assert r["pauses"]["count"] == paused and r["elapsed_ns"] < 30e9


@test
def the_terminal_is_left_as_it_was():
    for name in ("INT", "TERM", "HUP", "QUIT", "SEGV", "ABRT", "USR1"):
        with terminal() as t:
            before = t.settings()
            t.type("ulimit -c 0")
            run(t, "-d", "--rate", "100", "--duration", "60s", "sink:")
            drawn(t, 80)
            shell = t.call("list-panes", "-F", "#{pane_pid}").strip()
            pid = subprocess.run(["pgrep", "-P", shell], capture_output=True, text=True,
                                 check=True).stdout.split()
            os.kill(int(pid[0]), getattr(signal, "SIG" + name))
            t.until(r"status \d+")
            assert t.settings() == before, name


@test
def stopped_and_continued():
    with terminal(80, 60) as t:
        before = t.settings()
        run(t, "-d", "-s", "2", "--rate", "100", "--duration", "60s", "sink:")
        drawn(t, 80)
        t.key("C-z")
        t.until(r"Stopped")
        assert t.settings() == before
        t.type("clear; bg")
        time.sleep(2.5)
        assert not re.search(r"^  rate", t.screen(), re.M), t.screen()
        assert t.settings() == before
        t.type("clear; fg")
        drawn(t, 80)
        t.key("q")
        t.until(r"finishing what is under way")
        t.until(r"^  accepted ")
        assert t.settings() == before


@test
def warnings_have_lines_of_their_own():
    with socket.create_server(("127.0.0.1", 0)) as listener, terminal() as t:
        def refuse():
            with contextlib.suppress(OSError):
                conn, _ = listener.accept()
                conn.sendall(b"220 x\r\n")
                for n, line in enumerate(conn.makefile("rb")):
                    time.sleep(0.1)
                    conn.sendall(b"450 no %d\r\n" % n if line[:4] == b"MAIL" else b"250 ok\r\n")
        threading.Thread(target=refuse, daemon=True).start()
        run(t, "-A", "-d", "-m", "40", f"127.0.0.1:{listener.getsockname()[1]}")
        drawn(t, 80)
        t.until(r"refused 1\d")
        screen = t.screen()
        block(screen)
        warnings = [row for row in screen.split("\n") if "warning" in row]
        assert len(warnings) > 3, screen
        assert all(re.fullmatch(r"smtp-source: warning: sender rejected: 450 no \d+", row)
                   for row in warnings), screen
        t.until(r"^status 0")
        assert "progress" not in t.screen(), t.screen()


@test
def nothing_where_it_cannot_be():
    with terminal() as t:
        name = os.path.join(t.folder.name, "err")
        run(t, "-d", "--rate", "50", "--duration", "2s", "sink:", "2>" + name)
        t.until(r"^status 0")
        assert pathlib.Path(name).read_bytes() == b""
    with terminal(TERM="dumb") as t:
        run(t, "-d", "--rate", "50", "--duration", "2s", "sink:")
        time.sleep(1.5)
        # The command itself is still to be seen: a dumb terminal cannot be cleared.
        assert not re.search(r"\d/s|accepted|^  [a-z]+  ", t.screen(), re.M), t.screen()
        t.until(r"^status 0")
    for colour in (True, False):
        with terminal(**({} if colour else {"NO_COLOR": "1"})) as t:
            run(t, "-d", "--rate", "50", "--duration", "3s", "sink:")
            drawn(t, 80)
            assert ("\x1b[" in t.screen("-e")) == colour, t.screen("-e")
    # No keys are taken from what is no terminal.
    with terminal() as t:
        run(t, "-d", "--rate", "50", "--duration", "3s", "sink:", "</dev/null")
        t.until(r"^  rate +[\d,]+/s")
        assert not re.search(r"^  keys", t.screen(), re.M), t.screen()
        t.until(r"^status 0")


@test
def the_sink_has_a_line():
    """One that follows, and is gone when the summary comes; -c has its counters there instead."""
    for option, shown in (("", r"^[\d.]+ (s|min) +20 done +\d+/s$"), ("-c", "^sess=2 quit=2 mesg=20$")):
        with terminal() as t:
            path = f"unix:{t.folder.name}/s"
            t.type(f"clear; smtp-sink {option} -M 40 {path}; echo status $?")
            send = ["smtp-source", "--quiet", "-d", "-s", "2", "-m", "20", path]
            deadline = time.monotonic() + 10
            while not os.path.exists(path[5:]) and time.monotonic() < deadline:
                time.sleep(0.05)
            subprocess.run(send, executable=os.path.join(BUILD, send[0]), check=True, timeout=20)
            t.until(shown)
            assert len(re.findall(r" done |sess=", t.screen())) == 1, t.screen()
            subprocess.run(send, executable=os.path.join(BUILD, send[0]), check=False, timeout=20,
                           stderr=subprocess.DEVNULL)
            t.until(r"status 0")
            screen = t.screen()
            assert " done " not in screen, screen
            assert option or re.search(r"^  messages +40, 40 recipients", screen, re.M), screen


def main():
    if not shutil.which("tmux"):
        print(f"skipped: no tmux on this machine\n0 passed, 0 failed, {len(TESTS)} skipped")
        return 0
    failed = 0
    for function in TESTS:
        try:
            function()
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"{function.__name__}: {type(error).__name__}: {error}")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
