"""Forms for which there is no interaction to open them: a button does."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from bot.chat import Button, Form, Reply
from bot.texts import Texts, join_texts

_PREFIX = "open:"
_MOST = 500


class LateForms:
    """The forms that wait behind a button; the oldest are forgotten, and all when the process ends."""

    def __init__(self) -> None:
        self._forms: OrderedDict[str, Form] = OrderedDict()

    def button_for(self, reply: Reply, texts: Texts) -> Reply:
        """The reply with a button in place of its form."""
        if reply.form is None:
            return reply
        token = _PREFIX + reply.form.token
        self._forms[token] = reply.form
        while len(self._forms) > _MOST:
            self._forms.popitem(last=False)
        return replace(
            reply,
            text=join_texts((reply.text, texts.say("discord-open-form"))),
            form=None,
            buttons=(*reply.buttons, (Button(reply.form.title, token),)),
        )

    def opened_by(self, token: str) -> Form | None:
        """The form behind the button."""
        return self._forms.get(token)
