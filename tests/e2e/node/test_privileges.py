"""What the processes of a running node may do, seen from the host: needs root and strace."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import time

import httpx
import pytest

INSTANCE = pathlib.Path("/run/atoll") / os.environ.get("ATOLL_INSTANCE", "default")


def _pid(name: str) -> int:
    return int((INSTANCE / f"{name}.pid").read_text().split()[0])


def _status(pid: int) -> dict[str, str]:
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@pytest.fixture(scope="module")
def api() -> httpx.Client:
    headers = {"Authorization": f"Bearer {os.environ['ATOLL_API_KEY']}"}
    with httpx.Client(base_url=os.environ["ATOLL_URL"], headers=headers, timeout=60) as client:
        yield client


def test_the_engine_holds_no_capability_and_can_gain_none() -> None:
    status = _status(_pid("engine"))
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert status["Uid"].split()[0] != "0"


def test_creating_a_sandbox_executes_no_program_of_the_host(api: httpx.Client, tmp_path: pathlib.Path) -> None:
    """
    Also with every warm slot used up: the processes of those are older than the trace. What is
    executed is the guest alone, from a descriptor without a path.
    """
    assert shutil.which("strace"), "strace is missing: apt-get install strace"
    log = tmp_path / "trace"
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", "trace=execve,execveat", "-e", "signal=none", "-o", str(log),
         "-p", str(_pid("engine")), "-p", str(_pid("warden"))],
        stderr=subprocess.PIPE,
    )
    ids = []
    try:
        _attached(tracer.pid, _pid("engine"))
        _attached(tracer.pid, _pid("warden"))
        for _ in range(24):
            answer = api.post("/v1/sandboxes", json={})
            assert answer.status_code == 201, answer.text
            ids.append(answer.json()["id"])
    finally:
        tracer.terminate()
        tracer.wait()
        for sandbox in ids:
            api.delete(f"/v1/sandboxes/{sandbox}")
    calls = [line for line in log.read_text().splitlines() if "exec" in line and "resumed" not in line]
    guests = [line for line in calls if "execveat(" in line and '""' in line and "AT_EMPTY_PATH" in line]
    assert guests, "the trace did not see a guest start"
    assert [line for line in calls if line not in guests] == []


def _attached(tracer: int, pid: int) -> None:
    deadline = time.monotonic() + 20
    while _status(pid)["TracerPid"] != str(tracer):
        assert time.monotonic() < deadline, f"strace did not attach to {pid}"
        time.sleep(0.02)


def test_disks_keys_and_sockets_are_not_readable_by_others() -> None:
    up = json.loads((INSTANCE / "up.json").read_text())
    state = pathlib.Path(up["stateDir"])
    for path in (state / "operator.key", state / "pool.img", state / "pool", state / "engine", INSTANCE / "warden.sock"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o007 == 0, f"{path} has mode {mode:o}"
