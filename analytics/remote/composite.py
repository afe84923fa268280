"""One picture out of the scenes of a period, with the number and the age of what it rests on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Method = Literal["median", "max", "latest"]


@dataclass(frozen=True, slots=True)
class Composite:
    """A composite and what each of its pixels rests on.

    Attributes
    ----------
    values : ndarray of float32 (y, x)
        NaN where no scene had a valid pixel: a gap stays a gap.
    count : ndarray of uint8 (y, x)
        Scenes with a valid pixel, 255 at most.
    age : ndarray of float32 (y, x)
        Days from the newest valid pixel to the end of the period; NaN without any.
    """

    values: Floats
    count: NDArray[np.uint8]
    age: Floats


def compose(stack: Floats, ages: NDArray[np.floating], method: Method = "median") -> Composite:
    """Compose the scenes of a period.

    Parameters
    ----------
    stack : ndarray of float32 (scene, y, x)
        Masked values of an index, NaN where masked.
    ages : ndarray of float (scene,)
        Days from each scene to the end of the period, not negative.
    method : str
        ``median`` bears a cloud that the mask has missed as long as it is the smaller half;
        ``max`` is the maximum-value composite (Holben 1986), which bears more of them and
        reads high; ``latest`` is the newest clear view.
    """
    valid = np.isfinite(stack)
    count = np.minimum(valid.sum(axis=0), 255).astype(np.uint8)
    if stack.shape[0] == 0:
        empty = np.full(stack.shape[1:], np.nan, np.float32)
        return Composite(empty, count, empty.copy())
    newest = np.where(valid, np.asarray(ages, np.float32)[:, None, None], np.inf).min(axis=0)
    age = np.where(np.isfinite(newest), newest, np.nan).astype(np.float32)
    return Composite(_reduced(stack, valid, ages, method), count, age)


def _reduced(
    stack: Floats, valid: NDArray[np.bool_], ages: NDArray[np.floating], method: Method
) -> Floats:
    if method == "latest":
        order = np.argsort(ages, kind="stable")
        first = valid[order].argmax(axis=0)
        taken = np.take_along_axis(stack[order], first[None], axis=0)[0]
        return np.where(valid.any(axis=0), taken, np.nan).astype(np.float32)
    if method == "max":
        highest = np.where(valid, stack, -np.inf).max(axis=0)
        return np.where(np.isfinite(highest), highest, np.nan).astype(np.float32)
    ordered = np.sort(stack, axis=0)  # NaN last
    n = valid.sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum((n - 1) // 2, 0)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(n // 2, np.maximum(n - 1, 0))[None], axis=0)[0]
    return np.where(n > 0, (low + high) / 2, np.nan).astype(np.float32)
