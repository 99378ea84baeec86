# annuaire: `make help` lists the targets.  Everything it installs goes into .venv, but for the Debian packages that
# interop tests need, which `make test` installs when it may (root, or sudo without a password).
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
PEOPLE ?= 5000
SEED ?= 1
DATA ?= var
export ANNUAIRE_DATA := $(DATA)
SAMPLE := $(DATA)/sample-$(PEOPLE)-$(SEED)
# Debian keeps slapd and other servers out of an ordinary user's path.
export PATH := $(PATH):/usr/sbin:/sbin

# Tests start the command hundreds of times: what was compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run sample test lint types layers docs check reference pictures bench fuzz soak upgrade clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

# Compiled here: the account that runs it may not write beside the code, and each command would do it again.
install: .venv/.installed ## creates .venv with the `annuaire` command
	@$(BIN)/python -m compileall -q directory_service importers ldap_schema
	@echo "annuaire : $(BIN)/annuaire --help"

run: .venv/.installed $(SAMPLE)/.done ## loads a synthetic sample (PEOPLE=5000) and serves it: LDAP 1389, HTTP 8080
	@$(BIN)/annuaire init
	@$(BIN)/annuaire import $(SAMPLE)
	@$(BIN)/annuaire index
	@exec $(BIN)/annuaire serve

sample: .venv/.installed $(SAMPLE)/.done ## writes the synthetic extracts only

# Files in the order of their folders, the longest (e2e) first: by number of tests, xdist leaves one of few and long to the end.
# One process more than processors, since tests wait for servers, commands and browsers that they start.
test: .venv/.tested ## the whole test suite, with real peers (slapd, ldapsearch, PostgreSQL, Chromium) where they can be installed
	@$(if $(TESTS),$(BIN)/pytest -q $(TESTS),$(BIN)/pytest -q -m "not alone" -n $$(($$(nproc) + 2)) --maxprocesses 4 --dist loadfile --no-loadscope-reorder)
	@$(if $(TESTS),,$(BIN)/pytest -q $(shell grep -rl 'mark\.alone' tests --include='test_*.py'))

lint: .venv/.tested ## ruff
	@$(BIN)/ruff check .

types: .venv/.tested ## mypy, strict in the pure rooms
	@$(BIN)/mypy directory_service importers ldap_schema

layers: .venv/.tested ## who may import whom (house.md §2)
	@$(BIN)/pytest -q tests/test_house.py

docs: .venv/.tested ## docs name every setting and command, and the tutorial runs
	@$(BIN)/pytest -q tests/test_docs.py tests/e2e/test_tutorial.py

# Types are looked at while the tests run, which wait much of their time; so with what is to be installed.
check: ## all that CI runs: lint, types, every test (layers and docs among them)
	@$(MAKE) --no-print-directory -j 2 .venv/.tested
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory -j 2 types test

reference: .venv/.tested ## writes the reference pages of settings and commands from the code
	@$(BIN)/python tools/reference.py

pictures: .venv/.tested ## takes the pictures of docs/images anew (the portal, in Chromium)
	@tools/debian-install chromium
	@$(BIN)/python -m tools.pictures

bench: .venv/.tested ## measures load, LDAP and HTTP beside slapd, at national scale (long)
	@tools/debian-install wrk
	@$(BIN)/python -m bench

fuzz: .venv/.fuzzed ## atheris over everything that reads a stranger's octets (SECONDS=60, shared between targets)
	@$(BIN)/python -m fuzz --seconds $(or $(SECONDS),60)

soak: .venv/.tested ## valid and hostile traffic against a real `annuaire serve`; fails where memory or descriptors grow (SECONDS=600)
	@$(BIN)/python -m bench.soak --seconds $(or $(SECONDS),600)

upgrade: .venv/.tested ## moves constraints.txt to the newest versions that setup.cfg allows
	@$(BIN)/pip install -qq --upgrade --upgrade-strategy eager pip setuptools -e '.[test,fuzz]'
	@(sed -n '/^#/p' constraints.txt; $(BIN)/pip freeze --all --exclude-editable | LC_ALL=C sort -f) > constraints.new
	@mv constraints.new constraints.txt

clean: ## removes .venv and caches; the data folder stays
	rm -rf .venv build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(SAMPLE)/.done: | .venv/.installed
	@$(BIN)/annuaire sample $(SAMPLE) --people $(PEOPLE) --seed $(SEED)
	@touch $@

.venv/bin/python:
	@tools/make-venv .venv

# pip and setuptools are pinned like the rest, so that the build needs no environment of its own.
.venv/.installed: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installation dans .venv (une minute environ)…"
	@$(BIN)/python -m pip install -qq -c constraints.txt --upgrade pip setuptools
	@$(BIN)/python -m pip install -qq -c constraints.txt --no-build-isolation -e .
	@touch $@

# With `-j 2` this comes while pip fetches: only what is built in C, of the packages for tests, needs it.
.venv/.peers: tools/debian-install | .venv/bin/python
	@tools/debian-install slapd ldap-utils postgresql pgbouncer gcc python3-dev libldap-dev libsasl2-dev \
		postfix postfix-ldap nginx-light default-jdk-headless php-cli php-ldap chromium fonts-dejavu-core vdirsyncer khard \
		thunderbird lbdb libnet-ldap-perl libauthen-sasl-perl haproxy
	@touch $@

.venv/.tested: .venv/.installed .venv/.peers
	@$(BIN)/python -m pip install -qq -c constraints.txt --no-build-isolation -e '.[test]'
	@touch $@

.venv/.fuzzed: .venv/.tested
	@$(BIN)/python -m pip install -qq -c constraints.txt --no-build-isolation -e '.[fuzz]'
	@touch $@
