"""Every error a caller may see, as one tree; a class exists only where a caller acts differently.

    ReciprocityError
    |-- InputError        what was given cannot be used: mend it and call again (exit code 2)
    |-- Conflict          history moved on since you read it: read again, decide again
    |-- Unavailable       the machine stands in the way (keys, disk, lock, clock): nothing was done
    |-- Damaged           what is stored contradicts itself: stop, keep the files, restore
    `-- ProofError        a proof does not hold (exit code 1)

A message starts with the noun it is about, in lower case, says what was found and what was
expected, and what to do next. It never holds personal data: an address in an error message is an
address in a log file. A refused *message to a person* is a value (`Decision`), never an error.
"""

__all__ = ["Conflict", "Damaged", "InputError", "ProofError", "ReciprocityError", "Unavailable"]


class ReciprocityError(Exception):
    """The root: catch this to catch everything this package raises on purpose."""


class InputError(ReciprocityError):
    """What was given cannot be used; `problems` lists all that is wrong, the message the first."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        """Say *message*; *problems* are further lines for a caller that can show them all."""
        super().__init__(message)
        self.problems = problems or (message,)


class Conflict(ReciprocityError):
    """The person's history, or a statement in force, moved on since the caller read it."""


class Unavailable(ReciprocityError):
    """The machine stands in the way: keys out of reach, disk full, clock set back, lock held."""


class Damaged(ReciprocityError):
    """Stored records contradict each other or their seals; nothing is repaired silently."""


class ProofError(ReciprocityError):
    """A proof does not hold; the message says what did not match."""
