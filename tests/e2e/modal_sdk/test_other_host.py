"""A server that clients do not take for their own machine: commands go through TLS that they check."""

import json
import os
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PROGRAM = """
import sys, modal
app = modal.App.lookup("e2e", create_if_missing=True)
image = modal.Image.from_registry("debian:12").build(app)
sandbox = modal.Sandbox.create("sleep", "infinity", app=app, image=image, timeout=60)
try:
    print(sandbox.exec("echo", "there").stdout.read())
finally:
    sandbox.terminate()
"""


class Relay(socketserver.ThreadingTCPServer):
    """Passes connections on to the server, which listens on the loopback only."""

    daemon_threads = True

    def __init__(self, address: str, server: tuple[str, int]) -> None:
        self.server = server
        super().__init__((address, 0), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with closing(socket.create_connection(self.server.server)) as there:
            back = threading.Thread(target=_copy, args=(there, self.request), daemon=True)
            back.start()
            _copy(self.request, there)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # Either side is gone, so the other is of no use.
        target.close()


@pytest.fixture
def url() -> Iterator[str]:
    """The server by the name of this machine."""
    name = socket.gethostname()
    address = socket.gethostbyname(name)
    here = urlsplit(os.environ["MODAL_SERVER_URL"])
    with Relay(address, (here.hostname, here.port)) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        yield f"http://{name}:{relay.server_address[1]}"
        relay.shutdown()


def run(url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"MODAL_SERVER_URL": url} | environment
    return subprocess.run([sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, timeout=120)


def certificate() -> Path:
    up = json.loads(Path("/run/atoll", os.environ["ATOLL_INSTANCE"], "up.json").read_text())
    return Path(up["stateDir"], "engine", "modal", "server.crt")


def test_certificate_that_is_trusted_lets_commands_through(url):
    done = run(url, SSL_CERT_FILE=str(certificate()))
    assert done.returncode == 0, done.stderr
    assert "there" in done.stdout


def test_certificate_is_of_this_name_and_nobody_else_vouches_for_it(url):
    """What clients check; those of 1.6 try again for minutes before they tell."""
    there = urlsplit(url)
    trusting = ssl.create_default_context(cafile=certificate())
    with socket.create_connection((there.hostname, there.port)) as plain:
        with trusting.wrap_socket(plain, server_hostname=there.hostname) as connection:
            assert connection.version() == "TLSv1.3"
    with socket.create_connection((there.hostname, there.port)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname=there.hostname)
