/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose code an address is, and what it is called. */
#ifndef _NEBULA_MODULE_ERROR_SYMBOLS_H
#define _NEBULA_MODULE_ERROR_SYMBOLS_H

#include <linux/types.h>

struct module;

#define NEBULA_SYMBOL_SIZE	128

const char *nebula_symbol(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr, u64 time_ns);
void nebula_symbols_keep(const struct module *gone);

/* Whose code a call stack ran through. */
enum nebula_code {
	NEBULA_CODE_KERNEL,	/* the kernel's, or ours */
	NEBULA_CODE_LIVE,	/* of a module that is there */
	NEBULA_CODE_GONE,	/* of a module that was unloaded, or just is */
	NEBULA_CODE_UNKNOWN,	/* cannot be told */
};

int nebula_modules_coming(struct module *mod);
void nebula_modules_live(struct module *mod);
void nebula_modules_going(struct module *mod);
enum nebula_code nebula_modules_whose(unsigned long addr, u64 oldest_ns, u64 newest_ns);
bool nebula_modules_symbol(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr, u64 time_ns,
			   bool *is_later);
u64 nebula_modules_since(const struct module *mod);
void nebula_modules_exit(void);

#endif /* _NEBULA_MODULE_ERROR_SYMBOLS_H */
