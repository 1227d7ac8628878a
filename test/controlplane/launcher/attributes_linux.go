package main

import "syscall"

// attributes takes the children down with the launcher, however it ends, and
// keeps a Ctrl-C in the terminal from reaching them before it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
