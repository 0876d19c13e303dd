"""A recording SMTP/LMTP server, to compare clients byte for byte.

It listens on TCP (v4 or v6) or on a UNIX socket, answers by a script that may misbehave in any
phase, and keeps for each connection, in the order of their arrival, what was read, read by read,
and how the connection ended. It judges nothing and accepts everything that it is not told to refuse.
It must not know the clients it is used with.

A script maps a phase (a key of REPLIES) to an action, or to a list of actions: the first for the
first time that the run comes to that phase, and so on; the last one repeats. An action is one of
    'text'               the reply 'text' and CRLF ('\\r\\n' within it makes several lines)
    raw(b'bytes')        these bytes as they are, maybe none
    drip('text')         the reply byte by byte
    bye('text', how)     the reply, then close: how is FIN or RST
    late(seconds, ...)   another action after a pause
    nap(seconds, ...)    another action, and then nothing is read for a while
    each('a', 'b')       several replies (LMTP: one per recipient)
    unless given, REPLIES; in LMTP the end of data is answered once per accepted recipient.
"""

import os
import select
import socket
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace

FIN, RST = 'FIN', 'RST'

REPLIES = {
    'banner': '220 recorder ESMTP',
    'HELO': '250 recorder',
    'EHLO': '250 recorder',
    'LHLO': '250 recorder',
    'MAIL': '250 2.1.0 Ok',
    'RCPT': '250 2.1.5 Ok',
    'DATA': '354 End data with <CR><LF>.<CR><LF>',
    '.': '250 2.0.0 Ok',
    'RSET': '250 2.0.0 Ok',
    'NOOP': '250 2.0.0 Ok',
    'QUIT': '221 2.0.0 Bye',
    'other': '500 5.5.1 Error: unknown command',
}


@dataclass(frozen=True)
class Action:
    pieces: tuple       # written one by one
    pause: float = 0    # seconds between the pieces
    delay: float = 0    # seconds before the first
    nap: float = 0      # seconds after the last
    end: str = ''       # FIN or RST: close afterwards

    def code(self):
        """The code of the (last) reply, as a client would take it; b'' for none."""
        lines = b''.join(self.pieces).splitlines()
        return lines[-1][:3] if lines else b''


def raw(data, **more):
    return Action((data,) if data else (), **more)


def reply(text, **more):
    return raw(text.encode('latin-1') + b'\r\n', **more)


def drip(text, pause=0.002):
    data = text.encode('latin-1') + b'\r\n'
    return Action(tuple(data[i:i + 1] for i in range(len(data))), pause=pause)


def bye(text=None, how=FIN):
    return raw(b'', end=how) if text is None else reply(text, end=how)


def late(seconds, action):
    return replace(as_action(action), delay=seconds)


def nap(seconds, action):
    return replace(as_action(action), nap=seconds)


def each(*texts):
    return raw(b''.join(as_action(text).pieces[0] for text in texts))


def as_action(action):
    return reply(action) if isinstance(action, str) else action


@dataclass
class Connection:
    """What one client connection did."""
    reads: list = field(default_factory=list)       # the bytes of each read, in order
    phases: list = field(default_factory=list)      # the phases come to, 'banner' first
    times: list = field(default_factory=list)       # of the phases: seconds since the run began
    messages: list = field(default_factory=list)    # raw content of each message, with its dot
    end: str = 'open'                               # FIN, RST: by the client; 'server', 'timeout'
    window: int = 0                                 # the client's TCP window at the start
    keepalive: bool = False                         # the client's socket has a keep-alive timer

    @property
    def data(self):
        return b''.join(self.reads)


