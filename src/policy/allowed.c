/*
 * allowed.c
 *		The one list of what may stand below a release.
 *
 * Default deny.  A function is allowed when it is named here, by the C symbol
 * that implements it (pg_proc.prosrc), is built in, written in C (LANGUAGE
 * internal), no aggregate or set-returning function and not volatile.  "Safe"
 * functions cannot raise an error for any input; "wrapped" ones can and run inside
 * guarded(), as do all that may return a wide value: guarded() keeps values narrow.
 * Operators count as the function below them, casts as their function or, where
 * they go through text, as cast_is_allowed() says.  Nothing here reads a table,
 * runs SQL, changes state or sleeps.
 *
 * PostgreSQL's own statement that a function is leakproof is not enough: some
 * comparisons of circles are, and fail for large ones.
 *
 * The view dp_agg.language shows the list as the running server has it;
 * test/t/013_language.pl holds it against the catalogs.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "policy/allowed.h"

/* Cannot fail. */
static const char *const safe_functions[] = {
	/* comparison */
	"booleq", "boolne", "boollt", "boolle", "boolgt", "boolge", "chareq", "charne", "charlt",
	"charle", "chargt", "charge", "int2eq", "int2ne", "int2lt", "int2le", "int2gt", "int2ge",
	"int4eq", "int4ne", "int4lt", "int4le", "int4gt", "int4ge", "int8eq", "int8ne", "int8lt",
	"int8le", "int8gt", "int8ge", "int24eq", "int24ne", "int24lt", "int24le", "int24gt",
	"int24ge", "int28eq", "int28ne", "int28lt", "int28le", "int28gt", "int28ge", "int42eq",
	"int42ne", "int42lt", "int42le", "int42gt", "int42ge", "int48eq", "int48ne", "int48lt",
	"int48le", "int48gt", "int48ge", "int82eq", "int82ne", "int82lt", "int82le", "int82gt",
	"int82ge", "int84eq", "int84ne", "int84lt", "int84le", "int84gt", "int84ge", "float4eq",
	"float4ne", "float4lt", "float4le", "float4gt", "float4ge", "float8eq", "float8ne",
	"float8lt", "float8le", "float8gt", "float8ge", "float48eq", "float48ne", "float48lt",
	"float48le", "float48gt", "float48ge", "float84eq", "float84ne", "float84lt", "float84le",
	"float84gt", "float84ge", "oideq", "oidne", "oidlt", "oidle", "oidgt", "oidge", "nameeq",
	"namene", "namelt", "namele", "namegt", "namege", "texteq", "textne", "text_lt", "text_le",
	"text_gt", "text_ge", "bpchareq", "bpcharne", "bpcharlt", "bpcharle", "bpchargt",
	"bpcharge", "byteaeq", "byteane", "bytealt", "byteale", "byteagt", "byteage", "biteq",
	"bitne", "bitlt", "bitle", "bitgt", "bitge",
	/* comparison of numerics, NaN included, and of dates and times */
	"numeric_eq", "numeric_ne", "numeric_lt", "numeric_le", "numeric_gt", "numeric_ge",
	"date_eq", "date_ne", "date_lt", "date_le", "date_gt", "date_ge", "time_eq", "time_ne",
	"time_lt", "time_le", "time_gt", "time_ge", "timetz_eq", "timetz_ne", "timetz_lt",
	"timetz_le", "timetz_gt", "timetz_ge", "timestamp_eq", "timestamp_ne", "timestamp_lt",
	"timestamp_le", "timestamp_gt", "timestamp_ge", "interval_eq", "interval_ne",
	"interval_lt", "interval_le", "interval_gt", "interval_ge",
	/* comparison of a date or timestamp with another kind, also out of its range */
	"date_eq_timestamp", "date_ne_timestamp", "date_lt_timestamp", "date_le_timestamp",
	"date_gt_timestamp", "date_ge_timestamp", "timestamp_eq_date", "timestamp_ne_date",
	"timestamp_lt_date", "timestamp_le_date", "timestamp_gt_date", "timestamp_ge_date",
	"date_eq_timestamptz", "date_ne_timestamptz", "date_lt_timestamptz", "date_le_timestamptz",
	"date_gt_timestamptz", "date_ge_timestamptz", "timestamptz_eq_date", "timestamptz_ne_date",
	"timestamptz_lt_date", "timestamptz_le_date", "timestamptz_gt_date", "timestamptz_ge_date",
	"timestamp_eq_timestamptz", "timestamp_ne_timestamptz", "timestamp_lt_timestamptz",
	"timestamp_le_timestamptz", "timestamp_gt_timestamptz", "timestamp_ge_timestamptz",
	"timestamptz_eq_timestamp", "timestamptz_ne_timestamp", "timestamptz_lt_timestamp",
	"timestamptz_le_timestamp", "timestamptz_gt_timestamp", "timestamptz_ge_timestamp",
	/* comparison of other types */
	"enum_eq", "enum_ne", "uuid_eq", "uuid_ne",
	"uuid_lt", "uuid_le", "uuid_gt", "uuid_ge", "cash_eq", "cash_ne", "cash_lt", "cash_le",
	"cash_gt", "cash_ge", "network_eq", "network_ne", "network_lt", "network_le", "network_gt",
	"network_ge", "macaddr_eq", "macaddr_ne", "macaddr_lt", "macaddr_le", "macaddr_gt",
	"macaddr_ge", "macaddr8_eq", "macaddr8_ne", "macaddr8_lt", "macaddr8_le", "macaddr8_gt",
	"macaddr8_ge",
	/* comparison of name with text, and of text by bytes */
	"nameeqtext", "texteqname", "namenetext", "textnename", "namelttext", "textltname",
	"nameletext", "textlename", "namegttext", "textgtname", "namegetext", "textgename",
	"text_pattern_lt", "text_pattern_le", "text_pattern_gt", "text_pattern_ge",
	"bpchar_pattern_lt", "bpchar_pattern_le", "bpchar_pattern_gt", "bpchar_pattern_ge",
	"text_starts_with",
	/* casts that keep the value */
	"i2toi4", "int28", "int48", "oidtoi8", "i2tod", "i2tof", "i4tod", "i4tof", "i8tod",
	"i8tof", "ftod", "int2_numeric", "int4_numeric", "int8_numeric", "float4_numeric",
	"float8_numeric", "bool_int4", "int4_bool", "booltext", "time_interval", "name_text",
	"text_name", "bpchar_name", "macaddrtomacaddr8",
	/* time of the transaction, and pi */
	"now", "statement_timestamp", "dpi",
	/* signs and rounding */
	"int2up", "int4up", "int8up", "float4up", "float8up", "numeric_uplus", "numeric_abs",
	"numeric_uminus", "float4abs", "float8abs", "float4um", "float8um", "dfloor", "dceil",
	"dround", "dtrunc", "dsign", "numeric_sign",
	/* bits */
	"int2and", "int2or", "int2xor", "int2not", "int4and", "int4or", "int4xor", "int4not",
	"int8and", "int8or", "int8xor", "int8not", "int2shl", "int2shr", "int4shl", "int4shr",
	"int8shl", "int8shr",
	/* lengths, and how many arguments are NULL */
	"textlen", "bpcharlen", "textoctetlen", "bpcharoctetlen", "byteaoctetlen", "pg_num_nulls",
	"pg_num_nonnulls",
	/* is it finite */
	"date_finite", "timestamp_finite", "interval_finite",
	NULL
};

