"""The tree, notes, checkpoints and log proofs in the browser, by the vectors that Python reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "tlog"
TREE, NOTES = (json.loads((FOLDER / f"{name}.json").read_bytes()) for name in ("merkle", "note"))
ED25519 = 1
ASK = """
async ([site, what, cases]) => {
  const merkle = await import(`${site}/verify/merkle.js`);
  const note = await import(`${site}/verify/note.js`);
  const { textOf, toHex } = await import(`${site}/verify/strict.js`);
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const told = (base64) => textOf(Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)), "it");
  const answers = {
    leaf: async (one) => toHex(await merkle.hashLeaf(bytes(one))),
    inclusion: (one) => merkle.checkInclusion(
      one.proof.map(bytes), one.index, bytes(one.leaf_hash), one.size, bytes(one.root)),
    consistency: (one) => merkle.checkConsistency(
      one.proof.map(bytes), one.old_size, bytes(one.old_root), one.new_size, bytes(one.new_root)),
    key: async (one) => (({ name, id, type }) => [name, id, type])(await note.readKey(one.text)),
    note: async (one) => {
      const read = note.readNote(told(one.data));
      await note.holdSigned(read, await note.readKey(one.verifiers[0]));
      return read.text;
    },
    checkpoint: async (one) => {
      const { origin, size, root } = note.readCheckpoint(one.text);
      return [origin, size, toHex(root)];
    },
    proof: async (one) => {
      const read = note.readProof(told(one.data));
      const { size, root } = await note.openCheckpoint(
        read.checkpoint, [await note.readKey(one.log)]);
      await merkle.checkInclusion(read.hashes, read.index, bytes(one.leaf_hash), size, root);
      return [read.index, size];
    },
  };
  const all = [];
  for (const one of cases) {
    try {
      all.push({ holds: (await answers[what](one)) ?? null });
    } catch (error) {
      all.push({ refused: error.message, proof: error.name === "ProofError" });
    }
  }
  return all;
}
"""


def ask(page: Page, site: str, what: str, cases: list[Any]) -> list[dict[str, Any]]:
    """What the browser answers to each of *cases*; a refusal is always a `ProofError`."""
    answers: list[dict[str, Any]] = page.evaluate(ASK, [site, what, cases])
    for case, answer in zip(cases, answers, strict=True):
        assert answer.get("proof", True) is True, (case, answer)
    return answers


def test_published_leaves_have_their_published_hash(verifier: Page, site: str) -> None:
    (first, *_), (_, root, *_) = TREE["published"]["leaves"], TREE["published"]["roots"]
    assert ask(verifier, site, "leaf", [first]) == [{"holds": root}]


def test_trees_are_answered_as_the_vectors_say(verifier: Page, site: str) -> None:
    for what in ("inclusion", "consistency"):
        answers = ask(verifier, site, what, TREE[what])
        assert len(answers) > 100
        for case, answer in zip(TREE[what], answers, strict=True):
            assert ("holds" in answer) == case["holds"], (case["name"], answer)


def test_keys_are_those_of_the_vectors(verifier: Page, site: str) -> None:
    expected = [{"holds": [one["name"], one["key_id"], one["algorithm"]]} for one in NOTES["keys"]]
    assert ask(verifier, site, "key", NOTES["keys"]) == expected
    for case, answer in zip(
        NOTES["keys_refused"], ask(verifier, site, "key", NOTES["keys_refused"]), strict=True
    ):
        assert "refused" in answer, case["why"]


def test_notes_open_as_the_vectors_say(verifier: Page, site: str) -> None:
    logs = {one["text"] for one in NOTES["keys"] if one["algorithm"] == ED25519}
    cases = [one for one in NOTES["notes"] if len(one["verifiers"]) == 1
             and one["verifiers"][0] in logs]  # fmt: skip
    assert len(cases) > 30
    for case, answer in zip(cases, ask(verifier, site, "note", cases), strict=True):
        assert answer.get("holds") == (case["text"] if case["opens"] else None), case["name"]


def test_checkpoints_are_those_of_the_vectors(verifier: Page, site: str) -> None:
    cases = NOTES["checkpoints"]
    expected = [{"holds": [one["origin"], one["size"], one["root"]]} for one in cases]
    assert ask(verifier, site, "checkpoint", cases) == expected
    refused = NOTES["checkpoints_refused"]
    for case, answer in zip(refused, ask(verifier, site, "checkpoint", refused), strict=True):
        assert "refused" in answer, case["why"]


def test_log_proofs_are_answered_as_the_vectors_say(verifier: Page, site: str) -> None:
    for case, answer in zip(
        NOTES["proofs"], ask(verifier, site, "proof", NOTES["proofs"]), strict=True
    ):
        expected = [case["index"], case["size"]] if case["holds"] else None
        assert answer.get("holds") == expected, (case["name"], answer)
