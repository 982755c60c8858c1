"""Processes under measurement: started on their core, their CPU time, memory and threads read
from /proc, and ended by their own pid.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import resource
import shutil
import signal
import socket
import subprocess
import time

CORES = sorted(os.sched_getaffinity(0))
# The one measured has a core to itself; whatever loads it shares the others.
SUBJECT_CORES = CORES[:1]
LOAD_CORES = CORES[1:] or CORES[:1]


def raise_file_limit(wanted=65536):
    """Open files for this process and those it starts.  Returns what we got."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (OSError, ValueError):
            wanted = hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def on_cores(argv, cores):
    if shutil.which("taskset") is None:
        return argv
    return ["taskset", "-c", ",".join(map(str, cores))] + argv


def wait_for_port(port, process=None, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode} at start")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


class Server:
    """One server process.  `pid` is the one that does the work."""

    def __init__(self, name, argv, port, log, cores=None, env=None, seconds=20):
        self.name, self.port = name, port
        self.log = open(log, "ab")
        self.process = subprocess.Popen(
            on_cores(argv, cores or CORES), stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, env={**os.environ, **(env or {})})
        try:
            wait_for_port(port, self.process, seconds)
        except RuntimeError:
            self.stop()
            raise
        self.pid = self.process.pid

    def use_child(self):
        """nginx works in a child of the process we started, which listens before there is one."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
                children = f.read().split()
            if children:
                self.pid = int(children[0])
                return self
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self.name} started no child that works")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def cpu_ns(self):
        """User and system time of all threads.  schedstat counts nanoseconds; stat, the
        fallback, counts ticks of 10 ms."""
        total = 0
        for task in glob.glob(f"/proc/{self.pid}/task/*"):
            try:
                with open(f"{task}/schedstat") as f:
                    total += int(f.read().split()[0])
            except FileNotFoundError:
                with open(f"{task}/stat") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) * 10**9 // os.sysconf("SC_CLK_TCK")
        return total

    def move(self, cores):
        for task in glob.glob(f"/proc/{self.pid}/task/*"):
            os.sched_setaffinity(int(os.path.basename(task)), cores)

    def memory_kib(self, what="VmRSS"):
        with open(f"/proc/{self.pid}/status") as f:
            for line in f:
                if line.startswith(what + ":"):
                    return int(line.split()[1])
        return 0

    def stop(self, seconds=10):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
