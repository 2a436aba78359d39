"""The wheel is the whole product: unpacked elsewhere, it serves with its own policy, words and pages."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("wheel")  # what is set up once, one worker sets up


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the wheel was unpacked; nothing of the clone is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def outside(unpacked: Path, database: str) -> dict[str, str]:
    ours = {"PYTHONPATH": str(unpacked), "HUB_DATABASE_URL": database, "HUB_ENV": "test"}
    return {**os.environ, **ours}


@pytest.fixture
def port(unpacked: Path, fresh_database: str, tmp_path: Path) -> Iterator[int]:
    """The port on which the unpacked program serves, started outside the clone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    environment = outside(unpacked, fresh_database)
    command = [sys.executable, "-c", "from volunteer_hub.cli.main import main; main()"]
    command += ["serve", "--port", str(number), "--processes", "1", "--workers", "0"]
    log = (tmp_path / "serve.log").open("wb")
    server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        wait_until_ready(number, server, tmp_path / "serve.log")
        yield number
    finally:
        server.terminate()
        server.wait(20)


def wait_until_ready(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            if fetched(port, "/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def fetched(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_wheel_serves_pages_style_and_schema_outside_the_clone(port: int) -> None:
    status, page = fetched(port, "/login?lang=zh")
    assert (status, "登录" in page) == (200, True)
    style = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert fetched(port, style)[0] == 200
    assert fetched(port, "/api/v1/openapi.json")[0] == 200


def test_the_wheel_brings_its_own_policy_and_program(unpacked: Path, database: str, tmp_path: Path) -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import volunteer_hub; from volunteer_hub import bootstrap;"
            "from volunteer_hub.core import policy;"
            "bootstrap.check_policies(); print(volunteer_hub.__file__); print(policy.SHIPPED)",
        ],
        cwd=tmp_path,
        env=outside(unpacked, database),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [line.startswith(str(unpacked)) for line in said] == [True, True]
