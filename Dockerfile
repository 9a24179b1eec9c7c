# The lab for a server: one image for pages and workers. See docs/deployment.md.
ARG PYTHON=3.13-slim

FROM python:${PYTHON} AS installed
# cpu, or what https://pytorch.org calls the version for your cards: cu130
ARG TORCH=cpu
# requirements-cluster.txt brings Ray as well
ARG REQUIREMENTS=requirements-server.txt
WORKDIR /lab
COPY requirements*.txt requirements.lock ./
# Which CUDA, if any, says TORCH: the lock's libraries for it are those of PyPI's torch
RUN python -m venv --without-pip /venv \
 && sed -i -E '/^(cuda|nvidia|triton)/d' requirements.lock \
 && pip --python /venv/bin/python install --no-cache-dir \
    --extra-index-url "https://download.pytorch.org/whl/${TORCH}" \
    -r "${REQUIREMENTS}" -c requirements.lock
COPY . .
# Nothing can be written beside the source later, so it is compiled now
RUN python -m compileall -q core pages dashboard.py

FROM python:${PYTHON}
COPY --from=installed /venv /venv
COPY --from=installed /lab /lab
# What is kept lies in one folder, which a volume takes over; nothing else is written but /tmp
RUN useradd --uid 10001 --home-dir /var/lib/lab --create-home --shell /usr/sbin/nologin lab
ENV PATH=/venv/bin:$PATH \
    HOME=/var/lib/lab \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LAB_RUNS_DIR=/var/lib/lab/runs \
    LAB_DATA_DIR=/var/lib/lab/data \
    LAB_CACHE_DIR=/var/lib/lab/cache \
    LAB_METRICS_PORT=9100 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE=true
WORKDIR /lab
USER 10001
VOLUME /var/lib/lab
EXPOSE 8501
# Pages and workers answer there: both have LAB_METRICS_PORT, the workers as --http
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s \
    CMD ["python", "-m", "core.operating.healthy"]
CMD ["streamlit", "run", "dashboard.py"]
