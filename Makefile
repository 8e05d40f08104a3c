# The verbs of the project. Each one makes what it needs first; see tools/setup.py.
PYTHON ?= python3
HOTLINE := .venv/bin/hotline
.DEFAULT_GOAL := help
.PHONY: help run test unit lint format train seed corpus evaluate encoder judgement bench setup-run setup-dev clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

run: setup-run  ## start everything (Ctrl-C stops it): chat, phone, bot, desk
	@exec $(HOTLINE) up

test: setup-dev  ## all tests: pages; unit and service (real PostgreSQL), and beside them the bot's training and the whole system (real Rasa, real browser)
	@cd console && ../.venv/bin/node node_modules/vitest/vitest.mjs run
	@mkdir -p var; { $(HOTLINE) train && .venv/bin/pytest tests/whole tests/browser; } > var/whole-tests.log 2>&1 & beside=$$!; \
	.venv/bin/pytest tests/unit tests/service; unit=$$?; \
	wait $$beside; beside=$$?; cat var/whole-tests.log; exit $$((unit | beside))

unit: setup-dev  ## the tests that need no network, no Rasa and no waiting
	@.venv/bin/pytest -m unit

lint: setup-dev  ## ruff, mypy --strict, vue-tsc
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/mypy --python-version 3.10 -p bot
	@cd console && ../.venv/bin/node node_modules/vue-tsc/bin/vue-tsc.js --noEmit

format: setup-dev  ## put the code into the project's shape
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

train: setup-run  ## train the bot, unless nothing it learns from has changed
	@$(HOTLINE) train

seed: setup-run  ## fill the desk with believable orders to try it with
	@$(HOTLINE) seed

corpus: setup-dev  ## how various the training sentences are; make corpus FILE=labelled.jsonl looks for copies too
	@.venv/bin/python tools/corpus.py $(FILE)

evaluate: setup-run  ## measure the knowledge base, and the understanding on labelled messages: make evaluate FILE=labelled.jsonl
	@$(HOTLINE) knowledge evaluate
	@$(if $(FILE),$(HOTLINE) evaluate "$(FILE)")

TRAINING := $(if $(filter knowledge,$(FOR)),retrieval,train)
encoder: setup-dev  ## make the bot's sentence encoder anew, or the knowledge base's: make encoder FOR=knowledge (half an hour and more; see tools/encoder/README.md)
	@.tools/uv-*/bin/uv venv -q --allow-existing .tools/encoder && .tools/uv-*/bin/uv pip install -q --python .tools/encoder -r tools/encoder/requirements.txt
	@PYTHONPATH=. .tools/encoder/bin/python tools/encoder/$(TRAINING).py --out .tools/encoder/$(TRAINING).pt
	@.tools/encoder/bin/python tools/encoder/export.py .tools/encoder/$(TRAINING).pt

judgement: setup-dev  ## fit what the knowledge base is sure of, to tools/judgement/questions.jsonl; then make evaluate
	@PYTHONPATH=. .venv/bin/python tools/judgement/fit.py

bench: setup-dev  ## measure: message to reply, orders a second, each beside its baseline
	@.venv/bin/python -m bench

setup-run:
	@$(PYTHON) tools/setup.py run

setup-dev:
	@$(PYTHON) tools/setup.py dev

clean:  ## remove what was installed and built (not var/, which holds the data)
	rm -rf .venv bot/.venv .tools console/node_modules console/dist
