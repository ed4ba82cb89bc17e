"""A consent receipt in the words of ISO/IEC TS 27560, as W3C DPV JSON-LD: made, and verified.

Everything in the document follows from three receipts that stand in it: the person's act, the brand
file in force then, and the notice that was shown. So it can be made anew from them and compared,
and there is nothing in it that the log does not prove. That the brand file was the one in force,
and the notice the one that was seen, is the brand's word.

Terms are those of the Data Privacy Vocabulary 2, listed in `terms.csv`; the mapping is that of the
DPVCG's guide to 27560, in which a receipt is wrapped around a record. The context stands inside:
reading it needs no network.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from reciprocity.errors import InputError, ProofError
from reciprocity.prove.verify.entry import Json, read_json
from reciprocity.prove.verify.receipt import VerifiedReceipt, verify_receipt
from reciprocity.tlog.note import Checkpoint, LogProof, Note
from reciprocity.tlog.policy import Policy

__all__ = ["CONTEXT", "PROFILE", "VerifiedConsent", "consent_document", "verify_consent"]

PROFILE: Final = "https://w3id.org/dpv/schema/dpv-27560#"
OWN: Final = "urn:reciprocity:terms#"
CONTEXT: Final[Mapping[str, object]] = {
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "legal-eu": "https://w3id.org/dpv/legal/eu#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "reciprocity": OWN,
    "dct:conformsTo": {"@type": "@id"},
    "dct:created": {"@type": "xsd:dateTime"},
    "dct:valid": {"@type": "xsd:dateTime"},
    "dpv:isIndicatedAtTime": {"@type": "xsd:dateTime"},
    "dpv:isIndicatedBy": {"@type": "@id"},
    "dpv:hasApplicableLaw": {"@type": "@id", "@container": "@set"},
    "dpv:hasDataSource": {"@type": "@id"},
    "dpv:hasLegalBasis": {"@type": "@id"},
    "dpv:hasProcess": {"@container": "@set"},
    "dpv:hasRight": {"@type": "@id", "@container": "@set"},
    "dpv:hasStorageCondition": {"@type": "@id"},
    "dpv:hasPersonalData": {"@container": "@set"},
    "dpv:hasJurisdiction": {"@container": "@set"},
    "dpv:hasRecipient": {"@type": "@id"},
    "reciprocity:evidence": {"@type": "@json"},
    "reciprocity:receipts": {"@type": "@json"},
}
_STATES: Final = {
    "given": "dpv:ConsentGiven",
    "refused": "dpv:ConsentRefused",
    "withdrawn": "dpv:ConsentWithdrawn",
    "pending": "dpv:ConsentRequested",
    "expired": "dpv:ConsentExpired",
    "unverified": "dpv:ConsentUnknown",
}
_LAWS: Final = {"eu": "legal-eu:law-GDPR"}
_RIGHTS: Final = {
    "eu": tuple(f"eu-gdpr:{article}" for article in (
        "A7-3", "A15", "A16", "A17", "A18", "A20", "A21", "A77",
    )),
}  # fmt: skip
_BASES: Final = {"eu": "eu-gdpr:A6-1-a"}
_RECORD: Final = "dpv:hasRecordOfActivity"
_RECEIPTS: Final = "reciprocity:receipts"
_NOTICE: Final = "notice:"

Receipts = Mapping[str, Mapping[str, str]]
"""The receipts of `act`, `brand` and, where there was one, `notice`."""


@dataclass(frozen=True, slots=True)
class VerifiedConsent:
    """A consent receipt that holds: the document, and the receipt of the act it speaks of."""

    document: Json
    act: VerifiedReceipt


def consent_document(receipts: Receipts) -> dict[str, object]:
    """The JSON-LD document that *receipts* make; nothing is verified here.

    Raises `InputError` where the act says neither yes nor no.
    """
    act, brand = _event(receipts["act"]), _body(_event(receipts["brand"]))
    rows = [row for row in act["body"].get("consent", []) if isinstance(row, dict)]
    if not rows:
        raise InputError(
            f"event {act['kind']} holds no yes and no no: a consent receipt is made of an act that "
            "gives, refuses or takes back consent"
        )
    origin, position = _place(receipts["act"])
    name = f"https://{origin}#event-{position}"
    record: dict[str, object] = {
        "@id": f"{name}-record",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": f"{PROFILE}record",
        "dpv:hasDataSubject": {
            "@type": "dpv:DataSubject",
            "dct:identifier": f"slot {act['slot']} of {origin}",
        },
        "dpv:hasDataController": _controller(brand),
        "dpv:hasJurisdiction": list(brand["controller"]["territory"]),
        "dpv:hasProcess": [_process(row, act, brand) for row in rows],
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": f"the link in every message, or {brand['controller']['email']}",
        },
        **_law(brand),
    }
    if "notice" in receipts:
        record["dpv:hasNotice"] = _notice(_event(receipts["notice"]))
    return {
        "@context": CONTEXT,
        "@id": name,
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": f"{PROFILE}receipt",
        "dct:identifier": f"{origin}/{position}",
        "dct:created": _instant(act["at"]),
        _RECORD: record,
        _RECEIPTS: {name: dict(one) for name, one in sorted(receipts.items())},
    }


def _law(brand: Mapping[str, Any]) -> dict[str, object]:
    """The laws that the brand file says it goes by, as far as DPV has a name for them."""
    laws = [name for name in brand.get("laws", ()) if name in _LAWS]
    if not laws:
        return {}
    return {
        "dpv:hasApplicableLaw": [_LAWS[name] for name in laws],
        "dpv:hasRight": [right for name in laws for right in _RIGHTS[name]],
    }


def _controller(brand: Mapping[str, Any]) -> dict[str, object]:
    told = brand["controller"]
    return {
        "@type": "dpv:DataController",
        "dct:identifier": brand["domain"],
        "dpv:hasName": told["name"],
        "dpv:hasAddress": told["address"],
        "dpv:hasContact": told["email"],
    }


def _process(
    row: Mapping[str, Any], act: Mapping[str, Any], brand: Mapping[str, Any]
) -> dict[str, object]:
    """What one answer is about: purpose, channel, data, basis, and how it stands."""
    named = row["purpose"]
    told = brand.get("purposes", {}).get(named) or brand.get("behaviours", {}).get(named) or {}
    shared = act["body"].get("shared", {}).get(named, [])
    attributes = brand.get("attributes", {})
    basis = [_BASES[name] for name in brand.get("laws", ()) if name in _BASES]
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@type": "dpv:Purpose",
            "dct:identifier": named,
            "dct:title": told.get("title", named),
        },
        "dpv:hasLegalBasis": basis[0] if basis else "dpv:Consent",
        "dpv:hasConsentStatus": _status(row, act),
        "dpv:hasPersonalData": [_data(name, attributes.get(name, {})) for name in shared],
        "dpv:hasDataSource": "dpv:DataSubjectDataSource",
        "dpv:hasRecipient": "dpv:NotAvailable",
        "dpv:hasStorageCondition": "dpv:NotAvailable",
        "reciprocity:channel": row["channel"],
    }


def _status(row: Mapping[str, Any], act: Mapping[str, Any]) -> dict[str, object]:
    """How one answer stands, since when, until when, and what is known of how it was given."""
    said = act["body"]
    status: dict[str, object] = {
        "@type": _STATES.get(row["state"], "dpv:ConsentUnknown"),
        "dpv:isIndicatedAtTime": _instant(act["happened_at"]),
        "dpv:isIndicatedBy": "dpv:DataSubject",
        "dpv:hasIndicationMethod": said.get("method", ""),
    }
    if row.get("until"):
        status["dct:valid"] = _instant(row["until"])
    if said.get("evidence"):
        status["reciprocity:evidence"] = said["evidence"]
    return status


def _data(name: str, told: Mapping[str, Any]) -> dict[str, object]:
    kind = "dpv:SensitivePersonalData" if told.get("sensitive") else "dpv:PersonalData"
    return {"@type": kind, "dct:identifier": name, "dct:title": told.get("title", name)}


def _notice(event: Mapping[str, Any]) -> dict[str, object]:
    said = event["body"]
    return {
        "@type": "dpv:ConsentNotice",
        "dct:identifier": said["name"].removeprefix(_NOTICE),
        "dct:language": said["body"]["language"],
        "dct:description": said["body"]["text"],
    }


def _instant(at: int) -> str:
    """An instant as `xsd:dateTime`, in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"


