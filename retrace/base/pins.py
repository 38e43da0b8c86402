"""What a process must be told before NumPy loads, so that results have the same last bits.

Importing this changes nothing; `pin` does. Stages, commands and serving call it first.
"""

import os
import platform

without_scikit_learn = False  # whether retrace.fit.learner imports LightGBM without it


def pin(*, light: bool = False) -> None:
    """Pin threads and vector instructions of BLAS and NumPy in this process.

    Wider vectors sum in another order, and so do more threads. Both are read when NumPy loads.
    `light` leaves scikit-learn out of `import lightgbm`, for processes that use none of its
    estimators: it would take most of the time.
    """
    global without_scikit_learn
    without_scikit_learn = without_scikit_learn or light
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads stall each other
    if platform.machine().lower() in {"x86_64", "amd64"}:
        os.environ["OPENBLAS_CORETYPE"] = "Haswell"
        os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL AVX512_SPR"
