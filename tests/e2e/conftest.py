import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest
import target as target_module
from daytona import CreateSandboxFromImageParams, Daytona, DaytonaError, Sandbox

IMAGE = "debian:12"


@pytest.fixture(scope="session")
def target() -> target_module.Target:
    found = target_module.from_environment()
    try:
        httpx.get(f"{found.api_url}/health", timeout=10).raise_for_status()
    except httpx.HTTPError as error:
        raise RuntimeError(f"nothing healthy answers at {found.api_url}: {error}") from error
    return found


@pytest.fixture(scope="session")
def daytona(target: target_module.Target) -> Daytona:
    return Daytona()


@pytest.fixture
def unique() -> str:
    """A name that no other test or run has."""
    return f"e2e-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def create(daytona: Daytona) -> Iterator[Callable[..., Sandbox]]:
    """Creates sandboxes by image that are gone after the test, whatever happens."""
    made: list[Sandbox] = []

    def make(**fields: object) -> Sandbox:
        sandbox = daytona.create(CreateSandboxFromImageParams(image=IMAGE, **fields))
        made.append(sandbox)
        return sandbox

    yield make
    for sandbox in made:
        try:
            daytona.delete(sandbox)
        except DaytonaError:
            # A test that deleted its sandbox itself.
            assert sandbox.state == "destroyed" or _is_gone(daytona, sandbox.id)


def _is_gone(daytona: Daytona, sandbox_id: str) -> bool:
    try:
        daytona.get(sandbox_id)
    except DaytonaError as error:
        return error.status_code == 404
    return False


@pytest.fixture(scope="module")
def sandbox(daytona: Daytona) -> Iterator[Sandbox]:
    """One sandbox for the tests of a file that do not change its state."""
    made = daytona.create(CreateSandboxFromImageParams(image=IMAGE))
    yield made
    daytona.delete(made)


@pytest.fixture
def http(target: target_module.Target) -> Iterator[httpx.Client]:
    """Raw HTTP with the key, for what the SDK cannot send."""
    with httpx.Client(headers=target.headers, timeout=60) as client:
        yield client
