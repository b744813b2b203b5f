#!/usr/bin/env bash
# Stop what up.sh started, undo its links in /etc/slurm and remove its state.
set -uo pipefail
LAB=${SLURM_LAB:-${TMPDIR:-/tmp}/steadfast_slurm}

timeout 10 scancel -u root 2>/dev/null
sleep 1
for daemon in slurmd slurmctld munged; do
  file=$LAB/run/$daemon.pid
  [[ -s $file ]] || continue
  pid=$(cat "$file")
  kill "$pid" 2>/dev/null
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep .1; done
  kill -9 "$pid" 2>/dev/null
done
for file in slurm.conf gres.conf; do
  [[ -L /etc/slurm/$file && "$(readlink "/etc/slurm/$file")" == "$LAB"/* ]] && rm -f "/etc/slurm/$file"
  [[ -e /etc/slurm/$file.before_steadfast ]] && mv "/etc/slurm/$file.before_steadfast" "/etc/slurm/$file"
done
sed -i '/# steadfast_slurm$/d' /etc/hosts 2>/dev/null
rm -rf "$LAB"
exit 0
