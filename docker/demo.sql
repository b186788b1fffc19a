-- The registers of demo/, protected, and the analyst who may ask about them.  Run by
-- entrypoint.sh as the administrator, in a new cluster; DP_AGG_ANALYST holds the password.

\set ON_ERROR_STOP on
\getenv password DP_AGG_ANALYST

CREATE DATABASE demo;
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
\connect demo
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN PASSWORD :'password';
\ir data.sql
\ir setup.sql
