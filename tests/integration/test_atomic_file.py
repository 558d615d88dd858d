"""A file is there whole or as it was, whatever happens while it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.atomic_file import replacing


def write(file: Path, text: str) -> None:
    with replacing(file) as part:
        part.write_bytes(text.encode())


def test_the_new_text_takes_the_place_of_the_old_byte_by_byte(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write(file, "old")
    write(file, "new\r\n→ \U0001f9b7\n")
    assert file.read_bytes() == "new\r\n→ \U0001f9b7\n".encode()
    assert list(tmp_path.iterdir()) == [file]


def test_what_fails_half_way_leaves_the_old_text_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write(file, "old")

    def fail() -> None:
        with replacing(file) as part:
            part.write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_permissions_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("old")
    file.chmod(0o640)
    write(file, "new")
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "real.html").write_text("old")
    link = tmp_path / "link.html"
    link.symlink_to("real.html")
    write(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "real.html").read_text() == "new"


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "nowhere" / "report.html", "new")