/* May raise a data exception, or return a wide value: run inside guarded(). */
static const char *const wrapped_functions[] = {
	/* integers */
	"int2pl", "int2mi", "int2mul", "int2div", "int2mod", "int2um", "int2abs", "int4pl",
	"int4mi", "int4mul", "int4div", "int4mod", "int4um", "int4abs", "int8pl", "int8mi",
	"int8mul", "int8div", "int8mod", "int8um", "int8abs", "int24pl", "int24mi", "int24mul",
	"int24div", "int42pl", "int42mi", "int42mul", "int42div", "int28pl", "int28mi", "int28mul",
	"int28div", "int82pl", "int82mi", "int82mul", "int82div", "int48pl", "int48mi", "int48mul",
	"int48div", "int84pl", "int84mi", "int84mul", "int84div", "int4gcd", "int8gcd", "int4lcm",
	"int8lcm",
	/* floating point */
	"float4pl", "float4mi", "float4mul", "float4div", "float8pl", "float8mi", "float8mul",
	"float8div", "float48pl", "float48mi", "float48mul", "float48div", "float84pl",
	"float84mi", "float84mul", "float84div", "dsqrt", "dcbrt", "dpow", "dexp", "dlog1",
	"dlog10", "dsin", "dcos", "dtan", "dcot", "dasin", "dacos", "datan", "datan2", "dsind",
	"dcosd", "dtand", "dcotd", "dasind", "dacosd", "datand", "datan2d", "dsinh", "dcosh",
	"dtanh", "dasinh", "dacosh", "datanh", "degrees", "radians", "width_bucket_float8",
	"width_bucket_numeric", "width_bucket_array",
	/* numeric */
	"numeric_add", "numeric_sub", "numeric_mul", "numeric_div", "numeric_div_trunc",
	"numeric_mod", "numeric_round", "numeric_trunc", "numeric_ceil", "numeric_floor",
	"numeric_sqrt", "numeric_exp", "numeric_ln", "numeric_log", "numeric_power", "numeric_gcd",
	"numeric_lcm", "numeric_scale", "numeric_min_scale", "numeric_trim_scale", "numeric",
	/* casts among numbers and text */
	"i4toi2", "int82", "int84", "dtoi2", "dtoi4", "dtoi8", "ftoi2", "ftoi4", "ftoi8", "dtof",
	"numeric_int2", "numeric_int4", "numeric_int8", "numeric_float4", "numeric_float8",
	"bpchar", "varchar", "char_text", "text_char",
	"name_bpchar", "chartoi4", "i4tochar", "cash_numeric", "numeric_cash", "int4_cash", "int8_cash",
	/* parts of dates and times, and rounding */
	"timestamp_trunc", "timestamptz_trunc", "timestamptz_trunc_zone", "interval_trunc",
	"timestamp_bin", "timestamptz_bin", "timestamp_part", "timestamptz_part", "interval_part",
	"time_part", "timetz_part", "extract_date", "extract_time", "extract_timetz",
	"extract_timestamp", "extract_timestamptz", "extract_interval", "timestamp_scale",
	"timestamptz_scale", "time_scale", "timetz_scale", "interval_scale",
	/* arithmetic of dates and times */
	"date_pli", "date_mii", "date_mi", "date_pl_interval", "date_mi_interval",
	"timestamp_pl_interval", "timestamp_mi_interval", "timestamp_mi",
	"timestamptz_pl_interval", "timestamptz_mi_interval", "timestamp_age", "timestamptz_age",
	"interval_pl", "interval_mi", "interval_um", "interval_mul", "interval_div",
	"mul_d_interval", "interval_justify_interval", "interval_justify_hours",
	"interval_justify_days", "time_pl_interval", "time_mi_interval", "time_mi_time",
	"timetz_pl_interval", "timetz_mi_interval", "overlaps_time", "overlaps_timetz",
	"overlaps_timestamp",
	/* dates and times made of others */
	"date_timestamp", "date_timestamptz", "timestamp_date", "timestamptz_date",
	"timestamp_timestamptz", "timestamptz_timestamp", "timestamp_time", "timestamptz_time",
	"timestamptz_timetz", "timetz_time", "time_timetz", "interval_time", "datetime_timestamp",
	"datetimetz_timestamptz", "timestamp_zone", "timestamptz_zone", "timetz_zone",
	"timestamp_izone", "timestamptz_izone", "timetz_izone", "make_date", "make_time",
	"make_timestamp", "make_timestamptz", "make_timestamptz_at_timezone", "make_interval",
	"float8_timestamptz",
	/* LIKE and regular expressions */
	"textlike", "textnlike", "texticlike", "texticnlike", "namelike", "namenlike",
	"nameiclike", "nameicnlike", "like_escape", "textregexeq", "textregexne", "texticregexeq",
	"texticregexne", "nameregexeq", "nameregexne", "nameicregexeq", "nameicregexne",
	"textregexsubstr", "textregexreplace", "textregexreplace_noopt", "regexp_like",
	"regexp_like_no_flags", "regexp_count_no_start", "regexp_count_no_flags", "regexp_count",
	"regexp_substr_no_start", "regexp_substr_no_n", "regexp_substr_no_flags",
	"regexp_substr_no_subexpr", "regexp_substr", "regexp_instr_no_start", "regexp_instr_no_n",
	"regexp_instr_no_endoption", "regexp_instr_no_flags", "regexp_instr_no_subexpr",
	"regexp_instr", "regexp_match", "regexp_match_no_flags", "regexp_split_to_array",
	"regexp_split_to_array_no_flags", "textregexreplace_extended",
	"textregexreplace_extended_no_flags", "textregexreplace_extended_no_n",
	"similar_escape", "similar_to_escape_1", "similar_to_escape_2",
	/* text */
	"lower", "upper", "initcap", "text_larger", "text_smaller", "bpchar_larger",
	"bpchar_smaller", "textcat", "text_concat", "text_concat_ws", "btrim", "btrim1", "ltrim",
	"ltrim1", "rtrim", "rtrim1", "lpad", "rpad", "repeat", "text_substr", "text_substr_no_len",
	"text_left", "text_right", "textpos", "textoverlay", "textoverlay_no_len", "split_part",
	"replace_text", "translate", "text_reverse", "ascii", "chr", "to_hex32", "to_hex64",
	"text_format", "text_format_nv", "quote_ident", "quote_literal", "quote_nullable",
	"unicode_normalize_func", "unicode_is_normalized", "unistr", "char_bpchar",
	"pg_size_pretty", "pg_size_pretty_numeric", "pg_size_bytes",
	/* digests, which a FIPS mode may forbid, and hashes */
	"md5_text", "md5_bytea", "sha224_bytea", "sha256_bytea", "sha384_bytea", "sha512_bytea",
	"hashint2", "hashint2extended", "hashint4", "hashint4extended", "hashint8",
	"hashint8extended", "hash_numeric", "hash_numeric_extended", "hashtext",
	"hashtextextended", "uuid_hash", "uuid_hash_extended",
	/* bytes */
	"binary_decode", "binary_encode", "bytea_substr", "bytea_substr_no_len", "byteacat",
	"byteapos", "byteaoverlay", "byteaoverlay_no_len", "byteatrim", "bytealtrim",
	"byteartrim", "bytealike", "byteanlike", "byteaGetByte", "byteaSetByte", "byteaGetBit",
	"byteaSetBit", "bytea_bit_count",
	/* strings of bits */
	"bit", "varbit", "bitfromint4", "bitfromint8", "bittoint4", "bittoint8", "bit_and",
	"bit_or", "bitxor", "bitnot", "bitshiftleft", "bitshiftright", "bitcat", "bitlength",
	"bitoctetlength", "bitposition", "bitsubstr", "bitsubstr_no_len", "bitoverlay",
	"bitoverlay_no_len", "bitgetbit", "bitsetbit", "bit_bit_count",
	/* money */
	"cash_pl", "cash_mi", "cash_mul_int2", "cash_mul_int4", "cash_mul_int8", "cash_mul_flt4",
	"cash_mul_flt8", "int2_mul_cash", "int4_mul_cash", "int8_mul_cash", "flt4_mul_cash",
	"flt8_mul_cash", "cash_div_flt4", "cash_div_flt8", "cash_div_cash", /* cash_div_int8 and the
																		 * like crash: the least
																		 * money / -1 */
	/* formats */
	"timestamp_to_char", "timestamptz_to_char", "interval_to_char", "numeric_to_char",
	"int4_to_char", "int8_to_char", "float4_to_char", "float8_to_char", "to_date",
	"to_timestamp", "numeric_to_number",
	/* json */
	"json_object_field", "json_object_field_text", "json_array_element",
	"json_array_element_text", "json_extract_path", "json_extract_path_text",
	"json_array_length", "json_typeof", "jsonb_object_field", "jsonb_object_field_text",
	"jsonb_array_element", "jsonb_array_element_text", "jsonb_extract_path",
	"jsonb_extract_path_text", "jsonb_array_length", "jsonb_typeof", "jsonb_exists",
	"jsonb_exists_any", "jsonb_exists_all", "jsonb_contains", "jsonb_contained", "jsonb_eq",
	"jsonb_ne", "jsonb_bool", "jsonb_int2", "jsonb_int4", "jsonb_int8", "jsonb_float4",
	"jsonb_float8", "jsonb_numeric", "json_strip_nulls", "jsonb_strip_nulls", "jsonb_concat",
	"jsonb_delete", "jsonb_delete_idx", "jsonb_delete_array", "jsonb_delete_path", "jsonb_set",
	"jsonb_insert", "jsonb_pretty", "json_object", "json_object_two_arg", "jsonb_object",
	"jsonb_object_two_arg",
	"jsonb_path_exists", "jsonb_path_exists_opr", "jsonb_path_match", "jsonb_path_match_opr",
	"jsonb_path_query_first", "jsonb_path_query_array",
	/* text search: of a stored tsvector for a constant query, see language.c */
	"ts_match_vq", "ts_match_qv",
	/* order of enums: labels are looked up */
	"enum_lt", "enum_le", "enum_gt", "enum_ge",
	/* arrays */
	"array_eq", "array_ne", "arraycontains", "arraycontained", "arrayoverlap", "array_length",
	"array_cardinality", "array_ndims", "array_lower", "array_upper", "array_position",
	"array_position_start", "array_positions", "array_to_text", "array_to_text_null",
	"array_dims", "array_append", "array_prepend", "array_cat", "array_remove",
	"array_replace", "trim_array", "text_to_array", "text_to_array_null",
	/* networks */
	"network_sub", "network_subeq", "network_sup", "network_supeq", "network_overlap",
	"network_family", "network_masklen", "network_host", "network_show", "network_network",
	"network_broadcast", "network_netmask", "network_hostmask", "inet_abbrev", "cidr_abbrev",
	"inet_set_masklen", "cidr_set_masklen", "inet_to_cidr", "inet_same_family", "inet_merge",
	"inetand", "inetor", "inetnot", "inetpl", "inetmi", "inetmi_int8", "macaddr_trunc",
	"macaddr8_trunc", "macaddr8tomacaddr",
	NULL
};

