"""Sandboxes from their create to their end."""

import modal
import pytest
from modal.exception import AlreadyExistsError, NotFoundError, SandboxTerminatedError, SandboxTimeoutError
from modal_sdk.conftest import VERSION, output


def test_entrypoint_output_and_code(create):
    sandbox = create("bash", "-c", "echo out; echo err >&2; exit 7")
    sandbox.wait(raise_on_termination=False)
    assert sandbox.returncode == 7
    assert (sandbox.stdout.read(), sandbox.stderr.read()) == ("out\n", "err\n")


def test_entrypoint_reads_standard_input(create):
    sandbox = create("bash", "-c", "read line; echo got $line; cat")
    sandbox.stdin.write("one\n")
    sandbox.stdin.drain()
    sandbox.stdin.write("two\n")
    sandbox.stdin.write_eof()
    sandbox.stdin.drain()
    assert sandbox.stdout.read() == "got one\ntwo\n"
    sandbox.wait()
    assert sandbox.returncode == 0


def test_output_is_read_while_it_is_written(create):
    sandbox = create("bash", "-c", "echo first; read line; echo $line")
    lines = iter(sandbox.stdout)
    assert next(lines) == "first\n"
    sandbox.stdin.write("second\n")
    sandbox.stdin.drain()
    assert next(lines) == "second\n"


def test_poll_terminate_and_wait(create):
    sandbox = create("sleep", "infinity")
    assert sandbox.poll() is None
    sandbox.terminate()
    sandbox.wait(raise_on_termination=False)
    assert (sandbox.returncode, sandbox.poll()) == (137, 137)
    sandbox.terminate()
    again = modal.Sandbox.from_id(sandbox.object_id)
    assert again.poll() == 137
    with pytest.raises(SandboxTerminatedError):
        again.wait()


def test_timeout_ends_it(create):
    sandbox = create("sleep", "infinity", timeout=2)
    with pytest.raises(SandboxTimeoutError):
        sandbox.wait(raise_on_termination=False)
    assert sandbox.returncode == 124


def test_idle_timeout_ends_it(create):
    sandbox = create("sleep", "infinity", idle_timeout=2)
    sandbox.wait(raise_on_termination=False)
    assert sandbox.poll() is not None


def test_no_arguments_run_until_the_end(create):
    sandbox = create()
    assert sandbox.poll() is None
    assert output(sandbox, "echo", "here") == "here\n"


def test_unknown_sandbox_is_not_found():
    with pytest.raises(NotFoundError):
        modal.Sandbox.from_id("sb-" + "0" * 21 + "1")


def test_environment_secrets_and_working_directory(create):
    secret = modal.Secret.from_dict({"A": "secret", "B": "secret"})
    fields = {"secrets": [secret], "workdir": "/tmp"}
    if VERSION >= (1, 3):
        fields["env"] = {"A": "env"}
    sandbox = create("bash", "-c", "echo $A $B $PWD", **fields)
    assert sandbox.stdout.read() == "env secret /tmp\n"
    sandbox.wait()
    sandbox = create("sleep", "infinity", **fields)
    assert output(sandbox, "bash", "-c", "echo $A $B $PWD") == "env secret /tmp\n"


def test_named_secret_is_stored_and_replaced(create, unique):
    for value in ("one", "two"):
        modal.Secret.objects.create(unique, {"VALUE": value}, allow_existing=value == "two")
    sandbox = create("bash", "-c", "echo $VALUE", secrets=[modal.Secret.from_name(unique)])
    assert sandbox.stdout.read() == "one\n"
    with pytest.raises(NotFoundError):
        create("true", secrets=[modal.Secret.from_name(unique, required_keys=["OTHER"])])
    modal.Secret.objects.delete(unique)
    with pytest.raises(NotFoundError):
        create("true", secrets=[modal.Secret.from_name(unique)])


def test_name_is_of_its_app_and_free_after_the_end(create, app, unique):
    first = create("sleep", "infinity", name=unique)
    with pytest.raises(AlreadyExistsError):
        create("sleep", "infinity", name=unique)
    other = modal.App.lookup("e2e-other", create_if_missing=True)
    create("sleep", "infinity", name=unique, app=other)
    assert modal.Sandbox.from_name("e2e", unique).object_id == first.object_id
    first.terminate()
    second = create("sleep", "infinity", name=unique)
    assert second.object_id != first.object_id
    with pytest.raises(NotFoundError):
        modal.Sandbox.from_name("e2e", "no-such-name")


