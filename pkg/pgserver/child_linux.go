package pgserver

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent makes the kernel ask the child for a fast shutdown when the thread that started it ends, also by kill -9.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// executable is this program under a name that the account can open even where it can't enter the program's folder.
func executable() (string, error) { return "/proc/self/exe", nil }

// livingIn lists the processes of the cluster: PostgreSQL's processes all work in their data folder.
func livingIn(pgdata string) ([]int, error) {
	pgdata, err := filepath.EvalSymlinks(pgdata)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// Unreadable is another user's, or gone meanwhile; neither can be of this cluster.
		if at, err := os.Readlink("/proc/" + entry.Name() + "/cwd"); err == nil && at == pgdata && !zombie(entry.Name()) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// zombie: an ended process whose parent has not asked for its result yet.
func zombie(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}
