"""An S3 server that can die, forget its keys and run out of disk."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.session

from commands.storage import S3Server, launch
from tests.drills.repo import Repo

BUCKET = "retrace"


class Server:
    """rclone's S3 server on one address of loopback, dead or alive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.process, self.s3 = launch(folder, BUCKET)

    @property
    def bucket(self) -> Path:
        return self.folder / "data" / BUCKET

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def start(self, *, new_keys: bool = False) -> None:
        """Start it again, where it was; with other credentials, as if the old had expired."""
        address = self.s3.endpoint.removeprefix("http://")
        keys = None if new_keys else (self.s3.key, self.s3.secret)
        self.process, self.s3 = launch(self.folder, BUCKET, address=address, keys=keys)

    def hide_bucket(self) -> None:
        self.kill()
        self.bucket.rename(self.folder / "hidden")
        self.start()
        self.bucket.rmdir()  # starting makes it

    def show_bucket(self) -> None:
        self.kill()
        (self.folder / "hidden").rename(self.bucket)
        self.start()

    def use(self, repo: Repo, secret: str | None = None) -> None:
        """Point a project's remote here, as `make storage` does."""
        settings = {
            "endpointurl": self.s3.endpoint,
            "access_key_id": self.s3.key,
            "secret_access_key": secret or self.s3.secret,
        }
        lines = "".join(f"    {name} = {value}\n" for name, value in settings.items())
        (repo.path / ".dvc/config.local").write_text(f"['remote \"storage\"']\n{lines}")

    def put(self, key: str, content: bytes) -> None:
        client(self.s3).put_object(Bucket=BUCKET, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        content: bytes = client(self.s3).get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def delete(self, key: str) -> None:
        client(self.s3).delete_object(Bucket=BUCKET, Key=key)

    def empty(self) -> None:
        """Remove all objects."""
        self.kill()
        shutil.rmtree(self.bucket)
        self.start()


def client(server: S3Server) -> Any:
    return botocore.session.Session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.key,
        aws_secret_access_key=server.secret,
    )


# ---- disks -------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[], None]]:
    """Mount a small disk at `folder` for the block; yield what makes it large."""
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield lambda: _mount("-o", f"remount,size={size * 20}", folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)


def mount_allowed(folder: Path) -> bool:
    """Whether this user may mount a disk; root may, where no container forbids it."""
    there = Path(tempfile.mkdtemp(dir=folder))
    try:
        with small_disk(there, 1 << 20):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)
