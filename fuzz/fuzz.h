/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h: what every target gives: one input, as libFuzzer or the replay hands
 * it over. A target ends the process (MUST) when something is not as it must
 * be; otherwise it returns 0. */
#ifndef RONDA_FUZZ_FUZZ_H
#define RONDA_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                    \
	do {                                                                          \
		if (!(cond)) {                                                        \
			fprintf(stderr, "%s:%d: must be: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                      \
		}                                                                     \
	} while (0)

#endif