/*
 * Values of the session, which are computed before the release and once for it, if their
 * arguments need no row: see query/session_values.c.
 */
static const char *const session_functions[] = {
	"show_config_by_name", "show_config_by_name_missing_ok", "current_user", "session_user",
	"current_database", "current_schema", "current_schemas", "pg_has_role_name",
	"pg_has_role_id", "pg_has_role_name_name", "pg_has_role_name_id", "pg_has_role_id_name",
	"pg_has_role_id_id", "inet_client_addr", "inet_server_addr",
	NULL
};

/* Functions in FROM, of arguments that need no row; they are read to their ends before the first. */
static const char *const set_functions[] = {
	"generate_series_int4", "generate_series_step_int4", "generate_series_int8",
	"generate_series_step_int8", "generate_series_numeric", "generate_series_step_numeric",
	"generate_series_timestamp", "generate_series_timestamptz", "generate_subscripts",
	"array_unnest", "text_to_table", "text_to_table_null", "regexp_split_to_table",
	"regexp_split_to_table_no_flags", "json_array_elements", "json_array_elements_text",
	"jsonb_array_elements", "jsonb_array_elements_text",
	NULL
};

/*
 * Arguments that must be constants or parameters: formats and patterns, which are
 * compiled and kept, and how long to make a text.
 */
