"""Commands in sandboxes, by the SDK and, for what it cannot send, by raw HTTP."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from daytona import CodeRunParams, DaytonaError


def execute(http, sandbox, **fields):
    return http.post(f"{sandbox.toolbox_proxy_url}/{sandbox.id}/process/execute", json=fields)


def test_output_of_both_streams_in_order_and_exit_code(sandbox):
    result = sandbox.process.exec("echo one; echo two >&2; echo three; exit 7")
    assert (result.exit_code, result.result) == (7, "one\ntwo\nthree")


def test_cwd_and_env(sandbox):
    value = "a'b\"c $(touch /tmp/expanded) `id` $HOME; exit 3 é"
    result = sandbox.process.exec('pwd; printf %s "$VALUE"', cwd="/usr", env={"VALUE": value})
    assert (result.exit_code, result.result) == (0, f"/usr\n{value}")
    assert sandbox.process.exec("test -e /tmp/expanded").exit_code == 1


def test_shell_syntax(sandbox):
    assert sandbox.process.exec("for i in 1 2 3; do echo $i; done | tail -1 && echo ok").result == "3\nok"


def test_timeout_answers_124_with_the_output_so_far(sandbox):
    result = sandbox.process.exec("echo partial; sleep 60", timeout=2)
    assert (result.exit_code, result.result) == (124, "partial")


def test_background_process_survives_the_timeout_of_its_neighbour(sandbox):
    sandbox.process.exec("nohup sleep 300 >/dev/null 2>&1 & echo $! > /tmp/background.pid")
    assert sandbox.process.exec("sleep 60", timeout=1).exit_code == 124
    assert sandbox.process.exec("kill -0 $(cat /tmp/background.pid)").exit_code == 0
    assert sandbox.process.exec("kill $(cat /tmp/background.pid)").exit_code == 0


def test_returns_when_the_command_ends_though_a_child_holds_its_output(sandbox):
    result = sandbox.process.exec("(sleep 300) & echo $!", timeout=30)
    assert result.exit_code == 0
    assert sandbox.process.exec(f"kill {result.result.strip()}").exit_code == 0


def test_commands_run_side_by_side(sandbox):
    # Each waits for the other's file: one after the other, neither would end.
    sandbox.process.exec("rm -f /tmp/meet.*")
    meet = "touch /tmp/meet.{mine}; until test -e /tmp/meet.{other}; do sleep 0.05; done; echo met"
    with ThreadPoolExecutor(2) as pool:
        results = list(
            pool.map(
                lambda names: sandbox.process.exec(meet.format(mine=names[0], other=names[1]), timeout=60),
                [("a", "b"), ("b", "a")],
            )
        )
    assert [(r.exit_code, r.result) for r in results] == [(0, "met"), (0, "met")]


def test_command_longer_than_one_argument(sandbox):
    text = "x" * 5_000_000
    result = sandbox.process.exec(f"text='{text}'\necho ${{#text}}")
    assert (result.exit_code, result.result) == (0, "5000000")


def test_command_beyond_eight_mebibytes_is_refused(sandbox):
    with pytest.raises(DaytonaError) as error:
        sandbox.process.exec(": '" + "x" * (8 << 20) + "'")
    assert error.value.status_code in (400, 413)


def test_large_output_arrives_whole(sandbox):
    result = sandbox.process.exec("head -c 20000000 /dev/zero | tr '\\0' y; echo; echo end")
    assert result.exit_code == 0
    assert len(result.result) == 20_000_000 + len("\nend")
    assert result.result.endswith("y\nend")


def test_bytes_that_are_no_utf8_are_replaced_and_the_rest_is_kept(sandbox):
    result = sandbox.process.exec(r"printf 'a\377b\303\251c\303'")
    assert result.result == "a\ufffdbéc\ufffd"


def test_signal_is_128_more(sandbox):
    assert sandbox.process.exec("kill -9 $$").exit_code in (137, 9 + 128)


def test_unknown_command_is_127(sandbox):
    assert sandbox.process.exec("no-such-command-anywhere").exit_code == 127


def test_code_run(sandbox):
    result = sandbox.process.code_run(
        "import os, sys\nprint(sys.argv[1], os.environ['WHO'])", CodeRunParams(argv=["hello"], env={"WHO": "you"})
    )
    assert (result.exit_code, result.result) == (0, "hello you")
    failed = sandbox.process.code_run("raise ValueError('no good')")
    assert failed.exit_code != 0
    assert "ValueError: no good" in failed.result


def test_blank_command_is_a_bad_request(sandbox, http):
    for blank in ("", "  \n"):
        answer = execute(http, sandbox, command=blank)
        assert answer.status_code == 400
        assert answer.json()["message"]


def test_plain_shell_commands_and_envs_of_newer_clients(sandbox, http):
    answer = execute(http, sandbox, command='echo "$A" | tr a-z A-Z; exit 5', envs={"A": "b'c"}, cwd="/tmp")
    assert answer.json() == {"exitCode": 5, "result": "B'C\n"}
    answer = execute(http, sandbox, command='sh -c "echo \\"quoted\\" \\$HOME"')
    assert answer.json() == {"exitCode": 0, "result": "quoted /root\n"}


def test_cwd_that_does_not_exist_names_it(sandbox, http):
    answer = execute(http, sandbox, command="true", cwd="/no/such/directory")
    assert answer.status_code in (400, 404)
    assert "/no/such/directory" in answer.json()["message"]


def test_negative_timeout_is_a_bad_request(sandbox, http):
    answer = execute(http, sandbox, command="true", timeout=-1)
    assert answer.status_code == 400
    assert "timeout" in answer.json()["message"]


def test_ports_that_are_listened_on(sandbox, http):
    server = "import http.server; http.server.HTTPServer(('127.0.0.1', 8099), None).serve_forever()"
    started = sandbox.process.exec(f'nohup python3 -c "{server}" >/dev/null 2>&1 & echo $!')
    sandbox.process.exec("for i in $(seq 100); do grep -q ':1FA3 ' /proc/net/tcp && exit 0; sleep 0.1; done; exit 1")
    base = f"{sandbox.toolbox_proxy_url}/{sandbox.id}/port"
    assert 8099 in http.get(base).json()["ports"]
    assert http.get(f"{base}/8099/in-use").json() == {"isInUse": True}
    assert sandbox.process.exec(f"kill {started.result.strip()}").exit_code == 0
    assert http.get(f"{base}/8098/in-use").json() == {"isInUse": False}
