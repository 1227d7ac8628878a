// Command launcher has the command line of controlplane, but runs etcd and
// kube-apiserver programs that are there already: those of the directory that
// KUBEBUILDER_ASSETS names.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"freehold.test/controlplane/plane"
)

// assets is what KUBEBUILDER_ASSETS was when this was built.
var assets string

func main() { plane.Main(serve, nil) }

func serve(ctx context.Context, p *plane.Plane) error {
	// The children's parent is, to Linux, the thread that started them.
	runtime.LockOSThread()
	if set := os.Getenv("KUBEBUILDER_ASSETS"); set != "" {
		assets = set
	}
	etcd, err := start("etcd",
		"--data-dir=etcd",
		"--listen-client-urls="+plane.EtcdURL, "--advertise-client-urls="+plane.EtcdURL,
		"--listen-peer-urls="+plane.EtcdPeerURL, "--initial-advertise-peer-urls="+plane.EtcdPeerURL,
		"--initial-cluster=default="+plane.EtcdPeerURL,
		"--quota-backend-bytes="+strconv.Itoa(plane.EtcdQuota),
		"--unsafe-no-fsync", "--log-level=warn")
	if err != nil {
		return err
	}
	defer etcd.stop()
	// kube-apiserver that does not find its etcd tries again a second later.
	for socket := strings.TrimPrefix(plane.EtcdURL, "unix://"); ; time.Sleep(10 * time.Millisecond) {
		if connection, err := net.Dial("unix", socket); err == nil {
			_ = connection.Close()
			break
		}
		select {
		case err := <-etcd.ended:
			return fmt.Errorf("etcd: %v", err)
		case <-ctx.Done():
			return nil
		default:
		}
	}
	// A program takes a number, not an open listener. The port is free from
	// here until kube-apiserver has it.
	args := p.APIServerArgs()
	_ = p.Listener.Close()
	apiserver, err := start("kube-apiserver", args...)
	if err != nil {
		return err
	}
	defer apiserver.stop()
	select {
	case err := <-apiserver.ended:
		return fmt.Errorf("kube-apiserver: %v", err)
	case err := <-etcd.ended:
		return fmt.Errorf("etcd: %v", err)
	case <-ctx.Done():
		return nil
	}
}

type child struct {
	process *os.Process
	ended   chan error
}

func start(name string, args ...string) (*child, error) {
	command := exec.Command(filepath.Join(assets, name), args...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	command.SysProcAttr = attributes()
	if err := command.Start(); err != nil {
		return nil, err
	}
	c := &child{process: command.Process, ended: make(chan error, 1)}
	go func() {
		c.ended <- command.Wait()
		close(c.ended)
	}()
	return c, nil
}

// stop asks, and soon insists: kube-apiserver would wait a minute for open
// watches.
func (c *child) stop() {
	_ = c.process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(400 * time.Millisecond):
		_ = c.process.Kill()
		<-c.ended
	}
}
