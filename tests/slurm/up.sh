#!/usr/bin/env bash
# Bring up a real single-node Slurm with fake GPUs on the loopback interface, for tests; run as root.
# Nothing here needs systemd or cgroups. Calling it again does nothing that is already done.
#   SLURM_LAB       folder for its state (default: ${TMPDIR:-/tmp}/steadfast_slurm)
#   SLURM_LAB_CPUS  processors that the node claims to have (default: those of this machine); as many GPUs, since
#                   Slurm lets no later job pass one that waits for a GPU of its only node
set -euo pipefail
LAB=${SLURM_LAB:-${TMPDIR:-/tmp}/steadfast_slurm}
CPUS=${SLURM_LAB_CPUS:-$(nproc)}
MEMORY=$(($(awk '/MemTotal/{print $2}' /proc/meminfo) / 1024 * 9 / 10))
HOST=$(hostname -s)

install_packages() {
  command -v slurmctld >/dev/null && command -v munged >/dev/null && return
  # this policy keeps the packages' scripts from starting the daemons with their own configuration
  local policy=/usr/sbin/policy-rc.d made=0
  [[ -e $policy ]] || { printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; made=1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null 2>&1 ||
    { echo "slurm-wlm and munge could not be installed" >&2; made=$((made + 2)); }
  if ((made % 2)); then rm -f $policy; fi
  ((made < 2))
}

write_configuration() {
  umask 022
  mkdir -p "$LAB"/{etc,log,run,spool/ctld,spool/d,munge}
  chmod 700 "$LAB/munge"
  if [[ ! -s $LAB/munge/key ]]; then
    dd if=/dev/urandom bs=1024 count=1 of="$LAB/munge/key" status=none
    chmod 400 "$LAB/munge/key"
  fi
  getent hosts "$HOST" >/dev/null || echo "127.0.0.1 $HOST # steadfast_slurm" >>/etc/hosts
  local gpu
  for gpu in $(seq -f "$LAB/run/fakegpu%g" 0 $((CPUS - 1))); do
    [[ -e $gpu ]] || mknod "$gpu" c 1 3 2>/dev/null || ln -sf /dev/null "$gpu"
  done
  echo "NodeName=$HOST Name=gpu File=$LAB/run/fakegpu[0-$((CPUS - 1))]" >"$LAB/etc/gres.conf"
  cat >"$LAB/etc/slurm.conf" <<CONF
ClusterName=steadfast
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$LAB/run/munge.sock
CryptoType=crypto/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$LAB/spool/ctld
SlurmdSpoolDir=$LAB/spool/d
SlurmctldPidFile=$LAB/run/slurmctld.pid
SlurmdPidFile=$LAB/run/slurmd.pid
SlurmctldLogFile=$LAB/log/slurmctld.log
SlurmdLogFile=$LAB/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
# cons_tres is what makes --gpus work
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=500
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=2,sched_interval=2,defer_batch=0
ReturnToService=2
MpiDefault=none
KillWait=3
# what jobs asked for and were given is looked at when all are done
MinJobAge=3600
InactiveLimit=0
OverTimeLimit=0
AccountingStorageType=accounting_storage/none
GresTypes=gpu
NodeName=$HOST NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=$MEMORY Gres=gpu:$CPUS State=UNKNOWN
PartitionName=main Nodes=$HOST Default=YES MaxTime=INFINITE DefaultTime=60 State=UP
PartitionName=gpu  Nodes=$HOST Default=NO  MaxTime=INFINITE DefaultTime=60 State=UP
CONF
  # the job step plugin drops SLURM_CONF from the environment, so the default place must point here
  mkdir -p /etc/slurm
  local file
  for file in slurm.conf gres.conf; do
    [[ -e /etc/slurm/$file && ! -L /etc/slurm/$file ]] && mv "/etc/slurm/$file" "/etc/slurm/$file.before_steadfast"
    ln -sfn "$LAB/etc/$file" "/etc/slurm/$file"
  done
}

alive() { [[ -s $1 ]] && kill -0 "$(cat "$1")" 2>/dev/null; }

start_daemons() {
  alive "$LAB/run/munged.pid" ||
    /usr/sbin/munged --force --key-file="$LAB/munge/key" --socket="$LAB/run/munge.sock" --num-threads=2 \
      --pid-file="$LAB/run/munged.pid" --log-file="$LAB/log/munged.log" --seed-file="$LAB/munge/seed"
  alive "$LAB/run/slurmctld.pid" || slurmctld
  alive "$LAB/run/slurmd.pid" || slurmd
}

wait_until_usable() {
  local attempt
  for attempt in $(seq 60); do
    [[ "$(timeout 3 sinfo -h -N -p main -o %t 2>/dev/null | head -1)" =~ ^(idle|mix|alloc)$ ]] && return
    timeout 3 scontrol update nodename="$HOST" state=resume >/dev/null 2>&1 || true
    sleep .25
  done
  echo "Slurm did not come up; the end of its log:" >&2
  tail -n 20 "$LAB/log/slurmctld.log" "$LAB/log/slurmd.log" >&2
  exit 1
}

install_packages
# a second one would take the place of the first in /etc/slurm
if ! alive "$LAB/run/slurmctld.pid" && (exec 3<>/dev/tcp/127.0.0.1/16817) 2>/dev/null; then
  echo "another Slurm runs on this machine (port 16817 is taken)" >&2
  exit 1
fi
write_configuration
start_daemons
wait_until_usable
timeout 30 srun -Q -n1 --gpus=1 --mem=50 -t1 true
