# Everything runs in .venv, which holds exactly what requirements/dev.txt pins.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE  # or every process would compile all that it imports

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq
READY := .venv/.ready
CODE := $(wildcard src tests example benchmarks)
DJANGOS := 42 52 60 61

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "make %-14s %s\n", $$1, $$2}'

.PHONY: test
test: lint types ## lint, types, and the whole suite in parallel with 100 % coverage of src/
	$(PY) -m pytest -n auto --dist worksteal --cov --cov-report=term-missing:skip-covered $(ARGS)

.PHONY: browser
browser: $(READY) ## the example site in a real browser; needs chromium
	$(PY) -m pytest tests/browser $(ARGS)

.PHONY: soak
soak: $(READY) ## ten minutes of outages under load; the overlay's model for 200,000 steps, and 200 kills; make oracles
	$(PY) -m pytest -s -o faulthandler_timeout=7200 tests/soak $(ARGS)
	HYPOTHESIS_PROFILE=soak OVERLAY_STEPS=200000 KILLS=50 $(PY) -m pytest \
		-n auto --dist worksteal -o faulthandler_timeout=7200 $(ARGS) \
		tests/conformance/test_overlay_model.py tests/processes
	$(MAKE) oracles

.PHONY: busy
busy: $(READY) ## make demo and make test, beside four endless loops
	.ci/busy

.PHONY: oracles
oracles: $(READY) ## a fault at every call, and every schedule of two operations, in every world (make test: in small ones)
	FAULTS=all SCHEDULES=all $(PY) -m pytest -n auto --dist worksteal -o faulthandler_timeout=7200 $(ARGS) tests/faults tests/schedules

MUTMUT := .mutants/venv/bin/mutmut

.PHONY: mutants
mutants: $(READY) .mutants/.pinned ## mutation testing of what decides, an hour or less: 90 % must be killed
	rm -rf mutants
	$(MUTMUT) run
	$(MUTMUT) export-cicd-stats
	$(PY) -m tests.mutants mutants/mutmut-cicd-stats.json

# The environments of their own: .NAME/venv holds exactly what requirements/NAME.txt pins.
.mutants/.pinned .apps/.pinned .docs/.pinned: .%/.pinned: requirements/%.txt
	$(PYTHON) -m venv --clear .$*/venv
	.$*/venv/bin/python -m pip --disable-pip-version-check -qq install --require-hashes --no-deps -r $<
	.$*/venv/bin/python -m pip --disable-pip-version-check -qq check
	@touch $@

# Django's own tests are in its source distribution, which pip downloads only with what builds it.
.PHONY: upstream
upstream: $(READY) .upstream/.unpacked ## Django's own file storage tests, over FallbackStorage and OverlayStorage
	for combined in fallback overlay; do \
		COMBINED=$$combined $(PY) -m pytest -c tests/upstream/pytest.ini --rootdir=. $(ARGS) \
			.upstream/file_storage/tests.py .upstream/file_storage/test_generate_filename.py || exit; \
	done

.upstream/.unpacked: requirements/upstream.txt
	rm -rf .upstream
	$(PIP) install --no-deps --require-hashes --target .upstream/build --requirement $<
	PYTHONPATH=$(CURDIR)/.upstream/build $(PIP) download --no-build-isolation --no-binary django \
		--no-deps --require-hashes --dest .upstream --requirement $<
	tar --extract --gzip --directory .upstream --strip-components 2 --wildcards \
		--file .upstream/django-*.tar.gz '*/tests/file_storage'
	@touch $@

APPS := .apps/venv/bin/python

.PHONY: apps
apps: .apps/.pinned ## twelve applications over overlays and failover, and the requests of their pages
	$(APPS) -m pytest -c tests/apps/pytest.ini --rootdir=. -n 2 $(ARGS) tests/apps

DOCS := .docs/venv/bin/python

# Warnings are errors, and nothing is fetched: it builds offline.
.PHONY: docs
docs: .docs/.pinned ## build the site into .docs/site
	$(DOCS) -m sphinx -W --keep-going -q -E -b html -d .docs/cache docs .docs/site

WHEEL := .wheel/venv/bin/python

