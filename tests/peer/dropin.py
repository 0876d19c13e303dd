#!/usr/bin/env python3
"""Is our smtp-source a drop-in replacement for Postfix's?

Runs each case of the tables below with both programs against a recording server (recorder.py) and
compares the bytes on the wire, the connections and how they end, the exit status, the diagnostics
and the output of -c. Where the peer is at fault (BETTER), ours is checked alone, against what the
case says.

    tests/peer/dropin.py [BUILD] [--ours PROGRAM] [--peer PROGRAM] [-k PATTERN] [-v]

The whole runs in network, mount and host name spaces of its own where the system allows it: the
host's mail system, its port 25 and its hosts file are then out of reach. Where it does not, the
cases that need them are skipped, and said so. To see whether the comparison itself is sound, give
the peer for both. Ends with 'N passed, N failed' (', N skipped').
"""

import argparse
import concurrent.futures
import difflib
import fcntl
import os
import re
import resource
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

from recorder import FIN, RST, bye, drip, each, late, nap, raw, record

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOST = 'sender-host'        # our host name in the private name space
DUAL = 'dual.test'          # a name with an IPv4 and an IPv6 address, in this order of lines
ISOLATED = 'DROPIN_ISOLATED'


@dataclass
class Case:
    """One run of each program. `args` is split like a shell line; {to}, {port}, {nowhere}: see
    recorder.record(); {file}: a file that holds `content`."""
    args: str
    script: dict = field(default_factory=dict)
    target: str = 'tcp'
    content: bytes = b''
    # What is the same in both runs:
    #   exact     the connections, in their order, and what each read brought
    #   any       the connections in any order
    #   messages  the transactions in any order: which session sends which is a matter of time
    #   lines     the lines in any order, as for numbers that run over concurrent sessions
    compare: str = 'exact'
    # full: the same lines; code: of refusals fatal/warning, stage and code, not the text; kind:
    # fatal/warning and stage alone; fatal: both end fatally
    stderr: str = 'full'
    stdout: bool = True         # compared
    quiet: bool = True          # ours runs with --quiet
    environment: dict = field(default_factory=dict)
    server: dict = field(default_factory=dict)  # see Recorder
    check: object = None        # function(run) -> complaint or None, applied to both
    name: str = ''
    ours_only: bool = False
    timed: bool = False  # a busy machine may be to blame: it is tried up to three times
    needs_isolation: bool = False
    descriptors: int = 0        # a limit for the program

    def __post_init__(self):
        if not self.name:
            script = ', '.join(f'{k}: {show(v)}' for k, v in self.script.items())
            via = '' if self.target == 'tcp' else f' [{self.target}]'
            file = f' <{self.content[:20]!r}>' if '{file}' in self.args else ''
            self.name = f'{self.args or "(no options)"}{via}{file}{" | " if script else ""}{script}'


def show(action):
    if isinstance(action, list):
        return ' then '.join(map(show, action))
    if isinstance(action, str):
        return repr(action[:30])
    text = repr(b''.join(action.pieces)[:30])[1:] + (' by bytes' if action.pause else '')
    text += ' late' if action.delay else ''
    return f'{text} {action.end}'.strip()


# --- The better things: what ours does where the peer is at fault ------------------------------

def better(args, fault, check, **more):
    """A case for ours alone; `fault` is the peer's. `check` returns a complaint or None."""
    return Case(args, check=check, ours_only=True, timed=True, name=f'better: {fault}', **more)


def expect(status=0, phases=None, stderr=None, below=None, messages=None, stdout=None):
    """A check: exit status, phases of each connection, regular expressions for each line on stderr,
    a limit in seconds, the contents of the messages, a regular expression in stdout."""
    def check(run):
        lines = run.stderr.decode('utf-8', 'replace').splitlines()
        seen = [' '.join(c.phases) for c in run.connections]
        contents = [m for c in run.connections for m in c.messages]
        if run.status != status:
            return f'exit status {run.status}, not {status}; stderr: {lines}'
        if phases is not None and seen != phases:
            return f'connections {seen}, not {phases}'
        if stderr is not None and (len(stderr) != len(lines) or
                                   not all(map(re.search, stderr, lines))):
            return f'stderr {lines}, not {stderr}'
        if below is not None and run.seconds >= below:
            return f'took {run.seconds:.2f} s, not below {below} s'
        if messages is not None and contents not in messages:
            return f'messages {contents}, none of {messages}'
        if stdout is not None and not re.search(stdout, run.stdout.decode()):
            return f'stdout {run.stdout!r} lacks {stdout!r}'
        return None
    return check


def not_stalled(run):
    """One session takes more than a second; the others do not wait for it."""
    ends = sorted(c.times[-1] for c in run.connections)
    if run.status != 0 or len(ends) != 4 or ends[-2] > ends[-1] - 0.5:
        return f'status {run.status}, the connections ended at {ends} s'
    return None


