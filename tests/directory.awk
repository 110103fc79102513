# SPDX-License-Identifier: Apache-2.0
# Directories of other people, made up: awk -v form=ti -v from=1 -v n=1500 [-v mark=x] -f directory.awk
# Forms ti, first, cerebrate, csv: n organisations with eight contacts each and one claim or two;
# rpsl: n ranges, each with a role of its own. `mark` is part of each mail address.
function cc(i) { return substr("IDTLMYSGPHTHVNKHLAMMBN", 2 * (i % 11) + 1, 2) }
function mails(i, quote, sep, count,   k, s) {
	for (k = 1; k <= count; k++)
		s = s (k > 1 ? sep : "") quote "desk" k mark "@" form i ".example.org" quote
	return s
}
function address(i) { return sprintf("198.%d.%d.%d", 18 + int(i / 65536), int(i / 256) % 256, i % 256) }
BEGIN {
	if (form == "csv")
		print "name,country,email,contact_role,asn,external"
	else if (form == "first")
		print "{\"status\":\"OK\",\"data\":["
	else if (form != "rpsl")
		print "["
	for (i = from; i < from + n; i++) {
		end = i + 1 < from + n ? "," : ""
		if (form == "ti") {
			printf "{\"short_name\":\"TI %d\",\"official_name\":\"Team %d in the list of teams\",\"country\":{\"code\":\"%s\"},", i, i, cc(i)
			printf "\"established\":\"2003-01-01\",\"constituency\":{\"types\":[],\"asns\":[4200%06d],\"domains\":[\"*.ti%d.example.org\"],\"ipranges\":[\"%s/32\"],\"countries\":[]},", i, i, address(i)
			printf "\"phones\":[{\"usage\":[\"voice\"],\"number\":\"+62 21 %07d\"},{\"usage\":[\"emergency\"],\"number\":\"+62 22 %07d\"}],\"emails\":[", i, i
			for (k = 1; k <= 6; k++)
				printf "{\"address\":\"desk%d%s@ti%d.example.org\"}%s", k, mark, i, k < 6 ? "," : ""
			print "]}" end
		} else if (form == "first") {
			printf "{\"id\":\"first-%d\",\"team\":\"FI %d\",\"team-full\":\"Team %d of the forum\",\"country\":\"%s\",\"website\":\"https://first%d.example.org/\",", i, i, i, cc(i), i
			printf "\"phone-emergency\":\"+670 %07d\",\"email\":[%s]}%s\n", i, mails(i, "\"", ",", 7), end
		} else if (form == "cerebrate") {
			printf "{\"uuid\":\"00000000-0000-4000-8000-%012d\",\"name\":\"CE %d\",\"nationality\":\"%s\",\"sector\":\"Finance\",\"type\":\"Bank\",\"url\":\"https://ce%d.example.org\",", i, i, cc(i), i
			printf "\"contacts\":\"%s\"}%s\n", mails(i, "", " ", 8), end
		} else if (form == "csv") {
			for (k = 1; k <= 8; k++)
				printf "\"TA %d\",%s,desk%d%s@csv%d.example.org,%s,%s,csv:%d\r\n", i, cc(i), k, mark, i, k == 1 ? "abuse" : "security", k == 1 ? sprintf("4210%06d", i) : "", i
		} else if (i % 2) {
			printf "inetnum:        100.%d.%d.%d - 100.%d.%d.%d\nnetname:        NET-%d\ncountry:        %s\nabuse-c:        AR%d-TEST\nsource:         TEST\n\n", \
				64 + int(i / 8192) % 64, int(i / 32) % 256, i * 8 % 256, 64 + int(i / 8192) % 64, int(i / 32) % 256, i * 8 % 256 + 7, i, cc(i), i
			printf "role:           Desk %d\nnic-hdl:        AR%d-TEST\nabuse-mailbox:  abuse%s@net%d.example.org\nsource:         TEST\n\n", i, i, mark, i
		} else {
			printf "role:           Desk %d\nnic-hdl:        AR%d-TEST\nabuse-mailbox:  abuse%s@net%d.example.org\nsource:         TEST\n\n", i, i, mark, i
			printf "inet6num:       2001:db8:%x:%x::/64\nnetname:        NET-%d\norg:            ORG-%d\nsource:         TEST\n\n", int(i / 65536), i % 65536, i, i
			printf "organisation:   ORG-%d\nabuse-c:        AR%d-TEST\nsource:         TEST\n\n", i, i
		}
	}
	if (form == "first")
		print "]}"
	else if (form == "ti" || form == "cerebrate")
		print "]"
}
