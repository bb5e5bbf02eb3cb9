"""Files in sandboxes, by the SDK and, for what it cannot send, by raw HTTP."""

import hashlib
import os

import pytest
from daytona import DaytonaError, DaytonaNotFoundError, FileDownloadRequest, FileUpload


@pytest.fixture
def folder(sandbox, unique):
    path = f"/tmp/{unique}"
    sandbox.fs.create_folder(path, "755")
    return path


def url(sandbox, path):
    return f"{sandbox.toolbox_proxy_url}/{sandbox.id}/files{path}"


def test_bytes_go_up_and_come_down_unchanged(sandbox, folder):
    content = bytes(range(256)) * 100 + b"\r\n--boundary\r\n\r\n--"
    sandbox.fs.upload_file(content, f"{folder}/a b é 字 \"q\".bin")
    assert sandbox.fs.download_file(f"{folder}/a b é 字 \"q\".bin") == content


def test_relative_paths_start_in_the_work_directory(sandbox, unique):
    sandbox.fs.upload_file(b"relative", f"{unique}.txt")
    assert sandbox.process.exec(f"cat {sandbox.get_work_dir()}/{unique}.txt").result == "relative"
    assert sandbox.fs.download_file(f"{unique}.txt") == b"relative"


def test_many_files_at_once_and_their_directories(sandbox, folder):
    files = {f"{folder}/deep/{i % 7}/file-{i}": f"content {i}".encode() * i for i in range(300)}
    sandbox.fs.upload_files([FileUpload(source=data, destination=path) for path, data in files.items()])
    answers = sandbox.fs.download_files([FileDownloadRequest(source=path) for path in files])
    assert {a.source: a.result for a in answers} == files
    assert sandbox.process.exec(f"find {folder}/deep -type f | wc -l").result.strip() == "300"


def test_large_file_by_path_both_ways(sandbox, folder, tmp_path):
    source, back = tmp_path / "source", tmp_path / "back"
    block = os.urandom(1 << 20)
    with source.open("wb") as out:
        for i in range(64):
            out.write(i.to_bytes(8) + block[8:])
    expected = hashlib.sha256(source.read_bytes()).hexdigest()
    sandbox.fs.upload_file(str(source), f"{folder}/large")
    assert sandbox.process.exec(f"sha256sum < {folder}/large").result.split()[0] == expected
    sandbox.fs.download_file(f"{folder}/large", str(back))
    assert hashlib.sha256(back.read_bytes()).hexdigest() == expected


def test_empty_file(sandbox, folder):
    sandbox.fs.upload_file(b"", f"{folder}/empty")
    assert sandbox.fs.get_file_info(f"{folder}/empty").size == 0
    assert sandbox.fs.download_file(f"{folder}/empty") == b""


def test_upload_keeps_the_mode_of_the_file_it_replaces(sandbox, folder):
    sandbox.process.exec(f"echo old > {folder}/script; chmod 700 {folder}/script")
    sandbox.fs.upload_file(b"new", f"{folder}/script")
    assert sandbox.fs.get_file_info(f"{folder}/script").permissions == "0700"


def test_download_of_a_missing_file_is_an_error_and_spares_its_neighbours(sandbox, folder):
    with pytest.raises(DaytonaError, match="FILE_NOT_FOUND"):
        sandbox.fs.download_file(f"{folder}/missing")
    sandbox.fs.upload_file(b"here", f"{folder}/present")
    present, missing, directory = sandbox.fs.download_files(
        [FileDownloadRequest(source=f"{folder}/{name}") for name in ("present", "missing", "")]
    )
    assert (present.result, present.error) == (b"here", None)
    assert "FILE_NOT_FOUND" in missing.error
    assert "INVALID_FILE_PATH" in directory.error


def test_listing_and_info(sandbox, folder):
    sandbox.fs.create_folder(f"{folder}/sub", "750")
    sandbox.fs.upload_file(b"12345", f"{folder}/five")
    listed = {f.name: f for f in sandbox.fs.list_files(folder)}
    assert set(listed) == {"sub", "five"}
    assert (listed["sub"].is_dir, listed["sub"].mode) == (True, "drwxr-x---")
    five = sandbox.fs.get_file_info(f"{folder}/five")
    assert (five.name, five.size, five.is_dir, five.mode, five.permissions) == ("five", 5, False, "-rw-r--r--", "0644")
    assert (five.owner, five.group) == ("0", "0")
    assert five.mod_time


def test_permissions_and_owner(sandbox, folder):
    sandbox.fs.upload_file(b"x", f"{folder}/file")
    sandbox.fs.set_file_permissions(f"{folder}/file", mode="640", owner="nobody", group="nogroup")
    assert sandbox.process.exec(f"stat -c '%a %U %G' {folder}/file").result.strip() == "640 nobody nogroup"


