/*
 * tables.h
 *		Finds the tables of the ledger, and names their columns.
 */
#ifndef DP_LEDGER_TABLES_H
#define DP_LEDGER_TABLES_H

#include "postgres.h"

#include "access/genam.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* Columns of dp_agg.account, in the order of the install script. */
#define Anum_account_role					1
#define Anum_account_population				2
#define Anum_account_epsilon_limit			3
#define Anum_account_epsilon_spent			4
#define Anum_account_delta_limit			5
#define Anum_account_delta_spent			6
#define Anum_account_max_epsilon_per_query	7
#define Anum_account_period					8
#define Anum_account_period_anchor			9
#define Anum_account_renews_at				10
#define Anum_account_epsilon_lifetime		12
#define Anum_account_delta_lifetime			13
#define Anum_account_min_epsilon_per_query	14
#define Anum_account_max_releases			15
#define Anum_account_releases_spent			16
#define Anum_account_rho_limit				17
#define Anum_account_rho_spent				18
#define Anum_account_rho_lifetime			19
#define Anum_account_max_epsilon_lifetime	20
#define Anum_account_max_rho_lifetime		21

/* Columns of dp_agg.release, in the order of the install script. */
#define Anum_release_id				1
#define Anum_release_at				2
#define Anum_release_session_role	3
#define Anum_release_current_role	4
#define Anum_release_session_id		5
#define Anum_release_current_id		6
#define Anum_release_cluster		7
#define Anum_release_population		8
#define Anum_release_relations		9
#define Anum_release_query			10
#define Anum_release_fingerprint	11
#define Anum_release_epsilon		12
#define Anum_release_delta			13
#define Anum_release_outputs		14
#define Anum_release_tier			15
#define Anum_release_reused			16
#define Anum_release_prev_hash		17
#define Anum_release_hash			18
#define Anum_release_accounts		19
#define Anum_release_codes			20

/* Columns of dp_agg.raw_read; the first seven are those of dp_agg.release. */
#define Anum_raw_read_population	8
#define Anum_raw_read_relation		9
#define Anum_raw_read_columns		10
#define Anum_raw_read_query			11
#define Anum_raw_read_fingerprint	12
#define Anum_raw_read_tier			13
#define Anum_raw_read_codes			14
#define Anum_raw_read_prev_hash		15
#define Anum_raw_read_hash			16

/* Columns of dp_agg.account_change; the first seven are those of dp_agg.release. */
#define Anum_account_change_role		8
#define Anum_account_change_role_id		9
#define Anum_account_change_population	10
#define Anum_account_change_before		11
#define Anum_account_change_after		12
#define Anum_account_change_prev_hash	13
#define Anum_account_change_hash		14

/* Columns of dp_agg.account_change_waiting: the number, and then those of account_change. */
#define Anum_waiting_number			1

/* Columns of dp_agg.ledger_archive. */
#define Anum_archive_first_id		1
#define Anum_archive_last_id		2
#define Anum_archive_prev_hash		3
#define Anum_archive_hash			4

/* Columns of dp_agg.reuse. */
#define Anum_reuse_population		1
#define Anum_reuse_lasts			2
#define Anum_reuse_refreshed_at		3

/* Columns of dp_agg.answer. */
#define Anum_answer_release			1
#define Anum_answer_population		2
#define Anum_answer_made_at			3
#define Anum_answer_outputs			4
#define Anum_answer_content			5

/* Columns of dp_agg.ledger_head. */
#define Anum_ledger_head_single		1
#define Anum_ledger_head_id			2
#define Anum_ledger_head_hash		3

extern void ledger_init_cache(void);
extern Oid	ledger_table(const char *name);
extern Oid	ledger_table_needed(const char *name);
extern SysScanDesc ledger_begin_account(Relation account, const NameData *population, Oid role,
										Snapshot snapshot);

#endif							/* DP_LEDGER_TABLES_H */
