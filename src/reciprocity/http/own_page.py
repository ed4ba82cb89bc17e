"""What a person's own page does: shown, saved, left, handed out; `http/me.py` has its addresses.

What takes away is done even where the rest of a form cannot be. A page made from choices that no
longer stand changes nothing: it is shown anew.
"""

from collections.abc import Callable, Mapping
from typing import Final

from litestar import Response
from msgspec.structs import replace

from reciprocity.brand import CONFIRMATION, BrandStatement
from reciprocity.collect.preferences import (
    Choices,
    Step,
    changed_preferences,
    chosen,
    notice_for,
    steps,
)
from reciprocity.consent.draft import withdraw
from reciprocity.consent.laws import PERSON
from reciprocity.deliver.preview import Changes
from reciprocity.errors import InputError
from reciprocity.http.form import ReadForm, read_choices
from reciprocity.http.frame import answer, render
from reciprocity.http.lately import planned_lately
from reciprocity.http.person_page import Person, fingerprint, person_of, tried_of
from reciprocity.http.speech import LANGUAGES, Speech, choose_language, speech
from reciprocity.http.telling import Telling
from reciprocity.http.visits import Visit, Visits
from reciprocity.http.way_in import Asking
from reciprocity.leave.takeout import takeout
from reciprocity.listen.messages import Messages
from reciprocity.model import WEB, ConsentState
from reciprocity.platform import Reciprocity
from reciprocity.prove.person import person_proof
from reciprocity.vault.profile import set_attributes

__all__ = ["OwnPage"]

METHOD: Final = "preference_page"
_CAPS: Final = ("0", "1", "2", "4", "8")
_NAMES: Final = {"en": "English", "de": "Deutsch", "ar": "العربية"}


