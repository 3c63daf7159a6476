"""Where a function runs over batches of ECGs: in this process, or on a Ray cluster.

The function takes the model inputs of a batch and returns, for instance, what a network sees in
them. Ray gives a batch to another process where one is lost, so that the results are those of this
process, in the same order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol, TypeVar

from torch import Tensor, set_num_threads
from tqdm import tqdm

from protoecg.batch.on_ray import Ray, connected, cores
from training.data import ptbxl

T = TypeVar("T")
# Batches that are on their way for each process.
_QUEUED = 4


class Engine(Protocol):
    """What runs a function over the batches of a data set."""

    def __call__(
        self, run: Callable[[Tensor], T], dataset: ptbxl.Dataset, title: str
    ) -> Iterator[T]:
        """Yield the results in the order of the data set; `title` is shown with the progress."""


def here(run: Callable[[Tensor], T], dataset: ptbxl.Dataset, title: str) -> Iterator[T]:
    """Run in this process."""
    return map(run, ptbxl.batches(dataset, title))


def by_ray(ray_at: Ray) -> Engine:
    """Return an engine whose processes are Ray's; all of them have to reach the data set.

    Raises
    ------
    BatchError
        When it is used, if Ray is not installed or no cluster answers.
    """

    def over_ray(run: Callable[[Tensor], T], dataset: ptbxl.Dataset, title: str) -> Iterator[T]:
        ray = connected(ray_at)
        try:
            yield from _results(ray, run, dataset, title, ray_at.jobs or cores(ray))
        finally:
            ray.shutdown()

    return over_ray


def _results(
    ray: Any, run: Callable[[Tensor], T], dataset: ptbxl.Dataset, title: str, jobs: int
) -> Iterator[T]:
    # A process that is lost is nobody's fault: its batch is run as often as it takes.
    remote = ray.remote(num_cpus=1, max_retries=-1)(_of_part)
    task, parts = ray.put(run), ptbxl.parts(dataset)
    waiting = deque[Any]()
    left = iter(tqdm(parts, desc=title, unit="batch", mininterval=2))
    while True:
        waiting += [remote.remote(task, p) for p in islice(left, _QUEUED * jobs - len(waiting))]
        if not waiting:
            return
        try:
            yield ray.get(waiting.popleft())
        except ray.exceptions.RayTaskError as error:
            # The error itself, without how it came here.
            raise error.cause from None


def _of_part(run: Callable[[Tensor], T], part: Callable[[], Tensor]) -> T:
    set_num_threads(1)
    return run(part())
