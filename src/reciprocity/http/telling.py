"""The account and the timeline in plain sentences, in the reader's language.

`listen` gives codes and parameters; here, and only here, they become words. A sentence says what is
on record, no more: "on its way", not "received".
"""

from collections.abc import Callable, Mapping

from reciprocity.brand import BrandStatement
from reciprocity.http.sentences import (
    DID,
    FOR_YOU,
    GROUPS,
    HEADS,
    LEVELS,
    ON_SITE,
    OTHERWISE,
    REASONS,
    SENT,
    STATES,
)
from reciprocity.http.speech import Speech
from reciprocity.listen.account import Figure, Item, Silent
from reciprocity.listen.items import ItemKind, Named, Speaker
from reciprocity.listen.sayings import Code, Sentence
from reciprocity.listen.timeline import Group
from reciprocity.model import ANYWHERE, WEB, ConsentState

__all__ = ["Telling"]

_Said = Mapping[str, Named]


class Telling:
    """Puts codes into words for one reader of one brand; *zone* is theirs."""

    def __init__(self, words: Speech, brand: BrandStatement, zone: str) -> None:
        """Speak *words* of *brand*."""
        self.words, self._brand, self._zone = words, brand, zone
        self._parts: dict[Code, Callable[[_Said], str]] = {
            Code.ANSWER: self._answer,
            Code.LOOKING: self._looking,
            Code.TOPIC: self._topic,
            Code.TOPIC_OBSERVED: self._topic,
            Code.CAP: self._cap,
            Code.QUIET_TIME: self._quiet,
            Code.PAUSE: self._pause,
            Code.ATTRIBUTES_SHARED: self._shared,
            Code.ATTRIBUTES_TOLD: self._told,
            Code.WAITED: self._waited,
            Code.HELD_BACK: self._held,
        }

    # -- the account --

    def item(self, item: Item) -> str:
        """What was told, as a heading."""
        said = item.said
        if item.kind is ItemKind.TOPIC:
            return self._topic(said)
        if item.kind is ItemKind.CAP:
            return self._cap(said)
        if item.kind is ItemKind.QUIET_TIME:
            return self._quiet(said)
        if item.kind is ItemKind.PAUSE:
            return self._pause(said)
        if item.kind is ItemKind.ATTRIBUTE:
            return self.attribute(str(said["attribute"]))
        if item.kind is ItemKind.BEHAVIOUR:
            return self.purpose(str(said["behaviour"]))
        return f"{self.purpose(str(said['purpose']))} ({self.channel(str(said['channel']))})"

    def item_told(self, item: Item) -> str:
        """Since when it stands, and who said it if it was not the person."""
        since = self.words.say("since %(day)s") % {"day": self.day(item.told_at)}
        by = FOR_YOU.get(item.by)
        return f"{since}, {self.words.say(by)}" if by else since

    def figure(self, figure: Figure) -> str:
        """What it did, counted."""
        told = self.words.say_many(*DID[figure.did], figure.count)
        return self._first_up(told % {"count": self.words.number(figure.count)})

    def silent(self, item: Item) -> str:
        """That it did nothing."""
        if item.silent is Silent.NOTHING_LATELY:
            return self.words.say("Nothing lately")
        return self.words.say("Nothing yet")

    # -- the timeline --

    def sentence(self, sentence: Sentence) -> str:
        """One sentence of an event."""
        code, said = sentence.code, sentence.said
        if code in HEADS:
            by = FOR_YOU.get(Speaker(str(said.get("by", "person"))))
            head = self.words.say(HEADS[code])
            named = by and code is not Code.IMPORT_SPOKE
            return f"{head} ({self.words.say(by)})" if by and named else head
        if code in ON_SITE and self._is_site(said):
            channel = self.channel(str(said["channel"]))
            told = {"message": self.message(said), "channel": channel}
            return self.words.say(ON_SITE[code]) % told
        if code in SENT:
            return self.words.say(SENT[code]) % {"message": self.message(said)}
        if code in self._parts:
            return self._parts[code](said)
        return self._rest(code, said)

    def _is_site(self, said: _Said) -> bool:
        channel = self._brand.channels.get(str(said.get("channel", "")))
        return channel is not None and channel.kind == WEB

    def message(self, said: _Said) -> str:
        """A message by its subject, or by what its campaign is called."""
        name = str(said.get("subject") or said.get("title") or said.get("message", ""))
        return self.words.quoted(name)

    def reason(self, code: str) -> str:
        """Why something did not come."""
        if code.startswith("brand:"):
            return self.words.say("a rule of ours held it back")
        return self.words.say(REASONS.get(code, OTHERWISE))

    def held_back(self, code: str) -> str:
        """That something did not come, and why."""
        return self.words.say("Did not reach you: %(reason)s") % {"reason": self.reason(code)}

    def why_sent(self, said: _Said) -> str:
        """What it was sent for, if it is on record."""
        topics = said.get("topics", ())
        if isinstance(topics, tuple) and topics:
            names = self.words.listed([self.topic(name) for name in topics])
            return self.words.say("You chose %(topics)s.") % {"topics": names}
        if said.get("basis", "consent") != "consent":
            return self.words.say("You asked for it, or it belongs to something you ordered.")
        return ""

    def group(self, group: Group) -> str:
        """What a reader filters the timeline by."""
        return self.words.say(GROUPS[group])

    # -- names --

    def day(self, at: int) -> str:
        """A day in the reader's zone."""
        return self.words.day(at, self._zone)

    def moment(self, at: int) -> str:
        """A moment in the reader's zone."""
        return self.words.moment(at, self._zone)

    def topic(self, name: str) -> str:
        """A topic's title."""
        told = self._brand.topics.get(name)
        return told.title if told else name

    def purpose(self, name: str) -> str:
        """The title of a purpose or a behaviour."""
        told = self._brand.purposes.get(name) or self._brand.behaviours.get(name)
        return told.title if told else name

    def channel(self, name: str) -> str:
        """A channel's title."""
        if name == ANYWHERE:
            return self.words.say("everything")
        told = self._brand.channels.get(name)
        return told.title if told else name

    def attribute(self, name: str) -> str:
        """An attribute's title."""
        told = self._brand.attributes.get(name)
        return told.title if told else name

    def level(self, level: int) -> str:
        """One of the five levels."""
        return self.words.say(LEVELS.get(level, LEVELS[0]))

    def state(self, state: str) -> str:
        """Where an answer stands."""
        return self.words.say(STATES[ConsentState(state)])

    # -- parts --

    def _answer(self, said: _Said) -> str:
        told = (
            f"{self.purpose(str(said['purpose']))} ({self.channel(str(said['channel']))}): "
            f"{self.state(str(said['state']))}"
        )
        if said.get("changed") is False:
            told = f"{told}. " + self.words.say("What you said yourself stands.")
        return told

    def _looking(self, said: _Said) -> str:
        return f"{self.purpose(str(said['behaviour']))}: {self.state(str(said['state']))}"

    def _topic(self, said: _Said) -> str:
        return f"{self.topic(str(said['topic']))}: {self.level(int(str(said['level'])))}"

    def _cap(self, said: _Said) -> str:
        channel, most = self.channel(str(said["channel"])), said.get("cap_30_days", -1)
        if not isinstance(most, int) or most < 0:
            week = said.get("cap_7_days", -1)
            if isinstance(week, int) and week >= 0:
                told = self.words.say("%(channel)s: at most %(most)s in 7 days")
                return told % {"channel": channel, "most": self.words.number(week)}
            return self.words.say("%(channel)s: no limit of yours") % {"channel": channel}
        told = self.words.say("%(channel)s: at most %(most)s a month")
        return told % {"channel": channel, "most": self.words.number(most)}

    def _quiet(self, said: _Said) -> str:
        start, end = (_clock(int(str(said[name]))) for name in ("quiet_from", "quiet_until"))
        told = self.words.say("Quiet from %(start)s to %(end)s")
        return told % {"start": start, "end": end}

    def _pause(self, said: _Said) -> str:
        told = self.words.say("A break until %(moment)s")
        return told % {"moment": self.moment(int(str(said["until"])))}

    def _shared(self, said: _Said) -> str:
        purpose = self.purpose(str(said["purpose"]))
        names = self._attributes(said)
        if not names:
            return self.words.say("Nothing is shared for %(purpose)s") % {"purpose": purpose}
        told = self.words.say("Shared for %(purpose)s: %(attributes)s")
        return told % {"purpose": purpose, "attributes": names}

    def _told(self, said: _Said) -> str:
        told = self.words.say("Told, corrected or taken back: %(attributes)s")
        return told % {"attributes": self._attributes(said)}

    def _attributes(self, said: _Said) -> str:
        names = said.get("attributes", ())
        return (
            self.words.listed([self.attribute(name) for name in names])
            if isinstance(names, tuple) and names
            else ""
        )

    def _waited(self, said: _Said) -> str:
        told = self.words.say("Waits: %(message)s, because %(reason)s")
        return told % {"message": self.message(said), "reason": self.reason(str(said["reason"]))}

    def _held(self, said: _Said) -> str:
        told = self.words.say("Held back: %(message)s, because %(reason)s")
        return told % {"message": self.message(said), "reason": self.reason(str(said["reason"]))}

    def _rest(self, code: Code, said: _Said) -> str:
        """What is seldom met, and needs little."""
        say = self.words.say
        channel = self.channel(str(said.get("channel", "")))
        simple = {
            Code.OBJECTION: say("You object to: %(purpose)s"),
            Code.OBJECTION_GONE: say("You object no more to: %(purpose)s"),
            Code.CAP_GONE: say("%(channel)s: no limit of yours"),
            Code.QUIET_TIME_GONE: say("No quiet time of yours"),
            Code.PAUSE_GONE: say("The break is over"),
            Code.LANGUAGE: say("Language: %(language)s"),
            Code.TIME_ZONE: say("Time zone: %(time_zone)s"),
            Code.POINT: say("%(channel)s: a new address"),
            Code.POINT_CONFIRMED: say("%(channel)s: the address is yours, you showed it"),
            Code.POINT_BOUNCED: say("%(channel)s: the address takes no mail"),
            Code.POINT_SUPPRESSED: say("%(channel)s: the address is never to be written to"),
            Code.POINT_GONE: say("%(channel)s: the address is gone"),
            Code.AGE: say("At least %(years)s years old"),
            Code.ERASURE_DUE: say("To be erased on %(due)s"),
            Code.AUDITED: say(
                "Every message sent to anybody was checked again: %(deliveries)s messages, "
                "%(breaches)s faults"
            ),
        }
        purpose = str(said.get("purpose", ""))
        values = {
            **said,
            "channel": channel,
            "purpose": say("everything") if purpose == "*" else self.purpose(purpose),
            "due": self.moment(int(str(said.get("due", 0)))),
        }
        return simple[code] % values

    def _first_up(self, text: str) -> str:
        return text[:1].upper() + text[1:]


def _clock(minute: int) -> str:
    """A minute of the day as a clock shows it."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
