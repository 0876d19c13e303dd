#!/usr/bin/env python3
"""smtp-source with TLS against servers that do it right, and against all kinds that don't: each
failure is one clear line, the account holds, and nothing hangs.

    source.py BUILD
"""
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

from certs import Certs, digest, openssl

BUILD = sys.argv[1]
SOURCE = os.path.join(BUILD, "smtp-source")
LIMIT = 20
DRIVERS = ("epoll", "uring")
passed = failed = 0


def check(name, good, what=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {name}: {what}")


class Server(threading.Thread):
    """Accepts, one connection after the other, and plays what it is given for each."""

    def __init__(self, play):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.play = play
        self.start()

    def run(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            conn.settimeout(LIMIT)
            try:
                self.play(conn)
            except OSError:
                pass
            finally:
                conn.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def line(conn):
    """A line of the client, without its end."""
    text = b""
    while not text.endswith(b"\r\n"):
        octet = conn.recv(1)
        if not octet:
            raise OSError("the client is gone")
        text += octet
    return text[:-2]


def smtp(conn, offer=b"", greet=True, reply=b"220 go\r\n"):
    """Mail as it comes, until QUIT, or until STARTTLS if that is offered."""
    if greet:
        conn.sendall(b"220 test\r\n")
    while True:
        verb = line(conn).upper()
        if verb.startswith((b"EHLO", b"LHLO")):
            conn.sendall(b"250-test\r\n" + (b"250-" + offer + b"\r\n" if offer else b"") +
                         b"250 8BITMIME\r\n")
        elif verb == b"STARTTLS" and offer:
            conn.sendall(reply)
            return
        elif verb == b"DATA":
            conn.sendall(b"354 go\r\n")
            while line(conn) != b".":
                pass
            conn.sendall(b"250 ok\r\n")
        elif verb == b"QUIT":
            conn.sendall(b"221 bye\r\n")
            return
        else:
            conn.sendall(b"250 ok\r\n")


def context(pem, **settings):
    cx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cx.load_cert_chain(pem)
    for name, value in settings.items():
        if name == "ciphers":
            cx.set_ciphers(value)
        elif name == "alpn":
            cx.set_alpn_protocols(value)
        elif name == "ca":
            cx.load_verify_locations(value)
            cx.verify_mode = ssl.CERT_REQUIRED
        else:
            setattr(cx, name, value)
    return cx


def secure(cx, mode="starttls", seen=None):
    """What a server with this context plays."""
    def play(conn):
        if mode == "starttls":
            smtp(conn, b"STARTTLS")
        try:
            with cx.wrap_socket(conn, server_side=True) as tls:
                if seen is not None:
                    seen.append(tls.selected_alpn_protocol())
                smtp(tls, greet=mode == "implicit")
        except ssl.SSLError:
            pass
    return play


def behind_220(then):
    def play(conn):
        smtp(conn, b"STARTTLS")
        then(conn)
    return play


def run(*options, port, host="localhost", m=1):
    """Exit status, JSON report, stderr."""
    done = subprocess.run([SOURCE, "-4", "--report=json", "-m", str(m), *options,
                           f"{host}:{port}"], capture_output=True, timeout=LIMIT, check=False)
    text = done.stderr.decode("utf-8", "replace")
    return done.returncode, json.loads(done.stdout) if done.stdout else None, text


def good(name, play, *options, m=1, **kwargs):
    server = Server(play)
    status, report, text = run(*options, port=server.port, m=m, **kwargs)
    server.close()
    right = status == 0 and report["messages"]["accepted"] == m and not text
    right = right and report["tls"]["full"] + report["tls"]["resumed"] > 0
    check(name, right, f"status {status}: {text} {report and report['tls']}")
    return report


def bad(name, play, words, *options, tls_failed=1, **kwargs):
    """One line with these words, and the message has failed."""
    for driver in DRIVERS:
        server = Server(play)
        start = time.monotonic()
        status, report, text = run(f"--io={driver}", *options, port=server.port, **kwargs)
        server.close()
        lines = text.splitlines()
        check(f"{name} ({driver})", status == 1 and len(lines) == 1 and words in lines[0] and
              report and report["messages"]["failed"] == 1 and report["messages"]["offered"] == 1 and
              report["tls"]["failed"] == tls_failed and time.monotonic() - start < LIMIT,
              f"status {status}: {text!r} {report and (report['messages'], report['tls'])}")


def verification(c, host):
    cx = context(host)
    ca = ["--tls-ca", c.ca]
    for driver in DRIVERS:
        for mode in ("starttls", "implicit"):
            good(f"issuer and name, {mode}, {driver}", secure(cx, mode), f"--tls={mode}",
                 f"--io={driver}", *ca)
    good("many messages", secure(cx), "--tls", *ca, "-d", "-r", "3", "-l", "200k", m=5)
    bad("wrong name", secure(cx), "is not for 127.0.0.1 but for localhost (--tls-name", "--tls",
        *ca, host="127.0.0.1")
    bad("wrong name given", secure(cx), "is not for mx.example but for localhost", "--tls", *ca,
        "--tls-name=mx.example")
    good("the name given", secure(cx), "--tls", *ca, "--tls-name=localhost", host="127.0.0.1")
    good("an address", secure(context(c.make("address", "IP:127.0.0.1"))), "--tls", *ca,
         host="127.0.0.1")
    bad("unknown issuer", secure(cx), "unable to get local issuer certificate (--tls-ca", "--tls")
    alone = c.make("alone", issued=False)
    bad("self-signed", secure(context(alone)), "self-signed certificate (--tls-ca", "--tls", *ca)
    good("self-signed and trusted", secure(context(alone)), "--tls", "--tls-ca", alone)
    expired = c.make("expired", days="-1")
    bad("expired", secure(context(expired)), "certificate has expired", "--tls", *ca)
    good("not verified", secure(context(expired)), "--tls", "--tls-no-verify")
    good("pinned", secure(context(expired)), "--tls", "--tls-fingerprint", digest(expired))
    good("key pinned", secure(context(expired)), "--tls", "--tls-fingerprint=sha256:" + "0" * 64,
         "--tls-fingerprint", digest(expired, key=True), host="127.0.0.1")
    bad("another is pinned", secure(cx), "has not the fingerprint asked for but " +
        digest(host).replace(":", "").lower(), "--tls", "--tls-fingerprint", digest(expired))


def handshakes(c, host):
    cx = context(host)
    any_cert = ["--tls", "--tls-no-verify"]
    old = context(host, maximum_version=ssl.TLSVersion.TLSv1_2)
    report = good("TLS 1.2", secure(old), *any_cert)
    check("TLS 1.2 is told", list(report["tls"]["kinds"])[0].startswith("TLSv1.2 "), report["tls"])
    bad("too old", secure(old), "no version of TLS in common (--tls-min, --tls-max)", *any_cert,
        "--tls-min=1.3")
    bad("too new", secure(context(host, minimum_version=ssl.TLSVersion.TLSv1_3)),
        "no version of TLS in common", *any_cert, "--tls-max=1.2")
    warnings.simplefilter("ignore", DeprecationWarning)     # of the version
    oldest = context(host, ciphers="ALL:@SECLEVEL=0", minimum_version=ssl.TLSVersion.TLSv1,
                     maximum_version=ssl.TLSVersion.TLSv1)
    bad("a server of TLS 1.0", secure(oldest), "no version of TLS in common", *any_cert,
        "--tls-min=1.2")
    good("a server of TLS 1.0, allowed", secure(oldest), *any_cert, "--tls-min=1.0")
    report = good("a cipher", secure(cx), *any_cert, "--tls-ciphers=TLS_AES_128_GCM_SHA256",
                  "--tls-groups=P-384")
    check("cipher and group are told", report["tls"]["kinds"] ==
          {"TLSv1.3 TLS_AES_128_GCM_SHA256 secp384r1": 1}, report["tls"])
    bad("no cipher in common", secure(context(host, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256",
                                              maximum_version=ssl.TLSVersion.TLSv1_2)),
        "no cipher or group in common", *any_cert, "--tls-ciphers=ECDHE-ECDSA-AES256-GCM-SHA384")
    seen = []
    good("ALPN", secure(context(host, alpn=["smtp", "x"]), seen=seen), *any_cert,
         "--tls-alpn=y,smtp")
    check("ALPN chosen", seen == ["smtp"], seen)
    mine = c.make("client")
    asks = context(host, ca=c.ca)
    good("client certificate", secure(asks), *any_cert, "--tls-cert", mine)
    good("certificate and key apart", secure(asks), *any_cert, "--tls-cert", mine + ".cert",
         "--tls-key", mine[:-4] + ".key")
    bad("no client certificate", secure(asks), "the server wants a client certificate (--tls-cert)",
        *any_cert)
    for version in ("1.2", "1.3"):
        report = good(f"resumed, {version}", secure(cx), *any_cert, "--tls-resume=on",
                      f"--tls-min={version}", f"--tls-max={version}", m=6)
        check(f"resumed, {version}, counted", report["tls"]["resumed"] == 5 and
              report["latency"]["tls"]["count"] == 6, report["tls"])


def downgrades(host):
    any_cert = "--tls-no-verify"
    bad("not offered", smtp, "the server does not offer STARTTLS", "--tls", any_cert, tls_failed=0)
    server = Server(smtp)
    status, report, text = run("--tls=if-offered", any_cert, port=server.port, m=3)
    check("if offered", status == 0 and report["tls"]["plaintext"] == 3 and
          text.count("plaintext") == 1, f"{status} {text} {report['tls']}")
    server.close()
    server = Server(lambda conn: unwilling(conn))
    status, report, text = run("--tls=if-offered", any_cert, port=server.port)
    check("if offered, and refused", status == 0 and report["tls"]["plaintext"] == 1 and
          "no STARTTLS with this server: mail goes in plaintext" in text, f"{status} {text}")
    server.close()
    good("if offered, and it is", secure(context(host)), "--tls=if-offered", any_cert)
    bad("if offered, and it fails", secure(context(host)), "unable to get local issuer",
        "--tls=if-offered")
    bad("injected", lambda conn: injected(conn), "protocol error: in the clear behind the reply to STARTTLS: 250 injected??",
        "--tls", any_cert, tls_failed=0)
    bad("implicit to plaintext", smtp, "what the server sends is no TLS", "--tls=implicit",
        any_cert)


def unwilling(conn):
    smtp(conn, b"STARTTLS", reply=b"454 4.7.0 not now\r\n")
    smtp(conn, greet=False)


def injected(conn):
    conn.sendall(b"220 test\r\n")
    line(conn)
    conn.sendall(b"250-test\r\n250 STARTTLS\r\n")
    line(conn)
    conn.sendall(b"220 go\r\n250 injected\r\n")
    conn.recv(10000)


def damaged(cx, after):
    """Breaks the ciphertext behind so many of the client's commands."""
    def play(conn):
        smtp(conn, b"STARTTLS")
        tls = cx.wrap_socket(conn, server_side=True, suppress_ragged_eofs=True)
        for _ in range(after):
            line(tls)
            tls.sendall(b"250 ok\r\n")
        line(tls)
        os.write(tls.fileno(), b"\x17\x03\x03\x00\x20" + b"x" * 32)
        time.sleep(0.1)
        tls.close()
    return play


def troubles(c, host):
    any_cert = ["--tls", "--tls-no-verify"]
    bad("closed before the handshake", behind_220(lambda conn: None),
        "closed the connection in the middle of the handshake", *any_cert)

    def half(conn):
        conn.recv(10000)
        conn.sendall(b"\x16\x03\x03\x01\x00\x02\x00")
    bad("closed in a record", behind_220(half), "in the middle of the handshake", *any_cert)

    def garbage(conn):
        conn.recv(10000)
        conn.sendall(bytes(range(256)) * 100)
        conn.recv(10000)
    bad("garbage", behind_220(garbage), "what the server sends is no TLS", *any_cert)

    def alert(conn):
        conn.recv(10000)
        conn.sendall(b"\x15\x03\x03\x00\x02\x02\x50")
        conn.recv(10000)
    bad("an alert", behind_220(alert), "the server gives up: tlsv1 alert internal error", *any_cert)
    bad("a damaged record", damaged(context(host), 2), "a damaged record came", *any_cert)
    names = ",".join(f"DNS:host-number-{i}.a-long-domain-name.example" for i in range(4000))
    bad("huge certificates", secure(context(c.make("huge", names))),
        "the server's certificates are too large", *any_cert)


def timeout():
    bad("no handshake in time", behind_220(lambda conn: time.sleep(LIMIT)),
        "timeout while negotiating TLS", "--tls", "--tls-no-verify", "--timeout=500ms")


def silence():
    """A server that says nothing in the handshake: a signal ends the run, and the account holds."""
    server = Server(behind_220(lambda conn: time.sleep(LIMIT)))
    with subprocess.Popen([SOURCE, "-4", "--report=json", "-s", "2", "-m", "4", "--tls",
                           "--tls-no-verify", f"localhost:{server.port}"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
        time.sleep(0.5)
        p.send_signal(signal.SIGINT)
        out, _ = p.communicate(timeout=LIMIT)
    report = json.loads(out)
    check("silence", p.returncode == 1 and report["messages"]["offered"] == 4 and
          report["messages"]["accepted"] == 0, report["messages"])
    server.close()


def tolerant(host):
    """As a connection that can't be made: the run ends."""
    server = Server(secure(context(host)))
    status, report, text = run("-A", "--tls", port=server.port, m=5)
    server.close()
    check("-A", status == 1 and report["messages"]["offered"] == 5 and
          report["messages"]["failed"] == 1 and report["messages"]["missed"] == 4 and
          report["tls"]["failed"] == 1 and text.count("fatal: TLS: ") == 1,
          f"{status} {report['messages']} {report['tls']} {text}")


def renegotiation(host):
    """s_server(1) sends its standard input, and renegotiates at a line "R"."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with subprocess.Popen(["openssl", "s_server", "-tls1_2", "-accept", f"127.0.0.1:{port}",
                           "-cert", host], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as server:
        time.sleep(0.5)
        with subprocess.Popen([SOURCE, "-4", "--tls=implicit", "--tls-no-verify",
                               f"localhost:{port}"], stderr=subprocess.PIPE,
                              stdout=subprocess.DEVNULL) as p:
            time.sleep(0.5)
            server.stdin.write(b"220 test\n")
            server.stdin.flush()
            time.sleep(0.3)
            server.stdin.write(b"R\n")
            server.stdin.flush()
            time.sleep(0.3)
            try:
                server.stdin.close()
            except BrokenPipeError:
                pass
            try:
                _, text = p.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                p.kill()
                _, text = p.communicate()
                text = b"it hangs: " + text
        server.kill()
    check("renegotiation", p.returncode == 1 and len(text.splitlines()) == 1 and
          (b"TLS: " in text or b"lost connection" in text), text)


def usage(c, host):
    """Wrong values: one line that names the thing."""
    for options, words in (
            (["--tls-ca", c.ca], "--tls-ca needs --tls"),
            (["--tls-resume=50%"], "--tls-resume needs --tls"),
            (["--tls=maybe"], "bad TLS mode: maybe (--tls takes starttls, implicit or"),
            (["--tls", "-o"], "-o cannot be used with --tls"),
            (["--tls", "--tls-resume=150%"], "bad share of resumed sessions: 150%"),
            (["--tls", "--tls-resume=x"], "bad share of resumed sessions: x"),
            (["--tls", "--tls-fingerprint=abc"], "bad fingerprint: abc"),
            (["--tls", "--tls-min=1.3", "--tls-max=1.2"], "--tls-min is newer than --tls-max"),
            (["--tls", "--tls-min=2"], "bad TLS version: 2"),
            (["--tls", "--tls-key", c.key], "--tls-key needs --tls-cert"),
            (["--tls", "--tls-ca", c.ca, "--tls-no-verify"], "--tls-ca is of no use"),
            (["--tls", "--tls-ca", "/nowhere"], "cannot read the issuers: /nowhere"),
            (["--tls", "--tls-cert", "/nowhere"], "cannot read the certificate: /nowhere"),
            (["--tls", "--tls-cert", "/dev/null"], "cannot read the certificate: /dev/null"),
            (["--tls", "--tls-cert", c.key], "bad certificate: " + c.key),
            (["--tls", "--tls-cert", c.ca, "--tls-key", host], "does not fit the certificate"),
            (["--tls", "--tls-ciphers=NONE-SUCH"], "bad cipher: NONE-SUCH"),
            (["--tls", "--tls-groups=NONE-SUCH"], "bad groups: NONE-SUCH"),
            (["--tls", "--tls-alpn=,"], "bad protocols: ,"),
            (["--tls", "--tls-alpn=smtp,"], "bad protocols: smtp,"),
            (["--tls", "--tls-groups="], "bad groups: empty"),
            (["--tls", "--tls-fingerprint="], "bad fingerprint: empty"),
            (["--tls", "--tls-name="], "bad name: empty"),
            (["--tls", "--tls-name=mx example"], "bad name: mx example"),
            (["--tls", "--tls-name=mx\r\nexample"], "bad name: mx??example")):
        status, _, text = run(*options, port=9)
        check(" ".join(options), status == 1 and len(text.splitlines()) == 1 and words in text,
              f"status {status}: {text}")
    done = subprocess.run([SOURCE, "--tls", "unix:/nowhere"], capture_output=True, check=False)
    check("unix: has no name", b"--tls-name, --tls-fingerprint or --tls-no-verify" in done.stderr,
          done.stderr)


def embedded():
    for driver in DRIVERS:
        for options in (["--tls"], ["--tls=implicit", "-d", "--pipelining"],
                        ["--tls", "--chunking", "--pipelining", "-d", "-L"],
                        ["--tls", "--tls-resume=50%", "-l", "300k"],
                        ["--tls", "--tls-resume=on", "--threads=3"]):
            done = subprocess.run([SOURCE, f"--io={driver}", "--report=json", "-m", "40", "-s", "7",
                                   *options, "sink:"], capture_output=True, timeout=60, check=False)
            report = json.loads(done.stdout)
            tls = report["tls"]
            check(f"sink: {options} {driver}", done.returncode == 0 and
                  report["messages"]["accepted"] == 40 == report["sink"]["messages"] and
                  {k: tls[k] for k in ("full", "resumed", "failed", "kinds")} ==
                  report["sink"]["tls"], f"{done.stderr} {report['messages']} {tls}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        c = Certs(folder)
        host = c.make("host")
        verification(c, host)
        handshakes(c, host)
        downgrades(host)
        troubles(c, host)
        timeout()
        silence()
        tolerant(host)
        renegotiation(host)
        usage(c, host)
        embedded()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