def all_quit(run):
    phases = [c.phases[-1] for c in run.connections]
    return None if run.status == 0 and phases == ['QUIT', 'QUIT'] else f'last phases {phases}'


def saw_it_coming(run):
    """With too few descriptors for its sessions: all of the mail, or a refusal to begin."""
    sent = sum(len(c.messages) for c in run.connections)
    if (run.status, sent) == (0, 100) or (run.status == 1 and not run.connections):
        return None
    return f'status {run.status}, {sent} messages, {run.stderr!r}'


def unsolicited_is_an_error(run):
    """A surplus reply is not taken for the answer to the next command."""
    if any('DATA' in c.phases for c in run.connections):
        return 'DATA was sent though the recipient was never accepted'
    return None if run.stderr else 'no diagnostic'


def refused_is_fatal(run):
    return expect(status=1, phases=[], below=0.8)(run)


GOOD = 'banner HELO MAIL RCPT DATA . QUIT'

BETTER = [
    better('-L -A -r 3 {to}', 'LMTP waits for one reply per recipient sent',
           expect(phases=['banner LHLO MAIL RCPT RCPT RCPT DATA . . QUIT'],
                  stderr=['warning: recipient rejected: 550 no']),
           script={'RCPT': ['250 a', '550 no', '250 c']}),
    better('-L -A -d -r 2 -m 2 {to}', 'LMTP waits for one reply per recipient sent (-d)',
           expect(phases=['banner LHLO MAIL RCPT RCPT DATA . MAIL RCPT RCPT DATA . . QUIT']),
           script={'RCPT': ['550 no', '250 c']}),
    better('-s 4 -m 4 {to}', 'a slow reply stalls all sessions', not_stalled,
           script={'HELO': [drip('250 slow', 0.12), '250 quick']}),
    better('-s 4 -m 4 -l 9000000 {to}', 'a slow reader stalls all sessions', not_stalled,
           script={'DATA': [nap(2, '354 slow'), '354 quick']}),
    better('-A -m 2 {to}', 'a 421 banner and a close end the run',
           expect(phases=['banner', GOOD], stderr=['warning: rejected at server banner: 421 busy']),
           script={'banner': [bye('421 busy'), '220 hello']}),
    better('-A -m 2 -d {to}', 'a 521 banner and a close end the run (-d)',
           expect(phases=['banner', GOOD], stderr=['warning: rejected at server banner: 521 no']),
           script={'banner': [bye('521 no'), '220 hello']}),
    better('-c -m 2 {to}', 'no reply to QUIT is fatal',
           expect(phases=[GOOD, GOOD], stderr=[], stdout=r'2\r\n$'), script={'QUIT': bye()}),
    better('-c -m 2 {to}', 'a reset after QUIT is fatal',
           expect(phases=[GOOD, GOOD], stderr=[], stdout=r'2\r\n$'), script={'QUIT': bye(how=RST)}),
    better('-d -w 1 -s 2 -m 3 {to}', 'idle sessions end without QUIT (-w)', all_quit),
    better('-d -R 1 -s 2 -m 3 {to}', 'idle sessions end without QUIT (-R)', all_quit),
    better('-s 20 -m 20 {to}', 'a full UNIX listen queue is fatal',
           expect(phases=[GOOD] * 20, stderr=[]), target='unix',
           server={'backlog': 0, 'hold': 0.5}),
    better('-s 100 -m 100 {to}', 'running out of descriptors in mid-run is fatal', saw_it_coming,
           descriptors=40),
    better('-F {file} {to}', 'an empty -F file sends the default body',
           expect(messages=[[b'.\r\n'], [b'\r\n.\r\n']], stderr=[])),
    better('-A {to}', "a reply that starts with '-' is taken for a continuation",
           expect(phases=['banner HELO MAIL RSET QUIT'], stderr=['warning: sender rejected: ']),
           script={'MAIL': raw(b'-250 x\r\n')}),
    better('-w 1 {to}', 'a pause after the last message', expect(phases=[GOOD], below=0.8)),
    better('{to}', "a second's sleep before a fatal exit", expect(status=1, below=0.8),
           script={'MAIL': '550 no'}),
    better('-m 2x {to}', '2x is read as 2', refused_is_fatal),
    better('-l 10x {to}', '10x is read as 10', refused_is_fatal),
    better('{to} -m 2', 'options after the host are not taken', expect(phases=[GOOD, GOOD])),
    better('-A {to}', 'a surplus reply shifts all later replies', unsolicited_is_an_error,
           script={'MAIL': '250 one\r\n250 surplus', 'RCPT': '550 no'}),
    better('{to}', 'a surplus banner shifts all later replies', unsolicited_is_an_error,
           script={'banner': '220 one\r\n250 surplus', 'RCPT': '550 no'}),
    better('{to}', 'only the first address of a name is tried',
           expect(phases=[GOOD], stderr=[]), target='dual4', needs_isolation=True),
    better('-A -m 3 {to}', 'says nothing when every message was refused',
           expect(phases=['banner HELO MAIL RSET QUIT'] * 3, stdout='refused'),
           script={'MAIL': '550 no'}, quiet=False),
]


