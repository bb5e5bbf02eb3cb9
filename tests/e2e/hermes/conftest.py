from collections.abc import Iterator

import pytest
from daytona import Daytona, DaytonaNotFoundError
from hermes import agent
from hermes.agent import PROBE_SANDBOX, SANDBOX, Hermes
from target import Target


def exists(daytona: Daytona, name: str) -> bool:
    try:
        daytona.get(name)
    except DaytonaNotFoundError:
        return False
    return True


@pytest.fixture(autouse=True)
def only_our_sandboxes(daytona: Daytona) -> Iterator[None]:
    """Hermes' names are fixed, so one left by somebody else would be used, and deleted, as ours."""
    for name in (SANDBOX, PROBE_SANDBOX):
        if exists(daytona, name):
            raise RuntimeError(f"the sandbox {name!r} exists already; these tests use that name: delete it first")
    yield
    for name in (SANDBOX, PROBE_SANDBOX):
        if exists(daytona, name):
            daytona.delete(daytona.get(name))


@pytest.fixture
def hermes(tmp_path, target: Target) -> Hermes:
    return Hermes(tmp_path, agent.daytona(target))


@pytest.fixture
def modal_hermes(tmp_path) -> Hermes:
    return Hermes(tmp_path, agent.modal())
