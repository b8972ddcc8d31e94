"""Names: how the names of files, folders and splits are matched.

A different case, a different Unicode form and a missing extension are tolerated.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property

from converter.limits import MAX_LIKES

SPLITS = ("train", "val", "test")
_WORDS_OF = {  # of each split: English first, then the same word in other languages where it means nothing else
    "train": (
        *("train", "training", "tr", "trn", "entrenamiento", "entrainement", "entraînement", "addestramento", "treino"),
        *("treinamento", "träning", "trening", "pelatihan", "eğitim", "обучение", "обучающая", "тренировка"),
        *("训练", "訓練", "学習", "훈련", "학습"),
    ),
    "val": (
        *("val", "valid", "validation", "dev", "eval", "validación", "validacion", "validierung", "validazione"),
        *("validação", "validacao", "validatie", "validering", "walidacja", "validasi", "doğrulama", "валидация"),
        *("验证", "驗證", "検証", "검증"),
    ),
    "test": (
        *("test", "testing", "ts", "tst", "prueba", "pruebas", "teste", "pengujian", "тест", "тестовая"),
        *("测试", "測試", "テスト", "테스트"),
    ),
}
SPLIT_WORDS = {word: split for split, words in _WORDS_OF.items() for word in words}
_SHORT_WORDS = ("tr", "ts", "dev")  # name a split only where they are the whole name: ts is also a time stamp
_TAILS = (  # after such a word, without a separator: trainset, testlist
    *("set", "sets", "data", "dataset", "list", "images", "image", "imgs", "img", "masks", "mask", "labels", "label"),
    *("annot", "files", "split", "daten", "sdaten", "satz", "bilder", "sbilder", "masken", "smasken"),
    *("集", "数据", "数据集", "セット", "データ", "세트"),
)
_LONG_WORDS = "|".join(sorted(SPLIT_WORDS.keys() - {*_SHORT_WORDS}, key=len, reverse=True))
_WORD_IN_NAME = re.compile(rf"({_LONG_WORDS})(?:{'|'.join(_TAILS)})?")
_BOTH = frozenset({"train", "val"})
_CAMEL_CASE = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CAMEL_SPLIT = re.compile(r"(?<=[a-z])(Tr|Ts|Va)(?![a-z])")  # imagesTr, labelsTs
_FOLD = re.compile(r"(.*?(?<![^\W\d_])k?folds?[ _-]?)([0-9]+)(?![0-9])", re.IGNORECASE)
IMAGE_EXTENSIONS = (  # of images and masks
    ".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip


def split_of(name: str) -> str | None:
    """Returns train, val or test for the name of a split, such as Training or val2017; None for other names."""
    match = re.fullmatch(r"([^\W\d_]+)(?:[_-]?[0-9]{4})?", folded(name))
    return SPLIT_WORDS.get(match[1]) if match else None


def words_in(name: str) -> list[str]:
    """Returns the words of a name, normalised in case and Unicode form: TrainDataset_01 has train and dataset."""
    parts = _CAMEL_CASE.sub(" ", unicodedata.normalize("NFC", name))
    return re.findall(r"[^\W\d_]+", folded(parts))


def splits_in(name: str) -> frozenset[str]:
    """Returns the splits whose words a name contains: uavid_train has train, trainval has train and val."""
    found = {{"Tr": "train", "Va": "val", "Ts": "test"}[short] for short in _CAMEL_SPLIT.findall(name)}
    for word in words_in(name):
        if word == "trainval":
            found |= _BOTH
        elif match := _WORD_IN_NAME.fullmatch(word):
            found.add(SPLIT_WORDS[match[1]])
    return frozenset(found)


def split_within(name: str) -> str | None:
    """Returns the split that a name is, or else the only one whose words it contains; None for other names."""
    splits = splits_in(name)
    return split_of(name) or (next(iter(splits)) if len(splits) == 1 else None)


def is_both(name: str) -> bool:
    """Returns whether a name means train and val together: trainval, train_val_list."""
    return splits_in(name) == _BOTH


def fold_in(name: str) -> tuple[str, str] | None:
    """Returns what comes before the number of a fold, and the number: ("fold_", "3") for fold_3; None for others."""
    match = _FOLD.match(name)
    return (match[1], match[2]) if match else None


def names_split(name: str) -> bool:
    """Returns whether the name of a file or folder says that it has to do with splits."""
    words = words_in(name)
    return bool(split_of(name) or splits_in(name) or fold_in(name) or {"split", "splits", "fold", "folds"} & {*words})


def has_extension(name: str) -> bool:
    """Returns whether a name has the extension of an image file."""
    return name.lower().endswith(IMAGE_EXTENSIONS)


def stem_of(name: str) -> str:
    """Returns a path without the extension of an image file."""
    return name.rpartition(".")[0] if has_extension(name) else name


def folded(name: str) -> str:
    """Returns a name normalised in case and Unicode form, for comparison."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