# --- The same thing: cases that both programs are put through -----------------------------------

def waited(seconds, most=None):
    """Each message but the first starts between `seconds` and `most` after the one before."""
    def check(run):
        starts = sorted(t for c in run.connections
                        for p, t in zip(c.phases, c.times) if p == 'MAIL')
        gaps = [b - a for a, b in zip(starts, starts[1:])]
        if all(seconds - 0.05 <= gap <= (most or seconds) + 0.5 for gap in gaps):
            return None
        return f'gaps between messages: {gaps}'
    return check


def same_date(run):
    dates = set(re.findall(rb'\r\nDate: [^\r]*', b''.join(c.data for c in run.connections)))
    return None if len(dates) == 1 else f'dates of one process: {dates}'


def kept_alive(run):
    return None if all(c.keepalive for c in run.connections) else 'no keep-alive timer'


LONG = '.'.join(['x' * 63] * 3 + ['x' * 62])   # 254 characters

OPTIONS = [
    Case('{to}', check=kept_alive),
    Case('{to}', quiet=False, name='without --quiet'),
    Case('-m 3 {to}', check=same_date),
    Case('-m 3 {to}', quiet=False, name='-m 3 without --quiet'),
    Case('-m 3 -d {to}'),
    Case('-m 2 -m 3 {to}'),
    Case("-m ' 2' -d {to}"),
    Case('-m +02 -d {to}'),
    Case("-m '\t\n2' -d {to}"),
    Case('-c {to}'),
    Case('-c -m 12 {to}'),
    Case('-c -d -m 12 {to}'),
    Case('-cdm3 {to}'),
    Case('-dNcr2 -m3 {to}'),
    Case('-dNs1 -m2 -- {to}'),
    Case('-4 {to}'),
    Case('-4 {to}', target='inet'),
    Case('-6 {to}', target='tcp6'),
    Case('-4 -6 {to}', target='tcp6'),
    Case('-6 -4 {to}'),
    Case('{to}', target='inet'),
    Case('{to}', target='tcp6'),
    Case('{to}', target='inet6'),
    Case('{to}', target='bare6'),
    Case('{to}', target='bracket4'),
    Case('{to}', target='name', needs_isolation=True),
    Case('{to}', target='dual6', needs_isolation=True),
    Case('-4 {to}', target='dual4', needs_isolation=True),
    Case('{to}', target='unix'),
    Case('-m 5 -s 2 {to}', target='unix', compare='any'),
    Case('-v {to}'),
    Case('-v -d -m 2 {to}', target='unix'),
    Case(f'-v -f {"x" * 1000} {{to}}', {'RCPT': '250 ' + 'y' * 9000}, name='-v, long lines'),
    Case('-v -A {to}', {'MAIL': '250-one\r\n250 two', 'RCPT': '550 no'}),
    Case('-f a@b.test {to}'),
    Case("-f '' {to}"),
    Case(f'-f {"x" * 5000}@y -t {"z" * 70000} -r 2 -d -m 2 {{to}}', name='long addresses'),
    Case(f'-f {"x" * 100000}@y -t {"z" * 100000} {{to}}', name='long addresses over UNIX',
         target='unix', compare='any'),
    Case('-f alice {to}'),
    Case("-f 'a b@c' {to}"),
    Case('-t bob {to}'),
    Case("-t '' {to}"),
    Case('-t bob@x.test -r 3 {to}'),
    Case('-t bob@x.test -r 3 -N {to}'),
    Case('-f a@b.test -t c@d.test -S Hello -M name.test {to}'),
    Case('-r 1 {to}'),
    Case('-r 12 {to}'),
    Case('-r 2 -m 3 -d {to}'),
    Case('-N {to}'),
    Case('-N -m 3 {to}'),
    Case('-N -m 3 -r 3 -d {to}'),
    Case('-N -A -m 2 -r 3 {to}', {'RCPT': ['250 a', '550 b', '250 c']}),
    Case('-N -s 3 -m 9 -r 2 {to}', compare='lines'),
    Case('-S hello {to}'),
    Case("-S '' {to}"),
    Case("-S ' two  blanks ' -m 2 -d {to}"),
    Case('-S hello -o {to}'),
    Case('-o {to}'),
    Case('-o -d -m 2 {to}'),
    Case('-o -L {to}'),
    Case('-o -N -r 2 {to}'),
    Case('-o -l 10 {to}'),
    Case('-M a {to}'),
    Case('-M a.b.test {to}'),
    Case('-M under_score.test {to}'),
    Case('-M 0x7f {to}'),
    Case('-M a.1 {to}'),
    Case("-M '[1.2.3.4]' {to}"),
    Case("-M '[001.2.3.04]' {to}"),
    Case("-M '[IPv6:::1]' {to}"),
    Case("-M '[ipv6:2001:db8::1]' {to}"),
    Case(f'-M {"x" * 63} {{to}}', name='-M with a label of 63'),
    Case(f'-M {LONG} {{to}}', name='-M with 254 characters'),
    Case(f'-M {LONG}x {{to}}', name='-M with 255 characters'),
    Case('-T 5000 {to}', name='-T 5000'),
    Case('-T 40000 -m 2 {to}', name='-T 40000'),
    Case('-T 5000 {to}', target='unix'),
    Case('-C 3 {to}'),
    Case('-A {to}'),
    Case('-A -m 3 -d {to}'),
    Case('-L {to}'),
    Case('-L -r 3 {to}'),
    Case('-L -r 3 -d -m 2 -N {to}', target='unix'),
    Case('-L -S hello -M name.test -c {to}'),
    Case('-L -d -m 4 -s 2 {to}', target='unix', compare='messages'),
    Case('-s 1 -m 3 {to}'),
    Case('-s 3 -m 2 {to}', compare='any'),
    Case('-s 2 -m 5 {to}', compare='any'),
    Case('-s 2 -m 5 -d {to}', compare='messages'),
    Case('-s 5 -m 5 -d {to}', compare='messages'),
    Case('-s 20 -m 100 -c {to}', compare='any'),
    Case('-s 20 -m 100 -d -c {to}', compare='messages'),
    Case('-s 20 -m 100 -d -l 5000 {to}', compare='messages', target='unix'),
    Case('-w 1 -m 2 {to}', check=waited(1), timed=True),
    Case('-w 1 -m 3 -d {to}', check=waited(1), timed=True),
    Case('-w 1 -m 2 -d -A {to}', {'MAIL': '550 no'}, check=waited(1), timed=True),
    Case('-w 1 -m 2 -d -A {to}', {'MAIL': ['421 no', '250 ok']}, check=waited(1), timed=True),
    Case('-w 1 -m 4 -s 2 -c {to}', compare='any'),
    Case('-R 1 -m 3 {to}', check=waited(0, 1), timed=True),
    Case('-R 1 -m 3 -d {to}', check=waited(0, 1), timed=True),
    Case('{to}', environment={'TZ': 'XST-5:30'}, name='a time zone east'),
    Case('{to}', environment={'TZ': 'WST+9:30'}, name='a time zone west'),
    # The default port. Each on an address of its own, as they run at the same time.
    Case('127.0.0.2', target='smtp:127.0.0.2', needs_isolation=True),
    Case('127.0.0.3:', target='smtp:127.0.0.3', needs_isolation=True),
    Case('127.0.0.4:smtp', target='smtp:127.0.0.4', needs_isolation=True),
    Case('inet:127.0.0.5', target='smtp:127.0.0.5', needs_isolation=True),
    Case('[127.0.0.6]', target='smtp:127.0.0.6', needs_isolation=True),
]

