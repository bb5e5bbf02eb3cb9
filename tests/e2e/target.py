"""The Atoll under test, as the environment names it. What is missing is an error with its reason."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Where the Daytona face listens and with which key.

    api_url: with the path ``/api``; api_key: sent as a bearer token.
    """

    api_url: str
    api_key: str

    @property
    def origin(self) -> str:
        return self.api_url.removesuffix("/api")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}


def from_environment() -> Target:
    values = {}
    for name in ("DAYTONA_API_URL", "DAYTONA_API_KEY"):
        value = os.environ.get(name, "")
        if not value:
            raise RuntimeError(f'{name} is not set; start Atoll and run: eval "$(./atoll env)"')
        values[name] = value
    api_url = values["DAYTONA_API_URL"].rstrip("/")
    if not api_url.endswith("/api"):
        raise RuntimeError(f"DAYTONA_API_URL is {api_url!r}; it must end in /api")
    return Target(api_url, values["DAYTONA_API_KEY"])
