# perfkit for an NVIDIA GPU: eager PyTorch, inductor and TensorRT. Built by docker/build gpu; docs/containers.md says which
# CUDA fits which driver.
#
# The project to measure is mounted at /work, what outlives a run (engines, timing caches, weights) at /cache. The driver's
# libraries come from the host, through the NVIDIA Container Toolkit.
ARG CUDA=13.0.0
FROM nvidia/cuda:${CUDA}-base-ubuntu24.04

# git tells the commit that is measured; g++ and Python's headers compile what inductor writes. Ubuntu keeps one version of
# a package, so that a pinned one could not be installed any more after its next update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ git python3 python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory /work

ENV PATH=/opt/perfkit/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1
WORKDIR /src
# Hashed requirements of the CUDA that they were locked for; another lock, made by requirements/compile, brings another.
ARG REQUIREMENTS=requirements/gpu.txt
COPY requirements requirements
RUN python3 -m venv /opt/perfkit \
    && pip install --no-cache-dir --quiet --require-hashes --requirement "$REQUIREMENTS"
COPY pyproject.toml README.md LICENSE ./
COPY src src
# The trt extra can't be locked: its packages fetch their libraries when they are built (see pyproject.toml). What is
# installed stays as it was locked, and TensorRT is the one that is asked for, or no image is built.
ARG TENSORRT=10.15.*
RUN pip freeze > requirements/installed.txt \
    && printf 'tensorrt==%s\n' "$TENSORRT" > requirements/tensorrt.txt \
    && pip install --no-cache-dir --quiet --constraint requirements/installed.txt \
        --constraint requirements/tensorrt.txt '.[trt]'

# Whoever owns the project at /work: docker/build passes your own number.
# Ubuntu's image brings a user 1000 of its own.
ARG UID=1000
RUN userdel ubuntu \
    && useradd --uid "$UID" --create-home perfkit \
    && install --directory --owner perfkit /work /cache \
    && install --directory --mode 1777 /tmp/perfkit-locks
ENV HOME=/home/perfkit \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PERFKIT_CACHE=/cache/perfkit \
    TORCH_HOME=/cache/torch
USER $UID
WORKDIR /work
VOLUME /cache

# Healthy is a GPU that PyTorch sees. For containers that stay: it imports torch for some seconds, half a minute after the
# start and then once a day, so that a run is started without it (--no-healthcheck).
HEALTHCHECK --interval=24h --timeout=2m --start-period=5m --start-interval=30s --retries=1 \
    CMD ["/opt/perfkit/bin/python", "-c", "import json, subprocess, sys; found = subprocess.check_output(['perfkit', 'doctor', '--json']); sys.exit(json.loads(found)['gpu'] is None)"]
ENTRYPOINT ["perfkit"]
CMD ["doctor"]