def _event(receipt: Mapping[str, str]) -> dict[str, Any]:
    return cast("dict[str, Any]", dict(read_json(receipt["event"], "event")))


def _body(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", event["body"]["body"])


def _place(receipt: Mapping[str, str]) -> tuple[str, int]:
    """The log and the index that a receipt's proof names."""
    proof = LogProof.parse(receipt["proof"].encode())
    return Checkpoint.parse(Note.parse(proof.checkpoint).text).origin, proof.index


def verify_consent(
    data: bytes, keys: Sequence[str], policy: Policy | None = None
) -> VerifiedConsent:
    """What the consent receipt in *data* proves under one of *keys*, or those of *policy*.

    Raises `ProofError` where a receipt in it does not hold, or the document says anything that
    does not follow from them.
    """
    said = read_json(data, "consent receipt")
    receipts = said.get(_RECEIPTS)
    if not isinstance(receipts, dict) or not {"act", "brand"} <= receipts.keys() <= {
        "act", "brand", "notice",
    }:  # fmt: skip
        raise ProofError("consent receipt: holds no receipts of act and brand")
    verified = {
        name: verify_receipt(_encoded(one, name), keys, policy) for name, one in receipts.items()
    }
    _check_kinds(verified)
    try:
        made = consent_document(cast("Receipts", receipts))
    except (InputError, KeyError, TypeError, AttributeError) as error:
        raise ProofError(f"consent receipt: cannot be made of its receipts ({error})") from error
    if made != said:
        odd = sorted(name for name in made.keys() | said.keys() if made.get(name) != said.get(name))
        raise ProofError(f"consent receipt: says other than its receipts prove, in {odd}")
    return VerifiedConsent(document=said, act=verified["act"])


def _encoded(receipt: object, name: str) -> bytes:
    if not isinstance(receipt, dict):
        raise ProofError(f"consent receipt: the receipt of its {name} is none")
    return json.dumps(receipt, ensure_ascii=True).encode()


def _check_kinds(verified: Mapping[str, VerifiedReceipt]) -> None:
    """Hold that each receipt is of what it stands for, of one log, and that the act came last."""
    act = verified["act"]
    for name, kind in (("brand", "brand.applied"), ("notice", "notice.published")):
        one = verified.get(name)
        if one is None:
            continue
        if one.event["kind"] != kind or one.origin != act.origin:
            raise ProofError(f"consent receipt: its {name} is a {one.event['kind']!r}")
        if one.position >= act.position:
            raise ProofError(f"consent receipt: its {name} was stated after the act")
    if "version" not in act.event:
        raise ProofError("consent receipt: its act is nobody's")
    named = f"{_NOTICE}{cast('Json', act.event['body']).get('notice', '')}"
    if "notice" in verified and cast("Json", verified["notice"].event["body"]).get("name") != named:
        raise ProofError("consent receipt: its notice is not the one that the act names")
