"""What a running node tells of its work: needs root, which reads the engine's own files."""

import json
import os
import pathlib
import subprocess
import uuid
from collections.abc import Callable

import httpx
import pytest

INSTANCE = pathlib.Path("/run/atoll") / os.environ.get("ATOLL_INSTANCE", "default")


@pytest.fixture(scope="module")
def api():
    headers = {"Authorization": f"Bearer {os.environ['ATOLL_API_KEY']}"}
    with httpx.Client(base_url=os.environ["ATOLL_URL"], headers=headers, timeout=60) as client:
        yield client


def _state() -> pathlib.Path:
    return pathlib.Path(json.loads((INSTANCE / "up.json").read_text())["stateDir"])


def _until(found: Callable[[], list]) -> list:
    """The audit is written, and the log flushed, a moment after the answer."""
    for _ in range(200):
        if lines := found():
            return lines
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError("nothing came")


def _audit(request: str) -> list[dict]:
    lines = (_state() / "engine/audit/audit.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event.get("request") == request]


def test_a_request_has_one_id_in_answer_log_and_audit(api: httpx.Client) -> None:
    request = f"e2e-{uuid.uuid4().hex}"
    made = api.post("/v1/sandboxes", json={"env": {"TOKEN": "not to be seen"}}, headers={"X-Request-Id": request})
    assert made.headers["x-request-id"] == request
    sandbox = made.raise_for_status().json()["id"]
    ended = f"{request}-end"
    api.delete(f"/v1/sandboxes/{sandbox}", headers={"X-Request-Id": ended}).raise_for_status()

    (created,) = _until(lambda: _audit(request))
    assert {key: created[key] for key in ("action", "target", "key", "from", "outcome")} == {
        "action": "sandboxes.create",
        "target": sandbox,
        "key": "operator",
        "from": "127.0.0.1",
        "outcome": "done",
    }
    (deleted,) = _until(lambda: _audit(ended))
    assert (deleted["action"], deleted["target"]) == ("sandboxes.delete", sandbox)
    log = _state() / "log/engine.log"
    lines = _until(lambda: [line for line in log.read_text().splitlines() if f"[{request}]" in line])
    assert any("POST /v1/sandboxes 201" in line for line in lines), lines
    assert "not to be seen" not in (_state() / "engine/audit/audit.jsonl").read_text()


def test_a_wrong_key_is_in_the_audit_and_not_the_key_itself(api: httpx.Client) -> None:
    request = f"e2e-{uuid.uuid4().hex}"
    refused = api.get("/v1/sandboxes", headers={"Authorization": "Bearer atoll_guessed", "X-Request-Id": request})
    assert refused.status_code == 401
    assert refused.json()["requestId"] == request
    (event,) = _until(lambda: _audit(request))
    assert (event["action"], event["outcome"]) == ("keys.authenticate", "refused")
    assert "atoll_guessed" not in (_state() / "engine/audit/audit.jsonl").read_text()


def test_another_face_is_audited_alike() -> None:
    request = f"e2e-{uuid.uuid4().hex}"
    headers = {"Authorization": f"Bearer {os.environ['DAYTONA_API_KEY']}", "X-Request-Id": request}
    with httpx.Client(base_url=os.environ["DAYTONA_API_URL"], headers=headers, timeout=60) as daytona:
        made = daytona.post("/sandbox", json={}).raise_for_status().json()["id"]
        events = _until(lambda: _audit(request))
        daytona.delete(f"/sandbox/{made}").raise_for_status()
    # This face shows ids as UUIDs.
    created = [event["target"] for event in events if event["action"] == "sandboxes.create"]
    assert created == [uuid.UUID(made).hex]


def test_the_audit_is_for_the_engine_and_root_alone() -> None:
    audit = _state() / "engine/audit/audit.jsonl"
    assert audit.stat().st_mode & 0o777 == 0o600
    assert audit.parent.parent.stat().st_mode & 0o777 == 0o700