class OwnPage:
    """The pages of people whose visits go on."""

    def __init__(self, shop: Callable[[], Reciprocity], visits: Visits, asking: Asking) -> None:
        """Serve the people of *shop*."""
        self.shop, self.visits, self.asking = shop, visits, asking
        self._messages: tuple[int, Messages] | None = None

    @property
    def secure(self) -> bool:
        """Do people reach it by https? Then the cookie goes no other way."""
        return self.shop().brand.base_url.startswith("https:")

    def messages(self, shop: Reciprocity) -> Messages:
        """What messages say, read anew when something came into force."""
        forced = max(told.position for told in shop.journal.statements())
        if self._messages is None or self._messages[0] != forced:
            self._messages = forced, Messages(shop.journal.statements())
        return self._messages[1]

    def visit(self, secret: str) -> Visit | None:
        """Whose page it is; None where no visit goes on under *secret*."""
        return self.visits.find(secret) if secret else None

    def show(
        self,
        visit: Visit,
        accepted: str,
        done: str = "",
        *,
        status: int = 200,
        tried: Choices | None = None,
        whole: bool = False,
    ) -> Response[str]:
        """The page as things stand now, with word of what was *done*, or with choices *tried*.

        With *whole* it lists every record.
        """
        shop = self.shop()
        brand, telling = shop.statement, self._telling(shop, visit, accepted)
        words = telling.words
        try:
            person = person_of(shop, self.messages(shop), visit.slot, telling, tried, whole=whole)
            preview = tried_of(shop, visit.slot, self._changes(shop, visit, tried), telling)
        except InputError:
            if shop.journal.history(visit.slot):
                raise
            self.visits.end(visit.slot)
            return _gone(brand, words.language)
        told, bad = _told(words, done)
        return answer(status, render(
            "person", brand, words.language,
            person=person, telling=telling, code=visit.form_code, told=told, bad=bad,
            clock=_clock, caps_for=_caps_for, where=_where(person), often=_often(shop),
            languages=[(one, _NAMES[one]) for one in LANGUAGES], preview=preview,
        ))  # fmt: skip

    def preview(
        self, visit: Visit, form: Mapping[str, str], accepted: str, *, part: bool
    ) -> Response[str]:
        """The choices in *form* tried on the last month, nothing saved: a page, or its part."""
        shop = self.shop()
        tried = self._read(shop, visit, form).choices
        if not part:
            return self.show(visit, accepted, "tried", tried=tried)
        telling = self._telling(shop, visit, accepted)
        found = tried_of(shop, visit.slot, self._changes(shop, visit, tried), telling)
        return answer(200, render(
            "person_preview", shop.statement, telling.words.language, preview=found
        ))  # fmt: skip

    def _telling(self, shop: Reciprocity, visit: Visit, accepted: str) -> Telling:
        zone = shop.wishes(visit.slot).time_zone or shop.statement.time_zone
        return Telling(_words(shop, visit.slot, accepted), shop.statement, zone)

    def _stands(self, shop: Reciprocity, slot: int) -> Choices:
        at = max(shop.journal.clock(), shop.journal.state().last_at)
        return chosen(shop.statement, shop.wishes(slot), shop.journal.profile(slot), at)

    def _read(self, shop: Reciprocity, visit: Visit, form: Mapping[str, str]) -> ReadForm:
        at = max(shop.journal.clock(), shop.journal.state().last_at)
        return read_choices(shop.statement, self._stands(shop, visit.slot), form, at)

    def _changes(self, shop: Reciprocity, visit: Visit, tried: Choices | None) -> Changes:
        """What *tried* differs in from what stands."""
        if tried is None:
            return Changes()
        now, caps = self._stands(shop, visit.slot), shop.wishes(visit.slot).caps
        preferences = changed_preferences(now, tried)
        return Changes(
            preferences=replace(
                preferences,
                caps={
                    name: (caps.get(name, (None, None))[0], month)
                    for name, (_, month) in preferences.caps.items()
                },
            ),
            answers={key: yes for key, yes in tried.answers.items() if yes != now.answers[key]},
            shared={
                name: names
                for name, names in tried.shared.items()
                if set(names) != set(now.shared.get(name, ()))
            },
        )

    # -- changes --

    def save(self, visit: Visit, form: Mapping[str, str], accepted: str) -> str:
        """Do what *form* asks for; what to say of it."""
        shop, slot = self.shop(), visit.slot
        brand, now = shop.statement, self._stands(shop, slot)
        read = self._read(shop, visit, form)
        if not read.whole:
            return "incomplete"
        if form.get("seen") != fingerprint(now):
            return "moved"
        if read.odd:
            return f"odd:{read.odd[0]}"
        confirmed = any(
            point.confirmed and brand.channels[channel].kind != WEB
            for channel, point in shop.wishes(slot).points.items()
            if channel in brand.channels
        )
        language, asked, done = _words(shop, slot, accepted).language, False, 0
        for step in steps(brand, now, read.choices, confirmed=confirmed):
            self._do(shop, slot, step, language)
            asked, done = asked or step.what == "requested", done + 1
        if asked:
            self.asking.for_person(slot, CONFIRMATION)
        return ("asked" if asked else "saved") if done else "nothing"

    def _do(self, shop: Reciprocity, slot: int, step: Step, language: str) -> None:
        if step.draft is None:
            set_attributes(
                shop.journal, shop.statement, slot, step.values, shared=step.shared,
                actor=PERSON, method=METHOD,
            )  # fmt: skip
            return
        notice, spoken, _ = notice_for(shop.statement, step.notice, language)
        more = {"notice": notice, "notice_language": spoken} if notice else {}
        saying = shop.saying(PERSON, METHOD, place="page", **more)
        draft = step.draft
        shop.act(slot, lambda: draft(saying, shop.wishes(slot)))

    def stop(self, visit: Visit) -> str:
        """Take back every yes, on every channel."""
        shop, slot = self.shop(), visit.slot
        if not any(
            one.state in {ConsentState.GIVEN, ConsentState.PENDING}
            for answers in (shop.wishes(slot).answers, shop.wishes(slot).requests)
            for one in answers.values()
        ):
            return "nothing"
        saying = shop.saying(PERSON, METHOD, place="page")
        shop.act(slot, lambda: withdraw(saying, shop.wishes(slot)))
        return "stopped"

    def forget(self, visit: Visit, form: Mapping[str, str]) -> str:
        """Delete what is kept of one behaviour; the yes to looking stands."""
        name = form.get("behaviour", "")
        gone = self.shop().journal.observed.forget(visit.slot, name) if name else 0
        return "forgotten" if gone else "nothing"

    def erase(self, visit: Visit) -> str:
        """Ask for erasure; nothing is sent from now on."""
        shop = self.shop()
        if shop.wishes(visit.slot).erase_at:
            return "leaving"
        shop.ask_erasure(visit.slot, PERSON, METHOD)
        return "leaving"

    def undo(self, visit: Visit) -> str:
        """Stay after all."""
        shop = self.shop()
        if not shop.wishes(visit.slot).erase_at:
            return "nothing"
        shop.undo_erasure(visit.slot, PERSON, METHOD)
        return "stayed"

    # -- what goes along --

    def proof(self, visit: Visit, since: list[int]) -> bytes:
        """The person's proof; sizes the log never had are passed by."""
        shop = self.shop()
        size = shop.journal.state().size
        sizes = [one for one in since if 0 < one <= size]
        return person_proof(shop.journal, visit.slot, sizes).encode()

    def data(self, visit: Visit) -> bytes:
        """Everything that is held on the person, as a ZIP."""
        shop = self.shop()
        return takeout(shop.journal, shop.statement, visit.slot)

    def receipt(self, visit: Visit, position: int) -> bytes:
        """The receipt of one of the person's own events, or of a public one."""
        shop = self.shop()
        mine = {told.position for told in shop.journal.history(visit.slot)}
        public = {told.position for told in shop.journal.brand_events("audit.published")}
        if position not in mine | public:
            raise InputError("record is not one of yours")
        return shop.receipt(position).encode()


