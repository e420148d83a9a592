#!/bin/sh
# Boots a systemd as process 1 of namespaces of its own, in a root folder of its own in memory.
# Run as the first process of new mount, pid, network, uts, ipc and cgroup namespaces: all that is
# mounted here goes with them. Arguments: an empty folder for the root; what is copied into it; the
# interpreter's prefix; its packages; a folder that is seen as /opt/samples.
set -eu
root=$1 filling=$2 prefix=$3 packages=$4 samples=$5

mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p usr etc proc sys dev run tmp old opt/python opt/samples
chmod 1777 tmp
cp -r "$filling/." .
for name in bin sbin lib lib64; do
    if [ -L "/$name" ]; then cp -P "/$name" "$name"; fi
done

see() { # another's folder, to be read only
    mount --rbind "$1" "$2"
    mount -o remount,ro,bind "$2"
}
see /usr usr
see "$prefix" opt/python
{ # its own library before another of the same version
    echo /opt/python/lib
    cat /etc/ld.so.conf.d/*.conf 2>/dev/null || :
} >etc/ld.so.conf
ldconfig -X -r "$root"
see "$samples" opt/samples
mount -t overlay -o "ro,lowerdir=$root/opt/ours:$packages" overlay \
    opt/encounter/lib/python3/site-packages

mount -t proc proc proc
see proc/sys proc/sys # no setting of the whole machine is changed
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
touch dev/console
mount --bind dev/null dev/console

pivot_root . old
umount -l old
exec env -i container=test PATH=/usr/bin:/usr/sbin:/bin:/sbin \
    /lib/systemd/systemd --system --unit=encounter-test.target --show-status=0
