"""The steps of the Dockerfile, taken in their order in a clean folder, and what comes of them put to use.

Only what the machine's package index would bring is taken as given: the packages that these tests run with
are the same by their lock files.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.sandbox import SandboxOptions, serve
from etl.version import VERSION

from support.composition import services
from support.sources import ROOT, text_of, tracked_files

pytestmark = pytest.mark.slow

CONTINUED = re.compile(r"\\\n\s*")


class Image:
    """A folder that stands for a file system, and the instructions that fill it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.context = root / "context"
        self.workdir = root
        self.taken: list[str] = []

    def build(self) -> None:
        for name in sent_to_the_engine():
            (self.context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.context / name)
        for line in CONTINUED.sub(" ", text_of("Dockerfile")).splitlines():
            word, _, rest = line.partition(" ")
            if word in {"WORKDIR", "COPY", "RUN"}:
                self.taken.append(word)
                getattr(self, f"_{word.lower()}")(rest)

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def _workdir(self, rest: str) -> None:
        self.workdir = self.path(rest)
        self.workdir.mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        if rest.startswith("--from="):  # the same folder here
            assert self.path(rest.split()[1]).exists()
            return
        source, target = rest.split()
        shutil.copytree(self.context / source, self.workdir / target, dirs_exist_ok=True)

    def _run(self, rest: str) -> None:
        for step in rest.split(" && "):
            words = shlex.split(step)
            if words[0] == "useradd":
                continue  # this machine's users are its own
            if "--require-hashes" in words:
                assert (self.workdir / words[-1]).is_file()
                self._lend_packages(self.path(words[0]).parents[1])
            else:
                self._execute(words)

    def _execute(self, words: list[str]) -> None:
        placed = [str(self.path(word)) if word.startswith("/") else word for word in words]
        placed[0] = sys.executable if words[0] == "python" else placed[0]
        call = " ".join(word if "*" in word else shlex.quote(word) for word in placed)
        done = subprocess.run(call, shell=True, cwd=self.workdir, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{call}: {done.stdout}{done.stderr}"

    def _lend_packages(self, environment: Path) -> None:
        """What the index would have brought, without this project itself."""
        [packages] = environment.glob("lib/python*/site-packages")
        lent = Path(sysconfig.get_path("purelib"))
        for each in lent.iterdir():
            is_of_this_project = each.name.startswith(("_editable", "magpipe_etl"))
            if not is_of_this_project and each.suffix != ".pth" and not (packages / each.name).exists():
                (packages / each.name).symlink_to(each)


def sent_to_the_engine() -> Iterator[str]:
    """The tracked files that .dockerignore lets through."""
    kept = [line[1:] for line in text_of(".dockerignore").splitlines() if line.startswith("!")]
    for name in tracked_files():
        if any(name == each or name.startswith(f"{each}/") for each in kept):
            yield name


def test_the_image_s_steps_make_a_program_that_serves(tmp_path: Path) -> None:
    image = Image(tmp_path / "image")
    image.build()
    assert image.taken == ["WORKDIR", "COPY", "RUN", "RUN", "COPY", "RUN", "RUN", "COPY", "WORKDIR"]
    program = image.path("/opt/etl/bin/magpipe-etl")
    folder = tmp_path / "data"
    folder.mkdir()
    with serve(SandboxOptions(batches=20)) as server:
        environ = {
            "PATH": f"{program.parent}:/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MAGPIPE_BASE_URL": server.base_url,
            "MAGPIPE_API_KEY_FILE": "key.txt",
        }
        (folder / "key.txt").write_text(server.key)

        def run(*arguments: str) -> str:
            done = subprocess.run(
                ["magpipe-etl", *arguments],
                cwd=folder,
                env=environ,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        assert VERSION in run("--version")
        run(*services()["migrate"]["command"])
        assert "20" in run("sync")
        assert "campaigns" in run("report", "--html", "page.html")
    [where] = image.path("/opt/etl").glob("lib/python*/site-packages/etl/__init__.py")
    assert not where.is_symlink()
