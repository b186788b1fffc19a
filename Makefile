# dp_agg: differentially private aggregates for PostgreSQL
#
#   make, make install, make installcheck, make clean   as with any PGXS extension
#   make test, make attacks, make audit, make fuzz,     install what they need (VERSION=17), touch
#   make alike, make bench, make demo, make demo-shell, no PostgreSQL of the system
#   make demo-web
#   make indent, make indent-check                      the layout of C files
#   make test-asserts, test-sanitize, test-valgrind     tests that see more (dev/test-under)
#   make test-matrix                                    tests on clean systems (dev/test-matrix)
#   make deb, make dist                                 packages of Debian, the archive for PGXN
#   make test-packages, make test-image                 both, and the Dockerfile, on clean systems
#   make test-upgrade                                   pg_upgrade with data (dev/test-upgrade)

all:

# The commands that install what they need, and take VERSION=17 (see dev/version.sh), by
# which PGXS means something else.
COMMANDS = test test-matrix test-upgrade test-asserts test-sanitize test-valgrind attacks audit fuzz alike \
	bench bench-accuracy demo demo-shell demo-web indent indent-check deb dist test-packages test-image
$(COMMANDS): export VERSION := $(VERSION)

EXTENSION = dp_agg
MODULE_big = dp_agg
DATA = $(sort $(wildcard sql/dp_agg--*.sql))
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c src/*/*/*.c)))

# PostgreSQL's headers are not clean under -Wextra; as system headers they are
# not warned about.  PostgreSQL 15 leaves PGDLLEXPORT empty, which with hidden
# visibility would hide even the module's magic block.  -Wclobbered of -Wextra
# misjudges PG_TRY and the inline functions within it.
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DPGDLLEXPORT='__attribute__((visibility("default")))'
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-clobbered \
	-fvisibility=hidden -MMD -MP
# Where the server was built with -flto, as on Ubuntu, gcc looks through calls when it links, and
# takes for unset what a function sets unless it returns false.
PG_CFLAGS += $(if $(findstring -flto,$(shell $(PG_CONFIG) --cflags)),-Wno-maybe-uninitialized)
SHLIB_LINK = -lcrypto

