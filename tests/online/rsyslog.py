"""The real rsyslogd on the configuration of deploy/, as a process of this user."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.online.elasticsearch import DEPLOYED

PROGRAM = shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
MODULES = [Path(f"/usr/lib/{os.uname().machine}-linux-gnu/rsyslog"), Path("/usr/lib64/rsyslog")]


def is_installed() -> bool:
    return PROGRAM is not None and any((one / "omelasticsearch.so").exists() for one in MODULES)


@dataclass
class Rsyslog:
    """predictions, messages : patterns of files; url : of Elasticsearch."""

    folder: Path
    predictions: str
    messages: str
    url: str

    def __post_init__(self) -> None:
        self.spool = self.folder / "spool"
        self.spool.mkdir(parents=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert PROGRAM is not None
        pid = self.folder / "rsyslogd.pid"
        pid.unlink(missing_ok=True)  # of one that was killed
        told = {"PREDICTIONS": self.predictions, "MESSAGES": self.messages}
        told |= {"ELASTICSEARCH": self.url, "SPOOL": str(self.spool)}
        with (self.folder / "rsyslogd.txt").open("ab") as output:
            self.process = subprocess.Popen(
                (PROGRAM, "-n", "-i", str(pid), "-f", str(DEPLOYED / "rsyslog.conf")),
                env={**os.environ, **told},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, self.printed()
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def printed(self) -> str:
        return (self.folder / "rsyslogd.txt").read_text("utf-8", "replace")
