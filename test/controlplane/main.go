// Command controlplane runs etcd, kube-apiserver and the few controllers that
// tests rely on in one process.
package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/logs/json/register" // --logging-format=json
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"freehold.test/controlplane/plane"
)

func main() { plane.Main(serve, runControllers) }

func serve(ctx context.Context, p *plane.Plane) error {
	etcd, err := startEtcd(ctx)
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	// Not Close, which is for etcd's clients to part with it in peace: the only
	// client is in this process and ends with it.
	defer etcd.Server.Stop()

	ended := make(chan error, 1)
	go func() { ended <- runAPIServer(ctx, p) }()
	select {
	case err := <-ended:
		return fmt.Errorf("kube-apiserver: %w", err)
	case err := <-etcd.Err():
		return fmt.Errorf("etcd: %w", err)
	case <-ctx.Done():
	}
	// Enough for requests under way. Left alone it waits a second for each
	// client to say goodbye, and a minute for open watches.
	select {
	case <-ended:
	case <-time.After(400 * time.Millisecond):
	}
	return nil
}

func startEtcd(ctx context.Context) (*embed.Etcd, error) {
	client, err := url.Parse(plane.EtcdURL)
	if err != nil {
		return nil, err
	}
	peer, err := url.Parse(plane.EtcdPeerURL)
	if err != nil {
		return nil, err
	}
	config := embed.NewConfig()
	config.Dir = "etcd"
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.LogLevel = "warn"
	config.QuotaBackendBytes = plane.EtcdQuota
	// The data need not outlive the machine; without fsync a write takes
	// microseconds on any disk.
	config.UnsafeNoFsync = true

	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err = <-etcd.Err():
	case <-ctx.Done():
		err = ctx.Err()
	}
	etcd.Close()
	return nil, err
}

// runAPIServer does what kube-apiserver's own command does, but with a listener
// that is already open, and without its handling of signals.
func runAPIServer(ctx context.Context, p *plane.Plane) error {
	s := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range s.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(p.APIServerArgs()); err != nil {
		return err
	}
	s.SecureServing.Listener = p.Listener
	registry := s.GenericServerRunOptions.ComponentGlobalsRegistry
	if err := registry.Set(); err != nil {
		return err
	}
	if err := logsapi.ValidateAndApply(s.Logs, nil); err != nil {
		return err
	}
	completed, err := s.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return fmt.Errorf("%v", errs)
	}
	return app.Run(ctx, completed)
}
