-- data.sql
--	The eight tables of TPC-H, made inside PostgreSQL: psql -v sf=1 -f data.sql
--
-- Cardinalities, domains and the rules that tie columns to each other are those that the TPC-H specification
-- (revision 3, clause 4.2) publishes; the numbers are drawn by hashes of row and column, so that each run makes
-- the same rows, and comments are made of a few thousand phrases.  Two thirds of the customers have orders, an order
-- has one to seven line items, order keys are sparse.  lineitem has one column more than published:
-- l_custkey, the customer of its order.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET work_mem = '512MB';
SET maintenance_work_mem = '1GB';
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 10;
SET parallel_tuple_cost = 0;

CREATE SCHEMA tpch_data;
-- draw(row, column, n): a whole number from 0 to n - 1
CREATE FUNCTION tpch_data.draw(bigint, bigint, int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((hashint8extended($1, $2) & 9223372036854775807) % $3)::int;
CREATE FUNCTION tpch_data.phone(nation int, bigint) RETURNS char(15) LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (nation + 10) || '-' || 100 + tpch_data.draw($2, 91, 900) || '-' || 100 + tpch_data.draw($2, 92, 900) || '-' || 1000 + tpch_data.draw($2, 93, 9000);
-- The supplier of a part, of four; of so many suppliers
CREATE FUNCTION tpch_data.supplier(part int, which int, suppliers int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (part + which * (suppliers / 4 + (part - 1) / suppliers)) % suppliers + 1;
CREATE FUNCTION tpch_data.retail_price(part int) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (90000 + part / 10 % 20001 + 100 * (part % 1000)) / 100.0;

SELECT (:sf * 150000)::int AS customers, (:sf * 10000)::int AS suppliers, (:sf * 200000)::int AS parts,
	(:sf * 1500000)::int AS orders, greatest(:sf * 1000, 1)::int AS clerks \gset

-- What comments are made of: 4,096 phrases of about 27 characters
CREATE TABLE tpch_data.phrase AS
SELECT i, (ARRAY['quickly', 'slowly', 'carefully', 'furiously', 'blithely', 'daringly', 'never', 'always'])[1 + tpch_data.draw(i, 1, 8)]
	|| ' ' || (ARRAY['final', 'ironic', 'regular', 'silent', 'bold', 'express', 'even', 'unusual'])[1 + tpch_data.draw(i, 2, 8)]
	|| ' ' || (ARRAY['accounts', 'packages', 'deposits', 'theodolites', 'ideas', 'pinto beans', 'foxes', 'platelets'])[1 + tpch_data.draw(i, 3, 8)]
	|| ' ' || (ARRAY['nag', 'sleep', 'haggle', 'wake', 'detect', 'cajole', 'boost', 'use'])[1 + tpch_data.draw(i, 4, 8)] AS phrase
FROM generate_series(0, 4095) i;
ANALYZE tpch_data.phrase;

CREATE TABLE region (r_regionkey int NOT NULL, r_name char(25) NOT NULL, r_comment varchar(152) NOT NULL);
INSERT INTO region
SELECT i - 1, (ARRAY['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'])[i], phrase
FROM generate_series(1, 5) i JOIN tpch_data.phrase p USING (i);

CREATE TABLE nation (n_nationkey int NOT NULL, n_name char(25) NOT NULL, n_regionkey int NOT NULL, n_comment varchar(152) NOT NULL);
INSERT INTO nation
SELECT n - 1, name, region, phrase
FROM ROWS FROM (unnest(ARRAY['ALGERIA', 'ARGENTINA', 'BRAZIL', 'CANADA', 'EGYPT', 'ETHIOPIA', 'FRANCE', 'GERMANY', 'INDIA', 'INDONESIA',
	'IRAN', 'IRAQ', 'JAPAN', 'JORDAN', 'KENYA', 'MOROCCO', 'MOZAMBIQUE', 'PERU', 'CHINA', 'ROMANIA', 'SAUDI ARABIA', 'VIETNAM',
	'RUSSIA', 'UNITED KINGDOM', 'UNITED STATES']),
	unnest(ARRAY[0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1])) WITH ORDINALITY a (name, region, n)
JOIN tpch_data.phrase p ON p.i = n;

-- Five of 10,000 suppliers have complaints in their comments, five recommendations.
CREATE TABLE supplier (s_suppkey int NOT NULL, s_name char(25) NOT NULL, s_address varchar(40) NOT NULL, s_nationkey int NOT NULL,
	s_phone char(15) NOT NULL, s_acctbal numeric(15,2) NOT NULL, s_comment varchar(101) NOT NULL);
INSERT INTO supplier
SELECT s, 'Supplier#' || lpad(s::text, 9, '0'), left(md5(s::text), 10 + tpch_data.draw(s, 11, 23)), nation, tpch_data.phone(nation, s),
	(tpch_data.draw(s, 12, 1099999) - 99999) / 100.0,
	CASE WHEN (s + 7) % 2000 = 0 OR :suppliers < 2000 AND s = 7 THEN 'Customer ' || phrase || ' Complaints'
		WHEN (s + 8) % 2000 = 0 THEN 'Customer ' || phrase || ' Recommends' ELSE phrase || ' among ' || phrase END
FROM (SELECT s, tpch_data.draw(s, 13, 25) AS nation, tpch_data.draw(s, 14, 4096) AS i FROM generate_series(1, :suppliers) s) r
JOIN tpch_data.phrase USING (i);

CREATE TABLE part (p_partkey int NOT NULL, p_name varchar(55) NOT NULL, p_mfgr char(25) NOT NULL, p_brand char(10) NOT NULL,
	p_type varchar(25) NOT NULL, p_size int NOT NULL, p_container char(10) NOT NULL, p_retailprice numeric(15,2) NOT NULL,
	p_comment varchar(23) NOT NULL);
-- Names are five different words of 92.
INSERT INTO part
SELECT p, w[1 + n0] || ' ' || w[1 + (n0 + 1 + n1) % 92] || ' ' || w[1 + (n0 + 23 + n2) % 92] || ' ' || w[1 + (n0 + 45 + n3) % 92]
	|| ' ' || w[1 + (n0 + 67 + n4) % 92],
	'Manufacturer#' || m, 'Brand#' || m || 1 + tpch_data.draw(p, 22, 5),
	(ARRAY['STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO'])[1 + tpch_data.draw(p, 23, 6)]
	|| ' ' || (ARRAY['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'])[1 + tpch_data.draw(p, 24, 5)]
	|| ' ' || (ARRAY['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'])[1 + tpch_data.draw(p, 25, 5)],
	1 + tpch_data.draw(p, 26, 50),
	(ARRAY['SM', 'LG', 'MED', 'JUMBO', 'WRAP'])[1 + tpch_data.draw(p, 27, 5)]
	|| ' ' || (ARRAY['CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'])[1 + tpch_data.draw(p, 28, 8)],
	tpch_data.retail_price(p), left(phrase, 5 + tpch_data.draw(p, 29, 18))
FROM (SELECT p, 1 + tpch_data.draw(p, 21, 5) AS m, tpch_data.draw(p, 15, 92) AS n0, tpch_data.draw(p, 16, 22) AS n1,
		tpch_data.draw(p, 17, 22) AS n2, tpch_data.draw(p, 18, 22) AS n3, tpch_data.draw(p, 19, 22) AS n4, tpch_data.draw(p, 20, 4096) AS i
	FROM generate_series(1, :parts) p) r
JOIN tpch_data.phrase USING (i),
	string_to_array('almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood burnished chartreuse '
		'chiffon chocolate coral cornflower cornsilk cream cyan dark deep dim dodger drab firebrick floral forest frosted gainsboro '
		'ghost goldenrod green grey honeydew hot indian ivory khaki lace lavender lawn lemon light lime linen magenta maroon medium '
		'metallic midnight mint misty moccasin navajo navy olive orange orchid pale papaya peach peru pink plum powder puff purple '
		'red rose rosy royal saddle salmon sandy seashell sienna sky slate smoke snow spring steel tan thistle tomato turquoise '
		'violet wheat white yellow', ' ') w;

CREATE TABLE partsupp (ps_partkey int NOT NULL, ps_suppkey int NOT NULL, ps_availqty int NOT NULL, ps_supplycost numeric(15,2) NOT NULL,
	ps_comment varchar(199) NOT NULL);
INSERT INTO partsupp
SELECT p, tpch_data.supplier(p, n, :suppliers), 1 + tpch_data.draw(4 * p + n, 31, 9999), (100 + tpch_data.draw(4 * p + n, 32, 99901)) / 100.0,
	phrase || ', ' || phrase || ' or ' || phrase
FROM (SELECT p, n, tpch_data.draw(4 * p + n, 33, 4096) AS i FROM generate_series(1, :parts) p, generate_series(0, 3) n) r
JOIN tpch_data.phrase USING (i);

CREATE TABLE customer (c_custkey int NOT NULL, c_name varchar(25) NOT NULL, c_address varchar(40) NOT NULL, c_nationkey int NOT NULL,
	c_phone char(15) NOT NULL, c_acctbal numeric(15,2) NOT NULL, c_mktsegment char(10) NOT NULL, c_comment varchar(117) NOT NULL);
INSERT INTO customer
SELECT c, 'Customer#' || lpad(c::text, 9, '0'), left(md5(c::text), 10 + tpch_data.draw(c, 41, 23)), nation, tpch_data.phone(nation, c),
	(tpch_data.draw(c, 42, 1099999) - 99999) / 100.0,
	(ARRAY['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'])[1 + tpch_data.draw(c, 43, 5)], phrase || ' along ' || phrase
FROM (SELECT c, tpch_data.draw(c, 44, 25) AS nation, tpch_data.draw(c, 45, 4096) AS i FROM generate_series(1, :customers) c) r
JOIN tpch_data.phrase USING (i);

-- Of 32 order keys the first 8 are used; of three customers the third has no order.
CREATE TABLE tpch_data.placed AS
SELECT o / 8 * 32 + o % 8 + 1 AS orderkey,
	tpch_data.draw(o, 51, :customers / 3 * 2) / 2 * 3 + tpch_data.draw(o, 51, :customers / 3 * 2) % 2 + 1 AS custkey,
	date '1992-01-01' + tpch_data.draw(o, 52, date '1998-08-02' - date '1992-01-01' + 1) AS placed, 1 + tpch_data.draw(o, 53, 7) AS items
FROM generate_series(0, :orders - 1) o;
ANALYZE tpch_data.placed;

CREATE TABLE lineitem (l_orderkey int NOT NULL, l_partkey int NOT NULL, l_suppkey int NOT NULL, l_linenumber int NOT NULL,
	l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL, l_tax numeric(15,2) NOT NULL,
	l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL,
	l_receiptdate date NOT NULL, l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL,
	l_custkey int NOT NULL);
INSERT INTO lineitem
SELECT orderkey, part, tpch_data.supplier(part, tpch_data.draw(l, 62, 4), :suppliers), n, quantity, quantity * tpch_data.retail_price(part),
	tpch_data.draw(l, 63, 11) / 100.0, tpch_data.draw(l, 64, 9) / 100.0,
	CASE WHEN received > date '1995-06-17' THEN 'N' WHEN tpch_data.draw(l, 65, 2) = 0 THEN 'R' ELSE 'A' END,
	CASE WHEN shipped > date '1995-06-17' THEN 'O' ELSE 'F' END,
	shipped, placed + 30 + tpch_data.draw(l, 66, 61), received,
	(ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])[1 + tpch_data.draw(l, 67, 4)],
	(ARRAY['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'])[1 + tpch_data.draw(l, 68, 7)], phrase, custkey
FROM (SELECT *, shipped + 1 + tpch_data.draw(l, 69, 30) AS received
	FROM (SELECT *, 8::bigint * orderkey + n AS l, 1 + tpch_data.draw(8::bigint * orderkey + n, 61, :parts) AS part,
			1 + tpch_data.draw(8::bigint * orderkey + n, 70, 50) AS quantity, placed + 1 + tpch_data.draw(8::bigint * orderkey + n, 71, 121) AS shipped,
			tpch_data.draw(8::bigint * orderkey + n, 72, 4096) AS i
		FROM tpch_data.placed, generate_series(1, items) n) a) b
JOIN tpch_data.phrase USING (i);

-- One comment in 93 has special requests.
CREATE TABLE orders (o_orderkey int NOT NULL, o_custkey int NOT NULL, o_orderstatus char(1) NOT NULL, o_totalprice numeric(15,2) NOT NULL,
	o_orderdate date NOT NULL, o_orderpriority char(15) NOT NULL, o_clerk char(15) NOT NULL, o_shippriority int NOT NULL, o_comment varchar(79) NOT NULL);
INSERT INTO orders
SELECT orderkey, custkey, status, total, placed,
	(ARRAY['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'])[1 + tpch_data.draw(orderkey, 54, 5)],
	'Clerk#' || lpad((1 + tpch_data.draw(orderkey, 55, :clerks))::text, 9, '0'), 0,
	CASE WHEN tpch_data.draw(orderkey, 56, 93) = 0 THEN 'special ' || phrase || ' requests' ELSE phrase || ' about the ' || left(phrase, 12) END
FROM (SELECT p.*, tpch_data.draw(orderkey, 57, 4096) AS i, status, total
	FROM tpch_data.placed p JOIN (
		SELECT l_orderkey AS orderkey, round(sum(l_extendedprice * (1 + l_tax) * (1 - l_discount)), 2) AS total,
			CASE WHEN min(l_linestatus) = max(l_linestatus) THEN min(l_linestatus) ELSE 'P' END AS status
		FROM lineitem GROUP BY l_orderkey) l USING (orderkey)) r
JOIN tpch_data.phrase USING (i);

DROP SCHEMA tpch_data CASCADE;

ALTER TABLE region ADD PRIMARY KEY (r_regionkey);
ALTER TABLE nation ADD PRIMARY KEY (n_nationkey), ADD FOREIGN KEY (n_regionkey) REFERENCES region;
ALTER TABLE supplier ADD PRIMARY KEY (s_suppkey), ADD FOREIGN KEY (s_nationkey) REFERENCES nation;
ALTER TABLE part ADD PRIMARY KEY (p_partkey);
ALTER TABLE partsupp ADD PRIMARY KEY (ps_partkey, ps_suppkey), ADD FOREIGN KEY (ps_partkey) REFERENCES part, ADD FOREIGN KEY (ps_suppkey) REFERENCES supplier;
ALTER TABLE customer ADD PRIMARY KEY (c_custkey), ADD FOREIGN KEY (c_nationkey) REFERENCES nation;
ALTER TABLE orders ADD PRIMARY KEY (o_orderkey), ADD FOREIGN KEY (o_custkey) REFERENCES customer;
ALTER TABLE lineitem ADD PRIMARY KEY (l_orderkey, l_linenumber), ADD FOREIGN KEY (l_orderkey) REFERENCES orders,
	ADD FOREIGN KEY (l_partkey, l_suppkey) REFERENCES partsupp;
VACUUM ANALYZE;
