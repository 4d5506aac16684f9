# The service as an image: docker build -t image-service .
# No root, no compiler, no cache in it; every Python package in it is checked against the hashes of requirements.txt.

ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

# --- The packages, in an environment of their own that is copied as a whole -------------------------------------------
FROM ${PYTHON_IMAGE} AS packages
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt /tmp/requirements.txt
# pyvips has no wheel; it is pure Python here, because pyvips-binary brings libvips. Its source is checked like the rest.
# What builds it (setuptools and others, by wheels only) is not: pip fetches that for a moment, and --require-hashes does
# not reach there.
RUN pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: --no-binary pyvips --no-compile \
      --requirement /tmp/requirements.txt

# --- The service ------------------------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="image-service" \
      org.opencontainers.image.licenses="MIT"

# The numbers are fixed so that a volume keeps its owner from one build to the next.
RUN groupadd --gid 10001 service \
 && useradd --uid 10001 --gid service --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin service \
 && install --directory --owner=service --group=service --mode=0700 /data

COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY app.py config.py gunicorn.conf.py lambda_handler.py LICENSE ./
COPY api ./api
COPY services ./services
COPY utils ./utils
COPY scripts ./scripts
# Compiled once, here: the service may not write to its own folder. Hashes instead of times, so that a build with the
# same content is the same.
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv /app

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=5000 \
    DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 5000

# gunicorn stops gracefully on SIGTERM, within GRACEFUL_TIMEOUT (30 s): give `docker stop` 40 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "scripts.healthcheck"]
CMD ["gunicorn", "--config", "gunicorn.conf.py", "app:create_app()"]
