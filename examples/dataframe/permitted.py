"""A table of customers comes in; the rows that may get a message go out, and why the others not.

    python examples/dataframe/permitted.py SHOP CUSTOMERS.csv CAMPAIGN MESSAGE

SHOP is a brand's folder, CUSTOMERS.csv has a column `customer` with customer numbers and whatever
else. Written for Arrow, which Polars (`frame.to_arrow()`, `polars.from_arrow(table)`), pandas and
DuckDB read and write without a copy. It looks and sends nothing: whatever leaves through the gate
is decided anew when it leaves.
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from reciprocity import Reciprocity


def decided(shop: Reciprocity, customers: pa.Table, campaign: str, message: str) -> pa.Table:
    """*customers* with two more columns, `verdict` and `reason`, each row as it stands now."""
    people = [f"id:{number}" for number in customers["customer"].to_pylist()]
    told = shop.decide_people(people, campaign, message)
    verdicts = pa.array([str(one.verdict) for one in told], pa.string())
    reasons = pa.array([one.reason for one in told], pa.string())
    return customers.append_column("verdict", verdicts).append_column("reason", reasons)


def permitted(told: pa.Table) -> pa.Table:
    """The rows that may get the message."""
    return told.filter(pc.equal(told["verdict"], "deliver"))


def reasons(told: pa.Table) -> pa.Table:
    """How many of the others are held back by what, the most frequent first."""
    others = told.filter(pc.not_equal(told["verdict"], "deliver"))
    counted = others.group_by("reason").aggregate([("reason", "count")])
    return counted.sort_by([("reason_count", "descending"), ("reason", "ascending")])


if __name__ == "__main__":
    folder, file, campaign, message = sys.argv[1:]
    with Reciprocity.open(folder) as opened:
        found = decided(opened, pyarrow.csv.read_csv(file), campaign, message)
    pyarrow.csv.write_csv(permitted(found), Path(file).with_suffix(".permitted.csv"))
    for row in reasons(found).to_pylist():
        print(f"{row['reason_count']:>8,}  {row['reason']}")
