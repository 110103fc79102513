/* SPDX-License-Identifier: Apache-2.0 */
/* range.h: a range of addresses as networks. */
#ifndef RONDA_INTAKE_RANGE_H
#define RONDA_INTAKE_RANGE_H

#include "base/ip.h"

/* The smallest set of networks that is exactly first..last, in order. False
 * with *count_out = 0 when the range is none (backwards, of two families), with
 * *count_out = most when it takes more networks than that. */
bool range_nets(const struct ip *first, const struct ip *last, struct net *nets, size_t most,
		size_t *count_out);

#endif
