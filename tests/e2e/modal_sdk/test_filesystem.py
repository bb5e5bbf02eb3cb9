"""The file system calls, which clients from 1.4 on have."""

import os

import pytest
from modal_sdk.conftest import VERSION, output

pytestmark = pytest.mark.skipif(VERSION < (1, 4), reason="older clients have no file system calls")


def test_files_are_written_and_read(sandbox):
    sandbox.filesystem.write_text("héllo\n", "/root/new/dir/f")
    assert sandbox.filesystem.read_text("/root/new/dir/f") == "héllo\n"


def test_megabytes_are_written_and_read(sandbox):
    data = os.urandom(40 << 20)
    sandbox.filesystem.write_bytes(data, "/root/big")
    assert sandbox.filesystem.read_bytes("/root/big") == data


def test_files_go_to_and_from_this_machine(sandbox, tmp_path):
    (tmp_path / "up").write_bytes(b"\0\1\2")
    sandbox.filesystem.copy_from_local(tmp_path / "up", "/root/copied")
    sandbox.filesystem.copy_to_local("/root/copied", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == b"\0\1\2"


def test_entries_are_listed_and_described(sandbox):
    output(sandbox, "bash", "-c", "mkdir /root/list; cd /root/list; printf 12345 > f; chmod 640 f; ln -s f l; mkdir d")
    entries = sandbox.filesystem.list_files("/root/list")
    assert [(e.name, e.type.value) for e in entries] == [("d", "directory"), ("f", "file"), ("l", "symlink")]
    info = sandbox.filesystem.stat("/root/list/f")
    assert (info.size, info.mode, info.permissions, info.owner, info.path) == (
        5, 0o640, "rw-r-----", "root", "/root/list/f",
    )
    assert sandbox.filesystem.stat("/root/list/l").symlink_target == "f"


def test_directories_are_made_and_removed(sandbox):
    from modal.exception import SandboxFilesystemDirectoryNotEmptyError, SandboxFilesystemPathAlreadyExistsError

    sandbox.filesystem.make_directory("/root/a/b")
    with pytest.raises(SandboxFilesystemPathAlreadyExistsError):
        sandbox.filesystem.make_directory("/root/a", create_parents=False)
    with pytest.raises(SandboxFilesystemDirectoryNotEmptyError):
        sandbox.filesystem.remove("/root/a")
    sandbox.filesystem.remove("/root/a", recursive=True)
    assert "a" not in {entry.name for entry in sandbox.filesystem.list_files("/root")}


def test_errors_have_the_clients_own_types(sandbox):
    from modal.exception import (
        SandboxFilesystemIsADirectoryError,
        SandboxFilesystemNotADirectoryError,
        SandboxFilesystemNotFoundError,
    )

    with pytest.raises(SandboxFilesystemNotFoundError):
        sandbox.filesystem.read_text("/root/nothing")
    with pytest.raises(SandboxFilesystemIsADirectoryError):
        sandbox.filesystem.read_text("/root")
    with pytest.raises(SandboxFilesystemIsADirectoryError):
        sandbox.filesystem.write_text("", "/root")
    with pytest.raises(SandboxFilesystemNotADirectoryError):
        sandbox.filesystem.list_files("/etc/passwd")


def test_changes_are_watched(sandbox):
    output(sandbox, "mkdir", "/root/watched")
    maker = sandbox.exec("bash", "-c", "until [ -e /root/seen ]; do touch /root/watched/f; sleep 0.05; done")
    events = sandbox.filesystem.watch("/root/watched", timeout=60)
    event = next(iter(events))
    output(sandbox, "touch", "/root/seen")
    assert event.paths == ["/root/watched/f"]
    assert maker.wait() == 0
