r"""Mutations: each safeguard is taken out, one at a time, and some test must fail.

    python tests/mutations.py                   all of them, two at a time: some fifteen minutes
    python tests/mutations.py --only fsync      those with `fsync` in their names
    python tests/mutations.py --check           none: whether the table fits the tree, in a second

Each row of TABLE names a safeguard, the text that is it, what stands there without it, and the tests that must notice.
Works on copies of the tree; one is made for each worker, so that nothing here is ever changed. Text that does not
stand in its file exactly once, and tests that cannot be run or fail without a mutation, are faults of the table.
The trainer's need TensorFlow.
"""

from __future__ import annotations

import argparse
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 120.0
HANG_S = 30.0  # for a test that waits for ever once the safeguard is gone
TESTS_FAILED = 1  # pytest's exit code; a test that is not there or cannot be imported has another one


class Row(NamedTuple):
    """One safeguard.

    Attributes:
      name: of it.
      old: text that stands in the file exactly once.
      new: text in its place, without the safeguard.
      tests: that must notice, separated by blanks: "pixels_png" is tests/test_pixels_png.py, "pixels_png::x" the
        test test_x in it.
      limit_s: seconds for the tests; a run that takes longer has noticed.
    """

    name: str
    old: str
    new: str
    tests: str
    limit_s: float = LIMIT_S

    def arguments(self) -> list[str]:
        """Returns the tests as pytest takes them."""
        words = (word.partition("::") for word in self.tests.split())
        return [f"tests/test_{file}.py" + (f"::test_{test}" if test else "") for file, _, test in words]


def never(name: str, condition: str, tests: str, limit_s: float = LIMIT_S) -> Row:
    """Returns the row of a condition that is asked no more."""
    return Row(name, f"if {condition}:", "if False:", tests, limit_s)


def gone(name: str, statement: str, tests: str, limit_s: float = LIMIT_S) -> Row:
    """Returns the row of a statement that is left out."""
    return Row(name, statement, "pass", tests, limit_s)


_COMMIT_ORDER = "building_commit::all_bytes_are_on_the_disk_before_the_journal_and_the_manifest_comes_last"
_COMMIT_FAULTS = "building_commit::a_commit_that_fails_at_any_call_leaves_the_old_dataset_or_is_finished_later"
_DAMAGE = "verifying_verify::a_record_that_is_none_is_named_even_where_every_hash_holds"
_PIPES = (
    "system_files::a_pipe_without_a_writer_is_refused_at_once dataset_tfrecord::a_pipe_is_no_shard"
    " safeguards::a_pipe_is_no_list classes_native::a_file_that_cannot_be_read_is_refused"
)
_GIVE_NAMES = """\
            for name in give:
                with contextlib.suppress(FileNotFoundError):  # renamed before
                    temporary_path(out / name).replace(out / name)
            sync_folder(out)
"""
_GIVE_MANIFEST = """\
            temporary_path(out / MANIFEST).replace(out / MANIFEST)
            sync_folder(out)
"""

