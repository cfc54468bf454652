package chart_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// What the image holds starts: the binary of the container file's own build command, its certificates and nothing else, as its user, on a root that can't be written. No container daemon is needed.
func TestTheImagesContentStarts(t *testing.T) {
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("builds the image's binary and runs it in a root of its own: needs root, and runs not with -short")
	}
	file := read(t, "deploy/Containerfile")
	build := regexp.MustCompile(`(?m)^RUN (CGO_ENABLED=0 go build .+) -o /evenkeel (\S+)$`).FindStringSubmatch(file)
	user := regexp.MustCompile(`(?m)^USER (\S+)$`).FindStringSubmatch(file)
	if build == nil || user == nil {
		t.Fatal("the container file has no build, or no user")
	}
	image := t.TempDir()
	for dir := image; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put := func(path, text string) {
		path = filepath.Join(image, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("secret/master", strings.Repeat("5e", 32)) // mounted by whoever runs it
	certificates, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Skipf("this machine has no certificates to copy: %v", err)
	}
	put("etc/ssl/certs/ca-certificates.crt", string(certificates))
	compile := exec.CommandContext(t.Context(), "sh", "-ec", build[1]+` -o "$0" `+build[2], filepath.Join(image, "evenkeel"))
	compile.Dir, compile.Env = root, append(os.Environ(), "VERSION=of-the-image")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// start runs the entry point in a mount namespace of its own, where the image is read-only.
	start := func(args ...string) (string, error) {
		inside := exec.CommandContext(t.Context(), "sh", append([]string{"-ec",
			`mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; if touch "$0/written" 2>&-; then echo writable; exit 9; fi; user=$1; shift; exec chroot --userspec="$user" "$0" /evenkeel "$@"`,
			image, user[1]}, args...)...)
		inside.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		inside.Env = []string{"PATH=" + os.Getenv("PATH")}
		out, err := inside.CombinedOutput()
		return string(out), err
	}
	out, err := start("--version")
	if err != nil && strings.Contains(out, "mount:") {
		t.Skipf("nothing can be mounted here: %s", out)
	}
	if err != nil || strings.TrimSpace(out) != "of-the-image" {
		t.Fatalf("%v: %s", err, out)
	}
	// With all it needs inside, a service gets as far as its broker.
	for name, want := range map[string]string{"claims": "no Kafka broker answers at 127.0.0.1:1", "gateway": "no Kafka broker answers at 127.0.0.1:1"} {
		out, err := start("serve", "--target="+name, "--database-url=postgres://127.0.0.1:1/x", "--kafka-brokers=127.0.0.1:1", "--kafka-tls", "--secret-file=/secret/master")
		if err == nil || !strings.Contains(out, want) || strings.Contains(out, "read-only file system") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}
