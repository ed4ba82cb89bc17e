"""The reference lists all there is, as it is."""

from docs.build import ROOT
from reciprocity.events import KINDS


def test_every_kind_of_event_is_in_the_reference():
    lines = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8").splitlines()
    rows = [
        f"| `{name}` | {version} | `{kind.body.__name__}` | {kind.meaning} |"
        for (name, version), kind in KINDS.items()
    ]
    assert sorted(line for line in lines if line.startswith("| `")) == sorted(rows)
