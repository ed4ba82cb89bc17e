"""Restores: a backup brought back without lying about what it lost.

The safekeeping mark tells how far the log had got and who was erased. A backup short of it is
opened under a new origin whose first statement names the old root and the lost range, the erased
are erased again, campaigns that had opened are ended, since some of them may have left in what is
lost, and nothing is sent until two operators have signed that every withdrawal of the gap was
entered again. All of it is done in a folder beside; the journal appears last.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import msgspec
from msgspec.structs import replace

from reciprocity.brand import OWN, campaign_body
from reciprocity.errors import Conflict, Damaged, InputError
from reciprocity.events import (
    CampaignStated,
    ErasureDone,
    LogRestored,
    OperatorActed,
    canonical,
)
from reciprocity.journal.backup import Manifest, check_pair, sync
from reciprocity.journal.destroy import Step, bury, destroy, quiet, resume
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.load import arrive, load, loading, taken
from reciprocity.journal.log_reader import State
from reciprocity.journal.read import Reader
from reciprocity.journal.safekeeping import Mark, Safekeeping
from reciprocity.journal.store import migrate, rotate_link_key
from reciprocity.keys import KeyStore, read_master_key
from reciprocity.model import Campaign
from reciprocity.storage import BUSY_MS, Place, connect, place_of
from reciprocity.storage.sqlite import open_sqlite
from reciprocity.tlog.merkle import Frontier, hash_leaves
from reciprocity.tlog.note import open_checkpoint
from reciprocity.tlog.signing import LogSigner

__all__ = ["STEPS", "Drilled", "Restored", "check_tree", "drill", "restore", "sign_gap"]

_NUMBERED: Final = re.compile(r"(.+?)(?:/([0-9]+))?")
_AT_ONCE: Final = 10_000
_CAMPAIGN: Final = "campaign:"
STEPS: Final = ("check", "unpack", "origin", "erase", "keys.db", "journal.db", "mark", "tidy")


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore came to: *lost* events are known to be gone (-1: nobody can say how many).

    *restored* are the backup's events; the log's *size* has what the restore stated as well.
    """

    origin: str
    size: int
    restored: int
    lost: int
    erased_again: tuple[int, ...]
    signatures_needed: int


