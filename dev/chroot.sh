# shellcheck shell=bash disable=SC2034
#
# chroot.sh
#	Clean systems of Debian and Ubuntu, for as long as a script runs.
#
# To be sourced by a script that root runs:
#
#	. dev/chroot.sh
#	chroot_begin "$0" "$@"		# first of all: may begin the script anew
#	chroot_make 17 || { echo "no system: $chroot_why"; exit 1; }
#	chroot_install git make		# packages, by the system's apt
#	chroot_copy /src/dp_agg		# this checkout, with its history
#	chroot_run bash -c 'cd /src/dp_agg && make test'
#
# chroot_make builds the system that has the PostgreSQL version asked for, by
# debootstrap, below a directory of its own in /var/tmp (TMPDIR).  Functions of
# this file return what the command did; chroot_why then holds the reason in a line,
# and chroot_log the file with what was said.
#
# Mounts and System V shared memory are in namespaces of the script, which nothing
# else sees and which are gone when its last process is, even one that was killed.
# Whatever happens otherwise, the EXIT trap ends every process that lives in a
# system, unmounts what is mounted there and only then removes the directory.
#
#	DEBIAN_MIRROR	default: that of debootstrap
#	UBUNTU_MIRROR	default: that of debootstrap for Ubuntu's suites
#	CHROOT_MEMORY	how much memory the script's systems may take, as 6g: they are then made
#					there, and not on disk, which is faster where the disk is slow

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

chroot_home=		# the directory of this script
chroot_root=		# the system made last, below it
chroot_log=
chroot_why=
chroot_job=

# The key that signs Ubuntu's archive is in no package of Debian.
chroot_ubuntu_keyring=pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb
chroot_ubuntu_sha256=36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8

# Prints why systems cannot be made here, if so.
chroot_obstacle()
{
	if [ "$(id -u)" -ne 0 ]; then
		echo 'only root can make a clean system: run this as root or by sudo'
	elif ! command -v apt-get >/dev/null && ! command -v debootstrap >/dev/null; then
		echo 'there is neither debootstrap nor apt to install it with'
	elif ! unshare --mount --ipc --propagation private true 2>/dev/null; then
		echo 'root may not mount here (a container without that right?)'
	fi
}

# chroot_begin SCRIPT ARGUMENT...
# Begins the script anew, by the same process, in namespaces of its own.
chroot_begin()
{
	local obstacle
	obstacle=$(chroot_obstacle)
	[ -z "$obstacle" ] || { echo "$obstacle" >&2; exit 1; }
	if [ "${CHROOT_BEGUN:-}" != $$ ]; then
		CHROOT_BEGUN=$$ exec unshare --mount --ipc --propagation private bash "$@"
	fi
	trap chroot_close EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	# /tmp may be a file system without devices
	chroot_home=$(mktemp -d "${TMPDIR:-/var/tmp}/dp_agg-chroot.XXXXXX") || exit 1
	if [ -n "${CHROOT_MEMORY:-}" ]; then
		mount -t tmpfs -o "mode=755,size=$CHROOT_MEMORY" tmpfs "$chroot_home" || exit 1
	fi
	chmod 755 "$chroot_home"
	chroot_log=$chroot_home/log
}

# chroot_system VERSION
# Sets what there is to know about the system that has a version: its name, the suite,
# the mirror (if one was named), the parts of the archive and what debootstrap knows the suite by.
chroot_system()
{
	chroot_mirror=${DEBIAN_MIRROR:-}
	chroot_components=main
	chroot_script=sid
	case $1 in
		15) chroot_name='Debian 12' chroot_suite=bookworm ;;
		16)
			chroot_name='Ubuntu 24.04' chroot_suite=noble
			chroot_mirror=${UBUNTU_MIRROR:-} chroot_components=main,universe chroot_script=gutsy
			;;
		17) chroot_name='Debian 13' chroot_suite=trixie ;;
		18) chroot_name='Debian unstable' chroot_suite=sid ;;
		19) chroot_name='Debian experimental' chroot_suite=sid ;;
		*)
			chroot_why="no system is known that has PostgreSQL $1"
			return 1
			;;
	esac
}

# Runs a command in a session of its own, so that a signal to the script is obeyed at
# once and the command can be ended as a whole.
chroot_wait()
{
	local status
	setsid "$@" </dev/null &
	chroot_job=$!
	wait "$chroot_job"
	status=$?
	chroot_job=
	return "$status"
}

