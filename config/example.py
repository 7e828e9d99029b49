"""The text of `config/example.toml`, made from the options, so that it cannot disagree with the code.

python -m config.example > config/example.toml
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import sys
import tokenize
from pathlib import Path

from config import options
from config.schema import known_options

_HEAD = """\
# Every setting of Dareda with its default. Copy this file to dareda.toml in the folder where Dareda starts
# (or name it with --config FILE) and take the # off the lines that you change.
#
# Stronger than this file, the strongest last: a .env file in that folder, the environment (images.max_bytes
# is DAREDA_IMAGES__MAX_BYTES), and --set images.max_bytes=1000000 on the command line.
#
# Secrets never go in here, only into the environment or into .env: DISCORD_TOKEN, TELEGRAM_TOKEN, WEB_TOKEN,
# SERVICE_TOKEN, ELASTICSEARCH_API_KEY and ELASTICSEARCH_PASSWORD.
#
# This file is made from the code: python -m config.example > config/example.toml
"""


def render_example() -> str:
    """The whole file: each section with its sentence, each option with its comment, range and default."""
    comments, defaults = option_comments(), options.Options()
    current = ""
    parts = [_HEAD]
    for kind in known_options().values():
        owner = type(getattr(defaults, kind.section)) if kind.section else options.Options
        if kind.section != current:
            current = kind.section
            parts.append(f"\n\n[{current}]\n# {inspect.getdoc(owner)}\n")
        comment = comments.get((owner.__name__, kind.name))
        if comment is None:
            raise LookupError(f"{owner.__name__}.{kind.name} has no comment behind it in config/options.py")
        parts.append(f"\n# {comment} ({kind.accepted})\n#{kind.name} = {_as_toml(kind.default)}\n")
    return "".join(parts)


def option_comments() -> dict[tuple[str, str], str]:
    """The comment behind each field of `config/options.py`, by class and field, where there is one."""
    source = inspect.getsource(options)
    by_line = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    return {
        (owner.name, field.target.id): by_line[field.end_lineno]
        for owner in ast.parse(source).body
        if isinstance(owner, ast.ClassDef)
        for field in owner.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if field.end_lineno in by_line
    }


def _as_toml(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:_}"
    # What options hold is written alike in JSON and TOML: true, 0.5, "text", ["list"].
    return json.dumps(value.as_posix() if isinstance(value, Path) else value, ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.write(render_example())
