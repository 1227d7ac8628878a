package plane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// loadIdentity reads what makes this cluster this cluster to its clients: the
// certificate authority and the administrator's token. A new directory gets
// new ones, once.
func (p *Plane) loadIdentity() error {
	if _, err := os.Stat("pki"); errors.Is(err, fs.ErrNotExist) {
		// Whole or not at all: a run that was cut short must not leave half.
		draft, err := os.MkdirTemp(".", "pki-")
		if err != nil {
			return err
		}
		if err := createIdentity(draft); err != nil {
			return err
		}
		if err := os.Rename(draft, "pki"); err != nil {
			return err
		}
	}
	tokens, err := os.ReadFile("pki/tokens.csv")
	if err != nil {
		return err
	}
	p.Token, _, _ = strings.Cut(string(tokens), ",")
	p.CA, err = os.ReadFile("pki/ca.crt")
	return err
}

func createIdentity(dir string) error {
	ca := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "controlplane-ca"},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)},
	}
	admin := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	var caKey *ecdsa.PrivateKey
	for i, c := range []*x509.Certificate{ca, server, admin} {
		key, err := createKey(filepath.Join(dir, []string{"ca", "server", "admin"}[i]+".key"))
		if err != nil {
			return err
		}
		if caKey == nil {
			caKey = key
		}
		c.SerialNumber = big.NewInt(int64(i + 1))
		c.NotBefore = time.Now().Add(-time.Hour)
		c.NotAfter = c.NotBefore.AddDate(10, 0, 0)
		der, err := x509.CreateCertificate(rand.Reader, c, ca, key.Public(), caKey)
		if err != nil {
			return err
		}
		if err := writePEM(filepath.Join(dir, []string{"ca", "server", "admin"}[i]+".crt"), "CERTIFICATE", der); err != nil {
			return err
		}
	}
	// Signs the tokens of service accounts.
	if _, err := createKey(filepath.Join(dir, "sa.key")); err != nil {
		return err
	}
	line := fmt.Sprintf("%s,admin,admin,system:masters\n", rand.Text())
	return os.WriteFile(filepath.Join(dir, "tokens.csv"), []byte(line), 0o600)
}

func createKey(file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(file, "EC PRIVATE KEY", der)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// Two contexts, the same administrator: by token, which is the current one, and
// by client certificate, for tests of clients that read either.
const kubeconfig = `apiVersion: v1
kind: Config
clusters:
  - name: controlplane
    cluster:
      server: %s
      certificate-authority-data: %s
users:
  - name: admin
    user:
      token: %s
  - name: admin-certificate
    user:
      client-certificate-data: %s
      client-key-data: %s
contexts:
  - name: controlplane
    context: { cluster: controlplane, user: admin }
  - name: controlplane-certificate
    context: { cluster: controlplane, user: admin-certificate }
current-context: controlplane
`

func (p *Plane) writeKubeconfig() error {
	certificate, err := os.ReadFile("pki/admin.crt")
	if err != nil {
		return err
	}
	key, err := os.ReadFile("pki/admin.key")
	if err != nil {
		return err
	}
	base64 := base64.StdEncoding.EncodeToString
	text := fmt.Sprintf(kubeconfig, p.URL, base64(p.CA), p.Token, base64(certificate), base64(key))
	draft := p.kubeconfig + ".new"
	if err := os.WriteFile(draft, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, p.kubeconfig)
}
