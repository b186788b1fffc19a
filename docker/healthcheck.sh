#!/usr/bin/env bash
#
# healthcheck.sh
#	Succeeds if the database answers, the library is loaded and tables are protected.

set -euo pipefail
[ "$(psql -X -A -t -d demo -c 'SELECT count(*) > 0 FROM dp_agg.protected_relations')" = t ]
