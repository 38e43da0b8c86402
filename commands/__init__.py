"""The `retrace` command. Importing `stages` first pins what would change the last bits of a result,
and keeps LightGBM's idle threads from spinning on a busy machine."""

import stages  # noqa: F401