LENGTHS = [Case(f'-o -l {n} {{to}}')
           for n in (1, 2, 79, 80, 81, 82, 83, 159, 160, 161, 162, 241, 800, 801, 881, 1000)]
LENGTHS += [
    Case('-l 2000 -d -m 2 {to}'),
    Case('-l 100000 -m 2 {to}', compare='any'),
    Case('-l 3000000 {to}', compare='any'),
    Case('-l 1 -l 5 {to}'),
    Case('-L -l 100 -r 2 {to}'),
]

FILES = [Case('-F {file} {to}', content=content) for content in (
    b'\n', b'a', b'a\n', b'a\n\n', b'.\n', b'.', b'..\n', b'\n.\n', b'a\r\n.b\r\n', b'a\rb\n',
    b'\r\n.\r\n', b'a\r\n.\r\n\r', b'\r', b'\x00\n', b'a\x00.b\n.\x00', b'\xe4\xff\n',
    b'Subject: x\n\nbody\n.\n..\nend')]
FILES += [
    Case('-F {file} {to}', content=b'x' * 5000 + b'\n.' + b'y' * 3000, compare='any'),
    Case('-F {file} {to}', content=b'.z\n' * 200000, compare='any'),
    Case('-F {file} -S ignored {to}', content=b'hi\n'),
    Case('-F {file} -o -d -m 2 {to}', content=b'hi\n'),
    Case('-F {file} -L -r 2 {to}', content=b'hi\n'),
    Case('-F {file} -s 3 -m 9 -d {to}', content=b'.hi\n' * 9, compare='messages'),
]