# chroot_step WHAT COMMAND...
# Runs it, with its output in the log.
chroot_step()
{
	local what=$1
	shift
	chroot_wait "$@" >>"$chroot_log" 2>&1 && return
	chroot_why="$what failed: $(chroot_reason)"
	return 1
}

# The line of the log that says most.
chroot_reason()
{
	grep -E '^[EW]: |rror|ailed' "$chroot_log" | tail -n 1 | grep . || tail -n 1 "$chroot_log"
}

# The programs of this machine that make a system.
chroot_tools()
{
	command -v debootstrap >/dev/null ||
		chroot_step 'the installation of debootstrap' "$checkout/dev/apt-install" debootstrap || return
	[ "$chroot_suite" = noble ] || [ -d /usr/share/doc/debian-archive-keyring ] ||
		chroot_step "the installation of Debian's keys" "$checkout/dev/apt-install" debian-archive-keyring
}

# Sets chroot_key to options for debootstrap that name the key, if it has to be named.
chroot_find_key()
{
	local file=/usr/share/keyrings/ubuntu-archive-keyring.gpg deb=$chroot_home/keyring.deb mirror=$chroot_mirror
	chroot_key=()
	[ "$chroot_suite" = noble ] && [ ! -f "$file" ] || return 0
	# debootstrap's own, of suites that are neither old nor ports
	[ -n "$mirror" ] || mirror=$(awk '$1 == "default_mirror" && $2 !~ /old-releases|ports/ { print $2; exit }' \
		/usr/share/debootstrap/scripts/gutsy)
	chroot_step "the download of Ubuntu's keys" \
		wget -nv -T 30 -t 3 -O "$deb" "$mirror/$chroot_ubuntu_keyring" || return
	echo "$chroot_ubuntu_sha256  $deb" | sha256sum --quiet -c - >>"$chroot_log" 2>&1 ||
		{ chroot_why="Ubuntu's keys are not the expected ones"; return 1; }
	dpkg-deb -x "$deb" "$chroot_home/keyring" || return
	chroot_key=("--keyring=$chroot_home/keyring$file")
}

# What only a system that is soon gone may do: believe a mirror that is some weeks old,
# and not wait for the disk.
chroot_configure()
{
	mkdir -p "$chroot_root"/etc/{apt/apt.conf.d,dpkg/dpkg.cfg.d} || return
	echo 'Acquire::Check-Valid-Until "false";' >"$chroot_root/etc/apt/apt.conf.d/90throwaway"
	echo force-unsafe-io >"$chroot_root/etc/dpkg/dpkg.cfg.d/throwaway"
}

# chroot_add_suite SUITE
# Lets the system have packages of another suite of Debian, from where debootstrap found its own.
chroot_add_suite()
{
	awk -v suite="$1" '$1 == "deb" { print "deb", $2, suite, "main"; exit }' "$chroot_root/etc/apt/sources.list" \
		>"$chroot_root/etc/apt/sources.list.d/$1.list"
}

# PostgreSQL of experimental and what else it needs from there, all else from unstable.
chroot_experimental()
{
	chroot_add_suite experimental
	printf 'Package: src:postgresql-%s\nPin: release a=experimental\nPin-Priority: 990\n' "$1" \
		>"$chroot_root/etc/apt/preferences.d/experimental"
}

# The root is a mount of its own, for programs that want to mount below it (test/packages/image.sh).
chroot_mount()
{
	local dir
	mount --bind "$chroot_root" "$chroot_root" &&
		mount --bind /proc "$chroot_root/proc" &&
		mount --bind /dev "$chroot_root/dev" || return
	for dir in dev/pts dev/mqueue; do
		! mountpoint -q "/$dir" || mount --bind "/$dir" "$chroot_root/$dir" || return
	done
	mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$chroot_root/dev/shm"
}

# chroot_make VERSION
# Makes the system, with nothing in it but what every one has; it becomes chroot_root.
chroot_make()
{
	chroot_why=
	chroot_system "$1" || return
	chroot_tools && chroot_find_key || return
	chroot_root=$chroot_home/$1
	[ ! -e "/usr/share/debootstrap/scripts/$chroot_suite" ] || chroot_script=
	chroot_configure &&
		chroot_step "debootstrap of $chroot_name" \
			debootstrap --variant=minbase --include=ca-certificates --components="$chroot_components" \
			"${chroot_key[@]}" "$chroot_suite" "$chroot_root" "$chroot_mirror" ${chroot_script:+"$chroot_script"} || return
	[ "$1" -ne 19 ] || chroot_experimental "$1"
	chroot_mount 2>>"$chroot_log" || { chroot_why="mounts failed: $(tail -n 1 "$chroot_log")"; return 1; }
	chroot_set_enter
	chroot_step "apt-get update of $chroot_name" "${chroot_enter[@]}" apt-get -q update
}