TABLE: dict[str, list[Row]] = {
    "converter/errors.py": [
        Row(
            "control characters are escaped",
            "c if c.isprintable() else",
            "c if True else",
            "errors::shown_escapes_what_a_terminal_would_act_on_and_keeps_the_rest",
        ),
        Row(
            "quotes are bounded",
            'return escaped if len(escaped) <= limit else escaped[: limit - 3] + "..."',
            "return escaped",
            "errors::shown_leaves_200_characters_alone_and_cuts_the_201st",
        ),
        Row(
            "the place of an error is escaped",
            "{shown(self.where)}: {shown(self.what",
            "{self.where}: {shown(self.what",
            "errors::where_is_escaped_so_that_a_message_is_one_line",
        ),
        Row(
            "the account of an error is escaped",
            "{shown(self.what, SHOWN_WHAT_CHARS)}. {self.fix}",
            "{self.what}. {self.fix}",
            "safeguards::what_an_error_tells_is_escaped_and_bounded_as_well",
        ),
    ],
    "converter/system/files.py": [
        Row(
            "path climbs",
            'if name.startswith("/") or ".." in name.split("/"):',
            'if name.startswith("/"):',
            "system_files::a_path_that_is_none_or_leaves_the_folder_is_refused",
        ),
        Row(
            "path is absolute",
            'if name.startswith("/") or ".." in name.split("/"):',
            'if ".." in name.split("/"):',
            "system_files::a_path_that_is_none_or_leaves_the_folder_is_refused",
        ),
        Row(
            "path holds NUL",
            r'if not name or "\0" in name:',
            "if not name:",
            "system_files::a_path_that_is_none_or_leaves_the_folder_is_refused",
        ),
        never(
            "link out of the source",
            "not (root / name).resolve().is_relative_to(root.resolve())",
            "system_files::a_link_out_of_the_folder_is_refused_unless_links_are_followed",
        ),
        Row(
            "O_NONBLOCK of a file that is not trusted",
            "os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC",
            "os.O_RDONLY | os.O_CLOEXEC",
            f"system_files::what_is_no_regular_file_is_not_opened_nor_waited_for_nor_left_open {_PIPES}",
            HANG_S,
        ),
        never(
            "regular file",
            "not stat.S_ISREG(os.fstat(descriptor).st_mode)",
            f"system_files::what_is_no_regular_file_is_not_opened_nor_waited_for_nor_left_open {_PIPES}",
            HANG_S,
        ),
        Row(
            "O_NONBLOCK of a file that is appended to",
            "os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC",
            "os.O_CREAT | os.O_CLOEXEC",
            "system_files::what_is_no_file_is_neither_appended_to_nor_waited_for",
            HANG_S,
        ),
        never(
            "size of a small file",
            "len(data) > most",
            "system_files::a_small_file_is_read_up_to_its_limit",
        ),
        Row(
            "a source file is opened as one that is not trusted",
            "open_regular(path, buffering=0)",
            'path.open("rb", 0)',
            "system_files::a_pipe_without_a_writer_is_refused_at_once",
            HANG_S,
        ),
        Row(
            "MAX_FILE_BYTES",
            "if not 0 < info.st_size <= most:",
            "if not 0 < info.st_size:",
            "system_files::the_limit_on_a_files_size_holds_to_the_byte",
        ),
        Row(
            "young files",
            "return max(self.mtime_ns, self.ctime_ns) < now_ns - SETTLED_NS",
            "return True",
            "building_receipts::an_edit_in_the_same_tick_of_the_clock_is_found_since_a_young_file_is_read_again",
        ),
        Row(
            "fsync of a whole file",
            "os.fsync(file.fileno())  # or",
            "pass  # or",
            "system_files::a_file_reaches_the_disk_before_its_name_does",
        ),
        Row(
            "fsync of a file of a commit",
            "        file.flush()\n        os.fsync(file.fileno())\n",
            "        file.flush()\n",
            _COMMIT_ORDER,
        ),
        Row("fsync of a folder", "        os.fsync(descriptor)\n", "        pass\n", _COMMIT_ORDER),
        Row(
            "a new file is new",
            '    path.unlink(missing_ok=True)\n    return path.open("xb")',
            '    return path.open("wb")',
            "system_files::a_new_file_leaves_the_old_one_to_who_has_it_open_and_follows_no_link",
        ),
        Row(
            "no link under a temporary name",
            "temporary.unlink(missing_ok=True)  # if it is",
            "pass  # if it is",
            "safeguards::a_link_that_lies_where_a_file_is_to_be_written_is_not_followed",
        ),
        Row(
            "own files alone are removed",
            'folder.glob(TEMPORARY + "*")',
            'folder.glob("*")',
            "system_files::only_our_unfinished_files_are_removed",
        ),
        Row(
            "made shards are kept",
            "if path.name not in keep and not path.is_dir():",
            "if not path.is_dir():",
            "system_files::what_is_to_be_kept_of_our_unfinished_files_is_kept",
        ),
        Row(
            "temporary names are hidden",
            'TEMPORARY = ".segconv-"',
            'TEMPORARY = "segconv-"',
            "building_build::shards_have_their_index_and_nothing_hidden_stays_but_their_receipts",
        ),
        Row(
            "written beside, not in place",
            "return final.with_name(TEMPORARY + final.name)",
            "return final",
            "system_files::a_file_is_replaced_and_never_changed_in_place"
            " system_files::an_exception_leaves_the_earlier_file_as_it_was",
        ),
    ],
    "converter/pixels/polygons.py": [
        gone(
            "what is in a hole is drawn over what is around it",
            "found.sort(key=lambda row: -row[0])",
            "pixels_polygons::polygons_drawn_in_their_order_are_the_class_map",
        ),
        Row(
            "pixels are connected by their sides",
            "connectivity=4",
            "connectivity=8",
            "pixels_polygons::pixels_that_touch_at_a_corner_are_two_polygons",
        ),
    ],
    "converter/pixels/png.py": [
        never(
            "PNG checksums",
            "zlib.crc32(view[position + 4 : end - 4]) != stored",
            "pixels_decode::a_flipped_bit_anywhere_in_a_png_is_refused",
        ),
        never(
            "PNG of too few rows",
            "found < expected",
            "pixels_decode::a_png_with_too_few_rows_is_refused_and_a_black_one_is_not",
        ),
        Row(
            "PNG with two headers",
            'elif kind == b"IHDR":',
            "elif False:",
            "safeguards::a_png_of_two_headers_is_refused",
        ),
        Row(
            "PNG rows are not kept",
            "decompress(content, INFLATE_BYTES)",
            "decompress(content)",
            "safeguards::what_swells_is_inflated_no_further_than_its_picture_and_never_kept",
        ),
        Row(
            "metadata of a kept PNG",
            ' if kind in (b"IHDR", b"IDAT", b"IEND"))',
            ")",
            "pixels_images::a_png_is_kept_with_its_pixels_and_without_its_metadata",
        ),
    ],
    "converter/pixels/jpeg.py": [
        Row(
            "metadata of a kept JPEG",
            "        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):\n",
            "        elif 0xE0 <= marker <= 0xEF or marker == 0xFE:\n            kept.append(data[position:end])\n"
            "        else:\n",
            "pixels_images::a_jpeg_is_kept_with_its_very_pixels_and_without_its_metadata",
        ),
    ],
    "converter/pixels/tiff.py": [
        Row(
            "TIFF strips",
            "    _check_strips(tags, header, max_pixels)\n",
            "",
            "pixels_tiff::a_tiff_whose_tags_promise_more_than_there_is_is_refused",
        ),
        Row(
            "TIFF strips are whole",
            "return compression not in DEFLATE or _inflates_to(strip, least, most)",
            "return True",
            "pixels_tiff::a_deflated_strip_that_swells_beyond_its_rows_is_refused",
        ),
        Row(
            "TIFF strips do not swell",
            "while not inflater.eof and found <= most:",
            "while not inflater.eof:",
            "safeguards::what_swells_is_inflated_no_further_than_its_picture_and_never_kept",
        ),
        Row(
            "TIFF tiles within reason",
            "if not (across and down) or across * down > max(max_pixels, 1 << 20):",
            "if not (across and down):",
            "safeguards::a_tile_beyond_all_reason_is_refused_though_it_is_whole",
        ),
        Row(
            "TIFF pages",
            "    _refuse_pages(tags)\n",
            "",
            "pixels_tiff::a_tiff_whose_pixels_would_not_be_right_is_refused_by_name"
            " pixels_tiff::a_chain_of_pages_that_never_ends_is_refused",
        ),
        Row(
            "TIFF pages without end",
            "for _ in range(MAX_TIFF_PAGES):",
            "while True:",
            "pixels_tiff::a_chain_of_pages_that_never_ends_is_refused",
            HANG_S,
        ),
        never(
            "TIFF pixels",
            "size[0] * size[1] > max_pixels",
            "safeguards::the_pixels_of_a_tiff_are_counted_before_its_strips_are_looked_at",
        ),
        never("TIFF tag twice", "tag in self.entries", "pixels_tiff::a_tag_that_stands_twice_is_refused"),
        Row(
            "TIFF numbers that are not read",
            "if found := _unsupported(tags):",
            "if False:",
            "pixels_tiff::a_tiff_whose_pixels_would_not_be_right_is_refused_by_name",
        ),
    ],
    "converter/pixels/decode.py": [
        Row(
            "Pillow decides where the fast decoder fails",
            "    except Exception:  # noqa: BLE001 - it raises no narrower type\n        return None\n",
            "    except ZeroDivisionError:\n        return None\n",
            "pixels_decode::a_damaged_png_is_refused_in_the_same_words_with_the_fast_decoder_and_without",
        ),
        Row(
            "only plain PNG for the fast decoder",
            "if not png_is_plain(data):",
            "if False:",
            "pixels_decode::whatever_is_more_than_the_pixels_of_a_png_is_left_to_pillow",
        ),
        never(
            "PNG rows are counted",
            r'png_is_interlaced(data) or not last_row.strip(b"\0")',
            "pixels_decode::a_png_with_too_few_rows_is_refused_and_a_black_one_is_not",
        ),
    ],
    "converter/pixels/pillow.py": [
        never(
            "max_pixels",
            "size[0] * size[1] > max_pixels",
            "pixels_decode::too_many_pixels_are_refused_from_the_header_alone",
        ),
        Row(
            "decoder named",
            "formats=[kind]",
            "formats=None",
            "safeguards::a_file_that_is_not_what_it_begins_as_is_shown_to_no_other_decoder",
        ),
        gone(
            "libtiff is silent",
            "library.TIFFSetErrorHandler(None)",
            "pixels_pillow::no_decoder_writes_a_line_of_its_own_to_stderr",
        ),
        gone(
            "Pillow's log is silent",
            'logging.getLogger("PIL").addHandler(logging.NullHandler())',
            "pixels_pillow::no_decoder_writes_a_line_of_its_own_to_stderr",
        ),
    ],
    "converter/pixels/gif.py": [
        never("GIF of several frames", "frames > 1", "pixels_gif::an_animation_is_refused_and_one_frame_of_it_is_not"),
        never(
            "GIF frame covers the image",
            "(top, left, height, width) != (0, 0, *size) or not height * width",
            "pixels_gif::a_frame_that_does_not_cover_the_image_is_refused",
        ),
        never("GIF is whole", "position >= len(data)", "pixels_gif::a_gif_cut_at_any_byte_is_refused"),
    ],
    "converter/pixels/webp.py": [
        never(
            "WebP animation",
            'kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and length >= 10 and body[0] & _ANIMATED)',
            "pixels_webp::an_animation_is_refused",
        ),
        Row(
            "lossy WebP",
            "_number(body[6:8]) & 0x3FFF), True",
            "_number(body[6:8]) & 0x3FFF), False",
            "pixels_webp::a_lossy_webp_is_no_mask_unless_a_tolerance_is_given",
        ),
        never(
            "WebP canvas",
            "len(images) != 1 or canvas not in (None, images[0].size)",
            "pixels_webp::a_canvas_of_another_size_than_the_image_is_refused",
        ),
    ],
    "converter/pixels/pnm.py": [
        never(
            "PNM bytes after the pixels", "rest_of_file.strip()", "pixels_pnm::what_contradicts_its_header_is_refused"
        ),
        never("PNM maximum", "samples.max() > maximum", "pixels_pnm::what_contradicts_its_header_is_refused"),
        never("PNM is whole", "end > len(data)", "pixels_pnm::a_pnm_cut_at_any_byte_of_its_pixels_is_refused"),
        never("plain PNM is whole", "len(samples) != count", "pixels_pnm::what_contradicts_its_header_is_refused"),
        gone(
            "PNM pixels",
            "refuse_large((height, width), name, max_pixels)",
            "pixels_pnm::what_contradicts_its_header_is_refused",
        ),
        Row(
            "PNM header",
            "match(data, position, MAX_PNM_HEADER_BYTES)",
            "match(data, position)",
            "pixels_pnm::what_contradicts_its_header_is_refused",
        ),
    ],
    "converter/pixels/tiff_samples.py": [
        never(
            "TIFF samples within memory",
            "max(height * width * len(bands), down * across * per_pixel) * dtype.itemsize > MAX_SAMPLE_BYTES",
            "pixels_tiff_samples::more_samples_than_fit_into_memory_are_refused_before_they_are_decoded",
        ),
        never(
            "TIFF strips that cannot hold their bytes",
            "size[0] * size[1] > len(strip) * _BY_PILLOW[compression]",
            "pixels_tiff_samples::a_strip_that_cannot_hold_its_bytes_is_refused_before_memory_is_taken_for_them",
        ),
        Row(
            "predictor only with its compression",
            "return header.predictor if header.compression in {5, *DEFLATE} else 1",
            "return header.predictor",
            "pixels_tiff_samples::a_predictor_that_its_compression_does_not_have_changes_nothing",
        ),
        never(
            "TIFF samples that are not read",
            "found := _unread(header)",
            "pixels_tiff_samples::what_cannot_be_read_exactly_is_refused_by_name",
        ),
    ],
    "converter/pixels/samples.py": [
        never(
            "bands that are there",
            "missing := [band for band in samples.bands if band > num_bands]",
            "pixels_samples::bands_are_those_of_the_user_or_of_the_file_and_must_be_there",
        ),
        never(
            "ranges for each band",
            "len(samples.levels) not in (1, array.shape[2])",
            "pixels_samples::each_band_has_its_own_range_or_all_have_one",
        ),
        never(
            "masks of whole numbers",
            "is_wrong.any()",
            "pixels_samples::a_mask_with_any_other_number_is_refused_with_its_place",
        ),
    ],
    "converter/pixels/opening.py": [
        never("animation", 'getattr(picture, "n_frames", 1) > 1', "pixels_decode::an_animation_is_refused"),
        Row(
            "formats list",
            "    kind = other_kind(data)\n",
            '    return OpenedFile(reading.open(data, "JPEG2000"))\n    kind = other_kind(data)\n',
            "pixels_signatures::a_file_of_another_kind_is_called_what_it_is",
        ),
        never(
            "all 16 bits of a TIFF need a range",
            "lacks_range",
            "pixels_opening::deep_bands_need_both_options_and_the_message_says_so",
        ),
        never(
            "bands are not guessed",
            "not samples.bands and not is_known",
            "pixels_opening::deep_bands_need_both_options_and_the_message_says_so",
        ),
        Row(
            "the low bytes of a PNG count",
            "return halves[0] << 8 | halves[1]",
            "return halves[0] << 8",
            "pixels_opening::all_16_bits_of_a_png_count",
        ),
    ],
    "converter/sources/levels.py": [
        Row(
            "levels of the train split alone",
            'split = "train" if "train" in refs else next(iter(refs))',
            "split = next(reversed(refs))",
            "sources_levels::levels_are_the_percentiles_of_each_band_of_the_train_split_alone",
        ),
    ],
    "converter/pixels/images.py": [
        Row(
            "modes of photographs",
            "if picture.mode not in IMAGE_MODES:",
            "if False:",
            "pixels_tiff::a_tiff_whose_pixels_would_not_be_right_is_refused_by_name",
        ),
        Row(
            "what is picked is not stored as it is in the file",
            'b"" if source.described else data',
            "data",
            "pixels_opening::what_is_picked_or_scaled_is_never_stored_with_the_bytes_of_its_file",
        ),
        never(
            "inks without Adobe's mark",
            'picture.mode == "CMYK" and source.is_lossy and "adobe" not in picture.info',
            "pixels_images::inks_are_taken_from_white_where_adobe_says_that_they_are_inverted_and_refused_where_nobody_says",
        ),
        gone(
            "metadata of a coded JPEG",
            "image.info.clear()  # or Pillow would copy the source's comment, EXIF and colour profile",
            "pixels_images::a_stored_photograph_is_baseline_420_without_metadata",
        ),
        Row(
            "metadata of a coded PNG",
            '    image.info.clear()\n    buffer = io.BytesIO()\n    image.save(buffer, "PNG"',
            '    buffer = io.BytesIO()\n    image.save(buffer, "PNG"',
            "pixels_images::a_photograph_can_be_stored_as_png_with_its_very_pixels_and_nothing_else",
        ),
        Row(
            "a rotated image is not stored unmodified",
            'if image.orientation != 1 or image.picture.mode != "RGB":',
            'if image.picture.mode != "RGB":',
            "pixels_images::a_photograph_that_is_to_be_turned_is_not_kept",
        ),
        Row(
            "a damaged image is not stored",
            "    load(image.picture, image.name)\n    if",
            "    if",
            "pixels_images",
        ),
    ],
    "converter/pixels/masks.py": [
        never(
            "16-bit colours of a mask",
            'source.depth == 16 and not mode.startswith("I;16")',
            "pixels_masks::16_bits_a_channel_are_refused_because_their_low_bytes_would_be_lost",
        ),
        never(
            "partial transparency",
            'picture.getchannel("A").getextrema() != (255, 255)',
            "pixels_masks::a_partly_transparent_mask_is_refused",
        ),
        Row(
            "no luma",
            "    return picture\n\n\ndef palette_of",
            '    return picture.convert("L") if mode == "RGB" else picture\n\n\ndef palette_of',
            "classes_mapper::a_colour_whose_luminance_is_a_class_is_still_not_that_class",
        ),
        never(
            "mask compressed as JPEG",
            "source.is_lossy and not tolerance",
            "classes_mapper::a_mask_compressed_as_jpeg_is_refused_and_the_tolerance_is_named",
        ),
        never(
            "mask turned by its own EXIF",
            "orientation != 1",
            "pixels_masks::a_mask_that_its_own_orientation_turns_is_refused",
        ),
        Row(
            "samples of few bits",
            "return 255 // ((1 << depth) - 1)",
            "return 1",
            "classes_mapper::samples_of_1_and_2_bits_are_the_files_own_numbers",
        ),
        never(
            "stored mask of another kind",
            'source.picture.format != "PNG" or source.picture.mode != "L" or source.depth != 8',
            "pixels_masks::what_no_writer_of_ours_stores_is_refused_on_reading",
        ),
    ],
    "converter/pixels/resample.py": [
        Row("nearest", "Image.Resampling.NEAREST)", "Image.Resampling.BILINEAR)", "classes_mapper pixels_resample"),
        Row(
            "vote by area",
            "weights = heights[:, part, None] * widths[:, None]",
            "weights = (heights[:, part, None] * widths[:, None] > 0) * 1",
            "pixels_resample::a_vote_is_what_exact_fractions_of_area_give",
        ),
        Row(
            "ties of a vote",
            "winner = classes[areas[:, : len(classes) - has_ignore].argmax(axis=1)]",
            "winner = classes[areas[:, : len(classes) - has_ignore].shape[1] - 1"
            " - areas[:, : len(classes) - has_ignore][:, ::-1].argmax(axis=1)]",
            "pixels_resample::of_two_classes_with_the_same_area_the_smaller_index_wins",
        ),
        Row(
            "ignore in a vote",
            "2 * areas[:, -1] > mask.size",
            "2 * areas[:, -1] >= mask.size",
            "pixels_resample::ignore_wins_only_with_more_than_half_of_the_area",
        ),
    ],
    "converter/engines/supervise.py": [
        Row(
            "a lost worker is replaced",
            "        if lost is None:\n            continue\n",
            "        if lost is None:\n            continue\n        raise _lost_worker(lost.how)\n",
            "engines_supervise::a_task_that_loses_one_worker_is_tried_again_and_costs_nothing",
        ),
        never(
            "a fatal unit is left out",
            "is_alone and unit in before",
            "engines_supervise::a_unit_at_which_a_task_alone_loses_its_second_worker_is_dropped"
            " engines_local::a_unit_that_kills_its_worker_twice_is_left_out_and_the_others_are_done",
        ),
        Row(
            "units are suspected alone",
            "numbers = [alone] if alone is not None else",
            "numbers =",
            "engines_supervise::what_was_in_work_when_a_worker_was_lost_is_tried_alone_and_the_rest_after_that",
        ),
        never(
            "workers that die everywhere",
            "len(before) + 1 == MAX_DEATHS",
            "engines_supervise::workers_that_are_lost_at_another_unit_each_time_are_the_machines_fault_and_no_units",
            HANG_S,
        ),
        never(
            "workers that die before they begin",
            "self._idle == MAX_DEATHS",
            "engines_supervise::workers_that_are_lost_with_nothing_in_work_are_the_machines_fault",
            HANG_S,
        ),
        Row(
            "an engine is closed whatever happens",
            "with contextlib.closing(self._engine(self._function, tasks, workers)) as events:",
            "with contextlib.nullcontext(self._engine(self._function, tasks, workers)) as events:",
            "engines_supervise::an_engine_is_closed_when_what_shows_the_progress_fails",
        ),
    ],
    "converter/engines/local.py": [
        gone(
            "freed memory is kept",
            "mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)",
            "engines_local::what_a_worker_has_freed_is_there_for_the_next_picture_without_a_page_fault",
        ),
        gone(
            "workers end with their parent",
            "ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)",
            "engines_local::workers_end_with_a_parent_that_is_killed",
            HANG_S,
        ),
        never(
            "a parent that is dead already",
            "os.getppid() != parent",
            "safeguards::a_worker_whose_parent_died_before_it_began_ends_at_once",
        ),
        gone(
            "workers are killed at the end",
            "child.kill()",
            "safeguards::after_a_failure_no_worker_is_waited_for",
            HANG_S,
        ),
        Row(
            "a container that forbids limits",
            "with contextlib.suppress(OSError, ValueError):",
            "if True:",
            "machines::where_a_container_forbids_limits_workers_run_without_them",
        ),
        Row(
            "RLIMIT_AS",
            "most = WORKER_BYTES + THREAD_BYTES * (os.cpu_count() or 1)",
            "most = -1",
            "engines_local::a_worker_may_take_what_any_picture_needs_and_not_without_bound",
        ),
        Row(
            "workers are deaf to signals",
            "        with signals_blocked():\n            futures",
            "        if True:\n            futures",
            "safeguards::signals_that_end_a_build_do_not_reach_its_workers",
        ),
        Row(
            "no fork beside a thread",
            'context("fork" if fork and _num_threads() == 1 else "spawn")',
            'context("fork" if fork else "spawn")',
            "engines_local::a_process_with_a_second_thread_is_never_forked",
        ),
    ],
    "converter/dataset/store.py": [
        Row(
            "shards, indices and the manifest are opened as files that are not trusted",
            "return open_regular(self.folder / name)",
            'return (self.folder / name).open("rb")',
            "dataset_store::a_missing_file_and_one_that_is_no_regular_file_are_told_apart_and_no_pipe_is_waited_for"
            " dataset_tfrecord::a_pipe_is_no_shard"
            " dataset_parse::a_manifest_that_is_endless_or_a_pipe_is_refused_at_once",
            HANG_S,
        ),
    ],
    "converter/dataset/parse.py": [
        never("seal of a manifest", "raw.get(SEAL) != seal", "dataset_parse::an_edited_manifest_is_refused"),
        never(
            "name of a shard",
            "not match or match[1] != split",
            "dataset_parse::a_shard_name_that_is_not_one_of_ours_is_refused",
        ),
        never(
            "schema version",
            "version > SCHEMA_VERSION",
            "dataset_parse::a_newer_schema_is_the_readers_fault_not_the_datas",
        ),
        Row(
            "keys of a manifest twice",
            ", object_pairs_hook=_unique",
            "",
            "dataset_parse::a_key_that_stands_twice_is_refused",
        ),
        never(
            "shard listed twice",
            "len(set(names)) < len(names)",
            "dataset_parse::a_shard_that_is_listed_twice_is_refused",
        ),
        Row(
            "a manifest is read within bounds",
            "min(size_of(file), MAX_MANIFEST_BYTES + 1)",
            "",
            "dataset_parse::a_manifest_that_is_endless_or_a_pipe_is_refused_at_once",
            HANG_S,
        ),
    ],
    "converter/dataset/tfrecord.py": [
        never(
            "checksum of a length",
            "masked_crc(header[:8]) != length_crc",
            "dataset_tfrecord::every_flipped_bit_is_noticed_and_the_record_named",
        ),
        never(
            "checksum of the data",
            'struct.pack("<I", masked_crc(data)) != data_crc',
            "dataset_tfrecord::every_flipped_bit_is_noticed_and_the_record_named",
        ),
        Row(
            "length within the file",
            "if length > min(left, MAX_RECORD_BYTES):",
            "if length > MAX_RECORD_BYTES:",
            "dataset_tfrecord::a_forged_length_with_a_right_checksum_is_refused_before_memory_is_spent",
        ),
        Row(
            "length within reason",
            "if length > min(left, MAX_RECORD_BYTES):",
            "if length > left:",
            "dataset_tfrecord::a_record_above_the_limit_is_refused_though_the_file_is_as_long",
        ),
        never(
            "places of records end with the shard",
            "offset != end",
            "dataset_tfrecord::a_shard_with_another_number_of_records_has_no_places"
            " trainer_input_reading::a_shard_with_another_number_of_records_than_its_manifest_says_is_refused",
        ),
        Row(
            "an index is read within bounds",
            "return file.read(limit)",
            "return file.read()",
            "dataset_integrity::an_index_is_read_no_further_than_its_records_could_fill_it",
        ),
    ],
    "converter/dataset/integrity.py": [
        Row(
            "an index that contradicts itself",
            "if len(line) != 2 or line[0] != offset:",
            "if len(line) != 2:",
            "dataset_integrity::an_index_that_contradicts_itself_bears_no_witness",
        ),
        Row(
            "SHA-256 of a shard",
            "if (size, digest) == (shard.bytes, shard.sha256):",
            "if size == shard.bytes:",
            "dataset_integrity::a_shard_that_the_manifest_does_not_know_is_refused",
        ),
        never("swapped shards", "digest in twins", "dataset_integrity::the_content_of_another_shard_is_recognised"),
        Row(
            "a longer shard is not read",
            ' if size in sizes else ""',
            "",
            "dataset_integrity::a_shard_of_another_size_is_not_read_to_its_end_before_it_is_refused",
            HANG_S,
        ),
    ],
    "converter/dataset/example.py": [
        never(
            "length of a field", "length > len(view) - position", "dataset_example::forged_lengths_and_tags_are_refused"
        ),
        Row(
            "keys are sorted",
            "in sorted((key.encode(), value) for key, value in features.items()):",
            "in ((key.encode(), value) for key, value in features.items()):",
            "dataset_example::the_order_in_which_keys_are_given_does_not_show",
        ),
        never(
            "keys of a record",
            "not isinstance(features.get(key), expected)",
            "dataset_example::a_missing_key_or_one_of_the_wrong_type_is_refused_by_name",
        ),
    ],
    "converter/dataset/reader.py": [
        never(
            "lines of an index",
            "len(offsets) != records or any(offset < 0 for offset in offsets)",
            "dataset_reader::a_damaged_index_is_refused_by_name",
        ),
        Row(
            "offset beyond the shard",
            "file.seek(min(offset, end))",
            "file.seek(offset)",
            "dataset_reader::an_index_that_points_elsewhere_is_noticed_by_the_checksums",
        ),
    ],
    "converter/sources/lists/text.py": [
        never(
            "size of a list",
            "os.fstat(file.fileno()).st_size > max_bytes",
            "sources_lists_text::a_file_that_is_too_large_for_a_list_is_refused_before_it_is_read",
        ),
        Row(
            "a list is opened as a file that is not trusted",
            "with open_regular(path) as file:",
            'with path.open("rb") as file:',
            "safeguards::a_pipe_is_no_list",
            HANG_S,
        ),
    ],
    "converter/sources/lists/tables.py": [
        Row(
            "rows of another split",
            'is_split = len(set(splits.values()) - {""}) > 1 or (not listed.split and any(splits.values()))',
            "is_split = False",
            "sources_lists_tables::a_column_says_which_split_a_row_belongs_to",
        ),
        Row(
            "three columns of images",
            "if len(paths) == 2:",
            "if len(paths) >= 2:",
            "sources_lists_tables::three_columns_of_images_are_no_choice_of_ours",
        ),
        Row(
            "names of columns are escaped",
            "shown(self.header[column], SHOWN_NAME_CHARS) if",
            "self.header[column] if",
            "fuzz::what_was_found_by_fuzzing_is_taken_or_refused_in_one_line",
        ),
    ],
    "converter/sources/lists/json_lists.py": [
        Row(
            "depth of a JSON list",
            "except (ValueError, RecursionError):",
            "except ValueError:",
            "sources_lists_json_lists::what_lists_no_files_is_no_list",
        ),
    ],
    "converter/sources/mix_ups.py": [
        never(
            "one mask for two images",
            "shared",
            "sources_mix_ups::one_mask_for_two_images_is_named_with_all_lines",
        ),
        never(
            "the mask of another image",
            "others",
            "sources_mix_ups::two_exchanged_masks_are_found_in_any_pattern",
        ),
        never(
            "names without a pattern",
            "number <= MIN_SHARE * len(refs)",
            "sources_mix_ups::names_without_a_pattern_are_not_accused",
        ),
    ],
    "converter/sources/lists/resolve.py": [
        never(
            "MAX_REFUSED_LINES",
            "len(self.rejects) >= MAX_REFUSED_LINES",
            "sources_lists_resolve::a_list_of_too_many_bad_lines_is_refused_as_a_whole",
        ),
        Row(
            "a leading slash",
            'is_absolute = is_absolute and not (plain.startswith("/") and not base)',
            "pass",
            "sources_lists_resolve::a_leading_slash_means_the_source_folder_in_a_rule_without_a_base",
        ),
        never(
            "image named twice",
            "earlier != place",
            "sources_lists_resolve::every_copy_of_a_pair_is_rejected_and_the_first_is_kept",
        ),
        never(
            "length of a line",
            "len(line.text) > MAX_LINE_CHARS",
            "sources_lists_resolve::a_bad_line_is_rejected_with_its_number_and_the_others_are_kept",
        ),
        Row(
            "a line climbs",
            '".." in parts or (is_absolute',
            "(is_absolute",
            "sources_lists_resolve::a_bad_line_is_rejected_with_its_number_and_the_others_are_kept"
            " sources_lists_resolve::a_path_may_climb_out_of_the_folder_of_its_list_but_not_out_of_the_source",
        ),
        Row(
            "a line is absolute",
            "or (is_absolute and not self.drop)",
            "",
            "sources_lists_resolve::a_bad_line_is_rejected_with_its_number_and_the_others_are_kept",
        ),
        never(
            "image as its own mask",
            "len(found) == 2 and found[0][0] == found[1][0]",
            "sources_lists_resolve::a_photograph_is_not_its_own_mask",
        ),
    ],
    "converter/sources/pairs.py": [
        never(
            "EXIF is decided by the mask",
            "mask.size == image.raw_size",
            "sources_pairs::a_photograph_whose_mask_was_drawn_over_it_as_it_lies_in_the_file_is_left_so",
        ),
        Row(
            "sizes differ",
            "    if mask.size == image.size:",
            "    if True:",
            "sources_pairs::peers_row_9_other_sizes_are_refused_with_both_and_a_hint_on_swapped_sides",
        ),
    ],
    "converter/checking/split_source.py": [
        never(
            "the dataset's own test split is not drawn again",
            'config.test and "test" in layout.refs and not is_made_by_split(source.src, "test")',
            "checking_split_source::a_test_split_of_the_dataset_is_not_drawn_again",
        ),
        never(
            "a test set that is not used is not mixed in",
            "unused.code not in _NOT_IN_PAIRS and _has_test_word(unused.where)",
            "checking_split_source::a_test_set_that_the_layout_does_not_use_is_not_mixed_in",
        ),
        never(
            "masks of which none can be read are not split",
            "bad and bad[0].error and not any(fact.values for fact in facts)",
            "checking_split_source::masks_of_which_none_can_be_read_are_refused_and_some_are_counted",
        ),
    ],
    "converter/sources/lists/exchange.py": [
        never(
            "lists of two splits are refused",
            "(journal := _read_journal(source.src)) is not None",
            "sources_lists_exchange::a_kill_leaves_the_old_lists_or_an_exchange_that_is_refused_and_finished",
        ),
        Row(
            "a forged journal moves no file",
            "is_ours = all(_OURS.fullmatch(name) for name in give) and",
            "is_ours = True and",
            "sources_lists_exchange::a_journal_of_others_moves_no_file",
        ),
    ],
    "converter/sources/leaks.py": [
        Row(
            "an image in several pairs is no copy of itself",
            "is_same & (values_in_order[1:] != values_in_order[:-1])",
            "is_same",
            "sources_leaks::blocks_of_one_image_are_read_no_further_than_its_size",
        ),
        Row(
            "leaks by name",
            "leaks = name_leaks(pairs) or same_content(copies)",
            "leaks = same_content(copies)",
            "building_build::a_photograph_in_two_splits_is_refused_unless_allowed",
        ),
        Row(
            "leaks by content",
            "leaks = name_leaks(pairs) or same_content(copies)",
            "leaks = name_leaks(pairs)",
            "safeguards::a_photograph_under_two_names_in_two_splits_is_refused_unless_allowed",
        ),
    ],
    "converter/sources/lists/files.py": [
        Row(
            "the exact name of a list",
            "own.sort(key=lambda file: (file.rank, file.kind, file.path))",
            "own.sort(key=lambda file: (file.kind, file.path))",
            "sources_lists_files::the_exact_name_wins_and_the_other_list_is_named",
        ),
        Row(
            "texts of single images",
            "if file.stem in stems and split_of(file.stem) is None:",
            "if False:",
            "sources_lists_files::texts_of_single_images_are_no_lists",
        ),
    ],
    "converter/sources/lists/fits.py": [
        never(
            "lists of equal names that disagree",
            "found[0].file.ties_with(other.file)",
            "sources_lists_fits::two_lists_of_a_split_that_disagree_are_refused_with_the_way_to_choose",
        ),
        Row(
            "lists of equal folders that disagree",
            'if other not in ("", folder) and other.count("/") == folder.count("/"):',
            "if False:",
            "sources_lists_fits::lists_of_parts_are_refused_rather_than_the_second_part_lost",
        ),
        Row(
            "a text that is no list",
            "if fit.num_found and 2 * fit.num_found >= fit.num_lines:",
            "if True:",
            "sources_lists_fits::a_text_with_a_similar_name_that_is_no_list_is_named",
        ),
    ],
    "converter/sources/layouts/split_lists.py": [
        Row(
            "a list that overlaps",
            "if others and all(part.images().isdisjoint(others[0].parts[split].images()) for part in parts.values()):",
            "if others:",
            "sources_lists_files::a_list_with_a_similar_name_fills_in_for_a_missing_split_unless_it_overlaps",
        ),
        Row(
            "a train.csv that cannot be used",
            "elif is_own:",
            "elif False:",
            "sources_lists_fits::a_train_list_that_cannot_be_used_is_an_error",
        ),
        Row(
            "a listed test set is not all background",
            "not any(mask_of[meanings[0]] for meanings in done.found)",
            "False",
            "sources_layouts_unpaired::with_missing_mask_a_split_without_any_mask_stays_left_out",
        ),
    ],
    "converter/sources/layouts/chosen_lists.py": [
        Row(
            "an image in two lists of one split",
            "if earlier is ref:",
            "if True:",
            "sources_layouts_chosen_lists::lists_of_one_split_are_joined_and_a_repeated_image_rejected",
        ),
    ],
    "converter/sources/layouts/split_folders.py": [
        never(
            "words that leave nothing for train",
            '"train" not in after',
            "sources_layouts_split_folders::words_that_leave_nothing_to_train_on_are_named_and_not_followed",
        ),
        Row(
            "TR and TE are no splits",
            "_by_contrast(folders) | {folder",
            "{folder",
            "sources_layouts_split_folders::short_words_are_splits_where_nothing_else_differs_and_one_is_a_test_set",
        ),
        Row(
            "the first word of names is no split",
            "by_name = _with_name_splits(found)",
            "by_name = FolderSplits(found)",
            "sources_layouts_split_folders::names_that_all_begin_with_the_word_of_a_split_are_split_by_it",
        ),
    ],
    "converter/sources/layouts/unused.py": [
        never(
            "names that are not UTF-8",
            "tree.unnamed",
            "sources_layouts_unused::names_that_are_not_utf8_are_escaped_and_counted",
        ),
        never(
            "folders of folds",
            "len(numbers) > 1",
            "sources_layouts_split_folders::folders_of_folds_are_named_with_the_command_that_keeps_them_whole",
        ),
    ],
    "converter/sources/layouts/folds.py": [
        never(
            "a fold that is missing",
            "numbers != list(range(max(len(numbers), 2))) or (source.fold or 0) >= len(numbers)",
            "sources_layouts_folds::a_fold_that_is_not_there_is_named",
        ),
        never(
            "a train list above folds",
            'source.fold is None and (len(numbers) < 2 or "train.txt" in tree.file_set)',
            "sources_layouts_folds::without_a_choice_all_folds_are_train_with_a_warning_and_a_train_list_wins",
        ),
    ],
    "converter/sources/others.py": [
        never(
            "annotations of images that have a mask",
            "kind.is_annotation and with_masks is not None",
            "sources_others::annotations_of_images_with_a_mask_are_no_warning_and_those_of_others_are",
        ),
        never(
            "links that lead out",
            "outside",
            "sources_others::links_that_lead_out_are_counted",
        ),
    ],
    "converter/sources/tree.py": [
        Row(
            "names in another encoding than UTF-8",
            'if encoding.lower() not in ("utf-8", "utf8") and not all(map(str.isascii, names)):',
            "if False:",
            "cli::a_program_that_decodes_names_otherwise_is_told_to_use_utf8",
        ),
        never(
            "links out of the tree",
            "not follow_links and entry.is_symlink() and not _leads_inside(entry, root)",
            "sources_tree::links_lead_out_of_the_source_only_where_that_is_allowed",
        ),
        never(
            "nested links",
            "nested > MAX_NESTED_LINKS",
            "sources_tree::folders_that_all_link_to_one_another_are_given_up",
            HANG_S,
        ),
        never(
            "number of files",
            "files > MAX_FILES",
            "sources_tree::a_folder_that_is_no_dataset_is_given_up_before_all_of_it_is_read",
        ),
        never(
            "depth of folders",
            'folder.count("/") >= MAX_FOLDER_DEPTH',
            "sources_tree::a_folder_that_is_no_dataset_is_given_up_before_all_of_it_is_read "
            "sources_tree::links_in_a_circle_end",
        ),
        Row(
            "cycle of links",
            "if real not in chain:",
            "if True:",
            "sources_tree::links_in_a_circle_end",
            HANG_S,
        ),
    ],
    "converter/sources/layouts/affixes.py": [
        Row(
            "a mask of one image",
            "if len(found) != 1 or taken & found:",
            "if len(found) != 1:",
            "sources_layouts_affixes::names_of_no_single_image_are_not_verified",
        ),
        Row(
            "two texts explain the masks",
            "if len(good) != 1:",
            "if not good:",
            "sources_layouts_affixes::two_ways_to_explain_all_masks_are_none",
        ),
        Row(
            "parts of numbers",
            "return before[-1:].isdigit() and after[:1].isdigit()",
            "return False",
            "sources_layouts_affixes::what_does_not_explain_every_mask_is_not_inferred",
        ),
    ],
    "converter/sources/layouts/by_stems.py": [
        never(
            "several pairings",
            "len(found) > 1",
            "sources_layouts_by_stems::two_drawings_of_the_masks_are_a_choice_with_the_options_for_each",
        ),
        Row(
            "frames of two splits",
            "return not all(splits) or splits[0] == splits[1]",
            "return True",
            "sources_layouts_by_stems::frames_of_two_splits_that_are_numbered_alike_are_no_pairs",
        ),
        Row(
            "panoptic ids",
            "set(tree.image_files).difference(panoptic)",
            "set(tree.image_files)",
            "sources_layouts_folders::a_near_miss_is_refused_with_what_it_lacks_and_the_way_out",
        ),
    ],
    "converter/sources/layouts/layout.py": [
        Row(
            "exact folders above tables",
            "if listed is not None or any(image.split for image in found.images if image.mask):",
            "if listed is not None:",
            "sources_lists_tables::exact_folders_stand_above_a_table",
        ),
        Row(
            "second folder of masks",
            "            check_rivals(tree, found)",
            "            pass",
            "sources_layouts_leftover::two_folders_that_could_be_the_masks_are_a_choice",
        ),
        Row(
            "what has no partner is rejected",
            "rejects += unpaired(tree, without, found.loose, refs)",
            "pass",
            "sources_layouts_unpaired::what_has_no_partner_is_rejected_by_name",
        ),
        Row(
            "folders that are not used",
            "found += [*unused_folders(search.tree, used), *unused_files(search.tree)",
            "found += [*unused_files(search.tree)",
            "sources_layouts_leftover::a_second_pair_of_folders_is_named_with_the_options_that_use_it",
        ),
        Row(
            "values with two names in templates",
            "found += _label_names(search.tree, refs)",
            "pass",
            "sources_layouts_labelme_json::with_templates_such_lists_are_a_warning",
        ),
        Row(
            "a test set is not all background",
            "if image.mask is None or split not in with_masks:",
            "if image.mask is None:",
            "sources_layouts_unpaired::with_missing_mask_a_split_without_any_mask_stays_left_out",
        ),
    ],
    "converter/sources/layouts/labelme_json.py": [
        never(
            "values with two names",
            "difference",
            "sources_layouts_labelme_json::a_value_with_two_names_is_refused_with_both",
        ),
        never(
            "size of a list of names",
            "len(data) > MAX_CLASS_FILE_BYTES",
            "sources_layouts_labelme_json::a_list_that_is_no_text_is_a_difference",
        ),
    ],
    "converter/sources/layouts/folders.py": [
        never(
            "several masks of an image",
            "error := several_masks(tree, pairs)",
            "sources_layouts_several::one_mask_for_each_class_is_refused_and_each_can_be_chosen",
        ),
    ],
    "converter/sources/layouts/looks.py": [
        Row(
            "size of a file that is looked at",
            "open_mask(data, path, MAX_LOOK_PIXELS)",
            "open_mask(data, path)",
            "sources_layouts_looks::what_cannot_be_read_or_was_changed_by_jpeg_shows_nothing",
        ),
    ],
    "converter/classes/background.py": [
        Row(
            "no guess of the background",
            "if len(named) == 1:",
            "return 0\n    if len(named) == 1:",
            "classes_background::without_one_background_nothing_is_guessed",
        ),
    ],
    "converter/sources/layouts/templates.py": [
        Row(
            "template climbs",
            '{"", ".", ".."} & set(parts)',
            '{"", "."} & set(parts)',
            "sources_layouts_templates::a_template_that_is_none_is_refused",
        ),
        Row(
            "template is absolute",
            'if template.startswith("/") or "\\\\" in template or "\\0" in template or {"", ".", ".."} & set(parts):',
            'if "\\\\" in template or "\\0" in template or {".", ".."} & set(parts):',
            "sources_layouts_templates::a_template_that_is_none_is_refused",
        ),
    ],
    "converter/classes/class_map.py": [
        never(
            "value of two classes",
            "table.setdefault(value, index) != index",
            "classes_class_map::rows_that_contradict_each_other_are_refused",
        ),
        Row(
            "same drawing of two classes",
            "if red == green == blue and self._grey.get(red, index) != index:",
            "if False:",
            "classes_class_map::rows_that_contradict_each_other_are_refused",
        ),
        never("number of classes", "index >= MAX_CLASSES", "classes_class_map::255_classes_fit_and_one_more_does_not"),
        never(
            "length of a class name",
            "len(name) > MAX_CLASS_NAME_CHARS",
            "classes_native::a_wrong_row_is_refused_with_its_line",
        ),
        never(
            "control characters in a class name",
            "not name or not name.isprintable()",
            "classes_native classes_class_map",
        ),
    ],
    "converter/classes/native.py": [
        never(
            "size of a class map",
            "len(data) > MAX_CLASS_FILE_BYTES",
            "classes_native::a_file_that_is_no_class_map_is_refused",
        ),
        Row(
            "a class map is read within bounds",
            "file.read(MAX_CLASS_FILE_BYTES + 1)",
            "file.read()",
            "safeguards::a_class_map_without_end_is_refused_before_memory_is_spent",
        ),
        Row(
            "a class map is opened as a file that is not trusted",
            "with open_regular(path) as file:",
            'with path.open("rb") as file:',
            "classes_native::a_file_that_cannot_be_read_is_refused"
            " classes_find::a_pipe_in_the_place_of_a_class_file_is_refused",
            HANG_S,
        ),
    ],
    "converter/classes/listed.py": [
        never(
            "palette entry of two classes",
            "len(found) > 1",
            "classes_listed::a_value_that_could_be_meant_in_two_ways_has_no_index"
            " classes_mapper::a_palette_entry_that_may_be_two_classes_is_refused_unless_p_decides",
        ),
    ],
    "converter/classes/nearest.py": [
        Row(
            "ties of the tolerance",
            "(least[:, 0] < _FAR) & (low == high)",
            "least[:, 0] < _FAR",
            "classes_mapper::a_value_between_two_classes_stays_unlisted_and_one_between_two_values_of_a_class_does_not",
        ),
        Row(
            "reach of the tolerance",
            "apart.max(axis=2) <= self.tolerance",
            "apart.max(axis=2) <= 255",
            "classes_mapper::what_is_corrected_is_what_a_loop_over_all_classes_finds",
        ),
    ],
    "converter/classes/mapper.py": [
        Row(
            "unlisted value",
            "        if not codes.all():\n            raise self._unlisted(source, table)\n",
            "",
            "classes_unlisted::an_unlisted_value_is_named_with_its_count_in_the_whole_mask_and_the_nearest_class",
        ),
        Row(
            "corrected pixels are counted",
            "self.corrected_pixels += int(np.count_nonzero(codes & _CORRECTED))",
            "self.corrected_pixels += 0",
            "classes_mapper::a_colour_near_a_listed_one_is_taken_for_it_and_counted",
        ),
    ],
    "converter/classes/formats/recognise.py": [
        never("keys of a JSON twice", "key in data", "classes_formats"),
        Row(
            "nesting of a JSON",
            "    except RecursionError:\n",
            "    except ZeroDivisionError:\n",
            "classes_formats::a_hostile_file_is_refused_in_one_line_and_soon",
        ),
    ],
    "converter/classes/formats/pbtxt.py": [
        never("id of two items", "value in rows", "classes_formats::a_wrong_line_is_named"),
        never("braces of a label map", "depth < 0", "classes_formats::a_wrong_line_is_named"),
    ],
    "converter/classes/search.py": [
        Row(
            "depth of a search for class files",
            ' and path.count("/") <= MAX_CLASS_FILE_DEPTH',
            "",
            "classes_search::the_search_is_bounded_in_depth_size_and_number",
        ),
        Row(
            "number of files in a search for class files",
            "return near[:MAX_CLASS_FILES]",
            "return near[:9999]",
            "classes_search::the_search_is_bounded_in_depth_size_and_number",
        ),
        Row(
            "a file per image in a search for class files",
            "every = paths if len(paths) <= MAX_FOLDER_CLASS_FILES else named",
            "every = paths",
            "classes_search::the_search_is_bounded_in_depth_size_and_number",
        ),
        Row(
            "a list of images is no class file",
            '"/" not in name and not _IMAGE_NAME.search(name)',
            "True",
            "classes_search::a_list_of_images_a_table_of_measures_and_the_boxes_of_a_detector_are_no_class_files"
            " classes_search::words_and_names",
        ),
        Row(
            "a table of images and their labels is no class file",
            " and len(classes.grey) <= classes.num_classes + 1",
            "",
            "classes_search::a_list_of_images_a_table_of_measures_and_the_boxes_of_a_detector_are_no_class_files",
        ),
    ],
    "converter/classes/places.py": [
        Row(
            "share of the places that must occur",
            "not strange and len(missing) <= (1 - _MIN_SHARE) * len(places)",
            "not strange",
            "classes_places::what_is_not_certain_is_said_with_the_command_that_drafts_it",
        ),
        Row(
            "greys of the colours are no places",
            " or numbers <= greys_of(classes).keys() | _NO_CLASS",
            "",
            "classes_places::numbers_that_may_also_be_the_greys_of_the_colours_are_not_taken",
        ),
        Row(
            "colours that a number could be taken for",
            "len(set(color)) > 1 or places.get(color[0]) == index",
            "True",
            "classes_places::the_colours_that_a_number_could_be_taken_for_are_dropped",
        ),
    ],
    "converter/classes/unlisted.py": [
        Row(
            "labels in numbers are not ignored under a file of colours",
            "        return _FIX_NUMBERS\n",
            "        return _FIX\n",
            "classes_unlisted::numbers_under_a_map_of_colours_are_never_answered_with_ignore",
        ),
    ],
    "converter/checking/two_levels.py": [
        Row(
            "class numbers are no blend",
            "is_even or max(gaps[0], gaps[-1]) > _HOLE",
            "False",
            "checking_two_levels::class_numbers_and_photographs_are_no_blend",
        ),
        Row(
            "a frequent level is a class",
            "max(counts[others]) <= _CLASS_SHARE * peak and ",
            "",
            "checking_two_levels::class_numbers_and_photographs_are_no_blend",
        ),
        Row(
            "a class between black and white in JPEG",
            " and densest <= _CLASS_SHARE * min(ends)",
            "",
            "checking_two_levels::jpeg_of_interpolated_or_thin_masks_is_a_blend_and_a_class_between_them_is_not",
        ),
    ],
    "converter/checking/draft.py": [
        Row(
            "instances are not drafted",
            "if not allows_instances and not is_used and",
            "if False and",
            "checking_instances::instances_are_a_warning_and_not_drafted_unless_asked",
        ),
    ],
    "converter/checking/problems.py": [
        Row(
            "no remedy shifts a value",
            "if dataset.found.is_by_place:  # without its line",
            "if False:  # without its line",
            "classes_parse::a_class_that_never_occurs_is_left_where_its_place_is_its_value",
        ),
    ],
    "converter/classes/find.py": [
        Row(
            "link to a class map",
            "return resolve_inside(source.src, name, follow_links=source.follow_links)",
            "return path",
            "classes_find::a_link_out_of_the_source_is_followed_only_on_request",
        ),
        Row(
            "class files that disagree",
            "        if not all(_is_part(file.classes, fullest.classes) for file in elsewhere):",
            "        if False:",
            "classes_search::two_files_that_disagree_are_both_named_with_a_command_for_each_and_two_that_agree_are_one",
        ),
        Row(
            "places that are not certain",
            "if doubt and not allows_doubt:",
            "if False:",
            "classes_places::what_is_not_certain_is_said_with_the_command_that_drafts_it",
        ),
        Row(
            "a draft that nobody edited",
            "    if not found.is_draft:\n",
            "    if True:\n",
            "classes_drafts::a_draft_that_nobody_edited_is_a_warning_with_the_preset_that_has_its_values",
        ),
    ],
    "converter/system/console.py": [
        Row(
            "a terminal without Unicode",
            'errors="backslashreplace"',
            'errors="strict"',
            "cli::a_stream_without_unicode_is_no_fault",
        ),
        Row(
            "a reader that left is discarded",
            "        os.dup2(null, self.fileno())",
            "        ()",
            "system_console::a_reader_that_leaves_is_no_failure_and_later_results_are_discarded",
        ),
        Row(
            "a reader that left ends nothing",
            "            self._discard(error)\n            return len(text)",
            "            raise",
            "system_console::a_reader_that_leaves_is_no_failure_and_later_results_are_discarded",
        ),
        never(
            "a reader that left is no failure",
            "not isinstance(error, BrokenPipeError)",
            "machines::a_result_that_a_full_disk_does_not_take_is_a_machine_failure",
        ),
        Row(
            "results are UTF-8 in every locale",
            'stream.encoding if is_asked_for or stream.isatty() else "utf-8"',
            "stream.encoding",
            "system_console::a_pipe_or_a_file_gets_the_same_bytes_in_every_locale",
        ),
    ],
    "converter/system/locks.py": [
        Row(
            "the lock does not wait",
            "else fcntl.LOCK_EX) | fcntl.LOCK_NB",
            "else fcntl.LOCK_EX)",
            "system_locks::a_second_lock_is_refused_at_once_and_a_third_after_the_first_has_ended_is_not",
            HANG_S,
        ),
        Row(
            "the lock is of one process",
            "fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX",
            "fcntl.LOCK_SH",
            "system_locks::a_second_lock_is_refused_at_once_and_a_third_after_the_first_has_ended_is_not",
        ),
        never(
            "an error of the disk is no lack of locks",
            "error.errno not in WITHOUT_LOCKS",
            "system_locks::another_error_of_the_disk_is_not_called_a_lack_of_locks",
        ),
    ],
    "converter/system/outputs.py": [
        never(
            "files of others are not replaced",
            "os.path.lexists(path) and not _is_ours(path)",
            "system_outputs::what_segconv_did_not_write_is_refused_however_it_is_reached",
        ),
        Row(
            "a link to nothing is a file",
            "os.path.lexists(path)",
            "path.exists()",
            "system_outputs::what_segconv_did_not_write_is_refused_however_it_is_reached",
        ),
        never(
            "extension of an output",
            "path.suffix.lower() not in suffixes",
            "system_outputs::another_extension_is_refused_with_the_ones_that_are_right",
        ),
        Row(
            "an output is opened as one that is not trusted",
            "with open_regular(path) as file:",
            'with path.open("rb") as file:',
            "system_outputs::what_segconv_did_not_write_is_refused_however_it_is_reached",
            HANG_S,
        ),
    ],
    "converter/schema.py": [
        Row(
            "a shard has its index",
            "_SHARD.fullmatch(name) and name + INDEX_SUFFIX in names",
            "_SHARD.fullmatch(name)",
            "schema::a_folder_of_records_is_known_by_a_shard_with_its_index",
        ),
    ],
    "converter/config.py": [
        Row(
            "nothing at import depends on the working folder",
            "        if self.name:  # that",
            "        if True:  # that",
            "machines::nothing_at_import_depends_on_the_working_folder",
        ),
    ],
    "converter/building/store.py": [
        Row(
            "fsync of a shard and of its index",
            "                file.flush()\n                os.fsync(file.fileno())\n",
            "                file.flush()\n",
            "building_receipts::a_receipt_is_written_when_shard_and_index_are_on_the_disk",
        ),
    ],
    "converter/building/photos.py": [
        Row(
            "size of a photograph that is cut",
            "if (ref.size, ref.scaled) != sizes:",
            "if False:",
            "building_tiles::a_photograph_that_shrinks_between_plan_and_build_is_refused",
        ),
        Row(
            "ignored tiles are dropped",
            "if ref.mask and ignored > pair.tile.max_ignored * mask.size:",
            "if False:",
            "building_tiles::tiles_that_are_ignored_are_dropped_and_counted",
        ),
    ],
    "converter/building/summary.py": [
        Row(
            "a refused photograph is named once",
            "found = _without_repeats(found)",
            "pass",
            "building_tiles::a_photograph_that_is_refused_is_named_once",
        ),
    ],
    "converter/checking/blocks.py": [
        Row(
            "blocks have a gap between them",
            "before, after = gap // 2, gap - gap // 2",
            "before, after = 0, 0",
            "checking_blocks::no_pixel_is_in_two_splits",
        ),
    ],
    "converter/sources/ground.py": [
        Row(
            "an install command for rasterio",
            "    except ImportError:\n        raise UsageError(name, what",
            "    except ZeroDivisionError:\n        raise UsageError(name, what",
            "sources_rasters::without_rasterio_one_line_says_what_to_install",
        ),
    ],
    "converter/sources/sizes.py": [
        Row(
            "what is padded is not of another block",
            '_scaled_block(ref, source, size, scaled), "shift"',
            "_scaled_block(ref, source, size, scaled), edge",
            "checking_blocks::no_pixel_is_in_two_splits",
        ),
        Row(
            "tiles of one photograph",
            "> MAX_TILES:",
            "> MAX_TILES * 100:",
            "sources_sizes::too_many_tiles_are_refused_before_they_are_made",
        ),
    ],
    "converter/verifying/stitch.py": [
        Row(
            "pixels that no tile covers are counted",
            "mask.size - _covered(boxes)",
            "0",
            "verifying_stitch::what_no_tile_covers_is_ignored_and_counted",
        ),
    ],
    "converter/building/shards.py": [
        Row(
            "all tiles of a photograph that kills its worker",
            " or (bad.window and ref.files == bad.files)",
            "",
            "building_tiles::all_tiles_of_a_photograph_that_kills_its_worker_are_refused_together",
        ),
        Row(
            "memory of one pair",
            '    except MemoryError:\n        fix = "Cut',
            '    except ZeroDivisionError:\n        fix = "Cut',
            "building_receipts::a_pair_that_kills_its_worker_or_takes_its_memory_is_named_and_costs_itself_alone",
        ),
    ],
    "converter/building/receipts.py": [
        Row(
            "fingerprint has the content",
            "(*ref.key, *pair)",
            "ref.key",
            "safeguards::a_fingerprint_follows_contents_classes_and_versions",
        ),
        Row(
            "fingerprint has the options",
            "for name, value in asdict(task.pair).items()",
            "for name, value in ()",
            "building_receipts::shards_that_were_begun_with_other_options_are_not_used_and_make_room_first",
        ),
        Row(
            "fingerprint has the class map",
            "            *(list(table.items()) for table in (classes.grey, classes.rgb, classes.palette)),\n",
            "",
            "safeguards::a_fingerprint_follows_contents_classes_and_versions",
        ),
        Row(
            "fingerprint has the versions",
            '        "written_by": written_by(),\n',
            "",
            "safeguards::a_fingerprint_follows_contents_classes_and_versions",
        ),
        never(
            "fingerprint is compared",
            "fingerprint(task, digests) != known.info.fingerprint",
            "building_receipts::shards_that_were_begun_with_other_options_are_not_used_and_make_room_first",
        ),
        never(
            "content is compared",
            "(pair[0].digest, pair[1].digest) != (image.digest, mask.digest)",
            "building_receipts::one_edited_mask_makes_its_shard_alone_again",
        ),
        Row(
            "hash of a made shard",
            "is_shard = (noted or _sha256(store, shard, known.info.bytes)) == known.info.sha256",
            "is_shard = store.exists(shard)",
            "building_receipts::a_damaged_dataset_is_mended_by_the_same_command",
        ),
        Row(
            "hash of a made index",
            "return is_shard and _sha256(store, index_name(shard)) == known.index_sha256",
            "return is_shard",
            "building_receipts::a_damaged_dataset_is_mended_by_the_same_command",
        ),
        Row(
            "a receipt is of the shard that is there",
            'if facts["info"]["sha256"] == shard.sha256 and len(keys) == shard.records:',
            "if True:",
            "building_output::without_a_receipt_the_records_say_their_names",
        ),
        never(
            "seal of a receipt",
            'hashlib.sha256(text).hexdigest().encode("ascii") != seal',
            "building_receipts::a_receipt_that_is_gone_or_damaged_costs_nothing_but_the_work",
        ),
        Row(
            "--rehash",
            "return known if not rehash and _is_unchanged(task, name, known) else",
            "return known if _is_unchanged(task, name, known) else",
            "building_receipts::an_edit_that_the_file_system_does_not_show_is_found_with_rehash",
        ),
        Row(
            "stamps are compared",
            "return Stamp.of(path.stat()) == known.stamp",
            "return True",
            "building_receipts::one_edited_mask_makes_its_shard_alone_again",
        ),
        Row(
            "what may pass is tried again",
            "if not TRANSIENT & {error.code for error in result.refused.values()}:",
            "if True:",
            "building_receipts::a_pair_that_kills_its_worker_or_takes_its_memory_is_named_and_costs_itself_alone",
        ),
    ],
    "converter/building/beside.py": [
        Row(
            "a README.md that was edited stays",
            "if before is None or not is_edited(before):",
            "if True:",
            "building_beside::an_edited_page_stays_whatever_is_built",
        ),
        Row(
            "what is no JSON in place of croissant.json stays",
            "if has_croissant if before is None else is_croissant(before):",
            "if has_croissant or before is not None:",
            "building_beside::a_file_of_others_in_its_place_is_left_and_named",
        ),
    ],
    "converter/dataset/croissant.py": [
        Row(
            "keys that people added to croissant.json stay",
            "json.dumps(facts | more,",
            "json.dumps(facts,",
            "dataset_croissant::keys_of_others_stay_and_ours_are_brought_up_to_date",
        ),
    ],
    "converter/dataset/readme.py": [
        Row(
            "names of others break no table of README.md",
            r"""re.sub(r"([\\`*_{}\[\]<>|&~])", r"\\\1", shown(text))""",
            "text",
            "dataset_readme::a_name_of_others_breaks_no_table",
        ),
    ],
    "converter/building/commit.py": [
        never(
            "a folder in the place of a file",
            "error := blocked(out / name)",
            "building_commit::a_folder_in_the_place_of_a_file_is_named_before_anything_is_exchanged",
        ),
        gone(
            "lock",
            "stack.enter_context(locked_folder(out, FIX_NO_LOCK, is_shared=is_shared))",
            "building_commit::a_second_build_is_refused_at_once_and_told_who_is_at_work",
        ),
        Row(
            "nothing is left where there are no locks",
            "        except MachineError:\n            _remove_empty(new)\n",
            "        except MachineError:\n",
            "building_commit::a_folder_that_cannot_be_locked_is_named_and_what_was_made_for_it_is_removed",
        ),
        Row(
            "fsync before the journal",
            '"delete": sorted(delete)}).encode())\n        sync_folder(out)\n',
            '"delete": sorted(delete)}).encode())\n',
            _COMMIT_ORDER,
        ),
        Row(
            "fsync of the journal's name",
            "replace(out / JOURNAL)\n            sync_folder(out)\n",
            "replace(out / JOURNAL)\n",
            _COMMIT_ORDER,
        ),
        gone(
            "fsync after the old manifest",
            "sync_folder(out)  # or a power cut could leave the old manifest with new shards",
            _COMMIT_ORDER,
        ),
        Row(
            "fsync before the manifest",
            "            sync_folder(out)\n            temporary_path(out / MANIFEST).replace(out / MANIFEST)\n",
            "            temporary_path(out / MANIFEST).replace(out / MANIFEST)\n",
            _COMMIT_ORDER,
        ),
        Row(
            "fsync of the manifest's name",
            "replace(out / MANIFEST)\n            sync_folder(out)\n",
            "replace(out / MANIFEST)\n",
            _COMMIT_ORDER,
        ),
        Row(
            "fsync after the journal",
            "        (out / JOURNAL).unlink()\n        sync_folder(out)\n",
            "        (out / JOURNAL).unlink()\n",
            _COMMIT_ORDER,
        ),
        Row(
            "the old manifest goes first",
            "            (out / MANIFEST).unlink(missing_ok=True)\n",
            "",
            f"{_COMMIT_ORDER} {_COMMIT_FAULTS}",
        ),
        Row(
            "the manifest comes last",
            _GIVE_NAMES + _GIVE_MANIFEST,
            _GIVE_MANIFEST + _GIVE_NAMES,
            f"{_COMMIT_ORDER} {_COMMIT_FAULTS}",
        ),
        Row(
            "the journal comes before any name",
            "            temporary_path(out / JOURNAL).replace(out / JOURNAL)\n",
            "            for name in names:\n"
            "                temporary_path(out / name).replace(out / name)\n"
            "            temporary_path(out / JOURNAL).replace(out / JOURNAL)\n",
            f"{_COMMIT_ORDER} {_COMMIT_FAULTS}",
        ),
        Row(
            "signals wait for a commit",
            "with signals_blocked():  # for",
            "if True:  # for",
            "safeguards::a_signal_waits_until_a_commit_is_done",
        ),
        Row(
            "a journal of ours",
            "if all(map(is_own_name, (*give, *delete))):",
            "if True:",
            "building_commit::a_journal_that_is_none_of_ours_moves_and_deletes_nothing",
        ),
        Row(
            "all files of a commit are there",
            "            if gone:\n",
            "            if False:\n",
            "building_commit::a_commit_a_file_of_which_is_gone_is_not_finished",
        ),
    ],
    "converter/building/sharding.py": [
        Row(
            "order by hash",
            "order = np.lexsort((draws, heads))",
            "order = np.arange(len(heads))",
            "building_sharding::order_depends_on_names_and_seed_alone",
        ),
        Row(
            "MAX_SHARDS",
            "min(num_pairs // MIN_RECORDS, MAX_SHARDS)",
            "num_pairs // MIN_RECORDS",
            "building_sharding::number_of_shards",
        ),
        never(
            "shards do not depend on their neighbours",
            "self.num_photographs >= MIN_HASHED * count",
            "building_sharding::one_pair_more_among_100_000_changes_one_shard",
        ),
        never(
            "tiles by row and column",
            "end - start > 1",
            "building_sharding::no_shard_is_empty_and_small_photographs_stay_whole",
        ),
    ],
    "converter/building/plan.py": [
        never(
            "MAX_SHARDS",
            "(number := sum(map(len, tasks.values()))) > MAX_SHARDS",
            "building_plan::more_shards_than_their_names_can_count_are_refused",
        ),
        never(
            "leaks are looked for",
            "not config.allow_leak",
            "building_build::a_photograph_in_two_splits_is_refused_unless_allowed",
        ),
    ],
    "converter/building/output.py": [
        never(
            "records of another source",
            "2 * number < min(len(stored), len(planned))",
            "building_output::the_records_of_another_source_are_replaced_only_on_request",
        ),
        Row(
            "content of images of the same names",
            'digest in ("", read.file(name).digest)',
            "True",
            "building_output::the_records_of_another_source_are_replaced_only_on_request",
        ),
        never(
            "other options are refused",
            "found and not config.overwrite",
            "building_receipts::other_options_are_refused_with_the_difference_and_change_nothing",
        ),
        never(
            "another class map is refused",
            "was != now",
            "building_receipts::another_class_map_is_refused_with_the_difference",
        ),
        Row(
            "another order of the classes is refused",
            "if not found and old.class_names != classes.names:",
            "if False:",
            "safeguards::the_same_classes_in_another_order_are_refused",
        ),
        never(
            "somebody else's folder",
            "not holds_shards(names)",
            "building_output::files_that_segconv_did_not_write_are_never_replaced",
        ),
        never(
            "a damaged manifest is replaced on request only",
            "not config.overwrite",
            "building_output::of_a_damaged_manifest_verify_and_build_give_one_remedy_that_works",
        ),
        never(
            "a folder in the place of the manifest",
            "error := store.blocked(MANIFEST)",
            "building_output::a_folder_in_place_of_the_manifest_is_moved_out_then_replaced",
        ),
        Row(
            "MAX_NAMES_BYTES",
            "if unknown <= MAX_NAMES_BYTES:",
            "if True:",
            "building_output::names_that_cost_too_much_or_are_damaged_are_not_known",
        ),
        never(
            "room on the disk",
            "config.pair.size is not None and free is not None and free < needed / 2",
            "building_receipts::a_disk_that_is_clearly_too_small_is_refused_before_anything_is_written",
        ),
    ],
    "converter/sources/mirror.py": [
        Row(
            "a file whose ETag has changed is fetched again",
            "if known.get(path) != version]",
            "if path not in known]",
            "sources_mirror::a_file_is_fetched_once_and_again_when_its_etag_or_size_has_changed",
        ),
        Row(
            "what is gone from an address is no file of the source",
            "            else:\n                path.unlink()\n",
            "",
            "sources_mirror::a_file_is_fetched_once_and_again_when_its_etag_or_size_has_changed",
        ),
        Row(
            "a copy of a source that was cut is fetched again",
            "if there.get(path) == version[1]}",
            "if path in there}",
            "sources_mirror::a_file_is_fetched_once_and_again_when_its_etag_or_size_has_changed",
        ),
    ],
    "converter/building/lease.py": [
        gone(
            "a server that ignores conditions is found out",
            "self._check_conditions()",
            "building_lease::a_server_that_lets_everybody_hold_the_lease_is_refused",
        ),
        Row(
            "a lease is created only where there is none",
            '"create" if e_tag is None',
            '"overwrite" if e_tag is None',
            "building_lease::one_at_a_time_and_the_other_is_told_who_it_is",
        ),
        Row(
            "a lease is written over the version that was read",
            'else {"e_tag": e_tag}',
            'else "overwrite"',
            "building_lease::of_two_that_take_over_at_once_one_wins",
        ),
        Row(
            "a lease that runs is left alone",
            "age > LEASE_S or is_dead(raw)",
            "True",
            "building_lease::one_at_a_time_and_the_other_is_told_who_it_is",
        ),
        Row(
            "a lost answer does not lose the lease",
            'if raw.get("token") != self._token:',
            "if True:",
            "building_lease::an_answer_that_is_lost_does_not_lose_the_lease",
        ),
        gone(
            "a lease is given back only by its holder",
            "self.check()  # never delete that of another build",
            "building_lease::a_lease_that_was_not_renewed_is_taken_over_and_its_holder_notices",
        ),
    ],
    "converter/building/object_store.py": [
        Row(
            "a builder that lost its lease does not publish",
            "_leases[self.url].check()",
            "pass",
            "building_object_store::a_builder_that_was_asleep_publishes_nothing",
        ),
        never(
            "a staged file must be the one of the journal",
            "not is_right",
            "building_object_store::a_staged_file_that_changed_after_the_journal_is_not_published",
        ),
        Row(
            "names in a journal at an address",
            "if all(map(is_own_name, (*give, *delete))):",
            "if True:",
            "building_object_store::a_journal_that_is_none_of_ours_moves_and_deletes_nothing",
        ),
    ],
    "converter/dataset/objects.py": [
        Row(
            "what a server says is not repeated",
            "raise _failure(where, str(error)) from None\n\n\ndef",
            "raise _failure(where, str(error)) from error\n\n\ndef",
            "dataset_objects::a_server_that_goes_on_failing_is_one_line_within_a_bound",
        ),
        Row(
            "a request does not keep a signal waiting",
            "ENDING_S if is_ending else None",
            "None",
            "building_object_store::a_signal_ends_a_build_whose_server_does_not_answer",
            HANG_S,
        ),
        Row(
            "ranges of one version",
            '({"if_match": e_tag} if e_tag else {})',
            "{}",
            "dataset_objects::a_large_file_is_read_in_ranges_of_one_version",
        ),
        Row(
            "a time limit of each request",
            '"timeout": timedelta(seconds=TIMEOUT_S),',
            "",
            "dataset_objects::a_server_that_goes_on_failing_is_one_line_within_a_bound",
        ),
    ],
    "converter/dataset/cache.py": [
        never(
            "a shard is held against its hash on its way into the cache",
            "size_of(file) != shard.bytes or sha256_of(file) != shard.sha256",
            "dataset_cache::a_shard_that_is_damaged_at_its_address_never_reaches_the_cache",
        ),
        Row(
            "the cache deletes only its own folders",
            " and _OURS.fullmatch(path.name)",
            "",
            "dataset_cache::the_oldest_copies_make_room_unless_they_are_in_use_and_nothing_else_is_deleted",
        ),
        Row(
            "the cache deletes nothing that is in use",
            "locked_folder(path, _FIX_FOLDER):",
            "contextlib.nullcontext():",
            "dataset_cache::the_oldest_copies_make_room_unless_they_are_in_use_and_nothing_else_is_deleted",
        ),
    ],
    "converter/system/urls.py": [
        Row(
            "no secret in an address",
            'any(sign in part for sign in "@?#")',
            "False",
            "system_urls::an_address_with_a_secret_is_refused_and_not_shown",
        ),
    ],
    "converter/building/array.py": [
        Row(
            "each task of an array writes under its own name",
            ".{secrets.token_hex(8)}",
            "",
            "building_array::two_processes_that_stage_the_same_file_do_not_meet",
        ),
        Row(
            "a build keeps out while tasks run",
            "return locked(self.folder, is_shared=True)",
            "return contextlib.nullcontext()",
            "building_array::tasks_share_their_lock_and_builds_keep_out",
        ),
    ],
    "converter/building/build.py": [
        never(
            "an array is published whole",
            "engine is None and (error := missing_error(config, plan, reusable))",
            "building_array::a_damaged_shard_is_missing",
        ),
        gone(
            "foreign files are named by a build",
            "_warn_of_unknown_files(plan.store, report.manifest)",
            "building_output::a_file_that_is_not_of_the_dataset_is_told_by_every_build_and_by_verify",
        ),
        gone(
            "a commit is finished by the next build",
            "plan.store.finish()",
            "building_commit::a_commit_that_was_begun_is_finished_before_other_options_are_compared",
        ),
        Row(
            "a bad pair ends a build",
            'if is_within and config.on_error == "skip":',
            "if is_within:",
            "cli_records::a_bad_pair_exits_1_with_its_line_and_a_summary",
        ),
        Row(
            "--max-bad",
            "is_within = len(rejects) <= max(floor, num_pairs * percent / 100)",
            "is_within = True",
            "building_receipts::too_many_bad_pairs_end_even_a_build_that_skips",
        ),
        never(
            "a build of nothing",
            "not any(result.info.records for result in results)",
            "building_build::skip_with_no_good_pair_left_builds_nothing",
        ),
    ],
    "converter/checking/page.py": [
        Row(
            "HTML of the heading is escaped",
            "<h1>{escape(name)}</h1>",
            "<h1>{name}</h1>",
            "safeguards::the_name_of_a_folder_and_that_of_a_picture_cannot_write_into_the_page",
        ),
    ],
    "converter/pages/parts.py": [
        Row(
            "HTML of a dataset is escaped",
            "return escape(shown(value, limit))",
            "return shown(value, limit)",
            "checking_page::hostile_names_cannot_write_into_the_page",
        ),
        Row(
            "HTML of the title is escaped",
            "title=escape(title)",
            "title=title",
            "safeguards::the_name_of_a_folder_and_that_of_a_picture_cannot_write_into_the_page",
        ),
        Row(
            "HTML of a caption is escaped",
            'alt="{escape(alt)}"',
            'alt="{alt}"',
            "safeguards::the_name_of_a_folder_and_that_of_a_picture_cannot_write_into_the_page",
        ),
    ],
    "trainer/evaluation/files.py": [
        never(
            "an example is an image",
            "not all(jpeg.startswith(JPEG_START) for jpeg in jpegs)",
            "trainer_evaluation_files::a_damaged_file_is_refused_and_the_command_scores_again",
        ),
        Row(
            "cells of a table of scores",
            "if cells > MAX_EVALUATION_CELLS or (",
            "if (",
            "trainer_evaluation_files::a_table_of_too_many_cells_is_refused_before_all_of_it_is_kept",
        ),
        Row(
            "counts that cannot be",
            " or (counts[:, 0] > counts[:, 1:].min(axis=1)).any()",
            "",
            "trainer_evaluation_files::a_damaged_file_is_refused_and_the_command_scores_again",
        ),
    ],
    "trainer/evaluation/counts.py": [
        Row(
            "differences are paired",
            "[iou_and_accuracy(_drawn(counts, seed)) for counts in (first, other)]",
            "[iou_and_accuracy(_drawn(counts, seed + n)) for n, counts in enumerate((first, other))]",
            "trainer_evaluation_counts::a_difference_is_taken_on_the_same_images_of_each_draw",
        ),
    ],
    "trainer/reporting/scores.py": [
        Row(
            "scores of another model",
            "return found if not model or found.model == model else None",
            "return found",
            "trainer_reporting_scores::an_evaluation_of_another_model_is_not_complete_but_there",
        ),
    ],
    "trainer/reporting/skipped.py": [
        never(
            "errors.jsonl is the one that was built",
            "hashlib.sha256(data).hexdigest() != manifest.errors_sha256",
            "trainer_reporting_skipped::another_file_is_refused",
        ),
    ],
    "trainer/reporting/compare.py": [
        Row(
            "runs of other records",
            "    _check_same(runs, infos, split, data)\n",
            "",
            "trainer_reporting_compare::other_classes_are_refused_with_the_command_that_trains_on_the_same",
        ),
        never(
            "runs scored on other images",
            "names != first_names",
            "trainer_reporting_compare::runs_scored_on_other_images_are_refused_with_commands",
        ),
    ],
    "trainer/cli/report.py": [
        Row(
            "a page replaces nothing of others",
            "    check_output_file(out, SUFFIXES)  # before minutes of scoring\n",
            "",
            "trainer_cli_report::what_cannot_be_reported_or_written_is_refused",
        ),
    ],
    "converter/verifying/source_plan.py": [
        never(
            "class map of the source",
            "found.classes != classes",
            "verifying_derive::another_class_map_in_the_source_is_reported_and_the_records_are_held_against_their_own",
        ),
    ],
    "converter/verifying/derive.py": [
        Row(
            "records against their source",
            "if encode_record(made[0]) == stored else",
            "if True else",
            "verifying_derive::a_source_that_changed_or_vanished_is_reported_record_by_record",
        ),
    ],
    "converter/verifying/repair.py": [
        Row(
            "a repair brings the same bytes",
            "and (made.records, made.bytes, made.sha256) == (shard.records, shard.bytes, shard.sha256)",
            "and True",
            "verifying_repair::a_repair_from_a_source_that_changed_is_refused_and_changes_nothing",
        ),
        Row(
            "a folder in the place of a shard",
            "if (error := store.blocked(each))}",
            "if (error := None)}",
            "verifying_repair::a_folder_in_the_place_of_a_file_is_named_and_all_else_is_repaired",
        ),
    ],
    "converter/verifying/inspect.py": [
        never(
            "a shard that has changed its size",
            "size != shard.bytes and not scan",
            "verifying_inspect::the_manifest_answers_at_once_and_a_scan_finds_what_has_the_right_size",
        ),
    ],
    "converter/verifying/scan.py": [
        Row(
            "index against shard",
            "if lines is None or found == lines:",
            "if True:",
            "verifying_verify::every_flipped_bit_of_an_index_and_many_of_the_manifest_are_found",
        ),
        Row(
            "missing index",
            '    except DataError as error:\n        return ShardError(path, error.what, "E_INDEX")\n',
            "    except DataError:\n        return None\n",
            "verifying_verify::a_file_beside_the_shards_that_is_edited_cut_or_missing_is_named",
        ),
        never("class beyond the manifest", "unknown is not None", _DAMAGE),
        never("size of a record", "mask.shape != (task.size or mask.shape) or image.shape[:2] != mask.shape", _DAMAGE),
        never(
            "number of records",
            "facts.records != task.shard.records",
            "safeguards::a_shard_with_another_number_of_records_than_its_manifest_says_is_named",
        ),
        Row(
            "hash of a shard",
            "        check_shard_file(task.store, task.shard)\n",
            "",
            "verifying_verify::records_whose_checksums_hold_are_named_by_the_index "
            "verifying_verify::swapped_shards_are_recognised",
        ),
        Row(
            "a fatal record is named",
            "if task.fatal and task.fatal[0] == number:",
            "if False:",
            "verifying_verify::a_record_that_ends_the_process_that_decodes_it_is_named",
            HANG_S,
        ),
    ],
    "converter/verifying/verify.py": [
        Row(
            "a repair holds the lock",
            'with store.lock() if config.repair and store.exists("") else contextlib.nullcontext():',
            "if True:",
            "verifying_repair::a_repair_keeps_out_of_a_folder_that_a_build_works_in_or_has_left_half_exchanged",
        ),
        never(
            "a repair keeps out of half an exchange",
            "config.repair and store.is_publishing()",
            "verifying_repair::a_repair_keeps_out_of_a_folder_that_a_build_works_in_or_has_left_half_exchanged",
        ),
        never(
            "a dataset that was exchanged meanwhile",
            "report.problems and text is not None and not _holds(store, text)",
            "verifying_verify::a_dataset_that_is_exchanged_while_it_is_read_is_not_called_damaged",
        ),
        Row(
            "foreign files",
            "for name in unknown_files(store, manifest):",
            "for name in ():",
            "verifying_verify::files_that_are_not_the_datasets_are_named_and_hidden_ones_of_ours_are_a_note",
        ),
        never(
            "counts",
            "expected != found",
            "verifying_verify::a_manifest_that_was_sealed_again_is_held_against_its_shards",
        ),
        Row(
            "TFDS files",
            "return None if found == right else",
            "return None if True else",
            "verifying_verify::a_file_beside_the_shards_that_is_edited_cut_or_missing_is_named",
        ),
        never(
            "errors.jsonl",
            "digest != manifest.errors_sha256",
            "verifying_verify::a_file_beside_the_shards_that_is_edited_cut_or_missing_is_named",
        ),
        never(
            "bytes of the manifest",
            "text != text_of(json.loads(text))",
            "verifying_verify::an_edited_manifest_is_named",
        ),
    ],
    "converter/cli/defaults.py": [
        Row(
            "MAX_DEFAULTS_BYTES",
            "read_regular(path, MAX_DEFAULTS_BYTES)",
            "read_regular(path, 1 << 62)",
            "cli_defaults::a_file_that_is_too_large_or_no_file_is_refused",
        ),
        never(
            "an option that is not there",
            "option is None",
            "cli_defaults::what_does_not_fit_is_refused_with_file_key_and_fix",
        ),
        never(
            "a value of another kind",
            "isinstance(value, list) != is_list or not all(_fits(wanted, each) for each in values)",
            "cli_defaults::what_does_not_fit_is_refused_with_file_key_and_fix",
        ),
    ],
    "converter/cli/__init__.py": [
        gone("UTF-8 whatever the locale", "    _use_utf8()\n", "cli::names_are_utf8_whatever_the_locale"),
        gone(
            "a full disk below the results",
            "check_output()",
            "machines::a_result_that_a_full_disk_does_not_take_is_a_machine_failure",
        ),
        never(
            "the working folder was deleted",
            "error.exit_code != DataError.exit_code and _is_in_deleted_folder(error.where)",
            "machines::a_command_that_needs_the_deleted_folder_says_so_in_one_line",
        ),
        gone(
            "signals end a build in order",
            "signal.signal(number, _interrupt)",
            "cli::a_signal_ends_the_build_with_its_code_and_leaves_nothing_half_done",
        ),
    ],
    "trainer/input/batches.py": [
        gone(
            "the order's own seed",
            "tf.random.set_seed(1 + (seed + share.part.number) % (2**31 - 2))",
            "trainer_input_batches::the_order_follows_from_seed_and_epoch_alone_so_that_a_later_start_gives_the_tail[pairs]",
        ),
        Row(
            "two seeds of 0",
            "1 + (seed + share.part.number) % (2**31 - 2)",
            "seed",
            "trainer_input_batches::the_order_follows_from_seed_and_epoch_alone_so_that_a_later_start_gives_the_tail[pairs]",
        ),
        Row(
            "batches of static size",
            "batch(batch, drop_remainder=True)",
            "batch(batch)",
            "trainer_input_batches::batches_are_full_uint8_of_static_size_and_exactly_as_many_as_promised",
        ),
        Row(
            "masks of the padding",
            "np.full(size, IGNORE_INDEX, np.uint8)",
            "np.zeros(size, np.uint8)",
            "trainer_input_batches::evaluation_sees_bit_for_bit_the_pixels_that_pillow_reads_in_order_and_then_blanks",
        ),
        Row(
            "records of one worker in training",
            "    pairs = pairs.shard(share.num_workers, share.worker)\n",
            "",
            "trainer_input_batches::workers_read_parts_of_every_batch_that_do_not_overlap",
        ),
        Row(
            "records of one worker in validation",
            "pairs = pairs.shard(share.num_workers, share.worker)",
            "pass",
            "trainer_input_batches::workers_read_parts_of_every_batch_that_do_not_overlap",
        ),
    ],
    "trainer/input/failures.py": [
        gone(
            "the error of a shard that cannot be read or fetched",
            "raise _failures[0] from error",
            "trainer_input_failures::the_error_of_a_function_replaces_that_of_tensorflow_and_is_forgotten_later",
        ),
    ],
    "trainer/input/decoding.py": [
        Row(
            "Pillow's own transform",
            ', dct_method="INTEGER_ACCURATE"',
            "",
            "trainer_input_batches::evaluation_sees_bit_for_bit_the_pixels_that_pillow_reads_in_order_and_then_blanks",
        ),
    ],
    "trainer/input/records.py": [
        gone(
            "hash before training",
            "check_shard_file(folder, shard, everything)",
            "trainer_input_records::one_flipped_bit_is_found_before_tensorflow_reads "
            "safeguards::training_refuses_a_damaged_shard_before_tensorflow_could_read_it",
        ),
    ],
    "trainer/learning/augment.py": [
        Row(
            "what turns rows is sampled pixel by pixel",
            "sample = warp if _turns(strengths) else warp_separable",
            "sample = warp_separable",
            "trainer_learning_augment::quarter_turns_move_pixels_and_blend_none[6-1]",
        ),
        Row(
            "shear turns rows",
            "strengths.rotation or strengths.shear or strengths.quarter_turns",
            "strengths.rotation or strengths.quarter_turns",
            "trainer_learning_augment::rows_stay_rows_unless_something_turns_them[shear]",
        ),
        Row(
            "table of quarter turns",
            "sin = 1 - ops.abs(quarter - 1)",
            "sin = 1 - ops.abs(quarter - 2)",
            "trainer_learning_augment::quarter_turns_move_pixels_and_blend_none[6-1]",
        ),
        Row(
            "nothing large is pasted",
            "is_rare = ops.mean(pasted, axis=(1, 2)) < LARGEST_PASTED",
            "is_rare = ops.mean(pasted, axis=(1, 2)) < 1",
            "trainer_learning_augment::what_is_pasted_is_a_rare_class_of_another_record_pixel_by_pixel",
        ),
        Row(
            "coordinates that XLA cannot round otherwise",
            "return keras.ops.round(number * steps) / steps",
            "return number",
            "trainer_learning_augment::eager_graph_and_xla_find_the_same_pixels",
        ),
    ],
    "trainer/learning/warp.py": [
        Row(
            "nearest in the mask, rows and columns",
            "indices = _take(indices, before + _step_to_nearest(share), axis)",
            "indices = _take(indices, before, axis)",
            "trainer_learning_warp::rows_before_columns_is_the_same_warp "
            "trainer_learning_augment::image_and_mask_have_the_same_geometry_to_the_pixel[zoom]",
        ),
        Row(
            "nearest in the mask",
            'ops.cast(gather(indices, nearest), "uint8")',
            'ops.cast(_blend(*(gather(indices, place + step) for step in (0, 1)), right[..., 0]), "uint8")',
            "trainer_learning_augment::no_class_appears_and_the_image_stays_an_image[rotation]",
        ),
        Row(
            "ignored outside of the source",
            "constant_values=float(IGNORE_INDEX)",
            "constant_values=0.0",
            "trainer_learning_augment::half_the_size_leaves_void_around",
        ),
        Row(
            "the border of fill",
            "0.0, length + 1.0)",
            "1.0, length)",
            "trainer_learning_augment::half_the_size_leaves_void_around",
        ),
    ],
    "trainer/learning/windows.py": [
        Row(
            "centre of a quarter turn",
            "(room - 2 * ops.floor(room / 2)) / 2, 0.0)",
            "0.0, 0.0)",
            "trainer_learning_augment::quarter_turns_of_oblong_images_move_pixels_too",
        ),
        Row(
            "whole pixels of what is not scaled",
            "ops.where(is_whole, ops.minimum(ops.floor(drawn * (last + 1)), last), drawn * last)",
            "drawn * last",
            "trainer_learning_windows::a_window_is_a_slice_at_a_random_place_every_place_alike",
        ),
        Row(
            "no window around ignored pixels",
            "ops.zeros_like(classes[:, IGNORE_INDEX:]) - 1",
            "classes[:, IGNORE_INDEX:]",
            "trainer_learning_windows::windows_around_classes_hold_every_class_of_a_record_alike",
        ),
    ],
    "trainer/learning/blending.py": [
        Row(
            "weights of windows add up to one",
            "distance / total[start : start + window]",
            "distance / distance.sum()",
            "trainer_learning_blending::windows_cover_every_pixel_and_their_weights_add_up_to_one[47-16]",
        ),
    ],
    "trainer/timing.py": [
        Row(
            "time for the end of a run",
            "* SHARE -",
            "-",
            "trainer_timing::a_time_becomes_as_many_epochs_as_fit_in_nine_tenths_of_it",
        ),
        gone(
            "time for images and files",
            " + FILES",
            "trainer_timing::images_and_files_count_where_an_epoch_is_short_and_a_time_that_is_too_short_says_why",
        ),
    ],
    "trainer/backend.py": [
        Row(
            "the number of Adam's step",
            "optimizer.iterations + 1",
            "optimizer.iterations",
            "trainer_learning_optimizers::adam_takes_the_steps_of_keras",
        ),
        gone(
            "no thread tunes a dataset",
            "options.autotune.enabled = False",
            "trainer_input_batches::no_thread_of_tensorflow_tunes_the_batches_so_that_none_holds_up_the_end_of_a_run",
        ),
        Row(
            "layers of threads that take turns",
            "if num_replicas() > 1:\n        yield",
            "if False:\n        yield",
            "trainer_devices::threads_that_take_turns_in_a_step_leave_batch_normalization_as_it_was",
        ),
        gone(
            "variance of the batch",
            "variance *= (count - 1) / count",
            "trainer_learning_batch_norm::a_batch_by_hand",
        ),
        Row(
            "draws of each device",
            "return seed + keras.ops.stack([replica * REPLICA_STRIDE, keras.ops.zeros_like(replica)])",
            "return seed",
            "trainer_devices::each_device_and_each_step_draws_its_own_augmentation",
        ),
        gone(
            "batch normalization of the whole batch",
            "layer.synchronized = True",
            "trainer_devices::batch_normalization_of_two_devices_knows_the_whole_batch",
        ),
    ],
    "converter/unpacking/annotated.py": [
        Row(
            "ignored pixels are polygons of their own",
            "has_ignored=True",
            "has_ignored=False",
            "unpacking_annotated::masks_of_the_polygons_are_those_of_the_records",
        ),
    ],
    "converter/unpacking/paths.py": [
        gone(
            "a path out of the folder",
            "check_relative(name)",
            "unpacking_paths::a_name_that_leads_out_or_into_no_list_is_refused",
        ),
        gone(
            "a path that two records have",
            "self._taken.add(self._key(path))",
            "unpacking_unpack::images_of_one_name_get_a_number",
        ),
        Row(
            "labels of two photographs of one stem, in YOLO",
            "posixpath.splitext(path)[0] if self._by_stem else path",
            "path",
            "unpacking_paths::files_that_differ_in_their_extension_alone_are_kept_apart_where_stems_count",
        ),
    ],
    "converter/unpacking/unpack.py": [
        never(
            "a folder that holds something",
            "os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir()))",
            "unpacking_unpack::a_folder_that_holds_something_is_refused_and_an_empty_one_is_used",
        ),
    ],
    "trainer/prediction/outputs.py": [
        never(
            "a picture that was changed",
            'not all(_sha256(self.out / path) == known.files.get(path, "") for path in paths)',
            "trainer_prediction_predict::what_is_done_and_unchanged_is_not_done_again",
        ),
        never(
            "a photograph that was changed",
            "digest != known.digest",
            "trainer_prediction_predict::what_is_done_and_unchanged_is_not_done_again",
        ),
        never(
            "the seal of a receipt",
            'hashlib.sha256(text).hexdigest().encode("ascii") != seal',
            "trainer_prediction_outputs::a_receipt_is_read_as_it_was_written_and_a_damaged_one_is_none",
        ),
        never(
            "a folder of something else",
            "not isinstance(before, dict) or before.get(KIND) != facts[KIND]",
            "trainer_prediction_outputs::a_folder_that_holds_something_else_is_refused_and_left_alone",
        ),
        never(
            "predictions of another model",
            "differing and not overwrite",
            "trainer_prediction_predict::predictions_of_another_model_are_not_mixed",
        ),
    ],
    "trainer/prediction/stored.py": [
        Row(
            "an unfinished class map of another photograph or model",
            'note["facts"] == self._facts and sizes == expected',
            "sizes == expected",
            "trainer_prediction_stored::that_of_another_photograph_or_model_begins_anew",
        ),
        Row(
            "an unfinished class map that was cut off",
            'note["facts"] == self._facts and sizes == expected',
            'note["facts"] == self._facts',
            "trainer_prediction_stored::a_file_that_was_cut_off_begins_anew",
        ),
        gone(
            "the space on the disk, before hours of work",
            "os.posix_fallocate(file, 0, size[0] * size[1] * self._bytes[name])",
            "trainer_prediction_stored::a_disk_without_space_for_it_is_said_at_once",
        ),
    ],
    "trainer/prediction/predict.py": [
        never(
            "opencv, before anything is predicted",
            "POLYGONS in config.save",
            "trainer_prediction_polygons::a_missing_opencv_is_said_before_anything_is_predicted",
        ),
        never(
            "an invalid photograph",
            'self.config.on_error == "fail"',
            "trainer_prediction_predict::a_photograph_that_build_refuses_is_refused_by_name_or_skipped",
        ),
    ],
    "trainer/run/callbacks.py": [
        Row(
            "a plateau after the warm-up",
            "if epoch >= self.warmup:",
            "if True:",
            "trainer_run_callbacks::a_plateau_is_counted_after_the_warm_up",
        ),
        Row(
            "best only where better",
            'logs["val_miou"] > self.best.miou:',
            'logs["val_miou"] >= self.best.miou:',
            "trainer_run_callbacks::best_is_kept_and_worse_is_not",
        ),
        gone(
            "loss of a whole epoch is looked at",
            'self._check(self.model.get_metrics_result()["loss"])',
            "trainer_run_callbacks::two_devices_count_their_steps_once",
        ),
        never(
            "validation loss is looked at",
            'not math.isfinite(logs["val_loss"])',
            "trainer_run_callbacks::a_validation_loss_that_is_no_number_ends_training",
        ),
        gone(
            "callbacks get back what they remembered",
            "setattr(self.others[name], attribute, value)",
            "trainer_run_callbacks::what_a_callback_remembers_outlives_an_interruption",
        ),
    ],
    "trainer/learning/class_weights.py": [
        Row(
            "weight of an absent class",
            "np.zeros(len(pixels), np.float32)",
            "np.ones(len(pixels), np.float32)",
            "trainer_learning_class_weights::weights_are_those_worked_out_by_hand",
        ),
    ],
    "trainer/devices.py": [
        Row(
            "out of memory is no full disk",
            "return OUT_OF_MEMORY.search(str(error)) is not None",
            "return isinstance(error, tf.errors.ResourceExhaustedError)",
            "trainer_devices::out_of_memory_is_told_from_a_full_disk",
        ),
        Row(
            "the chief comes first",
            'index + (len(cluster["chief"]) if job == "worker" else 0)',
            "index",
            "trainer_devices::the_chief_comes_before_the_workers",
        ),
        Row(
            "a place among the workers",
            "cluster[job][index]  #",
            "pass  #",
            "trainer_devices::a_wrong_tf_config_is_refused_with_an_example",
        ),
        Row(
            "precision of the weakest GPU",
            "if min(capabilities) >= (8, 0)",
            "if max(capabilities) >= (8, 0)",
            "trainer_devices::precision_is_what_the_weakest_gpu_is_fast_at",
        ),
    ],
    "trainer/evaluation/records.py": [
        never(
            "a model that sees one class",
            "scores.only_class is not None",
            "trainer_evaluation_records::a_model_that_sees_one_class_everywhere_is_warned_of",
        ),
    ],
    "trainer/learning/footprint.py": [
        Row(
            "memory of what is inside a layer",
            'if not getattr(layer, "_layers", None):',
            "if True:",
            "trainer_learning_footprint::what_is_inside_a_subclassed_layer_or_model_is_counted",
        ),
    ],
    "trainer/learning/losses.py": [
        Row(
            "all hard pixels of ohem",
            "keras.ops.minimum(low, HARD_LOSS)",
            "low",
            "trainer_learning_losses::ohem_takes_every_pixel_below_a_probability_of_70_percent_and_at_least_a_quarter",
        ),
        Row(
            "ignored pixels are replaced",
            'keras.ops.where(valid[..., None] > 0, keras.ops.cast(logits, "float32"), 0.0)',
            'keras.ops.cast(logits, "float32") * valid[..., None]',
            "trainer_learning_losses::ignored_pixels_have_no_gradient_whatever_the_model_says_of_them[crossentropy]",
        ),
        Row(
            "numbers that are no class",
            "valid = keras.ops.logical_and(index >= 0, index <= num_classes - 1)",
            "valid = index >= 0",
            "trainer_learning_losses::numbers_that_are_no_class_are_in_no_one_hot_row",
        ),
        Row(
            "mean over valid pixels",
            "keras.ops.sum(weights)",
            "keras.ops.sum(keras.ops.ones_like(weights))",
            "trainer_learning_losses::a_loss_is_its_definition_over_valid_pixels[crossentropy]",
        ),
        Row(
            "no pixel at all",
            "keras.ops.where(whole > 0, whole, 1.0)",
            "whole",
            "trainer_learning_losses::a_batch_without_a_valid_pixel_costs_nothing[crossentropy]",
        ),
        Row(
            "ignored pixels are no error of Lovasz",
            "    errors = errors * keras.ops.reshape(valid, (1, -1))\n",
            "",
            "trainer_learning_losses::a_loss_is_its_definition_over_valid_pixels[lovasz]",
        ),
        Row(
            "valid pixels of all devices",
            "sum_over_replicas(keras.ops.sum(weights))",
            "keras.ops.sum(weights)",
            "trainer_learning_losses::two_devices_with_unequal_shares_of_ignored_pixels_have_the_loss_and_gradient_of_one",
        ),
        Row(
            "number of devices in a mean",
            " * num_replicas() /",
            " /",
            "trainer_learning_losses::two_devices_with_unequal_shares_of_ignored_pixels_have_the_loss_and_gradient_of_one",
        ),
        Row(
            "dice of all devices",
            "both = sum_over_replicas(keras.ops.sum(probabilities * truth, axis=pixels))",
            "both = keras.ops.sum(probabilities * truth, axis=pixels)",
            "trainer_learning_losses::two_devices_with_unequal_shares_of_ignored_pixels_have_the_loss_and_gradient_of_one",
        ),
    ],
    "trainer/learning/metrics.py": [
        Row(
            "carry of a cell",
            "        self.high.assign_add(low // CARRY)\n        self.low.assign(low % CARRY)\n",
            "        self.low.assign(low)\n",
            "trainer_learning_metrics::a_cell_carries_over_and_loses_no_pixel",
        ),
        Row(
            "an absent class has no score",
            "np.full(np.shape(whole), np.nan)",
            "np.zeros(np.shape(whole))",
            "trainer_learning_metrics::a_class_that_is_nowhere_has_no_score_and_does_not_count_in_the_mean",
        ),
        Row(
            "cells beyond 255",
            "truth[valid].astype(np.int64) * num_classes",
            "truth[valid] * num_classes",
            "trainer_learning_metrics::255_classes_are_counted_without_overflow",
        ),
    ],
    "trainer/models/load.py": [
        Row(
            "no code inside a model",
            "compile=False, safe_mode=True",
            "compile=False, safe_mode=False",
            "trainer_models_load::a_model_with_code_inside_is_refused",
        ),
    ],
    "trainer/models/blocks.py": [
        Row(
            "float32 logits",
            'return keras.layers.Activation("linear", dtype="float32", name=f"{name}_float32")(x)',
            "return x",
            "trainer_models_build::logits_are_float32_of_the_size_of_the_image_in_mixed_precision[unet]",
        ),
    ],
    "trainer/learning/upsampling.py": [
        Row(
            "upsampling of other kinds",
            'if self.interpolation != "bilinear" or self.data_format != "channels_last":',
            "if False:",
            "trainer_learning_upsampling::layers_that_repeat_pixels_are_left_alone",
        ),
    ],
    "trainer/learning/batch_norm.py": [
        Row(
            "frozen layers in a step of training",
            "uses_batch is not in_training or ",
            "",
            "trainer_learning_batch_norm::a_frozen_layer_of_a_training_step_is_left_to_keras",
        ),
        Row(
            "least epsilon of the kernel",
            "layer.epsilon >= MIN_EPSILON",
            "True",
            "trainer_learning_batch_norm::what_the_kernel_cannot_do_is_left_to_keras",
        ),
        Row(
            "statistics of all devices",
            " and not layer.synchronized",
            "",
            "trainer_learning_batch_norm::what_the_kernel_cannot_do_is_left_to_keras",
        ),
        Row(
            "moving statistics follow the batch",
            "    if uses_batch:\n        for average",
            "    if False:\n        for average",
            "trainer_learning_batch_norm::a_batch_by_hand",
        ),
    ],
    "trainer/learning/averaging.py": [
        Row(
            "decay of the average at the start",
            "keras.ops.minimum(decay, (1.0 + step) / (10.0 + step))",
            "decay + 0.0 * step",
            "trainer_learning_averaging::the_decay_rises_to_the_one_asked_for",
        ),
        Row(
            "statistics of the averaged weights",
            "_follow(average, statistic, decay)",
            "pass",
            "trainer_learning_averaging::statistics_are_averaged_with_the_decay_of_their_step",
        ),
    ],
    "trainer/models/state_dict.py": [
        never(
            "hash of published weights",
            "found != sha256",
            "trainer_models_state_dict::a_file_with_another_hash_is_refused_before_it_is_unpickled",
        ),
        Row(
            "names in published weights",
            'raise pickle.UnpicklingError(f"it names {module}.{name}")',
            "return super().find_class(module, name)",
            "trainer_models_state_dict::a_name_that_no_state_dict_needs_is_refused_and_not_called",
        ),
        Row(
            "numbers of published weights",
            "max(last + 1, math.prod(shape)) > len(numbers)",
            "False",
            "trainer_models_state_dict::a_tensor_beyond_its_numbers_is_refused",
        ),
        never(
            "storages of published weights",
            "sorted(tensor.storage.key for tensor in tensors.values()) != sorted(keys)",
            "trainer_models_state_dict::a_file_that_is_none_is_refused",
        ),
        never(
            "end of published weights",
            "file.tell() != size",
            "trainer_models_state_dict::a_file_that_is_none_is_refused",
        ),
    ],
    "trainer/models/efficientnet_lite.py": [
        never(
            "published weights left over",
            "others",
            "trainer_models_efficientnet_lite::a_tensor_too_few_too_many_or_of_another_shape_is_refused",
        ),
    ],
    "trainer/models/frozen.py": [
        Row(
            "statistics of a frozen encoder",
            "self.model(x, training=False)",
            "self.model(x)",
            "trainer_models_frozen::only_the_encoder_behaves_as_in_validation",
        ),
    ],
    "trainer/learning/optimizers.py": [
        Row(
            "Adam by one kernel",
            "if issubclass(kind, keras.optimizers.Adam)",
            "if False",
            "trainer_learning_optimizers::adam_is_one_operation_for_each_weight_even_of_an_embedding",
        ),
        Row(
            "a frozen encoder",
            "(0.0 if self.is_frozen else self.encoder_rate, True)",
            "(self.encoder_rate, True)",
            "trainer_learning_optimizers::a_frozen_encoder_does_not_change_by_a_bit_and_goes_on_with_an_ordinary_step",
        ),
        Row(
            "decay of a slow encoder",
            "self.whole_decay * share",
            "self.whole_decay",
            "trainer_learning_optimizers::decay_of_the_encoder_is_its_share_as_well",
        ),
        Row(
            "clipping of the whole gradient",
            "whole = sum_over_replicas([grad for grad in grads if grad is not None])",
            "whole = [grad for grad in grads if grad is not None]",
            "trainer_learning_optimizers::two_devices_take_the_step_of_one_and_skip_it_together",
        ),
        Row(
            "a step is skipped on all devices",
            "return sum_over_replicas(finite) >= num_replicas()",
            "return finite > 0",
            "trainer_learning_optimizers::two_devices_take_the_step_of_one_and_skip_it_together",
        ),
        gone(
            "what does not decay",
            "optimizer.exclude_from_weight_decay(var_names=[NOT_DECAYED])",
            "trainer_learning_optimizers::weight_decay_shrinks_kernels_alone_whatever_the_layers_are_called",
        ),
        Row(
            "the fall begins after the warm-up",
            "self.schedule(keras.ops.maximum(step - self.steps, 0.0))",
            "self.schedule(step)",
            "trainer_learning_optimizers::warm_up_rises_in_a_straight_line_from_0_and_the_fall_begins_at_its_end",
        ),
        Row(
            "weights come back from the average",
            "    try:\n        yield\n    finally:\n        for weight, value",
            "    yield\n    if True:\n        for weight, value",
            "trainer_learning_optimizers::weights_come_back_after_a_failure_too",
        ),
        Row(
            "weights come back to the bit",
            "            weight.assign(value)\n",
            "            weight.assign_add(value - weight)\n",
            "trainer_learning_optimizers::weights_come_back_to_the_bit_however_far_off_the_average_is",
        ),
    ],
    "trainer/run/runs.py": [
        Row(
            "rows of an epoch that is run again",
            "lines[: epochs + 1]",
            "lines",
            "trainer_run_runs::rows_of_epochs_that_are_run_again_are_cut_off",
        ),
        gone(
            "one process at a time in a run",
            'stack.enter_context(locked_folder(run, "Make sure that no other process trains it."))',
            "trainer_training::a_run_is_trained_by_one_process_at_a_time",
        ),
        never(
            "what is no file of a run",
            "path.exists() and not path.is_file()",
            "trainer_run_runs::what_is_no_file_in_place_of_one_of_a_run_is_refused_by_its_name",
        ),
        Row(
            "metrics are appended to a file alone",
            "io.TextIOWrapper(open_append(path), ",
            'path.open("a", ',
            "trainer_run_runs::nothing_waits_for_what_is_no_file",
            HANG_S,
        ),
        Row(
            "a log is appended to a file alone",
            "file = open_append(Path(self.baseFilename))",
            'file = Path(self.baseFilename).open("ab")',
            "trainer_run_runs::nothing_waits_for_what_is_no_file",
            HANG_S,
        ),
        Row(
            "a newer run is not passed over",
            "os.path.lexists(runs / m[0] / needs)",
            "(runs / m[0] / needs).is_file()",
            "trainer_run_runs::the_newest_run_is_not_passed_over_for_what_is_in_place_of_its_file",
        ),
    ],
    "trainer/exporting/comparing.py": [
        never(
            "agreement of an export",
            "comparison.most > 1 - AGREEMENT[quantize]",
            "trainer_exporting_export::an_export_that_gives_other_classes_is_not_kept",
        ),
        never(
            "type and shape of class maps",
            "got.dtype != np.uint8 or got.shape != expected.shape",
            "trainer_exporting_comparing::other_outputs_are_refused",
        ),
    ],
    "trainer/exporting/export.py": [
        Row(
            "an export that cannot be run",
            "run = attempted(resolve_name(row.load), temporary)",
            "run = resolve_name(row.load)(temporary)",
            "trainer_exporting_export::an_invalid_file_of_a_converter_is_not_kept",
        ),
        never(
            "records for int8",
            "training is None",
            "trainer_exporting_export::without_its_records_int8_cannot_be_calibrated",
        ),
    ],
    "trainer/exporting/serving.py": [
        Row(
            "argmax that runtimes know",
            "keras.ops.cast(largest(logits), ",
            "keras.ops.cast(keras.ops.argmax(logits, axis=-1), ",
            "trainer_exporting_litert",
        ),
        Row(
            "float32 whatever the training was",
            "if plain == config:",
            "if True:",
            "trainer_exporting_serving::a_model_of_mixed_precision_computes_in_float32",
        ),
    ],
    "trainer/exporting/sizes.py": [
        Row(
            "a model of another size",
            "or not np.allclose(found, expected, rtol=1e-3, atol=1e-3)",
            "",
            "trainer_exporting_sizes::a_model_whose_layers_know_their_size_is_refused",
        ),
    ],
    "trainer/exporting/facts.py": [
        gone(
            "no paths of the machine",
            'raw["config"][key] = Path(raw["config"][key]).name',
            "trainer_exporting_facts::the_description_reads_as_the_run_without_its_paths",
        ),
    ],
    "trainer/exporting/staging.py": [
        never(
            "folders of others",
            "final.is_symlink() or not facts.is_file() or MARK.encode() not in facts.read_bytes()",
            "trainer_exporting_staging::something_else_is_never_replaced",
        ),
        Row(
            "a folder is complete or not there",
            "yield temporary\n        for path in temporary.rglob",
            "temporary = final\n        yield temporary\n        for path in temporary.rglob",
            "trainer_exporting_staging::a_block_that_fails_leaves_what_was_there",
        ),
    ],
    "trainer/exporting/card.py": [
        never(
            "cards of others",
            "before is not None and MARK not in before",
            "trainer_exporting_card::a_card_of_somebody_else_is_left_alone",
        ),
        Row(
            "scores of an older model",
            'if raw.get("model") == model:',
            "if True:",
            "trainer_exporting_card::saved_scores_are_those_of_this_model",
        ),
    ],
    "trainer/prediction/on_onnx.py": [
        never(
            "models of others",
            'text is None or not {LOGITS, CLASS_MAP} <= names or inputs != [(INPUT, "tensor(uint8)", 4)]',
            "trainer_prediction_on_onnx::a_model_of_others_is_refused",
        ),
        never(
            "size and classes of a model",
            "not fitting or logits.shape[-1] != len(info.classes)",
            "trainer_prediction_on_onnx::a_model_of_others_is_refused",
        ),
        never(
            "a model that is a pipe",
            "not path.is_file()",
            "trainer_prediction_on_onnx::what_is_no_model_is_one_line",
            HANG_S,
        ),
    ],
    "trainer/run/info.py": [
        Row(
            "MAX_RUN_CONFIG_BYTES",
            "read_regular(path, MAX_RUN_CONFIG_BYTES)",
            "path.read_bytes()",
            "trainer_run_runs::nothing_waits_for_what_is_no_file",
            HANG_S,
        ),
        never(
            "MAX_SIDE of a run",
            "not 0 < min(height, width) <= max(height, width) <= most",
            "trainer_run_info::a_description_that_cannot_be_is_the_files_fault",
        ),
        never(
            "MAX_CLASSES of a run",
            "not 0 < len(classes) <= MAX_CLASSES or [row.id for row in class_map] not in ([], [*range(len(classes))])",
            "trainer_run_info::a_description_that_cannot_be_is_the_files_fault",
        ),
    ],
    "trainer/training.py": [
        Row(
            "state behind all others",
            "callbacks.append(state)",
            "callbacks.insert(0, state)",
            "trainer_training::the_state_is_kept_when_all_others_have_had_their_say",
        ),
        Row(
            "schedule of another batch",
            'if facts["batch"] != config.batch:',
            "if False:",
            "trainer_training::a_schedule_goes_on_where_it_was_when_the_batch_became_smaller",
        ),
        gone(
            "best model of a run that goes on",
            "load_model(run / BEST, setup.config.model)  # checked now, not after the last epoch",
            "trainer_training::a_run_that_lost_its_best_model_is_refused_before_an_epoch_is_spent_on_it",
        ),
    ],
    "trainer/setup.py": [
        Row(
            "workers start alike",
            "devices.num_workers == 1 and find_published(encoder)",
            "find_published(encoder)",
            "trainer_setup::weights_are_those_of_imagenet_where_they_are_at_hand",
        ),
        gone(
            "seed of the weights",
            "keras.utils.set_random_seed(config.seed)",
            "trainer_setup::the_same_seed_makes_the_same_weights_and_another_batch_does_not_change_them",
        ),
    ],
    "trainer/run/state.py": [
        Row(
            "a state is a file",
            "with open_regular(path) as file, np.load(file, allow_pickle=False) as state:\n            facts",
            'with path.open("rb") as file, np.load(file, allow_pickle=False) as state:\n            facts',
            "trainer_run_state::what_is_no_file_in_place_of_a_state_is_refused_at_once",
            HANG_S,
        ),
        Row(
            "seeds in the state",
            "*trainer.variables, *",
            "*trainer.weights, *",
            "trainer_run_state::a_loaded_state_goes_on_like_the_one_that_was_saved",
        ),
        Row(
            "optimizer in the state",
            ", *trainer.optimizer.variables]",
            "]",
            "trainer_run_state::a_loaded_state_goes_on_like_the_one_that_was_saved",
        ),
        never(
            "state of another model",
            "[array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]",
            "trainer_run_state::the_state_of_another_model_is_refused",
        ),
    ],
    "trainer/learning/step.py": [
        Row(
            "share of the loss of one device",
            "return loss / num_replicas()",
            "return loss",
            "trainer_devices::loss_and_gradient_of_two_devices_are_those_of_one",
        ),
        Row(
            "validation is not augmented",
            "if training and self.augment is not None:",
            "if self.augment is not None:",
            "trainer_learning_step::training_is_augmented_and_validation_is_not",
        ),
        Row(
            "weight of the auxiliary head",
            "loss += self.options.aux_loss * self.loss_of(",
            "loss += self.loss_of(",
            "trainer_learning_step::the_loss_of_an_auxiliary_head_is_added_with_its_weight_and_scores_are_those_of_the_model",
        ),
        Row(
            "a bad loss is counted in its step",
            "finite = keras.ops.cast(keras.ops.isfinite(loss), ",
            "finite = keras.ops.cast(True, ",
            "trainer_learning_step::a_loss_that_is_not_finite_counts_where_all_logits_are_finite",
        ),
    ],
    "trainer/models/auxiliary.py": [
        Row(
            "coarse logits of padding alone",
            "return mask, logits[:, : mask.shape[1], : mask.shape[2]]",
            "return mask, logits",
            "trainer_models_auxiliary::coarse_logits_are_held_against_the_pixels_in_the_middle_of_theirs",
        ),
    ],
    "converter/annotations/texts.py": [
        gone(
            "XML with a document type is refused",
            "parser.StartDoctypeDeclHandler = _refuse_doctype",
            "annotations_texts::a_document_type_is_refused_before_anything_is_read",
        ),
        never(
            "annotations are bounded before they are read",
            "info.st_size > most",
            "annotations_texts::a_file_is_read_to_the_end_that_it_had_and_any_part_again",
        ),
        Row(
            "a file that grows is read to the end that it had",
            "min(most, self._left)",
            "most",
            "annotations_texts::a_file_is_read_to_the_end_that_it_had_and_any_part_again",
        ),
        Row(
            "JSON that is too deep is refused",
            "except (ValueError, RecursionError) as error:\n        raise json_error(where",
            "except ValueError as error:\n        raise json_error(where",
            "annotations_texts::json_that_is_too_deep_is_refused_in_one_line",
        ),
    ],
    "converter/annotations/json_items.py": [
        Row(
            "nothing follows the end of JSON",
            "    if window.sign():",
            "    if False:",
            "annotations_json_items::what_json_loads_refuses_is_refused",
        ),
        Row(
            "a number at the end of a part may go on",
            "end + len(_CUT_OFF) < len(self._text)",
            "end < len(self._text)",
            "annotations_json_items::items_are_what_json_loads_reads_and_each_is_found_again_where_it_says",
        ),
        Row(
            "one item is bounded",
            "if len(rest) > MAX_ITEM_BYTES:",
            "if len(rest) > 64 * MAX_ITEM_BYTES:",
            "annotations_json_items::an_item_without_an_end_is_read_no_further_than_the_limit",
        ),
    ],
    "converter/annotations/coco.py": [
        never(
            "runs have the size of their image",
            "stated != [0, 0] and stated != [*size]",
            "annotations_coco::an_invalid_annotation_is_named_by_its_id",
        ),
    ],
    "converter/annotations/values.py": [
        never(
            "coordinates are finite and bounded",
            "not (np.abs(array) <= MAX_COORDINATE).all()",
            "annotations_labelme::an_invalid_shape_is_named_and_the_others_are_read",
        ),
        never("a polygon has enough points", "len(array) < least", "annotations_values annotations_coco"),
        never("numbers are finite and bounded", "not abs(value) <= MAX_COORDINATE", "annotations_values"),
        never(
            "runs fill their area",
            "(total := int(numbers.sum())) != most",
            "annotations_values::runs_fill_their_area_with_whole_numbers",
        ),
        never(
            "base64 is bounded", "len(text) > MAX_EMBEDDED_BYTES", "annotations_values::base64_is_strict_and_bounded"
        ),
        Row(
            "base64 is strict",
            "base64.b64decode(text, validate=True)",
            "base64.b64decode(text)",
            "annotations_values::base64_is_strict_and_bounded",
        ),
        Row(
            "a box may be drawn from right to left",
            "np.sort(ends, axis=0)",
            "ends",
            "annotations_via::the_same_regions_are_read_from_every_kind_of_file",
        ),
    ],
    "converter/annotations/bitmaps.py": [
        Row(
            "bitmaps are inflated within bounds",
            "inflater.decompress(data, MAX_EMBEDDED_BYTES)",
            "inflater.decompress(data)",
            "annotations_bitmaps::what_swells_is_inflated_no_further_than_the_limit",
        ),
    ],
    "converter/annotations/photographs.py": [
        never(
            "a photograph is not climbed to",
            'path == ".." or path.startswith("../")',
            "annotations_photographs::a_name_that_leaves_the_folder_or_is_nowhere_is_refused",
        ),
        never(
            "the path of a photograph is not absolute",
            'plain.startswith("/") or re.match("[A-Za-z]:", plain)',
            "annotations_photographs::a_name_that_leaves_the_folder_or_is_nowhere_is_refused",
        ),
    ],
    "converter/annotations/drawing.py": [
        gone(
            "the canvas is empty again",
            "self._picture.paste(0, edges)",
            "annotations_drawing::later_objects_lie_over_earlier_ones annotations_write",
        ),
        never(
            "a mask file has the size of its photograph",
            "(picture.height, picture.width) != self._size",
            "annotations_drawing::a_mask_file_of_another_size_is_refused",
        ),
        Row(
            "a crowd lies under all others",
            "return not drawable.is_under, place",
            "return True, place",
            "annotations_drawing::a_crowd_lies_under_all_others_in_every_order",
        ),
    ],
    "converter/annotations/shapes.py": [
        Row(
            "shares become pixels to a hundredth",
            "return np.round(shares * np.array([size[1], size[0]], np.float64), 2)",
            "return shares * np.array([size[1], size[0]], np.float64)",
            "annotations_write::every_format_gives_the_masks_that_were_drawn_by_hand_and_build_takes_them",
        ),
    ],
    "converter/annotations/batches.py": [
        never(
            "a photograph has the size that was annotated",
            "stated is not None and stated not in (upright, stored)",
            "annotations_write::all_problems_are_named_in_one_run_and_nothing_is_left",
        ),
        never(
            "a file that has changed is not read at old places",
            "file.stamp != objects.stamp",
            "annotations_batches::objects_of_a_file_that_was_changed_are_not_drawn",
        ),
        Row(
            "a receipt is that of its key",
            'if raw["key"] != key:',
            "if False:",
            "annotations_batches::a_receipt_comes_back_as_it_was_written_and_only_for_its_key",
        ),
        Row(
            "what a receipt stands for is there",
            "return result if all((batch.staging / name).is_file() for name in names) else None",
            "return result",
            "annotations_batches::a_batch_is_drawn_again_where_anything_changed_or_is_gone",
        ),
    ],
    "converter/annotations/plan.py": [
        Row(
            "an image is annotated once",
            "elif picture.label in kept:",
            "elif False:",
            "annotations_plan::an_image_that_is_described_twice_is_a_problem_that_names_both",
        ),
        Row(
            "masks of a.jpg and a.png differ in name",
            "if stems[stem_of(name)] == 1 else name",
            "if True else name",
            "annotations_plan::files_keep_their_names_without_the_folder_that_all_share",
        ),
    ],
    "converter/annotations/write.py": [
        never(
            "a folder of others is not replaced",
            "any(config.out.iterdir()) and _facts_there(config.out) is None",
            "annotations_write::a_folder_of_others_is_never_replaced",
        ),
        never(
            "a file of others is not removed",
            "foreign := sorted({path.name for path in config.out.iterdir()} - ours)",
            "annotations_write::a_file_of_others_in_a_dataset_of_ours_is_not_removed",
        ),
        never(
            "the output is not in the source",
            "out.is_relative_to(src) or src.is_relative_to(out)",
            "annotations_write::the_output_is_beside_the_source_folder",
        ),
        gone(
            "what an earlier run left is removed",
            "_remove_others(dataset, plan, texts)",
            "annotations_write::a_receipt_of_other_annotations_is_not_taken",
        ),
        Row(
            "problems leave nothing behind",
            "shutil.rmtree(hidden)\n        raise",
            "raise",
            "annotations_write::all_problems_are_named_in_one_run_and_nothing_is_left",
        ),
    ],
}


