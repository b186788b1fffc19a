-- Writes the ledger to three files in the current directory, for tools/dp_agg_verify_ledger:
--
--	psql -X -d DATABASE -f export_ledger.sql
--
-- by a role that may SELECT from the three tables.  One transaction, so that the files are of
-- one moment.

\set ON_ERROR_STOP on
\encoding UTF8
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO';
SET LOCAL bytea_output = 'hex';
\copy (SELECT * FROM dp_agg.release ORDER BY id) TO 'release.csv' (FORMAT csv, HEADER)
\copy (SELECT * FROM dp_agg.raw_read ORDER BY id) TO 'raw_read.csv' (FORMAT csv, HEADER)
\copy (SELECT * FROM dp_agg.account_change ORDER BY id) TO 'account_change.csv' (FORMAT csv, HEADER)
COMMIT;
