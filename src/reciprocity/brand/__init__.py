"""The brand file, `brand.toml`: what a brand declares, read once into one frozen `Brand`.

`load` gives a brand in which every check holds, or says all that is wrong at once. Of a brand, the
`BrandStatement` is public and goes into the log; the campaigns follow when they are released; where
things lie and who hands mail over stays on the machine.
"""

from reciprocity.brand.canonical import (
    campaign_body,
    notice_hash,
    read_campaign,
    read_statement,
    statement_body,
    statement_hash,
)
from reciprocity.brand.checkers import check_conditions, check_templates
from reciprocity.brand.checks import TEMPLATE_WORDS
from reciprocity.brand.declared import Brand, BrandStatement, Controller, LawPack, Transport
from reciprocity.brand.laws import known_laws, law_packs
from reciprocity.brand.layout import schema
from reciprocity.brand.load import FILE_NAME, Checker, load, problems
from reciprocity.brand.own import (
    CONFIRMATION,
    OWN,
    OWN_PURPOSES,
    PAGE_LINK,
    own_campaign,
    own_purposes,
)
from reciprocity.brand.starter import starter
from reciprocity.brand.tree import ancestors, descendants, topic_ancestors, topic_descendants

__all__ = [
    "CONFIRMATION",
    "FILE_NAME",
    "OWN",
    "OWN_PURPOSES",
    "PAGE_LINK",
    "TEMPLATE_WORDS",
    "Brand",
    "BrandStatement",
    "Checker",
    "Controller",
    "LawPack",
    "Transport",
    "ancestors",
    "campaign_body",
    "check_conditions",
    "check_templates",
    "descendants",
    "known_laws",
    "law_packs",
    "load",
    "notice_hash",
    "own_campaign",
    "own_purposes",
    "problems",
    "read_campaign",
    "read_statement",
    "schema",
    "starter",
    "statement_body",
    "statement_hash",
    "topic_ancestors",
    "topic_descendants",
]
