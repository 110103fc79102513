/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/access.h"

static const char *const right_names[] = {
	[RIGHT_PUBLIC] = "public",
	[RIGHT_READ] = "read",
	[RIGHT_INTAKE] = "intake",
	[RIGHT_OPERATE] = "operate",
	[RIGHT_SIGNED_IN] = "signed-in",
};

const char *right_name(enum right r)
{
	return (unsigned)r < COUNT_OF(right_names) ? right_names[r] : "none";
}

bool right_parse(str text, enum right *out)
{
	for (size_t i = 0; i < COUNT_OF(right_names); i++) {
		if (str_eq(text, str_of(right_names[i]))) {
			*out = (enum right)i;
			return true;
		}
	}
	return false;
}

bool right_includes(enum right has, enum right needs)
{
	if ((unsigned)has > RIGHT_SIGNED_IN || (unsigned)needs > RIGHT_SIGNED_IN)
		return false;
	return needs == RIGHT_PUBLIC || has == needs || has == RIGHT_OPERATE ||
	       (needs == RIGHT_SIGNED_IN && has == RIGHT_READ);
}

struct viewer viewer_owner(uint32_t uid)
{
	struct viewer v = {
		.right = RIGHT_OPERATE,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true,
			.personal_basis = true, .exercise_member = true },
		.channel = CHANNEL_CLI,
		.exercise = true,
		.policy = { .public_k = PUBLIC_K_LEAST },
	};

	snprintf(v.actor, sizeof(v.actor), "unix:%u", (unsigned)uid);
	return v;
}

struct viewer viewer_public(enum channel channel)
{
	return (struct viewer){
		.right = RIGHT_PUBLIC,
		.as = { .kind = RECIPIENT_PUBLIC, .ceiling = TLP_CLEAR },
		.channel = channel,
		.actor = "public",
		.policy = { .public_k = PUBLIC_K_LEAST },
	};
}

bool viewer_may_grant(const struct viewer *v, const struct token_new *t)
{
	return v->right == RIGHT_OPERATE && right_includes(v->right, t->right) &&
	       t->ceiling <= v->as.ceiling && (v->as.personal_basis || !t->personal_basis);
}
