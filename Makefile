# make run      set up and start the server
# make install  set up only: the program is then .venv/bin/gorizont
# make client   build the web client, where its sources have changed
# make test     set up, install the peers that the tests talk to, and run all tests
# make fast     compile the hot path to machine code (needs a C compiler); `make slow` goes back
# make clean    remove everything that was made here, but no data
#
# PYTHON=python3.12 chooses another interpreter.

VENV := .venv
CLIENT := web/client/dist/index.html
CLIENT_SOURCES := $(shell find web/client -type f -not -path '*/node_modules/*' -not -path '*/dist/*')
SETUP := sh config/setup.sh $(VENV)

.PHONY: run install client test peers fast slow clean

run: install
	@$(VENV)/bin/gorizont serve

install: $(VENV)/installed $(CLIENT)

client: $(CLIENT)

$(VENV)/installed: pyproject.toml config/setup.sh
	@$(SETUP) "$(PYTHON)"
	@touch $@

$(CLIENT): $(VENV)/installed $(CLIENT_SOURCES)
	@echo "building the web client ..."
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[client]'
	@$(VENV)/bin/python -m config.client
	@touch $@

$(VENV)/tested: $(VENV)/installed
	@echo "installing what the tests need ..."
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

peers: $(VENV)/installed
	@sh tests/support/install_peers.sh $(VENV)

test: $(VENV)/tested $(CLIENT) peers
	$(VENV)/bin/pytest --numprocesses auto --ignore tests/interop --ignore tests/browser
	$(VENV)/bin/pytest --numprocesses 4 --dist loadfile tests/interop
	$(VENV)/bin/pytest tests/browser

fast: $(VENV)/installed
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[fast]'
	$(VENV)/bin/python -m config.compiling

slow: $(VENV)/installed
	$(VENV)/bin/python -m config.compiling --clean

clean:
	rm -rf web/client/node_modules web/client/dist
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find sip pbx -name '*.so' -delete
	rm -f *__mypyc*.so
