"""The whole agent with its terminal in a sandbox of the Modal face."""

import json

import modal
from hermes import agent
from hermes.agent import Hermes
from hermes.scripted_model import Call, Script
from hermes.steps import process, terminal


def living() -> list[modal.Sandbox]:
    """What Hermes has running: the name of its app is fixed."""
    app = modal.App.lookup("hermes-agent", create_if_missing=True)
    return list(modal.Sandbox.list(app_id=app.app_id))


def snapshot(hermes: Hermes) -> str:
    """The image that Hermes remembers for the next run of its only task."""
    return json.loads((hermes.home / "modal_snapshots.json").read_text())["direct:default"]


def test_terminal_keeps_directory_and_environment(modal_hermes):
    script = Script([
        terminal("cd /tmp && export COLOUR=green && echo started"),
        terminal("pwd; echo $COLOUR; id -un"),
        terminal("echo oops >&2; exit 3"),
    ])
    assert "all done" in modal_hermes.chat(script)
    assert (script.result(0)["exit_code"], script.result(0)["output"].strip()) == (0, "started")
    assert script.result(1)["output"].split() == ["/tmp", "green", "root"]
    assert (script.result(2)["exit_code"], script.result(2)["output"].strip()) == (3, "oops")
    assert living() == []


def test_execute_code_calls_tools_from_inside(modal_hermes):
    code = "from hermes_tools import terminal\nanswer = terminal('echo $((6*7)); hostname')\nprint('inside saw', answer)"
    script = Script([
        terminal("hostname"),
        lambda results: Call("execute_code", {"code": code}),
    ])
    modal_hermes.chat(script)
    answer = script.results[1]
    assert "inside saw" in answer and "42" in answer, answer
    assert script.result(0)["output"].strip() in answer


def test_background_process_is_polled_outlives_a_timeout_and_is_killed(modal_hermes):
    script = Script([
        terminal("i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.2; done", background=True),
        terminal("echo before; sleep 60; echo after", timeout=3),
        process("wait", 0, timeout=4),
        process("poll", 0),
        process("kill", 0),
    ])
    modal_hermes.chat(script)
    assert script.result(0)["session_id"]
    assert script.result(1)["exit_code"] != 0
    assert "after" not in script.result(1)["output"]
    assert script.result(3)["status"] == "running"
    assert "tick" in script.results[2] + script.results[3]
    assert script.result(4)["status"] == "killed"


def test_second_run_has_the_files_of_its_snapshot(modal_hermes):
    modal_hermes.chat(Script([terminal("echo one > /root/kept; echo two > /tmp/kept")]))
    first = snapshot(modal_hermes)
    script = Script([terminal("cat /root/kept /tmp/kept")])
    modal_hermes.chat(script)
    assert script.result(0)["output"].split() == ["one", "two"]
    assert snapshot(modal_hermes) != first


def test_missing_snapshot_falls_back_to_the_base_image(modal_hermes):
    modal_hermes.chat(Script([terminal("echo one > /root/kept")]))
    store = modal_hermes.home / "modal_snapshots.json"
    store.write_text(json.dumps({key: "im-" + "0" * 21 + "1" for key in json.loads(store.read_text())}))
    script = Script([terminal("cat /root/kept 2>/dev/null; echo alive")])
    modal_hermes.chat(script)
    assert script.result(0)["output"].strip() == "alive"
    assert snapshot(modal_hermes) != "im-" + "0" * 21 + "1"


def test_sandbox_that_is_not_persistent_leaves_nothing(tmp_path):
    hermes = Hermes(tmp_path, agent.modal().persistent(False))
    script = Script([terminal("echo here > /root/gone; cat /root/gone")])
    hermes.chat(script)
    assert script.result(0)["output"].strip() == "here"
    assert not (hermes.home / "modal_snapshots.json").exists()
    again = Script([terminal("cat /root/gone")])
    hermes.chat(again)
    assert again.result(0)["exit_code"] != 0


def test_skill_is_pushed_and_its_edit_comes_home(modal_hermes):
    skill = modal_hermes.home / "skills" / "greeting" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: greeting\ndescription: says hello\n---\nSay hello.\n")
    remote = "/root/.hermes/skills/greeting/SKILL.md"
    script = Script([terminal(f"cat {remote}"), terminal(f"echo 'Say goodbye too.' >> {remote}; wc -l < {remote}")])
    modal_hermes.chat(script)
    assert "Say hello." in script.result(0)["output"]
    assert script.result(1)["output"].strip() == "6"
    assert skill.read_text().endswith("Say hello.\nSay goodbye too.\n")
