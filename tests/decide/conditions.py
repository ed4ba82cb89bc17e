"""Any condition of the closed language, over a few facts: what every engine must read alike."""

from hypothesis import strategies as st

NUMBERS = ("stated_age", "minimum_age", "topic_lowest", "message_attempts", "pause_until")
FLAGS = ("person_known", "objected", "in_audience")
STATES = ("given", "withdrawn", "pending")

number = st.integers(-3, 3)
comparisons = st.one_of(
    st.sampled_from(FLAGS),
    st.builds("{} = {}".format, st.sampled_from(FLAGS), st.sampled_from(("TRUE", "FALSE"))),
    st.builds(
        "{} {} {}".format,
        st.sampled_from(NUMBERS),
        st.sampled_from(("=", "<>", "<", "<=", ">", ">=")),
        number | st.sampled_from(NUMBERS),
    ),
    st.builds("{} > {}".format, number, st.sampled_from(NUMBERS)),
    st.builds(
        "{} {} ({})".format,
        st.sampled_from(NUMBERS),
        st.sampled_from(("IN", "NOT IN")),
        st.lists(number, min_size=1, max_size=3).map(lambda told: ", ".join(map(str, told))),
    ),
    st.builds(
        "consent_state {} '{}'".format, st.sampled_from(("=", "<>")), st.sampled_from(STATES)
    ),
    st.lists(st.sampled_from(STATES), min_size=1).map(
        lambda told: "consent_state IN (" + ", ".join(f"'{each}'" for each in told) + ")"
    ),
    st.sampled_from(("TRUE", "FALSE", "basis = 'consent'", "basis IN ('contract')")),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("{} AND {}".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        inner.filter(lambda text: not text.startswith("NOT")).map("NOT {}".format),
    ),
    max_leaves=12,
)
few = st.lists(
    st.fixed_dictionaries(
        dict.fromkeys(NUMBERS, number)
        | {name: st.booleans() for name in FLAGS}
        | {"consent_state": st.sampled_from((1, 2, 4)), "basis": st.integers(0, 2)}
    ),
    min_size=1,
    max_size=8,
)
"""What to change in the facts of a few people."""
