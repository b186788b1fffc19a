/*
 * words.c
 *		What the name of a column says about what it holds, in English and Chinese.
 *
 * A proposal for dp_agg.suggest_classes(), and no more: nothing private rests on it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "tier/classes.h"

PG_FUNCTION_INFO_V1(dp_name_meaning);

/* Words for one thing that columns hold.  The first that fits a name decides. */
typedef struct ColumnWords
{
	TierClass	class;
	TierProcessing processing;
	const char *meaning;		/* its name speaks of ... */
	const char *english;		/* regular expression; PhoneNumber is _phone_number_ to it */
	const char *chinese;		/* words anywhere in the name, with bars between them */
} ColumnWords;

/* This file is in UTF-8. */
/* INDENT OFF */
static const ColumnWords column_words[] = {
	{TIER_CLASS_DIRECT, TIER_RAW, "an identity document",
		"_(id_?card|identity_?card|id_?card_?(no|number)|national_?id|citizen_?id|id_number|id_no|ssn|social_security|sfzh?|nric|aadhaar|nino|cpf)_",
		"身份证|身份号|证件号"},
	{TIER_CLASS_DIRECT, TIER_RAW, "a passport",
		"_passport(_?(no|number|id))?_",
		"护照|通行证"},
	{TIER_CLASS_DIRECT, TIER_RAW, "a licence or number plate",
		"_(driv(er|ers|ing)_?licen[cs]e|licen[cs]e_plate|plate_(no|number)|vin)_",
		"驾驶证|驾照|车牌"},
	{TIER_CLASS_DIRECT, TIER_RAW, "a mail address",
		"_(e_?mail|email_?addr(ess)?|mail_?addr(ess)?|mail)_",
		"邮箱|邮件地址|电子邮件"},
	{TIER_CLASS_DIRECT, TIER_RAW, "a device",
		"_(mac|mac_?addr(ess)?|imei|imsi|device_id|openid)_",
		"设备号|设备标识"},
	{TIER_CLASS_QUASI, TIER_RAW, "an IP address",
		"_(ip|ip_?addr(ess)?|ipv[46]|client_ip|remote_addr)_",
		"ip地址|网络地址"},
	{TIER_CLASS_DIRECT, TIER_RAW, "a telephone",
		"_(phone|phone_?(no|number)|telephone|tel|mobile|mobile_?(no|number)|cell|cell_?phone|fax|msisdn)_",
		"手机|电话|联系方式|传真"},
	{TIER_CLASS_DIRECT, TIER_RAW, "a bank card or account",
		"_(bank_?card|card_?(no|number)|credit_?card|debit_?card|iban|bank_?account|account_?(no|number))_",
		"银行卡|银行账|银行帐|卡号|账号|帐号"},
	{TIER_CLASS_DIRECT, TIER_RAW, "a record or number of a person",
		"_(mrn|medical_record_?(no|number)|patient_?(no|number)|insurance_?(no|number)|tax_?(id|no|number)|student_?(no|number)|employee_?(no|number))_",
		"病历号|住院号|门诊号|医保号|社保号|学号|工号"},
	{TIER_CLASS_DIRECT, TIER_RAW, "an account of a network",
		"_(wechat|weixin|qq|user_?name|login|nick_?name)_",
		"微信|用户名|昵称|qq号"},
	{TIER_CLASS_DIRECT, TIER_RAW, "a person's name",
		"^_((full|first|last|given|family|middle|sur)_?name|name|(patient|person|customer|client|employee|student|member|contact|holder|user)_?name)_$",
		"姓名|名字"},
	{TIER_CLASS_DIRECT, TIER_PROCESSING_PSEUDONYMISED, "a number that stands for a person",
		"^_(pid|uid|(person|patient|user|customer|client|member|student|employee|subject|citizen|resident)_?id)_$",
		"患者编号|患者标识|患者id|病人编号|病人标识|病人id|客户编号|客户标识|客户id|用户编号|用户标识|用户id|会员编号|会员标识|会员id|居民编号|居民标识|居民id|人员编号|人员标识|人员id"},
	{TIER_CLASS_QUASI, TIER_PROCESSING_GENERALISED, "a year of birth",
		"_(birth_?year|year_?of_?birth|yob)_",
		"出生年份"},
	{TIER_CLASS_QUASI, TIER_RAW, "a birth",
		"_(birth|birth_?da(y|te)|date_?of_?birth|dob|birth_?place|place_of_birth)_",
		"出生|生日"},
	{TIER_CLASS_QUASI, TIER_RAW, "an age",
		"_age_",
		"年龄"},
	{TIER_CLASS_QUASI, TIER_RAW, "a postal code",
		"_(zip|zip_?code|post_?code|postal_?code)_",
		"邮编|邮政编码"},
	{TIER_CLASS_QUASI, TIER_RAW, "a place",
		"_(address|addr|street|city|town|district|county|province|residence|latitude|longitude|lat|lon|lng|gps|location)_",
		"地址|住址|籍贯|户籍|城市|省份|区县|经度|纬度|居住"},
	{TIER_CLASS_QUASI, TIER_RAW, "a gender",
		"_(gender|sex)_",
		"性别"},
	{TIER_CLASS_QUASI, TIER_RAW, "an origin",
		"_(race|ethnic|ethnicity|ethnic_group|nationality|citizenship)_",
		"民族|国籍"},
	{TIER_CLASS_QUASI, TIER_RAW, "a family",
		"_(married|marital|marital_status|marriage|children|household)_",
		"婚姻|婚否|子女"},
	{TIER_CLASS_QUASI, TIER_RAW, "work or education",
		"_(occupation|job|job_?title|profession|employer|workplace|educ|education|degree|school)_",
		"职业|工作单位|职务|学历|教育|学校"},
	{TIER_CLASS_SENSITIVE, TIER_RAW, "health",
		"_(diagnos[ei]s|disease|illness|icd|icd_?10|treatment|therapy|medication|drug|symptoms?|outcome|hiv|blood_?(type|group)|allerg(y|ies))_",
		"诊断|疾病|病史|病情|治疗|用药|症状|过敏|血型"},
	{TIER_CLASS_SENSITIVE, TIER_RAW, "money",
		"_(salary|income|wages?|pay|bonus|credit_?score|balance|debt|loan)_",
		"工资|收入|薪|余额|贷款|负债|信用"},
	{TIER_CLASS_SENSITIVE, TIER_RAW, "belief or conviction",
		"_(religion|faith|political|party|union_member|orientation|criminal|conviction)_",
		"宗教|信仰|政治|党派|犯罪"},
	{TIER_CLASS_SENSITIVE, TIER_RAW, "a secret or the body",
		"_(password|passwd|pass_?word|pin|fingerprint|face|biometric|genome|dna)_",
		"密码|口令|指纹|人脸|虹膜|基因"},
};
/* INDENT ON */