# Sets chroot_enter to the command that runs another in the system, with an environment
# that holds what has to be known of this one: how to reach the mirror.
chroot_set_enter()
{
	local name
	chroot_enter=(env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
		LANG=C.UTF-8 "TERM=${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive)
	for name in http_proxy https_proxy no_proxy; do
		[ -z "${!name:-}" ] || chroot_enter+=("$name=${!name}")
	done
	chroot_enter+=(chroot "$chroot_root")
}

# chroot_use NAME
# The system of that name, below the script's directory, becomes chroot_root.
chroot_use()
{
	chroot_root=$chroot_home/$1
	chroot_set_enter
}

# chroot_twin NAME
# Makes another system that is as chroot_root is now; it becomes chroot_root.
chroot_twin()
{
	local of=$chroot_root
	chroot_use "$1"
	chroot_step "the copy of $chroot_name" cp -ax "$of" "$chroot_root" || return
	chroot_mount 2>>"$chroot_log" || { chroot_why="mounts failed: $(tail -n 1 "$chroot_log")"; return 1; }
}

# chroot_run COMMAND...
# Runs it in the system, as root, with the script's output.  The environment is empty:
# variables are given by env.
chroot_run()
{
	chroot_wait "${chroot_enter[@]}" "$@"
}

chroot_install()
{
	chroot_step "the installation of $*" "${chroot_enter[@]}" apt-get -q -y --no-install-recommends install "$@"
}

# chroot_copy DIRECTORY
# This checkout as it is, without what was built, as a clone that has the same history.
# A checkout without history, or a machine without git, makes one without.
chroot_copy()
{
	local to=$chroot_root$1 bundle=$chroot_home/history git=(git -c safe.directory='*')
	mkdir -p "${to%/*}"
	if "${git[@]}" -C "$checkout" bundle create -q "$bundle" HEAD >>"$chroot_log" 2>&1; then
		chroot_step 'the copy of the history' git clone -q --no-checkout "$bundle" "$to" || return
		rm -f "$bundle"
	fi
	mkdir -p "$to"
	tar -C "$checkout" --exclude=./.git --exclude=./.build --exclude=./.postgresql --exclude=./tmp_check \
		--exclude='*.o' --exclude='*.d' --exclude='*.so' -cf - . | tar -C "$to" -xf - --no-same-owner || return
	[ ! -d "$to/.git" ] || git -C "$to" reset -q
}

# Processes that live below the script's directory: their root is there, or they are.
chroot_processes()
{
	find /proc/[0-9]*/root /proc/[0-9]*/cwd -maxdepth 0 -lname "$chroot_home/*" 2>/dev/null | cut -d/ -f3 | sort -u
}

# Mounts below it and on it, the deepest first.
chroot_mounts()
{
	awk -v home="$chroot_home/" 'index($2 "/", home) == 1 { print $2 }' /proc/self/mounts | sort -r
}

chroot_end_processes()
{
	local signal pids _
	[ -z "$chroot_job" ] || kill -TERM -- "-$chroot_job" 2>/dev/null
	for signal in TERM KILL KILL KILL; do
		for _ in 1 2 3 4 5; do
			pids=$(chroot_processes)
			[ -n "$pids" ] || break 2
			# shellcheck disable=SC2086
			kill "-$signal" $pids 2>/dev/null
			sleep 0.2
		done
	done
	[ -z "$chroot_job" ] || kill -KILL -- "-$chroot_job" 2>/dev/null
}

# What cannot be unmounted is taken out of the tree, so that nothing below it is removed.
chroot_unmount()
{
	local place
	while read -r place; do
		umount "$place" 2>/dev/null || umount --lazy "$place"
	done < <(chroot_mounts)
	[ -z "$(chroot_mounts)" ]
}

chroot_close()
{
	local status=$?
	trap '' INT TERM HUP
	set +e
	if [ -n "$chroot_home" ]; then
		chroot_end_processes
		if chroot_unmount; then
			rm -rf --one-file-system -- "$chroot_home"
		else
			echo "not removed, for something is mounted there: $chroot_home" >&2
		fi
	fi
	return "$status"
}
