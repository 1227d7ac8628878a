#!/usr/bin/env bash
# A real Keystone and a real Ironic from Debian's packages: on the loopback, on sqlite, without a message bus, as plain
# processes. Configuration, databases, logs and process IDs are all in one directory; several can stand side by side.
#
#   openstack.sh install            the packages, where they are missing (needs root, 1-2 min)
#   openstack.sh up    DIR          configures (the first time) and starts; prints one line of JSON when all answers
#   openstack.sh start DIR [NAME]   Ironic alone, after kill; with a NAME: another, empty Ironic behind the same Keystone
#   openstack.sh kill  DIR [NAME]   SIGKILL for Ironic, as a machine that fails
#   openstack.sh crash DIR [NAME]   kill, then start: work that was under way is lost, as after a power failure
#   openstack.sh delay DIR SECONDS [NAME]   from now on each step of fake-hardware takes so long
#   openstack.sh down  DIR          stops all that was started in DIR
#   openstack.sh wipe  DIR          down, then removes DIR
#
# Settings (environment):
#   KEYSTONE_PORT, IRONIC_PORT   default: free ports; remembered in DIR
#   FAKE_DELAY                   seconds each step of fake-hardware takes, default 0
#   TOKEN_SECONDS                how long a token lives, default 3600
#   OWNER_PID                    when this process is gone, all is stopped and DIR is removed
#
# Exit code 77: cannot run on this machine, and why.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# Debian's Python: another one that comes first in PATH does not have Debian's modules.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
python=/usr/bin/python3
password=openstack-admin-password

say() { echo "openstack: $*" >&2; }
die() {
	say "$*"
	exit 1
}
cannot_run() {
	say "cannot run here: $*"
	exit 77
}

installed() { $python -c 'import ironic.version, keystone.version, waitress' 2>/dev/null && command -v curl >/dev/null; }

install_packages() {
	installed && return
	command -v apt-get >/dev/null && [ -e /etc/debian_version ] || cannot_run 'not Debian (no apt-get)'
	[ "$(id -u)" -eq 0 ] || cannot_run 'needs root, to install python3-ironic and python3-keystone'
	export DEBIAN_FRONTEND=noninteractive
	local log try
	log=$(mktemp)
	for try in 1 2; do
		apt-get update -q >"$log" 2>&1 </dev/null &&
			apt-get install -q -y --no-install-recommends python3-ironic python3-keystone curl >"$log" 2>&1 </dev/null &&
			break
		[ $try = 1 ] && say 'apt-get failed, trying once more' && sleep 5
	done
	installed || tail -n 20 "$log" >&2
	rm -f "$log"
	installed || cannot_run 'apt-get could not install python3-ironic and python3-keystone'
}

