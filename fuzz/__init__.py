"""Fuzz targets of everything that reads a stranger's octets, for ``make fuzz``.  See ``targets`` and ``__main__``.

What clients send is written once, in the tests: their folder is put on the path here.
"""

import sys
from pathlib import Path

_TESTS = str(Path(__file__).parent.parent / "tests")
if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)
