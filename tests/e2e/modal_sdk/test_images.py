"""Images as clients describe them, built by the server."""

import modal
import pytest
from modal_sdk.conftest import output


def test_commands_environment_and_directory(create, app, unique):
    image = (
        modal.Image.from_registry("debian:12")
        .run_commands(f"echo {unique} > /root/built")
        .env({"COLOUR": "deep green"})
        .workdir("/srv")
    ).build(app)
    sandbox = create("sleep", "infinity", image=image)
    assert output(sandbox, "bash", "-c", "cat /root/built; echo $COLOUR; pwd") == f"{unique}\ndeep green\n/srv\n"


def test_layer_that_was_built_is_not_built_again(create, app, unique):
    def built() -> modal.Image:
        command = f"echo {unique} > /dev/null; date +%s%N > /root/when"
        return modal.Image.from_registry("debian:12").run_commands(command).build(app)

    def when(image: modal.Image) -> str:
        return output(create("sleep", "infinity", image=image), "cat", "/root/when")

    assert when(built()) == when(built())


def test_packages_of_python_and_debian(create, app):
    image = modal.Image.debian_slim().apt_install("tree").pip_install("idna==3.10").build(app)
    sandbox = create("sleep", "infinity", image=image)
    assert output(sandbox, "python", "-c", "import idna; print(idna.__version__)") == "3.10\n"
    assert "tree" in output(sandbox, "tree", "--version")


def test_failed_step_is_told_with_its_output(app, unique):
    image = modal.Image.from_registry("debian:12").run_commands(f"echo {unique} went wrong >&2; exit 3")
    with pytest.raises(Exception, match=f"{unique} went wrong"):
        image.build(app)


def test_unknown_base_is_a_failed_build(app):
    with pytest.raises(Exception, match="no.such.registry"):
        modal.Image.from_registry("no.such.registry/image:tag").build(app)


def test_command_of_an_image_runs_without_arguments(create, app):
    image = modal.Image.from_registry("debian:12").dockerfile_commands("CMD echo from the image").build(app)
    sandbox = create(image=image)
    assert sandbox.stdout.read() == "from the image\n"


def test_secret_of_a_build_is_not_in_the_image(create, app, unique):
    secret = modal.Secret.from_dict({"TOKEN": unique})
    command = "test -n \"$TOKEN\" && echo ${#TOKEN} > /root/length"
    image = modal.Image.from_registry("debian:12").run_commands(command, secrets=[secret]).build(app)
    sandbox = create("sleep", "infinity", image=image)
    assert output(sandbox, "bash", "-c", "cat /root/length; echo =$TOKEN") == f"{len(unique)}\n=\n"
