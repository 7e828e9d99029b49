"""Methods that ask about chats and their members."""

from __future__ import annotations

from tests.telegram_server.errors import refused
from tests.telegram_server.payloads import full_chat_payload, member_payload
from tests.telegram_server.routing import Call, Methods
from tests.telegram_server.state import Chat, ChatKind, Json, Membership, Status

METHODS = Methods()


@METHODS.method("getChat", "chat_id")
async def get_chat(call: Call) -> Json:
    return full_chat_payload(_visible(call))


@METHODS.method("getChatMember", "chat_id", "user_id")
async def get_chat_member(call: Call) -> Json:
    chat, user = _visible(call), call.world.users.get(call.given("user_id"))
    if user is None:
        raise refused("PARTICIPANT_ID_INVALID")
    if chat.user is not None:
        return member_payload(Membership(user))
    return member_payload(call.world.membership(chat, user))


@METHODS.method("getChatAdministrators", "chat_id")
async def get_chat_administrators(call: Call) -> list[Json]:
    """Other bots are not among them."""
    chat = _visible(call)
    if chat.user is not None:
        raise refused("there are no administrators in the private chat")
    return [
        member_payload(one)
        for one in chat.members.values()
        if one.administers and (not one.user.is_bot or one.user is call.world.bot)
    ]


@METHODS.method("getChatMemberCount", "chat_id")
async def get_chat_member_count(call: Call) -> int:
    chat = _visible(call)
    return 2 if chat.user else sum(one.is_in for one in chat.members.values())


@METHODS.method("leaveChat", "chat_id")
async def leave_chat(call: Call) -> bool:
    chat, bot = _visible(call), call.world.bot
    if chat.user is not None:
        raise refused("chat member status can't be changed in private chats")
    call.world.membership_changed(chat, bot, call.world.membership(chat, bot), Membership(bot, Status.LEFT))
    return True


def _visible(call: Call) -> Chat:
    chat = call.world.chat(call.given("chat_id"))
    if chat.user is None and not call.world.membership(chat, call.world.bot).is_in:
        kicked = call.world.membership(chat, call.world.bot).status is Status.KICKED
        what = "kicked from" if kicked else "not a member of"
        raise refused(f"bot {'was' if kicked else 'is'} {what} the {ChatKind(chat.kind).value} chat", 403)
    return chat