def test_tags_filter_lists(create, app, unique):
    one = create("sleep", "infinity")
    two = create("sleep", "infinity")
    one.set_tags({"run": unique, "n": "1"})
    two.set_tags({"run": unique, "n": "2"})

    def listed(**tags: str) -> set[str]:
        return {s.object_id for s in modal.Sandbox.list(app_id=app.app_id, tags=tags)}

    assert listed(run=unique) == {one.object_id, two.object_id}
    assert listed(run=unique, n="2") == {two.object_id}
    one.set_tags({"other": unique})
    assert one.get_tags() == {"other": unique}
    assert listed(run=unique) == {two.object_id}


def test_list_holds_every_sandbox_once_and_none_of_another_app(create, unique):
    app = modal.App.lookup(unique, create_if_missing=True)
    made = [create("sleep", "infinity", app=app).object_id for _ in range(3)]
    assert [s.object_id for s in modal.Sandbox.list(app_id=app.app_id)] == made[::-1]
    modal.Sandbox.from_id(made[1]).terminate()
    assert [s.object_id for s in modal.Sandbox.list(app_id=app.app_id)] == [made[2], made[0]]


def test_network_can_be_blocked(create):
    probe = "import socket; socket.create_connection(('1.1.1.1', 53), 3)"
    sandbox = create("sleep", "infinity", block_network=True)
    assert sandbox.exec("python3", "-c", probe).wait() != 0


def allowing(ranges: list[str]) -> dict:
    """As this version of the client calls it."""
    return {"outbound_cidr_allowlist" if VERSION >= (1, 6) else "cidr_allowlist": ranges}


def test_only_what_an_allow_list_names_is_reached(create):
    sandbox = create("sleep", "infinity", **allowing(["203.0.113.0/24"]))
    probe = "import socket; socket.create_connection(('1.1.1.1', 53), 3)"
    process = sandbox.exec("python3", "-c", probe)
    assert process.wait() != 0
    assert "No route to host" in process.stderr.read()


# What the sandbox's nameserver answers to a question for example.com: 5 is REFUSED, which no missing network gives.
ANSWER_CODE = (
    "import socket; ns = [l.split()[1] for l in open('/etc/resolv.conf') if l.startswith('nameserver')][0]; "
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10); "
    "s.sendto(bytes.fromhex('00010100000100000000000007') + b'example' + bytes([3]) + b'com'"
    " + bytes.fromhex('0000010001'), (ns, 53)); print(s.recv(512)[3] & 15)"
)


@pytest.mark.skipif(VERSION < (1, 6), reason="the client has no such call")
def test_names_are_listed_while_it_runs(create):
    sandbox = create("sleep", "infinity")
    sandbox._experimental_set_outbound_network_policy(outbound_domain_allowlist=["*.example.org"])
    process = sandbox.exec("python3", "-c", ANSWER_CODE)
    assert process.stdout.read().strip() == "5"


def test_a_bad_allow_list_is_refused(create):
    with pytest.raises(Exception, match="not-an-ip/8"):
        create("sleep", "infinity", **allowing(["not-an-ip/8"]))


def test_resources_are_bounds(create):
    sandbox = create("sleep", "infinity", cpu=1.0, memory=2048)
    assert output(sandbox, "true") == ""


def test_what_is_not_offered_is_refused_by_name(create):
    with pytest.raises(Exception, match="tunnels.*not offered"):
        create("sleep", "infinity", encrypted_ports=[8080])


def test_call_that_is_not_offered_is_refused_by_name():
    with pytest.raises(Exception, match="QueueGetOrCreate is not offered"):
        modal.Queue.from_name("q", create_if_missing=True).hydrate()


def test_wrong_secret_is_refused():
    client = modal.Client.from_credentials("ak-x", "as-wrong")
    with pytest.raises(modal.exception.AuthError):
        modal.App.lookup("e2e", client=client, create_if_missing=True)
