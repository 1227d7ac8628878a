package plane

import "syscall"

// dup2 by its newer name, because not every processor's Linux has the old one.
func dup2(from, to int) error { return syscall.Dup3(from, to, 0) }
