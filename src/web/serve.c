/* SPDX-License-Identifier: Apache-2.0 */
#include "web/serve.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "exchange/exchange.h"
#include "incident/takedown.h"
#include "node/collect.h"
#include "node/mail_pick.h"
#include "node/node_settings.h"
#include "notify/notify.h"
#include "web/partners.h"
#include "web/web.h"

static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

struct serving {
	struct node *node;
	struct web *web;
	struct http *http;
	struct partners_port *partners;
	struct control *control;
	struct collector *collector;
	struct mail_pick *mail_pick;
	char address[128];
};

/* Tokens and reports do not cross a network in the clear: such a listener is for the machine
 * itself, or for the proxy that was named. */
static enum rc check_listen(const struct settings *set, struct err *err)
{
	str listen = settings_text(set, "listen"), host = listen;
	struct net four, six;
	struct ip ip;
	while (host.n && host.p[host.n - 1] != ':')
		host.n--;
	host = str_head(host, host.n ? host.n - 1 : 0);
	if (host.n > 2 && host.p[0] == '[')
		host = (str){ host.p + 1, host.n - 2 };
	if (!ip_parse(host, &ip) || settings_text(set, "tls_cert").n ||
	    settings_text(set, "trusted_proxies").n)
		return RC_OK; /* what is no address the listener says itself */
	if (net_parse(STR("127.0.0.0/8"), true, &four) && net_parse(STR("::1/128"), true, &six) &&
	    (net_has(&four, &ip) || net_has(&six, &ip)))
		return RC_OK;
	return fail(err, RC_DENIED, "listen = " STR_FMT " without TLS: set tls_cert and tls_key, or "
		    "trusted_proxies, or listen on loopback", STR_ARG(listen));
}

static enum rc start_http(struct serving *s, struct err *err)
{
	struct settings *set = s->node->settings;
	struct arena *a = arena_new(KIB(2));
	struct http_options o = {
		.listen = arena_z(a, settings_text(set, "listen")),
		.tls_cert = arena_z(a, settings_text(set, "tls_cert")),
		.tls_key = arena_z(a, settings_text(set, "tls_key")),
		.trusted_proxies = arena_z(a, settings_text(set, "trusted_proxies")),
		.limits = http_limits_default,
	};
	o.limits.threads = (unsigned)settings_int(set, "http_threads");
	o.limits.connections = (unsigned)settings_int(set, "http_connections");
	o.limits.per_address = (unsigned)settings_int(set, "http_per_address");
	o.limits.body_bytes = (uint64_t)settings_int(set, "intake_body_max");
	struct http_handlers handlers = web_handlers(s->web);
	bool tls = o.tls_cert[0] != '\0';
	enum rc rc = check_listen(set, err);
	if (rc == RC_OK)
		rc = http_start(&o, &handlers, s->node->log, &s->http, err);
	if (rc == RC_OK) {
		web_watch(s->web, s->http);
		str host = settings_text(set, "listen");
		while (host.n && host.p[host.n - 1] != ':')
			host.n--;
		snprintf(s->address, sizeof(s->address), "%s://" STR_FMT "%u", tls ? "https" : "http",
			 STR_ARG(host), http_port(s->http));
	}
	arena_free(a);
	return rc;
}

static enum rc start(struct serving *s, const struct serve_options *o, struct err *err)
{
	uint64_t resumed = 0;
	enum rc rc = pipeline_resume(s->node->pipeline, &resumed, err);
	if (rc == RC_OK && resumed)
		log_info(s->node->log, "reports that were interrupted are finished", L_UINT("reports", resumed));
	if (rc == RC_OK)
		rc = web_new(s->node, &s->web, err);
	if (rc == RC_OK)
		rc = start_http(s, err);
	if (rc == RC_OK && o->control)
		rc = control_start(s->node, o->control, NULL, &s->control, err);
	if (rc == RC_OK)
		rc = collect_start(s->node, &s->collector, err);
	if (rc == RC_OK)
		rc = notify_start(s->node->notify, err);
	if (rc == RC_OK)
		rc = mail_pick_start(s->node, &s->mail_pick, err);
	if (rc == RC_OK)
		rc = takedowns_start(s->node->takedowns, err);
	if (rc == RC_OK)
		rc = partners_port_start(s->node, &s->partners, err);
	if (rc == RC_OK)
		rc = exchange_start(s->node->exchange, err);
	return rc;
}

static void stop(struct serving *s)
{
	partners_port_stop(s->partners);
	exchange_stop(s->node->exchange);
	pipeline_stop(s->node->pipeline);
	takedowns_stop(s->node->takedowns);
	notify_stop(s->node->notify);
	mail_pick_stop(s->mail_pick);
	collect_stop(s->collector);
	control_stop(s->control);
	if (s->web)
		web_watch(s->web, NULL);
	http_stop(s->http);
	web_free(s->web);
}

/* Only what can change under way is taken over; the rest says so. */
static void reload(struct node *n)
{
	struct settings *fresh = NULL;
	struct err err = { 0 };
	enum log_level level;
	notify("RELOADING=1");
	if (node_settings_read(n->dir, n->overrides, n->override_count, &fresh, &err) != RC_OK) {
		log_error(n->log, "ronda.conf is not sound, the old settings stay", L_Z("why", err.text));
	} else {
		if (log_level_parse(settings_text(fresh, "log_level"), &level))
			log_set_level(n->log, level);
		log_info(n->log, "ronda.conf was read again; a new listener or cache takes effect at the next start");
	}
	settings_free(fresh);
	notify("READY=1");
}

/* Nobody but the starter may fork, so a node that lost it takes nothing in any more. It ends:
 * what starts it again starts it sound, and reports under way are gone on with then. */
static enum rc wait_for_end(struct node *n, const struct serve_options *o, const sigset_t *signals,
			    struct err *err)
{
	if (o->stop) {
		gate_wait(o->stop);
		return RC_OK;
	}
	for (;;) {
		int which = sigwaitinfo(signals, NULL);
		if (which == SIGTERM || which == SIGINT)
			return RC_OK;
		if (which == SIGHUP)
			reload(n);
		if (which == SIGCHLD && n->starter && starter_gone(n->starter)) {
			log_error(n->log, "the starter was killed; the node ends, to be started again");
			return fail(err, RC_IO, "the starter of helpers was killed");
		}
	}
}

static enum rc make_link(struct serving *s, const struct serve_options *o, char *link, size_t size)
{
	struct err why = { 0 };
	enum rc rc = o->sign_in_as ? web_account_link(s->web, s->address, str_of(o->sign_in_as), link, size, &why) :
				     web_login_link(s->web, s->address, link, size, &why);
	if (rc != RC_OK)
		log_error(s->node->log, "no sign-in link could be made", L_Z("why", why.text));
	return rc;
}

enum rc node_serve(struct node *n, const struct serve_options *o, struct err *err)
{
	struct serving s = { .node = n };
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	enum rc rc = start(&s, o, err);
	if (rc == RC_OK) {
		char link[256];
		log_info(n->log, "serving", L_Z("address", s.address));
		notify("READY=1");
		if (o->ready)
			o->ready(o->ctx, s.address);
		if (o->sign_in && make_link(&s, o, link, sizeof(link)) == RC_OK)
			o->sign_in(o->ctx, link);
		rc = wait_for_end(n, o, &signals, err);
		notify("STOPPING=1");
		log_info(n->log, "stopping");
	}
	stop(&s);
	return rc;
}
