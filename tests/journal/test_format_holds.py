"""What the journal's format must keep from whoever reads it, found by attacking it.

Nothing here can be mended once journals are written: a link that a leaf, a salt or a public
statement gives away stays given away.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from itertools import permutations
from pathlib import Path

import msgspec
import pytest

from reciprocity.errors import Conflict, Damaged, InputError, ProofError
from reciprocity.events import Act, ErasureDone, LogRestored, read_body, read_event
from reciprocity.journal.backup import back_up
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import chain_start, salt_of
from reciprocity.journal.profile import attribute_commitments, point_commitment, profile_commitment
from reciprocity.journal.restore import restore
from reciprocity.keys import commit, derive
from reciprocity.leave.erase import erase
from reciprocity.model import Id, Profile
from reciprocity.prove.receipt import check_receipt, receipt_for
from reciprocity.storage import connect
from reciprocity.tlog.note import open_checkpoint
from reciprocity.vault.profile import set_attributes
from tests.journal.small import (
    Clock,
    address,
    attempt,
    no_more,
    noted,
    one,
    register,
    registration,
    reopen,
    statement,
)
from tests.place import lose_all


def chained(start: bytes, leaf_hashes: Sequence[bytes]) -> bytes:
    head = start
    for leaf_hash in leaf_hashes:
        head = sha256(head + leaf_hash).digest()
    return head


def orders(leaf_hashes: Sequence[bytes], number: int) -> Iterator[Sequence[bytes]]:
    return permutations(leaf_hashes, number)


def test_the_last_head_of_the_erased_does_not_lead_to_their_leaves(journal: Journal) -> None:
    slots = [register(journal, name) for name in ("ann", "bob", "cem")]
    journal.append([no_more(slots[1])])
    start = chain_start(derive(journal.keys.people([slots[1]])[slots[1]].proof))
    erase(journal, slots[1], operator="operator:ada", now=True)
    (told,) = journal.brand_events("person.erased")
    assert isinstance(told.body, ErasureDone)
    leaves = [sha256(b"\0" + leaf).digest() for leaf in journal.leaves(journal.state().size)]
    head, number = bytes.fromhex(told.body.head), told.body.version
    tried = list(orders(leaves, number))
    # whoever still had the key's secret would find them, so the search is one that can succeed
    assert sum(chained(start, each) == head for each in tried) == 1
    for guess in (b"", bytes(32)):
        assert not any(chained(guess, each) == head for each in tried)


def test_an_event_that_took_a_lost_ones_number_has_another_salt(
    journal: Journal, clock: Clock, tmp_path: Path
) -> None:
    ann = register(journal, "ann")
    back_up(journal, tmp_path / "j", tmp_path / "k")
    lost = one(journal.append([no_more(ann)], prove=True))
    verifier = journal.verifier()
    journal.close()
    lose_all(tmp_path / "live")
    (newest,) = (tmp_path / "j").iterdir()
    restore(
        tmp_path / "live", journal_from=newest, keys_from=tmp_path / "k" / newest.name,
        master_key=tmp_path / "away" / "master.key", safekeeping=tmp_path / "safe", clock=clock,
        operator="operator:ada",
    )  # fmt: skip
    with reopen(tmp_path, clock) as again:
        clock.at += 1
        anew = one(again.append([no_more(ann)]))
        assert anew.version == lost.version
        assert anew.salt != lost.salt
        (told,) = again.brand_events("log.restored")
        assert isinstance(told.body, LogRestored)
        old = open_checkpoint(told.body.old_checkpoint.encode(), verifier)
        assert (old.size, old.root.hex()) == (told.body.old_size, told.body.old_root)
        # nor may a lost letter's link be that of the letter which takes its version
        with closing(connect(tmp_path / "live" / "journal.db", durable=True)) as db:
            assert db.execute("SELECT COUNT(*) FROM link_key").fetchone() == (1,)


def test_a_salt_depends_on_the_text_and_never_on_the_chains_start() -> None:
    pair = derive(bytes(32))
    assert len({salt_of(pair, 3, b"a"), salt_of(pair, 3, b"b"), salt_of(pair, 4, b"a")}) == 3
    assert chain_start(pair) not in {salt_of(pair, 1, b""), salt_of(pair, 0, b"x")}


def test_one_value_is_shown_and_the_others_are_not() -> None:
    vault, values = derive(bytes(32)), {"age": 41, "diet": "vegan"}
    made = attribute_commitments(vault, 3, values)
    assert made["age"][1] == sha256(made["age"][0] + b"41").digest()
    assert made["diet"][1] == sha256(made["diet"][0] + b'"vegan"').digest()
    assert made["age"][0] != made["diet"][0]
    assert attribute_commitments(vault, 4, values)["age"] != made["age"]
    assert profile_commitment(vault, 3, values) != profile_commitment(vault, 3, {"age": 41})
    # the opening of one point is that of no other: not of the next channel, not of the next event
    points = {
        point_commitment(vault, channel, version, address("ann"))
        for channel in ("email", "post") for version in (1, 2)
    }  # fmt: skip
    assert len(points) == 4


def test_history_tells_which_attributes_were_told_and_taken_back(journal: Journal) -> None:
    ann, brand = register(journal, "ann"), statement()
    set_attributes(journal, brand, ann, {"age": 42}, actor="person")
    set_attributes(journal, brand, ann, {"age": None, "diet": None}, actor="person")
    told = [each.body for each in journal.history(ann) if isinstance(each.body, Act)]
    assert [body.told for body in told] == [("age", "diet"), (), ("age",), ("age", "diet")]
    assert [bool(body.profile) for body in told] == [True, False, True, True]
    assert len({body.profile for body in told}) == 4
    assert journal.profile(ann).since == {"age": 4, "diet": 4}


def test_a_field_that_is_not_known_is_refused_and_not_passed_over() -> None:
    with pytest.raises(Damaged, match="never_on_sundays"):
        read_body("preferences.set", b'{"actor":"person","method":"m","never_on_sundays":true}')
    nested = b'{"actor":"person","method":"m","topics":{"tea":{"level":1,"not_at":"night"}}}'
    with pytest.raises(Damaged, match="not_at"):
        read_body("preferences.set", nested)
    with pytest.raises(Damaged, match="until"):
        read_event(b'{"at":5,"body":{},"happened_at":5,"kind":"log.opened","until":1,"v":1}')


def test_the_suppression_list_and_the_index_have_nothing_in_common(
    journal: Journal, tmp_path: Path
) -> None:
    register(journal, "ann")
    digest = journal.digest("email", address("ann"))
    journal.append([Entry(kind="suppression.added", body=noted().body, suppress=(digest,))])
    assert journal.suppressed([digest]) == {digest}
    with closing(connect(tmp_path / "live" / "journal.db", durable=True)) as db:
        listed = {row[0] for row in db.execute("SELECT digest FROM suppression")}
    with closing(connect(tmp_path / "live" / "keys.db", durable=True)) as db:
        index = {row[0] for row in db.execute("SELECT digest FROM blind_index")}
    assert listed
    assert digest in index
    assert not listed & index
    assert commit(journal.keys.brand.suppression, digest)[:16] in listed


def test_an_act_id_used_for_another_new_person_is_refused(journal: Journal) -> None:
    ann = one(journal.append([registration(journal, "ann", act_id="form")]))
    assert one(journal.append([registration(journal, "ann", act_id="form")])).slot == ann.slot
    with pytest.raises(Conflict, match="act id"):
        journal.append([registration(journal, "bob", act_id="form")])


def test_a_name_with_a_line_break_is_no_id() -> None:
    for text in ("offers\n", "offers\n\n", "\noffers", "Offers", ""):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text, Id)
    assert msgspec.convert("offers", Id) == "offers"


@pytest.mark.parametrize(
    "profile",
    [
        Profile(attributes={"Age": 1}),
        Profile(attributes={"age\n": 1}),
        Profile(attributes={"age": 2**53}),
        Profile(attributes={"age": 1.5}),  # type: ignore[dict-item]
        Profile(attributes={"age": None}),  # type: ignore[dict-item]
        Profile(points={"email": 5}),  # type: ignore[dict-item]
        Profile(points={"email": "\ud800"}),
        Profile(external_id=7),  # type: ignore[arg-type]
        Profile(since={"age": 0}),
        Profile(since={"age": True}),
        Profile(attributes=None),  # type: ignore[arg-type]
    ],
)
def test_a_profile_that_would_not_read_back_is_refused(journal: Journal, profile: Profile) -> None:
    entry = msgspec.structs.replace(registration(journal, "ann"), profile=profile)
    before = journal.state().size
    with pytest.raises(InputError, match="profile cannot be written"):
        journal.append([entry])
    assert journal.state().size == before
    assert journal.append([registration(journal, "ann")])


def test_a_receipt_with_a_salt_of_another_length_is_refused(journal: Journal) -> None:
    ann = register(journal, "ann")
    receipt = receipt_for(one(journal.append([no_more(ann)], prove=True)))
    check_receipt(receipt, journal.verifier())
    moved = msgspec.structs.replace(receipt, salt="")
    with pytest.raises(ProofError, match="salt"):
        check_receipt(moved, journal.verifier())


def test_facts_beyond_what_every_reader_keeps_are_refused(journal: Journal) -> None:
    ann = register(journal, "ann")
    entry = attempt(journal, ann)
    for change in ({"atoms": 2**53}, {"facts": (2**53,)}, {"score": -(2**53)}):
        body = msgspec.structs.replace(entry.body, **change)
        with pytest.raises(InputError, match="cannot be written"):
            journal.append([msgspec.structs.replace(entry, body=body)])
