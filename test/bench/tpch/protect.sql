-- protect.sql
--	Customers are the population, as a DBA would have it: psql -v variant=wide|linked -f protect.sql
--
-- Limits, bounds and totals of orders and lineitem are those that dp_agg.suggest() proposed at scale 1, for epsilon 1 and groups => 4;
-- they depend on a customer alone, so that they fit other scales as well.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT :'variant' = 'wide' AS wide \gset
SELECT dp_agg.protect('customer', unit => 'c_custkey', population => 'customers',
	columns => '{c_nationkey,c_phone,c_acctbal,c_mktsegment,c_comment,c_name,c_address}');
\if :wide
SELECT dp_agg.protect('orders', unit => 'o_custkey', population => 'customers', max_groups => 25, max_rows => 15, max_total => 40);
SELECT dp_agg.protect('lineitem', unit => 'l_custkey', population => 'customers', max_groups => 100, max_rows => 75, max_total => 150);
\else
SELECT dp_agg.protect('orders', link => 'o_custkey', parent => 'customer', population => 'customers',
	max_groups => 25, max_rows => 15, max_total => 40);
SELECT dp_agg.protect('lineitem', link => 'l_orderkey', parent => 'orders', population => 'customers',
	max_groups => 100, max_rows => 75, max_total => 150);
\endif
SELECT dp_agg.set_bounds('lineitem', 'l_quantity', 0, 60);
SELECT dp_agg.set_bounds('lineitem', 'l_extendedprice', 0, 100000);
SELECT dp_agg.set_bounds('lineitem', 'l_discount', 0, 0.1);
SELECT dp_agg.set_bounds('lineitem', 'l_tax', 0, 0.1);
SELECT dp_agg.set_total('lineitem', 'l_quantity', 0, 4000);
SELECT dp_agg.set_total('lineitem', 'l_extendedprice', 0, 6000000);
SELECT dp_agg.set_total('lineitem', 'l_discount', 0, 10);
SELECT dp_agg.set_total('lineitem', 'l_tax', 0, 6);
SELECT dp_agg.set_bounds('orders', 'o_totalprice', 0, 600000);
-- The planner estimates by these
SELECT dp_agg.set_bounds('orders', 'o_orderdate', '1991-01-01', '2000-01-01');
SELECT dp_agg.set_bounds('lineitem', c, '1991-01-01', '2000-01-01') FROM unnest('{l_shipdate,l_commitdate,l_receiptdate}'::name[]) c;
SELECT dp_agg.set_bounds('customer', 'c_acctbal', -1000, 10000);
-- What a supplier asks for a part is public
SELECT dp_agg.set_public_bounds('partsupp', 'ps_supplycost', 0, 1000);
SELECT dp_agg.set_budget('analyst', 'customers', epsilon => 1e9, delta => 0.9);
GRANT SELECT ON region, nation, supplier, part, partsupp TO analyst;
