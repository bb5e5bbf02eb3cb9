"""Commands in a sandbox."""

import modal
import pytest
from modal.exception import NotFoundError
from modal.stream_type import StreamType
from modal_sdk.conftest import VERSION, output


def test_output_errors_and_code_come_back(sandbox):
    process = sandbox.exec("bash", "-c", "echo out; echo err >&2; exit 7")
    assert process.stdout.read() == "out\n"
    assert process.stderr.read() == "err\n"
    assert process.wait() == 7
    assert process.poll() == 7


def test_runs_as_root_at_home_with_the_image_environment(sandbox):
    assert output(sandbox, "bash", "-c", "id -un; echo $HOME; which python3").split()[:2] == ["root", "/root"]


def test_working_directory_and_secrets(sandbox):
    secret = modal.Secret.from_dict({"GREETING": "hello world", "B": "2"})
    assert output(sandbox, "bash", "-c", "pwd; echo $GREETING", workdir="/tmp", secrets=[secret]) == "/tmp\nhello world\n"


def test_env_of_a_command_wins_over_its_secrets(sandbox):
    secret = modal.Secret.from_dict({"A": "secret", "B": "secret"})
    assert output(sandbox, "bash", "-c", "echo $A $B", secrets=[secret], env={"A": "env"}) == "env secret\n"


def test_standard_input_is_written_in_pieces_and_ends(sandbox):
    process = sandbox.exec("cat")
    for piece in ("one\n", "two\n"):
        process.stdin.write(piece)
        process.stdin.drain()
    process.stdin.write_eof()
    process.stdin.drain()
    assert process.stdout.read() == "one\ntwo\n"
    assert process.wait() == 0


def test_megabytes_go_in_and_out(sandbox):
    data = bytes(range(256)) * (4 << 12)
    process = sandbox.exec("cat", text=False)
    for start in range(0, len(data), 1 << 20):
        process.stdin.write(data[start : start + (1 << 20)])
        process.stdin.drain()
    process.stdin.write_eof()
    process.stdin.drain()
    assert process.stdout.read() == data
    assert process.wait() == 0


def test_more_output_than_is_kept_is_read_whole(sandbox):
    process = sandbox.exec("bash", "-c", "head -c 50000000 /dev/zero; echo done >&2", text=False)
    assert len(process.stdout.read()) == 50_000_000
    assert process.stderr.read() == b"done\n"
    assert process.wait() == 0


def test_more_output_than_is_kept_does_not_hold_who_waits_only(sandbox):
    process = sandbox.exec("bash", "-c", "head -c 50000000 /dev/zero; exit 3")
    assert process.wait() == 3


def test_output_that_is_not_wanted_is_dropped(sandbox):
    process = sandbox.exec(
        "bash", "-c", "head -c 50000000 /dev/zero", stdout=StreamType.DEVNULL, stderr=StreamType.DEVNULL
    )
    assert process.wait() == 0


def test_lines_arrive_as_they_are_written(sandbox):
    process = sandbox.exec("bash", "-c", "echo first; read line; echo got $line", bufsize=1)
    lines = iter(process.stdout)
    assert next(lines) == "first\n"
    process.stdin.write("second\n")
    process.stdin.drain()
    assert next(lines) == "got second\n"
    assert process.wait() == 0


def test_text_beyond_ascii_is_whole(sandbox):
    assert output(sandbox, "python3", "-c", "print('ä€🐘' * 100_000, end='')") == "ä€🐘" * 100_000


def test_timeout_kills_the_command_and_the_sandbox_lives(sandbox):
    process = sandbox.exec("bash", "-c", "echo before; exec sleep 60", timeout=2)
    assert process.stdout.read() == "before\n"
    # By the server's kill, or by the client's own clock, whichever is first.
    assert process.wait() in (137, -1)
    assert output(sandbox, "echo", "alive") == "alive\n"


def test_end_by_a_signal_is_128_and_its_number(sandbox):
    assert sandbox.exec("bash", "-c", "kill -TERM $$").wait() == 143


def test_command_that_does_not_exist_is_an_error(sandbox):
    with pytest.raises(Exception, match="no-such-command"):
        sandbox.exec("no-such-command").wait()


def test_child_in_the_background_does_not_hold_the_end(sandbox):
    assert output(sandbox, "bash", "-c", "sleep 300 & echo started") == "started\n"


def test_terminal(sandbox):
    process = sandbox.exec("bash", "-c", "test -t 0 && test -t 1 && echo terminal", pty=True)
    assert "terminal" in process.stdout.read()
    assert process.wait() == 0


def test_many_at_once(sandbox):
    processes = [sandbox.exec("bash", "-c", f"sleep 0.3; echo {i}") for i in range(16)]
    assert [p.stdout.read() for p in processes] == [f"{i}\n" for i in range(16)]
    assert [p.wait() for p in processes] == [0] * 16


def test_after_the_end_of_the_sandbox_it_is_refused(create):
    sandbox = create("sleep", "infinity")
    assert sandbox.exec("true").wait() == 0
    sandbox.terminate()
    with pytest.raises(NotFoundError):
        sandbox.exec("true").wait()


@pytest.mark.skipif(VERSION >= (1, 5), reason="newer clients have no calls without the router")
def test_commands_by_the_control_plane(sandbox, monkeypatch):
    """What clients up to 1.2.0 do, and this one when it is refused a router."""
    from modal._utils.task_command_router_client import TaskCommandRouterClient

    async def refused(*arguments: object) -> None:
        return None

    monkeypatch.setattr(TaskCommandRouterClient, "try_init", refused)
    fresh = modal.Sandbox.from_id(sandbox.object_id)
    process = fresh.exec("bash", "-c", "cat; echo err >&2; exit 3")
    process.stdin.write("in\n")
    process.stdin.write_eof()
    process.stdin.drain()
    assert (process.stdout.read(), process.stderr.read(), process.wait()) == ("in\n", "err\n", 3)


def test_a_command_can_be_asked_for_its_end_twice(sandbox):
    process = sandbox.exec("true")
    assert (process.wait(), process.wait(), process.returncode) == (0, 0, 0)
