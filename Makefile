# Every target does its own set-up: `make demo` and `make test` work in a fresh clone.
#
#   make demo                the main job: attack the shipped model, tables and pictures in demo-output/
#   make gui                 the desktop app; GUI_ARGS="street.png --theme dark" are its arguments
#   make test                lint, types, import contracts, all tests
#   make quick               the same without the tests marked slow
#   make demo TORCH=cpu      on Linux without a GPU: the small CPU build of PyTorch
#   make demo TORCH=cu126    a particular CUDA build; without TORCH, whatever pip chooses

PYTHON ?= python3
TORCH  ?= default
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

# That index mirrors few versions of what torch depends on, so those come from PyPI with the rest.
TORCH_INDEX := $(if $(filter-out default,$(TORCH)),--no-deps --index-url https://download.pytorch.org/whl/$(TORCH))

.PHONY: demo gui pictures test quick lint types imports pytest stubs format clean
.DELETE_ON_ERROR:

demo: $(VENV)/.core
	$(BIN)/art-segplugin demo --out demo-output

gui: $(VENV)/.gui
	$(BIN)/art-segplugin gui $(GUI_ARGS)

# The pictures in the README, made by the code that it describes.
pictures: demo $(VENV)/.dev
	$(BIN)/art-segplugin evaluate --model small-scenes-segpgd --split test --count 3 \
		--attack segpgd-20 --eps 4/255 --pictures 3 --out robust-output
	$(BIN)/art-segplugin models get selfie
	mkdir -p selfie-output
	$(BIN)/python -c "from PIL import Image; import skimage.data as d; \
		Image.fromarray(d.astronaut()).save('selfie-output/astronaut.png')"
	$(BIN)/art-segplugin attack selfie-output/astronaut.png --model selfie --attack cospgd --eps 8/255 \
		--out selfie-output
	$(BIN)/python tools/readme_pictures.py

test: lint types imports pytest

quick: PYTEST_ARGS += -m 'not slow'
quick: lint types imports pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

# One thread a worker: two processes with two threads each only fight over the cores.
pytest: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile $(PYTEST_ARGS)

# Type stubs and the table of attacks, made from the attacks' specifications.
stubs: $(VENV)/.dev
	$(BIN)/python tools/make_stubs.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.torch: constraints.txt tools/system_packages.sh
	sh tools/system_packages.sh $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet torch $(TORCH_INDEX)
	touch $@

$(VENV)/.core: $(VENV)/.torch pyproject.toml
	$(PIP) install --quiet -e '.[video]'
	$(PIP) install --quiet --no-deps torchattacks  # its pins would downgrade requests and urllib3
	touch $@

$(VENV)/.gui: $(VENV)/.core
	sh tools/system_packages.sh $(PYTHON) gui
	$(PIP) install --quiet -e '.[gui]'
	touch $@

$(VENV)/.dev: $(VENV)/.core
	sh tools/system_packages.sh $(PYTHON) offscreen  # the tests of the app open no window
	$(PIP) install --quiet torchvision $(TORCH_INDEX)  # from the same index as torch
	$(PIP) install --quiet -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo-output robust-output selfie-output .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
