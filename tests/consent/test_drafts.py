"""A draft says all of what was asked, hits all it says, and refuses what nobody can mean."""

import pytest

from reciprocity.consent.draft import (
    REQUEST_DAYS,
    confirm,
    grant,
    lift,
    object_to,
    refuse,
    request,
    withdraw,
    withdraw_all,
)
from reciprocity.consent.fold import apply_act
from reciprocity.consent.laws import DAY_MS, consent_state_at
from reciprocity.consent.state import Answer, Wishes
from reciprocity.errors import InputError
from reciprocity.events import Act, Objection
from reciprocity.model import ConsentState
from tests.consent.shops import NOW, SHOP, saying

GIVEN, WITHDRAWN = ConsentState.GIVEN, ConsentState.WITHDRAWN
NOTHING = Wishes()


def rows(drafted: tuple[str, Act]) -> dict[str, str]:
    return {f"{row.purpose}/{row.channel}": row.reason for row in drafted[1].consent}


def after(wishes: Wishes, *drafts: tuple[str, Act]) -> Wishes:
    for version, (kind, act) in enumerate(drafts, 1):
        wishes = apply_act(wishes, kind, act, NOW, NOW, version)
    return wishes


def state(wishes: Wishes, key: str) -> ConsentState:
    return consent_state_at(wishes, key, NOW)


EVERYTHING = grant(saying(), [*(each for each in ("offers", "vip", "news", "surveys", "tips")),
                              "purchases"])  # fmt: skip


def test_an_act_names_actor_method_place_notice_and_its_language():
    told = saying("operator:ada", place="shop 3", notice="h", notice_language="de", source="s")
    _, act = grant(told, ["news"])
    assert (act.actor, act.method, act.place) == ("operator:ada", "test", "shop 3")
    assert (act.notice, act.notice_language, act.source) == ("h", "de", "s")


# --- giving ---


def test_a_grant_reaches_what_was_asked_on_its_channels_and_nothing_below():
    assert set(rows(grant(saying(), ["offers"]))) == {"offers/email", "offers/letters"}
    assert set(rows(grant(saying(), ["offers"], ["email"]))) == {"offers/email"}
    assert set(rows(grant(saying(), ["purchases"]))) == {"purchases/observe"}


@pytest.mark.parametrize(("purpose", "days"), [("offers", 365), ("news", 500), ("purchases", 500)])
def test_a_yes_ends_with_the_brands_validity_and_the_strictest_laws_at_the_latest(purpose, days):
    _, act = grant(saying(), [purpose])
    assert {row.until for row in act.consent} == {NOW + days * DAY_MS}


def test_a_request_then_its_confirmation_give_what_was_requested():
    asked = request(saying(), ["offers"])
    assert asked[1].consent[0].until == NOW + REQUEST_DAYS * DAY_MS
    waiting = after(NOTHING, asked)
    yes = confirm(saying(), waiting, channels=["email"])
    assert set(rows(yes)) == {"offers/email"}
    assert state(after(waiting, yes), "offers/email") is GIVEN
    assert state(after(waiting, yes), "offers/letters") is ConsentState.PENDING


def test_a_request_beside_a_withdrawal_can_be_confirmed():
    gone = after(NOTHING, withdraw(saying(), NOTHING, ["news"]), request(saying(), ["news"]))
    assert state(gone, "news/email") is WITHDRAWN
    assert state(after(gone, confirm(saying(), gone)), "news/email") is GIVEN


def test_a_confirmation_reaches_no_request_of_after_what_it_answers():
    both = after(NOTHING, request(saying(), ["offers"], ["email"]), request(saying(), ["news"]))
    assert set(rows(confirm(saying(), both, before=2))) == {"offers/email"}
    with pytest.raises(InputError, match="ask the person anew"):
        confirm(saying(), both, before=1)


def test_confirming_without_a_waiting_request_says_to_ask_anew():
    with pytest.raises(InputError, match="ask the person anew"):
        confirm(saying(), NOTHING)


def test_a_refusal_says_no_to_exactly_what_was_asked():
    kind, act = refuse(saying(), ["offers"], ["email"])
    assert (kind, act.consent[0].state) == ("consent.refused", ConsentState.REFUSED)
    assert set(rows((kind, act))) == {"offers/email"}


@pytest.mark.parametrize(
    ("purposes", "channels", "problem"),
    [
        ([], [], "purpose is missing"),
        (["offer"], [], "purpose 'offer' is not declared"),
        (["orders"], [], "does not rest on consent"),
        (["marketing"], [], "has no channels"),
        (["news"], ["letters"], "is used only on"),
        (["news"], ["email", "fax"], "channel 'fax' is not declared"),
    ],
)
@pytest.mark.parametrize("draft", [grant, request, refuse])
def test_a_question_that_the_brand_does_not_ask_is_refused(draft, purposes, channels, problem):
    with pytest.raises(InputError, match=problem):
        draft(saying(), purposes, channels)


def test_all_problems_are_listed_at_once():
    with pytest.raises(InputError) as caught:
        grant(saying("shop"), ["offer", "orders"], ["fax"])
    assert len(caught.value.problems) == 4


