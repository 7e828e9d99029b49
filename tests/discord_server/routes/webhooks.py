"""What follows the first answer to an interaction (Interactions, "Followup Messages")."""

from __future__ import annotations

from tests.discord_server.checks.messages import MessageDraft, check_edited_message, check_new_message
from tests.discord_server.composing import compose, fill, has_content
from tests.discord_server.errors import EMPTY_MESSAGE, UNKNOWN_MESSAGE, ApiError
from tests.discord_server.interactions import Interaction
from tests.discord_server.routes.interactions import show
from tests.discord_server.routing import Body, Call, RouteTable
from tests.discord_server.state import Json, Message, MessageFlag

ROUTES = RouteTable()

_WEBHOOK = "/webhooks/{application_id}/{webhook_token}"
_ORIGINAL = _WEBHOOK + "/messages/@original"
_MESSAGE = _WEBHOOK + "/messages/{message_id}"


@ROUTES.add("POST", _WEBHOOK, body=Body.MESSAGE, query=("wait", "with_components"), by_token=True)
async def follow_up(call: Call) -> Json | None:
    """A new message; the first after a deferral takes the place of "thinking" and stays as visible."""
    interaction = _interaction(call)
    draft = check_new_message(call.body, call.files, ephemeral=True)
    original = interaction.original
    if original is not None and original.loading and not original.deleted:
        message = _fill_in(call, original, draft)
    else:
        message = compose(call.world, interaction.channel, draft, reply_to=original)
        show(call, interaction, message)
    interaction.followups.append(message)
    wanted = call.query.get("wait", "false").lower() in ("1", "true")
    return call.world.message_for_rest(message) if wanted else None


@ROUTES.add("GET", _ORIGINAL, by_token=True)
async def get_original(call: Call) -> Json:
    return call.world.message_for_rest(_original(_interaction(call)))


@ROUTES.add("PATCH", _ORIGINAL, body=Body.MESSAGE, query=("with_components",), by_token=True)
async def edit_original(call: Call) -> Json:
    return _edit(call, _original(_interaction(call)))


@ROUTES.add("DELETE", _ORIGINAL, by_token=True)
async def delete_original(call: Call) -> None:
    call.world.delete(_original(_interaction(call)))


@ROUTES.add("GET", _MESSAGE, by_token=True)
async def get_message(call: Call) -> Json:
    return call.world.message_for_rest(_own(call))


@ROUTES.add("PATCH", _MESSAGE, body=Body.MESSAGE, query=("with_components",), by_token=True)
async def edit_message(call: Call) -> Json:
    return _edit(call, _own(call))


@ROUTES.add("DELETE", _MESSAGE, by_token=True)
async def delete_message(call: Call) -> None:
    call.world.delete(_own(call))


def _interaction(call: Call) -> Interaction:
    call.check_application()
    return call.world.interactions.answered(call.parameters["webhook_token"])


def _original(interaction: Interaction) -> Message:
    if interaction.original is None or interaction.original.deleted:
        raise ApiError(UNKNOWN_MESSAGE)
    return interaction.original


def _own(call: Call) -> Message:
    """A message that was sent with this token."""
    interaction = _interaction(call)
    for message in (interaction.original, *interaction.followups):
        if message is not None and message.id == call.number("message_id") and not message.deleted:
            return message
    raise ApiError(UNKNOWN_MESSAGE)


def _edit(call: Call, message: Message) -> Json:
    draft = check_edited_message(call.body, call.files)
    if message.loading:
        _fill_in(call, message, draft)
    else:
        fill(call.world, message, draft)
        if not has_content(message):
            raise ApiError(EMPTY_MESSAGE)
        message.edited_at = call.world.clock.now()
        call.world.changed(message)
    return call.world.message_for_rest(message)


def _fill_in(call: Call, message: Message, draft: MessageDraft) -> Message:
    if draft.empty:
        raise ApiError(EMPTY_MESSAGE)
    visible = message.flags & MessageFlag.EPHEMERAL
    fill(call.world, message, draft)
    message.flags = (message.flags & ~(MessageFlag.LOADING | MessageFlag.EPHEMERAL)) | visible
    call.world.changed(message)
    return message