class Copy:
    """A copy of the tree, to be changed and restored by one worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / "tree" / name)

    def run(self, arguments: list[str], limit_s: float) -> tuple[int | None, str]:
        """Runs tests on the copy; returns (pytest's exit code, None where time was up; last lines of its output)."""
        tree = self.folder / "tree"
        # The tests start processes of their own, which would import an installed segconv.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tree), os.environ.get("PYTHONPATH", "")])}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        options = ["-x", "-q", "-p", "no:cacheprovider", "--basetemp", str(self.folder / "tmp")]
        command = [sys.executable, "-m", "pytest", *options, *arguments]
        with (self.folder / "output").open("w+") as output:
            process = subprocess.Popen(
                command, cwd=tree, env=environment, stdout=output, stderr=output, start_new_session=True
            )
            try:
                code = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, 9)
                    process.wait()
            output.seek(0)
            return code, output.read()[-4000:]

    def write(self, name: str, text: str) -> None:
        """Changes a module. Python would take its old code where size and second of the change are the same."""
        path = self.folder / "tree" / name
        path.write_text(text, encoding="utf-8")
        for code in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            code.unlink()

    def try_out(self, name: str, row: Row) -> tuple[str, str]:
        """Takes one safeguard out and runs its tests; returns ("noticed", "SURVIVED" or "FAULT", what was seen)."""
        text = (self.folder / "tree" / name).read_text(encoding="utf-8")
        if text.count(row.old) != 1:
            return "FAULT", f"its text stands in {name} {text.count(row.old)} times"
        self.write(name, text.replace(row.old, row.new))
        try:
            code, output = self.run(row.arguments(), row.limit_s)
        finally:
            self.write(name, text)
        failed = re.search(r"^(?:FAILED|ERROR) \S*::(\S+)", output, re.MULTILINE)
        if code is None:
            return "noticed", f"time was up after {row.limit_s:.0f} s"
        if code == 0:
            return "SURVIVED", row.tests
        return ("noticed", failed[1]) if code == TESTS_FAILED and failed else ("FAULT", output[-1500:])


