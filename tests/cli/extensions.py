#!/usr/bin/env python3
"""Extensions from outside: smtp-source against smtp-sink, raw clients against smtp-sink, wrong values.

    extensions.py BUILD
"""
import json
import os
import re
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
SINK = os.path.join(BUILD, "smtp-sink")
LIMIT = 20
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(program, *args):
    return subprocess.run([program, *args], capture_output=True, text=True, timeout=LIMIT,
                          check=False)


class Sink:
    """A sink that says which commands it reads."""

    def __init__(self, *options):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([SINK, *user, "-v", "--report=json", *options, self.address],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wanted = f":{self.port:04X} 00000000:0000 0A"
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and self.process.poll() is None:
            if wanted in open("/proc/net/tcp", encoding="ascii").read():
                return
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def stop(self):
        """The report, and what it said, line by line."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=LIMIT)
        lines = [line.split(": ", 1)[1] if ": " in line else line for line in err.splitlines()]
        return json.loads(out), lines

    def send(self, *args):
        """smtp-source against it."""
        done = run(SOURCE, "--report=json", *args, self.address)
        return done, json.loads(done.stdout)

    def talk(self, octets):
        with socket.create_connection(("127.0.0.1", self.port), LIMIT) as s:
            s.sendall(octets)
            s.shutdown(socket.SHUT_WR)
            got = b""
            while True:
                more = s.recv(65536)
                if not more:
                    return got.decode()
                got += more


def codes(replies):
    """The last lines' codes, without greeting and hello."""
    return re.findall(r"^(\d{3}(?: \d\.\d\.\d+)?) ", replies, re.M)[2:]


@test
def the_embedded_sink_takes_what_is_sent():
    for proxy in ("v1", "v2"):
        done = run(SOURCE, "--proxy", proxy, "--size", "--8bitmime", "--smtputf8", "--enhanced-codes",
                   "--dsn", "--dsn-ret=full", "-m", "3", "--require=accepted==3", "sink:")
        assert done.returncode == 0, (done.stdout, done.stderr)


@test
def size_is_declared_and_kept_to():
    with Sink("--announce=SIZE=100000") as sink:
        done, report = sink.send("--size", "-d", "-m", "5", "-l", "1000")
        assert done.returncode == 0 and report["messages"]["accepted"] == 5, done
        done, report = sink.send("--size", "-s", "2", "-m", "5", "-l", "200000")
        assert done.returncode == 1 and "at most 100000 octets (SIZE)" in done.stderr, done
        assert report["messages"]["accepted"] == 0 and report["messages"]["refused"] == 0, report
        assert sum(report["messages"][k] for k in ("failed", "missed")) == 5, report
        document, lines = sink.stop()
        declared = {line for line in lines if line.startswith("MAIL")}
        assert len(declared) == 1, declared
        size = int(re.search(r" SIZE=(\d+)$", declared.pop())[1])
        assert size * 5 == document["sink"]["content_bytes"], (size, document)


@test
def parameters_go_out_and_are_taken():
    with Sink("--announce=8BITMIME,SMTPUTF8,DSN,ENHANCEDSTATUSCODES") as sink:
        done, report = sink.send(
            "--8bitmime", "--smtputf8", "--enhanced-codes", "--dsn", "--dsn-ret=full",
            "--dsn-envid=job 1", "--dsn-notify=success,failure", "--dsn-orcpt", "-d", "-m", "20",
            "-s", "2", "-r", "3", "--pipelining", "-f", "ä@x.example", "-t", "ü@bücher.example")
        assert done.returncode == 0 and report["recipients"]["accepted"] == 60, done
        done, report = sink.send("-t", "ü@x.example")
        assert "recipient rejected: 553" in done.stderr and report["messages"]["refused"] == 1, done
        done, report = sink.send("--smtputf8", "-t", "x@bücher.example", "--idna", "-M",
                                 "straße.example")
        assert done.returncode == 0, done
        _, lines = sink.stop()
        assert "EHLO xn--strae-oqa.example" in lines, lines
        assert "RCPT TO:<x@xn--bcher-kva.example>" in lines, lines
        mails = {line for line in lines if line.endswith("ENVID=job+201")}
        assert len(mails) == 1 and " BODY=8BITMIME SMTPUTF8 RET=FULL " in mails.pop(), lines
        rcpts = [line for line in lines if "NOTIFY=SUCCESS,FAILURE ORCPT=utf-8;" in line]
        assert len(rcpts) == 60, lines


@test
def typed_parameters():
    with Sink() as sink:
        done, report = sink.send("--mail-param", "XA=1 XB", "--rcpt-param=XC=<>", "-d", "-m", "3")
        assert done.returncode == 0 and report["messages"]["accepted"] == 3, done
        _, lines = sink.stop()
        assert sum(line.endswith("> XA=1 XB") for line in lines) == 3, lines
        assert sum(line.endswith("> XC=<>") for line in lines) == 3, lines


@test
def helo_or_ehlo():
    with Sink() as sink:
        for option in "--ehlo", "--helo":
            assert sink.send(option)[0].returncode == 0
        _, lines = sink.stop()
        assert [line[:4] for line in lines if line[1:4].upper() in ("HLO", "ELO")] == ["EHLO", "HELO"]
    with Sink("-e") as sink:  # EHLO is unknown there
        assert sink.send("--ehlo")[0].returncode == 0
        done, _ = sink.send("--mail-param=X")
        assert done.returncode == 1 and "EHLO rejected: 500" in done.stderr, done


@test
def limits_are_kept_to():
    with Sink("--announce=LIMITS=MAILMAX=4+RCPTMAX=3") as sink:
        for more in [], ["--pipelining"]:
            done, report = sink.send("--limits", "-d", "-m", "10", "-r", "3", *more)
            assert done.returncode == 0 and report["messages"]["accepted"] == 10, done
            assert report["connections"]["made"] == 3, report["connections"]
        done, report = sink.send("--limits", "-m", "10", "-r", "4")
        assert done.returncode == 1 and "at most 3 recipients a message" in done.stderr, done
        done, report = sink.send("-A", "-d", "-m", "5", "-r", "4")
        assert report["messages"] == report["messages"] | {"accepted": 4, "refused": 1}, report
        assert report["recipients"]["accepted"] == 12, report


@test
def the_sink_looks_at_parameters():
    head = "EHLO x\r\n"
    rows = [
        ("8BITMIME", "MAIL FROM:<a> BODY=8BITMIME\r\n", "250 2.1.0"),
        ("8BITMIME", "MAIL FROM:<a> BODY=9BIT\r\n", "501 5.5.4"),
        ("SMTPUTF8", "MAIL FROM:<ä> SMTPUTF8\r\n", "250 2.1.0"),
        ("SMTPUTF8", "MAIL FROM:<ä>\r\n", "550 5.6.7"),
        ("SMTPUTF8", "MAIL FROM:<a> SMTPUTF8=1\r\n", "501 5.5.4"),
        ("DSN", "MAIL FROM:<a> RET=HDRS ENVID=a+2B\r\n", "250 2.1.0"),
        ("DSN", "MAIL FROM:<a> RET=\r\n", "501 5.5.4"),
        ("DSN", "MAIL FROM:<a> ENVID=a+\r\n", "501 5.5.4"),
        ("DSN", "MAIL FROM:<a> NOTIFY=x\r\n", "250 2.1.0"),  # not one of MAIL's
        ("SIZE=5", "MAIL FROM:<a> SIZE=6\r\n", "552 5.3.4"),
        ("MT-PRIORITY", "MAIL FROM:<a> MT-PRIORITY=-9\r\n", "250 2.1.0"),
        ("MT-PRIORITY", "MAIL FROM:<a> MT-PRIORITY=10\r\n", "501 5.5.4"),
        ("MT-PRIORITY", "MAIL FROM:<a> MT-PRIORITY=-0\r\n", "501 5.5.4"),
        ("LIMITS=MAILMAX=9", "MAIL FROM:<a>\r\n", "250 2.1.0"),
    ]
    for announced, line, code in rows:
        with Sink("--announce", announced) as sink:
            got = codes(sink.talk((head + line).encode()))
            assert got == [code], (announced, line, got)
    with Sink("--announce=DSN,SMTPUTF8") as sink:
        got = codes(sink.talk((
            head + "MAIL FROM:<a>\r\nRCPT TO:<b> NOTIFY=NEVER ORCPT=rfc822;a+2Bb\r\n"
            "RCPT TO:<b> NOTIFY=SUCCESS,SUCCESS\r\nRCPT TO:<b> ORCPT=;x\r\nRCPT TO:<ü>\r\n"
            "RSET\r\nMAIL FROM:<a> SMTPUTF8\r\nRCPT TO:<ü>\r\n").encode()))
        assert got == ["250 2.1.0", "250 2.1.5", "501 5.5.4", "501 5.5.4", "553 5.6.7",
                       "250 2.1.0", "250 2.1.0", "250 2.1.5"], got
    with Sink() as sink:  # not asked for: takes what a client sends
        got = codes(sink.talk(b"EHLO x\r\nMAIL FROM:<\xff> BODY=X RET=\r\nRCPT TO:<b> NOTIFY=x\r\n"))
        assert got == ["250 2.1.0", "250 2.1.5"], got


@test
def wrong_values_get_one_clear_line():
    source = [
        (["--size=10"], "bad SIZE mode: 10"),
        (["--8bitmime=x"], "bad 8BITMIME mode: x"),
        (["--smtputf8=x"], "bad SMTPUTF8 mode: x"),
        (["--smtputf8", "-t", b"\xff@x"], "recipient address: it is not UTF-8"),
        (["--limits=x"], "bad LIMITS mode: x"),
        (["--enhanced-codes=x"], "bad enhanced codes mode: x"),
        (["--dsn"], "--dsn needs to be told"),
        (["--dsn-ret=full"], "--dsn-ret needs --dsn"),
        (["--dsn-orcpt"], "--dsn-orcpt needs --dsn"),
        (["--dsn-envid=x"], "--dsn-envid needs --dsn"),
        (["--dsn-notify=never"], "--dsn-notify needs --dsn"),
        (["--dsn", "--dsn-ret=some"], "bad part to return: some"),
        (["--dsn", "--dsn-notify=often"], "bad notification: often"),
        (["--dsn", "--dsn-notify=never,success"], "bad notification: never,success"),
        (["--dsn", "--dsn-notify="], "bad notification: empty"),
        (["--dsn", "--dsn-envid=" + "=" * 34], "bad envelope identifier"),
        (["--dsn", "--dsn-envid="], "bad envelope identifier: empty"),
        (["--dsn", "--dsn-envid=a\tb"], "bad envelope identifier: a?b"),
        (["--dsn", "--dsn-envid=a\x7f"], "bad envelope identifier: a?"),
        (["--mt-priority=10"], "bad priority: 10"),
        (["--mt-priority=if-offered:"], "bad priority: if-offered:"),
        (["--mail-param="], "bad parameter: empty"),
        (["--mail-param=a\rb"], "bad parameter: a?b"),
        (["--mail-param=A  B"], "bad parameter: A  B"),
        (["--mail-param==1"], "bad parameter: =1"),
        (["--mail-param=A="], "bad parameter: A="),
        (["--mail-param=A=" + "x" * 500], "500 characters in all"),
        (["--rcpt-param=-A"], "bad parameter: -A"),
        (["--ehlo", "-L"], "--ehlo is for SMTP"),
        (["--helo", "--pipelining"], "--helo cannot be used with --pipelining"),
        (["--helo", "--rcpt-param=X"], "--helo cannot be used with --rcpt-param"),
        (["-o", "--rcpt-param=X"], "-o cannot be used with --rcpt-param"),
        (["--xclient", "--xclient-addr=10.0.0.1", "--xclient-attr=NAME=x,HELO=y addr=10.0.0.2"],
         "--xclient-attr cannot have ADDR together with --xclient-addr"),
        (["-o", "--ehlo"], "-o cannot be used with --ehlo"),
        (["-o", "--dsn", "--dsn-ret=full"], "-o cannot be used with --dsn"),
        (["--idna", "-t", "x@" + "ü" * 70], "bad recipient address"),
        (["--idna", "-M", "ü" * 70], "hostname"),
        (["--requiretls"], "--requiretls needs --tls"),
        (["--requiretls", "--tls=if-offered"], "--requiretls needs --tls"),
        (["--requiretls=x", "--tls"], "bad REQUIRETLS mode: x"),
        (["--xclient"], "--xclient needs to be told what"),
        (["--xclient-addr=10.0.0.1"], "--xclient-addr needs --xclient"),
        (["--xclient-attr=NAME=x"], "--xclient-attr needs --xclient"),
        (["--xclient", "--xclient-addr=x"], "(--xclient-addr takes "),
        (["--xclient", "--xclient-attr="], "bad XCLIENT attributes: empty"),
        (["--xclient", "--xclient-attr=NAME"], "bad XCLIENT attributes: NAME"),
        (["--xclient", "--xclient-attr=A=1,"], "bad XCLIENT attributes: A=1,"),
        (["--xclient", "--xclient-attr=A=1  B=2"], "bad XCLIENT attributes"),
        (["--xclient", "--xclient-attr=A=" + "x" * 500], "bad XCLIENT attributes"),
        (["--xclient=x"], "bad XCLIENT mode: x"),
        (["--proxy=v3"], "bad PROXY protocol version: v3"),
        (["--proxy-source=10.0.0.0/8"], "--proxy-source needs --proxy"),
        (["--proxy=v1", "--proxy-source=x"], "bad source address: x"),
        (["--proxy=v1", "--proxy-source=10.0.0.1,::1"], "(--proxy-source takes "),
    ]
    sink = [
        (["--announce=LIMITS"], "LIMITS="),
        (["--announce=LIMITS=MAILMAX=0"], "takes MAILMAX="),
        (["--announce=LIMITS=FOO=1"], "takes MAILMAX="),
        (["--announce=LIMITS=RCPTMAX=1000000"], "takes MAILMAX="),
        (["--announce=DSN=1"], "bad announcement"),
        (["--announce=SMTPUTF8=x"], "bad announcement"),
    ]
    for program, rows in (SOURCE, source), (SINK, sink):
        for args, words in rows:
            done = run(program, *args, "127.0.0.1:1")
            lines = done.stderr.splitlines()
            assert done.returncode == 1 and len(lines) == 1, (args, done)
            assert "fatal: " in lines[0] and words in lines[0], (args, lines)


SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V4 = bytes([192, 0, 2, 1, 127, 0, 0, 1]) + struct.pack("!HH", 1025, 25)


def connects(lines):
    return [line for line in lines if line.startswith("connect ")]


@test
def proxy_headers_go_from_one_end_to_the_other():
    for version in "v1", "v2":
        for more in [], ["--tls=implicit", "--tls-no-verify"], ["--io=epoll"]:
            tls = ["--tls=implicit"] if "--tls=implicit" in more else []
            with Sink("--proxy", *tls) as sink:
                done, report = sink.send(f"--proxy={version}", "--proxy-source=192.0.2.0/30,10.1.2.3",
                                         "-m", "5", *more)
                assert done.returncode == 0 and report["messages"]["accepted"] == 5, (more, done)
                assert sink.send("--proxy", version, *more)[0].returncode == 0
                assert sink.send("--proxy", version, "--proxy-source=fd00::/64", *more)[0].returncode == 0
                document, lines = sink.stop()
                assert connects(lines) == [f"connect ({a})" for a in (
                    "AF_INET 192.0.2.1", "AF_INET 192.0.2.2", "AF_INET 10.1.2.3",
                    "AF_INET 192.0.2.1", "AF_INET 192.0.2.2", "AF_INET 127.0.0.1",
                    "AF_INET6 fd00::1")], lines
                assert document["sink"]["messages"] == 7, document
                assert tls or document["sink"]["received_bytes"] > 0


@test
def the_sink_takes_headers_in_any_pieces_and_nothing_else():
    good = [
        (b"PROXY TCP4 192.0.2.1 127.0.0.1 1025 25\r\n", "AF_INET 192.0.2.1"),
        (b"PROXY TCP6 2001:db8::1 ::1 65535 25\r\n", "AF_INET6 2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", "AF_INET 127.0.0.1"),
        (b"PROXY UNKNOWN whatever stands here\r\n", "AF_INET 127.0.0.1"),
        (SIGNATURE + b"\x21\x11\0\x0c" + V4, "AF_INET 192.0.2.1"),
        (SIGNATURE + b"\x21\x11\0\x10" + V4 + b"\x04\0\x01x", "AF_INET 192.0.2.1"),
        (SIGNATURE + b"\x21\x21\0\x24" + b"\xfd" + bytes(31) + b"\0\1\0\2", "AF_INET6 fd00::"),
        (SIGNATURE + b"\x20\0\0\0", "AF_INET 127.0.0.1"),
        (SIGNATURE + b"\x20\x11\0\x0c" + V4, "AF_INET 127.0.0.1"),
        (SIGNATURE + b"\x21\x31\0\xd8" + bytes(216), "AF_INET 127.0.0.1"),
    ]
    bad = [b"EHLO x\r\n", b"PROXY\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", b"P" * 3000,
           b"PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n", b"PROXY TCP4 ::1 1.2.3.4 1 2\r\n",
           b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
           b"PROXY " + b"x" * 200, SIGNATURE + b"\x31\x11\0\x0c" + V4,
           SIGNATURE + b"\x21\x11\0\x0b" + V4, SIGNATURE + b"\x21\x11\xff\xff" + V4,
           SIGNATURE[:8] + b"XXXXXXXXXX"]
    with Sink("--proxy") as sink:
        for octets, _ in good:
            for step in 1, 7, len(octets) + 6:
                with socket.create_connection(("127.0.0.1", sink.port), LIMIT) as s:
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    whole = octets + b"QUIT\r\n"
                    for at in range(0, len(whole), step):
                        s.sendall(whole[at:at + step])
                    got = s.makefile("rb").read()
                    assert got == b"220 smtp-sink ESMTP\r\n221 Bye\r\n", (octets, step, got)
        for octets in bad:
            with socket.create_connection(("127.0.0.1", sink.port), LIMIT) as s:
                s.sendall(octets)
                try:
                    assert s.recv(100) == b"", octets
                except ConnectionResetError:
                    pass
        with socket.create_connection(("127.0.0.1", sink.port), LIMIT) as s:
            s.sendall(good[0][0][:20])  # and goes
        sink.talk(good[0][0] + b"QUIT\r\n")
        document, lines = sink.stop()
        assert lines.pop() == "disconnect" and document["sink"]["lost"] == 1, document
        wanted = [f"connect ({a})" for _, a in good for _ in range(3)]
        assert connects(lines) == wanted + wanted[:1], lines
        warned = [line for line in lines if "no header of the PROXY protocol" in line]
        assert len(warned) == len(bad), warned
        assert document["sink"]["sessions"] == 3 * len(good) + len(bad) + 2, document


@test
def the_client_of_a_header_is_the_one_of_a_profile():
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as profile:
        profile.write("[client 192.0.2.1]\nMAIL reply 451 4.7.1 not you\n")
        profile.flush()
        os.chmod(profile.name, 0o644)
        with Sink("--proxy", "--profile", profile.name) as sink:
            done, report = sink.send("-A", "--proxy=v2", "--proxy-source=192.0.2.1,192.0.2.2", "-m", "4")
            assert report["messages"]["refused"] == report["messages"]["accepted"] == 2, done


@test
def requiretls_is_said_within_tls():
    tls = ["--tls-no-verify"]
    with Sink("--tls", "--announce=REQUIRETLS") as sink:
        done, report = sink.send("--tls", "--requiretls", *tls, "-m", "2")
        assert done.returncode == 0 and report["messages"]["accepted"] == 2, done
        got = sink.talk(b"EHLO x\r\nMAIL FROM:<a> REQUIRETLS\r\n")
        assert "REQUIRETLS" not in got and codes(got) == ["555 5.5.4"], got
        _, lines = sink.stop()
        assert sum(line.endswith("> REQUIRETLS") for line in lines) == 3, lines
    with Sink("--tls") as sink:
        done, _ = sink.send("--tls", "--requiretls", *tls)
        assert done.returncode == 1 and "does not offer REQUIRETLS" in done.stderr, done
        assert sink.send("--tls", "--requiretls=if-offered", *tls)[0].returncode == 0


@test
def xclient_makes_other_clients():
    with Sink("--announce=XCLIENT") as sink:
        done, report = sink.send("--xclient", "--xclient-addr=192.0.2.0/30", "-m", "3",
                                 "--xclient-attr=NAME=a.example,HELO=b PORT=7", "--size=if-offered")
        assert done.returncode == 0 and report["messages"]["accepted"] == 3, done
        assert report["latency"]["xclient"]["count"] == 3, report["latency"]
        assert report["latency"]["hello"]["count"] == 6, report["latency"]
        assert sink.send("--xclient", "--xclient-addr=fd00::/64")[0].returncode == 0
        _, lines = sink.stop()
        said = [line for line in lines if line.startswith("XCLIENT")]
        assert said == ["XCLIENT ADDR=192.0.2.1 NAME=a.example", "XCLIENT ADDR=192.0.2.2 HELO=b PORT=7",
                        "XCLIENT ADDR=192.0.2.1 NAME=a.example", "XCLIENT ADDR=IPV6:fd00::1"], said
        assert connects(lines)[1::2] == [
            "connect (AF_INET 192.0.2.1)", "connect (AF_INET 192.0.2.2)",
            "connect (AF_INET 192.0.2.1)", "connect (AF_INET6 fd00::1)"], lines
    with Sink() as sink:  # takes the command, and no other client
        done, _ = sink.send("--xclient", "--xclient-attr=NAME=x")
        assert done.returncode == 1 and "XCLIENT rejected: 250" in done.stderr, done
        assert sink.send("--xclient=if-offered", "--xclient-attr=NAME=x")[0].returncode == 0
    with Sink("-C") as sink:
        done, _ = sink.send("--xclient", "--xclient-attr=NAME=x")
        assert done.returncode == 1 and "does not offer XCLIENT" in done.stderr, done


@test
def the_sink_looks_at_xclient():
    with tempfile.NamedTemporaryFile("w", suffix=".profile") as profile:
        profile.write("[client 192.0.2.1]\nMAIL reply 451 4.7.1 not you\n")
        profile.flush()
        os.chmod(profile.name, 0o644)
        with Sink("--announce=XCLIENT", "--profile", profile.name) as sink:
            got = sink.talk(b"EHLO x\r\nXCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]\r\nMAIL FROM:<a>\r\n"
                            b"XCLIENT ADDR=IPV6:fd00::+31\r\nMAIL FROM:<a>\r\nXCLIENT ADDR=::1\r\n"
                            b"RSET\r\nXCLIENT\r\nXCLIENT ADDR=\r\nXCLIENT FOO=1\r\n"
                            b"XCLIENT NAME=a+\r\nXCLIENT ADDR=fd00::1\r\nXCLIENT ADDR=[TEMPUNAVAIL]\r\n")
            assert codes(got) == ["220", "451 4.7.1", "220", "250 2.1.0", "503 5.5.1", "250 2.1.0",
                                  "501 5.5.4", "501 5.5.4", "501 5.5.4", "501 5.5.4", "501 5.5.4",
                                  "220"], got
            assert got.count("XCLIENT") == 7, got  # once in the list
            _, lines = sink.stop()
            assert connects(lines) == ["connect (AF_INET 127.0.0.1)", "connect (AF_INET 192.0.2.1)",
                                       "connect (AF_INET6 fd00::1)"], lines


@test
def what_is_recorded_is_the_other_clients():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        name = os.path.join(folder, "out")
        mail = b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nx\r\n.\r\n"
        with Sink("--announce=XCLIENT", "-D", name) as sink:
            sink.talk(b"EHLO former\r\n" + mail + b"XCLIENT ADDR=192.0.2.1\r\n" + mail)
        with open(name, encoding="ascii") as f:
            heads = [line for line in f.read().splitlines() if line.startswith("X-")]
    envelope = ["X-Mail-Args: <a>", "X-Rcpt-Args: <b>"]
    assert heads == [
        "X-Client-Addr: 127.0.0.1", "X-Client-Proto: ESMTP", "X-Helo-Args: former", *envelope,
        "X-Client-Addr: 192.0.2.1", "X-Client-Proto: SMTP", *envelope], heads


def greet(listener, counts, i):
    while True:
        conn, _ = listener.accept()
        counts[i] += 1
        with conn:
            stream = conn.makefile("rb")
            conn.sendall(b"220 x\r\n")
            line = b""
            while line[:4] != b"QUIT":
                line = stream.readline()
                if line[:4] == b"DATA":
                    conn.sendall(b"354 go\r\n")
                    while stream.readline() != b".\r\n":
                        pass
                conn.sendall(b"250 ok\r\n")


@test
def all_addresses_of_a_name():
    counts = [0, 0, 0]
    first = socket.create_server(("127.0.0.1", 0))
    port = first.getsockname()[1]
    others = [socket.create_server((f"127.0.0.{n}", port)) for n in (2, 3)]
    for i, listener in enumerate([first, *others]):
        threading.Thread(target=greet, args=(listener, counts, i), daemon=True).start()
    with tempfile.NamedTemporaryFile("w") as hosts:
        hosts.write("".join(f"127.0.0.{n} many.test\n" for n in (1, 2, 3, 4)))
        hosts.flush()
        command = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'
        for option, wanted in ("--all-addresses", [3, 3, 6]), ("", [0, 0, 12]):
            counts[:] = [0, 0, 0]
            done = run("unshare", "-m", "sh", "-c", command, "sh", hosts.name, SOURCE, "--quiet",
                       "-m", "12", *option.split(), f"many.test:{port}")
            if done.stderr.startswith("unshare: ") or not os.path.exists("/etc/hosts"):
                print("all addresses of a name: skipped, for want of a mount namespace")
                return
            assert done.returncode == 0 and sorted(counts) == wanted, (counts, done)


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
