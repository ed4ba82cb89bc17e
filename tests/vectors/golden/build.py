"""`python tests/vectors/golden/build.py`: a small journal of this release, with every kind in it.

Every later release opens a copy of it, rebuilds and verifies it (`tests/journal/test_golden.py`).
It is built once a release and never again: keys and salts are random, so another run makes
another log that says the same.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from reciprocity.events import (  # noqa: E402 - the path comes first
    KINDS,
    Act,
    Body,
    CampaignStated,
    Evidence,
    Held,
    LogRestored,
    Objection,
    OperatorActed,
    Outcome,
    PointSet,
    Quiet,
    TopicLevel,
)
from reciprocity.journal.entry import Entry, act_part  # noqa: E402
from reciprocity.journal.journal import Journal  # noqa: E402
from reciprocity.journal.restore import sign_gap  # noqa: E402
from reciprocity.leave.erase import erase, request, undo  # noqa: E402
from reciprocity.model import Profile  # noqa: E402
from reciprocity.tlog.note import open_checkpoint  # noqa: E402
from reciprocity.tlog.signing import LogSigner  # noqa: E402
from tests.journal.small import (  # noqa: E402
    NOON,
    ORIGIN,
    Clock,
    address,
    attempt,
    create,
    no_more,
    noted,
    registration,
    stated,
    yes,
)

FILES = ("journal.db", "keys.db")


def _say(journal: Journal, slot: int, kind: str, **parts: object) -> int:
    act = Act(actor="person", method="form", **parts)
    return journal.append([Entry(kind=kind, body=act, slot=slot)])[0].version


def _people(journal: Journal) -> list[int]:
    slots = []
    for number in range(12):
        act_id = f"form-{number}"
        entries = [
            registration(journal, f"p{number}", act_id=act_id),
            yes(act_id=act_part(act_id, 1)),
        ]
        slots.append(journal.append(entries)[0].slot)
    digest = journal.digest("email", address("imported"))
    imported = Act(
        actor="import:crm", method="file", source="crm.csv",
        evidence=Evidence(when=NOON - 1_000, how="shop form", text="v3"),
        points=(PointSet(channel="email"),), consent=yes().body.consent,
    )  # fmt: skip
    profile = Profile(external_id="ext-imported", points={"email": address("imported")})
    entry = Entry(
        kind="person.imported", body=imported, new=(("email", digest),), profile=profile,
        happened_at=NOON - 500,
    )  # fmt: skip
    slots.append(journal.append([entry])[0].slot)
    return slots


def _wishes(journal: Journal, slots: list[int]) -> None:
    rows = yes().body.consent
    pending = msgspec.structs.replace(rows[0], state="pending", until=NOON + 10**9)
    _say(journal, slots[0], "consent.requested", consent=(pending,))
    _say(journal, slots[0], "consent.confirmed", consent=rows)
    _say(journal, slots[1], "consent.refused", consent=no_more(0).body.consent)
    journal.append([no_more(slots[2], act_id="click-2")])
    _say(journal, slots[3], "objection.made", objections=(Objection(purpose="*"),))
    _say(journal, slots[3], "objection.lifted", objections=(Objection(purpose="*", lifted=True),))
    _say(
        journal, slots[4], "preferences.set", topics={"tea": TopicLevel(level=2)},
        caps={"email": (1, None)}, quiet=Quiet(start=1_320, end=420), pauses={"*": NOON + 10**8},
        language="de", time_zone="Europe/Vienna",
    )  # fmt: skip
    known = journal.profile(slots[5])
    told = Act(actor="person", method="form", told=("age",), shared={"offers": ("age",)})
    profile = Profile(
        external_id=known.external_id, points=known.points, attributes={"age": 37},
        since={"age": 3},
    )  # fmt: skip
    journal.append([Entry(kind="profile.set", body=told, slot=slots[5], expect=2, profile=profile)])
    _say(
        journal,
        slots[6],
        "contact_point.set",
        points=(PointSet(channel="email", point=1, retired=True),),
    )
    _say(
        journal,
        slots[7],
        "contact_point.bounced",
        points=(PointSet(channel="email", point=1, bounced=True),),
    )
    _say(
        journal,
        slots[8],
        "contact_point.suppressed",
        points=(PointSet(channel="email", point=1, suppressed=True),),
    )
    _say(journal, slots[9], "age.stated", age_at_least=18)
    request(journal, slots[10], actor="person", method="link", at=NOON)
    undo(journal, slots[10], actor="person", method="link")


def _deliveries(journal: Journal, slots: list[int]) -> None:
    outcomes = ("delivered", "failed", "cancelled", "unknown", "bounced", "complained")
    for slot, outcome in zip(slots, outcomes, strict=False):
        version = journal.append([attempt(journal, slot)])[0].version
        body = Outcome(attempt=version, reason="example")
        journal.append([Entry(kind=f"delivery.{outcome}", body=body, slot=slot)])
    held = Held(message="mens", occasion="spring", reason="paused", until=NOON + 5)
    journal.append([Entry(kind="delivery.held", body=held, slot=slots[7])])
    journal.append([attempt(journal, slots[8])])


def _brand(journal: Journal) -> None:
    body: Body = CampaignStated(campaign="spring", actor="operator:ada")
    journal.append([Entry(kind="campaign.stated", body=body, in_force="campaign:spring")])
    journal.append([Entry(kind="campaign.planned", body=body)])
    journal.append([stated("notice.published", "notice:a", {"text": "x" * 17_000})])
    journal.append([stated("audit.published", "audit", {"breaches": 0})])
    digest = journal.digest("email", address("never"))
    acted = OperatorActed(actor="operator:ada", act="suppress")
    journal.append([Entry(kind="suppression.added", body=acted, suppress=(digest,))])
    journal.append_many([[noted(f"look {number}")] for number in range(240)])  # one full tile


def _restored(journal: Journal) -> None:
    state = journal.state()
    origin = f"{ORIGIN}/2"
    body = LogRestored(
        origin=origin, key=LogSigner(origin, journal.keys.signer()).verifier_key.encode(),
        old_origin=ORIGIN, old_size=state.size, old_root=journal.root(state.size).hex(),
        old_checkpoint=state.checkpoint.decode(), restored_size=state.size,
    )  # fmt: skip
    journal.append([Entry(kind="log.restored", body=body)])
    sign_gap(journal, "operator:ada")
    sign_gap(journal, "operator:bea")


def plain(value: object) -> object:
    """*value* by field names, without what is unset: so a later release can add a field."""
    if isinstance(value, msgspec.Struct):
        unset = {f.name: f.default for f in msgspec.structs.fields(value)}
        found = {name: plain(part) for name, part in msgspec.structs.asdict(value).items()}
        return {
            name: part
            for name, part in found.items()
            if part not in ({}, [], "") and part != unset[name]
        }
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.hex() if isinstance(value, bytes) else value


def standing_of(journal: Journal) -> dict[str, object]:
    """What stands for everyone, as JSON can hold it."""
    return {
        str(kept.standing.slot): {
            "standing": plain(kept.standing),
            "clear": kept.clear,
            "pseudonym": kept.pseudonym.hex(),
        }
        for kept in journal.everyone()
    }


def kinds_of(journal: Journal) -> dict[str, int]:
    """How many events there are of each kind; those of the erased have none any more."""
    counts: dict[str, int] = {}
    for row in journal.reader.rows(0, journal.state().size):
        counts[row.kind or ""] = counts.get(row.kind or "", 0) + 1
    return dict(sorted(counts.items()))


def build(root: Path) -> None:
    """Build the journal under *root*, and put it here with what is expected of it."""
    clock = Clock()
    with create(root, clock) as journal:
        slots = _people(journal)
        _brand(journal)
        _wishes(journal, slots)
        _deliveries(journal, slots)
        clock.at += 10**6
        erase(journal, slots[11], operator="operator:ada", now=True)
        request(journal, slots[9], actor="person", method="link", at=clock.at)
        _restored(journal)
        state = journal.state()
        checkpoint = open_checkpoint(state.checkpoint, journal.verifier())
        expected = {
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "checkpoint": state.checkpoint.decode(),
            "key": journal.signer().verifier_key.encode(),
            "kinds": kinds_of(journal),
            "standing": standing_of(journal),
        }
        missing = {kind for kind, _ in KINDS} - kinds_of(journal).keys()
    if missing:
        sys.exit(f"no event of {sorted(missing)}")
    for name in FILES:
        shutil.copyfile(root / "live" / name, HERE / name)
    shutil.copyfile(root / "away" / "master.key", HERE / "master.key")
    text = msgspec.json.format(msgspec.json.encode(expected, order="sorted"), indent=1)
    (HERE / "expected.json").write_bytes(text + b"\n")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        build(Path(folder))
