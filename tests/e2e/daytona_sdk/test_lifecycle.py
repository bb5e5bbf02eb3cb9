"""Sandboxes from create to delete, by the SDK."""

import uuid

import pytest
from daytona import (
    CreateSandboxFromImageParams,
    CreateSandboxFromSnapshotParams,
    Daytona,
    DaytonaError,
    DaytonaNotFoundError,
    Image,
    Resources,
)


def test_created_by_image_is_started_and_runs_as_root(create):
    sandbox = create()
    assert sandbox.state == "started"
    assert uuid.UUID(sandbox.id)
    assert sandbox.name == sandbox.id
    result = sandbox.process.exec("id -u; echo $HOME")
    assert (result.exit_code, result.result.split()) == (0, ["0", "/root"])


def test_created_with_every_field_reads_back_the_same(create, daytona, unique):
    sandbox = create(
        name=unique,
        labels={"team": "a", "what": "e2e"},
        env_vars={"GREETING": "hello world"},
        auto_stop_interval=7,
        auto_archive_interval=60,
        auto_delete_interval=120,
        public=True,
        resources=Resources(cpu=1, memory=1, disk=2),
    )
    read = daytona.get(unique)
    assert read.id == sandbox.id
    assert (read.name, read.public) == (unique, True)
    assert {"team": "a", "what": "e2e"}.items() <= read.labels.items()
    assert read.env == {"GREETING": "hello world"}
    assert (read.auto_stop_interval, read.auto_archive_interval, read.auto_delete_interval) == (7, 60, 120)
    assert (read.cpu, read.memory, read.disk, read.gpu) == (1, 1, 2, 0)
    assert read.build_info.dockerfile_content.startswith("FROM ")
    assert sandbox.process.exec('echo "$GREETING"').result.strip() == "hello world"


def test_created_by_default_snapshot_and_by_its_name(daytona):
    default = daytona.create()
    try:
        named = daytona.create(CreateSandboxFromSnapshotParams(snapshot=default.snapshot))
        try:
            assert named.snapshot == default.snapshot
            assert named.process.exec("true").exit_code == 0
        finally:
            daytona.delete(named)
    finally:
        daytona.delete(default)


def test_created_by_declarative_image_of_one_line(daytona):
    sandbox = daytona.create(CreateSandboxFromImageParams(image=Image.base("python:3.12-slim-bookworm")))
    try:
        assert sandbox.process.exec("python3 -c 'print(6*7)'").result.strip() == "42"
    finally:
        daytona.delete(sandbox)


def test_name_that_is_taken_is_a_conflict(create, unique):
    create(name=unique)
    with pytest.raises(DaytonaError, match=f"Sandbox with name {unique} already exists") as error:
        create(name=unique)
    assert error.value.status_code == 409


def test_name_is_free_at_once_after_delete(create, daytona, unique):
    first = create(name=unique)
    daytona.delete(first)
    second = create(name=unique)
    assert second.id != first.id
    assert daytona.get(unique).id == second.id


def test_deleted_is_not_found(create, daytona):
    sandbox = create()
    daytona.delete(sandbox)
    with pytest.raises(DaytonaNotFoundError):
        daytona.get(sandbox.id)
    with pytest.raises(DaytonaNotFoundError):
        sandbox.process.exec("true")


def test_unknown_snapshot_is_a_bad_request(daytona):
    with pytest.raises(DaytonaError, match="Snapshot no-such-snapshot not found") as error:
        daytona.create(CreateSandboxFromSnapshotParams(snapshot="no-such-snapshot"))
    assert error.value.status_code == 400


def test_stop_and_start_keep_files_and_id(create, daytona):
    sandbox = create()
    sandbox.process.exec("echo kept > /root/kept; echo kept > /tmp/kept")
    sandbox.stop()
    assert sandbox.state == "stopped"
    with pytest.raises(DaytonaError):
        sandbox.process.exec("true")
    sandbox.stop()
    sandbox.start()
    assert sandbox.state == "started"
    assert sandbox.process.exec("cat /root/kept /tmp/kept").result.split() == ["kept", "kept"]
    sandbox.start()
    assert daytona.get(sandbox.id).state == "started"


def test_start_waits_for_a_stop_under_way(create, http, target):
    sandbox = create()
    # Ignores the polite signal, so that the stop takes its time.
    sandbox.process.exec("(trap '' TERM; exec 0<&- 1>&- 2>&-; while :; do sleep 1; done) &")
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        stopped = pool.submit(http.post, f"{target.api_url}/sandbox/{sandbox.id}/stop")
        started = pool.submit(http.post, f"{target.api_url}/sandbox/{sandbox.id}/start")
        assert (stopped.result().status_code, started.result().status_code) == (200, 200)
    sandbox.start()
    assert sandbox.process.exec("echo up").result.strip() == "up"


def test_labels_filter_lists_by_subset_and_follows_changes(create, daytona, unique):
    one = create(labels={"run": unique, "n": "1"})
    two = create(labels={"run": unique, "n": "2"})
    assert {s.id for s in daytona.list(labels={"run": unique}).items} == {one.id, two.id}
    assert [s.id for s in daytona.list(labels={"run": unique, "n": "2"}).items] == [two.id]
    assert one.set_labels({"other": unique}) == {"other": unique}
    assert [s.id for s in daytona.list(labels={"run": unique}).items] == [two.id]
    assert [s.id for s in daytona.list(labels={"other": unique}).items] == [one.id]


