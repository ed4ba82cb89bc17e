"""The words of the pages, by the brand's language; English where we have no others.

Plain and kind, and only what is known: a message already handed over cannot be called back.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import asdict

__all__ = ["Words", "words_in"]


class Words(Struct, frozen=True, kw_only=True):
    """One language; `{brand}` stands for the brand's name."""

    language: str
    ask_title: str
    ask: str
    ask_button: str
    one_press: str
    stays: str
    service: str
    nothing_title: str
    nothing: str
    done_title: str
    done: str
    done_late: str
    done_close: str
    unknown_title: str
    unknown: str
    unchanged: str
    incomplete_title: str
    incomplete: str
    back: str
    not_stored_title: str
    not_stored: str
    again_button: str
    no_page_title: str
    no_page: str
    failed_title: str
    failed: str
    questions: str
    no_cookie: str


_ENGLISH: Final = Words(
    language="en",
    ask_title="Stop these e-mails?",
    ask="Press the button and {brand} will send you no more e-mails about:",
    ask_button="Stop these e-mails",
    one_press="Once is enough. Nobody will ask you why.",
    stays="If you said yes to any of these, that stays as it is:",
    service="E-mails that do not depend on your yes may still come:",
    nothing_title="There is nothing to stop here",
    nothing="E-mails like this one do not depend on your yes, and {brand} sends no others.",
    done_title="Stopped",
    done="{brand} will send you no more e-mails about the following, unless you say yes again:",
    done_late="A message already on its way may still arrive.",
    done_close="You can close this page.",
    unknown_title="We do not know this link",
    unknown="It may have been cut short. Please copy it whole from the message.",
    unchanged="Nothing was changed.",
    incomplete_title="That was not complete",
    incomplete="Please go back and use the button on the page.",
    back="Back to the page",
    not_stored_title="Not stopped yet",
    not_stored="We could not store this just now. Please try again in a minute.",
    again_button="Try again",
    no_page_title="There is no such page",
    no_page="If a link in a message led you here, please copy it whole from the message.",
    failed_title="Something went wrong",
    failed="We cannot tell whether your wish was stored. Please try again: twice does no harm.",
    questions="Questions?",
    no_cookie="This page sets no cookie and loads nothing from other companies.",
)

_GERMAN: Final = Words(
    language="de",
    ask_title="Diese E-Mails beenden?",
    ask="{brand} schickt Ihnen dann keine E-Mails mehr zu:",
    ask_button="Diese E-Mails beenden",
    one_press="Ein Klick genügt. Niemand fragt Sie, warum.",
    stays="Haben Sie etwas hiervon erlaubt, bleibt das, wie es ist:",
    service="E-Mails, die nicht von Ihrer Erlaubnis abhängen, können weiter kommen:",
    nothing_title="Hier gibt es nichts zu beenden",
    nothing="E-Mails wie diese hängen nicht von Ihrer Erlaubnis ab. Andere schickt {brand} nicht.",
    done_title="Beendet",
    done="{brand} schickt Ihnen zu Folgendem keine E-Mails mehr, es sei denn, Sie erlauben es neu:",
    done_late="Eine Nachricht, die schon unterwegs ist, kann noch ankommen.",
    done_close="Sie können diese Seite schließen.",
    unknown_title="Diesen Link kennen wir nicht",
    unknown="Vielleicht ist er abgeschnitten. Bitte kopieren Sie ihn ganz aus der Nachricht.",
    unchanged="Es wurde nichts geändert.",
    incomplete_title="Das war nicht vollständig",
    incomplete="Bitte gehen Sie zurück und benutzen Sie die Schaltfläche auf der Seite.",
    back="Zurück zur Seite",
    not_stored_title="Noch nicht beendet",
    not_stored="Wir konnten das gerade nicht speichern. Bitte versuchen Sie es gleich noch einmal.",
    again_button="Noch einmal versuchen",
    no_page_title="Diese Seite gibt es nicht",
    no_page="Kamen Sie über einen Link aus einer Nachricht? Bitte kopieren Sie ihn ganz.",
    failed_title="Etwas ist schiefgegangen",
    failed="Wir wissen nicht, ob Ihr Wunsch gespeichert ist. Bitte versuchen Sie es noch einmal: "
    "Zweimal schadet nicht.",
    questions="Fragen?",
    no_cookie="Diese Seite setzt kein Cookie und lädt nichts von anderen Firmen.",
)


def _unbroken(words: Words) -> Words:
    """*words*, in which no line ends inside the word "e-mail"."""
    texts = {
        name: text.replace("-mail", "\N{NON-BREAKING HYPHEN}mail").replace(
            "-Mail", "\N{NON-BREAKING HYPHEN}Mail"
        )
        for name, text in asdict(words).items()
    }
    return Words(**texts)


_KNOWN: Final = {each.language: _unbroken(each) for each in (_ENGLISH, _GERMAN)}


def words_in(language: str) -> Words:
    """The words in *language* (`de`, `de-AT`), or the English ones.

    >>> words_in("de-AT").done_title, words_in("fr").done_title
    ('Beendet', 'Stopped')
    """
    return _KNOWN.get(language.lower().partition("-")[0], _ENGLISH)
