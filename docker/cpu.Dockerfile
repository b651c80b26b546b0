# perfkit for a CPU: eager PyTorch, inductor and OpenVINO. Built by docker/build cpu; docs/containers.md.
#
# The project to measure is mounted at /work, what outlives a run (engines, downloaded weights) at /cache.
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# git tells the commit that is measured; g++ compiles what inductor writes. Debian keeps one version of a package, so
# that a pinned one could not be installed any more after its next update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory /work

ENV PATH=/opt/perfkit/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1
WORKDIR /src
COPY requirements/cpu.txt requirements/cpu.txt
RUN python -m venv /opt/perfkit \
    && pip install --no-cache-dir --quiet --require-hashes --requirement requirements/cpu.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --quiet --no-deps --no-build-isolation .

# Whoever owns the project at /work: docker/build passes your own number.
ARG UID=1000
RUN useradd --uid "$UID" --create-home perfkit \
    && install --directory --owner perfkit /work /cache \
    && install --directory --mode 1777 /tmp/perfkit-locks
ENV HOME=/home/perfkit \
    PERFKIT_CACHE=/cache/perfkit \
    TORCH_HOME=/cache/torch
USER $UID
WORKDIR /work
VOLUME /cache

# For containers that stay. It imports torch for some seconds, half a minute after the start and then once a day: a run is
# started without it (--no-healthcheck).
HEALTHCHECK --interval=24h --timeout=2m --start-period=5m --start-interval=30s --retries=1 \
    CMD ["perfkit", "doctor", "--json"]
ENTRYPOINT ["perfkit"]
CMD ["doctor"]
