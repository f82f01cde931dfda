// SPDX-License-Identifier: GPL-2.0-only
/*
 * User side of the cycles table: a process in which nebula_memory and the benchmark run as they
 * were compiled for the kernel.
 *
 * Per-CPU data is addressed relative to %gs, so %gs points to memory that stands for a CPU: the
 * first, but for the row that takes two. What the module calls of the kernel on the rows' way is
 * here: memory that is never given back, and functions that have nothing to do with one CPU and
 * no interrupts. All other symbols of the kernel stay unresolved; a row that reached one would
 * crash, and so be noticed.
 *
 * Compiled with -mincoming-stack-boundary=3: kernel code keeps the stack aligned to 8 bytes only.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cycles.h"

#define PAGE		4096UL
#define PAGE_SHIFT	12

/* Per-CPU data: what the compiler placed is below the program's end, what is allocated above it. */
#define CPU_BASE	0x100000000UL
#define CPU_SIZE	(64UL << 20)
#define CPU_DYNAMIC	(32UL << 20)
#define CPUS		2

/* All that is allocated; page structures are only addresses, computed from where memory begins. */
#define MEMORY_SIZE	0x40000000UL
#define PAGE_STRUCTS	0x200000000UL
#define PAGE_STRUCT	64UL

/* Preemption on, no need to reschedule; that bit is inverted, so the count never reaches zero. */
#define PREEMPT_COUNT	0x80000000

/* Variables of the kernel that the objects refer to. */
unsigned long __stack_chk_guard, __ref_stack_chk_guard;
unsigned long page_offset_base, vmemmap_base = PAGE_STRUCTS;
unsigned long __per_cpu_offset[64] = { CPU_BASE, CPU_BASE + CPU_SIZE };
unsigned long __default_kernel_pte_mask = ~0UL, sme_me_mask, _totalram_pages = 1UL << 20, jiffies;
unsigned long __cpu_online_mask[128] = { 3 }, __cpu_possible_mask[128] = { 3 };
unsigned long node_states[8][16] = { { 1 }, { 1 }, { 1 }, { 1 }, { 1 } };
unsigned int nr_cpu_ids = CPUS;
int __num_online_cpus = CPUS;
void *kmalloc_caches[8][16];
void *system_wq, *system_unbound_wq;
char __this_module[4096];
unsigned char _ctype[256] = { ['0' ... '9'] = 4, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 2 };

/* Of these only the addresses count: they are read relative to %gs. */
unsigned long this_cpu_off;
int __preempt_count, cpu_number, numa_node;
void *current_task;

/* Of the linker: initialised data. */
extern char data_start[], edata[];

static char task[CPUS][64 << 10];
static char *memory, *memory_end;
static unsigned long cpu_next = CPU_DYNAMIC;

/* What the compiler makes calls of, and what is patched at boot. */
__asm__(".globl __fentry__\n__fentry__: ret\n"
	".globl __x86_return_thunk\n__x86_return_thunk: ret\n"
	".globl __SCT__cond_resched\n__SCT__cond_resched: ret\n"
	".globl __SCT__might_resched\n__SCT__might_resched: ret\n"
	".globl __SCT__preempt_schedule\n__SCT__preempt_schedule: ret\n"
	".globl __SCT__preempt_schedule_notrace\n__SCT__preempt_schedule_notrace: ret\n"
	".irp r, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15\n"
	".globl __x86_indirect_thunk_\\r\n__x86_indirect_thunk_\\r: jmp *%\\r\n"
	".endr\n"
	".globl __sw_hweight64\n__sw_hweight64: popcnt %rdi, %rax\n\tret\n"
	"host_flags: mov $0x200, %eax\n\tret\n");

/* Asking for the interrupt flag goes through this table; it always reads as set. */
extern char host_flags[];
void *pv_ops[128];

