"""Methods that receive: updates, files, who the bot is."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tests.telegram_server.errors import mistaken, refused
from tests.telegram_server.files import LARGEST_DOWNLOAD
from tests.telegram_server.payloads import file_payload, user_payload
from tests.telegram_server.routing import Call, Methods
from tests.telegram_server.state import Json

METHODS = Methods()
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_WEBHOOK_PORTS = (443, 80, 88, 8443)


@METHODS.method("getMe")
async def get_me(call: Call) -> Json:
    return user_payload(call.world.bot) | {
        "can_join_groups": True,
        "can_read_all_group_messages": not call.world.privacy_mode,
        "supports_inline_queries": call.world.inline_enabled,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


@METHODS.method("getUpdates", "offset", "limit", "timeout", "allowed_updates")
async def get_updates(call: Call) -> list[Json]:
    limit, timeout_s = call.given("limit", 100), call.given("timeout", 0)
    if not 1 <= limit <= 100 or not 0 <= timeout_s <= 50:
        raise mistaken("limit is from 1 to 100 and timeout from 0 to 50")
    call.updates.allow(call.given("allowed_updates"))
    return await call.updates.poll(call.given("offset", 0), limit, timeout_s)


@METHODS.method(
    "setWebhook", "url", "ip_address", "max_connections", "allowed_updates", "drop_pending_updates",
    "secret_token",
)  # fmt: skip
async def set_webhook(call: Call) -> bool:
    url, secret = call.given("url"), call.given("secret_token", "")
    most = call.given("max_connections", 40)
    if secret and not _SECRET.fullmatch(secret):
        raise mistaken("secret token contains unallowed characters")
    if not 1 <= most <= (100_000 if call.world.local else 100):
        raise mistaken("max_connections is from 1 to 100")
    call.updates.allow(call.given("allowed_updates"))
    if call.given("drop_pending_updates"):
        await call.updates.delete_webhook(drop_pending=True)
    if not url:
        await call.updates.delete_webhook()
        return True
    _check_address(url, local=call.world.local)
    await call.updates.set_webhook(url, secret=secret, max_connections=most)
    return True


@METHODS.method("deleteWebhook", "drop_pending_updates")
async def delete_webhook(call: Call) -> bool:
    await call.updates.delete_webhook(drop_pending=bool(call.given("drop_pending_updates")))
    return True


@METHODS.method("getWebhookInfo")
async def get_webhook_info(call: Call) -> Json:
    return call.updates.webhook_info()


@METHODS.method("getFile", "file_id")
async def get_file(call: Call) -> Json:
    file = call.world.files.by_id.get(call.given("file_id"))
    if file is None:
        raise mistaken("invalid file_id")
    if file.forgotten:
        raise refused("wrong file_id or the file is temporarily unavailable")
    if file.size > LARGEST_DOWNLOAD and not call.world.local:
        raise refused("file is too big")
    return file_payload(file) | {"file_path": str(file.local or file.path)}


def _check_address(url: str, *, local: bool) -> None:
    address = urlsplit(url)
    if local:
        if address.scheme not in ("http", "https"):
            raise mistaken("bad webhook: an HTTP URL must be provided for webhook")
    elif address.scheme != "https":
        raise mistaken("bad webhook: an HTTPS URL must be provided for webhook")
    elif (address.port or 443) not in _WEBHOOK_PORTS:
        raise mistaken("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
