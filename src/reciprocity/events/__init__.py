"""Every sentence the journal can hold: its kind, its scope and the shape of its body.

An event is canonical JSON (RFC 8785 for our types: ASCII keys, sorted, no floats, integers below
2**53), encoded once and never again. A name, once published here, keeps its meaning for ever: a
body that must change becomes the next *version* of its kind beside the old one. Bodies hold ids,
states, instants and commitments, never an address or an attribute's value: those live in the
vault, where they can be corrected or destroyed without touching history.
"""

from reciprocity.events.audited import AuditPublished, Counted, Latency, ScorecardPublished
from reciprocity.events.body import Body, Scope, canonical
from reciprocity.events.challenged import ChallengeAnswered, ChallengeBegun
from reciprocity.events.kinds import KINDS, Envelope, Kind, encode_event, read_body, read_event
from reciprocity.events.sent import Attempt, Feedback, Held, Outcome
from reciprocity.events.stated import (
    CampaignStated,
    Epoch,
    ErasureDone,
    LogKeyChanged,
    LogOpened,
    LogRestored,
    OperatorActed,
    Stated,
)
from reciprocity.events.wishes import (
    Act,
    ConsentRow,
    Evidence,
    Objection,
    PointSet,
    Quiet,
    TopicLevel,
)

__all__ = [
    "KINDS",
    "Act",
    "Attempt",
    "AuditPublished",
    "Body",
    "CampaignStated",
    "ChallengeAnswered",
    "ChallengeBegun",
    "ConsentRow",
    "Counted",
    "Envelope",
    "Epoch",
    "ErasureDone",
    "Evidence",
    "Feedback",
    "Held",
    "Kind",
    "Latency",
    "LogKeyChanged",
    "LogOpened",
    "LogRestored",
    "Objection",
    "OperatorActed",
    "Outcome",
    "PointSet",
    "Quiet",
    "Scope",
    "ScorecardPublished",
    "Stated",
    "TopicLevel",
    "canonical",
    "encode_event",
    "read_body",
    "read_event",
]
