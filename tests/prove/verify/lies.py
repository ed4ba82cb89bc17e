"""Lies that are signed: the log holds them, and every verifier must refuse them all the same.

And truths beside them that look odd and must be held. Both are put before the Python verifier
(`test_lies.py`) and the one in the browser (`tests/browser/test_agree.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.prove.verify.forge import AT, DAY, Said, Told, spelled, spoken

__all__ = ["LIES", "TRUTHS", "body", "says"]

Lie = Callable[[Told], Told]
WISHES, IMPORTED, OBJECTED, LIFTED, LEAVING, UNDONE, FIRST, FAILED, SENT, DELIVERED, LATER, _ = (
    range(1, 13)
)
BRAND, RULEBOOK, LAWS, EPOCH = 13, 14, 15, 16


def says(place: int, change: Callable[[Said], object]) -> Lie:
    """Change what is said at *place*, in its canonical spelling."""

    def lie(told: Told) -> Told:
        said = spoken(told.texts[place])
        change(said)
        return told.at(place, spelled(said))

    return lie


def spells(place: int, change: Callable[[str], str]) -> Lie:
    """Change the text at *place*, letter by letter."""
    return lambda told: told.at(place, change(told.texts[place]))


def body(place: int, **parts: Any) -> Lie:
    """Put *parts* into the body at *place*; an ellipsis takes one out."""

    def change(said: Said) -> None:
        for name, value in parts.items():
            if value is ...:
                del said["body"][name]
            else:
                said["body"][name] = value

    return says(place, change)


def fact(name: str, value: object, place: int = LATER) -> Lie:
    """Let a delivery record another value of a fact."""

    def lie(told: Told) -> Told:
        names = [one["name"] for one in spoken(told.texts[RULEBOOK])["body"]["body"]["facts"]]
        change = says(place, lambda e: e["body"]["facts"].__setitem__(names.index(name), value))
        return change(told)

    return lie


def book(change: Callable[[Said], object]) -> Lie:
    """Change the rulebook."""
    return says(RULEBOOK, lambda e: change(e["body"]["body"]))


def rule(when: str) -> Lie:
    """Let the last rule of the book stop a message *when*."""
    return book(lambda b: b["rules"][-1].update(when=when))


def brand(change: Callable[[Said], object]) -> Lie:
    """Change the brand file."""
    return says(BRAND, lambda e: change(e["body"]["body"]))


def all_of(*lies: Lie) -> Lie:
    """One lie after the other."""

    def lie(told: Told) -> Told:
        for one in lies:
            told = one(told)
        return told

    return lie


def act(place: int, kind: str, actor: str = "person", **parts: Any) -> Lie:
    """Put an act in the place of an event."""
    return says(
        place, lambda e: e.update(kind=kind, body={"actor": actor, "method": "web", **parts})
    )


def row(state: str, purpose: str = "offers", **parts: Any) -> Said:
    """One answer, by e-mail."""
    return {"channel": "email", "purpose": purpose, "state": state, **parts}


def yes(**parts: Any) -> Lie:
    """Let the yes of the first event say something more."""
    return says(0, lambda e: e["body"]["consent"][0].update(parts))


def sent(**parts: Any) -> Lie:
    """Change each of the deliveries; an ellipsis takes a part out."""
    return all_of(*(body(place, **parts) for place in (FIRST, SENT, LATER)))


def salted(place: int) -> Lie:
    """Let the statement at *place* stand under a salt."""
    return lambda told: replace(told, salted=told.salted | {place})


def evidence(when: int) -> Said:
    """What an import says of when and how."""
    return {"how": "card", "text": "yes", "when": when}


def deep(levels: int) -> list[Any]:
    """Lists, one in the other."""
    return json.loads("[" * levels + "]" * levels)  # type: ignore[no-any-return]


LIES: dict[str, Lie] = {
    "an event with spaces": spells(WISHES, lambda t: t.replace(":", ": ", 1)),
    "an event with its keys in another order": spells(
        WISHES, lambda t: json.dumps(dict(reversed(json.loads(t).items())), separators=(",", ":"))
    ),
    "an event with a key twice": spells(WISHES, lambda t: t.replace("{", '{"at":1,', 1)),
    "an event with a fraction": spells(WISHES, lambda t: t.replace('"v":1', '"v":1.0')),
    "an event with an exponent": spells(WISHES, lambda t: t.replace('"v":1', '"v":1e0')),
    "an event with minus zero": spells(WISHES, lambda t: t.replace('"at":1', '"a":-0,"at":1')),
    "an event with a number of 2^53": spells(
        WISHES, lambda t: t.replace('"at":1', '"a":9007199254740992,"at":1')
    ),
    "an event with half a character, escaped": spells(
        WISHES, lambda t: t.replace('"web"', '"\\ud800"')
    ),
    "a key with half a character, escaped": spells(
        WISHES, lambda t: t.replace('"v":1', '"v":1,"z\\udc00":1')
    ),
    "an event with half a character after a backslash": spells(
        WISHES, lambda t: t.replace('"web"', '"\\\\\\udfff"')
    ),
    "an event that escapes a letter": spells(WISHES, lambda t: t.replace("web", "w\\u0065b")),
    "an event that escapes beyond ASCII": spells(WISHES, lambda t: t.replace("web", "\\u00e9")),
    "an escape in capitals": spells(WISHES, lambda t: t.replace("web", "\\u001F")),
    "an escape that has a short form": spells(WISHES, lambda t: t.replace("web", "\\u000a")),
    "an escaped slash": spells(WISHES, lambda t: t.replace("web", "a\\/b")),
    "a control character": spells(WISHES, lambda t: t.replace("web", "a\x1fb")),
    "an event nested too deep": body(WISHES, more=deep(199)),
    "an event that goes on after its end": spells(WISHES, lambda t: t + " "),
    "an event without a body": says(WISHES, lambda e: e.pop("body")),
    "an event whose body is a list": says(WISHES, lambda e: e.update(body=[])),
    "an event of no kind": says(WISHES, lambda e: e.update(kind=7)),
    "an event of no instant": says(WISHES, lambda e: e.update(at=-1)),
    "an event whose slot is true": says(WISHES, lambda e: e.update(slot=True)),
    "an event of another slot": says(WISHES, lambda e: e.update(slot=5)),
    "an event whose version is text": says(WISHES, lambda e: e.update(version="2")),
    "an event of another version": says(WISHES, lambda e: e.update(version=3)),
    "an event without a slot": says(WISHES, lambda e: e.pop("slot")),
    "a delivery to somebody who objected": fact("objected", 1),
    "a delivery with a fact less": says(LATER, lambda e: e["body"]["facts"].pop()),
    "a delivery with a fact that is no number": fact("topics_named", True),
    "a delivery that forgets one of the week": fact("cap_7_used", 0),
    "a delivery that forgets one of the month": fact("cap_30_used", 0),
    "a delivery over the cap that was set": fact("cap_7_most", 3),
    "a delivery by another quiet time": fact("quiet_from", 61),
    "a delivery to an older person": fact("stated_age", 19),
    "the same message once more": body(LATER, message="spring", occasion="spring"),
    "a delivery whose atoms do not hold": body(LATER, atoms=1),
    "a delivery whose atoms are no number": body(LATER, atoms=True),
    "a delivery by another basis": body(LATER, basis="contract"),
    "a delivery that records two bases": fact("basis", 1),
    "a delivery whose basis is an object": body(LATER, basis={}),
    "a delivery whose basis is nothing": body(LATER, basis=None),
    "a delivery on a list of channels": body(LATER, channel=["email"]),
    "a delivery of no message": body(LATER, message=...),
    "a delivery without an occasion": body(LATER, occasion=None),
    "a delivery for a purpose that is none": body(LATER, purpose="else"),
    "a delivery that rests on itself": body(LATER, consent=12),
    "a delivery that rests on no version": body(LATER, consent=0),
    "a delivery that rests on a wish": body(LATER, consent=2),
    "a delivery under no statements": body(LATER, stated=...),
    "a delivery under two statements": body(LATER, stated=[1, 2]),
    "a delivery under statements that change places": body(LATER, stated=[2, 1, 3, 4]),
    "a delivery under a later rulebook": body(LATER, stated=[1, 80, 3, 4]),
    "a delivery of a later campaign": body(LATER, stated=[1, 2, 3, 80]),
    "a delivery under statements that are no numbers": body(LATER, stated=[True, 2, 3, 4]),
    "a wish for fewer": body(WISHES, caps={"email": [0, 5]}),
    "a wish for another quiet time": body(WISHES, quiet={"start": 60, "end": 121}),
    "a pause": body(WISHES, pauses={"*": AT + DAY}),
    "a pause of the channel": body(WISHES, pauses={"email": AT + DAY}),
    "an import that is by the person": says(
        IMPORTED, lambda e: (e.update(kind="preferences.set"), e["body"].update(actor="person"))
    ),
    "an objection that stands": body(LIFTED, objections=[{"lifted": False, "purpose": "all"}]),
    "an objection that is lifted by a number": body(
        LIFTED, objections=[{"lifted": 1, "purpose": "all"}]
    ),
    "an objection on every channel": body(OBJECTED, objections=[{"channel": "*", "purpose": "*"}]),
    "somebody who leaves": says(UNDONE, lambda e: e.update(kind="profile.set")),
    "a failure that may not be tried anew": body(FAILED, again=False),
    "a failure that may be tried anew by a list": body(FAILED, again=[]),
    "a failure that may be tried anew by a number": body(FAILED, again=1),
    "an outcome of something else": body(FAILED, attempt=7),
    "a yes that was taken back": says(
        LEAVING,
        lambda e: e.update(
            kind="consent.withdrawn",
            body={"consent": [{"channel": "email", "purpose": "offers", "state": "withdrawn"}]},
        ),
    ),
    "a yes whose state is a list": says(
        0, lambda e: e["body"]["consent"][0].update(state=["given"])
    ),
    "a yes that is a no": says(0, lambda e: e["body"]["consent"][0].update(state="refused")),
    "a brand file without purposes": brand(lambda b: b.pop("purposes")),
    "a brand file that is none": says(BRAND, lambda e: e.update(kind="law_packs.applied")),
    "a brand file without a body": body(BRAND, body=[]),
    "a purpose of another basis": brand(lambda b: b["purposes"]["offers"].update(basis="contract")),
    "a purpose whose basis is a number": brand(lambda b: b["purposes"]["offers"].update(basis=1)),
    "a rule that matches": rule("cap_7_used >= 0"),
    "a rule that matches by mirrored sides": rule("2 > cap_7_used"),
    "a rule over a fact that is none": rule("nothing"),
    "a rule over an atom that is none": rule("visits > 4"),
    "a rule with a value that is none": rule("basis = 'gift'"),
    "a rule with a sum": rule("cap_7_used + 1 > 7"),
    "a rule that ends in the middle": rule("NOT"),
    "a rule that goes on": rule("FALSE FALSE"),
    "a rule with a number too long": rule("cap_7_used > 99999999999999999"),
    "a rule with a number of five thousand digits": rule(f"cap_7_used > {'9' * 5000}"),
    "a rule nested too deep": rule(f"{'(' * 64}FALSE{')' * 64}"),
    "a rule with a space that is none": rule("FALSE\ufeffOR FALSE"),
    "a rule with a half of a quote": rule("basis = 'consent"),
    "a rule without bases": book(lambda b: b["rules"][-1].pop("bases")),
    "a rule without a condition": book(lambda b: b["rules"][-1].pop("when")),
    "a rule that is text": book(lambda b: b["rules"].append("FALSE")),
    "a fact that stands there twice": book(lambda b: b["facts"][1].update(name="person_known")),
    "a fact without a name": book(lambda b: b["facts"][1].pop("name")),
    "an atom that is no text": book(lambda b: b["atoms"].append(7)),
    "an atom that is an object": book(lambda b: b["atoms"].append({})),
    "facts that are no list": book(lambda b: b.update(facts={})),
    "rules that are nothing": book(lambda b: b.update(rules=None)),
    "a rulebook that is none": says(RULEBOOK, lambda e: e.update(kind="brand.applied")),
    "an epoch's root in capitals": spells(EPOCH, lambda t: t.replace("@root@", "@ROOT@")),
    "an epoch's root with spaces": spells(EPOCH, lambda t: t.replace("@root@", " @root@")),
    "an epoch's root that is cut": body(EPOCH, root="00" * 31),
    "an epoch of fewer events": body(EPOCH, size=11),
    "an epoch of more slots": body(EPOCH, slots=99),
    "an epoch without a number": body(EPOCH, number=0),
    "an epoch that is something else": says(EPOCH, lambda e: e.update(kind="law_packs.applied")),
    "an epoch of another form": says(EPOCH, lambda e: e.update(v=2)),
    "a yes that had run out": yes(until=AT),
    "a yes older than the brand lets one be": all_of(
        brand(lambda b: b["purposes"]["offers"].update(validity_days=1)),
        says(0, lambda e: e.update(happened_at=AT - DAY)),
    ),
    "a yes older than the law lets one be": all_of(
        says(LAWS, lambda e: e["body"]["body"][0].update(maximum_validity_days=1)),
        says(0, lambda e: e.update(happened_at=AT - DAY)),
    ),
    "a yes inside a wish": says(0, lambda e: e.update(kind="preferences.set")),
    "a yes inside a withdrawal": says(0, lambda e: e.update(kind="consent.withdrawn")),
    "a yes that waits to be confirmed": says(0, lambda e: e.update(kind="consent.requested")),
    "a yes that confirms nothing": says(0, lambda e: e.update(kind="consent.confirmed")),
    "a yes in what was held back": says(0, lambda e: e.update(kind="delivery.held")),
    "a yes of an import without evidence": says(0, lambda e: e.update(kind="person.imported")),
    "a yes that nobody knows who said": says(0, lambda e: e["body"].update(actor="system")),
    "a yes that nobody said": says(0, lambda e: e["body"].pop("actor")),
    "a yes and a no in one": says(0, lambda e: e["body"]["consent"].append(row("withdrawn"))),
    "a yes by a state that is none": yes(state="granted"),
    "a yes said anew, and the old one named": act(
        OBJECTED, "consent.granted", consent=[row("given")]
    ),
    "a no inside a wish": body(WISHES, consent=[row("refused")]),
    "a no of an import": body(IMPORTED, consent=[row("withdrawn")]),
    "a no of an import a day before the yes": body(
        IMPORTED, consent=[row("withdrawn")], evidence=evidence(AT - DAY)
    ),
    "a no of an import to come": body(
        IMPORTED, consent=[row("withdrawn")], evidence=evidence(AT + DAY)
    ),
    "a no to a purpose above": act(
        OBJECTED, "consent.withdrawn", consent=[row("withdrawn", "all")]
    ),
    "a no of a newer form": says(LIFTED, lambda e: e.update(v=2)),
    "a kind that nobody knows": says(LIFTED, lambda e: e.update(kind="consent.paused")),
    "a kind that is the brand's": says(LIFTED, lambda e: e.update(kind="brand.applied")),
    "an outcome that nobody knows": says(FAILED, lambda e: e.update(kind="delivery.read")),
    "a delivery of a newer form": says(FIRST, lambda e: e.update(v=2)),
    "a delivery by a ground that is none": all_of(
        brand(lambda b: b["purposes"]["offers"].update(basis="other")), sent(basis="other")
    ),
    "a delivery for nothing": all_of(
        sent(purpose=None), yes(purpose=None), brand(lambda b: b["purposes"].update(null={}))
    ),
    "a delivery on a channel that the brand does not have": all_of(
        body(LATER, channel="post"), yes(channel="post")
    ),
    "a delivery decided tomorrow": body(LATER, decided_at=AT + DAY),
    "a delivery decided long before": body(LATER, decided_at=AT - 5_000),
    "a delivery that may be handed over at any time": body(LATER, handover_by=2**52),
    "a delivery that stops counting": body(SENT, counts_until=AT + 30 * DAY - 1),
    "a delivery that stops counting before its campaign ends": body(
        SENT, counts_until=AT + 31 * DAY
    ),
    "a delivery handed over too late": says(
        DELIVERED, lambda e: e.update(at=AT + 99_000, happened_at=AT + 99_000)
    ),
    "a delivery that came and was never on record": says(
        FAILED, lambda e: e.update(kind="delivery.delivered", body={"attempt": 2})
    ),
    "a delivery that came and is on record as stopped": all_of(
        says(FAILED, lambda e: e.update(kind="delivery.cancelled", body={"attempt": 8})),
        body(DELIVERED, attempt=8),
    ),
    "a delivery that a law forbids": all_of(
        says(LAWS, lambda e: e["body"]["body"][0].update(forbids=[["email", "consent"]]))
    ),
    "a delivery to somebody too young by law": says(
        LAWS, lambda e: e["body"]["body"][0].update(minimum_age=19)
    ),
    "a delivery at another minute of the day": fact("minute_of_day", 1),
    "a delivery by a clock that is none": fact("zone_offset", 1440 + 60),
    "time that falls": says(WISHES, lambda e: e.update(at=AT)),
    "time that falls behind a statement": says(LAWS, lambda e: e.update(at=AT + 2)),
    "an erasure that an import undoes": says(
        UNDONE, lambda e: e["body"].update(actor="import:crm")
    ),
    "an erasure that nobody knows who undoes": says(
        UNDONE, lambda e: e["body"].update(actor="personal")
    ),
    "an erasure undone too late": body(LEAVING, erase_at=AT + 7),
    "an objection that an import lifts": says(LIFTED, lambda e: e["body"].update(actor="import")),
    "an objection that staff lift": says(LIFTED, lambda e: e["body"].update(actor="operator:ada")),
    "an objection to a number": body(OBJECTED, objections=[{"purpose": 5}]),
    "an objection lifted by an empty list": body(
        LIFTED, objections=[{"lifted": [], "purpose": "all"}]
    ),
    "an objection of an import": body(IMPORTED, objections=[{"purpose": "offers"}]),
    "an age that an import raises": all_of(
        body(WISHES, age_at_least=18),
        body(IMPORTED, age_at_least=21),
        *(fact("stated_age", 21, place) for place in (FIRST, SENT, LATER)),
    ),
    "a pause of an import, where nobody said anything": body(IMPORTED, pauses={"email": AT + DAY}),
    "a wish that is no object": body(WISHES, caps=[]),
    "a wish that is nothing": body(WISHES, caps=None),
    "a cap that is one number": body(WISHES, caps={"email": [2]}),
    "a quiet time beyond the day": body(WISHES, quiet={"start": 60, "end": 1440}),
    "consent that is nothing": body(WISHES, consent=None),
    "consent that lists nothing": body(WISHES, consent=[None]),
    **{
        f"a contact point that {name}": all_of(
            sent(**points.pop("sent", {})),
            act(
                OBJECTED,
                points.pop("kind", "contact_point.set"),
                points.pop("actor", "person"),
                points=[{"channel": "email"} | points],
            ),
        )
        for name, points in {
            "bounced": {
                "kind": "contact_point.bounced",
                "actor": "system",
                "point": 1,
                "bounced": True,
            },
            "is suppressed": {
                "kind": "contact_point.suppressed",
                "actor": "system",
                "point": 1,
                "suppressed": True,
            },
            "left": {"point": 1, "retired": True},
            "nobody knows who took away": {"actor": "system"},
            "is another": {"confirmed": True},
            "was never confirmed": {"sent": {"point": 4}},
            "a request confirms": {
                "kind": "consent.requested",
                "confirmed": True,
                "sent": {"point": 4},
            },
            "is a list": {"point": []},
            "is confirmed by a number": {"confirmed": 1, "sent": {"point": 4}},
        }.items()
    },
    "a brand file under a salt": salted(BRAND),
    "a rulebook under a salt": salted(RULEBOOK),
    "law packs under a salt": salted(LAWS),
    "a rulebook of a newer form": says(RULEBOOK, lambda e: e.update(v=2)),
    "a brand file of a newer form": says(BRAND, lambda e: e.update(v=2)),
    "law packs that are no list": body(LAWS, body={}),
    "law packs of something else": body(LAWS, body=["eu"]),
    **{
        f"no rules, and {name}": all_of(
            book(lambda b: b.update(facts=[], rules=[], atoms=[])), sent(facts=[], atoms=0), lie
        )
        for name, lie in {
            "an objection": act(LIFTED, "objection.made", objections=[{"purpose": "offers"}]),
            "a pause": body(WISHES, pauses={"*": AT + DAY}),
            "a cap": body(WISHES, caps={"email": [0, None]}),
            "a quiet time": lambda told: told,
            "somebody who leaves": says(UNDONE, lambda e: e.update(kind="profile.set")),
            "somebody too young": brand(lambda b: b["purposes"]["offers"].update(minimum_age=19)),
            "no yes": act(LIFTED, "consent.refused", consent=[row("refused")]),
        }.items()
    },
    "no rules, and it was quiet time": all_of(
        book(lambda b: b.update(facts=[{"name": "zone_offset"}], rules=[], atoms=[])),
        sent(facts=[60], atoms=0),
        body(WISHES, quiet={"start": 900, "end": 920}),
    ),
    "an epoch that says more": body(EPOCH, more=1),
    "an epoch that says less": body(EPOCH, sum_n=...),
    "an epoch whose text the log has not": says(EPOCH, lambda e: e.update(pad="x" * 16_384)),
    "an epoch beyond itself": body(EPOCH, size=90),
    "an epoch of the far future": body(EPOCH, size=2**53 - 1),
    "an epoch of more events than records": body(EPOCH, sum_n=90),
    "an epoch of fewer events in all than of one person": body(EPOCH, sum_n=12),
    "an epoch older than what it covers": says(EPOCH, lambda e: e.update(at=AT + 1)),
}
TRUTHS: dict[str, Lie] = {
    "nothing changed": lambda told: told,
    "letters of every script": body(WISHES, method='é\u2028\u2029\x7f\U0001f33b\\ud800"/'),
    "keys of every script": body(WISHES, **{"\uffff": 1, "\U00010000": 2, "": 3, "10": 4, "9": 5}),
    "a key that JavaScript knows": body(WISHES, __proto__=1, constructor=2, toString=3),
    "an event nested as deep as may be": body(WISHES, more=deep(198)),
    "the largest number, and the least": body(WISHES, more=[2**53 - 1, 1 - 2**53]),
    "a fact more careful than need be": fact("cap_30_used", 4),
    "a quiet time said twice": body(WISHES, quiet_unset=True),
    "a rule with blanks of every script": rule(
        "\u00a0NOT\u2003visits\x85>\x1c3\u3000AND\tFALSE\r\n\u2028"
    ),
    "a rule in small letters": rule("not visits > 3 and false or basis in ('contract')"),
    "a rule with a number of many spellings": rule("NOT visits > 0003 OR cap_7_used < - 07"),
    "a rule with two quotes": rule("NOT \"home-town\" IN ('Ware', 'O''Dea')"),
    "a rule about another basis": book(
        lambda b: b["rules"].append({"bases": ["contract"], "reason": "x", "when": "TRUE"})
    ),
    "a purpose that is below itself": brand(
        lambda b: b["purposes"]["all"].update(parent="offers")
    ),
    "a statement of 16,384 bytes and more": body(BRAND, more="x" * 20_000),
    "a no of an import, more than a day before the yes": body(
        IMPORTED, consent=[row("withdrawn")], evidence=evidence(AT - DAY - 1)
    ),
    "a no of an import, long before": all_of(
        body(IMPORTED, consent=[row("refused")]),
        says(IMPORTED, lambda e: e.update(happened_at=AT - 2 * DAY)),
    ),
    "an objection of an import, long before": body(
        IMPORTED, objections=[{"channel": "email", "purpose": "offers"}],
        evidence=evidence(AT - 2 * DAY),
    ),
    "an objection of an import that staff lift": all_of(
        says(OBJECTED, lambda e: e["body"].update(actor="import")),
        says(LIFTED, lambda e: e["body"].update(actor="operator:ada")),
    ),
    "a yes of an import with evidence": all_of(
        says(0, lambda e: e["body"].update(actor="import:crm", evidence=evidence(AT - 9 * DAY))),
    ),
    "a yes that was confirmed": all_of(
        says(0, lambda e: e.update(kind="consent.requested")), yes(state="pending"),
        says(WISHES, lambda e: e.update(kind="consent.confirmed")),
        body(
            WISHES, consent=[row("given")],
            points=[{"channel": "email", "confirmed": True, "point": 1}],
        ), sent(consent=2),
    ),
    "a request beside a yes": act(
        OBJECTED, "consent.requested", consent=[row("pending", until=AT + DAY)]
    ),
    "a yes said anew": all_of(
        act(OBJECTED, "consent.granted", consent=[row("given")]), sent(consent=4)
    ),
    "a yes after a no to a purpose above": all_of(
        act(OBJECTED, "consent.withdrawn", consent=[row("withdrawn", "all")]),
        act(LIFTED, "consent.granted", consent=[row("given")]), sent(consent=5),
    ),
    "a yes after a no": all_of(
        body(WISHES, consent=[row("refused")]),
        act(OBJECTED, "consent.granted", "operator:ada", consent=[row("given")]), sent(consent=4),
    ),
    "no rules, and nothing against it": all_of(
        book(lambda b: b.update(facts=[{"name": "zone_offset"}], rules=[], atoms=[])),
        sent(facts=[60], atoms=0),
    ),
    "a new contact point": all_of(
        act(OBJECTED, "contact_point.set", points=[{"channel": "email", "confirmed": True}]),
        sent(point=4),
    ),
    "a contact point of before that bounced": all_of(
        act(OBJECTED, "contact_point.set", points=[{"channel": "email", "confirmed": True}]),
        act(LIFTED, "contact_point.bounced", "system",
            points=[{"bounced": True, "channel": "email", "point": 1}]),
        sent(point=4),
    ),
    "a contact point that a file of long before says bounced": act(
        OBJECTED, "contact_point.bounced", "import", evidence=evidence(AT - 2 * DAY),
        points=[{"bounced": True, "channel": "email", "point": 1}],
    ),
    "a purpose for the old enough": brand(
        lambda b: b["purposes"]["offers"].update(minimum_age=13)
    ),
    "an epoch of the same instant": says(EPOCH, lambda e: e.update(at=AT + 13)),
}  # fmt: skip
