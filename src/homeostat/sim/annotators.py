"""People who review answers, and err: each as often as `data/people.toml` says."""

from __future__ import annotations

from homeostat.sim.dice import Dice, number_of
from homeostat.sim.people import facts
from homeostat.sim.truth import Truth


class Annotators:
    """What each annotator says about an answer; asked twice, they say the same."""

    def __init__(self, seed: int) -> None:
        self._dice = Dice(seed, "annotators")
        self.rates: dict[str, dict[str, float]] = facts()["annotators"]

    @property
    def names(self) -> tuple[str, ...]:
        """Who there is."""
        return tuple(self.rates)

    def label(self, name: str, truth: Truth, dimension: str = "") -> bool:
        """Is the answer good, in this respect or as a whole?"""
        quality = truth.quality(dimension) if dimension else float(truth.good)
        good = quality is None or quality >= 0.5
        throw = self._dice.at(number_of(f"{name}\0{truth.id}\0{dimension}")).random()
        return throw < self.rates[name]["sensitivity"] if good else throw >= self.rates[name]["specificity"]
