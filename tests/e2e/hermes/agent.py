"""Runs the unmodified Hermes agent against the Atoll under test."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from hermes.scripted_model import MODEL, Script, serve
from target import Target

# Hermes calls the sandbox of its only task so; 0.19.0 makes a second one to look at the system.
SANDBOX = "hermes-default"
PROBE_SANDBOX = "hermes-prompt-backend-probe"

_CONFIG = """\
model: {{provider: custom, default: {model}, base_url: "{base_url}", api_key: none}}
terminal: {terminal}
security: {{tirith_enabled: false}}
"""


@dataclass(frozen=True)
class Backend:
    """Where commands of an agent run.

    name: as Hermes calls it; variables: of the agent's environment; terminal: more of that section
    of its configuration.
    """

    name: str
    variables: dict[str, str]
    terminal: dict[str, object]

    def persistent(self, value: bool) -> "Backend":
        """The same with sandboxes' files that outlive a run, or not."""
        return replace(self, terminal=self.terminal | {"container_persistent": value})


def daytona(target: Target) -> Backend:
    variables = {"DAYTONA_API_URL": target.api_url, "DAYTONA_API_KEY": target.api_key, "TERMINAL_CONTAINER_DISK": "10240"}
    return Backend("daytona", variables, {"container_disk": 10240, "container_persistent": True})


def modal() -> Backend:
    """Modal as the environment of the tests names it, without a gateway of Hermes' makers between."""
    variables = {name: os.environ[name] for name in ("MODAL_SERVER_URL", "MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET")}
    return Backend("modal", variables, {"modal_mode": "direct", "container_persistent": True})


@dataclass(frozen=True)
class Hermes:
    """One Hermes home.

    home: its HERMES_HOME.
    """

    home: Path
    backend: Backend

    def chat(self, script: Script) -> str:
        """One non-interactive conversation; what the agent said at its end."""
        with serve(script) as base_url:
            terminal = json.dumps({"backend": self.backend.name} | self.backend.terminal)
            config = _CONFIG.format(model=MODEL, base_url=base_url, terminal=terminal)
            (self.home / "config.yaml").write_text(config)
            command = [Path(sys.executable).with_name("hermes"), "chat", "-q", "play", "-Q", "--yolo", "--max-turns", "30"]
            run = self._run(command)
        assert run.returncode == 0, f"hermes exited with {run.returncode}:\n{run.stdout}\n{run.stderr}"
        assert len(script.results) == len(script.steps), f"stopped after {script.results}:\n{run.stdout}\n{run.stderr}"
        return run.stdout

    def drive(self, driver: Path) -> str:
        """Runs a Python file that uses Hermes' tools without an agent; its output."""
        run = self._run([sys.executable, str(driver)])
        assert run.returncode == 0, f"{driver.name} exited with {run.returncode}:\n{run.stdout}\n{run.stderr}"
        return run.stdout

    def _run(self, command: list) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TERMINAL_", "HERMES_", "OPENAI_"))}
        environment = kept | self.backend.variables | {"HERMES_HOME": str(self.home), "TERMINAL_ENV": self.backend.name}
        return subprocess.run(
            command, env=environment, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=220
        )
