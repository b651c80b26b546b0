"""ruptures' search for changes of level, and only that."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Search = Callable[[Numbers, float, int], list[int]]

_COMPILED, _FUNCTION = "ruptures.detection._detection.ekcpd", "ekcpd_pelt_L2"


def level_search() -> Search:
    """A function of values, penalty and shortest length that tells where the level changes.

    It finds the piecewise constant function whose squared error, with the penalty for each change, is smallest; each
    level is so long at least. A test holds both ways to it to the same answers. Raises UserError where ruptures isn't
    installed.
    """
    package = find_spec("ruptures")
    if package is None or not package.submodule_search_locations:
        raise UserError("trends needs the library ruptures: pip install 'perfkit[history]'")
    # ruptures' public class is by_the_package, and imports all of scipy: on three years of 500 cases (the made-up ones
    # of benchmarks/) trends then takes 2.6 s of the processor instead of 0.9 s, where 2 s is the most. So the compiled
    # search is loaded by its file, where this version has it.
    folder = Path(package.submodule_search_locations[0], *_COMPILED.split(".")[1:-1])
    spec = FileFinder(str(folder), (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec(_COMPILED)
    if spec is None or spec.loader is None:
        return by_the_package
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    compiled: Any = getattr(module, _FUNCTION, None)
    if compiled is None:
        return by_the_package

    def search(values: Numbers, penalty: float, shortest: int) -> list[int]:
        ends = compiled(values.reshape(-1, 1), penalty, shortest)
        found, at = [], int(ends[len(values)])
        while at > 0:  # each entry says where the level before the one that ends there ended
            found.append(at)
            at = int(ends[at])
        return found[::-1]

    return search


def by_the_package(values: Numbers, penalty: float, shortest: int) -> list[int]:
    """The same by ruptures' public class."""
    import ruptures

    search = ruptures.KernelCPD(kernel="linear", min_size=shortest)
    return [int(place) for place in search.fit(values.reshape(-1, 1)).predict(pen=penalty)[:-1]]
