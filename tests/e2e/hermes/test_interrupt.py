"""An interrupt stops the sandbox under a running command; the next command starts it again."""

import json
from pathlib import Path


def test_interrupt_is_130_and_the_sandbox_recovers(hermes):
    output = hermes.drive(Path(__file__).with_name("drivers") / "interrupt.py")
    ready, interrupted, after = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert ready["output"].strip() == "ready"
    assert interrupted["exit_code"] == 130
    assert (after["exit_code"], after["output"].strip()) == (0, "first")
