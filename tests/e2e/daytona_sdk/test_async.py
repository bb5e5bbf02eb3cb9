"""The asynchronous SDK, and many requests at a time."""

import asyncio
import uuid

from daytona import AsyncDaytona, CreateSandboxFromImageParams, DaytonaNotFoundError
import pytest


async def test_journey(target, unique):
    async with AsyncDaytona() as daytona:
        sandbox = await daytona.create(CreateSandboxFromImageParams(image="debian:12", name=unique))
        try:
            result = await sandbox.process.exec("echo async; exit 4")
            assert (result.exit_code, result.result) == (4, "async")
            await sandbox.fs.upload_file(b"data", "/tmp/async.txt")
            assert await sandbox.fs.download_file("/tmp/async.txt") == b"data"
            await sandbox.stop()
            await sandbox.start()
            assert (await sandbox.process.exec("cat /tmp/async.txt")).result == "data"
        finally:
            await daytona.delete(sandbox)
        with pytest.raises(DaytonaNotFoundError):
            await daytona.get(unique)


async def test_two_hundred_misses_at_fifty_at_a_time_are_all_clean(target):
    async with AsyncDaytona() as daytona:
        gate = asyncio.Semaphore(50)

        async def miss() -> None:
            async with gate:
                with pytest.raises(DaytonaNotFoundError):
                    await daytona.get(str(uuid.uuid4()))

        await asyncio.gather(*(miss() for _ in range(200)))
