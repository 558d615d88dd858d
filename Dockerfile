# The series is pinned and not the patch: a rebuild takes in the fixes of Python and of the distribution.
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements requirements
RUN python -m venv /opt/etl && /opt/etl/bin/pip install --require-hashes -r requirements/program.txt
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements/build.txt
COPY . .
RUN /opt/build/bin/python -m hatchling build -t wheel -d /wheels \
    && /opt/etl/bin/pip install --no-deps --no-index /wheels/*.whl

FROM python:${PYTHON}
RUN useradd --uid 1000 --create-home --home-dir /data etl
COPY --from=build /opt/etl /opt/etl
ENV PATH=/opt/etl/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# By number: whoever forbids root can see that it is none.
USER 1000:1000
# Here are looked for, and kept: magpipe.db unless DATABASE_URL names another database, config/etl.toml, .env.
WORKDIR /data
VOLUME /data
# Where `schedule --listen 0.0.0.0:8787` shows itself.
EXPOSE 8787
ENTRYPOINT ["magpipe-etl"]
CMD ["sync"]
