// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers as people read them, see units.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "units.h"

static const char *put_bytes(char buf[UNITS_SIZE], uint64_t bytes, const char *fmt_small,
			     const char *fmt)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double n = bytes / 1024.0;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buf, UNITS_SIZE, fmt_small, bytes);
		return buf;
	}
	/* 1023.95 would be printed as 1024.0. */
	for (; n >= 1023.95 && i < 5; i++)
		n /= 1024;
	snprintf(buf, UNITS_SIZE, fmt, n, units[i]);
	return buf;
}

const char *units_bytes(char buf[UNITS_SIZE], uint64_t bytes)
{
	return put_bytes(buf, bytes, "%" PRIu64 " B", "%.1f %s");
}

const char *units_bytes_column(char buf[UNITS_SIZE], uint64_t bytes)
{
	return put_bytes(buf, bytes, "%" PRIu64 " B  ", "%.1f %s");
}

const char *units_count(char buf[UNITS_SIZE], uint64_t count)
{
	static const char units[] = "MGTPE";
	double n = count / 1e6;
	size_t i = 0;

	if (count < 10000000) {
		snprintf(buf, UNITS_SIZE, "%" PRIu64, count);
		return buf;
	}
	for (; n >= 999.95 && i < 4; i++)
		n /= 1000;
	snprintf(buf, UNITS_SIZE, "%.1f %c", n, units[i]);
	return buf;
}

const char *units_exact(char buf[UNITS_SIZE], uint64_t count)
{
	char digits[24];
	size_t len = snprintf(digits, sizeof(digits), "%" PRIu64, count), i, n = 0;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[n++] = ',';
		buf[n++] = digits[i];
	}
	buf[n] = '\0';
	return buf;
}

const char *units_permille(char buf[UNITS_SIZE], uint64_t permille)
{
	snprintf(buf, UNITS_SIZE, "%" PRIu64 ".%" PRIu64 "%%", permille / 10, permille % 10);
	return buf;
}

const char *units_age(char buf[UNITS_SIZE], uint64_t ms)
{
	const uint64_t s = ms / 1000, min = s / 60, h = min / 60, d = h / 24;

	if (ms < 1000)
		snprintf(buf, UNITS_SIZE, "%" PRIu64 " ms", ms);
	else if (s < 60)
		snprintf(buf, UNITS_SIZE, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (min < 60)
		snprintf(buf, UNITS_SIZE, "%" PRIu64 " min %" PRIu64 " s", min, s % 60);
	else if (h < 24)
		snprintf(buf, UNITS_SIZE, "%" PRIu64 " h %" PRIu64 " min", h, min % 60);
	else
		snprintf(buf, UNITS_SIZE, "%" PRIu64 " d %" PRIu64 " h", d, h % 24);
	return buf;
}

const char *units_rate(char buf[UNITS_SIZE], double n)
{
	static const char letters[] = " kMGT";
	size_t i = 0;

	if (!(n > 0)) {
		snprintf(buf, UNITS_SIZE, "-");
		return buf;
	}
	if (n < 9.95) {
		snprintf(buf, UNITS_SIZE, "%.1f/s", n);
		return buf;
	}
	for (; n >= 9999.5 && i < 4; i++)
		n /= 1000;
	if (i)
		snprintf(buf, UNITS_SIZE, "%.0f%c/s", n, letters[i]);
	else
		snprintf(buf, UNITS_SIZE, "%.0f/s", n);
	return buf;
}

uint64_t units_share(uint64_t part, uint64_t whole)
{
	return whole ? (unsigned __int128)part * 1000 / whole : 0;
}
