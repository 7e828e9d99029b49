"""What the server refuses, in Telegram's words."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):  # noqa: N818  # what Telegram calls an unsuccessful request
    """An unsuccessful request (Making requests). `mistake`: no correct bot ever makes it."""

    def __init__(
        self,
        status: int,
        description: str,
        *,
        mistake: bool = False,
        parameters: dict[str, int] | None = None,
    ) -> None:
        super().__init__(status, description)
        self.status = status
        self.description = description
        self.mistake = mistake
        self.parameters = parameters or {}

    def payload(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def mistaken(description: str, status: int = 400) -> Refusal:
    """What a correct bot never hears."""
    return Refusal(status, _worded(description, status), mistake=True)


def refused(description: str, status: int = 400) -> Refusal:
    """What correct bots hear too: people delete, block, restrict and migrate."""
    return Refusal(status, _worded(description, status))


def flooded(retry_after_s: int) -> Refusal:
    return Refusal(
        429,
        f"Too Many Requests: retry after {retry_after_s}",
        parameters={"retry_after": retry_after_s},
    )


def migrated(to_chat_id: int) -> Refusal:
    return Refusal(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        parameters={"migrate_to_chat_id": to_chat_id},
    )


def _worded(description: str, status: int) -> str:
    before = {400: "Bad Request", 403: "Forbidden", 409: "Conflict"}.get(status)
    return f"{before}: {description}" if before else description