def test_move_and_its_conflicts(sandbox, folder):
    sandbox.fs.upload_file(b"x", f"{folder}/from")
    sandbox.fs.move_files(f"{folder}/from", f"{folder}/to")
    assert sandbox.fs.download_file(f"{folder}/to") == b"x"
    sandbox.fs.upload_file(b"y", f"{folder}/other")
    with pytest.raises(DaytonaError) as conflict:
        sandbox.fs.move_files(f"{folder}/other", f"{folder}/to")
    assert conflict.value.status_code == 409
    with pytest.raises(DaytonaNotFoundError):
        sandbox.fs.move_files(f"{folder}/missing", f"{folder}/anywhere")


def test_delete(sandbox, folder):
    sandbox.fs.create_folder(f"{folder}/full/of", "755")
    with pytest.raises(DaytonaError) as refused:
        sandbox.fs.delete_file(f"{folder}/full")
    assert refused.value.status_code == 400
    sandbox.fs.delete_file(f"{folder}/full", recursive=True)
    with pytest.raises(DaytonaNotFoundError):
        sandbox.fs.get_file_info(f"{folder}/full")
    with pytest.raises(DaytonaNotFoundError):
        sandbox.fs.delete_file(f"{folder}/full")


def test_find_search_and_replace(sandbox, folder):
    sandbox.fs.upload_file(b"one\nneedle (a.b)\n", f"{folder}/a.txt")
    sandbox.fs.upload_file(b"none\n", f"{folder}/b.txt")
    sandbox.fs.upload_file(b"x", f"{folder}/c.md")
    (match,) = sandbox.fs.find_files(folder, "needle (a.b)")
    assert (match.file, match.line, match.content) == (f"{folder}/a.txt", 2, "needle (a.b)")
    assert sorted(sandbox.fs.search_files(folder, "*.txt").files) == [f"{folder}/a.txt", f"{folder}/b.txt"]
    replaced, missing = sandbox.fs.replace_in_files([f"{folder}/a.txt", f"{folder}/no"], "(a.b)", "$1")
    assert (replaced.file, replaced.success) == (f"{folder}/a.txt", True)
    assert (missing.success, bool(missing.error)) == (False, True)
    assert sandbox.fs.download_file(f"{folder}/a.txt") == b"one\nneedle $1\n"


def test_part_without_a_path_is_an_error_that_names_it(sandbox, http, folder):
    answer = http.post(
        url(sandbox, "/bulk-upload"),
        data={"files[0].path": f"{folder}/good"},
        files={"files[0].file": b"good", "files[1].file": b"lost"},
    )
    assert answer.status_code == 400
    assert ["file[1]" in e for e in answer.json()["errors"]] == [True]
    assert sandbox.fs.download_file(f"{folder}/good") == b"good"


def test_upload_below_a_file_is_an_error_that_names_the_path(sandbox, http, folder):
    sandbox.fs.upload_file(b"x", f"{folder}/file")
    answer = http.post(
        url(sandbox, "/bulk-upload"),
        data={"files[0].path": f"{folder}/file/below"},
        files={"files[0].file": b"x"},
    )
    assert answer.status_code == 400
    assert f"{folder}/file/below" in answer.json()["errors"][0]


def test_single_upload_and_download_of_raw_clients(sandbox, http, folder):
    path = {"path": f"{folder}/raw"}
    http.post(url(sandbox, "/upload"), params=path, files={"file": b"by form"}).raise_for_status()
    assert http.get(url(sandbox, "/download"), params=path).content == b"by form"
    http.post(url(sandbox, "/upload-v2"), params=path, content=b"by body").raise_for_status()
    answer = http.get(url(sandbox, "/download"), params=path)
    assert (answer.content, answer.headers["content-length"]) == (b"by body", "7")
    assert http.get(url(sandbox, "/download"), params={"path": f"{folder}/missing"}).status_code == 404


def test_part_of_a_bulk_download_carries_path_and_length(sandbox, http, folder):
    sandbox.fs.upload_file(b"seven b", f"{folder}/é")
    answer = http.post(url(sandbox, "/bulk-download"), json={"paths": [f"{folder}/é"]})
    assert answer.headers["content-type"] == "multipart/form-data; boundary=DAYTONA-FILE-BOUNDARY"
    assert f'name="file"; filename="{folder}/é"' in answer.text
    assert "Content-Length: 7" in answer.text


def test_errors_have_the_daemons_form(sandbox, http):
    answer = http.get(url(sandbox, "/info"), params={"path": "/no/such"})
    body = answer.json()
    assert (answer.status_code, body["statusCode"], body["code"]) == (404, 404, "FILE_NOT_FOUND")
    assert (body["method"], body["path"]) == ("GET", "/files/info")
    assert body["timestamp"] and body["message"]
