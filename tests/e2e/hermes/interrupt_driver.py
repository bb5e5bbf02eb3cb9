"""Interrupts a command as the agent's user does, then goes on. Prints what each command answered."""

import json
import threading

from tools.interrupt import set_interrupt
from tools.terminal_tool import cleanup_all_environments, terminal_tool

try:
    print(terminal_tool("echo first > /root/before; echo ready"))
    answers: list[str] = []
    # The file tells the watcher below that the command runs.
    victim = threading.Thread(target=lambda: answers.append(terminal_tool("touch /tmp/running; sleep 120")))
    victim.start()
    while json.loads(terminal_tool("test -e /tmp/running"))["exit_code"] != 0:
        pass
    set_interrupt(True, victim.ident)
    victim.join()
    set_interrupt(False, victim.ident)
    print(answers[0])
    print(terminal_tool("cat /root/before"))
finally:
    cleanup_all_environments()
