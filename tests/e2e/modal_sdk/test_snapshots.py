"""Images of a sandbox's file system."""

import modal
import pytest
from modal.exception import NotFoundError
from modal_sdk.conftest import VERSION, output


def test_sandbox_from_a_snapshot_has_its_files(create):
    first = create("sleep", "infinity")
    output(first, "bash", "-c", "echo kept > /root/kept; rm -rf /usr/share/doc")
    snapshot = first.snapshot_filesystem()
    output(first, "bash", "-c", "echo later > /root/kept")
    first.terminate()
    second = create("sleep", "infinity", image=snapshot)
    assert output(second, "bash", "-c", "cat /root/kept; ls -d /usr/share/doc || true") == "kept\n"


def test_snapshot_is_found_by_its_id(create):
    first = create("bash", "-c", "echo kept > /root/kept; sleep infinity")
    output(first, "bash", "-c", "until [ -s /root/kept ]; do sleep 0.05; done")
    image_id = first.snapshot_filesystem().object_id
    second = create("cat", "/root/kept", image=modal.Image.from_id(image_id))
    assert second.stdout.read() == "kept\n"


def test_snapshot_that_is_not_there_is_not_found(create):
    with pytest.raises(NotFoundError):
        create("true", image=modal.Image.from_id("im-" + "0" * 21 + "1"))


@pytest.mark.skipif(VERSION < (1, 5), reason="older clients know no time to live")
def test_snapshot_with_a_time_to_live(create):
    first = create("sleep", "infinity")
    snapshot = first.snapshot_filesystem(ttl=3600)
    assert output(create("sleep", "infinity", image=snapshot), "echo", "here") == "here\n"
