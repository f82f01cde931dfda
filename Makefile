# SPDX-License-Identifier: GPL-2.0-only
#
# What a person does with this tree; how the module is built is in Kbuild. `make help` lists it all.
#
# KDIR is the only kernel switch: the build tree of the kernel to build for.

KDIR ?= /lib/modules/$(shell uname -r)/build
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' dkms.conf)
# What the scripts of tools/install/ are told; a DESTDIR may have blanks in it. KDIR means another
# thing to those of tools/vm/ when it is in their environment.
export DESTDIR RELEASE ALL KERNELS
install uninstall dkms-install dkms-uninstall kdir: export KDIR := $(KDIR)

KBUILD = $(MAKE) -C $(KDIR) M=$(CURDIR)

.DEFAULT_GOAL := modules
.PHONY: modules nebulactl install-tools demo samples port trace check kunit matrix lint litmus abi docs bench bench-docs bench-compare install uninstall dkms-install dkms-uninstall clean distclean help kdir install-test deb release

modules: kdir ## build nebula_memory.ko in this tree for the kernel of KDIR
	@$(KBUILD) modules

nebulactl: ## build nebulactl, which shows what allocators do, in build/nebulactl
	@tools/nebulactl/prepare.sh
	@$(MAKE) --no-print-directory -C tools/nebulactl all

demo: ## boot the distribution's kernel in QEMU and show the module at work; V=1: all of it
	@tools/vm/prepare.sh stock
	@tools/vm/build.sh stock
	@tools/vm/run.sh stock demo.sh $(if $(filter 1,$(V)),--show,--story tools/demo/story) -- \
		tools/demo/requests.txt
	@tools/nebulactl/demo.sh build/logs/stock-demo.log

samples: ## boot the distribution's kernel in QEMU, run each sample and show what it prints
	@tools/vm/prepare.sh stock
	@tools/vm/build.sh stock
	@tools/vm/run.sh stock samples.sh --show -- tools/samples/expected

check: ## run everything: lint, harness, KUnit on two kernels, demo, samples
	@tools/check.sh

.PHONY: check-full mutants coverage caught
check-full: ## check, and all that takes longer: torture, mutants, coverage, peers; goes on where it was
	@tools/check-full.sh

mutants: ## break the sources in seeded ways, one at a time, and count what the tests notice; MINUTES=M
	@tools/mutants/mutants.sh $(if $(MINUTES),--minutes $(MINUTES)) $(if $(QUICK),--quick)

caught: ## the tables of kunit/README.md out of the tests, and of the last mutants and coverage
	@tools/caught.sh

coverage: ## lines and branches of module/ that the KUnit suites execute, by file
	@tools/coverage/coverage.sh

kunit: KERNEL ?= uml
kunit: ## run the KUnit suites; KERNEL=uml (seconds) or debug (KASAN, lockdep, kmemleak)
	@tools/vm/prepare.sh $(KERNEL)
	@tools/vm/build.sh $(KERNEL)
	@tools/vm/run.sh $(KERNEL) kunit.sh

matrix: ## build for and boot every supported kernel; KERNELS="NAME...": those of tools/matrix/rows.txt
	@tools/matrix/matrix.sh

lint: ## all warnings on all kernels, checkpatch, sparse, kernel-doc, shellcheck, own rules
	@tools/lint/lint.sh

trace: ## run the bpftrace scripts of tools/trace/ beside the demo, in the stock kernel's guest
	@tools/trace/trace.sh

port: ## port the kernel's XArray to a pool, step by step, and run the kernel's own test on it
	@tools/port/port.sh

litmus: ## have herd7 search the kernel's memory model for orders in which the lock-free code goes wrong
	@tools/litmus/litmus.sh

abi: ## pin the layout of what clients compile in to NEBULA_ABI, after raising it
	@tools/lint/abi.sh

bench: ## measure against the kernel's own allocators, in the same boot; HOST=1: in the running kernel
	@tools/bench/$(if $(HOST),host,bench).sh

docs: ## man pages of all that a client may call, in build/man
	@tools/docs/man.sh

bench-docs: ## the README's figures and charts out of those of the last make bench
	@tools/bench/docs.sh

bench-compare: ## what became slower or faster since OLD=bench.json, by instructions
	@tools/bench/compare.sh "$(OLD)"

install: modules ## install the module for the kernel of KDIR, and what clients are built with
	@tools/install/install.sh

install-tools: nebulactl ## install nebulactl, its man page and completions; PREFIX=/usr/local
	@$(MAKE) --no-print-directory -C tools/nebulactl install

uninstall: ## undo install, without headers too; RELEASE=...: another kernel; ALL=1: every kernel
	@tools/install/uninstall.sh

dkms-install: ## let dkms build and install it, for the kernel of KDIR and every later one
	@tools/install/dkms_install.sh

dkms-uninstall: ## undo dkms-install
	@tools/install/dkms_uninstall.sh

install-test: ## install packages in a throw-away copy of this system, and boot what they installed
	@tools/install/boot_test.sh

deb: ## make Debian packages in build/deb: nebula-memory-dkms, -dev, and -tools
	@tools/package/deb.sh

release: ## make a tarball of the last commit in build/release, which builds offline
	@tools/package/release.sh

clean: ## delete what was built in this tree
	@if [ -e "$(KDIR)/Makefile" ]; then $(KBUILD) clean; fi
	rm -rf build

distclean: clean ## clean, and delete the downloaded and built kernels too
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/nebula-memory"

help: ## print this
	@echo 'nebula_memory $(VERSION), region allocators for kernel modules'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  KDIR=DIR         the kernel to build for; else $(KDIR)'
	@echo '  KERNEL_SRC=DIR   a linux 7.x source tree for kunit, lint and check, in place of a download'
	@echo '  Kernels and downloads are kept in $${XDG_CACHE_HOME:-~/.cache}/nebula-memory,'
	@echo '  output of this tree in build/.'

kdir:
	@CC='$(if $(filter default,$(origin CC)),,$(CC))' LLVM='$(LLVM)' tools/install/kernel_check.sh
