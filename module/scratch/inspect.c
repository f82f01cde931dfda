// SPDX-License-Identifier: GPL-2.0-only
/*
 * What debugfs shows of scratch memory: live objects, a map, validation. Process context.
 *
 * No user waits for the reader: a CPU that is at work is read again, or called busy.
 */
#include <linux/cpumask.h>
#include <linux/slab.h>
#include "../debugfs/map.h"
#include "priv.h"

/* What is in a CPU's part. */
struct cpu_state {
	unsigned int objects;	/* in use */
	size_t bytes;		/* of them, padding and words included */
	const char *fault;	/* what is wrong with the oldest that could be reached, or NULL */
	const void *at;		/* with which */
};

/* Racy: changes are not followed. False when something has changed. */
static bool inspect_cpu(const struct nebula_scratch *s, const struct nebula_scratch_cpu *c,
			struct cpu_state *l)
{
	const unsigned long top = READ_ONCE(c->cur);
	unsigned long cur = top;
	struct scratch_object o;
	const char *what;
	const void *bad;

	*l = (struct cpu_state){ .bytes = top - c->start };
	while (cur > c->start) {
		if (!scratch_read(c, cur, &o)) {
			l->fault = "word behind it overwritten";
			l->at = (void *)cur;
			break;
		}
		l->objects++;
		what = scratch_is_guarded(s) ? nebula_guard_fault(&s->common, (void *)o.base,
								  o.words - o.base) : NULL;
		if (what) {
			l->fault = what;
			l->at = (void *)o.base;
		}
		cur = o.from;
	}
	bad = l->fault ? NULL : nebula_guard_find_overwrite(&s->common, (void *)top, c->end - top);
	if (bad) {
		l->fault = "written while free";
		l->at = bad;
	}
	return READ_ONCE(c->cur) == top;
}

/*
 * Objects in use: counted from the newest down, up to a word that was overwritten. A get that is in
 * flight has not written its word yet, so a reader may see other objects below it than there are.
 * Any context.
 */
unsigned int scratch_live(const struct nebula_scratch_cpu *c)
{
	unsigned long cur = READ_ONCE(c->cur);
	struct scratch_object o;
	unsigned int live;

	for (live = 0; cur > c->start && scratch_read(c, cur, &o); live++)
		cur = o.from;
	return live;
}

void scratch_render_live(struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_scratch *s = scratch_of(a);
	struct cpu_state l;
	int cpu;

	nebula_text_printf(t, "%5s %8s %12s %12s %12s\n", "cpu", "objects", "bytes", "peak",
			   "gets");
	for_each_possible_cpu(cpu) {
		const struct nebula_scratch_cpu *c = per_cpu_ptr(s->cpus, cpu);

		if (!inspect_cpu(s, c, &l))
			nebula_text_printf(t, "%5d %8s %12s", cpu, "busy", "-");
		else
			nebula_text_printf(t, "%5d %8u %12zu", cpu, l.objects, l.bytes);
		nebula_text_printf(t, " %12zu %12lu\n", scratch_peak(c), READ_ONCE(c->allocs));
	}
}

/* A row for each CPU. */
void scratch_render_map(struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_scratch *s = scratch_of(a);
	struct nebula_map *m = nebula_map_create(t);
	size_t used, peak;
	int cpu;

	if (!m)
		return;
	nebula_text_printf(t, NEBULA_MAP_LEGEND "  - used before  . never\n");
	for_each_possible_cpu(cpu) {
		const struct nebula_scratch_cpu *c = per_cpu_ptr(s->cpus, cpu);

		nebula_map_begin(m, c->end - c->start, 1);
		used = scratch_used(c);
		peak = max(scratch_peak(c), used);
		nebula_map_use(m, 0, peak);
		nebula_map_hold(m, used, peak - used);
		nebula_text_printf(t, "cpu %d: ", cpu);
		nebula_map_render(m, "bytes", t);
	}
	kvfree(m);
}

/*
 * Whether everything is intact. A CPU that is at work is read again, and passed over if that
 * goes on. Process context. Returns CPUs at fault.
 */
int scratch_validate(struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_scratch *s = scratch_of(a);
	unsigned int faults = 0, retries;
	struct cpu_state l;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct nebula_scratch_cpu *c = per_cpu_ptr(s->cpus, cpu);
		const unsigned long allocs = READ_ONCE(c->allocs);

		/* A fault counts if it is still there, and the CPU has not allocated since. */
		for (retries = 0; retries < 2; retries++)
			if (!inspect_cpu(s, c, &l) || !l.fault || READ_ONCE(c->allocs) != allocs)
				break;
		if (retries < 2)
			continue;
		faults++;
		if (t)
			nebula_text_printf(t, "cpu %d, object at %p: %s\n", cpu, l.at, l.fault);
	}
	return faults;
}
