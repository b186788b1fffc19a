#!/usr/bin/python3
"""server.py: the page of `make demo-web`, on top of the demonstration's server.

It serves three files and answers four questions, each asked as the analyst, in a connection
of its own:

    POST /ask       {"sql": ..., "epsilon": ...}   rows, what they cost, standard errors
    POST /sweep     {"sql": ...}                   the same at epsilon 0.1, 0.3, 1 and 3
    POST /estimate  {"sql": ..., "epsilon": ...}   the price before it is paid, where dp_agg
                                                   has estimate()
    POST /budget    {}                             what is left

It listens on the loopback device alone.  Any page that this machine's browser has open can send
requests there, and a name that another site controls can be made to mean 127.0.0.1, so
a request is answered if its Host is this server, and questions if their Origin is, too.  The
analyst can do no harm: what it asks is charged to its account, and cut off after
TIMEOUT, also if it says SET statement_timeout.

    server.py [TIMEOUT]

PGHOST, PGDATABASE and PGUSER say where it connects.  It prints its address when it listens.
"""

import decimal
import http.server
import json
import math
import os
import re
import sys
import threading

import psycopg

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = {
    "/": ("index.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TIMEOUT = int(sys.argv[1]) if len(sys.argv) > 1 else 20     # seconds for one statement
MOST_BYTES = 20000      # of a request
MOST_ROWS = 500         # of an answer
MOST_TEXT = 2000        # characters of one value
EPSILONS = (0.1, 0.3, 1, 3)
BUDGET = """SELECT population, epsilon_limit, epsilon_spent, epsilon_remaining, releases_spent
FROM dp_agg.my_budget ORDER BY population, role"""
OUTPUTS = "SELECT output, epsilon, groups, standard_error, smallest_group, tier FROM dp_agg.last_release()"
# Sessions that run at a time; others wait.
seats = threading.Semaphore(4)


class Refused(Exception):
    """What the client is told, with its HTTP status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def shown(value):
    """A value as JSON has it: numbers as numbers, so that they can be drawn, the rest as text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (float, decimal.Decimal)) and math.isfinite(float(value)):
        return float(value)
    text = str(value)
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "..."


def rows_of(cursor):
    """The last result of a statement that has rows."""
    result = {"columns": [], "rows": [], "cut": False}
    while True:
        if cursor.description is not None:
            rows = cursor.fetchmany(MOST_ROWS + 1)
            result = {
                "columns": [column.name for column in cursor.description],
                "rows": [[shown(value) for value in row] for row in rows[:MOST_ROWS]],
                "cut": len(rows) > MOST_ROWS,
            }
        if not cursor.nextset():
            return result


def records(cursor, query, *parameters):
    """Rows as objects."""
    cursor.execute(query, parameters or None)
    names = [column.name for column in cursor.description]
    return [{name: shown(value) for name, value in zip(names, row)} for row in cursor.fetchall()]


def failure(error):
    """An error of PostgreSQL, as psql would tell it."""
    diag = error.diag
    return {
        "error": diag.message_primary or str(error).strip(),
        "detail": diag.message_detail,
        "hint": diag.message_hint,
        "sqlstate": diag.sqlstate,
    }


def question(body):
    """The statement and epsilon of a request."""
    sql, epsilon = body.get("sql"), body.get("epsilon", 1)
    if not isinstance(sql, str) or not sql.strip() or re.search("[\0\ud800-\udfff]", sql):
        raise Refused(400, "a question is a statement of SQL")
    if isinstance(epsilon, bool) or not isinstance(epsilon, (int, float)) or not 0 < epsilon <= 1000:
        raise Refused(400, "epsilon is a number above 0, up to 1000")
    return sql, epsilon


def ask(cursor, sql, epsilon):
    """Rows, or an error, and standard errors."""
    try:
        cursor.execute("SELECT set_config('dp_agg.epsilon', %s, false)", (str(epsilon),))
        cursor.execute(sql)
        answer = rows_of(cursor)
    except psycopg.Error as error:
        if not cursor.connection.closed:
            cursor.connection.rollback()    # it may have begun a transaction
        return failure(error)
    try:
        answer["outputs"] = records(cursor, OUTPUTS)
    except psycopg.Error:
        answer["outputs"] = []      # the statement was one that took it away, as RESET ROLE in a pool
    return answer


def api_budget(cursor, _body):
    return {"budget": records(cursor, BUDGET)}


def api_ask(cursor, body):
    sql, epsilon = question(body)
    before = records(cursor, BUDGET)
    answer = ask(cursor, sql, epsilon)
    return {"before": before, "answer": answer, "after": records(cursor, BUDGET)}


def api_sweep(cursor, body):
    sql, _ = question(body)
    before = records(cursor, BUDGET)
    answers = []
    for epsilon in EPSILONS:
        answers.append({"epsilon": epsilon, **ask(cursor, sql, epsilon)})
        if "error" in answers[-1]:
            break
    return {"before": before, "answers": answers, "after": records(cursor, BUDGET)}


def api_estimate(cursor, body):
    sql, epsilon = question(body)
    there = "SELECT to_regprocedure('dp_agg.estimate(text, text[], bigint)') IS NOT NULL AS there"
    if not records(cursor, there)[0]["there"]:
        return {"missing": True}
    try:
        cursor.execute("SELECT set_config('dp_agg.epsilon', %s, false)", (str(epsilon),))
        return {"estimate": records(cursor, "SELECT * FROM dp_agg.estimate(%s::text)", sql)}
    except psycopg.Error as error:
        return failure(error)


APIS = {"/ask": api_ask, "/sweep": api_sweep, "/estimate": api_estimate, "/budget": api_budget}


def answer_as_analyst(function, body):
    """Runs it in a session that lives as long as the request."""
    with seats, psycopg.connect(
        autocommit=True,
        application_name="demo-web",
        options=f"-c statement_timeout={TIMEOUT}s -c idle_session_timeout=60s",
    ) as connection:
        # TIMEOUT holds for statements; the session may have set another
        end = threading.Timer(len(EPSILONS) * TIMEOUT + 1, connection.cancel)
        end.daemon = True
        end.start()
        try:
            with connection.cursor() as cursor:
                return function(cursor, body)
        finally:
            end.cancel()


class Handler(http.server.BaseHTTPRequestHandler):
    server_version = "demo-web"
    sys_version = ""
    timeout = 30

    def log_message(self, format, *args):
        pass

    def check(self):
        """Is it this server that the browser means, by the name that we gave?"""
        if self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            raise Refused(403, "this is another host")

    def reply(self, status, content_type, content):
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type + "; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def reply_json(self, status, value):
        self.reply(status, "application/json", json.dumps(value, allow_nan=False).encode())

    def do_GET(self):
        try:
            self.check()
            if self.path not in FILES:
                raise Refused(404, "there is no such page")
            name, content_type = FILES[self.path]
            with open(os.path.join(HERE, name), "rb") as file:
                self.reply(200, content_type, file.read())
        except Refused as refused:
            self.reply_json(refused.status, {"error": str(refused)})

    def read_body(self):
        if self.headers.get_all("Origin") not in [["http://" + host] for host in self.server.hosts]:
            raise Refused(403, "questions come from this server's own page")
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, "questions are JSON")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            raise Refused(413, f"a question has {MOST_BYTES} bytes at most")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise Refused(400, "this is no JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "a question is an object")
        return body

    def do_POST(self):
        self.close_connection = True
        try:
            self.check()
            if self.path not in APIS:
                raise Refused(404, "there is no such question")
            body = self.read_body()
            self.reply_json(200, answer_as_analyst(APIS[self.path], body))
        except Refused as refused:
            self.reply_json(refused.status, {"error": str(refused)})
        except psycopg.Error as error:
            # a session that was ended: it says so, and the next question has another
            self.reply_json(200, failure(error))


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    port = server.server_address[1]
    server.hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
    print(f"http://127.0.0.1:{port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