# Refusals at each phase. What follows depends on -A and -d, and on 421 and 521.
PHASES = ('banner', 'HELO', 'MAIL', 'RCPT', 'DATA', '.', 'RSET', 'QUIT')


def refusals():
    good = {'banner': '220 hello', 'DATA': '354 go'}
    for phase in PHASES:
        base = {'MAIL': ['550 first', '250 ok']} if phase == 'RSET' else {}
        ok = good.get(phase, '250 ok')
        for options in ('', '-A', '-A -d'):
            yield Case(f'-m 2 {options} {{to}}', {**base, phase: ['550 5.1.1 no', ok]})
        for options, answer in (('-A', '421 4.1.1 no'), ('-A -d', '521 5.1.1 no'),
                                ('', '421 no'), ('-A -c', '450 4.1.1 try later')):
            yield Case(f'-m 2 {options} {{to}}', {**base, phase: [answer, ok]},
                       # Ours counts what is answered: the same in the end, but not at a fatal one.
                       stdout=options != '-A -c' or phase != '.')
        if phase != 'banner':   # see BETTER
            yield Case('-m 2 -A -d {to}', {**base, phase: [bye('421 no'), ok]})
        if phase == 'QUIT':     # see BETTER
            continue
        # Not at once at the banner, lest connect() notice.
        reset = late(0.1 if phase == 'banner' else 0, bye(how=RST))
        for options, answer in (('', bye()), ('', reset), ('-A -d', bye()),
                                ('', raw(b'2', end=FIN)), ('', raw(b'250-a\r\n', end=FIN))):
            yield Case(f'-m 2 {options} {{to}}', {**base, phase: [answer, ok]})


REFUSALS = list(refusals()) + [
    Case('-A -c -m 2 -d {to}', {'MAIL': ['550 no', '250 ok']}),
    Case('-A -c -m 2 {to}', {'HELO': ['421 no', '250 ok']}),
    Case('-A -c -m 3 {to}', {'.': ['550 no', '250 ok']}),
    Case('-A {to}', {'MAIL': bye('550 no')}),
    Case('-A {to}', {'DATA': bye('450 no')}),
    Case('-A -d {to}', {'MAIL': '550 no', 'RSET': bye()}),
    Case('-A -r 3 {to}', {'RCPT': '550 no'}),
    Case('-A -r 3 -d -m 2 {to}', {'RCPT': ['550 a', '550 b', '550 c', '250 ok']}),
    Case('-A -r 3 -m 2 {to}', {'RCPT': ['250 a', '421 b', '250 ok']}),
    Case('-A -r 3 -m 2 -N {to}', {'RCPT': ['250 a', '250 b', '521 c', '250 ok']}),
    Case('-r 3 {to}', {'RCPT': ['250 a', '550 b', '250 ok']}),
    Case('-A -s 4 -m 8 {to}', {'MAIL': '550 no'}, compare='any'),
    Case('-A -s 4 -m 8 -d {to}', {'.': '550 no'}, compare='messages'),
    Case('-s 4 -m 8 {to}', {'.': late(0.2, '550 no')}, compare='lines', stderr='fatal'),
    Case('-L {to}', {'LHLO': '550 no'}),
    Case('-L -A {to}', {'LHLO': '550 no'}),
    Case('-L -A -r 2 -c {to}', {'.': each('250 a', '550 b')}),
    Case('-L -A -r 2 -m 2 {to}', {'.': each('550 a', '250 b')}),
    Case('-L -A -r 3 -m 2 -d {to}', {'.': each('550 a', '550 b', '250 c')}),
    Case('-L -r 2 {to}', {'.': each('550 a', '250 b')}),
    Case('-L -r 2 {to}', {'.': each('250 a', '550 b')}),
    Case('-L -A -r 2 -d -m 2 {to}', {'.': [bye('421 a'), each('250 a', '250 b')]}),
    Case('-L -A -r 2 -d -m 2 {to}', {'.': [bye('250 a\r\n421 b'), each('250 a', '250 b')]}),
    Case('-L {to}', {'LHLO': bye()}),
    # The connection goes while a long message is being written.
    Case('-l 9000000 {to}', {'DATA': bye('354 go', RST)}, compare='lines', stderr='fatal',
         name='a reset during DATA'),
    Case('{to}', {'DATA': bye('354 go')}, stderr='fatal'),
]

