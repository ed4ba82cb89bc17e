"""Acts, events and wishes as hypothesis draws them: mostly plausible, never only that."""

from hypothesis import strategies as st

from reciprocity.consent.laws import DAY_MS
from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.events import (
    KINDS,
    Act,
    Attempt,
    Body,
    ConsentRow,
    Evidence,
    Held,
    Objection,
    Outcome,
    PointSet,
    Quiet,
    TopicLevel,
)
from reciprocity.model import ConsentState

ACT_KINDS = sorted({kind for (kind, _), told in KINDS.items() if told.body is Act})
OUTCOME_KINDS = sorted({kind for (kind, _), told in KINDS.items() if told.body is Outcome})
ACTORS = ("person", "operator:ada", "import:crm", "import", "system", "", "personally")

purposes = st.sampled_from(("offers", "offers-vip", "news"))
channels = st.sampled_from(("email", "post"))
instants = st.integers(0, 120).map(lambda half_days: half_days * DAY_MS // 2)
maybe_instants = st.one_of(st.just(0), instants)
versions = st.integers(0, 6)
names = st.sampled_from(("", "a", "b"))
states = st.sampled_from(ConsentState)
counts = st.one_of(st.none(), st.integers(0, 5))
minutes = st.integers(0, 1439)
levels = st.builds(
    TopicLevel,
    level=st.integers(-2, 2),
    source=st.sampled_from(("declared", "observed:past", "observed:visits", "inferred")),
)
quiets = st.builds(Quiet, start=minutes, end=minutes)
attribute_lists = st.lists(st.sampled_from(("recency", "zip")), unique=True).map(tuple)

rows = st.builds(
    ConsentRow,
    purpose=purposes,
    channel=channels,
    state=states,
    until=maybe_instants,
    reason=st.sampled_from(("asked", "import")),
)
objections = st.builds(
    Objection,
    purpose=st.sampled_from(("*", "offers", "news")),
    channel=st.sampled_from(("*", "email")),
    lifted=st.booleans(),
)
points = st.builds(
    PointSet,
    channel=channels,
    point=versions,
    confirmed=st.booleans(),
    bounced=st.booleans(),
    suppressed=st.booleans(),
    retired=st.booleans(),
)
evidences = st.builds(
    Evidence,
    when=maybe_instants,
    how=st.sampled_from(("", "form")),
    text=st.sampled_from(("", "v1")),
)


def _few(keys, values):
    return st.one_of(st.none(), st.dictionaries(keys, values, max_size=3))


acts = st.builds(
    Act,
    actor=st.sampled_from(ACTORS),
    method=st.just("test"),
    notice=names,
    evidence=st.one_of(st.none(), evidences),
    consent=st.lists(rows, max_size=4).map(tuple),
    objections=st.lists(objections, max_size=2).map(tuple),
    topics=_few(st.sampled_from(("mens", "womens")), levels),
    caps=_few(channels, st.tuples(counts, counts)),
    quiet=st.one_of(st.none(), quiets),
    quiet_unset=st.booleans(),
    pauses=_few(st.sampled_from(("*", "email")), maybe_instants),
    language=names,
    time_zone=names,
    points=st.lists(points, max_size=2).map(tuple),
    shared=_few(purposes, attribute_lists),
    age_at_least=st.integers(0, 20),
    erase_at=maybe_instants,
)


def _attempt(message, at, counted_days, basis) -> Attempt:
    return Attempt(
        message=message, purpose="offers", channel="email", occasion="spring", content="c", point=1,
        consent=1, stated=(1, 2, 3, 4), facts=(1,), basis=basis, decided_at=at,
        handover_by=at + 30_000, counts_until=at + counted_days * DAY_MS,
    )  # fmt: skip


attempts = st.builds(
    _attempt,
    st.sampled_from(("mens", "womens")),
    instants,
    st.integers(0, 40),
    st.sampled_from(("consent", "contract")),
)
outcomes = st.builds(Outcome, attempt=versions, reason=names, again=st.booleans())
helds = st.builds(
    Held,
    message=st.sampled_from(("mens", "womens")),
    occasion=st.just("spring"),
    reason=st.sampled_from(("paused", "cap_reached")),
)
events: st.SearchStrategy[tuple[str, Body]] = st.one_of(
    st.tuples(st.sampled_from(ACT_KINDS), acts),
    st.tuples(st.just("delivery.attempted"), attempts),
    st.tuples(st.sampled_from(OUTCOME_KINDS), outcomes),
    st.tuples(st.just("delivery.held"), helds),
)

answers = st.builds(
    Answer,
    state=states.filter(lambda state: state is not ConsentState.NEVER_ASKED),
    version=versions,
    at=instants,
    until=maybe_instants,
    own=st.booleans(),
    notice=names,
    reason=st.sampled_from(("asked", "import")),
)
requests = st.builds(
    Answer,
    state=st.just(ConsentState.PENDING),
    version=versions,
    at=instants,
    until=maybe_instants,
    notice=names,
)
_keys = st.builds("{}/{}".format, purposes, channels)
wishes = st.builds(
    Wishes,
    answers=st.dictionaries(_keys, answers, max_size=3),
    requests=st.dictionaries(_keys, requests, max_size=2),
    objections=st.dictionaries(_keys, st.tuples(versions, st.booleans()), max_size=2),
    topics=st.dictionaries(st.sampled_from(("mens", "womens")), levels, max_size=2),
    caps=st.dictionaries(channels, st.tuples(counts, st.integers(0, 5)), max_size=2),
    pauses=st.dictionaries(channels, instants.filter(bool), max_size=2),
    points=st.dictionaries(
        channels,
        st.builds(
            Point,
            version=versions,
            confirmed=st.booleans(),
            bounced=st.booleans(),
            suppressed=st.booleans(),
        ),
        max_size=2,
    ),
    shared=st.dictionaries(purposes, attribute_lists, max_size=2),
    quiet=st.one_of(
        st.none(), quiets, st.builds(Quiet, start=st.just(1320), end=st.integers(300, 500))
    ),
    language=names,
    time_zone=names,
    age_at_least=st.integers(0, 20),
    erase_at=maybe_instants,
)