/*
 * An English name in lower case, with underscores around and between its words: PhoneNumber
 * and "phone number" are _phone_number_.  Other letters than those of ASCII stay.
 */
static char *
words_of(const char *name)
{
	StringInfoData words;
	char		before = '_';

	initStringInfo(&words);
	appendStringInfoChar(&words, '_');
	for (const char *c = name; *c != '\0'; c++)
	{
		bool		upper = *c >= 'A' && *c <= 'Z';
		bool		word = upper || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
			IS_HIGHBIT_SET(*c);

		if ((upper && ((before >= 'a' && before <= 'z') || (before >= '0' && before <= '9'))) ||
			(!word && words.data[words.len - 1] != '_'))
			appendStringInfoChar(&words, '_');
		if (word)
			appendStringInfoChar(&words, pg_ascii_tolower(*c));
		before = *c;
	}
	if (words.data[words.len - 1] != '_')
		appendStringInfoChar(&words, '_');
	return words.data;
}

/* Is one of the words, which have bars between them, in the name? */
static bool
has_word(const char *name, const char *words)
{
	char	   *list = pstrdup(words);
	char	   *rest = list;
	char	   *word;

	while ((word = strsep(&rest, "|")) != NULL)
	{
		if (*word != '\0' && strstr(name, word) != NULL)
			return true;
	}
	return false;
}

/* The words that fit a name; NULL if none do. */
static const ColumnWords *
find_words(const char *name)
{
	char	   *words = words_of(name);
	char	   *utf8 = pg_server_to_any(words, strlen(words), PG_UTF8);

	for (int i = 0; i < (int) lengthof(column_words); i++)
	{
		const ColumnWords *found = &column_words[i];

		if (has_word(utf8, found->chinese) ||
			DatumGetBool(DirectFunctionCall2Coll(textregexeq, C_COLLATION_OID,
												 CStringGetTextDatum(words),
												 CStringGetTextDatum(found->english))))
			return found;
	}
	return NULL;
}

/* dp_agg.name_meaning(name): class, processing and meaning, or NULLs. */
PGDLLEXPORT Datum
dp_name_meaning(PG_FUNCTION_ARGS)
{
	const ColumnWords *words = find_words(NameStr(*PG_GETARG_NAME(0)));
	TupleDesc	desc;
	Datum		values[3] = {0};
	bool		nulls[3] = {true, true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (words != NULL)
	{
		memset(nulls, 0, sizeof(nulls));
		values[0] = CStringGetTextDatum(tier_class_name(words->class));
		values[1] = CStringGetTextDatum(tier_processing_name(words->processing));
		values[2] = CStringGetTextDatum(words->meaning);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