# --- taking back ---


def test_a_withdrawal_lists_every_purpose_below_and_why():
    assert rows(withdraw(saying(), NOTHING, ["marketing"])) == {
        "offers/email": "cascade:marketing",
        "offers/letters": "cascade:marketing",
        "vip/email": "cascade:marketing",
        "news/email": "cascade:marketing",
    }
    assert rows(withdraw(saying(), NOTHING, ["offers"], ["email"])) == {
        "offers/email": "asked", "vip/email": "cascade:offers",
    }  # fmt: skip


def test_what_is_named_and_below_another_is_asked_for_not_a_cascade():
    assert rows(withdraw(saying(), NOTHING, ["offers", "vip"], ["email"]))["vip/email"] == "asked"


def test_a_withdrawal_of_everything_leaves_no_yes():
    given = after(NOTHING, EVERYTHING)
    left = after(given, withdraw(saying(), given))
    assert {answer.state for answer in left.answers.values()} == {WITHDRAWN}
    assert left.answers.keys() == given.answers.keys()


def test_a_withdrawal_reaches_answers_to_purposes_and_channels_the_brand_dropped():
    yes = Answer(state=GIVEN, version=1, at=1)
    old = Wishes(answers={"club/email": yes, "news/fax": yes})
    assert {"club/email", "news/fax"} <= set(rows(withdraw(saying(), old)))
    assert set(rows(withdraw(saying(), old, ["club"]))) == {"club/email"}
    assert set(rows(withdraw(saying(), old, [], ["fax"]))) == {"news/fax"}


def test_a_withdrawal_does_not_touch_what_rests_on_a_contract():
    assert not any(key.startswith("orders/") for key in rows(withdraw(saying(), NOTHING)))


@pytest.mark.parametrize(
    ("purposes", "channels"),
    [(["offer"], []), ([], ["fax"]), (["orders"], ["letters"]), (["news"], ["letters"])],
)
def test_a_withdrawal_that_hits_nothing_says_so(purposes, channels):
    with pytest.raises(InputError):
        withdraw(saying(), NOTHING, purposes, channels)


@pytest.mark.parametrize("actor", ["person", "operator:ada", "system"])
def test_anybody_may_bring_a_withdrawal(actor):
    given = after(NOTHING, EVERYTHING)
    assert state(after(given, withdraw(saying(actor), given)), "news/email") is WITHDRAWN


@pytest.mark.parametrize(
    ("purpose", "hit"),
    [
        ("vip", {"offers/email", "vip/email", "news/email"}),
        ("surveys", {"surveys/email"}),
        ("orders", {"tips/email"}),
        ("gone", {"offers/email", "vip/email", "news/email", "surveys/email", "tips/email",
                  "gone/email"}),
    ],
)  # fmt: skip
def test_one_click_takes_back_the_whole_tree_on_that_channel(purpose, hit):
    assert set(rows(withdraw_all(saying(), NOTHING, purpose, "email"))) == hit


def test_one_click_leaves_other_channels_and_behaviours():
    given = after(NOTHING, EVERYTHING)
    left = after(given, withdraw_all(saying(), given, "news", "email"))
    assert {key for key, each in left.answers.items() if each.state is GIVEN} == {
        "offers/letters", "surveys/email", "tips/email", "purchases/observe",
    }  # fmt: skip


@pytest.mark.parametrize("purpose", ["orders", "never-declared"])
def test_one_click_is_never_refused(purpose):
    kind, _ = withdraw_all(saying("system"), NOTHING, purpose, "pigeon")
    assert kind == "consent.withdrawn"


# --- objections ---


def test_an_objection_is_to_everything_everywhere_unless_named():
    assert object_to(saying())[1].objections == (Objection(purpose="*"),)
    named = object_to(saying(), ["offers"], ["email"])[1].objections
    assert named == (Objection(purpose="offers", channel="email"),)
    with pytest.raises(InputError, match="not declared"):
        object_to(saying(), ["offer"])


def test_lifting_names_each_objection_that_stands():
    stands = after(NOTHING, object_to(saying(), ["offers", "news"]))
    assert len(lift(saying(), stands)[1].objections) == 2
    only = lift(saying(), stands, ["news"])
    assert after(stands, only).objections.keys() == {"offers/*"}
    with pytest.raises(InputError, match="is not there"):
        lift(saying(), NOTHING)


def test_staff_cannot_lift_what_the_person_objected_to():
    stands = after(NOTHING, object_to(saying()))
    with pytest.raises(InputError, match="only they can take it back"):
        lift(saying("operator:ada"), stands)
    by_staff = after(NOTHING, object_to(saying("operator:ada")))
    assert not after(by_staff, lift(saying("operator:bob"), by_staff)).objections


def test_every_purpose_of_the_shop_can_be_asked_for_or_says_why_not():
    for purpose, declared in SHOP.purposes.items():
        if declared.channels and purpose != "orders":
            assert rows(grant(saying(), [purpose]))