# make installcheck PGHOST=... PGPORT=... PGUSER=...: asks a running server, as a
# superuser.  The server must have dp_agg installed and preload it, and needs no
# other setting.  Roles that the tests make begin with "regress_dp_" and are gone
# afterwards; the databases contrib_regression and isolation_regression are left,
# as pg_regress always leaves them, and made anew by the next run.
#
# PostgreSQL 15's pg_regress reads NAME.sql from sql/ of its output directory
# (here) and only then from the input directory, so sql/ holds install scripts
# alone; expected/ is found in the output directory.  Without the library
# CREATE EXTENSION fails, which says what is missing, before any test.
REGRESS := $(sort $(basename $(notdir $(wildcard test/sql/*.sql))))
REGRESS_OPTS = --inputdir=test --load-extension=dp_agg

# What two sessions do to each other: specs/ and expected/ of test/isolation.
ISOLATION := $(sort $(basename $(notdir $(wildcard test/isolation/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=dp_agg

# What their outputs rest on, whatever the server's configuration says.  At
# epsilon 1000 no draw of noise moves a count or a rounded average.
installcheck: export PGOPTIONS := $(PGOPTIONS) -c default_transaction_isolation=read\ committed $(addprefix -c ,\
	dp_agg.epsilon=1000 dp_agg.delta=1e-6 dp_agg.max_groups=0 dp_agg.max_rows=0 \
	dp_agg.min_individuals=20 dp_agg.min_epsilon=0.001 \
	dp_agg.index_scans=off dp_agg.bound_node=on dp_agg.notice_cut=0.05 \
	dp_agg.tier_scale=1000000 dp_agg.tier_epsilon=5 dp_agg.tier_lifetime_epsilon=50 \
	dp_agg.plain_transmission=medium dp_agg.declared_environment=none \
	search_path=public client_min_messages=notice plan_cache_mode=auto \
	default_transaction_read_only=off \
	debug_print_parse=off debug_print_rewritten=off debug_print_plan=off \
	log_parser_stats=off log_planner_stats=off log_executor_stats=off log_statement_stats=off \
	statement_timeout=0 lock_timeout=0 extra_float_digits=1)

EXTRA_CLEAN = .build results regression.diffs regression.out output_iso tmp_check log \
	$(wildcard src/*.[od] src/*/*.[od] src/*/*/*.[od])

# No bitcode: it would need clang, and nothing here gains from inlining by JIT.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))

ifneq ($(PGXS),)
include $(PGXS)

# A line for each file, as "CC src/dp_agg.c"; the commands with V=1, nothing with -s.
# These variables begin recipes of PGXS, and of the rules below.
ifeq ($(V)$(findstring s,$(firstword -$(MAKEFLAGS))),)
say = @printf '  %-7s %s\n' $(1) '$(2)' &&
say_install = @do_install() { printf '  INSTALL %s\n' "$$*" && $(1) "$$@"; } && do_install
compile := $(COMPILE.c)
link := $(LINK.shared)
mkdir_p := $(MKDIR_P)
install_data := $(INSTALL_DATA)
install_shlib := $(INSTALL_SHLIB)
COMPILE.c = $(call say,CC,$<)$(compile)
LINK.shared = $(call say,LD,$@)$(link)
MKDIR_P = @$(mkdir_p)
INSTALL_DATA = $(call say_install,$(install_data))
INSTALL_SHLIB = $(call say_install,$(install_shlib))
endif

# Rebuild when the compiler, its flags, the PostgreSQL version or the list of
# sources changes: object files do not know by themselves.
ifneq ($(filter-out installcheck clean $(COMMANDS),$(or $(MAKECMDGOALS),all)),)
BUILD_KEY := $(strip $(VERSION) $(CC) $(CFLAGS) $(CPPFLAGS) $(OBJS))
write_key = $(shell mkdir -p .build)$(file >.build/key,$(BUILD_KEY))
ifneq ($(BUILD_KEY),$(file <.build/key))
$(write_key)
endif
$(OBJS): .build/key
.build/key:		# `make clean all` removes it after it was written
	$(write_key)
endif

# Debian's PGXS tracks no headers; -MMD -MP above writes what each object read.
-include $(OBJS:.o=.d)

# A module with one fault, for test/audit to catch: `make fault FAULT=GATE_OFF`
# leaves .build/fault/GATE_OFF/dp_agg.so.  Only files that know of this fault, or of any,
# or read a header that does, are compiled anew, beside the sources, and nothing installs
# the result.  Which headers they read is known once all is built, hence the
# second make.
fault_dir = .build/fault/$(FAULT)
fault_names = grep -lwE 'DP_FAULT(_$(FAULT))?'
fault_headers := $(shell $(fault_names) -r --include=*.h src)
fault_readers := $(if $(fault_headers),$(shell grep -lwF $(addprefix -e ,$(fault_headers)) $(wildcard $(OBJS:.o=.d))))
fault_sources := $(sort $(shell $(fault_names) $(OBJS:.o=.c)) $(fault_readers:.d=.c))
fault_objects = $(fault_sources:%.c=$(fault_dir)/%.o)

fault: all
	@$(MAKE) $(fault_dir)/dp_agg.so

$(fault_dir)/dp_agg.so: $(fault_objects) $(filter-out $(fault_sources:.c=.o),$(OBJS))
	@grep -qw DP_FAULT_$(FAULT) $(fault_sources) $(fault_headers) || { echo 'no such fault: "$(FAULT)"' >&2; exit 1; }
	$(call say,LD,$@)$(CC) $(CFLAGS) -shared -o $@ $^ $(LDFLAGS) $(LDFLAGS_SL) $(SHLIB_LINK)

$(fault_dir)/%.o: %.c .build/key
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CFLAGS) $(CFLAGS_SL) $(CPPFLAGS) -DDP_FAULT -DDP_FAULT_$(FAULT) -c -o $@ $<

-include $(wildcard .build/fault/*/src/*.d .build/fault/*/src/*/*.d .build/fault/*/src/*/*/*.d)

else
all install installcheck uninstall fault:
	@echo 'PGXS not found: install postgresql-server-dev-17, say, or set PG_CONFIG' >&2; exit 1

clean:
	rm -rf $(EXTRA_CLEAN) $(MODULE_big).so
endif

test:
	@bash dev/test

# Debian packages for the servers that are installed, into .build/deb: make deb VERSION='15 17'
deb:
	@bash dev/deb

# The archive for PGXN, into .build
dist:
	@bash dev/dist

# Builds them on clean systems and uses them on others: make test-packages VERSIONS='15 17'
test-packages:
	@bash test/packages/packages.sh

# The same for the Dockerfile
test-image:
	@bash test/packages/image.sh

test-asserts test-sanitize test-valgrind:
	@bash dev/test-under $(@:test-%=%)

# All suites on clean systems, one for each version: make test-matrix VERSIONS='15 17'
test-matrix:
	@bash dev/test-matrix

# pg_upgrade of a cluster that has dp_agg: make test-upgrade UPGRADES='15 17'
test-upgrade:
	@bash dev/test-upgrade $(UPGRADES)

attacks:
	@SUITES=attacks bash dev/test

audit:
	@SUITES=audit bash dev/test

# More queries than make test has time for: make fuzz QUERIES=100000 SEED=7
fuzz:
	@SUITES=attacks ATTACKS=test/attacks/fuzz.pl QUERIES=$(or $(QUERIES),20000) SEED=$(or $(SEED),2) \
		TEST_TIMEOUT=$(or $(TEST_TIMEOUT),86400) bash dev/test

# The same about equal rows in other orders and forms: make alike QUERIES=20000 SEED=7; on a cluster of Citus:
# make alike WORK=citus
alike:
	@SUITES=tap TESTS=test/t/$(if $(filter citus,$(WORK)),115_citus_alike,063_alike).pl QUERIES=$(or $(QUERIES),20000) SEED=$(or $(SEED),2) \
		TEST_TIMEOUT=$(or $(TEST_TIMEOUT),86400) bash dev/test

# The table of doc/performance.md: make bench ROWS=1000000 WORK='one bounded'; on a cluster of Citus:
# make bench WORK=citus
bench:
	@bash test/bench/$(if $(filter citus,$(WORK)),citus,speed).sh

bench-accuracy:
	@bash test/bench/accuracy.sh

demo:
	@bash dev/demo

demo-shell:
	@bash dev/demo --shell

demo-web:
	@bash dev/demo --web

# PostgreSQL's layout of C files: writes it, or shows what is not laid out so
indent:
	@bash dev/indent

indent-check:
	@bash dev/indent --check

.PHONY: all install installcheck uninstall fault clean $(COMMANDS)
