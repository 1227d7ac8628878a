// Package plane holds what every way of running the test control plane has in
// common: the command line, the files in the data directory, the flags of
// kube-apiserver and the wait until it is ready. It needs nothing but the
// standard library, so that the launcher builds without downloading anything.
package plane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

const (
	// The sockets are named relative to the data directory, which is the
	// working directory: absolute paths of sockets end at some 100 bytes. The
	// directory is the owner's alone, so nobody else reaches etcd past the
	// API server. etcd wants a port in every address; here it is just a part of
	// the file's name.
	EtcdURL     = "unix://etcd.sock:0"
	EtcdPeerURL = "unix://etcd-peer.sock:0"
	EtcdQuota   = 512 << 20

	readyTimeout = 2 * time.Minute
	stopTimeout  = 1500 * time.Millisecond
)

// Plane is one control plane about to run. The working directory is its data
// directory.
type Plane struct {
	URL string
	// Listener is already bound, so no other process can take the port. Whoever
	// cannot hand it on to its API server closes it.
	Listener   net.Listener
	Token      string
	CA         []byte
	extraArgs  []string
	kubeconfig string
}

// Main is the program. serve runs etcd and the API server until the context
// ends; controllers, if there are any, is called once the API answers, and
// returns when they run.
func Main(serve, controllers func(context.Context, *Plane) error) {
	// A second descriptor, because the first becomes the log file.
	stderr := os.Stderr
	if fd, err := syscall.Dup(2); err == nil {
		syscall.CloseOnExec(fd)
		stderr = os.NewFile(uintptr(fd), "stderr")
		_ = debug.SetCrashOutput(stderr, debug.CrashOptions{})
	}
	if err := run(serve, controllers); err != nil {
		fmt.Fprintln(stderr, "controlplane:", err)
		os.Exit(1)
	}
	// Ends whatever hangs on in goroutines, such as watches nobody closed.
	os.Exit(0)
}

func run(serve, controllers func(context.Context, *Plane) error) error {
	p := &Plane{}
	dir := flag.String("data", "", "data directory; a new one is a new cluster, an old one is taken up again")
	port := flag.Int("port", 0, "port on 127.0.0.1; 0 takes a free one")
	flag.StringVar(&p.kubeconfig, "kubeconfig", "", "file to write the administrator's kubeconfig to")
	untilEOF := flag.Bool("until-stdin-closes", false, "also end when standard input ends, that is with the parent process")
	flag.Func("apiserver-arg", "one more argument for kube-apiserver, may be repeated; files by absolute path", func(arg string) error {
		p.extraArgs = append(p.extraArgs, arg)
		return nil
	})
	flag.Parse()
	if *dir == "" || p.kubeconfig == "" || flag.NArg() > 0 {
		return fmt.Errorf("usage: controlplane --data DIR --kubeconfig FILE [--port N] [--until-stdin-closes] [--apiserver-arg=ARG]")
	}

	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if *untilEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	}

	if err := p.open(*dir, *port); err != nil {
		return err
	}

	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, p) }()
	started := make(chan error, 1)
	go func() { started <- p.start(ctx, controllers) }()

	logged := func(err error) error {
		return fmt.Errorf("%w (see %s)", err, filepath.Join(*dir, "controlplane.log"))
	}
	for {
		select {
		case err := <-started:
			if err != nil && ctx.Err() == nil {
				return logged(err)
			}
		case err := <-ended:
			if ctx.Err() == nil {
				return logged(fmt.Errorf("the control plane ended by itself: %v", err))
			}
			return nil
		case <-ctx.Done():
			select {
			case <-ended:
			case <-time.After(stopTimeout):
			}
			return nil
		}
	}
}

// open makes the data directory the working directory and this process its
// only user, and takes the port.
func (p *Plane) open(dir string, port int) (err error) {
	if p.kubeconfig, err = filepath.Abs(p.kubeconfig); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Chdir(dir); err != nil {
		return err
	}
	// A second process would take over etcd's sockets and then wait for its
	// database for ever. The lock ends with the process, however that ends. (A
	// bare descriptor: an os.File is closed, and so unlocked, when it is
	// collected.)
	lock, err := syscall.Open("lock", syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	if err := patiently(func() error { return syscall.Flock(lock, syscall.LOCK_EX|syscall.LOCK_NB) }); err != nil {
		return fmt.Errorf("%s is in use by another control plane", dir)
	}
	if err := patiently(func() error { p.Listener, err = listen(port); return err }); err != nil {
		return err
	}
	p.URL = "https://" + p.Listener.Addr().String()
	if err := p.loadIdentity(); err != nil {
		return err
	}
	// Standard output is for the one line, standard error for what went wrong
	// here; the servers' talk goes to a file.
	// Not only os.Stderr: some loggers took the descriptor before main began.
	log, err := os.OpenFile("controlplane.log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	return dup2(int(log.Fd()), 2)
}

// patiently tries again for a moment: what this process needs may be held by
// its predecessor, on the way out.
func patiently(try func() error) (err error) {
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return nil
		}
	}
	return err
}

// listen takes the given port or a free one. The free one comes from below the
// range that outgoing connections take their ports from: no connection can sit
// on it when a test starts the API server again on the same port.
func listen(port int) (net.Listener, error) {
	if port != 0 {
		return net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	}
	for tries := 0; ; tries++ {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(20000+rand.IntN(12000)))
		if err == nil || tries == 100 {
			return l, err
		}
	}
}

// APIServerArgs is kube-apiserver's command line.
func (p *Plane) APIServerArgs() []string {
	return append([]string{
		"--etcd-servers=" + EtcdURL,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(p.Listener.Addr().(*net.TCPAddr).Port),
		"--tls-cert-file=pki/server.crt",
		"--tls-private-key-file=pki/server.key",
		"--client-ca-file=pki/ca.crt",
		"--token-auth-file=pki/tokens.csv",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=pki/sa.key",
		"--service-account-signing-key-file=pki/sa.key",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--authorization-mode=RBAC",
		// There is no other API server and no network to reach it through.
		"--endpoint-reconciler-type=none",
		// Would refuse pods until a controller has made the service account.
		"--disable-admission-plugins=ServiceAccount",
		"--profiling=false",
	}, p.extraArgs...)
}

// start waits until the API is usable, starts the controllers and says so.
func (p *Plane) start(ctx context.Context, controllers func(context.Context, *Plane) error) error {
	// The namespaces are made by the API server itself, after it is ready.
	for _, path := range []string{"/readyz", "/api/v1/namespaces/default"} {
		if err := p.await(ctx, path); err != nil {
			return err
		}
	}
	if controllers != nil {
		if err := controllers(ctx, p); err != nil {
			return err
		}
	}
	if err := p.writeKubeconfig(); err != nil {
		return err
	}
	_, err := fmt.Printf("controlplane ready %s kubeconfig %s\n", p.URL, p.kubeconfig)
	return err
}

func (p *Plane) await(ctx context.Context, path string) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.CA)
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+path, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+p.Token)
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("status %s", response.Status)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not there after %s: %w", path, readyTimeout, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
