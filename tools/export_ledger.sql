-- Writes the ledger to four files in the current directory, for tools/dp_agg_verify_ledger:
--
--	psql -X -d DATABASE -f export_ledger.sql
--
-- by a role that may SELECT from the four tables.  One transaction, so that the files are of
-- one moment.

\set ON_ERROR_STOP on
-- In a database of encoding SQL_ASCII texts are whatever bytes clients have sent.
SELECT CASE pg_catalog.current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END AS encoding \gset
\encoding :encoding
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO';
SET LOCAL bytea_output = 'hex';
-- an error, if row-level security would hide rows
SET LOCAL row_security = off;
\copy (SELECT * FROM dp_agg.release ORDER BY id) TO 'release.csv' (FORMAT csv, HEADER)
\copy (SELECT * FROM dp_agg.raw_read ORDER BY id) TO 'raw_read.csv' (FORMAT csv, HEADER)
\copy (SELECT * FROM dp_agg.account_change ORDER BY id) TO 'account_change.csv' (FORMAT csv, HEADER)
\copy (SELECT first_id, last_id, prev_hash, hash FROM dp_agg.ledger_archive ORDER BY first_id) TO 'ledger_archive.csv' (FORMAT csv, HEADER)
COMMIT;