def misfits() -> list[str]:
    """Returns the rows whose text does not stand in their file exactly once, or that name a test that is not there."""
    found = []
    for file, rows in TABLE.items():
        text = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).is_file() else ""
        for row in rows:
            if text.count(row.old) != 1:
                found.append(f"{file}: {row.name}: its text stands there {text.count(row.old)} times")
            for argument in row.arguments():
                name, _, test = argument.partition("::")
                tests = (ROOT / name).read_text(encoding="utf-8") if (ROOT / name).is_file() else ""
                if not tests or (test and f"def {test.partition('[')[0]}(" not in tests):
                    found.append(f"{file}: {row.name}: there is no {argument}")
    return found


def main() -> int:
    """Runs the table; returns the exit code: 0 where every mutation was noticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="TEXT", help="rows with this in name or file")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="copies of the tree that are worked on at a time")
    parser.add_argument("--check", action="store_true", help="only check that the table fits the tree")
    options = parser.parse_args()
    if options.check:
        sys.stdout.write("".join(f"{line}\n" for line in misfits()))
        return int(bool(misfits()))
    rows = [(file, row) for file, some in TABLE.items() for row in some if options.only in f"{file} {row.name}"]
    start = time.monotonic()
    counts = dict.fromkeys(("noticed", "SURVIVED", "FAULT"), 0)
    with tempfile.TemporaryDirectory(prefix="segconv-mutations-") as folder:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(options.j):
            copies.put(Copy(Path(folder) / str(number)))
        copy = copies.get()
        tests = list(dict.fromkeys(test for _, row in rows for test in row.arguments()))
        code, output = copy.run(tests, 10 * LIMIT_S)
        copies.put(copy)
        if code != 0:
            sys.stdout.write(f"{output}\nthe tests fail without a mutation\n")
            return 2

        def try_out(case: tuple[str, Row]) -> tuple[str, str]:
            copy = copies.get()
            try:
                return copy.try_out(*case)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(options.j) as pool:
            for (file, row), (verdict, seen) in zip(rows, pool.map(try_out, rows), strict=True):
                counts[verdict] += 1
                sys.stdout.write(f"{verdict:8}  {file}: {row.name}: {seen}\n")
                sys.stdout.flush()
    seconds = time.monotonic() - start
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    sys.stdout.write(f"{len(rows)} mutations in {seconds:.0f} s: {summary}\n")
    return int(counts["noticed"] < len(rows))


if __name__ == "__main__":
    sys.exit(main())
