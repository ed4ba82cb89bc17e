"""Take-out: everything that is held on a person, as files that people and programs can read.

`data.json` has what stands and what was told, `events.csv` everything that is recorded,
`observed.json` what they were seen doing, and `proof.json` why the records are all (GDPR 15 and
20). Made in memory, kept nowhere.
"""

import csv
import io
import zipfile
from typing import Final

import msgspec

from reciprocity.brand import BrandStatement
from reciprocity.errors import InputError
from reciprocity.journal.journal import Journal
from reciprocity.prove.person import person_proof
from reciprocity.vault.observed import observed_of

__all__ = ["takeout"]

_NOTE: Final = """\
Everything that {name} holds on you.

data.json      your addresses, what you told, and what stands of your wishes
events.csv     everything that was recorded of you, oldest first
observed.json  what you were seen doing, where you said yes to that; it is deleted in time, and is
               no part of the records
proof.json     the records with the proof that none was changed or left out: anyone can check it
               with `python -m reciprocity.prove.verify person proof.json --key KEY`, or on a page
               that checks proofs in the browser

Instants are in milliseconds since 1970, UTC.
"""
_DAY: Final = (1980, 1, 1, 0, 0, 0)  # a ZIP tells when its files were made: that is nobody's matter


def takeout(journal: Journal, brand: BrandStatement, slot: int) -> bytes:
    """A ZIP of all that is held on the person in *slot*.

    Raises `InputError` for a person who is erased: then nothing is held that could be read.
    """
    kept = journal.kept(slot)
    history = journal.history(slot)
    if kept is None or kept.standing.erased or not history:
        raise InputError("person is erased, or was never written of: nothing is held on them")
    profile = journal.profile(slot)
    data = {
        "pseudonym": journal.pseudonym(slot),
        "addresses": profile.points,
        "attributes": profile.attributes,
        "external_id": profile.external_id,
        "answers": _named(kept.standing.wishes.answers),
        "requests": _named(kept.standing.wishes.requests),
        "objections": sorted(kept.standing.wishes.objections),
        "topics": {name: one.level for name, one in kept.standing.wishes.topics.items()},
        "caps": kept.standing.wishes.caps,
        "pauses": kept.standing.wishes.pauses,
        "quiet": kept.standing.wishes.quiet,
        "shared": kept.standing.wishes.shared,
        "language": kept.standing.wishes.language,
        "time_zone": kept.standing.wishes.time_zone,
        "age_at_least": kept.standing.wishes.age_at_least,
        "erase_at": kept.standing.wishes.erase_at,
    }
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(("position", "recorded_at", "happened_at", "kind", "event"))
    for told in history:
        writer.writerow((told.position, told.at, told.happened_at, told.kind, told.text.decode()))
    return _zip({
        "README.txt": _NOTE.format(name=brand.controller.name).encode(),
        "data.json": msgspec.json.format(msgspec.json.encode(data), indent=2),
        "events.csv": table.getvalue().encode(),
        "observed.json": msgspec.json.format(
            msgspec.json.encode(observed_of(journal, slot)), indent=2
        ),
        "proof.json": person_proof(journal, slot).encode(),
    })  # fmt: skip


def _named(answers: object) -> object:
    """Answers by name and not by place, so that a reader knows what is what."""
    found = {}
    if isinstance(answers, dict):
        for key, one in answers.items():
            parts = {name: getattr(one, name) for name in ("state", "at", "until", "notice")}
            found[key] = parts
    return found


def _zip(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DAY), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
