/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers as people read them.
 */
#ifndef NEBULACTL_UNITS_H
#define NEBULACTL_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_SIZE	32

/* "283 B", "8.9 KiB". */
const char *units_bytes(char buf[UNITS_SIZE], uint64_t bytes);

/* The same with the unit in three columns: such numbers line up below each other. */
const char *units_bytes_column(char buf[UNITS_SIZE], uint64_t bytes);

/* Exact up to seven digits, then "12.3 M". */
const char *units_count(char buf[UNITS_SIZE], uint64_t count);

/* All digits, in groups: "1,234,567". */
const char *units_exact(char buf[UNITS_SIZE], uint64_t count);

/* "22.8%" */
const char *units_permille(char buf[UNITS_SIZE], uint64_t permille);

/* "12 ms", "5.0 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
const char *units_age(char buf[UNITS_SIZE], uint64_t ms);

/* Something each second: "-" for none, "0.3/s", "12/s", "1.2 k/s". */
const char *units_rate(char buf[UNITS_SIZE], double each_second);

/* @part of @whole in tenths of a percent, without overflow; 0 of nothing. */
uint64_t units_share(uint64_t part, uint64_t whole);

#endif
