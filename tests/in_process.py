"""A third engine: runs the tasks one after the other in this process, for tests that cannot wait for real workers."""

from __future__ import annotations

from converter.engines.events import Begun, Finished, UnitDone


def in_process(function, tasks, workers):
    for number, task in enumerate(tasks):
        yield Begun(number)
        units: list[UnitDone] = []
        result = function(task, lambda units=units, number=number: units.append(UnitDone(number)))
        yield from units
        yield Finished(number, result)
