"""The sentences of the account and the timeline, by the codes that `listen` gives them.

English, as the catalogs know it; `telling.py` fills them in, in the reader's language.
"""

from typing import Final

from reciprocity.http.speech import mark, mark_many
from reciprocity.listen.account import Did
from reciprocity.listen.items import Speaker
from reciprocity.listen.sayings import Code
from reciprocity.listen.timeline import Group
from reciprocity.model import ConsentState

__all__ = [
    "DID",
    "FOR_YOU",
    "GROUPS",
    "HEADS",
    "LEVELS",
    "ON_SITE",
    "OTHERWISE",
    "REASONS",
    "SENT",
    "STATES",
]

LEVELS: Final = {
    -2: mark("not for me"),
    -1: mark("rather not"),
    0: mark("no matter"),
    1: mark("like it"),
    2: mark("love it"),
}
STATES: Final = {
    ConsentState.GIVEN: mark("yes"),
    ConsentState.PENDING: mark("yes, to be confirmed"),
    ConsentState.REFUSED: mark("no"),
    ConsentState.WITHDRAWN: mark("no more"),
    ConsentState.EXPIRED: mark("run out"),
    ConsentState.UNVERIFIED: mark("not known for certain"),
    ConsentState.NEVER_ASKED: mark("never asked"),
}
OTHERWISE: Final = mark("our rules held it back")
REASONS: Final = {
    "paused": mark("you were on a break"),
    "cap_reached": mark("you would have got more than the most you, or we, allow"),
    "quiet_time": mark("it was quiet time"),
    "topic_refused": mark("the topic is not for you"),
    "not_relevant": mark("you did not choose any of its topics"),
    "outside_audience": mark("it was meant for others"),
    "attribute_not_shared": mark("it needs something you did not share for this"),
    "withdrawn": mark("you took your yes back"),
    "refused": mark("you said no"),
    "never_asked": mark("you were never asked"),
    "pending": mark("your yes was not confirmed"),
    "expired": mark("your yes had run out"),
    "unverified": mark("there is no proof of a yes"),
    "objected": mark("you objected"),
    "erased": mark("you asked to be erased"),
    "suppressed": mark("your address is never to be written to"),
    "unreachable": mark("we have no address that works"),
    "sent_this_message": mark("you had it already"),
    "sent_in_occasion": mark("another one of the same occasion had reached you"),
    "message_closed": mark("its time was over"),
    "too_young": mark("you did not say that you are old enough"),
    "law_forbids": mark("a law forbids it"),
    "outranked": mark("another one fitted you better"),
    "not_sent": mark("it was due, and nobody sent it"),
    "failed": mark("the mail server did not take it"),
    "bounced": mark("it came back"),
    "cancelled": mark("it was stopped at the door"),
    "held_out": mark("kept back at random, to see what messages do"),
}
DID: Final = {
    Did.ABOUT_TOPIC: mark_many(
        "%(count)s message about it came", "%(count)s messages about it came"
    ),
    Did.FROM_BEHAVIOUR: mark_many(
        "%(count)s message came that was chosen by it",
        "%(count)s messages came that were chosen by it",
    ),
    Did.PRINTED: mark_many(
        "%(count)s message was made to fit it", "%(count)s messages were made to fit it"
    ),
    Did.CHOSEN_BY: mark_many(
        "%(count)s message was chosen for you by it", "%(count)s messages were chosen for you by it"
    ),
    Did.CAME_BY_YES: mark_many("%(count)s message came", "%(count)s messages came"),
    Did.CAME_AFTER_WAIT: mark_many(
        "%(count)s message waited for it and then came",
        "%(count)s messages waited for it and then came",
    ),
    Did.CHECKED_BY_RULE: mark_many(
        "a rule asked for it before %(count)s message",
        "a rule asked for it before %(count)s messages",
    ),
    Did.KEPT_AWAY: mark_many(
        "%(count)s message was kept from you", "%(count)s messages were kept from you"
    ),
    Did.MADE_TO_WAIT: mark_many("%(count)s message still waits", "%(count)s messages still wait"),
}
HEADS: Final = {
    Code.IMPORT_SPOKE: mark("We took over what an earlier list said of you"),
    Code.BECAME_KNOWN: mark("You became known to us"),
    Code.YES_TO_CONFIRM: mark("You said yes, still to be confirmed"),
    Code.CONFIRMED: mark("You confirmed your yes"),
    Code.SAID_YES: mark("You said yes"),
    Code.SAID_NO: mark("You said no"),
    Code.TOOK_BACK: mark("You took a yes back"),
    Code.OBJECTED: mark("You objected"),
    Code.LIFTED_OBJECTION: mark("You took an objection back"),
    Code.SET_PREFERENCES: mark("You set your preferences"),
    Code.SET_PROFILE: mark("You changed what we know of you"),
    Code.SET_CONTACT_POINT: mark("Your address was set"),
    Code.CONTACT_POINT_BOUNCED: mark("Your address took no mail"),
    Code.CONTACT_POINT_SUPPRESSED: mark("Your address is never to be written to"),
    Code.STATED_AGE: mark("You said how old you are at least"),
    Code.ASKED_ERASURE: mark("You asked to be erased"),
    Code.UNDID_ERASURE: mark("You took that back: you stay"),
}
FOR_YOU: Final = {
    Speaker.OPERATOR: mark("entered by our staff"),
    Speaker.IMPORT: mark("from an earlier list"),
    Speaker.OTHER: mark("noted by our system"),
}
SENT: Final = {
    Code.SENDING: mark("On its way: %(message)s"),
    Code.SENT: mark("Sent: %(message)s"),
    Code.PERHAPS_SENT: mark("Perhaps sent, nobody can say: %(message)s"),
    Code.NOT_SENT: mark("Not sent, the mail server did not take it: %(message)s"),
    Code.STOPPED_AT_DOOR: mark("Stopped at the door: %(message)s"),
    Code.SENT_CAME_BACK: mark("Sent, and came back: %(message)s"),
    Code.SENT_UNWANTED: mark("Sent, and you called it unwanted: %(message)s"),
    Code.WAS_DELIVERED: mark("The mail server took it"),
    Code.WAS_NOT_TAKEN: mark("The mail server did not take it"),
    Code.WAS_STOPPED: mark("It was stopped at the door"),
    Code.IS_UNKNOWN: mark("Nobody can say whether it was handed over"),
    Code.WAS_RETURNED: mark("It came back"),
    Code.WAS_UNWANTED: mark("You called it unwanted"),
    Code.FOUND_USEFUL: mark("You found it useful: %(message)s"),
    Code.NOT_FOR_ME: mark("You said it is not for you: %(message)s"),
}
ON_SITE: Final = {
    Code.SENDING: mark("On its way to a page: %(message)s"),
    Code.SENT: mark("Shown on a page: %(message)s"),
    Code.NOT_SENT: mark("Not shown: %(message)s"),
    Code.WAS_DELIVERED: mark("It was shown on a page"),
    Code.WAS_NOT_TAKEN: mark("It was not shown"),
    Code.POINT: mark("%(channel)s: you are known there from now on"),
}
"""What is said otherwise of a channel that is a site: nothing is mailed there."""
GROUPS: Final = {
    Group.CHOICE: mark("Your choices"),
    Group.SENT: mark("Sent"),
    Group.HELD: mark("Held back"),
    Group.SHARED: mark("Passed on"),
    Group.PROOF: mark("Checked"),
    Group.OTHER: mark("Other"),
}
