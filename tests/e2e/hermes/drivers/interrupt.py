"""Interrupts a command as the agent's user does, then goes on. Prints what each command answered."""

import json
import threading

from tools.interrupt import set_interrupt
from tools.terminal_tool import cleanup_all_environments, terminal_tool


def is_running() -> bool:
    """Whether the command that is to be interrupted has begun; anything but yes or no is an error."""
    answer = json.loads(terminal_tool("test -e /tmp/running"))
    if answer["exit_code"] not in (0, 1):
        raise RuntimeError(answer)
    return answer["exit_code"] == 0


try:
    print(terminal_tool("rm -f /tmp/running; echo first > /root/before; echo ready"))
    answers: list[str] = []
    victim = threading.Thread(target=lambda: answers.append(terminal_tool("touch /tmp/running; sleep 120")))
    victim.start()
    while not is_running():
        pass
    set_interrupt(True, victim.ident)
    victim.join()
    set_interrupt(False, victim.ident)
    print(answers[0])
    print(terminal_tool("cat /root/before"))
finally:
    cleanup_all_environments()