def test_pages_hold_each_sandbox_once(create, daytona, unique):
    made = {create(labels={"run": unique}).id for _ in range(3)}
    first = daytona.list(labels={"run": unique}, page=1, limit=2)
    second = daytona.list(labels={"run": unique}, page=2, limit=2)
    assert (first.total, first.page, first.total_pages) == (3, 1, 2)
    assert (len(first.items), len(second.items)) == (2, 1)
    assert {s.id for s in [*first.items, *second.items]} == made
    assert daytona.list(labels={"run": unique}, page=3, limit=2).items == []


def test_list_without_filter_contains_it(create, daytona):
    sandbox = create()
    assert sandbox.id in {s.id for s in daytona.list(limit=200).items}


def test_cursor_list_walks_every_page(create, http, target, unique):
    made = {create(labels={"run": unique}).id for _ in range(3)}
    seen, cursor = [], None
    while True:
        query = {"labels": f'{{"run":"{unique}"}}', "limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = http.get(f"{target.api_url}/sandbox", params=query).raise_for_status().json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert (len(seen), set(seen)) == (3, made)


def test_intervals_are_set_and_read(create, daytona):
    sandbox = create(auto_stop_interval=0)
    assert daytona.get(sandbox.id).auto_stop_interval == 0
    sandbox.set_autostop_interval(9)
    sandbox.set_auto_archive_interval(11)
    sandbox.set_auto_delete_interval(13)
    read = daytona.get(sandbox.id)
    assert (read.auto_stop_interval, read.auto_archive_interval, read.auto_delete_interval) == (9, 11, 13)
    sandbox.set_auto_delete_interval(-1)
    sandbox.set_autostop_interval(0)
    read = daytona.get(sandbox.id)
    assert (read.auto_stop_interval, read.auto_archive_interval, read.auto_delete_interval) == (0, 11, -1)


def test_ephemeral_is_deleted_by_its_stop(create, daytona):
    sandbox = create(ephemeral=True)
    assert sandbox.auto_delete_interval == 0
    sandbox.stop()
    # The stop answers when the disk is at rest; the delete follows on its heels.
    sandbox.wait_for_sandbox_stop()
    _until_gone(daytona, sandbox.id)


def _until_gone(daytona: Daytona, sandbox_id: str) -> None:
    import time

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            daytona.get(sandbox_id)
        except DaytonaNotFoundError:
            return
        time.sleep(0.1)
    raise AssertionError(f"{sandbox_id} still exists a minute after its stop")


def test_refresh_activity_moves_last_activity(create, http, target):
    sandbox = create()
    before = http.get(f"{target.api_url}/sandbox/{sandbox.id}").json()["lastActivityAt"]
    sandbox.refresh_activity()
    assert http.get(f"{target.api_url}/sandbox/{sandbox.id}").json()["lastActivityAt"] > before


def test_directories_of_the_user(create):
    sandbox = create()
    assert sandbox.get_user_home_dir() == "/root"
    assert sandbox.get_work_dir() == sandbox.process.exec("pwd").result.strip()


def test_network_block_all_leaves_no_way_out(create):
    sandbox = create(network_block_all=True)
    assert sandbox.network_block_all is True
    probe = "python3 -c \"import socket; socket.create_connection(('1.1.1.1', 53), 3)\""
    assert sandbox.process.exec(probe).exit_code != 0


# What the sandbox's nameserver answers to a question for example.com: 5 is REFUSED, which no missing network gives.
ANSWER_CODE = (
    "import socket; ns = [l.split()[1] for l in open('/etc/resolv.conf') if l.startswith('nameserver')][0]; "
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10); "
    "s.sendto(bytes.fromhex('00010100000100000000000007') + b'example' + bytes([3]) + b'com'"
    " + bytes.fromhex('0000010001'), (ns, 53)); print(s.recv(512)[3] & 15)"
)


def test_network_allow_list_is_all_that_is_reached(create, http, target):
    sandbox = create(network_allow_list="203.0.113.0/24,198.51.100.7")
    assert sandbox.network_allow_list == "203.0.113.0/24,198.51.100.7/32"
    probe = "python3 -c \"import socket; socket.create_connection(('1.1.1.1', 53), 3)\" 2>&1"
    assert "No route to host" in sandbox.process.exec(probe).result
    settings = {"domainAllowList": "*.example.org"}
    changed = http.post(f"{target.api_url}/sandbox/{sandbox.id}/network-settings", json=settings).json()
    assert (changed["domainAllowList"], changed.get("networkAllowList")) == ("*.example.org", None)
    assert sandbox.process.exec(f'python3 -c "{ANSWER_CODE}"').result.strip() == "5"


def test_a_bad_network_allow_list_is_refused_by_its_name(create):
    with pytest.raises(DaytonaError, match="networkAllowList is '10.0.0.1/8'"):
        create(network_allow_list="10.0.0.1/8")


def test_snapshots_are_listed_and_read(daytona):
    page = daytona.snapshot.list()
    assert page.total >= 1
    active = [s for s in page.items if s.state == "active"]
    assert active
    assert daytona.snapshot.get(active[0].name).id == active[0].id
    with pytest.raises(DaytonaNotFoundError):
        daytona.snapshot.get("no-such-snapshot")


def test_an_archived_sandbox_comes_back_with_its_files(sandbox):
    sandbox.process.exec("echo kept > /root/file; sync")
    with pytest.raises(DaytonaError, match="not in valid state"):
        sandbox.archive()
    sandbox.stop()
    sandbox.archive()
    sandbox.refresh_data()
    assert sandbox.state == "archived"
    sandbox.start()
    assert sandbox.state == "started"
    assert sandbox.process.exec("cat /root/file").result.strip() == "kept"
