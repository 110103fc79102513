/* SPDX-License-Identifier: Apache-2.0 */
#include "record/codes.h"

static const char countries[] =
	"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS "
	"BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE "
	"EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM "
	"HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC "
	"LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
	"NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW "
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO "
	"TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW ";

/* ISO 639-1 */
static const char languages[] =
	"aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de "
	"dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia "
	"id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo "
	"lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl "
	"ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk "
	"tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu ";

/* ISO 4217, active codes of states and unions, by digits of the minor unit. */
static const char two_digits[] =
	"AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
	"CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
	"HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD "
	"MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON "
	"RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD "
	"TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG ";
static const char no_digits[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ";
static const char three_digits[] = "BHD IQD JOD KWD LYD OMR TND ";

static bool listed(str code, const char *codes, size_t length)
{
	str list = str_of(codes);
	while (code.n == length && list.n)
		if (str_eq(str_cut(&list, ' '), code))
			return true;
	return false;
}

bool code_country(str cc)
{
	return listed(cc, countries, 2);
}

int code_currency(str code)
{
	return listed(code, two_digits, 3) ? 2 :
	       listed(code, no_digits, 3) ? 0 :
	       listed(code, three_digits, 3) ? 3 :
					       -1;
}

/* All of `s` are letters (or digits too); put in lower or upper case. */
static bool letters(str s, bool digits, bool upper, char *to)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool small = c >= 'a' && c <= 'z', big = c >= 'A' && c <= 'Z';
		if (!small && !big && !(digits && c >= '0' && c <= '9'))
			return false;
		to[i] = (char)(small && upper ? c - 32 : big && !upper ? c + 32 : c);
	}
	return true;
}

static bool all_digits(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

bool code_language(str tag, struct buf *out)
{
	enum { LANGUAGE, SCRIPT, REGION, VARIANT } next = LANGUAGE;
	if (tag.n > 35 || str_ends(tag, STR("-")))
		return false;
	while (tag.n) {
		char text[8];
		str part = str_cut(&tag, '-');
		if (part.n < 2 || part.n > 8 || (next == LANGUAGE && part.n > 3))
			return false;
		if (next == LANGUAGE) {
			if (!letters(part, false, false, text) ||
			    (part.n == 2 && !listed(str_mem(text, 2), languages, 2)))
				return false;
			next = SCRIPT;
		} else if (next <= SCRIPT && part.n == 4 && letters(part, false, false, text)) {
			if (text[0] >= 'a')
				text[0] = (char)(text[0] - 32);
			next = REGION;
		} else if (next <= REGION && part.n == 2 && letters(part, false, true, text)) {
			if (!code_country(str_mem(text, 2)))
				return false;
			next = VARIANT;
		} else if (next <= REGION && part.n == 3 && all_digits(part)) {
			memcpy(text, part.p, part.n);
			next = VARIANT;
		} else if ((part.n >= 5 || (part.n == 4 && all_digits(str_head(part, 1)))) &&
			   letters(part, true, false, text)) {
			next = VARIANT;
		} else {
			return false;
		}
		if (out->n)
			buf_char(out, '-');
		buf_add(out, str_mem(text, part.n));
	}
	return next != LANGUAGE;
}
