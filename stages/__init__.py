"""One script per stage. Importing the package pins what would change the last bits of a result.

It must be imported before NumPy: vector instructions and thread counts of BLAS are read when NumPy
loads. Wider vectors sum in another order, and so do more threads.
"""

import os
import platform

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads stall each other when busy
if platform.machine().lower() in {"x86_64", "amd64"}:
    os.environ["OPENBLAS_CORETYPE"] = "Haswell"
    os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL AVX512_SPR"
