// SPDX-License-Identifier: GPL-2.0-only
/*
 * An allocator of a client's own kind, see ring.h.
 */
#include <linux/string.h>
#include "ring.h"

static u8 memory[RING_CAPACITY] __aligned(SZ_4K);
static struct ring state;

static unsigned int run_find(unsigned int from, unsigned int n, size_t align)
{
	return bitmap_find_next_zero_area(state.map, RING_SLOTS, from, n,
					  align > RING_SLOT ? align / RING_SLOT - 1 : 0);
}

void *ring_alloc(struct nebula_custom *c, size_t size, size_t align)
{
	unsigned int n = DIV_ROUND_UP(size, RING_SLOT), at;

	state.allocs++;
	state.size = size;
	if (state.result)
		return state.result;
	if (size > RING_CAPACITY)
		return NULL;
	at = run_find(state.next, n, align);
	if (at >= RING_SLOTS)
		at = run_find(0, n, align);
	if (at >= RING_SLOTS)
		return NULL;
	bitmap_set(state.map, at, n);
	state.length[at] = n;
	state.next = (at + n) % RING_SLOTS;
	return memory + at * RING_SLOT + state.skew;
}

enum nebula_errc ring_free(struct nebula_custom *c, void *p, size_t size)
{
	unsigned int at = ((u8 *)p - memory) / RING_SLOT;

	state.frees++;
	state.size = size;
	if (state.answer)
		return state.answer;
	if (!state.length[at])
		return test_bit(at, state.map) ? NEBULA_E_MISALIGNED_POINTER : NEBULA_E_DOUBLE_FREE;
	bitmap_clear(state.map, at, state.length[at]);
	state.length[at] = 0;
	return NEBULA_OK;
}

static bool ring_owns(const struct nebula_custom *c, const void *p)
{
	return (const u8 *)p >= memory && (const u8 *)p < memory + sizeof(memory);
}

static size_t ring_capacity(const struct nebula_custom *c)
{
	return sizeof(memory);
}

NEBULA_DEFINE_ALLOCATOR(ring, .kind = "ring", .alloc = ring_alloc, .free = ring_free,
			.owns = ring_owns, .capacity = ring_capacity);

void ring_reset(void)
{
	memset(&state, 0, sizeof(state));
}

struct ring *ring_state(void)
{
	return &state;
}

struct nebula_custom *ring_register(struct kunit *test)
{
	ring_reset();
	KUNIT_ASSERT_EQ(test, nebula_custom_register(&ring, "ring"), 0);
	return &ring;
}
