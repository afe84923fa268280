"""One module for each payload format; a module that defines ``FORMAT`` is registered."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ingest.mqtt.format import Format


@cache
def formats() -> tuple[Format, ...]:
    """Return every payload format of this folder, by module name."""
    names = sorted(module.name for module in iter_modules(__path__))
    modules = (import_module(f"{__name__}.{name}") for name in names)
    return tuple(module.FORMAT for module in modules)
