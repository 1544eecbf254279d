"""The README tells the truth: its examples run, and print what they are said to print.

`python tests/test_readme.py` writes what the commands print now into the README.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [content for name, content in BLOCK.findall(README.read_text(encoding="utf-8")) if name == language]


def shell(command: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})


def answered(content: str) -> str:
    """A console block with what its commands print now."""
    commands = [line for line in content.splitlines() if line.startswith("$ ")]
    return "".join(f"{command}\n{shell(command[2:]).stdout.rstrip()}\n" for command in commands)


@pytest.mark.parametrize("content", blocks("console"))
def test_console_examples_print_what_they_are_said_to(content: str) -> None:
    """Every command of a console example, run as it stands, prints the lines under it."""
    assert answered(content) == content


@pytest.mark.parametrize("content", blocks("python"))
def test_python_examples_run(content: str) -> None:
    """Every Python example runs as it stands."""
    done = subprocess.run([sys.executable, "-c", content], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("content", blocks("json"))
def test_json_examples_are_json(content: str) -> None:
    """Every JSON example can be read as JSON."""
    json.loads(content)


def test_the_first_two_blocks_are_all_the_setup() -> None:
    """The first block runs the main job with the shipped model, the second runs the tests as the checks do."""
    first, second = blocks("sh")[:2]
    assert first.splitlines() == ["pip install .", "copydesk score seeds/articles"]
    assert second.splitlines() == ["pip install -e '.[dev]'", "python -m pytest"]
    checks = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert all(line in checks for line in second.splitlines())


if __name__ == "__main__":
    text = BLOCK.sub(lambda found: f"```console\n{answered(found[2])}```" if found[1] == "console" else found[0], README.read_text(encoding="utf-8"))
    README.write_text(text, encoding="utf-8")
