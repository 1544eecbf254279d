"""What holds the project together, whatever the code does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from tests.serving import ROOT

TOP = {
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "SECURITY.md",
    "Containerfile",
    "pyproject.toml",
    "service",
    "models",
    "training",
    "seeds",
    "tests",
}


def _imports(folder: str) -> set[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / folder).rglob("*.py"))
    nodes = [node for tree in trees for node in ast.walk(tree)]
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)} | {
        name.name for node in nodes if isinstance(node, ast.Import) for name in node.names
    }
    return {module.partition(".")[0] for module in modules}


def test_imports_go_one_way() -> None:
    """The library knows nothing of its doors."""
    assert not _imports("training") & {"service", "flask", "click", "gunicorn", "werkzeug"}
    assert "training" in _imports("service")


@pytest.mark.parametrize("folder", ["models", "seeds"])
def test_data_folders_hold_no_python(folder: str) -> None:
    """Models and seeds are data."""
    assert not list((ROOT / folder).rglob("*.py"))


def test_top_level_stays_small() -> None:
    """Everything has its place in one of the project's folders."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    assert {name.partition("/")[0] for name in tracked.stdout.splitlines() if not name.startswith(".")} <= TOP


def test_security_promises_have_their_tests() -> None:
    """Every test that SECURITY.md names for a promise is there."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text("utf-8")))
    there = {name for path in (ROOT / "tests").glob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)}
    assert len(named) > 20
    assert named <= there


def test_nothing_heavy_is_imported_to_score() -> None:
    """Scoring starts without scikit-learn, which takes a second to import and is needed for fitting alone."""
    loaded = subprocess.run([sys.executable, "-c", "import sys, service.cli; print(*sys.modules)"], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sklearn", "flask", "pydantic", "gunicorn"} & set(loaded)
