"""The parts of a batch by several processes of this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from itertools import islice
from multiprocessing import active_children, get_context, parent_process

import pyarrow as pa

from protoecg.batch.part import Read, explained
from protoecg.batch.parts import Order, Task, Workers
from protoecg.batch.sources import open_reader
from protoecg.batch.table import BatchError
from protoecg.bundle import Bundle, load_bundle

Made = tuple[int, pa.Table]


def by_processes(jobs: int) -> Workers:
    """Return workers that are `jobs` processes, or fewer where there are fewer parts."""

    def work(task: Task, orders: Iterator[Order], count: int) -> Iterator[Made]:
        try:
            yield from _made(task, orders, min(jobs, count) or 1)
        except BrokenProcessPool:
            raise BatchError(
                "A process was ended from outside, perhaps for want of memory. What is written "
                "stays; run the same again to go on, with fewer --jobs if it happens again."
            ) from None

    return work


def _made(task: Task, orders: Iterator[Order], jobs: int) -> Iterator[Made]:
    others = set(active_children())
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin) as pool:
        try:
            yield from _handed_out(pool, task, orders, 2 * jobs)
        finally:
            # Nothing more is wanted of them. Asked to end, they would wait for each other's lock,
            # for ever where one that held it was killed.
            for worker in set(active_children()) - others:
                worker.terminate()


def _handed_out(
    pool: ProcessPoolExecutor, task: Task, orders: Iterator[Order], most: int
) -> Iterator[Made]:
    """Have parts made, `most` handed out at once: memory is the same however many there are."""
    running: set[Future[Made]] = set()
    for order in islice(orders, most):
        running.add(pool.submit(_make, task, order))
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for order in islice(orders, len(done)):
            running.add(pool.submit(_make, task, order))
        yield from (future.result() for future in done)


def _begin() -> None:
    """Make a process ready: one thread, and gone when the one that began it is."""
    try:
        import torch
    except ModuleNotFoundError:
        # Explained by onnxruntime, which begins with a thread a process.
        pass
    else:
        torch.set_num_threads(1)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.join,), daemon=True).start()


def _end_with(wait_for_parent: Callable[[], None]) -> None:
    wait_for_parent()
    os._exit(1)


# Once a process.
@cache
def _opened(task: Task) -> tuple[Bundle, Read]:
    return load_bundle(task.bundle), open_reader(task.ecgs)


def _make(task: Task, order: Order) -> Made:
    bundle, read = _opened(task)
    return order.number, explained(order.recordings, read, bundle, task.given)