free_port() { $python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

configure_keystone() {
	local key keystone=$dir/keystone
	mkdir -p "$keystone"/{fernet,credential} && chmod 700 "$keystone"/{fernet,credential} || exit
	for key in fernet/0 fernet/1 credential/0 credential/1; do
		(umask 077 && head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$keystone/$key")
	done
	echo "${KEYSTONE_PORT:-$(free_port)}" >"$keystone/port"
	# Without a cache each call takes 0.3 s. Four rounds are the least that bcrypt takes: a sign-in in 10 ms.
	cat >"$keystone/keystone.conf" <<-END
		[DEFAULT]
		public_endpoint = http://127.0.0.1:$(<"$keystone/port")
		log_file = $keystone/log
		use_stderr = false
		[database]
		connection = sqlite:///$keystone/keystone.sqlite
		sqlite_synchronous = false
		[token]
		expiration = ${TOKEN_SECONDS:-3600}
		[fernet_tokens]
		key_repository = $keystone/fernet
		[fernet_receipts]
		key_repository = $keystone/fernet
		[credential]
		key_repository = $keystone/credential
		[identity]
		password_hash_rounds = 4
		[cache]
		enabled = true
		backend = dogpile.cache.memory
		expiration_time = 60
	END
}

# manual-management and redfish need one real boot and deploy interface each; a conductor whose drivers lack one hangs.
configure_ironic() {
	local ironic=$dir/$name keystone
	keystone=http://127.0.0.1:$(<"$dir/keystone/port")
	mkdir -p "$ironic"/{state,http,tftp} || exit
	echo "${IRONIC_PORT:-$(free_port)}" >"$ironic/port"
	echo "${FAKE_DELAY:-0}" >"$ironic/delay"
	cat >"$ironic/ironic.conf" <<-END
		[DEFAULT]
		auth_strategy = keystone
		host = conductor
		my_ip = 127.0.0.1
		state_path = $ironic/state
		log_file = $ironic/log
		use_stderr = false
		rpc_transport = none
		enabled_hardware_types = fake-hardware,manual-management,redfish
		enabled_bios_interfaces = fake,no-bios
		enabled_boot_interfaces = fake,pxe
		enabled_console_interfaces = fake,no-console
		enabled_deploy_interfaces = fake,direct,ramdisk
		enabled_inspect_interfaces = fake,no-inspect
		enabled_management_interfaces = fake,noop,redfish
		enabled_network_interfaces = noop
		enabled_power_interfaces = fake,redfish
		enabled_raid_interfaces = fake,no-raid
		enabled_rescue_interfaces = fake,no-rescue
		enabled_storage_interfaces = noop,fake
		enabled_vendor_interfaces = fake,no-vendor
		default_network_interface = noop
		[api]
		host_ip = 127.0.0.1
		port = $(<"$ironic/port")
		# A forked worker would have no conductor in it.
		api_workers = 1
		[conductor]
		automated_clean = true
		[database]
		connection = sqlite:///$ironic/ironic.sqlite
		sqlite_synchronous = false
		[dhcp]
		dhcp_provider = none
		[deploy]
		http_root = $ironic/http
		[pxe]
		tftp_root = $ironic/tftp
		[redfish]
		connection_attempts = 1
		[service_catalog]
		auth_type = none
		endpoint_override = http://127.0.0.1:$(<"$ironic/port")
		[oslo_concurrency]
		lock_path = $ironic/state/locks
		[oslo_messaging_notifications]
		driver = noop
		[keystone_authtoken]
		www_authenticate_uri = $keystone
		auth_url = $keystone
		auth_type = password
		username = admin
		password = $password
		project_name = admin
		user_domain_name = Default
		project_domain_name = Default
		memcached_servers =
		token_cache_time = 10
	END
}

# alive NAME: is the process that we started as NAME still there, and it and no other?
alive() {
	local pid
	pid=$(cat "$dir/$1/pid" 2>/dev/null) && tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$dir/$1"
}

# launch NAME PROGRAM ARGUMENT…: a process that outlives this shell.
launch() {
	alive "$1" && return
	setsid $python "$here/$2" "$dir/$1" "${@:3}" </dev/null >>"$dir/$1/out" 2>&1 &
	echo $! >"$dir/$1/pid"
}
launch_keystone() {
	launch keystone serve-keystone.py "$(<"$dir/keystone/port")" "http://127.0.0.1:$(<"$dir/ironic/port")" "$password"
}
launch_ironic() { launch "$name" serve-ironic.py; }

# answers NAME PATH: waits until it does.
answers() {
	local end=$((SECONDS + 90)) log
	until curl -s -f -o /dev/null -m 5 "http://127.0.0.1:$(<"$dir/$1/port")$2"; do
		if ! alive "$1" || [ $SECONDS -ge $end ] || grep -qs 'Failed to register hardware types' "$dir/$1/log"; then
			for log in "$dir/$1/out" "$dir/$1/log"; do [ -e "$log" ] && tail -n 15 "$log" >&2; done
			end "$1" 0
			die "$1 did not start"
		fi
		sleep 0.1
	done
}

print_info() {
	local at=http://127.0.0.1
	printf '{"authURL":"%s","endpoint":"%s","project":"admin","username":"admin","password":"%s","domain":"Default","region":"RegionOne","driver":"fake-hardware"}\n' \
		"$at:$(<"$dir/keystone/port")/v3" "$at:$(<"$dir/$name/port")" "$password"
}

# gone PID: ended, its sockets closed. (Its command line is empty some ms earlier; a zombie is as good as gone.)
gone() {
	local stat
	! stat=$(cat "/proc/$1/stat" 2>/dev/null) || [[ $stat == *') Z '* ]]
}

# end NAME SECONDS: SIGTERM, and SIGKILL for what is there after so long, at once with 0.
end() {
	local pid end=$((SECONDS + $2))
	alive "$1" || return
	pid=$(<"$dir/$1/pid")
	[ "$2" -eq 0 ] || kill -TERM "$pid"
	until gone "$pid"; do
		[ $SECONDS -lt $end ] || kill -KILL "$pid" 2>/dev/null
		sleep 0.05
	done
}

start_ironic() {
	[ -e "$dir/keystone/ready" ] || die "there is no Keystone in $dir: up"
	[ -e "$dir/$name/ironic.conf" ] || configure_ironic
	launch_ironic
	answers "$name" /
}

kill_ironic() {
	alive "$name" || die "$name is not up in $dir"
	end "$name" 0
}

up() {
	installed || install_packages
	[ -e "$dir/keystone/keystone.conf" ] || { configure_keystone && configure_ironic; }
	launch_keystone
	launch_ironic
	answers keystone /v3
	touch "$dir/keystone/ready"
	answers ironic /
	if [ -n "${OWNER_PID:-}" ]; then
		setsid bash -c 'tail --pid="$1" -f /dev/null; exec "$2" wipe "$3"' _ "$OWNER_PID" "$here/openstack.sh" "$dir" \
			</dev/null >/dev/null 2>&1 &
	fi
}

# Ironic waits on SIGTERM for work under way.
down() {
	local pid
	for pid in "$dir"/*/pid; do
		[ -e "$pid" ] && end "$(basename "$(dirname "$pid")")" 5
	done
}

command=${1:-}
[ "$command" = install ] || [ $# -ge 2 ] || command=
dir=${2:-}
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
name=${3:-ironic}
case $command in
install) install_packages ;;
up)
	name=ironic
	up
	print_info
	;;
start)
	start_ironic
	print_info
	;;
kill) kill_ironic ;;
crash)
	kill_ironic
	start_ironic
	;;
delay) echo "$3" >"$dir/${4:-ironic}/delay" ;;
down) down ;;
wipe)
	down
	[ ! -e "$dir/keystone/port" ] || rm -rf "$dir"
	;;
*)
	sed -n '2,/^set -u/{/^set/d;s/^# \{0,1\}//;p}' "$0"
	exit 2
	;;
esac
