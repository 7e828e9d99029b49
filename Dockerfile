# Dareda in a container: a user without rights, who can write nothing but /data (and /tmp).
#
#   docker build --target cpu  --tag dareda:cpu .     ONNX Runtime, for machines without a GPU (the default)
#   docker build --target cuda --tag dareda:cuda .    torch with CUDA; run it with --gpus all
#   docker run --env-file .env --read-only --tmpfs /tmp --volume dareda:/data dareda:cpu
#
# compose.yaml beside this file has the whole setups; docs/install.md explains them.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim-bookworm AS base
# Bytecode is compiled while the image is built: nothing can be written later.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# Environments of their own, so that a change of the code does not install everything again.
FROM base AS cpu-environment
COPY requirements-cpu.txt /tmp/
RUN python -m venv /opt/venv && \
    pip install --no-cache-dir --disable-pip-version-check --requirement /tmp/requirements-cpu.txt

FROM base AS cuda-environment
COPY requirements-cpu.txt requirements.txt /tmp/
RUN python -m venv /opt/venv && \
    pip install --no-cache-dir --disable-pip-version-check --requirement /tmp/requirements.txt

FROM base AS code
RUN groupadd --gid 10001 dareda && \
    useradd --uid 10001 --gid dareda --no-create-home --home-dir /data --shell /usr/sbin/nologin dareda && \
    install --directory --owner=dareda --group=dareda --mode=0700 /data
WORKDIR /app
COPY bot.py LICENSE README.md ./
COPY config config
COPY inference inference
COPY bot bot
RUN python -m compileall -q .
ENV DAREDA_DATA_DIR=/data
VOLUME /data
USER 10001:10001
# Whether the event loop turns. `start-period` covers loading the models and the gallery.
HEALTHCHECK --interval=30s --timeout=10s --start-period=90s --retries=3 CMD ["python", "/app/bot.py", "health"]
ENTRYPOINT ["python", "/app/bot.py"]
CMD ["run"]

FROM code AS cuda
# CUDA itself comes with torch; the NVIDIA container runtime adds the driver.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=cuda-environment /opt/venv /opt/venv

FROM code AS cpu
COPY --from=cpu-environment /opt/venv /opt/venv