static const struct
{
	const char *symbol;
	int			argument;		/* from 0 */
}			constant_arguments[] =
{
	{"textregexeq", 1}, {"textregexne", 1}, {"texticregexeq", 1}, {"texticregexne", 1},
	{"nameregexeq", 1}, {"nameregexne", 1}, {"nameicregexeq", 1}, {"nameicregexne", 1},
	{"textregexsubstr", 1}, {"textregexreplace", 1}, {"textregexreplace_noopt", 1},
	{"regexp_like", 1}, {"regexp_like_no_flags", 1}, {"regexp_count", 1},
	{"regexp_count_no_start", 1}, {"regexp_count_no_flags", 1}, {"regexp_substr_no_start", 1},
	{"regexp_substr_no_n", 1}, {"regexp_substr_no_flags", 1}, {"regexp_substr_no_subexpr", 1},
	{"regexp_substr", 1}, {"regexp_instr_no_start", 1}, {"regexp_instr_no_n", 1},
	{"regexp_instr_no_endoption", 1}, {"regexp_instr_no_flags", 1},
	{"regexp_instr_no_subexpr", 1}, {"regexp_instr", 1}, {"regexp_match", 1},
	{"regexp_match_no_flags", 1}, {"regexp_split_to_array", 1},
	{"regexp_split_to_array_no_flags", 1}, {"textregexreplace_extended", 1},
	{"textregexreplace_extended_no_flags", 1}, {"textregexreplace_extended_no_n", 1},
	{"text_format", 0}, {"text_format_nv", 0},
	{"similar_escape", 0}, {"similar_to_escape_1", 0}, {"similar_to_escape_2", 0},
	{"timestamp_to_char", 1}, {"timestamptz_to_char", 1}, {"interval_to_char", 1},
	{"numeric_to_char", 1}, {"int4_to_char", 1}, {"int8_to_char", 1},
	{"float4_to_char", 1}, {"float8_to_char", 1},
	{"to_date", 1}, {"to_timestamp", 1}, {"numeric_to_number", 1},
	{"lpad", 1}, {"rpad", 1}, {"repeat", 1},
	{"bpchar", 1}, {"bit", 1}, {"bitfromint4", 1}, {"bitfromint8", 1},
	{"jsonb_path_exists", 1}, {"jsonb_path_exists_opr", 1}, {"jsonb_path_match", 1},
	{"jsonb_path_match_opr", 1}, {"jsonb_path_query_first", 1}, {"jsonb_path_query_array", 1},
};