# The environment holds the wheel and what it depends on, and nothing of the tests.
.PHONY: wheel
wheel: $(READY) ## build the wheel and the sdist into dist/, check them, import the wheel in an empty environment
	rm -rf dist .wheel
	$(PY) -m hatchling build -t sdist -t wheel -d dist
	.venv/bin/check-wheel-contents dist/*.whl
	$(PY) -m twine check --strict dist/*
	$(PYTHON) -m venv .wheel/venv
	$(PY) -m uv --quiet pip install --python $(WHEEL) --constraint requirements/dev.txt dist/*.whl
	$(WHEEL) -m pip --disable-pip-version-check check
	cd .wheel && venv/bin/python -I -W error -c 'import fallback_storage.storage as s; print(s.__file__); assert "site-packages" in s.__file__'

.PHONY: demo
demo: $(READY) ## run the example site's main job, tell it, and leave the site running (DEMO_SERVE=0: end)
	@$(PY) -m example.demo

.PHONY: benchmark
benchmark: $(READY) ## measure side by side with the alternatives, into benchmarks/RESULTS.md (ARGS=--quick: roughly)
	@$(PY) -m benchmarks $(ARGS)

.PHONY: lint
lint: $(READY) ## ruff: rules and format; zizmor: the workflows
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	.venv/bin/zizmor --offline --quiet .

.PHONY: types
types: $(READY) ## mypy, strict; 99 % of the types of each public module known
	$(PY) -m mypy $(CODE)
	$(PY) -m tests.completeness

.PHONY: format
format: $(READY) ## rewrite the code as ruff formats it
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

.PHONY: venv
venv: $(READY) ## make .venv, or bring it up to date

# UPGRADE=1 takes the newest versions; without it only what pyproject.toml asks for changes.
COMPILE = $(PY) -m uv pip compile --quiet --python $(PY) $(if $(UPGRADE),--upgrade) \
	--universal --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make requirements"

.PHONY: requirements
requirements: $(READY) $(DJANGOS:%=requirements-%) requirements-benchmarks requirements-mutants requirements-upstream requirements-apps requirements-docs ## pin pyproject.toml's groups anew (UPGRADE=1: newest versions)
	$(COMPILE) --python-version 3.11 --group dev --output-file requirements/dev.txt
	@! grep -nE 'https?:|file:|find-links|index-url|@ ' requirements/*.txt

# Django 6 needs Python 3.12.
.PHONY: $(DJANGOS:%=requirements-%)
$(DJANGOS:%=requirements-%): requirements-%: $(READY)
	$(COMPILE) --python-version $(if $(filter 6%,$*),3.12,3.11) \
		--group test --group django$* --output-file requirements/django$*.txt

# The original declares a Django that it does not need, and bears this project's name.
.PHONY: requirements-benchmarks
requirements-benchmarks: $(READY)
	$(COMPILE) --python-version 3.11 --group bench-django42 \
		--output-file requirements/bench-django42.txt
	$(COMPILE) --python-version 3.11 --group bench-http --output-file requirements/bench-http.txt
	echo "django-fallback-storage==1.1.1" | $(COMPILE) --python-version 3.11 --no-deps \
		--output-file requirements/bench-original.txt -

.PHONY: requirements-mutants
requirements-mutants: $(READY)
	$(COMPILE) --python-version 3.11 --group mutants --output-file requirements/mutants.txt

.PHONY: requirements-apps
requirements-apps: $(READY)
	$(COMPILE) --python-version 3.11 --group apps --output-file requirements/apps.txt

.PHONY: requirements-docs
requirements-docs: $(READY)
	$(COMPILE) --python-version 3.11 --group docs --output-file requirements/docs.txt

.PHONY: requirements-upstream
requirements-upstream: $(READY)
	$(PY) -c "import django; print('setuptools', 'django==' + django.__version__, sep='\n')" \
		| $(COMPILE) --no-deps \
		--python-version 3.11 --output-file requirements/upstream.txt -

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf .venv .ci-cache .benchmark-cache build dist htmlcov .coverage .coverage.* .hypothesis \
		.mypy_cache .pytest_cache .ruff_cache .mutants mutants .upstream .apps .docs .wheel
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): .venv/.pinned pyproject.toml
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(PY) -m pip check
	@touch $@

# A complete lock needs no resolution: pip 23.2, which comes with Python 3.11, fails in one as soon
# as a newer version of what is pinned comes out.
.venv/.pinned: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv --clear .venv
	$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	@touch $@
