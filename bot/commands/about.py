"""`/help`, `/stats`, and the first words in a new place."""

from __future__ import annotations

from bot.chat import Command, CommandName, Reply, Span, Text
from bot.commands.catalogue import CATALOGUE
from bot.commands.settings import introduction_buttons
from bot.context import Asker, Services
from bot.space_settings import Answering
from bot.texts import join_texts


async def help_(services: Services, asker: Asker, command: Command) -> Reply:
    """What the asker can do there, and how."""
    del services, command
    lines = [
        asker.texts.say(
            "help-command",
            command=_command(asker, spec.name),
            description=asker.texts.command_description(spec.name),
        )
        for spec in CATALOGUE
        if (asker.teaches or not spec.teaching) and (asker.manages or not spec.managing)
    ]
    return Reply(join_texts([asker.texts.say("help-intro"), *lines]), private=True)


async def stats(services: Services, asker: Asker, command: Command) -> Reply:
    """Of this place alone."""
    del command
    own = await services.gallery.characters([asker.scope])
    tally = await services.store.tally(asker.chat)
    count, say = tally.counts, asker.texts.say
    lines: list[Text] = [
        say("stats-gallery", count=len(own), samples=sum(one.sample_count for one in own)),
    ]
    if tally.since is not None:
        lines.append(
            say(
                "stats-asked",
                pictures=count.get("pictures", 0),
                faces=count.get("faces", 0),
                known=count.get("known", 0),
                since=tally.since,
            )
        )
        lines.append(
            say(
                "stats-feedback",
                right=count.get("right", 0),
                wrong=count.get("wrong", 0),
                corrections=count.get("corrections", 0),
            )
        )
    if asker.teaches and (waiting := await services.store.count_reviews(asker.chat)):
        lines.append(say("stats-reviews", count=waiting))
    return Reply(join_texts(lines))


def introduce(asker: Asker) -> Reply:
    """The first words, with setup in one press."""
    say = asker.texts.say
    if asker.chat.private:
        return Reply(say("introduction-private", enroll=_command(asker, CommandName.ENROLL)))
    if asker.settings.answering is Answering.ALL:
        when = say("introduction-all")
    else:
        when = say("introduction-asked", identify=_command(asker, CommandName.IDENTIFY))
    text = say(
        "introduction",
        when=when,
        settings=_command(asker, CommandName.SETTINGS),
        help=_command(asker, CommandName.HELP),
    )
    return Reply(text, buttons=introduction_buttons(asker))


def _command(asker: Asker, name: CommandName) -> Text:
    """As it is typed there: Telegram knows commands in Latin letters only."""
    known = name.value if asker.chat.platform == "telegram" else asker.texts.command_name(name)
    return (Span(f"/{known}", strong=True),)