/* Those whose constant argument is the length of what they return: casts to char(n) and bit(n), too. */
static const char *const padding_functions[] = {
	"lpad", "rpad", "repeat", "bpchar", "bit", "bitfromint4", "bitfromint8", NULL
};

/* Standard aggregates allowed over the rows of one individual. */
static const char *const exact_aggregates[] = {
	"count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every", NULL
};

/* Types of values, and arrays of these.  Enums are allowed, too. */
static const Oid allowed_types[] = {
	BOOLOID, INT2OID, INT4OID, INT8OID, FLOAT4OID, FLOAT8OID, NUMERICOID, CASHOID, OIDOID,
	TEXTOID, VARCHAROID, BPCHAROID, NAMEOID, CHAROID, BYTEAOID, BITOID, VARBITOID,
	DATEOID, TIMEOID, TIMETZOID, TIMESTAMPOID, TIMESTAMPTZOID, INTERVALOID,
	UUIDOID, JSONOID, JSONBOID, INETOID, CIDROID, MACADDROID, MACADDR8OID,
	InvalidOid
};

/*
 * Types that a text may be cast to; a text that does not fit gives NULL.  Not enums: that
 * a label was looked for and not found stays in the caches of the session.
 */
static const Oid cast_targets[] = {
	BOOLOID, INT2OID, INT4OID, INT8OID, FLOAT4OID, FLOAT8OID, NUMERICOID,
	TEXTOID, VARCHAROID, BPCHAROID, DATEOID, TIMEOID, TIMETZOID, TIMESTAMPOID,
	TIMESTAMPTZOID, INTERVALOID, UUIDOID, JSONOID, JSONBOID, INETOID, CIDROID,
	MACADDROID, MACADDR8OID, BYTEAOID, BITOID, VARBITOID, InvalidOid
};

