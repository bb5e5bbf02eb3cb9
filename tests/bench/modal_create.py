"""Times `Sandbox.create` and the first `true` in it, by Modal's SDK as the environment points it.

Usage: modal_create.py ROUNDS WARM_UP IDLE_MILLIS. Prints nanoseconds, one round a line.
"""

import sys
import time

import modal


def main(rounds: int, warm_up: int, idle_millis: int) -> None:
    app = modal.App.lookup("bench", create_if_missing=True)
    image = modal.Image.from_registry("debian:12").build(app)
    for i in range(-warm_up, rounds):
        time.sleep(idle_millis / 1000)
        start = time.perf_counter_ns()
        sandbox = modal.Sandbox.create("sleep", "infinity", app=app, image=image, timeout=600)
        code = sandbox.exec("true").wait()
        took = time.perf_counter_ns() - start
        sandbox.terminate()
        if code != 0:
            raise SystemExit(f"'true' ended with {code}")
        if i >= 0:
            print(took, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
