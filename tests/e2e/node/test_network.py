"""What sandboxes of a node with the default configuration reach. Engine tests try more from inside."""

import os

import httpx
import pytest

PROBE = """
import socket, sys
for target in sys.argv[1:]:
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
        print(target, "connected")
    except OSError:
        print(target, "refused")
"""


@pytest.fixture(scope="module")
def sandbox():
    headers = {"Authorization": f"Bearer {os.environ['ATOLL_API_KEY']}"}
    with httpx.Client(base_url=os.environ["ATOLL_URL"], headers=headers, timeout=60) as api:
        made = api.post("/v1/sandboxes", json={}).raise_for_status().json()["id"]
        yield lambda *argv: api.post(f"/v1/sandboxes/{made}/exec", json={"argv": list(argv)}).raise_for_status().json()
        api.delete(f"/v1/sandboxes/{made}")


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "168.63.129.16", "224.0.0.1", "fd00:ec2::254"],
)
def test_an_address_that_is_not_public_is_denied(sandbox, address: str) -> None:
    done = sandbox("python3", "-c", PROBE, f"{address}:80")
    assert done["stdout"].split()[-1] == "refused", done


def test_the_servers_own_ports_are_denied_on_every_address_of_the_host(sandbox) -> None:
    port = httpx.URL(os.environ["ATOLL_URL"]).port
    gateway = sandbox("sh", "-c", "ip route show default | cut -d' ' -f3")["stdout"].strip()
    done = sandbox("python3", "-c", PROBE, f"127.0.0.1:{port}", f"{gateway}:{port}", f"{gateway}:22")
    assert [line.split()[-1] for line in done["stdout"].splitlines()] == ["refused"] * 3, done


def test_names_resolve_and_a_package_index_is_reached(sandbox) -> None:
    done = sandbox("sh", "-c", "pip download --no-deps --quiet --dest /tmp six==1.16.0 && ls /tmp")
    assert "six-1.16.0" in done["stdout"], done
