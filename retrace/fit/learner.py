"""LightGBM, in a pinned process without scikit-learn, which it imports for estimators.

Where scikit-learn is missing LightGBM does without. Here it is installed, for its users, and would
take most of the time of `import lightgbm`: a stage leaves it out (`retrace.base.pins.pin`). All
code imports LightGBM from here.
"""

import sys

from retrace.base import pins

_hidden = pins.without_scikit_learn and "sklearn" not in sys.modules
if _hidden:
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # its import fails
try:
    import lightgbm as lgb
finally:
    if _hidden:
        del sys.modules["sklearn"]

__all__ = ["lgb"]
