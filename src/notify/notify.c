/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify_private.h"
#include "notify/rehearsal.h"
#include "notify/teller.h"

#define DRIVER(name) extern const struct driver driver_##name;
#include "notify/drivers.def"
#undef DRIVER
static const struct driver *const drivers[] = {
#define DRIVER(name) &driver_##name,
#include "notify/drivers.def"
#undef DRIVER
};

const struct driver *driver_at(size_t i)
{
	return i < COUNT_OF(drivers) ? drivers[i] : NULL;
}

const struct driver *driver_find(str name)
{
	for (size_t i = 0; i < COUNT_OF(drivers); i++)
		if (str_eq(name, str_of(drivers[i]->name)))
			return drivers[i];
	return NULL;
}

static const char *text_of(struct notify *n, const char *setting)
{
	str s = settings_text(n->w.settings, setting);
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	return arena_z(n->a, s);
}

enum rc notify_open(const struct notify_world *w, struct notify **out, struct err *err)
{
	struct notify *n = x_alloc(sizeof *n);
	n->w = *w;
	n->a = arena_new(KIB(1));
	n->idle = "no node serves this directory";
	n->pace_us = settings_int(w->settings, "send_pace");
	n->public_url = text_of(n, "public_url");
	n->sms_url = arena_z(n->a, settings_text(w->settings, "sms_url"));
	n->sms_mapping = text_of(n, "sms_mapping");
	enum rc rc = texts_open(store_dir(w->store), &n->texts, err);
	if (rc == RC_OK)
		*out = n;
	else
		notify_close(n);
	return rc;
}

void notify_close(struct notify *n)
{
	if (!n)
		return;
	notify_stop(n);
	teller_close(n);
	texts_close(n->texts);
	arena_free(n->a);
	free(n);
}

static enum rc add_host(struct fetcher *f, str host, struct err *err)
{
	bool origin = str_find(host, STR("://")) < host.n;
	return origin ? fetch_exempt(f, "webhook", host, err) : fetch_allow(f, "webhook", host, err);
}

static enum rc open_fetcher(struct notify *n, struct err *err)
{
	str hosts = settings_text(n->w.settings, "webhook_hosts");
	struct err why = { 0 };
	enum rc rc = fetch_new(text_of(n, "fetch_ca_file"), &n->fetcher, err);
	while (rc == RC_OK && hosts.n > 0) {
		str one = str_trim(str_cut(&hosts, ','));
		if (one.n && add_host(n->fetcher, one, &why) != RC_OK)
			rc = fail(err, why.rc, "webhook_hosts: %s", why.text);
	}
	if (rc == RC_OK && n->sms_url[0] && fetch_exempt(n->fetcher, "sms", str_of(n->sms_url), &why) != RC_OK)
		rc = fail(err, why.rc, "sms_url: %s", why.text);
	return rc;
}

static enum rc is_restored(struct notify *n, bool *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = rehearsal_is_restored(reader_conn(r), out, err);
	store_read_end(r);
	return rc;
}

enum rc notify_start(struct notify *n, struct err *err)
{
	if (settings_bool(n->w.settings, "demo")) {
		n->idle = "this is a demonstration";
		return RC_OK;
	}
	bool sends = settings_bool(n->w.settings, "send_messages");
	enum rc rc = rehearsal_upgrade(n, sends, err);
	if (rc != RC_OK)
		return rc;
	if (!sends) {
		n->idle = "setting send_messages is off";
		return RC_OK;
	}
	bool restored = false;
	rc = is_restored(n, &restored, err);
	if (rc != RC_OK || restored) {
		n->idle = "this node was made from a backup: switch rehearsal (live or back), then start it again";
		return rc;
	}
	rc = destinations_open(settings_text(n->w.settings, "destinations_file"), &n->destinations, err);
	if (rc == RC_OK)
		rc = open_fetcher(n, err);
	if (rc == RC_OK)
		rc = smtp_open(n->w.settings, &n->smtp, err);
	if (rc == RC_OK)
		rc = sender_start(n, &n->sender, err);
	if (rc == RC_OK)
		n->idle = "";
	return rc;
}

void notify_stop(struct notify *n)
{
	if (!n)
		return;
	sender_stop(n->sender);
	smtp_close(n->smtp);
	fetch_free(n->fetcher);
	destinations_close(n->destinations);
	n->destinations = NULL;
	n->sender = NULL;
	n->smtp = NULL;
	n->fetcher = NULL;
}

const char *notify_idle(const struct notify *n)
{
	return n->idle;
}

const struct notify_world *notify_world_of(const struct notify *n)
{
	return &n->w;
}

/* A rehearsal reaches nobody outside: it may well be sent again. */
enum rc notify_draining(const struct sending *s, struct err *err)
{
	if (s->what->rehearsed_for.n > 0)
		return RC_OK;
	return outbox_draining(s->n->w.store, s->m->id, err);
}
