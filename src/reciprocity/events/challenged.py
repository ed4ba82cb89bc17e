"""What is stated of a challenge audit: that it was begun, and how it was answered."""

from reciprocity.events.body import Body

__all__ = ["ChallengeAnswered", "ChallengeBegun"]


class ChallengeBegun(Body, kw_only=True, frozen=True, gc=False):
    """An auditor will draw *count* slots of epoch number *epoch*.

    *commitment* (hex) is the SHA-256 of a value that only the auditor knows so far.
    """

    number: int
    epoch: int
    count: int
    commitment: str


class ChallengeAnswered(Body, kw_only=True, frozen=True, gc=False):
    """The slots drawn by *value* were opened to the auditor, once.

    They had noted the checkpoint of *size* and *root* (hex) before they showed the value. Of the
    slots *people* have a history, *erased* had one, *unused* never did.
    """

    number: int
    value: str
    size: int
    root: str
    people: int
    erased: int
    unused: int