class Recorder:
    """Listens from construction until close(). Use it as a context manager."""

    def __init__(self, script=None, address=('127.0.0.1', 0), limit=20.0, backlog=256, hold=0.0):
        """address: (host, port), or the path of a UNIX socket; None listens nowhere, on a port that
        stays taken. limit: seconds without a sign of the client until it is given up. backlog: of
        listen(). hold: seconds before the first connection is accepted."""
        self.script = {phase: [as_action(a) for a in (v if isinstance(v, list) else [v])]
                       for phase, v in {**REPLIES, **(script or {})}.items()}
        self.given = set(script or {})
        self.limit = limit
        self.uses = dict.fromkeys(self.script, 0)
        self.lock = threading.Lock()
        self.connections = []
        self.threads = []
        self.start = time.monotonic()
        self.hold = hold
        self.path = address if isinstance(address, str) else None
        if self.path:
            self.listener = socket.socket(socket.AF_UNIX)
        else:
            v6 = address is not None and ':' in address[0]
            self.listener = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address or ('127.0.0.1', 0))
        self.port = None if self.path else self.listener.getsockname()[1]
        self.listening = address is not None
        if self.listening:
            self.listener.listen(backlog)
        self.stop, self.stopped = os.pipe()
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the listening; waits for connections to be done and returns them."""
        if self.stopped is not None:
            os.close(self.stopped)
            self.stopped = None
            self.acceptor.join()
            for thread in self.threads:
                thread.join(self.limit + 1)
            os.close(self.stop)
            self.listener.close()
            if self.path:
                os.unlink(self.path)
        return self.connections

    def _accept(self):
        time.sleep(self.hold)
        sources = [self.stop, self.listener] if self.listening else [self.stop]
        while True:
            ready = select.select(sources, [], [])[0]
            if self.listener not in ready:
                return
            sock, _ = self.listener.accept()
            connection = Connection()
            self.connections.append(connection)
            thread = threading.Thread(target=Session(self, sock, connection).run, daemon=True)
            self.threads.append(thread)
            thread.start()

    def action(self, phase):
        """The next action of the script for this phase."""
        with self.lock:
            row = self.script[phase]
            use = self.uses[phase]
            self.uses[phase] += 1
        return row[min(use, len(row) - 1)]


class Closed(Exception):
    pass


class Session:
    """One connection: reads lines and messages, answers by the script."""

    def __init__(self, recorder, sock, connection):
        self.recorder, self.sock, self.seen = recorder, sock, connection
        self.buffer = bytearray()
        self.lmtp = False
        self.accepted = 0
        sock.settimeout(recorder.limit)

    def run(self):
        try:
            if self.sock.family != socket.AF_UNIX:
                self.seen.window = tcp_window(self.sock)
                self.seen.keepalive = has_keepalive(self.sock)
            self.answer('banner')
            while True:
                self.command(self.until(b'\r\n'))
        except Closed:
            pass
        except TimeoutError:
            self.seen.end = 'timeout'
        except (ConnectionResetError, BrokenPipeError):
            self.seen.end = RST
        finally:
            self.sock.close()

    def command(self, line):
        verb = line[:4].upper().decode('latin-1')
        phase = verb if verb in REPLIES else 'other'
        self.lmtp |= verb == 'LHLO'
        action = self.answer(phase)
        if phase in ('MAIL', 'RSET'):
            self.accepted = 0
        elif phase == 'RCPT':
            self.accepted += action.code()[:1] == b'2'
        elif phase == 'DATA' and action.code() == b'354':
            self.content()

    def content(self):
        # A dot right after the 354 is an empty message.
        self.buffer[:0] = b'\r\n'
        self.seen.messages.append(self.until(b'\r\n.\r\n')[2:])
        count = self.accepted if self.lmtp and '.' not in self.recorder.given else 1
        for _ in range(count):
            self.answer('.')

    def until(self, mark):
        """Reads up to and with the mark."""
        searched = 0
        while (found := self.buffer.find(mark, searched)) < 0:
            searched = max(0, len(self.buffer) - len(mark))
            data = self.sock.recv(65536)
            if not data:
                self.seen.end = FIN
                raise Closed
            self.seen.reads.append(data)
            self.buffer += data
        end = found + len(mark)
        taken = bytes(self.buffer[:end])
        del self.buffer[:end]
        return taken

    def answer(self, phase):
        self.seen.phases.append(phase)
        self.seen.times.append(time.monotonic() - self.recorder.start)
        action = self.recorder.action(phase)
        if action.delay:
            time.sleep(action.delay)
        if action.pause:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, piece in enumerate(action.pieces):
            if number and action.pause:
                time.sleep(action.pause)
            self.sock.sendall(piece)
        if action.end:
            if action.end == RST:
                linger = struct.pack('ii', 1, 0)
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.seen.end = 'server'
            raise Closed
        time.sleep(action.nap)
        return action


def tcp_window(sock):
    """The window that the other side announced (tcpi_snd_wnd); 0 where the kernel does not tell."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from('I', info, 228)[0] if len(info) >= 232 else 0