# The shapes of replies, in answer to MAIL, with -A so that the client's opinion shows on the wire.
SHAPES_OF_REPLIES = [
    raw(b'250\r\n'), raw(b'250hello\r\n'), raw(b'250 x\n'), raw(b'250 x\r\r\n'), raw(b'25 x\r\n'),
    raw(b'2500 x\r\n'), raw(b' 250 x\r\n'), raw(b'\r\n'), raw(b'\n'), raw(b'hello\r\n'),
    raw(b'2x\r\n'), raw(b'250+x\r\n'), raw(b'250\tx\r\n'), raw(b'550\tx\r\n'), raw(b'550\r\n'),
    '150 x', '199 x', '200 x', '299 x', '300 x', '350 x', '354 x', '999 x', '000 x',
    '250-a\r\n250-b\r\n250 c', '250-a\r\n250', '250-a\r\n550 b', '550-a\r\n250 b',
    '550-a\r\n550-b\r\n550 c', '550-\r\n550 ', '421-a\r\n421 b', '250-a\r\nxyz',
    raw(b'250-a\n250 b\n'), raw(b'550-a\n550 b\n'), drip('250-a\r\n250 b'), drip('550 no'),
    late(0.1, '250 x'), raw('550 schön\r\n'.encode()), raw(b'550 \x01\x7f\xff\r\n'),
]
SHAPES = [Case('-A {to}', {'MAIL': action}, stderr='code') for action in SHAPES_OF_REPLIES]
SHAPES += [
    Case('-A {to}', {'MAIL': raw(b'550 a\x00b\r\n')}, stderr='kind'),
    Case('-A {to}', {'MAIL': raw(b'250 ' + b'x' * 12000 + b'\r\n')}, name='a good reply of 12 kB'),
    Case('-A {to}', {'MAIL': raw(b'550 ' + b'x' * 12000 + b'\r\n')}, name='a refusal of 12 kB',
         stderr='kind'),
    Case('-A {to}', {'MAIL': '250-x\r\n' * 900 + '250 x'}, name='a reply of 901 lines'),
    Case('-d -m 2 {to}', {p: drip('250-a\r\n250 b') for p in ('HELO', 'MAIL', '.', 'QUIT')}),
]
SHAPES += [Case('-A {to}', {'DATA': action}, stderr='code') for action in (
    '250 x', '350 x', '353 x', '355 x', raw(b'354\r\n'), '354-a\r\n354 b', '354-a\r\n250 b',
    '250-a\r\n354 b', raw(b'354\n'), drip('354 go'), raw(b'3\r\n'))]
SHAPES += [Case('{to}', {phase: '354 x'}) for phase in ('banner', 'HELO', 'MAIL', 'RCPT', '.')]
SHAPES += [Case('{to}', {'QUIT': action}) for action in (
    '550 no', '421 no', raw(b'\r\n'), raw(b'garbage\r\n'), '221-a\r\n221 b', bye('221 x', RST))]
SHAPES += [
    Case('{to}', {'banner': '220-a\r\n220-b\r\n220 c'}),
    Case('{to}', {'banner': raw(b'garbage\r\n')}),
    Case('-A {to}', {'banner': raw(b'garbage\r\n')}),
    Case('{to}', {'banner': late(0.3, drip('220 x'))}),
]

# Connections that can't be made.
DEAD = [Case(args, target='dead', stderr='kind') for args in (
    '{to}', '-C 3 {to}', '-A {to}', '-A -C 2 -m 3 {to}', '-c {to}', '-L {to}',
    'unix:{nowhere}', '-C 2 unix:{nowhere}')]

# What is not understood: fatal, at once, without a connection.
ERRORS = [Case(f'-{option} {value} {{to}}', stderr='fatal')
          for option in 'lmrsCwRT' for value in ('0', '-1', 'x', "''", '999999999999999999999')]
ERRORS += [Case(args, stderr='fatal') for args in (
    '', '-m', '-S', '-? {to}', '-x {to}', '{to} extra', '-l 5 -F {file} {to}',
    '-F {file} -l 5 {to}', '-w 1 -R 1 {to}', '-R 1 -w 1 {to}', '-F {nowhere} {to}', '-F / {to}',
    ':{port}', 'inet:', "''", '127.0.0.1:nosuch', '127.0.0.1:-1', '127.0.0.1:70000',
    'nosuch.invalid:{port}', '-4 [::1]:{port}', '-6 {to}', '-4 -6 {to}', '[::1', '[127.0.0.1',
    '::1', 'unix:' + 'x' * 108, 'unix:' + 'x' * 107, 'unix:')]
ERRORS.append(Case('nosuch.invalid:{port}', stderr='fatal', needs_isolation=True))
ERRORS += [Case(f'-M {name} {{to}}', stderr='fatal') for name in (
    "''", '123', '1.2', '1.2.3.4', "'[::1]'", "'[IPv6:zz]'", "'[1.2.3]'", "'[1.2.3.4'",
    "'[1.2.3.4]x'", "'[300.1.1.1]'", "'[1.2.3.]'", "'[1.2.3.4.]'", "'[1.2.3.99999999999]'", "'[]'", '-a', 'a-', 'a.-b', 'a-.b', 'a..b', '.a', 'a.',
    "'a b'", 'a@b', 'a/b', "'*'", 'ä', 'x' * 64, LONG + 'xx')]

