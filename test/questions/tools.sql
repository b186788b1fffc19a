-- Questions as tools and libraries write them: quoted names, sub-selects around sub-selects, casts,
-- ordinals.  The form is that of analysts.sql.

-- kind: Metabase, count by month
SELECT CAST(DATE_TRUNC('month', "public"."visits"."started") AS date) AS "started", COUNT(*) AS "count" FROM "public"."visits" GROUP BY CAST(DATE_TRUNC('month', "public"."visits"."started") AS date) ORDER BY CAST(DATE_TRUNC('month', "public"."visits"."started") AS date) ASC;
-- kind: Metabase, saved question as a source
SELECT "source"."kind" AS "kind", AVG("source"."cost") AS "avg", COUNT(DISTINCT "source"."patient") AS "count" FROM (SELECT "public"."visits"."visit_id" AS "visit_id", "public"."visits"."patient" AS "patient", "public"."visits"."kind" AS "kind", "public"."visits"."cost" AS "cost", "public"."visits"."note" AS "note" FROM "public"."visits" WHERE "public"."visits"."cost" > 50) AS "source" GROUP BY "source"."kind" ORDER BY "source"."kind" ASC;
-- kind: Metabase, binned numbers
SELECT FLOOR((("public"."visits"."cost" - 0.0) / 100.0)) * 100.0 + 0.0 AS "cost", COUNT(*) AS "count" FROM "public"."visits" GROUP BY FLOOR((("public"."visits"."cost" - 0.0) / 100.0)) * 100.0 + 0.0 ORDER BY 1 ASC;
-- kind: Metabase, filter by period and joined table
SELECT "Clinics"."region" AS "Clinics__region", SUM("public"."visits"."cost") AS "sum" FROM "public"."visits" LEFT JOIN "public"."clinics" AS "Clinics" ON "public"."visits"."clinic" = "Clinics"."clinic" WHERE ("public"."visits"."started" >= CAST('2023-03-01 00:00:00' AS timestamp)) AND ("public"."visits"."started" < CAST('2024-03-01 00:00:00' AS timestamp)) GROUP BY "Clinics"."region" ORDER BY "Clinics"."region" ASC;
-- kind: Metabase, rows of a table
-- refused: 42501 its rows can only be aggregated
-- hint: Write an aggregate
SELECT "public"."visits"."visit_id" AS "visit_id", "public"."visits"."kind" AS "kind" FROM "public"."visits" LIMIT 1048575;
-- instead:
SELECT "public"."visits"."kind" AS "kind", COUNT(*) AS "count" FROM "public"."visits" GROUP BY "public"."visits"."kind" ORDER BY 1 LIMIT 1048575;
-- kind: Metabase, share of a condition
SELECT CAST(SUM(CASE WHEN "public"."people"."insured" = TRUE THEN 1 ELSE 0.0 END) AS float) / CASE WHEN COUNT(*) = 0 THEN NULL ELSE COUNT(*) END AS "share" FROM "public"."people";
-- kind: Metabase, week of year
SELECT CEIL((CAST(EXTRACT(doy FROM (DATE_TRUNC('week', ("public"."visits"."day" + INTERVAL '1 day')) + INTERVAL '-1 day')) AS integer) / 7.0)) AS "week", COUNT(*) AS "count" FROM "public"."visits" WHERE "public"."visits"."day" >= DATE '2023-02-05' AND "public"."visits"."day" < DATE '2023-11-26' GROUP BY 1 ORDER BY 1;
-- kind: Tableau, sums by a dimension
SELECT "Orders"."Category" AS "Category", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "shop"."Orders" "Orders" GROUP BY 1;
-- kind: Tableau, year and month of a date
SELECT CAST(TRUNC(EXTRACT(YEAR FROM "Orders"."Order Date")) AS INTEGER) AS "yr:Order Date:ok", CAST(TRUNC(EXTRACT(QUARTER FROM "Orders"."Order Date")) AS INTEGER) AS "qr:Order Date:ok", COUNT(DISTINCT "Orders"."Customer ID") AS "ctd:Customer ID:ok", AVG(CAST("Orders"."Discount" AS DOUBLE PRECISION)) AS "avg:Discount:ok" FROM "shop"."Orders" "Orders" GROUP BY 1, 2;
-- kind: Tableau, custom SQL and an attribute
SELECT "Custom SQL Query"."Category" AS "Category", (CASE WHEN (MIN("Custom SQL Query"."Category") = MAX("Custom SQL Query"."Category")) THEN MAX("Custom SQL Query"."Category") ELSE '*' END) AS "attr:Category:nk", SUM(1) AS "sum:Number of Records:ok" FROM (
  SELECT * FROM shop."Orders"
) "Custom SQL Query" GROUP BY 1;
-- kind: Tableau, the best by a join of a sub-select
SELECT "Orders"."Category" AS "Category", SUM("Orders"."Quantity") AS "sum:Quantity:ok" FROM "shop"."Orders" "Orders" INNER JOIN (SELECT "Orders"."Category" AS "Category", SUM("Orders"."Sales") AS "$__alias__0" FROM "shop"."Orders" "Orders" GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1 ASC LIMIT 2) "t0" ON ("Orders"."Category" = "t0"."Category") GROUP BY 1;
-- kind: Tableau, level of detail
SELECT "t0"."first" AS "yr", COUNT(DISTINCT "Orders"."Customer ID") AS "ctd", SUM("Orders"."Sales") AS "sum" FROM "shop"."Orders" "Orders" INNER JOIN (SELECT "Orders"."Customer ID" AS "Customer ID", CAST(TRUNC(EXTRACT(YEAR FROM MIN("Orders"."Order Date"))) AS INTEGER) AS "first" FROM "shop"."Orders" "Orders" GROUP BY 1) "t0" ON ("Orders"."Customer ID" = "t0"."Customer ID") GROUP BY 1;
-- kind: Tableau, days between dates
SELECT AVG(CAST(("Orders"."Ship Date" - "Orders"."Order Date") AS DOUBLE PRECISION)) AS "avg:Days:ok" FROM "shop"."Orders" "Orders" WHERE ((NOT ("Orders"."Ship Date" IS NULL)) AND ("Orders"."Category" IN ('Furniture', 'Technology')));
-- kind: Tableau, range of a filter
-- near 0.1:
SELECT MIN("Orders"."Sales") AS "TEMP(attr:Sales:lower)", MAX("Orders"."Sales") AS "TEMP(attr:Sales:upper)" FROM "shop"."Orders" "Orders" HAVING (COUNT(1) > 0);
-- kind: Tableau, truncated dates
SELECT DATE_TRUNC('MONTH', CAST("Orders"."Order Date" AS DATE)) AS "tmn:Order Date:ok", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "shop"."Orders" "Orders" WHERE (("Orders"."Order Date" >= DATE '2022-07-01') AND ("Orders"."Order Date" <= DATE '2023-06-30')) GROUP BY 1;
-- kind: Superset, virtual data set
SELECT category AS category, count(*) AS count, AVG(sales) AS "AVG(sales)" FROM (SELECT "Category" AS category, "Sales" AS sales, "Order Date" AS ordered FROM shop."Orders") AS virtual_table WHERE ordered >= TO_DATE('2022-02-01', 'YYYY-MM-DD') AND ordered < TO_DATE('2024-01-01', 'YYYY-MM-DD') GROUP BY category ORDER BY count DESC LIMIT 10000;
-- kind: Superset, time grain
SELECT DATE_TRUNC('month', started) AS started, kind AS kind, SUM(cost) AS "SUM(cost)" FROM public.visits WHERE started >= TO_TIMESTAMP('2023-02-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') AND started < TO_TIMESTAMP('2023-08-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') GROUP BY DATE_TRUNC('month', started), kind ORDER BY "SUM(cost)" DESC LIMIT 50000;
-- kind: Superset, series limit
SELECT DATE_TRUNC('year', day) AS day, visits.kind AS kind, COUNT(*) AS count FROM public.visits JOIN (SELECT kind AS kind__, COUNT(*) AS mme_inner__ FROM public.visits GROUP BY kind ORDER BY mme_inner__ DESC LIMIT 2) AS series_limit ON kind = kind__ GROUP BY DATE_TRUNC('year', day), kind ORDER BY count DESC LIMIT 1000;
-- kind: Superset, rows of a table
-- refused: 42501 its rows can only be aggregated
-- hint: Write an aggregate
SELECT patient, clinic, cost FROM public.visits LIMIT 1001;
-- instead:
SELECT clinic, COUNT(*), AVG(cost) FROM public.visits GROUP BY clinic ORDER BY clinic LIMIT 1001;
-- kind: Superset, values of a filter
SELECT kind AS kind FROM public.visits GROUP BY kind ORDER BY kind ASC LIMIT 1000;
-- kind: Power BI, grouped by a star of joins
select "_"."Segment", "_"."a0", "_"."a1" from (select "rows"."Segment" as "Segment", sum(cast("rows"."Sales" as double precision)) as "a0", count(distinct("rows"."Customer ID")) + max(case when "rows"."Customer ID" is null then 1 else 0 end) as "a1" from (select "$Outer"."Customer ID", "$Outer"."Sales", "$Inner"."Segment" from (select "_"."Customer ID" as "Customer ID", "_"."Sales" as "Sales" from "shop"."Orders" "_") as "$Outer" left outer join (select "_"."Customer ID" as "Customer ID2", "_"."Segment" as "Segment" from "shop"."Customers" "_") as "$Inner" on ("$Outer"."Customer ID" = "$Inner"."Customer ID2")) as "rows" group by "Segment") as "_" where not "_"."a0" is null order by "_"."Segment" limit 1000001;
-- kind: Power BI, distinct values of a slicer
select "_"."Category" from (select "rows"."Category" as "Category" from (select "Category" from "shop"."Orders" "$Table") "rows" group by "Category") "_" order by "_"."Category" limit 501;
-- kind: Power BI, calendar
select "rows"."Year", "rows"."Month", sum("rows"."Quantity") as "a0" from (select "$Inner"."Year", "$Inner"."Month", "$Outer"."Quantity" from "shop"."Orders" as "$Outer" inner join "shop"."Calendar" as "$Inner" on ("$Outer"."Order Date" = "$Inner"."Date") where "$Inner"."Year" = 2023) as "rows" group by "Year", "Month" order by 1, 2;
-- kind: Excel, Microsoft Query
SELECT Orders."Category", Sum(Orders."Quantity"), Avg(Orders."Sales") FROM shop."Orders" Orders WHERE (Orders."Returned"='1') GROUP BY Orders."Category" ORDER BY Orders."Category";
-- kind: LibreOffice, empty first
SELECT COUNT( * ) AS "n", AVG( "cost" ) FROM "public"."visits" "visits" WHERE ( 0 = 1 );
-- kind: pandas, read_sql with a sub-select
SELECT * FROM (SELECT clinic, AVG(cost) AS mean, COUNT(*) AS n FROM visits GROUP BY clinic) AS df ORDER BY clinic;
-- kind: pandas, describe()
-- near 0.1:
SELECT COUNT(minutes), AVG(minutes) AS mean, STDDEV(minutes) AS std, MIN(minutes), percentile_cont(0.25) WITHIN GROUP (ORDER BY minutes), percentile_cont(0.5) WITHIN GROUP (ORDER BY minutes), percentile_cont(0.75) WITHIN GROUP (ORDER BY minutes), MAX(minutes) FROM visits;
-- kind: dbplyr, group_by and summarise
SELECT "kind", COUNT(*) AS "n", AVG("cost") AS "mean_cost", PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY "cost") AS "median_cost" FROM "visits" WHERE (NOT(("clinic" IS NULL))) GROUP BY "kind" ORDER BY "kind";
-- kind: dbplyr, mutate and case_when
SELECT "bucket", COUNT(*) AS "n" FROM (SELECT "visits".*, CASE WHEN ("minutes" < 30.0) THEN 'short' WHEN ("minutes" >= 30.0) THEN 'long' END AS "bucket" FROM "visits") "q01" GROUP BY "bucket" ORDER BY "bucket";
-- kind: dbplyr, joins and semi-joins
SELECT "sex", AVG("total") AS "m" FROM (SELECT "LHS".*, "sex" FROM (SELECT "patient", SUM("cost") AS "total" FROM "visits" GROUP BY "patient") "LHS" INNER JOIN "people" ON ("LHS"."patient" = "people"."patient")) "q01" WHERE EXISTS (SELECT 1 FROM "visits" AS "RHS" WHERE ("q01"."patient" = "RHS"."patient") AND "RHS"."kind" = 'call') GROUP BY "sex" ORDER BY 1;
-- kind: dbplyr, n_distinct and tally
SELECT COUNT(*) AS "n" FROM (SELECT DISTINCT "patient" FROM "visits" WHERE ("kind" IN ('call', 'surgery'))) "q01";
-- kind: dbplyr, head of rows
-- refused: 42501 its rows can only be aggregated
-- hint: Write an aggregate
SELECT * FROM "visits" LIMIT 6;
-- instead:
SELECT COUNT(*) AS "n", AVG("cost") AS "cost", AVG("minutes") AS "minutes" FROM "visits";
-- kind: dbplyr, slice_max by group
-- refused: DP002 window functions are not available below a release
-- hint: Apply window functions to the released values
SELECT "clinic", AVG("cost") FROM (SELECT "visits".*, RANK() OVER (PARTITION BY "clinic" ORDER BY "cost" DESC) AS "col01" FROM "visits") "q01" WHERE ("col01" <= 100) GROUP BY "clinic" ORDER BY 1;
-- instead:
SELECT "clinic", PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY "cost") FROM "visits" GROUP BY "clinic" ORDER BY 1;
-- kind: SQLAlchemy, count of a query
SELECT count(*) AS count_1 FROM (SELECT visits.visit_id AS visits_visit_id, visits.patient AS visits_patient, visits.clinic AS visits_clinic, visits.cost AS visits_cost FROM visits WHERE visits.kind = 'call') AS anon_1;
-- kind: SQLAlchemy, aliases and labels
SELECT people_1.city AS people_1_city, count(visits_1.visit_id) AS count_1, coalesce(sum(visits_1.cost), 0) AS coalesce_1 FROM people AS people_1 LEFT OUTER JOIN visits AS visits_1 ON people_1.patient = visits_1.patient GROUP BY people_1.city ORDER BY people_1.city;
-- kind: SQLAlchemy, IN of a sub-query
SELECT count(visits.visit_id) AS n FROM visits WHERE visits.patient IN (SELECT people.patient FROM people WHERE people.sex = 'f' AND people.about ->> 'smoker' = 'true');
-- kind: Django, annotate and values
SELECT "visits"."kind", COUNT("visits"."visit_id") AS "n", COUNT("visits"."visit_id") FILTER (WHERE "visits"."minutes" > 30) AS "long" FROM "visits" GROUP BY "visits"."kind" ORDER BY "n" DESC;
-- kind: Django, aggregate of a sub-query
SELECT AVG("__col1") FROM (SELECT COUNT("visits"."visit_id") AS "__col1" FROM "people" LEFT OUTER JOIN "visits" ON ("people"."patient" = "visits"."patient") GROUP BY "people"."patient") subquery;
-- kind: Django, dates of a query
SELECT DISTINCT DATE_TRUNC('month', "visits"."day")::date AS "datefield" FROM "visits" WHERE "visits"."day" IS NOT NULL ORDER BY 1 ASC;
-- kind: Looker, measures with a symmetric aggregate
SELECT clinics.region AS "clinics.region", COUNT(DISTINCT visits.patient) AS "visits.patients", COALESCE(SUM(visits.cost), 0) AS "visits.total" FROM public.visits AS visits LEFT JOIN public.clinics AS clinics ON visits.clinic = clinics.clinic WHERE ((( visits.day ) >= ((DATE '2023-02-01')) AND ( visits.day ) < ((DATE '2024-02-01')))) GROUP BY 1 ORDER BY 2 DESC FETCH NEXT 500 ROWS ONLY;
-- kind: Looker, tiers
SELECT CASE WHEN visits.minutes < 20 THEN '0' WHEN visits.minutes >= 20 AND visits.minutes < 40 THEN '1' WHEN visits.minutes >= 40 THEN '2' ELSE '3' END AS "tier__sort_", CASE WHEN visits.minutes < 20 THEN 'Below 20' WHEN visits.minutes >= 20 AND visits.minutes < 40 THEN '20 to 39' WHEN visits.minutes >= 40 THEN '40 or Above' ELSE 'Undefined' END AS "tier", COUNT(*) AS "count" FROM public.visits AS visits GROUP BY 1, 2 ORDER BY 1 LIMIT 500;
-- kind: Grafana, time series
SELECT floor(extract(epoch from "started")/7776000)*7776000 AS "time", kind AS metric, count(*) AS "value" FROM visits WHERE "started" BETWEEN '2023-02-01T00:00:00Z' AND '2023-12-01T00:00:00Z' GROUP BY 1, 2 ORDER BY 1, 2;
-- kind: Grafana, latest values
SELECT date_trunc('quarter', started) AS "time", percentile_disc(0.95) WITHIN GROUP (ORDER BY minutes) AS p95 FROM visits GROUP BY 1 ORDER BY 1;
-- kind: dbt, tests of a model
SELECT count(*) AS failures, count(*) != 0 AS should_warn FROM (SELECT kind AS value_field, count(*) AS n_records FROM visits GROUP BY kind HAVING count(*) > 100000) dbt_internal_test;
-- kind: dbt, a date spine
WITH spine AS (SELECT CAST('2022-01-01' AS date) + n * 30 AS period FROM generate_series(0, 11) AS n), orders AS (SELECT "Order Date" AS d, "Sales" AS sales FROM shop."Orders") SELECT s.period, count(o.d) AS orders, coalesce(sum(o.sales), 0) AS sales FROM spine s LEFT JOIN orders o ON o.d >= s.period AND o.d < s.period + 30 GROUP BY s.period ORDER BY s.period;
-- kind: RFM segments
WITH rfm AS (SELECT "Customer ID", max("Order Date") AS last, count(*) AS frequency, sum("Sales") AS monetary FROM shop."Orders" GROUP BY "Customer ID")
SELECT CASE WHEN last >= DATE '2024-09-01' THEN 'active' ELSE 'lapsed' END AS recency, CASE WHEN monetary > 700 THEN 'high' ELSE 'low' END AS value, count(*) FROM rfm GROUP BY 1, 2 ORDER BY 1, 2;
-- kind: repeat purchases
SELECT count(*) FILTER (WHERE n > 1)::numeric / count(*) AS repeat_rate FROM (SELECT "Customer ID", count(DISTINCT "Order Date") AS n FROM shop."Orders" GROUP BY 1) s;
-- kind: baskets
SELECT a."Category", b."Category", count(DISTINCT a."Customer ID") FROM shop."Orders" a JOIN shop."Orders" b ON a."Customer ID" = b."Customer ID" AND a."Category" < b."Category" GROUP BY 1, 2 ORDER BY 1, 2;
-- kind: A/B test
SELECT grp, count(*) AS n, avg(converted::int) AS rate, stddev_samp(converted::int) / sqrt(count(*)) AS se FROM (SELECT c."Customer ID", CASE WHEN c."Segment" = 'Consumer' THEN 'A' ELSE 'B' END AS grp, EXISTS (SELECT 1 FROM shop."Orders" o WHERE o."Customer ID" = c."Customer ID" AND o."Category" = 'Furniture') AS converted FROM shop."Customers" c) t GROUP BY grp ORDER BY grp;
-- kind: customers without orders
SELECT COUNT(*) FROM shop."Customers" c LEFT JOIN shop."Orders" o ON o."Customer ID" = c."Customer ID" WHERE o."Customer ID" IS NULL;
-- kind: time to first order
SELECT c."Segment", avg(f.first - c."Joined"::date) AS days FROM shop."Customers" c JOIN (SELECT "Customer ID", min("Order Date") AS first FROM shop."Orders" GROUP BY 1) f USING ("Customer ID") WHERE f.first >= c."Joined" GROUP BY 1 ORDER BY 1;
-- kind: year to date
SELECT EXTRACT(year FROM "Order Date") AS y, sum("Sales") FILTER (WHERE EXTRACT(doy FROM "Order Date") <= 180) AS ytd, sum("Sales") AS full FROM shop."Orders" WHERE "Order Date" < '2024-12-01' GROUP BY 1 ORDER BY 1;
-- kind: month over month
WITH m AS (SELECT date_trunc('month', "Order Date") AS month, sum("Sales") AS sales FROM shop."Orders" WHERE "Order Date" < '2022-07-01' GROUP BY 1) SELECT to_char(month, 'Mon YYYY') AS month, sales, round((100 * (sales - lag(sales) OVER w) / lag(sales) OVER w)::numeric, 1) AS growth FROM m WINDOW w AS (ORDER BY m.month) ORDER BY m.month;
-- kind: Pareto
SELECT "Category", sales, sum(sales) OVER (ORDER BY sales DESC) / sum(sales) OVER () AS cumulative FROM (SELECT "Category", sum("Sales") AS sales FROM shop."Orders" GROUP BY 1) s ORDER BY sales DESC;
-- kind: results as json
SELECT json_agg(json_build_object('segment', "Segment", 'n', round(n, -2)) ORDER BY "Segment") FROM (SELECT "Segment", count(*)::numeric AS n FROM shop."Customers" GROUP BY 1) s;
-- kind: crosstab of results
SELECT "Category", max(n) FILTER (WHERE y = 2022) AS "2022", max(n) FILTER (WHERE y = 2023) AS "2023" FROM (SELECT "Category", EXTRACT(year FROM "Order Date")::int AS y, count(*) AS n FROM shop."Orders" GROUP BY 1, 2) s GROUP BY 1 ORDER BY 1;
-- kind: discounts in effect
SELECT round(avg("Discount") * 100, 1) AS percent, sum("Sales" * (1 - coalesce("Discount", 0))) AS net, sum("Sales" * "Quantity") / sum("Quantity") AS per_piece FROM shop."Orders";
-- kind: facade
SELECT "Category", count(*) FROM dp."Orders" GROUP BY "Category" ORDER BY 1;
