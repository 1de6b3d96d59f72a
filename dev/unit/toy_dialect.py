"""The toy dialect of ``tests/``, which Odoo's tests use as well, without Odoo.

The file stands in a package of its own name, in which ``..telephony`` is the one that
the unit tests have: another copy would have a register of dialects of its own. So the
file imports ``from ..telephony`` alone, and never from a module in it.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import telephony

_ADDON = "addon_of_the_toy"
sys.modules[_ADDON] = ModuleType(_ADDON)
sys.modules[f"{_ADDON}.telephony"] = telephony
_spec = importlib.util.spec_from_file_location(
    f"{_ADDON}.tests.toy_dialect", Path(__file__).parents[2] / "tests/toy_dialect.py"
)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
assert f"{_ADDON}.telephony.dialect" not in sys.modules

XML, Toy, notice = (getattr(_module, name) for name in ("XML", "Toy", "notice"))
