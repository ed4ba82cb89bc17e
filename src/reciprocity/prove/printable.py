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
_STANDING: Final = {"dpv:ConsentGiven", "dpv:ConsentRequested"}
_NAME, _TOLD, _PROOF, _ROWS = 48, 500, 2_600, 5
"""Characters of a name, a notice, a proof, and answers that one sheet has room for."""


def printable(document: Mapping[str, Any]) -> str:
    """The page, as HTML, of the consent receipt *document* (`verify/consent.py`).

    Self-contained: no script, nothing loaded. Whatever the brand or the person wrote is text. It
    is one sheet of A4: what does not fit is cut, and the page says so.
    """
    record = document["dpv:hasRecordOfActivity"]
    processes = record["dpv:hasProcess"]
    status = processes[0]["dpv:hasConsentStatus"]
    notice = record.get("dpv:hasNotice")
    told = notice["dct:description"] if notice else ""
    proof = json.dumps(document["reciprocity:receipts"]["act"], ensure_ascii=False, sort_keys=True)
    return _environment().render_template(
        _TEMPLATE,
        controller=record["dpv:hasDataController"],
        rows=[_row(one) for one in processes[:_ROWS]],
        rows_left=max(len(processes) - _ROWS, 0),
        yes=any(one["dpv:hasConsentStatus"]["@type"] in _STANDING for one in processes),
        at=status["dpv:isIndicatedAtTime"].replace("T", " ")[:16],
        method=_cut(status["dpv:hasIndicationMethod"], _NAME),
        told=_cut(told, _TOLD),
        told_language=notice["dct:language"] if notice else "",
        told_whole=len(told) <= _TOLD,
        leave=record["dpv:hasConsentControl"]["dpv:isExercisedAt"],
        identifier=document["dct:identifier"],
        receipt=proof if len(proof) <= _PROOF else "",
    )


def _row(process: Mapping[str, Any]) -> dict[str, str]:
    status = process["dpv:hasConsentStatus"]
    data = ", ".join(one["dct:title"] for one in process["dpv:hasPersonalData"])
    return {
        "purpose": _cut(process["dpv:hasPurpose"]["dct:title"], _NAME),
        "channel": process["reciprocity:channel"],
        "said": _SAID[status["@type"]],
        "until": status.get("dct:valid", "")[:10],
        "data": _cut(data, _NAME),
    }


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "\u2026"


@cache
def _environment() -> Environment:
    source = (files("reciprocity.prove") / "templates" / f"{_TEMPLATE}.j2").read_text("utf-8")
    return Environment(templates={_TEMPLATE: source})  # the name ends in .html: all is escaped
