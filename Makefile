# Short names for the Meson calls everybody needs. See docs/building.md.
B ?= build
all: $(B)/build.ninja
	@ninja -C $(B) && test -e $(B)/ronda
$(B)/build.ninja:
	@meson setup $(B) $(OPTIONS)
asan:
	@test -d build-asan || meson setup build-asan -Db_sanitize=address,undefined -Dtest_clock=true
	@ninja -C build-asan && meson test -C build-asan --suite unit
tsan:
	@test -d build-tsan || meson setup build-tsan -Db_sanitize=thread -Dtest_clock=true
	@ninja -C build-tsan && meson test -C build-tsan disclosure-threads web web-session record-journal disclosure-login
test:
	@./test
.PHONY: all asan tsan test
bench: all
	@bench/run.sh
.PHONY: bench
# ../ronda_VERSION_ARCH.deb; see docs/building.md
deb:
	@dpkg-buildpackage -b -us -uc -tc
.PHONY: deb
# make fuzz F=shadowserver T=600; see fuzz/run.sh
T ?= 600
fuzz:
	@fuzz/run.sh $(F) $(T)
.PHONY: fuzz
NIGHT ?= 28800
# Hours: 193 nodes, a night of 11 with links cut, a thousand kills, 300 of nodes that exchange, 10,000 messages twice and shuffled, a partner away for a week with a million events, 5,000 letters about 100,000 findings, every fuzz target an hour, growth of a store fed one by one.
long: all
	@RONDA_KILL_ROUNDS=1000 RONDA_SOURCE=$(CURDIR) RONDA_BUILD=$(B) tests/kill.sh
	@RONDA_MAIL_ORGANISATIONS=500 RONDA_MAIL_CLASSES=10 RONDA_MAIL_FINDINGS=20 RONDA_MAIL_LIFE=6 RONDA_SOURCE=$(CURDIR) RONDA_BUILD=$(B) tests/mail.sh
	@RONDA_SHUFFLE_MESSAGES=10000 RONDA_SOURCE=$(CURDIR) RONDA_BUILD=$(B) tests/exchange_shuffle.sh
	@RONDA_REGION_NODES=193 RONDA_REGION_REST=60 RONDA_SOURCE=$(CURDIR) RONDA_BUILD=$(B) tests/region_all.sh
	@RONDA_NIGHT_NODES=11 RONDA_NIGHT_SECONDS=$(NIGHT) RONDA_NIGHT_PAUSE=2000 RONDA_SOURCE=$(CURDIR) RONDA_BUILD=$(B) tests/night.sh
	@test -d build-clock || meson setup build-clock -Dtest_clock=true
	@ninja -C build-clock ronda ronda-parser ronda-starter tests/helpers/ronda-starter
	@RONDA_AWAY_EVENTS=1000000 RONDA_SOURCE=$(CURDIR) RONDA_BUILD=$(CURDIR)/build-clock tests/exchange_away.sh
	@RONDA_EXCHANGE_KILLS=300 RONDA_SOURCE=$(CURDIR) RONDA_BUILD=$(B) tests/exchange_kill.sh
	@for t in $$(ls tests/data/fuzz); do fuzz/run.sh $$t 3600 || exit 1; done
	@bench/growth.sh 1000000
.PHONY: long
