"""Real clients with TLS and AUTH, and through proxies, to our smtp-sink, for secure.py: the routes,
the programs, and what is to be seen of each. See clients.py.
"""
import os
import re
import subprocess
from dataclasses import dataclass, field, replace

import clients
from certs import digest
from clients import MESSAGES, RECEIVED
from deliver import Rooted, free_port, write
from secure_servers import HAPROXY_DEFAULTS, SECRET

FEW = [m for m in MESSAGES if m.name in ('plain', 'no-end-dot', '8-bit', 'large', 'many')]
TEXT = [m for m in MESSAGES if m.name in ('plain', 'dots')]
TLS = '--tls --tls-cert {config}/tls.pem'
IMPLICIT = '--tls=implicit --tls-cert {config}/tls.pem'
AUTH = '--auth-users {config}/users --auth-required --auth-mechanisms '


def prepare_config(client):
    """What both sides read, in config/ of the client's directory."""
    certs = client.make_certificate()
    os.rename(certs.make('client'), f'{client.directory}/config/client.pem')
    write(f'{client.directory}/config/users', f'user:{SECRET}\n')
    for name in os.listdir(f'{client.directory}/config'):
        os.chmod(f'{client.directory}/config/{name}', 0o644)


@dataclass
class Route(clients.Route):
    balancer: list = field(default_factory=list)    # what haproxy is told of the sink


# --- The clients ---------------------------------------------------------------------------------

class Swaks(clients.Swaks):
    def begin(self):
        prepare_config(self)


class Curl(clients.Curl):
    def begin(self):
        prepare_config(self)


