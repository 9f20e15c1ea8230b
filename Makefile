# The commands for development. Everything runs from .venv; only Python 3.11+ must be installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: install demo test test-services test-browser test-containers test-generated test-kafka soak soak-short bench lint schemas dashboards pictures lock clean

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $(STAMP)

demo: install
	$(BIN)/rantai demo

# All tests of a file run in one worker, because they share what it has started.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --durations 20 \
  -m "not kafka and not bench and not soak"

# Each module and rule, and the figures of the store against the reference: ten minutes.
TESTS ?= tests/unit tests/soak
test: install
	$(PYTEST) $(TESTS)

# Rantai as processes, over HTTP, and what happens when a part of it fails.
test-services: install
	$(PYTEST) tests/fault tests/integration --ignore tests/integration/test_containers.py

# The pages in Chromium, in one worker: all files share one site with a year of events.
test-browser: WORKERS := 0
test-browser: install
	$(PYTEST) tests/browser

# The image and the compose files, without a container engine.
test-containers: install
	$(PYTEST) tests/integration/test_containers.py

# The tests with generated examples, with new ones each time, for three minutes.
test-generated: install
	$(BIN)/python -m tests.generated

test-kafka: install
	deploy/kafka/test.sh $(BIN)/python -m pytest -m "kafka and not soak"

# A minute of soak test, on the embedded broker and on three Kafka brokers.
soak-short: install
	deploy/kafka/test.sh $(BIN)/python -m pytest -m soak -s tests/soak

# An hour of soak test on each kind of broker: traffic, faults, and everything that comes and goes.
soak: install
	$(BIN)/python -m tests.soak --broker embedded --minutes 60
	$(BIN)/python -m tests.soak --broker kafka --minutes 60

bench: install
	$(BIN)/python -m pytest -m bench -s tests/bench

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --check --quiet services/web
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m schemas.generate --check
	$(BIN)/python -m deploy.grafana.generate --check
	$(BIN)/python -m services.text.catalogue --check
	$(BIN)/python -m tests.named_paths

schemas: install
	$(BIN)/python -m schemas.generate

dashboards: install
	$(BIN)/python -m deploy.grafana.generate

# The pictures of the README. Needs Chromium.
pictures: install
	$(BIN)/python -m tests.browser.pictures

# Versions and hashes of everything that is installed, and of the part of it that is in the image. No
# other target updates them.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --output-file requirements.lock
	uv pip compile pyproject.toml deploy/image/requirements.in --override deploy/image/overrides.txt \
	  --constraint requirements.lock --python-platform linux --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --output-file deploy/image/requirements.lock

clean:
	rm -rf $(VENV) build *.egg-info
