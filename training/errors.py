"""What can go wrong, each with a code for programs and one line for people: what, why, and the remedy."""

from __future__ import annotations


class CopydeskError(Exception):
    """The base of every error that Copydesk raises on purpose. `code` is stable; the message is one line."""

    code = "failed"

    def __init__(self, message: str, code: str | None = None):
        super().__init__(" ".join(message.split()))
        if code:
            self.code = code

    @property
    def message(self) -> str:
        return str(self)


class InputError(CopydeskError):
    """An article that cannot be read: `empty`, `not-text`, `too-large`, `unreadable`, `not-a-file`, `bad-json`, `no-text`, `damaged`, or `no-article`."""

    code = "unreadable"


class DataError(CopydeskError):
    """Labelled data or results that are not what they should be."""

    code = "bad-data"


class ModelError(CopydeskError):
    """A model folder that is missing, damaged, or not a model."""

    code = "bad-model"
