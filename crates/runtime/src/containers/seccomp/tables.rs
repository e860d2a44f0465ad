//! The tables behind [`super`]: Docker's default seccomp profile.

/// Who may call what beyond [`ALLOWED`].
pub struct ByCapability {
    /// Without `CAP_`.
    pub capability: &'static str,
    /// Names of system calls.
    pub system_calls: &'static str,
}

/// System calls that every container may make.
pub const ALLOWED: &str = "
accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown
chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range
creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32
fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64
futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents
getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid
getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32
getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel
io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get
ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
lchown32 lgetxattr link linkat listen listmount listxattr listxattrat llistxattr _llseek
lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create
memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt
mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall
munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open
pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl
pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6
pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv
recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename
renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask
rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop
semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto set_robust_list
set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat
shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketcall
socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit
umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4
waitid waitpid write writev";

/// System calls that answer "not permitted" unless a capability allows them.
pub const DENIED: &str = "
acct add_key bpf chroot clock_settime clock_settime64 create_module delete_module fanotify_init
finit_module fsconfig fsmount fsopen fspick get_kernel_syms get_mempolicy init_module
io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl
lookup_dcookie mbind migrate_pages mount mount_setattr move_mount move_pages nfsservctl nice
open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise query_module
quotactl quotactl_fd reboot request_key set_mempolicy set_mempolicy_home_node setdomainname
sethostname setns settimeofday stime swapoff swapon syslog _sysctl sysfs umount umount2 unshare
userfaultfd uselib ustat vhangup vm86 vm86old";

/// System calls that come with a capability.
pub const BY_CAPABILITY: [ByCapability; 14] = [
    ByCapability {
        capability: "DAC_READ_SEARCH",
        system_calls: "open_by_handle_at",
    },
    ByCapability {
        capability: "SYS_ADMIN",
        system_calls: "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount \
                       mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname \
                       sethostname setns syslog umount umount2 unshare",
    },
    ByCapability {
        capability: "SYS_BOOT",
        system_calls: "reboot",
    },
    ByCapability {
        capability: "SYS_CHROOT",
        system_calls: "chroot",
    },
    ByCapability {
        capability: "SYS_MODULE",
        system_calls: "delete_module finit_module init_module",
    },
    ByCapability {
        capability: "SYS_PACCT",
        system_calls: "acct",
    },
    ByCapability {
        capability: "SYS_PTRACE",
        system_calls: "kcmp pidfd_getfd process_madvise",
    },
    ByCapability {
        capability: "SYS_RAWIO",
        system_calls: "ioperm iopl",
    },
    ByCapability {
        capability: "SYS_TIME",
        system_calls: "clock_settime clock_settime64 settimeofday stime",
    },
    ByCapability {
        capability: "SYS_TTY_CONFIG",
        system_calls: "vhangup",
    },
    ByCapability {
        capability: "SYS_NICE",
        system_calls: "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    },
    ByCapability {
        capability: "SYSLOG",
        system_calls: "syslog",
    },
    ByCapability {
        capability: "BPF",
        system_calls: "bpf",
    },
    ByCapability {
        capability: "PERFMON",
        system_calls: "perf_event_open",
    },
];

/// Families of sockets that no container may open: obsolete ones, `AF_ALG` and `AF_VSOCK`.
pub const DENIED_FAMILIES: [u64; 9] = [12, 19, 20, 23, 25, 34, 37, 38, 40];
/// The last family that is known to be harmless.
pub const LAST_FAMILY: u64 = 45;

/// What `personality` may be set to.
pub const PERSONALITIES: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// Flags of `clone` that make namespaces, for `CAP_SYS_ADMIN` only.
pub const NAMESPACE_FLAGS: [u64; 7] = [
    0x2_0000,
    0x200_0000,
    0x400_0000,
    0x800_0000,
    0x1000_0000,
    0x2000_0000,
    0x4000_0000,
];