class Dialogue(clients.Client):
    """Programs that carry what they are told: all commands at once behind the greeting."""

    def begin(self):
        prepare_config(self)

    def said(self, message, route):
        content = re.sub(rb'(?m)^\.', b'..', message.whole).replace(b'\n', b'\r\n')
        lines = ['EHLO dialogue.test', f'MAIL FROM:<{message.sender}>',
                 *(f'RCPT TO:<{r}@{route.domain}>' for r in message.recipients), 'DATA', '']
        return '\r\n'.join(lines).encode() + content + b'.\r\nQUIT\r\n'

    def submit(self, message, route):
        """Keeps its standard input open until it ends by itself."""
        command = [o.replace('{port}', str(route.port)) for o in self.options(route)]
        with subprocess.Popen(self.chrooted(command), cwd='/', stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                process.stdin.write(self.said(message, route))
                process.stdin.flush()
                process.wait(clients.LIMIT)
                output = process.stdout.read()
            finally:
                process.kill()
        if b'221 ' not in output:
            raise RuntimeError(f'{message.name}: no 221: {output[-600:].decode("latin-1")}')


class Balancer(Rooted):
    """A haproxy that tells each sink for whom it comes."""

    def begin(self):
        self.config = ''

    def add(self, route):
        self.ports[route.name] = free_port()
        self.config += (f'listen {route.name}\n  bind 127.0.0.1:{self.ports[route.name]}\n'
                        f'  server sink 127.0.0.1:{route.port} {" ".join(route.balancer)}\n')

    def serve(self):
        write(f'{self.directory}/haproxy', HAPROXY_DEFAULTS + self.config)
        self.start(list(self.ports)[0], ['/usr/sbin/haproxy', '-db', '-f', f'{self.run}/haproxy'])


class Balanced(Swaks):
    """Swaks through that."""

    def begin(self):
        super().begin()
        self.balancer = Balancer(f'{os.path.dirname(self.root)}/debian')

    def prepare(self, route):
        self.balancer.add(route)

    def serve(self):
        self.balancer.serve()

    def command(self, message, route, file):
        return super().command(message, replace(route, port=self.balancer.ports[route.name]), file)

    def stop(self):
        self.balancer.stop()
        super().stop()


class Exim(clients.Exim):
    authenticators = f'''plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^user^{SECRET}
login:
  driver = plaintext
  public_name = LOGIN
  client_send = : user : {SECRET}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  client_name = user
  client_secret = {SECRET}
external:
  driver = external
  public_name = EXTERNAL
  client_send = user
'''

    def begin(self):
        super().begin()
        prepare_config(self)

    def transport(self, route):
        implicit = 'tls=implicit' in route.sink
        config = f'{self.run}/config'
        return '\n  '.join([
            f'protocol = {"lmtp" if route.lmtp else "smtps" if implicit else "smtp"}',
            'hosts_require_tls = *', f'tls_verify_certificates = {config}/ca.pem',
            'tls_verify_hosts = *', f'tls_certificate = {config}/client.pem',
            f'tls_privatekey = {config}/client.pem',
            *(['hosts_require_auth = *'] if 'auth' in route.sink else [])])


class Postfix(clients.Postfix):
    main_cf = clients.POSTFIX_MAIN_CF + '''smtp_tls_CAfile = {run}/config/ca.pem
lmtp_tls_CAfile = {run}/config/ca.pem
smtp_tls_policy_maps = texthash:{run}/config/policy
lmtp_tls_policy_maps = texthash:{run}/config/policy
smtp_tls_fingerprint_digest = sha256
smtp_tls_session_cache_database = btree:{run}/data/smtp
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = texthash:{run}/config/passwords
smtp_sasl_security_options = noanonymous
smtp_tls_loglevel = 1
tls_random_source =
'''
    master_cf = clients.POSTFIX_MASTER_CF + '''smtps unix - - n - - smtp
  -o smtp_tls_wrappermode=yes -o smtp_tls_security_level=encrypt
tlsmgr unix - - n 1000? 1 tlsmgr
'''

    def begin(self):
        super().begin()
        prepare_config(self)
        self.policy = self.passwords = ''

    def prepare(self, route):
        super().prepare(route)
        where = f'[127.0.0.1]:{route.port}'
        if 'tls=implicit' in route.sink:
            self.routes = self.routes.replace(f'{route.domain} smtp:', f'{route.domain} smtps:')
        fingerprint = digest(f'{self.directory}/config/tls.pem')
        self.policy += ' '.join([where, *route.client]).format(fingerprint=fingerprint) + '\n'
        if 'auth' in route.sink:
            self.passwords += f'{where} user:{SECRET}\n'

    def serve(self):
        write(f'{self.directory}/config/policy', self.policy)
        write(f'{self.directory}/config/passwords', self.passwords)
        super().serve()


# --- The routes ----------------------------------------------------------------------------------

def seen(tls=None, auth=None, client=None, resumed=False):
    """A check: all sessions are encrypted (tls: what is negotiated), all authenticated by the
    mechanism, all clients that address."""
    def check(route, sink, summary):
        said = sink.read('said').decode('utf-8', 'replace')
        if tls:
            counted = summary['tls']
            mails = min(summary['messages'], summary['quits'])  # Exim may send several in a session
            if counted['failed'] or counted['full'] + counted['resumed'] < mails or \
                    not all(re.search(tls, kind) for kind in counted['kinds']):
                yield f'TLS is {counted}, of {summary["sessions"]} sessions'
            if resumed and not counted['resumed']:
                yield f'nothing was resumed: {counted}'
        mechanisms = set(re.findall(r': AUTH (\S+)', said))
        if mechanisms != ({auth} if auth else set()):
            yield f'authenticated by {mechanisms}, not {auth}'
        addresses = set(re.findall(r'"client":"([^"]*)"', sink.read('log').decode()))
        if addresses != {client or '127.0.0.1'}:
            yield f'clients are {addresses}, not {client}'
    return check


def postfix():
    for name, policy in (('verify', 'verify match=localhost'), ('secure', 'secure match=localhost'),
                         ('fingerprint', 'fingerprint match={fingerprint}'), ('encrypt', 'encrypt')):
        yield Route(Postfix, f'postfix-{name}', TLS, policy.split(),
                    check=seen('TLSv1.3', resumed=name == 'verify'))
    yield Route(Postfix, 'postfix-implicit', IMPLICIT, ['secure', 'match=localhost'],
                check=seen('TLSv1.3'))
    yield Route(Postfix, 'postfix-old', f'{TLS} --tls-max=1.2', ['secure', 'match=localhost'],
                check=seen('TLSv1.2', resumed=True))
    yield Route(Postfix, 'postfix-lmtp', f'{TLS} -L', ['secure', 'match=localhost'],
                check=seen('TLSv1.3'))
    for mechanism in 'PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256':
        yield Route(Postfix, f'postfix-{mechanism.lower()}', f'{TLS} {AUTH}{mechanism}',
                    ['encrypt'], check=seen('TLSv1.3', mechanism))
    yield Route(Postfix, 'postfix-implicit-auth', f'{IMPLICIT} {AUTH}PLAIN',
                ['secure', 'match=localhost'], check=seen('TLSv1.3', 'PLAIN'))
    yield Route(Postfix, 'postfix-clear-auth', f'{AUTH}CRAM-MD5', ['none'],
                check=seen(auth='CRAM-MD5'))


def exim():
    yield Route(Exim, 'exim-tls', TLS, check=seen('TLSv1.3'))
    yield Route(Exim, 'exim-bdat', f'{TLS} --announce=CHUNKING,SIZE=20M', by='BDAT',
                check=seen('TLSv1.3'))
    yield Route(Exim, 'exim-lmtp', f'{TLS} -L', check=seen('TLSv1.3'))
    for mechanism in 'PLAIN', 'LOGIN', 'CRAM-MD5', 'EXTERNAL':
        yield Route(Exim, f'exim-{mechanism.lower()}',
                    f'{TLS} --tls-client-cert=require --tls-ca {{config}}/ca.pem {AUTH}{mechanism}',
                    check=seen('TLSv1.3', mechanism))
    yield Route(Exim, 'exim-implicit', f'{IMPLICIT} {AUTH}PLAIN', check=seen('TLSv1.3', 'PLAIN'))


def swaks():
    verify = ['--tls-verify', '--tls-ca-path', '{config}/ca.pem']
    for name, sink, how in (('tls', TLS, '--tls'), ('implicit', IMPLICIT, '--tls-on-connect')):
        yield Route(Swaks, f'swaks-{name}', sink, [how, *verify], check=seen('TLSv1.3'))
        for mechanism in 'PLAIN', 'LOGIN', 'CRAM-MD5':
            yield Route(Swaks, f'swaks-{name}-{mechanism.lower()}', f'{sink} {AUTH}{mechanism}',
                        [how, '--auth', mechanism, '--auth-user', 'user', '--auth-password', SECRET],
                        check=seen('TLSv1.3', mechanism), messages=TEXT)
    yield Route(Swaks, 'swaks-xclient', '--announce=XCLIENT',
                ['--xclient-addr', '192.0.2.7', '--xclient-name', 'a.test'], messages=TEXT,
                check=seen(client='192.0.2.7'))
    yield Route(Swaks, 'swaks-xclient-tls', f'{TLS} {AUTH}PLAIN --announce=XCLIENT',
                ['--tls', '--xclient-addr', '192.0.2.7', '--auth', 'PLAIN', '--auth-user', 'user',
                 '--auth-password', SECRET], messages=TEXT,
                check=seen('TLSv1.3', 'PLAIN', '192.0.2.7'))
    for version in '1', '2':
        for family, source in ('4', '192.0.2.9'), ('6', '2001:db8::9'):
            proxy = ['--proxy-version', version, '--proxy-family',
                     f'TCP{family}' if version == '1' else f'AF_INET{"6" * (family == "6")}',
                     '--proxy-source', source, '--proxy-source-port', '4321', '--proxy-dest',
                     source, '--proxy-dest-port', '25']
            yield Route(Swaks, f'swaks-proxy-{version}-{family}', f'--proxy {TLS}',
                        [*proxy, '--tls'], messages=TEXT, check=seen('TLSv1.3', client='ipv6:' * (family == '6') + source))


def curl():
    verify = ['--cacert', '{config}/ca.pem']
    user = ['--user', f'user:{SECRET}']
    yield Route(Curl, 'curl-tls', TLS, ['--ssl-reqd', *verify], check=seen('TLSv1.3'))
    yield Route(Curl, 'curl-implicit', IMPLICIT, verify, scheme='smtps', check=seen('TLSv1.3'))
    for mechanism in 'PLAIN', 'LOGIN', 'CRAM-MD5':
        yield Route(Curl, f'curl-{mechanism.lower()}', f'{TLS} {AUTH}{mechanism}',
                    ['--ssl-reqd', *verify, *user, '--login-options', f'AUTH={mechanism}'],
                    check=seen('TLSv1.3', mechanism))
    for mechanism in 'XOAUTH2', 'OAUTHBEARER':
        yield Route(Curl, f'curl-{mechanism.lower()}', f'{TLS} {AUTH}{mechanism}',
                    ['--ssl-reqd', *verify, '--user', 'user', '--oauth2-bearer', SECRET,
                     '--sasl-ir'][:None if mechanism == 'XOAUTH2' else -1],
                    check=seen('TLSv1.3', mechanism))


def dialogues():
    verify = ['-CAfile', '{config}/ca.pem', '-verify_return_error', '-verify_hostname', 'localhost']
    for name, sink, how in (('tls', TLS, ['-starttls', 'smtp']), ('implicit', IMPLICIT, [])):
        for version in '1.2', '1.3':
            yield Route(Dialogue, f'openssl-{name}-{version}', sink,
                        ['/usr/bin/openssl', 's_client', '-quiet', *verify, '-connect',
                         '127.0.0.1:{port}', *how, f'-tls{version.replace(".", "_")}'],
                        check=seen(f'TLSv{version}'))
    verify = ['--x509cafile', '{config}/ca.pem', '--verify-hostname', 'localhost', '--port', '{port}']
    for name, sink, how in (('tls', TLS, ['--starttls-proto=smtp']), ('implicit', IMPLICIT, [])):
        yield Route(Dialogue, f'gnutls-{name}', sink,
                    ['/usr/bin/gnutls-cli', *how, *verify, '127.0.0.1'], check=seen('TLSv1.3'))


def haproxy():
    for name, balancer in (('v1', ['send-proxy']), ('v2', ['send-proxy-v2']),
                           ('v2-more', ['send-proxy-v2', 'proxy-v2-options', 'unique-id,crc32c'])):
        yield Route(Balanced, f'haproxy-{name}', f'--proxy {TLS}', ['--tls'], balancer=balancer,
                    check=seen('TLSv1.3'))


def routes():
    for table in postfix, exim, swaks, curl, dialogues, haproxy:
        for route in table():
            if route.program in (Postfix, Exim):
                route.adds = RECEIVED
            if route.messages is MESSAGES:
                route.messages = TEXT if 'auth' in route.sink else FEW
            yield route