/* ----------
 * Functions
 * ----------
 */

typedef struct VerdictEntry
{
	Oid			funcid;			/* hash key, must be first */
	FunctionVerdict verdict;
	int			constant_argument;	/* or -1 */
	bool		pads;
	bool		formats;
} VerdictEntry;

static HTAB *verdicts = NULL;

/* Is the name in a list that ends with NULL? */
static bool
listed(const char *const *list, const char *name)
{
	for (; *list != NULL; list++)
	{
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

/* Fills in the entry of a function by the C symbol behind it. */
static void
judge_symbol(VerdictEntry *entry, const char *symbol)
{
	if (listed(wrapped_functions, symbol))
		entry->verdict = FUNCTION_GUARDED;
	else if (listed(safe_functions, symbol))
		entry->verdict = FUNCTION_SAFE;
	else if (listed(session_functions, symbol))
		entry->verdict = FUNCTION_OF_SESSION;
	for (int i = 0; i < (int) lengthof(constant_arguments); i++)
	{
		if (strcmp(constant_arguments[i].symbol, symbol) == 0)
			entry->constant_argument = constant_arguments[i].argument;
	}
	entry->pads = listed(padding_functions, symbol);
	entry->formats = strcmp(symbol, "text_format") == 0 || strcmp(symbol, "text_format_nv") == 0;
}

/* Fills in the entry of a function; one that is not built in and plain stays refused. */
static void
judge_function(VerdictEntry *entry)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(entry->funcid));
	Form_pg_proc form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (form->prolang == INTERNALlanguageId && form->prokind == PROKIND_FUNCTION &&
		!form->proretset && form->provolatile != PROVOLATILE_VOLATILE)
	{
		bool		isnull;
		Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);

		if (!isnull)
			judge_symbol(entry, TextDatumGetCString(source));
	}
	ReleaseSysCache(tuple);
}

