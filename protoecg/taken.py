"""When an ECG was taken, and of whom: what readers keep of that, and nothing else.

Time, age and sex are what a reading needs, and none of them names anybody by itself. Together
they may still tell who it was: they are shown only where a person asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

Sex = Literal["female", "male"]

# Ages from here on are one, as few people are so old.
OLDEST = 90
MAX_AGE = 120
# What PTB-XL writes of everybody who is older than 89.
_OLD = 300
_SEXES: dict[str, Sex] = {"f": "female", "female": "female", "m": "male", "male": "male"}
_FIRST_DAY = date(1950, 1, 1)
# Where clocks begin that nobody has set, and what EDF writes of no date.
_NO_DAYS = {date(year, 1, 1) for year in (1970, 1980, 1985, 2000)}


@dataclass(frozen=True)
class Taken:
    """When an ECG was taken, and of whom; None of what is not known.

    Parameters
    ----------
    day, clock : of its first sample, by the device's own clock
    age : in years; `OLDEST` is that or more
    sex : as the file gives it
    """

    day: date | None = None
    clock: time | None = None
    age: int | None = None
    sex: Sex | None = None

    @classmethod
    def of(
        cls,
        day: date | None = None,
        clock: time | None = None,
        *,
        age: float | None = None,
        born: date | None = None,
        sex: str = "",
    ) -> Taken:
        """Keep of what a file says what can be true.

        Parameters
        ----------
        age : in years, as the file gives it
        born : what the age is computed of where the file gives none; it is not kept
        sex : in any usual spelling
        """
        day = day if day is None or _is_believable(day) else None
        clock = clock.replace(microsecond=0, tzinfo=None) if day and clock else None
        if age is None and day and born:
            age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        return cls(day, clock, _years(age), _SEXES.get(sex.strip().lower()))

    @classmethod
    def at(
        cls,
        moment: datetime | None,
        *,
        age: float | None = None,
        born: datetime | None = None,
        sex: str = "",
    ) -> Taken:
        """Keep what can be true, of a file that gives day and time together; else as `of`."""
        when = (moment.date(), moment.time()) if moment else ()
        return cls.of(*when, age=age, born=born.date() if born else None, sex=sex)

    def after(self, seconds: float) -> Taken:
        """Return the same for what was recorded some seconds later."""
        if not (self.day and self.clock):
            return self
        later = datetime.combine(self.day, self.clock) + timedelta(seconds=round(seconds))
        return Taken(later.date(), later.time(), self.age, self.sex)

    def is_before(self, other: Taken) -> bool:
        """Whether both say when they were taken, and this was taken first."""
        if not (self.day and other.day):
            return False
        if self.day != other.day or not (self.clock and other.clock):
            return self.day < other.day
        return self.clock < other.clock

    def __bool__(self) -> bool:
        return self != UNKNOWN

    @property
    def words(self) -> str:
        """All of it, such as "2021-03-03 10:42 · 64 years · female"."""
        day = self.day.isoformat() if self.day else ""
        clock = f"{self.clock:%H:%M}" if self.clock else ""
        return " · ".join(filter(None, (f"{day} {clock}".strip(), self._aged, self.sex)))

    @property
    def _aged(self) -> str:
        if self.age is None:
            return ""
        if self.age == 0:
            return "under 1 year"
        return "1 year" if self.age == 1 else f"{self.age}{'+' * (self.age == OLDEST)} years"

    def to_json(self) -> dict[str, str | int | None]:
        """Return all of it as JSON holds it; an age of 90 is that or more."""
        return {
            "day": self.day.isoformat() if self.day else None,
            "clock": self.clock.isoformat() if self.clock else None,
            "age": self.age,
            "sex": self.sex,
        }


UNKNOWN = Taken()


def _is_believable(day: date) -> bool:
    # A clock may be ahead, in another zone.
    return _FIRST_DAY <= day <= date.today() + timedelta(days=1) and day not in _NO_DAYS


def _years(age: float | None) -> int | None:
    if age == _OLD:
        return OLDEST
    if age is None or not 0 <= age <= MAX_AGE:
        return None
    return min(int(age), OLDEST)
