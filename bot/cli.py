"""The command line: arguments in, exit code out. The only place that reads the environment."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import SettingsError as SettingsInvalidError
from config.logs import setup_logging
from config.settings import Settings, load_settings
from inference.errors import AppError, SetupError, TransientError

EXIT_FAILED = 1
EXIT_UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h
EXIT_CONFIGURATION = 78  # EX_CONFIG
EXIT_INTERRUPTED = 130

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

Command = Callable[[argparse.Namespace, Settings], Coroutine[None, None, int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0 done, 1 something failed, 2 usage, 69, 78."""
    parsed = _parse(arguments)
    try:
        settings = load_settings(
            config_file=parsed.config,
            overrides=parsed.set,
            data_dir=parsed.data_dir,
            environ=os.environ,
        )
        setup_logging(
            settings.options.logging, settings.secrets, serving=_is_serving(parsed.command, settings)
        )
        return asyncio.run(_command(parsed.command)(parsed, settings))
    except (SettingsInvalidError, SetupError) as error:
        return _fail(error, EXIT_CONFIGURATION)
    except TransientError as error:
        return _fail(error, EXIT_UNAVAILABLE)
    except AppError as error:
        return _fail(error, EXIT_FAILED)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def _fail(error: Exception, code: int) -> int:
    sys.stderr.write(f"{error}\n")
    return code


def _is_serving(command: str, settings: Settings) -> bool:
    """Whether it answers others until it is told to stop; the demonstration is for who started it."""
    chats = settings.secrets.discord_token or settings.secrets.telegram_token
    return command == "terminal.serve:serve" or (command == "app:run" and chats is not None)


def _command(path: str) -> Command:
    """The function at "module:name" under `bot`, imported only now: start-up pays for one command."""
    module, name = path.split(":")
    command: Command = getattr(import_module(f"bot.{module}"), name)
    return command


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.command == "terminal.enroll:enroll":
        one = bool(parsed.paths and parsed.name)
        many = bool(parsed.folder)
        if one == many or (many and (parsed.paths or parsed.name)):
            parser.error("enroll takes either --name NAME with pictures, or --from DIR")
        if many and (parsed.alias or parsed.face):
            parser.error("--alias and --face are for one character; they do not go with --from DIR")
        if one and parsed.at_most is not None:
            parser.error("--at-most goes with --from DIR")
        if many:
            parsed.command = "terminal.enroll_folder:enroll_folder"
    return parsed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bot.py",
        description="Dareda names the anime, manga and game characters in pictures.",
    )
    _add_common(parser, top=True)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: str, summary: str, within: Subcommands = commands) -> argparse.ArgumentParser:
        made = within.add_parser(name, help=summary, description=summary)
        made.set_defaults(command=command)
        _add_common(made, top=False)
        return made

    add(
        "run",
        "app:run",
        "start the configured chats and the web console; without a chat, show what Dareda does",
    )

    add(
        "serve", "terminal.serve:serve", "the inference core alone, over HTTP, for bots elsewhere"
    ).add_argument(
        "--read-only", action="store_true", help="only answer questions: another process keeps the gallery"
    )

    identify = add("identify", "terminal.identify:identify", "who is in these pictures?")
    identify.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="a picture, or a folder of them"
    )
    identify.add_argument("--json", action="store_true", help="print one JSON object a line")
    identify.add_argument("--out", type=Path, metavar="DIR", help="write the annotated pictures there")
    identify.add_argument("--top", type=_positive, metavar="K", help="list the K best matches of each face")

    enroll = add("enroll", "terminal.enroll:enroll", "teach the gallery a character from pictures")
    enroll.add_argument("paths", type=Path, nargs="*", metavar="PATH", help="pictures of one face each")
    enroll.add_argument("--name", help="who it is")
    enroll.add_argument("--series", default="", help="the work she is from")
    enroll.add_argument(
        "--alias", action="append", default=[], metavar="A", help="another name; may be repeated"
    )
    enroll.add_argument(
        "--from", dest="folder", type=Path, metavar="DIR", help="a folder with one folder per character"
    )
    enroll.add_argument(
        "--at-most",
        type=_count,
        metavar="N",
        help="with --from: so many samples of each character, chosen to be varied; 0: no limit; default: 10",
    )
    enroll.add_argument("--face", type=_positive, metavar="N", help="which face, when a picture has several")

    _add_curating(add)

    _add_gallery_actions(
        add, add("gallery", "", "look after the gallery").add_subparsers(metavar="ACTION", required=True)
    )

    contributions = add("contributions", "", "who has contributed what, and removing it").add_subparsers(
        metavar="ACTION", required=True
    )
    listed = add("list", "terminal.contributions:list_", "who has given what to which gallery", contributions)
    listed.add_argument("--by", metavar="WHO", help="only this contributor, e.g. discord:80351110224678912")
    listed.add_argument("--json", action="store_true", help="print one JSON object a line")
    remove = add("remove", "terminal.contributions:remove", "remove all that one has given", contributions)
    remove.add_argument(
        "--by", metavar="WHO", required=True, help="whose, as `contributions list` shows them"
    )
    remove.add_argument("--yes", action="store_true", help="do it; without, only what would go is shown")

    models = add("models", "", "the networks Dareda runs on").add_subparsers(metavar="ACTION", required=True)
    add("list", "terminal.models:list_", "which packs there are", models)
    add("show", "terminal.models:show", "what a pack's manifest says", models).add_argument("name", nargs="?")
    add("verify", "terminal.models:verify", "check a pack's files and networks", models).add_argument(
        "name", nargs="?"
    )
    install = add("install", "terminal.models:install", "add a model pack", models)
    install.add_argument("source", help="a folder, an archive or an https address")
    install.add_argument("--sha256", help="what the archive must hash to; required for an address")

    backup = add("backup", "terminal.backup:backup", "copy what Dareda keeps, also while it runs")
    backup.add_argument("folder", type=Path, metavar="DIR", help="a new folder for the copies")
    add("health", "heartbeat:health", "whether the bot that uses this data folder is alive")
    add("doctor", "doctor:doctor", "what is set up, what is not, and how to fix it")
    return parser


