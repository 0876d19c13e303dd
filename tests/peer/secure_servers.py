"""Real servers with TLS, AUTH and the extensions that relays and submission use, for secure.py: each
in its private root, as deliver.py's are.

Postfix authenticates by Dovecot, whose own submission service relays to it; haproxy stands in front.
"""
import base64
import hashlib
import hmac
import json
import os
import subprocess

from clients import EXIM
from certs import digest
from deliver import DOVECOT_CONF, MAIN_CF, MASTER_CF, Receiver, Servers

SECRET = 'tan=staaf, tan/st+aaf'
USERS = ('user', '2user', '3user')


def token(user, key=b'a key of the token server'):
    """One that Dovecot can check by itself (RFC 7519)."""
    def encode(octets):
        return base64.urlsafe_b64encode(octets).rstrip(b'=').decode()
    text = '.'.join(encode(json.dumps(part).encode()) for part in
                    ({'alg': 'HS256', 'typ': 'JWT'}, {'sub': user, 'exp': 4000000000}))
    return f'{text}.{encode(hmac.digest(key, text.encode(), hashlib.sha256))}'


# --- Postfix, Dovecot, haproxy -------------------------------------------------------------------

AUTHENTICATED = '-o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject'

POSTFIX_MAIN_CF = MAIN_CF + '''smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_security_options = noanonymous
broken_sasl_auth_clients = no
postscreen_access_list = cidr:{run}/config/known
postscreen_cache_map =
postscreen_upstream_proxy_protocol = haproxy
tls_ssl_options =
'''

POSTFIX_MASTER_CF = MASTER_CF + f'''127.0.0.1:{{submission}} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt {AUTHENTICATED}
127.0.0.1:{{submissions}} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {AUTHENTICATED}
127.0.0.1:{{clear}} inet n - n - - smtpd {AUTHENTICATED}
127.0.0.1:{{cached}} inet n - n - - smtpd -o tls_ssl_options=NO_TICKET
127.0.0.1:{{old}} inet n - n - - smtpd -o smtpd_tls_protocols=TLSv1 -o smtpd_tls_mandatory_protocols=TLSv1
127.0.0.1:{{bare}} inet n - n - - smtpd -o smtpd_tls_security_level=none
127.0.0.1:{{screened}} inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
'''

SECURE_DOVECOT_CONF = DOVECOT_CONF.replace('protocols = lmtp', 'protocols = lmtp submission') + '''
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer
disable_plaintext_auth = yes
auth_failure_delay = 0
login_trusted_networks =
submission_relay_host = 127.0.0.1
submission_relay_port = {smtp}
submission_relay_trusted = yes
service submission-login {{
  chroot =
  inet_listener submission {{
    address = 127.0.0.1
    port = {dovecot}
  }}
}}
service auth {{
  unix_listener {run}/spool/private/auth {{
    mode = 0666
  }}
}}
'''

PASSDB = '''passdb {{
  driver = passwd-file
  mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
  args = {run}/config/secrets
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {run}/config/oauth2
}}'''

OAUTH2 = '''introspection_mode = local
local_validation_key_dict = fs:posix:prefix={run}/config/keys/
username_attribute = sub
'''

HAPROXY_DEFAULTS = '''defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
'''

HAPROXY_CFG = HAPROXY_DEFAULTS + '''listen outer
  bind 127.0.0.1:{outer} accept-proxy
  server postfix 127.0.0.1:{proxied} send-proxy-v2
listen older
  bind 127.0.0.1:{older} accept-proxy
  server postfix 127.0.0.1:{proxied} send-proxy
'''


class SecureServers(Servers):
    root = 'debian'
    services = (*Servers.services, 'submission', 'submissions', 'clear', 'cached', 'old', 'bare',
                'screened', 'dovecot', 'outer', 'older')
    main_cf, master_cf, dovecot_conf = POSTFIX_MAIN_CF, POSTFIX_MASTER_CF, SECURE_DOVECOT_CONF
    passdb = PASSDB

    def prepare(self):
        super().prepare()
        self.configure('known', '192.0.2.0/24 permit\n')
        self.configure('secrets', ''.join(f'{u}:{{{{PLAIN}}}}{SECRET}::::::\n' for u in USERS))
        self.configure('oauth2', OAUTH2)
        self.configure('keys/default/HS256/default',
                       base64.b64encode(b'a key of the token server').decode())
        self.configure('haproxy', HAPROXY_CFG)
        give_secrets(self)

    def fill(self, text):
        return super().fill(text.replace('{fingerprint}', digest(f'{self.directory}/config/tls.pem')))

    def begin(self):
        super().begin()
        self.start('outer', ['/usr/sbin/haproxy', '-db', '-f', f'{self.run}/config/haproxy'],
                   first=b'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')


def give_secrets(server):
    """What ours is given, in {config}; a certificate of user's too."""
    server.configure('password', SECRET + '\n')
    server.configure('wrong', 'wrong\n')
    server.configure('accounts', ''.join(f'{u}\t{SECRET}\n' for u in USERS))
    server.configure('token', token('user') + '\n')


# --- Exim ----------------------------------------------------------------------------------------

