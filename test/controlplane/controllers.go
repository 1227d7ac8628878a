package main

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace/deletion"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"

	"freehold.test/controlplane/plane"
)

// runControllers runs the parts of kube-controller-manager that the end of
// objects depends on. They are put together here rather than taken as a whole,
// because the whole waits longer than a test wants to: five seconds before it
// empties a namespace, thirty until the garbage collector sees a new kind.
func runControllers(ctx context.Context, p *plane.Plane) error {
	config := &rest.Config{
		Host:            p.URL,
		BearerToken:     p.Token,
		TLSClientConfig: rest.TLSClientConfig{CAData: p.CA},
		QPS:             -1, // no limit
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	objects, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	typed := informers.NewSharedInformerFactory(client, 0)
	namespaces := typed.Core().V1().Namespaces()

	accounts, err := serviceaccount.NewServiceAccountsController(klog.FromContext(ctx),
		typed.Core().V1().ServiceAccounts(), namespaces, client, serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return err
	}

	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	watched := informerfactory.NewInformerFactory(typed, metadatainformer.NewSharedInformerFactory(objects, 0))
	started := make(chan struct{})
	garbage, err := garbagecollector.NewGarbageCollector(ctx, client, objects, mapper,
		garbagecollector.DefaultIgnoredResources(), watched, started)
	if err != nil {
		return err
	}

	deleter := deletion.NewNamespacedResourcesDeleter(ctx, client.CoreV1().Namespaces(), objects, client.CoreV1(),
		client.Discovery().ServerPreferredNamespacedResources, corev1.FinalizerKubernetes)
	emptyNamespaces := func(ctx context.Context) {
		all, _ := namespaces.Lister().List(labels.Everything())
		for _, namespace := range all {
			if namespace.DeletionTimestamp != nil {
				// What remains, and why, is in the namespace's conditions; the
				// next round tries again.
				_ = deleter.Delete(ctx, namespace.Name)
			}
		}
	}

	watched.Start(ctx.Done())
	close(started)
	if !cache.WaitForCacheSync(ctx.Done(), namespaces.Informer().HasSynced) {
		return errors.New("the namespaces were not listed")
	}
	go wait.UntilWithContext(ctx, emptyNamespaces, 250*time.Millisecond)
	go accounts.Run(ctx, 1)
	go garbage.Run(ctx, 5, time.Second)
	go garbage.Sync(ctx, client.Discovery(), time.Second)
	return nil
}
