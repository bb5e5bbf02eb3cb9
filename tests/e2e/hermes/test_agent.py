"""The whole agent with its terminal in a sandbox."""

import pytest
from daytona import Daytona, DaytonaNotFoundError
from hermes import agent
from hermes.agent import SANDBOX, Hermes
from hermes.scripted_model import Call, Script
from hermes.steps import process, terminal


def test_terminal_keeps_directory_and_environment(hermes):
    script = Script([
        terminal("cd /tmp && export COLOUR=green && echo started"),
        terminal("pwd; echo $COLOUR; id -un"),
        terminal("echo oops >&2; exit 3"),
    ])
    assert "all done" in hermes.chat(script)
    assert (script.result(0)["exit_code"], script.result(0)["output"].strip()) == (0, "started")
    assert script.result(1)["output"].split() == ["/tmp", "green", "root"]
    assert (script.result(2)["exit_code"], script.result(2)["output"].strip()) == (3, "oops")


def test_execute_code_calls_tools_from_inside(hermes):
    code = "from hermes_tools import terminal\nanswer = terminal('echo $((6*7)); hostname')\nprint('inside saw', answer)"
    script = Script([
        terminal("hostname"),
        lambda results: Call("execute_code", {"code": code}),
    ])
    hermes.chat(script)
    answer = script.results[1]
    assert "inside saw" in answer and "42" in answer, answer
    assert script.result(0)["output"].strip() in answer


def test_background_process_is_polled_outlives_a_timeout_and_is_killed(hermes):
    script = Script([
        terminal("i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.2; done", background=True),
        terminal("echo before; sleep 60; echo after", timeout=3),
        process("wait", 0, timeout=4),
        process("poll", 0),
        process("kill", 0),
    ])
    hermes.chat(script)
    assert script.result(0)["session_id"]
    assert script.result(1)["exit_code"] == 124
    assert "before" in script.result(1)["output"] and "after" not in script.result(1)["output"]
    assert script.result(3)["status"] == "running"
    assert "tick" in script.results[2] + script.results[3]
    assert script.result(4)["status"] == "killed"


def test_second_run_finds_files_and_tmp_again(hermes, daytona: Daytona):
    hermes.chat(Script([terminal("echo one > /root/kept; echo two > /tmp/kept")]))
    first = daytona.get(SANDBOX)
    assert first.state == "stopped"
    script = Script([terminal("cat /root/kept /tmp/kept")])
    hermes.chat(script)
    assert script.result(0)["output"].split() == ["one", "two"]
    assert daytona.get(SANDBOX).id == first.id


def test_skill_is_pushed_and_its_edit_comes_home(hermes):
    skill = hermes.home / "skills" / "greeting" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: greeting\ndescription: says hello\n---\nSay hello.\n")
    remote = "/root/.hermes/skills/greeting/SKILL.md"
    script = Script([terminal(f"cat {remote}"), terminal(f"echo 'Say goodbye too.' >> {remote}; wc -l < {remote}")])
    hermes.chat(script)
    assert "Say hello." in script.result(0)["output"]
    assert script.result(1)["output"].strip() == "6"
    assert skill.read_text().endswith("Say hello.\nSay goodbye too.\n")


def test_sandbox_that_is_not_persistent_is_deleted(tmp_path, target, daytona: Daytona):
    hermes = Hermes(tmp_path, agent.daytona(target).persistent(False))
    script = Script([terminal("echo here > /root/gone; cat /root/gone")])
    hermes.chat(script)
    assert script.result(0)["output"].strip() == "here"
    with pytest.raises(DaytonaNotFoundError):
        daytona.get(SANDBOX)
    again = Script([terminal("cat /root/gone")])
    hermes.chat(again)
    assert again.result(0)["exit_code"] != 0
