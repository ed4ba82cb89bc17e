"""The brand's folder, open: what a caller asks of it, handed to the chapter that does it.

A brand is a folder: `brand.toml`, the journal, the keys. What stands in the file is a wish; what
`apply` put into the log is in force.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import msgspec

from reciprocity.brand import (
    Brand,
    BrandStatement,
    Checker,
    LawPack,
    check_conditions,
    check_templates,
    load,
    problems,
)
from reciprocity.collect.imports import ImportReport, import_people
from reciprocity.collect.joining import join_people
from reciprocity.collect.mapping import read_mapping
from reciprocity.consent.draft import Drafted, Saying
from reciprocity.consent.state import Wishes
from reciprocity.decide.live import Advised, Live
from reciprocity.decide.named import attributes_named
from reciprocity.decide.one import Why
from reciprocity.decide.statements import statements_in_force
from reciprocity.deliver.campaign import Plan, Planned
from reciprocity.deliver.email.template import names_used
from reciprocity.deliver.link import Links
from reciprocity.deliver.onsite import OnSite
from reciprocity.deliver.preview import Previews
from reciprocity.deliver.run import Post, SendReport, send_campaign, send_waiting
from reciprocity.errors import Conflict, InputError
from reciprocity.events import OperatorActed, canonical
from reciprocity.journal.entry import ANY_VERSION, TAKES_AWAY, Appended, Entry
from reciprocity.journal.journal import Journal, now_ms
from reciprocity.leave import erase as erasing
from reciprocity.model import Decision, Engine, Id
from reciprocity.platform.apply import put_in_force
from reciprocity.platform.asking import LEAST, ask
from reciprocity.platform.deciding import decide_now, decide_people, why_now
from reciprocity.platform.observing import collector_of
from reciprocity.platform.planning import plan_by
from reciprocity.platform.posting import open_post
from reciprocity.platform.tick import Ticked, tick
from reciprocity.prove.audit import audit, audit_person
from reciprocity.prove.consent import receipts_for
from reciprocity.prove.cosigning import Cosigning, cosign, cosigned_checkpoint
from reciprocity.prove.figures import Audit
from reciprocity.prove.policy_file import check_policy, policy_of
from reciprocity.prove.published import found_in
from reciprocity.prove.receipt import Receipt, receipt_for
from reciprocity.prove.verify.consent import consent_document
from reciprocity.tlog.note import Checkpoint, LogProof, Note
from reciprocity.vault.people import find

if TYPE_CHECKING:
    from reciprocity.collect.collector import Collector
    from reciprocity.decide.many.views import Answer

__all__ = ["Reciprocity", "check_brand"]

CHECKERS: Final[tuple[Checker, ...]] = (
    check_templates(names_used),
    check_conditions(attributes_named),
    check_policy,
)
_TRIES: Final = 8


def check_brand(folder: Path) -> tuple[str, ...]:
    """Everything that is wrong with the brand file in *folder*; nothing, if all is well."""
    return problems(folder, CHECKERS)


class Reciprocity:
    """One brand's folder, open. Safe to share between threads."""

    def __init__(self, brand: Brand, journal: Journal) -> None:
        """Wire *brand* to *journal*; callers use `open` or `create`."""
        self.brand, self.journal = brand, journal
        self._closing = ExitStack()
        self._closing.callback(journal.close)

    @classmethod
    def open(cls, folder: str | Path, clock: Callable[[], int] = now_ms) -> Self:
        """Open the brand in *folder*.

        Raises `InputError` for a brand file with faults or a folder never applied, `Unavailable`
        when keys or safekeeping are out of reach, `Damaged` when the journal contradicts itself.
        """
        brand = load(Path(folder), CHECKERS)
        journal = Journal(
            brand.folder, master_key=brand.master_key, safekeeping=brand.safekeeping, clock=clock
        )
        return cls(brand, journal)

    @classmethod
    def create(cls, folder: str | Path, clock: Callable[[], int] = now_ms) -> Self:
        """Open the brand in *folder*; keys, journal and safekeeping are made if not there."""
        brand = load(Path(folder), CHECKERS)
        statement = brand.statement
        journal = Journal.create(
            brand.folder,
            origin=f"{statement.domain}/{statement.id}",
            master_key=brand.master_key,
            safekeeping=brand.safekeeping,
            clock=clock,
        )
        return cls(brand, journal)

    # -- what is in force --

    def apply(self, actor: str) -> list[str]:
        """Put the brand file in force in the log; the names of what changed by it.

        One act: brand file, rulebook, law packs, notices and campaigns together, or none. A
        campaign that the file no longer has ends. Raises `InputError` for one that was sent and
        is now to close later, and for purposes that would leave somebody's no behind.
        """
        return put_in_force(self.journal, self.brand, actor)

    @cached_property
    def collector(self) -> "Collector":
        """Takes what is reported of people, as far as a yes to looking stands."""
        return collector_of(self.journal)

    @cached_property
    def laws(self) -> tuple[LawPack, ...]:
        """The law packs in force."""
        return statements_in_force(self.journal).laws

    # -- acts of, and for, one person --

    @property
    def statement(self) -> BrandStatement:
        """The brand's statement in force."""
        return statements_in_force(self.journal).brand

    def wishes(self, slot: int) -> Wishes:
        """What stands of the wishes of the person in *slot*."""
        kept = self.journal.kept(slot)
        return kept.standing.wishes if kept else Wishes()

    def merge(self, stays: int, other: int, actor: str) -> list[Appended]:
        """Bring two people found to be one to the strictest wishes of both; see `join_people`."""
        stated = statements_in_force(self.journal)
        return join_people(self.journal, stated.brand, stated.laws, stays, other, actor=actor)

    def import_people(
        self,
        source: Path,
        mapping: Path,
        rejects: Path,
        *,
        actor: str,
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> ImportReport:
        """Take in the people of a CSV file, as the file *mapping* reads it.

        *progress* is told (bytes done, bytes). See `collect.imports.import_people`.
        """
        read, size = read_mapping(mapping), source.stat().st_size if source.exists() else 0
        return import_people(
            self.journal, self.statement, self.laws, read, source, rejects,
            operator=actor, progress=lambda done: progress(done, size),
        )  # fmt: skip

    def note_look(self, slot: int, actor: str) -> None:
        """Put on record that an operator looks at what is sealed of the person in *slot*.

        To be called, and to return, before anything is shown.
        """
        detail = msgspec.Raw(canonical({"slot": slot}))
        looked = OperatorActed(actor=actor, act="reveal", detail=detail)
        self.journal.append([Entry(kind="operator.acted", body=looked)])

    def find(self, who: str) -> int:
        """The slot of the person known by an address, an external id or a pseudonym."""
        return find(self.journal, who)

    def saying(self, actor: str, method: str, **more: str) -> Saying:
        """In whose name something is said, under the statements now in force."""
        statements = statements_in_force(self.journal)
        return Saying(
            brand=statements.brand,
            laws=statements.laws,
            actor=actor,
            method=method,
            at=max(self.journal.clock(), self.journal.state().last_at),
            **more,
        )

    def act(
        self, slot: int, draft: Callable[[], Drafted], *, act_id: str = ""
    ) -> tuple[Appended, Receipt]:
        """Append what *draft* says for the person in *slot*; where it stands, and its receipt.

        *draft* is called anew when history moved on meanwhile; what only takes away is not held up
        by that for ever.
        """
        for left in reversed(range(_TRIES)):
            kept = self.journal.kept(slot)
            version = kept.standing.version if kept else 0
            kind, body = draft()
            version = version if left or kind not in TAKES_AWAY else ANY_VERSION
            entry = Entry(kind=kind, body=body, slot=slot, expect=version, act_id=act_id)
            try:
                (appended,) = self.journal.append([entry], prove=True)
            except Conflict:
                if kept is not None and kept.standing.erased:
                    raise
                continue
            if appended.again:
                return appended, self.receipt(appended.position)
            return appended, receipt_for(appended)
        raise Conflict("person's history kept moving on: try again in a moment")

    def receipt(self, position: int, *, cosigned: bool = False) -> Receipt:
        """The receipt of the event at *position*, under the newest checkpoint.

        Or under the newest one *cosigned* as the brand's policy asks; raises `InputError` where
        the witnesses have not got as far yet.
        """
        told, note = self.journal.told(position), b""
        if cosigned:
            note = cosigned_checkpoint(self.journal.folder, self.journal.state().origin) or b""
            size = Checkpoint.parse(Note.parse(note).text).size if note else 0
            if position >= size:
                raise InputError(
                    f"witnesses have cosigned {size} events, not yet event {position}: run "
                    "`reciprocity log cosign`, or ask again after the next tick"
                )
        appended = Appended(position=position, at=told.at, text=told.text, salt=told.salt)
        return receipt_for(appended, self.journal.prove(position, note))

    def consent_receipt(self, position: int, *, cosigned: bool = False) -> dict[str, object]:
        """The receipt of the act at *position* as ISO/IEC TS 27560 has it, in DPV JSON-LD.

        *cosigned* as `receipt` has it. Raises `InputError` for an event that says neither yes nor
        no.
        """
        receipt = partial(self.receipt, cosigned=cosigned)
        return consent_document(receipts_for(self.journal, position, receipt))

    def position_of(self, receipt: Receipt) -> int:
        """Where the event of *receipt* stands; `InputError` if it is not of this log."""
        position = LogProof.parse(receipt.proof.encode()).index
        if position >= self.journal.state().size:
            raise InputError("receipt is not of this log: it has no such event")
        here = self.receipt(position)
        if (here.event, here.salt) != (receipt.event, receipt.salt):
            raise InputError("receipt is not of this log: another event stands at its place")
        return position

    def refreshed(self, receipt: Receipt) -> Receipt:
        """*receipt* under the newest cosigned checkpoint: the same event, more who vouch for it.

        Raises `InputError` for a receipt that is not of this log.
        """
        return self.receipt(self.position_of(receipt), cosigned=True)

    # -- deciding and delivering --

    def plan(
        self,
        campaign: Id,
        at: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        on_person: Callable[[Planned], None] | None = None,
        *,
        engine: Engine | str = Engine.PYTHON,
        on_snapshot: Callable[[int, int], None] | None = None,
    ) -> Plan:
        """What *campaign* would meet, for everyone; see `plan_by`."""
        return plan_by(
            Engine(engine), self.journal, campaign, at, progress,
            on_snapshot=on_snapshot, on_person=on_person,
        )  # fmt: skip

    def ask(self, purpose: Id, sql: str, *, actor: str, least: int = LEAST) -> "Answer":
        """What people share for *purpose* comes to, by a counting SELECT; see `asking.ask`."""
        return ask(self.journal, purpose, sql, actor=actor, least=least)

    def why(self, slot: int, campaign: Id, message: Id) -> Why:
        """What is decided of *message* for one person now, and the facts that decide it."""
        return why_now(self.journal, slot, campaign, message)

    @cached_property
    def post(self) -> Post:
        """What sending needs; transports are opened when this is first asked for."""
        return open_post(self.journal, self.brand, self.links, self._closing)

    @cached_property
    def on_site(self) -> OnSite:
        """What the brand's own pages may show."""
        return OnSite(self.journal, self.live, self.links, self.brand.base_url)

    @cached_property
    def live(self) -> Live:
        """Every message of the campaigns in force."""
        return Live(self.journal)

    def decide(self, person: str, *, channel: Id = "", place: Id = "") -> list[Advised]:
        """What is decided of each live message for *person* now; see `decide_now`."""
        return decide_now(self.journal, self.live, person, channel, place)

    def decide_people(self, people: Sequence[str], campaign: Id, message: Id) -> list[Decision]:
        """What is decided of one message now for each of *people*, in their order."""
        return decide_people(self.journal, people, campaign, message)

    @cached_property
    def previews(self) -> Previews:
        """What the last month would have brought people under other choices."""
        return Previews(self.journal)

    @cached_property
    def links(self) -> Links:
        """Makes and reads the links in messages."""
        with closing(self.journal.connection()) as db:
            return Links(db, self.journal.clock())

    def send(
        self,
        campaign: Id,
        actor: str,
        on_plan: Callable[[int, int], None] | None = None,
        on_sent: Callable[[int, int], None] | None = None,
    ) -> SendReport:
        """Plan *campaign* and send all that is due."""
        return send_campaign(self.post, campaign, actor=actor, on_plan=on_plan, on_sent=on_sent)

    def send_waiting(self) -> list[SendReport]:
        """Send what waited and is due now."""
        return send_waiting(self.post)

    # -- leaving --

    def ask_erasure(self, slot: int, actor: str, method: str) -> tuple[Appended, Receipt]:
        """Ask for erasure in 48 hours; from here on nothing is sent to the person."""
        at = max(self.journal.clock(), self.journal.state().last_at)
        asked = erasing.request(self.journal, slot, actor=actor, method=method, at=at)
        return asked, receipt_for(asked)

    def undo_erasure(self, slot: int, actor: str, method: str) -> tuple[Appended, Receipt]:
        """Take the request back, in time."""
        undone = erasing.undo(self.journal, slot, actor=actor, method=method)
        return undone, receipt_for(undone)

    def erase(self, slot: int, actor: str, *, now: bool = False) -> tuple[Appended, Receipt]:
        """Erase the person in *slot*; *now* skips what is left of the time to undo it."""
        erased = erasing.erase(
            self.journal, slot, operator=actor, now=now, audit=partial(found_in, self.journal)
        ).receipt
        return erased, receipt_for(erased)

    def tick(self, actor: str) -> Ticked:
        """Do all that is due; see `platform/tick.py`."""
        return tick(self, actor)

    # -- proof --

    def audit(
        self, progress: Callable[[int, int], None] | None = None, processes: int = 1
    ) -> Audit:
        """Replay every delivery, in *processes*."""
        return audit(self.journal, progress, processes=processes)

    def audit_person(self, slot: int) -> Audit:
        """Replay the deliveries to one person."""
        return audit_person(self.journal, slot)

    def cosign(self) -> Cosigning:
        """Ask the brand's witnesses to cosign the newest checkpoint; how it went with each.

        Raises `InputError` when the brand file names none.
        """
        return cosign(self.journal, policy_of(self.brand))

    # -- ending --

    def close(self) -> None:
        """Close everything."""
        self._closing.close()

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything."""
        self.close()
