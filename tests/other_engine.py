"""A second engine, to prove that nothing of an engine shows in what is built: any concurrent.futures.Executor."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor, wait

from converter.engines.events import Engine, Finished, Lost, run_task


def on_executor(make_executor: Callable[[int], Executor]) -> Engine:
    def engine(function, tasks, workers):
        with multiprocessing.get_context("spawn").Manager() as manager, make_executor(workers) as pool:
            told = manager.Queue()
            futures = {pool.submit(run_task, function, n, task, told.put): n for n, task in enumerate(tasks)}
            pending = set(futures)
            while pending:
                done, pending = wait(pending, 0.05)
                while not told.empty():
                    yield told.get()
                for future in done:
                    try:
                        yield Finished(futures[future], future.result())
                    except BrokenExecutor:
                        yield Lost("signal 9" if len(tasks) == 1 else "one of several")
                        return

    return engine


threads = on_executor(ThreadPoolExecutor)
processes = on_executor(lambda workers: ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")))
