"""The example of a table: the rows that may get the message, the others with their reason."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

from reciprocity.consent.draft import grant, withdraw
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import register
from tests.http.at_site import new_site
from tests.shop import Clock

EXAMPLE = Path(__file__).parents[2] / "examples" / "dataframe" / "permitted.py"


def test_rows_that_may_get_it_go_out_and_each_other_has_its_reason(tmp_path: Path) -> None:
    clock = Clock()
    folder = new_site(tmp_path, "https://shop.example", clock)
    with Reciprocity.open(folder) as shop:
        for number in range(4):
            slot = register(
                shop.journal, shop.statement, actor="operator:tests", external_id=f"C-{number}"
            ).slot
            saying = shop.saying("person", "counter")
            if number:
                shop.act(slot, lambda saying=saying: grant(saying, ["shown"]))
                shop.act(
                    slot, lambda saying=saying: prefer(saying, Preferences(topics={"garden": 2}))
                )
            if number == 3:
                wishes = shop.wishes(slot)
                shop.act(
                    slot, lambda saying=saying, wishes=wishes: withdraw(saying, wishes, ["shown"])
                )
        campaign, message = next(
            (one.campaign, one.message) for one in shop.decide("id:C-1")
            if one.decision.verdict == "deliver"
        )  # fmt: skip
        mine = shop.decide_people([f"id:C-{n}" for n in range(4)], campaign, message)
        alone = [shop.why(slot, campaign, message).decision for slot in range(4)]
        assert mine == alone
    customers = tmp_path / "customers.csv"
    rows = [("C-2", "Ann"), ("C-0", "Bo"), ("nobody", "Cy"), ("C-3", "Di"), ("C-1", "Ed")]
    customers.write_text("customer,name\n" + "".join(f"{who},{name}\n" for who, name in rows))
    done = subprocess.run(
        [sys.executable, EXAMPLE, folder, customers, campaign, message],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    with (tmp_path / "customers.permitted.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["Ann", "Ed"]
    assert sorted(line.split()[1] for line in done.stdout.splitlines()) == sorted(
        {one.reason for one in alone if one.reason} | {"unknown_person"}
    )