def _add_curating(add: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    """The commands that show and change who is in the gallery."""
    characters = add("characters", "terminal.characters:characters", "list who is enrolled")
    characters.add_argument("query", nargs="?", help="a part of a name, an alias or a series")
    characters.add_argument("--json", action="store_true", help="print one JSON object a line")

    rename = add("rename", "terminal.characters:rename", "give a character another name")
    rename.add_argument("name")
    rename.add_argument("new_name", metavar="new-name")
    rename.add_argument("--series", help="the work she is from")

    merge = add("merge", "terminal.characters:merge", "join two characters that are one")
    merge.add_argument("source", help="the one that goes")
    merge.add_argument("target", help="the one that stays")

    forget = add("forget", "terminal.characters:forget", "remove a character and her samples")
    forget.add_argument("name")
    forget.add_argument("--for-good", action="store_true", help="keep nothing, so that it cannot be undone")

    history = add("history", "terminal.history:history", "what was changed in the gallery")
    history.add_argument("--limit", type=_positive, default=20, metavar="N", help="that many; default: 20")
    history.add_argument("--all", action="store_true", help="in every gallery")
    history.add_argument("--json", action="store_true", help="print one JSON object a line")

    undo = add("undo", "terminal.history:undo", "take back the last change, or the one of that number")
    undo.add_argument("id", nargs="?", type=_positive, help="its number, as `history` shows it")


def _add_gallery_actions(add: Callable[..., argparse.ArgumentParser], gallery: Subcommands) -> None:
    add("stats", "terminal.gallery:stats", "how much is enrolled", gallery).add_argument(
        "--json", action="store_true", help="print a JSON object"
    )
    export = add("export", "terminal.gallery:export", "write a portable archive", gallery)
    export.add_argument("archive", type=Path, metavar="FILE")
    import_ = add("import", "terminal.gallery:import_", "add what an archive holds", gallery)
    import_.add_argument("archive", type=Path, metavar="FILE")
    import_.add_argument("--into", metavar="NAME", help="into this gallery instead of those it came from")
    reindex = add(
        "reindex", "terminal.gallery:reindex", "embed everything again with the chosen model", gallery
    )
    reindex.add_argument(
        "--drop-old",
        action="store_true",
        help="then delete the embeddings of other models, so that going back needs everything embedded again",
    )
    copy = add("copy", "terminal.gallery:copy", "copy everything to the other kind of gallery", gallery)
    for option, place in (("--from", "source"), ("--to", "target")):
        copy.add_argument(option, dest=place, required=True, choices=("embedded", "elasticsearch"))
    index = add(
        "import-index",
        "terminal.gallery:import_index",
        "add the faces of an older recipe's Elasticsearch index, made by the chosen model",
        gallery,
    )
    index.add_argument("--index", default="anime_face", metavar="NAME", help="default: anime_face")
    index.add_argument("--into", metavar="NAME", help="into this gallery; default: that of --gallery")
    add("verify", "terminal.gallery:verify", "check everything", gallery).add_argument(
        "--repair", action="store_true", help="mend what can be mended"
    )


def _add_common(parser: argparse.ArgumentParser, *, top: bool) -> None:
    """The options that may stand before or after the command; after wins."""

    def default(value: object) -> object:
        return value if top else argparse.SUPPRESS

    group = parser.add_argument_group("common options")
    group.add_argument(
        "--config", type=Path, metavar="FILE", default=default(None), help="settings file (TOML)"
    )
    group.add_argument(
        "--data-dir", type=Path, metavar="DIR", default=default(None), help="where Dareda keeps things"
    )
    group.add_argument(
        "--gallery", metavar="NAME", default=default("cli"), help="whose characters; default: cli"
    )
    group.add_argument(
        "--set",
        action="append",
        metavar="section.key=value",
        default=default([]),
        help="change one setting; may be repeated",
    )


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is less than 0")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value
