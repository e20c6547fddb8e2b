"""A lock is installed as it is, on any day: what came out since then is not looked at."""

from __future__ import annotations

import ensurepip
import hashlib
import os
import re
import subprocess
import sysconfig
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.upstream.departures import DEPARTURES

ROOT = Path(__file__).parents[2]
INSTALLERS = [ROOT / name for name in ("Makefile", ".ci/run", "benchmarks/venvs.py")]
#: Where `python -m venv` finds the pip that it installs: pip 23.2.1 in Python 3.11.7.
PIPS = sysconfig.get_config_var("WHEEL_PKG_DIR") or Path(ensurepip.__file__).parent / "_bundled"

WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class Index:
    """A folder of wheels; pip looks nowhere else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.environment = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder),
        }

    def add(self, project: str, version: str, *metadata: str) -> str:
        """Put a wheel of one empty module there; return its line in a lock."""
        path = self._folder / f"{project}-{version}-py3-none-any.whl"
        info = f"{project}-{version}.dist-info"
        headers = ["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}", *metadata]
        files = {
            f"{project}.py": "",
            f"{info}/METADATA": "\n".join([*headers, ""]),
            f"{info}/WHEEL": WHEEL,
        }
        files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in files.items():
                wheel.writestr(name, text)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return f"{project}=={version} --hash=sha256:{digest}\n"


class Environment:
    """A virtual environment, and the pip that Python brings for a new one."""

    def __init__(self, folder: Path, pip: Path, index: Index) -> None:
        venv.create(folder / "venv", symlinks=True)
        self._python = folder / "venv" / "bin" / "python"
        self._lock = folder / "lock.txt"
        (version,) = pip.glob("pip-*.dist-info")
        self.pip_version = tuple(map(int, version.stem.split("-")[1].split(".")))
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        self._environment = inherited | index.environment | {"PYTHONPATH": str(pip)}

    def lock(self, *lines: str) -> None:
        self._lock.write_text("".join(lines))

    def pip(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command line of the Makefile, with this environment's lock for the real one."""
        mine = [str(self._lock) if a.startswith("requirements/") else a for a in arguments]
        return subprocess.run(
            [self._python, "-m", "pip", "--disable-pip-version-check", *mine],
            env=self._environment,
            capture_output=True,
            text=True,
        )

    def installed(self) -> set[str]:
        """The projects and versions that are installed."""
        found = self._python.parents[1].rglob("*.dist-info")
        return {path.name.removesuffix(".dist-info") for path in found}


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with that pip, which is in no environment then."""
    folder = tmp_path_factory.mktemp("pip")
    (bundled,) = Path(PIPS).glob("pip-*.whl")
    with zipfile.ZipFile(bundled) as wheel:
        wheel.extractall(folder)
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "wheels")


@pytest.fixture
def environment(tmp_path: Path, pip: Path, index: Index) -> Environment:
    return Environment(tmp_path, pip, index)


def arguments_in_makefile(pattern: str) -> list[str]:
    """What the one line of this kind tells pip to do."""
    text = (ROOT / "Makefile").read_text()
    (line,) = re.findall(rf"^\t\$\((?:PIP\)|PY\) -m pip) ({pattern})$", text, re.MULTILINE)
    return str(line).split()


INSTALL = arguments_in_makefile(r"install .*-r requirements/dev\.txt")
CHECK = arguments_in_makefile("check")


@pytest.mark.slow
def test_a_lock_is_installed_although_a_newer_version_came_out(
    index: Index, environment: Environment
) -> None:
    pinned = index.add("tiny", "1.0", "Provides-Extra: more")
    index.add("tiny", "1.1", "Provides-Extra: more")
    user = index.add("user", "1.0", "Requires-Dist: tiny[more]>=1.0")
    environment.lock(user, pinned)

    resolved = environment.pip([a for a in INSTALL if a != "--no-deps"])
    if environment.pip_version < (23, 3):  # the one that Python 3.11 and 3.12 begin with
        assert resolved.returncode == 1
        assert "all requirements must have their versions pinned" in resolved.stderr
        assert "tiny[more]>=1.0" in resolved.stderr
        assert environment.installed() == set()

    installed = environment.pip(INSTALL)
    assert installed.returncode == 0, installed.stderr
    assert environment.installed() == {"tiny-1.0", "user-1.0"}
    assert environment.pip(CHECK).returncode == 0


@pytest.mark.slow
def test_a_lock_that_lacks_something_is_noticed(index: Index, environment: Environment) -> None:
    index.add("tiny", "1.0")
    environment.lock(index.add("user", "1.0", "Requires-Dist: tiny"))

    installed = environment.pip(INSTALL)
    assert installed.returncode == 0, installed.stderr
    assert environment.installed() == {"user-1.0"}
    checked = environment.pip(CHECK)
    assert checked.returncode == 1
    assert "user 1.0 requires tiny, which is not installed" in checked.stdout


@pytest.mark.parametrize("path", INSTALLERS, ids=lambda path: path.name)
def test_no_lock_is_resolved_anew_when_it_is_installed(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if "--require-hashes" in line]
    assert lines
    assert [line for line in lines if "--no-deps" not in line] == []


def test_the_departures_from_djangos_own_tests_are_those_that_contributing_names() -> None:
    rows = re.findall(
        r"^\| `(\w+Tests\.test_\w+)` \| (.+) \|$",
        (ROOT / "CONTRIBUTING.md").read_text(),
        re.MULTILINE,
    )
    assert dict(rows) == DEPARTURES


def test_djangos_own_tests_are_those_of_the_django_that_is_tested() -> None:
    lock = (ROOT / "requirements/upstream.txt").read_text()
    dev = (ROOT / "requirements/dev.txt").read_text()
    [version] = re.findall(r"^django==(\S+) ", lock, re.MULTILINE)
    assert f"django=={version} ;" in dev


def test_every_make_target_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        named = set(re.findall(r"\bmake ([a-z]+)\b(?=`)", page.read_text()))
        assert named, page
        assert named <= targets
