"""Writes TFRecord shards with a GeneratorBasedBuilder of TensorFlow Datasets."""

from __future__ import annotations

import io
from collections.abc import Iterator

import tensorflow_datasets as tfds
from step import Job, read_job


class Pairs(tfds.core.GeneratorBasedBuilder):
    """Images and class indices, already encoded, as the features take them."""

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, job: Job) -> None:
        self.job = job
        super().__init__(data_dir=str(job.out))

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "name": tfds.features.Text(),
            "image": tfds.features.Image(shape=(*self.job.size, 3), encoding_format="jpeg"),
            "mask": tfds.features.Image(shape=(*self.job.size, 1), encoding_format="png"),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        del dl_manager  # nothing is downloaded
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[str, dict[str, object]]]:
        for pair in self.job.pairs:
            image, mask = self.job.encode(pair)
            features = {"name": pair.image.stem, "image": io.BytesIO(image), "mask": io.BytesIO(mask)}
            yield pair.image.stem, features


def main() -> None:
    """Converts the job of the command line."""
    Pairs(read_job()).download_and_prepare()


if __name__ == "__main__":
    main()
