"""What a curation is: the rule that retires prototypes, what it proposes, and what was done.

Ratings propose, training replaces, pages show: the three rooms meet in these types.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pydantic.dataclasses
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from protoecg.prototypes.manifest import BundleError
from protoecg.storage.files import STRICT, read_toml, toml_text

ABOUT = "curations"
_SCALES = ("representativeness", "clarity")
_CHECKED = ConfigDict(extra="forbid", allow_inf_nan=False)

Share = Annotated[float, Field(ge=0, lt=1)]
Point = Annotated[float, Field(ge=1, le=5)]
Cosine = Annotated[float, Field(gt=-1, le=1)]


class CurationError(ValueError):
    """A curation that cannot be done; the message says why and what to do."""


@pydantic.dataclasses.dataclass(frozen=True, config=_CHECKED)
class Candidates:
    """Which windows may take a retired prototype's place.

    Parameters
    ----------
    shown : how many are proposed for each, the best first
    unlike : cosine to a retired or rejected window of the statement from which on a window is too
        much like it
    """

    shown: Annotated[int, Field(ge=1, le=50)] = 6
    unlike: Cosine = 0.95


@pydantic.dataclasses.dataclass(frozen=True, config=_CHECKED)
class Rule:
    """When a prototype is retired: stated before its ratings are looked at.

    A prototype rated by at least `reviewers` people is retired where one of the limits that are set
    is met, and one in `retire` whatever its ratings.

    Parameters
    ----------
    reviewers : who have to have rated it
    representativeness, clarity : retired where the median is at most this
    not_accurate : retired where more than this share calls it not accurate
    bad : retired where more than this share marks it as bad
    retire, keep : names of prototypes, by hand
    replace : whether another window takes its place; else the statement goes on with fewer
    chosen : by name of a retired prototype, the window that takes its place, as `"RECORD START"`,
        the start in seconds; empty for none, the first candidate where none is chosen
    candidates : which windows may
    """

    reviewers: Annotated[int, Field(ge=1)] = 2
    representativeness: Point | None = None
    clarity: Point | None = None
    not_accurate: Share | None = None
    bad: Share | None = None
    retire: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    replace: bool = True
    chosen: dict[str, str] = Field(default_factory=dict)
    candidates: Candidates = Field(default_factory=Candidates)

    @property
    def retires_nothing(self) -> bool:
        """Whether no prototype could meet it."""
        limits = self.representativeness, self.clarity, self.not_accurate, self.bad
        return not self.retire and all(limit is None for limit in limits)

    def __post_init__(self) -> None:
        """Refuse a rule that contradicts itself."""
        if both := set(self.retire) & set(self.keep):
            raise ValueError(f"{min(both)} is to be retired and kept; name it once")


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Verdict:
    """What reviewers said of a window, wherever they rated it: each reviewer counts once.

    Parameters
    ----------
    reviewers : their codes
    representativeness, clarity : the points that were given, 1 to 5
    accurate, not_accurate, bad : how many said so
    comments : by reviewer, in their words
    """

    reviewers: tuple[str, ...] = ()
    representativeness: tuple[int, ...] = ()
    clarity: tuple[int, ...] = ()
    accurate: int = 0
    not_accurate: int = 0
    bad: int = 0
    comments: tuple[tuple[str, str], ...] = ()


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Proposal:
    """A prototype that a rule retires, and why.

    Parameters
    ----------
    prototype : its name
    why : in words; `disagreement` too, empty where the reviewers agree
    """

    prototype: str
    why: str
    disagreement: str
    verdict: Verdict


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Proposals:
    """What a rule proposes for the prototypes of a bundle.

    Parameters
    ----------
    retired : in the order of the bundle
    rejected : identities of all windows that the rule rejects, of whatever bundle: none of them
        may come back
    rated : how many prototypes of the bundle have a rating
    elsewhere : how many windows have one that are no prototype of the bundle
    left_out : what does not count yet, in a sentence; empty if all does
    """

    retired: tuple[Proposal, ...]
    rejected: tuple[str, ...]
    rated: int
    elsewhere: int = 0
    left_out: str = ""

    def counted(self, prototypes: int) -> str:
        """Say of how many prototypes of the bundle, and of what else, there are ratings."""
        sentence = f"{self.rated} of {prototypes} prototypes are rated"
        if self.elsewhere:
            windows = f"{self.elsewhere} window{'s' if self.elsewhere != 1 else ''}"
            sentence += f"; {windows} of others are rated too, and retire nothing here"
        return f"{sentence}. {self.left_out}".rstrip()


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Change:
    """A prototype that was retired, and what took its place.

    Parameters
    ----------
    retired, identity, record, window_s, statement : the prototype that was
    why, reviewers : the rule's reasons, and the codes of those who rated it
    representativeness : mean point that they gave; None where none did
    new : name of the prototype in its place; None where there is none
    """

    retired: str
    identity: str
    record: str
    window_s: tuple[float, float]
    statement: str
    why: str
    reviewers: tuple[str, ...]
    representativeness: float | None
    new: str | None

    @property
    def words(self) -> str:
        """The new prototype in words: "replaced IMI-3, rated 1.5 by 3 reviewers"."""
        count = len(self.reviewers)
        by = f"by {count} reviewer{'s' if count != 1 else ''}"
        if self.representativeness is not None:
            return f"replaced {self.retired}, rated {self.representativeness:.1f} {by}"
        return f"replaced {self.retired}, rated {by}" if count else f"replaced {self.retired}"


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Curation:
    """One curation of a bundle: what it began with, by which rule, and each change.

    Parameters
    ----------
    date : ISO 8601, UTC
    parent, parent_fingerprint : revision and fingerprint of the bundle before
    rule : as it was stated
    changes : in the order of the bundle
    refitted : statements whose weights were fitted anew
    """

    date: str
    parent: str
    parent_fingerprint: str
    rule: dict[str, Any]
    changes: tuple[Change, ...]
    refitted: tuple[str, ...]


_CURATIONS = TypeAdapter(tuple[Curation, ...], config=STRICT)


def read_rule(file: Path) -> Rule:
    """Read a rule.

    Raises
    ------
    CurationError
        If it is no TOML, or no such rule.
    """
    try:
        return TypeAdapter(Rule).validate_python(read_toml(toml_text(file)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the rule"
        raise CurationError(f"{file} is no rule: {place}: {first['msg']}.") from error
    except (OSError, ValueError) as error:
        raise CurationError(f"{file} cannot be read as a rule in TOML: {error}.") from error


def curations(about: Mapping[str, Any]) -> tuple[Curation, ...]:
    """Return the curations that a bundle went through, from its manifest's `about`.

    Raises
    ------
    BundleError
        If the manifest says something else.
    """
    try:
        return _CURATIONS.validate_json(json.dumps(about.get(ABOUT, [])))
    except (ValidationError, ValueError, TypeError) as error:
        raise BundleError("What the bundle says of its curations cannot be read.") from error


def rule_in_words(rule: Mapping[str, Any]) -> str:
    """Say a rule, as a bundle keeps it, in words."""
    limits = [f"median {scale} at most {rule[scale]:g}" for scale in _SCALES if rule.get(scale)]
    for name, verdict in (("not_accurate", "call it not accurate"), ("bad", "mark it as bad")):
        share = rule.get(name)
        limits += [] if share is None else [f"more than {100 * share:.0f} % {verdict}"]
    limits_text = (
        f"{' or '.join(limits)}, by {rule.get('reviewers')} reviewers or more" if limits else ""
    )
    by_hand = [f"{word} {', '.join(rule[word])}" for word in ("retire", "keep") if rule.get(word)]
    chosen = f"{len(rule['chosen'])} chosen by eye" if rule.get("chosen") else ""
    return "; ".join(filter(None, [limits_text, *by_hand, chosen])) or "nothing is retired"


def newcomers(about: Mapping[str, Any]) -> dict[str, Change]:
    """Return, by name, the prototypes that took the place of others, and what was changed.

    Parameters
    ----------
    about : of a bundle's manifest
    """
    return {
        change.new: change
        for curation in curations(about)
        for change in curation.changes
        if change.new
    }
