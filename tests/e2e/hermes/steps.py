"""Steps of scripts that most tests take."""

import json

from hermes.scripted_model import Call, Step


def terminal(command: str, **more: object) -> Step:
    return lambda results: Call("terminal", {"command": command, **more})


def process(action: str, started_by: int, **more: object) -> Step:
    """An action on the background process that an earlier step started."""
    return lambda results: Call(
        "process", {"action": action, "session_id": json.loads(results[started_by])["session_id"], **more}
    )
