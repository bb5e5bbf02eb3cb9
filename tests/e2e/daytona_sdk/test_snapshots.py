"""Snapshots and forks of running sandboxes: calls of newer clients, sent as raw HTTP."""

import pytest
from daytona import CreateSandboxFromSnapshotParams, DaytonaNotFoundError


def test_snapshot_holds_the_disk_and_makes_sandboxes(create, daytona, http, target, unique):
    source = create()
    source.process.exec("echo kept > /root/file")
    answer = http.post(f"{target.api_url}/sandbox/{source.id}/snapshot", json={"name": unique})
    assert (answer.status_code, answer.json()["state"]) == (200, "started")
    source.process.exec("echo changed > /root/file")
    snapshot = daytona.snapshot.get(unique)
    try:
        made = daytona.create(CreateSandboxFromSnapshotParams(snapshot=unique))
        try:
            assert made.process.exec("cat /root/file").result == "kept"
            assert made.snapshot == unique
        finally:
            daytona.delete(made)
    finally:
        daytona.snapshot.delete(snapshot)
    with pytest.raises(DaytonaNotFoundError):
        daytona.snapshot.get(unique)


def test_fork_goes_its_own_way(create, daytona, http, target, unique):
    source = create()
    source.process.exec("echo common > /root/file")
    answer = http.post(f"{target.api_url}/sandbox/{source.id}/fork", json={"name": unique})
    assert (answer.status_code, answer.json()["name"]) == (200, unique)
    fork = daytona.get(unique)
    try:
        assert fork.id != source.id
        fork.process.exec("echo fork >> /root/file")
        assert fork.process.exec("cat /root/file").result == "common\nfork"
        assert source.process.exec("cat /root/file").result == "common"
        assert http.post(f"{target.api_url}/sandbox/{source.id}/fork", json={"name": unique}).status_code == 409
    finally:
        daytona.delete(fork)


def test_memory_snapshot_is_refused(create, http, target, unique):
    body = {"name": unique, "includeMemory": True}
    answer = http.post(f"{target.api_url}/sandbox/{create().id}/snapshot", json=body)
    assert answer.status_code == 422
    assert "includeMemory" in answer.json()["message"]
