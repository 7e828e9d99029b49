"""telemelya and the stores that it needs, in one process on loopback.

Says its port, then serves until nobody writes to its input any more. Runs in an environment of its own: see
`requirements.txt`.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

import uvicorn
from fakeredis import TcpFakeServer
from moto.server import ThreadedMotoServer

HOST = "127.0.0.1"


def main() -> None:
    messages = TcpFakeServer((HOST, 0), server_type="redis")
    threading.Thread(target=messages.serve_forever, daemon=True).start()
    files = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    files.start()
    os.environ["REDIS_URL"] = "redis://{}:{}/0".format(*messages.server_address)
    os.environ["MINIO_ENDPOINT"] = "{}:{}".format(*files.get_host_and_port())
    threading.Thread(target=_end_with_input, daemon=True).start()
    with socket.create_server((HOST, 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config("telemelya.server.app:app")).run([listening])


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)  # nothing is kept, and the stores' threads would go on


if __name__ == "__main__":
    main()
