"""What the operator can set of the face: a server of its own, behind a proxy that rewrites the host."""

import json
import os
import pathlib
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from daytona import CreateSandboxFromImageParams, Daytona, DaytonaConfig, DaytonaError

ATOLL = pathlib.Path(__file__).parents[3] / "atoll"
INSTANCE = "e2eset"
SETTINGS = [
    f"node.instance={INSTANCE}",
    "node.state_dir=/var/tmp/atoll-test/settings",
    f"node.id_base={0x6C00_0000}",
    "node.max_sandboxes=64",
    "network.subnet=10.208.0.0/22",
    "native.listen=127.0.0.1:0",
    "daytona.listen=127.0.0.1:0",
    "pool.size=8GiB",
    "slots.warm=0",
    "daytona.exec_timeout=http_408",
    "daytona.snapshot_user=nobody",
    "daytona.auto_stop=0m",
    "daytona.auto_archive=7d",
    "daytona.auto_delete=2h",
    "daytona.target=lagoon",
]


class Proxy(ThreadingHTTPServer):
    """Passes every request on to ``origin``, with that host; keeps the paths it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Forward)
        self.origin = ""
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}"


class Forward(BaseHTTPRequestHandler):
    server: Proxy
    hop_by_hop = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "content-encoding", "content-length"})

    def forward(self) -> None:
        self.server.paths.append(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in self.hop_by_hop}
        answer = httpx.request(self.command, self.server.origin + self.path, headers=headers, content=body, timeout=60)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in self.hop_by_hop:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PUT = do_DELETE = forward

    def log_message(self, *_: object) -> None:
        """The proxy's log is its paths."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """A server of its own, reached through the proxy only."""
    with Proxy() as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        settings = [f"--set={setting}" for setting in [*SETTINGS, f"daytona.public_url={proxy.url}"]]
        config = ["--config=/dev/null", *settings]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ATOLL_")}

        def atoll(*arguments: str) -> None:
            subprocess.run([ATOLL, *arguments, *config], env=environment, check=True, stdin=subprocess.DEVNULL)

        atoll("down", "--purge", "--yes")
        try:
            # Here is the address it gets; --listen keeps the configured ports.
            atoll("up", "--detach", "--listen=127.0.0.2")
            up = json.loads(pathlib.Path(f"/run/atoll/{INSTANCE}/up.json").read_text())
            proxy.origin = f"http://127.0.0.2:{httpx.URL(up['daytonaUrl']).port}"
            proxy.key = pathlib.Path(up["keyFile"]).read_text().strip()
            yield proxy
        finally:
            atoll("down", "--purge", "--yes")
            proxy.shutdown()


@pytest.fixture(scope="module")
def remote(proxy: Proxy) -> Daytona:
    return Daytona(DaytonaConfig(api_url=f"{proxy.url}/api", api_key=proxy.key))


@pytest.fixture(scope="module")
def sandbox(remote: Daytona):
    made = remote.create(CreateSandboxFromImageParams(image="debian:12"))
    yield made
    remote.delete(made)


def test_toolbox_calls_go_to_the_public_url(proxy: Proxy, sandbox) -> None:
    before = len(proxy.paths)
    sandbox.fs.upload_file(b"through", "/root/file")
    assert sandbox.process.exec("cat /root/file").result == "through"
    assert sandbox.fs.download_file("/root/file") == b"through"
    assert sandbox.toolbox_proxy_url.startswith(proxy.url)
    assert [path for path in proxy.paths[before:] if sandbox.id in path and "toolbox" in path]


def test_what_a_create_leaves_open_is_as_configured(sandbox) -> None:
    assert sandbox.target == "lagoon"
    assert (sandbox.auto_stop_interval, sandbox.auto_archive_interval, sandbox.auto_delete_interval) == (0, 7 * 24 * 60, 120)


def test_a_sandbox_by_default_runs_as_the_snapshot_user(remote: Daytona, sandbox) -> None:
    made = remote.create()
    try:
        # The template's own directory is closed to others than root.
        assert made.process.exec("id -un", cwd="/").result.strip() == "nobody"
    finally:
        remote.delete(made)
    assert sandbox.process.exec("id -un").result.strip() == "root"


def test_a_timeout_is_answered_as_the_vendor_does(sandbox) -> None:
    with pytest.raises(DaytonaError) as refused:
        sandbox.process.exec("echo lost; sleep 30", timeout=1)
    assert refused.value.status_code == 408
    assert sandbox.process.exec("echo on").result.strip() == "on"


def test_without_a_public_url_the_toolbox_is_where_the_client_called(target) -> None:
    api_url = str(httpx.URL(target.api_url).copy_with(host="localhost"))
    client = Daytona(DaytonaConfig(api_url=api_url, api_key=target.api_key))
    made = client.create(CreateSandboxFromImageParams(image="debian:12"))
    try:
        assert made.toolbox_proxy_url.startswith(api_url.removesuffix("/api"))
        assert made.process.exec("echo here").result.strip() == "here"
    finally:
        client.delete(made)