def has_keepalive(sock):
    """Whether the client's end of this loopback connection has a timer of type 2, keep-alive."""
    name = 'tcp6' if sock.family == socket.AF_INET6 else 'tcp'
    port, peer = sock.getsockname()[1], sock.getpeername()[1]
    with open(f'/proc/net/{name}', encoding='ascii') as table:
        for row in table:
            columns = row.split()
            if columns[1].endswith(f':{peer:04X}') and columns[2].endswith(f':{port:04X}'):
                return columns[5].startswith('02:')
    return False


@dataclass
class Run:
    """What a client did: its connections, and what it showed to its caller."""
    program: str
    connections: list
    status: object      # exit status, negative for a signal, or 'timeout'
    stdout: bytes
    stderr: bytes
    seconds: float


def record(argv, script=None, target='tcp', limit=15.0, environment=None, before=None,
           dual='localhost', **server):
    """Runs a client against a recorder and returns the Run.

    In argv, {to} stands for the server's address in the form that `target` names (see below; dead:
    nobody listens there), {port} for the bare port, {nowhere} for a path where nothing is. `dual`
    is a name with an IPv4 and an IPv6 address; `before` runs in the child before the program.
    """
    with tempfile.TemporaryDirectory(prefix='peer.') as scratch:
        address, form = {
            'tcp': (('127.0.0.1', 0), '127.0.0.1:{port}'),
            'inet': (('127.0.0.1', 0), 'inet:127.0.0.1:{port}'),
            'bracket4': (('127.0.0.1', 0), '[127.0.0.1]:{port}'),
            'name': (('127.0.0.1', 0), 'localhost:{port}'),
            'tcp6': (('::1', 0), '[::1]:{port}'),
            'inet6': (('::1', 0), 'inet:[::1]:{port}'),
            'bare6': (('::1', 0), '::1:{port}'),
            'dual4': (('127.0.0.1', 0), dual + ':{port}'),
            'dual6': (('::1', 0), dual + ':{port}'),
            'unix': (f'{scratch}/s', 'unix:{path}'),
            'dead': (None, '127.0.0.1:{port}'),
        }.get(target) or ((target.removeprefix('smtp:'), 25), '')
        with Recorder(script, address, limit + 5, **server) as recorder:
            values = {'port': recorder.port, 'path': recorder.path, 'nowhere': f'{scratch}/none'}
            values['to'] = form.format(**values)
            argv = [a.format(**values) for a in argv]
            start = time.monotonic()
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, env=environment, preexec_fn=before)
            try:
                stdout, stderr = child.communicate(timeout=limit)
                status = child.returncode
            except subprocess.TimeoutExpired:
                child.kill()
                stdout, stderr = child.communicate()
                status = 'timeout'
            seconds = time.monotonic() - start
            connections = recorder.close()
        # What is different from run to run by nature.
        for volatile, name in ((scratch, 'DIRECTORY'), (str(recorder.port), 'PORT')):
            stderr = stderr.replace(volatile.encode(), name.encode())
        return Run(argv[0], connections, status, stdout, stderr, seconds)
