#!/usr/bin/env python3
"""A real Postfix is restarted three times in mid-run: does the run go on, do the sums agree, and
does the report tell what happened, by phase and by time?

Two runs go at the same time, each to a mailbox of its own: one at a target rate for a time, one of
a number of messages (--keep-going). What arrived is counted by Message-Id: everything that was
accepted, and of the rest only what we call unknown. The server and what it needs: see deliver.py.

    tests/peer/outage.py [BUILD] [--peers DIRECTORY]
"""

import argparse
import collections
import email
import json
import os
import re
import signal
import subprocess
import sys
import time

from deliver import DOMAIN, TOP, Servers, many_users

RATE, SECONDS = 40, 19
MESSAGES, SESSIONS, THINK = 450, 5, '150ms'
OUTAGES, AWAY = 3, 2    # how often, and for how many seconds
UNDONE = ('failed', 'unknown', 'refused')


class Postfix(Servers):
    """Without the other one."""

    def begin(self):
        self.prepare()
        self.start_postfix()

    def count(self, user):
        new = f'{self.directory}/smtp/{user}/new'
        return len(os.listdir(new)) if os.path.isdir(new) else 0

    def mailbox(self, user):
        """By Message-Id, the queue ids of what arrived."""
        mail = collections.defaultdict(set)
        new = f'{self.directory}/smtp/{user}/new'
        for name in os.listdir(new):
            with open(f'{new}/{name}', 'rb') as file:
                fields = email.message_from_bytes(file.read())
            received = re.search(r'\(Postfix\) with \w+\s+id (\w+)', fields['Received'])
            mail[fields['Message-Id']].add(received[1])
        return mail

    def wait_for_all(self, user, count):
        limit = time.monotonic() + 20
        while len(mail := self.mailbox(user)) < count and time.monotonic() < limit:
            time.sleep(0.2)
        return mail

    def wait_for_more(self, runs):
        """Mail arrives of all of them; False: one has ended."""
        before = {run.user: self.count(run.user) for run in runs}
        limit = time.monotonic() + 30
        while any(self.count(user) < n + 5 for user, n in before.items()):
            assert time.monotonic() < limit, f'no more mail arrives:\n{self.logs()}'
            if any(run.process.poll() is not None for run in runs):
                return False
            time.sleep(0.05)
        return True


class Run:
    """Of ours, to a user's mailbox."""

    def __init__(self, ours, server, user, *args):
        self.user = user
        self.process = subprocess.Popen(
            [ours, '--report=json', '-f', f'sender@{DOMAIN}', '-t', f'{user}@{DOMAIN}',
             '--interval=250ms', '-s', str(SESSIONS), *args, f'127.0.0.1:{server.ports["smtp"]}'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self):
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, (self.process.returncode, err)
        return json.loads(out)


def outages(report):
    """How often nothing was accepted for a second at least, with something before and after it."""
    found, quiet_since, seen = 0, None, False
    for row in report['series']['rows']:
        if row['accepted'] == 0:
            quiet_since = row['begin_ns'] if quiet_since is None else quiet_since
            continue
        found += seen and quiet_since is not None and row['begin_ns'] - quiet_since >= 1e9
        seen, quiet_since = True, None
    return found


def check_sums(report, offered):
    ends = report['messages']
    assert report['ended'] == 'complete', report['ended']
    assert ends['offered'] == offered, ends
    assert sum(ends[o] for o in ('accepted', 'missed') + UNDONE) == offered, ends
    assert report['connections']['failed'] > 0, 'there was nobody to connect to'
    breaks = report['breaks']
    # With a connection a message there may be none: nothing was under way just then.
    assert all(sum(row.values()) > 0 for row in breaks.values()), breaks
    for kind, whole in (('failed', ends['failed']), ('unknown', ends['unknown']),
                        ('lost', report['connections']['lost'])):
        assert sum(row[kind] for row in breaks.values()) == whole, (kind, whole, breaks)
    assert sum(row['messages'] for row in report['refusals']) == ends['refused'], report['refusals']
    assert report['connections']['lost'] > 0, 'none was lost'


def check_story(report):
    """Each outage is to be seen: nothing accepted, no connection open, and nothing offered but what
    was under way."""
    assert outages(report) >= OUTAGES, report['series']['rows']
    assert any(row['open'] == 0 for row in report['series']['rows'][:-1])


def check_arrived(report, mail):
    """mail: by Message-Id the queue ids under which it came. (A delivery that was killed may be done
    once more, under the same one.)"""
    ends = report['messages']
    assert all(len(ids) == 1 for ids in mail.values()), mail
    assert ends['accepted'] <= len(mail) <= ends['accepted'] + ends['unknown'], (ends, len(mail))


def trouble(server, runs):
    """False: a run was over before."""
    for _ in range(OUTAGES):
        if not server.wait_for_more(runs):
            return False
        server.halt(['smtp'])
        time.sleep(AWAY)
        server.start_postfix()
    return server.wait_for_more(runs)


def play(ours, server, length):
    """Reports and mailboxes of both runs, and whether all of the outages were within them."""
    users = (f'{2 * length}user', f'{2 * length + 1}user')
    runs = (Run(ours, server, users[0], f'--rate={RATE}/s', f'--duration={SECONDS * length}s', '-d'),
            # Connections that last for a while, so that an outage meets some of them.
            Run(ours, server, users[1], '-m', str(MESSAGES * length), '--keep-going', '--think',
                THINK, '--per-connection=10'))
    within = trouble(server, runs)
    reports = [run.end() for run in runs]
    return within, reports, [server.wait_for_all(user, report['messages']['accepted'])
                             for user, report in zip(users, reports)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', nargs='?', default=f'{TOP}/build', help='where smtp-source is')
    parser.add_argument('--peers', default=f'{TOP}/build/peers', help='made by mkroot')
    arguments = parser.parse_args()
    subprocess.run([f'{TOP}/tests/peer/mkroot', arguments.peers], check=True, timeout=600)
    if obstacle := many_users():
        print(f'skipped: {obstacle}\n0 passed, 0 failed, 1 skipped')
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    server = Postfix(os.path.abspath(f'{arguments.peers}/debian'))
    try:
        length, within = 1, False
        while not within and length <= 8:   # on a machine that is slow, longer ones
            within, (paced, counted), (mail, more_mail) = play(
                os.path.abspath(f'{arguments.build}/smtp-source'), server, length)
            print(f'length {length}, the outages were {"" if within else "not all "}within')
            length *= 2
    finally:
        server.stop()
    for report in (paced, counted):
        ends = ', '.join(f'{n} {o}' for o, n in report['messages'].items() if n)
        print(f'{ends}; {report["connections"]}; {report["breaks"]}')
    length //= 2
    assert within, 'the outages outlast the runs'
    check_sums(paced, RATE * SECONDS * length)
    check_story(paced)
    check_arrived(paced, mail)
    assert paced['response']['accepted']['max_ns'] > 1e9, 'messages waited for the server'
    check_sums(counted, MESSAGES * length)
    check_story(counted)
    check_arrived(counted, more_mail)
    # In an outage no message is taken: each session loses one at most when it begins.
    assert counted['messages']['missed'] == 0, counted['messages']
    assert sum(counted['messages'][o] for o in UNDONE) <= OUTAGES * SESSIONS, counted['messages']
    print('1 passed, 0 failed')
    return 0


if __name__ == '__main__':
    sys.exit(main())
