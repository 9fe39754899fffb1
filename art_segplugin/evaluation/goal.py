"""What the adversary wants of which pixels, as the labels that an attack is given."""

from dataclasses import dataclass

from art_segplugin.core.types import Labels
from art_segplugin.errors import InputError


@dataclass(frozen=True)
class Goal:
    """Which pixels count, and what they shall be taken for.

    Attributes:
        from_class: only pixels of this true class count; None for all.
        to_class: the class that they shall be taken for (a targeted attack); None for any wrong one.
    """

    from_class: int | None = None
    to_class: int | None = None

    @property
    def targeted(self) -> bool:
        """Whether one class is wanted."""
        return self.to_class is not None

    def labels(self, reference: Labels, ignore_index: int) -> Labels:
        """What to attack with: the reference or the wanted class, void where pixels do not count.

        Args:
            reference: true classes (n, h, w), `ignore_index` on void pixels.
            ignore_index: label of void pixels.
        """
        if self == ANY_WRONG:
            return reference
        left_out = reference == ignore_index
        if self.from_class is not None:
            left_out = reference != self.from_class
        wanted = reference if self.to_class is None else reference.new_full((), self.to_class)
        return wanted.expand_as(reference).masked_fill(left_out, ignore_index)

    def check(self, classes: int, reference: Labels | None = None) -> None:
        """Refuse classes that do not exist, or that are nowhere in the reference.

        Raises:
            InputError: `from_class` or `to_class` is no class, both are the same, or no pixel is of
                `from_class`.
        """
        for name, value in (("from", self.from_class), ("target", self.to_class)):
            if value is not None and not 0 <= value < classes:
                raise InputError(f"{name} {value} is no class; give 0 to {classes - 1}.")
        if self.from_class is None:
            return
        if self.from_class == self.to_class:
            raise InputError(
                f"pixels of class {self.from_class} are to be taken for that class; choose another."
            )
        if reference is not None and not bool((reference == self.from_class).any()):
            raise InputError(
                f"no pixel of the picture is of class {self.from_class}; choose another class."
            )


ANY_WRONG = Goal()