CASES = (OPTIONS + LENGTHS + FILES + REFUSALS + SHAPES + DEAD + ERRORS + BETTER)


# --- Comparing -----------------------------------------------------------------------------------

DATE = re.compile(rb'(?m)^Date: (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), '
                  rb'(?: [1-9]|[12][0-9]|3[01]) '
                  rb'(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) '
                  rb'20[0-9][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] ([+-][0-9]{4} \([^)\r]*\))\r$')
MESSAGE_ID = re.compile(rb'(?m)^Message-Id: '
                        rb'<[0-9a-f]{4,}\.[0-9a-f]{4,}\.[0-9a-f]{4,}@([^>\r]*)>\r$')

# What the peer's libraries add to -v.
NOISE = re.compile(r'name_mask: |smtp_stream_setup: |vstream_tweak_tcp: |fd=\d+: stream buffer ')

STAGE = re.compile(r'((?:fatal|warning): (?:[^:]* rejected|rejected at server banner|'
                   r'lost connection while [a-zA-Z ]*|connect))(?:: \d+)?')


def common(data):
    """Wire bytes without what is new in each run; whatever has the wrong form stays."""
    return MESSAGE_ID.sub(rb'Message-Id: <...@\1>\r', DATE.sub(rb'Date: ... \1\r', data))


def printable(data):
    return data.decode('latin-1').encode('unicode_escape').decode()


def wire(case, run):
    """The conversation as a list of lines, in the form that the case compares."""
    connections = run.connections
    if case.compare == 'exact':
        lines = []
        for number, connection in enumerate(connections, 1):
            lines.append(f'connection {number}')
            lines += [printable(common(read)) for read in connection.reads]
            lines.append(f'end: {connection.end}')
        return lines
    ends = sorted(f'end: {c.end}' for c in connections)
    if case.compare == 'any':
        return sorted(printable(common(c.data)) for c in connections) + ends
    if case.compare == 'messages':
        parts = (re.split(rb'(?m)^(?=MAIL FROM|QUIT\r$)', common(c.data)) for c in connections)
        return sorted(printable(part) for c in parts for part in c) + ends
    # A message that was cut off has as many lines as the timing wanted.
    return sorted({printable(line) for c in connections
                   for line in common(c.data).splitlines(keepends=True)[:-1]}) + ends


def diagnostics(case, run):
    lines = []
    for line in run.stderr.decode('utf-8', 'replace').splitlines():
        line = re.sub(rf'^(?:\S*/)?{re.escape(os.path.basename(run.program))}: ', '', line)
        if not NOISE.match(line):
            lines.append(line)
    if case.stderr == 'fatal':
        return ['fatal'] if any(line.startswith('fatal: ') for line in lines) else lines
    if case.stderr in ('code', 'kind'):
        part = 1 if case.stderr == 'kind' else 0
        lines = [m[part] if (m := STAGE.match(line)) else line for line in lines]
    return lines if case.compare == 'exact' else sorted(lines)


def view(case, run):
    """All that is compared, as lines."""
    lines = wire(case, run) + [f'exit status: {run.status}']
    lines += [f'stderr: {line}' for line in diagnostics(case, run)]
    if case.stdout and case.quiet:
        lines.append(f'stdout: {printable(run.stdout)}')
    if case.name.startswith('-T') and case.target == 'tcp':
        lines += [f'window: {c.window}' for c in run.connections]
    return lines


def unique_ids(run):
    ids = [i for c in run.connections
           for i in re.findall(rb'\r\nMessage-Id: (<[^>]*>)\r\n', c.data)]
    return None if len(ids) == len(set(ids)) else 'a Message-Id came twice'


def clip(line):
    return line if len(line) < 300 else f'{line[:200]}…({len(line)} characters)…{line[-60:]}'


def difference(a, b):
    lines = list(difflib.unified_diff(a, b, 'peer', 'ours', lineterm='', n=1))
    lines = lines[:40] + ([f'… {len(lines) - 40} more lines'] if len(lines) > 40 else [])
    return '\n'.join(f'    {clip(line)}' for line in lines)


# --- Running -------------------------------------------------------------------------------------

@dataclass
class Programs:
    ours: str
    peer: str
    limit: float = 15.0

    def run(self, case, program, options):
        with tempfile.NamedTemporaryFile(prefix='dropin.') as file:
            file.write(case.content)
            file.flush()
            args = [a.replace('{file}', file.name) for a in shlex.split(case.args)]
            environment = {**os.environ, 'LC_ALL': 'C', **case.environment}
            before = None
            if case.descriptors:
                limits = (case.descriptors, case.descriptors)
                before = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            run = record([program, *options, *args], case.script, case.target, self.limit,
                         environment=environment, before=before, dual=DUAL, **case.server)
            run.stderr = run.stderr.replace(file.name.encode(), b'FILE')
            return run

    def try_case(self, case):
        """Returns what is wrong, or None."""
        complaint = self.try_once(case)
        for _ in range(2 if case.timed else 0):
            complaint = complaint and self.try_once(case)
        return complaint

    def try_once(self, case):
        same = self.ours == self.peer
        ours = self.run(case, self.ours, ['--quiet'] if case.quiet and not same else [])
        if not case.ours_only:
            peer = self.run(case, self.peer, [])
            a, b = view(case, peer), view(case, ours)
            if a != b:
                return difference(a, b)
            if case.check and (complaint := case.check(peer)):
                return f'    the peer: {complaint}'
        complaint = case.check and case.check(ours) or not same and unique_ids(ours)
        return f'    {clip(complaint)}' if complaint else None


