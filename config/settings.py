"""What this process was told: options and secrets, from arguments, environment, `.env` and one TOML file.

Only entry points call `load_settings()`; everything else receives the values.

Precedence, strongest first: arguments, environment (`DAREDA_SECTION__KEY`), `.env`, TOML, defaults. Every
source is checked whole, also where a stronger one overrides it. pydantic-settings could do the merge, but
cannot say which source a value came from and takes 0.2 s to import, which `--help` should not wait for. So
`config/schema.py` converts the few types that options have; pydantic only wraps a token that is there.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from config.errors import SettingsError
from config.options import Options
from config.schema import OptionKind, known_options, make_options, nearest_key

if TYPE_CHECKING:
    from pydantic import SecretStr

DEFAULT_CONFIG_FILE = "dareda.toml"
ENVIRONMENT_PREFIX = "DAREDA_"
SECRET_VARIABLES = {
    "discord_token": "DISCORD_TOKEN",
    "telegram_token": "TELEGRAM_TOKEN",
    "web_token": "WEB_TOKEN",
    "service_token": "SERVICE_TOKEN",
    "elasticsearch_api_key": "ELASTICSEARCH_API_KEY",
    "elasticsearch_password": "ELASTICSEARCH_PASSWORD",
}

_SECRET_WORDS = ("token", "secret", "password", "api_key")
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Secrets:
    """What nobody may read back: not in logs, errors or `repr()`."""

    discord_token: SecretStr | None = None
    telegram_token: SecretStr | None = None
    web_token: SecretStr | None = None
    service_token: SecretStr | None = None
    elasticsearch_api_key: SecretStr | None = None
    elasticsearch_password: SecretStr | None = None

    def plain(self) -> tuple[str, ...]:
        """The bare values, for the log filter that hides them."""
        every = (getattr(self, name) for name in SECRET_VARIABLES)
        return tuple(secret.get_secret_value() for secret in every if secret)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything this process was told."""

    options: Options = field(default_factory=Options)
    secrets: Secrets = field(default_factory=Secrets)
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each key that is not left at its default came from, e.g. "images.max_bytes": "dareda.toml"."""


def load_settings(
    *,
    environ: Mapping[str, str],
    config_file: Path | None = None,
    overrides: Sequence[str] = (),
    data_dir: Path | None = None,
    cwd: Path = Path(),
) -> Settings:
    """The settings of a process with this environment, started in `cwd` with these arguments.

    `overrides` are the command line's `--set section.key=value`; the last one for a key counts. Without a
    `config_file` it is `dareda.toml` in `cwd`, if there is one. Raises SettingsError, which names the key.
    """
    dotenv = _read_dotenv(cwd / ".env")
    secrets, sources = _find_secrets((("environment", environ), (".env", dotenv)))
    reader = _Reader(hidden=secrets.plain())
    values: dict[str, object] = {}
    for source, found in (
        reader.toml(config_file, cwd),
        reader.variables(dotenv, ".env"),
        reader.variables(environ, "environment"),
        reader.overrides(overrides),
        ("--data-dir", {} if data_dir is None else {"data_dir": data_dir}),
    ):
        values |= found
        sources |= dict.fromkeys(found, source)
    return Settings(make_options(values), secrets, sources)


def variable_name(key: str) -> str:
    """The environment variable of an option: `images.max_bytes` is `DAREDA_IMAGES__MAX_BYTES`."""
    return ENVIRONMENT_PREFIX + key.replace(".", "__").upper()


class _Reader:
    """Turns what one source says into converted values by flat key, or says what is wrong with it."""

    def __init__(self, *, hidden: Sequence[str]) -> None:
        self._hidden = hidden
        self._kinds = known_options()

    def toml(self, config_file: Path | None, cwd: Path) -> tuple[str, dict[str, object]]:
        source = str(config_file or DEFAULT_CONFIG_FILE)
        path = cwd / source
        if config_file is None and not path.exists():
            return source, {}
        try:
            document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        except OSError as error:
            raise SettingsError(key="--config", reason=f"{source}: {error.strerror or error}") from error
        except UnicodeDecodeError:
            # Not chained: the exception carries the whole file, which may hold a token.
            raise SettingsError(key="--config", reason=f"{source} is not UTF-8 text") from None
        except (ValueError, RecursionError) as error:  # also numbers and nesting beyond all measure
            raise SettingsError(key="--config", reason=f"{source} is not valid TOML: {error}") from None
        return source, dict(self._toml_values(document, source))

    def variables(self, variables: Mapping[str, str], source: str) -> tuple[str, dict[str, object]]:
        keys = {variable_name(key): key for key in self._kinds}
        values: dict[str, object] = {}
        for name, text in variables.items():
            if not name.startswith(ENVIRONMENT_PREFIX):
                continue
            if name not in keys:
                meant = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
                raise self._unknown(name, meant, source, as_variable=True)
            values[keys[name]] = self._text_value(self._kinds[keys[name]], text, source, called=name)
        return source, values

    def overrides(self, overrides: Sequence[str]) -> tuple[str, dict[str, object]]:
        values: dict[str, object] = {}
        for override in overrides:
            key, equals, text = override.partition("=")
            key = key.strip()
            if key not in self._kinds:
                if not equals:
                    raise SettingsError(key="--set", reason="write it as --set section.key=value")
                raise self._unknown(key, key, "--set")
            if not equals:
                raise SettingsError(key=key, reason=f"write it as --set {key}=value")
            values[key] = self._text_value(self._kinds[key], text, "--set", called=key)
        return "--set", values

    def _toml_values(
        self, table: Mapping[str, object], source: str, prefix: str = ""
    ) -> Iterator[tuple[str, object]]:
        for name, value in table.items():
            key = prefix + name
            if key in self._kinds:
                kind = self._kinds[key]
                try:
                    yield key, kind.from_toml(value)
                except ValueError:
                    raise self._wrong(key, value, kind.accepted, source) from None
            elif isinstance(value, Mapping) and (value or self._is_section(key)):
                yield from self._toml_values(value, source, f"{key}.")
            elif self._is_section(key):
                raise self._wrong(key, value, f"a section: [{key}]", source)
            else:
                raise self._unknown(key, key, source)

    def _is_section(self, key: str) -> bool:
        return any(kind.section == key for kind in self._kinds.values())

    def _text_value(self, kind: OptionKind, text: str, source: str, *, called: str) -> object:
        try:
            return kind.from_text(text)
        except ValueError:
            raise self._wrong(called, text, kind.accepted, source) from None

    def _wrong(self, key: str, value: object, accepted: str, source: str) -> SettingsError:
        shown = json.dumps(value, ensure_ascii=False, default=str)
        if any(secret in str(value) for secret in self._hidden):
            shown = "something secret"
        if len(shown) > _SHOWN_CHARACTERS:
            shown = f"{shown[:_SHOWN_CHARACTERS]}…"
        return SettingsError(key=key, reason=f"{shown} ({source}) is not {accepted}")

    def _unknown(self, key: str, meant: str, source: str, *, as_variable: bool = False) -> SettingsError:
        if any(word in meant.lower() for word in _SECRET_WORDS):
            return SettingsError(
                key=key,
                reason=f"secrets are not taken from here ({source}), only from the environment or .env, as "
                + ", ".join(SECRET_VARIABLES.values()),
            )
        nearest = nearest_key(meant)
        hint = f"; perhaps {variable_name(nearest) if as_variable else nearest} is meant" if nearest else ""
        return SettingsError(key=key, reason=f"there is no such setting ({source}){hint}")


def _read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env` file; empty when there is none. Nothing in it is executed or interpolated."""
    try:
        if not path.is_file():
            return {}
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except OSError as error:
        raise SettingsError(key=".env", reason=f"it cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise SettingsError(key=".env", reason="it is not UTF-8 text") from None
    variables: dict[str, str] = {}
    for binding in bindings:
        if binding.error or (binding.key is not None and binding.value is None):
            text = binding.original.string  # with the blank lines before it; never shown, it may be a token
            line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
            raise SettingsError(key=".env", reason=f"line {line} is not NAME=value")
        if binding.key is not None and binding.value is not None:
            variables[binding.key] = binding.value
    return variables


def _find_secrets(places: Sequence[tuple[str, Mapping[str, str]]]) -> tuple[Secrets, dict[str, str]]:
    """The secrets and where each came from; the first place that has a variable counts, empty is none."""
    found: dict[str, SecretStr] = {}
    sources: dict[str, str] = {}
    for name, variable in SECRET_VARIABLES.items():
        for source, variables in places:
            if variable not in variables:
                continue
            if text := variables[variable].strip():
                found[name] = _as_secret(variable, text, source)
                sources[name] = source
            break
    return Secrets(**found), sources


def _as_secret(variable: str, text: str, source: str) -> SecretStr:
    if not text.isprintable() or " " in text:
        raise SettingsError(key=variable, reason=f"its value ({source}) has a space or line break inside")
    from pydantic import SecretStr  # noqa: PLC0415  # 0.15 s that a start without tokens saves

    return SecretStr(text)
