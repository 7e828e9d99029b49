"""The first answer to an interaction (Interactions, "Create Interaction Response")."""

from __future__ import annotations

from collections.abc import Callable

from tests.discord_server.checks.commands import check_choices
from tests.discord_server.checks.form import Form, FormErrors
from tests.discord_server.checks.messages import check_edited_message, check_new_message
from tests.discord_server.checks.modals import check_modal
from tests.discord_server.composing import compose, fill
from tests.discord_server.errors import INVALID_FORM, ApiError
from tests.discord_server.interactions import CallbackKind, Interaction
from tests.discord_server.routing import Body, Call, RouteTable
from tests.discord_server.state import Json, Message, MessageFlag

ROUTES = RouteTable()


@ROUTES.add(
    "POST",
    "/interactions/{interaction_id}/{interaction_token}/callback",
    body=Body.MESSAGE,
    query=("with_response",),
    by_token=True,
)
async def respond(call: Call) -> Json | None:
    interaction = call.world.interactions.to_acknowledge(
        call.number("interaction_id"), call.parameters["interaction_token"]
    )
    kind, data = _check_callback(call, interaction)
    match kind:
        case CallbackKind.MESSAGE:
            _answer(call, interaction, data)
        case CallbackKind.DEFERRED_MESSAGE:
            _think(call, interaction, data)
        case CallbackKind.DEFERRED_UPDATE:
            interaction.original = interaction.message
        case CallbackKind.UPDATE:
            _update(call, interaction, data)
        case CallbackKind.CHOICES:
            focused = interaction.focused_option()
            _check_data(data, lambda form: check_choices(form, focused["type"]))
            interaction.choices = data["choices"]
        case CallbackKind.MODAL:
            _check_data(data, check_modal)
            interaction.modal = data
    call.world.interactions.acknowledge(interaction, kind)
    if call.query.get("with_response", "false").lower() not in ("1", "true"):
        return None
    return _response(call, interaction, kind)


def _check_callback(call: Call, interaction: Interaction) -> tuple[CallbackKind, Json]:
    errors = FormErrors()
    form = Form(call.body, errors)
    kind = form.one_of("type", interaction.allowed_callbacks(), required=True)
    data = form.raw("data")
    form.finish()
    errors.check()
    silent = (CallbackKind.DEFERRED_MESSAGE, CallbackKind.DEFERRED_UPDATE)
    if data is None and kind not in silent:
        raise ApiError(INVALID_FORM, {"data": "This field is required"})
    if call.files and kind not in (CallbackKind.MESSAGE, CallbackKind.UPDATE):
        raise ApiError(INVALID_FORM, {"files": "Not with this type"})
    return CallbackKind(kind), data or {}


def _answer(call: Call, interaction: Interaction, data: Json) -> None:
    draft = check_new_message(data, call.files, ephemeral=True)
    message = compose(call.world, interaction.channel, draft, reply_to=interaction.message)
    show(call, interaction, message)
    interaction.original = message


def _think(call: Call, interaction: Interaction, data: Json) -> None:
    errors = FormErrors()
    form = Form(data, errors)
    # "The only valid message flag you may use is EPHEMERAL".
    form.one_of("flags", (0, int(MessageFlag.EPHEMERAL)))
    form.finish()
    errors.check()
    source = interaction.message
    message = Message(
        call.world.snowflakes.next(),
        interaction.channel,
        call.world.bot,
        call.world.clock.now(),
        flags=MessageFlag(data.get("flags") or 0) | MessageFlag.LOADING,
        reply_to=source,
        reply_to_id=source.id if source else None,
    )
    show(call, interaction, message)
    interaction.original = message


def _update(call: Call, interaction: Interaction, data: Json) -> None:
    assert interaction.message is not None
    fill(call.world, interaction.message, check_edited_message(data, call.files))
    interaction.message.edited_at = call.world.clock.now()
    interaction.original = interaction.message
    call.world.changed(interaction.message)


def show(call: Call, interaction: Interaction, message: Message) -> None:
    """Sends a message that belongs to an interaction; an ephemeral one is seen by its user alone."""
    message.interaction = interaction
    if message.ephemeral:
        message.shown_to = interaction.user
    call.world.send(message)


def _check_data(data: Json, check: Callable[[Form], None]) -> None:
    errors = FormErrors()
    form = Form(data, errors)
    check(form)
    form.finish()
    errors.check()


def _response(call: Call, interaction: Interaction, kind: CallbackKind) -> Json:
    about: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    resource: Json = {"type": int(kind)}
    original = interaction.original
    if original is not None:
        about |= {
            "response_message_id": str(original.id),
            "response_message_loading": original.loading,
            "response_message_ephemeral": original.ephemeral,
        }
        # "Only present if type is either CHANNEL_MESSAGE_WITH_SOURCE or UPDATE_MESSAGE."
        if kind in (CallbackKind.MESSAGE, CallbackKind.UPDATE):
            resource["message"] = call.world.message_for_rest(original)
    return {"interaction": about, "resource": resource}
