/*
 * texts.c
 *		Sentences for the codes of risk tiers, and what a tier obliges to; see texts.h.
 *
 * Tables hold codes.  Sentences are made when somebody reads, in the language of lc_messages,
 * so that one log serves readers of both.  This file is in UTF-8; other encodings get English
 * where they lack the characters.  pg_bsd_indent takes some bytes of UTF-8 for something else,
 * so it must leave the sentences alone.
 */
#include "postgres.h"

#include <locale.h>

#include "mb/pg_wchar.h"
#include "utils/pg_locale.h"

#include "tier/texts.h"

/* A sentence in both languages. */
typedef struct Sentence
{
	const char *english;
	const char *chinese;
} Sentence;
/* INDENT OFF */
static const Sentence reasons[TIER_CODES] =
{
	[TIER_STATISTIC] = {
		"The result is a differentially private statistic over at least 20 individuals.",
		"结果是差分隐私统计值，至少涉及20人。"
	},
	[TIER_DIRECT_RAW] = {
		"The result holds direct identifiers as they are.",
		"结果含有未经处理的直接标识符。"
	},
	[TIER_DIRECT_KEY_HELD] = {
		"The result holds encrypted direct identifiers, and the receiver holds the key, or may.",
		"结果含有加密的直接标识符，接收方持有或可能持有密钥。"
	},
	[TIER_DIRECT_MASKED_LIGHTLY] = {
		"The result holds direct identifiers of which few characters are masked.",
		"结果含有只遮盖了少数字符的直接标识符。"
	},
	[TIER_DIRECT_GENERALISED] = {
		"The result holds direct identifiers in a generalised form.",
		"结果含有经过泛化的直接标识符。"
	},
	[TIER_DIRECT_PSEUDONYMISED] = {
		"The result holds pseudonyms in the place of direct identifiers.",
		"结果含有代替直接标识符的假名。"
	},
	[TIER_DIRECT_MASKED] = {
		"The result holds direct identifiers of which most characters are masked.",
		"结果含有遮盖了大部分字符的直接标识符。"
	},
	[TIER_DIRECT_ENCRYPTED] = {
		"The result holds encrypted direct identifiers, and the receiver lacks the key.",
		"结果含有加密的直接标识符，接收方没有密钥。"
	},
	[TIER_QUASI_RAW] = {
		"The result holds quasi-identifiers as they are.",
		"结果含有未经处理的准标识符。"
	},
	[TIER_QUASI_PROCESSED] = {
		"The result holds quasi-identifiers that were processed.",
		"结果含有经过处理的准标识符。"
	},
	[TIER_SENSITIVE_RAW] = {
		"The result holds sensitive values of individuals as they are.",
		"结果含有未经处理的个人敏感数据。"
	},
	[TIER_SENSITIVE_PROCESSED] = {
		"The result holds sensitive values of individuals that were processed.",
		"结果含有经过处理的个人敏感数据。"
	},
	[TIER_ORDINARY] = {
		"The result holds ordinary values of individuals.",
		"结果含有一般的个人数据。"
	},
	[TIER_CENTRAL] = {
		"It was computed on this server.",
		"计算在本服务器上完成。"
	},
	[TIER_WORKERS] = {
		"It was computed on several servers.",
		"计算在多台服务器上完成。"
	},
	[TIER_TRUSTED_DECLARED] = {
		"The administrator has declared that the server runs in a trusted execution environment; this is not verified.",
		"管理员声明服务器运行在可信执行环境中；该声明未经验证。"
	},
	[TIER_LOCAL] = {
		"It was sent within the machine, as far as this server sees its own connection.",
		"就服务器自身的连接而言，结果只在本机内传输。"
	},
	[TIER_ENCRYPTED] = {
		"It was sent over an encrypted connection, as far as this server sees its own connection.",
		"就服务器自身的连接而言，结果经加密连接传输。"
	},
	[TIER_PLAIN] = {
		"It was sent over TCP without encryption.",
		"结果经未加密的TCP连接传输。"
	},
	[TIER_PLAIN_HIGH] = {
		"It was sent over TCP without encryption, which is set to count as high.",
		"结果经未加密的TCP连接传输，按设置视为高风险。"
	},
	[TIER_LARGE_SCALE] = {
		"It covers very many individuals, which raises the tier.",
		"涉及的人数非常多，风险等级因此上调。"
	},
	[TIER_UNKNOWN_SCALE] = {
		"Nobody has declared how many individuals the population has; that raises nothing.",
		"没有声明总体的人数；风险等级不因此上调。"
	},
	[TIER_LARGE_EPSILON] = {
		"The release spends a large epsilon, which raises the tier.",
		"本次发布消耗的epsilon较大，风险等级因此上调。"
	},
	[TIER_LARGE_LIFETIME] = {
		"The account has spent a large epsilon in its lifetime, which raises the tier.",
		"账户累计消耗的epsilon较大，风险等级因此上调。"
	},
};

