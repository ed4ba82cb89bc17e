"""A benchmark's row says whether its bar is met, and says it in words."""

from benchmarks.table import Row, as_markdown


def test_a_row_meets_its_bars_only_if_all_hold():
    row = Row(work="replay", measured=30_000, unit="/s", limit=40_000, at_least=25_000)
    assert row.met
    assert row.ratio == 0.75
    worse = Row(work="replay", measured=30_000, unit="/s", limit=60_000, ratio_at_least=0.6)
    assert not worse.met


def test_a_bar_on_a_ratio_without_a_limit_is_missed():
    assert not Row(work="decide", measured=1, unit="us", ratio_at_most=2).met


def test_a_row_without_a_bar_is_met():
    assert Row(work="note", measured=1, unit="us").met


def test_the_table_shows_the_limit_and_a_missed_bar():
    row = Row(
        work="one decision",
        measured=0.9,
        unit="us",
        limit=0.4,
        limit_is="by hand",
        ratio_at_most=2,
    )
    last = as_markdown([row]).splitlines()[-1]
    assert last == "| one decision | 0.9 us | 0.4 us (by hand) | 2.25x | ≤ 2x | **no** |"