/* Built-in functions do not change while a server runs, so verdicts are kept. */
static const VerdictEntry *
function_entry(Oid funcid)
{
	static const VerdictEntry refused = {.constant_argument = -1};
	VerdictEntry *entry;

	if (funcid >= FirstNormalObjectId || !OidIsValid(funcid))
		return &refused;
	if (verdicts == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(VerdictEntry)};

		verdicts = hash_create("dp_agg function verdicts", 256, &control,
							   HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(verdicts, &funcid, HASH_FIND, NULL);
	if (entry == NULL)
	{
		VerdictEntry judged = {.funcid = funcid,.constant_argument = -1};

		judge_function(&judged);
		entry = hash_search(verdicts, &funcid, HASH_ENTER, NULL);
		*entry = judged;
	}
	return entry;
}

/* May this function stand below a release, and does it need guarded()? */
FunctionVerdict
function_verdict(Oid funcid)
{
	return function_entry(funcid)->verdict;
}

/* Is this a function of SQL, which can be inlined? */
bool
function_is_sql(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	bool		result = HeapTupleIsValid(tuple) &&
		((Form_pg_proc) GETSTRUCT(tuple))->prolang == SQLlanguageId;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
}

/* Is this a function that guarded() may call? */
bool
function_is_guarded(Oid funcid)
{
	return function_verdict(funcid) == FUNCTION_GUARDED;
}

/* The argument (from 0) that must be a constant or a parameter, or -1. */
int
function_constant_argument(Oid funcid)
{
	return function_entry(funcid)->constant_argument;
}

/* Is the constant argument a length, of at most LONGEST_PADDING? */
bool
function_pads(Oid funcid)
{
	return function_entry(funcid)->pads;
}

/* Is it format(), whose constant argument may ask for any width? */
bool
function_formats(Oid funcid)
{
	return function_entry(funcid)->formats;
}

/* May this function stand in FROM beside protected rows, with arguments that need no row? */
bool
set_function_is_allowed(Oid funcid)
{
	HeapTuple	tuple;
	bool		result = false;

	if (funcid >= FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	if (!HeapTupleIsValid(tuple))
		return false;
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == INTERNALlanguageId &&
		((Form_pg_proc) GETSTRUCT(tuple))->proretset)
	{
		bool		isnull;
		Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);

		result = !isnull && listed(set_functions, TextDatumGetCString(source));
	}
	ReleaseSysCache(tuple);
	return result;
}

