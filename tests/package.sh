#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Debian package: built, installed, its unit sound, its program working; and
# started by systemd where systemd runs.
. "$RONDA_SOURCE/tests/lib.sh"
if [ "$(id -u)" != 0 ]; then
	skip "package" "installing a package needs root"
	done_testing
fi
mkdir "$T/src"
(cd "$RONDA_SOURCE" && git ls-files -z 2>/dev/null | xargs -0 -r cp --parents -t "$T/src")
(cd "$T/src" && make deb) >"$T/out" 2>"$T/err"
ok $? "the package is built"
deb=$(ls "$T"/ronda_*.deb)
dpkg-deb -c "$deb" >"$T/list"
for f in usr/bin/ronda usr/libexec/ronda/ronda-parser usr/libexec/ronda/ronda-mail \
	usr/libexec/ronda/ronda-crypto usr/libexec/ronda/ronda-starter \
	lib/systemd/system/ronda.service usr/share/man/man1/ronda.1.gz \
	usr/share/bash-completion/completions/ronda; do
	has "$T/list" "$f\$" "it holds $f"
done
was_there=no
dpkg -s ronda >/dev/null 2>&1 && was_there=yes
check "it is installed" dpkg -i "$deb"
check "systemd-analyze finds nothing wrong with the unit" systemd-analyze verify /lib/systemd/system/ronda.service
[ ! -s "$T/err" ]
ok $? "and has nothing to say"
check "the manual page is there" man -w ronda
check "the installed program makes a node" /usr/bin/ronda init "$T/n" --name "Team B" --country ID
made scan_telnet 0 10 >"$T/2026-11-20-scan_telnet-a.csv"
check "and takes a report, by its installed helpers" /usr/bin/ronda intake -d "$T/n" "$T/2026-11-20-scan_telnet-a.csv"
if [ -d /run/systemd/system ]; then
	install -d -o ronda -g ronda -m 0700 /var/lib/ronda
	runuser -u ronda -- /usr/bin/ronda init /var/lib/ronda --name "Team B" --country ID >"$T/out" 2>"$T/err"
	check "the unit starts" systemctl start ronda.service
	check "and is active" systemctl is-active ronda.service
	systemctl stop ronda.service
	rm -rf /var/lib/ronda
else
	skip "the unit is started" "systemd does not run here"
fi
[ $was_there = yes ] || dpkg --purge ronda >/dev/null 2>&1
done_testing
