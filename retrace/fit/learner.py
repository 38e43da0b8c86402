"""LightGBM without scikit-learn, which it imports for estimators that nothing here uses.

Where that package is missing LightGBM does without. Here it is installed, for its users, and would
take most of the time of `import lightgbm`. All code imports LightGBM from here.
"""

import sys

_unloaded = "sklearn" not in sys.modules
if _unloaded:
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # its import fails
try:
    import lightgbm as lgb
finally:
    if _unloaded:
        del sys.modules["sklearn"]

__all__ = ["lgb"]
