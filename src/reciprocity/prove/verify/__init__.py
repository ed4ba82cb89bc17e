"""Verification by whoever trusts nobody: receipts, a person's whole proof, an exported log.

    python -m reciprocity.prove.verify person proof.json --key KEY

Needs the standard library and `cryptography`, and nothing of what made the proofs but the log's
mathematics (`reciprocity.tlog`); a contract of the build holds it to that. Formats are those of
docs/reference/proof-formats.md. Every function gives what was shown to hold, or raises one error,
`ProofError`, that says what did not match.

The key is best had from somewhere else than the proof: from a witness, or a newspaper.
"""

from reciprocity.prove.verify.challenge import Agreed, VerifiedChallenge, verify_challenge
from reciprocity.prove.verify.consent import VerifiedConsent, verify_consent
from reciprocity.prove.verify.entry import leaf_of
from reciprocity.prove.verify.log import VerifiedLog, verify_log
from reciprocity.prove.verify.person import VerifiedPerson, verify_person
from reciprocity.prove.verify.receipt import VerifiedReceipt, verify_receipt

__all__ = [
    "Agreed",
    "VerifiedChallenge",
    "VerifiedConsent",
    "VerifiedLog",
    "VerifiedPerson",
    "VerifiedReceipt",
    "leaf_of",
    "verify_challenge",
    "verify_consent",
    "verify_log",
    "verify_person",
    "verify_receipt",
]
