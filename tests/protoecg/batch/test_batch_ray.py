"""A batch on Ray: the rows of one process, whatever becomes of a worker."""

import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from test_batch_parts import begun, below, ecgs, wait_for

from protoecg.batch.on_ray import Ray, by_ray
from protoecg.batch.parts import Task, run_parts
from protoecg.batch.processes import by_processes
from protoecg.batch.table import BatchError
from protoecg.readers.given import NOTHING

__all__ = ["ecgs"]

pytest.importorskip("ray")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_worker_that_is_killed_costs_no_row(ecgs, tiny_bundle, tmp_path):
    alone = Task(str(ecgs), tiny_bundle.path, tmp_path / "alone", NOTHING)
    list(run_parts(alone, by_processes(1)))

    out = tmp_path / "out"
    run = begun(ecgs, tiny_bundle, out, "--ray", "auto", "--jobs", 2)
    workers = wait_for(lambda: len(w := below(run.pid, "ray::MapWorker")) == 2 and w)
    os.kill(workers[0], signal.SIGKILL)
    _, printed = run.communicate(timeout=300)
    assert run.returncode == 0, printed
    assert pq.read_table(out).equals(pq.read_table(alone.out))
    assert len(list(out.glob("part-*.parquet"))) == 2


def test_without_a_cluster_it_is_said_where_none_answers(tiny_bundle, ecgs, tmp_path):
    task = Task(str(ecgs), tiny_bundle.path, tmp_path / "out", NOTHING)
    with pytest.raises(BatchError, match="No Ray cluster answers at 127.0.0.1:9"):
        list(run_parts(task, by_ray(Ray("127.0.0.1:9", 1))))
