/* pgjdbc: what tools in Java do: metadata, a read-only transaction, a prepared statement, a fetch size. */

import java.sql.*;

class Pgjdbc
{
	static void say(Object... fields)
	{
		StringBuilder line = new StringBuilder();

		for (Object field : fields)
			line.append(line.length() > 0 ? "\t" : "").append(field);
		System.out.println(line);
	}

	static void introspect(Connection c) throws SQLException
	{
		DatabaseMetaData meta = c.getMetaData();

		try (ResultSet r = meta.getTables(null, "dp", "%", new String[] {"TABLE", "VIEW"}))
		{
			while (r.next())
				say("table", r.getString("TABLE_NAME"));
		}
		try (ResultSet r = meta.getColumns(null, "dp", "visits", null))
		{
			while (r.next())
				say("column", r.getString("COLUMN_NAME"));
		}
	}

	static void release(Connection c) throws SQLException
	{
		String sql = "SELECT kind, count(*), avg(cost) FROM dp.visits"
			+ " WHERE day >= ? AND minutes < ? AND clinic <> ? GROUP BY kind ORDER BY kind";

		/* from the fifth execution on it is prepared by name (prepareThreshold) */
		try (PreparedStatement s = c.prepareStatement(sql))
		{
			for (int i = 0; i < 12; i++)
			{
				s.setObject(1, java.time.LocalDate.of(2023, 6, 1));
				s.setInt(2, 60);
				s.setString(3, "West");
				try (ResultSet r = s.executeQuery())
				{
					while (r.next())
						say("answer", i, r.getString(1), r.getObject(2, Long.class), r.getBigDecimal(3));
				}
			}
		}
		try (Statement s = c.createStatement();
			ResultSet r = s.executeQuery("SELECT max(generic_plans) FROM pg_prepared_statements"))
		{
			r.next();
			say("generic", r.getLong(1));
		}
	}

	static void fetch(Connection c) throws SQLException
	{
		int rows = 0;

		c.setReadOnly(true);
		c.setAutoCommit(false);		/* without it the fetch size does not count */
		try (Statement s = c.createStatement())
		{
			s.setFetchSize(5);
			try (ResultSet r = s.executeQuery(System.getenv("MONTHS")))
			{
				while (r.next())
					rows++;
			}
		}
		c.commit();
		c.setAutoCommit(true);
		say("fetched", rows);
	}

	static void attempt(Connection c, String sql)
	{
		try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql))
		{
			r.next();
			say("allowed", r.getString(1));
		}
		catch (SQLException e)
		{
			say("refused", e.getSQLState(), e.getMessage().replaceAll("\\s+", " "));
		}
	}

	public static void main(String[] args) throws SQLException
	{
		String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT")
			+ "/" + System.getenv("PGDATABASE") + "?options=-c%20dp_agg.epsilon=" + System.getenv("EPSILON");

		try (Connection c = DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD")))
		{
			introspect(c);
			release(c);
			fetch(c);
			for (String sql : System.getenv("ATTEMPTS").split("\n"))
				attempt(c, sql);
		}
	}
}