class Drilled(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill found: the backup's log, its people, and how they compare with the live ones.

    *moved_on* people have newer events in the live journal.
    """

    origin: str
    size: int
    people: int
    erased: int
    behind: int
    same: int
    moved_on: int


def restore(
    folder: Path,
    *,
    journal_from: Path,
    keys_from: Path,
    master_key: Path,
    safekeeping: Path,
    clock: Callable[[], int],
    operator: str,
    step: Step = quiet,
) -> Restored:
    """Bring the backup in *journal_from* and *keys_from* to life in *folder*.

    Raises `InputError` if a journal or keys are there already, `Damaged` if the backup is not a
    part of the log that safekeeping knows. A restore that was stopped can be run again. *step* is
    told the name of each of `STEPS` before it is done.
    """
    step("check")
    work = folder / "restoring"
    _clear(folder, work)
    manifest = check_pair(journal_from, keys_from)
    with closing(Safekeeping(safekeeping)) as place:
        step("unpack")
        _unpack(work, journal_from, keys_from, manifest, master_key)
        with _open(work, master_key, clock) as journal:
            check_tree(journal)
            step("origin")
            lost = _continue(journal, place.mark, place.erased(), operator)
            step("erase")
            again = _erase_again(journal, place.erased())
            state, root = journal.state(), journal.root(journal.state().size)
        _appear(work, folder, step)
        step("mark")
        place.keep(
            Mark(
                origin=state.origin,
                size=state.size,
                root=root,
                checkpoint=state.checkpoint,
                next_slot=state.next_slot,
            )
        )
    step("tidy")
    shutil.rmtree(work)
    return Restored(
        origin=state.origin,
        size=state.size,
        restored=manifest.size,
        lost=lost,
        erased_again=tuple(again),
        signatures_needed=state.gap,
    )


def sign_gap(journal: Journal, operator: str) -> int:
    """*operator* signs that every withdrawal of the gap was entered again; signatures missing.

    Raises `Conflict` if there is no gap, `InputError` if this operator signed it already.
    """
    state = journal.state()
    if not state.gap:
        raise Conflict("journal has no gap that is to be signed")
    who = operator.strip()
    if not who:
        raise InputError("operator has no name: say who signs")
    body = OperatorActed(
        actor=who, act="gap.signed", detail=msgspec.Raw(canonical({"origin": state.origin}))
    )
    act_id = f"gap/{state.origin}/{who.casefold()}"
    if journal.append([Entry(kind="gap.signed", body=body, act_id=act_id)])[0].again:
        raise InputError("gap is signed by this operator already: another one must sign, too")
    return journal.state().gap


def drill(
    *,
    journal_from: Path,
    keys_from: Path,
    master_key: Path,
    scratch: Path,
    clock: Callable[[], int],
    live: Journal | None = None,
) -> Drilled:
    """Restore into a folder under *scratch*, check everything, compare with *live*, and forget it.

    Changes nothing. Raises `Damaged` where the backup contradicts itself or the live journal.
    """
    manifest = check_pair(journal_from, keys_from)
    with TemporaryDirectory(dir=scratch, prefix="drill-") as place:
        work = Path(place) / "restoring"
        _unpack(work, journal_from, keys_from, manifest, master_key)
        with _open(work, master_key, clock) as journal:
            check_tree(journal)
            state = journal.state()
            if live is not None and live.root(manifest.size).hex() != manifest.root:
                raise Damaged("backup is not a part of the live log: one of them was replaced")
            same, moved_on = _compare(journal, live) if live is not None else (0, 0)
            return Drilled(
                origin=state.origin,
                size=manifest.size,
                people=journal.count(),
                erased=len(journal.erased()),
                behind=live.state().size - manifest.size if live is not None else 0,
                same=same,
                moved_on=moved_on,
            )


def check_tree(journal: Journal) -> None:
    """Hold that every leaf, from the first, makes the root that the checkpoint signed."""
    state = journal.state()
    checkpoint = open_checkpoint(state.checkpoint, journal.verifier())
    tree = Frontier()
    for start in range(0, state.size, _AT_ONCE):
        tree.extend(hash_leaves(journal.reader.leaves(start, min(start + _AT_ONCE, state.size))))
    if (tree.size, tree.root()) != (checkpoint.size, checkpoint.root):
        raise Damaged("journal's events are not those its checkpoint signed: use another backup")


def _appear(work: Path, folder: Path, step: Step) -> None:
    """Let what was restored in *work* be the brand's, the journal last."""
    if (place := place_of(folder)) is not None:
        _appear_at(place, work, step)
        return
    for name in ("keys.db", "journal.db"):
        step(name)
        sync(work / name)
        (work / name).rename(folder / name)
        sync(folder)


def _appear_at(place: Place, work: Path, step: Step) -> None:
    step("keys.db")
    with ExitStack() as opened, loading(place):
        files = {
            name: opened.enter_context(
                closing(open_sqlite(work / f"{name}.db", durable=True, busy_ms=BUSY_MS))
            )
            for name in ("keys", "journal")
        }
        load(files, place)
        step("journal.db")
        arrive(place)


def _clear(folder: Path, work: Path) -> None:
    """Take away what a restore that was stopped left; refuse to touch anything else."""
    if (place := place_of(folder)) is not None:
        known = {place.schema("journal"), place.schema("keys")}.intersection(taken(place))
        if known:
            raise InputError(
                f"schemas are there ({', '.join(sorted(known))}): a restore never writes over "
                "them; rename both first (ALTER SCHEMA ... RENAME TO ...)"
            )
        shutil.rmtree(work, ignore_errors=True)
        return
    if (folder / "journal.db").exists():
        raise InputError(
            f"journal {folder / 'journal.db'} is there: a restore never writes over one; move it, "
            "keys.db and standing.db away first"
        )
    moved = work.exists() and not (work / "keys.db").exists() and (work / "journal.db").exists()
    if moved:
        (folder / "keys.db").unlink(missing_ok=True)
    for name in ("keys.db", "journal.db-wal", "keys.db-wal"):
        if (folder / name).exists():
            raise InputError(f"file {folder / name} is there: move it away before a restore")
    shutil.rmtree(work, ignore_errors=True)
    for name in ("standing.db", "standing.db-wal", "standing.db-shm"):
        (folder / name).unlink(missing_ok=True)  # of another history


def _unpack(
    work: Path, journal_from: Path, keys_from: Path, manifest: Manifest, master_key: Path
) -> None:
    """Copy the backup to *work*, with a safekeeping of its own that knows whom it buried."""
    work.mkdir(parents=True, mode=0o700)
    for source in (journal_from / "journal.db", keys_from / "keys.db"):
        shutil.copyfile(source, work / source.name)
        (work / source.name).chmod(0o600)
    migrate(work / "journal.db")
    keys = KeyStore(work / "keys.db", read_master_key(master_key))
    db = connect(work / "journal.db", durable=True)
    with keys, closing(db), closing(Safekeeping.create(work / "safe")) as place:
        for told in Reader(db, keys).brand_events("person.erased"):
            place.keep_erased(cast("ErasureDone", told.body).slot, manifest.at)


def _open(work: Path, master_key: Path, clock: Callable[[], int]) -> Journal:
    return Journal(work, master_key=master_key, safekeeping=work / "safe", clock=clock)


def _continue(journal: Journal, mark: Mark, erased: Iterable[int], operator: str) -> int:
    """Go on under the old origin if nothing is missing, else under a new one; events lost."""
    state = journal.state()
    root = journal.root(state.size)
    if (mark.origin, mark.size, mark.root) == (state.origin, state.size, root):
        return 0
    if mark.origin and _numbered(mark.origin)[0] != _numbered(state.origin)[0]:
        raise InputError(f"safekeeping is of the log {mark.origin}, the backup of {state.origin}")
    if (
        mark.origin == state.origin
        and mark.size <= state.size
        and journal.root(mark.size) != mark.root
    ):
        raise Damaged("backup is not a part of the log that safekeeping knows: use another")
    here = Mark(origin=state.origin, size=state.size, root=root, checkpoint=state.checkpoint)
    old = mark if mark.size else here
    given = max([old.next_slot, state.next_slot, *(slot + 1 for slot in erased)])
    _open_new_origin(journal, state, old, operator, given)
    return max(0, mark.size - state.size) if mark.origin == state.origin else -1


def _open_new_origin(
    journal: Journal, state: State, old: Mark, operator: str, next_slot: int
) -> None:
    base, number = _numbered(old.origin)
    origin = f"{base}/{max(number, _numbered(state.origin)[1]) + 1}"
    key = LogSigner(origin, journal.keys.signer()).verifier_key.encode()
    told = LogRestored(
        origin=origin,
        key=key,
        old_origin=old.origin,
        old_size=old.size,
        old_root=old.root.hex(),
        old_checkpoint=old.checkpoint.decode(),
        restored_size=state.size,
        next_slot=next_slot,
    )
    who = OperatorActed(actor=operator, act="restored")
    journal.append([
        Entry(kind="log.restored", body=told),
        Entry(kind="operator.acted", body=who),
        *_ended(journal, operator),
    ])  # fmt: skip
    with closing(journal.connection()) as db:  # versions are given again, links must not be
        rotate_link_key(db, journal.clock())


def _ended(journal: Journal, operator: str) -> Iterator[Entry]:
    """The statements that end each campaign that has opened: once more, without its messages."""
    at = journal.clock()
    for name in sorted(journal.forced()):
        stated = journal.in_force(name) if name.startswith(_CAMPAIGN) else None
        if stated is None or name == f"{_CAMPAIGN}{OWN}":
            continue
        campaign = msgspec.json.decode(stated[1], type=Campaign)
        if campaign.messages and campaign.opens <= at:
            ended = msgspec.Raw(campaign_body(replace(campaign, messages={})))
            body = CampaignStated(campaign=name.removeprefix(_CAMPAIGN), actor=operator, body=ended)
            yield Entry(kind="campaign.stated", body=body, in_force=name)


def _numbered(origin: str) -> tuple[str, int]:
    found = _NUMBERED.fullmatch(origin)
    return (found[1], int(found[2] or 1)) if found else (origin, 1)


def _erase_again(journal: Journal, listed: dict[int, int]) -> list[int]:
    """Erase whom the backup brought back to life; finish whom it caught half-way."""
    again = []
    for slot, at in listed.items():
        kept = journal.kept(slot)
        if kept is not None and not kept.standing.erased:
            bury(journal, slot, requested_at=at)
            destroy(journal, slot)
            again.append(slot)
    resume(journal)
    return again


def _compare(restored: Journal, live: Journal) -> tuple[int, int]:
    """How many people stand the same, and how many have newer events in the live journal."""
    same = moved_on = 0
    now = live.everyone()  # both in slot order
    for kept in restored.everyone():
        then = kept.standing
        standing = next((one.standing for one in now if one.standing.slot >= then.slot), None)
        if standing is None or standing.slot != then.slot or standing.version < then.version:
            raise Damaged(f"person in slot {then.slot} is not in the live journal so far")
        if standing.version > then.version or standing.erased != then.erased:
            moved_on += 1
        elif standing == then:
            same += 1
        else:
            raise Damaged(f"standing of slot {then.slot} is another one in the backup")
    return same, moved_on
