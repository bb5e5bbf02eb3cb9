"""Runs with each version of the SDK that is supported, and by itself: nothing from above is used."""

import uuid
from collections.abc import Callable, Iterator

import modal
import pytest

VERSION = tuple(int(part) for part in modal.__version__.split(".")[:2])


@pytest.fixture(scope="session")
def app() -> modal.App:
    return modal.App.lookup("e2e", create_if_missing=True)


@pytest.fixture(scope="session")
def image(app: modal.App) -> modal.Image:
    """The base template, by an alias of the configuration."""
    return modal.Image.from_registry("debian:12").build(app)


@pytest.fixture
def unique() -> str:
    """A name that no other test or run has."""
    return f"e2e-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def create(app: modal.App, image: modal.Image) -> Iterator[Callable[..., modal.Sandbox]]:
    """Creates sandboxes that are gone after the test, whatever happens."""
    made: list[modal.Sandbox] = []

    def make(*arguments: str, **fields: object) -> modal.Sandbox:
        sandbox = modal.Sandbox.create(*arguments, **{"app": app, "image": image, "timeout": 600} | fields)
        made.append(sandbox)
        return sandbox

    yield make
    for sandbox in made:
        sandbox.terminate()


@pytest.fixture(scope="module")
def sandbox(app: modal.App, image: modal.Image) -> Iterator[modal.Sandbox]:
    """One sandbox for the tests of a file that do not end it."""
    made = modal.Sandbox.create("sleep", "infinity", app=app, image=image, timeout=3600)
    yield made
    made.terminate()


def output(sandbox: modal.Sandbox, *command: str, **fields: object) -> str:
    """What a command that succeeds writes to its standard output."""
    process = sandbox.exec(*command, **fields)
    text = process.stdout.read()
    assert process.wait() == 0, process.stderr.read()
    return text
