/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interruption at each instruction of a function. A trap is an NMI to all who ask, and there are
 * two ways to have one: probes, which take a patch of the text each, and hardware breakpoints, of
 * which there are few, but which need not be told where an instruction begins. Neither nests in
 * itself; each nests in the other.
 *
 * Only where the kernel has both.
 */
#ifndef _NEBULA_KUNIT_PROBES_H
#define _NEBULA_KUNIT_PROBES_H

#include <kunit/test.h>
#include <linux/kprobes.h>
#include <linux/perf_event.h>

#if defined(CONFIG_KPROBES) && defined(CONFIG_HAVE_HW_BREAKPOINT) && defined(CONFIG_X86_64)
#define HAVE_PROBES	1
#endif

/* More functions than a module has. */
#define FUNCTIONS_MAX	1024

/* Addresses that one set of breakpoints covers: as many as the processor has breakpoints. */
#define BREAKPOINTS	4U

/* An instruction that is interrupted while the probe is enabled. */
struct probe {
	struct kprobe kp;	/* the kernel's part */
	unsigned int hits;	/* for the handler's use */
};

/* Probes, all disabled at first. */
struct probes {
	struct probe *points;	/* the probes, in order of their addresses */
	struct kprobe **list;	/* their kernel's parts */
	unsigned int n;		/* how many */
	/* addresses where the kernel wants none, though an instruction may begin there */
	unsigned int refused;
};

static inline struct probe *probe_of(struct kprobe *kp)
{
	return container_of(kp, struct probe, kp);
}

/* Addresses of the functions of the module that has @inside; at most @max: how many. */
unsigned int probes_functions(const void *inside, unsigned long *functions, unsigned int max);
/* The function of that module that has this name, after @skip others that do; 0 without any. */
unsigned long probes_function(const void *inside, const char *name, unsigned int skip);
/* Bytes of a function. */
unsigned int probes_size(unsigned long function);

/* A probe at the first instruction of each function. */
void probes_create_entries(struct kunit *test, struct probes *ps, const unsigned long *functions,
			   unsigned int n, kprobe_pre_handler_t handler);
/* A probe at each instruction of one function. */
void probes_create(struct kunit *test, struct probes *ps, unsigned long function,
		   kprobe_pre_handler_t handler);
void probes_destroy(struct probes *ps);

/* Hardware breakpoints of this CPU. */
struct breakpoints {
	struct perf_event *events[BREAKPOINTS];	/* the breakpoints */
};

/* At @addr and the addresses after it; they are off while a handler runs. */
void breakpoints_create(struct kunit *test, struct breakpoints *bs, unsigned long addr,
			perf_overflow_handler_t handler);
void breakpoints_move(struct breakpoints *bs, unsigned long addr);
void breakpoints_destroy(struct breakpoints *bs);

#endif /* _NEBULA_KUNIT_PROBES_H */
