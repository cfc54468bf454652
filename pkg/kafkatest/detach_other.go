//go:build !unix

package kafkatest

import "os/exec"

func detach(*exec.Cmd) {}
