"""Pages made of Jinja2's templates, with the sentences of the visitor's language."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bot.chat import Text
from bot.commands.history import describe
from bot.texts import Parameter, Strong, Texts
from bot.web.addresses import gallery_path
from bot.web.assets import Assets
from bot.web.navigation import NAVIGATION
from inference.graphemes import readable

if TYPE_CHECKING:
    from bot.web.visits import Visit

TEMPLATES_DIR = Path(__file__).with_name("templates")


class Renderer:
    """The templates of one console."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES_DIR),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "asset": assets.address,
            "path_of": gallery_path,
            "navigation": NAVIGATION,
            "strong": Strong,
        }
        self._environment.filters |= {"readable": readable}

    def html(self, visit: Visit, template: str, /, **values: Any) -> str:
        """What the template makes of the values. In it, `t(key, …)` is a sentence, `v` the visit."""
        texts = visit.texts
        return self._environment.get_template(template).render(
            values,
            v=visit,
            t=partial(_sentence, texts),
            date=lambda at: texts.line("web-date", at=at.astimezone()),
            day=lambda at: format_date(at.astimezone(), "medium", locale=texts.language),
            html=as_html,
            said_of=lambda error: as_html(texts.error(error)),
            aliases_of=lambda character: [Strong(alias) for alias in character.aliases],
            page_address=visit.page_address,
            unique=lambda: token_hex(4),
            change=partial(describe, texts),
            language=texts.language,
            refusal=as_html(texts.error(visit.refused)) if visit.refused else "",
            mark=visit.session.mark,
        )


def as_html(text: Text) -> Markup:
    """The text with its names in bold."""
    parts = (
        Markup("<strong>{}</strong>").format(span.text) if span.strong else escape(span.text) for span in text
    )
    return Markup("").join(parts)


def _sentence(texts: Texts, key: str, /, **parameters: Parameter) -> Markup:
    return as_html(texts.say(key, **parameters))
