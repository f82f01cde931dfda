/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attributes by the names that the kernel gives them.
 */
#ifndef NEBULACTL_ATTRIBUTES_H
#define NEBULACTL_ATTRIBUTES_H

#undef __printf
#define __printf(text, first)	__attribute__((format(printf, text, first)))

#endif
