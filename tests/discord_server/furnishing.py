"""Furnishes the world: guilds, channels, members, roles and what they may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.discord_server import payloads
from tests.discord_server.composing import store
from tests.discord_server.gateway import Gateway
from tests.discord_server.intents import Intent
from tests.discord_server.permissions import MEMBER_PERMISSIONS, Permission
from tests.discord_server.state import (
    Channel,
    ChannelKind,
    Delivery,
    Guild,
    Json,
    Member,
    Overwrite,
    Role,
    Sticker,
    User,
)
from tests.discord_server.world import Event, World


class Furnishing:
    """Everything that people arrange on a server. Connected sessions hear of it."""

    world: World
    gateway: Gateway

    def add_user(self, name: str, *, bot: bool = False, locale: str = "en-US") -> User:
        """Somebody with an account, in no guild yet."""
        user = User(self.world.snowflakes.next(), name, bot=bot, locale=locale)
        self.world.users[user.id] = user
        return user

    def add_guild(
        self,
        name: str = "guild",
        *,
        owner: User | None = None,
        bot_permissions: Permission = MEMBER_PERMISSIONS,
        everyone: Permission = MEMBER_PERMISSIONS,
        locale: str = "en-US",
        shard: int | None = None,
    ) -> Guild:
        """A guild that the bot is in, with the permissions that its invitation asked for."""
        guild_id = self.world.snowflakes.next_guild(shard, self.gateway.shards)
        guild = Guild(guild_id, name, owner or self.add_user(f"owner of {name}"), locale=locale)
        guild.everyone.permissions = everyone
        guild.members[guild.owner.id] = Member(guild.owner, guild)
        bot_role = Role(self.world.snowflakes.next(), "Dareda", bot_permissions, managed=True)
        guild.roles[bot_role.id] = bot_role
        guild.members[self.world.bot.id] = Member(self.world.bot, guild, [bot_role])
        self.world.guilds[guild.id] = guild
        # A guild joined later is told of without "unavailable" (Gateway Events, "Guild Create").
        created = lambda intents: self.world.guild_create(guild, intents)  # noqa: E731
        self.world.emit(Event("GUILD_CREATE", created, guild.id, Intent.GUILDS))
        return guild

    def remove_guild(self, guild: Guild) -> None:
        """The bot is thrown out."""
        del self.world.guilds[guild.id]
        self.world.emit_guild(guild, "GUILD_DELETE", {"id": str(guild.id)})

    def add_role(
        self, guild: Guild, name: str, permissions: Permission = Permission.NONE, *, mentionable: bool = False
    ) -> Role:
        role = Role(
            self.world.snowflakes.next(),
            name,
            permissions,
            position=len(guild.roles),
            mentionable=mentionable,
        )
        guild.roles[role.id] = role
        self._emit_role(guild, role, "GUILD_ROLE_CREATE")
        return role

    def set_role_permissions(self, guild: Guild, role: Role, permissions: Permission) -> None:
        role.permissions = permissions
        self._emit_role(guild, role, "GUILD_ROLE_UPDATE")

    def set_bot_permissions(self, guild: Guild, permissions: Permission) -> None:
        """What the bot's own role allows from now on, anywhere in the guild."""
        (role,) = self.world.bot_member(guild).roles
        self.set_role_permissions(guild, role, permissions)

    def add_member(
        self,
        guild: Guild,
        user: User | str,
        *,
        roles: Iterable[Role] = (),
        nick: str | None = None,
        locale: str = "en-US",
    ) -> Member:
        """Somebody joins; by a name, a new user."""
        if isinstance(user, str):
            user = self.add_user(user, locale=locale)
        member = Member(user, guild, list(roles), nick)
        guild.members[user.id] = member
        payload = payloads.member_payload(member) | {"guild_id": str(guild.id)}
        self.world.emit_guild(guild, "GUILD_MEMBER_ADD", payload, Intent.GUILD_MEMBERS)
        return member

    def set_roles(self, member: Member, *roles: Role) -> None:
        """Gives the member these roles and no others."""
        member.roles = list(roles)
        payload = payloads.member_payload(member) | {"guild_id": str(member.guild.id)}
        self.world.emit_guild(member.guild, "GUILD_MEMBER_UPDATE", payload, Intent.GUILD_MEMBERS)

    def add_channel(
        self,
        guild: Guild,
        name: str = "general",
        *,
        kind: ChannelKind = ChannelKind.TEXT,
        nsfw: bool = False,
        overwrites: Mapping[Role | Member, Overwrite] | None = None,
    ) -> Channel:
        """A channel; `overwrites` change for it what roles and members may do."""
        channel = Channel(self.world.snowflakes.next(), name, kind, guild, nsfw)
        channel.overwrites = {_target_id(target): change for target, change in (overwrites or {}).items()}
        self._register(guild, channel)
        return channel

    def add_thread(self, parent: Channel, name: str = "thread") -> Channel:
        """A public thread, in which the permissions of its channel hold."""
        assert parent.guild is not None
        thread = Channel(
            self.world.snowflakes.next(), name, ChannelKind.PUBLIC_THREAD, parent.guild, parent.nsfw, parent
        )
        self._register(parent.guild, thread)
        return thread

    def remove_channel(self, channel: Channel) -> None:
        """The channel is deleted, with everything in it."""
        assert channel.guild is not None
        payload = payloads.channel_payload(channel)
        del channel.guild.channels[channel.id], self.world.channels[channel.id]
        self.world.emit_guild(channel.guild, "CHANNEL_DELETE", payload)

    def set_overwrite(self, channel: Channel, target: Role | Member, overwrite: Overwrite) -> None:
        """Changes what a role or member may do in the channel."""
        assert channel.guild is not None
        channel.overwrites[_target_id(target)] = overwrite
        self.world.emit_guild(channel.guild, "CHANNEL_UPDATE", payloads.channel_payload(channel))

    def deny_bot(self, channel: Channel, permissions: Permission) -> None:
        """Takes these permissions from the bot in the channel, and gives back what else it was denied."""
        assert channel.guild is not None
        self.set_overwrite(channel, self.world.bot_member(channel.guild), Overwrite(deny=permissions))

    def direct_channel(self, user: User) -> Channel:
        """The direct messages between `user` and the bot."""
        return self.world.direct_channel(user)

    def add_sticker(self, name: str, data: bytes, *, format_type: int = 1) -> Sticker:
        """A sticker whose picture the CDN serves; 1 is PNG, 2 APNG, 3 Lottie, 4 GIF."""
        sticker = Sticker(self.world.snowflakes.next(), name, format_type, data)
        self.world.cdn.add_sticker(sticker)
        return sticker

    def picture_embed(self, filename: str, data: bytes, *, delivery: Delivery | None = None) -> Json:
        """The embed that Discord makes of a link to a picture elsewhere, whose `proxy_url` is the CDN's."""
        channel = Channel(0, "elsewhere")
        file = store(self.world, channel, filename, data, "external", delivery=delivery)
        proxy_url = self.world.cdn.host_picture(file)
        picture: Json = {"url": f"https://pictures.example/{filename}", "proxy_url": proxy_url}
        if file.size_wh:
            picture |= dict(zip(("width", "height"), file.size_wh, strict=True))
        return {"type": "image", "url": picture["url"], "thumbnail": picture}

    def _register(self, guild: Guild, channel: Channel) -> None:
        guild.channels[channel.id] = channel
        self.world.channels[channel.id] = channel
        name = "THREAD_CREATE" if channel.kind is ChannelKind.PUBLIC_THREAD else "CHANNEL_CREATE"
        self.world.emit_guild(guild, name, payloads.channel_payload(channel))

    def _emit_role(self, guild: Guild, role: Role, name: str) -> None:
        payload = {"guild_id": str(guild.id), "role": payloads.role_payload(role)}
        self.world.emit_guild(guild, name, payload)


def _target_id(target: Role | Member) -> int:
    return target.id if isinstance(target, Role) else target.user.id
