/* SPDX-License-Identifier: Apache-2.0 */
/* Records and objects of others in a page. */
#include "exchange/page_private.h"

enum rc page_put_record(struct paging *p, struct err *err)
{
	(void)p;
	(void)err;
	return RC_OK;
}

enum rc page_foreign(struct paging *p, struct err *err)
{
	(void)p;
	(void)err;
	return RC_OK;
}
