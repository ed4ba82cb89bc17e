"""What must hold across a whole brand file, beyond the type of each value.

Each check reads the draft and notes what it finds under the key a person would mend. Reading goes
on after a finding, so that one run of `reciprocity check` shows them all.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from reciprocity.brand.behaviours import check_behaviours
from reciprocity.brand.declared import Transport
from reciprocity.brand.draft import Draft, consent_purposes, messages, refer
from reciprocity.brand.laws import known_laws
from reciprocity.brand.layout import MessageTable
from reciprocity.brand.own import OWN, OWN_PURPOSES
from reciprocity.brand.plausible import (
    is_country,
    is_domain,
    is_email,
    is_language,
    is_one_line,
    is_origin,
    is_page,
    is_phone,
    is_reachable,
    is_sender,
    is_time_zone,
)
from reciprocity.brand.propositions import check_propositions
from reciprocity.brand.reader import Findings, join, suggest
from reciprocity.brand.tree import above
from reciprocity.model import OBSERVE, WEB, Attribute, AttributeType, Basis, Purpose, Topic

__all__ = ["TEMPLATE_WORDS", "check"]

TEMPLATE_WORDS: Final = frozenset({"brand_name", "page_url", "reason_line", "unsubscribe_url"})
"""The names every template may print besides the attributes its message requires."""


def check(draft: Draft, findings: Findings) -> None:
    """Note everything that does not hold across *draft*."""
    for look in _CHECKS:
        look(draft, findings)


def _check_plausible(_: Draft, findings: Findings) -> None:
    """Single texts are what their key asks for, also where the rest of their table is broken."""
    for key, (is_plausible, expected) in _PLAUSIBLE.items():
        value = findings.read.get(key)
        if value is not None and not is_plausible(value):
            findings.add(key, f"found {value!r}, expected {expected}")


def _check_own(draft: Draft, findings: Findings) -> None:
    """What every brand has anyway is declared by none."""
    for name in OWN_PURPOSES:
        if name in draft.purposes:
            findings.add(f"purposes.{name}", "is one that every brand has: remove it")
    if OWN in draft.campaigns:
        findings.add(f"campaigns.{OWN}", "is one that every brand has: call yours otherwise")


def _check_laws(_: Draft, findings: Findings) -> None:
    laws = findings.read.get("brand.laws")
    if laws == ():
        known = ", ".join(known_laws())
        findings.add(
            "brand.laws", f'names no law pack; "baseline" is the least (known are {known})'
        )
    for name in laws or ():
        if name not in known_laws():
            findings.add("brand.laws", f"{name!r} is no law pack; {suggest(name, known_laws())}")


def _check_origins(_: Draft, findings: Findings) -> None:
    for origin in findings.read.get("site.origins") or ():
        if not is_origin(origin):
            findings.add(
                "site.origins",
                f'found {origin!r}, expected an origin as browsers write it: "https://HOST[:PORT]" '
                "in lower case (http:// for this machine alone)",
            )


def _check_territory(_: Draft, findings: Findings) -> None:
    territory = findings.read.get("controller.territory")
    if territory == ():
        findings.add("controller.territory", 'names no country; expected such as ["DE", "AT"]')
    for country in territory or ():
        if not is_country(country):
            findings.add(
                "controller.territory",
                f"found {country[:40]!r}, expected a country's two letters (ISO 3166-1), such as "
                "'DE', or 'GB' for the United Kingdom",
            )


def _check_titles(draft: Draft, findings: Findings) -> None:
    """Titles end up in headers, tables and pages: one line each."""
    for table in ("purposes", "behaviours", "topics", "attributes", "channels", "campaigns"):
        for name, told in getattr(draft, table).items():
            if not is_one_line(told.title):
                findings.add(join(table, name) + ".title", "found line breaks, expected one line")


def _check_purposes(draft: Draft, findings: Findings) -> None:
    parents = {told.parent for told in draft.purposes.values()}
    for name, told in draft.purposes.items():
        key = join("purposes", name)
        for channel in told.channels:
            refer(findings, f"{key}.channels", "channels", channel)
        for attribute in told.attributes:
            refer(findings, f"{key}.attributes", "attributes", attribute)
        if not told.channels and name not in parents:
            findings.add(f"{key}.channels", "names no channel, so nobody can be reached for it")
        parent = draft.purposes.get(told.parent or "")
        if parent is not None and parent.basis is not told.basis:
            findings.add(
                f"{key}.basis",
                f"found {told.basis.value!r} below {told.parent!r}, which stands on "
                f"{parent.basis.value!r}; a withdrawal cascades, so one tree has one basis",
            )


def _check_trees(draft: Draft, findings: Findings) -> None:
    _check_tree(draft.purposes, "purposes", findings)
    _check_tree(draft.topics, "topics", findings)


def _check_tree(
    tree: Mapping[str, Purpose] | Mapping[str, Topic], table: str, findings: Findings
) -> None:
    """Every parent exists, and the way up ends."""
    for name, told in tree.items():
        if told.parent is None:
            continue
        key = join(table, name) + ".parent"
        refer(findings, key, table, told.parent)
        way = above(tree, name)
        if name == told.parent or (way and tree[way[-1]].parent == name):
            circle = " -> ".join((name, *way, name))
            findings.add(key, f"{circle} is a circle; expected a way up that ends")


def _check_shared_ids(draft: Draft, findings: Findings) -> None:
    for name in sorted(findings.ids("purposes") & findings.ids("behaviours")):
        findings.add(join("behaviours", name), "is also the id of a purpose; expected its own")
    if OBSERVE in findings.ids("channels"):
        findings.add(f"channels.{OBSERVE}", "is kept for behaviours; expected another id")
    counts = Counter(message_id for _, message_id, _ in messages(draft))
    for key, message_id, _ in messages(draft):
        if counts[message_id] > 1:
            findings.add(
                key,
                f"{message_id!r} is an id in {counts[message_id]} campaigns; expected one of its "
                "own, since the journal names a message by its id alone",
            )


def _check_attributes(draft: Draft, findings: Findings) -> None:
    for name, told in draft.attributes.items():
        key = join("attributes", name)
        if "-" in name:
            findings.add(key, "found -, expected _: rules and templates read - as minus")
        if name in TEMPLATE_WORDS:
            findings.add(key, "is a name that every template has; expected another id")
        _check_enum(key, told, findings)
        _check_bounds(key, told, findings)


def _check_enum(key: str, told: Attribute, findings: Findings) -> None:
    if told.type is not AttributeType.ENUM:
        if told.values:
            findings.add(f"{key}.values", f"is for type 'enum', found {told.type.value!r}")
        return
    if not told.values:
        findings.add(f"{key}.values", "found none, expected the values that it takes")
    for value, times in Counter(told.values).items():
        if times > 1:
            findings.add(f"{key}.values", f"found {value!r} {times} times, expected it once")
        if not value.strip() or not is_one_line(value):
            findings.add(f"{key}.values", "found an empty value, expected one line of text")


def _check_bounds(key: str, told: Attribute, findings: Findings) -> None:
    least, most = told.minimum, told.maximum
    for name, bound in (("minimum", least), ("maximum", most)):
        if bound is not None and told.type is not AttributeType.INTEGER:
            findings.add(f"{key}.{name}", f"is for type 'integer', found {told.type.value!r}")
    if least is not None and most is not None and least > most:
        findings.add(f"{key}.minimum", f"found {least}, expected at most the maximum, {most}")


def _check_notices(draft: Draft, findings: Findings) -> None:
    for name, notice in draft.notices.items():
        key = join("notices", name)
        for purpose in notice.purposes:
            refer(findings, f"{key}.purposes", "purposes", purpose)
        for behaviour in notice.behaviours:
            refer(findings, f"{key}.behaviours", "behaviours", behaviour)
        if not notice.purposes and not notice.behaviours:
            findings.add(f"{key}.purposes", "names none, so nothing can be asked with it")
        for language, text in notice.text.items():
            if not is_language(language):
                findings.add(f"{key}.text", f"found {language!r}, expected a language tag, as 'en'")
            if not text.strip():
                findings.add(join(f"{key}.text", language), "found an empty text")
    if draft.brand is not None:
        _check_coverage(draft, draft.brand.language, findings)


def _check_coverage(draft: Draft, language: str, findings: Findings) -> None:
    """Whoever is asked must be shown a text, at least in the brand's own language.

    A broken notice may cover anything, so while there is one nothing is said.
    """
    if len(draft.notices) < len(findings.ids("notices")):
        return
    shown = [notice for notice in draft.notices.values() if language in notice.text]
    asked = {name: f"purposes.{name}" for name, told in consent_purposes(draft).items()
             if told.channels}  # fmt: skip
    asked |= {name: f"behaviours.{name}" for name in draft.behaviours}
    covered = {name for notice in shown for name in (*notice.purposes, *notice.behaviours)}
    for name, key in asked.items():
        if name not in covered:
            findings.add(key, f"no notice asks for it in {language!r}, the language of the brand; "
                         "name it in a [notices.ID] with a text in that language")  # fmt: skip


def _check_channels(draft: Draft, findings: Findings) -> None:
    for name, told in draft.channels.items():
        key = join("channels", name)
        if told.kind == WEB:
            if told.sender:
                findings.add(f"{key}.sender", "found one, but a site has no sender: remove it")
        elif not is_sender(told.sender):
            findings.add(f"{key}.sender", 'expected "NAME@DOMAIN" or "Name <NAME@DOMAIN>"')
        if told.cap_30_days < told.cap_7_days:
            findings.add(
                f"{key}.cap_30_days",
                f"found {told.cap_30_days}, expected at least cap_7_days, {told.cap_7_days}",
            )


def _check_transports(draft: Draft, findings: Findings) -> None:
    for name in draft.transports:
        refer(findings, join("transports", name), "channels", name)
        if name in draft.channels and draft.channels[name].kind == WEB:
            findings.add(join("transports", name), "hands over for a site: remove it")
    used = {message.channel for _, _, message in messages(draft)}
    sites = {name for name, told in draft.channels.items() if told.kind == WEB}
    for name in sorted(used & draft.channels.keys() - sites - findings.ids("transports")):
        findings.add(join("channels", name), f"has messages but no [transports.{name}]")
    for name, told in draft.transports.items():
        key = join("transports", name)
        if told.kind == "maildir" and not told.path:
            findings.add(f"{key}.path", "missing; expected the folder for the mails")
        if told.kind == "smtp" and (not told.host or not is_one_line(told.host)):
            findings.add(f"{key}.host", "missing; expected the name of the mail server")
        if not 1 <= told.port < 2**16:
            findings.add(f"{key}.port", f"found {told.port}, expected 1 to 65535")
        if not 1 <= told.connections <= _MOST_CONNECTIONS:
            findings.add(
                f"{key}.connections", f"found {told.connections}, expected 1 to {_MOST_CONNECTIONS}"
            )
        _check_secrets(told, key, findings)


def _check_secrets(told: Transport, key: str, findings: Findings) -> None:
    for one, other in (("username", "password_file"), ("dkim_key", "dkim_selector")):
        if bool(getattr(told, one)) != bool(getattr(told, other)):
            findings.add(f"{key}.{one}", f"needs {other}, and the other way about")
    if told.username and told.tls == "none":
        findings.add(f"{key}.tls", "found 'none' with a username: its password would go in "
                     "clear; expected 'starttls' or 'implicit'")  # fmt: skip


_MOST_CONNECTIONS: Final = 64


def _check_rules(draft: Draft, findings: Findings) -> None:
    reasons = Counter(rule.reason for rule in draft.rules)
    for number, rule in enumerate(draft.rules):
        if reasons[rule.reason] > 1:
            findings.add(f"rules[{number}].reason", f"{rule.reason!r} comes twice; expected once")


def _check_campaigns(draft: Draft, findings: Findings) -> None:
    for name, told in draft.campaigns.items():
        key = join("campaigns", name)
        if told.opens >= told.closes:
            findings.add(f"{key}.closes", f"found {told.closes}, expected later than {told.opens}")
        if not findings.ids(f"{key}.messages"):
            findings.add(f"{key}.messages", "found none, expected at least one message")
        for side, instant in (("opens", told.opens), ("closes", told.closes)):
            if instant.timestamp() < 0:
                findings.add(f"{key}.{side}", f"found {instant}, expected later than 1970")
        used = {each.channel for each in told.messages.values()} & draft.channels.keys()
        sites = {channel for channel in used if draft.channels[channel].kind == WEB}
        if sites and sites != used:
            findings.add(
                f"{key}.messages",
                "found some for a site and some that are sent: a page asks for what it shows, "
                "so give them a campaign each",
            )
    for key, _, message in messages(draft):
        _check_message(draft, key, message, findings)


def _check_message(draft: Draft, key: str, message: MessageTable, findings: Findings) -> None:
    refer(findings, f"{key}.purpose", "purposes", message.purpose)
    refer(findings, f"{key}.channel", "channels", message.channel)
    channel = draft.channels.get(message.channel)
    if channel is not None and channel.kind == WEB and message.place is None:
        findings.add(f"{key}.place", "missing; expected where on the site it may stand")
    if channel is not None and channel.kind != WEB and message.place is not None:
        findings.add(f"{key}.place", f"is for a site, and {message.channel!r} is none: remove it")
    if not is_one_line(message.subject):
        findings.add(f"{key}.subject", "found line breaks, expected one line")
    for topic in message.topics:
        refer(findings, f"{key}.topics", "topics", topic)
    for name in message.requires:
        refer(findings, f"{key}.requires", "attributes", name)
        if name in draft.attributes and draft.attributes[name].sensitive:
            findings.add(f"{key}.requires", f"{name!r} is sensitive; no message may print it")
    purpose = draft.purposes.get(message.purpose)
    if purpose is not None:
        _check_use(purpose, key, message, findings)


def _check_use(purpose: Purpose, key: str, message: MessageTable, findings: Findings) -> None:
    """A message keeps to what its purpose was granted for."""
    if message.channel not in purpose.channels:
        findings.add(
            f"{key}.channel",
            f"{message.channel!r} is no channel of purpose {message.purpose!r}; "
            f"{suggest(message.channel, purpose.channels)}",
        )
    for name in message.requires:
        if name not in purpose.attributes:
            findings.add(
                f"{key}.requires",
                f"{name!r} is not shared for purpose {message.purpose!r}; "
                f"add it to purposes.{message.purpose}.attributes, or do without",
            )
    if purpose.basis is not Basis.CONSENT and message.topics:
        findings.add(
            f"{key}.topics",
            f"found some, but {message.purpose!r} stands on {purpose.basis.value!r}: "
            "a service message carries no offer, so it has no topics",
        )


def _or_none(is_plausible: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: not text or is_plausible(text)


_PLAUSIBLE: Final[dict[str, tuple[Callable[[str], bool], str]]] = {
    "brand.name": (is_one_line, "one line of text"),
    "brand.domain": (is_domain, 'a domain in lower case, such as "shop.example"'),
    "brand.language": (is_language, 'a language tag, such as "en" or "de-AT"'),
    "brand.time_zone": (is_time_zone, 'an IANA time zone, such as "Europe/Berlin"'),
    "brand.base_url": (
        is_reachable,
        "https://HOST[/PATH] without a / at its end (http:// for this machine alone)",
    ),
    "controller.name": (is_one_line, "one line of text"),
    "controller.email": (is_email, "an e-mail address, NAME@DOMAIN"),
    "controller.phone": (_or_none(is_phone), 'a telephone number, such as "+44 20 7946 0018"'),
    "controller.dpo": (_or_none(is_email), "an e-mail address, NAME@DOMAIN"),
    "controller.authority": (is_one_line, "one line of text"),
    "controller.authority_url": (_or_none(is_page), "the address of a page, https://..."),
}
_CHECKS: Final[tuple[Callable[[Draft, Findings], None], ...]] = (
    _check_plausible,
    _check_own,
    _check_laws,
    _check_origins,
    _check_territory,
    _check_titles,
    _check_purposes,
    _check_trees,
    _check_shared_ids,
    _check_attributes,
    _check_notices,
    check_propositions,
    check_behaviours,
    _check_channels,
    _check_transports,
    _check_rules,
    _check_campaigns,
)
