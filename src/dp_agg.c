/*
 * dp_agg.c
 *		Entry point: registers settings, hooks and nodes, and nothing else.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/plancache.h"

#include "core/settings.h"
#include "hooks/conversions.h"
#include "hooks/hooks.h"
#include "hooks/rebuilt_views.h"
#include "ledger/charge.h"
#include "ledger/tables.h"
#include "nodes/bound/path.h"
#include "nodes/public/path.h"
#include "nodes/release/path.h"
#include "nodes/release/wide.h"
#include "nodes/shards/path.h"
#include "policy/cache.h"
#include "policy/extension.h"
#include "policy/label.h"
#include "session/carried.h"
#include "session/quiet.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

PGDLLEXPORT void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("dp_agg must be loaded through shared_preload_libraries"),
				 errhint("Add dp_agg to shared_preload_libraries in postgresql.conf and restart the server.")));
#ifdef DP_FAULT
	ereport(WARNING,
			(errmsg("this build of dp_agg has a fault for testing and gives no privacy")));
#endif
	settings_init();
	policy_register_provider();
	policy_init_cache();
	extension_init_cache();
	ledger_init();
	ledger_init_cache();
	carried_init();
	quiet_init();
	release_node_init();
	wide_node_init();
	public_node_init();
	bound_nodes_init();
	shards_nodes_init();
	planner_hook_init();
	path_hooks_init();
	statistics_hooks_init();
	executor_hooks_init();
	explain_hook_init();
	utility_hook_init();
	conversions_init();
	rebuilt_views_init();
	permissions_hook_init();
}