class Names:
    """The files that the names of a list refer to.

    A name refers to the file of exactly that name. Otherwise it refers to the only file whose name differs in case or
    Unicode form. Otherwise, if it has no extension of an image file, it refers to the only image file of that stem. An
    ambiguous name refers to nothing.
    """

    def __init__(self, meanings: Iterable[tuple[str, str]]) -> None:
        """Takes (name, what it refers to): for files both are the path."""
        self._exact = _unique(meanings)

    @cached_property
    def _folded(self) -> dict[str, str | None]:
        return _unique((folded(name), meaning) for name, meaning in self._exact.items())

    @cached_property
    def _bare(self) -> dict[str, str | None]:
        return _unique((folded(stem_of(name)), meaning) for name, meaning in self._exact.items() if has_extension(name))

    @cached_property
    def _by_numbers(self) -> dict[tuple[str, tuple[str, ...]], list[str]]:
        """Names of files by their folder and the numbers in them: other numbers mean another pair."""
        found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for name in sorted(self._exact):
            folder, _, base = name.rpartition("/")
            found.setdefault((folder, numbers_in(base)), []).append(base)
        return found

    @cached_property
    def _by_base(self) -> dict[str, str | None]:
        return _unique((folded(name.rpartition("/")[2]), name) for name in self._exact)

    def find(self, name: str) -> tuple[str, str] | None:
        """Returns what `name` refers to and how it was found ("" as written, "case", "extension"), or None."""
        if meaning := self._exact.get(name):
            return meaning, ""
        key = folded(name)
        if meaning := self._folded.get(key):
            return meaning, "case"
        if not has_extension(name) and (meaning := self._bare.get(key)):
            return meaning, "extension"
        return None

    def has(self, name: str) -> bool:
        """Returns whether exactly this name refers to something."""
        return self._exact.get(name) is not None

    def is_ambiguous(self, name: str) -> bool:
        """Returns whether several files match a name: in a different case, or with several extensions."""
        key = folded(name)
        return self.find(name) is None and (key in self._folded or (not has_extension(name) and key in self._bare))

    def closest(self, name: str) -> str | None:
        """Returns the most similar name in the same folder, or the path of a file of that name elsewhere."""
        folder, _, base = name.rpartition("/")
        stem = folded(stem_of(base))
        names = self._by_numbers.get((folder, numbers_in(base)), [])[:MAX_LIKES]
        likes: dict[str, str] = {}  # compared without the extensions, which all share
        for other in names:
            likes.setdefault(folded(stem_of(other)), other)
        near = difflib.get_close_matches(stem, likes, 1) or [like for like in likes if like.startswith(stem)]
        return likes[near[0]] if near else self._by_base.get(folded(base))


def numbers_in(name: str) -> tuple[str, ...]:
    """Returns the numbers in a file's name, without its extension and without leading zeros."""
    return tuple(number.lstrip("0") for number in re.findall(r"[0-9]+", stem_of(name)))


def _unique(meanings: Iterable[tuple[str, str | None]]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, meaning in meanings:
        found[name] = meaning if found.setdefault(name, meaning) == meaning else None
    return found
