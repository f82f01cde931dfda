// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to build a tree in an arena: a parser of expressions allocates a node for
 * each number and operator, and never frees one. Whatever comes of it, a result or a complaint
 * about half a tree, the nodes go with the scope.
 *
 *	sum     = product { ( "+" | "-" ) product }
 *	product = factor { ( "*" | "/" ) factor }
 *	factor  = number | "-" factor | "(" sum ")"
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <nebula/nebula.h>

/* The parser calls itself for each parenthesis, on a stack that is small. */
#define DEPTH_MAX	16

#define NUMBER		'0'

/* So many that their nodes need more than the arena has. */
#define ONES		2000

struct node {
	char op;		/* NUMBER, or what to do with the operands */
	s64 value;		/* of a number */
	const struct node *left;
	const struct node *right;
};

struct parser {
	struct nebula_bump *arena;
	const char *at;		/* what is to be read next */
	unsigned int depth;	/* parentheses and minus signs that are open */
	const char *wrong;	/* the first complaint */
};

static struct node *complain(struct parser *p, const char *wrong)
{
	p->wrong = p->wrong ?: wrong;
	return NULL;
}

/* The next character that is no blank. */
static char peek(struct parser *p)
{
	p->at = skip_spaces(p->at);
	return *p->at;
}

/* No node when an operand could not be read: who calls need not look at every step. */
static struct node *make(struct parser *p, char op, const struct node *left,
			 const struct node *right)
{
	struct node *n;

	if (p->wrong)
		return NULL;
	n = nebula_new(p->arena, *n, .op = op, .left = left, .right = right);
	return n ?: complain(p, "it takes more memory than there is");
}

static struct node *parse_number(struct parser *p)
{
	struct node *n = make(p, NUMBER, NULL, NULL);

	for (; n && isdigit(*p->at); p->at++)
		if (check_mul_overflow(n->value, (s64)10, &n->value) ||
		    check_add_overflow(n->value, (s64)(*p->at - '0'), &n->value))
			return complain(p, "the number is too large");
	return n;
}

static struct node *parse_sum(struct parser *p);

static struct node *parse_factor(struct parser *p)
{
	static const struct node zero = { .op = NUMBER };
	char c = peek(p);
	struct node *n;

	if (isdigit(c))
		return parse_number(p);
	if (c != '-' && c != '(')
		return complain(p, c ? "a number is expected" : "it ends too early");
	if (p->depth == DEPTH_MAX)
		return complain(p, "it is nested too deep");
	p->depth++;
	p->at++;
	n = c == '-' ? make(p, c, &zero, parse_factor(p)) : parse_sum(p);
	if (c == '(' && peek(p) != ')')
		return complain(p, "a parenthesis is not closed");
	p->at += c == '(';
	p->depth--;
	return n;
}

/* Operands with operators between them, from left to right. */
static struct node *parse_chain(struct parser *p, const char *ops,
				struct node *(*parse_operand)(struct parser *p))
{
	struct node *n = parse_operand(p);
	char c;

	while (n && (c = peek(p)) && strchr(ops, c)) {
		p->at++;
		n = make(p, c, n, parse_operand(p));
	}
	return n;
}

static struct node *parse_product(struct parser *p)
{
	return parse_chain(p, "*/", parse_factor);
}

static struct node *parse_sum(struct parser *p)
{
	return parse_chain(p, "+-", parse_product);
}

/* False without a value. It calls itself, but no deeper than the arena has room for nodes. */
static bool evaluate(const struct node *n, s64 *value)
{
	s64 left, right;

	*value = n->value;
	if (n->op == NUMBER)
		return true;
	if (!evaluate(n->left, &left) || !evaluate(n->right, &right))
		return false;
	switch (n->op) {
	case '+':
		return !check_add_overflow(left, right, value);
	case '-':
		return !check_sub_overflow(left, right, value);
	case '*':
		return !check_mul_overflow(left, right, value);
	}
	if (right == -1)
		return !check_sub_overflow((s64)0, left, value);
	*value = right ? div64_s64(left, right) : 0;
	return right;
}

static void calculate(struct nebula_bump *arena, const char *text)
{
	struct parser p = { .arena = arena, .at = text };
	const struct node *tree;
	s64 value;

	guard(nebula_bump)(arena);
	tree = parse_sum(&p);
	if (tree && peek(&p))
		complain(&p, "it goes on behind its end");
	if (p.wrong)
		pr_info("%-24.24s   %s, at %td\n", text, p.wrong, p.at - text + 1);
	else if (evaluate(tree, &value))
		pr_info("%-24.24s = %-20lld %3zu nodes\n", text, value,
			nebula_bump_used(arena) / sizeof(*tree));
	else
		pr_info("%-24.24s   it has no value\n", text);
}

/* 1+1+1+ and so on */
static int calculate_long(struct nebula_bump *arena)
{
	char *text __free(kfree) = kmalloc(2 * ONES, GFP_KERNEL);
	size_t i;

	if (!text)
		return -ENOMEM;
	for (i = 0; i < 2 * ONES; i += 2) {
		text[i] = '1';
		text[i + 1] = '+';
	}
	text[i - 1] = '\0';
	calculate(arena, text);
	return 0;
}

static int __init syntax_tree_init(void)
{
	static const char *const texts[] = {
		"1 + 2 * 3", "(1 + 2) * 3", "100 / 7 / 2", "--5 - -(2 - 9)", "1 / (2 - 2)",
		"9223372036854775807", "9223372036854775807 + 1", "9223372036854775808",
		"", "1 +", "1 + * 2", "(1 + 2", "1 + 2)", "2 x 3",
		"((((((((((((((((1))))))))))))))))", "(((((((((((((((((1)))))))))))))))))",
	};
	struct nebula_bump *arena __free(nebula_bump) =
		nebula_bump_create("tree", .capacity = SZ_64K);
	size_t i;
	int err;

	if (IS_ERR(arena))
		return PTR_ERR(arena);
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		calculate(arena, texts[i]);
	err = calculate_long(arena);
	if (err)
		return err;
	pr_info("%zu bytes in use, %zu at most\n", nebula_bump_used(arena),
		nebula_bump_peak(arena));
	return 0;
}

static void __exit syntax_tree_exit(void)
{
}

module_init(syntax_tree_init);
module_exit(syntax_tree_exit);

MODULE_DESCRIPTION("nebula_memory sample: a parser that builds its tree in an arena");
MODULE_LICENSE("GPL");
