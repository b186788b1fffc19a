-- role.sql
--	What a role needs that monitors dp_agg, in the database that is monitored, as a superuser:
--
--	psql -v role=monitor -f monitoring/role.sql app
--
-- It sees numbers, and neither statements nor objects.  It must not be an analyst: it would see
-- what others spend.

\set ON_ERROR_STOP on
GRANT EXECUTE ON FUNCTION dp_agg.monitor_accounts() TO :"role";
GRANT EXECUTE ON FUNCTION dp_agg.monitor_releases(timestamptz, timestamptz, interval) TO :"role";
GRANT EXECUTE ON FUNCTION dp_agg.monitor_findings() TO :"role";
GRANT EXECUTE ON FUNCTION dp_agg.monitor_ledger() TO :"role";