/* What has nothing to do for one CPU, or nothing that a row waits for: returns 0. */
__asm__(".irp f, "
	"kfree, kvfree, vfree, free_percpu, __free_pages, free_pages_exact, split_page, "
	"is_vmalloc_addr, mutex_lock, mutex_unlock, __mutex_init, down_read, up_read, "
	"_raw_spin_lock_irqsave, _raw_spin_unlock_irqrestore, _raw_spin_lock_irq, "
	"_raw_spin_unlock_irq, kvfree_call_rcu, __init_swait_queue_head, "
	"__rcu_read_lock, __rcu_read_unlock, synchronize_rcu, rcu_barrier, call_rcu, "
	"cpus_read_lock, cpus_read_unlock, kick_all_cpus_sync, flush_work, "
	"cancel_work_sync, cancel_delayed_work_sync, init_timer_key, queue_work_on, "
	"queue_delayed_work_on, work_busy, irq_work_queue, irq_work_sync, "
	"smp_call_function_single, debugfs_create_file, debugfs_remove, "
	"stack_trace_save, sched_clock_cpu, llist_add_batch, module_put, get_random_u32, "
	"__cpuhp_setup_state"
	"\n.globl \\f\n\\f:\n.endr\n"
	"xor %eax, %eax\n\tret\n");

static void *carve(unsigned long size, unsigned long align)
{
	char *p = (char *)(((uintptr_t)memory + align - 1) & ~(align - 1));

	if (size > (unsigned long)(memory_end - p)) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	memory = p + size;
	return p;
}

static unsigned long pages_of(unsigned long size)
{
	return (size + PAGE - 1) & -PAGE;
}

void *__kmalloc(unsigned long size, unsigned int gfp)
{
	return carve(size, size >= PAGE ? PAGE : 64);
}

void *kmalloc_trace(void *cache, unsigned int gfp, unsigned long size)
{
	return __kmalloc(size, gfp);
}

void *__kmalloc_node(unsigned long size, unsigned int gfp, int node)
{
	return __kmalloc(size, gfp);
}

void *kvmalloc_node(unsigned long size, unsigned int gfp, int node)
{
	return __kmalloc(size, gfp);
}

void *kmemdup(const void *p, unsigned long size, unsigned int gfp)
{
	return memcpy(__kmalloc(size, gfp), p, size);
}

void *vmalloc_huge(unsigned long size, unsigned int gfp)
{
	return carve(pages_of(size), PAGE);
}

/* The pages carry nothing yet, so other memory does as well. */
void *vmap(void **pages, unsigned int n, unsigned long flags, unsigned long protection)
{
	return carve(n * PAGE, PAGE);
}

void *__alloc_pages(unsigned int gfp, unsigned int order, int node, void *mask)
{
	char *p = carve(PAGE << order, PAGE << order);

	return (void *)(PAGE_STRUCTS + ((uintptr_t)p - page_offset_base) / PAGE * PAGE_STRUCT);
}

void *__alloc_percpu_gfp(unsigned long size, unsigned long align, unsigned int gfp)
{
	unsigned long at = (cpu_next + align - 1) & -align;

	cpu_next = at + size;
	return cpu_next <= CPU_SIZE ? (void *)at : NULL;
}

void *__alloc_percpu(unsigned long size, unsigned long align)
{
	return __alloc_percpu_gfp(size, align, 0);
}

/* Only the uptime of an allocator would tell. */
unsigned long ktime_get_with_offset(int which)
{
	return 1;
}

static unsigned long find_bit(const unsigned long *map, unsigned long size, unsigned long i)
{
	while (i < size && !(map[i / 64] >> i % 64 & 1))
		i++;
	return i;
}

unsigned long _find_first_bit(const unsigned long *map, unsigned long size)
{
	return find_bit(map, size, 0);
}

unsigned long _find_next_bit(const unsigned long *map, unsigned long size, unsigned long from)
{
	return find_bit(map, size, from);
}

void __bitmap_set(unsigned long *map, unsigned int from, int n)
{
	for (; n > 0; n--, from++)
		map[from / 64] |= 1UL << from % 64;
}

int __bitmap_weight(const unsigned long *map, unsigned int bits)
{
	unsigned int i, weight = 0;

	for (i = 0; i < bits; i++)
		weight += map[i / 64] >> i % 64 & 1;
	return weight;
}

long strscpy(char *to, const char *from, unsigned long size)
{
	return snprintf(to, size, "%s", from);
}

/* As where debugfs is off. */
void *debugfs_create_dir(const char *name, void *parent)
{
	return (void *)-19L;
}

long try_module_get(void)
{
	return 1;
}

long __list_add_valid(void)
{
	return 1;
}

long __list_del_entry_valid(void)
{
	return 1;
}

int _printk(const char *fmt, ...)
{
	return 0;
}