def _words(shop: Reciprocity, slot: int, accepted: str) -> Speech:
    return speech(choose_language(shop.wishes(slot).language, accepted, shop.statement.language))


def _gone(brand: BrandStatement, language: str) -> Response[str]:
    say = speech(language).say
    return answer(410, render(
        "word", brand, language, title=say("There is nothing here any more"),
        lines=[say("You were erased, as you asked. Nothing more is sent to you.")], good=True,
    ))  # fmt: skip


def _told(words: Speech, done: str) -> tuple[str, bool]:
    """What to say of what was done, and whether it is bad news."""
    say, (what, _, field) = words.say, done.partition(":")
    good = {
        "saved": say("Saved."),
        "asked": say("Saved. For one of your choices we sent you a mail: please press its button."),
        "tried": say("Nothing is saved yet: see below what these choices would have brought."),
        "nothing": say("Nothing was changed: it stood like this already."),
        "stopped": say("Stopped. You get nothing more that depends on your yes."),
        "forgotten": say(
            "Deleted. Your yes to our looking still stands: take it back under your choices."
        ),
        "leaving": say(
            "Everything stopped. You will be erased in 48 hours, unless you stay after all."
        ),
        "stayed": say("You stay. Your choices are as they were."),
    }
    bad = {
        "moved": say(
            "Your choices changed meanwhile, perhaps in another window. This is what stands."
        ),
        "incomplete": say(
            "The page did not arrive whole, so nothing was changed. Please save again."
        ),
        "foreign": say(
            "This did not come from your page, so nothing was changed. Please try again."
        ),
        "refused": say(
            "That could not be saved, so nothing more was changed. Please look at it again."
        ),
        "odd": say("We did not understand one of the fields, so nothing was changed: %(field)s"),
    }
    if what in bad:
        return bad[what].replace("%(field)s", field.partition(".")[2]), True
    return good.get(what, ""), False


def _often(shop: Reciprocity) -> dict[str, int]:
    """How many messages about each topic were planned for people in the last 30 days."""
    messages = planned_lately(shop)
    return {
        topic: sum(topic in message.topics for _, message in messages)
        for topic in shop.statement.topics
    }


def _where(person: Person) -> Callable[[int], str]:
    """Where a record is shown: further down, or on the page with all of them."""
    here = {line.position for line in person.lines}
    return lambda position: f"{'' if position in here else '/me?records=all'}#r{position}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _caps_for(most: int | None) -> list[str]:
    """The caps to choose from: the usual ones, the one that stands, none."""
    own = [] if most is None or str(most) in _CAPS else [str(most)]
    return [*sorted([*_CAPS, *own], key=int), ""]
