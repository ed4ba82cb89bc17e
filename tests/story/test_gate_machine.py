"""Anything may happen in any order; what leaves was permitted by a model that shares no code."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reciprocity.consent import draft
from reciprocity.consent.laws import IMPORT
from reciprocity.errors import Conflict, InputError
from reciprocity.events import Act, ConsentRow, Evidence, Objection, PointSet, Quiet, TopicLevel
from reciprocity.journal.entry import Entry
from reciprocity.leave import erase as leaving
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import set_address
from reciprocity.vault.suppression import suppress
from tests.place import copied, placed
from tests.shop import BRAND, DAY, MAILDIR, START, Clock, entry_for
from tests.story.naive import Person, Shop

HOUR = 3_600_000
SINGLE = {"summer": "roses", "autumn": "bulbs", "winter": "spades"}
OCCASIONS = {"spring": ("garden", "kitchen")} | {name: (each,) for name, each in SINGLE.items()}
SUBJECTS = {"The garden in spring": "garden", "The kitchen in spring": "kitchen"} | {
    f"All about {each}": each for each in SINGLE.values()
}
CAMPAIGN = """
[campaigns.{name}]
title = "{name}"
opens = 2026-01-01T00:00:00Z
closes = 2030-06-01T00:00:00Z

[campaigns.{name}.messages.{message}]
purpose = "offers"
channel = "email"
subject = "All about {message}"
text = "Read on. {{{{ unsubscribe_url }}}}"
topics = {{ garden = 1 }}
"""
_HEADERS = re.compile(rb"^(To|Subject): (.*)\r$", re.MULTILINE)


def brand_file(shop: Shop) -> str:
    """The brand file that says what *shop* has in force."""
    text = BRAND.format(transport=MAILDIR).replace("closes = 2027", "closes = 2030")
    text += "".join(CAMPAIGN.format(name=name, message=each) for name, each in SINGLE.items())
    for name in ("marketing", "offers"):
        parent = f'parent = "{shop.parents[name]}"\n' if name in shop.parents else ""
        title = {"marketing": "Offers and news", "offers": "Offers"}[name]
        channels = 'channels = ["email"]\n' if name == "marketing" else ""
        head = f'[purposes.{name}]\ntitle = "{title}"\n'
        assert head in text
        text = text.replace(head, head + parent + channels)
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in shop.quiet)
    quiet = f'quiet_from = "{start}"\nquiet_until = "{end}"'
    channels = 'channels = ["email"]\n'
    shared = 'attributes = ["visits"]\n'
    for before, after in {
        f'\nparent = "marketing"\n{channels}{shared}': f"\n{channels}{shared}",
        "[purposes.order]": f'[purposes.news]\ntitle = "News"\n{channels}\n[purposes.order]',
        shared: f"{shared}validity_days = {shop.validity}\n",
        'purposes = ["offers"]': 'purposes = ["offers", "marketing", "news"]',
        "cap_7_days = 3": f"cap_7_days = {shop.cap_7}\n{quiet}",
    }.items():
        assert before in text, before
        text = text.replace(before, after, 1)
    return text


class Stencil:
    """An empty brand, applied once and copied for every example."""

    folder: Path | None = None

    @classmethod
    def copy(cls, clock: Clock) -> tuple[Path, Reciprocity]:
        if cls.folder is None:
            folder = Path(tempfile.mkdtemp(prefix="gate-stencil-"))
            placed(folder / "shop")
            (folder / "shop" / "brand.toml").write_text(brand_file(Shop()))
            with Reciprocity.create(folder / "shop", clock) as shop:
                shop.apply("operator:tests")
                for number in range(PEOPLE):
                    topics = {"garden": 1, "kitchen": number % 3}
                    shop.journal.append(entry_for(shop, number, topics, given=False))
                    row = ConsentRow(
                        purpose="offers",
                        channel="email",
                        state=ConsentState.GIVEN,
                        until=START + 365 * DAY,
                    )
                    act = Act(actor="person", method="web", consent=(row,))
                    shop.journal.append([Entry(kind="consent.granted", body=act, slot=number)])
            cls.folder = folder
            atexit.register(shutil.rmtree, folder)
        folder = Path(tempfile.mkdtemp(prefix="gate-"))
        shutil.rmtree(folder)
        copied(cls.folder, folder)
        return folder, Reciprocity.open(folder / "shop", clock)


PEOPLE = 4
slots = st.integers(0, PEOPLE - 1)
purposes = st.sampled_from(["offers", "marketing", "news"])
minutes = st.integers(0, 23).map(lambda hour: hour * 60)
counts = st.sampled_from([None, 0, 1, 2, 5])


class Gate(RuleBasedStateMachine):
    """People say things, the brand changes, time passes, campaigns are sent."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.folder, self.shop = Stencil.copy(self.clock)
        self.brand = Shop()
        self.people = {slot: self._person(slot) for slot in range(PEOPLE)}
        self.seen: set[str] = set()
        self.addresses = PEOPLE
        self.suppressed: set[str] = set()
        self.last = self.clock.at
        self.letters = 0

    def _person(self, slot: int) -> Person:
        person = Person(address=f"p{slot}@example.com", topics={"garden": 1, "kitchen": slot % 3})
        person.grant(self.brand, START)
        return person

    # -- time --

    @property
    def now(self) -> int:
        return max(self.clock.at, self.last)

    @rule(hours=st.sampled_from([1, 5, 11, 24, 7 * 24, 30 * 24, 200 * 24]))
    def time_passes(self, hours: int) -> None:
        self.clock.at = max(self.clock.at, self.last) + hours * HOUR

    @rule(ms=st.integers(1, 3_000))
    def the_clock_steps_back(self, ms: int) -> None:
        self.clock.at = max(self.clock.at, self.last - 4_000) - 0
        self.clock.at = max(self.last - 4_000, self.clock.at - ms)

    def append(self, slot: int, kind: str, act: Act, happened_at: int = 0) -> None:
        self.last = self.now
        self.shop.journal.append([Entry(kind=kind, body=act, slot=slot, happened_at=happened_at)])

    def say(self, slot: int, drafted: tuple[str, Act]) -> None:
        self.append(slot, *drafted)

    def saying(self, actor: str = "person") -> draft.Saying:
        return self.shop.saying(actor, "web")

    # -- consent --

    @rule(slot=slots, actor=st.sampled_from(["person", "operator:ann"]))
    def a_yes(self, slot: int, actor: str) -> None:
        if slot in self.people:
            self.say(slot, draft.grant(self.saying(actor), ["offers"]))
            self.people[slot].grant(self.brand, self.last)

    @rule(slot=slots, purpose=purposes)
    def a_no(self, slot: int, purpose: str) -> None:
        if slot in self.people:
            self.say(slot, draft.refuse(self.saying(), [purpose]))
            self.people[slot].refuse(purpose, self.last)

    @rule(slot=slots, purpose=purposes)
    def a_withdrawal(self, slot: int, purpose: str) -> None:
        if slot in self.people:
            wishes = self.shop.journal.kept(slot).standing.wishes
            self.say(slot, draft.withdraw(self.saying(), wishes, [purpose]))
            self.people[slot].withdraw(self.brand, purpose, self.last)

    @rule(slot=slots, evidence=st.booleans(), days_ago=st.sampled_from([0, 1, 3, 500]))
    def an_imported_yes(self, slot: int, *, evidence: bool, days_ago: int) -> None:
        if slot not in self.people:
            return
        said_at = self.now - days_ago * DAY
        row = ConsentRow(purpose="offers", channel="email", state=ConsentState.GIVEN)
        proof = (
            Evidence(when=said_at, how="form", text="start") if evidence else Evidence(how="form")
        )
        act = Act(actor=IMPORT, method="file", consent=(row,), evidence=proof)
        self.append(slot, "person.imported", act, said_at)
        self.people[slot].imported_yes(said_at, evidence=evidence)

    @rule(slot=slots, days_ago=st.sampled_from([0, 1, 3, 500]))
    def an_imported_no(self, slot: int, days_ago: int) -> None:
        if slot in self.people:
            said_at = self.now - days_ago * DAY
            row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
            act = Act(actor=IMPORT, method="file", consent=(row,))
            self.append(slot, "person.imported", act, said_at)
            self.people[slot].imported_no(said_at)

    @rule(slot=slots, purpose=st.sampled_from(["offers", "marketing", "*"]), own=st.booleans())
    def an_objection(self, slot: int, purpose: str, *, own: bool) -> None:
        if slot in self.people:
            self.say(
                slot, draft.object_to(self.saying("person" if own else "operator:a"), [purpose])
            )
            objections = self.people[slot].objections
            objections[purpose] = own or objections.get(purpose, False)

    @rule(slot=slots, purpose=st.sampled_from(["offers", "marketing", "*"]), own=st.booleans())
    def an_objection_lifted(self, slot: int, purpose: str, *, own: bool) -> None:
        if slot in self.people:
            told = (Objection(purpose=purpose, lifted=True),)
            act = Act(actor="person" if own else "operator:a", method="web", objections=told)
            self.append(slot, "objection.lifted", act)
            self.people[slot].lift(purpose, by_person=own)

    # -- preferences --

    def prefer(self, slot: int, **told: object) -> None:
        self.append(slot, "preferences.set", Act(actor="person", method="web", **told))

    @rule(slot=slots, hours=st.sampled_from([0, 1, 30, 24 * 40]))
    def a_pause(self, slot: int, hours: int) -> None:
        if slot in self.people:
            until = self.now + hours * HOUR if hours else 0
            self.prefer(slot, pauses={"*": until})
            self.people[slot].pause_until = until

    @rule(slot=slots, week=counts, month=counts)
    def caps(self, slot: int, week: int | None, month: int | None) -> None:
        if slot in self.people:
            self.prefer(slot, caps={"email": (week, month)})
            self.people[slot].caps = (week, month)

    @rule(
        slot=slots, start=minutes, end=minutes, zone=st.sampled_from(["Asia/Tokyo", "America/Lima"])
    )
    def quiet_time(self, slot: int, start: int, end: int, zone: str) -> None:
        if slot in self.people:
            self.prefer(slot, quiet=Quiet(start=start, end=end), time_zone=zone)
            self.people[slot].quiet, self.people[slot].zone = (start, end), zone

    @rule(slot=slots, topic=st.sampled_from(["garden", "kitchen"]), level=st.integers(-2, 2))
    def a_topic(self, slot: int, topic: str, level: int) -> None:
        if slot in self.people:
            self.prefer(slot, topics={topic: TopicLevel(level=level)})
            self.people[slot].topics[topic] = level

    # -- addresses --

    @rule(slot=slots)
    def a_bounce(self, slot: int) -> None:
        if slot in self.people:
            version = self.shop.journal.kept(slot).standing.wishes.points["email"].version
            point = PointSet(channel="email", point=version, bounced=True)
            self.append(
                slot, "contact_point.bounced", Act(actor="system", method="x", points=(point,))
            )
            self.people[slot].bounced = True

    @rule(slot=slots, confirmed=st.booleans())
    def another_address(self, slot: int, *, confirmed: bool) -> None:
        if slot not in self.people:
            return
        self.addresses += 1
        address, person = f"p{self.addresses}@example.com", self.people[slot]
        self.last = self.now
        set_address(self.shop.journal, self.shop.statement, slot, "email", address,
                    confirmed=confirmed, actor="person")  # fmt: skip
        person.address, person.confirmed = address, confirmed
        person.bounced = person.suppressed = False

    @rule(slot=slots)
    def a_suppression(self, slot: int) -> None:
        if slot in self.people:
            self.last = self.now
            suppress(self.shop.journal, [self.people[slot].address], actor="operator:a", reason="x")
            self.people[slot].suppressed = True

    @rule(slot=slots)
    def all_is_well(self, slot: int) -> None:
        """The person says yes to everything, and takes back what stood against a letter."""
        if slot not in self.people:
            return
        self.a_yes(slot, "person")
        for purpose in list(self.people[slot].objections):
            self.an_objection_lifted(slot, purpose, own=True)
        self.another_address(slot, confirmed=True)
        self.prefer(slot, quiet_unset=True, pauses={"*": 0}, caps={"email": (None, None)})
        person = self.people[slot]
        person.quiet, person.pause_until, person.caps = None, 0, (None, None)

    # -- leaving --

    @rule(slot=slots)
    def a_request_to_be_erased(self, slot: int) -> None:
        if slot in self.people:
            self.last = self.now
            leaving.request(self.shop.journal, slot, actor="person", method="web", at=self.last)
            due, person = self.last + 48 * HOUR, self.people[slot]
            person.erase_at = min(due, person.erase_at) if person.erase_at else due

    @rule(slot=slots)
    def the_request_undone(self, slot: int) -> None:
        if slot not in self.people:
            return
        person = self.people[slot]
        in_time = 0 < self.clock.at < person.erase_at
        try:
            leaving.undo(self.shop.journal, slot, actor="person", method="web")
        except Conflict:
            assert not in_time
            return
        assert in_time
        self.last = self.now
        person.erase_at = 0 if self.last < person.erase_at else person.erase_at

    @precondition(lambda self: len(self.people) > 2)
    @rule(slot=slots)
    def an_erasure(self, slot: int) -> None:
        if slot in self.people:
            self.last = self.now
            self.shop.erase(slot, "operator:a", now=True)
            del self.people[slot]

    # -- the brand --

    @rule(
        validity=st.sampled_from([30, 365, 1_200]),
        parents=st.sampled_from([
            {"offers": "marketing"}, {}, {"offers": "news"},
            {"offers": "marketing", "marketing": "news"},
        ]),
        cap_7=st.sampled_from([0, 1, 3]),
        quiet=st.sampled_from([(0, 0), (22 * 60, 7 * 60), (9 * 60, 17 * 60)]),
    )  # fmt: skip
    def the_brand_changes(
        self, validity: int, parents: dict[str, str], cap_7: int, quiet: tuple[int, int]
    ) -> None:
        wanted, size = Shop(validity, parents, cap_7, 8, quiet), self.shop.journal.state().size
        if any(person.freed(self.brand, wanted) for person in self.people.values()):
            with pytest.raises(InputError, match="stand below"):
                self.apply(wanted)
            assert self.shop.journal.state().size == size
            self.apply(self.brand)  # what stands goes on standing
            return
        self.apply(wanted)
        self.brand = wanted
        if self.shop.journal.state().size != size:
            self.last = self.now

    def apply(self, brand: Shop) -> None:
        """Write the brand file and put it in force."""
        (self.folder / "shop" / "brand.toml").write_text(brand_file(brand))
        self.shop.close()
        self.shop = Reciprocity.open(self.folder / "shop", self.clock)
        self.shop.apply("operator:tests")

    # -- sending --

    @invariant()
    def a_plan_says_what_the_model_says(self) -> None:
        self.check_plan("spring")
        self.check_plan("autumn")

    def check_plan(self, campaign: str) -> None:
        plan = self.shop.plan(campaign)
        assert plan.people == len(self.people)
        for message, told in plan.messages.items():
            assert told.deliver + sum(told.wait.values()) + sum(told.refuse.values()) == plan.people
            permitted = [
                person for person in self.people.values()
                if not person.reasons(self.brand, campaign, message, self.now)
            ]  # fmt: skip
            assert told.deliver == len(permitted), (message, plan)

    @rule()
    def every_campaign_is_sent(self) -> None:
        for campaign in OCCASIONS:
            self.a_campaign_is_sent(campaign)

    @rule(campaign=st.sampled_from(sorted(OCCASIONS)))
    def a_campaign_is_sent(self, campaign: str) -> None:
        self.last = self.now
        at = self.now
        report = self.shop.send(campaign, "operator:a")
        self.check_letters(at)
        for person in self.people.values():
            against = {
                name: person.reasons(self.brand, campaign, name, at) for name in OCCASIONS[campaign]
            }
            got = any(occasion == campaign for _, occasion, _ in person.got)
            assert got or all(against.values()), "permitted, and got nothing"
        assert report.unknown == report.failed == 0

    @rule()
    def what_waits_is_sent(self) -> None:
        before = self.shop.journal.state().size
        at = self.now
        self.shop.send_waiting()
        if self.shop.journal.state().size != before:
            self.last = at
        self.check_letters(at)

    def check_letters(self, at: int) -> None:
        """Every letter that is new was permitted, by a model that knows no code."""
        new = self.folder / "shop" / "maildir" / "new"
        for path in sorted(new.iterdir()) if new.exists() else []:
            if path.name in self.seen:
                continue
            self.seen.add(path.name)
            headers = {name: value.decode() for name, value in _HEADERS.findall(path.read_bytes())}
            (person,) = (one for one in self.people.values() if one.address == headers[b"To"])
            message = SUBJECTS[headers[b"Subject"]]
            occasion = next(name for name, messages in OCCASIONS.items() if message in messages)
            assert person.reasons(self.brand, occasion, message, at) == set()
            person.got.append((at, occasion, message))
            self.letters += 1

    @invariant()
    def nobody_has_two_of_an_occasion(self) -> None:
        for person in self.people.values():
            occasions = [occasion for _, occasion, _ in person.got]
            assert len(occasions) == len(set(occasions))

    def teardown(self) -> None:
        try:
            result = self.shop.audit()
            assert result.breaches == ()
            assert result.deliveries + result.erased == self.letters
            live = list(self.shop.journal.everyone())
            self.shop.journal.rebuild()
            assert list(self.shop.journal.everyone()) == live
        finally:
            self.shop.close()
            shutil.rmtree(self.folder)


TestGate = pytest.mark.filterwarnings("error")(Gate.TestCase)
TestGate.settings = settings(
    max_examples=settings.default.max_examples // 2,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
