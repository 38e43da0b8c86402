"""An S3 server for as long as a test needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.storage import S3Server, launch


@contextmanager
def local_s3(folder: Path, bucket: str = "retrace") -> Iterator[S3Server]:
    """Serve `folder`/data as S3 for as long as the block runs; `bucket` is made in it."""
    process, server = launch(folder, bucket)
    try:
        yield server
    finally:
        process.terminate()
        process.wait()
