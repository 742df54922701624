# A thin front: every target is a script in scripts/ or a call of meson. `make help` lists them.
BUILD := build
PREFIX ?= /usr/local
export DESTDIR

.PHONY: all demo test test-all install uninstall dist format check-format clean help

all: ## build build/timbang
	@scripts/setup.sh build
	@scripts/build.sh $(BUILD) program
	@echo "$(BUILD)/timbang is ready"

demo: ## install what is missing, build, run a study on the sample data, print its table
	@scripts/setup.sh build
	@scripts/build.sh $(BUILD) program
	@scripts/demo.sh $(BUILD)/timbang $(BUILD)/demo

test: ## set up, build, run all tests
	@scripts/setup.sh test
	@scripts/test.sh $(BUILD)

test-all: test ## also clang, sanitizers, 64-bit ARM under emulation, fuzzers, the tarball in an empty chroot (long)
	@scripts/setup.sh all
	@scripts/test_all.sh

install: ## program, library, header, manual pages, completions below PREFIX (/usr/local), with DESTDIR before it
	@scripts/setup.sh build
	@scripts/install.sh $(BUILD) "$(PREFIX)"

uninstall: ## remove what the last `make install` of this folder wrote
	@ninja -C $(BUILD) uninstall

dist: ## dist/timbang-VERSION-linux-ARCH.tar.gz, one static program
	@scripts/setup.sh build
	@scripts/dist.sh build-static

format: ## clang-format every C file
	@scripts/format.sh write

check-format:
	@scripts/format.sh check

clean: ## remove everything that was built
	rm -rf $(BUILD) build-* dist

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