void host_figure(const struct host_row *row, unsigned long hundredths)
{
	printf("noun=%s name=%s error=0 cycles=%lu cycles_target=%d ", row->noun, row->name,
	       hundredths, row->target ? 100 * (int)row->target : -1);
	printf("target=-1 kind=cycles by=%s variant=%s title=%s\n", row->by, row->variant,
	       row->title);
	fflush(stdout);
}

int host_has_avx2(void)
{
	return !!__builtin_cpu_supports("avx2");
}

int host_has_avx512(void)
{
	return !!__builtin_cpu_supports("avx512f");
}

/* The kernel's, where the CPU has fast strings. */
__asm__(".globl memcpy\nmemcpy: mov %rdi, %rax\n\tmov %rdx, %rcx\n\trep movsb\n\tret\n");

/*
 * A section of the kernel in a task that comes from user space with vectors in use: all is saved,
 * and restored on its way back.
 */
static char registers[4096] __attribute__((aligned(64)));

/* x87, SSE, AVX and AVX-512. */
#define REGISTERS	0xe7

void kernel_fpu_begin_mask(unsigned int mask)
{
	__asm__ volatile("xsavec64 %0" : "=m" (registers) : "a" (REGISTERS), "d" (0) : "memory");
}

void kernel_fpu_end(void)
{
	__asm__ volatile("xrstor64 %0" : : "m" (registers), "a" (REGISTERS), "d" (0) : "memory");
}

/* As irq_fpu_usable() of a task. */
char irq_fpu_usable(void)
{
	return 1;
}

int cpu_has_xfeatures(unsigned long mask, const char **name)
{
	return 1;
}

/* The C library's allocator, as a peer without per-CPU data. */
void host_malloc_pairs(unsigned int n)
{
	void *p;

	for (; n; n--) {
		p = malloc(64);
		__asm__ volatile("" : : "r" (p) : "memory");
		free(p);
	}
}

/* From now on this thread is that CPU. */
void host_become(unsigned int cpu)
{
	syscall(SYS_arch_prctl, ARCH_SET_GS, __per_cpu_offset[cpu]);
}

static void init_cpu(unsigned int cpu)
{
	char *base = (char *)__per_cpu_offset[cpu];

	/* Per-CPU variables begin as what they were compiled to be, as a loaded module's do. */
	memcpy(base + (uintptr_t)data_start, data_start, edata - data_start);
	*(unsigned long *)(base + (uintptr_t)&this_cpu_off) = (unsigned long)base;
	*(int *)(base + (uintptr_t)&__preempt_count) = PREEMPT_COUNT;
	*(int *)(base + (uintptr_t)&cpu_number) = cpu;
	*(void **)(base + (uintptr_t)&current_task) = task[cpu];
}

static int by_size(const void *a, const void *b)
{
	const unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return (x > y) - (x < y);
}

/* Sorts them, the least first. */
void host_sort(unsigned long *times, unsigned int n)
{
	qsort(times, n, sizeof(*times), by_size);
}

/* How many CPUs of the machine this process may use; the first of them are those of the threads. */
unsigned int host_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static void (*both)(unsigned int cpu);

static void *thread(void *data)
{
	const unsigned int cpu = (uintptr_t)data;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	host_become(cpu);
	both(cpu);
	return NULL;
}

/* Calls @fn on both CPUs at once. */
void host_run_both(void (*fn)(unsigned int cpu))
{
	pthread_t threads[CPUS];
	uintptr_t cpu;

	both = fn;
	for (cpu = 0; cpu < CPUS; cpu++)
		pthread_create(&threads[cpu], NULL, thread, (void *)cpu);
	for (cpu = 0; cpu < CPUS; cpu++)
		pthread_join(threads[cpu], NULL);
}

static int map_cpus(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	unsigned int i;

	if (mmap((void *)CPU_BASE, CPUS * CPU_SIZE, PROT_READ | PROT_WRITE,
		 flags | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		return -1;
	memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, flags & ~MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		return -1;
	memory_end = memory + MEMORY_SIZE;
	page_offset_base = (unsigned long)memory & -PAGE;
	for (i = 0; i < CPUS; i++)
		init_cpu(i);
	for (i = 0; i < sizeof(pv_ops) / sizeof(*pv_ops); i++)
		pv_ops[i] = host_flags;
	host_become(0);
	return 0;
}

int main(void)
{
	if (map_cpus()) {
		perror("cannot set up the memory that stands for a CPU");
		return 1;
	}
	rows_measure();
	return 0;
}
