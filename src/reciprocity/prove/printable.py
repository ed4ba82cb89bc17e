"""A consent receipt to print: one page, in plain words, with what is needed to check it."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from minijinja import Environment

__all__ = ["printable"]

_TEMPLATE: Final = "receipt.html"
_SAID: Final = {
    "dpv:ConsentGiven": "Yes",
    "dpv:ConsentRefused": "No",
    "dpv:ConsentWithdrawn": "No more: taken back",
    "dpv:ConsentRequested": "Yes, once confirmed",
    "dpv:ConsentExpired": "Run out",
    "dpv:ConsentUnknown": "Not known for certain",
}


def printable(document: Mapping[str, Any]) -> str:
    """The page, as HTML, of the consent receipt *document* (`verify/consent.py`).

    Self-contained: no script, nothing loaded. Whatever the brand or the person wrote is text.
    """
    rows = [
        {
            "purpose": one["dpv:hasPurpose"]["dct:title"],
            "channel": one["reciprocity:channel"],
            "said": _SAID[one["dpv:hasConsentStatus"]["@type"]],
            "until": one["dpv:hasConsentStatus"].get("dct:valid", "")[:10],
            "data": ", ".join(data["dct:title"] for data in one["dpv:hasPersonalData"]),
        }
        for one in document["dpv:hasProcess"]
    ]
    status = document["dpv:hasProcess"][0]["dpv:hasConsentStatus"]
    act = document["reciprocity:receipts"]["act"]
    return _environment().render_template(
        _TEMPLATE,
        controller=document["dpv:hasDataController"],
        rows=rows,
        at=status["dpv:isIndicatedAtTime"].replace("T", " ")[:16],
        method=status["dpv:hasIndicationMethod"],
        notice=document.get("dpv:hasNotice"),
        leave=document["dpv:hasConsentControl"]["dpv:isExercisedAt"],
        identifier=document["dct:identifier"],
        receipt=json.dumps(act, ensure_ascii=False, sort_keys=True),
    )


@cache
def _environment() -> Environment:
    source = (files("reciprocity.prove") / "templates" / f"{_TEMPLATE}.j2").read_text("utf-8")
    return Environment(templates={_TEMPLATE: source})  # the name ends in .html: all is escaped
