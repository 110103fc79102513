/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/test.h"
#include "intake/parse.h"
TEST(none)
{
}
TEST_MAIN(TEST_RUN(none))