def across_runs(programs):
    """Message-Ids differ between runs, those at the same moment included."""
    case = Case('-s 5 -m 200 -d {to}')
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: programs.run(case, programs.ours, ['--quiet']), range(3)))
    ids = [i for r in runs for c in r.connections
           for i in re.findall(rb'\r\nMessage-Id: (<[^>]*>)\r\n', c.data)]
    if len(ids) == len(set(ids)) == 600:
        return None
    return f'    {len(ids)} Message-Ids of 600 messages in 3 runs, {len(set(ids))} different'


def isolate():
    """Starts this program anew in name spaces of its own; returns only where that is impossible,
    or within them, having set them up. Returns whether we are isolated."""
    state = os.environ.get(ISOLATED)
    if state == 'no':
        return False
    if state is None:
        if not os.path.exists('/etc/hosts'):
            return False
        user = [] if os.geteuid() == 0 else ['--map-root-user']
        command = ['unshare', *user, '--net', '--mount', '--uts']
        able = subprocess.run([*command, 'true'], stderr=subprocess.DEVNULL, check=False)
        if able.returncode != 0:
            return False
        os.environ[ISOLATED] = 'yes'
        os.execvp(command[0], [*command, sys.executable, *sys.argv])
    socket.sethostname(HOST)
    with socket.socket() as sock:   # bring the loopback interface up
        siocsifflags, iff_up = 0x8914, 1
        fcntl.ioctl(sock, siocsifflags, struct.pack('16sh14x', b'lo', iff_up))
    with tempfile.NamedTemporaryFile('w', prefix='hosts.') as hosts:
        hosts.write(f'127.0.0.1 localhost {HOST} {DUAL}\n::1 {DUAL}\n')
        hosts.flush()
        os.chmod(hosts.name, 0o644)
        # The bind mount keeps the file; its name may go.
        subprocess.run(['mount', '--bind', hosts.name, '/etc/hosts'], check=True, timeout=10)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', nargs='?', default=f'{TOP}/build', help='where smtp-source is')
    parser.add_argument('--ours', metavar='PROGRAM', help='instead of BUILD/smtp-source')
    parser.add_argument('--peer', metavar='PROGRAM', help='instead of what mkroot makes')
    parser.add_argument('-k', metavar='PATTERN', default='', help='only the cases named so')
    parser.add_argument('-j', type=int, default=16, metavar='N', help='cases at a time')
    parser.add_argument('-v', action='store_true', help='also list what passed')
    arguments = parser.parse_args()
    peers = f'{TOP}/build/peers'
    if not arguments.peer:
        subprocess.run([f'{TOP}/tests/peer/mkroot', peers], check=True, timeout=600)
    programs = Programs(os.path.abspath(arguments.ours or f'{arguments.build}/smtp-source'),
                        os.path.abspath(arguments.peer or f'{peers}/postfix-tools/smtp-source'))
    for program in (programs.ours, programs.peer):
        if not os.access(program, os.X_OK):
            parser.error(f'no program {program}')

    isolated = isolate()
    same = programs.ours == programs.peer
    start = time.monotonic()
    cases = [(c.name, lambda c=c: programs.try_case(c)) for c in CASES
             if (isolated or not c.needs_isolation) and not (same and c.ours_only)]
    if not same:
        cases.append(('better: Message-Ids can repeat', lambda: across_runs(programs)))
    skipped = 0 if isolated else sum(c.needs_isolation for c in CASES)
    cases = [c for c in cases if re.search(arguments.k, c[0])]
    failed = 0
    pool = concurrent.futures.ThreadPoolExecutor(arguments.j)
    try:
        for (name, _), complaint in zip(cases, pool.map(lambda c: c[1](), cases)):
            if complaint:
                failed += 1
                print(f'FAILED: {name}\n{complaint}', flush=True)
            elif arguments.v:
                print(f'passed: {name}', flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    if skipped:
        print(f'skipped: {skipped} cases that need name spaces (unshare), not permitted here')
    print(f'took {time.monotonic() - start:.0f} s')
    print(f'{len(cases) - failed} passed, {failed} failed'
          + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
