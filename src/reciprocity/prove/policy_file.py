"""The policy file that a brand names: read, and checked for what asking its witnesses needs."""

from collections.abc import Iterator

from reciprocity.brand import Brand
from reciprocity.brand.plausible import is_reachable
from reciprocity.errors import InputError
from reciprocity.tlog.policy import Policy, shown

__all__ = ["check_policy", "policy_of"]


def policy_of(brand: Brand) -> Policy:
    """The policy that the brand file names; raises `InputError` if it names none, or a bad one."""
    path = brand.witness_policy
    if path is None:
        raise InputError('brand file names no witnesses: add [witnesses] policy = "FILE" to it')
    try:
        return Policy.parse(path.read_bytes())
    except OSError as error:
        raise InputError(f"the policy file cannot be read: {error.strerror}") from error


def check_policy(brand: Brand) -> Iterator[str]:
    """What is wrong with the policy file, as a check of the brand file (`Checker`)."""
    if brand.witness_policy is None:
        return
    try:
        policy = policy_of(brand)
    except InputError as error:
        yield f"witnesses.policy: {error}"
        return
    if not policy.witnesses:
        yield "witnesses.policy: names no witness; expected a line `witness NAME VKEY URL`"
    for one in policy.witnesses:
        if not is_reachable(one.url.rstrip("/")):
            yield (
                f"witnesses.policy: witness {shown(one.name)} has the url {shown(one.url)!r}; "
                "expected https://HOST[/PATH] (http:// for this machine alone)"
            )