static const Sentence obligations[] =
{
	[DP_TIER_LOW] = {
		"Check whether the result still contains personal information.",
		"请检查结果中是否仍含有个人信息。"
	},
	[DP_TIER_MEDIUM] = {
		"Obtain the explicit consent of the individuals, or use a stronger technique.",
		"请取得个人的明示同意，或者采用更强的技术手段。"
	},
	[DP_TIER_HIGH] = {
		"Obtain the explicit consent of the individuals, or use a stronger technique.",
		"请取得个人的明示同意，或者采用更强的技术手段。"
	},
};
static const Sentence quasi_warning = {
	"Groups are formed by %d quasi-identifiers combined: %s.",
	"分组同时使用了%d个准标识符：%s。"
};
static const Sentence grid_warning = {
	"Order statistics of whole numbers between %.17g and %.17g are chosen in steps of %.17g; with closer bounds they are exact to 1.",
	"%.17g与%.17g之间整数的顺序统计量按步长%.17g选取；缩小上下界可精确到1。"
};
/* INDENT ON */

/* Can the server's encoding hold Chinese sentences? */
static bool
holds_chinese(void)
{
	int			encoding = GetDatabaseEncoding();

	return encoding == PG_UTF8 || encoding == PG_EUC_CN || encoding == PG_SQL_ASCII;
}

/*
 * tier_language
 *		The language of sentences: Chinese for what begins with "zh", else English.
 *
 * wish: a language, or NULL for that of lc_messages.
 */
TierLanguage
tier_language(const char *wish)
{
	if (wish == NULL)
		wish = locale_messages;
	if (wish == NULL || *wish == '\0')
		wish = setlocale(LC_MESSAGES, NULL);	/* the postmaster's environment */
	return wish != NULL && pg_strncasecmp(wish, "zh", 2) == 0 && holds_chinese() ?
		TIER_CHINESE : TIER_ENGLISH;
}

/* The sentence in the server's encoding. */
static const char *
sentence_in(const Sentence *sentence, TierLanguage language)
{
	const char *text = language == TIER_CHINESE ? sentence->chinese : sentence->english;

	return pg_any_to_server(text, (int) strlen(text), PG_UTF8);
}

/* A code as a sentence, in the encoding of the server. */
const char *
tier_reason(TierCode code, TierLanguage language)
{
	return sentence_in(&reasons[code], language);
}

/* What a tier obliges to, in the encoding of the server; NULL for DP_TIER_NONE. */
const char *
tier_obligation(DpTier tier, TierLanguage language)
{
	return tier == DP_TIER_NONE ? NULL : sentence_in(&obligations[tier], language);
}

/*
 * tier_quasi_warning
 *		That groups are formed by several quasi-identifiers, in the encoding of the server.
 *
 * names: theirs, in that encoding; number: how many there are.  The result is palloc'd.
 */
char *
tier_quasi_warning(int number, const char *names, TierLanguage language)
{
	return psprintf(sentence_in(&quasi_warning, language), number, names);
}

/*
 * tier_grid_warning
 *		That order statistics of integers or days between two bounds are not chosen among all of
 *		these, but among points that are "step" apart.  The result is palloc'd.
 */
char *
tier_grid_warning(double lower, double upper, double step, TierLanguage language)
{
	return psprintf(sentence_in(&grid_warning, language), lower, upper, step);
}
