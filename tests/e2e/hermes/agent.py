"""Runs the unmodified Hermes agent against the Atoll under test."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hermes.scripted_model import MODEL, Script, serve
from target import Target

# Hermes calls the sandbox of its only task so; 0.19.0 makes a second one to look at the system.
SANDBOX = "hermes-default"
PROBE_SANDBOX = "hermes-prompt-backend-probe"

_CONFIG = """\
model: {{provider: custom, default: {model}, base_url: "{base_url}", api_key: none}}
terminal: {{backend: daytona, container_disk: 10240, container_persistent: {persistent}}}
security: {{tirith_enabled: false}}
"""


@dataclass(frozen=True)
class Hermes:
    """One Hermes home.

    home: its HERMES_HOME; persistent: whether sandboxes outlive a run.
    """

    home: Path
    target: Target
    persistent: bool = True

    def chat(self, script: Script) -> str:
        """One non-interactive conversation; what the agent said at its end."""
        with serve(script) as base_url:
            config = _CONFIG.format(model=MODEL, base_url=base_url, persistent=str(self.persistent).lower())
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
        environment = kept | {
            "HERMES_HOME": str(self.home),
            "TERMINAL_ENV": "daytona",
            "TERMINAL_CONTAINER_DISK": "10240",
            "DAYTONA_API_URL": self.target.api_url,
            "DAYTONA_API_KEY": self.target.api_key,
        }
        return subprocess.run(
            command, env=environment, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=220
        )
