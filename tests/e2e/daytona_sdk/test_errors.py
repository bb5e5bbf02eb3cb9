"""What a client is told when it asks for what cannot be."""

import uuid

import httpx
import pytest
from daytona import CreateSandboxFromImageParams, Daytona, DaytonaConfig, DaytonaError, DaytonaNotFoundError, Image, VolumeMount


def test_wrong_key_is_unauthorized(target):
    stranger = Daytona(DaytonaConfig(api_url=target.api_url, api_key="no-such-key"))
    with pytest.raises(DaytonaError) as error:
        stranger.list()
    assert error.value.status_code == 401


def test_no_key_is_unauthorized_on_api_and_toolbox(target, sandbox):
    answer = httpx.get(f"{target.api_url}/sandbox/{sandbox.id}")
    body = answer.json()
    assert answer.status_code == 401
    assert (body["statusCode"], body["error"], body["path"]) == (401, "Unauthorized", f"/api/sandbox/{sandbox.id}")
    assert body["timestamp"] and body["message"]
    toolbox = f"{sandbox.toolbox_proxy_url}/{sandbox.id}/process/execute"
    assert httpx.post(toolbox, json={"command": "id"}).status_code == 401


def test_unknown_ids_and_names_are_not_found(daytona):
    for reference in (str(uuid.uuid4()), "no-such-name"):
        with pytest.raises(DaytonaNotFoundError):
            daytona.get(reference)


def test_api_errors_have_the_vendors_form(http, target):
    answer = http.get(f"{target.api_url}/sandbox/no-such-name")
    body = answer.json()
    assert (answer.status_code, body["statusCode"], body["error"]) == (404, 404, "Not Found")
    assert body["path"] == "/api/sandbox/no-such-name"
    assert "no-such-name" in body["message"] and body["timestamp"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": "with space"}, "name"),
        ({"cpu": -1}, "cpu"),
        ({"memory": 10**9}, "memory"),
        ({"disk": 0}, "disk"),
        ({"gpu": 1}, "gpu"),
        ({"autoStopInterval": -5}, "autoStopInterval"),
        ({"labels": {"k": "v" * 5000}}, "labels"),
        ({"env": {"not a name": "x"}}, "env"),
        ({"cpu": "many"}, "cpu"),
        ({"labels": [1]}, "labels"),
    ],
)
def test_bad_field_is_named(http, target, fields, named):
    body = {"buildInfo": {"dockerfileContent": "FROM debian:12\n"}} | fields
    answer = http.post(f"{target.api_url}/sandbox", json=body)
    assert answer.status_code == 400, answer.text
    assert named in answer.json()["message"]


def test_body_that_is_no_json_is_a_bad_request(http, target):
    answer = http.post(f"{target.api_url}/sandbox", content=b"{nope", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_dockerfile_with_steps_is_refused_and_says_so(daytona):
    image = Image.base("debian:12").run_commands("apt-get install -y cowsay")
    with pytest.raises(DaytonaError, match="FROM") as error:
        daytona.create(CreateSandboxFromImageParams(image=image))
    assert error.value.status_code == 422


def test_volumes_are_refused_and_named(daytona):
    with pytest.raises(DaytonaError, match="volumes") as error:
        daytona.create(
            CreateSandboxFromImageParams(image="debian:12", volumes=[VolumeMount(volume_id="v", mount_path="/v")])
        )
    assert error.value.status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/sandbox/{id}/resize"),
        ("POST", "/sandbox/{id}/ssh-access"),
        ("GET", "/sandbox/{id}/ports/8080/preview-url"),
        ("GET", "/volumes"),
        ("POST", "/snapshots"),
    ],
)
def test_what_is_not_offered_says_so_with_method_and_path(http, target, sandbox, method, path):
    path = path.format(id=sandbox.id)
    answer = http.request(method, f"{target.api_url}{path}", json={} if method == "POST" else None)
    assert answer.status_code in (422, 501)
    assert f"{method} /api{path}" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/git/status"), ("POST", "/lsp/start"), ("GET", "/process/pty"), ("POST", "/computeruse/start")],
)
def test_toolbox_calls_that_are_not_offered_say_so(http, sandbox, method, path):
    answer = http.request(method, f"{sandbox.toolbox_proxy_url}/{sandbox.id}{path}")
    assert answer.status_code == 501
    assert f"{method} {path}" in answer.json()["message"]


def test_path_that_no_daytona_has_is_not_found(http, target):
    assert http.get(f"{target.api_url}/no-such-thing").status_code == 404


def test_limit_out_of_range_is_a_bad_request(http, target):
    answer = http.get(f"{target.api_url}/sandbox", params={"limit": "201"})
    assert answer.status_code == 400
    assert "limit" in answer.json()["message"]


def test_health_and_config(http, target):
    assert http.get(f"{target.api_url}/health").status_code == 200
    config = http.get(f"{target.api_url}/config").json()
    assert config["proxyToolboxUrl"].endswith("/toolbox")
    assert config["defaultSnapshot"] and config["version"]
