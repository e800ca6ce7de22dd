"""A cluster of each kind, of this machine's processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import ray
from dask.distributed import Client, LocalCluster

from pariter import DaskPool, Pool, RayPool


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """A client of two worker processes of two threads each."""
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster, Client(cluster) as made:
        yield made


@pytest.fixture(scope="session")
def joined_ray() -> Iterator[None]:
    """Ray with two CPUs."""
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.fixture(params=["dask", "ray"])
def pool(request: pytest.FixtureRequest) -> Pool:
    """The test runs once on each kind of cluster."""
    if request.param == "dask":
        return DaskPool(request.getfixturevalue("client"))
    request.getfixturevalue("joined_ray")
    return RayPool()
