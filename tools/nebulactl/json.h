/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was read as JSON, in the shape that nebulactl.schema.json describes.
 */
#ifndef NEBULACTL_JSON_H
#define NEBULACTL_JSON_H

#include <jansson.h>
#include <stdio.h>
#include "model.h"
#include "problem.h"

json_t *json_of_pairs(const struct pairs *pairs);
json_t *json_of_allocator(const struct allocator *a);
json_t *json_of_budget(const struct budget *b);
json_t *json_of_cache(const struct cache *c);
json_t *json_of_report(const struct report *r);
json_t *json_of_lives(const struct lives *lives);
json_t *json_of_map(const struct map *map);
json_t *json_of_verdicts(const struct verdicts *verdicts);

/* Arrays of all that a snapshot has, into @into. */
void json_add_snapshot(json_t *into, const struct snapshot *snap);

/* A whole number, as far as JSON has it: up to 2^63 - 1. */
json_t *json_of_u64(uint64_t n);

/* The object that every command prints: @command, where it was read, and when. */
json_t *json_begin(const char *command, const char *source, double time);

/* Adds the problems, prints the object and gives it back. */
void json_end(json_t *root, const struct problems *ps, FILE *out);

#endif
