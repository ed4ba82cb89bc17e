"""One brand, opened: the only chapter that knows every other, and wires them together.

    with Reciprocity.open("shop") as shop:
        shop.apply(actor="operator:anna")
        shop.plan("spring")

`shop` is the brand's folder, open; `apply` puts its file in force; `tick` does all that is due;
`heard` counts what people said.
"""

from reciprocity.platform.heard import (
    PromisesKept,
    count_feedback,
    count_promises,
    count_requests,
    give_feedback,
)
from reciprocity.platform.scorecard import RULE, Figures, State, read_scorecard
from reciprocity.platform.shop import Reciprocity, check_brand
from reciprocity.platform.tick import Ticked

__all__ = [
    "RULE",
    "Figures",
    "PromisesKept",
    "Reciprocity",
    "State",
    "Ticked",
    "check_brand",
    "count_feedback",
    "count_promises",
    "count_requests",
    "give_feedback",
    "read_scorecard",
]
