"""docker/: no daemon builds them in the tests, so what can be seen without one is held here and by the linters."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
IMAGES = sorted(DOCKER.glob("*.Dockerfile"))
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
PAGE = (ROOT / "docs" / "containers.md").read_text("utf-8")

by_name = pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.stem)


def instructions(image: Path) -> list[tuple[str, str]]:
    lines = [line for line in image.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in whole.splitlines() if line)]


def of(image: Path, word: str) -> list[str]:
    return [rest for found, rest in instructions(image) if found == word]


def test_there_are_a_cpu_and_a_gpu_image() -> None:
    assert [image.stem for image in IMAGES] == ["cpu", "gpu"]


@by_name
def test_the_base_is_named_by_its_short_name_and_a_tag(image: Path) -> None:
    (base,) = of(image, "FROM")
    assert re.fullmatch(r"(nvidia/)?[a-z]+:\S+", base)
    assert "latest" not in base
    assert "://" not in image.read_text("utf-8")


@by_name
def test_it_installs_what_is_locked_before_anything_else(image: Path) -> None:
    installs = [step for run in of(image, "RUN") for step in run.split("&&") if "pip install" in step]
    assert "--require-hashes" in installs[0]
    assert (ROOT / f"requirements/{image.stem}.txt").is_file()
    text = image.read_text("utf-8")
    assert f"requirements/{image.stem}.txt" in text
    assert "psycopg" in (ROOT / f"requirements/{image.stem}.txt").read_text("utf-8")  # or no history in PostgreSQL


@by_name
def test_it_runs_as_nobody_special(image: Path) -> None:
    words = [word for word, _ in instructions(image)]
    assert of(image, "USER") == ["$UID"]
    assert "UID=1000" in of(image, "ARG")
    assert words.index("USER") > max(index for index, word in enumerate(words) if word == "RUN")


@by_name
def test_its_health_is_what_doctor_says_and_is_asked_for_rarely(image: Path) -> None:
    (check,) = of(image, "HEALTHCHECK")
    assert "perfkit" in check
    assert "doctor" in check
    assert "--interval=24h" in check  # it would disturb what is measured
    assert of(image, "ENTRYPOINT") == ['["perfkit"]']


@by_name
def test_what_is_copied_exists_and_is_not_ignored(image: Path) -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    for copied in of(image, "COPY"):
        *sources, _ = copied.split()
        for source in sources:
            assert (ROOT / source).exists()
            assert source.split("/")[0] in kept


@by_name
def test_every_build_argument_is_told(image: Path) -> None:
    for argument in of(image, "ARG"):
        name, _, default = argument.partition("=")
        assert f"`{name}`" in PAGE
        assert default


def test_the_gpu_image_takes_cuda_and_tensorrt_by_argument() -> None:
    (image,) = [path for path in IMAGES if path.stem == "gpu"]
    arguments = dict(argument.split("=", 1) for argument in of(image, "ARG"))
    assert {"CUDA", "TENSORRT"} <= set(arguments)
    assert "${CUDA}" in of(image, "FROM")[0]
    assert f"`{arguments['CUDA']}`" in PAGE
    build = COMPOSE["services"]["runner-gpu"]["build"]["args"]
    assert build["CUDA"] == f"${{CUDA:-{arguments['CUDA']}}}"
    assert build["TENSORRT"] == f"${{TENSORRT:-{arguments['TENSORRT']}}}"
    lock = (ROOT / "requirements/gpu.txt").read_text("utf-8")
    locked = re.findall(r"^nvidia-cuda-runtime==(\d+\.\d+)", lock, flags=re.MULTILINE)
    assert arguments["CUDA"].startswith(locked[0])


def test_compose_has_runners_and_a_history_that_they_wait_for() -> None:
    services = COMPOSE["services"]
    assert services["history"]["image"].startswith("postgres:")
    assert "healthcheck" in services["history"]
    for name in ("runner", "runner-gpu"):
        service = services[name]
        assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert service["environment"]["PERFKIT_HISTORY"].startswith("postgresql+psycopg://perfkit@history/")
        assert service["depends_on"]["history"]["condition"] == "service_healthy"
        assert service["cap_drop"] == ["ALL"]
    assert "gpu" in services["runner-gpu"]["profiles"]


def test_no_password_is_written_down() -> None:
    passwords = re.findall(r"PASSWORD:\s*(\S+)", (DOCKER / "compose.yaml").read_text("utf-8"))
    assert passwords
    assert all(password.startswith("${PERFKIT_DB_PASSWORD:?") for password in passwords)


def built(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DOCKER / "build", *arguments],
        env={**os.environ, "DOCKER": "echo"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_build_is_one_command() -> None:
    done = built("gpu", "--build-arg", "CUDA=13.0.1")
    assert done.returncode == 0
    user = f"--build-arg UID={os.getuid() or 1000}"
    assert done.stdout == f"build --file docker/gpu.Dockerfile --tag perfkit:gpu {user} --build-arg CUDA=13.0.1 .\n"
    wrong = built("tpu")
    assert wrong.returncode == 4
    assert "Usage: docker/build" in wrong.stderr


def test_linters_find_nothing() -> None:
    subprocess.run(["hadolint", *IMAGES], check=True, timeout=120)
    schema = ["--builtin-schema", "vendor.compose-spec"]
    subprocess.run(["check-jsonschema", *schema, DOCKER / "compose.yaml"], check=True, timeout=120)


def test_containers_share_the_locks_of_devices_and_are_asked_nothing_while_they_measure() -> None:
    folder = "/tmp/perfkit-locks"  # noqa: S108 - device_lock.py's, in a container
    for path in IMAGES:
        assert any(f"--mode 1777 {folder}" in run for run in of(path, "RUN"))
    for name in ("runner", "runner-gpu"):
        service = COMPOSE["services"][name]
        assert any(volume.startswith(f"locks:{folder}") for volume in service["volumes"])
        assert service["healthcheck"] == {"disable": True}
    assert f"perfkit-locks:{folder}" in PAGE
    assert "--no-healthcheck" in PAGE
