# Every command brings what it needs by itself; see `make help`.

# The system's Python when it is new enough: what is built on it serves everybody.
PYTHON := $(shell for p in /usr/bin/python3 python3 python3.14 python3.13 python3.12 \
	python3.11; do "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo "$$p" && break; done)
ifeq ($(PYTHON),)
$(error Python 3.11 or newer is needed: install it, then start again)
endif

define HELP
make demo        Odoo with the addon and a fake PBX; prints `ready`, serves until Ctrl-C
                 (ODOO_PORT=8069 SANDBOX_PORT=8070 DB=cloud_pbx_demo);
                 PBX=asterisk: with a real Asterisk (DB=cloud_pbx_demo_asterisk),
                 PBX=beeline: a look-alike of Beeline (DB=cloud_pbx_demo_beeline)
make test        every test; T="dev/unit tests/test_call.py::TestCall" runs a part;
                 DIST=1: those inside Odoo, from the zip of make dist;
                 DIST=pbx: all of those, with the look-alikes of PBXs beside the zip
make lint        every check of the code
make dist        a release of the last commit: a zip and a wheel, in dist/
make bench       the benchmarks
make chaos       kill whatever can be killed while calls come in (C_ROUNDS=100 C_SEED=...)
make stop        stop this checkout's demos and database server
make clean       that, and delete its databases and logs
make distclean   delete the whole cache: Odoo, the Python packages, everything

Everything is brought by the commands themselves, into the folder CLOUD_PBX_CACHE (for
root /var/cache/cloud-pbx, else ~/.cache/cloud-pbx). ODOO_SRC=<folder> uses your own
checkout of Odoo 19.0. `dev/run` runs Odoo, psql, pytest and other tools by hand.
endef

.PHONY: help demo test lint dist bench chaos stop clean distclean
help:
	$(info $(HELP))
	@:

# It ends with make, even if make is killed.
demo:
	@setpriv --pdeathsig TERM $(PYTHON) dev/demo

# T, B and the others reach the scripts through the environment.
test:
	@$(PYTHON) dev/test

lint:
	@$(PYTHON) dev/lint

dist:
	@$(PYTHON) dev/dist

bench:
	@$(PYTHON) dev/run python dev/bench/run

chaos:
	@$(PYTHON) dev/run python dev/chaos

stop clean distclean:
	@$(PYTHON) dev/down $@
