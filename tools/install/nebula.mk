# SPDX-License-Identifier: GPL-2.0-only
#
# What a module that uses nebula_memory needs to be built: the headers, and the symbols of the
# module that is installed for the kernel it is built for. Include it in the Kbuild of the client,
# or in a Makefile that serves as one:
#
#   obj-m := client.o
#   include /usr/src/nebula-memory/nebula.mk
#
# It works the same after make install, after make dkms-install and with the packages, below a
# DESTDIR, and in a client's own DKMS build. NEBULA_SYMVERS=FILE names the symbols of a module that
# is not installed: Module.symvers in the directory where it was built.

nebula_dir := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
nebula_root := $(patsubst %/usr/src/nebula-memory,%,$(nebula_dir))

# For all directories of the client; an assignment to ccflags-y does not take it away.
subdir-ccflags-y += -I$(nebula_dir)/include

# The kernel's settings are not read when make cleans, and then nothing needs to be installed.
ifeq ($(CONFIG_MODULES),y)

nebula_release := $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"$$/\1/p' $(objtree)/include/generated/utsrelease.h)
nebula_symvers := $(or $(NEBULA_SYMVERS),$(nebula_root)/lib/modules/$(nebula_release)/nebula-memory/Module.symvers)
nebula_abi := $(shell sed -n 's/^.define NEBULA_ABI[[:space:]]*//p' $(nebula_dir)/include/nebula/config.h)

ifeq ($(wildcard $(nebula_symvers)),)
$(error nebula_memory is not installed for kernel $(nebula_release): there is no $(nebula_symvers). \
Install it for that kernel (make install KDIR=..., or dkms install -k $(nebula_release) nebula-memory/VERSION), \
or name the Module.symvers of a build with NEBULA_SYMVERS=FILE)
endif
ifeq ($(shell grep -w nebula_abi_$(nebula_abi) $(nebula_symvers)),)
$(error the headers in $(nebula_dir) have ABI $(nebula_abi), and the nebula_memory of kernel $(nebula_release) has another: \
$(nebula_symvers) has no nebula_abi_$(nebula_abi). Install one version for both)
endif

KBUILD_EXTRA_SYMBOLS += $(nebula_symvers)

endif
