// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interruption at each instruction of a function, see probes.h.
 */
#include "probes.h"

#ifdef HAVE_PROBES

#include <linux/hw_breakpoint.h>
#include <linux/kallsyms.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/debugreg.h>

#define POINTS_MAX	4096

/* What the kernel's symbol table says of an address. */
struct symbol {
	char text[KSYM_SYMBOL_LEN];	/* "name+0xoffset/0xsize [module]" */
	unsigned long start;		/* where the function begins */
	unsigned long end;		/* and where the next one does */
	const char *module;		/* in @text */
};

static bool symbol_of(struct symbol *s, unsigned long addr)
{
	unsigned long offset, size;
	char *plus;

	sprint_symbol(s->text, addr);
	plus = strchr(s->text, '+');
	s->module = strchr(s->text, '[');
	if (!plus || !s->module || sscanf(plus, "+0x%lx/0x%lx", &offset, &size) != 2)
		return false;
	s->start = addr - offset;
	s->end = s->start + size;
	return true;
}

unsigned int probes_functions(const void *inside, unsigned long *functions, unsigned int max)
{
	static struct symbol here, next;
	unsigned int n = 0;

	if (!symbol_of(&here, (unsigned long)inside))
		return 0;
	while (symbol_of(&next, here.start - 1) && !strcmp(next.module, here.module))
		here.start = next.start;
	for (next.end = here.start; n < max; n++) {
		if (!symbol_of(&next, next.end) || strcmp(next.module, here.module))
			break;
		functions[n] = next.start;
	}
	return n;
}

unsigned long probes_function(const void *inside, const char *name, unsigned int skip)
{
	static unsigned long functions[FUNCTIONS_MAX];
	static struct symbol symbol;
	unsigned int n = probes_functions(inside, functions, FUNCTIONS_MAX), i;

	for (i = 0; i < n; i++)
		if (symbol_of(&symbol, functions[i]) &&
		    str_has_prefix(symbol.text, name) == strcspn(symbol.text, "+") && !skip--)
			return functions[i];
	return 0;
}

unsigned int probes_size(unsigned long function)
{
	static struct symbol symbol;

	return symbol_of(&symbol, function) ? symbol.end - symbol.start : 0;
}

/* With a handler after the instruction a probe is never turned into a jump: it stays a trap. */
static void nothing_after(struct kprobe *kp, struct pt_regs *regs, unsigned long flags)
{
}

static int probe_create(struct probes *ps, unsigned long addr, kprobe_pre_handler_t handler)
{
	struct kprobe *kp = &ps->points[ps->n].kp;
	int err;

	*kp = (struct kprobe){
		.addr = (kprobe_opcode_t *)addr,
		.pre_handler = handler,
		.post_handler = nothing_after,
		.flags = KPROBE_FLAG_DISABLED,
	};
	err = register_kprobe(kp);
	if (!err)
		ps->list[ps->n++] = kp;
	return err;
}

static void probes_init(struct kunit *test, struct probes *ps)
{
	*ps = (struct probes){
		.points = vzalloc(array_size(POINTS_MAX, sizeof(*ps->points))),
		.list = vzalloc(array_size(POINTS_MAX, sizeof(*ps->list))),
	};
	KUNIT_ASSERT_NOT_NULL(test, ps->points);
	KUNIT_ASSERT_NOT_NULL(test, ps->list);
}

void probes_create_entries(struct kunit *test, struct probes *ps, const unsigned long *functions,
			   unsigned int n, kprobe_pre_handler_t handler)
{
	unsigned int i;

	probes_init(test, ps);
	for (i = 0; i < n && ps->n < POINTS_MAX; i++)
		ps->refused += !!probe_create(ps, functions[i], handler);
}

void probes_create(struct kunit *test, struct probes *ps, unsigned long function,
		   kprobe_pre_handler_t handler)
{
	static struct symbol symbol;
	unsigned long addr;
	int err;

	probes_init(test, ps);
	if (!symbol_of(&symbol, function))
		return;
	for (addr = symbol.start; addr < symbol.end && ps->n < POINTS_MAX;) {
		err = probe_create(ps, addr, handler);
		/* -EILSEQ: in the middle of an instruction. */
		ps->refused += err && err != -EILSEQ;
		addr += err ? 1 : ps->list[ps->n - 1]->ainsn.size;
	}
}

void probes_destroy(struct probes *ps)
{
	if (ps->n)
		unregister_kprobes(ps->list, ps->n);
	vfree(ps->points);
	vfree(ps->list);
}

static struct perf_event_attr breakpoint_at(unsigned long addr)
{
	struct perf_event_attr attr;

	hw_breakpoint_init(&attr);
	attr.bp_addr = addr;
	attr.bp_len = sizeof(long);	/* what a breakpoint on execution needs */
	attr.bp_type = HW_BREAKPOINT_X;
	return attr;
}

void breakpoints_create(struct kunit *test, struct breakpoints *bs, unsigned long addr,
			perf_overflow_handler_t handler)
{
	struct perf_event_attr attr;
	unsigned int i;

	for (i = 0; i < BREAKPOINTS; i++) {
		attr = breakpoint_at(addr + i);
		bs->events[i] = perf_event_create_kernel_counter(&attr, raw_smp_processor_id(),
								 NULL, handler, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(bs->events[i]));
	}
}

/* All of the processor's breakpoints are ours, so behind the kernel's back: that is much faster. */
void breakpoints_move(struct breakpoints *bs, unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < BREAKPOINTS; i++)
		set_debugreg(addr + i, i);
}

void breakpoints_destroy(struct breakpoints *bs)
{
	unsigned int i;

	for (i = 0; i < BREAKPOINTS; i++)
		perf_event_release_kernel(bs->events[i]);
}

#endif