/*
 * May this standard aggregate compute something of one individual's rows below
 * a release?  *adds: it adds up what it gets, which must neither overflow nor depend on the
 * order.
 */
bool
aggregate_is_allowed(Oid aggfnoid, bool *adds)
{
	char	   *name;
	bool		allowed;

	*adds = false;
	if (aggfnoid >= FirstNormalObjectId)
		return false;
	name = get_func_name(aggfnoid);
	allowed = name != NULL && listed(exact_aggregates, name);
	*adds = allowed && (strcmp(name, "sum") == 0 || strcmp(name, "avg") == 0);
	return allowed;
}

/* ----------
 * Types, casts, collations
 * ----------
 */

/* Is the type in a list that ends with InvalidOid? */
static bool
contains(const Oid *list, Oid type)
{
	for (; OidIsValid(*list); list++)
	{
		if (*list == type)
			return true;
	}
	return false;
}

/*
 * Domains are refused where they would be checked (CoerceToDomain); reading a
 * column of a domain is harmless.
 */
bool
type_is_allowed(Oid type)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	if (OidIsValid(element) && get_array_type(element) == base)
		base = getBaseType(element);
	return contains(allowed_types, base) || type_is_enum(base);
}

/*
 * May values of the type be group keys and the unit: can they be sorted and hashed, by
 * PostgreSQL's own equality?
 */
bool
type_may_be_key(Oid type)
{
	TypeCacheEntry *entry;

	if (!type_is_allowed(type))
		return false;
	entry = lookup_type_cache(getBaseType(type),
							  TYPECACHE_LT_OPR | TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC);
	return OidIsValid(entry->lt_opr) && OidIsValid(entry->eq_opr) &&
		entry->eq_opr < FirstNormalObjectId && OidIsValid(entry->hash_proc);
}

/*
 * Does a cast without a function (RelabelType) make a text of a type that is not on the list, of
 * an extension for one?  Its values then are stored as those of a text, and none of the
 * type's own code runs: only a superuser can make such a cast.
 */
bool
cast_is_to_same_text(Oid source, Oid target)
{
	return (target == TEXTOID || target == VARCHAROID) &&
		get_typtype(source) == TYPTYPE_BASE && get_typlen(source) == -1 &&
		!OidIsValid(get_element_type(source));
}

/*
 * A cast that goes through text, as CoerceViaIO does: to a text from all allowed
 * types, and from a text to some.
 */
bool
cast_is_allowed(Oid source, Oid target)
{
	source = getBaseType(source);
	if (!type_is_allowed(source) || OidIsValid(get_element_type(source)))
		return false;
	return contains(cast_targets, target);
}

/* Collations that come with PostgreSQL, and tell equal from similar. */
bool
collation_is_allowed(Oid collation)
{
	return !OidIsValid(collation) ||
		(collation < FirstNormalObjectId && get_collation_isdeterministic(collation));
}
