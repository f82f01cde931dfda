# What make demo shows of demo.sh: lines of the beginning and of the end, and the title of the step.
1 0 the kernel
0 2 both are loaded
11 2 requests, each parsed in the arena and answered
6 0 a thousand connections, opened and closed in random order
5 0 packets in interrupts of two CPUs
12 0 statistics: summary
10 0 statistics: budgets of the tenants, and the cache that finds them
10 0 the pool, block by block
5 0 the arena is exhausted on purpose
12 0 the error explains itself
8 0 an interrupt formats messages in scratch memory
4 0 nebula_memory cannot be unloaded under its client
9 0 nothing is left again
0 1 unload nebula_memory
3 0 memory after the client
