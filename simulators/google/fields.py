"""Partial answers: `fields=nextPageToken,files(id,name)`, as Google reads them.

Belongs here: reading a mask and cutting an answer down to it. Does not belong here: what an answer holds.
"""

from typing import Any

Mask = dict[str, Any]


def read_mask(text: str) -> Mask:
    """`a,b(c,d/e)` as nested dicts; `*` keeps everything. Raises ValueError for a mask that is none."""
    mask, rest = _read(text.replace(" ", ""))
    if rest:
        raise ValueError(f"Invalid field selection {text}")
    return mask


def _read(text: str) -> tuple[Mask, str]:
    mask: Mask = {}
    while True:
        end = next((i for i, c in enumerate(text) if c in ",()"), len(text))
        path, text = text[:end], text[end:]
        if not path:
            raise ValueError("Invalid field selection")
        place = mask
        names = path.split("/")
        for name in names[:-1]:
            place = place.setdefault(name, {})
        inner: Mask = {}
        if text.startswith("("):
            inner, text = _read(text[1:])
            if not text.startswith(")"):
                raise ValueError("Invalid field selection")
            text = text[1:]
        place[names[-1]] = inner
        if not text.startswith(","):
            return mask, text
        text = text[1:]


def cut(value: Any, mask: Mask) -> Any:
    """The part of an answer that the mask asks for."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [cut(one, mask) for one in value]
    if isinstance(value, dict):
        return {name: cut(value[name], inner) for name, inner in mask.items() if name in value}
    return value
