package ui_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBrowser runs console.test.mjs against the fixture. UI_SHOTS names a folder for the screenshots.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser is started: not in -short")
	}
	tools, err := exec.Command("sh", "../../../scripts/setup/ui.sh").Output()
	if err != nil {
		t.Fatalf("install the browser tests' packages: %v", err)
	}
	s := open(t)
	dir := strings.TrimSpace(string(tools))
	c := exec.CommandContext(t.Context(), filepath.Join(dir, "node"), "--test", "--test-reporter=spec", "console.test.mjs")
	shots := os.Getenv("UI_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	c.Env = append(os.Environ(), "BASE_URL="+s.url, "UI_EMAIL="+s.Email, "UI_PASSWORD="+s.Password, "UI_SHOTS="+shots, "UI_BOOKS=made-up")
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("the browser test failed: %v", err)
	}
}
