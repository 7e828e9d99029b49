"""One node, or several that form a cluster, on this machine: started, stopped, killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.elasticsearch_server.distribution import NotAvailableError, java_home, server_home

_START_TIMEOUT_S = 300
_STOP_TIMEOUT_S = 60
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 * 1024**3
_JVM_OPTIONS = """\
# It lives for some minutes beside other work: compiling well and collecting at the same time do not pay.
-XX:TieredStopAtLevel=1
-XX:-UseG1GC
-XX:+UseSerialGC
"""


class Node:
    """A server with a folder and a port of its own; `start()` it again after it was killed."""

    def __init__(
        self,
        version: str,
        *,
        heap_mb: int = 512,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
        transport_port: int | None = None,
        secured: bool = False,
    ) -> None:
        self.home = server_home(version)
        self.java = java_home(version)
        self.folder = Path(tempfile.mkdtemp(prefix="dareda-elasticsearch-"))
        self._data = Path(tempfile.mkdtemp(prefix="dareda-elasticsearch-", dir=_folder_for_data()))
        self.port = port or free_port()
        self.transport_port = transport_port or free_port()
        self.scheme = "https" if secured else "http"
        self._heap_mb = heap_mb
        self._settings = {
            "cluster.name": f"dareda-tests-{self.port}",
            "node.name": f"node-{self.port}",
            "path.data": str(self._data),
            "path.logs": str(self.folder / "logs"),
            "network.host": "127.0.0.1",
            "http.port": str(self.port),
            "transport.port": str(self.transport_port),
            "discovery.type": "single-node",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "xpack.security.enabled": "true" if secured else "false",
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copytree(self.home / "config", self.folder / "config")
        (self.config / "jvm.options.d" / "tests.options").write_text(_JVM_OPTIONS)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "config"

    def start(self, *, wait: bool = True) -> None:
        lines = [f"{key}: {value}" for key, value in self._settings.items() if value]
        (self.config / "elasticsearch.yml").write_text("\n".join(lines) + "\n")
        user = _owner()
        if user:
            self._give_to(user)
        with (self.folder / "out.log").open("ab") as out:
            self._process = subprocess.Popen(
                [str(self.home / "bin" / "elasticsearch")],
                env=self.environment(),
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}),
            )
        if wait:
            try:
                self.wait_until_up()
            except NotAvailableError:
                self.kill()
                raise

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "ES_JAVA_HOME": str(self.java),
            "ES_PATH_CONF": str(self.config),
            "ES_TMPDIR": str(self._made("tmp")),
            "ES_JAVA_OPTS": f"-Xms{self._heap_mb}m -Xmx{self._heap_mb}m",
        }

    def wait_until_up(self, *, nodes: int = 1) -> None:
        """Raises NotAvailableError when it does not start."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        address = f"http://127.0.0.1:{self.port}/_cluster/health?wait_for_nodes=%3E={nodes}&timeout=1s"
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise NotAvailableError(f"it stopped: {self.output()[-800:]}")
            if self._settings["xpack.security.enabled"] == "true":
                if self._accepts():
                    return
            else:
                try:
                    with urllib.request.urlopen(address, timeout=5) as answer:
                        if answer.status == 200:
                            return
                except (OSError, urllib.error.URLError):
                    pass
            time.sleep(0.2)
        raise NotAvailableError(f"it did not start within {_START_TIMEOUT_S} s: {self.output()[-800:]}")

    def kill(self) -> None:
        """At once, as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        self.kill()
        for folder in (self.folder, self._data):
            shutil.rmtree(folder, ignore_errors=True)

    def output(self) -> str:
        log = self.folder / "out.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _pids(self) -> list[int]:
        """The launcher and the server proper: all of its session."""
        if self._process is None:
            return []
        session = self._process.pid
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if os.getsid(int(entry.name)) == session:
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        pids = self._pids()
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        self._process.wait(_STOP_TIMEOUT_S)
        while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.05)
        self._process = None

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _give_to(self, user: pwd.struct_passwd) -> None:
        for name in ("logs", "tmp"):
            self._made(name)
        for path in (self.folder, *self.folder.rglob("*"), self._data):
            os.chown(path, user.pw_uid, user.pw_gid)


def start_cluster(version: str, count: int, *, heap_mb: int = 256) -> Sequence[Node]:
    """Nodes that know each other. Raises NotAvailableError."""
    transports = [free_port() for _ in range(count)]
    name = f"dareda-tests-{transports[0]}"
    nodes = []
    for place, transport in enumerate(transports):
        settings = {
            "cluster.name": name,
            "node.name": f"node-{place}",
            "discovery.type": "",
            "discovery.seed_hosts": "[" + ", ".join(f'"127.0.0.1:{port}"' for port in transports) + "]",
            "cluster.initial_master_nodes": "[" + ", ".join(f'"node-{n}"' for n in range(count)) + "]",
        }
        nodes.append(Node(version, heap_mb=heap_mb, settings=settings, transport_port=transport))
    try:
        for node in nodes:
            node.start(wait=False)
        for node in nodes:
            node.wait_until_up(nodes=count)
    except NotAvailableError:
        for node in nodes:
            node.remove()
        raise
    return nodes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _folder_for_data() -> Path | None:
    """In memory where there is room: on a disk, syncing is most of what a change or a new index takes."""
    there = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES
    return _MEMORY if there else None


def _owner() -> pwd.struct_passwd | None:
    """The user to run it as: it refuses root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None
