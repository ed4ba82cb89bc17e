"""The faults a prompt may have: each with its published code, what it means, and where it is."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

__all__ = ["MEANING", "Fault", "Finding"]


class Fault(StrEnum):
    """What makes a prompt unfair; a code keeps its meaning for ever."""

    UNREADABLE = "unreadable"
    LANGUAGE_DIFFERS = "language_differs"
    # what can be chosen
    YES_MISSING = "yes_missing"
    NO_MISSING = "no_missing"
    NO_HIDDEN = "no_hidden"
    NO_FARTHER = "no_farther"
    KINDS_DIFFER = "kinds_differ"
    YES_REPEATED = "yes_repeated"
    LABEL_MISSING = "label_missing"
    LABEL_MISLEADS = "label_misleads"
    PRETICKED = "preticked"
    HIDDEN_YES = "hidden_yes"
    BUNDLED = "bundled"
    YES_REQUIRED = "yes_required"
    CONTROL_DISABLED = "control_disabled"
    FOCUS_PRESET = "focus_preset"
    YES_BY_GET = "yes_by_get"
    NOTICE_MISSING = "notice_missing"
    THIRD_PARTY = "third_party"
    # what is told
    CONTROLLER_MISSING = "controller_missing"
    PURPOSE_MISSING = "purpose_missing"
    CHANNEL_MISSING = "channel_missing"
    DATA_MISSING = "data_missing"
    RECIPIENT_MISSING = "recipient_missing"
    RETENTION_MISSING = "retention_missing"
    WITHDRAWAL_MISSING = "withdrawal_missing"
    DATA_NOT_TOLD = "data_not_told"
    BENEFIT_NOT_OWED = "benefit_not_owed"
    SHARING_DENIED = "sharing_denied"
    ANONYMITY_CLAIMED = "anonymity_claimed"
    LAW_CLAIMED = "law_claimed"
    APPROVAL_CLAIMED = "approval_claimed"
    ABSOLUTE_CLAIM = "absolute_claim"
    # how it is worded
    SHAMING = "shaming"
    PRESSING = "pressing"
    CONDITIONAL = "conditional"
    IMPLIED_YES = "implied_yes"
    NEGATED = "negated"
    DOUBLE_NEGATIVE = "double_negative"
    HARD_TO_READ = "hard_to_read"
    # how it looks, in a browser
    AREAS_DIFFER = "areas_differ"
    FONTS_DIFFER = "fonts_differ"
    CONTRAST_LOW = "contrast_low"
    SALIENCE_DIFFERS = "salience_differs"
    COLOURS_DIFFER = "colours_differ"
    FOCUS_ORDER = "focus_order"
    TARGET_BELOW_24 = "target_below_24"
    TARGET_BELOW_44 = "target_below_44"
    APART = "apart"
    TEXT_SMALL = "text_small"
    TEXT_FAINT = "text_faint"
    TAKING_BACK_LONGER = "taking_back_longer"
    STORED_EARLY = "stored_early"


class Finding(Struct, frozen=True, kw_only=True):
    """One fault: its *code*, *where* it was found, and a *message* that says how to mend it."""

    code: Fault
    where: str
    message: str


MEANING: Final[dict[Fault, str]] = {
    Fault.UNREADABLE: "the markup is not clear, so nobody can say what it shows",
    Fault.LANGUAGE_DIFFERS: "the page says it is in another language than the one it is for",
    Fault.YES_MISSING: "no control that is seen says yes",
    Fault.NO_MISSING: "no control says no",
    Fault.NO_HIDDEN: "a control says no and is not seen",
    Fault.NO_FARTHER: "saying no takes more steps than saying yes",
    Fault.KINDS_DIFFER: "yes and no are not controls of one kind",
    Fault.YES_REPEATED: "yes is offered more often than no",
    Fault.LABEL_MISSING: "a control does not say what it does",
    Fault.LABEL_MISLEADS: "a control says something else than it does",
    Fault.PRETICKED: "a yes is set before the person acts",
    Fault.HIDDEN_YES: "a hidden field says yes in the person's place",
    Fault.BUNDLED: "one control answers for two purposes",
    Fault.YES_REQUIRED: "the form cannot be sent without a yes",
    Fault.CONTROL_DISABLED: "a control cannot be used",
    Fault.FOCUS_PRESET: "the keyboard starts on a yes",
    Fault.YES_BY_GET: "a yes is an address, which software may open without the person",
    Fault.NOTICE_MISSING: "a yes does not say which version of the notice was shown",
    Fault.THIRD_PARTY: "something is fetched from, or sent to, somebody else",
    Fault.CONTROLLER_MISSING: "who asks is not told",
    Fault.PURPOSE_MISSING: "what for is not told",
    Fault.CHANNEL_MISSING: "the way to reach the person is not told",
    Fault.DATA_MISSING: "which data is not told",
    Fault.RECIPIENT_MISSING: "who else gets the data is not told",
    Fault.RETENTION_MISSING: "how long is not told",
    Fault.WITHDRAWAL_MISSING: "that and how a yes can be taken back is not told",
    Fault.DATA_NOT_TOLD: "a field asks for something that the register does not name",
    Fault.BENEFIT_NOT_OWED: "something is promised that the register does not owe",
    Fault.SHARING_DENIED: "sharing is denied, and the register names recipients",
    Fault.ANONYMITY_CLAIMED: "what reaches a person cannot be anonymous",
    Fault.LAW_CLAIMED: "law is said to demand what the person is free to refuse",
    Fault.APPROVAL_CLAIMED: "an approval is claimed that nobody gives",
    Fault.ABSOLUTE_CLAIM: "a safety is claimed that nobody can keep",
    Fault.SHAMING: "who says no is made to feel bad",
    Fault.PRESSING: "time, scarcity or the crowd is used to press",
    Fault.CONDITIONAL: "something else is made to depend on a yes",
    Fault.IMPLIED_YES: "something that is no answer is taken for a yes",
    Fault.NEGATED: "a control means no when it is used",
    Fault.DOUBLE_NEGATIVE: "two negations must be untwisted to know what is meant",
    Fault.HARD_TO_READ: "the text is harder to read than the bound",
    Fault.AREAS_DIFFER: "yes and no are not of one size",
    Fault.FONTS_DIFFER: "yes and no are not in one lettering",
    Fault.CONTRAST_LOW: "a control can hardly be read (WCAG 1.4.3)",
    Fault.SALIENCE_DIFFERS: "one of yes and no stands out more",
    Fault.COLOURS_DIFFER: "yes and no have different colours",
    Fault.FOCUS_ORDER: "the keyboard does not come to no beside yes",
    Fault.TARGET_BELOW_24: "a control is smaller than 24 px (WCAG 2.5.8)",
    Fault.TARGET_BELOW_44: "a control is smaller than 44 px (WCAG 2.5.5, and our own bound)",
    Fault.APART: "yes and no are not seen together",
    Fault.TEXT_SMALL: "a text is smaller than 12 px",
    Fault.TEXT_FAINT: "a text can hardly be read (WCAG 1.4.3)",
    Fault.TAKING_BACK_LONGER: "taking a yes back takes more clicks than giving it",
    Fault.STORED_EARLY: "something is stored in the browser before a yes",
}
"""What each fault means, in words for a person who mends a page."""