EXIM_CONF = '''primary_hostname = exim.{domain}
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = {run}/exim
log_file_path = {run}/exim/log.%s
keep_environment =
never_users =
deliver_drop_privilege
disable_ipv6
host_lookup =
rfc1413_hosts =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {smtp} : {smtps}
tls_on_connect_ports = {smtps}
tls_advertise_hosts = *
tls_certificate = {run}/config/tls.pem
tls_privatekey = {run}/config/tls.pem
tls_verify_certificates = {run}/config/ca.pem
tls_try_verify_hosts = *
dsn_advertise_hosts = *
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  accept
    domains = {domain}
    authenticated = *
  deny
    message = who are you
begin routers
local:
  driver = accept
  local_parts = lsearch;{run}/config/names
  transport = box
begin transports
box:
  driver = appendfile
  maildir_format
  directory = {run}/smtp/$local_part_data
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{${{lookup{{$auth2}}lsearch{{{run}/config/secrets}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if eq{{$auth2}}{{${{lookup{{$auth1}}lsearch{{{run}/config/secrets}}}}}}}}
  server_set_id = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{lookup{{$auth1}}lsearch{{{run}/config/secrets}}{{$value}}fail}}
  server_set_id = $auth1
external:
  driver = external
  public_name = EXTERNAL
  server_condition = ${{if and{{{{eq{{$tls_in_certificate_verified}}{{1}}}}{{eq{{$auth1}}{{user}}}}}}}}
  server_set_id = $auth1
  server_advertise_condition = $tls_in_certificate_verified
'''


class Exim(Receiver):
    root = 'clients'
    services = ('smtp', 'smtps')
    spools = ('exim/input',)

    def begin(self):
        self.make_ports()
        certs = self.make_certificate()
        os.rename(certs.make('client'), f'{self.directory}/config/client.pem')
        self.configure('exim', EXIM_CONF)
        self.configure('names', ''.join(f'{u}: {u}\n' for u in USERS))
        self.configure('secrets', ''.join(f'{u}: {SECRET}\n' for u in USERS))
        give_secrets(self)
        self.make('exim', EXIM, EXIM, 0o750)
        self.make('smtp', EXIM, EXIM)
        self.start('smtp', ['/usr/sbin/exim4', '-bdf', '-C', f'{self.run}/config/exim'])


# --- OpenSMTPD -----------------------------------------------------------------------------------

OPENSMTPD_CONF = '''pki here cert "/config/tls.pem"
pki here key "/config/tls.pem"
table users file:/config/hashes
table relays file:/config/relays
listen on 127.0.0.1 port {smtp} tls pki here auth-optional <users> hostname mx.{domain}
listen on 127.0.0.1 port {submission} tls-require pki here auth <users> hostname mx.{domain}
listen on 127.0.0.1 port {smtps} smtps pki here auth <users> hostname mx.{domain}
action "out" relay host "smtp+tls://relay@127.0.0.1:{sink}" auth <relays>
match auth from any for domain "{domain}" action "out"
'''


class OpenSmtpd(Receiver):
    """Its places are fixed: so it has a root of its own, made of links. It relays by TLS and AUTH to our
    sink, which delivers."""
    root = 'opensmtpd'
    services = ('smtp', 'smtps', 'submission', 'sink')
    spools = ('var/spool/smtpd/queue', 'var/spool/smtpd/incoming')

    def __init__(self, root, sink):
        self.our_sink = sink
        self.sink = None
        super().__init__(root)

    @property
    def run(self):
        return ''

    def chrooted(self, command):
        return [super().chrooted([])[0], self.directory, *command]

    def begin(self):
        for name in os.listdir(self.root):
            if not name.startswith('run.') and name not in ('dev', 'stamp', 'tmp'):
                subprocess.run(['cp', '-al', f'{self.root}/{name}', self.directory], check=True)
        self.make('dev', 0)
        os.link(f'{self.root}/dev/null', f'{self.directory}/dev/null')
        self.make('tmp', 0, mode=0o1777)
        for name in ('var/run', 'var/lib/opensmtpd/empty'):
            self.make(name, 0)
        for name, user, mode in (('', 0, 0o711), ('/queue', 908, 0o700), ('/purge', 908, 0o700),
                                 ('/incoming', 908, 0o700), ('/offline', 0, 0o770),
                                 ('/temporary', 908, 0o700), ('/corrupt', 908, 0o700)):
            self.make(f'var/spool/smtpd{name}', user, 908 if name == '/offline' else 0, mode)
        self.make_ports()
        self.make_certificate(rsa=True)     # its process for keys knows no other
        os.chmod(f'{self.directory}/config/tls.pem', 0o600)
        self.make('etc/ssl/certs', 0)
        os.link(f'{self.directory}/config/ca.pem',
                f'{self.directory}/etc/ssl/certs/ca-certificates.crt')
        give_secrets(self)
        hashed = subprocess.run(['openssl', 'passwd', '-6', SECRET], capture_output=True, text=True,
                                check=True).stdout.strip()
        self.configure('smtpd', OPENSMTPD_CONF)
        self.configure('hashes', ''.join(f'{u} {hashed}\n' for u in USERS))
        self.configure('relays', 'relay relay:opensmtpd\n')
        self.configure('relay', 'relay:opensmtpd\n')
        self.make('smtp', 65534, 65534)
        self.start_sink()
        self.start('smtp', ['/usr/sbin/smtpd', '-d', '-f', '/config/smtpd'])

    def start_sink(self):
        with open(f'{self.directory}/log/sink.out', 'wb') as output:
            self.sink = subprocess.Popen(
                [self.our_sink, '--tls', '--tls-cert', f'{self.directory}/config/tls.pem', '--auth-users', f'{self.directory}/config/relay',
                 '--auth-required', '-u', 'nobody', '--maildir', f'{self.directory}/smtp/user',
                 f'127.0.0.1:{self.ports["sink"]}', '100'], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output)

    def stop(self):
        if self.sink:
            self.sink.terminate()
            self.sink.wait()
            self.sink = None
        super().stop()
