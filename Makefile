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
	@ninja -C build-tsan
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
