/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/read_lives.h"
#include "base/test.h"
int main(void) { return 0; }
