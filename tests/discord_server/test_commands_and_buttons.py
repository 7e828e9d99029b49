"""An unpatched discord.py bot and people who use its commands, buttons, selects and modals."""

from __future__ import annotations

import discord
import pytest
from discord import app_commands

from tests.discord_server.interactions import CallbackKind
from tests.discord_server.people import Picture
from tests.discord_server.permissions import Permission
from tests.discord_server.sample_bot import PNG, SampleBot, running
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Guild, Member


async def test_pressing_a_button_that_was_made_before_a_restart(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    discord_server.gateway.identify_every_s = 0.0
    async with running(discord_server):
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        reply = await discord_server.reply_to(message)
    async with running(discord_server):
        clicked = discord_server.click(reply, alice, label="Right")
        answer = await discord_server.answer(clicked)
    assert answer.content == "face 7 is right"
    assert answer.ephemeral and answer.shown_to is alice.user


async def test_a_modal_opened_by_a_button_changes_the_message(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    async with running(discord_server):
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        reply = await discord_server.reply_to(message)
        clicked = discord_server.click(reply, alice, "ask")
        assert (await discord_server.modal(clicked))["title"] == "Who is it?"
        submitted = discord_server.submit_modal(clicked, {"Name": "Chitanda"})
        await discord_server.acknowledged(submitted)
    assert submitted.callback is CallbackKind.UPDATE
    assert reply.content == "It is Chitanda"
    assert reply.components == []


async def test_a_select_is_deferred_and_then_edits_the_message(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    async with running(discord_server):
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", PNG)])
        reply = await discord_server.reply_to(message)
        chosen = discord_server.select(reply, alice, ["Oreki Hotaro", "Ibara Mayaka"])
        await discord_server.until(lambda: reply.content != "I see", "the edit")
    assert chosen.callback is CallbackKind.DEFERRED_UPDATE
    assert reply.content == "Oreki Hotaro or Ibara Mayaka"


async def test_a_slash_command_with_a_picture_defers_and_follows_up(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    async with running(discord_server):
        used = discord_server.slash(channel, alice, "picture", {"file": Picture("p.png", PNG)})
        await discord_server.acknowledged(used)
        answer = await discord_server.answer(used)
    assert used.callback is CallbackKind.DEFERRED_MESSAGE
    assert answer is used.followups[0], "the first follow-up takes the place of the thinking"
    assert [file.data for file in answer.files] == [PNG]
    assert used.acknowledged_after_s < 3


async def test_autocomplete_and_its_command(
    discord_server: DiscordServer, guild: Guild, channel: Channel
) -> None:
    role = discord_server.add_role(guild, "teachers", Permission.MANAGE_GUILD)
    teacher = discord_server.add_member(guild, "teacher", roles=[role])
    async with running(discord_server):
        typed = discord_server.autocomplete(channel, teacher, "lookup", "name", "ya")
        assert [choice["name"] for choice in await discord_server.choices(typed)] == ["Ibara Mayaka"]
        answer = await discord_server.answer(
            discord_server.slash(channel, teacher, "lookup", {"name": "Ibara Mayaka"})
        )
    assert answer.content == "**Ibara Mayaka**"


async def test_a_command_is_offered_by_its_permissions_and_contexts_only(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    async with running(discord_server):
        with pytest.raises(AssertionError, match="not offered to alice"):
            discord_server.slash(channel, alice, "lookup", {"name": "x"})
        with pytest.raises(AssertionError, match="context 1"):
            direct = discord_server.direct_channel(alice.user)
            discord_server.slash(direct, alice.user, "lookup", {"name": "x"})
        with pytest.raises(AssertionError, match="'nonsense' is not among"):
            discord_server.slash(channel, alice, "nonsense")
        with pytest.raises(AssertionError, match=r"needs \['file'\]"):
            discord_server.slash(channel, alice, "picture")


async def test_commands_are_registered_with_their_translations(
    discord_server: DiscordServer, guild: Guild
) -> None:
    async with running(discord_server):
        commands = {command["name"]: command for command in discord_server.world.commands[None]}
    assert set(commands) == {"picture", "lookup", "Who is this?", "slow"}
    (option,) = commands["lookup"]["options"]
    assert option["name_localizations"] == {"ja": "名前"}
    assert commands["lookup"]["default_member_permissions"] == str(int(Permission.MANAGE_GUILD))


async def test_what_people_choose_is_told_with_their_language_and_permissions(
    discord_server: DiscordServer, guild: Guild, channel: Channel
) -> None:
    bot = SampleBot()
    told: list[tuple[object, ...]] = []

    @bot.tree.command(name="tell", description="Tells what it was given", nsfw=True)
    async def tell(
        interaction: discord.Interaction[SampleBot],
        member: discord.Member,
        role: discord.Role,
        where: discord.TextChannel,
        times: app_commands.Range[int, 1, 3],
    ) -> None:
        told.append((member.name, role.name, where.name, times, interaction.locale, interaction.guild_locale))
        told.append((interaction.permissions.manage_guild, interaction.app_permissions.attach_files))
        await interaction.response.send_message("told")

    role = discord_server.add_role(guild, "teachers", Permission.MANAGE_GUILD)
    aoi = discord_server.add_member(guild, "aoi", locale="ja")
    options = {"member": aoi, "role": role, "where": channel, "times": 3}
    grown = discord_server.add_channel(guild, "grown", nsfw=True)
    async with running(discord_server, bot):
        discord_server.set_roles(aoi, role)
        with pytest.raises(AssertionError, match="age-restricted"):
            discord_server.slash(channel, aoi, "tell", options)
        with pytest.raises(AssertionError, match="not within 1 and 3"):
            discord_server.slash(grown, aoi, "tell", options | {"times": 4})
        await discord_server.answer(discord_server.slash(grown, aoi, "tell", options))
    locales = (discord.Locale.japanese, discord.Locale.american_english)
    assert told == [("aoi", "teachers", "pictures", 3, *locales), (True, True)]


async def test_a_late_answer_goes_to_the_channel(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    bot = SampleBot()
    waiting: list[discord.Interaction[SampleBot]] = []

    async def on_slow(interaction: discord.Interaction[SampleBot]) -> None:
        waiting.append(interaction)

    bot.add_listener(on_slow)
    async with running(discord_server, bot):
        used = discord_server.slash(channel, alice, "slow")
        await discord_server.until(lambda: waiting, "the deferral")
        discord_server.clock.advance(15 * 60 + 1)
        with pytest.raises(discord.HTTPException) as refused:
            await waiting[0].followup.send("too late")
        assert refused.value.code == 50027
        assert used.original is not None and used.original.loading
        await bot.get_partial_messageable(channel.id).send("It took me too long")
    assert [said.content for said in discord_server.said_in(channel)] == ["", "It took me too long"]


async def test_an_answer_after_three_seconds_is_unknown(
    discord_server: DiscordServer, channel: Channel, alice: Member
) -> None:
    discord_server.clock.stop()
    bot = SampleBot()
    refused: list[discord.NotFound] = []

    @bot.tree.command(name="late", description="Answers too late")
    async def late(interaction: discord.Interaction[SampleBot]) -> None:
        discord_server.clock.advance(3.1)
        try:
            await interaction.response.send_message("hm")
        except discord.NotFound as error:
            refused.append(error)

    async with running(discord_server, bot):
        discord_server.slash(channel, alice, "late")
        await discord_server.until(lambda: refused, "the refusal")
    assert refused[0].code == 10062
