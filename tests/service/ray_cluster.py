"""Ray on this machine alone, with Dareda's application on it, in an environment that has Ray.

Says Serve's address when the application is ready, then its replicas whenever they change, in lines of JSON,
and serves until nobody writes to its input any more.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys

import ray
from ray import serve

from inference.ray_app import Place, deployment

HOST = "127.0.0.1"


def main() -> None:
    place = Place.model_validate_json(sys.argv[1])
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    ray.init(
        address="local",
        include_dashboard=False,
        num_cpus=4,
        object_store_memory=100_000_000,
        _node_ip_address=HOST,
        log_to_driver=False,
    )
    try:
        serve.start(http_options={"host": HOST, "port": port})
        serve.run(deployment(place).options(**json.loads(sys.argv[2])).bind())
        say("address", f"http://{HOST}:{port}")
        said = None
        while not select.select([sys.stdin], [], [], 0.3)[0]:
            (status,) = serve.status().applications["default"].deployments.values()
            running = status.replica_states.get("RUNNING", 0)
            if running != said:
                said = running
                say("replicas", running)
    finally:
        serve.shutdown()
        ray.shutdown()


def say(what: str, value: object) -> None:
    print(json.dumps({what: value}), flush=True)


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    main()
