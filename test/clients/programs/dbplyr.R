# R: DBI by RPostgres or RPostgreSQL, and dbplyr, which writes the query.

suppressPackageStartupMessages(library(dplyr))
library(DBI)

env <- Sys.getenv
driver <- if (requireNamespace("RPostgres", quietly = TRUE)) RPostgres::Postgres() else RPostgreSQL::PostgreSQL()
con <- dbConnect(driver, host = env("PGHOST"), port = as.integer(env("PGPORT")), dbname = env("PGDATABASE"),
	user = env("PGUSER"), password = env("PGPASSWORD"), options = paste0("-c dp_agg.epsilon=", env("EPSILON")))
say <- function(...) writeLines(paste(..., sep = "\t"))

for (table in dbGetQuery(con, "SELECT table_name FROM information_schema.views WHERE table_schema = 'dp'")$table_name)
	say("table", table)
visits <- tbl(con, dbplyr::in_schema("dp", "visits"))
for (column in colnames(visits))
	say("column", column)

release <- visits %>%
	filter(day >= "2023-06-01", minutes < 60L, clinic != "West") %>%
	group_by(kind) %>%
	summarise(n = n(), mean = mean(cost, na.rm = TRUE)) %>%
	arrange(kind)
for (i in 0:11) {
	answer <- collect(release)
	say("answer", i, answer$kind, answer$n, answer$mean)
}

result <- dbSendQuery(con, env("MONTHS"))
fetched <- 0
repeat {
	rows <- nrow(dbFetch(result, n = 5))
	if (rows == 0)
		break
	fetched <- fetched + rows
}
dbClearResult(result)
say("fetched", fetched)

# No SQLSTATE in R's errors: what is told is in the message.  RPostgreSQL's dbGetQuery() only warns.
for (sql in strsplit(env("ATTEMPTS"), "\n")[[1]]) {
	tryCatch({
		result <- dbSendQuery(con, sql)
		say("allowed", dbFetch(result)[1, 1])
		dbClearResult(result)
	}, error = function(e) say("refused", "", gsub("\\s+", " ", conditionMessage(e))))
}
dbDisconnect(con)
