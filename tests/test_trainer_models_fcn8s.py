"""fcn8s: classes are predicted at three scales."""

from __future__ import annotations

from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def test_classes_are_told_at_three_scales(monkeypatch):
    from trainer.models import fcn8s

    monkeypatch.setattr(fcn8s, "FC_FILTERS", 8)
    net = fcn8s.fcn8s((64, 96), 3)
    sizes = {stride: net.get_layer(f"logits_{stride}").output.shape[1:] for stride in (8, 16, 32)}
    assert sizes == {8: (8, 12, 3), 16: (4, 6, 3), 32: (2, 3, 3)}
