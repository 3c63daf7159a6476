"""The parts of a batch on Ray: this machine's cores, or those of a cluster.

Ray Data hands the orders to actors that hold the bundle, and gives an order to another one where
its actor, or the machine, is lost; an actor that is lost is started anew. The rows come back to the
process that runs the batch, which alone writes parts: the nodes need to reach the ECGs, not the
folder of parts.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from protoecg.batch.part import explained
from protoecg.batch.parts import Order, Task, Workers
from protoecg.batch.sources import open_reader
from protoecg.batch.table import BatchError
from protoecg.bundle import Bundle, load_bundle
from protoecg.readers.given import Given

# Of this machine's memory, for what travels between its processes: bundle and rows.
_STORE_BYTES = 256_000_000
_ANSWER_S = 10.0


@dataclass(frozen=True)
class Ray:
    """Where Ray runs.

    Parameters
    ----------
    address : of a cluster's head, such as "ray://10.0.0.1:10001"; None starts a local one
    jobs : processes at once; None takes all cores that are free
    """

    address: str | None
    jobs: int | None


def by_ray(ray_at: Ray) -> Workers:
    """Return workers that are actors of Ray.

    Raises
    ------
    BatchError
        If Ray is not installed, or no cluster answers at its address.
    """

    def work(task: Task, orders: Iterator[Order], count: int) -> Iterator[tuple[int, pa.Table]]:
        if not count:
            return
        ray = connected(ray_at)
        try:
            yield from _made(task, list(orders), ray_at.jobs or cores(ray))
        finally:
            ray.shutdown()

    return work


def connected(ray_at: Ray) -> Any:
    """Return Ray, connected with its cluster, or with a local one that is started.

    Raises
    ------
    BatchError
        If Ray is not installed, or no cluster answers at its address.
    """
    # Ray reports its use to its makers unless that is switched off before it is loaded.
    os.environ.update(RAY_USAGE_STATS_ENABLED="0")
    try:
        import ray
    except ImportError:
        raise BatchError(
            "Ray is not installed. Install it with `pip install 'protoecg[ray]'`, or run without "
            "--ray."
        ) from None
    if ray_at.address:
        _refuse_silent(ray_at.address)
    own = {"num_cpus": ray_at.jobs, "object_store_memory": _STORE_BYTES, "include_dashboard": False}
    where = {"address": ray_at.address} if ray_at.address else {"address": "local", **own}
    try:
        ray.init(logging_level=logging.WARNING, log_to_driver=False, **where)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise BatchError(f"Ray cannot be used: {error}. Check `ray status`.") from error
    return ray


def _refuse_silent(address: str) -> None:
    """Refuse an address where nothing listens, which Ray itself would try for minutes."""
    try:
        place = urlsplit(address if "://" in address else f"//{address}")
        socket.create_connection((place.hostname or "", place.port or 0), _ANSWER_S).close()
    except (OSError, ValueError) as error:
        raise BatchError(
            f"No Ray cluster answers at {address} ({error}). Name its head as HOST:PORT; `ray "
            "status` on a node says whether it runs."
        ) from error


def cores(ray: Any) -> int:
    """Return the cores of all machines of the cluster."""
    return max(int(ray.cluster_resources().get("CPU", 1)), 1)


def _made(task: Task, orders: list[Order], jobs: int) -> Iterator[tuple[int, pa.Table]]:
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    # It has more to say than there are ECGs.
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    # A block for each order: what is lost with a worker is one.
    items = [{"number": o.number, "recordings": json.dumps(o.recordings)} for o in orders]
    made = ray.data.from_items(items, override_num_blocks=len(items)).map(
        _Explainer,
        fn_constructor_args=(ray.put(load_bundle(task.bundle)), task.ecgs, task.given),
        compute=ActorPoolStrategy(size=min(jobs, len(orders))),
        num_cpus=1,
    )
    for row in made.iter_rows():
        yield row["number"], pa.ipc.open_stream(row["rows"]).read_all()


class _Explainer:
    """Makes the rows of orders, in an actor of its own."""

    def __init__(self, bundle: Any, ecgs: str, given: Given) -> None:
        import ray
        import torch

        torch.set_num_threads(1)
        self._bundle: Bundle = ray.get(bundle)
        self._read, self._given = open_reader(ecgs), given

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        rows = explained(json.loads(row["recordings"]), self._read, self._bundle, self._given)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        return {"number": row["number"], "rows": sink.getvalue().to_pybytes()}
