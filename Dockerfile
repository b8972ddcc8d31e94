# segconv with training, on the CPU; with --build-arg GPU=1 also with NVIDIA's libraries for TensorFlow, 3 GB.
#
#     docker build -t segconv .
#     docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" segconv build --src dataset/
#
# The packages are those of requirements.lock, each held against its hash; so is what builds segconv itself.

ARG PYTHON=3.12
FROM python:${PYTHON}-slim
ARG GPU=

WORKDIR /source
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements.lock \
    && if [ -n "$GPU" ]; then \
        python -m pip install --no-cache-dir \
        "tensorflow[and-cuda]==$(python -c 'import importlib.metadata as m; print(m.version("tensorflow"))')"; \
    fi

COPY pyproject.toml README.md LICENSE ./
COPY converter converter
COPY trainer trainer
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation . \
    && cd / && rm -r /source && segconv --version

# Whoever runs it, what is cached lies with the data.
ENV HOME=/data PYTHONUNBUFFERED=1
RUN useradd --no-create-home --home-dir /data segconv
USER segconv
WORKDIR /data
ENTRYPOINT ["segconv"]
CMD ["--help"]
