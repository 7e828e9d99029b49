"""`/privacy`: what is kept of whom, and removing what the asker has contributed."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Button, Command, Reply
from bot.context import Asker, Given, Services
from bot.errors import TokenUnknownError
from bot.remembered import Question
from bot.texts import join_texts
from inference.gallery.base import Contributions


async def privacy(services: Services, asker: Asker, command: Command) -> Reply:
    """What is kept and for how long, with a button to what is kept of the asker."""
    del command
    text = asker.texts.say(
        "privacy", answers=services.chats.answers_days, undo=services.options.gallery.undo_days
    )
    token = await services.ask(asker, "contributions", {})
    button = Button(asker.texts.line("button-contributions"), f"{token}:show")
    return Reply(text, buttons=((button,),), private=True)


async def contributions(services: Services, asker: Asker, question: Question, given: Given) -> Reply:
    """What is kept of the asker, and whether it is to go: of this place, or of all in a private chat."""
    del question, given
    found = await _found(services, asker)
    traces = await services.store.traces(asker.chat.platform, asker.actor.id, _space(asker))
    say, private = asker.texts.say, str(asker.chat.private).lower()
    faces = sum(one.samples + one.negatives + one.removed for one in found)
    changes = sum(one.changes for one in found)
    if faces or changes or traces.answers or traces.reviews:
        text = say(
            "contributions",
            private=private,
            faces=faces,
            changes=changes,
            answers=traces.answers,
            reviews=traces.reviews,
        )
        token = await services.ask(asker, "contributions-forget", {})
        line = asker.texts.line
        buttons: tuple[tuple[Button, ...], ...] = (
            (
                Button(line("button-forget-for-good"), f"{token}:forget", "bad"),
                Button(line("button-cancel"), f"{token}:cancel"),
            ),
        )
    else:
        text, buttons = say("contributions-none", private=private), ()
    if not asker.chat.private:
        text = join_texts([text, say("contributions-elsewhere")])
    return Reply(text, buttons=buttons, private=True)


async def forget_confirmed(services: Services, asker: Asker, question: Question, given: Given) -> Reply:
    """What the asker has contributed goes, or nothing does."""
    del question
    if given.choice == "cancel":
        return Reply(asker.texts.say("forget-cancelled"), private=True, replaces=True)
    if given.choice != "forget":
        raise TokenUnknownError
    faces = 0
    for one in await _found(services, asker):
        gone = await services.gallery.forget_contributions(one.scope, one.contributor)
        services.names.forget(one.scope)
        faces += gone.samples + gone.negatives + gone.removed if gone else 0
    await services.store.forget_traces(asker.chat.platform, asker.actor.id, _space(asker))
    text = asker.texts.say("contributions-forgotten", faces=faces)
    if faces and not asker.chat.private:
        services.tell_log(asker, asker.texts.say("log-contributions-forgotten", faces=faces))
    return Reply(text, private=True, replaces=True)


async def _found(services: Services, asker: Asker) -> Sequence[Contributions]:
    """What the asker has given to this place's own gallery; in a private chat, to every gallery."""
    everywhere = await services.gallery.contributions(asker.contributor)
    return [one for one in everywhere if asker.chat.private or one.scope == asker.scope]


def _space(asker: Asker) -> str | None:
    """Where traces are looked for."""
    return None if asker.chat.private else asker.chat.space
