"""An OpenAI-compatible endpoint that plays a script instead of a model.

It answers GET …/models and POST …/chat/completions, streamed or not, and 404 to everything else
that agents probe for. A request without tools (titles, summaries) gets plain text and does not
advance the script.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "scripted-model"


@dataclass(frozen=True)
class Call:
    """One tool call of the script."""

    tool: str
    arguments: dict


# A step is made when its turn comes, from the results of the tool calls before it.
Step = Callable[[list[str]], Call]


@dataclass
class Script:
    """Steps to play and what the agent's tools answered to each of them."""

    steps: list[Step]
    last_words: str = "all done"
    results: list[str] = field(default_factory=list)
    _played: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def turn(self, messages: list[dict]) -> Call | None:
        """The next call, or None when the script is over."""
        with self._lock:
            if self._played > len(self.results):
                last = next(m for m in reversed(messages) if m["role"] == "tool")
                self.results.append(_text(last["content"]))
            if self._played == len(self.steps):
                return None
            call = self.steps[self._played](self.results)
            self._played += 1
            return call

    def result(self, index: int) -> dict:
        """The JSON that the tool of this step answered."""
        return json.loads(self.results[index])


def _text(content: str | list) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the test's own output matters."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._json(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "context_length": 131072}]})
        else:
            self._json(404, {"error": {"message": "not found"}})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            self._json(404, {"error": {"message": "not found"}})
            return
        request = json.loads(body)
        call = self.script.turn(request["messages"]) if request.get("tools") else None
        message: dict = {"role": "assistant", "content": self.script.last_words}
        if call is not None:
            function = {"name": call.tool, "arguments": json.dumps(call.arguments)}
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"index": 0, "id": f"call_{id(call):x}", "type": "function", "function": function}],
            }
        reason = "stop" if call is None else "tool_calls"
        if request.get("stream"):
            self._stream(message, reason)
        else:
            self._json(200, _completion("chat.completion", [{"index": 0, "message": message, "finish_reason": reason}]))

    def _stream(self, message: dict, reason: str) -> None:
        chunks = [
            [{"index": 0, "delta": message, "finish_reason": None}],
            [{"index": 0, "delta": {}, "finish_reason": reason}],
            [],
        ]
        lines = [f"data: {json.dumps(_completion('chat.completion.chunk', c))}\n\n" for c in chunks]
        self._send(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())

    def _json(self, status: int, value: object) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _completion(kind: str, choices: list[dict]) -> dict:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": "scripted", "object": kind, "created": 0, "model": MODEL, "choices": choices, "usage": usage}


@contextmanager
def serve(script: Script) -> Iterator[str]:
    """Plays the script at the yielded base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"script": script}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
