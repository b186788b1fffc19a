# dp_agg on Debian's PostgreSQL, with a protected database to ask: see doc/install.md
#
#	docker build -t dp_agg .
#	docker build -t dp_agg --build-arg BASE=debian:bookworm-slim .
#
# The base decides on the version: bookworm has PostgreSQL 15, trixie 17, sid 18.

ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
COPY . /src
RUN bash /src/docker/build.sh /packages

FROM ${BASE}
COPY --from=build /packages /tmp/packages
COPY dev/apt-install docker/install.sh /tmp/
RUN bash /tmp/install.sh /tmp/packages
COPY demo/data.sql demo/setup.sql docker/demo.sql /usr/local/share/dp_agg/
COPY docker/entrypoint.sh docker/healthcheck.sh /usr/local/bin/

USER postgres
WORKDIR /var/lib/postgresql
VOLUME /var/lib/postgresql
EXPOSE 5432
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --timeout=5s --start-period=5m CMD ["bash", "/usr/local/bin/healthcheck.sh"]
ENTRYPOINT ["bash", "/usr/local/bin/entrypoint.sh"]
