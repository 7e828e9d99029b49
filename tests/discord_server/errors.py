"""What the REST interface answers when it refuses (Opcodes and Status Codes, "JSON Error Codes")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of refusal."""

    status: int
    code: int
    message: str
    mistake: bool = False
    """No correct bot meets it, whatever people and servers do: it ends in `DiscordServer.errors`."""


UNAUTHORIZED = Refusal(401, 0, "401: Unauthorized")
UNKNOWN_ROUTE = Refusal(404, 0, "404: Not Found", mistake=True)
METHOD_NOT_ALLOWED = Refusal(405, 0, "405: Method Not Allowed", mistake=True)
UNKNOWN_APPLICATION = Refusal(404, 10002, "Unknown Application", mistake=True)
UNKNOWN_CHANNEL = Refusal(404, 10003, "Unknown Channel")
UNKNOWN_GUILD = Refusal(404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = Refusal(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = Refusal(404, 10008, "Unknown Message")
UNKNOWN_ROLE = Refusal(404, 10011, "Unknown Role")
UNKNOWN_USER = Refusal(404, 10013, "Unknown User")
UNKNOWN_EMOJI = Refusal(400, 10014, "Unknown Emoji", mistake=True)
UNKNOWN_WEBHOOK = Refusal(404, 10015, "Unknown Webhook", mistake=True)
UNKNOWN_INTERACTION = Refusal(404, 10062, "Unknown interaction")
UNKNOWN_COMMAND = Refusal(404, 10063, "Unknown application command")
TOO_MANY_COMMANDS = Refusal(400, 30032, "Maximum number of application commands reached (100)", mistake=True)
BODY_TOO_LARGE = Refusal(413, 40005, "Request entity too large")
ALREADY_ACKNOWLEDGED = Refusal(400, 40060, "Interaction has already been acknowledged.", mistake=True)
MISSING_ACCESS = Refusal(403, 50001, "Missing Access")
NOT_YOUR_MESSAGE = Refusal(403, 50005, "Cannot edit a message authored by another user", mistake=True)
EMPTY_MESSAGE = Refusal(400, 50006, "Cannot send an empty message", mistake=True)
CANNOT_MESSAGE_USER = Refusal(403, 50007, "Cannot send messages to this user")
MISSING_PERMISSIONS = Refusal(403, 50013, "Missing Permissions")
EXPIRED_WEBHOOK_TOKEN = Refusal(401, 50027, "Invalid Webhook Token")
INVALID_FORM = Refusal(400, 50035, "Invalid Form Body", mistake=True)
UNKNOWN_REFERENCE = Refusal(400, 50035, "Invalid Form Body")
"""A reply to a message that somebody deleted meanwhile: nobody's mistake."""
INVALID_JSON = Refusal(400, 50109, "The request body contains invalid JSON.", mistake=True)
CANNOT_READ_HISTORY = Refusal(403, 160002, "Cannot reply without permission to read message history")


class ApiError(Exception):
    """Raised by whatever refuses a request; `details` are the form's errors, nested as Discord nests them."""

    def __init__(self, refusal: Refusal, details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{refusal.code} {refusal.message}", details)
        self.refusal = refusal
        self.details = details

    def payload(self) -> dict[str, Any]:
        body: dict[str, Any] = {"message": self.refusal.message, "code": self.refusal.code}
        if self.details:
            body["errors"] = self.details
        return body
