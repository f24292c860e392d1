# The gateway's image: a virtual environment on a slim Python, and nothing that installs or compiles. The request path is
# compiled in the first stage, by mypyc and a C compiler; both stay there.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" -t excise-gateway:0.1.0 .
#
# For a build that can be repeated, pin both bases by digest. They must be of one Debian release and one Python:
#   --build-arg PYTHON_IMAGE=python:3.11-slim@sha256:<digest> --build-arg BUILD_IMAGE=python:3.11@sha256:<digest>
ARG PYTHON_IMAGE=python:3.11-slim
ARG BUILD_IMAGE=python:3.11

FROM ${BUILD_IMAGE} AS build
# The environment never holds pip or setuptools: they install into it from outside.
RUN python -m venv --without-pip /opt/gateway

# Dependencies first: this layer stays as long as the lock does. Wheels only: none of them is compiled here. The build has
# them, too, because mypyc asks their types.
COPY requirements/build.txt requirements/runtime.txt /src/requirements/
RUN python -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: \
      -r /src/requirements/build.txt -r /src/requirements/runtime.txt \
 && /opt/build/bin/python -m pip --python /opt/gateway/bin/python install --no-cache-dir --no-compile \
      --require-hashes --only-binary :all: -r /src/requirements/runtime.txt

# Then the source. Bytecode is compiled here, because the running gateway may not write: unchecked, because nothing
# in an image changes and file times differ from build to build.
COPY pyproject.toml setup.py README.md LICENSE /src/
COPY gateway /src/gateway
RUN GATEWAY_COMPILE=1 /opt/build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /opt/wheels /src \
 && /opt/build/bin/python -m pip --python /opt/gateway/bin/python install --no-cache-dir --no-compile --no-deps \
      --no-index --find-links /opt/wheels excise-gateway \
 && /opt/gateway/bin/python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash /opt/gateway/lib

FROM ${PYTHON_IMAGE}
# Nothing in the running image installs anything; what is not there needs no patching either.
RUN python -m pip uninstall --quiet --yes --root-user-action ignore setuptools wheel pip \
 && rm -rf /usr/local/lib/python3.*/ensurepip \
 && install -d -o 65532 -g 65532 -m 0750 /var/lib/gateway
COPY --from=build /opt/gateway /opt/gateway
# The shipped policies, to start from: files.policies: /usr/share/gateway/policies
COPY policies /usr/share/gateway/policies

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="excise-gateway" \
      org.opencontainers.image.description="A rate-limiting and usage-policy gateway in front of an inference API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The root may be read-only: no bytecode is written, logs go out unbuffered, usage goes to /var/lib/gateway or Redis.
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_CONFIG=/etc/gateway/gateway.yaml
WORKDIR /var/lib/gateway
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
# Callers; health and metrics; admin. The last two listen on loopback unless the settings say otherwise.
EXPOSE 8080 9091 9092
# Drains: /readyz turns 503 and answers under way may finish (timers.drain_s).
STOPSIGNAL SIGTERM
# No HEALTHCHECK: Kubernetes ignores it, and elsewhere the port to ask depends on the settings: GET /healthz on ops.
ENTRYPOINT ["gateway"]
CMD ["serve"]
